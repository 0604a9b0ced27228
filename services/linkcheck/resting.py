"""How work that is kept in the store waits for its time."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.clock import Clock
from shared.db import Database
from shared.errors import RetryLater, Unavailable
from shared.eventlog.upkeep import sleep

IDLE = timedelta(seconds=5)
"""Between two looks at the store when nothing is due, or the store is away."""
SHORTEST = timedelta(seconds=0.05)


async def rest(
    db: Database, clock: Clock, next_due: Callable[[AsyncConnection], Awaitable[datetime | None]],
    stop: asyncio.Event, news: asyncio.Event, *, least: timedelta = SHORTEST, most: timedelta = IDLE,
) -> None:  # fmt: skip
    """Until something is due, there is news, or the end; between `least` and `most` but for the latter two."""
    try:
        async with db.read() as tx:
            due = await next_due(tx)
    except (Unavailable, RetryLater):
        due = None
    await sleep(stop, most if due is None else min(most, max(least, due - clock.now())), news)
