"""Handling: each event has its effects once, whatever log it comes from and however often."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from shared import metrics
from shared.bulk import insert_new
from shared.errors import Poison
from shared.eventlog.outbox import trace
from shared.eventlog.port import Subscription
from shared.eventlog.tables import dead_letters, inbox
from shared.events import BY_TYPE, decode

_ERROR_CHARS = 2000


@dataclass(frozen=True)
class Letter:
    """An event of the outbox, and where it lies."""

    position: int
    topic: str
    key: str
    event_id: str
    payload: bytes


async def handle(tx: AsyncConnection, subscription: Subscription, raw: Sequence[bytes], now: datetime) -> int:
    """Hand the events not handled yet to the handler, in order, in this transaction. Returns how many were new.

    Raises `Poison` for bytes that are no event we know, and whatever the handler raises.
    """
    events = {event.id: event for event in map(decode, raw)}
    if unknown := {event.type for event in events.values()} - BY_TYPE.keys():
        raise Poison(f"unknown event type {', '.join(sorted(unknown))}")
    # In one order in every process: two that handle the same events wait for each other and do not lock each other out.
    marks = [{"event_id": each} for each in sorted(events)]
    same = {"consumer": subscription.consumer, "handled_at": now}
    new = {event_id for _, event_id in await insert_new(tx, inbox, marks, same)}
    fresh = [event for event in events.values() if event.id in new]
    if subscription.batch is not None:
        if fresh:
            await subscription.batch(tx, fresh)
        return len(fresh)
    for event in fresh:
        token = trace.set(event.traceparent)
        try:
            await subscription.handler(tx, event)
        finally:
            trace.reset(token)
    return len(fresh)


async def bury(tx: AsyncConnection, consumer: str, letter: Letter, error: BaseException, now: datetime) -> None:
    """Keep what could not be handled, with its bytes, the error and the place, until somebody deals with it."""
    await tx.execute(
        sa.insert(dead_letters).values(
            consumer=consumer,
            topic=letter.topic,
            event_id=letter.event_id,
            key=letter.key,
            payload=letter.payload.decode(),
            position=letter.position,
            error=describe(error),
            state="dead",
            at=now,
        )
    )
    metrics.DEAD_LETTERS.labels(letter.topic).inc()


def describe(error: BaseException) -> str:
    """The error in one line of bounded length, for people."""
    kind = "" if isinstance(error, Poison) else f"{type(error).__name__}: "
    return (kind + " ".join(str(error).split()))[:_ERROR_CHARS].encode("utf-8", "replace").decode().replace("\0", "\\0")


async def dead(tx: AsyncConnection, consumer: str) -> int:
    """Dead letters of a consumer that nobody has dealt with."""
    count = sa.select(sa.func.count()).where(dead_letters.c.consumer == consumer, dead_letters.c.state == "dead")
    return int((await tx.execute(count)).scalar_one())


async def forget(tx: AsyncConnection, now: datetime, keep: timedelta, limit: int = 5000) -> int:
    """Take away the oldest marks. Returns how many went; ask again while it is `limit`."""
    old = sa.select(inbox.c.consumer, inbox.c.event_id).where(inbox.c.handled_at < now - keep).limit(limit)
    gone = await tx.execute(sa.delete(inbox).where(sa.tuple_(inbox.c.consumer, inbox.c.event_id).in_(old)))
    return gone.rowcount
