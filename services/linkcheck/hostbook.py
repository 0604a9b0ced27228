"""What is known of a host beside the link at hand: its answer for a path that cannot exist, and its sinks.

Asked only when a page is suspect, and once a day; the answer is kept in the database for all workers.
"""

import secrets
from collections.abc import Collection
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.ext.asyncio import AsyncConnection

from services.linkcheck.core.model import HostFacts, Page
from services.linkcheck.fetch import Fetched, Session
from services.linkcheck.readers import Readers
from services.linkcheck.store import dossiers, results
from shared.clock import Clock
from shared.db import Database
from shared.urls import parse

FRESH = timedelta(days=1)
PROBE_TEXT = 20_000
"""Characters of the missing page that are kept."""
SINK = 3
"""Several links of a host that end in one place make it a sink."""
SINKS = 5
"""Sinks of a host that are remembered."""


class HostBook:
    """Reads and refreshes host facts."""

    def __init__(self, db: Database, readers: Readers, clock: Clock) -> None:
        self._db, self._readers, self._clock = db, readers, clock

    async def known(self, tx: AsyncConnection, names: Collection[str]) -> dict[str, HostFacts]:
        """What the database holds of these hosts."""
        probes = await dossiers.read_probes(tx, names, self._clock.now() - FRESH)
        sinks = await dossiers.read_sinks(tx, names, SINK)
        return {host: _facts(probes.get(host), tuple(sinks.get(host, ())[:SINKS])) for host in names}

    async def probed(self, host: str, url: str, session: Session, *, apart: bool) -> HostFacts:
        """The same of one host, after asking it for a sibling of `url` that cannot exist, unless that is known.
        `apart`: see `Readers.read`.
        """
        facts = await self._look_up(host)
        if facts.missing_status is not None:
            return facts
        fetched = await session.fetch(sibling(url))
        probe = await self._probe(fetched, apart=apart)
        async with self._db.write() as tx:
            await results.save_probe(tx, host, probe, self._clock.now())
        return await self._look_up(host)

    async def _probe(self, fetched: Fetched, *, apart: bool) -> dict[str, Any]:
        if not fetched.exchanges:
            return {"status": 0, "final_url": fetched.final_url}
        last = fetched.exchanges[-1]
        page = await self._readers.page_of(last, fetched.final_url, apart=apart)
        return {
            "status": last.status,
            "final_url": fetched.final_url,
            "title": page.title,
            "main": page.main[:PROBE_TEXT],
            "full": page.full[:PROBE_TEXT],
            "media_type": page.media_type,
            "headings": list(page.headings)[:10],
        }

    async def _look_up(self, host: str) -> HostFacts:
        async with self._db.read() as tx:
            return (await self.known(tx, [host]))[host]


def sibling(url: str) -> str:
    """A path beside this one that cannot exist (Bar-Yossef et al. 2004): same folder, same ending, random name."""
    parts = urlsplit(parse(url).href)
    folder, _, name = parts.path.rpartition("/")
    ending = "." + name.rpartition(".")[2] if "." in name and len(name.rpartition(".")[2]) <= 5 else ""
    return f"{parts.scheme}://{parts.netloc}{folder}/{secrets.token_hex(12)}{ending}"


def _facts(probe: dict[str, Any] | None, sinks: tuple[tuple[str, int], ...]) -> HostFacts:
    if probe is None or not probe["status"]:
        return HostFacts(sinks=sinks)
    page = Page(
        media_type=probe["media_type"],
        title=probe["title"],
        main=probe["main"],
        full=probe["full"],
        headings=tuple(probe["headings"]),
    )
    return HostFacts(
        missing_page=page, missing_status=probe["status"], missing_final_url=probe["final_url"], sinks=sinks
    )
