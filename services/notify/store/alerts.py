"""Episodes, and their news for each route."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.core.grouping import Notice
from services.notify.core.message import Episode
from services.notify.core.rules import HOST_TROUBLE, Alert, News, State, cause, rank
from services.notify.core.wording import SHORT
from services.notify.tables import alerts, mutes, notices
from shared.clock import iso
from shared.db import Row
from shared.events import CitationChanged

BATCH = 500
"""Ids in one statement."""


async def last_episode(tx: AsyncConnection, citation_id: str) -> Alert | None:
    """The citation's running episode, else its last one."""
    row = (await tx.execute(_LAST_EPISODE, {"citation": citation_id})).first()
    return None if row is None else Alert(*row)


_LAST_EPISODE = (
    sa.select(
        alerts.c.alert_id, alerts.c.state, alerts.c.peak, alerts.c.changed_at, alerts.c.resolved_at, alerts.c.flaps
    )
    .where(alerts.c.citation_id == sa.bindparam("citation"))
    .order_by(alerts.c.opened_at.desc())
    .limit(1)
)


def _present(change: CitationChanged) -> dict[str, Any]:
    """The columns that tell how things stand now."""
    return {
        "severity": change.severity,
        "short": SHORT.get(change.after.support, "changed"),
        "cause": cause(change)[:400],
        "host": change.host if change.after.outcome in HOST_TROUBLE else None,
        "link_id": change.link_id,
        "changed_at": change.occurred_at,
        "last": change.model_dump(mode="json"),
    }


async def open_episode(tx: AsyncConnection, alert_id: str, change: CitationChanged) -> None:
    """A new episode."""
    present = _present(change)
    row = present | {
        "alert_id": alert_id,
        "citation_id": change.citation_id,
        "article_id": change.article.id,
        "source": change.article.source,
        "state": "open",
        "peak": rank(change),
        "flaps": 0,
        "opened_at": change.occurred_at,
        "note": "",
        "opened": present["last"],
    }
    await tx.execute(sa.insert(alerts).values(**row))


async def _update(tx: AsyncConnection, alert_id: str, **values: Any) -> None:
    await tx.execute(sa.update(alerts).where(alerts.c.alert_id == alert_id).values(**values))


async def reopen(tx: AsyncConnection, alert: Alert, change: CitationChanged) -> None:
    """The same episode again: the citation was in order for a while only."""
    present = _present(change)
    await _update(
        tx, alert.alert_id, state="open", flaps=alert.flaps + 1, peak=rank(change), resolved_at=None, resolution=None,
        opened=present["last"], **present,
    )  # fmt: skip


async def follow(tx: AsyncConnection, alert: Alert, change: CitationChanged, *, worse: bool) -> None:
    """The episode goes on; what got worse than it ever was is open again, also when somebody had acknowledged it."""
    more: dict[str, Any] = {"state": "open", "peak": rank(change)} if worse else {}
    await _update(tx, alert.alert_id, **_present(change), **more)


async def resolve(tx: AsyncConnection, alert: Alert, change: CitationChanged, resolution: str) -> None:
    """The episode ends."""
    last = change.model_dump(mode="json")
    await _update(
        tx, alert.alert_id, state="resolved", resolution=resolution, resolved_at=change.occurred_at,
        changed_at=change.occurred_at, short=SHORT["intact"], last=last,
    )  # fmt: skip


async def news_of(tx: AsyncConnection, alert_id: str) -> Sequence[Any]:
    """All notices of an alert, oldest first: (notice_id, route_id, news, state)."""
    query = sa.select(notices.c.notice_id, notices.c.route_id, notices.c.news, notices.c.state)
    return (await tx.execute(query.where(notices.c.alert_id == alert_id).order_by(notices.c.notice_id))).all()


async def add_notices(tx: AsyncConnection, rows: Sequence[Row]) -> None:
    """News to be told: alert_id, route_id, news, rank, daily, created_at."""
    if rows:
        await tx.execute(sa.insert(notices), [dict(row) | {"state": "pending"} for row in rows])


async def raise_notices(tx: AsyncConnection, notice_ids: Sequence[int], rank: int) -> None:
    """News that was not told yet got worse."""
    await tx.execute(sa.update(notices).where(notices.c.notice_id.in_(notice_ids)).values(rank=rank))


async def drop_notices(tx: AsyncConnection, notice_ids: Sequence[int]) -> None:
    """News that is none any more."""
    if notice_ids:
        await tx.execute(sa.update(notices).where(notices.c.notice_id.in_(notice_ids)).values(state="dropped"))


async def waiting_routes(tx: AsyncConnection) -> dict[tuple[str, bool], int]:
    """How many notices wait, by route and whether they wait for the daily digest."""
    key = (notices.c.route_id, notices.c.daily)
    query = sa.select(*key, sa.func.count()).where(notices.c.state == "pending").group_by(*key)
    return {(row[0], bool(row[1])): row[2] for row in await tx.execute(query)}


async def pending(
    tx: AsyncConnection, route_id: str, now: datetime, *, daily: bool, limit: int = 50_000
) -> tuple[list[Notice], datetime | None]:
    """News of a route that nobody muted, and when the first mute that holds some back ends."""
    columns = [notices.c[name] for name in ("notice_id", "alert_id", "news", "rank", "created_at")]
    columns += [alerts.c[name] for name in ("citation_id", "article_id", "link_id", "host", "source")]
    query = (
        sa.select(*columns)
        .join(alerts, alerts.c.alert_id == notices.c.alert_id)
        .where(notices.c.state == "pending", notices.c.route_id == route_id, notices.c.daily == daily)
        .order_by(notices.c.notice_id)
        .limit(limit)
    )
    muted = await _muted(tx, now)
    found: list[Notice] = []
    ends: list[datetime] = []
    for row in await tx.execute(query):
        ahead = [muted[key] for key in _mute_keys(row, route_id) if key in muted]
        if ahead:
            ends += [end for end in ahead if end is not None]
        else:
            found.append(Notice(*row[:-1]))
    return found, min(ends, default=None)


