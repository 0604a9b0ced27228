"""Publishing: the event is a row in the transaction of its cause, or it does not exist."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.eventlog.tables import outbox
from shared.events import Data, encode, envelope
from shared.ids import new_id
from shared.metrics import EVENTS_PUBLISHED


async def publish(tx: AsyncConnection, source: str, data: Data | Sequence[Data], now: datetime) -> None:
    """Write events to the log, in order. `source` names the service (`/citewatch/ingest`)."""
    many = data if isinstance(data, Sequence) else (data,)
    rows = []
    for one in many:
        event = envelope(one, event_id=new_id("evt", now), source=source, time=now)
        rows.append(
            {
                "event_id": event.id, "topic": one.TOPIC, "key": one.key,
                "payload": encode(event).decode(), "created_at": now,
            }
        )  # fmt: skip
    if rows:
        await tx.execute(insert(outbox), rows)
    for row in rows:
        EVENTS_PUBLISHED.labels(row["topic"]).inc()
