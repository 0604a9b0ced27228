"""Episodes of citations: what a change does to the alert, and which news that makes for which route. Pure.

    opened ─► worse ─► … ─► resolved          one alert per citation is open at a time
       └─ acknowledged ─┘        └─► reopened within a day: the same episode again
                        └─ flapping ─┘        back and forth: open, and quiet, until it has settled

`Case` is an alert as far as the next turn depends on it; the store reads cases, `advance` changes them, the store
writes them back.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from services.notify.core.rules import SEVERITY_RANK, SUPPORT_RANK, News, Route, State, takes
from shared.events import CitationChanged

Turn = Literal["nothing", "opened", "reopened", "worse", "same", "resolved"]
Resolution = Literal["recovered", "decided"]
REOPEN = timedelta(hours=24)
"""What comes back so soon after its recovery is the same episode."""
DAMPED_AFTER = 2
"""So many returns within an episode; from then on, news of it waits for the citation to settle …"""
DAMPING = timedelta(hours=1)
"""… so long, doubled at each further return up to 32 times."""


@dataclass(slots=True)
class Notice:
    """A piece of news for one route: pending until it is told, or dropped because it is none any more."""

    route_id: str
    news: News
    rank: int
    daily: bool
    created_at: datetime
    state: Literal["pending", "told", "dropped"] = "pending"
    notice_id: int | None = None
    """None: not stored yet."""
    touched: bool = False


@dataclass(slots=True)
class Case:
    """An alert: its episode, and its news so far, oldest first."""

    alert_id: str
    citation_id: str
    state: State
    peak: int
    """`rank` of the worst that was seen since it opened."""
    changed_at: datetime
    resolved_at: datetime | None = None
    resolution: Resolution | None = None
    flaps: int = 0
    notices: list[Notice] = field(default_factory=list)
    stored: bool = False
    opened_by: CitationChanged | None = None
    """The change that opened or reopened it, when that is not stored yet."""
    last: CitationChanged | None = None
    """The last change, when that is not stored yet."""
    trouble: CitationChanged | None = None
    """The last of those that were no recovery, when that is not stored yet."""


def rank(change: CitationChanged) -> int:
    """How bad a change is: by severity, then by what became of the support."""
    return SEVERITY_RANK[change.severity] * 10 + SUPPORT_RANK[change.after.support]


def decided_by_person(change: CitationChanged) -> bool:
    """No check found it: an editor accepted or rejected."""
    return change.check_id is None and change.after.health == "ok"


def turn(case: Case | None, change: CitationChanged, *, wanted: bool) -> Turn:
    """What a change does to the citation's last episode.

    `wanted`: some route takes it. A wall or a pause in seeing neither opens nor ends anything; nor is a recovery one
    while the citation flaps, unless a person decided. A change that is older than what is known does nothing.
    """
    if case is not None and change.occurred_at < case.changed_at:
        return "nothing"
    running = case is not None and case.state != "resolved"
    if change.after.health == "ok":
        settled = not change.after.flapping or decided_by_person(change)
        return ("resolved" if settled else "same") if running else "nothing"
    if change.after.health == "unknown":
        return "nothing"
    if case is not None and running:
        return "worse" if rank(change) > case.peak else "same"
    if not wanted:
        return "nothing"
    back = case is not None and case.resolved_at is not None and change.occurred_at - case.resolved_at < REOPEN
    return "reopened" if back else "opened"


def advance(
    case: Case | None, change: CitationChanged, routes: Sequence[Route], now: datetime, new_alert_id: str
) -> tuple[Case | None, Turn]:
    """The case after a change (the same object, or a new one), and what happened."""
    wanted = [route for route in routes if takes(route, change)]
    step = turn(case, change, wanted=bool(wanted))
    if step == "nothing":
        return case, step
    if case is None or step == "opened":
        case = Case(new_alert_id, change.citation_id, "open", 0, change.occurred_at, opened_by=change)
    case.changed_at, case.last = change.occurred_at, change
    if step != "resolved":
        case.trouble = change
    _STEPS[step](case, change, wanted, routes, now)
    return case, step


def _open(case: Case, change: CitationChanged, wanted: Sequence[Route], _: Sequence[Route], now: datetime) -> None:
    case.peak = rank(change)
    case.notices += [_notice(route, "opened", case.peak, now) for route in wanted]


def _reopen(case: Case, change: CitationChanged, wanted: Sequence[Route], _: Sequence[Route], now: datetime) -> None:
    """A recovery that was not told yet is forgotten; else it is news again, later each time."""
    case.state, case.resolved_at, case.resolution = "open", None, None
    case.peak, case.opened_by = rank(change), change
    case.flaps += 1
    untold = [one for one in case.notices if (one.news, one.state) == ("resolved", "pending")]
    _drop(untold)
    returns = case.flaps - DAMPED_AFTER
    ripe = now + DAMPING * 2 ** min(returns, 5) if returns >= 0 else now
    settled = {one.route_id for one in untold}
    case.notices += [_notice(route, "opened", case.peak, ripe) for route in wanted if route.route_id not in settled]


def _worsen(case: Case, change: CitationChanged, wanted: Sequence[Route], _: Sequence[Route], now: datetime) -> None:
    """News that waits is brought up to date, other routes get their own; acknowledged trouble is open again."""
    case.state, case.peak = "open", rank(change)
    waiting = [one for one in case.notices if one.state == "pending" and one.news != "resolved"]
    for one in waiting:
        one.rank, one.touched = case.peak, True
    informed = {one.route_id for one in waiting}
    case.notices += [_notice(route, "worse", case.peak, now) for route in wanted if route.route_id not in informed]


def _stay(_: Case, __: CitationChanged, ___: Sequence[Route], ____: Sequence[Route], _____: datetime) -> None:
    """Neither worse nor over: no news."""


def _resolve(case: Case, change: CitationChanged, _: Sequence[Route], routes: Sequence[Route], now: datetime) -> None:
    """What was never told needs no recovery; what an editor decided is no news to editors."""
    decided = decided_by_person(change)
    case.state, case.resolved_at = "resolved", change.occurred_at
    case.resolution = "decided" if decided else "recovered"
    _drop([one for one in case.notices if one.state == "pending"])
    latest = {one.route_id: one.news for one in case.notices if one.state == "told"}
    told = {route_id for route_id, news in latest.items() if news != "resolved"}
    if not decided:
        back = [route for route in routes if route.route_id in told and route.resolved]
        case.notices += [_notice(route, "resolved", 0, now, peak=case.peak) for route in back]


_STEPS = {"opened": _open, "reopened": _reopen, "worse": _worsen, "same": _stay, "resolved": _resolve}


def _drop(notices: Sequence[Notice]) -> None:
    for one in notices:
        one.state, one.touched = "dropped", True


def _notice(route: Route, news: News, rank: int, at: datetime, *, peak: int | None = None) -> Notice:
    """A recovery goes the way of the trouble: by the digest if that went by it."""
    severity = (rank if peak is None else peak) // 10
    daily = route.digest is not None and severity <= SEVERITY_RANK[route.digest]
    return Notice(route.route_id, news, rank, daily, at)
