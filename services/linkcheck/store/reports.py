"""What people and programs read: reports of articles, links with their checks, citations then and now.

Shapes are those of CONTRACT §3 and §4; times are RFC 3339.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.linkcheck.core import calm
from services.linkcheck.core.dossier import Snapshot
from services.linkcheck.core.repairs import Written
from services.linkcheck.core.suggest import Candidate
from services.linkcheck.core.transitions import FLAPPING
from services.linkcheck.store import saves
from services.linkcheck.store.dossiers import article_columns, read_snapshots
from services.linkcheck.tables import articles, checks, citations, history, links, reviews, snapshots
from shared.bulk import among
from shared.clock import iso
from shared.events import ArticleRef, Memento
from shared.text.packed import unpack

Document = dict[str, Any]


def _when(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)


async def report(tx: AsyncConnection, article_id: str, *, explain: bool = False) -> Document | None:
    """The report of an article in the shape of `check --json`; None: no such article. `explain` adds the signals."""
    article = (await tx.execute(select(articles).where(articles.c.article_id == article_id))).one_or_none()
    if article is None:
        return None
    query = _joined().where(citations.c.article_id == article_id, citations.c.present)
    rows = (await tx.execute(query.order_by(citations.c.position))).all()
    captures = await read_snapshots(tx, {row.snapshot_id for row in rows if row.snapshot_id})
    signals = await _signals(tx, {row.check_id for row in rows if row.check_id}) if explain else {}
    return {
        "article_id": article.article_id,
        "url": article.url,
        "title": article.title,
        "version": article.version,
        "citations": [
            citation_document(row, captures) | ({"signals": signals.get(row.check_id, [])} if explain else {})
            for row in rows
        ],
        "other_links": list(article.other_links),
    }


def _joined() -> Any:
    return select(
        citations,
        links.c.url.label("link_url"),
        links.c.status.label("now_status"),
        links.c.outcome.label("now_outcome"),
        links.c.reason.label("now_reason"),
        links.c.final_url,
        links.c.http_status,
        links.c.checked_at,
        links.c.check_id,
        links.c.failing_since,
        links.c.failures,
    ).select_from(citations.outerjoin(links, citations.c.link_id == links.c.link_id))


def citation_document(row: Row[Any], captures: Mapping[str, Snapshot]) -> Document:
    """CITATION of CONTRACT §3, with what pages show beside it."""
    capture = captures.get(row.snapshot_id or "")
    lost = row.link_id is None
    return {
        "id": row.citation_id,
        "link_id": row.link_id,
        "claim": row.claim,
        "anchor": row.anchor,
        "href": row.href,
        "target": row.target,
        "role": "evidence",
        "outcome": "missing_target" if lost else row.now_outcome,
        "reason": row.missing if lost else row.now_reason,
        "link_status": "untracked" if lost else row.now_status,
        "support": row.support,
        "changes": list(row.changes),
        "health": row.health,
        "flapping": calm.flapping(row.recent),
        "final_url": row.final_url,
        "http_status": row.http_status,
        "passage": row.passage,
        "snapshot": snapshot_reference(capture),
        "since": _when(row.since),
        "checked_at": _when(row.checked_at),
        "failing_since": _when(row.failing_since),
        "failures": row.failures or 0,
    }


def snapshot_reference(capture: Snapshot | None) -> Document | None:
    """`snapshot` of CITATION."""
    if capture is None:
        return None
    return {"id": capture.snapshot_id, "sha256": capture.sha256, "captured_at": iso(capture.captured_at)}


async def _signals(tx: AsyncConnection, check_ids: Collection[str]) -> dict[str, list[str]]:
    """Check id → what decided it, in plain words."""
    rows = await tx.execute(
        select(checks.c.check_id, checks.c.signals, checks.c.detail).where(among(tx, checks.c.check_id, check_ids))
    )
    return {row.check_id: [text for _, text, _ in row.signals] + ([row.detail] if row.detail else []) for row in rows}


async def links_of(tx: AsyncConnection, article_id: str) -> set[str]:
    """Ids of the links of an article's present version."""
    query = select(citations.c.link_id).where(citations.c.article_id == article_id, citations.c.present)
    return {link_id for link_id in await tx.scalars(query) if link_id is not None}


async def list_links(tx: AsyncConnection, *, status: str | None, after: str | None, limit: int) -> list[Document]:
    """Links by id, after `after`."""
    query = select(links).order_by(links.c.link_id).limit(limit)
    if status:
        query = query.where(links.c.status == status)
    if after:
        query = query.where(links.c.link_id > after)
    return [_link_document(row) for row in await tx.execute(query)]


def _link_document(row: Row[Any]) -> Document:
    return {
        "id": row.link_id,
        "url": row.url,
        "host": row.host,
        "status": row.status,
        "outcome": row.outcome,
        "reason": row.reason,
        "confidence": row.confidence,
        "http_status": row.http_status,
        "final_url": row.final_url,
        "failures": row.failures,
        "flapping": row.flaps >= FLAPPING,
        "failing_since": _when(row.failing_since),
        "last_good_at": _when(row.last_good_at),
        "checked_at": _when(row.checked_at),
        "next_check_at": _when(row.due_at),
        "snapshot_id": row.snapshot_id,
    }


