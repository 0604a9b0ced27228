"""What becomes of a passage on a later page, in the words of the contract."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.linkcheck.core import notices, support
from services.linkcheck.core.model import Page
from services.linkcheck.core.passages import locate
from services.linkcheck.core.patch import Repair, patch_html, patch_markdown, unified
from services.linkcheck.core.suggest import Candidate, suggest
from shared.events import Quote

CASES = Path(__file__).parents[1] / "cases" / "notices"
PASSAGE = "The council approved 45 new homes near the old harbour on Monday."
BODY = (
    "Norwick is a small town with a long street and a church that nobody has painted for a century.",
    "The mayor, Anna Berg, opened the meeting at seven and read a letter from the islands to the members.",
    PASSAGE,
    "Work begins in spring, if the ground allows it, and a school with two floors is to follow a year later.",
    "Neighbours had asked for a park instead, and some of them left the hall before the vote was taken.",
)


def page(lines: Sequence[str] = BODY, title: str = "Homes for Norwick") -> Page:
    text = "\n".join(lines)
    return Page("text/html", title=title, main=text, full=text)


def follow(*lines: str, older: Sequence[Page] = ()) -> support.Finding:
    then = page()
    baseline = locate(PASSAGE, then)
    assert baseline is not None
    return support.follow(baseline, then, page(lines), claim=PASSAGE, older=older)


def edited(old: str, new: str) -> tuple[str, ...]:
    return tuple(line.replace(old, new) for line in BODY)


@pytest.mark.parametrize(
    "lines",
    [
        BODY,
        ("We use cookies. Accept all?", *BODY, "1,234 views", "Related: Storm hits coast"),
        (*BODY[3:], *BODY[:3]),
        edited("45 new homes near", "45 new homes[3] near"),
        (*BODY[:2], "The council approved 45 new homes", "Advertisement", "near the old harbour on Monday.", *BODY[3:]),
        tuple(line.upper() for line in BODY),
        (PASSAGE, *BODY[:2], *BODY[3:]),
        (" ".join(BODY),),
    ],
)
def test_noise_leaves_it_intact(lines: tuple[str, ...]) -> None:
    assert follow(*lines).support == "intact"


@pytest.mark.parametrize(
    ("lines", "changes"),
    [
        (edited("45", "54"), ("number",)),
        (edited("on Monday", "on Friday"), ("date",)),
        (edited("approved", "has not approved"), ("negation",)),
        ((*BODY[:2], "It is not true that " + PASSAGE, *BODY[3:]), ("negation",)),
        ((*BODY[:2], PASSAGE.rstrip(".") + " under strict conditions.", *BODY[3:]), ("wording",)),
        (edited("old harbour", "new station"), ("wording",)),
    ],
)
def test_a_changed_fact_alters_it(lines: tuple[str, ...], changes: tuple[str, ...]) -> None:
    found = follow(*lines)
    assert found.support == "altered"
    assert set(changes) <= set(found.changes)


def test_taken_out_is_removed_and_another_page_replaces() -> None:
    other = ("Cooking with fennel is easier than it seems, and a sharp knife is half of the work to be done.",) * 5
    assert follow(*BODY[:2], *BODY[3:]).support == "removed"
    assert follow(*other).support == "replaced"
    assert follow(*BODY[:1], "Subscribe to read on.").support == "replaced"


def test_a_sentence_that_stood_there_before_is_no_new_wording() -> None:
    twin = PASSAGE.replace("45", "60").replace("Monday", "Friday")
    then = page((*BODY, twin))
    baseline = locate(PASSAGE, then)
    assert baseline is not None
    now = page((*BODY[:2], *BODY[3:], twin))
    assert support.follow(baseline, then, now, claim=PASSAGE).support == "removed"


def test_only_a_new_notice_qualifies() -> None:
    notice = "Correction: An earlier version of this article gave a wrong number of homes."
    found = follow(notice, *BODY)
    assert found.support == "retracted"
    assert notice in found.notes[0]
    then = page((notice, *BODY))
    baseline = locate(PASSAGE, then)
    assert baseline is not None
    assert support.follow(baseline, then, page((*BODY, notice)), claim=PASSAGE).support == "intact"


@pytest.mark.parametrize("line", (CASES / "notice.txt").read_text().splitlines())
def test_notices_are_known(line: str) -> None:
    assert notices.appeared("Some text.", f"Some text.\n{line}")


@pytest.mark.parametrize("line", (CASES / "ordinary.txt").read_text().splitlines())
def test_ordinary_sentences_are_no_notices(line: str) -> None:
    assert not notices.appeared("Some text.", f"Some text.\n{line}")


def test_a_notice_is_found_on_a_page_whose_every_line_is_written_otherwise() -> None:
    lines = [f'The "council\'s" item {number} was read - and taken - on Monday.' for number in range(1000)]
    curly = [line.replace('"', "”").replace("'", "’").replace(" - ", " – ") for line in lines]
    notice = "Correction: the number of homes was wrong in an earlier version of this article."
    assert notices.appeared("\n".join(lines), "\n".join([*curly, notice])) == (notice,)
    assert notices.appeared("\n".join(lines), "\n".join(curly)) == ()


COMMENTS = tuple(f"Reader number {number} wrote that the harbour deserves better than it got." for number in range(30))
SAID = {
    "not there": "Sorry, the page you are looking for has been moved or no longer exists.",
    "for subscribers": "This article is for subscribers only.",
}


@pytest.mark.parametrize("said", SAID.values(), ids=SAID)
def test_a_text_cut_off_at_the_passage_is_another_page_whatever_stands_below_it(said: str) -> None:
    then = page((*BODY, *COMMENTS))
    baseline = locate(PASSAGE, then)
    assert baseline is not None

    def what_became(*lines: str, before: Page = then) -> str:
        return support.follow(baseline, before, page(lines), claim=PASSAGE).support

    assert what_became(*BODY[:2], said, *COMMENTS) == "replaced"
    assert what_became(*BODY[:2], *COMMENTS) == "removed"  # nothing is said: a section went
    assert what_became(*BODY[:2], said, *BODY[3:], *COMMENTS) == "removed"  # the text goes on after the passage
    always = page((said, *BODY, *COMMENTS))
    assert what_became(said, *BODY[:2], *COMMENTS, before=always) == "removed"  # it stood there before


def test_flapping_is_said() -> None:
    lines = edited("45", "54")
    assert not follow(*lines).notes
    assert follow(*lines, older=[page(lines)]).notes


def test_outcomes_and_health() -> None:
    assert support.of_outcome("gone", "suspect") == "lost"
    assert support.of_outcome("walled", "walled") == "unknown"
    assert support.of_outcome("server_error", "suspect") is None
    assert support.of_outcome("server_error", "dead") == "lost"
    assert support.health("intact", "ok", "live") == "ok"
    assert support.health("altered", "ok", "live") == "attention"
    assert support.health("lost", "gone", "dead") == "broken"
    assert support.health("unknown", "walled", "walled") == "unknown"


def test_suggestions_bear_on_the_claim_and_came_before() -> None:
    text = "\n".join(BODY)
    candidates = [
        Candidate("https://a.example/1", "Homes for Norwick", text, datetime(2020, 1, 1, tzinfo=UTC)),
        Candidate("https://a.example/2", "Later", text, datetime(2024, 1, 1, tzinfo=UTC)),
        Candidate("https://a.example/3", "Fennel", "Cooking with fennel is easier than it seems."),
    ]
    found = suggest("As discussed previously, Norwick approved 45 homes by the harbour.", "previously", candidates,
                    before=datetime(2022, 1, 1, tzinfo=UTC))  # fmt: skip
    assert [one.url for one in found] == ["https://a.example/1"]
    assert found[0].passage == PASSAGE


OLD = "https://a.example/x?a=1&b=2"
REPAIR = Repair(OLD, memento="https://m.example/20240503/x", captured_at=datetime(2024, 5, 3, tzinfo=UTC))


def test_html_is_patched_and_nothing_else() -> None:
    article = f'<p><a class=q href="{OLD.replace("&", "&amp;")}">t</a> <!-- <a href="{OLD}"> --> <a href="/other">o</a>'
    patched, number = patch_html(article, REPAIR)
    assert number == 1
    assert 'href="https://m.example/20240503/x" data-originalurl="https://a.example/x?a=1&amp;b=2"' in patched
    assert 'data-versiondate="2024-05-03" class=q>t</a>' in patched
    assert patched.endswith(f'<!-- <a href="{OLD}"> --> <a href="/other">o</a>')
    moved, _ = patch_html(article, Repair(OLD, target="https://b.example/"))
    assert 'href="https://b.example/" data-originalurl=' in moved


def test_markdown_is_patched_outside_code() -> None:
    article = f'[it]({OLD} "T"), [r][1], <{OLD}>, `[c]({OLD})`\n\n```\n[c]({OLD})\n```\n\n[1]: {OLD}\n'
    patched, number = patch_markdown(article, REPAIR)
    assert number == 3
    assert patched.count(OLD) == 2
    assert unified(article, patched, "a.md").startswith("--- a/a.md\n+++ b/a.md\n")


def test_a_quote_without_a_page_raises_nothing() -> None:
    empty = Page("text/html")
    assert support.follow(Quote(exact=PASSAGE), page(), empty, claim=PASSAGE).support == "replaced"
    assert support.follow(Quote(exact=""), empty, empty, claim="").support in ("removed", "replaced")
