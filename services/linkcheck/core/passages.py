"""Where a page bears on a claim, and where a passage stands on another version of the page.

Locating may be fuzzy, since it only says where to look; it never decides whether the evidence changed.

    words wanted → where they stand (one scan each) → blocks that hold most of their weight → windows of sentences
"""

import math
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from rapidfuzz.distance import Indel
from rapidfuzz.fuzz import partial_ratio_alignment

from services.linkcheck.core import lexicon as lex
from services.linkcheck.core.model import Page
from services.linkcheck.core.neighbours import widened
from services.linkcheck.core.quotations import quotations
from services.linkcheck.core.wanted import LONGEST, Wanted, begins, places_of, plain_words, stops, wanted
from shared.events import Quote
from shared.text.normalise import Folded, fold, fold_map, folded
from shared.text.sentences import spans

CONTEXT = 64
"""Characters of prefix and suffix in a TextQuoteSelector."""
MOST_BLOCKS = 8
LONGEST_SENTENCE = 1_200
"""Characters from which a stretch without a full stop is no sentence, but a list or a page without punctuation."""
QUOTED_WORDS = 4
"""Words from which a quotation is looked for by itself."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a text."""

    text: str
    start: int
    end: int
    score: float

    @property
    def exact(self) -> str:
        return self.text[self.start : self.end]

    def quote(self) -> Quote:
        """As a W3C TextQuoteSelector."""
        return Quote(
            exact=self.exact,
            prefix=self.text[max(0, self.start - CONTEXT) : self.start],
            suffix=self.text[self.end : self.end + CONTEXT],
            score=round(min(1.0, self.score), 4),
        )


def locate(claim: str, page: Page, *, context: str = "") -> Quote | None:
    """The passage that bears on the claim: one to three sentences, and those beside it that stand beside the claim in
    its paragraph (`context`), too. None when nothing does.
    """
    best: Span | None = None
    for text in texts(page):
        found = _quoted(claim, text) or _verbatim(claim, text) or _bearing(claim, text)
        if found is not None and (best is None or found.score > best.score + 0.05):
            best = found
        if best is not None and best.score >= 0.8:
            break
    if best is None:
        return None
    start, end = widened(best.text, best.start, best.end, claim, context)
    return Span(best.text, start, end, best.score).quote()


def texts(page: Page) -> Iterator[str]:
    """The main content, then all that is visible."""
    if page.main:
        yield page.main
    if page.full and page.full != page.main:
        yield page.full


def _quoted(claim: str, text: str) -> Span | None:
    """A quotation in the claim that the page holds word by word; the longest first."""
    stretches = (claim[start:end] for start, end in quotations(claim[:LONGEST]))
    for quotation in sorted(stretches, key=len, reverse=True):
        if len(quotation.split()) >= QUOTED_WORDS:
            found = find(quotation.strip(" ,.;"), text)
            if found is not None:
                return whole_sentences(found)
    return None


def _verbatim(claim: str, text: str) -> Span | None:
    if len(claim) > LONGEST or len(claim.split()) < 4:
        return None
    found = find(claim, text) or find(claim.rstrip(" .!?…"), text)
    return _without_number(whole_sentences(found), found) if found is not None else None


_NUMBERED = re.compile(r"\(?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,5})[.)]\s+")


def _without_number(sentence: Span, found: Span) -> Span:
    """Without the number of a list's item, which the claim does not have either."""
    lead = sentence.text[sentence.start : found.start]
    return Span(sentence.text, found.start, sentence.end, sentence.score) if _NUMBERED.fullmatch(lead) else sentence


@dataclass(frozen=True, slots=True)
class Window:
    """A few sentences on end: `score` is the share of the wanted weight they hold, `words` how many wanted words."""

    span: Span
    score: float
    words: int
    weight: float


