"""`article.received` → links to check and citations to watch."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from services.linkcheck.store import registry
from shared.clock import Clock
from shared.eventlog import Subscription
from shared.events import ArticleReceived, Event

CONSUMER = "linkcheck"


def subscription(clock: Clock) -> Subscription:
    """What linkcheck listens to."""

    async def batch(tx: AsyncConnection, events: Sequence[Event]) -> None:
        received = [
            article for article in (event.payload() for event in events) if isinstance(article, ArticleReceived)
        ]
        await registry.register(tx, received, clock.now())

    async def handle(tx: AsyncConnection, event: Event) -> None:
        await batch(tx, [event])

    return Subscription(consumer=CONSUMER, topics=(ArticleReceived.TOPIC,), handler=handle, batch=batch)
