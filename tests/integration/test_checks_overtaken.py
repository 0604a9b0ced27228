"""What happens to a link or its citations while they are being checked is not lost, and not written over."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from services.linkcheck.store import registry, reports
from shared.events import ArticleReceived, CitedLink
from tests.support.linkchecking import CLAIM, PAGE, Bench, linkchecking
from tests.support.origin import Origin, page


def article(bench: Bench, url: str, *, version: int = 1, key: str = "one") -> ArticleReceived:
    cited = CitedLink(
        citation_id=f"cit_{key}", claim=CLAIM, context=CLAIM, anchor=CLAIM[:30], href="#", target=url, position=0
    )
    return ArticleReceived(
        article_id=f"art_{key}", version=version, source="test", url=f"https://paper.test/{key}", title="Harbour",
        received_at=bench.clock.now(), citations=(cited,), other_links=(),
    )  # fmt: skip


@asynccontextmanager
async def being_checked(bench: Bench, origin: Origin, url: str, body: str = PAGE) -> AsyncIterator[None]:
    """In the body of this, the page was asked for and has not come yet; after it, the check is durable."""
    asked, goes_on = asyncio.Event(), asyncio.Event()

    async def held(turn: Any) -> None:
        asked.set()
        await goes_on.wait()
        await page(body)(turn)

    origin.on("a.test", "/", held)
    bench.clock.forward(seconds=1)
    async with bench.db.read() as tx:
        links = [link["id"] for link in await reports.list_links(tx, status=None, after=None, limit=9)]
        links = [key for key in links if (await reports.link_detail(tx, key))["url"] == url]  # type: ignore[index]
    check = asyncio.create_task(bench.check(*links))
    await asyncio.wait_for(asked.wait(), 10)
    bench.clock.forward(seconds=1)
    yield
    goes_on.set()
    await asyncio.wait_for(check, 20)


async def citation(bench: Bench, key: str = "one") -> dict[str, Any]:
    async with bench.db.read() as tx:
        found = await reports.citation_detail(tx, f"cit_{key}")
    assert found is not None
    return found


async def is_due(bench: Bench, link_id: str) -> bool:
    due = datetime.fromisoformat((await bench.link(link_id))["next_check_at"])
    return bool(due <= bench.clock.now())


async def test_a_target_given_meanwhile_keeps_nothing_of_the_old_page(tmp_path: Path, database_url: str) -> None:
    async with Origin() as origin, linkchecking(tmp_path, origin, database_url=database_url) as bench:
        old, new = origin.url("a.test", "/"), origin.page("b.test", "/", PAGE)
        await bench.take_over(article(bench, old))
        async with being_checked(bench, origin, old, "<title>404 Not Found</title><p>No such page.</p>"):
            await bench.take_over(article(bench, new, version=2))
        found = await citation(bench)
        assert (found["target"], found["support"], found["outcome"]) == (new, "pending", None)
        assert not await bench.changes()


async def test_an_editors_decision_made_meanwhile_stands(tmp_path: Path) -> None:
    async with Origin() as origin, linkchecking(tmp_path, origin) as bench:
        url = origin.page("a.test", "/", PAGE)
        await bench.take_over(article(bench, url))
        link_id = (await citation(bench))["link_id"]
        await bench.check(link_id)
        origin.page("a.test", "/", PAGE.replace("nine", "six"))
        bench.clock.forward(hours=1)
        await bench.check(link_id)
        assert (await citation(bench))["support"] == "altered"
        bench.clock.forward(hours=1)
        async with being_checked(bench, origin, url, PAGE.replace("nine", "six") + "<p>Since amended.</p>"):
            assert await bench.linkcheck.desk.review("cit_one", "accept", "", "desk")
        found = await citation(bench)
        assert (found["support"], found["then"]["passage"]["exact"]) == ("intact", CLAIM.replace("nine", "six"))


@pytest.mark.parametrize("known", [False, True])
async def test_an_article_that_comes_meanwhile_does_not_wait_for_the_next_turn(tmp_path: Path, known: bool) -> None:
    async with Origin() as origin, linkchecking(tmp_path, origin) as bench:
        url = origin.page("a.test", "/", PAGE)
        await bench.take_over(article(bench, url))
        link_id = (await citation(bench))["link_id"]
        if known:
            await bench.check(link_id)
            bench.clock.forward(hours=1)
        async with being_checked(bench, origin, url):
            await bench.take_over(article(bench, url, key="two"))
        if (await citation(bench, "two"))["support"] == "pending":
            assert await is_due(bench, link_id)
            bench.clock.forward(seconds=1)
            await bench.check(link_id)
        assert (await citation(bench, "two"))["support"] == "intact"


async def test_a_recheck_asked_for_meanwhile_is_made(tmp_path: Path) -> None:
    async with Origin() as origin, linkchecking(tmp_path, origin) as bench:
        url = origin.page("a.test", "/", PAGE)
        await bench.take_over(article(bench, url))
        link_id = (await citation(bench))["link_id"]
        async with being_checked(bench, origin, url), bench.db.write() as tx:
            assert await registry.recheck(tx, link_id, bench.clock.now())
        assert len((await bench.link(link_id))["checks"]) > 1 or await is_due(bench, link_id)
