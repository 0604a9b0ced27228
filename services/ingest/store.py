"""All SQL of ingest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ingest.tables import articles, citations, deliveries, overrides
from shared.bulk import insert_ignore, insert_new, upsert
from shared.clock import iso
from shared.db import gathered

REMEMBER = timedelta(days=7)
"""How long a webhook id is known."""

Document = dict[str, Any]
_HEAD = tuple(column for column in articles.c if column.name not in ("text", "citations", "other_links"))
_KNOWN = (
    select(*(articles.c[name] for name in ("version", "digest", "modified_at", "citation_count", "other_link_count")))
    .where(articles.c.article_id == bindparam("article"))
    .with_for_update()
)
_ANSWERED = select(deliveries.c.body_sha256, deliveries.c.answer).where(
    deliveries.c.source == bindparam("door"), deliveries.c.webhook_id == bindparam("id")
)
_KEEP_ANSWER = insert(deliveries)
_TO_FETCH = tuple(articles.c[name] for name in ("article_id", "version", "url", "announced", "fetch_tries"))


@dataclass(frozen=True, slots=True)
class Known:
    """What is there of an article."""

    version: int
    digest: str
    modified_at: datetime | None
    citations: int
    other_links: int


async def find(tx: AsyncConnection, article_id: str) -> Known | None:
    """The article, locked for writing where the database can."""
    row = (await tx.execute(_KNOWN, {"article": article_id})).one_or_none()
    return None if row is None else Known(*row)


async def claim(tx: AsyncConnection, row: Mapping[str, Any]) -> bool:
    """Make the article's row unless it is there; True when it is ours."""
    return bool(await insert_new(tx, articles, [row]))


async def change(tx: AsyncConnection, article_id: str, /, **values: Any) -> None:
    """Change columns of an article that is there."""
    await tx.execute(update(articles).where(articles.c.article_id == article_id).values(**values))


async def answered(tx: AsyncConnection, source: str, webhook_id: str) -> tuple[str, Document] | None:
    """Digest of the body and the answer of the first delivery of an id; None when this one is the first."""
    row = (await tx.execute(_ANSWERED, {"door": source, "id": webhook_id})).one_or_none()
    return None if row is None else (row.body_sha256, row.answer)


async def keep_answer(
    tx: AsyncConnection, source: str, webhook_id: str, body_sha256: str, answer: Document, now: datetime
) -> None:
    """Remember a delivery and what it was told. One of the same id that came first makes the transaction fail."""
    row = {"source": source, "webhook_id": webhook_id, "body_sha256": body_sha256, "received_at": now, "answer": answer}
    await tx.execute(_KEEP_ANSWER, row)


async def forget_deliveries(tx: AsyncConnection, now: datetime) -> None:
    """Forget the webhook ids that have been known long enough."""
    await tx.execute(delete(deliveries).where(deliveries.c.received_at < now - REMEMBER))


async def targets(tx: AsyncConnection, article_id: str) -> dict[str, str]:
    """Citation id → the target that an editor gave."""
    query = select(overrides.c.citation_id, overrides.c.target).where(overrides.c.article_id == article_id)
    return {row.citation_id: row.target for row in await tx.execute(query)}


async def set_target(tx: AsyncConnection, article_id: str, citation_id: str, target: str, now: datetime) -> None:
    """Give a citation a target."""
    row = {"citation_id": citation_id, "article_id": article_id, "target": target, "set_at": now}
    await upsert(tx, overrides, [row], keys=["citation_id"])


async def load(tx: AsyncConnection, article_id: str) -> Document | None:
    """An article as stored."""
    row = (await tx.execute(select(articles).where(articles.c.article_id == article_id))).one_or_none()
    return None if row is None else dict(row._mapping)


def place_citations(tx: AsyncConnection, article_id: str, ids: Sequence[str]) -> None:
    """Remember, with the commit, which article these citations stand in."""
    gathered(tx, _place).extend({"citation_id": one, "article_id": article_id} for one in ids)


async def _place(tx: AsyncConnection, rows: list[Document]) -> None:
    await insert_ignore(tx, citations, rows)


async def article_of(tx: AsyncConnection, citation_id: str) -> str | None:
    """The article that a citation stands in."""
    found: str | None = await tx.scalar(select(citations.c.article_id).where(citations.c.citation_id == citation_id))
    return found


async def page(tx: AsyncConnection, *, before: tuple[datetime, str] | None, limit: int) -> list[Document]:
    """Heads of articles, the last received first."""
    c = articles.c
    query = select(*_HEAD).order_by(c.received_at.desc(), c.article_id.desc()).limit(limit)
    if before is not None:
        moment, article_id = before
        query = query.where(or_(c.received_at < moment, (c.received_at == moment) & (c.article_id < article_id)))
    return [head(dict(row._mapping)) for row in await tx.execute(query)]


def head(row: Document) -> Document:
    """An article as lists show it: its links only counted."""
    return {
        "article_id": row["article_id"],
        "source": row["source"],
        "external_id": row["external_id"],
        "url": row["url"],
        "title": row["title"],
        "authors": row["authors"],
        "tags": row["tags"],
        "published_at": iso(row["published_at"]) if row["published_at"] else None,
        "received_at": iso(row["received_at"]),
        "version": row["version"],
        "citations": row["citation_count"],
        "other_links": row["other_link_count"],
        "fetch": _fetch_state(row),
    }


def whole(row: Document) -> Document:
    """An article with its links."""
    return head(row) | {"citations": row["citations"], "other_links": row["other_links"]}


def _fetch_state(row: Document) -> Document | None:
    """For an article given by URL alone: `waiting`, `failed` (with the problem), or `done`; else None."""
    if row["announced"] is None:
        return None
    if row["fetch_at"] is not None:
        return {"state": "waiting", "problem": row["problem"], "next_at": iso(row["fetch_at"])}
    return {"state": "failed" if row["problem"] else "done", "problem": row["problem"], "next_at": None}


async def anything_due(tx: AsyncConnection, now: datetime) -> bool:
    """Whether an article waits to be fetched now."""
    return await tx.scalar(select(articles.c.article_id).where(articles.c.fetch_at <= now).limit(1)) is not None


async def take_due(tx: AsyncConnection, now: datetime, limit: int, until: datetime) -> Sequence[Document]:
    """Articles to be fetched now. Each counts as tried and is ours `until` then, so that nobody else takes it."""
    query = select(*_TO_FETCH).where(articles.c.fetch_at <= now).order_by(articles.c.fetch_at).limit(limit)
    rows = [dict(row._mapping) for row in await tx.execute(query.with_for_update(skip_locked=True))]
    taken = update(articles).where(articles.c.article_id.in_([row["article_id"] for row in rows]))
    if rows:
        await tx.execute(taken.values(fetch_at=until, fetch_tries=articles.c.fetch_tries + 1))
    return rows


async def fetch_failed(tx: AsyncConnection, article_id: str, problem: str, again: datetime | None) -> None:
    """Say why an article could not be fetched, and when to try again; None: never."""
    await change(tx, article_id, problem=problem, fetch_at=again)
