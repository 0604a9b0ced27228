"""The passage that bears on a claim: quoted, verbatim, paraphrased; and none where none is."""

import pytest

from services.linkcheck.core.model import Page
from services.linkcheck.core.passages import find, locate, whole_sentences, windows
from services.linkcheck.core.wanted import wanted

LINES = (
    "The harbour of Norwick was rebuilt in 1953 by forty workers from the islands.",
    "It cost 2.5 million crowns, a third more than planned. The council paid half of it.",
    "“Nobody believed that the wall would ever hold,” said Anna Berg, the engineer in charge.",
    "76. Visitors can walk along the wall every day except Monday.",
    "Die Mauer wurde im Mai 1953 fertig, und Bürgermeister Holm weihte sie mit einem Glas Wasser ein.",
    "港は一九五三年に再建された。壁は今も立っている。",
)
TEXT = "\n".join(LINES)
PAGE = Page("text/html", main=TEXT, full=TEXT)


@pytest.mark.parametrize(
    ("claim", "line"),
    [
        ("The harbour of Norwick was rebuilt in 1953 by forty workers from the islands.", 0),
        ("According to the linked report, the harbour of Norwick was rebuilt in 1953 by forty workers.", 0),
        ("Norwick got a new harbour when 40 islanders rebuilt it in 1953.", 0),
        ("The work was dearer than planned: 2,500,000 crowns, of which the council paid a part.", 1),
        ('As the engineer put it, "nobody believed that the wall would ever hold".', 2),
        ("Anna Berg, who was the engineer, recalls that nobody believed in the wall.", 2),
        ("Visitors can walk along the wall every day except Monday.", 3),
        ("Holm, der Bürgermeister, hat die Mauer 1953 mit Wasser eingeweiht.", 4),
        ("港は一九五三年に再建された", 5),
    ],
)
def test_the_passage_is_found(claim: str, line: int) -> None:
    found = locate(claim, PAGE)
    assert found is not None
    assert found.exact in LINES[line]
    assert TEXT[TEXT.index(found.exact) - len(found.prefix) :].startswith(found.prefix + found.exact + found.suffix)


@pytest.mark.parametrize(
    "claim",
    [
        "",
        "Yes.",
        "The bakery on Main Street sells bread and cakes on Saturdays.",
        "In 1953 the Queen was crowned.",
        "Der Trainer wechselt im Sommer den Verein.",
        "東京で会議が開かれました",
    ],
)
def test_nothing_is_guessed(claim: str) -> None:
    assert locate(claim, PAGE) is None


def test_the_number_of_a_list_item_is_no_part_of_it() -> None:
    found = locate("Visitors can walk along the wall every day except Monday.", PAGE)
    assert found is not None
    assert found.exact.startswith("Visitors")


def test_what_only_the_whole_page_shows_is_found_there() -> None:
    page = Page("text/html", main="Another text.", full=TEXT)
    assert locate("The harbour of Norwick was rebuilt in 1953 by forty workers.", page) is not None


def test_surroundings_tell_equal_passages_apart() -> None:
    text = "First came this. It was so. Then more. Later came that. It was so. At last the end."
    found = find("It was so.", text, prefix="Later came that. ", suffix=" At last")
    assert found is not None
    assert found.start == text.rindex("It was so.")


def test_a_figure_is_found_as_a_whole_only() -> None:
    assert find("5 people came", "There 25 people came.") is None


@pytest.mark.parametrize("text", ["²", "²-×", "- ²³ m", "†", "[1]"])
def test_marks_that_fold_to_nothing_are_looked_for_in_finite_time(text: str) -> None:
    list(windows(wanted(text), "úö 2 and two", most=3))


def test_a_stretch_grows_to_its_sentences() -> None:
    found = find("the wall would ever hold", TEXT)
    assert found is not None
    assert whole_sentences(found).exact == LINES[2]
