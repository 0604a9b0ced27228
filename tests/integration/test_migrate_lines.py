"""Migrations: every part, on both databases; at once, broken off, with rows that point at each other, among workers."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import op

from shared import migrate
from shared.db import Database, metadata
from shared.errors import CitewatchError, RetryLater

PARTS = [name for name, part in migrate.PARTS.items() if part.migrations.is_dir()]
NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.close()


@pytest.mark.parametrize("part", PARTS)
async def test_migrations_make_the_tables_that_the_code_has(db: Database, part: str):
    await migrate.upgrade(db, part)
    await migrate.upgrade(db, part)
    assert await migrate.current(db, part) == migrate.head(part)
    assert await migrate.drift(db, part) == []


async def test_drift_is_seen(db: Database):
    await migrate.upgrade(db, "eventlog")
    async with db.schema() as tx:
        await tx.execute(sa.text("ALTER TABLE eventlog_cursors ADD COLUMN odd INTEGER"))
    assert len(await migrate.drift(db, "eventlog")) == 1


async def test_several_processes_migrate_at_once(db: Database, database_url: str):
    others = [Database(database_url) for _ in range(4)]
    await asyncio.gather(*(migrate.upgrade(each, *PARTS) for each in others))
    for each in others:
        await each.close()
    assert await migrate.drift(db, "eventlog") == []


async def test_several_processes_open_a_new_file_at_once(tmp_path: Path):
    """Each of them changes its journal, and only one can: the others wait (a fault that showed once in ten times)."""

    async def opened(url: str) -> None:
        db = Database(url)
        async with db.write() as tx:
            mode = (await tx.exec_driver_sql("PRAGMA journal_mode")).scalar_one()
        await db.close()
        assert mode == "wal"

    for number in range(30):
        await asyncio.gather(*(opened(f"sqlite:///{tmp_path}/{number}.db") for _ in range(6)))


async def test_a_new_file_in_which_another_process_writes_is_waited_for(tmp_path: Path):
    """SQLite itself says no at once to a change of the journal then, whatever its timeout."""
    with closing(sqlite3.connect(tmp_path / "new.db", isolation_level=None)) as other:
        other.execute("CREATE TABLE first (id INTEGER)")
        other.execute("BEGIN IMMEDIATE")
        asyncio.get_running_loop().call_later(0.3, other.execute, "COMMIT")
        db = Database(f"sqlite:///{tmp_path}/new.db")
        async with db.write() as tx:
            assert (await tx.exec_driver_sql("PRAGMA journal_mode")).scalar_one() == "wal"
        await db.close()


async def test_one_that_fails_in_the_middle_leaves_nothing(db: Database):
    with pytest.raises(ZeroDivisionError):
        async with db.schema() as tx:
            await tx.execute(sa.text("CREATE TABLE half (id INTEGER)"))
            raise ZeroDivisionError
    async with db.read() as tx:
        assert "half" not in await tx.run_sync(lambda connection: sa.inspect(connection).get_table_names())


async def test_rebuilding_a_table_keeps_its_rows_and_those_that_point_to_it(db: Database):
    """What batch mode does on SQLite must not cascade."""
    tables = metadata()
    parents = sa.Table("parents", tables, sa.Column("id", sa.Integer, primary_key=True))
    children = sa.Table(
        "children",
        tables,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("parent", sa.ForeignKey("parents.id", ondelete="CASCADE")),
    )
    async with db.write() as tx:
        await tx.run_sync(tables.create_all)
        await tx.execute(sa.insert(parents), [{"id": number} for number in range(1000)])
        await tx.execute(sa.insert(children), [{"id": number, "parent": number} for number in range(1000)])

    def rebuild(connection: sa.Connection) -> None:
        from alembic.migration import MigrationContext
        from alembic.operations import Operations

        with (
            Operations.context(MigrationContext.configure(connection)),
            op.batch_alter_table("parents", recreate="auto") as batch,
        ):
            batch.add_column(sa.Column("name", sa.Text, server_default="x", nullable=False))
            batch.create_check_constraint("short", "length(name) < 9")

    async with db.schema() as tx:
        await tx.run_sync(rebuild)
    async with db.read() as tx:
        assert (await tx.execute(sa.text("SELECT count(*) FROM children"))).scalar_one() == 1000
    with pytest.raises(RetryLater):
        async with db.write() as tx:
            await tx.execute(sa.insert(children).values(id=5000, parent=5000))


async def test_a_migration_that_breaks_a_foreign_key_is_refused(tmp_path: Path):
    db = Database(f"sqlite:///{tmp_path}/x.db")
    async with db.write() as tx:
        await tx.execute(sa.text("CREATE TABLE a (id INTEGER PRIMARY KEY)"))
        await tx.execute(sa.text("CREATE TABLE b (a INTEGER REFERENCES a (id))"))
        await tx.execute(sa.text("INSERT INTO a VALUES (1)"))
        await tx.execute(sa.text("INSERT INTO b VALUES (1)"))
    with pytest.raises(CitewatchError, match="foreign key of table b"):
        async with db.schema() as tx:
            await tx.execute(sa.text("DELETE FROM a"))
    async with db.write() as tx:
        assert (await tx.execute(sa.text("SELECT count(*) FROM a"))).scalar_one() == 1
        assert (await tx.exec_driver_sql("PRAGMA foreign_keys")).scalar_one() == 1
    await db.close()


@pytest.mark.postgres
async def test_a_migration_gives_way_to_those_who_work(postgres_url: str):
    db = Database(postgres_url)
    await migrate.upgrade(db, "eventlog")
    async with db.write() as busy:
        await busy.execute(sa.text("LOCK TABLE eventlog_cursors IN SHARE MODE"))
        with pytest.raises(RetryLater):
            async with db.schema() as tx:
                await tx.execute(sa.text("SET LOCAL lock_timeout = '100ms'"))
                await tx.execute(sa.text("ALTER TABLE eventlog_cursors ADD COLUMN odd INTEGER"))
    await db.close()
