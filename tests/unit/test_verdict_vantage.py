"""Our own fault, and the second way out."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.linkcheck.core.model import Hop, Observation, Standing, Verdict
from services.linkcheck.core.transitions import FAILING, ConfirmationRules
from services.linkcheck.core.vantage import (
    LOOKED_UP,
    Recent,
    combined,
    doubtful,
    our_fault,
    overruled,
    wants_second_opinion,
    without,
)  # fmt: skip
from shared.events import Outcome
from shared.outbound.exchange import Fault

DOWN = Observation("https://canary.example/", fault=Fault("dns_failure"))
UP = Observation("https://canary.example/", hops=(Hop("https://canary.example/", 503),))
RULES = ConfirmationRules(3, timedelta(hours=72))
NOW = datetime(2026, 3, 1, tzinfo=UTC)
DNS, REFUSED = Verdict("unreachable", "dns_nxdomain"), Verdict("unreachable", "connect_refused")
PICTURE = Verdict("unsupported", "media_type")
GONE, OK, WALL = Verdict("gone", "http_404"), Verdict("ok", "content"), Verdict("walled", "http_403")


def test_canaries_tell_our_own_failure() -> None:
    assert our_fault([DOWN, DOWN], Recent(1, 1))
    assert not our_fault([DOWN, UP], Recent(9, 9)), "one that answers, with whatever status, is a way out"
    assert doubtful(DOWN)
    assert not doubtful(UP)
    assert not doubtful(Observation("https://a.example/", fault=Fault("redirect_loop")))


def test_without_canaries_most_hosts_failing_at_once_tells_it() -> None:
    assert our_fault([], Recent(10, 8))
    assert not our_fault([], Recent(10, 3))
    assert not our_fault([], Recent(2, 2)), "too few to tell"


def test_the_second_way_is_asked_before_the_last_strike_only() -> None:
    last = Standing("suspect", failures=2, failing_since=NOW - RULES.period)
    assert wants_second_opinion(last, GONE, NOW, RULES, 1)
    assert not wants_second_opinion(last, GONE, NOW, RULES, 0), "there is none"
    assert not wants_second_opinion(last, OK, NOW, RULES, 1)
    assert not wants_second_opinion(last, WALL, NOW, RULES, 1)
    assert not wants_second_opinion(replace(last, failures=1), GONE, NOW, RULES, 1)
    assert not wants_second_opinion(replace(last, failing_since=NOW), GONE, NOW, RULES, 1), "too soon to kill"
    assert not wants_second_opinion(replace(last, status="dead"), GONE, NOW, RULES, 1), "dead already"


@pytest.mark.parametrize(
    ("first", "second", "counts"),
    [
        (GONE, OK, "ok/content"),
        (DNS, OK, "ok/content"),
        (GONE, WALL, "walled/http_403"),
        (GONE, PICTURE, "unsupported/media_type"),
        (GONE, GONE, "gone/http_404"),
        (GONE, REFUSED, "gone/http_404"),
        (REFUSED, GONE, "gone/http_404"),
        (REFUSED, DNS, "unreachable/connect_refused"),
    ],
)
def test_how_the_second_answer_counts(first: Verdict, second: Verdict, counts: str) -> None:
    found = combined(first, second)
    assert f"{found.outcome}/{found.reason}" == counts
    said = next(signal.text for signal in found.signals if signal.name == "second_vantage")
    other = first if overruled(first, second) else second
    assert other.reason in said or other.reason in LOOKED_UP, "both ways are named"


def test_the_same_name_servers_confirm_nothing() -> None:
    assert combined(replace(GONE, confidence=0.7), DNS).confidence == 0.7
    assert combined(replace(GONE, confidence=0.7), GONE).confidence == 0.95


def test_without_a_second_way_the_rule_stands_and_says_so() -> None:
    found = without(GONE)
    assert (found.outcome, found.confidence) == (GONE.outcome, GONE.confidence)
    assert [signal.name for signal in found.signals] == ["no_second_vantage"]


OUTCOMES = st.sampled_from(sorted(get_args(Outcome)))


@given(OUTCOMES, OUTCOMES, st.floats(0, 1), st.floats(0, 1))
def test_a_second_way_never_makes_a_death(first: Outcome, second: Outcome, sure: float, surer: float) -> None:
    """What kills with a second way would have killed without one, and both ways failed."""
    found = combined(Verdict(first, "x", sure), Verdict(second, "y", surer))
    if found.outcome in FAILING:
        assert second in FAILING
        assert first in FAILING
    assert 0 <= found.confidence <= 1
