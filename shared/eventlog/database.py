"""The log in the database: each consumer reads the outbox in order, with a cursor of its own.

Effect, inbox mark and cursor commit together. Three ways to fail: `Unavailable` waits, anything else is tried three
times and then becomes a dead letter; the events behind it go on.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.clock import Clock
from shared.db import Database, insert_ignore
from shared.errors import Poison, Unavailable
from shared.eventlog import Subscription
from shared.eventlog.tables import cursors, dead_letters, inbox, outbox
from shared.events import decode
from shared.logs import get
from shared.metrics import DEAD_LETTERS, EVENTS_CONSUMED

BATCH = 200
TRIES = 3
IDLE = 0.5

log = get(__name__)


class DatabaseLog:
    """Reads the outbox table as a log."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db, self._clock = db, clock

    async def run(self, subscription: Subscription, stop: asyncio.Event) -> None:
        """Handle events as they come, until `stop`."""
        while not stop.is_set():
            try:
                handled = await self.drain(subscription)
            except Unavailable as error:
                log.warning("the log waits", consumer=subscription.consumer, error=str(error))
                handled = 0
            if not handled:
                await self._db.committed(IDLE)

    async def drain(self, subscription: Subscription) -> int:
        """Handle what is there now; returns how many events were handled."""
        total = 0
        while number := await self._batch(subscription):
            total += number
        return total

    async def _batch(self, subscription: Subscription) -> int:
        if not await self._pending(subscription):
            return 0
        try:
            return await self._handle(subscription, BATCH)
        except Unavailable:
            raise
        except Exception as error:
            log.warning("a batch failed; one by one now", consumer=subscription.consumer, error=str(error))
        return await self._single(subscription)

    async def _pending(self, subscription: Subscription) -> bool:
        async with self._db.read() as tx:
            position = await tx.scalar(select(cursors.c.position).where(cursors.c.consumer == subscription.consumer))
            return bool(await self._next(tx, subscription, position or 0, 1))

    async def _handle(self, subscription: Subscription, limit: int) -> int:
        async with self._db.write() as tx:
            position = await self._position(tx, subscription.consumer)
            rows = await self._next(tx, subscription, position, limit)
            for row in rows:
                await self._apply(tx, subscription, row)
            if rows:
                await self._advance(tx, subscription.consumer, rows[-1].position)
        for row in rows:
            EVENTS_CONSUMED.labels(row.topic, "handled").inc()
        return len(rows)

    async def _single(self, subscription: Subscription) -> int:
        for attempt in range(1, TRIES + 1):
            try:
                return await self._handle(subscription, 1)
            except Unavailable:
                raise
            except Exception as error:
                if attempt == TRIES or isinstance(error, Poison):
                    return await self._bury(subscription, error)
                await asyncio.sleep(0.05 * 2**attempt)
        return 0

    async def _bury(self, subscription: Subscription, error: Exception) -> int:
        now = self._clock.now()
        async with self._db.write() as tx:
            position = await self._position(tx, subscription.consumer)
            rows = await self._next(tx, subscription, position, 1)
            for row in rows:
                letter = {
                    "consumer": subscription.consumer, "topic": row.topic, "event_id": row.event_id,
                    "payload": row.payload, "error": f"{type(error).__name__}: {error}"[:4000], "at": now,
                }  # fmt: skip
                await tx.execute(insert(dead_letters).values(**letter))
                await self._advance(tx, subscription.consumer, row.position)
        for row in rows:
            DEAD_LETTERS.labels(row.topic).inc()
            EVENTS_CONSUMED.labels(row.topic, "dead").inc()
            log.error("dead letter", consumer=subscription.consumer, event_id=row.event_id, error=str(error))
        return len(rows)

    async def _apply(self, tx: AsyncConnection, subscription: Subscription, row: Row[Any]) -> None:
        mark = {"consumer": subscription.consumer, "event_id": row.event_id, "handled_at": self._clock.now()}
        if await insert_ignore(tx, inbox, [mark]):
            await subscription.handler(tx, decode(row.payload.encode()))

    @staticmethod
    async def _next(tx: AsyncConnection, subscription: Subscription, after: int, limit: int) -> Sequence[Row[Any]]:
        query = select(outbox).where(outbox.c.position > after, outbox.c.topic.in_(subscription.topics))
        return (await tx.execute(query.order_by(outbox.c.position).limit(limit))).all()

    @staticmethod
    async def _position(tx: AsyncConnection, consumer: str) -> int:
        await insert_ignore(tx, cursors, [{"consumer": consumer, "position": 0}])
        query = select(cursors.c.position).where(cursors.c.consumer == consumer).with_for_update()
        return int(await tx.scalar(query) or 0)

    @staticmethod
    async def _advance(tx: AsyncConnection, consumer: str, position: int) -> None:
        await tx.execute(update(cursors).where(cursors.c.consumer == consumer).values(position=position))
