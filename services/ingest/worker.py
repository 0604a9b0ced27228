"""Fetches the articles that were announced by URL alone, with back-off, and says why when it cannot."""

import asyncio
import contextlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from services.ingest import store
from services.ingest.core.document import Kind
from services.ingest.intake import Intake, fetched
from shared.clock import Clock
from shared.db import Database
from shared.errors import InputError, Unavailable
from shared.logs import get
from shared.outbound.client import Outbound
from shared.outbound.coding import ACCEPT_ENCODING, decode
from shared.outbound.exchange import Exchange, Fault
from shared.urls import UrlError, parse

BACKOFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 720))
MAX_DECODED = 20 * 1024 * 1024
HOPS = 10
KINDS: dict[str, Kind] = {"text/markdown": "text/markdown", "text/plain": "text/plain"}
IDLE = 2.0

log = get(__name__)


class Worker:
    """Turns announced articles into versions."""

    def __init__(self, db: Database, intake: Intake, outbound: Outbound, clock: Clock, *, deadline: float) -> None:
        self._db, self._intake, self._outbound, self._clock = db, intake, outbound, clock
        self._deadline = deadline

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`."""
        while not stop.is_set():
            try:
                done = await self.turn()
            except Unavailable as error:
                log.warning("articles wait for the store", error=str(error))
                done = 0
            if not done:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), IDLE)

    async def turn(self, limit: int = 8) -> int:
        """Fetch what is due now; returns how many were tried."""
        async with self._db.write() as tx:
            rows = await store.waiting(tx, self._clock.now(), limit)
        await asyncio.gather(*(self._one(row) for row in rows))
        return len(rows)

    async def _one(self, row: Mapping[str, Any]) -> None:
        try:
            body, kind, content_type = await fetch_article(self._outbound, row["url"], self._deadline)
            await self._intake.receive(fetched(dict(row), body, kind, content_type))
        except InputError as error:
            tries = row["fetch_tries"]
            again = self._clock.now() + BACKOFF[tries] if tries < len(BACKOFF) else None
            async with self._db.write() as tx:
                await store.fetch_failed(tx, row["article_id"], str(error), again)


async def fetch_article(outbound: Outbound, url: str, deadline: float) -> tuple[bytes, Kind, str | None]:
    """Body (decoded), kind and content type of an article's page. Raises `InputError` that says what is wrong."""
    until = asyncio.get_running_loop().time() + deadline
    headers = (
        ("Accept", "text/html,text/markdown;q=0.9,text/plain;q=0.8,*/*;q=0.1"),
        ("Accept-Encoding", ACCEPT_ENCODING),
    )
    async with outbound.session() as session:
        place = url
        for _ in range(HOPS):
            left = until - asyncio.get_running_loop().time()
            found = await session.exchange("GET", place, headers=headers, deadline=max(0.1, left))
            if isinstance(found, Fault):
                raise InputError(f"{url}: {found.detail or found.reason}", "Check the address.")
            location = found.header("location")
            if found.status not in (301, 302, 303, 307, 308) or not location:
                return _usable(url, found)
            try:
                place = parse(location, place).href
            except UrlError:
                break
    raise InputError(f"{url}: the redirects lead nowhere.", "Give the address of the article itself.")


def _usable(url: str, found: Exchange) -> tuple[bytes, Kind, str | None]:
    if found.status != 200:
        raise InputError(f"{url}: the server answers {found.status}.", "Check the address.")
    content_type = found.header("content-type")
    media_type = (content_type or "text/html").partition(";")[0].strip().lower()
    kind = KINDS.get(media_type, "text/html")
    if media_type not in ("text/html", "application/xhtml+xml", "text/markdown", "text/plain"):
        raise InputError(f"{url}: it is {media_type}, no article.", "Give a page of text.")
    body, _ = decode(found, MAX_DECODED)
    return body, kind, content_type
