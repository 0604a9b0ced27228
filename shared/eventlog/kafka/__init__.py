"""The log on Kafka: a relay ships the outbox to the topics (`relay`), consumers read those (`consumer`).

The only package that knows aiokafka. Its errors leave as `Unavailable`: a broker comes back.
"""

import asyncio
from collections.abc import Sequence

from shared.clock import Clock
from shared.db import Database
from shared.eventlog.kafka.client import Connection
from shared.eventlog.kafka.consumer import Consumer
from shared.eventlog.kafka.relay import Relay
from shared.eventlog.kafka.topics import Problem, ensure_topics, replay
from shared.eventlog.port import ConsumerHealth, Health, LogRules, Subscription
from shared.eventlog.upkeep import RELAY, Upkeep

__all__ = ["KafkaLog", "Problem", "ensure_topics", "replay"]


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
        self._rules = rules or LogRules()
        self._connection = Connection(tuple(servers), instance)

    async def run(self, subscription: Subscription, stop: asyncio.Event) -> None:
        state = self.health.consumers.setdefault(subscription.consumer, ConsumerHealth())
        await Consumer(self._db, self._clock, self._rules, self._connection, subscription, state).run(stop)

    async def maintain(self, stop: asyncio.Event) -> None:
        state = self.health.consumers.setdefault(RELAY, ConsumerHealth())
        relay = Relay(self._db, self._clock, self._rules, self._connection, state)
        upkeep = Upkeep(self._db, self._clock, self._rules, relayed=True)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(relay.run(stop))
            tasks.create_task(upkeep.run(stop))
