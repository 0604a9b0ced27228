"""What the rest of the system knows of the log: subscriptions, their handler, and how consumers are doing.

A handler gets the open transaction and one event. What it writes, the mark that the event was handled, and the events
it publishes commit together or not at all. It raises `Unavailable` (wait, nothing is consumed), `RetryLater` or
anything unforeseen (tried again, then a dead letter), or `Poison` (a dead letter at once).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from shared import metrics
from shared.events import Event

Handler = Callable[[AsyncConnection, Event], Awaitable[None]]
BatchHandler = Callable[[AsyncConnection, Sequence[Event]], Awaitable[None]]


@dataclass(frozen=True)
class Subscription:
    """`consumer` names who reads: each name sees every event of its topics once, whichever process reads for it."""

    consumer: str
    topics: tuple[str, ...]
    handler: Handler
    batch: BatchHandler | None = None
    """Where set, it gets all new events of a transaction at once, in order, and must come to the same: for storms."""


@dataclass(frozen=True)
class LogRules:
    """How patient the log is. Durations as timedelta; tests shorten them."""

    batch: int = 200
    """Events in one transaction."""
    tries: int = 3
    """Failures of one event before it is a dead letter."""
    backoff: timedelta = timedelta(milliseconds=200)
    """Pause after the first failure; doubled after each further one."""
    backoff_cap: timedelta = timedelta(seconds=10)
    poll: timedelta = timedelta(milliseconds=100)
    """How soon events written by another process are seen."""
    lease: timedelta = timedelta(seconds=15)
    """How long a consumer that died keeps others from reading."""
    brake: int = 20
    """So many dead letters that nobody has dealt with stop the consumer."""
    keep_outbox: timedelta = timedelta(days=7)
    """Events that all have read are kept so long."""
    keep_inbox: timedelta = timedelta(days=30)
    """Marks of handled events; must exceed how far back a topic can be replayed."""


@dataclass
class ConsumerHealth:
    """`state`: `starting`, `reading`, `standby` (another process reads), `waiting` (a dependency is away),
    `braked` (too many dead letters), `stopped`. `detail` is a plain sentence."""

    state: str = "starting"
    detail: str = ""

    def to(self, state: str, detail: str = "") -> None:
        self.state, self.detail = state, detail

    @property
    def ready(self) -> bool:
        return self.state in ("reading", "standby")


@dataclass
class Health:
    """Consumers of this process by name."""

    consumers: dict[str, ConsumerHealth] = field(default_factory=dict)

    def of(self, name: str, topics: Sequence[str] = ()) -> ConsumerHealth:
        """That of a consumer that begins. The dead letters of its topics count from nought: a counter that is first
        seen at one shows no increase, and nobody would be told of it.
        """
        for topic in topics:
            metrics.DEAD_LETTERS.labels(topic)
        return self.consumers.setdefault(name, ConsumerHealth())

    @property
    def ready(self) -> bool:
        return all(consumer.ready for consumer in self.consumers.values())


class EventLog(Protocol):
    """A log that consumers of this process read. Publishing is `outbox.publish`, in the transaction of the cause."""

    health: Health

    async def run(self, subscription: Subscription, stop: asyncio.Event) -> None:
        """Read until `stop` is set. Returns when the event in hand is done; never raises for what a handler does."""
        ...

    async def maintain(self, stop: asyncio.Event) -> None:
        """Keep the log's own house until `stop` is set: ship (Kafka), prune, measure. Any number of processes may."""
        ...
