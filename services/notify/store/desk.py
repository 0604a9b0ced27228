"""Routes, mutes, duties, keys: what people and the clock decide."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.core.grouping import Told
from services.notify.core.rules import Route
from services.notify.tables import duties, groups, keys, mutes, routes
from shared.bulk import insert_ignore, upsert
from shared.clock import iso

_ROUTE = TypeAdapter(Route)
PLANNER = "planner"


def rules_of(route: Route) -> dict[str, Any]:
    """A route without its id, as JSON."""
    found: dict[str, Any] = _ROUTE.dump_python(route, mode="json")
    return {key: value for key, value in found.items() if key != "route_id"}


async def active_routes(tx: AsyncConnection) -> list[Route]:
    """The routes that were made and not removed, oldest first."""
    query = sa.select(routes.c.route_id, routes.c.rules).where(routes.c.removed_at.is_(None))
    rows = await tx.execute(query.order_by(routes.c.created_at, routes.c.route_id))
    return [_ROUTE.validate_python({**row.rules, "route_id": row.route_id}) for row in rows]


async def find_route(tx: AsyncConnection, route_id: str) -> Route | None:
    """A route, also a removed one."""
    row = (await tx.execute(sa.select(routes.c.rules).where(routes.c.route_id == route_id))).first()
    return None if row is None else _ROUTE.validate_python({**row.rules, "route_id": route_id})


async def save_route(tx: AsyncConnection, route: Route, now: datetime) -> None:
    """A new route."""
    await tx.execute(sa.insert(routes).values(route_id=route.route_id, created_at=now, rules=rules_of(route)))


async def remove_route(tx: AsyncConnection, route_id: str, now: datetime) -> bool:
    """No news goes to it any more. False when there is none."""
    change = sa.update(routes).where(routes.c.route_id == route_id, routes.c.removed_at.is_(None))
    return (await tx.execute(change.values(removed_at=now))).rowcount == 1


async def save_mute(tx: AsyncConnection, row: Mapping[str, Any]) -> None:
    """A mute: mute_id, kind, value, created_at, until, by, reason."""
    await upsert(tx, mutes, [row], ["mute_id"])


async def remove_mute(tx: AsyncConnection, mute_id: str) -> bool:
    """What it held back is told. False when there is none."""
    return (await tx.execute(sa.delete(mutes).where(mutes.c.mute_id == mute_id))).rowcount == 1


async def listed_mutes(tx: AsyncConnection, now: datetime) -> list[dict[str, Any]]:
    """Mutes in force, newest first."""
    query = sa.select(mutes).where(sa.or_(mutes.c.until.is_(None), mutes.c.until > now))
    return [
        {
            "id": row.mute_id, row.kind: row.value, "created_at": iso(row.created_at),
            "until": iso(row.until) if row.until else None, "by": row.by, "reason": row.reason,
        }
        for row in await tx.execute(query.order_by(mutes.c.created_at.desc()))
    ]  # fmt: skip


async def silent_recipients(tx: AsyncConnection, now: datetime) -> set[str]:
    """Mail addresses that asked to get nothing, as `route recipient`."""
    query = sa.select(mutes.c.value).where(mutes.c.kind == "recipient")
    return set((await tx.execute(query.where(sa.or_(mutes.c.until.is_(None), mutes.c.until > now)))).scalars())


async def lock(tx: AsyncConnection, duty: str, now: datetime) -> None:
    """Wait until no other process is at this duty; the lock ends with the transaction."""
    await insert_ignore(tx, duties, [{"duty": duty, "done_at": now}])
    await tx.execute(sa.update(duties).where(duties.c.duty == duty).values(done_at=now))


async def last_done(tx: AsyncConnection, duty: str, now: datetime) -> datetime:
    """When a duty was last done. One that is new counts as done now."""
    await insert_ignore(tx, duties, [{"duty": duty, "done_at": now}])
    found: datetime = (await tx.execute(sa.select(duties.c.done_at).where(duties.c.duty == duty))).scalar_one()
    return found


async def done(tx: AsyncConnection, duty: str, now: datetime) -> None:
    await upsert(tx, duties, [{"duty": duty, "done_at": now}], ["duty"])


async def told(tx: AsyncConnection, route_id: str) -> dict[str, Told]:
    """What was told of each root cause."""
    rows = await tx.execute(sa.select(groups).where(groups.c.route_id == route_id))
    return {row.cause: Told(row.times, row.last_at) for row in rows}


async def keep_told(tx: AsyncConnection, route_id: str, causes: Mapping[str, Told]) -> None:
    rows = [
        {"route_id": route_id, "cause": cause[:400], "times": one.times, "last_at": one.last_at}
        for cause, one in causes.items()
    ]
    await upsert(tx, groups, rows, ["route_id", "cause"])


async def forget_told(tx: AsyncConnection, before: datetime) -> None:
    await tx.execute(sa.delete(groups).where(groups.c.last_at < before))


async def key(tx: AsyncConnection, name: str, fresh: str) -> str:
    """A secret that all processes share; `fresh` is kept if there is none yet."""
    await insert_ignore(tx, keys, [{"name": name, "value": fresh}])
    return str((await tx.execute(sa.select(keys.c.value).where(keys.c.name == name))).scalar_one())
