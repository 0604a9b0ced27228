"""The floors of the judge on labelled evidence, where it is at hand (`make measure-verdicts` prints the table)."""

from pathlib import Path

import pytest

from tests.bench.measure_verdicts import Judged, classes, figures, judged_of
from tests.bench.verdict_cases import EVIDENCE, ROT, fates, journeys, ordinary, series, unpacked, walls

pytestmark = pytest.mark.skipif(not EVIDENCE.exists(), reason=f"the evidence is not here: {EVIDENCE}")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[Judged]:
    folder: Path = tmp_path_factory.mktemp("evidence")
    walled = unpacked("walls-dev", folder)
    pages = unpacked("pages-dev", folder)
    return [
        one
        for cases in (journeys(), fates(), walls(walled), series(walled), ordinary(pages))
        for one in judged_of(cases)
    ]


def test_soft_404_and_parked(found: list[Judged]) -> None:
    seen = figures(found)
    assert seen["soft_404_parked_precision"] >= 0.99
    assert seen["soft_404_parked_recall"] >= 0.95


def test_no_wall_and_no_living_page_is_called_rot(found: list[Judged]) -> None:
    seen = figures(found)
    assert seen["walls_called_rot"] == 0
    assert seen["alive_called_rot"] == 0
    assert seen["alive_called_failing"] == 0


def test_walls_are_seen(found: list[Judged]) -> None:
    assert figures(found)["walls_recall"] >= 0.95


def test_moved_and_away_are_told_apart(found: list[Judged]) -> None:
    assert figures(found)["moved_or_away_right"] >= 0.97


def test_walls_among_ordinary_pages_are_a_teaser_or_two(found: list[Judged]) -> None:
    row = classes(found)["pages ordinary"]
    assert row["items"] - row["right"] <= 3


def test_what_only_a_status_shows_is_never_gone_but_for_404_and_410(found: list[Judged]) -> None:
    for case, verdict in found:
        if case.observation.status not in (404, 410):
            assert verdict.outcome != "gone", case
        elif case.observation.status in (404, 410):
            assert verdict.outcome in ROT, case
