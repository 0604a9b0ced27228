"""`shared.db` on both databases: all or nothing, whatever is cancelled, killed or stopped."""

import asyncio
from contextlib import suppress
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta, timezone

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from deploy.local.postgres import Postgres
from shared.bulk import insert_ignore, insert_new, upsert
from shared.db import Database, Json, UtcDateTime, after_commit, gathered, metadata
from shared.errors import RetryLater, Unavailable

META = metadata()
things = sa.Table(
    "things",
    META,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("n", sa.Integer, nullable=False, default=0),
    sa.Column("at", UtcDateTime),
    sa.Column("data", Json),
)


@pytest.fixture
async def db(database_url: str):
    database = Database(database_url)
    async with database.write() as tx:
        await tx.run_sync(META.create_all)
        await tx.execute(sa.insert(things).values(id=1, n=0))
    yield database
    await database.close()


async def total(db: Database) -> int:
    async with db.read() as tx:
        return (await tx.execute(sa.select(things.c.n).where(things.c.id == 1))).scalar_one()


async def bump(db: Database) -> None:
    async with db.write() as tx:
        n = (await tx.execute(sa.select(things.c.n).where(things.c.id == 1))).scalar_one()
        await asyncio.sleep(0)
        await tx.execute(sa.update(things).where(things.c.id == 1).values(n=n + 1))


@pytest.mark.parametrize("steps", range(25))
async def test_cancelled_anywhere_leaks_nothing_and_commits_whole(db: Database, steps: int):
    async def two() -> None:
        async with db.write() as tx:
            await tx.execute(sa.insert(things).values(id=100, n=1))
            await tx.execute(sa.insert(things).values(id=101, n=1))

    task = asyncio.create_task(two())
    for _ in range(steps):
        await asyncio.sleep(0.0001)
    task.cancel()
    await asyncio.wait([task])
    async with asyncio.timeout(2):
        await bump(db)
        async with db.read() as tx:
            count = (await tx.execute(sa.select(sa.func.count()).where(things.c.id >= 100))).scalar_one()
    assert count in (0, 2)
    assert await total(db) == 1


async def test_cancelled_while_waiting_for_its_turn(db: Database):
    async with db.write() as tx:
        await tx.execute(sa.select(things).with_for_update())  # PostgreSQL lets writers of other rows go on
        waiting = asyncio.create_task(bump(db))
        await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.wait([waiting])
    await bump(db)
    assert await total(db) == 1


async def test_an_exception_rolls_back_and_passes(db: Database):
    with pytest.raises(ZeroDivisionError):
        async with db.write() as tx:
            await tx.execute(sa.update(things).values(n=7))
            raise ZeroDivisionError
    assert await total(db) == 0


async def test_a_taken_key_is_retry_later_and_a_bug_stays_a_bug(db: Database):
    with pytest.raises(RetryLater):
        async with db.write() as tx:
            await tx.execute(sa.insert(things).values(id=1, n=0))
    with pytest.raises(sa.exc.DBAPIError):
        async with db.write() as tx:
            await tx.execute(sa.text("SELECT * FROM nowhere"))


async def test_after_commit_only_after_commit(db: Database):
    calls: list[str] = []
    with pytest.raises(ZeroDivisionError):
        async with db.write() as tx:
            after_commit(tx, lambda: calls.append("rolled back"))
            raise ZeroDivisionError
    async with db.write() as tx:
        after_commit(tx, lambda: calls.append("committed"))
        assert calls == []
    async with db.write() as tx:
        pass
    assert calls == ["committed"]


async def test_gathered_rows_are_written_once_before_the_commit(db: Database):
    written: list[list[int]] = []

    async def write(tx: AsyncConnection, rows: list[int]) -> None:
        written.append(rows)
        await tx.execute(sa.insert(things), [{"id": each, "n": 1} for each in rows])

    with pytest.raises(ZeroDivisionError):
        async with db.write() as tx:
            gathered(tx, write).append(10)
            raise ZeroDivisionError
    async with db.write() as tx:
        gathered(tx, write).append(11)
        gathered(tx, write).append(12)
        assert written == []
    assert written == [[11, 12]]
    async with db.read() as tx:
        found = await tx.scalars(sa.select(things.c.id).where(things.c.id >= 10).order_by(things.c.id))
        assert found.all() == [11, 12]


