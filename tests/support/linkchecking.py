"""Linkcheck on a real database and archive, with a clock that tests move, over real sockets to a scripted origin.

async with linkchecking(tmp_path, origin, confirm_checks=2) as bench:
    link_id = await bench.cite(url, claim="The harbour is nine metres deep.")
    await bench.check(); bench.clock.forward(hours=80); await bench.check()
    (await bench.link(link_id))["status"]
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.linkcheck import app
from services.linkcheck.app import Linkcheck
from services.linkcheck.core.dossier import Snapshot
from services.linkcheck.settings import LinkcheckSettings
from services.linkcheck.store import registry, reports
from services.linkcheck.tables import links
from shared import migrate
from shared.db import Database
from shared.eventlog import tables as eventlog
from shared.events import ArticleReceived, CitationChanged, CitedLink, Event
from shared.settings import load
from tests.support.notifying import MovedClock
from tests.support.origin import Origin

CLAIM = "The harbour was dredged to a depth of nine metres in the spring of 2019."
SENTENCE = f"<p>{CLAIM}</p>"
TEXT = "<p>" + "The pilots met in the old customs house and spoke of the channel and the winter. " * 12 + "</p>"
PAGE = f"<title>Tides turn early</title><h1>Tides turn early</h1>{TEXT}{SENTENCE}"


@dataclass
class Bench:
    """Linkcheck, step by step."""

    linkcheck: Linkcheck
    db: Database
    clock: Any
    link_ids: list[str] = field(default_factory=list)
    article_ids: list[str] = field(default_factory=list)

    async def cite(self, url: str, claim: str = CLAIM, article: str = "art_1") -> str:
        """An article with one citation of `url`; returns the link's id."""
        citation = CitedLink(
            citation_id=f"cit_{len(self.link_ids)}", claim=claim, context=claim, anchor=claim[:30], href=url,
            target=url, position=0,
        )  # fmt: skip
        received = ArticleReceived(
            article_id=f"{article}_{len(self.link_ids)}", version=1, source="test", url="https://paper.test/1",
            title="Harbour", received_at=self.clock.now(), citations=(citation,), other_links=(),
        )  # fmt: skip
        self.article_ids.append(received.article_id)
        async with self.db.write() as tx:
            await registry.register(tx, [received], self.clock.now())
        async with self.db.read() as tx:
            known = set(await tx.scalars(links.select().with_only_columns(links.c.link_id)))
        self.link_ids += sorted(known - set(self.link_ids))
        return self.link_ids[-1]

    async def take_over(self, received: ArticleReceived) -> dict[str, Any]:
        """An article as ingest told of it; returns its report."""
        async with self.db.write() as tx:
            await registry.register(tx, [received], self.clock.now())
        async with self.db.read() as tx:
            found = await reports.report(tx, received.article_id)
        assert found is not None
        return found

    async def check(self, *link_ids: str) -> None:
        """Check these links now, or all."""
        await self.linkcheck.worker().check_now(link_ids or self.link_ids)

    async def link(self, link_id: str) -> dict[str, Any]:
        """`GET /v1/links/{id}?debug=1`."""
        async with self.db.read() as tx:
            found = await reports.link_detail(tx, link_id, debug=True)
        assert found is not None
        return found

    async def snapshots(self) -> list[Snapshot]:
        """Every capture, in order of time."""
        async with self.db.read() as tx:
            return await reports.all_snapshots(tx)

    async def changes(self) -> list[CitationChanged]:
        """Every `citation.changed` so far."""
        async with self.db.read() as tx:
            rows = (await tx.execute(eventlog.outbox.select().order_by(eventlog.outbox.c.position))).all()
        found = [Event.model_validate_json(row.payload).payload() for row in rows]
        return [one for one in found if isinstance(one, CitationChanged)]


def url(folder: Path) -> str:
    """Its database."""
    return f"sqlite:///{folder / 'linkcheck.db'}"


@asynccontextmanager
async def linkchecking(
    folder: Path, origin: Origin, *, clock: Any = None, database_url: str | None = None, **settings: Any
) -> AsyncIterator[Bench]:
    """Everything wired and migrated; `settings` as in the environment."""
    clock = clock or MovedClock()
    given = {"host_delay": "0s", "robots": "ignore", "fetch_deadline": "3s"} | settings
    loaded = load(LinkcheckSettings, data_dir=folder, _env_file=None, **given)
    db = Database(database_url or url(folder))
    try:
        await migrate.upgrade(db, "eventlog", "linkcheck")
        yield Bench(app.build(loaded, db, clock, origin.outbound()), db, clock)
    finally:
        await db.close()
