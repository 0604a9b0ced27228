"""When to look again.

Good links: each has a rate of change, estimated from how many of its checks found one (Cho and Garcia-Molina 2003),
and an importance. Looking every T costs 1/T fetches and leaves a change unnoticed for T/2 on average, so the mean
delay at a given number of fetches is least where T is proportional to 1/sqrt(importance * rate) (the square-root rule;
Azar et al. 2018 for the general problem). `Bounds` keep T in reason, and `affordable` turns a budget into the factor:
where there is more to look at than can be fetched, what matters little and changes seldom waits longer.
Suspects: soon, then ever slower, so that the confirmation is done when its period ends, not long before or after.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.linkcheck.core.model import Standing
from services.linkcheck.core.transitions import ConfirmationRules, flapping

_DAY = 86_400.0
_PRIOR_RATE = 1 / (60 * _DAY)
"""Changes a second before anything is known: one in two months."""
_PRIOR_CHECKS = 2.0
"""How many checks the prior counts as."""
FIRST_RETRY = timedelta(minutes=15)
"""After the first failure, where the confirmation period leaves time for it."""
_WALLED_FACTOR = 2.0
_YEAR = 365 * _DAY
LEAST_IMPORTANCE = 0.25


@dataclass(frozen=True, slots=True)
class Bounds:
    """No link is looked at more often than `minimum`, none less often than `maximum`."""

    minimum: timedelta
    maximum: timedelta
    price: float = 12 * 3600.0
    """What a fetch is worth, in seconds of delay of one citation (see `price`): a higher price, fewer fetches."""


def rate(checks: int, changes: int, watched: timedelta) -> float:
    """Changes a second: Cho and Garcia-Molina's r = -log((n - X + 0.5) / (n + 0.5)) / I, drawn to the prior."""
    seconds = watched.total_seconds()
    if checks <= 1 or seconds <= 0:
        return _PRIOR_RATE
    seen = min(changes, checks)
    mean = seconds / checks
    measured = -math.log((checks - seen + 0.5) / (checks + 0.5)) / mean
    floor = min(0.25 / seconds, _PRIOR_RATE)  # two looks in one minute tell nothing
    share = checks / (checks + _PRIOR_CHECKS)
    return share * max(measured, floor) + (1 - share) * _PRIOR_RATE


def importance(ages: Iterable[timedelta]) -> float:
    """Of a link, by the ages of the articles that cite it: each counts 1 when new, half of that after a year, and never
    less than a quarter."""
    return sum(max(LEAST_IMPORTANCE, 1 / (1 + max(age.total_seconds(), 0.0) / _YEAR)) for age in ages)


def weight(importance: float, changes: float) -> float:
    """What a link counts: its importance, and its rate of change a second."""
    return max(importance, 0.1) * changes


def interval(weight: float, bounds: Bounds) -> timedelta:
    """The T that is best for a link of this weight (importance * rate): sqrt(2 * price / weight), within bounds."""
    return timedelta(seconds=_seconds(weight, bounds, bounds.price))


def _seconds(weight: float, bounds: Bounds, price: float) -> float:
    wanted = math.sqrt(2 * price / weight) if weight > 0 else math.inf
    return min(max(wanted, bounds.minimum.total_seconds()), bounds.maximum.total_seconds())


def price(weights: Sequence[float], fetches_per_second: float, bounds: Bounds) -> float:
    """The price at which links of these weights ask for just that many fetches, by bisection (demand falls with it)."""
    low, high = 1e-3, 1e12
    for _ in range(50):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if _demand(weights, bounds, middle) > fetches_per_second else (low, middle)
    return math.sqrt(low * high)


def affordable(weights: Sequence[float], fetches_per_second: float, bounds: Bounds) -> Bounds:
    """The bounds at the price in force: the usual one, or the higher one at which the budget suffices."""
    if _demand(weights, bounds, bounds.price) <= fetches_per_second:
        return bounds
    return replace(bounds, price=max(bounds.price, price(weights, fetches_per_second, bounds)))


def _demand(weights: Sequence[float], bounds: Bounds, price: float) -> float:
    """Fetches a second that links of these weights ask for."""
    return sum(1 / max(_seconds(weight, bounds, price), 1e-9) for weight in weights)


def next_check(
    standing: Standing,
    *,
    now: datetime,
    bounds: Bounds,
    confirmation: ConfirmationRules,
    checks: int,
    changes: int,
    watched_since: datetime,
    importance: float,
    jitter: float,
    not_before: datetime | None = None,
) -> datetime:
    """When to look again. `jitter` is 0..1 and moves the time by up to a tenth either way, so that links spread out.

    `checks`, `changes`: made and found so far;
    `not_before`: what the server asked for by Retry-After (RFC 9110 §10.2.3), respected up to `bounds.maximum`.
    """
    if standing.status == "suspect":
        wait = _retry(standing, now, bounds, confirmation)
    else:
        wait = interval(weight(importance, rate(checks, changes, now - watched_since)), bounds)
        if standing.status in ("dead", "walled", "untracked"):
            wait = min(wait * _WALLED_FACTOR, bounds.maximum)
    due = now + wait * (0.9 + 0.2 * min(max(jitter, 0.0), 1.0))
    if standing.status == "suspect":
        due = max(due, _last_strike(standing, now, confirmation))
    if not_before is not None:
        due = max(due, min(not_before, now + bounds.maximum))
    return due


def _retry(standing: Standing, now: datetime, bounds: Bounds, confirmation: ConfirmationRules) -> timedelta:
    """Doubling from the first retry, so that the tries fill the confirmation period; a flapping link waits longer."""
    tries = max(confirmation.checks - 1, 1)
    first = confirmation.period / (2**tries - 1) if tries < 30 else timedelta()
    wait = max(min(first, bounds.maximum), min(FIRST_RETRY, bounds.minimum))
    doublings = min(max(standing.failures - 1, 0), tries - 1) + flapping(standing)
    return min(wait * float(2**doublings), bounds.maximum)


def _last_strike(standing: Standing, now: datetime, confirmation: ConfirmationRules) -> datetime:
    """The last try must not come before the period is over: it would be for nothing."""
    if standing.failing_since is None or standing.failures < confirmation.checks - 1:
        return now
    return standing.failing_since + confirmation.period
