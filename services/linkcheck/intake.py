"""`article.received` → links to check and citations to watch."""

from sqlalchemy.ext.asyncio import AsyncConnection

from services.linkcheck.store import registry
from shared.clock import Clock
from shared.eventlog import Subscription
from shared.events import ArticleReceived, Event

CONSUMER = "linkcheck"


def subscription(clock: Clock) -> Subscription:
    """What linkcheck listens to."""

    async def handle(tx: AsyncConnection, event: Event) -> None:
        article = event.payload()
        if isinstance(article, ArticleReceived):
            await registry.register(tx, article, clock.now())

    return Subscription(consumer=CONSUMER, topics=(ArticleReceived.TOPIC,), handler=handle)
