"""Foreign text made fit for a message: one line, no control characters, no tricks with the writing direction."""

import re
import unicodedata

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_DIRECTIONS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Bidi controls (Unicode Standard Annex 9): foreign ones could turn our own words round."""
_INVISIBLE = re.compile("[\u00ad\u180e\u200b\u2060-\u2064\ufeff\U000e0000-\U000e007f]")
_BLANKS = re.compile(r"\s+")
ISOLATE, END = "\u2068", "\u2069"


def line(text: str, limit: int = 300) -> str:
    """One clean line of at most `limit` characters, cut at a word where possible."""
    text = text.encode("utf-8", "replace").decode()
    text = _INVISIBLE.sub("", _DIRECTIONS.sub("", _CONTROLS.sub(" ", text)))
    return clip(_BLANKS.sub(" ", text).strip(), limit)


def block(text: str, limit: int) -> str:
    """Clean text that keeps its lines and indents, of at most `limit` characters, cut at a line where possible."""
    text = text.encode("utf-8", "replace").decode()
    lines = (_INVISIBLE.sub("", _DIRECTIONS.sub("", _CONTROLS.sub(" ", one))).rstrip() for one in text.splitlines())
    whole = "\n".join(lines).strip("\n")
    return whole if len(whole) <= limit else f"{whole[:limit].rpartition(chr(10))[0] or whole[:limit]}\n…"


def header(text: str, limit: int = 200) -> str:
    """A clean line for a mail header. Python reads encoded words (RFC 2047) in a value and writes them out decoded,
    line breaks and all: foreign text must hold none."""
    return line(text, limit).replace("=?", "= ?")


def clip(text: str, limit: int) -> str:
    """The beginning of a text; an ellipsis shows that something was cut."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    at = head.rfind(" ")
    return (head[:at] if at > limit // 2 else head).rstrip(" ,;:") + "…"


def isolated(text: str) -> str:
    """The text in bidi isolates where it has right-to-left letters, so that it cannot reorder what stands around it."""
    has_rtl = any(unicodedata.bidirectional(char) in ("R", "AL", "AN") for char in text)
    return f"{ISOLATE}{text}{END}" if has_rtl else text


def web_link(url: str | None) -> str | None:
    """The URL if it may stand behind a link: http or https and nothing that could break out; else None."""
    if url is None or not re.fullmatch(r"https?://[^\s\x00-\x1f\x7f<>\"'`\\]{1,4000}", url, re.IGNORECASE):
        return None
    return url
