"""The contract between the services: CloudEvents 1.0, structured JSON, one frozen model per event type.

Event names are past tense and versioned. Unknown fields are tolerated (a newer producer), an unknown version is
not (`Poison`). Times are aware UTC. `SUBJECT` of an event is its key: events of one key are handled in order.
"""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from shared.errors import Poison

Outcome = Literal[
    "ok", "moved", "gone", "soft_404", "redirected_away", "parked", "walled", "server_error",
    "unreachable", "unsafe", "unsupported", "missing_target",
]  # fmt: skip
LinkStatus = Literal["pending", "live", "suspect", "dead", "walled", "untracked"]
Support = Literal[
    "pending",
    "intact",
    "altered",
    "removed",
    "retracted",
    "replaced",
    "unlocated",
    "lost",
    "unknown",
    "no_target",
]
Change = Literal["number", "date", "name", "negation", "quote", "wording"]
Health = Literal["ok", "attention", "broken", "unknown"]
Severity = Literal["critical", "warning", "info"]
ArticleKind = Literal["text/html", "text/markdown", "text/plain"]
Role = Literal["evidence", "self", "navigation", "byline", "boilerplate", "share", "contact"]


class Model(BaseModel):
    """Frozen; fields that it does not know are let through by newer producers and dropped."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class CitedLink(Model):
    """One citation of an article version, as ingest found it."""

    citation_id: str
    claim: str
    context: str
    anchor: str
    href: str
    target: str | None
    """Absolute URL as WHATWG serialises it, fragment kept; None when the citation has no usable target."""
    missing: Literal["placeholder", "empty", "script", "relative"] | None = None
    position: int
    """Ordinal of the link among all links of the article, from 0."""


class OtherLink(Model):
    """A link of the article that is no evidence."""

    href: str
    anchor: str
    role: Role


class ArticleReceived(Model):
    """An article version and all its citations."""

    TYPE: ClassVar[str] = "citewatch.article.received.v1"
    TOPIC: ClassVar[str] = "citewatch.articles"

    article_id: str
    version: int
    source: str
    external_id: str | None = None
    url: str | None
    title: str
    authors: tuple[str, ...] = ()
    published_at: datetime | None = None
    tags: tuple[str, ...] = ()
    received_at: datetime
    citations: tuple[CitedLink, ...]
    other_links: tuple[OtherLink, ...]
    text: str = ""
    """Plain text of the article's main content, for suggestions of lost targets."""
    kind: ArticleKind = "text/html"
    written: str | None = None
    """The article as it was sent, packed (`shared.text.packed`), for patches; empty where it is too long. None: it was
    not sent again (an editor gave a target), and what is known of it holds."""

    @property
    def key(self) -> str:
        return self.article_id


class LinkChecked(Model):
    """One check of a link."""

    TYPE: ClassVar[str] = "citewatch.link.checked.v1"
    TOPIC: ClassVar[str] = "citewatch.checks"

    link_id: str
    check_id: str
    url: str
    final_url: str | None
    checked_at: datetime
    outcome: Outcome
    reason: str
    http_status: int | None
    confidence: float
    status: LinkStatus
    snapshot_id: str | None = None
    next_check_at: datetime | None = None

    @property
    def key(self) -> str:
        return self.link_id


class Quote(Model):
    """A W3C TextQuoteSelector with the score of its location (0..1)."""

    exact: str
    prefix: str = ""
    suffix: str = ""
    score: float | None = None


class SnapshotRef(Model):
    """A capture: id, hex sha256 of the payload as sent, time of capture."""

    id: str
    sha256: str
    captured_at: datetime


class CitationState(Model):
    """What is known of one citation at one moment."""

    support: Support
    changes: tuple[Change, ...] = ()
    health: Health
    link_status: LinkStatus
    outcome: Outcome | None = None
    """None: not checked yet."""
    reason: str | None = None
    passage: Quote | None = None
    snapshot: SnapshotRef | None = None
    seen_at: datetime | None = None
    """When this state was last seen to hold."""
    flapping: bool = False
    """It goes back and forth between order and trouble: until it has settled, its turns are no news."""


class ArticleRef(Model):
    """The article that a citation stands in."""

    id: str
    version: int
    source: str
    url: str | None
    title: str
    authors: tuple[str, ...] = ()
    published_at: datetime | None = None
    tags: tuple[str, ...] = ()


