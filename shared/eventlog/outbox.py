"""Publishing: events are rows of the transaction that causes them."""

import secrets
from collections import Counter
from collections.abc import Sequence
from contextvars import ContextVar
from datetime import datetime
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from shared import metrics
from shared.db import after_commit, announce, gathered
from shared.eventlog.tables import outbox
from shared.events import Data, Event, encode, envelope
from shared.ids import new_id

CHANNEL = "eventlog"
"""What `Database.listen` takes to be woken by newly committed events."""

trace: ContextVar[str | None] = ContextVar("citewatch_traceparent", default=None)
"""W3C `traceparent` of what is being done now; events published meanwhile continue its trace."""


async def publish(
    tx: AsyncConnection, source: str, data: Data | Sequence[Data], now: datetime, *,
    parents: Sequence[str | None] | None = None,
) -> list[Event]:  # fmt: skip
    """Write events into the outbox, in this order. `source` names the service, such as `/citewatch/ingest`.

    They exist when the transaction has committed, and not otherwise; their rows are inserted right before. Events of
    one key are read in the order of their commits, if the caller changed (and so locked) a row of that key before.
    `parents`: for each, the `traceparent` of its cause; without it, that of what is being done now.
    """
    many = list(data) if isinstance(data, Sequence) else [data]
    if not many:
        return []
    causes = parents or [trace.get()] * len(many)
    events = [
        envelope(each, event_id=new_id("evt", now), source=source, time=now, traceparent=span(cause))
        for each, cause in zip(many, causes, strict=True)
    ]
    gathered(tx, _write).extend(
        {
            "event_id": event.id,
            "topic": each.TOPIC,
            "key": event.subject,
            "type": event.type,
            "payload": encode(event).decode(),
            "created_at": now,
        }
        for each, event in zip(many, events, strict=True)
    )
    return events


async def _write(tx: AsyncConnection, rows: list[dict[str, Any]]) -> None:
    """Insert what was published in a transaction, all at once: a statement for each would cost more than its effect."""
    if tx.dialect.name != "sqlite":
        # Readers tell a position in flight from a hole by transaction ids: ours must exist before our positions.
        await tx.execute(_TRANSACTION_ID)
    await tx.execute(_INSERT, rows)
    after_commit(tx, partial(_count, Counter(row["topic"] for row in rows)))
    announce(tx, CHANNEL)


_TRANSACTION_ID = sa.text("SELECT pg_current_xact_id()")
_INSERT = sa.insert(outbox)


def _count(topics: Counter[str]) -> None:
    for topic, number in topics.items():
        metrics.EVENTS_PUBLISHED.labels(topic).inc(number)


def span(cause: str | None) -> str:
    """A `traceparent` for a new event: a child of its cause's, or the first of a new trace (W3C Trace Context)."""
    parent = (cause or "").split("-")
    trace_id = parent[1] if len(parent) == 4 and len(parent[1]) == 32 else secrets.token_hex(16)
    return f"00-{trace_id}-{secrets.token_hex(8)}-01"
