"""All SQL of ingest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ingest.tables import articles, citations, deliveries, overrides
from shared.clock import iso
from shared.db import insert_ignore, upsert

REMEMBER = timedelta(days=7)
"""How long a webhook id is known."""

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Known:
    """What is there of an article."""

    version: int
    content_sha256: str
    received_at: datetime


async def find(tx: AsyncConnection, article_id: str) -> Known | None:
    """The article, locked for writing where the database can."""
    columns = (articles.c.version, articles.c.content_sha256, articles.c.received_at)
    query = select(*columns).where(articles.c.article_id == article_id).with_for_update()
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else Known(row.version, row.content_sha256, row.received_at)


async def claim(tx: AsyncConnection, row: Mapping[str, Any]) -> bool:
    """Make the article's row unless it is there; True when it is ours."""
    return bool(await insert_ignore(tx, articles, [dict(row)]))


async def put(tx: AsyncConnection, row: Mapping[str, Any]) -> None:
    """Make the article, or bring it up to date."""
    await upsert(tx, articles, [dict(row)], keys=["article_id"])


async def first_delivery(tx: AsyncConnection, source: str, webhook_id: str, body_sha256: str, now: datetime) -> bool:
    """Note a webhook id; False when it was there."""
    await tx.execute(delete(deliveries).where(deliveries.c.received_at < now - REMEMBER))
    row = {"source": source, "webhook_id": webhook_id, "body_sha256": body_sha256, "received_at": now, "answer": None}
    return bool(await insert_ignore(tx, deliveries, [row]))


async def answered(tx: AsyncConnection, source: str, webhook_id: str) -> tuple[str, Document | None]:
    """Digest of the body and the answer of the first delivery of an id."""
    query = select(deliveries.c.body_sha256, deliveries.c.answer)
    row = (await tx.execute(query.where(deliveries.c.source == source, deliveries.c.webhook_id == webhook_id))).one()
    return row.body_sha256, row.answer


async def keep_answer(tx: AsyncConnection, source: str, webhook_id: str, answer: Document) -> None:
    """Remember what a delivery was told."""
    where = (deliveries.c.source == source, deliveries.c.webhook_id == webhook_id)
    await tx.execute(update(deliveries).where(*where).values(answer=answer))


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


async def place_citations(tx: AsyncConnection, article_id: str, ids: Sequence[str]) -> None:
    """Remember which article these citations stand in."""
    await insert_ignore(tx, citations, [{"citation_id": one, "article_id": article_id} for one in ids])


async def article_of(tx: AsyncConnection, citation_id: str) -> str | None:
    """The article that a citation stands in."""
    found: str | None = await tx.scalar(select(citations.c.article_id).where(citations.c.citation_id == citation_id))
    return found


async def page(tx: AsyncConnection, *, before: tuple[datetime, str] | None, limit: int) -> list[Document]:
    """Articles, the last received first."""
    query = select(articles).order_by(articles.c.received_at.desc(), articles.c.article_id.desc()).limit(limit)
    if before is not None:
        moment, article_id = before
        same = (articles.c.received_at == moment) & (articles.c.article_id < article_id)
        query = query.where(or_(articles.c.received_at < moment, same))
    return [public(dict(row._mapping)) for row in await tx.execute(query)]


def public(row: Document) -> Document:
    """An article as the API shows it."""
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
        "citations": row["citations"],
        "other_links": row["other_links"],
        "problem": row["problem"],
    }


async def waiting(tx: AsyncConnection, now: datetime, limit: int) -> Sequence[Document]:
    """Articles given by URL alone that are to be fetched now; each is put off, so that nobody else takes it."""
    query = select(articles).where(articles.c.fetch_at <= now).order_by(articles.c.fetch_at).limit(limit)
    rows = [dict(row._mapping) for row in await tx.execute(query.with_for_update(skip_locked=True))]
    ids = [row["article_id"] for row in rows]
    if ids:
        later = now + timedelta(minutes=2)
        await tx.execute(update(articles).where(articles.c.article_id.in_(ids)).values(fetch_at=later))
    return rows


async def fetch_failed(tx: AsyncConnection, article_id: str, problem: str, again: datetime | None) -> None:
    """Say why an article could not be fetched, and when to try again; None: never."""
    values = {"problem": problem, "fetch_at": again, "fetch_tries": articles.c.fetch_tries + 1}
    await tx.execute(update(articles).where(articles.c.article_id == article_id).values(**values))
