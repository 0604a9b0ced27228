"""Where a page bears on a claim, and where a passage stands on another version of the page.

Locating may be fuzzy, since it only says where to look; it never decides whether the evidence changed.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rapidfuzz.fuzz import partial_ratio_alignment

from services.linkcheck.core.model import Page
from services.linkcheck.core.tokens import Token, tokens
from shared.events import Quote
from shared.text.normalise import fold, fold_map
from shared.text.sentences import spans

CONTEXT = 64
"""Characters of prefix and suffix in a TextQuoteSelector."""
THRESHOLD = 0.52
"""Share of a claim's weight that a passage must carry."""
SURE_QUOTE = 90.0
LONGEST = 4_000
MOST_SENTENCES = 3_000
_QUOTED = re.compile(r"[\"“„«]([^\"“”„«»]{12,400})[\"”“»]")
KIND_WEIGHT = {"number": 1.8, "date": 1.3, "name": 1.5, "negation": 0.3, None: 1.0}
COMMON = frozenset(
    [
        "the",
        "a",
        "an",
        "of",
        "in",
        "on",
        "at",
        "to",
        "for",
        "from",
        "by",
        "with",
        "and",
        "or",
        "but",
        "as",
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "it",
        "its",
        "this",
        "that",
        "these",
        "those",
        "he",
        "she",
        "they",
        "we",
        "you",
        "i",
        "his",
        "her",
        "their",
        "our",
        "not",
        "no",
        "has",
        "have",
        "had",
        "will",
        "would",
        "can",
        "could",
        "may",
        "which",
        "who",
        "what",
        "when",
        "where",
        "how",
        "than",
        "then",
        "also",
        "said",
        "says",
        "say",
        "more",
        "most",
        "some",
        "such",
        "into",
        "over",
        "about",
        "after",
        "before",
        "between",
        "under",
        "during",
        "there",
        "here",
        "all",
        "any",
        "source",
        "shows",
        "according",
        "report",
        "reported",
        "reports",
        "documented",
        "earlier",
        "linked",
        "article",
        "der",
        "die",
        "das",
        "den",
        "dem",
        "des",
        "ein",
        "eine",
        "einer",
        "einem",
        "einen",
        "und",
        "oder",
        "aber",
        "in",
        "im",
        "am",
        "an",
        "auf",
        "aus",
        "bei",
        "mit",
        "nach",
        "von",
        "vor",
        "zu",
        "zum",
        "zur",
        "für",
        "ist",
        "sind",
        "war",
        "waren",
        "wird",
        "werden",
        "hat",
        "haben",
        "als",
        "auch",
        "nicht",
        "es",
        "er",
        "sie",
        "wir",
        "ich",
        "sich",
        "dass",
        "wie",
        "so",
        "nur",
        "noch",
        "le",
        "la",
        "les",
        "un",
        "une",
        "des",
        "du",
        "de",
        "et",
        "ou",
        "mais",
        "en",
        "dans",
        "sur",
        "par",
        "pour",
        "avec",
        "est",
        "sont",
        "était",
        "ont",
        "a",
        "au",
        "aux",
        "il",
        "elle",
        "ils",
        "nous",
        "vous",
        "que",
        "qui",
        "ce",
        "cette",
        "ces",
        "se",
        "ne",
        "pas",
        "plus",
        "el",
        "los",
        "las",
        "unos",
        "unas",
        "del",
        "al",
        "y",
        "o",
        "pero",
        "con",
        "por",
        "para",
        "es",
        "son",
        "era",
        "fue",
        "ha",
        "han",
        "su",
        "sus",
        "lo",
        "se",
        "que",
        "no",
        "más",
        "como",
        "и",
        "в",
        "во",
        "на",
        "с",
        "со",
        "по",
        "о",
        "об",
        "от",
        "до",
        "из",
        "за",
        "к",
        "у",
        "не",
        "что",
        "как",
        "это",
        "он",
        "она",
        "они",
        "мы",
        "вы",
        "был",
        "была",
        "было",
        "были",
        "но",
        "а",
        "или",
        "для",
    ]
)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a text."""

    text: str
    start: int
    end: int
    score: float

    def quote(self) -> Quote:
        """As a W3C TextQuoteSelector."""
        return Quote(
            exact=self.text[self.start : self.end],
            prefix=self.text[max(0, self.start - CONTEXT) : self.start],
            suffix=self.text[self.end : self.end + CONTEXT],
            score=round(min(1.0, self.score), 4),
        )


def locate(claim: str, page: Page, *, anchor: str = "", context: str = "") -> Quote | None:
    """The passage of one to three sentences that bears on the claim; None when nothing does."""
    best: Span | None = None
    for text in _texts(page):
        found = _quoted(claim, text) or _verbatim(claim, text) or _bearing(claim, text)
        if found is not None and (best is None or found.score > best.score + 0.05):
            best = found
        if best is not None and best.score >= 0.9:
            break
    return best.quote() if best is not None else None


def _texts(page: Page) -> Iterator[str]:
    if page.main:
        yield page.main
    if page.full and page.full != page.main:
        yield page.full


def _quoted(claim: str, text: str) -> Span | None:
    """A quotation of four words or more in the claim that the page holds."""
    for match in _QUOTED.finditer(claim):
        if len(match[1].split()) < 4:
            continue
        found = find(match[1], text) or find_like(match[1], text, SURE_QUOTE)
        if found is not None:
            start, end = whole_sentences(text, found.start, found.end)
            return Span(text, start, end, found.score)
    return None


def _verbatim(claim: str, text: str) -> Span | None:
    """The claim is, nearly word by word, a sentence of the page."""
    if len(claim) > LONGEST or len(claim.split()) < 4:
        return None
    found = find(claim, text) or find_like(claim, text, SURE_QUOTE)
    if found is None:
        return None
    start, end = whole_sentences(text, found.start, found.end)
    return Span(text, start, end, found.score)


@dataclass(frozen=True, slots=True)
class _Wanted:
    weights: dict[str, float]
    total: float


def _bearing(claim: str, text: str) -> Span | None:
    """The window of up to three sentences that carries most of the claim's weight, by how rare its words are here."""
    sentences = spans(text)[:MOST_SENTENCES]
    words = [_stems(tokens(text[start:end])) for start, end in sentences]
    wanted = _wanted(claim, words)
    if wanted is None:
        return None
    carried = [{stem for stem in wanted.weights if stem in present} for present in words]
    best, best_score = None, 0.0
    for first in range(len(sentences)):
        if not carried[first]:
            continue
        together: set[str] = set()
        for last in range(first, min(first + 3, len(sentences))):
            together |= carried[last]
            score = sum(wanted.weights[stem] for stem in together) / wanted.total - 0.06 * (last - first)
            if score > best_score + 1e-9:
                best, best_score = (first, last, len(together)), score
    if best is None or best_score < THRESHOLD or best[2] < min(3, len(wanted.weights)):
        return None
    return Span(text, sentences[best[0]][0], sentences[best[1]][1], best_score)


