"""Floors under the measurement of claim support, on one half of the evidence's pages; skipped where it is absent."""

import json
import time
from pathlib import Path

import pytest

from services.linkcheck.core import support
from services.linkcheck.core.model import Page
from services.linkcheck.core.passages import locate
from shared.events import Quote
from tests.bench.measure_support import PARAPHRASES, Direct, foreign_claims, load, measure, paraphrased, report
from tests.bench.support_over_cli import over_cli
from tests.bench.support_over_ingest import over_ingest

FLOORS = {
    "precision": 0.98,
    "recall": 0.98,
    "exact class": 0.95,
    "worst noise kind": 0.98,
    "right changes": 0.95,
    "located": 0.97,
}


@pytest.fixture(scope="module")
def direct() -> Direct:
    return Direct()


@pytest.mark.slow
def test_every_figure_holds_its_floor() -> None:
    scores = measure(load("b"), over_ingest)
    low = {name: value for name, value in scores.figures().items() if value < FLOORS.get(name, 0)}
    assert not low, report(scores)


EVERY = 24
"""One case of so many goes through the command in a test run; `make measure-support-cli` takes all."""


@pytest.mark.slow
def test_the_command_tells_what_the_functions_tell() -> None:
    cases = load()[::EVERY]
    scores = measure(cases, over_cli)
    figures = scores.figures()
    assert len(cases) > 50
    assert {"precision", "recall", "exact class", "located"} <= figures.keys()
    low = {name: figures[name] for name in ("precision", "recall", "exact class", "located") if figures[name] < 0.95}
    assert not low, report(scores)


@pytest.mark.slow
def test_paraphrases_are_located_and_claims_of_other_pages_are_not(direct: Direct) -> None:
    cases = load()
    found, tried = paraphrased(cases, direct)
    assert found >= 0.85 * tried
    quiet, foreign = foreign_claims(cases, direct)
    assert quiet >= 0.97 * foreign


def test_the_paraphrases_are_whole() -> None:
    table = json.loads(Path(PARAPHRASES).read_text())
    assert len(table) == 40
    assert all(len(text) > 40 for text in table.values())


@pytest.mark.parametrize(
    "text",
    [
        "The council approved 45 new homes on Monday. " * 40_000,
        "The council approved 45 new homes on Monday.\n" * 40_000,
        "a " * 1_000_000,
        "[" * 2_000_000,
        "two hundred and twenty " * 90_000,
    ],
    ids=["sentences", "blocks", "words", "brackets", "numerals"],
)
def test_two_megabytes_of_repeated_text_cost_seconds_at_most(text: str) -> None:
    claim = "The council approved 54 new houses on Tuesday after 3 hours of debate."
    then, now = Page("text/html", main=claim, full=claim), Page("text/html", main=text, full=text)
    started = time.process_time()
    locate(claim, now)
    support.follow(Quote(exact=claim), then, now, claim=claim)
    assert time.process_time() - started < 6
