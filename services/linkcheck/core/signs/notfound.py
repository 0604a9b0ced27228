"""Not found, in the words of the web: how pages that answer 200 say that there is nothing.

A phrase must fill a part of the title, or a heading, or a short block of a page that has little text of its own.
Articles about error pages and shops' "not found in stock" stay untouched that way.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from services.linkcheck.core.model import Signal
from services.linkcheck.core.signs.row import Scene, running_text
from services.linkcheck.core.signs.wording import LOSS_STEMS, PATTERNS, REGRET, TO_THE_READER

_ANY = "|".join(f"(?:{pattern})" for patterns in PATTERNS.values() for pattern in patterns)
_FOUND = re.compile(rf"^{REGRET}{{0,60}}?(?:{_ANY})", re.IGNORECASE)
"""A phrase of any language, after words of regret."""
_CODE_ONLY = re.compile(
    r"^\W*(?:http |error |code |status |fehler |erreur |p)*4(?:04|10)(?: error)?\W*$|"
    r"^\W*(?:410 )?gone\W*$",
    re.I,
)
_CODE = re.compile(r"\b404\b(?! times)")
_AWAY_FOR_A_WHILE = re.compile(
    r"(?:currently|temporarily|momentarily) (?:unavailable|down|offline|"
    r"not available)",
    re.I,
)
_BLOCK_LIMIT = 260
_BLOCKS = 600


def filled_by_not_found(text: str) -> bool:
    """Whether a short text is a not-found phrase and little else: it begins with one, after words of regret."""
    text = text.strip()
    if not text or len(text) > _BLOCK_LIMIT or _AWAY_FOR_A_WHILE.search(text):
        return False
    return _CODE_ONLY.match(text) is not None or _FOUND.match(text) is not None


@lru_cache(maxsize=8)
def statements(text: str) -> tuple[str, ...]:
    """Blocks and sentences of a text that say not found. (Asked several times of one page; hence the cache.)"""
    low = text.lower()
    stems = [stem for stem in LOSS_STEMS if stem in low]
    return tuple(one for one in _blocks(text) if len(one) > 8 and _may_deny(one, stems) and filled_by_not_found(one))


def _blocks(text: str) -> Iterator[str]:
    """Blocks of a text, and their sentences where a block is long."""
    for block in text.split("\n")[:_BLOCKS]:
        if len(block) <= _BLOCK_LIMIT:
            yield block.strip()
        if 40 < len(block) < 1200:
            yield from re.split(r"(?<=[.!?。！？])\s*", block)


def _may_deny(text: str, stems: list[str]) -> bool:
    low = text.lower()
    return any(stem in low for stem in stems)


def told(text: str) -> str | None:
    """The first whole statement to the reader that what they asked for is not there."""
    return next((one for one in statements(text) if len(one) > 24 and TO_THE_READER.search(one)), None)


def _stands_for_the_text(statement: str, main: str) -> bool:
    """Whether a statement is a block of its own near the beginning of a main text that is not long."""
    before, found, _ = f"\n{main}\n".partition(f"\n{statement}\n")
    return bool(found) and running_text(before) < 600 and running_text(main) < 4000


def signals(scene: Scene) -> list[Signal]:
    """What the title, the headings and the text say of a page that is not there. Weights add up; 1 is enough."""
    found = []
    if any(filled_by_not_found(part) for part in scene.title_parts):
        found.append(Signal("not_found_title", f"the title says: {scene.page.title[:80]}", 0.7))
    said = next((heading for heading in scene.page.headings[:8] if filled_by_not_found(heading)), None)
    if said:
        found.append(Signal("not_found_heading", f"a heading says: {said[:80]}", 0.6))
    direct = told(scene.page.full)
    block = direct or next(iter(statements(scene.page.full)), None)
    if block:
        found.append(Signal("not_found_text", f"the text says: {block[:80]}", 0.7 if direct else 0.5))
    if direct and _stands_for_the_text(direct, scene.page.main):
        found.append(Signal("instead_of_text", "it stands where the text of the page should", 0.5))
    if found and _CODE.search(scene.lead):
        found.append(Signal("says_404", "the code 404 stands on the page", 0.3))
    if found and scene.running < 900:
        found.append(Signal("little_text", "the page has little text of its own", 0.5 if scene.running < 350 else 0.3))
    return found
