"""Which hosts are due, and who may fetch from them now.

A lease is a token with an end. Whoever writes results must still hold it (fencing), so a worker that was stopped
for longer than its lease cannot write over its successor. On PostgreSQL rows locked by others are skipped; on
SQLite the write transaction excludes them. Claiming reads one index, whatever the number of links.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, bindparam, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.linkcheck.tables import hosts, links
from shared import bulk

LONGEST = timedelta(seconds=60)
"""No lease lasts longer: a worker that dies is succeeded within this time."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to fetch from one host until `until`."""

    host: str
    token: str
    until: datetime
    orphaned: bool = False
    """Whether its last holder never gave it back: it died, and perhaps of what this host sent."""


async def claim(
    tx: AsyncConnection, now: datetime, until: datetime, token: str, limit: int, *, among: Collection[str] = (),
    urgent: bool = False,
) -> list[Lease]:  # fmt: skip
    """Lease up to `limit` due hosts, the longest due first.

    `among` restricts them by name; `urgent` goes over the pause that a host asked for. A lease that ends further ahead
    than any can is no obstacle: the clock was put back since.
    """
    ends = hosts.c.leased_until
    free = or_(ends.is_(None), ends <= now, ends > now + 2 * LONGEST)
    ready = or_(hosts.c.not_before.is_(None), hosts.c.not_before <= now)
    query = select(hosts.c.host, hosts.c.lease_token).where(hosts.c.due_at <= now, free)
    query = query.order_by(hosts.c.due_at).limit(limit)
    if not urgent:
        query = query.where(ready)
    if among:
        query = query.where(bulk.among(tx, hosts.c.host, among))
    rows = (await tx.execute(query.with_for_update(skip_locked=True))).all()
    if rows:
        taken = bulk.among(tx, hosts.c.host, [row.host for row in rows])
        await tx.execute(update(hosts).where(taken).values(lease_token=token, leased_until=until))
    return [Lease(row.host, token, until, orphaned=row.lease_token is not None) for row in rows]


async def extend(tx: AsyncConnection, lease: Lease, until: datetime) -> bool:
    """Lengthen a lease; False when it was lost."""
    done = await tx.execute(update(hosts).where(*_held(lease)).values(leased_until=until))
    return bool(done.rowcount)


async def still_held(tx: AsyncConnection, leases: Iterable[Lease], now: datetime) -> set[str]:
    """Hosts whose lease is still in force: only their results may be written."""
    wanted = {lease.host: lease.token for lease in leases}
    query = select(hosts.c.host, hosts.c.lease_token).where(
        bulk.among(tx, hosts.c.host, wanted), hosts.c.leased_until > now
    )
    rows = (await tx.execute(query.with_for_update())).all()
    return {row.host for row in rows if row.lease_token == wanted[row.host]}


async def release(tx: AsyncConnection, given_back: Sequence[tuple[Lease, datetime | None]]) -> None:
    """Give hosts back, each with the time before which it wants no visit: due again when their earliest link is."""
    if given_back:
        rows = [{"name": lease.host, "token": lease.token, "pause": pause} for lease, pause in given_back]
        await tx.execute(_RELEASE, rows)


async def next_due(tx: AsyncConnection) -> datetime | None:
    """When the next host will be due (leased ones aside)."""
    moment: datetime | None = await tx.scalar(select(func.min(hosts.c.due_at)).where(hosts.c.lease_token.is_(None)))
    return moment


async def due_links(
    tx: AsyncConnection, names: Collection[str], now: datetime, each: int, *, among: Collection[str] = ()
) -> list[str]:
    """Ids of up to `each` due links of every host, the longest due first; `among` restricts them by id."""
    place = func.row_number().over(partition_by=links.c.host, order_by=links.c.due_at).label("place")
    due = select(links.c.link_id, place).where(bulk.among(tx, links.c.host, names), links.c.due_at <= now)
    if among:
        due = due.where(bulk.among(tx, links.c.link_id, among))
    ranked = due.subquery()
    query = select(ranked.c.link_id).where(ranked.c.place <= each).order_by(ranked.c.place)
    return list(await tx.scalars(query))


async def put_off(tx: AsyncConnection, link_ids: Iterable[str], at: datetime) -> None:
    """Look at these links at `at`, with no verdict made (our own network is down)."""
    statement = update(links).where(links.c.link_id == bindparam("id")).values(due_at=at)
    await tx.execute(statement, [{"id": link_id} for link_id in link_ids])


def _held(lease: Lease) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return hosts.c.host == lease.host, hosts.c.lease_token == lease.token


_EARLIEST = select(func.min(links.c.due_at)).where(links.c.host == bindparam("name")).scalar_subquery()
_RELEASE = (
    update(hosts)
    .where(hosts.c.host == bindparam("name"), hosts.c.lease_token == bindparam("token"))
    .values(
        lease_token=None,
        leased_until=None,
        due_at=_EARLIEST,
        not_before=bindparam("pause", type_=hosts.c.not_before.type),
    )
)
