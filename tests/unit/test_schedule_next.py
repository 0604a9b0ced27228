"""When to look again."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.linkcheck.core.model import Standing, Verdict
from services.linkcheck.core.schedule import Bounds, affordable, importance, interval, next_check, price, rate
from services.linkcheck.core.transitions import ConfirmationRules, advance

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
BOUNDS = Bounds(timedelta(hours=6), timedelta(days=30))
RULES = ConfirmationRules(3, timedelta(hours=72))


def due(standing: Standing, *, checks: int = 20, changes: int = 0, days: int = 100, importance: float = 1.0,
        jitter: float = 0.5, not_before: datetime | None = None, bounds: Bounds = BOUNDS,
        confirmation: ConfirmationRules = RULES, now: datetime = NOW) -> timedelta:  # fmt: skip
    return next_check(
        standing, now=now, bounds=bounds, confirmation=confirmation, checks=checks, changes=changes,
        watched_since=now - days * DAY, importance=importance, jitter=jitter, not_before=not_before,
    ) - now  # fmt: skip


LIVE = Standing("live", last_good_at=NOW)


def test_what_changes_more_is_looked_at_more() -> None:
    waits = [due(LIVE, changes=changes) for changes in (0, 2, 8, 20)]
    assert waits == sorted(waits, reverse=True)
    assert waits[0] > 2 * waits[-1]


def test_what_matters_more_is_looked_at_more() -> None:
    assert due(LIVE, importance=16) < due(LIVE, importance=1)


def test_bounds_hold() -> None:
    assert due(LIVE, checks=1000, changes=1000, importance=10**6, jitter=0) >= 0.9 * BOUNDS.minimum
    assert due(LIVE, checks=2, days=4000, importance=0.0, jitter=1) <= 1.1 * BOUNDS.maximum


@pytest.mark.parametrize(("checks", "changes"), [(10, 0), (10, 3), (50, 50), (400, 40)])
def test_the_estimator_is_cho_and_garcia_molinas(checks: int, changes: int) -> None:
    watched = checks * DAY
    measured = -math.log((checks - changes + 0.5) / (checks + 0.5)) / DAY.total_seconds()
    share = checks / (checks + 2)
    floor = min(0.25 / watched.total_seconds(), 1 / (60 * 86400))
    expected = share * max(measured, floor) + (1 - share) / (60 * 86400)
    assert rate(checks, changes, watched) == pytest.approx(expected)


def test_the_price_fits_the_budget() -> None:
    weights = [10.0 ** -(4 + number % 4) for number in range(200)]
    wide = Bounds(timedelta(seconds=1), timedelta(days=10_000))
    paid = price(weights, 0.01, wide)
    demand = sum(1 / interval(weight, Bounds(wide.minimum, wide.maximum, paid)).total_seconds() for weight in weights)
    assert demand == pytest.approx(0.01, rel=0.01)


def demand(weights: list[float], bounds: Bounds) -> float:
    return sum(1 / interval(weight, bounds).total_seconds() for weight in weights)


WEIGHTS = st.lists(st.floats(-9, -4).map(lambda power: 10.0**power), min_size=1, max_size=60)


@given(WEIGHTS, st.floats(0.01, 100))
@settings(deadline=None)
def test_a_budget_is_kept_and_never_spent_without_need(weights: list[float], share: float) -> None:
    usual = demand(weights, BOUNDS)
    budget = usual * share
    found = affordable(weights, budget, BOUNDS)
    assert found.price >= BOUNDS.price, "who can fetch more does not look more often for it"
    assert (found.price == BOUNDS.price) == (share >= 1)
    least = len(weights) / BOUNDS.maximum.total_seconds()
    assert demand(weights, found) <= max(budget, least) * 1.001, "but for the bound that the operator set"


def test_where_there_is_too_much_it_is_what_matters_least_that_waits() -> None:
    """Four times the weight, half the wait, however far intervals are stretched."""
    weights = [1e-6, 4e-6] * 50
    wide = Bounds(timedelta(minutes=1), timedelta(days=3650))
    tight = affordable(weights, demand(weights, wide) / 7, wide)
    for weight in weights:
        assert interval(weight, tight) / interval(weight, wide) == pytest.approx(7, rel=0.01)
    assert interval(1e-6, tight) / interval(4e-6, tight) == pytest.approx(2, rel=0.01)


def test_new_articles_count_more_than_old_ones_and_many_more_than_one() -> None:
    assert importance([]) == 0
    assert importance([timedelta()]) == 1
    assert importance([timedelta(days=365)]) == 0.5
    assert importance([timedelta(days=36500)]) == 0.25
    assert importance([-DAY]) == 1, "dated ahead"
    assert importance([DAY] * 9) == pytest.approx(9 * importance([DAY]))


def test_retry_after_is_respected_but_not_for_ever() -> None:
    assert due(LIVE, not_before=NOW + 20 * DAY) >= 20 * DAY
    assert due(LIVE, not_before=NOW + 4000 * DAY) <= 1.1 * BOUNDS.maximum


@pytest.mark.parametrize("jitter", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("checks", [1, 2, 3, 5])
def test_suspects_are_tried_so_that_the_confirmation_is_done_in_time(checks: int, jitter: float) -> None:
    """From the first failure on, exactly `checks` tries fill the period; none is for nothing, and none comes late."""
    rules = ConfirmationRules(checks, timedelta(hours=72))
    standing, now, tries = LIVE, NOW + DAY, 0
    while standing.status != "dead":
        standing, tries = advance(standing, Verdict("gone", "http_404"), now, rules), tries + 1
        if standing.status != "dead":
            now += due(standing, now=now, jitter=jitter, confirmation=rules)
    assert tries == max(checks, 2)
    assert timedelta(hours=72) <= now - NOW - DAY <= timedelta(hours=96)


def test_no_confirmation_period_means_soon() -> None:
    rules = ConfirmationRules(3, timedelta())
    standing = advance(LIVE, Verdict("gone", "http_404"), NOW + DAY, rules)
    assert due(standing, now=NOW + DAY, confirmation=rules) <= timedelta(minutes=20)


def test_jitter_spreads() -> None:
    assert due(LIVE, jitter=0.0) < due(LIVE, jitter=0.5) < due(LIVE, jitter=1.0)


def test_the_dead_and_the_walled_are_still_looked_at() -> None:
    for status in ("dead", "walled", "untracked"):
        assert due(Standing(status)) <= 1.1 * BOUNDS.maximum  # type: ignore[arg-type]
