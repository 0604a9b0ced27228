"""An article version arrives: articles, citations, links and hosts are made or brought up to date."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.linkcheck.tables import articles, citations, hosts, links
from shared.bulk import among, insert_ignore, insert_new, upsert
from shared.db import announce
from shared.events import ArticleReceived, CitedLink
from shared.ids import derived_id
from shared.urls import Url, identity, parse

DUE = "linkcheck.due"
"""Announced when links became due before their time: workers of this process need not wait for their next look."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A link as the schedule sees it: checks made, changes found, watched since when, cited by articles of when."""

    checks: int
    changes: int
    since: datetime
    cited_at: tuple[datetime, ...]


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
    stored = select(articles.c.article_id, articles.c.version).where(among(tx, articles.c.article_id, received))
    known = {row.article_id: row.version for row in await tx.execute(stored)}
    newer = [article for key, article in received.items() if known.get(key, -1) < article.version]
    rows = [_article_row(article) for article in newer]
    silent = [row["article_id"] for row in rows if row["written"] is None]
    kept = await _written_before(tx, silent)
    await upsert(tx, articles, [row | kept.get(row["article_id"], {}) for row in rows], keys=["article_id"])
    found = _link_rows(chain.from_iterable(article.citations for article in newer))
    made = await _put_links(tx, found.values(), now)
    # A new citation of a known link has no baseline yet: look at the link now, even if it is being looked at.
    wanted = await _put_citations(tx, newer, found, known, now) - made
    await make_due(tx, {row["link_id"]: row["host"] for row in found.values() if row["link_id"] in wanted}, now)
    return len(newer)


