"""Episodes, grouping, mutes, limits and digests on a real database: SQLite and PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.notify.core.rules import Hours, Route
from services.notify.store import alerts as store
from services.notify.store import desk
from services.notify.tables import alerts, deliveries, messages, notices
from shared import migrate
from shared.eventlog import publish
from tests.support.changes import ALTERED, DOWN, INTACT, LOST, REMOVED, article, change, later
from tests.support.notifying import Bench, notifying
from tests.support.sinks import Sink


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    async with Sink() as found:
        yield found


@pytest.fixture
async def bench(tmp_path: Path, database_url: str, sink: Sink) -> AsyncIterator[Bench]:
    async with notifying(tmp_path, url=database_url, alert_webhook_url=sink.url, alert_group_wait="30s") as found:
        yield found


def told(sink: Sink) -> list[tuple[str, int]]:
    """What arrived: (kind, alerts told of)."""
    return [(one.json["data"]["kind"], one.json["data"]["total"]) for one in sink.received]


async def pass_by(bench: Bench, **by: float) -> None:
    bench.clock.forward(**by)
    await bench.work()


async def make_route(bench: Bench, **fields: Any) -> Route:
    route = Route(**({"route_id": "rte_1", "name": "Test"} | fields))
    async with bench.db.write() as tx:
        await desk.save_route(tx, route, bench.clock.now())
    return route


async def mute(bench: Bench, kind: str, value: str, hours: float) -> None:
    now = bench.clock.now()
    row = {
        "mute_id": "mut_1", "kind": kind, "value": value, "created_at": now, "until": now + timedelta(hours=hours),
        "by": "Ada", "reason": "known",
    }  # fmt: skip
    async with bench.db.write() as tx:
        await desk.save_mute(tx, row)


async def test_the_tables_are_those_of_the_migrations(bench: Bench) -> None:
    assert await migrate.drift(bench.db, "notify") == []


async def test_a_host_that_dies_is_one_message(bench: Bench, sink: Sink) -> None:
    for start in range(0, 300, 100):
        await bench.tell(*(change(n, after=DOWN, article=article(n % 20)) for n in range(start, start + 100)))
        await pass_by(bench, seconds=10)
    assert told(sink) == []
    await pass_by(bench, seconds=20)
    assert told(sink) == [("alert", 300)]
    assert "300 citations" in sink.received[0].json["data"]["headline"]
    assert len(sink.received[0].json["data"]["alerts"]) == 12
    assert {row.state for row in await bench.rows(notices)} == {"told"}
    assert None not in {row.told_at for row in await bench.rows(alerts)}


async def test_an_event_that_comes_twice_has_no_second_effect(bench: Bench, sink: Sink) -> None:
    async with bench.db.write() as tx:
        [event] = await publish(tx, "/citewatch/linkcheck", [change()], bench.clock.now())
    subscription = bench.notify.subscription()
    await bench.log.drain(subscription)
    assert subscription.batch is not None
    async with bench.db.write() as tx:
        await subscription.batch(tx, [event, event])
    await pass_by(bench, seconds=31)
    assert told(sink) == [("alert", 1)]
    assert len(await bench.rows(alerts)) == 1


async def test_a_batch_is_the_same_as_its_changes_one_by_one(bench: Bench, sink: Sink) -> None:
    changes = [change(1, after=ALTERED), change(1, after=REMOVED, at=later(1)), change(2, after=LOST)]
    await bench.tell(*changes, change(2, before=LOST, after=INTACT, at=later(2)))
    found = {row.citation_id: (row.state, row.short) for row in await bench.rows(alerts)}
    assert found == {"cit_1": ("open", "passage gone"), "cit_2": ("resolved", "back")}
    await pass_by(bench, seconds=31)
    assert told(sink) == [("alert", 1)]


async def test_a_mute_holds_news_back_until_it_ends(bench: Bench, sink: Sink) -> None:
    await mute(bench, "host", "source.example", hours=2)
    await bench.tell(change(1, after=DOWN), change(2, after=DOWN, host="other.example", article=article(2)))
    await pass_by(bench, minutes=5)
    assert told(sink) == [("alert", 1)]
    await pass_by(bench, hours=2)
    assert told(sink) == [("alert", 1), ("alert", 1)]


async def test_what_is_over_when_a_mute_ends_is_not_told(bench: Bench, sink: Sink) -> None:
    await mute(bench, "article", "art_1", hours=2)
    await bench.tell(change())
    await pass_by(bench, hours=1)
    await bench.tell(change(before=ALTERED, after=INTACT, at=bench.clock.now()))
    await pass_by(bench, hours=2)
    assert told(sink) == []


async def test_quiet_hours_end_with_what_happened_meanwhile(bench: Bench, sink: Sink) -> None:
    now = bench.clock.now().timetz().replace(tzinfo=None)
    await make_route(bench, quiet=Hours(now, now.replace(hour=14)))
    await bench.tell(change())
    await pass_by(bench, hours=1)
    assert told(sink) == []
    assert await bench.notify.desk.look(bench.clock.now()) == bench.clock.now() + timedelta(hours=1)
    await pass_by(bench, hours=1)
    assert told(sink) == [("alert", 1)]


async def test_over_the_limit_news_is_gathered_and_the_overflow_is_visible(bench: Bench, sink: Sink) -> None:
    await make_route(bench, hourly_limit=3)
    for number in range(6):
        await bench.tell(change(number, host=f"h{number}.example", article=article(number)))
        await pass_by(bench, minutes=2)
    assert told(sink) == [("alert", 1)] * 3
    assert "The limit of 3 messages an hour is reached" in sink.received[-1].json["data"]["notes"][0]
    async with bench.db.read() as tx:
        assert await store.waiting_routes(tx) == {("rte_1", False): 3}
    await pass_by(bench, hours=1)
    assert told(sink)[3:] == [("digest", 3)]


async def test_a_daily_digest(tmp_path: Path, database_url: str, sink: Sink) -> None:
    settings = {"alert_webhook_url": sink.url, "digest_at": "18:00"}
    async with notifying(tmp_path, url=database_url, **settings) as bench:
        await bench.tell(change(1), change(2, after=LOST, host="x.example", article=article(2)))
        await pass_by(bench, minutes=1)
        assert told(sink) == [("alert", 1)], "what is critical is told at once"
        await bench.tell(change(3, at=later(1), article=article(3)))
        await pass_by(bench, hours=5)
        assert told(sink) == [("alert", 1)]
        await pass_by(bench, hours=1)
        assert told(sink) == [("alert", 1), ("digest", 2)]
        await pass_by(bench, days=1)
        assert len(told(sink)) == 2, "a day without news has no digest"


async def test_a_heartbeat_comes_once_a_day(bench: Bench, sink: Sink) -> None:
    await make_route(bench, heartbeat=True)
    for _ in range(3):
        for _ in range(4):
            await pass_by(bench, hours=6)
    assert told(sink) == [("heartbeat", 0)] * 3


async def test_routes_choose_by_tag_and_channel(bench: Bench, sink: Sink) -> None:
    await make_route(bench, tags=("traffic",), channels=("webhook",))
    await make_route(bench, route_id="rte_2", tags=("sports",), channels=("webhook",))
    await make_route(bench, route_id="rte_3", channels=("slack",))
    await bench.tell(change(1), change(2, article=article(2, tags=("culture",)), host="o.example"))
    await pass_by(bench, seconds=31)
    assert told(sink) == [("alert", 1)]
    dropped = [row.route_id for row in await bench.rows(notices) if row.state == "dropped"]
    assert set(dropped) == {"rte_3"}, "a route whose channel is not configured has nobody to tell"


async def test_many_planners_write_a_message_once(bench: Bench, sink: Sink) -> None:
    await bench.tell(change())
    bench.clock.forward(seconds=31)
    await asyncio.gather(*(bench.notify.desk.look(bench.clock.now()) for _ in range(6)))
    assert len(await bench.rows(messages)) == len(await bench.rows(deliveries)) == 1


async def test_found_broken_at_the_first_check_is_told_once_as_such(bench: Bench, sink: Sink) -> None:
    await bench.tell(change(after=LOST, first=True))
    await pass_by(bench, seconds=31)
    await bench.tell(change(after=LOST, at=later(60)))
    await pass_by(bench, hours=2)
    assert told(sink) == [("alert", 1)]
    assert "from the first check on" in sink.received[0].json["data"]["alerts"][0]["seen"]


async def test_ten_workers_send_it_once(bench: Bench, sink: Sink) -> None:
    await bench.tell(*(change(number, host=f"h{number}.example", article=article(number)) for number in range(4)))
    bench.clock.forward(seconds=31)
    await asyncio.gather(*(bench.work() for _ in range(10)))
    assert len(sink.received) == len(await bench.rows(messages)) == 4
    assert {row.state for row in await bench.rows(deliveries)} == {"delivered"}


async def test_a_lease_is_taken_over_and_fenced(bench: Bench, sink: Sink) -> None:
    await bench.tell(change())
    bench.clock.forward(seconds=31)
    await bench.notify.desk.look(bench.clock.now())
    [slow] = await bench.notify.deliverer.claim(1)
    assert await bench.notify.deliverer.claim(1) == []
    await pass_by(bench, seconds=61)
    await bench.notify.deliverer.deliver(slow)
    assert len(sink.received) == 1, "who lost the lease sends nothing"


async def test_the_limit_never_holds_a_daily_digest_back(tmp_path: Path, database_url: str, sink: Sink) -> None:
    async with notifying(tmp_path, url=database_url, alert_webhook_url=sink.url, digest_at="18:00") as bench:
        await make_route(bench, digest="warning", hourly_limit=1)
        await bench.tell(change(1))
        await pass_by(bench, hours=5, minutes=45)
        await bench.tell(change(2, after=LOST, host="x.example", article=article(2), at=bench.clock.now()))
        await pass_by(bench, minutes=1)
        await pass_by(bench, minutes=14)
        assert told(sink) == [("alert", 1), ("digest", 1)]
