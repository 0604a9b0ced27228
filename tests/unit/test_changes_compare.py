"""Two versions of a passage: which edits say nothing else, and which kind of fact the others touch."""

import pytest

from services.linkcheck.core.changes import compare
from services.linkcheck.core.quotations import quotations
from services.linkcheck.core.tokens import number_key, words

SAME = [
    ("The plan is not approved by 45 members.", "The plan isn't approved by forty-five members."),
    ("Revenue rose 5 percent to $54 billion.", "Revenue rose 5% to $54bn."),
    ("Revenue rose 5 per cent to $54 billion.", "Revenue rose 5 % to $54,000,000,000."),
    ("On May 3, 2023 the council met.", "On 3 May 2023 the council met."),
    ("Am 03.05.2023 tagte der Rat.", "Am 3. Mai 2023 tagte der Rat."),
    ("Between 5 and 10–12 people came.", "Between five and 10 to 12 people came."),
    ("The colour of the programme was grey.", "The color of the program was gray."),
    ("They met in order to talk; however, it failed.", "They met to talk; but it failed."),
    ("A lot of members left, which hurt.", "Many members left, that hurt."),
    ("It’s “done” – he said…", 'It\'s "done" - he said...'),
    ("The U.S. will not pay.", "The US won't pay."),
    ("The claim stands.[12]", "The claim stands."),
    ("The co-operation with Microsoft goes on.", "The cooperation with Microsfot goes on."),
    ("Write to info@a.example today.", "Write to [email protected] today."),
    ("Die Straße ist 30.000 Meter lang.", "Die Strasse ist 30 000 Meter lang."),
    ("L’été fut chaud, dit-il.", "L'été fut chaud, dit-il."),
]
CHANGED = [
    ("It cost 5 million.", "It cost 6 million.", {"number"}),
    ("It cost 5 million.", "It cost 5 billion.", {"number"}),
    ("It cost $5.", "It cost €5.", {"number"}),
    ("It took three days.", "It took four days.", {"number"}),
    ("It rose from 5 to 10.", "It rose from 10 to 5.", {"number"}),
    ("Its 1,100 shops closed.", "Its 1,320 shops closed.", {"number"}),
    ("Half of them left.", "A third of them left.", {"number"}),
    ("It happened in 2018.", "It happened in 2019.", {"date"}),
    ("It happened on Monday.", "It happened on Tuesday.", {"date"}),
    ("It happened in May, he said.", "It happened in June, he said.", {"date"}),
    ("Es geschah im März.", "Es geschah im April.", {"date"}),
    ("This helped Smith win.", "This helped Jones win.", {"name"}),
    ("Then A beat B there.", "Then B beat A there.", {"name"}),
    ("It was approved.", "It was not approved.", {"negation"}),
    ("Das ist erlaubt.", "Das ist nicht erlaubt.", {"negation"}),
    ("Il est venu.", "Il n'est pas venu.", {"negation"}),
    ("Ha venido.", "No ha venido.", {"negation"}),
    ("Он пришел.", "Он не пришел.", {"negation"}),
    ("He was there.", "He may have been there.", {"negation"}),
    ("All members must attend.", "Some members may attend.", {"negation"}),
    ("More than that came.", "Fewer than that came.", {"negation"}),
    ("Sales increased there.", "Sales fell there.", {"negation"}),
    ('He said "we will go home soon".', 'He said "we will go out soon".', {"quote"}),
    ("The road is wide.", "The road is narrow.", {"wording"}),
    ("The road and the bridge.", "The road or the bridge.", {"wording"}),
]


@pytest.mark.parametrize(("then", "now"), SAME)
def test_copy_editing_says_nothing_else(then: str, now: str) -> None:
    assert compare(then, now).changes == compare(now, then).changes == ()


def test_a_block_between_two_halves_is_no_part_of_the_passage() -> None:
    assert compare("Half of it\nstands here.", "Half of it\nAdvertisement\nstands here.").changes == ()


@pytest.mark.parametrize(("then", "now", "kinds"), CHANGED)
def test_a_changed_fact_is_named(then: str, now: str, kinds: set[str]) -> None:
    assert kinds <= set(compare(then, now).changes)
    assert kinds <= set(compare(now, then).changes)


def test_one_edit_of_one_fact_names_no_other() -> None:
    for then, now, kinds in CHANGED:
        extra = set(compare(then, now).changes) - kinds
        assert extra <= ({"wording"} if kinds & {"negation", "name"} else set()), (then, now, extra)


def test_the_diff_reads_as_both_texts() -> None:
    diff = compare("It cost 5 million in all.", "It cost 6 million in all.").diff
    assert "".join(text for sign, text in diff if sign != "+") == "It cost 5 million in all."
    assert "".join(text for sign, text in diff if sign != "-") == "It cost 6 million in all."


@pytest.mark.parametrize(
    ("text", "key"),
    [("1,234.50", "1234.5"), ("1.234,50", "1234.5"), ("1 234", "1234"), ("30.000", "30000"), ("0.5", "0.5"),
     ("3.1.2", "3.1.2"), ("1'000", "1000"), ("007", "7")],
)  # fmt: skip
def test_numbers_of_any_country(text: str, key: str) -> None:
    assert number_key(text) == key


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("one hundred and five", ["105"]),
        ("two hundred thousand four hundred fifty-six", ["200456"]),
        ("two and three", ["2", "and", "3"]),
        ("dreißig Millionen", ["30000000"]),
        ("20 30", ["20", "30"]),
    ],
)
def test_spelled_numbers(text: str, keys: list[str]) -> None:
    assert [token.key for token in words(text)] == keys


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ('He said "go home" and "stay".', ["go home", "stay"]),
        ("„Geh“, sagte er.", ["Geh"]),
        ("« Va », dit-il.", [" Va "]),
        ('by persons ("Persons"), by firms ("Firms")', ["Persons", "Firms"]),
        ('"It goes on', ["It goes on"]),
        ('so it ends" he said', ["so it ends"]),
    ],
)
def test_quotations(text: str, inside: list[str]) -> None:
    assert [text[start:end] for start, end in quotations(text)] == inside
