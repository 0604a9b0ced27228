"""A page is folded all at once; that must be the same as folding its lines one by one, and the way back must hold."""

from hypothesis import given
from hypothesis import strategies as st

from shared.text.normalise import Folded, fold, fold_lines, fold_map

ODD = "aB .,;:!?)(]['\"`\n\t\u00a0\u200b…Łßéё¹²†İ“”—⁶\x1c"
TEXTS = (
    st.text() | st.text(alphabet=ODD) | st.lists(st.sampled_from([*ODD, "[1]", "[note 3]", "m²", "word"])).map("".join)
)


@given(TEXTS)
def test_all_at_once_is_as_line_by_line(text: str) -> None:
    assert fold_lines(text) == [fold(line) for line in text.split("\n")]


@given(TEXTS)
def test_every_place_leads_back_to_the_original(text: str) -> None:
    folded, places = fold_map(text.replace("\n", " "))
    assert folded == fold(text.replace("\n", " "))
    assert len(places) == len(folded) + 1
    page = Folded(text)
    assert page.text == " ".join(filter(None, fold_lines(text)))
    for (begin, end), piece in zip(page.blocks, page.pieces, strict=True):
        assert fold(text[begin:end]) == piece
