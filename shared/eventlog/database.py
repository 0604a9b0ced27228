"""The log in the database: each consumer reads the outbox table in order, and keeps its place in the same database.

Reading is outside the transaction, the effect inside it: the place is moved by compare-and-set under the lease's token,
so that a process whose lease was taken over changes nothing.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from shared import logs, metrics
from shared.clock import Clock
from shared.db import Database, insert_ignore
from shared.errors import CitewatchError, Poison, Unavailable
from shared.eventlog import inbox
from shared.eventlog.inbox import Letter
from shared.eventlog.outbox import CHANNEL
from shared.eventlog.port import ConsumerHealth, Health, LogRules, Subscription
from shared.eventlog.tables import cursors, dead_letters, outbox
from shared.ids import new_id

_log = logs.get(__name__)


class _LeaseLost(CitewatchError):
    """Another process reads for this consumer now."""


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
            .limit(limit)
        )
        self._db = db
        self._settled = 0
        """Every position up to here is committed or will never be."""
        self._doubt: tuple[int, int] | None = None
        """(position, transaction id): positions up to it are settled when all transactions below the id have ended."""

    async def read(self, cursor: int) -> Batch:
        """The next events after a place. An empty batch whose place moved holds only other topics' events."""
        async with self._db.read() as tx:
            if self._doubt and await self._transaction_id(tx, "xmin") >= self._doubt[1]:
                self._settled, self._doubt = self._doubt[0], None
            rows: Sequence[Any] = (await tx.execute(self._rows, {"cursor": cursor})).all()
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
        while not await sleep(stop, timedelta(seconds=15)):
            try:
                await prune(self._db, self._clock.now(), self._rules)
            except CitewatchError as error:
                _log.warning("upkeep_failed", error=str(error))

    def _consumer(self, subscription: Subscription) -> "_Consumer":
        health = self.health.consumers.setdefault(subscription.consumer, ConsumerHealth())
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
                except _LeaseLost:
                    self._lease.drop()
                except Exception as error:
                    failures += 1
                    self._wait_for(error)
                    await sleep(stop, pause(self._rules, failures))
        finally:
            self._db.forget(CHANNEL, news)
            await self._lease.release()
            self._health.state, self._health.detail = "stopped", ""

    async def drain(self) -> int:
        read = 0
        try:
            while moved := await self._turn():
                read += moved
        finally:
            await self._lease.release()
        return read

    def _wait_for(self, error: Exception) -> None:
        self._health.state, self._health.detail = "waiting", str(error)
        if isinstance(error, Unavailable):
            _log.warning("waiting", consumer=self._name, error=str(error))
        else:
            _log.error("unforeseen", consumer=self._name, exc_info=error)

    async def _turn(self) -> int:
        """Take the lease if need be, then the next batch. Returns how much was there."""
        place = await self._lease.hold()
        if place is None:
            self._health.state, self._health.detail = "standby", "another process reads"
            return 0
        if await self._braked():
            return 0
        self._health.state, self._health.detail = "reading", ""
        retried = await self._retry()
        batch = await self._reader.read(place)
        if batch.after == batch.before:
            return retried
        await self._consume(batch)
        return retried + len(batch.letters) or 1

    async def _braked(self) -> bool:
        async with self._db.read() as tx:
            dead = await inbox.dead(tx, self._name)
        if dead < self._rules.brake:
            return False
        self._health.state = "braked"
        self._health.detail = f"{dead} dead letters: replay or discard them, then it goes on by itself"
        return True

    async def _consume(self, batch: Batch) -> None:
        """All in one transaction; where that fails, one event at a time, so that only the culprit pays."""
        try:
            await self._commit(batch.letters, batch.before, batch.after)
            return
        except (_LeaseLost, Unavailable):
            raise
        except Exception as error:
            _log.info("batch_failed", consumer=self._name, events=len(batch.letters), error=inbox.describe(error))
        before = batch.before
        for letter in batch.letters:
            await self._single(letter, before, letter.position)
            before = letter.position
        await self._commit([], before, batch.after)

    async def _single(self, letter: Letter, before: int, after: int) -> None:
        for attempt in range(1, self._rules.tries + 1):
            try:
                await self._commit([letter], before, after)
                return
            except (_LeaseLost, Unavailable):
                raise
            except Exception as error:
                if isinstance(error, Poison) or attempt == self._rules.tries:
                    await self._bury(letter, error, before, after)
                    return
                await asyncio.sleep(pause(self._rules, attempt).total_seconds())

    async def _commit(self, letters: Sequence[Letter], before: int, after: int) -> None:
        now = self._clock.now()
        async with self._db.write() as tx:
            await self._lease.move(tx, before, after, now)
            await inbox.handle(tx, self._subscription, [letter.payload for letter in letters], now)
        self._lease.moved(after, now)
        for letter in letters:
            metrics.EVENTS_CONSUMED.labels(letter.topic, "handled").inc()

    async def _bury(self, letter: Letter, error: BaseException, before: int, after: int) -> None:
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
            raise _LeaseLost(f"another process reads for {self._consumer}")

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


def pause(rules: LogRules, failures: int) -> timedelta:
    """The wait after so many failures in a row."""
    return min(rules.backoff * (1 << min(failures - 1, 16)), rules.backoff_cap)


async def sleep(stop: asyncio.Event, time: timedelta, *others: asyncio.Event) -> bool:
    """Wait so long, or until one of the events is set. Returns whether `stop` is."""
    waits = [asyncio.ensure_future(event.wait()) for event in (stop, *others)]
    try:
        await asyncio.wait(waits, timeout=time.total_seconds(), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    return stop.is_set()


async def prune(db: Database, now: datetime, rules: LogRules, limit: int = 5000) -> int:
    """Take away what every consumer has read and what is older than the rules keep. Returns how many rows went."""
    gone = 0
    read = sa.select(sa.func.min(cursors.c.position)).scalar_subquery()
    old = sa.select(outbox.c.position).where(outbox.c.created_at < now - rules.keep_outbox, outbox.c.position <= read)
    while True:
        async with db.write() as tx:
            events = (await tx.execute(sa.delete(outbox).where(outbox.c.position.in_(old.limit(limit))))).rowcount
            marks = await inbox.forget(tx, now, rules.keep_inbox, limit)
        gone += events + marks
        if events < limit and marks < limit:
            return gone
