"""Which changes alert whom, and by which root cause they are grouped. Pure."""

from dataclasses import dataclass, replace
from datetime import time
from typing import Literal

from shared.events import CitationChanged, Severity, Support

State = Literal["open", "acknowledged", "resolved"]
News = Literal["opened", "worse", "resolved"]
Channel = Literal["mail", "slack", "webhook", "apprise"]
CHANNELS: tuple[Channel, ...] = ("mail", "slack", "webhook", "apprise")

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
    hourly_limit: int | None = 60
    """Messages an hour; what goes over it follows as one digest."""
    heartbeat: bool = False
    """Once a day, say that the monitor is alive."""
    resolved: bool = True
    """Tell recoveries too."""


DEFAULT_ROUTE = Route(route_id="default", name="Everybody")
"""In force while no route was made."""


def default_route(*, digest: bool) -> Route:
    """The route in force while none was made: with a daily digest, only what is critical is told at once."""
    return replace(DEFAULT_ROUTE, digest="warning") if digest else DEFAULT_ROUTE


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


def cause(change: CitationChanged) -> str:
    """The root cause by which alerts are grouped: `host:…`, `link:…` or `article:…`."""
    if change.host and change.after.outcome in HOST_TROUBLE:
        return f"host:{change.host}"
    return f"link:{change.link_id}" if change.link_id else f"article:{change.article.id}"
