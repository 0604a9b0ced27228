"""All that is known of the links about to be checked, read in a handful of queries for many links at once."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.linkcheck.core import calm
from services.linkcheck.core.dossier import Citation, Link, Snapshot, reference
from services.linkcheck.core.model import Standing
from services.linkcheck.tables import articles, citations, hosts, links, snapshots
from shared.bulk import among
from shared.events import ArticleRef, CitationState, Quote

CAPTURES = ("snapshot_id", "baseline_snapshot_id", "memento_snapshot_id")
"""Columns of a citation that name captures."""


async def open_dossiers(tx: AsyncConnection, link_ids: Sequence[str]) -> list[Link]:
    """The links in the order asked, each with its citations, baselines and last captures."""
    rows = (await tx.execute(select(links).where(among(tx, links.c.link_id, link_ids)))).all()
    cited = (await tx.execute(_citations_of(tx, link_ids))).all()
    wanted = {row.snapshot_id for row in rows} | {row.good_snapshot_id for row in rows}
    wanted |= {row[column] for row in (one._mapping for one in cited) for column in CAPTURES}
    captures = await read_snapshots(tx, {key for key in wanted if key})
    payloads = {one.payload_of for one in captures.values() if one.payload_of} - set(captures)
    captures |= await read_snapshots(tx, payloads)
    by_link: dict[str, list[Citation]] = defaultdict(list)
    for row in cited:
        by_link[row.link_id].append(citation_of(row, captures))
    found = {row.link_id: _link(row, captures, tuple(by_link[row.link_id])) for row in rows}
    return [found[link_id] for link_id in link_ids if link_id in found]


async def read_snapshots(tx: AsyncConnection, ids: Collection[str]) -> dict[str, Snapshot]:
    """Captures by id."""
    if not ids:
        return {}
    rows = await tx.execute(select(snapshots).where(among(tx, snapshots.c.snapshot_id, ids)))
    return {row.snapshot_id: Snapshot(**row._mapping) for row in rows}


async def read_probes(tx: AsyncConnection, names: Collection[str], since: datetime) -> dict[str, dict[str, Any]]:
    """What these hosts answered for a path that cannot exist, where they were asked after `since`."""
    asked = among(tx, hosts.c.host, names), hosts.c.probed_at > since
    rows = await tx.execute(select(hosts.c.host, hosts.c.probe).where(*asked))
    return {row.host: row.probe for row in rows if row.probe}


async def read_sinks(tx: AsyncConnection, names: Collection[str], least: int) -> dict[str, list[tuple[str, int]]]:
    """Host → (final URL, how many of its links end there), the most common first: where many end is a sink."""
    number = func.count().label("number")
    away = among(tx, links.c.host, names), links.c.final_url != links.c.url
    query = select(links.c.host, links.c.final_url, number).where(*away).group_by(links.c.host, links.c.final_url)
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for row in await tx.execute(query.having(number >= least).order_by(number.desc())):
        found[row.host].append((row.final_url, row.number))
    return found


def _citations_of(tx: AsyncConnection, link_ids: Sequence[str]) -> Any:
    query = _with_article().where(among(tx, citations.c.link_id, link_ids), citations.c.present)
    return query.order_by(citations.c.article_id, citations.c.position)


def _with_article() -> Any:
    joined = citations.join(articles, citations.c.article_id == articles.c.article_id)
    return select(citations, *article_columns()).select_from(joined)


async def read_citations(tx: AsyncConnection, ids: Collection[str]) -> list[Citation]:
    """Citations by id, as the check pipeline sees them."""
    rows = (await tx.execute(_with_article().where(citations.c.citation_id.in_(ids)))).all()
    captures = await read_snapshots(tx, {row._mapping[name] for row in rows for name in CAPTURES} - {None})
    return [citation_of(row, captures) for row in rows]


def article_columns() -> list[Any]:
    """Columns of the article beside those of a citation, so that one row tells both."""
    names = ("version", "source", "url", "title", "authors", "published_at", "tags")
    return [articles.c[name].label(f"article_{name}") for name in names]


def citation_of(row: Row[Any], captures: dict[str, Snapshot]) -> Citation:
    """A citation from a row of `citations` with `article_columns`."""
    return Citation(
        citation_id=row.citation_id,
        article=_article(row),
        claim=row.claim,
        context=row.context,
        anchor=row.anchor,
        href=row.href,
        target=row.target,
        state=state_of(row, captures.get(row.snapshot_id or "")),
        checked=row.checked,
        since=row.since,
        intact_at=row.intact_at,
        baseline=quote_of(row.baseline),
        baseline_snapshot=captures.get(row.baseline_snapshot_id or ""),
        recent=row.recent,
        rejected=row.rejected,
        diff=tuple((sign, words) for sign, words in row.diff),
        notes=tuple(row.notes),
        memento=captures.get(row.memento_snapshot_id or ""),
    )


def quote_of(value: dict[str, Any] | None) -> Quote | None:
    """A stored quote."""
    return None if value is None else Quote.model_validate(value)


def _article(row: Row[Any]) -> ArticleRef:
    return ArticleRef(
        id=row.article_id,
        version=row.article_version,
        source=row.article_source,
        url=row.article_url,
        title=row.article_title,
        authors=tuple(row.article_authors),
        published_at=row.article_published_at,
        tags=tuple(row.article_tags),
    )


def state_of(row: Row[Any], capture: Snapshot | None) -> CitationState:
    """The state that a citation row holds."""
    return CitationState(
        support=row.support,
        changes=tuple(row.changes),
        health=row.health,
        link_status=row.link_status,
        outcome=row.outcome,
        reason=row.reason,
        passage=quote_of(row.passage),
        snapshot=reference(capture),
        seen_at=row.seen_at,
        flapping=calm.flapping(row.recent),
    )


def _payload(capture: Snapshot | None, captures: dict[str, Snapshot]) -> Snapshot | None:
    return captures.get(capture.payload_of, capture) if capture and capture.payload_of else capture


def _link(row: Row[Any], captures: dict[str, Snapshot], cited: tuple[Citation, ...]) -> Link:
    return Link(
        link_id=row.link_id,
        url=row.url,
        host=row.host,
        due_at=row.due_at,
        created_at=row.created_at,
        standing=Standing(
            status=row.status,
            failures=row.failures,
            failing_since=row.failing_since,
            last_good_at=row.last_good_at,
            walled_since=row.walled_since,
            flaps=row.flaps,
        ),
        outcome=row.outcome,
        reason=row.reason,
        http_status=row.http_status,
        final_url=row.final_url,
        checked_at=row.checked_at,
        etag=row.etag,
        last_modified=row.last_modified,
        snapshot=captures.get(row.snapshot_id or ""),
        payload=_payload(captures.get(row.snapshot_id or ""), captures),
        good=captures.get(row.good_snapshot_id or ""),
        recent=tuple((datetime.fromisoformat(at), outcome) for at, outcome in row.recent or ()),
        titles=tuple((row.titles or {}).items()),
        changes_seen=row.changes_seen,
        checks_made=row.checks_made,
        citations=cited,
    )