async def link_detail(tx: AsyncConnection, link_id: str, *, debug: bool = False, limit: int = 100) -> Document | None:
    """A link with its latest checks and its citations; `debug` adds the signals that decided each."""
    row = (await tx.execute(select(links).where(links.c.link_id == link_id))).one_or_none()
    if row is None:
        return None
    query = select(checks).where(checks.c.link_id == link_id)
    made = (await tx.execute(query.order_by(checks.c.checked_at.desc()).limit(limit))).all()
    cited = await tx.execute(_joined().where(citations.c.link_id == link_id, citations.c.present))
    return {
        **_link_document(row),
        "checks": [_check_document(check, debug=debug) for check in made],
        "citations": [citation_document(one, {}) | {"article_id": one.article_id} for one in cited],
        "saved_elsewhere": await saves.read(tx, link_id),
    }


def _check_document(row: Row[Any], *, debug: bool) -> Document:
    document = {
        "id": row.check_id,
        "checked_at": iso(row.checked_at),
        "outcome": row.outcome,
        "reason": row.reason,
        "confidence": row.confidence,
        "http_status": row.http_status,
        "final_url": row.final_url,
        "detail": row.detail,
        "hops": [{"url": url, "status": status, "address": address} for url, status, address in row.hops],
        "truncated": row.truncated,
        "seconds": row.seconds,
        "snapshot_id": row.snapshot_id,
    }
    if debug:
        document["signals"] = [{"name": name, "text": text, "weight": weight} for name, text, weight in row.signals]
    return document


async def citation_detail(tx: AsyncConnection, citation_id: str) -> Document | None:
    """A citation then and now, with its diff, timeline and reviews."""
    row = (await tx.execute(_joined().where(citations.c.citation_id == citation_id))).one_or_none()
    if row is None:
        return None
    captures = await read_snapshots(tx, {key for key in (row.snapshot_id, row.baseline_snapshot_id) if key})
    article = (await tx.execute(_article_of(row.article_id))).one()
    baseline = captures.get(row.baseline_snapshot_id or "")
    return {
        **citation_document(row, captures),
        "context": row.context,
        "article": {
            "id": row.article_id, "url": article.article_url, "title": article.article_title,
            "version": article.article_version, "published_at": _when(article.article_published_at),
        },
        "then": {"passage": row.baseline, "snapshot": snapshot_reference(baseline), "archive": _held_by(baseline)},
        "now": {"passage": row.passage, "snapshot": snapshot_reference(captures.get(row.snapshot_id or ""))},
        "diff": list(row.diff),
        "notes": list(row.notes),
        "seen_at": _when(row.seen_at),
        "intact_at": _when(row.intact_at),
        "timeline": await _timeline(tx, citation_id),
        "reviews": await _reviews(tx, citation_id),
    }  # fmt: skip


def _held_by(baseline: Snapshot | None) -> Document | None:
    """The web archive whose copy the citation is compared with; None: it is a capture of ours."""
    if baseline is None or baseline.archive is None:
        return None
    return {"name": baseline.archive, "url": baseline.source, "captured_at": iso(baseline.captured_at)}


def _article_of(article_id: str) -> Any:
    return select(*article_columns()).where(articles.c.article_id == article_id)


async def _timeline(tx: AsyncConnection, citation_id: str) -> list[Document]:
    rows = await tx.execute(select(history).where(history.c.citation_id == citation_id).order_by(history.c.id))
    return [
        {
            "at": iso(row.at), "check_id": row.check_id, "severity": row.severity,
            "before": row.before, "after": row.after,
        }
        for row in rows
    ]  # fmt: skip


async def _reviews(tx: AsyncConnection, citation_id: str) -> list[Document]:
    rows = await tx.execute(select(reviews).where(reviews.c.citation_id == citation_id).order_by(reviews.c.at))
    return [{"at": iso(row.at), "by": row.by, "decision": row.decision, "note": row.note} for row in rows]


async def find_snapshot(tx: AsyncConnection, snapshot_id: str) -> Snapshot | None:
    """One capture."""
    return (await read_snapshots(tx, [snapshot_id])).get(snapshot_id)


async def snapshots_of_url(tx: AsyncConnection, canonical: str) -> list[Snapshot]:
    """All captures of a canonical URL, oldest first (TimeMap)."""
    query = select(snapshots).join(links, links.c.link_id == snapshots.c.link_id).where(links.c.url == canonical)
    rows = await tx.execute(query.order_by(snapshots.c.captured_at))
    return [Snapshot(**row._mapping) for row in rows]


async def article_rows(tx: AsyncConnection, *, limit: int, after: str | None = None) -> list[Document]:
    """Articles, the last received first, with the number of their citations by health."""
    query = select(articles.c.article_id, articles.c.title, articles.c.url, articles.c.version, articles.c.received_at)
    query = query.order_by(articles.c.received_at.desc(), articles.c.article_id).limit(limit)
    if after:
        query = query.where(articles.c.received_at < datetime.fromisoformat(after))
    rows = (await tx.execute(query)).all()
    counts = await health_counts(tx, [row.article_id for row in rows])
    return [{**row._mapping, "health": counts.get(row.article_id, {})} for row in rows]


