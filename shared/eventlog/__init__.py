"""The event log: outbox and inbox in the transaction of the effect; the database or Kafka as carrier.

outbox     publish(tx, …): an event is a row in the transaction of its cause
database   the outbox table itself is the log, read in order (embedded)
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.events import Event

Handler = Callable[[AsyncConnection, Event], Awaitable[None]]
"""Applies one event inside the given transaction. Sees every event once."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A consumer, the topics it reads, and what it does with each event."""

    consumer: str
    topics: tuple[str, ...]
    handler: Handler
