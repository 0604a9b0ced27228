"""Reads the outbox in order of commit: what the embedded consumers and the relay have in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db import Database
from shared.eventlog.inbox import Letter
from shared.eventlog.tables import outbox


@dataclass(frozen=True)
class Batch:
    """What lies between two places of the log: letters of the topics asked for, and the place after them."""

    letters: tuple[Letter, ...]
    before: int
    after: int


class Reader:
    """Reads the outbox in order of commit, and never past a row that may still appear.

    SQLite commits one writer at a time: order of position is order of commit. On PostgreSQL a lower position may
    commit after a higher one. A hole is waited for until every transaction that could fill it has ended: all those
    that had an id when the hole was seen, for a publisher takes its id before its positions.
    """

    def __init__(self, db: Database, topics: Sequence[str], limit: int) -> None:
        wanted = outbox.c.topic.in_(topics)
        columns = [outbox.c.position, outbox.c.topic, outbox.c.key, outbox.c.event_id]
        self._rows = (
            sa.select(*columns, sa.case((wanted, outbox.c.payload)).label("payload"))
            .where(outbox.c.position > sa.bindparam("cursor"))
            .order_by(outbox.c.position)
            .limit(sa.bindparam("limit"))
        )
        self._db = db
        self._limit = limit
        self._settled = 0
        """Every position up to here is committed or will never be."""
        self._doubt: tuple[int, int] | None = None
        """(position, transaction id): positions up to it are settled when all transactions below the id have ended."""

    async def read(self, cursor: int, most: int | None = None) -> Batch:
        """The next events after a place, fewer on demand. An empty batch whose place moved holds only other topics'
        events.
        """
        async with self._db.read() as tx:
            if self._doubt and await self._transaction_id(tx, "xmin") >= self._doubt[1]:
                self._settled, self._doubt = self._doubt[0], None
            rows: Sequence[Any] = (
                await tx.execute(self._rows, {"cursor": cursor, "limit": min(self._limit, most or self._limit)})
            ).all()
            if not self._db.is_sqlite:
                rows = await self._certain(tx, rows, cursor)
        letters = tuple(
            Letter(row.position, row.topic, row.key, row.event_id, row.payload.encode())
            for row in rows
            if row.payload is not None
        )
        return Batch(letters, cursor, rows[-1].position if rows else cursor)

    async def _certain(self, tx: AsyncConnection, rows: Sequence[Any], cursor: int) -> Sequence[Any]:
        """The rows before the first hole that may still be filled."""
        for index, row in enumerate(rows):
            if row.position > max(cursor + 1, self._settled):
                # Asked after the rows were read: whoever holds a position among them had its id by then.
                self._doubt = self._doubt or (rows[-1].position, await self._transaction_id(tx, "xmax"))
                return rows[:index]
            cursor = row.position
        return rows

    @staticmethod
    async def _transaction_id(tx: AsyncConnection, which: str) -> int:
        """`xmin`: all transactions below it have ended. `xmax`: none at or above it has begun."""
        query = f"SELECT pg_snapshot_{which}(pg_current_snapshot())::text::bigint"
        return int((await tx.execute(sa.text(query))).scalar_one())
