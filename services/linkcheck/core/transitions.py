"""A link's state over time (CONTRACT §2): what one more check changes.

Good checks (`ok`, `moved`) revive at once. Failing ones count; only `checks` of them, spread over `period`, kill.
Walls, our own policy and what we cannot read prove nothing: they neither count as failures nor take any back, so a
failing link stays failing behind a wall. An answer that has merely no text for us (a picture, a very long file) is
the server's own and ends a failing streak. Events of one instant have the same effect in any order: a good check
outweighs whatever else is said of that instant or of earlier ones.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.linkcheck.core.model import Standing, Verdict
from shared.events import LinkStatus, Outcome

GOOD: frozenset[Outcome] = frozenset({"ok", "moved"})
FAILING: frozenset[Outcome] = frozenset(
    {"gone", "soft_404", "redirected_away", "parked", "server_error", "unreachable"}
)
_ANSWERED = frozenset({"media_type", "too_large"})
FLAPPING = 3
"""Turns from which a link counts as flapping."""


@dataclass(frozen=True, slots=True)
class ConfirmationRules:
    """Death needs `checks` failing checks in a row, the first and the last at least `period` apart."""

    checks: int
    period: timedelta


def advance(standing: Standing, verdict: Verdict, at: datetime, rules: ConfirmationRules) -> Standing:
    """The standing after a check made at `at`."""
    if standing.last_good_at is not None and at <= standing.last_good_at and verdict.outcome not in GOOD:
        return standing
    if verdict.outcome in GOOD:
        return _answered(standing, at, "live")
    if verdict.outcome in FAILING:
        return _failing(standing, at, rules)
    if verdict.outcome == "walled":
        return _walled(standing, at)
    return _untracked(standing, at, verdict.reason)


def flapping(standing: Standing) -> bool:
    """Whether the link turns between live and failing so often that its failures are no news."""
    return standing.flaps >= FLAPPING


def _answered(standing: Standing, at: datetime, status: LinkStatus) -> Standing:
    """An answer of the server's own: it ends a failing streak, and one that began at that instant never was."""
    latest, since = max(at, standing.last_good_at or at), standing.failing_since
    if since is not None and at < since:  # it comes late: the failures were after it
        return replace(standing, last_good_at=latest)
    flaps = standing.flaps
    if since == at and standing.last_good_at is not None:
        flaps -= 1
    if (since is None or since == at) and standing.last_good_at != at:
        flaps -= 1  # a calm check
    return Standing(status, last_good_at=latest, flaps=max(0, flaps))


def _failing(standing: Standing, at: datetime, rules: ConfirmationRules) -> Standing:
    since = min(at, standing.failing_since or at)
    failures = standing.failures + 1
    turned = standing.failures == 0 and standing.last_good_at is not None
    confirmed = failures >= rules.checks and at - since >= rules.period
    return replace(
        standing,
        status="dead" if confirmed or standing.status == "dead" else "suspect",
        failures=failures,
        failing_since=since,
        walled_since=None,
        flaps=standing.flaps + turned,
    )


def _walled(standing: Standing, at: datetime) -> Standing:
    if standing.failures:
        return standing
    return replace(standing, status="walled", walled_since=min(at, standing.walled_since or at))


def _untracked(standing: Standing, at: datetime, reason: str) -> Standing:
    if reason in _ANSWERED and not (standing.status == "live" and standing.last_good_at == at):
        return _answered(standing, at, "untracked")
    if standing.failures or standing.status == "walled" or standing.last_good_at == at:
        return standing
    return replace(standing, status="untracked")
