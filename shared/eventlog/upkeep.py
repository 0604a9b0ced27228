"""Patience, and the log's own house: how often to try, how long to keep, what to measure."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from shared import logs, metrics
from shared.clock import Clock
from shared.db import Database
from shared.errors import CitewatchError, Poison, Unavailable
from shared.eventlog import inbox
from shared.eventlog.lease import LeaseLost
from shared.eventlog.port import LogRules
from shared.eventlog.tables import cursors, outbox
from shared.events import TOPICS

_log = logs.get(__name__)
RELAY = "relay"
"""The consumer that ships the outbox to Kafka."""
_EVERY = timedelta(seconds=15)
_GRACE_SECONDS = 5.0
_COUNT_TO = 100_000
"""Lag is counted so far and no further."""


async def try_hard(
    rules: LogRules, attempt: Callable[[], Awaitable[None]], give_up: Callable[[Exception], Awaitable[None]]
) -> None:
    """Attempt as often as the rules say, then give up. What only waits for a dependency counts as no attempt."""
    for failures in range(1, rules.tries + 1):
        try:
            await attempt()
            return
        except (LeaseLost, Unavailable):
            raise
        except Exception as error:
            if isinstance(error, Poison) or failures == rules.tries:
                await give_up(error)
                return
        await asyncio.sleep(pause(rules, failures).total_seconds())


def pause(rules: LogRules, failures: int) -> timedelta:
    """The wait after so many failures in a row."""
    return min(rules.backoff * (1 << min(failures - 1, 16)), rules.backoff_cap)


async def sleep(stop: asyncio.Event, time: timedelta, *others: asyncio.Event) -> bool:
    """Wait so long, or until one of the events is set. Returns whether `stop` is."""
    waits = [asyncio.ensure_future(event.wait()) for event in (stop, *others)]
    try:
        await asyncio.wait(waits, timeout=time.total_seconds(), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    return stop.is_set()


async def stopped_by(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    """Await work that heeds `stop`. Where it hangs in something it waits for, it is cancelled soon after."""
    task = asyncio.ensure_future(work)
    asked = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((task, asked), return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait((task,), timeout=_GRACE_SECONDS)
    finally:
        asked.cancel()
        if not task.done():
            task.cancel()
            await asyncio.wait((task,), timeout=_GRACE_SECONDS)
    if task.done() and not task.cancelled():
        task.result()


class Upkeep:
    """Prunes and measures, every few seconds. `relayed`: Kafka has the events once the relay has passed them."""

    def __init__(self, db: Database, clock: Clock, rules: LogRules, *, relayed: bool) -> None:
        self._db = db
        self._clock = clock
        self._rules = rules
        self._relayed = relayed

    async def run(self, stop: asyncio.Event) -> None:
        while True:
            try:
                await measure(self._db, self._relayed)
                await prune(self._db, self._clock.now(), self._rules, self._relayed)
            except CitewatchError as error:
                _log.warning("upkeep_failed", error=str(error))
            if await sleep(stop, _EVERY):
                return


def _slowest(relayed: bool) -> sa.ScalarSelect[int]:
    """The place that all who read the outbox have passed, in whatever process they run; NULL when none has begun."""
    reads = (cursors.c.consumer == RELAY) if relayed else (cursors.c.consumer != RELAY)
    return sa.select(sa.func.min(cursors.c.position)).where(reads).scalar_subquery()


async def measure(db: Database, relayed: bool) -> None:
    """Bring the gauges up to date: events that the slowest reader has still before it."""
    ahead = outbox.c.position > sa.func.coalesce(_slowest(relayed), 0)
    waiting = sa.select(outbox.c.topic).where(ahead).limit(_COUNT_TO).subquery()
    async with db.read() as tx:
        rows = await tx.execute(sa.select(waiting.c.topic, sa.func.count().label("number")).group_by(waiting.c.topic))
        counts = {row.topic: row.number for row in rows}
    metrics.OUTBOX_DEPTH.set(sum(counts.values()))
    for topic in TOPICS:
        metrics.CONSUMER_LAG.labels(topic).set(counts.get(topic, 0))


async def prune(db: Database, now: datetime, rules: LogRules, relayed: bool, limit: int = 5000) -> int:
    """Take away what all have read and what is older than the rules keep. Returns how many rows went."""
    passed = outbox.c.position <= _slowest(relayed)
    old = sa.select(outbox.c.position).where(outbox.c.created_at < now - rules.keep_outbox, passed).limit(limit)
    gone = 0
    while True:
        async with db.write() as tx:
            events = (await tx.execute(sa.delete(outbox).where(outbox.c.position.in_(old)))).rowcount
            marks = await inbox.forget(tx, now, rules.keep_inbox, limit)
        gone += events + marks
        if events < limit and marks < limit:
            return gone
