"""What goes back and forth is told from what changes once, and from what cannot be seen."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.linkcheck.core.calm import CALM, SPAN, TURNS, flapping, noted
from shared.events import Health

SIGNS = st.text("+-", max_size=SPAN)
HEALTH = st.sampled_from(("ok", "attention", "broken", "unknown"))


@pytest.mark.parametrize("recent", ["+-+-", "-+-+", "++--++--", "-++-+++-", "+++-+-+"])
def test_back_and_forth(recent: str) -> None:
    assert flapping(recent)


@pytest.mark.parametrize("recent", ["", "+", "+-", "-+", "+++---", "---+++---", "+-+", "++++++++++++"])
def test_no_back_and_forth(recent: str) -> None:
    assert not flapping(recent)


@given(SIGNS, st.sampled_from("+-"))
def test_it_settles_after_so_many_checks_of_one_kind(recent: str, sign: str) -> None:
    assert not flapping((recent + sign * (CALM + 1))[-SPAN:])


@given(st.lists(HEALTH, max_size=40))
def test_what_cannot_be_seen_changes_nothing(seen: list[Health]) -> None:
    with_walls, without = "", ""
    for health in seen:
        with_walls = noted(with_walls, health)
        without = noted(without, health) if health != "unknown" else without
        assert with_walls == without
        assert len(without) <= SPAN


@given(SIGNS)
def test_fewer_turns_are_changes_like_any_other(recent: str) -> None:
    turns = sum(before != after for before, after in pairwise(recent))
    if turns < TURNS:
        assert not flapping(recent)
