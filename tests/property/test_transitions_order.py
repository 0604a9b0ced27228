"""Whatever comes in whatever order: no alarm from one failure, death only by the rule, same time means any order."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from services.linkcheck.core.model import Standing, Verdict
from services.linkcheck.core.transitions import FAILING, GOOD, ConfirmationRules, advance
from shared.events import Outcome

T0 = datetime(2026, 3, 1, tzinfo=UTC)
VERDICTS = st.sampled_from(
    [Verdict(outcome, "x") for outcome in ("ok", "moved", "gone", "soft_404", "unreachable", "walled", "unsafe")]
    + [Verdict("unsupported", "media_type"), Verdict("missing_target", "empty")]
)
STEPS = st.lists(st.tuples(st.integers(0, 60), VERDICTS), max_size=25)
RULES = st.builds(
    ConfirmationRules, st.integers(1, 4), st.builds(lambda hours: timedelta(hours=hours), st.integers(0, 96))
)


def at(hours: int) -> datetime:
    return T0 + timedelta(hours=hours)


@given(STEPS, RULES)
@settings(max_examples=300, deadline=None)
def test_dead_is_reached_only_through_the_rule(steps: list[tuple[int, Verdict]], rules: ConfirmationRules) -> None:
    """Against an account of its own: the failing checks since the last answer, and the time between them."""
    standing, now, streak = Standing(), 0, []
    for wait, verdict in steps:
        now += wait + 1
        before = standing.status
        standing = advance(standing, verdict, at(now), rules)
        if verdict.outcome in GOOD or verdict.reason == "media_type":
            streak = []
        elif verdict.outcome in FAILING:
            streak.append(now)
        confirmed = len(streak) >= rules.checks and timedelta(hours=streak[-1] - streak[0]) >= rules.period
        if standing.status == "dead" and before != "dead":
            assert verdict.outcome in FAILING
            assert confirmed
        if confirmed:
            assert standing.status == "dead"
        if verdict.outcome in GOOD:
            assert standing.status == "live"
        assert standing.failures == len(streak)


@given(STEPS, st.integers(0, 5))
@settings(max_examples=200, deadline=None)
def test_one_failure_alone_never_kills_by_default(steps: list[tuple[int, Verdict]], place: int) -> None:
    quiet = [(wait, verdict) for wait, verdict in steps if verdict.outcome not in FAILING]
    quiet.insert(min(place, len(quiet)), (1, Verdict("gone", "http_404")))
    standing, now = Standing(), 0
    for wait, verdict in quiet:
        now += wait + 1
        standing = advance(standing, verdict, at(now), ConfirmationRules(3, timedelta(hours=72)))
        assert standing.status != "dead"


@given(STEPS, st.lists(VERDICTS, min_size=2, max_size=4), RULES)
@settings(max_examples=200, deadline=None)
def test_the_order_of_events_of_one_instant_does_not_matter(
    steps: list[tuple[int, Verdict]], together: list[Verdict], rules: ConfirmationRules
) -> None:
    standing, now = Standing(), 0
    for wait, verdict in steps:
        now += wait + 1
        standing = advance(standing, verdict, at(now), rules)
    ends = set()
    for order in permutations(together):
        end = standing
        for verdict in order:
            end = advance(end, verdict, at(now + 1), rules)
        ends.add(end)
    assert len(ends) == 1, ends


@given(STEPS)
@settings(max_examples=100, deadline=None)
def test_counts_stay_sane(steps: list[tuple[int, Verdict]]) -> None:
    standing, now = Standing(), 0
    for wait, verdict in steps:
        now += wait + 1
        standing = advance(standing, verdict, at(now), ConfirmationRules(3, timedelta(hours=72)))
        assert standing.flaps >= 0
        assert (standing.failing_since is None) == (standing.failures == 0)
        assert (standing.walled_since is None) == (standing.status != "walled")


def test_every_outcome_has_a_place() -> None:
    outcomes: set[Outcome] = {"walled", "unsafe", "unsupported", "missing_target"}
    assert len(outcomes | GOOD | FAILING) == 12
