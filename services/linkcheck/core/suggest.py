"""Targets for citations that lost theirs: what we hold that bears on the claim, and was there before the article."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.linkcheck.core import lexicon as lex
from services.linkcheck.core.model import Page
from services.linkcheck.core.passages import locate
from services.linkcheck.core.wanted import plain_words

MOST = 5
ANCHOR_WEIGHT = 0.15
"""What a title adds that has all words of the link's text: `our report on the harbour` often names what it meant."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An article or capture that may have been meant."""

    url: str
    title: str
    text: str
    published_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A candidate with how much of the claim its best passage carries (0..1)."""

    url: str
    title: str
    score: float
    passage: str


def suggest(claim: str, anchor: str, candidates: Sequence[Candidate], *, before: datetime | None) -> list[Suggestion]:
    """The best candidates, the best first. What was published after `before` cannot have been meant."""
    found = [
        suggestion
        for one in candidates
        if not (before is not None and one.published_at is not None and one.published_at > before)
        if (suggestion := _weighed(claim, anchor, one)) is not None
    ]
    return sorted(found, key=lambda one: (-one.score, one.url))[:MOST]


def _weighed(claim: str, anchor: str, candidate: Candidate) -> Suggestion | None:
    text = f"{candidate.title}\n{candidate.text}"
    quote = locate(claim, Page("text/plain", main=text, full=text))
    if quote is None:
        return None
    score = min(1.0, (quote.score or 0.0) + ANCHOR_WEIGHT * _named(anchor, candidate.title))
    return Suggestion(candidate.url, candidate.title, round(score, 4), quote.exact)


def _named(anchor: str, title: str) -> float:
    """Share of the link text's own words that stand in a title."""
    words = set(plain_words(anchor)) - lex.FUNCTION_WORDS - lex.REPORTING
    return len(words & set(plain_words(title))) / len(words) if words else 0.0