async def test_gathered_rows_that_are_refused_undo_the_rest(db: Database):
    async def write(tx: AsyncConnection, rows: list[int]) -> None:
        await tx.execute(sa.insert(things), [{"id": each, "n": 1} for each in rows])

    with pytest.raises(RetryLater):
        async with db.write() as tx:
            await tx.execute(sa.update(things).values(n=7))
            gathered(tx, write).append(1)
    assert await total(db) == 0


async def test_values_come_back_as_they_went(db: Database):
    moment = datetime(1969, 12, 31, 23, 59, 59, 123457, tzinfo=timezone(timedelta(hours=-5)))
    data = {"nul": "a\0b", "deep": [1, None, {"ü": "☃"}]}
    async with db.write() as tx:
        assert await insert_new(tx, things, [{"id": 5, "n": 1, "at": moment, "data": data}]) == [(5,)]
        assert await insert_new(tx, things, [{"id": 5, "n": 2}]) == []
        assert await insert_new(tx, things, [{"id": 5, "n": 2}, {"id": 6, "n": 2}]) == [(6,)]
        await insert_ignore(tx, things, [{"id": 6, "n": 3}])
        await upsert(tx, things, [{"id": 6, "n": 9}, {"id": 7, "n": 9}], keys=["id"])
        rows = {row.id: row for row in await tx.execute(sa.select(things))}
    assert rows[5].at == moment and rows[5].at.tzinfo is UTC
    assert rows[5].data == data
    assert [rows[6].n, rows[7].n] == [9, 9]


async def test_a_time_without_zone_is_refused(db: Database):
    with pytest.raises(sa.exc.StatementError):
        async with db.write() as tx:
            await tx.execute(sa.update(things).values(at=datetime(2026, 1, 1)))


async def test_pieces_of_a_group_are_all_done_and_a_bad_one_is_alone(db: Database):
    async def piece(number: int) -> int:
        async def work(tx: AsyncConnection) -> int:
            await tx.execute(sa.insert(things).values(id=number, n=number))
            if number % 7 == 0:
                raise ZeroDivisionError
            return number

        return await db.grouped(work)

    numbers = range(10, 60)
    results = await asyncio.gather(*(piece(number) for number in numbers), return_exceptions=True)
    async with db.read() as tx:
        stored = set((await tx.execute(sa.select(things.c.id).where(things.c.id >= 10))).scalars())
    assert stored == {number for number in numbers if number % 7}
    for number, result in zip(numbers, results, strict=True):
        assert isinstance(result, ZeroDivisionError) if number % 7 == 0 else result == number


async def test_a_taken_key_in_a_group_is_retry_later_for_one(db: Database):
    async def same() -> None:
        await db.grouped(lambda tx: tx.execute(sa.insert(things).values(id=77, n=1)))

    results = await asyncio.gather(*(same() for _ in range(5)), return_exceptions=True)
    assert [type(result) for result in results if result is not None] == [RetryLater] * 4


async def test_a_piece_runs_in_the_context_of_who_asked(db: Database):
    name: ContextVar[str] = ContextVar("name")

    async def asker(who: str) -> str:
        name.set(who)

        async def work(tx: AsyncConnection) -> str:
            await tx.execute(sa.select(sa.literal(1)))
            return name.get()

        return await db.grouped(work)

    assert await asyncio.gather(*(asyncio.create_task(asker(each)) for each in "abcdef")) == list("abcdef")


async def test_a_cancelled_asker_holds_nobody_up(db: Database):
    async def bump_in_group(tx: AsyncConnection) -> None:
        await tx.execute(sa.update(things).where(things.c.id == 1).values(n=things.c.n + 1))

    tasks = [asyncio.create_task(db.grouped(bump_in_group)) for _ in range(30)]
    await asyncio.sleep(0.001)
    for task in tasks[::3]:
        task.cancel()
    await asyncio.wait(tasks)
    async with asyncio.timeout(5):
        await db.grouped(bump_in_group)
    assert 21 <= await total(db) <= 31


