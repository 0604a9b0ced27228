"""Which changes alert whom, and how an episode goes on: opened → worse → acknowledged → resolved.

One alert per citation is open at a time. What comes back within `REOPEN` of its recovery is the same episode.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Literal

from shared.events import CitationChanged, Severity, Support

State = Literal["open", "acknowledged", "resolved"]
News = Literal["opened", "worse", "resolved"]
Turn = Literal["nothing", "opened", "reopened", "worse", "same", "resolved"]
Channel = Literal["mail", "slack", "webhook", "apprise"]
CHANNELS: tuple[Channel, ...] = ("mail", "slack", "webhook", "apprise")

REOPEN = timedelta(hours=24)
SEVERITY_RANK: dict[Severity, int] = {"info": 0, "warning": 1, "critical": 2}
SUPPORT_RANK: dict[Support, int] = {
    "intact": 0, "pending": 0, "unknown": 0, "unlocated": 1, "altered": 2, "no_target": 3, "removed": 4, "lost": 5,
    "replaced": 6, "retracted": 7,
}  # fmt: skip
HOST_TROUBLE = frozenset({"gone", "soft_404", "redirected_away", "parked", "server_error", "unreachable"})
"""Outcomes that often have one root cause for many links of a host."""


@dataclass(frozen=True, slots=True)
class Hours:
    """A part of the day, in a time zone of the IANA database; `start` after `end` runs over midnight."""

    start: time
    end: time
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Route:
    """Who is told what, by which channels. Empty filters let everything through; several must all fit."""

    route_id: str
    name: str
    channels: tuple[Channel, ...] = CHANNELS
    """Those that are not configured are passed over."""
    mail_to: tuple[str, ...] = ()
    """Recipients of its mails; empty: those of the settings."""
    min_severity: Severity = "warning"
    sources: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    articles: tuple[str, ...] = ()
    """Article ids."""
    digest: Severity | None = None
    """Changes up to this severity wait for the daily digest; None: none do."""
    quiet: Hours | None = None
    """Hours in which nothing is sent; what happens meanwhile is told afterwards."""
    hourly_limit: int | None = 30
    """Messages an hour; what goes over it follows as one digest."""
    heartbeat: bool = False
    """Once a day, say that the monitor is alive."""
    resolved: bool = True
    """Tell recoveries too."""


DEFAULT_ROUTE = Route(route_id="default", name="Everybody")
"""In force while no route was made."""


@dataclass(frozen=True, slots=True)
class Alert:
    """What is kept of an episode, as far as its next turn depends on it."""

    alert_id: str
    state: State
    peak: int
    """`rank` of the worst that was seen since it opened."""
    changed_at: datetime
    resolved_at: datetime | None = None
    flaps: int = 0


def matches(route: Route, change: CitationChanged) -> bool:
    """Whether a change concerns a route, whatever its severity."""
    article = change.article
    filters = (
        (route.sources, {article.source}),
        (route.tags, set(article.tags)),
        (route.authors, set(article.authors)),
        (route.articles, {article.id}),
    )
    return all(not wanted or have & set(wanted) for wanted, have in filters)


def takes(route: Route, change: CitationChanged) -> bool:
    """Whether a route wants to be told of trouble such as this."""
    return SEVERITY_RANK[change.severity] >= SEVERITY_RANK[route.min_severity] and matches(route, change)


def rank(change: CitationChanged) -> int:
    """How bad a change is: by severity, then by what became of the support."""
    return SEVERITY_RANK[change.severity] * 10 + SUPPORT_RANK[change.after.support]


def turn(alert: Alert | None, change: CitationChanged, *, wanted: bool) -> Turn:
    """What a change does to the citation's last episode.

    `wanted`: some route takes it. A wall or a pause in seeing neither opens nor ends anything; a change that is older
    than what is known does nothing.
    """
    if alert is not None and change.occurred_at < alert.changed_at:
        return "nothing"
    running = alert is not None and alert.state != "resolved"
    if change.after.health == "ok":
        return "resolved" if running else "nothing"
    if change.after.health == "unknown":
        return "nothing"
    if alert is not None and running:
        return "worse" if rank(change) > alert.peak else "same"
    if not wanted:
        return "nothing"
    return "reopened" if _comes_back(alert, change.occurred_at) else "opened"


def _comes_back(alert: Alert | None, now: datetime) -> bool:
    return alert is not None and alert.resolved_at is not None and now - alert.resolved_at < REOPEN


def decided_by_person(change: CitationChanged) -> bool:
    """No check found it: an editor accepted or rejected."""
    return change.check_id is None and change.after.health == "ok"


def cause(change: CitationChanged) -> str:
    """The root cause by which alerts are grouped: `host:…`, `link:…` or `article:…`."""
    if change.host and change.after.outcome in HOST_TROUBLE:
        return f"host:{change.host}"
    return f"link:{change.link_id}" if change.link_id else f"article:{change.article.id}"
