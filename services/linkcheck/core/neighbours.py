"""Where a paragraph of the article follows its source sentence by sentence, the link in one of them cites them all."""

from collections.abc import Iterable

from rapidfuzz.distance import LCSseq

from services.linkcheck.core.wanted import plain_words
from shared.text.sentences import spans

MOST = 4
"""Sentences that are taken on either side of the passage."""
REACH = 1_500
"""Characters beside the passage, and beside the claim, that are looked at."""
ALIKE = 0.9
"""Share of a sentence's words that the article must have beside its claim, too, in order."""
SLACK = 2
"""Words of the article that may have come between."""


def widened(text: str, start: int, end: int, claim: str, context: str) -> tuple[int, int]:
    """The passage `text[start:end]` with the sentences beside it that the article has beside its claim, in whatever
    sentences it has them.
    """
    at = context.find(claim) if claim else -1
    if at < 0 or len(context) <= len(claim) + 1:
        return start, end
    before = plain_words(context[max(0, at - REACH) : at])[::-1]
    after = plain_words(context[at + len(claim) :][:REACH])
    first = max(0, start - REACH)
    earlier = [(first + a, plain_words(text[first + a : first + b])[::-1]) for a, b in spans(text[first:start])[-MOST:]]
    later = [(end + b, plain_words(text[end + a : end + b])) for a, b in spans(text[end : end + REACH])[:MOST]]
    return _outermost(start, reversed(earlier), before), _outermost(end, later, after)


def _outermost(edge: int, sentences: Iterable[tuple[int, list[str]]], article: list[str]) -> int:
    """The far edge of the last of the sentences, going outwards, that the article has as well (words in that order)."""
    for far, words in sentences:
        beside = article[: len(words) + SLACK]
        if not words or LCSseq.similarity(words, beside) < ALIKE * len(words):
            return edge
        edge, article = far, article[len(words) :]
    return edge
