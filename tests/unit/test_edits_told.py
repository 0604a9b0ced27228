"""Edits of one sentence in many languages and notations: what is the same is quiet, what is not is told and named."""

from pathlib import Path

import pytest

from services.linkcheck.core import support
from services.linkcheck.core.passages import locate
from services.linkcheck.core.text import extract

_BLOCKS = (Path(__file__).parents[1] / "cases" / "edits.txt").read_text(encoding="utf-8").split("\n\n")[1:]
EDITS = [tuple(block.strip().split("\n")) for block in _BLOCKS if block.strip()]


def _page(sentence: str) -> bytes:
    return (
        "<!doctype html><title>Report</title><nav><a href=/>Home</a></nav><article><h1>Report</h1><p>The works took "
        f"several summers to finish, and nobody knew the cost.</p><p>{sentence}</p><p>Residents had asked for the "
        "plans, which the authority refused without a reason.</p></article>"
    ).encode()


@pytest.mark.parametrize(("wanted", "before", "after"), EDITS)
def test_what_an_edit_does(wanted: str, before: str, after: str) -> None:
    then, now = (extract(_page(text), "text/html; charset=utf-8", "https://a.example/r") for text in (before, after))
    claim = f"As reported, {before}"
    baseline = locate(claim, then)
    assert baseline is not None
    found = support.follow(baseline, then, now, claim=claim)
    if wanted == "=":
        assert found.support == "intact", found.changes
    else:
        assert found.support == "altered"
        assert wanted == "any" or set(wanted.split("|")) & set(found.changes)
