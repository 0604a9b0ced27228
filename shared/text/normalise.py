"""One form for texts that read the same: the form in which passages are found again and compared.

Case, compatibility forms (NFKC: ligatures, full width), quotation marks, dashes, invisible characters, footnote marks
and white space do not matter to what a sentence says.
"""

import re
import unicodedata

_SAME = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′`´ʼ＇", "'"),
        **dict.fromkeys("“”„‟″«»‹›「」『』〝〞＂", '"'),
        **dict.fromkeys("‐‑‒–—―−﹘﹣－", "-"),
        **dict.fromkeys(
            "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000\t\n\r\f\v",
            " ",
        ),
        **dict.fromkeys(
            "\u00ad\u200b\u200c\u200d\u2060\ufeff\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
            None,
        ),
        "…": "...",
    }
)
_MARKS = re.compile(r"\[(?:\d{1,3}|[a-z]|note \d+|citation needed)\]|[⁰¹²³⁴-⁹†‡]+(?=[\s.,;:!?)]|$)", re.I)
_SPACES = re.compile(r" {2,}")
_BEFORE_STOP = re.compile(r" +(?=[.,;:!?)\]](?:\s|$))")


def fold(text: str) -> str:
    """The form for comparison."""
    return fold_map(text)[0]


def fold_map(text: str) -> tuple[str, list[int]]:
    """The form for comparison, and for each of its characters the offset it has in `text` (one more at the end)."""
    blanked = _MARKS.sub(lambda match: "\u200b" * len(match[0]), text)
    if blanked.isascii():
        folded, places = blanked.translate(_SAME).lower(), None
        if len(folded) == len(blanked):
            return _collapse(folded, places, len(text))
    out: list[str] = []
    places = []
    for place, char in enumerate(blanked):
        for piece in _folded(char):
            out.append(piece)
            places.append(place)
    return _collapse("".join(out), places, len(text))


def _folded(char: str) -> str:
    if char < "\x7f":
        return char.translate(_SAME).lower()
    same = char.translate(_SAME)
    if same != char:
        return same
    return unicodedata.normalize("NFKC", char).translate(_SAME).casefold()


def _collapse(folded: str, places: list[int] | None, length: int) -> tuple[str, list[int]]:
    """One space between words, none before a stop."""
    drop = [match.span() for match in _SPACES.finditer(folded)]
    cuts = sorted([(start + 1, end) for start, end in drop] + [match.span() for match in _BEFORE_STOP.finditer(folded)])
    pieces: list[str] = []
    kept: list[int] = []
    at = 0
    for start, end in cuts:
        start = max(start, at)
        pieces.append(folded[at:start])
        kept.extend(range(at, start) if places is None else places[at:start])
        at = max(at, end)
    pieces.append(folded[at:])
    kept.extend(range(at, len(folded)) if places is None else places[at:])
    kept.append(length)
    return "".join(pieces), kept