class Memento(Model):
    """An older capture of the target, ours or of another archive."""

    url: str
    captured_at: datetime
    source: str = ""


class CitationChanged(Model):
    """A claim's support or its link's status changed."""

    TYPE: ClassVar[str] = "citewatch.citation.changed.v1"
    TOPIC: ClassVar[str] = "citewatch.citations"

    citation_id: str
    link_id: str | None
    check_id: str | None = None
    article: ArticleRef
    claim: str
    anchor: str
    target: str | None
    final_url: str | None = None
    host: str | None = None
    """Host of the target in punycode: root cause of grouped alerts."""
    before: CitationState
    after: CitationState
    severity: Severity
    first: bool = False
    """True when this is the first check of the citation: it was found broken, not seen to break."""
    confidence: float = 1.0
    signals: tuple[str, ...] = ()
    """The signals that decided, each a short plain phrase."""
    diff: tuple[tuple[Literal["=", "-", "+"], str], ...] = ()
    """Word diff of the passage: kept, taken away, added."""
    memento: Memento | None = None
    patch: str | None = None
    """A patch for the article, as unified diff or replacement markup."""
    occurred_at: datetime

    @property
    def key(self) -> str:
        return self.citation_id


class _AlertEvent(Model):
    TOPIC: ClassVar[str] = "citewatch.alerts"

    alert_id: str
    citation_ids: tuple[str, ...]
    severity: Severity
    occurred_at: datetime

    @property
    def key(self) -> str:
        return self.alert_id


class AlertRaised(_AlertEvent):
    """An episode was opened or got worse."""

    TYPE: ClassVar[str] = "citewatch.alert.raised.v1"
    cause: str


class AlertResolved(_AlertEvent):
    """An episode ended."""

    TYPE: ClassVar[str] = "citewatch.alert.resolved.v1"
    cause: str


class AlertDelivered(_AlertEvent):
    """A channel took the message."""

    TYPE: ClassVar[str] = "citewatch.alert.delivered.v1"
    delivery_id: str
    channel: str


class AlertFailed(_AlertEvent):
    """A message was refused for good, or its fate is uncertain."""

    TYPE: ClassVar[str] = "citewatch.alert.failed.v1"
    delivery_id: str
    channel: str
    result: Literal["failed", "uncertain"]
    detail: str


Data = ArticleReceived | LinkChecked | CitationChanged | AlertRaised | AlertResolved | AlertDelivered | AlertFailed
DATA_TYPES: tuple[type[Data], ...] = (
    ArticleReceived, LinkChecked, CitationChanged, AlertRaised, AlertResolved, AlertDelivered, AlertFailed,
)  # fmt: skip
BY_TYPE: dict[str, type[Data]] = {model.TYPE: model for model in DATA_TYPES}
TOPICS: tuple[str, ...] = tuple(dict.fromkeys(model.TOPIC for model in DATA_TYPES))


class Event(Model):
    """The CloudEvents envelope in structured mode."""

    specversion: Literal["1.0"] = "1.0"
    id: Annotated[str, Field(min_length=1)]
    source: str
    type: str
    subject: str
    time: datetime
    datacontenttype: Literal["application/json"] = "application/json"
    traceparent: str | None = None
    data: dict[str, Any]

    def payload(self) -> Data:
        """The typed data. Raises `Poison` for an unknown type or data that does not fit it."""
        model = BY_TYPE.get(self.type)
        if model is None:
            raise Poison(f"unknown event type {self.type!r}")
        try:
            return model.model_validate(self.data)
        except ValidationError as error:
            raise Poison(f"{self.type}: {error}") from error


_ENVELOPE = TypeAdapter(Event)


def envelope(data: Data, *, event_id: str, source: str, time: datetime, traceparent: str | None = None) -> Event:
    """Wrap data. `source` names the service (`/citewatch/ingest`); `event_id` is unique per source."""
    return Event(
        id=event_id, source=source, type=data.TYPE, subject=data.key, time=time, traceparent=traceparent,
        data=data.model_dump(mode="json"),
    )  # fmt: skip


def decode(raw: bytes) -> Event:
    """Structured-mode JSON to an envelope. Raises `Poison` for anything else."""
    try:
        return _ENVELOPE.validate_json(raw)
    except ValidationError as error:
        raise Poison(f"not a CloudEvent: {error}") from error


def encode(event: Event) -> bytes:
    """An envelope as structured-mode JSON."""
    return event.model_dump_json(exclude_none=True).encode()
