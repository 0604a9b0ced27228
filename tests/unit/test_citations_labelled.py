"""The labelled articles of the development evidence: the bar of `make measure-citations`."""

from collections import Counter

import pytest

from services.ingest.core import citations
from services.ingest.core.document import read
from tests.bench.measure_citations import measure, total
from tests.support.evidence import evidence_dir

EVIDENCE = evidence_dir()
pytestmark = pytest.mark.skipif(EVIDENCE is None, reason="the evidence is not beside the repository")


def test_precision_recall_and_claims() -> None:
    assert EVIDENCE is not None
    everything = total(measure(EVIDENCE))
    assert everything.precision >= 0.95
    assert everything.recall >= 0.95
    assert everything.claims >= 0.95


def test_an_article_whose_targets_were_lost() -> None:
    assert EVIDENCE is not None
    document = read((EVIDENCE / "articles" / "seed.md").read_bytes(), "text/markdown")
    found = citations.find(document, article_id="a")
    assert [one.missing for one in found.citations] == ["placeholder"] * 4
    assert all(one.claim.endswith(".") for one in found.citations)
    assert Counter(one.role for one in found.other_links) == {
        "byline": 3, "navigation": 4, "boilerplate": 5, "share": 1, "contact": 2,
    }  # fmt: skip
