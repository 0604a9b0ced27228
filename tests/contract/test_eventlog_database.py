"""The log in the database, on both databases: once each, in order, dead letters, brake, leases."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from shared import migrate
from shared.clock import SystemClock
from shared.db import Database, gathered
from shared.errors import Poison, RetryLater, Unavailable
from shared.eventlog import LogRules, Subscription, publish
from shared.eventlog.database import DatabaseLog
from shared.eventlog.outbox import trace
from shared.eventlog.tables import cursors, dead_letters, inbox, outbox
from shared.eventlog.upkeep import prune
from shared.events import AlertResolved, Event, LinkChecked

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
QUICK = LogRules(backoff=timedelta(milliseconds=1), poll=timedelta(milliseconds=5))
TOPIC = LinkChecked.TOPIC


def checked(number: int, key: str = "lnk_a") -> LinkChecked:
    return LinkChecked(
        link_id=key, check_id=f"chk_{number}", url="https://a.example/", final_url=None, checked_at=NOW, outcome="ok",
        reason="content", http_status=200, confidence=1, status="live",
    )  # fmt: skip


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    await migrate.upgrade(database, "eventlog")
    yield database
    await database.close()


async def put(db: Database, *numbers: int) -> None:
    async with db.write() as tx:
        await publish(tx, "/test", [checked(number) for number in numbers], NOW)


class Seen:
    """A handler that notes what it sees, and fails as told: number → exceptions, raised in turn."""

    def __init__(self, failures: dict[int, list[Exception]] | None = None) -> None:
        self.numbers: list[int] = []
        self.failures = failures or {}
        self.calls: list[int] = []

    async def __call__(self, tx: AsyncConnection, event: Event) -> None:
        number = int(event.data["check_id"].removeprefix("chk_"))
        self.calls.append(number)
        if waiting := self.failures.get(number):
            raise waiting.pop(0)
        self.numbers.append(number)

    def on(self, consumer: str = "c") -> Subscription:
        return Subscription(consumer, (TOPIC,), self)


class Running:
    """The consumer, running beside the test until the block ends."""

    def __init__(self, log: DatabaseLog, subscription: Subscription) -> None:
        self.stop = asyncio.Event()
        self.task = asyncio.create_task(log.run(subscription, self.stop))

    async def __aenter__(self) -> "Running":
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stop.set()
        await asyncio.wait_for(self.task, 5)


async def until(condition) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.002)


def state(log: DatabaseLog, consumer: str = "c") -> str:
    health = log.health.consumers.get(consumer)
    return health.state if health else ""


async def test_in_order_once_and_only_its_topics(db: Database):
    async with db.write() as tx:
        resolved = AlertResolved(alert_id="alr_1", citation_ids=(), severity="info", occurred_at=NOW, cause="")
        await publish(tx, "/test", [checked(1), resolved, checked(2)], NOW)
    log, seen = DatabaseLog(db, SystemClock(), QUICK), Seen()
    assert await log.drain(seen.on()) > 0
    assert await log.drain(seen.on()) == 0
    assert seen.numbers == [1, 2]
    other = Seen()
    await log.drain(other.on("other"))
    assert other.numbers == [1, 2], "each consumer has a place of its own"


async def test_woken_within_milliseconds(db: Database):
    log, seen = DatabaseLog(db, SystemClock(), LogRules(poll=timedelta(seconds=60))), Seen()
    async with Running(log, seen.on()):
        await until(lambda: state(log) == "reading")
        await asyncio.sleep(0.05)
        await put(db, 1)
        async with asyncio.timeout(1):
            await until(lambda: seen.numbers == [1])


async def test_another_process_writes(db: Database, database_url: str):
    other = Database(database_url)
    log, seen = DatabaseLog(db, SystemClock(), QUICK), Seen()
    async with Running(log, seen.on()):
        await put(other, 1, 2)
        await until(lambda: seen.numbers == [1, 2])
    await other.close()


async def test_a_publisher_that_rolls_back_published_nothing(db: Database):
    with pytest.raises(ZeroDivisionError):
        async with db.write() as tx:
            await publish(tx, "/test", checked(1), NOW)
            raise ZeroDivisionError
    seen = Seen()
    await DatabaseLog(db, SystemClock(), QUICK).drain(seen.on())
    assert seen.calls == []


async def test_what_a_transaction_publishes_one_by_one_is_inserted_at_once_and_in_order(db: Database):
    inserts: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith(f"INSERT INTO {outbox.name}"):
            inserts.append(statement)

    async with db.write() as tx:
        sa.event.listen(tx.sync_connection, "before_cursor_execute", note)
        await publish(tx, "/test", checked(1), NOW)
        await publish(tx, "/test", [checked(2), checked(3)], NOW)
        await publish(tx, "/test", checked(4), NOW)
    assert len(inserts) == 1
    seen = Seen()
    await DatabaseLog(db, SystemClock(), QUICK).drain(seen.on())
    assert seen.numbers == [1, 2, 3, 4]


async def test_an_event_that_cannot_be_inserted_undoes_its_cause(db: Database):
    """A taken event id stands for whatever the database may refuse."""
    await put(db, 1)
    async with db.read() as tx:
        taken = (await tx.execute(sa.select(outbox.c.event_id))).scalar_one()
    with pytest.raises(RetryLater):
        async with db.write() as tx:
            await tx.execute(sa.insert(inbox).values(consumer="c", event_id="evt_x", handled_at=NOW))
            await publish(tx, "/test", checked(2), NOW)
            await publish(tx, "/test", checked(3), NOW)
            for rows in tx.info["citewatch_gathered"].values():
                rows[1]["event_id"] = taken
    async with db.read() as tx:
        for table, number in ((inbox, 0), (outbox, 1)):
            assert (await tx.execute(sa.select(sa.func.count()).select_from(table))).scalar_one() == number
    await put(db, 4)  # and nothing of it is left for the next transaction on the connection
    async with db.read() as tx:
        assert (await tx.execute(sa.select(sa.func.count()).select_from(outbox))).scalar_one() == 2


async def test_effect_and_mark_commit_together(db: Database):
    effects = sa.Table("effects", sa.MetaData(), sa.Column("n", sa.Integer))
    async with db.write() as tx:
        await tx.run_sync(effects.metadata.create_all)

    seen = Seen({2: [RetryLater("not yet")]})

    async def handler(tx: AsyncConnection, event: Event) -> None:
        number = int(event.data["check_id"].removeprefix("chk_"))
        await tx.execute(sa.insert(effects).values(n=number))
        await seen(tx, event)

    await put(db, 1, 2, 3)
    await DatabaseLog(db, SystemClock(), QUICK).drain(Subscription("c", (TOPIC,), handler))
    async with db.read() as tx:
        rows = [row.n for row in await tx.execute(sa.select(effects.c.n))]
        marks = (await tx.execute(sa.select(sa.func.count()).select_from(inbox))).scalar_one()
    assert rows == [1, 2, 3]
    assert marks == 3


@pytest.mark.parametrize(("error", "tries"), [(RetryLater("no"), 3), (KeyError("bug"), 3), (Poison("never"), 1)])
async def test_a_dead_letter_keeps_all_and_the_rest_goes_on(db: Database, error: Exception, tries: int):
    await put(db, 1, 2, 3)
    seen = Seen({2: [error] * 9})
    await DatabaseLog(db, SystemClock(), QUICK).drain(seen.on())
    assert seen.numbers[-2:] == [1, 3] or seen.numbers == [1, 1, 3]
    assert seen.calls.count(2) == tries + 1, "once in the batch, then alone"
    async with db.read() as tx:
        letter = (await tx.execute(sa.select(dead_letters))).one()
    assert (letter.consumer, letter.topic, letter.key, letter.position, letter.state) == (
        "c",
        TOPIC,
        "lnk_a",
        2,
        "dead",
    )
    assert "chk_2" in letter.payload
    assert str(error) in letter.error


async def test_unknown_version_is_a_dead_letter(db: Database):
    await put(db, 1)
    async with db.write() as tx:
        await tx.execute(sa.update(outbox).values(payload=sa.func.replace(outbox.c.payload, ".v1", ".v9")))
    seen = Seen()
    await DatabaseLog(db, SystemClock(), QUICK).drain(seen.on())
    assert seen.calls == []
    async with db.read() as tx:
        assert "unknown event type" in (await tx.execute(sa.select(dead_letters.c.error))).scalar_one()


async def test_unavailable_consumes_nothing(db: Database):
    await put(db, 1)
    seen = Seen({1: [Unavailable("away")] * 8})
    log = DatabaseLog(db, SystemClock(), QUICK)
    async with Running(log, seen.on()):
        await until(lambda: state(log) == "waiting")
        assert not log.health.ready
        await until(lambda: seen.numbers == [1])
        await until(lambda: log.health.ready)
    async with db.read() as tx:
        assert (await tx.execute(sa.select(dead_letters))).first() is None


async def test_too_many_dead_letters_stop_the_consumer_until_replayed(db: Database):
    rules = LogRules(backoff=timedelta(milliseconds=1), poll=timedelta(milliseconds=5), brake=2, batch=1)
    seen = Seen({1: [Poison("a")] * 2, 2: [Poison("b")] * 2})
    await put(db, 1, 2, 3)
    log = DatabaseLog(db, SystemClock(), rules)
    async with Running(log, seen.on()):
        await until(lambda: state(log) == "braked")
        assert seen.numbers == []
        assert not log.health.ready
        async with db.write() as tx:
            await tx.execute(sa.update(dead_letters).values(state="retry"))
        await until(lambda: sorted(seen.numbers) == [1, 2, 3])


async def test_one_process_reads_at_a_time_and_the_next_takes_over(db: Database, database_url: str):
    other = Database(database_url)
    first, second = DatabaseLog(db, SystemClock(), QUICK), DatabaseLog(other, SystemClock(), QUICK)
    seen, spare = Seen(), Seen()
    async with Running(first, seen.on()):
        await until(lambda: state(first) == "reading")
        async with Running(second, spare.on()):
            await until(lambda: state(second) == "standby")
            await put(db, 1)
            await until(lambda: seen.numbers == [1])
            assert spare.calls == []
            async with db.write() as tx:  # as if the first had hung past its lease
                await tx.execute(sa.update(cursors).values(leased_until=NOW - timedelta(days=1000), lease_token=None))
            await put(db, 2, 3)
            await until(lambda: sorted(seen.numbers + spare.numbers) == [1, 2, 3])
    await other.close()


async def test_a_clock_put_back_does_not_keep_a_dead_lease(db: Database):
    log, seen = DatabaseLog(db, SystemClock(), QUICK), Seen()
    await put(db, 1)
    async with db.write() as tx:
        ahead = SystemClock().now() + timedelta(days=1)
        await tx.execute(
            sa.insert(cursors).values(consumer="c", position=0, lease_token="x", leased_until=ahead, moved_at=NOW)
        )
    await log.drain(seen.on())
    assert seen.numbers == [1]


async def test_the_trace_is_carried_on(db: Database):
    async def handler(tx: AsyncConnection, event: Event) -> None:
        await publish(tx, "/next", checked(2), NOW)

    await put(db, 1)
    await DatabaseLog(db, SystemClock(), QUICK)._consumer(Subscription("c", (TOPIC,), handler))._turn()
    assert trace.get() is None
    async with db.read() as tx:
        payloads = (await tx.execute(sa.select(outbox.c.payload).order_by(outbox.c.position))).scalars().all()
    first, second = (Event.model_validate_json(payload).traceparent or "" for payload in payloads)
    assert first.split("-")[1] == second.split("-")[1]
    assert first != second


async def test_pruning_keeps_what_somebody_has_still_to_read(db: Database):
    await put(db, 1, 2, 3)
    log = DatabaseLog(db, SystemClock(), LogRules(batch=2))
    await log.drain(Seen().on("fast"))
    slow = log._consumer(Seen().on("slow"))
    await slow._turn()
    await slow._lease.release()
    assert await prune(db, NOW + timedelta(days=8), LogRules(), False) == 2
    async with db.read() as tx:
        assert (await tx.execute(sa.select(outbox.c.position))).scalars().all() == [3]
    await put(db, 4)
    seen = Seen()
    await log.drain(seen.on("slow"))
    assert seen.numbers == [3, 4]


@pytest.mark.postgres
@pytest.mark.parametrize("first_commits", [True, False])
async def test_a_row_that_commits_late_is_not_skipped(postgres_url: str, first_commits: bool):
    """PostgreSQL: the lower position commits after the higher, or never."""
    database = Database(postgres_url)
    await migrate.upgrade(database, "eventlog")
    log, seen = DatabaseLog(database, SystemClock(), QUICK), Seen()
    inserted, go = asyncio.Event(), asyncio.Event()

    async def linger(_tx: AsyncConnection, _rows: list[None]) -> None:
        inserted.set()
        await go.wait()
        if not first_commits:
            raise ZeroDivisionError

    async def early() -> None:
        with suppress(ZeroDivisionError):
            async with database.write() as tx:
                await publish(tx, "/test", checked(1), NOW)
                gathered(tx, linger)  # comes after the rows of `publish`, which have their positions then

    async with Running(log, seen.on()):
        first = asyncio.create_task(early())
        await inserted.wait()
        await put(database, 2)
        await asyncio.sleep(0.2)
        assert seen.numbers == [], "2 must wait: 1 may still come before it"
        go.set()
        await first
        expected = [1, 2] if first_commits else [2]
        await until(lambda: seen.numbers == expected)
    await database.close()


@pytest.mark.postgres
async def test_many_writers_on_postgresql_lose_nothing(postgres_url: str):
    database = Database(postgres_url)
    await migrate.upgrade(database, "eventlog")
    log, seen = DatabaseLog(database, SystemClock(), QUICK), Seen()

    async def writer(start: int) -> None:
        for number in range(start, start + 20):
            with suppress(ZeroDivisionError):
                async with database.write() as tx:
                    await publish(tx, "/test", checked(number), NOW)
                    await asyncio.sleep(0.003 * (number % 3))
                    if number % 7 == 0:
                        raise ZeroDivisionError

    async with Running(log, seen.on()):
        await asyncio.gather(*(writer(start) for start in range(0, 160, 20)))
        wanted = [number for number in range(160) if number % 7]
        await until(lambda: len(seen.numbers) >= len(wanted))
    assert sorted(seen.numbers) == wanted
    await database.close()


async def test_while_others_submit_the_writer_is_not_kept_for_a_whole_batch(db: Database):
    sizes: list[int] = []

    async def batch(tx: AsyncConnection, events: Sequence[Event]) -> None:
        sizes.append(len(events))

    async def submit(tx: AsyncConnection) -> None:
        await tx.execute(sa.select(sa.literal(1)))

    await put(db, *range(120))
    await db.grouped(submit)
    log = DatabaseLog(db, SystemClock(), QUICK)
    await log.drain(Subscription("c", (TOPIC,), Seen(), batch=batch))
    assert sizes == ([50, 50, 20] if db.is_sqlite else [120])
