"""The claim that a link supports: the whole sentence that holds it, as people read it."""

from bisect import bisect_right
from dataclasses import dataclass

from services.ingest.core.blocks import Block, Link
from shared.text.sentences import spans


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence (or several, if the anchor spans them) and the paragraph around it; blanks collapsed."""

    text: str
    context: str


def claim_at(block: Block, link: Link) -> Claim:
    """The claim at a link. A table row, and a block without sentences, is one claim as a whole."""
    start, end = _around(block, link)
    return Claim(_flat(block.text[start:end]), _flat(block.text))


def line_at(block: Block, link: Link) -> tuple[str, str]:
    """The line that a link stands in, and the same without the words of any link."""
    start = block.text.rfind("\n", 0, link.start) + 1
    end = block.text.find("\n", link.end)
    end = len(block.text) if end < 0 else end
    pieces, at = [], start
    for other in block.links:
        if start <= other.start and other.end <= end:
            pieces.append(block.text[at : max(at, other.start)])
            at = max(at, other.end)
    return block.text[start:end], " ".join([*pieces, block.text[at:end]])


_LONGEST = 800
"""Characters of a claim that a doubtful end of a sentence may make."""


def _around(block: Block, link: Link) -> tuple[int, int]:
    sentences = spans(block.text)
    if not sentences:
        return 0, len(block.text)
    at = max(0, bisect_right(sentences, (link.start, len(block.text))) - 1)
    to = max(at, bisect_right(sentences, (max(link.end - 1, link.start), len(block.text))) - 1)
    at, to = _whole(block.text, sentences, at, to)
    start, end = sentences[at][0], sentences[to][1]
    row = block.kind == "row" and not ends(block.text[start:end])
    return (0, len(block.text)) if row else (start, end)


def _whole(text: str, sentences: list[tuple[int, int]], at: int, to: int) -> tuple[int, int]:
    """A stop inside a closing quotation mark may end the quotation alone. A claim then takes both sides: one that is
    too long still holds what is cited (so do the labelled articles)."""
    while at > 0 and _quoted(text[: sentences[at - 1][1]]) and sentences[to][1] - sentences[at - 1][0] < _LONGEST:
        at -= 1
    while to + 1 < len(sentences) and _quoted(text[: sentences[to][1]]) and (
        sentences[to + 1][1] - sentences[at][0] < _LONGEST
    ):  # fmt: skip
        to += 1
    return at, to


def _quoted(before: str) -> bool:
    return before[-1:] in '"”’»' and before[-2:-1] in ".!?…"


_CLOSERS = "\"'”’»)]」』"


def ends(text: str) -> bool:
    """Whether a text ends as sentences do."""
    return text.rstrip(_CLOSERS).endswith((".", "!", "?", "…", "。", "！", "？", "؟", "।", "۔"))


def _flat(text: str) -> str:
    return " ".join(text.split())