def windows(words: Sequence[Wanted], text: str, *, most: int, cost: float = 0.05) -> list[Window]:
    """The windows of up to `most` sentences that hold most of the words' weight, the best first."""
    page = folded(text)
    places = [places_of(word, page.text) for word in words]
    sentences = 1 + len(page.text) / 120
    weights = [
        word.weight * math.log(1 + sentences / (1 + len(found))) for word, found in zip(words, places, strict=True)
    ]
    total = sum(weights)
    if not total:
        return []
    blocks: dict[int, set[int]] = defaultdict(set)
    for number, found in enumerate(places):
        for place in found:
            blocks[page.block_at(place)].add(number)
    reader = _Reader(page, words, blocks)
    found_windows: dict[tuple[int, int], Window] = {}
    for region in _regions(blocks, weights, len(page.blocks), most):
        for window in _in_region(region, reader, weights, total, most, cost):
            found_windows.setdefault((window.span.start, window.span.end), window)
    return sorted(found_windows.values(), key=lambda one: (-one.score, one.span.start))


def _regions(blocks: dict[int, set[int]], weights: Sequence[float], number: int, most: int) -> Iterator[range]:
    """The neighbourhoods of the blocks that hold most weight."""

    def weight(block: int) -> float:
        return sum(weights[word] for word in blocks[block])

    best = sorted(blocks, key=lambda block: (-weight(block), block))[:MOST_BLOCKS]
    return (range(max(0, block - most + 1), min(number, block + most)) for block in best)


class _Reader:
    """The sentences of a page's blocks, with the numbers of the wanted words in each: read once for all regions."""

    def __init__(self, page: Folded, words: Sequence[Wanted], blocks: Mapping[int, set[int]]) -> None:
        self.page = page
        self._words, self._blocks = words, blocks
        self._read: dict[int, list[tuple[int, int, frozenset[int]]]] = {}

    def sentences(self, block: int) -> list[tuple[int, int, frozenset[int]]]:
        """(start, end, wanted words) of every sentence."""
        if block not in self._read:
            among: Set[int] = self._blocks.get(block, frozenset())
            self._read[block] = [
                (start, end, self._held(start, end, among)) for start, end in _sentences(self.page, block)
            ]
        return self._read[block]

    def _held(self, start: int, end: int, among: Set[int]) -> frozenset[int]:
        if not among:
            return frozenset()
        sentence = fold(self.page.original[start:end])
        return frozenset([number for number in among if places_of(self._words[number], sentence)])


def _in_region(
    region: range, reader: _Reader, weights: Sequence[float], total: float, most: int, cost: float
) -> Iterator[Window]:
    sentences = [sentence for block in region for sentence in reader.sentences(block)]
    for first, (start, _, held) in enumerate(sentences):
        if not held:
            continue
        together: set[int] = set()
        for last, (_, end, more) in enumerate(sentences[first : first + most]):
            if last and more <= together:
                continue
            together |= more
            weight = sum([weights[word] for word in sorted(together)])
            score = weight / total - cost * last
            yield Window(Span(reader.page.original, start, end, score), score, len(together), weight)


def _sentences(page: Folded, block: int) -> list[tuple[int, int]]:
    begin, end = page.blocks[block]
    return [
        (begin + start + first, begin + start + last)
        for start, stop in spans(page.original[begin:end])
        for first, last in _pieces(page.original[begin + start : begin + stop])
    ]


def _pieces(sentence: str) -> Iterator[tuple[int, int]]:
    """A sentence, in pieces where it is longer than any sentence should be."""
    start = 0
    while len(sentence) - start > LONGEST_SENTENCE:
        end = sentence.rfind(" ", start + 1, start + LONGEST_SENTENCE)
        end = end if end > start else start + LONGEST_SENTENCE
        yield start, end
        start = end
    yield start, len(sentence)


THRESHOLD = 0.32
"""Share of a claim's weight that a passage must hold."""
SOLID = 0.6
"""From this share two words suffice; else `LEAST_WORDS`."""
LEAST_WORDS = 3


