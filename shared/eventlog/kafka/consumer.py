"""Reads topics as a member of a group: effects and marks in one database transaction, then the offsets.

partitions 0, 6  ─► lane 0 ─► transaction ─► offsets      a lane thinks while the database works for others
partitions 1, 7  ─► lane 1 ─► transaction ─► offsets      (events of one key are in one partition, so in one lane)

A lane does nothing but hand records to the database. What fails is read again from its offset; what can never be
handled goes to `TOPIC.dlq`, acknowledged there before its offset is passed.
"""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from shared import logs, metrics
from shared.clock import Clock
from shared.db import Database
from shared.errors import Poison, Unavailable
from shared.eventlog import inbox
from shared.eventlog.kafka.client import MAX_EVENT, MAX_LETTER, Connection, bounded, translated
from shared.eventlog.kafka.topics import dlq_of, group_of, lag, unreplayed
from shared.eventlog.port import ConsumerHealth, LogRules, Subscription
from shared.eventlog.upkeep import pause, sleep, stopped_by, try_hard
from shared.faults import point

_log = logs.get(__name__)
_LANES = 6
_POLL_MS = 500
_LOOK_MS = 50
"""How soon a lane without partitions looks whether it was given some."""
_NOWHERE = TopicPartition("", 0)
"""Asked for beside a lane's own partitions: aiokafka takes none at all for all of them."""
_PATIENCE_MS = 24 * 3600 * 1000
"""Longest time between two polls. Work is bounded by the database's own timeouts; while that is away, our partitions
would wait for it in any other process too, and a member that left for being slow may not find back (aiokafka #1187)."""
_MEASURE_EVERY = timedelta(seconds=5)
_REBALANCE_SECONDS = 10.0

Records = dict[TopicPartition, list[ConsumerRecord]]


