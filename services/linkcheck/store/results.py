"""What a group of checks found, written in one transaction: checks, links, captures, citations, events.

The captures are durable in the archive before this is called, so no row points to what is not whole.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Update, bindparam, case, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.linkcheck.core.dossier import CheckResult, CitationResult
from services.linkcheck.store.leases import Lease, still_held
from services.linkcheck.tables import checks, citations, history, hosts, links, snapshots
from shared.bulk import among
from shared.clock import iso
from shared.eventlog import outbox
from shared.events import CitationChanged, Data, LinkChecked

SOURCE = "/citewatch/linkcheck"
RECENT = 12
TITLES = 8


async def commit(
    tx: AsyncConnection, group: Sequence[tuple[Lease, CheckResult]], changes: Sequence[CitationChanged], now: datetime
) -> list[CheckResult]:
    """Write the group; results whose lease was lost, and those that were overtaken, are left out.

    Returns those that were written.
    """
    held = await still_held(tx, [lease for lease, _ in group], now)
    results = await _not_overtaken(tx, [result for lease, result in group if lease.host in held])
    if not results:
        return []
    captures = [result.snapshot for result in results if result.snapshot is not None]
    if captures:
        rows = [{column: getattr(one, column) for column in snapshots.c.keys()} for one in captures]  # noqa: SIM118
        await tx.execute(insert(snapshots), rows)
    await tx.execute(insert(checks), [_check_row(result) for result in results])
    await tx.execute(_update_links(), [_link_values(result) for result in results])
    touched = [(result, one) for result in results for one in result.citations]
    if touched:
        await tx.execute(_update_citations(), [_citation_values(result, one) for result, one in touched])
    turned = [(result, one) for result, one in touched if one.changed]
    if turned:
        await tx.execute(insert(history), [_history_row(result, one) for result, one in turned])
        await _seek_mementos(tx, [one for _, one in turned], now)
    if weighed := [one.citation.citation_id for _, one in touched if one.citation.memento is not None]:
        await tx.execute(update(citations).where(citations.c.citation_id.in_(weighed)).values(memento_snapshot_id=None))
    written = {result.check_id for result in results}
    events: list[Data] = [link_checked(result) for result in results]
    events += [change for change in changes if change.check_id in written]
    await outbox.publish(tx, SOURCE, events, now)
    return results


async def _not_overtaken(tx: AsyncConnection, results: Sequence[CheckResult]) -> list[CheckResult]:
    """Those whose citations still are as they were read. Where one was given another target meanwhile, or an editor
    decided about it, the check knows nothing of that: its link stays due, and is looked at again.
    """
    read = {one.link.link_id: _as_read(one) for one in results}
    ids = [key for cited in read.values() for key in cited]
    query = select(citations.c.citation_id, citations.c.link_id, citations.c.since)
    rows = await tx.execute(query.where(among(tx, citations.c.citation_id, ids)).with_for_update()) if ids else ()
    stored = {row.citation_id: (row.link_id, row.since) for row in rows}
    return [one for one in results if read[one.link.link_id].items() <= stored.items()]


def _as_read(result: CheckResult) -> dict[str, tuple[str, datetime | None]]:
    """What changes with a new target, and with an editor's decision."""
    return {one.citation.citation_id: (result.link.link_id, one.citation.since) for one in result.citations}


async def _seek_mementos(tx: AsyncConnection, turned: Sequence[CitationResult], now: datetime) -> None:
    """Have web archives asked for what is no longer there as cited, unless they were."""
    ids = [one.citation.citation_id for one in turned if one.after.health != "ok"]
    fresh = citations.c.searched_at.is_(None) & citations.c.search_at.is_(None)
    await tx.execute(update(citations).where(citations.c.citation_id.in_(ids), fresh).values(search_at=now))


async def save_probe(tx: AsyncConnection, host: str, probe: dict[str, Any], at: datetime) -> None:
    """Keep what the host answered for a path that cannot exist."""
    await tx.execute(update(hosts).where(hosts.c.host == host).values(probe=probe, probed_at=at))


def link_checked(result: CheckResult) -> LinkChecked:
    """The event that tells of a check."""
    return LinkChecked(
        link_id=result.link.link_id,
        check_id=result.check_id,
        url=result.link.url,
        final_url=result.final_url,
        checked_at=result.checked_at,
        outcome=result.verdict.outcome,
        reason=result.verdict.reason,
        http_status=result.http_status,
        confidence=result.verdict.confidence,
        status=result.standing.status,
        snapshot_id=result.snapshot.snapshot_id if result.snapshot else None,
        next_check_at=result.next_check_at,
    )


