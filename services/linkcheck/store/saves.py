"""Wishes to another archive: one a link, made in the transaction of its first good capture, kept until answered."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.linkcheck.core.savepage import Answer
from services.linkcheck.tables import links, saves
from shared.bulk import insert_new
from shared.clock import iso
from shared.db import announce

WISHED = "linkcheck.saves"
"""Announced when there is a new wish."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A wish whose time has come. `job_id`: the archive is at work; it is asked what became of it."""

    link_id: str
    url: str
    tries: int
    job_id: str | None


async def wish(tx: AsyncConnection, link_ids: Iterable[str], now: datetime) -> None:
    """Have these links kept elsewhere too; once each."""
    same = {"state": "waiting", "tries": 0, "wished_at": now, "due_at": now}
    if await insert_new(tx, saves, [{"link_id": one} for one in sorted(link_ids)], same):
        announce(tx, WISHED)


async def take(tx: AsyncConnection, now: datetime, lease: timedelta) -> Wish | None:
    """The wish that is due longest; nobody else gets it before the lease is over."""
    query = select(saves.c.link_id, saves.c.tries, saves.c.job_id, links.c.url).join_from(saves, links)
    query = query.where(saves.c.due_at <= now).order_by(saves.c.due_at).limit(1)
    row = (await tx.execute(query.with_for_update(skip_locked=True, of=saves))).one_or_none()
    if row is None:
        return None
    await tx.execute(update(saves).where(saves.c.link_id == row.link_id).values(due_at=now + lease))
    return Wish(row.link_id, row.url, row.tries, row.job_id)


async def settle(
    tx: AsyncConnection, link_id: str, answer: Answer, tries: int, now: datetime, due_at: datetime | None
) -> None:
    """Keep what came of it; `due_at` None: nothing more is asked."""
    values: dict[str, Any] = {
        "state": answer.state,
        "tries": tries,
        "job_id": answer.job_id,
        "memento": answer.memento,
        "detail": answer.detail[:500],
        "asked_at": now,
        "due_at": due_at,
    }
    await tx.execute(update(saves).where(saves.c.link_id == link_id).values(**values))


async def next_due(tx: AsyncConnection) -> datetime | None:
    """When the next wish is due."""
    moment: datetime | None = await tx.scalar(select(func.min(saves.c.due_at)))
    return moment


async def read(tx: AsyncConnection, link_id: str) -> dict[str, Any] | None:
    """What became of a link's wish, as the API shows it; None: there was none."""
    row = (await tx.execute(select(saves).where(saves.c.link_id == link_id))).one_or_none()
    if row is None:
        return None
    return {
        "state": row.state,
        "memento": row.memento,
        "job_id": row.job_id,
        "detail": row.detail,
        "wished_at": iso(row.wished_at),
        "asked_at": None if row.asked_at is None else iso(row.asked_at),
    }
