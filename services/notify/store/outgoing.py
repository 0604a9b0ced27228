"""Messages and their deliveries: queued → claimed → sending → delivered | failed | uncertain.

`claimed` is surely unsent and goes back into the queue when its lease runs out; `sending` may have been sent and
becomes `uncertain`. Every change of a leased delivery is fenced by the lease's token.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.core.message import Message
from services.notify.core.rules import Channel
from services.notify.tables import alerts, attempts, channels, deliveries, messages, notices
from shared.bulk import upsert
from shared.clock import iso
from shared.ids import new_id

LEASE = timedelta(seconds=50)
CITATIONS = 1000
"""Most citation ids in one event about a delivery."""
Result = Literal["delivered", "retry", "failed", "uncertain"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message on its way to one recipient by one channel."""

    delivery_id: str
    message_id: str
    channel: Channel
    recipient: str
    tries: int
    token: str


@dataclass(frozen=True, slots=True)
class ChannelState:
    """How a channel does."""

    channel: Channel
    address: str
    failures: int = 0
    off_at: datetime | None = None
    probe_at: datetime | None = None
    detail: str = ""


async def write(tx: AsyncConnection, message: Message, targets: Sequence[tuple[Channel, str]]) -> None:
    """A message and its deliveries, one for each (channel, recipient)."""
    now = message.created_at
    await tx.execute(
        sa.insert(messages).values(
            message_id=message.message_id, route_id=message.route_id, kind=message.kind, created_at=now,
            document=message.model_dump(mode="json"),
        )
    )  # fmt: skip
    rows = [
        {
            "delivery_id": new_id("dlv", now), "message_id": message.message_id, "channel": channel,
            "recipient": recipient,
            "state": "queued", "due_at": now, "tries": 0, "detail": "",
        }
        for channel, recipient in targets
    ]  # fmt: skip
    if rows:
        await tx.execute(sa.insert(deliveries), rows)


async def sent_since(tx: AsyncConnection, route_id: str, since: datetime) -> list[datetime]:
    """When the route's messages about alerts were written, oldest first."""
    query = sa.select(messages.c.created_at).where(
        messages.c.route_id == route_id,
        messages.c.created_at > since,
        messages.c.kind.in_(("alert", "digest", "resolved")),
    )
    return list((await tx.execute(query.order_by(messages.c.created_at))).scalars())


async def document(tx: AsyncConnection, message_id: str) -> Message:
    found = await tx.execute(sa.select(messages.c.document).where(messages.c.message_id == message_id))
    return Message.model_validate(found.scalar_one())