def _check_row(result: CheckResult) -> dict[str, Any]:
    return {
        "check_id": result.check_id,
        "link_id": result.link.link_id,
        "checked_at": result.checked_at,
        "outcome": result.verdict.outcome,
        "reason": result.verdict.reason,
        "confidence": result.verdict.confidence,
        "http_status": result.http_status,
        "final_url": result.final_url,
        "hops": [[hop.url, hop.status, hop.address] for hop in result.hops],
        "signals": [[signal.name, signal.text, signal.weight] for signal in result.verdict.signals],
        "detail": result.detail,
        "truncated": result.truncated,
        "seconds": result.seconds,
        "snapshot_id": result.snapshot.snapshot_id if result.snapshot else None,
    }


def _bound_update(table: Any, key: str, names: Sequence[str]) -> Update:
    return (
        update(table).where(table.c[key] == bindparam("key")).values({name: bindparam(f"v_{name}") for name in names})
    )


LINK_COLUMNS = (
    "status", "failures", "failing_since", "last_good_at", "walled_since", "flaps", "outcome", "reason",
    "confidence", "http_status", "final_url", "check_id", "checked_at", "snapshot_id", "good_snapshot_id", "etag",
    "last_modified", "recent", "titles", "changes_seen", "checks_made",
)  # fmt: skip
CITATION_COLUMNS = (
    "support", "changes", "health", "link_status", "outcome", "reason", "since", "seen_at", "intact_at",
    "baseline_snapshot_id", "baseline", "passage", "snapshot_id", "diff", "notes", "checked", "recent",
)  # fmt: skip


def _update_links() -> Update:
    """The next check is when the result says, unless somebody asked for one since the link was read."""
    due, kind = links.c.due_at, links.c.due_at.type
    as_read = due.is_not_distinct_from(bindparam("read_due_at", type_=kind))
    next_check = case((as_read, bindparam("v_due_at", type_=kind)), else_=due)
    return _bound_update(links, "link_id", LINK_COLUMNS).values(due_at=next_check)


def _update_citations() -> Update:
    return _bound_update(citations, "citation_id", CITATION_COLUMNS)


def _link_values(result: CheckResult) -> dict[str, Any]:
    link, standing = result.link, result.standing
    latest = result.snapshot.snapshot_id if result.snapshot else (link.snapshot.snapshot_id if link.snapshot else None)
    good = latest if result.good else (link.good.snapshot_id if link.good else None)
    recent = [(result.checked_at, result.verdict.outcome), *link.recent][:RECENT]
    values = {
        "due_at": result.next_check_at,
        "status": standing.status,
        "failures": standing.failures,
        "failing_since": standing.failing_since,
        "last_good_at": standing.last_good_at,
        "walled_since": standing.walled_since,
        "flaps": standing.flaps,
        "outcome": result.verdict.outcome,
        "reason": result.verdict.reason,
        "confidence": result.verdict.confidence,
        "http_status": result.http_status,
        "final_url": result.final_url,
        "check_id": result.check_id,
        "checked_at": result.checked_at,
        "snapshot_id": latest,
        "good_snapshot_id": good,
        "etag": result.etag,
        "last_modified": result.last_modified,
        "recent": [[iso(at), outcome] for at, outcome in recent],
        "titles": _titles(link.titles, result.title),
        "changes_seen": link.changes_seen + result.changed,
        "checks_made": link.checks_made + 1,
    }
    return {"key": link.link_id, "read_due_at": link.due_at, **{f"v_{name}": value for name, value in values.items()}}


def _titles(seen: Sequence[tuple[str, int]], title: str) -> dict[str, int]:
    counts = dict(seen)
    if title:
        counts[title[:200]] = counts.get(title[:200], 0) + 1
    return dict(sorted(counts.items(), key=lambda item: -item[1])[:TITLES])


def _citation_values(result: CheckResult, one: CitationResult) -> dict[str, Any]:
    after = one.after
    values = {
        "support": after.support,
        "changes": list(after.changes),
        "health": after.health,
        "link_status": after.link_status,
        "outcome": after.outcome,
        "reason": after.reason,
        "since": one.since,
        "seen_at": result.checked_at,
        "intact_at": one.intact_at,
        "baseline_snapshot_id": one.baseline_snapshot_id,
        "baseline": one.baseline.model_dump() if one.baseline else None,
        "passage": after.passage.model_dump() if after.passage else None,
        "snapshot_id": after.snapshot.id if after.snapshot else None,
        "diff": [list(piece) for piece in one.diff],
        "notes": list(one.notes),
        "checked": True,
        "recent": one.recent,
    }
    return {"key": one.citation.citation_id, **{f"v_{name}": value for name, value in values.items()}}


def _history_row(result: CheckResult, one: CitationResult) -> dict[str, Any]:
    return {
        "citation_id": one.citation.citation_id,
        "at": result.checked_at,
        "check_id": result.check_id,
        "before": one.citation.state.model_dump(mode="json"),
        "after": one.after.model_dump(mode="json"),
        "severity": one.severity,
    }
