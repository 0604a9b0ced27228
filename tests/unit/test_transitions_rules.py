"""A link's state over time: what each outcome does to it."""

from datetime import UTC, datetime, timedelta

import pytest

from services.linkcheck.core.model import Standing, Verdict
from services.linkcheck.core.transitions import FAILING, ConfirmationRules, advance, flapping
from shared.events import Outcome

T0 = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
RULES = ConfirmationRules(3, timedelta(hours=72))


def run(*steps: tuple[int, Outcome] | tuple[int, Outcome, str], rules: ConfirmationRules = RULES) -> Standing:
    standing = Standing()
    for hour, outcome, *reason in steps:
        standing = advance(standing, Verdict(outcome, *(reason or ["x"])), T0 + hour * HOUR, rules)
    return standing


def test_one_good_check_makes_a_link_live() -> None:
    assert run((0, "ok")).status == "live"
    assert run((0, "moved")).status == "live"


@pytest.mark.parametrize("outcome", sorted(FAILING))
def test_every_failing_outcome_kills_only_by_the_rule(outcome: Outcome) -> None:
    assert run((0, "ok"), (1, outcome)).status == "suspect"
    assert run((0, outcome), (1, outcome), (2, outcome)).status == "suspect", "too soon"
    assert run((0, outcome), (80, outcome)).status == "suspect", "too few"
    assert run((0, outcome), (1, outcome), (72, outcome)).status == "dead"


def test_failures_of_different_kinds_count_together() -> None:
    assert run((0, "unreachable"), (30, "server_error"), (72, "gone")).status == "dead"


def test_a_first_failure_kills_when_the_rule_says_so() -> None:
    assert run((0, "gone"), rules=ConfirmationRules(1, timedelta())).status == "dead"
    assert run((0, "ok"), (1, "gone"), (1, "gone"), rules=ConfirmationRules(2, timedelta())).status == "dead"


def test_one_good_check_revives_and_the_count_begins_anew() -> None:
    dead = ((0, "gone"), (36, "gone"), (72, "gone"))
    assert run(*dead, (73, "ok")).status == "live"
    assert run(*dead, (73, "ok"), (74, "gone")).status == "suspect"
    assert run((0, "gone"), (36, "gone"), (60, "ok"), (72, "gone"), (100, "gone")).status == "suspect"


@pytest.mark.parametrize("outcome", ["walled", "unsafe", "unsupported", "missing_target"])
def test_what_proves_nothing_neither_counts_nor_resets(outcome: Outcome) -> None:
    assert run((0, "gone"), (1, outcome), (2, outcome), (72, outcome)).failures == 1
    assert run((0, "gone"), (36, "gone"), (50, outcome), (72, "gone")).status == "dead"
    assert run((0, "gone"), (36, "gone"), (72, "gone"), (80, outcome)).status == "dead"
    assert run((0, outcome), (36, outcome), (90, outcome), (200, outcome)).status != "dead"


def test_walls_and_what_is_not_watched_have_states_of_their_own() -> None:
    assert run((0, "ok"), (1, "walled")).status == "walled"
    assert run((0, "walled"), (1, "ok")).status == "live"
    assert run((0, "unsafe")).status == "untracked"
    assert run((0, "missing_target")).status == "untracked"
    assert run((0, "walled"), (5, "walled")).walled_since == T0


def test_an_answer_without_text_ends_a_failing_streak() -> None:
    assert run((0, "gone"), (36, "gone"), (72, "gone"), (80, "unsupported", "media_type")).status == "untracked"
    assert run((0, "gone"), (1, "unsupported", "too_large")).failures == 0


def test_flapping_is_counted_and_forgotten() -> None:
    steps = [(hour, "gone" if hour % 2 else "ok") for hour in range(8)]
    assert flapping(run(*steps))  # type: ignore[arg-type]
    assert not flapping(run(*steps, *((hour, "ok") for hour in range(9, 14))))  # type: ignore[arg-type]


def test_an_older_check_that_comes_late_changes_nothing() -> None:
    assert run((5, "ok"), (3, "gone")) == run((5, "ok"))
