"""What a check means for each citation of the link: the finding, the state for people, the baseline. Pure."""

from dataclasses import replace
from datetime import datetime

from services.linkcheck.core import calm, support
from services.linkcheck.core.assess import GOOD, Assessment
from services.linkcheck.core.dossier import Citation, CitationResult, Snapshot, reference
from services.linkcheck.core.model import Finding, Standing, Verdict
from shared.events import CitationState


def conclude(
    citation: Citation, found: Assessment, standing: Standing, snapshot: Snapshot | None, now: datetime
) -> CitationResult:
    """What the check says of one citation; `snapshot` is the capture that it read, or the last one."""
    before, verdict = citation.state, found.verdict
    finding = found.findings.get(citation.citation_id) or _carried(citation, verdict, standing)
    if citation.rejected is not None and citation.rejected == support.fingerprint(finding):
        finding = replace(finding, support="intact", changes=(), diff=())
    fresh = citation.baseline is None and finding.support == "intact" and finding.passage is not None
    seen_page = citation.citation_id in found.findings
    health = support.health(finding.support, verdict.outcome, standing.status)
    recent = calm.noted(citation.recent, health)
    after = CitationState(
        support=finding.support,
        changes=finding.changes,
        health=health,
        link_status=standing.status,
        outcome=verdict.outcome,
        reason=verdict.reason,
        passage=finding.passage,
        snapshot=reference(snapshot) if seen_page or verdict.outcome not in GOOD else before.snapshot,
        seen_at=now,
        flapping=calm.flapping(recent),
    )
    turned = (before.support, before.changes) != (after.support, after.changes)
    return CitationResult(
        citation=citation,
        after=after,
        severity=support.severity(before, after),
        baseline=finding.passage if fresh else citation.baseline,
        baseline_snapshot_id=_baseline_id(citation, snapshot if fresh else None),
        since=now if turned or citation.since is None else citation.since,
        intact_at=now if after.support == "intact" and verdict.outcome in GOOD else citation.intact_at,
        diff=finding.diff,
        notes=finding.notes,
        recent=recent,
    )


def _baseline_id(citation: Citation, fresh: Snapshot | None) -> str | None:
    if fresh is not None:
        return fresh.snapshot_id
    return citation.baseline_snapshot.snapshot_id if citation.baseline_snapshot else None


def _carried(citation: Citation, verdict: Verdict, standing: Standing) -> Finding:
    """Where no page was read: what the outcome alone says, else what was known."""
    said = support.of_outcome(verdict.outcome, standing.status)
    if said is not None:
        return Finding(said, passage=None)
    state = citation.state
    return Finding(state.support, state.changes, state.passage, citation.diff, notes=citation.notes)