def _wanted(claim: str, sentences: Sequence[frozenset[str]]) -> _Wanted | None:
    """The claim's words with their weights; those that the page lacks weigh as the rarest do."""
    kinds = {_stem(token): token.kind for token in tokens(claim) if _counts(token)}
    if len(kinds) < 2:
        return None
    frequency = Counter(stem for present in sentences for stem in present if stem in kinds)
    number = len(sentences) + 1
    weights = {
        stem: KIND_WEIGHT.get(kind, 1.0) * math.log(1 + number / (1 + frequency.get(stem, 0)))
        for stem, kind in kinds.items()
    }
    return _Wanted(weights, sum(weights.values()))


def _counts(token: Token) -> bool:
    return not token.is_mark and token.key not in COMMON and (len(token.key) > 2 or token.key[:1].isdigit())


def _stem(token: Token) -> str:
    """A word without its ending: enough to find it, in most languages that have endings."""
    key = token.key
    if key[:1].isdigit() or len(key) < 6:
        return key.removesuffix("s") if len(key) > 3 and key.isascii() else key
    return key[: max(5, len(key) - 3)]


def _stems(found: Sequence[Token]) -> frozenset[str]:
    return frozenset(_stem(token) for token in found if _counts(token))


def find(passage: str, text: str, *, prefix: str = "", suffix: str = "") -> Span | None:
    """The passage as it stands, but for what does not matter to reading; the place whose surroundings fit best."""
    needle = fold(passage).strip()
    hay, places = fold_map(text)
    if not needle:
        return None
    starts: list[int] = []
    at = hay.find(needle)
    while at >= 0 and len(starts) < 50:
        starts.append(at)
        at = hay.find(needle, at + 1)
    if not starts:
        return None
    before, after = fold(prefix)[-32:], fold(suffix)[:32]
    best = max(starts, key=lambda at: _fit(hay[:at], before, reverse=True) + _fit(hay[at + len(needle) :], after))
    return Span(text, places[best], places[best + len(needle) - 1] + 1, 1.0)


def _fit(text: str, wanted: str, *, reverse: bool = False) -> int:
    """How many characters agree, counted from the passage outwards."""
    one, two = (text[::-1][:32], wanted[::-1]) if reverse else (text[:32], wanted)
    return next((place for place, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))


def find_like(passage: str, text: str, least: float) -> Span | None:
    """Where the text is most like the passage; None below `least` (0..100)."""
    needle = fold(passage).strip()
    hay, places = fold_map(text)
    if not needle or not hay or len(needle) > LONGEST:
        return None
    if len(hay) < len(needle) * 0.5:
        return None
    found = partial_ratio_alignment(needle, hay, score_cutoff=least)
    if found is None or found.dest_end <= found.dest_start:
        return None
    return Span(text, places[found.dest_start], places[found.dest_end - 1] + 1, found.score / 100)


def whole_sentences(text: str, start: int, end: int) -> tuple[int, int]:
    """The sentences that lie in a stretch with more than half of theirs."""
    left = text.rfind("\n", 0, start) + 1
    right = text.find("\n", end)
    right = len(text) if right < 0 else right
    touched = [
        (left + a, left + b)
        for a, b in spans(text[left:right])
        if min(left + b, end) - max(left + a, start) > (b - a) / 2
    ]
    return (touched[0][0], touched[-1][1]) if touched else (start, end)
