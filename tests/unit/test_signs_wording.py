"""Not found, in the languages of the web: phrases that say it, and phrases that only sound like it."""

from pathlib import Path

import pytest

from services.linkcheck.core.model import History, Hop, HostFacts, Observation, Page
from services.linkcheck.core.signs.notfound import filled_by_not_found, told
from services.linkcheck.core.verdict import judge

LINES = (Path(__file__).resolve().parents[1] / "cases" / "not_found_wording.txt").read_text().splitlines()
PHRASES = [line.split(" ", 2) for line in LINES if line[:1] in "+-"]
URL = "https://harbour.example/2019/05/tides-turn-early"


@pytest.mark.parametrize(("sign", "language", "phrase"), PHRASES)
def test_phrase(sign: str, language: str, phrase: str) -> None:
    assert filled_by_not_found(phrase) == (sign == "+")


@pytest.mark.parametrize("phrase", [phrase for sign, _, phrase in PHRASES if sign == "+"])
def test_a_page_that_says_it_in_title_and_heading_is_a_soft_404(phrase: str) -> None:
    page = Page(
        "text/html", title=f"{phrase} | Harbour", main=phrase, full=f"Harbour\n{phrase}\nHome", headings=(phrase,)
    )
    assert judge(Observation(URL, (Hop(URL, 200),), page=page), History(), HostFacts()).outcome == "soft_404"


def test_a_statement_to_the_reader_is_told_from_a_label() -> None:
    assert told(_page("Menu\nSorry, the page you are looking for no longer exists.\nHome"))
    assert told(_page("Menu\nPage not found\nHome")) is None


def test_what_stands_deep_in_an_article_is_no_statement_of_the_page() -> None:
    said = "Sorry, the page you are looking for no longer exists."
    prose = "The harbour office counted the boats of the season, and found more of them than ever before.\n"
    assert told(_page(f"{prose}{said}"))
    assert told(_page(f"{prose * 30}{said}")) is None


def _page(text: str) -> Page:
    return Page("text/html", main=text, full=text)
