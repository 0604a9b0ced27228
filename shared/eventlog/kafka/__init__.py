"""The log on Kafka: a relay ships the outbox to the topics (`relay`), consumers read those (`consumer`).

The only package that knows aiokafka. Its errors leave as `Unavailable`: a broker comes back.
"""

import asyncio
import logging
from collections.abc import Sequence

from shared import logs
from shared.clock import Clock
from shared.db import Database
from shared.errors import Unavailable
from shared.eventlog.kafka.client import Connection
from shared.eventlog.kafka.consumer import Consumer
from shared.eventlog.kafka.relay import Relay
from shared.eventlog.kafka.topics import Problem, ensure_topics, replay
from shared.eventlog.port import ConsumerHealth, Health, LogRules, Subscription
from shared.eventlog.upkeep import RELAY, Upkeep, pause, sleep, stopped_by

__all__ = ["KafkaLog", "Problem", "ensure_topics", "replay"]

RULES = LogRules(batch=500)
"""More in a transaction than in the embedded form, where those who submit wait for the only writer."""


class KafkaLog:
    """The log of a system of several machines. `instance` is a stable name of this replica, for static membership."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        servers: Sequence[str],
        rules: LogRules | None = None,
        instance: str | None = None,
    ) -> None:
        self.health = Health()
        self._db = db
        self._clock = clock
        self._rules = rules or RULES
        self._connection = Connection(tuple(servers), instance)
        self._prepared = asyncio.Event()
        self._preparing = asyncio.Lock()
        # The library tells each failed attempt of its own; what it comes to is told by our health and our log.
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)

    async def run(self, subscription: Subscription, stop: asyncio.Event) -> None:
        state = self.health.of(subscription.consumer, subscription.topics)
        await self._prepare(state, stop)
        await Consumer(self._db, self._clock, self._rules, self._connection, subscription, state).run(stop)

    async def maintain(self, stop: asyncio.Event) -> None:
        state = self.health.of(RELAY)
        await self._prepare(state, stop)
        relay = Relay(self._db, self._clock, self._rules, self._connection, state)
        upkeep = Upkeep(self._db, self._clock, self._rules, relayed=True)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(relay.run(stop))
            tasks.create_task(upkeep.run(stop))

    async def _prepare(self, state: ConsumerHealth, stop: asyncio.Event) -> None:
        """Make and check the topics, once a process, however long the broker is away."""
        failures = 0
        async with self._preparing:
            while not self._prepared.is_set() and not stop.is_set():
                try:
                    await stopped_by(stop, self._check_topics())
                except Unavailable as error:
                    failures += 1
                    state.to("waiting", str(error))
                    await sleep(stop, pause(self._rules, failures))

    async def _check_topics(self) -> None:
        for problem in await ensure_topics(self._connection.servers):
            _log.warning("topic_differs", topic=problem.topic, what=problem.what)
        self._prepared.set()


_log = logs.get(__name__)
