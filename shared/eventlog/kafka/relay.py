"""Ships the outbox to the topics, in order. Any number of processes may run it: a lease lets one.

A batch counts as shipped when Kafka has acknowledged all of it; a crash before that is noted ships it again, which the
inboxes of the consumers drop.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from aiokafka import AIOKafkaProducer

from shared import logs
from shared.clock import Clock
from shared.db import Database
from shared.errors import Poison, Unavailable
from shared.eventlog import inbox
from shared.eventlog.inbox import Letter
from shared.eventlog.kafka.client import MAX_EVENT, Connection, bounded, translated
from shared.eventlog.lease import Lease, LeaseLost
from shared.eventlog.outbox import CHANNEL
from shared.eventlog.port import ConsumerHealth, LogRules
from shared.eventlog.reader import Reader
from shared.eventlog.upkeep import RELAY, pause, sleep, stopped_by
from shared.events import TOPICS

CONTENT_TYPE = ("content-type", b"application/cloudevents+json; charset=UTF-8")
"""Structured mode (CloudEvents Kafka protocol binding 1.0, §3.3)."""
_LOOK = timedelta(seconds=5)
"""How often a relay that stands by looks whether the broker is there."""
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
                await stopped_by(stop, self._ship(stop))
            except LeaseLost:
                self._lease.drop()
            except Unavailable as error:
                failures = failures + 1 if self._health.state == "waiting" else 1
                self._health.to("waiting", str(error))
                _log.warning("relay_waits", error=str(error))
                await sleep(stop, pause(self._rules, failures))
        await self._lease.release()
        self._health.to("stopped")

    async def _ship(self, stop: asyncio.Event) -> None:
        """Ship with one producer until `stop` or the first failure."""
        news = self._db.listen(CHANNEL)
        try:
            if not await self._succeed(stop):
                return
            async with self._connection.producer() as producer:
                self._health.to("reading")
                while not stop.is_set():
                    news.clear()
                    if not await self._turn(producer):
                        await sleep(stop, self._rules.poll, news)
        finally:
            self._db.forget(CHANNEL, news)

    async def _succeed(self, stop: asyncio.Event) -> bool:
        """Stand by while another process has the lease; False when `stop` came first. It sees to it that the broker is
        there: whoever asks this process whether it is ready learns that from here.
        """
        turn = 0
        while await self._lease.hold() is None:
            if turn % max(1, _LOOK // self._rules.poll) == 0:
                async with self._connection.admin():
                    self._health.to("standby", "another process ships")
            turn += 1
            if await sleep(stop, self._rules.poll):
                return False
        return True

    async def _turn(self, producer: AIOKafkaProducer) -> bool:
        """Ship one batch. Returns whether there was one."""
        place = await self._lease.hold()
        if place is None:
            raise LeaseLost("another process ships")
        batch = await self._reader.read(place)
        if batch.after == batch.before:
            return False
        refused = await self._send(producer, batch.letters)
        await self._note(batch.before, batch.after, refused)
        return True

    async def _send(self, producer: AIOKafkaProducer, letters: Sequence[Letter]) -> list[Letter]:
        """Send and wait for all acknowledgements. Returns the letters that are too large for any topic."""
        refused = [letter for letter in letters if len(letter.payload) > MAX_EVENT]
        with translated("take events"):
            await bounded(self._acknowledged(producer, letters), self._connection.seconds)
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
