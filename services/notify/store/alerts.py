"""Episodes, and their news for each route."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.core import episodes
from services.notify.core.episodes import Case
from services.notify.core.grouping import Notice
from services.notify.core.message import Episode
from services.notify.core.rules import HOST_TROUBLE, News, State, cause
from services.notify.core.wording import SHORT
from services.notify.tables import alerts, mutes, notices
from shared.clock import iso
from shared.events import CitationChanged

BATCH = 500
"""Ids in one statement."""


async def cases(tx: AsyncConnection, citation_ids: Collection[str]) -> dict[str, Case]:
    """The running episode of each citation, else its last one."""
    found: dict[str, Case] = {}
    for ids in chunks(list(citation_ids)):
        query = sa.select(*_CASE).where(alerts.c.citation_id.in_(ids)).order_by(alerts.c.opened_at, alerts.c.alert_id)
        found |= {row.citation_id: Case(**row._mapping, stored=True) for row in await tx.execute(query)}
    by_alert = {case.alert_id: case for case in found.values()}
    for ids in chunks(list(by_alert)):
        query = sa.select(notices.c.alert_id, *_NOTICE).where(notices.c.alert_id.in_(ids))
        for row in await tx.execute(query.order_by(notices.c.notice_id)):
            by_alert[row.alert_id].notices.append(episodes.Notice(*row[1:]))
    return found


_CASE = [
    alerts.c[name]
    for name in (
        "alert_id", "citation_id", "state", "peak", "changed_at", "resolved_at", "resolution", "flaps",
    )
]  # fmt: skip
_NOTICE = [
    notices.c[name] for name in ("route_id", "news", "rank", "daily", "created_at", "state", "notice_id")
]  # fmt: skip


async def save_cases(tx: AsyncConnection, changed: Collection[Case]) -> None:
    """Write back what `advance` changed: a handful of statements, however many cases."""
    fresh = [case for case in changed if not case.stored]
    known = [case for case in changed if case.stored]
    if fresh:
        await tx.execute(sa.insert(alerts), [_new_row(case) for case in fresh])
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in map(_update_row, known):  # one statement for those that change the same columns
        alike.setdefault(tuple(row), []).append(row)
    for names, some in alike.items():
        columns: dict[str, Any] = {name: sa.bindparam(name) for name in names if name != "key"}
        await tx.execute(sa.update(alerts).where(alerts.c.alert_id == sa.bindparam("key")).values(columns), some)
    added = [(case, one) for case in changed for one in case.notices if one.notice_id is None]
    if added:
        await tx.execute(sa.insert(notices), [_notice_row(case, one) for case, one in added])
    touched = [one for case in changed for one in case.notices if one.touched and one.notice_id is not None]
    if touched:
        change = sa.update(notices).where(notices.c.notice_id == sa.bindparam("key"))
        rows = [{"key": one.notice_id, "news_rank": one.rank, "news_state": one.state} for one in touched]
        await tx.execute(change.values(rank=sa.bindparam("news_rank"), state=sa.bindparam("news_state")), rows)


def _present(case: Case) -> dict[str, Any]:
    """The columns that tell how things stand now. After a recovery, cause and host are still those of the trouble."""
    assert case.last is not None
    last, trouble = case.last, case.trouble
    now = {
        "state": case.state, "peak": case.peak, "flaps": case.flaps, "changed_at": case.changed_at,
        "resolved_at": case.resolved_at, "resolution": case.resolution,
        "short": SHORT.get(last.after.support, "changed"), "last": last.model_dump(mode="json"),
    }  # fmt: skip
    if trouble is None:
        return now
    host = trouble.host if trouble.after.outcome in HOST_TROUBLE else None
    return now | {"severity": trouble.severity, "cause": cause(trouble)[:400], "host": host}


def _new_row(case: Case) -> dict[str, Any]:
    assert case.last is not None and case.opened_by is not None
    return _present(case) | {
        "alert_id": case.alert_id, "citation_id": case.citation_id, "article_id": case.last.article.id,
        "source": case.last.article.source, "link_id": case.last.link_id, "note": "",
        "opened_at": case.opened_by.occurred_at, "opened": case.opened_by.model_dump(mode="json"),
    }  # fmt: skip


def _update_row(case: Case) -> dict[str, Any]:
    opened = {} if case.opened_by is None else {"opened": case.opened_by.model_dump(mode="json")}
    return _present(case) | {"key": case.alert_id} | opened


def _notice_row(case: Case, one: episodes.Notice) -> dict[str, Any]:
    return {
        "alert_id": case.alert_id, "route_id": one.route_id, "news": one.news, "rank": one.rank, "daily": one.daily,
        "created_at": one.created_at, "state": one.state,
    }  # fmt: skip


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


async def told_of(tx: AsyncConnection, many: Sequence[Notice]) -> list[Episode]:
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
