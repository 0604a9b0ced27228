"""Whatever the input: no error but `InputError`, and every visible character of a claim is kept."""

import re
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.ingest.core import citations
from services.ingest.core.document import read
from shared.errors import InputError
from shared.text.html import decode
from shared.text.sentences import spans

QUICK = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
KINDS = st.sampled_from(["text/html", "text/markdown", "text/plain"])
PIECES = st.sampled_from(
    ["<p>", "</p>", "<a href='x'>", "<a href=#n>", "</a>", "<sup>", "<li id=n>", "<table><tr><td>", "<br>", "<nav>", "[1]", "[^1]",
     "[a](b)", "[a]: http://b", "http://a.b/c", "\n\n", "- ", "> ", "`", "*", "<!--", "-->", "&amp;", "&#0;", "\x00", "。", ". ", "A",
     "<script>", "</body>", "<base href='//['>", "---\n", "{{ ", "{%", "<svg>", "<template>", "<a\n", "'", '"', "]", "("]
)  # fmt: skip


@QUICK
@given(st.one_of(st.binary(max_size=400), st.text(max_size=400), st.lists(PIECES, max_size=60).map("".join)), KINDS)
def test_nothing_but_an_input_error(body: bytes | str, kind: str) -> None:
    try:
        document = read(body, kind, url="https://a.example/x")  # type: ignore[arg-type]
    except InputError:
        return
    found = citations.find(document, article_id="a")
    for one in found.citations:
        assert one.anchor in one.context or len(one.context) >= 6000 or not one.anchor
        assert (one.target is None) == (one.missing is not None)


@QUICK
@given(st.binary(max_size=300), st.one_of(st.none(), st.text(max_size=40)))
def test_decoding_never_fails(body: bytes, content_type: str | None) -> None:
    decode(body, content_type)


@QUICK
@given(st.text(max_size=300))
def test_sentences_hold_every_visible_character(text: str) -> None:
    found = spans(text)
    assert "".join("".join(text[start:end].split()) for start, end in found) == "".join(text.split())
    assert all(before[1] <= after[0] for before, after in pairwise(found))


WORDS = st.text(
    st.characters(categories=["Lu", "Ll", "Lo", "Nd", "Sc"], exclude_characters="\u00a0"), min_size=1, max_size=8
)


@QUICK
@given(
    st.lists(WORDS, min_size=2, max_size=8),
    st.lists(WORDS, min_size=1, max_size=3),
    st.lists(WORDS, min_size=3, max_size=8),
)
def test_a_claim_keeps_every_visible_character(before: list[str], anchor: list[str], after: list[str]) -> None:
    inside = " <b>" + "</b>\n<i>".join(anchor) + "</i> "
    markup = f"<p>{' '.join(before)} <a href='https://b.example/'>{inside}</a> {' '.join(after)}</p>"
    found = citations.find(read(markup, "text/html", url="https://a.example/x"), article_id="a")
    shown = "".join(before + anchor + after)
    shown_by = [one.claim for one in found.citations]
    assert [re.sub(r"\s", "", claim) for claim in shown_by] in ([shown], [])
    assert len(found.citations) + len(found.other_links) == 1
