"""The sentences beside a passage belong to it where the article has them beside its claim."""

import pytest

from services.linkcheck.core import support
from services.linkcheck.core.model import Page
from services.linkcheck.core.passages import locate

PAGE = (
    "The dam was built in 1911.\nEngineers found eleven cracks in the northern wall. The gate was closed at once! "
    "Nobody was told for nine days. The minister resigned in March.\nA new wall is planned."
)
CLAIM = "Nobody was told for nine days."


def _page(text: str) -> Page:
    return Page("text/html", main=text, full=text)


def _passage(context: str, page: str = PAGE) -> str:
    quote = locate(CLAIM, _page(page), context=context)
    assert quote is not None
    return quote.exact


@pytest.mark.parametrize(
    ("context", "passage"),
    [
        (CLAIM, CLAIM),
        (f"We asked about it. {CLAIM} That is a scandal.", CLAIM),
        (f"As the report says, the gate was closed at once! {CLAIM}", f"The gate was closed at once! {CLAIM}"),
        (f"The gate was closed at once! {CLAIM} The minister resigned in March.",
         f"The gate was closed at once! {CLAIM} The minister resigned in March."),
        (f"Engineers found eleven cracks in the northern wall; the gate was closed at once: {CLAIM}",
         f"Engineers found eleven cracks in the northern wall. The gate was closed at once! {CLAIM}"),
        (f"Engineers found eleven cracks in the northern wall. {CLAIM}", CLAIM),
        (f"{CLAIM} The gate was closed at once!", CLAIM),
    ],
    ids=["alone", "other sentences", "said by", "both sides", "other stops", "not adjacent", "other side"],
)  # fmt: skip
def test_sentences_that_the_article_has_too(context: str, passage: str) -> None:
    assert _passage(context) == passage


def test_a_change_beside_the_linked_sentence_is_told() -> None:
    context = f"According to the report, engineers found eleven cracks in the northern wall. The gate was closed at once! {CLAIM}"
    then, now = _page(PAGE), _page(PAGE.replace("eleven cracks", "seven cracks"))
    alone, widened = locate(CLAIM, then), locate(CLAIM, then, context=context)
    assert alone is not None and widened is not None
    assert support.follow(alone, then, now, claim=CLAIM).support == "intact"
    found = support.follow(widened, then, now, claim=CLAIM)
    assert (found.support, found.changes) == ("altered", ("number",))
