"""An article version arrives: articles, citations, links and hosts are made or brought up to date."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.linkcheck.tables import articles, citations, hosts, links
from shared.db import announce, insert_ignore, upsert
from shared.events import ArticleReceived, CitedLink
from shared.ids import derived_id
from shared.urls import Url, identity, parse

DUE = "linkcheck.due"
"""Announced when links became due before their time: workers of this process need not wait for their next look."""


def authority(url: Url) -> str:
    """The key of a host: its name, with the port when it is not the scheme's own."""
    usual = {"http": 80, "https": 443}.get(url.scheme)
    return url.host if url.port == usual else f"{url.host}:{url.port}"


def _authority(url: str) -> str:
    """The same of a canonical URL, in which the scheme's own port is never written and no name needs mending."""
    scheme, _, rest = url.partition("://")
    if scheme in ("http", "https"):
        return rest.partition("/")[0].rpartition("@")[2]
    return authority(parse(url))


async def register(tx: AsyncConnection, received: Sequence[ArticleReceived], now: datetime) -> int:
    """Take over article versions, in their order, in few statements. Returns how many were newer than what is known."""
    taken = 0
    rest = list(received)
    while rest:
        first: dict[str, ArticleReceived] = {}
        for article in rest:
            first.setdefault(article.article_id, article)
        taken += await _register(tx, first, now)
        rest = [article for article in rest if first[article.article_id] is not article]
    return taken


async def _register(tx: AsyncConnection, received: Mapping[str, ArticleReceived], now: datetime) -> int:
    """Take over one version of each article."""
    stored = select(articles.c.article_id, articles.c.version).where(articles.c.article_id.in_(received))
    known = {row.article_id: row.version for row in await tx.execute(stored)}
    newer = [article for key, article in received.items() if known.get(key, -1) < article.version]
    rows = [_article_row(article) for article in newer]
    silent = [row["article_id"] for row in rows if row["written"] is None]
    kept = await _written_before(tx, silent)
    await upsert(tx, articles, [row | kept.get(row["article_id"], {}) for row in rows], keys=["article_id"])
    found = _link_rows(chain.from_iterable(article.citations for article in newer), now)
    await _put_links(tx, found.values(), now)
    await _put_citations(tx, newer, found, known, now)
    return len(newer)


async def _written_before(tx: AsyncConnection, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What is known of how articles were written: a version that only gives a target does not say it again."""
    if not ids:
        return {}
    query = select(articles.c.article_id, articles.c.kind, articles.c.written).where(articles.c.article_id.in_(ids))
    kept = {row.article_id: {"kind": row.kind, "written": row.written} for row in await tx.execute(query)}
    return {key: kept.get(key, {"written": ""}) for key in ids}


def _article_row(article: ArticleReceived) -> dict[str, Any]:
    return {
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
        "kind": article.kind,
        "written": article.written,
    }


def _link_rows(cited: Iterable[CitedLink], now: datetime) -> dict[str, dict[str, Any]]:
    """The link of each target that is cited."""
    rows: dict[str, dict[str, Any]] = {}
    for target in {link.target for link in cited if link.target is not None}:
        url = identity(target)
        rows[target] = {
            "link_id": derived_id("lnk", url), "url": url, "host": authority(parse(url)),
            "created_at": now, "due_at": now,
        }  # fmt: skip
    return rows


async def _put_links(tx: AsyncConnection, found: Iterable[dict[str, Any]], now: datetime) -> None:
    rows = {row["link_id"]: row for row in found}
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
    await tx.execute(update(hosts).where(hosts.c.host.in_(list(names)), earlier).values(due_at=at))
    announce(tx, DUE)


async def _put_citations(
    tx: AsyncConnection, received: Sequence[ArticleReceived], found: Mapping[str, dict[str, Any]],
    before: Collection[str], now: datetime,
) -> None:  # fmt: skip
    """Store the citations of the articles; those of versions `before` that are not there any more are not present."""
    if renewed := [article.article_id for article in received if article.article_id in before]:
        await tx.execute(update(citations).where(citations.c.article_id.in_(renewed)).values(present=False))
    ids = {target: row["link_id"] for target, row in found.items()}
    rows = [
        _citation_row(article.article_id, link, ids.get(link.target or ""), now if _is_old(article, now) else None)
        for article in received
        for link in article.citations
    ]
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


OLD = timedelta(days=1)
"""Age from which an article's pages may have been changed before anybody looked: web archives are asked for then."""


def _is_old(article: ArticleReceived, now: datetime) -> bool:
    return article.published_at is not None and now - article.published_at >= OLD


def _citation_row(article_id: str, link: CitedLink, key: str | None, search_at: datetime | None) -> dict[str, Any]:
    lost = link.target is None
    return {
        "citation_id": link.citation_id,
        "article_id": article_id,
        "link_id": key,
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
        "search_at": None if lost else search_at,
        "search_tries": 0,
        "searched_at": None,
        "mementos": None,
        "memento_snapshot_id": None,
    }
