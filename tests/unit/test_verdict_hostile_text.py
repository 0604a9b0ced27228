"""Pages made to keep a judge busy: the time stays bounded, whatever repeats in them."""

import time

import pytest

from services.linkcheck.core.model import History, Hop, HostFacts, Observation, Page
from services.linkcheck.core.verdict import judge

URL = "https://harbour.example/2019/05/tides-turn-early"
BUDGET = 3.0
"""Seconds of processor time; a cubic pattern would take hours."""


@pytest.mark.parametrize(
    "piece",
    ["the page ", "sorry ", "404 ", "a\n", "this domain ", "доступ к ", "we and our ", "<iframe src=", "location",
     "window.", '<iframe src="//block?', 'location="https://blockblock', "<iframe ", "isAccessibleForFree ", "<a ",
     "access to this ", "n't ", "   ", "页面", "\u0e44", "subscribe to ", "the page you are looking for the page \n"],
)  # fmt: skip
def test_repetition(piece: str) -> None:
    text = piece * (2_000_000 // len(piece))
    page = Page(
        "text/html", title=text[:500], main=text, full=text, markup=text[: 512 * 1024], headings=(text[:300],) * 20,
        link_text=len(text),
    )  # fmt: skip
    seen = Observation(URL, (Hop(URL, 200),), page=page)
    started = time.process_time()
    judge(seen, History(good_page=page), HostFacts(missing_page=page, missing_status=200))
    assert time.process_time() - started < BUDGET