async def test_work_that_can_wait_does_and_not_for_ever(db: Database):
    order: list[str] = []

    async def piece(tx: AsyncConnection) -> None:
        await tx.execute(sa.select(sa.literal(1)))
        order.append("submitted")

    async def patient() -> None:
        await db.calm()
        order.append("read")

    await db.grouped(piece)
    waiting = asyncio.create_task(patient())
    for _ in range(5):
        await db.grouped(piece)
    async with asyncio.timeout(3):
        await waiting
    assert order[-1] == "read" or not db.is_sqlite
    assert order.count("submitted") == 6


@pytest.fixture
async def server(postgres_alone: Postgres):
    database = Database(postgres_alone.url())
    async with database.write() as tx:
        await tx.run_sync(META.create_all)
        await tx.execute(sa.insert(things).values(id=1, n=0))
    yield database
    await database.close()


async def recovers(db: Database) -> None:
    async with asyncio.timeout(10):
        while True:
            with suppress(Unavailable):
                await bump(db)
                return
            await asyncio.sleep(0.05)


@pytest.mark.postgres
async def test_killed_connections_are_unavailable_then_replaced(server: Database, postgres_alone: Postgres):
    admin = await asyncpg.connect(postgres_alone.url("postgres").replace("+asyncpg", ""))
    with pytest.raises(Unavailable):
        async with server.write() as tx:
            await admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'citewatch'"
            )
            await tx.execute(sa.update(things).values(n=5))
    await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'citewatch'")
    await bump(server)
    assert await total(server) == 1, "idle connections that were killed are not even noticed"
    await admin.close()


@pytest.mark.postgres
@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_a_server_that_went_away_is_unavailable_and_comes_back(
    server: Database, postgres_alone: Postgres, how: str
):
    await bump(server)
    await asyncio.to_thread(postgres_alone.stop if how == "stop" else postgres_alone.program.kill)
    with pytest.raises(Unavailable):
        await bump(server)
    with pytest.raises(Unavailable):
        await server.ping()
    await asyncio.to_thread(postgres_alone.start)
    await recovers(server)
    assert await total(server) == 2, "what was committed before is there"


@pytest.mark.postgres
async def test_a_deadlock_is_retry_later_for_one_of_the_two(server: Database):
    async with server.write() as tx:
        await tx.execute(sa.insert(things).values(id=2, n=0))

    async def cross(first: int, second: int) -> None:
        async with server.write() as tx:
            await tx.execute(sa.update(things).where(things.c.id == first).values(n=1))
            await asyncio.sleep(0.1)
            await tx.execute(sa.update(things).where(things.c.id == second).values(n=1))

    results = await asyncio.gather(cross(1, 2), cross(2, 1), return_exceptions=True)
    assert [type(result) for result in results if result] == [RetryLater]


@pytest.mark.postgres
async def test_a_statement_without_end_is_cut_off(postgres_url: str):
    database = Database(postgres_url, statement_seconds=0.2)
    with pytest.raises(Unavailable):
        async with database.write() as tx:
            await tx.execute(sa.text("SELECT pg_sleep(30)"))
    await database.ping()
    await database.close()


@pytest.mark.postgres
async def test_cancelled_many_times_no_connection_is_lost(postgres_url: str):
    database = Database(postgres_url, pool_size=2)

    async def slow() -> None:
        async with database.write() as tx:
            await tx.execute(sa.text("SELECT pg_sleep(0.02)"))

    for round_ in range(30):
        tasks = [asyncio.create_task(slow()) for _ in range(4)]
        await asyncio.sleep(0.001 * (round_ % 12))
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    async with asyncio.timeout(5):
        await asyncio.gather(*(database.ping() for _ in range(4)))
    await database.close()


async def test_a_database_that_is_not_there_is_away(postgres_alone: Postgres):
    """Also where SQLAlchemy wraps nothing: while it connects, and before the first table was made."""
    database = Database(postgres_alone.url("nobody"))
    try:
        with pytest.raises(Unavailable, match="nobody"):
            async with database.schema():
                pass
        with pytest.raises(Unavailable, match="nobody"):
            async with database.read():
                pass
    finally:
        await database.close()
