"""What a fetch is worth now: how far intervals are stretched, so that what is watched can be fetched.

The budget is a share of what this process can fetch: `FETCH_CONCURRENCY` hosts in turn, and each check as long as
checks took lately, the pauses of their hosts among it. The rest is for new links, retries and rechecks. While all links
together ask for less, the usual price holds; beyond it the price rises until they fit, so that lateness falls where it
matters least (`core.schedule`), and on nobody by chance. Replicas know nothing of each other: each plans as if alone.
"""

import asyncio
import math
from collections.abc import Sequence
from datetime import datetime, timedelta

from services.linkcheck.core import schedule
from services.linkcheck.core.schedule import Bounds
from services.linkcheck.fetch.manners import USUAL_DELAY
from services.linkcheck.store import registry
from services.linkcheck.store.registry import Watched
from shared.clock import Clock
from shared.db import Database
from shared.errors import RetryLater, Unavailable
from shared.eventlog.upkeep import sleep
from shared.logs import get

SHARE = 0.5
"""Part of the capacity that rechecks by plan may take."""
SAMPLE = 2000
"""Links from which the demand of all is told."""
EVERY = timedelta(minutes=10)
_FIRST_GUESS = 1.0
"""Seconds that a check takes beside its host's pause, before any was made."""
_MEMORY = 200
"""Checks over which their mean length is taken."""

log = get(__name__)


class Tariff:
    """The bounds in force."""

    def __init__(self, db: Database, clock: Clock, bounds: Bounds, *, slots: int, delay: float | None) -> None:
        self._db, self._clock, self._usual = db, clock, bounds
        self._slots, self._seconds = slots, _FIRST_GUESS + (USUAL_DELAY if delay is None else delay)
        self.bounds = bounds

    @property
    def budget(self) -> float:
        """Fetches a second that may go into rechecks by plan."""
        return SHARE * self._slots / max(self._seconds, 1e-3)

    def note(self, seconds: float) -> None:
        """A check took so long."""
        self._seconds += (seconds - self._seconds) / _MEMORY

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`."""
        while not stop.is_set():
            try:
                await self.refresh()
            except (Unavailable, RetryLater) as error:
                log.warning("the demand cannot be read", error=str(error))
            await sleep(stop, EVERY)

    async def refresh(self) -> None:
        """Bring the price up to date."""
        async with self._db.read() as tx:
            links, sample = await registry.sample(tx, SAMPLE)
        if not sample:
            return
        weights, affordable = _weights(sample, self._clock.now()), self.budget * len(sample) / links
        self.bounds = await asyncio.to_thread(schedule.affordable, weights, affordable, self._usual)
        stretch = math.sqrt(self.bounds.price / self._usual.price)
        if stretch > 1:
            log.info("more is watched than can be fetched: intervals are stretched", factor=round(stretch, 2))


def _weights(sample: Sequence[Watched], now: datetime) -> list[float]:
    return [
        schedule.weight(
            schedule.importance(now - at for at in one.cited_at),
            schedule.rate(one.checks, one.changes, now - one.since),
        )
        for one in sample
    ]
