"""Targets for citations that lost theirs: what we hold that bears on the claim, and was there before the article."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.linkcheck.core.model import Page
from services.linkcheck.core.passages import locate

MOST = 5


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
    """The best candidates, the best first."""
    found = []
    for candidate in candidates:
        if before is not None and candidate.published_at is not None and candidate.published_at > before:
            continue
        text = f"{candidate.title}\n{candidate.text}"
        quote = locate(claim, Page("text/plain", main=text, full=text), anchor=anchor)
        if quote is not None:
            found.append(Suggestion(candidate.url, candidate.title, quote.score or 0.0, quote.exact))
    return sorted(found, key=lambda one: -one.score)[:MOST]