class Consumer:
    """One consumer in one process."""

    def __init__(
        self, db: Database, clock: Clock, rules: LogRules, connection: Connection, subscription: Subscription,
        health: ConsumerHealth,
    ) -> None:  # fmt: skip
        self._db = db
        self._clock = clock
        self._rules = rules
        self._connection = connection
        self._subscription = subscription
        self._health = health
        self._in_hand = _InHand()
        self._dead = True
        """Whether a letter may have died since the dead letters were last counted."""
        self._measured: datetime | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Read until `stop` is set, through every outage of broker and database."""
        failures = 0
        while not stop.is_set():
            try:
                await stopped_by(stop, self._member(stop))
            except Exception as error:
                failures = failures + 1 if self._health.state == "waiting" else 1
                self._health.to("waiting", str(error))
                level = _log.warning if isinstance(error, Unavailable) else _log.exception
                level("consumer_waits", consumer=self._subscription.consumer, error=str(error))
                await sleep(stop, pause(self._rules, failures))
        self._health.to("stopped")

    async def _member(self, stop: asyncio.Event) -> None:
        """Join the group and read as a member of it."""
        group = group_of(self._subscription.consumer)
        async with self._connection.consumer(group, max_poll_interval_ms=_PATIENCE_MS) as consumer:
            consumer.subscribe(list(self._subscription.topics), listener=_Rebalance(self._in_hand))
            self._health.to("reading")
            await _all_or_none([self._lane(consumer, number, stop) for number in range(_LANES)])

    async def _lane(self, consumer: AIOKafkaConsumer, number: int, stop: asyncio.Event) -> None:
        """Read every so many-th partition, always the same: while a batch is in hand no other lane goes on with its
        partitions, whatever the group assigns meanwhile.
        """
        failures = 0
        while not stop.is_set():
            await self._brake(stop)
            mine = [each for each in consumer.assignment() if each.partition % _LANES == number]
            with translated("give events"):
                records = await consumer.getmany(
                    _NOWHERE, *mine, timeout_ms=_POLL_MS if mine else _LOOK_MS, max_records=self._rules.batch
                )
            await self._measure(consumer)
            failures = 0 if await self._work(consumer, records) else failures + 1
            if failures:
                await sleep(stop, pause(self._rules, failures))

    async def _work(self, consumer: AIOKafkaConsumer, records: Records) -> bool:
        """Handle what was read. False where a dependency is away: then the unhandled will be read again."""
        if not records:
            return True
        done = {partition: batch[0].offset for partition, batch in records.items()}
        self._in_hand.begin()
        try:
            await self._handle(records, done)
            self._health.to("reading")
        except Unavailable as error:
            self._health.to("waiting", str(error))
            _log.warning("consumer_waits", consumer=self._subscription.consumer, error=str(error))
            for partition, offset in done.items():
                with suppress(IllegalStateError):  # it may have been taken from us meanwhile
                    consumer.seek(partition, offset)
            return False
        finally:
            await self._commit(consumer, records, done)
            self._in_hand.end()
        return True

    async def _handle(self, records: Records, done: dict[TopicPartition, int]) -> None:
        """All in one transaction; where that fails, one at a time. `done` keeps the place after what is durable."""
        try:
            await self._transaction([record for batch in records.values() for record in batch])
            done.update({partition: batch[-1].offset + 1 for partition, batch in records.items()})
            return
        except Unavailable:
            raise
        except Exception as error:
            _log.info("batch_failed", consumer=self._subscription.consumer, error=inbox.describe(error))
        for partition, batch in records.items():
            for record in batch:
                await try_hard(self._rules, partial(self._transaction, [record]), partial(self._bury, record))
                done[partition] = record.offset + 1

    async def _transaction(self, records: Sequence[ConsumerRecord]) -> None:
        raw = [_event(record) for record in records]
        async with self._db.write() as tx:
            await inbox.handle(tx, self._subscription, raw, self._clock.now())
        for topic, number in Counter(record.topic for record in records).items():
            metrics.EVENTS_CONSUMED.labels(topic, "handled").inc(number)

    async def _commit(self, consumer: AIOKafkaConsumer, records: Records, done: dict[TopicPartition, int]) -> None:
        """Pass the offsets of what is durable. Where that fails it is read again, and dropped as handled."""
        moved = {
            partition: done[partition] for partition, batch in records.items() if done[partition] > batch[0].offset
        }
        if not moved:
            return
        try:
            await bounded(consumer.commit(moved), self._connection.seconds)
            point("offset_committed")
        except (KafkaError, TimeoutError) as error:
            _log.info("offsets_not_committed", consumer=self._subscription.consumer, error=type(error).__name__)

    async def _bury(self, record: ConsumerRecord, error: Exception) -> None:
        """Send it to the dead letters as it came, with the error and the place, and wait for the acknowledgement."""
        headers = [
            *record.headers,
            ("citewatch-consumer", self._subscription.consumer.encode()),
            ("citewatch-error", inbox.describe(error).encode()),
            ("citewatch-position", f"{record.topic}[{record.partition}]@{record.offset}".encode()),
        ]
        async with self._connection.producer(MAX_LETTER) as producer:
            with translated("take a dead letter"):
                sent = producer.send_and_wait(
                    dlq_of(record.topic), record.value, key=record.key, headers=headers, timestamp_ms=record.timestamp
                )
                await bounded(sent, self._connection.seconds)
        self._dead = True
        metrics.DEAD_LETTERS.labels(record.topic).inc()
        metrics.EVENTS_CONSUMED.labels(record.topic, "dead").inc()
        _log.error("dead_letter", consumer=self._subscription.consumer, error=inbox.describe(error))

    async def _brake(self, stop: asyncio.Event) -> None:
        """Stand still while there are too many dead letters that nobody has dealt with."""
        while self._dead and not stop.is_set():
            number = await unreplayed(self._connection, self._subscription.topics)
            if number < self._rules.brake:
                self._dead = False  # nothing to ask again before the next one dies
                return
            self._health.to("braked", f"{number} dead letters: replay or discard them, then it goes on by itself")
            await sleep(stop, self._rules.backoff_cap / 10)

    async def _measure(self, consumer: AIOKafkaConsumer) -> None:
        """Now and then, how much lies ahead; which also tells whether the broker answers, for the library hides it."""
        now = self._clock.now()
        if self._measured is not None and abs(now - self._measured) < _MEASURE_EVERY:
            return
        self._measured = now
        try:
            ahead = await lag(self._connection, consumer)
        except IllegalStateError:  # partitions were taken from us meanwhile
            return
        except (KafkaError, TimeoutError) as error:
            self._health.to("waiting", f"Kafka does not answer: {type(error).__name__}")
            return
        self._health.to("reading")
        for topic, number in ahead.items():
            metrics.CONSUMER_LAG.labels(topic).set(number)


class _InHand:
    """Counts the batches that are being handled."""

    def __init__(self) -> None:
        self._number = 0
        self.none = asyncio.Event()
        self.none.set()

    def begin(self) -> None:
        self._number += 1
        self.none.clear()

    def end(self) -> None:
        self._number -= 1
        if self._number == 0:
            self.none.set()


async def _all_or_none(work: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Await all; where one raises or we are cancelled, the others are cancelled and awaited first."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


class _Rebalance(ConsumerRebalanceListener):  # type: ignore[misc]
    """Lets the batches in hand end before their partitions go to another member."""

    def __init__(self, in_hand: _InHand) -> None:
        self._in_hand = in_hand

    async def on_partitions_revoked(self, revoked: object) -> None:
        with suppress(TimeoutError):
            await bounded(self._in_hand.none.wait(), _REBALANCE_SECONDS)

    async def on_partitions_assigned(self, assigned: object) -> None:
        return None


def _event(record: ConsumerRecord) -> bytes:
    """The bytes of an event. Raises `Poison` for what no producer of ours would send."""
    if record.key is None:
        raise Poison("an event without a key has no order")
    value: bytes = record.value or b""
    if len(value) > MAX_EVENT:
        raise Poison(f"an event of {len(value)} bytes; at most {MAX_EVENT} are taken")
    return value