def _mute_keys(row: sa.Row[Any], route_id: str) -> Iterable[tuple[str, str | None]]:
    for kind in ("citation", "link", "article"):
        yield kind, row._mapping[f"{kind}_id"]
    yield "host", row.host
    yield "source", row.source
    yield "route", route_id


async def _muted(tx: AsyncConnection, now: datetime) -> dict[tuple[str, str | None], datetime | None]:
    query = sa.select(mutes.c.kind, mutes.c.value, mutes.c.until)
    rows = (await tx.execute(query.where(sa.or_(mutes.c.until.is_(None), mutes.c.until > now)))).all()
    return {(row.kind, row.value): row.until for row in rows}


def chunks(ids: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))


async def mark_told(tx: AsyncConnection, many: Sequence[Notice], message_id: str | None, now: datetime) -> None:
    """The notices went into a message; None: there is nobody to tell."""
    state = "told" if message_id else "dropped"
    for ids in chunks([one.notice_id for one in many]):
        change = sa.update(notices).where(notices.c.notice_id.in_(ids))
        await tx.execute(change.values(state=state, message_id=message_id))
    if message_id is None:
        return
    for ids in chunks([one.alert_id for one in many]):
        change = sa.update(alerts).where(alerts.c.alert_id.in_(ids), alerts.c.told_at.is_(None))
        await tx.execute(change.values(told_at=now))


async def episodes(tx: AsyncConnection, many: Sequence[Notice]) -> list[Episode]:
    """The alerts of some notices, as a message needs them, in the same order."""
    news: dict[str, News] = {one.alert_id: one.news for one in many}
    query = sa.select(alerts.c.alert_id, alerts.c.opened, alerts.c.last).where(alerts.c.alert_id.in_(news))
    found = {
        row.alert_id: Episode(
            row.alert_id, news[row.alert_id], CitationChanged.model_validate(row.opened),
            CitationChanged.model_validate(row.last),
        )
        for row in await tx.execute(query)
    }  # fmt: skip
    return [found[one.alert_id] for one in many]


async def shorts(tx: AsyncConnection, many: Sequence[Notice]) -> list[str]:
    """The short description of each notice's alert."""
    found: list[str] = []
    for ids in chunks([one.alert_id for one in many]):
        found += (await tx.execute(sa.select(alerts.c.short).where(alerts.c.alert_id.in_(ids)))).scalars()
    return found


async def acknowledge(tx: AsyncConnection, alert_id: str, by: str, note: str, now: datetime) -> bool:
    """Somebody takes care of it. False when there is no such alert; one that is not open stays as it is."""
    change = sa.update(alerts).where(alerts.c.alert_id == alert_id, alerts.c.state == "open")
    values = {"state": "acknowledged", "acknowledged_at": now, "acknowledged_by": by, "note": note}
    if (await tx.execute(change.values(**values))).rowcount:
        return True
    return (await tx.execute(sa.select(alerts.c.alert_id).where(alerts.c.alert_id == alert_id))).first() is not None


async def find(tx: AsyncConnection, alert_id: str) -> dict[str, Any] | None:
    """An alert as the API and the pages show it."""
    row = (await tx.execute(sa.select(alerts).where(alerts.c.alert_id == alert_id))).first()
    return None if row is None else document(row)


async def listed(
    tx: AsyncConnection, *, state: State | None = None, citation_id: str | None = None, after: str | None = None,
    limit: int = 100,
) -> list[dict[str, Any]]:  # fmt: skip
    """Alerts, newest first. `after`: the id of the last one of the page before."""
    query = sa.select(alerts).order_by(alerts.c.alert_id.desc()).limit(limit)
    if state is not None:
        query = query.where(alerts.c.state == state)
    if citation_id is not None:
        query = query.where(alerts.c.citation_id == citation_id)
    if after is not None:
        query = query.where(alerts.c.alert_id < after)
    return [document(row) for row in await tx.execute(query)]


def document(row: sa.Row[Any]) -> dict[str, Any]:
    """What is shown of an alert."""
    opened, last = row.opened, row.last
    times = ("opened_at", "changed_at", "told_at", "acknowledged_at", "resolved_at")
    return {
        "id": row.alert_id,
        "state": row.state,
        "severity": row.severity,
        "cause": row.cause,
        "short": row.short,
        "citation_id": row.citation_id,
        "link_id": row.link_id,
        "article": {key: last["article"].get(key) for key in ("id", "url", "title", "source")},
        "claim": last["claim"],
        "target": last["target"],
        "before": opened["before"],
        "after": last["after"],
        "flaps": row.flaps,
        **{name: iso(moment) if (moment := row._mapping[name]) else None for name in times},
        "acknowledged_by": row.acknowledged_by,
        "note": row.note,
        "resolution": row.resolution,
    }


async def totals(tx: AsyncConnection) -> dict[str, int]:
    """Alerts by state."""
    rows = await tx.execute(sa.select(alerts.c.state, sa.func.count()).group_by(alerts.c.state))
    return {row[0]: row[1] for row in rows}
