"""What a document is made of: blocks of text with links in them, and the builder that readers fill them with."""

import re
from dataclasses import dataclass
from typing import Literal

BlockKind = Literal["paragraph", "heading", "item", "row", "caption", "quote", "code"]
Zone = Literal["content", "embed", "navigation", "byline", "boilerplate", "share", "hidden"]
"""Where in the page something stands: in the article itself, in a post of a social network shown in it, or in one
kind of furniture."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link in the text of its block."""

    href: str
    """As written; '' for an anchor element without one."""
    position: int
    """Ordinal among all links of the document, from 0."""
    start: int
    end: int
    """Offsets into the block's text; equal when nothing of the link is visible."""
    zone: Zone = "content"
    rel: str = ""
    """`rel` and `role` of the element, lower case, blank-separated."""
    button: bool = False
    """Dressed as a button: a call to act."""
    image: bool = False
    """Shows a picture."""


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, heading, list item, table row, caption or quotation."""

    kind: BlockKind
    text: str
    """Visible text, blanks collapsed; a newline is a line break or the border of two cells."""
    links: tuple[Link, ...] = ()
    zone: Zone = "content"
    group: int = 0
    """Equal for the blocks of one list or table; 0 for none."""
    ids: tuple[str, ...] = ()
    """Element ids, and `^label` of plain footnotes, that in-page links to this block may name."""
    weak: bool = False
    """Stands in a place that often, but not always, is furniture: an aside, or between the title and the body."""

    @property
    def loose(self) -> str:
        """The text outside all links."""
        pieces, at = [], 0
        for link in self.links:
            pieces.append(self.text[at : max(at, link.start)])
            at = max(at, link.end)
        return " ".join([*pieces, self.text[at:]])


_INVISIBLE = dict.fromkeys(
    map(ord, "\u00ad\u200b\u2060\ufeff\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
)
_NOT_BLANK = re.compile(r"\S")


class TextBuffer:
    """Text under construction: collapses blanks across pieces and tells the offset reached."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0
        self._gap = ""

    def __bool__(self) -> bool:
        return self._length > 0

    def add(self, piece: str) -> None:
        words = piece.translate(_INVISIBLE).split() if not piece.isspace() else []
        if not words:
            self._gap = self._gap or " " * bool(piece)
            return
        if piece[0].isspace():
            self._gap = self._gap or " "
        self._push(" ".join(words))
        self._gap = " " if piece[-1].isspace() else ""

    def add_raw(self, text: str) -> None:
        """Text whose blanks count (preformatted)."""
        if text:
            self._push(text.translate(_INVISIBLE))

    def line_break(self) -> None:
        self._gap = "\n"

    @property
    def breaking(self) -> bool:
        """A line break waits for more text."""
        return self._gap == "\n"

    def _push(self, text: str) -> None:
        if self._length and self._gap:
            self._pieces.append(self._gap)
            self._length += 1
        self._gap = ""
        self._pieces.append(text)
        self._length += len(text)

    @property
    def next_offset(self) -> int:
        """Where the next visible character will stand."""
        return self._length + (1 if self._length and self._gap else 0)

    @property
    def offset(self) -> int:
        """Just behind the last visible character."""
        return self._length

    def take(self) -> str:
        text = "".join(self._pieces)
        self.__init__()  # type: ignore[misc]
        return _soften(text)


_SOFT_BREAK = re.compile(r"(?<=[^\s.!?:;。！？])\n(?=[^\W\d_])")


def _soften(text: str) -> str:
    """Line breaks inside a sentence become blanks: what follows begins in lower case."""
    if "\n" not in text:
        return text
    return _SOFT_BREAK.sub(lambda match: " " if text[match.end()].islower() else "\n", text)
