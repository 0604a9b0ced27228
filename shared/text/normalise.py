"""One form for texts that read the same: the form in which passages are found again and compared.

Case, compatibility forms (NFKC: ligatures, full width), digits of other scripts, quotation marks, dashes, invisible
characters, footnote marks and white space do not matter to what a sentence says.
"""

import re
import unicodedata
from bisect import bisect_right
from functools import cached_property, lru_cache
from itertools import accumulate

_SAME = {
    **dict.fromkeys("‘’‚‛′`´ʼʹ＇", "'"),
    **dict.fromkeys("“”„‟″«»‹›「」『』〝〞＂", '"'),
    **dict.fromkeys("‐‑‒–—―−﹘﹣－", "-"),
    **dict.fromkeys("\t\n\r\f\v\x1c\x1d\x1e\x1f\x85\u2028\u2029", " "),
    **dict.fromkeys("\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006", " "),
    **dict.fromkeys("\u2007\u2008\u2009\u200a\u202f\u205f\u3000", " "),
    **dict.fromkeys("\u00ad\u034f\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2062\u2063\u2064\ufeff", ""),
    **dict.fromkeys("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069", ""),
    "…": "...",
    "ё": "е",
}  # fmt: skip
_GONE = "\u200b"
_FOOTNOTE = re.compile(
    r"\[(?:\d{1,3}(?:[,–-]\s?\d{1,3})*|[a-z]|(?:note|nb|n|fn) ?\d+|citation needed)\]"
    r"|(?<![\d⁰¹²³⁴-⁹⁻])(?<![ckmµn]m)(?<!\b[mAsck])[⁰¹²³⁴-⁹]+(?=[\s.,;:!?)»”\"]|$)"
    r"|(?<=[\w.,;!?”\"])[†‡]+",
    re.I,
)
"""`[12]`, `[note 3]`, a raised figure after a word (not after a figure or a unit: 10⁶, m²), daggers."""
_SPACES = re.compile(r" {2,}")
_BEFORE_STOP = re.compile(r" (?=[.,;:!?)\]](?:[ \n\"')]|$))")
_UNTIDY = re.compile(r" [ .,;:!?)\]]")
"""What has to be there for either: asked once, at a third of what they cost."""


@lru_cache(maxsize=4096)
def _folded(char: str) -> str:
    """What one character becomes; depends on nothing around it, so that offsets can be traced back."""
    if char in _SAME:
        return _SAME[char]
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    wide = unicodedata.normalize("NFKC", char.casefold()).casefold()
    return "".join(_SAME.get(piece, piece) for piece in wide)


def fold(text: str) -> str:
    """The form for comparison."""
    return _tidy(_alike(text).replace("\n", " ")).strip()


def fold_lines(text: str) -> list[str]:
    """The form for comparison of every line: as `fold` of each, and much quicker."""
    return [line.strip() for line in _tidy(_alike(text)).split("\n")]


def _alike(text: str) -> str:
    """The text with one character for those that read the same, and without footnote marks; lines stay."""
    text = _unmarked(text)
    if text.isascii():
        text = text.lower()
        return text.translate(_ASCII) if any(char in text for char in _ODD_ASCII) else text
    text = text.casefold()
    for char in set(_ODD.findall(text)):
        piece = _folded(char)
        if piece != char:
            text = text.replace(char, piece)  # few characters differ: quicker than a translation of every one
    return text


def _unmarked(text: str) -> str:
    if not any(mark in text for mark in ("[" if text.isascii() else _NOTE_MARKS)):
        return text
    lines = text.split("\n")
    return "\n".join([_FOOTNOTE.sub("", line) if _MAY_NOTE.search(line) else line for line in lines])


_ASCII = {ord(char): piece for char, piece in _SAME.items() if char < "\x7f" and char != "\n"}
_ODD_ASCII = "".join(map(chr, _ASCII))
_ODD = re.compile("[^ -_a-~\n]")
"""What may become another character; of the letters of English a lower-case one never does."""
_NOTE_MARKS = "[⁰¹²³⁴⁵⁶⁷⁸⁹†‡"
_MAY_NOTE = re.compile(rf"[\{_NOTE_MARKS}]")


def _tidy(text: str) -> str:
    """One space between words, none before a stop."""
    if not _UNTIDY.search(text):
        return text
    return _BEFORE_STOP.sub("", _SPACES.sub(" ", text))


def fold_map(text: str) -> tuple[str, list[int]]:
    """The form for comparison, and for each of its characters the offset it has in `text` (one more at the end)."""
    if text.isascii() and text.isprintable() and "[" not in text and "`" not in text:
        return _tidy_map(text.lower(), list(range(len(text))), len(text))
    blanked = _FOOTNOTE.sub(lambda match: _GONE * len(match[0]), text)
    forms = {char: _folded(char) for char in set(blanked)}
    if all(len(form) == 1 for form in forms.values()):
        return _tidy_map("".join([forms[char] for char in blanked]), list(range(len(text))), len(text))
    pieces: list[str] = []
    places: list[int] = []
    for place, char in enumerate(blanked):
        piece = forms[char]
        pieces.append(piece)
        places.extend([place] * len(piece))
    return _tidy_map("".join(pieces), places, len(text))


def _tidy_map(folded: str, places: list[int], length: int) -> tuple[str, list[int]]:
    """`_tidy`, with the places kept in step."""
    for pattern, kept in ((_SPACES, 1), (_BEFORE_STOP, 0)):
        cuts = [(match.start() + kept, match.end()) for match in pattern.finditer(folded)]
        for start, end in reversed(cuts):
            del places[start:end]
        folded = pattern.sub(" " * kept, folded)
    stripped = folded.lstrip()
    places = places[len(folded) - len(stripped) :]
    stripped = stripped.rstrip()
    return stripped, [*places[: len(stripped)], places[len(stripped) - 1] + 1 if stripped else length]


class Folded:
    """A long text in the form for comparison, with the way back; offsets are traced only where asked.

    Blocks (lines) are folded one by one and joined by a space.
    """

    def __init__(self, original: str) -> None:
        self.original = original
        lines, folded = original.split("\n"), fold_lines(original)
        begins = accumulate((len(line) + 1 for line in lines), initial=0)
        rows = zip(begins, lines, folded)  # noqa: B905  the place behind the last line is nobody's
        self.blocks = [(begin, begin + len(line)) for begin, line, piece in rows if piece]
        """(start, end) of every block in the original."""
        self.pieces = [piece for piece in folded if piece]
        """The folded blocks."""
        self.starts = list(accumulate((len(piece) + 1 for piece in self.pieces), initial=0))[: len(self.pieces)]
        """Where every block begins in `text`."""
        self.text = " ".join(self.pieces)
        self._maps: dict[int, list[int]] = {}

    def block_at(self, place: int) -> int:
        """Number of the block that holds a place of `text`."""
        return max(0, bisect_right(self.starts, place) - 1)

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Where a stretch of `text` stands in the original."""
        return self._origin(start), self._origin(end - 1) + 1

    def _origin(self, place: int) -> int:
        number = self.block_at(place)
        if number not in self._maps:
            begin, end = self.blocks[number]
            self._maps[number] = fold_map(self.original[begin:end])[1]
        places = self._maps[number]
        return self.blocks[number][0] + places[min(place - self.starts[number], len(places) - 1)]

    @cached_property
    def lines(self) -> frozenset[str]:
        """The folded blocks, for a look-up."""
        return frozenset(self.pieces)


@lru_cache(maxsize=12)
def folded(text: str) -> Folded:
    """`Folded`, remembered for a few texts: the citations of a page ask for the same ones."""
    return Folded(text)