def _bearing(claim: str, text: str) -> Span | None:
    """The window of up to three sentences that holds most of the claim's weight, by how rare its words are here."""
    words = wanted(claim, without=lex.REPORTING)
    if len(words) < 2:
        return None
    best = _likest(claim, windows(words, text, most=max(3, len(spans(claim)) + 1)))
    if best is None or best.score < THRESHOLD or best.words < (2 if best.score >= SOLID else LEAST_WORDS):
        return None
    return best.span


NEARLY = 0.15
"""Windows that hold this much less of the weight are still asked how much they read like the claim."""


def _likest(claim: str, found: Sequence[Window]) -> Window | None:
    """Of the windows that hold nearly the same, the one whose words stand most in the claim's order."""
    if len(found) < 2:
        return found[0] if found else None
    keys = plain_words(claim)
    near = [one for one in found[:8] if one.score >= found[0].score - NEARLY]

    def likeness(window: Window) -> float:
        return window.score + LIKENESS_WEIGHT * Indel.normalized_similarity(keys, plain_words(window.span.exact))

    return max(near, key=likeness)


LIKENESS_WEIGHT = 0.4


def find(passage: str, text: str, *, prefix: str = "", suffix: str = "") -> Span | None:
    """The passage as it stands, but for what does not matter to reading; the place whose surroundings fit best."""
    needle = fold(passage)
    page = folded(text)
    starts = list(_occurrences(needle, page.text))
    if not starts:
        return None
    best = starts[0]
    if len(starts) > 1:
        before, after = fold(prefix)[-32:], fold(suffix)[:32]
        best = max(starts, key=lambda at: _fit(page.text, at, at + len(needle), before, after))
    start, end = page.origin(best, best + len(needle))
    return Span(text, start, end, 1.0)


def _occurrences(needle: str, text: str, most: int = 50) -> Iterator[int]:
    """Where a folded text stands in another, as whole words."""
    at = text.find(needle) if needle else -1
    while at >= 0 and most:
        if begins(text, at) and stops(text, at + len(needle)):
            most -= 1
            yield at
        at = text.find(needle, at + 1)


def stands(passage: str, text: str) -> bool:
    """Whether a passage stands in a text, word by word."""
    return next(_occurrences(fold(passage), folded(text).text), None) is not None


def _fit(text: str, start: int, end: int, before: str, after: str) -> int:
    """How many characters of the surroundings agree, counted from the passage outwards."""
    left, right = text[max(0, start - 33) : start].rstrip(), text[end : end + 33].lstrip()
    return _common(left[::-1], before[::-1].lstrip()) + _common(right, after.lstrip())


def _common(one: str, two: str) -> int:
    return next((place for place, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))


def whole_sentences(span: Span) -> Span:
    """The sentences that a stretch touches, when it lies in them with more than a few words."""
    text = span.text
    first, last = max(0, span.start - LONGEST_SENTENCE), min(len(text), span.end + LONGEST_SENTENCE)
    left, right = text.rfind("\n", first, span.start) + 1, text.find("\n", span.end, last)
    left = left or (first and text.find(" ", first) + 1)
    right = last if right < 0 else right
    places = [(left + start, left + end) for start, end in spans(text[left:right])]
    start = next((start for start, end in places if end > span.start), span.start)
    number = bisect_left([end for _, end in places], span.end)
    end = places[min(number, len(places) - 1)][1] if places else span.end
    if end - start > LONGEST_SENTENCE + span.end - span.start:
        return span
    return Span(text, min(start, span.start), max(end, span.end), span.score)


def narrowed(span: Span, passage: str) -> Span:
    """In a stretch that is longer than any sentence, the part most like the passage, in whole words."""
    if len(span.exact) < LONGEST_SENTENCE // 2 or len(passage) > len(span.exact) // 2:
        return span
    hay, places = fold_map(span.exact)
    found = partial_ratio_alignment(fold(passage), hay)
    if found is None or found.dest_end <= found.dest_start:
        return span
    start = hay.rfind(" ", 0, found.dest_start + 1) + 1
    end = hay.find(" ", found.dest_end - 1)
    end = len(hay) if end < 0 else end
    return Span(span.text, span.start + places[start], span.start + places[end - 1] + 1, span.score)
