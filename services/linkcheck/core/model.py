"""The values that flow through one check: fetched → page → verdict → support → transition.

Hop, Page          what came back                (fetch.py, text.py make them)
Observation        one check's whole finding     (check.py puts it together)
History, HostFacts what was known before         (store.py reads them)
Verdict            outcome, reason, signals      (verdict.py makes it)
"""

from dataclasses import dataclass, field
from datetime import datetime

from shared.events import Change, LinkStatus, Outcome, Quote, Support
from shared.outbound.exchange import Fault, Truncation


@dataclass(frozen=True, slots=True)
class Hop:
    """One HTTP answer on the way."""

    url: str
    status: int
    headers: tuple[tuple[str, str], ...] = ()
    location: str | None = None
    """Absolute target when this answer redirects."""
    address: str | None = None

    def header(self, name: str) -> str | None:
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)


@dataclass(frozen=True, slots=True)
class Page:
    """What can be read of a response body (text.extract makes it; all texts NFC, whitespace collapsed)."""

    media_type: str
    """Essence only: `text/html`, `application/pdf`, … sniffed where the header is absent or lies."""
    title: str = ""
    main: str = ""
    """Main content; blocks separated by one newline."""
    full: str = ""
    """All visible text; blocks separated by one newline."""
    markup: str = ""
    """The decoded HTML (capped at 512 KiB) for signs that look at it; empty for other media."""
    language: str = ""
    canonical: str | None = None
    """Absolute `rel=canonical`."""
    refresh: str | None = None
    """Absolute target of a meta refresh of at most 10 s."""
    headings: tuple[str, ...] = ()
    links: int = 0
    link_text: int = 0
    """Characters of `full` inside links."""
    scripts: int = 0
    password_field: bool = False
    readable: bool = True
    """False where the media type has no text that we can extract, or extraction failed."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One check's whole finding about a link, before judgement."""

    url: str
    hops: tuple[Hop, ...] = ()
    fault: Fault | None = None
    page: Page | None = None
    body_length: int = 0
    truncated: Truncation | None = None
    not_modified: bool = False
    """304, or the payload digest of the last snapshot came again."""

    @property
    def final_url(self) -> str:
        return self.hops[-1].url if self.hops else self.url

    @property
    def status(self) -> int | None:
        return self.hops[-1].status if self.hops else None


@dataclass(frozen=True, slots=True)
class History:
    """What was seen of this link before: the page's own past is the control of every suspicion."""

    good_page: Page | None = None
    """The last page judged good, or an older memento."""
    good_at: datetime | None = None
    good_final_url: str | None = None
    good_status: int | None = None
    title_counts: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class HostFacts:
    """What is known of the host, beside this link."""

    missing_page: Page | None = None
    """What the host answers for a sibling path that cannot exist; None: not asked."""
    missing_status: int | None = None
    missing_final_url: str | None = None
    sinks: tuple[tuple[str, int], ...] = ()
    """Final URLs that several different links of this host ended in, with how many."""
    error_titles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing seen that speaks for a verdict. `name` is stable, `text` a plain phrase for people."""

    name: str
    text: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Outcome and reason of CONTRACT §2, how sure (0..1), and what decided."""

    outcome: Outcome
    reason: str
    confidence: float = 1.0
    signals: tuple[Signal, ...] = ()
    wants_probe: bool = False
    """The page is suspect: asking the host for a path that cannot exist may settle it (judge again then)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of a citation's passage on a new page."""

    support: Support
    changes: tuple[Change, ...] = ()
    passage: Quote | None = None
    """Where the claim's evidence stands now (or would, for `altered`)."""
    diff: tuple[tuple[str, str], ...] = ()
    """(`=`|`-`|`+`, words) from then to now."""
    score: float = 0.0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """A link's state over time (CONTRACT §2 `status`)."""

    status: LinkStatus = "pending"
    failures: int = 0
    """Failing checks in a row."""
    failing_since: datetime | None = None
    last_good_at: datetime | None = None
    walled_since: datetime | None = None
    flaps: int = field(default=0)
    """Turns between live and failing in the recent past."""
