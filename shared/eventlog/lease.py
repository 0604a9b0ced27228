"""Leases: one process at a time reads for a consumer, and one that was replaced changes nothing any more."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from shared import logs
from shared.bulk import insert_ignore
from shared.clock import Clock
from shared.db import Database
from shared.errors import CitewatchError
from shared.eventlog.tables import cursors
from shared.ids import new_id

_log = logs.get(__name__)


class LeaseLost(CitewatchError):
    """Another process reads for this consumer now."""


class Lease:
    """The right of one process to read for a consumer, with its place. The token fences every move."""

    def __init__(self, db: Database, clock: Clock, consumer: str, length: timedelta) -> None:
        self._db = db
        self._clock = clock
        self._consumer = consumer
        self._length = length
        self._token = new_id("lse", clock.now())
        self._place: int | None = None
        self._renewed = datetime.min.replace(tzinfo=UTC)
        self._mine = (cursors.c.consumer == consumer) & (cursors.c.lease_token == self._token)

    async def hold(self) -> int | None:
        """Take or renew the lease. Returns the place to read from, or None while another process has it."""
        now = self._clock.now()
        if self._place is not None and abs(now - self._renewed) < self._length / 3:
            return self._place
        async with self._db.write() as tx:
            await insert_ignore(tx, cursors, [{"consumer": self._consumer, "position": 0, "moved_at": now}])
            row = (
                await tx.execute(
                    sa.update(cursors)
                    .where(cursors.c.consumer == self._consumer, self._free(now))
                    .values(lease_token=self._token, leased_until=now + self._length)
                    .returning(cursors.c.position)
                )
            ).first()
        self._place = None if row is None else int(row.position)
        self._renewed = now
        return self._place

    def _free(self, now: datetime) -> sa.ColumnElement[bool]:
        """Ours, nobody's, run out, or further ahead than any lease lasts: then the clock was put back."""
        until = cursors.c.leased_until
        return (
            (cursors.c.lease_token == self._token) | until.is_(None) | (until <= now) | (until > now + 2 * self._length)
        )

    async def move(self, tx: AsyncConnection, before: int, after: int, now: datetime) -> None:
        """Move the place, if the lease is still ours and the place where we left it."""
        change = sa.update(cursors).where(self._mine, cursors.c.position == before)
        values = {"position": after, "moved_at": now, "leased_until": now + self._length}
        if (await tx.execute(change.values(**values))).rowcount != 1:
            raise LeaseLost(f"another process reads for {self._consumer}")

    def moved(self, after: int, now: datetime) -> None:
        self._place, self._renewed = after, now

    def drop(self) -> None:
        self._place = None

    async def release(self) -> None:
        """Let another process go on at once."""
        if self._place is None:
            return
        self._place = None
        try:
            async with self._db.write() as tx:
                await tx.execute(sa.update(cursors).where(self._mine).values(lease_token=None, leased_until=None))
        except CitewatchError as error:
            _log.warning("lease_not_released", consumer=self._consumer, error=str(error))
