"""`citewatch db copy` row by row: what was there is there, numbers go on, nothing is mixed."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from services.commands import move
from services.embedded import PARTS
from shared import migrate
from shared.blobs import open_blobs
from shared.clock import SystemClock
from shared.db import Database
from shared.errors import InputError
from shared.eventlog import Subscription
from shared.eventlog.database import DatabaseLog
from shared.eventlog.tables import cursors, inbox, outbox
from shared.eventlog.upkeep import RELAY
from tests.support.logs import NOW, QUICK, TOPIC, Seen, put


@pytest.fixture
async def old(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite:///{tmp_path}/old/citewatch.db")
    await migrate.upgrade(database, *PARTS)
    yield database
    await database.close()


@pytest.fixture
async def new(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    await migrate.upgrade(database, *PARTS)
    yield database
    await database.close()


async def read(db: Database, consumer: str, seen: Seen) -> None:
    """Read what is there, as one consumer."""
    await DatabaseLog(db, SystemClock(), QUICK).drain(Subscription(consumer, (TOPIC,), seen))


async def copied(old: Database, new: Database) -> None:
    async with old.read() as before, new.write() as after:
        await move.copy_rows(before, after, NOW)


async def rows(db: Database, table: sa.Table) -> list[dict[str, Any]]:
    async with db.read() as tx:
        found = await tx.execute(sa.select(table).order_by(*table.primary_key.columns))
        return [dict(row) for row in found.mappings()]


async def test_rows_marks_and_places_go_along(old: Database, new: Database) -> None:
    await put(old, *range(2500))
    seen = Seen()
    await read(old, "linkcheck", seen)
    await put(old, 2500, 2501)
    await read(old, "notify", Seen())
    await copied(old, new)
    for table in (outbox, inbox):
        assert await rows(new, table) == await rows(old, table)
    places = {row["consumer"]: row["position"] for row in await rows(new, cursors)}
    assert places == {"linkcheck": 2500, "notify": 2502, RELAY: 2500}
    await put(new, 2502)  # its number is a new one
    await read(new, "linkcheck", seen)
    assert seen.calls == list(range(2503)), "nothing lost, nothing twice"


async def test_a_consumer_that_never_read_gets_everything(old: Database, new: Database) -> None:
    await put(old, 1, 2)
    await read(old, "linkcheck", Seen())
    await copied(old, new)
    assert {row["position"] for row in await rows(new, cursors) if row["consumer"] == RELAY} == {0}


async def test_rows_are_not_mixed(old: Database, new: Database) -> None:
    await put(old, 1)
    await put(new, 2)
    with pytest.raises(InputError, match="Give an empty one"):
        await copied(old, new)
    assert len(await rows(new, outbox)) == 1


async def test_a_copy_that_is_broken_off_leaves_nothing(
    old: Database, new: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(old, 1, 2)

    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(move, "_start_the_relay", broken)
    with pytest.raises(ZeroDivisionError):
        await copied(old, new)
    assert await rows(new, outbox) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_not_while_somebody_works(
    old: Database, tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITEWATCH_DATA_DIR", str(tmp_path / "old"))
    soon = SystemClock().now() + timedelta(seconds=10)
    async with old.write() as tx:
        await tx.execute(sa.insert(cursors).values(consumer="notify", position=0, moved_at=NOW, leased_until=soon))
    with pytest.raises(InputError, match="still works on this database"):
        await move.copy(database_url, None, None)
    with pytest.raises(InputError, match="in use"):
        await move.copy(f"sqlite:///{tmp_path}/old/citewatch.db", None, None)


async def test_objects_are_copied_once(tmp_path: Path) -> None:
    before, after = open_blobs(f"file://{tmp_path}/a"), open_blobs(f"file://{tmp_path}/b")
    items = [(f"warc/{number % 7}/{number}", str(number).encode()) for number in range(450)]
    await before.put_many(items)
    await after.put_many(items[:100])
    assert await move.copy_objects(before, after) == 350
    assert [name async for name in after.names()] == [name async for name in before.names()]
    assert await move.copy_objects(before, after) == 0
