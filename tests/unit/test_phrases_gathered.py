"""The tables of phrases are searched with their common beginnings gathered: that loses and adds nothing."""

import re

import pytest

from services.ingest.core.phrases import _gathered

LINES = (
    r"©|\(c\)\s*\d{4}|copyright\s*(?:©|\(c\)|\d{4})",
    r"^\W*(?:disclaimer|notice)\b|\bcopyrighted [|)] material\b|\b(?:all|some (?:of|few)) rights\b",
    r"a\|b|\b\(x|[(|]y",
)
TEXTS = (
    "© 2024", "(c) 2024", "copyright (c)", "a copyright 2024", " - Notice: x", "x notice", "a copyrighted ) material b",
    "some few rights", "allsome rights", "a|b", "a", "b", "(x", "z(x", "z (x", "|y", "(y", "y", "",
)  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_the_same_texts_are_found(text: str) -> None:
    plain = re.search("|".join(LINES), text, re.IGNORECASE)
    gathered = re.search("|".join(_gathered(LINES)), text, re.IGNORECASE)
    assert bool(plain) == bool(gathered)


def test_what_begins_alike_stands_behind_one_anchor() -> None:
    assert list(_gathered([r"\ba|b", r"\b(?:c|d)|^\W*e"])) == [r"^\W*(?:e)", r"\b(?:a|(?:c|d))", "b"]
