"""A store that holds more than can be fetched: intervals stretch by weight, until the plan fits the budget."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from services.linkcheck.core import schedule
from services.linkcheck.store import registry
from services.linkcheck.tables import hosts, links
from services.linkcheck.tariff import SAMPLE, SHARE
from shared.ids import derived_id
from tests.support.linkchecking import PAGE, Bench, linkchecking
from tests.support.origin import Origin

NUMBER = 3000
DAY = timedelta(days=1)


async def fill(bench: Bench) -> None:
    """Links known for a year: every tenth changed at each of its hundred checks, the others never."""
    since = bench.clock.now() - 365 * DAY
    rows: list[dict[str, Any]] = [
        {
            "link_id": derived_id("lnk", f"https://many.test/{number}"), "url": f"https://many.test/{number}",
            "host": "many.test", "created_at": since, "status": "live", "failures": 0, "flaps": 0,
            "checks_made": 100, "changes_seen": 100 if number % 10 == 0 else 0,
        }
        for number in range(NUMBER)
    ]  # fmt: skip
    async with bench.db.write() as tx:
        await tx.execute(sa.insert(hosts), [{"host": "many.test"}])
        await tx.execute(sa.insert(links), rows)


async def planned(bench: Bench) -> dict[int, timedelta]:
    """Changes seen → the interval at the price in force."""
    tariff = bench.linkcheck.checker.rules.tariff
    return {
        changes: schedule.interval(schedule.weight(0.0, schedule.rate(100, changes, 365 * DAY)), tariff.bounds)
        for changes in (0, 100)
    }


async def test_with_room_the_usual_intervals_hold(tmp_path: Path) -> None:
    async with Origin() as origin, linkchecking(tmp_path, origin, fetch_concurrency=64) as bench:
        await fill(bench)
        tariff = bench.linkcheck.checker.rules.tariff
        before = tariff.bounds
        await tariff.refresh()
        assert tariff.bounds == before


async def test_what_cannot_be_fetched_waits_by_weight(tmp_path: Path, database_url: str) -> None:
    """One slot, and checks that take half an hour: a budget of 24 fetches a day for 3,000 links."""
    settings = {"fetch_concurrency": 1, "recheck_max": "3650d", "database_url": database_url}
    async with Origin() as origin, linkchecking(tmp_path, origin, **settings) as bench:
        await fill(bench)
        tariff = bench.linkcheck.checker.rules.tariff
        for _ in range(5000):
            tariff.note(1800)
        assert abs(tariff.budget * 86_400 - SHARE * 48) < 0.1
        usual = await planned(bench)
        await tariff.refresh()
        stretched = await planned(bench)
        async with bench.db.read() as tx:
            number, sample = await registry.sample(tx, SAMPLE)
        changing = sum(one.changes == 100 for one in sample) / len(sample)
        assert number == NUMBER and 0.07 < changing < 0.13, "a fair sample"
        demand = NUMBER * (changing / (stretched[100] / DAY) + (1 - changing) / (stretched[0] / DAY))
        assert abs(demand / (tariff.budget * 86_400) - 1) < 0.01
        assert stretched[0] > stretched[100] > usual[100]
        assert abs((stretched[0] / usual[0]) / (stretched[100] / usual[100]) - 1) < 0.01, "all by the same factor"


async def test_the_next_check_is_planned_at_the_price_in_force(tmp_path: Path) -> None:
    async with Origin() as origin, linkchecking(tmp_path, origin, fetch_concurrency=1, recheck_max="3650d") as bench:
        link_id = await bench.cite(origin.page("one.test", "/", PAGE))
        await bench.check()
        first = await due_in(bench, link_id)
        await fill(bench)
        for _ in range(5000):
            bench.linkcheck.checker.rules.tariff.note(1800)
        stop = asyncio.Event()
        running = asyncio.create_task(bench.linkcheck.checker.rules.tariff.run(stop))
        async with asyncio.timeout(10):
            while bench.linkcheck.checker.rules.tariff.bounds.price == schedule.Bounds(DAY, DAY).price:
                await asyncio.sleep(0.01)
        stop.set()
        await running
        bench.clock.forward(seconds=1)
        await bench.check(link_id)
        assert await due_in(bench, link_id) > 3 * first


async def due_in(bench: Bench, link_id: str) -> timedelta:
    async with bench.db.read() as tx:
        due = await tx.scalar(sa.select(links.c.due_at).where(links.c.link_id == link_id))
    return due - bench.clock.now()  # type: ignore[no-any-return]
