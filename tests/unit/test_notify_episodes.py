"""An episode's turns, without a database."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from services.notify.core.episodes import DAMPING, REOPEN, Case, advance
from services.notify.core.rules import DEFAULT_ROUTE, Route, cause, default_route, matches, takes
from shared.events import CitationChanged
from tests.support.changes import ALTERED, DOWN, INTACT, LOST, REMOVED, START, WALLED, change, later

ROUTES = [DEFAULT_ROUTE]


def play(*changes: CitationChanged, tell: bool = True, routes: list[Route] = ROUTES) -> tuple[Case | None, list[str]]:
    """Advance through changes; `tell`: all news is told before the next comes."""
    case: Case | None = None
    steps = []
    for number, one in enumerate(changes):
        case, step = advance(case, one, routes, one.occurred_at, f"alr_{number}")
        steps.append(step)
        for notice in case.notices if case and tell else ():
            notice.state = "told" if notice.state == "pending" else notice.state
    return case, steps


def at(minutes: float, after: dict[str, Any], **more: Any) -> CitationChanged:
    return change(after=after, at=later(minutes), **more)


def news(case: Case | None) -> list[tuple[str, str]]:
    return [(one.news, one.state) for one in case.notices] if case else []


def test_opened_worse_resolved_is_one_episode_told_three_times() -> None:
    case, steps = play(at(0, ALTERED), at(1, REMOVED), at(2, INTACT))
    assert steps == ["opened", "worse", "resolved"]
    assert case is not None and case.alert_id == "alr_0" and case.state == "resolved"
    assert [name for name, _ in news(case)] == ["opened", "worse", "resolved"]


def test_what_gets_worse_before_it_was_told_is_told_once() -> None:
    case, _ = play(at(0, ALTERED), at(1, LOST), tell=False)
    assert news(case) == [("opened", "pending")]
    assert case is not None and case.notices[0].rank == case.peak


def test_what_is_over_before_it_was_told_is_never_told() -> None:
    case, steps = play(at(0, ALTERED), at(1, INTACT), tell=False)
    assert steps == ["opened", "resolved"]
    assert news(case) == [("opened", "dropped")]


def test_back_and_forth_within_a_day_is_the_same_episode() -> None:
    case, steps = play(at(0, ALTERED), at(1, INTACT), at(2, ALTERED), at(3, INTACT))
    assert steps == ["opened", "resolved", "reopened", "resolved"]
    assert case is not None and (case.alert_id, case.flaps) == ("alr_0", 1)


def test_a_later_return_is_a_new_episode() -> None:
    late = REOPEN.total_seconds() / 60 + 2
    case, steps = play(at(0, ALTERED), at(1, INTACT), at(late, ALTERED))
    assert steps == ["opened", "resolved", "opened"]
    assert case is not None and case.alert_id == "alr_2"


def test_a_recovery_that_was_not_told_yet_is_forgotten_when_the_trouble_returns() -> None:
    case, _ = play(at(0, ALTERED))
    for one in (at(1, INTACT), at(2, ALTERED)):
        case, _ = advance(case, one, ROUTES, one.occurred_at, "alr_x")
    assert news(case) == [("opened", "told"), ("resolved", "dropped")]


def test_flapping_is_told_later_each_time() -> None:
    turns = [one for number in range(6) for one in (at(number * 2, ALTERED), at(number * 2 + 1, INTACT))]
    case, _ = play(*turns)
    assert case is not None
    waits: list[timedelta] = []
    opened = [one for one in case.notices if one.news == "opened"]
    waits = [one.created_at - later(number * 2) for number, one in enumerate(opened)]
    assert waits[:2] == [timedelta(), timedelta()]
    assert waits[2:] == [DAMPING, 2 * DAMPING, 4 * DAMPING, 8 * DAMPING]


def test_acknowledged_trouble_is_open_again_only_when_it_gets_worse() -> None:
    case, _ = play(at(0, ALTERED))
    assert case is not None
    case.state = "acknowledged"
    case, step = advance(case, at(1, ALTERED | {"changes": ("wording",)}), ROUTES, later(1), "x")
    assert (step, case and case.state) == ("same", "acknowledged")
    case, step = advance(case, at(2, LOST), ROUTES, later(2), "x")
    assert (step, case and case.state) == ("worse", "open")


def test_a_wall_neither_opens_nor_ends_anything() -> None:
    assert play(at(0, WALLED))[1] == ["nothing"]
    assert play(at(0, ALTERED), at(1, WALLED))[1] == ["opened", "nothing"]


def test_a_change_older_than_what_is_known_does_nothing() -> None:
    assert play(at(5, ALTERED), at(1, INTACT))[1] == ["opened", "nothing"]


def test_an_editors_decision_ends_it_without_news() -> None:
    case, steps = play(at(0, ALTERED), at(1, INTACT, check_id=None))
    assert steps == ["opened", "resolved"]
    assert case is not None and case.resolution == "decided"
    assert [name for name, _ in news(case)] == ["opened"]


def test_a_route_that_wants_no_recoveries_gets_none() -> None:
    quiet = Route("rte_1", "quiet", resolved=False)
    case, _ = play(at(0, ALTERED), at(1, INTACT), routes=[quiet])
    assert [name for name, _ in news(case)] == ["opened"]


def test_trouble_below_every_route_opens_nothing() -> None:
    assert play(at(0, ALTERED, severity="info"))[1] == ["nothing"]


def test_with_a_digest_only_the_critical_is_told_at_once() -> None:
    routes = [default_route(digest=True)]
    slight, _ = play(at(0, ALTERED), routes=routes)
    grave, _ = play(at(0, LOST), at(1, INTACT), routes=routes)
    assert slight is not None and [one.daily for one in slight.notices] == [True]
    assert grave is not None and [one.daily for one in grave.notices] == [False, False]


@pytest.mark.parametrize(
    ("route", "fits"),
    [
        (Route("r", "all"), True),
        (Route("r", "tag", tags=("traffic", "other")), True),
        (Route("r", "other tag", tags=("other",)), False),
        (Route("r", "author", authors=("Ada",)), True),
        (Route("r", "other author", authors=("Bob",)), False),
        (Route("r", "source", sources=("cms",)), True),
        (Route("r", "article", articles=("art_1",)), True),
        (Route("r", "both must fit", articles=("art_1",), tags=("other",)), False),
    ],
)
def test_filters(route: Route, fits: bool) -> None:
    assert matches(route, change()) is fits
    assert takes(route, change()) is fits


def test_root_causes() -> None:
    assert cause(change(after=DOWN)) == "host:source.example"
    assert cause(change(after=ALTERED)) == "link:lnk_1"
    assert cause(change(link_id=None, host=None)) == "article:art_1"


def test_times_are_those_of_the_changes() -> None:
    case, _ = play(at(0, ALTERED), at(7, INTACT))
    assert case is not None
    assert case.resolved_at == later(7)
    assert isinstance(case.changed_at, datetime) and case.changed_at > START