async def _written_before(tx: AsyncConnection, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What is known of how articles were written: a version that only gives a target does not say it again."""
    if not ids:
        return {}
    stored = select(articles.c.article_id, articles.c.kind, articles.c.written)
    query = stored.where(among(tx, articles.c.article_id, ids))
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


def _link_rows(cited: Iterable[CitedLink]) -> dict[str, dict[str, Any]]:
    """The link of each target that is cited."""
    rows: dict[str, dict[str, Any]] = {}
    for target in {link.target for link in cited if link.target is not None}:
        url = identity(target)
        rows[target] = {"link_id": derived_id("lnk", url), "url": url, "host": _authority(url)}
    return rows


async def _put_links(tx: AsyncConnection, found: Iterable[dict[str, Any]], now: datetime) -> set[str]:
    """Returns the ids of those that were not known."""
    rows = {row["link_id"]: row for row in found}
    if not rows:
        return set()
    known = set(await tx.scalars(select(links.c.link_id).where(among(tx, links.c.link_id, rows))))
    # In one order in every process, as in the inbox.
    fresh = [row for key, row in sorted(rows.items()) if key not in known]
    if not fresh:
        return set()
    await insert_ignore(tx, hosts, [{"host": host} for host in sorted({row["host"] for row in fresh})])
    made = {link_id for (link_id,) in await insert_new(tx, links, fresh, {"created_at": now, "due_at": now})}
    await wake_hosts(tx, {row["host"] for row in fresh}, now)
    return made


async def wake_hosts(tx: AsyncConnection, names: Iterable[str], at: datetime) -> None:
    """Have these hosts leased at `at`, unless they are due before."""
    earlier = (hosts.c.due_at.is_(None)) | (hosts.c.due_at > at)
    await tx.execute(update(hosts).where(among(tx, hosts.c.host, names), earlier).values(due_at=at))
    announce(tx, DUE)


async def _put_citations(
    tx: AsyncConnection, received: Sequence[ArticleReceived], found: Mapping[str, dict[str, Any]],
    before: Collection[str], now: datetime,
) -> set[str]:  # fmt: skip
    """Store the citations of the articles; those of versions `before` that are not there any more are not present.

    Returns the links that have new ones.
    """
    if renewed := [article.article_id for article in received if article.article_id in before]:
        await tx.execute(update(citations).where(among(tx, citations.c.article_id, renewed)).values(present=False))
    ids = {target: row["link_id"] for target, row in found.items()}
    rows = [
        _citation_row(article.article_id, link, ids.get(link.target or ""), now if _is_old(article, now) else None)
        for article in received
        for link in article.citations
    ]
    if not rows:
        return set()
    placed = await tx.execute(
        select(citations.c.citation_id, citations.c.link_id).where(
            among(tx, citations.c.citation_id, [row["citation_id"] for row in rows])
        )
    )
    known = {row.citation_id: row.link_id for row in placed}
    fresh = [row for row in rows if row["citation_id"] not in known]
    moved = [row for row in rows if row["citation_id"] in known and known[row["citation_id"]] != row["link_id"]]
    kept = [row for row in rows if row["citation_id"] in known and known[row["citation_id"]] == row["link_id"]]
    pointed = [row for row in fresh + moved if row["link_id"] is not None]
    lost = [row for row in fresh + moved if row["link_id"] is None]
    await upsert(tx, citations, pointed, ["citation_id"], _POINTED)
    await upsert(tx, citations, lost, ["citation_id"], _LOST)
    if kept:
        texts = ("position", "claim", "context", "anchor", "href", "target")
        statement = update(citations).where(citations.c.citation_id == bindparam("id"))
        statement = statement.values(present=True, **{name: bindparam(f"new_{name}") for name in texts})
        await tx.execute(
            statement, [{"id": row["citation_id"], **{f"new_{name}": row[name] for name in texts}} for row in kept]
        )
    return {row["link_id"] for row in pointed}


async def make_due(tx: AsyncConnection, wanted: Mapping[str, str], at: datetime) -> None:
    """Have these links (id → host) checked at `at`.

    One that was due before gets the new time too, by which a check that is going on learns that it is not the last.
    """
    if not wanted:
        return
    await tx.execute(update(links).where(among(tx, links.c.link_id, wanted)).values(due_at=at))
    await wake_hosts(tx, set(wanted.values()), at)


async def sample(tx: AsyncConnection, size: int) -> tuple[int, list[Watched]]:
    """How many links there are, and so many of them: their ids are digests, so the first are any."""
    number = await tx.scalar(select(func.count()).select_from(links)) or 0
    columns = (links.c.link_id, links.c.checks_made, links.c.changes_seen, links.c.created_at)
    rows = (await tx.execute(select(*columns).order_by(links.c.link_id).limit(size))).all()
    if not rows:
        return 0, []
    query = select(citations.c.link_id, articles.c.published_at).join_from(citations, articles)
    within = among(tx, citations.c.link_id, [row.link_id for row in rows]) & citations.c.present
    cited: dict[str, list[datetime]] = defaultdict(list)
    since = {row.link_id: row.created_at for row in rows}
    for row in await tx.execute(query.where(within)):
        cited[row.link_id].append(row.published_at or since[row.link_id])
    return number, [
        Watched(row.checks_made, row.changes_seen, row.created_at, tuple(cited[row.link_id])) for row in rows
    ]


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
    return {
        "citation_id": link.citation_id,
        "article_id": article_id,
        "link_id": key,
        "position": link.position,
        "claim": link.claim,
        "context": link.context,
        "anchor": link.anchor,
        "href": link.href,
        "target": link.target,
        "missing": link.missing,
        "reason": link.missing,
        "search_at": None if key is None else search_at,
    }


_UNSEEN = {
    "present": True, "changes": [], "baseline": None, "baseline_snapshot_id": None, "passage": None,
    "snapshot_id": None, "diff": [], "notes": [], "checked": False, "recent": "", "rejected": None, "since": None,
    "seen_at": None, "intact_at": None, "search_tries": 0, "searched_at": None, "mementos": None,
    "memento_snapshot_id": None,
}  # fmt: skip
"""What is known of the evidence of any citation that nobody has looked at."""
_POINTED = _UNSEEN | {"support": "pending", "health": "unknown", "link_status": "pending", "outcome": None}
_LOST = _UNSEEN | {
    "support": "no_target", "health": "broken", "link_status": "untracked", "outcome": "missing_target",
}  # fmt: skip
"""The same of one with a target, and of one that came without."""