async def claim(tx: AsyncConnection, token: str, now: datetime, limits: Mapping[Channel, int]) -> list[Delivery]:
    """Lease due deliveries, at most so many of each channel."""
    found: list[Delivery] = []
    for channel, limit in limits.items():
        due = (
            sa.select(deliveries.c.delivery_id)
            .where(deliveries.c.state == "queued", deliveries.c.due_at <= now, deliveries.c.channel == channel)
            .order_by(deliveries.c.due_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        change = (
            sa.update(deliveries)
            .where(deliveries.c.delivery_id.in_(due), deliveries.c.state == "queued")
            .values(state="claimed", lease_token=token, leased_until=now + LEASE, tries=deliveries.c.tries + 1)
            .returning(*_DELIVERY)
        )
        found += [Delivery(**row._mapping, token=token) for row in await tx.execute(change)]
    return found


_DELIVERY = [
    deliveries.c.delivery_id, deliveries.c.message_id, deliveries.c.channel, deliveries.c.recipient, deliveries.c.tries
]  # fmt: skip


def _leased(delivery: Delivery, state: str) -> sa.Update:
    return sa.update(deliveries).where(
        deliveries.c.delivery_id == delivery.delivery_id,
        deliveries.c.lease_token == delivery.token,
        deliveries.c.state == state,
    )


async def start_sending(tx: AsyncConnection, delivery: Delivery, now: datetime) -> bool:
    """From here on it may have been sent. False: the lease was lost, keep your hands off."""
    change = _leased(delivery, "claimed").values(state="sending", leased_until=now + LEASE)
    return (await tx.execute(change)).rowcount == 1


async def finish(
    tx: AsyncConnection, delivery: Delivery, result: Result, detail: str, now: datetime, again: datetime | None
) -> bool:
    """Keep what came of an attempt. False: the lease had run out, and it counts as uncertain already."""
    state = "queued" if result == "retry" else result
    values: dict[str, Any] = {"state": state, "detail": detail, "lease_token": None, "leased_until": None}
    values |= {"due_at": again} if again is not None else {"done_at": now}
    changed = (await tx.execute(_leased(delivery, "sending").values(**values))).rowcount == 1
    await log_attempt(tx, delivery.delivery_id, result, detail, now)
    if not changed and result == "delivered":
        # The answer came after the lease had run out: no more doubt, it was delivered.
        late = sa.update(deliveries).where(
            deliveries.c.delivery_id == delivery.delivery_id, deliveries.c.state == "uncertain"
        )
        return (await tx.execute(late.values(state="delivered", detail=detail, done_at=now))).rowcount == 1
    return changed


async def log_attempt(tx: AsyncConnection, delivery_id: str, result: Result, detail: str, now: datetime) -> None:
    await tx.execute(sa.insert(attempts).values(delivery_id=delivery_id, at=now, result=result, detail=detail))


def _run_out(now: datetime) -> sa.ColumnElement[bool]:
    """A lease that is over, or ends further ahead than any can: then the clock was put back since."""
    return sa.or_(deliveries.c.leased_until < now, deliveries.c.leased_until > now + 2 * LEASE)


async def overdue(tx: AsyncConnection, now: datetime) -> list[Delivery]:
    """Take back what processes that died had in hand; returns what is uncertain now."""
    run_out = _run_out(now)
    free = {"lease_token": None, "leased_until": None}
    unsent = sa.update(deliveries).where(deliveries.c.state == "claimed", run_out)
    await tx.execute(unsent.values(state="queued", tries=deliveries.c.tries - 1, **free))
    doubtful = sa.update(deliveries).where(deliveries.c.state == "sending", run_out)
    detail = "The process ended between sending and noting it."
    change = doubtful.values(state="uncertain", detail=detail, done_at=now, **free).returning(*_DELIVERY)
    return [Delivery(**row._mapping, token="") for row in await tx.execute(change)]


async def next_due(tx: AsyncConnection) -> datetime | None:
    """When the next delivery is due or the next lease runs out."""
    query = sa.select(sa.func.min(deliveries.c.due_at)).where(deliveries.c.state == "queued")
    due: datetime | None = (await tx.execute(query)).scalar()
    return due


async def any_leased(tx: AsyncConnection, now: datetime) -> bool:
    """Whether some lease has run out."""
    query = sa.select(deliveries.c.delivery_id).where(deliveries.c.state.in_(("claimed", "sending")), _run_out(now))
    return (await tx.execute(query.limit(1))).first() is not None


async def alerts_of(tx: AsyncConnection, message_id: str) -> tuple[str | None, tuple[str, ...]]:
    """The worst alert that a message tells of, and the citations, worst first."""
    query = (
        sa.select(alerts.c.alert_id, alerts.c.citation_id)
        .join(notices, notices.c.alert_id == alerts.c.alert_id)
        .where(notices.c.message_id == message_id)
        .order_by(notices.c.rank.desc(), notices.c.notice_id)
        .limit(CITATIONS)
    )
    rows = (await tx.execute(query)).all()
    return (rows[0].alert_id if rows else None), tuple(dict.fromkeys(row.citation_id for row in rows))


async def channel_states(tx: AsyncConnection) -> dict[str, ChannelState]:
    """Every channel that was ever used."""
    rows = await tx.execute(sa.select(channels))
    return {row.channel: ChannelState(**row._mapping) for row in rows}


async def save_channel(tx: AsyncConnection, state: ChannelState) -> None:
    row = {name: getattr(state, name) for name in ("channel", "address", "failures", "off_at", "probe_at", "detail")}
    await upsert(tx, channels, [row], ["channel"])


async def resend(tx: AsyncConnection, delivery_id: str, by: str, now: datetime) -> bool:
    """A person decided to send it again. False unless it has failed or is uncertain."""
    change = sa.update(deliveries).where(
        deliveries.c.delivery_id == delivery_id, deliveries.c.state.in_(("failed", "uncertain"))
    )
    values = {"state": "queued", "tries": 0, "due_at": now, "done_at": None, "settled_by": by}
    return (await tx.execute(change.values(**values))).rowcount == 1


async def settle(tx: AsyncConnection, delivery_id: str, by: str, now: datetime) -> bool:
    """A person knows what became of it. False unless it has failed or is uncertain."""
    change = sa.update(deliveries).where(
        deliveries.c.delivery_id == delivery_id, deliveries.c.state.in_(("failed", "uncertain"))
    )
    return (await tx.execute(change.values(state="settled", done_at=now, settled_by=by))).rowcount == 1


async def listed(
    tx: AsyncConnection, *, state: str | None, alert_id: str | None, after: str | None, limit: int
) -> list[dict[str, Any]]:
    """Deliveries, newest first, with the subject of their messages."""
    query = (
        sa.select(deliveries, messages.c.document)
        .join(messages, messages.c.message_id == deliveries.c.message_id)
        .order_by(deliveries.c.delivery_id.desc())
        .limit(limit)
    )
    if state is not None:
        query = query.where(deliveries.c.state == state)
    if alert_id is not None:
        told = sa.select(notices.c.message_id).where(notices.c.alert_id == alert_id)
        query = query.where(deliveries.c.message_id.in_(told))
    if after is not None:
        query = query.where(deliveries.c.delivery_id < after)
    return [
        {
            "id": row.delivery_id, "message_id": row.message_id, "channel": row.channel, "recipient": row.recipient,
            "state": row.state, "tries": row.tries, "detail": row.detail, "subject": row.document["subject"],
            "due_at": iso(row.due_at) if row.state == "queued" else None,
            "done_at": iso(row.done_at) if row.done_at else None, "settled_by": row.settled_by,
        }
        for row in await tx.execute(query)
    ]  # fmt: skip


async def attempts_of(tx: AsyncConnection, delivery_id: str) -> list[dict[str, Any]]:
    """Every attempt, oldest first."""
    query = sa.select(attempts).where(attempts.c.delivery_id == delivery_id).order_by(attempts.c.attempt_id)
    return [{"at": iso(row.at), "result": row.result, "detail": row.detail} for row in await tx.execute(query)]
