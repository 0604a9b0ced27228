"""The claim that a link supports: the whole sentence that holds it, as people read it."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from operator import attrgetter

from services.ingest.core.blocks import Block, Link
from shared.text.sentences import spans


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence (or several, if the anchor spans them) and the paragraph around it; blanks collapsed."""

    text: str
    context: str


def claim_at(block: Block, link: Link, silent: Sequence[Link] = ()) -> Claim:
    """The claim at a link. A table row, and a block without sentences, is one claim as a whole. `silent`: marks in the
    block that are not read with it, in their order.
    """
    start, end = span_at(block, link)
    left, right = _window(0, len(block.text), Link("", 0, start, end), _CONTEXT)
    return Claim(_read(block.text, start, end, silent), _read(block.text, left, right, silent))


def last_claim(block: Block, silent: Sequence[Link]) -> Claim:
    """The claim that a block with a text ends with; marks that end it, too, point elsewhere."""
    end = len(block.text)
    for mark in reversed(silent):
        if block.text[mark.end : end].strip():
            break
        end = mark.start
    end = len(block.text[:end].rstrip()) or len(block.text)
    return claim_at(block, Link("", 0, end - 1, end), silent)


def _read(text: str, start: int, end: int, silent: Sequence[Link]) -> str:
    """A stretch of a text without these marks, blanks collapsed."""
    pieces = []
    for mark in silent[bisect_left(silent, start, key=_START) : bisect_left(silent, end, key=_START)]:
        if start <= mark.start < mark.end <= end:
            piece = text[start : mark.start]
            pieces.append(piece.rstrip() if text[mark.end : mark.end + 1] in _STOPS else piece)
            start = mark.end
    pieces.append(text[start:end])
    return " ".join("".join(pieces).split())


_START = attrgetter("start")
_STOPS = frozenset(".,;:!?…")
"""Before them stands no blank."""


def span_at(block: Block, link: Link) -> tuple[int, int]:
    """Where the claim stands in the block's text."""
    return _window(*_around(block, link), link, _CLAIM)


_CLAIM, _CONTEXT = 2000, 6000
"""Characters around an anchor that a claim and its context have at most. No sentence that people write is longer;
text without any end of a sentence is."""


def _window(start: int, end: int, link: Link, most: int) -> tuple[int, int]:
    if end - start <= most:
        return start, end
    spare = max(0, most - (link.end - link.start)) // 2
    left = max(start, link.start - spare)
    return left, min(end, left + most)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a block."""

    start: int
    end: int
    text: str
    loose: str
    """The same without the words of any link."""


def lines_of(block: Block) -> list[Line]:
    """The block cut at its line breaks; a link over a break makes one line of both."""
    cuts = [at for at, char in enumerate(block.text) if char == "\n"] if "\n" in block.text else []
    crossed = {
        cut for link in block.links for cut in cuts[bisect_right(cuts, link.start) : bisect_right(cuts, link.end)]
    }
    edges = [-1, *(cut for cut in cuts if cut not in crossed), len(block.text)]
    links = sorted(block.links, key=lambda link: link.start)
    lines, first = [], 0
    for before, end in pairwise(edges):
        last = first
        while last < len(links) and links[last].start <= end:
            last += 1
        lines.append(
            Line(before + 1, end, block.text[before + 1 : end], _loose(block.text, before + 1, end, links[first:last]))
        )
        first = last
    return lines


def _loose(text: str, start: int, end: int, links: list[Link]) -> str:
    pieces, at = [], start
    for link in links:
        pieces.append(text[at : max(at, link.start)])
        at = max(at, link.end)
    return " ".join([*pieces, text[at:end]])


_LONGEST = 800
"""Characters of a claim that a doubtful end of a sentence may make."""


def _around(block: Block, link: Link) -> tuple[int, int]:
    sentences = _sentences(block.text)
    if not sentences:
        return 0, len(block.text)
    at = max(0, bisect_right(sentences, (link.start, len(block.text))) - 1)
    to = max(at, bisect_right(sentences, (max(link.end - 1, link.start), len(block.text))) - 1)
    at, to = _whole(block.text, sentences, at, to)
    start, end = sentences[at][0], sentences[to][1]
    row = block.kind == "row" and not ends(block.text[start:end])
    return (0, len(block.text)) if row else (start, end)


@lru_cache(maxsize=32)
def _sentences(text: str) -> tuple[tuple[int, int], ...]:
    return tuple(spans(text))


def _whole(text: str, sentences: tuple[tuple[int, int], ...], at: int, to: int) -> tuple[int, int]:
    """A stop inside a closing quotation mark may end the quotation alone. A claim then takes both sides: one that is
    too long still holds what is cited (so do the labelled articles)."""
    start, end = sentences[at][0], sentences[to][1]
    while at > 0 and _quoted(text, sentences[at - 1][1]) and end - sentences[at - 1][0] < _LONGEST:
        at -= 1
    while to + 1 < len(sentences) and _quoted(text, sentences[to][1]) and sentences[to + 1][1] - start < _LONGEST:
        to += 1
    return at, to


def _quoted(text: str, end: int) -> bool:
    return end > 1 and text[end - 1] in '"”’»' and text[end - 2] in ".!?…"


_CLOSERS = "\"'”’»)]」』"


def ends(text: str) -> bool:
    """Whether a text ends as sentences do."""
    return text[-40:].rstrip(_CLOSERS).endswith((".", "!", "?", "…", "。", "！", "？", "؟", "।", "۔"))
