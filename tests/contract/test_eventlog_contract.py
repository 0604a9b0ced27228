"""What every event log promises, on SQLite, on PostgreSQL, and on Kafka over both."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from shared import migrate
from shared.db import Database
from shared.errors import Poison, RetryLater, Unavailable
from shared.eventlog import Subscription, publish
from shared.eventlog.tables import inbox
from shared.events import AlertResolved, Event
from tests.support.logs import (
    NOW,
    QUICK,
    TOPIC,
    KafkaWorld,
    Running,
    Seen,
    World,
    checked,
    fresh_topics,
    put,
    state,
    until,
)  # fmt: skip

KAFKA = pytest.mark.kafka


@pytest.fixture(params=["database", pytest.param("kafka", marks=KAFKA)])
async def world(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[World]:
    db = Database(database_url)
    await migrate.upgrade(db, "eventlog")
    if request.param == "kafka":
        servers = request.getfixturevalue("kafka_server").bootstrap.split(",")
        await fresh_topics(servers)
        yield KafkaWorld(db, servers)
    else:
        yield World(db)
    await db.close()


async def test_in_order_once_and_only_its_topics(world: World):
    async with world.db.write() as tx:
        resolved = AlertResolved(alert_id="alr_1", citation_ids=(), severity="info", occurred_at=NOW, cause="")
        await publish(tx, "/test", [checked(1), resolved, checked(2)], NOW)
    seen, other = Seen(), Seen()
    async with Running(world.log(), seen.on("c"), other.on("other")):
        await until(lambda: len(seen.numbers) == len(other.numbers) == 2)
        await put(world.db, *range(3, 200))
        await until(lambda: len(seen.numbers) == len(other.numbers) == 199)
    assert seen.numbers == other.numbers == list(range(1, 200))


async def test_what_was_rolled_back_was_never_published(world: World):
    with pytest.raises(ZeroDivisionError):
        async with world.db.write() as tx:
            await publish(tx, "/test", checked(1), NOW)
            raise ZeroDivisionError
    await put(world.db, 2)
    seen = Seen()
    async with Running(world.log(), seen.on()):
        await until(lambda: seen.numbers)
    assert seen.calls == [2]


async def test_effects_commit_once_through_failures(world: World):
    effects = sa.Table("effects", sa.MetaData(), sa.Column("n", sa.Integer))
    async with world.db.write() as tx:
        await tx.run_sync(effects.metadata.create_all)
    seen = Seen({2: [RetryLater("not yet")], 3: [Unavailable("away"), KeyError("odd")]})

    async def handler(tx: AsyncConnection, event: Event) -> None:
        number = int(event.data["check_id"].removeprefix("chk_"))
        await tx.execute(sa.insert(effects).values(n=number))
        await seen(tx, event)

    async def count(column: sa.ColumnElement[int]) -> list[int]:
        async with world.db.read() as tx:
            return list((await tx.execute(sa.select(column))).scalars())

    await put(world.db, 1, 2, 3, 4)
    async with Running(world.log(), Subscription("c", (TOPIC,), handler)):
        await until(lambda: 4 in seen.numbers)
        async with asyncio.timeout(5):
            while len(await count(effects.c.n)) < 4:
                await asyncio.sleep(0.01)
    assert await count(effects.c.n) == [1, 2, 3, 4]
    assert await count(sa.func.count(inbox.c.event_id)) == [4]


@pytest.mark.parametrize(("error", "tries"), [(RetryLater("no"), 3), (KeyError("bug"), 3), (Poison("never"), 1)])
async def test_a_dead_letter_lets_the_rest_go_on(world: World, error: Exception, tries: int):
    await put(world.db, 1, 2, 3)
    seen = Seen({2: [error] * 99})
    async with Running(world.log(), seen.on()):
        await until(lambda: seen.numbers[-2:] == [1, 3] or seen.numbers[-1:] == [3])
    assert seen.calls.count(2) in (tries, tries + 1), "alone, and perhaps once in a batch before"
    assert [str(error) in text for text in await world.dead()] == [True]


async def test_unavailable_consumes_nothing_and_shows(world: World):
    await put(world.db, 1, 2)
    seen = Seen({1: [Unavailable("away")] * 6})
    log = world.log()
    async with Running(log, seen.on()):
        await until(lambda: state(log) == "waiting")
        assert not log.health.ready
        await until(lambda: seen.numbers == [1, 2])
        await until(lambda: log.health.ready)
    assert await world.dead() == []


async def test_too_many_dead_letters_stop_the_consumer_until_replayed(world: World):
    seen = Seen({number: [Poison("bad")] * 2 for number in (1, 2, 3)})
    log = world.log()
    async with Running(log, seen.on()):
        for number in (1, 2, 3):
            await put(world.db, number)
            await until(lambda number=number: seen.calls.count(number) >= 1)
        await until(lambda: state(log) == "braked")
        await put(world.db, 4)
        await asyncio.sleep(0.2)
        assert seen.numbers == []
        seen.failures.clear()
        await world.replay()
        await until(lambda: sorted(seen.numbers) == [1, 2, 3, 4])
        await until(lambda: log.health.ready)


async def test_goes_on_after_a_crash_where_it_was(world: World):
    await put(world.db, *range(50))
    seen = Seen()
    crashing = Running(world.log(), seen.on())
    await until(lambda: seen.numbers)
    await crashing.cut()
    await put(world.db, *range(50, 60))
    async with Running(world.log(), seen.on()):
        await until(lambda: 59 in seen.numbers)
    async with world.db.read() as tx:
        assert (await tx.execute(sa.select(sa.func.count()).select_from(inbox))).scalar_one() == 60


async def test_two_processes_share_and_each_event_is_handled_once(world: World, database_url: str):
    other = Database(database_url)
    done: list[int] = []
    first, second = Seen(), Seen()
    first.numbers = second.numbers = done
    async with Running(world.log(), first.on()), Running(world.log(db=other), second.on()):
        for key in range(20):
            await put(world.db, *range(key * 10, key * 10 + 10), key=f"lnk_{key}")
        await until(lambda: len(done) >= 200)
        await asyncio.sleep(0.1)
    await other.close()
    assert sorted(done) == list(range(200))
    for key in range(20):
        mine = [number for number in done if number // 10 == key]
        assert mine == sorted(mine), "events of one key are in order"


async def test_woken_rather_than_polled(world: World):
    """With a poll that would come too late; the figures are `make bench-events`' matter."""
    seen, log = Seen(), world.log(replace(QUICK, poll=timedelta(seconds=60), lease=timedelta(minutes=5)))
    async with Running(log, seen.on()):
        await put(world.db, 0)
        await until(lambda: seen.numbers == [0])
        for number in range(1, 6):
            await asyncio.sleep(0.1)
            await put(world.db, number)
            await until(lambda number=number: number in seen.numbers, 5)