async def health_counts(tx: AsyncConnection, article_ids: Sequence[str]) -> dict[str, dict[str, int]]:
    """Article id → {health: citations}."""
    number = func.count().label("number")
    query = select(citations.c.article_id, citations.c.health, number)
    query = query.where(among(tx, citations.c.article_id, article_ids), citations.c.present)
    found: dict[str, dict[str, int]] = {}
    for row in await tx.execute(query.group_by(citations.c.article_id, citations.c.health)):
        found.setdefault(row.article_id, {})[row.health] = row.number
    return found


async def totals(tx: AsyncConnection) -> tuple[dict[str, int], dict[str, int]]:
    """({link status: links}, {health: citations}) of all there is."""
    by_status = await tx.execute(select(links.c.status, func.count().label("number")).group_by(links.c.status))
    query = select(citations.c.health, func.count().label("number")).where(citations.c.present)
    by_health = await tx.execute(query.group_by(citations.c.health))
    return {row.status: row.number for row in by_status}, {row.health: row.number for row in by_health}


async def attention_rows(tx: AsyncConnection, limit: int) -> list[Document]:
    """Citations that need an editor, the worst and latest first."""
    query = (
        select(citations, *article_columns())
        .select_from(citations.join(articles, citations.c.article_id == articles.c.article_id))
        .where(citations.c.health.in_(("broken", "attention")), citations.c.present)
        .order_by(citations.c.health.desc(), citations.c.since.desc())
        .limit(limit)
    )
    return [dict(row._mapping) for row in await tx.execute(query)]


async def repair_material(tx: AsyncConnection, citation_id: str) -> tuple[Written, list[Memento]]:
    """The article of a citation as it was sent, and what web archives hold of the target."""
    query = select(articles.c.kind, articles.c.written, citations.c.mementos)
    query = query.join(citations, citations.c.article_id == articles.c.article_id)
    row = (await tx.execute(query.where(citations.c.citation_id == citation_id))).one()
    return Written(unpack(row.written), row.kind), [Memento.model_validate(one) for one in row.mementos or ()]


async def link_of(tx: AsyncConnection, citation_id: str) -> Document | None:
    """The link that a citation points to."""
    query = select(links).join(citations, citations.c.link_id == links.c.link_id)
    row = (await tx.execute(query.where(citations.c.citation_id == citation_id))).one_or_none()
    return None if row is None else _link_document(row) | {"saved_elsewhere": await saves.read(tx, row.link_id)}


async def snapshots_of_article(tx: AsyncConnection, article_id: str) -> list[Snapshot]:
    """Every capture behind the citations of an article: baselines and latest, with the payloads they refer to."""
    query = select(citations.c.baseline_snapshot_id, citations.c.snapshot_id).where(
        citations.c.article_id == article_id, citations.c.present
    )
    wanted = {key for row in await tx.execute(query) for key in row if key}
    found = await read_snapshots(tx, wanted)
    origins = {one.payload_of for one in found.values() if one.payload_of} - set(found)
    found |= await read_snapshots(tx, origins)
    return sorted(found.values(), key=lambda one: (one.captured_at, one.snapshot_id))


async def candidates(tx: AsyncConnection, article: ArticleRef, limit: int = 500) -> list[Candidate]:
    """What we hold that a lost citation of this article may have meant: other articles of its source."""
    query = select(articles.c.url, articles.c.title, articles.c.text, articles.c.published_at)
    query = query.where(articles.c.source == article.source, articles.c.article_id != article.id)
    rows = await tx.execute(query.order_by(articles.c.published_at.desc()).limit(limit))
    return [
        Candidate(url=row.url, title=row.title, text=row.text, published_at=row.published_at) for row in rows if row.url
    ]


async def cited_pages(tx: AsyncConnection, article: ArticleRef, limit: int = 100) -> list[tuple[str, str]]:
    """(address, text key) of the pages that articles of the same source cite and that still stand, the last captured
    first."""
    query = select(links.c.url, snapshots.c.text_key, snapshots.c.captured_at).distinct()
    query = query.join(snapshots, snapshots.c.snapshot_id == links.c.good_snapshot_id)
    query = query.join(citations, citations.c.link_id == links.c.link_id)
    query = query.join(articles, articles.c.article_id == citations.c.article_id)
    standing = links.c.status == "live", snapshots.c.text_key.is_not(None)
    query = query.where(articles.c.source == article.source, *standing)
    rows = await tx.execute(query.order_by(snapshots.c.captured_at.desc()).limit(limit))
    return [(row.url, row.text_key) for row in rows]


async def all_snapshots(tx: AsyncConnection) -> list[Snapshot]:
    """Every capture, in order of time."""
    rows = await tx.execute(select(snapshots).order_by(snapshots.c.captured_at, snapshots.c.snapshot_id))
    return [Snapshot(**row._mapping) for row in rows]
