"""The work beside the checks that asks web archives: what is offered, what never is, and when it gives up."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from services.linkcheck import app
from services.linkcheck.app import Linkcheck
from services.linkcheck.search import BACK_OFF
from services.linkcheck.settings import LinkcheckSettings
from services.linkcheck.store import registry, searches
from services.linkcheck.tables import citations, snapshots
from shared import migrate
from shared.db import Database
from shared.events import ArticleReceived, CitedLink
from shared.settings import load
from tests.support.ingest import SetClock
from tests.support.origin import Origin

CLAIM = "The committee approved a budget of 4.2 million euros for the new bridge on 8 August 2016."
FILLER = f"<p>{'The council met again on Tuesday to speak about roads, schools and the harbour. ' * 4}</p>"
WALLS = {
    "challenge": "<title>Just a moment...</title><h1>Checking your browser before accessing the site</h1>",
    "not found": "<title>Page not found</title><h1>404</h1><p>The page you requested could not be found.</p>",
    "other text": f"<title>Roads</title><article>{FILLER}{FILLER}</article>",
}


class Bench:
    """A linkcheck whose one web archive is the origin."""

    def __init__(self, folder: Path, database_url: str, origin: Origin) -> None:
        self.origin, self.clock = origin, SetClock(datetime(2026, 5, 3, tzinfo=UTC))
        self.target = origin.url("paper.test", "/report")
        settings = load(
            LinkcheckSettings, data_dir=folder, database_url=database_url, host_delay=timedelta(), robots="ignore",
            memento_timemaps=[origin.url("archive.test", "/map/{url}")],
        )  # fmt: skip
        self.db = Database(settings.database)
        self.linkcheck: Linkcheck = app.build(settings, self.db, self.clock, origin.outbound())

    async def cite(
        self, article: str = "art_1", *, published_at: datetime | None = datetime(2016, 8, 9, tzinfo=UTC)
    ) -> None:
        link = CitedLink(
            citation_id=f"cit_{article}", claim=CLAIM, context=CLAIM, anchor="budget", href=self.target,
            target=self.target, position=0,
        )  # fmt: skip
        received = ArticleReceived(
            article_id=article, version=1, source="test", url=None, title="T", published_at=published_at,
            received_at=self.clock.now(), citations=(link,), other_links=(),
        )  # fmt: skip
        async with self.db.write() as tx:
            await registry.register(tx, [received], self.clock.now())

    def hold(self, captures: Mapping[str, str]) -> None:
        """Captures of the target, by timestamp."""
        lines = []
        for stamp, body in captures.items():
            url = self.origin.url("archive.test", f"/web/{stamp}/{self.target}")
            moment = datetime.strptime(stamp, "%Y%m%d%H%M%S").strftime("%a, %d %b %Y %H:%M:%S GMT")
            lines.append(f'<{url}>; rel="memento"; datetime="{moment}"')
            self.origin.page("archive.test", f"/web/{stamp}id_/{self.target}", body)
        self.origin.page(
            "archive.test", f"/map/{self.target}", ",\n".join(lines), content_type="application/link-format"
        )

    async def search(self) -> None:
        async with self.db.read() as tx:
            links = set(await tx.scalars(sa.select(citations.c.link_id)))
        await self.linkcheck.searcher.search_now(links)

    async def row(self, article: str = "art_1") -> Any:
        async with self.db.read() as tx:
            return (await tx.execute(sa.select(citations).where(citations.c.citation_id == f"cit_{article}"))).one()

    async def snapshots(self) -> list[Any]:
        async with self.db.read() as tx:
            return list(await tx.execute(sa.select(snapshots)))


@pytest.fixture
async def bench(tmp_path: Path, database_url: str) -> AsyncIterator[Bench]:
    async with Origin() as origin:
        bench = Bench(tmp_path, database_url, origin)
        await migrate.upgrade(bench.db, "eventlog", "linkcheck")
        yield bench
        await bench.db.close()


def page(sentence: str = CLAIM) -> str:
    return f"<!doctype html><html lang=en><title>Budget</title><article>{FILLER}<p>{sentence}</p>{FILLER}</article>"


async def test_an_archive_that_stays_away_is_given_up_after_a_few_tries(bench: Bench) -> None:
    bench.origin.page("archive.test", f"/map/{bench.target}", "busy", status=503)
    await bench.cite()
    for tries, pause in enumerate(BACK_OFF, 1):
        await bench.search()
        await bench.search()  # too early: nobody is asked
        row = await bench.row()
        assert (row.search_tries, row.search_at) == (tries, bench.clock.now() + pause)
        assert len(bench.origin.requests("archive.test")) == tries
        bench.clock.at += pause + timedelta(minutes=1)
    await bench.search()
    assert (await bench.row()).search_at is None
    bench.clock.move(days=400)
    await bench.search()
    assert len(bench.origin.requests("archive.test")) == len(BACK_OFF) + 1


async def test_an_archive_that_holds_nothing_has_answered(bench: Bench) -> None:
    bench.origin.page("archive.test", f"/map/{bench.target}", "none", status=404)
    await bench.cite()
    await bench.search()
    row = await bench.row()
    assert (row.search_at, row.mementos, row.memento_snapshot_id) == (None, [], None)
    assert row.searched_at == bench.clock.now()


@pytest.mark.parametrize("body", WALLS.values(), ids=WALLS)
async def test_a_wall_an_error_page_or_another_text_never_becomes_a_baseline(bench: Bench, body: str) -> None:
    await bench.cite()
    bench.hold({"20160809120000": body, "20160901120000": body})
    await bench.search()
    row = await bench.row()
    assert (row.search_at, row.memento_snapshot_id) == (None, None)
    assert len(row.mementos) == 2  # an editor may look for himself
    assert await bench.snapshots() == []


async def test_the_nearest_that_bears_on_the_claim_is_brought_home_once_for_two_articles(bench: Bench) -> None:
    bench.hold({"20160809120000": WALLS["challenge"], "20160801120000": page(), "20150101120000": page()})
    await bench.cite("art_1")
    await bench.search()
    await bench.cite("art_2")
    await bench.search()
    (kept,) = await bench.snapshots()
    assert (kept.kind, kept.captured_at) == ("memento", datetime(2016, 8, 1, 12, tzinfo=UTC))
    assert {(await bench.row(article)).memento_snapshot_id for article in ("art_1", "art_2")} == {kept.snapshot_id}


async def test_a_young_article_and_one_without_a_date_are_not_searched_for(bench: Bench) -> None:
    await bench.cite("art_1", published_at=bench.clock.now() - timedelta(hours=3))
    await bench.cite("art_2", published_at=None)
    await bench.search()
    assert bench.origin.requests("archive.test") == []


async def test_what_an_editor_accepted_stands(bench: Bench) -> None:
    bench.hold({"20160801120000": page()})
    await bench.cite()
    await bench.linkcheck.desk.review("cit_art_1", "accept", "", "test")
    await bench.search()
    assert (await bench.row()).memento_snapshot_id is None


async def test_a_search_is_taken_by_one_process_and_again_when_that_has_died(bench: Bench) -> None:
    await bench.cite()
    for wanted in (1, 0):
        async with bench.db.write() as tx:
            assert len(await searches.claim(tx, bench.clock.now(), 10)) == wanted
    bench.clock.at += searches.LEASE
    async with bench.db.write() as tx:
        assert len(await searches.claim(tx, bench.clock.now(), 10)) == 1


async def test_a_dead_link_has_its_archived_words_and_their_address(bench: Bench) -> None:
    """Nobody ever saw the page alive: the memento alone says what was cited."""
    bench.hold({"20160801120000": page()})
    bench.origin.page("paper.test", "/report", "<title>404 Not Found</title>", status=404)
    await bench.cite()
    await bench.search()
    await bench.linkcheck.worker().check_now({(await bench.row()).link_id})
    row = await bench.row()
    assert (row.support, row.baseline["exact"], row.memento_snapshot_id) == ("lost", CLAIM, None)
    (kept, _) = await bench.snapshots()
    assert row.baseline_snapshot_id == kept.snapshot_id
    ways = await bench.linkcheck.desk.repairs("cit_art_1")
    assert [way["kind"] for way in ways] == ["memento", "our capture"]
