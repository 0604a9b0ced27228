"""`shared.db` on SQLite: locks, cancellation, errors, types."""

import asyncio
import sqlite3
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa

from shared.db import Database, Json, UtcDateTime, after_commit, insert_ignore, metadata, upsert
from shared.errors import RetryLater, SettingError, Unavailable

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
async def db(tmp_path: Path):
    database = Database(f"sqlite:///{tmp_path}/t.db", busy_seconds=0.3)
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


async def test_read_modify_write_loses_nothing(db: Database):
    await asyncio.gather(*(bump(db) for _ in range(200)))
    assert await total(db) == 200


async def test_two_handles_on_one_file_lose_nothing(db: Database, tmp_path: Path):
    other = Database(f"sqlite:///{tmp_path}/t.db")
    patient = Database(f"sqlite:///{tmp_path}/t.db")
    await asyncio.gather(*(bump(each) for each in (patient, other) * 40))
    await other.close()
    await patient.close()
    assert await total(db) == 80


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
    async with db.write():
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


async def test_locked_by_another_process_is_unavailable_and_passes(db: Database, tmp_path: Path):
    other = sqlite3.connect(tmp_path / "t.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable):
        await bump(db)
    assert await total(db) == 0, "readers go on meanwhile"
    other.execute("COMMIT")
    other.close()
    await bump(db)
    assert await total(db) == 1


async def test_a_taken_key_is_retry_later_and_a_bug_stays_a_bug(db: Database):
    with pytest.raises(RetryLater):
        async with db.write() as tx:
            await tx.execute(sa.insert(things).values(id=1, n=0))
    with pytest.raises(sa.exc.OperationalError):
        async with db.write() as tx:
            await tx.execute(sa.text("SELECT * FROM nowhere"))


async def test_readers_cannot_write(db: Database):
    with pytest.raises(Unavailable):
        async with db.read() as tx:
            await tx.execute(sa.update(things).values(n=7))


async def test_durable_by_the_book(db: Database):
    async with db.write() as tx:
        modes = [
            (await tx.exec_driver_sql(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert modes == ["wal", 2, 1]


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


async def test_values_come_back_as_they_went(db: Database):
    moment = datetime(1969, 12, 31, 23, 59, 59, 123457, tzinfo=timezone(timedelta(hours=-5)))
    data = {"nul": "a\0b", "deep": [1, None, {"ü": "☃"}]}
    async with db.write() as tx:
        assert await insert_ignore(tx, things, [{"id": 5, "n": 1, "at": moment, "data": data}]) == 1
        assert await insert_ignore(tx, things, [{"id": 5, "n": 2}, {"id": 6, "n": 2}]) == 1
        await upsert(tx, things, [{"id": 6, "n": 9}, {"id": 7, "n": 9}], keys=["id"])
        rows = {row.id: row for row in await tx.execute(sa.select(things))}
    assert rows[5].at == moment and rows[5].at.tzinfo is UTC
    assert rows[5].data == data
    assert [rows[6].n, rows[7].n] == [9, 9]


async def test_a_time_without_zone_is_refused(db: Database):
    with pytest.raises(sa.exc.StatementError):
        async with db.write() as tx:
            await tx.execute(sa.update(things).values(at=datetime(2026, 1, 1)))


@pytest.mark.parametrize(
    "url", ["", "mysql://x/y", "sqlite://", "sqlite:///:memory:", "postgresql+psycopg2://u:hunter2@h/d", "nonsense"]
)
def test_a_wrong_url_is_a_setting_error_without_the_secret(url: str):
    with pytest.raises(SettingError, match="CITEWATCH_DATABASE_URL") as caught:
        Database(url)
    assert "hunter2" not in str(caught.value)
