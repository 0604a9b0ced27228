"""Noise in any order leaves a passage intact; an edit of a number never goes unnoticed; nothing raises."""

import re
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from services.linkcheck.core import support
from services.linkcheck.core.model import Page
from services.linkcheck.core.notices import appeared
from services.linkcheck.core.passages import locate
from services.linkcheck.core.text import extract
from services.linkcheck.core.tokens import tokens
from shared.events import Quote
from shared.text.normalise import Folded, fold, fold_map

FAST = settings(max_examples=60, deadline=None)
URL = "https://a.example/x"
PASSAGE = "In 2019 the “council” approved 45 new homes near Norwick’s old harbour – for $2.5 million."
LINES = (
    "Norwick is a small town with a long street and a church that nobody has painted for a century.",
    "The mayor, Anna Berg, opened the meeting at seven and read a letter from the islands to the members.",
    PASSAGE,
    "Work begins in spring, if the ground allows it, and a school with two floors is to follow a year later.",
)

Noise = Callable[[str], str]


def _around(before: str = "", after: str = "") -> Noise:
    return lambda html: html.replace("<main>", f"{before}<main>").replace("</main>", f"</main>{after}")


NOISE: dict[str, Noise] = {
    "advertisement": _around('<div class=ad>Advertisement <a href="//ad.example">Save 40% today</a></div>'),
    "cookie banner": _around("<div><p>We and our 842 partners use cookies.</p><button>Accept all</button></div>"),
    "related": _around(after="<aside><h3>Related</h3><ul><li><a href=/1>Storm hits coast</a></ul></aside>"),
    "counters": _around("<div>1,234 views 17 shares Updated 5 minutes ago</div>"),
    "comment": _around(after="<section><p>The numbers look wrong to me, not 45 at all!</p></section>"),
    "footer": _around(after="<footer><p>&copy; 2031 All rights reserved.</p></footer>"),
    "straight marks": lambda html: html.translate(str.maketrans("“”’–", '""\'-')),
    "soft hyphens": lambda html: html.replace("approved", "ap&shy;proved").replace("harbour", "har\u200bbour"),
    "hard spaces": lambda html: html.replace("45 new", "45&nbsp;new"),
    "footnote": lambda html: html.replace("homes", "homes<sup><a href=#f>3</a></sup>", 1),
    "emphasis": lambda html: html.replace("new", "<b>new</b>", 1),
    "other boxes": lambda html: html.replace("<p>", "<div class=x1><span>").replace("</p>", "</span></div>"),
    "moved": lambda html: re.sub(r"<main>(.*?</(?:p|div)>)(.*)</main>", r"<main>\2\1</main>", html, flags=re.S),
    "line breaks": lambda html: html.replace(" the ", "\n   the "),
    "paragraph": _around(after="<p>Nothing else was decided that evening, said the clerk, and the hall was dark.</p>"),
}


def page(lines: tuple[str, ...] = LINES) -> str:
    body = "".join(f"<p>{line}</p>" for line in lines)
    return f"<html><head><title>Homes</title></head><body><main>{body}</main></body></html>"


def read(html: str) -> Page:
    return extract(html.encode(), "text/html; charset=utf-8", URL)


THEN = read(page())
BASELINE = locate(PASSAGE, THEN) or Quote(exact=PASSAGE)


def follow(html: str) -> support.Finding:
    return support.follow(BASELINE, THEN, read(html), claim=PASSAGE)


@FAST
@given(st.lists(st.sampled_from(sorted(NOISE)), min_size=1, max_size=6))
def test_noise_in_any_order_leaves_it_intact(names: list[str]) -> None:
    html = page()
    for name in names:
        html = NOISE[name](html)
    found = follow(html)
    assert found.support == "intact", found


NUMBERS = {"2019": st.integers(1000, 2100), "45": st.integers(1, 10**6), "2.5": st.integers(3, 999)}


@FAST
@given(st.data(), st.lists(st.sampled_from(sorted(set(NOISE) - {"hard spaces"})), max_size=3))
def test_an_edited_number_is_always_reported(data: st.DataObject, names: list[str]) -> None:
    old = data.draw(st.sampled_from(sorted(NUMBERS)))
    new = data.draw(NUMBERS[old].map(str).filter(lambda value: value != old))
    html = page(tuple(line.replace(old, new) if line == PASSAGE else line for line in LINES))
    for name in names:
        html = NOISE[name](html)
    found = follow(html)
    assert found.support == "altered"
    assert {"number", "date"} & set(found.changes)


@FAST
@given(st.text(max_size=300))
def test_folding_knows_where_everything_came_from(text: str) -> None:
    folded, places = fold_map(text)
    assert folded == fold(text)
    assert len(places) == len(folded) + 1
    assert places == sorted(places)
    whole = Folded(text)
    for at in range(0, len(whole.text), 7):
        start, end = whole.origin(at, at + 1)
        assert 0 <= start < end <= len(text)


@FAST
@given(st.text(max_size=200), st.text(max_size=400), st.text(max_size=400))
def test_nothing_raises(claim: str, then: str, now: str) -> None:
    before, after = Page("text/html", main=then, full=then), Page("text/html", main=now, full=now)
    baseline = locate(claim, before) or Quote(exact=then[:80])
    support.follow(baseline, before, after, claim=claim)
    appeared(then, now)
    assert all(0 <= token.start <= token.end <= len(then) for token in tokens(then))


@FAST
@given(
    st.binary(max_size=400), st.sampled_from(["text/html", "application/pdf", "text/plain", "application/json", None])
)
def test_any_bytes_are_a_page(body: bytes, kind: str | None) -> None:
    extract(body, kind, URL)
