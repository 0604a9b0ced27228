"""All that is known of a link when its check begins, and all that the check adds: what store.py reads and writes."""

from dataclasses import dataclass
from datetime import datetime

from services.linkcheck.core.model import Hop, Standing, Verdict
from shared.events import ArticleRef, CitationState, Outcome, Quote, Severity, SnapshotRef
from shared.outbound.exchange import Truncation
from shared.urls import parse


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A capture as the database knows it (the bytes are in the archive)."""

    snapshot_id: str
    link_id: str
    captured_at: datetime
    kind: str
    warc_key: str
    warc_sha256: str
    warc_bytes: int
    sha256: str
    length: int
    url: str
    http_status: int | None = None
    media_type: str | None = None
    truncated: Truncation | None = None
    text_key: str | None = None
    payload_of: str | None = None
    previous_sha256: str | None = None
    source: str | None = None
    """Address of the memento, when another archive captured it; `captured_at` is that archive's time then."""

    @property
    def archive(self) -> str | None:
        """Name of the web archive that captured it; None: we did."""
        return parse(self.source).host if self.source else None


def reference(capture: Snapshot | None) -> SnapshotRef | None:
    """How events and reports name a capture."""
    if capture is None:
        return None
    return SnapshotRef(id=capture.snapshot_id, sha256=capture.sha256, captured_at=capture.captured_at)


@dataclass(frozen=True, slots=True)
class Citation:
    """A citation of the link, with the state its last check left."""

    citation_id: str
    article: ArticleRef
    claim: str
    context: str
    anchor: str
    href: str
    target: str | None
    state: CitationState
    checked: bool = False
    since: datetime | None = None
    intact_at: datetime | None = None
    baseline: Quote | None = None
    baseline_snapshot: Snapshot | None = None
    recent: str = ""
    """Signs of its last checks (`core.calm`)."""
    rejected: str | None = None
    diff: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    memento: Snapshot | None = None
    """A memento nearest to the article's date that was brought home, and not yet weighed as the baseline."""

    @property
    def settled(self) -> bool:
        """Whether a page that has not changed can tell nothing new about it."""
        return self.checked and self.baseline is not None and self.memento is None


@dataclass(frozen=True, slots=True)
class Link:
    """A link whose check is due."""

    link_id: str
    url: str
    host: str
    due_at: datetime | None
    created_at: datetime
    standing: Standing
    outcome: Outcome | None = None
    reason: str | None = None
    http_status: int | None = None
    final_url: str | None = None
    checked_at: datetime | None = None
    etag: str | None = None
    last_modified: str | None = None
    snapshot: Snapshot | None = None
    payload: Snapshot | None = None
    """The capture that holds the payload of `snapshot`: itself, or the one that it is a revisit of."""
    good: Snapshot | None = None
    recent: tuple[tuple[datetime, Outcome], ...] = ()
    titles: tuple[tuple[str, int], ...] = ()
    changes_seen: int = 0
    checks_made: int = 0
    citations: tuple[Citation, ...] = ()


@dataclass(frozen=True, slots=True)
class CitationResult:
    """What a check says of one citation."""

    citation: Citation
    after: CitationState
    severity: Severity
    baseline: Quote | None
    baseline_snapshot_id: str | None
    since: datetime | None
    intact_at: datetime | None
    diff: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    recent: str = ""

    @property
    def changed(self) -> bool:
        """Whether an editor's picture of the citation changed."""
        return _picture(self.citation.state) != _picture(self.after)


def _picture(state: CitationState) -> tuple[object, ...]:
    return state.support, state.changes, state.health, state.link_status, state.flapping


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check, ready to be committed: the archive holds its capture already."""

    link: Link
    check_id: str
    checked_at: datetime
    verdict: Verdict
    standing: Standing
    next_check_at: datetime
    hops: tuple[Hop, ...]
    detail: str
    seconds: float
    final_url: str
    http_status: int | None
    truncated: Truncation | None = None
    snapshot: Snapshot | None = None
    good: bool = False
    """Whether `snapshot` (or the last one, when unchanged) may serve as a good one from now on."""
    changed: bool = False
    """Whether the main text differs from that of the last capture (the schedule learns from it)."""
    etag: str | None = None
    last_modified: str | None = None
    title: str = ""
    citations: tuple[CitationResult, ...] = ()

    @property
    def first_good(self) -> bool:
        """Whether the page was captured for the first time."""
        return self.good and self.link.good is None
