"""Which citations web archives are to be asked for, and what they answered.

The columns `search_at` … `memento_snapshot_id` of a citation are written here and when it is registered; a check only
takes an offered memento away, once it has weighed it. So neither can overwrite what the other found.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.linkcheck.core.dossier import Citation, Snapshot
from services.linkcheck.store import registry
from services.linkcheck.store.dossiers import read_citations, read_snapshots
from services.linkcheck.tables import citations, links, reviews, snapshots
from shared.events import Memento

LEASE = timedelta(minutes=10)
"""How long a search that was claimed is left to the process that claimed it."""


@dataclass(frozen=True, slots=True)
class Search:
    """A link for whose citations (of one article) web archives are to be asked."""

    link_id: str
    url: str
    citations: tuple[Citation, ...]
    tries: int
    """Times that archives were asked before, and did not answer."""

    @property
    def ids(self) -> list[str]:
        return [one.citation_id for one in self.citations]


async def claim(tx: AsyncConnection, now: datetime, limit: int, *, among: Collection[str] = ()) -> list[Search]:
    """Take up to `limit` citations whose search is due, the longest due first. `among` restricts them by link."""
    due = select(citations.c.citation_id, citations.c.link_id, citations.c.search_tries, links.c.url)
    due = due.join(links, links.c.link_id == citations.c.link_id)
    due = due.where(citations.c.search_at <= now, citations.c.present).order_by(citations.c.search_at).limit(limit)
    if among:
        due = due.where(citations.c.link_id.in_(among))
    rows = (await tx.execute(due.with_for_update(of=citations, skip_locked=True))).all()
    taken = {row.citation_id: row for row in rows}
    if not taken:
        return []
    await put_off(tx, taken, now + LEASE)
    groups: dict[tuple[str, str], list[Citation]] = defaultdict(list)
    for one in await read_citations(tx, taken):
        groups[taken[one.citation_id].link_id, one.article.id].append(one)
    return [_search(taken[cited[0].citation_id], cited) for cited in groups.values()]


def _search(row: Any, cited: Sequence[Citation]) -> Search:
    return Search(row.link_id, row.url, tuple(cited), row.search_tries)


async def next_due(tx: AsyncConnection) -> datetime | None:
    """When the next search will be due."""
    moment: datetime | None = await tx.scalar(select(func.min(citations.c.search_at)))
    return moment


async def put_off(tx: AsyncConnection, ids: Collection[str], at: datetime | None, *, tries: int | None = None) -> None:
    """Search for these citations at `at`; None: no more. `tries`: how often it was in vain by now."""
    counted = {} if tries is None else {"search_tries": tries}
    await tx.execute(update(citations).where(citations.c.citation_id.in_(ids)).values(search_at=at, **counted))


async def answered(tx: AsyncConnection, ids: Collection[str], mementos: Sequence[Memento], now: datetime) -> None:
    """Keep what the archives hold, the nearest first."""
    listed = [one.model_dump(mode="json") for one in mementos]
    values = {"search_at": None, "search_tries": 0, "searched_at": now, "mementos": listed}
    await tx.execute(update(citations).where(citations.c.citation_id.in_(ids)).values(**values))


async def brought(tx: AsyncConnection, link_id: str, source: str) -> Snapshot | None:
    """A memento that was brought home before."""
    same = (snapshots.c.link_id == link_id) & (snapshots.c.source == source)
    key = await tx.scalar(select(snapshots.c.snapshot_id).where(same).limit(1))
    return (await read_snapshots(tx, [key])).get(key) if key is not None else None


async def keep(tx: AsyncConnection, snapshot: Snapshot) -> None:
    """The row of a memento that is in the archive."""
    await tx.execute(insert(snapshots).values({name: getattr(snapshot, name) for name in snapshots.c.keys()}))  # noqa: SIM118


async def offer(tx: AsyncConnection, ids: Collection[str], snapshot: Snapshot, now: datetime) -> None:
    """Have a memento weighed as the baseline of these citations at a check now; an editor's choice stands."""
    chosen = exists().where(reviews.c.citation_id == citations.c.citation_id, reviews.c.decision == "accept")
    wanted = citations.c.citation_id.in_(ids) & (citations.c.link_id == snapshot.link_id) & ~chosen
    await tx.execute(update(citations).where(wanted).values(memento_snapshot_id=snapshot.snapshot_id))
    await registry.recheck(tx, snapshot.link_id, now)
