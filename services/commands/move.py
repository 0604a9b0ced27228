"""`citewatch db copy`: takes everything from one database and archive to another, as from one process to a cluster.

All rows go in one transaction, so a copy that is broken off leaves the new database as empty as it was. Objects never
change, so those that are there already are passed over. What consumers have handled is marked (inbox) and the marks go
along: nothing is done twice. What no consumer has handled yet is shipped: the relay begins where the last of them was.
"""

import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.embedded import PARTS
from services.linkcheck.settings import LinkcheckSettings
from shared import migrate
from shared.blobs import Blobs, open_blobs
from shared.clock import Clock, SystemClock
from shared.db import Database
from shared.engines import parse
from shared.errors import InputError
from shared.eventlog.tables import cursors
from shared.eventlog.upkeep import RELAY
from shared.settings import load

ROWS = 1000
"""Rows in one statement."""
OBJECTS = 200
"""Objects in one batch."""
CONSUMERS = ("linkcheck", "notify")


async def copy(to: str, archive_to: str | None, data_dir: Path | None) -> None:
    """From the database and archive of the settings to these. Raises `InputError` where that would mix or lose data."""
    settings, clock = load(LinkcheckSettings, data_dir=data_dir), SystemClock()
    if parse(to) == parse(settings.database):
        raise InputError("That is the database that is in use.", "Give the URL of a new one.")
    source, target = Database(settings.database), Database(to)
    try:
        await migrate.upgrade(source, *PARTS)
        await migrate.upgrade(target, *PARTS)
        async with source.read() as old:
            await _refuse_if_at_work(old, clock)
            if archive_to is not None:  # objects first: no row may point to what is not there
                number = await copy_objects(open_blobs(settings.archive), open_blobs(archive_to))
                _tell(f"{number} objects were copied to the new archive")
            async with target.write() as new:
                await copy_rows(old, new, clock.now())
    finally:
        await source.close()
        await target.close()


async def _refuse_if_at_work(old: AsyncConnection, clock: Clock) -> None:
    held = sa.select(cursors.c.consumer).where(cursors.c.leased_until > clock.now())
    if (names := (await old.scalars(held)).all()) != []:
        raise InputError(
            f"Citewatch still works on this database ({', '.join(names)}).",
            "Stop it first; after a crash, wait for 15 seconds.",
        )


async def copy_rows(old: AsyncConnection, new: AsyncConnection, now: datetime) -> None:
    """Every row of every part, and the place where the relay begins. The new tables must be empty."""
    for table in _tables():
        if (await new.execute(sa.select(sa.literal(1)).select_from(table).limit(1))).first() is not None:
            raise InputError(f"The new database has rows in {table.name}.", "Give an empty one.")
        number = 0
        async for rows in _batches(old, table):
            await new.execute(sa.insert(table), rows)
            number += len(rows)
        await _continue_numbers(new, table)
        _tell(f"{number} rows of {table.name}")
    await _start_the_relay(new, now)


def _tables() -> Iterator[sa.Table]:
    """Those that others point to come first."""
    for name in PARTS:
        metadata: sa.MetaData = import_module(migrate.PARTS[name].tables).METADATA
        yield from metadata.sorted_tables


async def _batches(old: AsyncConnection, table: sa.Table) -> AsyncIterator[Sequence[dict[str, Any]]]:
    """All rows in the order of the primary key, each batch from after the last one."""
    key = list(table.primary_key.columns)
    page = sa.select(table).order_by(*key).limit(ROWS)
    rows = [dict(row) for row in (await old.execute(page)).mappings()]
    while rows:
        yield rows
        last = sa.tuple_(*(sa.literal(rows[-1][column.name], column.type) for column in key))
        found = await old.execute(page.where(sa.tuple_(*key) > last))
        rows = [dict(row) for row in found.mappings()]


async def _continue_numbers(new: AsyncConnection, table: sa.Table) -> None:
    """PostgreSQL numbers rows by a sequence, which has not seen the rows that brought theirs along."""
    column = table.autoincrement_column
    if column is None or new.dialect.name == "sqlite":
        return
    sequence = sa.func.pg_get_serial_sequence(table.name, column.name)
    highest = sa.select(sa.func.max(column)).scalar_subquery()
    await new.execute(sa.select(sa.func.setval(sequence, highest)).where(highest.is_not(None)))


async def _start_the_relay(new: AsyncConnection, now: datetime) -> None:
    """Kafka gets what some consumer has not read yet; of that, the marks tell who has."""
    if await new.scalar(sa.select(cursors.c.position).where(cursors.c.consumer == RELAY)) is not None:
        return
    places = (await new.scalars(sa.select(cursors.c.position).where(cursors.c.consumer.in_(CONSUMERS)))).all()
    first = min(places) if len(places) == len(CONSUMERS) else 0
    await new.execute(sa.insert(cursors).values(consumer=RELAY, position=first, moved_at=now))


async def copy_objects(old: Blobs, new: Blobs) -> int:
    """Every object that is not there yet. Returns how many were new."""
    names: list[str] = []
    number = 0
    async for name in old.names():
        names.append(name)
        if len(names) == OBJECTS:
            number += await _put(old, new, names)
            names = []
    return number + await _put(old, new, names)


async def _put(old: Blobs, new: Blobs, names: Sequence[str]) -> int:
    return sum(await new.put_many([(name, await old.get(name)) for name in names]))


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
