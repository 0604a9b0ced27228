"""An article version arrives: articles, citations, links and hosts are made or brought up to date."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.linkcheck.tables import articles, citations, hosts, links
from shared.db import announce, insert_ignore, upsert
from shared.events import ArticleReceived, CitedLink
from shared.urls import Url, identity, link_id, parse

DUE = "linkcheck.due"
"""Announced when links became due before their time: workers of this process need not wait for their next look."""


def authority(url: Url) -> str:
    """The key of a host: its name, with the port when it is not the scheme's own."""
    usual = {"http": 80, "https": 443}.get(url.scheme)
    return url.host if url.port == usual else f"{url.host}:{url.port}"


async def register(tx: AsyncConnection, article: ArticleReceived, now: datetime) -> bool:
    """Take over an article version; False when a newer one is known already."""
    known = await tx.scalar(select(articles.c.version).where(articles.c.article_id == article.article_id))
    if known is not None and known >= article.version:
        return False
    await _put_article(tx, article)
    await _put_links(tx, article.citations, now)
    await _put_citations(tx, article, now)
    return True


async def _put_article(tx: AsyncConnection, article: ArticleReceived) -> None:
    row = {
        "article_id": article.article_id,
        "version": article.version,
        "source": article.source,
        "url": article.url,
        "title": article.title,
        "authors": list(article.authors),
        "published_at": article.published_at,
        "tags": list(article.tags),
        "received_at": article.received_at,
        "other_links": [link.model_dump() for link in article.other_links],
        "text": article.text,
    }
    await upsert(tx, articles, [row], keys=["article_id"])


async def _put_links(tx: AsyncConnection, cited: Iterable[CitedLink], now: datetime) -> None:
    rows: dict[str, dict[str, Any]] = {}
    for link in cited:
        if link.target is None:
            continue
        canonical = identity(link.target)
        rows[link_id(link.target)] = {
            "link_id": link_id(link.target),
            "url": canonical,
            "host": authority(parse(canonical)),
            "created_at": now,
            "due_at": now,
        }
    if not rows:
        return
    known = set(await tx.scalars(select(links.c.link_id).where(links.c.link_id.in_(rows))))
    fresh = [row for key, row in rows.items() if key not in known]
    if fresh:
        await insert_ignore(tx, hosts, [{"host": host} for host in dict.fromkeys(row["host"] for row in fresh)])
        await insert_ignore(tx, links, fresh)
        await wake_hosts(tx, {row["host"] for row in fresh}, now)


async def wake_hosts(tx: AsyncConnection, names: Iterable[str], at: datetime) -> None:
    """Have these hosts leased at `at`, unless they are due before."""
    earlier = (hosts.c.due_at.is_(None)) | (hosts.c.due_at > at)
    statement = update(hosts).where(hosts.c.host == bindparam("name"), earlier).values(due_at=at)
    await tx.execute(statement, [{"name": name} for name in names])
    announce(tx, DUE)


async def _put_citations(tx: AsyncConnection, article: ArticleReceived, now: datetime) -> None:
    await tx.execute(update(citations).where(citations.c.article_id == article.article_id).values(present=False))
    rows = [_citation_row(article.article_id, link) for link in article.citations]
    if not rows:
        return
    placed = await tx.execute(
        select(citations.c.citation_id, citations.c.link_id).where(
            citations.c.citation_id.in_([row["citation_id"] for row in rows])
        )
    )
    known = {row.citation_id: row.link_id for row in placed}
    fresh = [row for row in rows if row["citation_id"] not in known]
    moved = [row for row in rows if row["citation_id"] in known and known[row["citation_id"]] != row["link_id"]]
    kept = [row for row in rows if row["citation_id"] in known and known[row["citation_id"]] == row["link_id"]]
    if fresh or moved:
        await upsert(tx, citations, fresh + moved, keys=["citation_id"])
    if kept:
        texts = ("position", "claim", "context", "anchor", "href", "target")
        statement = update(citations).where(citations.c.citation_id == bindparam("id"))
        statement = statement.values(present=True, **{name: bindparam(f"new_{name}") for name in texts})
        await tx.execute(
            statement, [{"id": row["citation_id"], **{f"new_{name}": row[name] for name in texts}} for row in kept]
        )
    await _recheck_for(tx, moved + fresh, now)


async def _recheck_for(tx: AsyncConnection, rows: list[dict[str, Any]], now: datetime) -> None:
    """A new citation of a known link has no baseline yet: look at the link now."""
    wanted = {row["link_id"] for row in rows if row["link_id"] is not None}
    if not wanted:
        return
    found = await tx.execute(
        select(links.c.link_id, links.c.host).where(links.c.link_id.in_(wanted), links.c.checked_at.is_not(None))
    )
    await make_due(tx, {row.link_id: row.host for row in found}, now)


async def make_due(tx: AsyncConnection, wanted: Mapping[str, str], at: datetime) -> None:
    """Have these links (id → host) checked at `at`, unless they are due before."""
    if not wanted:
        return
    later = (links.c.due_at.is_(None)) | (links.c.due_at > at)
    await tx.execute(update(links).where(links.c.link_id.in_(wanted), later).values(due_at=at))
    await wake_hosts(tx, set(wanted.values()), at)


async def recheck(tx: AsyncConnection, link_id: str, now: datetime) -> bool:
    """Have one link checked now; False when there is no such link."""
    host = await tx.scalar(select(links.c.host).where(links.c.link_id == link_id))
    if host is None:
        return False
    await make_due(tx, {link_id: host}, now)
    return True


def _citation_row(article_id: str, link: CitedLink) -> dict[str, Any]:
    lost = link.target is None
    return {
        "citation_id": link.citation_id,
        "article_id": article_id,
        "link_id": None if link.target is None else link_id(link.target),
        "present": True,
        "position": link.position,
        "claim": link.claim,
        "context": link.context,
        "anchor": link.anchor,
        "href": link.href,
        "target": link.target,
        "missing": link.missing,
        "support": "no_target" if lost else "pending",
        "changes": [],
        "health": "broken" if lost else "unknown",
        "link_status": "untracked" if lost else "pending",
        "outcome": "missing_target" if lost else None,
        "reason": link.missing,
        "baseline": None,
        "baseline_snapshot_id": None,
        "passage": None,
        "snapshot_id": None,
        "diff": [],
        "notes": [],
        "checked": False,
        "rejected": None,
        "since": None,
        "seen_at": None,
        "intact_at": None,
    }
