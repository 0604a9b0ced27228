"""A sentence of the article is a claim though it uses the words of furniture; a call to act is none."""

from pathlib import Path

import pytest

from services.ingest.core import citations
from services.ingest.core.document import read

URL = "https://own.example/2024/story"
AROUND = "The council closed the old bridge in the spring of last year after engineers had found cracks in it."
_TEXT = (Path(__file__).parents[1] / "cases" / "claims_and_calls.txt").read_text(encoding="utf-8")
_CLAIMS, _, _CALLS = _TEXT.partition("== claims\n")[2].partition("== calls\n")


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line]


def _evidence(sentence: str, url: str | None) -> int:
    text = f"# The bridge\n\n{AROUND}\n\n{sentence}\n\n{AROUND}\n"
    return len(citations.find(read(text.encode(), "text/markdown", url=url), article_id="a").citations)


@pytest.mark.parametrize("url", [URL, None], ids=["placed", "loose"])
@pytest.mark.parametrize("sentence", _lines(_CLAIMS))
def test_a_claim_in_the_words_of_furniture(sentence: str, url: str | None) -> None:
    assert _evidence(sentence, url) == 1


@pytest.mark.parametrize("url", [URL, None], ids=["placed", "loose"])
@pytest.mark.parametrize("sentence", _lines(_CALLS))
def test_a_call_in_a_whole_sentence(sentence: str, url: str | None) -> None:
    assert _evidence(sentence, url) == 0


@pytest.mark.parametrize("place", ['div class="newsletter-signup"', "footer", "aside", 'div class="comments"'])
def test_furniture_is_known_by_its_place(place: str) -> None:
    claim = "Voters have to register by 5 October for the <a href='https://e.example/calendar'>general election</a>."
    tag = place.split(maxsplit=1)[0]
    page = f"<article><p>{AROUND}</p><p>{claim}</p><p>{AROUND}</p></article><{place}><p>Register for it: {claim[:20]}"
    page += f"<a href='https://e.example/form'>all our mails</a></p></{tag}>"
    found = citations.find(read(page.encode(), "text/html", url=URL), article_id="a")
    assert [one.href for one in found.citations] == ["https://e.example/calendar"]
