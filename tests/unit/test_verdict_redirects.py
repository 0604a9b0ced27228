"""Moved or away: scripted journeys, without a past; then with one, and with what is known of the host."""

import json
from pathlib import Path
from typing import Any

import pytest

from services.linkcheck.core.model import History, Hop, HostFacts, Observation, Page
from services.linkcheck.core.verdict import judge

JOURNEYS = Path(__file__).resolve().parents[1] / "cases" / "redirects" / "journeys.jsonl"
CASES = [json.loads(line) for line in JOURNEYS.read_text().splitlines()]
TEXT = "The pilots met in the old customs house and spoke of the channel, the buoys and the winter to come. " * 8


def journey(asked: str, final: str, page: Page, code: int = 301) -> Observation:
    return Observation(url=asked, hops=(Hop(asked, code, location=final), Hop(final, 200)), page=page)


def page(title: str, text: str = TEXT) -> Page:
    return Page("text/html", title=title, main=text, full=text, headings=(title,))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['from']} -> {case['to']} ({case['code']})")
def test_journeys_without_a_past(case: dict[str, Any]) -> None:
    verdict = judge(journey(case["from"], case["to"], page(case["title"]), case["code"]), History(), HostFacts())
    assert f"{verdict.outcome}/{verdict.reason}" == case["expect"], verdict.signals


ASKED, FINAL = "https://example.org/2012/tides", "https://example.org/2020/something-else"


def test_the_old_text_elsewhere_is_moved() -> None:
    past = History(good_page=page("Tides"))
    verdict = judge(journey(ASKED, FINAL, page("Anything")), past, HostFacts())
    assert (verdict.outcome, verdict.reason) == ("moved", "permanent_redirect")
    assert verdict.signals[0].name == "same_text"


def test_the_old_text_on_the_home_page_is_moved_too() -> None:
    past = History(good_page=page("Tides"))
    assert judge(journey(ASKED, "https://example.org/", page("Tides")), past, HostFacts()).outcome == "moved"


def test_nothing_of_the_old_text_is_away_even_with_the_same_name() -> None:
    past = History(good_page=page("Tides"))
    other = page("Offers", "Buy one lamp and get a second lamp of the same colour for half the price today. " * 9)
    verdict = judge(journey(ASKED, "https://example.org/2020/tides", other), past, HostFacts())
    assert (verdict.outcome, verdict.reason) == ("redirected_away", "to_unrelated")


def test_where_the_host_sends_every_unknown_path_is_away() -> None:
    host = HostFacts(missing_status=200, missing_final_url="https://example.org/welcome-visitors")
    verdict = judge(journey(ASKED, "https://example.org/welcome-visitors", page("Visitors")), History(), host)
    assert verdict.outcome == "redirected_away"
    assert verdict.signals[0].name == "same_as_missing"


def test_a_sink_of_many_links_is_away() -> None:
    host = HostFacts(sinks=(("https://example.org/visitors", 5),))
    verdict = judge(journey("https://example.org/x/48", "https://example.org/visitors", page("Hi")), History(), host)
    assert verdict.outcome == "redirected_away"


def test_a_page_that_refreshes_to_the_home_page_is_away() -> None:
    stub = Page("text/html", full="One moment", refresh="https://example.org/")
    verdict = judge(Observation(ASKED, (Hop(ASKED, 200),), page=stub), History(), HostFacts())
    assert (verdict.outcome, verdict.reason) == ("redirected_away", "to_home")
