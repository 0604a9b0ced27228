"""Stretches of a text that stand in quotation marks, of any country."""

import re

_MARK = re.compile("[\"“”„‟«»『』「」]|''")
_OPENING, _CLOSING = "„«「『‟", "」』"
_BEFORE_OPENING = frozenset(" \n\t([{—–-:/\u00a0")


def quotations(text: str) -> list[tuple[int, int]]:
    """(start, end) of what is quoted, marks left out; a lone mark reaches to the end, or from the beginning."""
    found: list[tuple[int, int]] = []
    start: int | None = None
    for mark in _MARK.finditer(text):
        opens = _opens(text, mark, start is not None)
        if opens and start is None:
            start = mark.end()
        elif not opens and start is not None:
            found.append((start, mark.start()))
            start = None
        elif not opens and not found:
            found.append((0, mark.start()))
    if start is not None:
        found.append((start, len(text)))
    return found


def _opens(text: str, mark: re.Match[str], inside: bool) -> bool:
    sign = mark[0]
    if sign in _OPENING:
        return True
    if sign in _CLOSING:
        return False
    if sign == "”":
        return False
    before = text[mark.start() - 1 : mark.start()]
    leads = (not before or before in _BEFORE_OPENING) and not text[mark.end() : mark.end() + 1].isspace()
    return leads and not inside
