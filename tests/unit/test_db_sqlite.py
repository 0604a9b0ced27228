"""`shared.db` on SQLite: its lock and its settings."""

import asyncio
import sqlite3
import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from shared.db import Database, Json, UtcDateTime, metadata
from shared.errors import SettingError, Unavailable

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


async def test_a_crowd_before_a_lock_is_told_together(db: Database, tmp_path: Path):
    """Not one after another, each having waited for the lock anew."""
    other = sqlite3.connect(tmp_path / "t.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    begun = time.monotonic()
    grouped = [db.grouped(lambda tx: tx.execute(sa.update(things).values(n=things.c.n + 1))) for _ in range(200)]
    told = await asyncio.gather(*(bump(db) for _ in range(20)), *grouped, return_exceptions=True)
    assert time.monotonic() - begun < 3, "the lock is waited for 0.3 s each time"
    assert {type(one) for one in told} == {Unavailable}
    other.execute("COMMIT")
    other.close()
    await bump(db)
    assert await total(db) == 1


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


@pytest.mark.parametrize(
    "url", ["", "mysql://x/y", "sqlite://", "sqlite:///:memory:", "postgresql+psycopg2://u:hunter2@h/d", "nonsense"]
)
def test_a_wrong_url_is_a_setting_error_without_the_secret(url: str):
    with pytest.raises(SettingError, match="CITEWATCH_DATABASE_URL") as caught:
        Database(url)
    assert "hunter2" not in str(caught.value)


LONG = sa.text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000) SELECT max(i) FROM n")


@pytest.mark.parametrize("way", ["read", "write"])
async def test_a_long_query_holds_up_nobody(db: Database, way: str):
    async def ask() -> int:
        async with getattr(db, way)() as tx:
            return int(await tx.scalar(LONG) or 0)

    task, ticks = asyncio.create_task(ask()), 0
    while not task.done():
        await asyncio.sleep(0.001)
        ticks += 1
    assert await task == 2_000_000
    assert ticks > 20


async def test_cancelled_in_mid_query_the_connection_is_fit_again(db: Database):
    async def write() -> None:
        async with db.write() as tx:
            await tx.execute(sa.update(things).values(n=9))
            await tx.scalar(LONG)

    task = asyncio.create_task(write())
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await bump(db)
    assert await total(db) == 1


async def test_closed_no_thread_is_left(tmp_path: Path):
    before = set(threading.enumerate())  # of other tests; they may end at any time
    database = Database(f"sqlite:///{tmp_path}/other.db")
    async with database.write() as tx:
        await tx.run_sync(META.create_all)
    await asyncio.gather(*(total(database) for _ in range(5)), return_exceptions=True)
    assert set(threading.enumerate()) - before
    await database.close()
    for _ in range(100):
        if not (left := set(threading.enumerate()) - before):
            return
        await asyncio.sleep(0.01)
    raise AssertionError(left)
