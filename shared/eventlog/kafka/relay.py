"""Ships the outbox to the topics, in order. Any number of processes may run it: a lease lets one.

A batch counts as shipped when Kafka has acknowledged all of it; a crash before that is noted ships it again, which the
inboxes of the consumers drop.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack

from aiokafka import AIOKafkaProducer

from shared import logs
from shared.clock import Clock
from shared.db import Database
from shared.errors import Poison, Unavailable
from shared.eventlog import inbox
from shared.eventlog.inbox import Letter
from shared.eventlog.kafka.client import MAX_EVENT, SEND_SECONDS, Connection, bounded, translated
from shared.eventlog.lease import Lease, LeaseLost
from shared.eventlog.outbox import CHANNEL
from shared.eventlog.port import ConsumerHealth, LogRules
from shared.eventlog.reader import Reader
from shared.eventlog.upkeep import RELAY, pause, sleep
from shared.events import TOPICS

CONTENT_TYPE = ("content-type", b"application/cloudevents+json; charset=UTF-8")
"""Structured mode (CloudEvents Kafka protocol binding 1.0, §3.3)."""
_log = logs.get(__name__)


class Relay:
    """The relay of one process."""

    def __init__(
        self, db: Database, clock: Clock, rules: LogRules, connection: Connection, health: ConsumerHealth
    ) -> None:
        self._db = db
        self._clock = clock
        self._rules = rules
        self._connection = connection
        self._health = health
        self._reader = Reader(db, TOPICS, rules.batch)
        self._lease = Lease(db, clock, RELAY, rules.lease)

    async def run(self, stop: asyncio.Event) -> None:
        """Ship until `stop` is set, through every outage of broker and database."""
        failures = 0
        while not stop.is_set():
            try:
                async with AsyncExitStack() as stack:
                    await self._ship(stop, stack)
                failures = 0
            except LeaseLost:
                self._lease.drop()
            except Unavailable as error:
                failures += 1
                self._health.to("waiting", str(error))
                _log.warning("relay_waits", error=str(error))
                await sleep(stop, pause(self._rules, failures))
        await self._lease.release()
        self._health.to("stopped")

    async def _ship(self, stop: asyncio.Event, stack: AsyncExitStack) -> None:
        """Ship with one producer, made when there is something to ship, until `stop` or the first failure."""
        news = self._db.listen(CHANNEL)
        stack.callback(self._db.forget, CHANNEL, news)
        producer: AIOKafkaProducer | None = None
        while not stop.is_set():
            news.clear()
            place = await self._lease.hold()
            if place is None:
                self._health.to("standby", "another process ships")
                await sleep(stop, self._rules.poll)
                continue
            producer = producer or await stack.enter_async_context(self._connection.producer())
            self._health.to("reading")
            batch = await self._reader.read(place)
            if batch.after == batch.before:
                await sleep(stop, self._rules.poll, news)
                continue
            refused = await self._send(producer, batch.letters)
            await self._note(batch.before, batch.after, refused)

    async def _send(self, producer: AIOKafkaProducer, letters: Sequence[Letter]) -> list[Letter]:
        """Send and wait for all acknowledgements. Returns the letters that are too large for any topic."""
        refused = [letter for letter in letters if len(letter.payload) > MAX_EVENT]
        with translated("take events"):
            await bounded(self._acknowledged(producer, letters), SEND_SECONDS)
        return refused

    @staticmethod
    async def _acknowledged(producer: AIOKafkaProducer, letters: Sequence[Letter]) -> None:
        waiting = [
            await producer.send(letter.topic, letter.payload, key=letter.key.encode(), headers=[CONTENT_TYPE])
            for letter in letters
            if len(letter.payload) <= MAX_EVENT
        ]
        results = await asyncio.gather(*waiting, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _note(self, before: int, after: int, refused: Sequence[Letter]) -> None:
        now = self._clock.now()
        async with self._db.write() as tx:
            await self._lease.move(tx, before, after, now)
            for letter in refused:
                await inbox.bury(tx, RELAY, letter, Poison(f"larger than {MAX_EVENT} bytes"), now)
        self._lease.moved(after, now)
