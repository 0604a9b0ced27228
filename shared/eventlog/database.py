"""The log in the database: each consumer reads the outbox table in order, and keeps its place in the same database.

Reading is outside the transaction, the effect inside it: the place is moved by compare-and-set under the lease's token,
so that a process whose lease was taken over changes nothing.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

import sqlalchemy as sa

from shared import logs, metrics
from shared.clock import Clock
from shared.db import Database
from shared.errors import Unavailable
from shared.eventlog import inbox
from shared.eventlog.inbox import Letter
from shared.eventlog.lease import Lease, LeaseLost
from shared.eventlog.outbox import CHANNEL
from shared.eventlog.port import ConsumerHealth, Health, LogRules, Subscription
from shared.eventlog.reader import Batch, Reader
from shared.eventlog.tables import dead_letters
from shared.eventlog.upkeep import Upkeep, pause, sleep, try_hard

_log = logs.get(__name__)
_HURRIED = 50
"""Events in one transaction while others submit: they wait for the only writer, a fifth of a second where it is a whole
batch."""


class DatabaseLog:
    """The log of a system that has a database and nothing else."""

    def __init__(self, db: Database, clock: Clock, rules: LogRules | None = None) -> None:
        self.health = Health()
        self._db = db
        self._clock = clock
        self._rules = rules or LogRules()

    async def run(self, subscription: Subscription, stop: asyncio.Event) -> None:
        await self._consumer(subscription).run(stop)

    async def drain(self, subscription: Subscription) -> int:
        """Handle what is there now, and return how many events were read: for commands that end."""
        return await self._consumer(subscription).drain()

    async def maintain(self, stop: asyncio.Event) -> None:
        await Upkeep(self._db, self._clock, self._rules, relayed=False).run(stop)

    def _consumer(self, subscription: Subscription) -> "_Consumer":
        health = self.health.of(subscription.consumer, subscription.topics)
        return _Consumer(self._db, self._clock, self._rules, subscription, health)


class _Consumer:
    """One consumer in one process."""

    def __init__(
        self, db: Database, clock: Clock, rules: LogRules, subscription: Subscription, health: ConsumerHealth
    ) -> None:
        self._db = db
        self._clock = clock
        self._rules = rules
        self._subscription = subscription
        self._name = subscription.consumer
        self._health = health
        self._reader = Reader(db, subscription.topics, rules.batch)
        self._lease = Lease(db, clock, subscription.consumer, rules.lease)

    async def run(self, stop: asyncio.Event) -> None:
        news = self._db.listen(CHANNEL)
        failures = 0
        try:
            while not stop.is_set():
                try:
                    news.clear()
                    moved = await self._turn()
                    failures = 0
                    if not moved:
                        await sleep(stop, self._rules.poll, news)
                except LeaseLost:
                    self._lease.drop()
                except Exception as error:
                    failures += 1
                    self._wait_for(error)
                    await sleep(stop, pause(self._rules, failures))
        finally:
            self._db.forget(CHANNEL, news)
            await self._lease.release()
            self._health.to("stopped")

    async def drain(self) -> int:
        read = 0
        try:
            while moved := await self._turn():
                read += moved
        finally:
            await self._lease.release()
        return read

    def _wait_for(self, error: Exception) -> None:
        self._health.to("waiting", str(error))
        if isinstance(error, Unavailable):
            _log.warning("waiting", consumer=self._name, error=str(error))
        else:
            _log.error("unforeseen", consumer=self._name, exc_info=error)

    async def _turn(self) -> int:
        """Take the lease if need be, then the next batch. Returns how much was there."""
        place = await self._lease.hold()
        if place is None:
            self._health.to("standby", "another process reads")
            return 0
        if await self._braked():
            return 0
        self._health.to("reading")
        await self._db.calm()
        retried = await self._retry()
        batch = await self._reader.read(place, _HURRIED if self._db.asked_lately else None)
        if batch.after == batch.before:
            return retried
        await self._consume(batch)
        return retried + len(batch.letters) or 1

    async def _braked(self) -> bool:
        async with self._db.read() as tx:
            dead = await inbox.dead(tx, self._name)
        if dead < self._rules.brake:
            return False
        self._health.to("braked", f"{dead} dead letters: replay or discard them, then it goes on by itself")
        return True

    async def _consume(self, batch: Batch) -> None:
        """All in one transaction; where that fails, one event at a time, so that only the culprit pays."""
        try:
            await self._commit(batch.letters, batch.before, batch.after)
            return
        except (LeaseLost, Unavailable):
            raise
        except Exception as error:
            _log.info("batch_failed", consumer=self._name, events=len(batch.letters), error=inbox.describe(error))
        before = batch.before
        for letter in batch.letters:
            place = (before, letter.position)
            await try_hard(self._rules, partial(self._commit, [letter], *place), partial(self._bury, letter, *place))
            before = letter.position
        await self._commit([], before, batch.after)

    async def _commit(self, letters: Sequence[Letter], before: int, after: int) -> None:
        now = self._clock.now()
        async with self._db.write() as tx:
            await self._lease.move(tx, before, after, now)
            await inbox.handle(tx, self._subscription, [letter.payload for letter in letters], now)
        self._lease.moved(after, now)
        for letter in letters:
            metrics.EVENTS_CONSUMED.labels(letter.topic, "handled").inc()

    async def _bury(self, letter: Letter, before: int, after: int, error: Exception) -> None:
        now = self._clock.now()
        async with self._db.write() as tx:
            await self._lease.move(tx, before, after, now)
            await inbox.bury(tx, self._name, letter, error, now)
        self._lease.moved(after, now)
        metrics.EVENTS_CONSUMED.labels(letter.topic, "dead").inc()
        _log.error("dead_letter", consumer=self._name, position=letter.position, error=inbox.describe(error))

    async def _retry(self) -> int:
        """Dead letters that somebody asked to try once more."""
        asked = sa.select(dead_letters).where(dead_letters.c.consumer == self._name, dead_letters.c.state == "retry")
        async with self._db.read() as tx:
            rows = list(await tx.execute(asked.order_by(dead_letters.c.id).limit(self._rules.batch)))
        for row in rows:
            await self._again(row)
        return len(rows)

    async def _again(self, row: sa.Row[Any]) -> None:
        now = self._clock.now()
        change = sa.update(dead_letters).where(dead_letters.c.id == row.id, dead_letters.c.state == "retry")
        try:
            async with self._db.write() as tx:
                await tx.execute(change.values(state="handled"))
                await inbox.handle(tx, self._subscription, [row.payload.encode()], now)
        except Unavailable:
            raise
        except Exception as error:
            async with self._db.write() as tx:
                await tx.execute(change.values(state="dead", error=inbox.describe(error), at=now))
