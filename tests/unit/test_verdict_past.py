"""Words that stood on the page when it was good are furniture; the same words, new or left alone, mean what they say."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.linkcheck.core import past
from services.linkcheck.core.model import History, Hop, HostFacts, Observation, Page, Verdict
from services.linkcheck.core.signs.row import Scene
from services.linkcheck.core.verdict import judge

URL = "https://harbour.example/2019/05/tides-turn-early"
OLD = "\n".join(f"On day {day} the pilots met in the old customs house, and spoke of the channel." for day in range(9))
NEW = "\n".join(f"In week {week} the dredger came back to the outer basin, and went away again." for week in range(9))
FURNITURE = {
    "walled/paywall": "This article is for subscribers only. Already a subscriber?",
    "walled/bot_challenge": "Please stand by, while we are checking your browser before accessing the archive.",
    "server_error/maintenance": "The site is down for scheduled maintenance on Sunday night.",
    "soft_404/not_found_text": "Page not found",
}
ROT_OR_WALL = {"walled", "soft_404", "server_error", "parked", "redirected_away", "gone"}


def page(text: str, *furniture: str) -> Page:
    whole = "\n".join((*furniture, text))
    headings = tuple(one for one in furniture if len(one) < 30)
    return Page("text/html", title=headings[0] if headings else "Tides", main=whole, full=whole, headings=headings)


def judged(now: Page, then: Page | None, status: int = 200) -> Verdict:
    seen = Observation(URL, (Hop(URL, status),), page=now, body_length=2000)
    return judge(seen, History(good_page=then), HostFacts())


def said_of(verdict: Verdict) -> str:
    return f"{verdict.outcome}/{verdict.reason}"


@pytest.mark.parametrize("expected", FURNITURE)
def test_without_a_past_the_words_are_taken_at_their_word(expected: str) -> None:
    assert said_of(judged(page(OLD[:300], FURNITURE[expected]), None)) == expected


@pytest.mark.parametrize("expected", FURNITURE)
def test_what_stood_there_when_the_page_was_good_is_furniture(expected: str) -> None:
    then = page(OLD[:300], FURNITURE[expected])
    assert judged(then, then).outcome == "ok", "the very same page"
    assert judged(page(NEW[:400], FURNITURE[expected]), then).outcome == "ok", "another text, in the same frame"


@pytest.mark.parametrize("expected", FURNITURE)
def test_new_words_beside_the_old_text_do_not_hide_it(expected: str) -> None:
    assert judged(page(OLD[:300], FURNITURE[expected]), page(OLD[:300])).outcome == "ok"


@pytest.mark.parametrize("expected", FURNITURE)
def test_new_words_in_place_of_the_text_are_what_they_say(expected: str) -> None:
    assert said_of(judged(page(NEW[:300], FURNITURE[expected]), page(OLD))) == expected


@pytest.mark.parametrize("expected", ["walled/paywall", "walled/bot_challenge"])
def test_a_page_that_shrank_to_its_furniture_is_walled(expected: str) -> None:
    """The words stood there before; but so did the article."""
    then = page(OLD, FURNITURE[expected])
    assert said_of(judged(page(OLD[:200], FURNITURE[expected]), then)) == expected


def test_a_status_speaks_for_itself() -> None:
    then = page(OLD, FURNITURE["walled/paywall"])
    assert judged(then, then, 403).outcome == "walled"
    assert judged(then, then, 503).outcome == "server_error"
    challenge = page(OLD, FURNITURE["walled/bot_challenge"])
    assert judged(challenge, challenge, 503).outcome == "walled", "as challenges are served"
    assert judged(then, then, 404).outcome == "gone"


SENTENCES = st.lists(st.sampled_from(OLD.split("\n") + NEW.split("\n")), min_size=4, max_size=12, unique=True).map(
    "\n".join
)


@given(SENTENCES, st.lists(st.sampled_from(sorted(FURNITURE.values())), max_size=3), st.sampled_from(NEW.split("\n")))
@settings(deadline=None)
def test_a_text_that_still_stands_is_neither_lost_nor_walled(text: str, furniture: list[str], more: str) -> None:
    """Whatever is put around it, in whatever order the frame comes."""
    now = page(f"{text}\n{more}", *furniture)
    assert judged(now, page(text)).outcome not in ROT_OR_WALL


@given(SENTENCES, SENTENCES, st.lists(st.sampled_from(sorted(FURNITURE.values())), min_size=1, max_size=3))
@settings(deadline=None)
def test_a_frame_that_never_changed_is_no_news(then: str, now: str, furniture: list[str]) -> None:
    if len(now) >= len(then):
        assert judged(page(now, *furniture), page(then, *furniture)).outcome not in ROT_OR_WALL


def scene(now: Page) -> Scene:
    return Scene(Observation(URL, (Hop(URL, 200),), page=now))


def test_without_a_past_all_is_news() -> None:
    assert past.is_news(scene(page(OLD)), None, lambda _: False)


def test_only_new_blocks_are_looked_at() -> None:
    looked: list[Page] = []
    kept = OLD.split("\n")[0]
    then, now = page(f"{kept}\n{NEW[:200]}", "Page not found"), page(OLD, "Page not found", "Ahoy")
    past.is_news(scene(now), then, lambda new: looked.append(new.page))
    assert [one.title for one in looked] == [""]
    assert looked[0].headings == ("Ahoy",)
    assert "not found" not in looked[0].full
    assert looked[0].full == "\n".join(("Ahoy", *OLD.split("\n")[1:]))


def test_a_statement_deep_in_a_frame_that_was_there_before() -> None:
    """Under a frame longer than what is read of a page first: only what is new is read."""
    said = "Sorry, the page you are looking for has been moved or no longer exists."
    article = "\n".join(
        f"In year {year} the dredger came to basin {year + 7}, and the pilots wrote it down." for year in range(90)
    )
    frame = "\n".join(
        f"Boat {boat} has left the harbour, as it did on the day before, with all hands." for boat in range(40)
    )
    then = Page("text/html", title="Tides", main=article, full=f"{frame}\n{article}")
    now = Page("text/html", title="Tides", main=f"{frame}\n{said}", full=f"{frame}\n{said}")
    assert said_of(judged(now, None)) == "ok/content"
    assert said_of(judged(now, then)) == "soft_404/not_found_text"
