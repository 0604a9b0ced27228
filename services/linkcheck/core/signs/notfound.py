"""Not found, in the words of the web: how pages that answer 200 say that there is nothing.

A phrase must fill a part of the title, or a heading, or a short block of a page that has little text of its own.
Articles about error pages and shops' "not found in stock" stay untouched that way.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain

from ahocorasick_rs import AhoCorasick

from services.linkcheck.core.model import Page, Signal
from services.linkcheck.core.signs.row import Scene, running_text
from services.linkcheck.core.signs.wording import LOSS_STEMS, PATTERNS, REGRET, TO_THE_READER

_ANY = "|".join(f"(?:{pattern})" for patterns in PATTERNS.values() for pattern in patterns)
_FOUND = re.compile(rf"^{REGRET}{{0,60}}?(?:{_ANY})")
"""A phrase of any language, after words of regret; like all here, for text in lower case."""
_CODE_ONLY = re.compile(
    r"^\W*(?:http |error |code |status |fehler |erreur |p)*4(?:04|10)(?: error)?\W*$|"
    r"^\W*(?:410 )?gone\W*$"
)
_STEMS = AhoCorasick(LOSS_STEMS)
_CODE = re.compile(r"\b404\b(?! times)")
_AWAY_FOR_A_WHILE = re.compile(
    r"(?:currently|temporarily|momentarily) (?:unavailable|down|offline|"
    r"not available)"
)
_SENTENCE_END = re.compile(r"(?<=[.!?。！？])\s*")
_BLOCK_LIMIT = 260
_BLOCKS = 600
_LEAD = 1500
"""Characters of running text before which a page that is not there says so."""


def filled_by_not_found(text: str) -> bool:
    """Whether a short text is a not-found phrase and little else: it begins with one, after words of regret."""
    text = text.strip().lower()
    if not text or len(text) > _BLOCK_LIMIT or _AWAY_FOR_A_WHILE.search(text):
        return False
    return _CODE_ONLY.match(text) is not None or _FOUND.match(text) is not None


@lru_cache(maxsize=8)
def statements(text: str) -> tuple[str, ...]:
    """Blocks and sentences of a text that say not found. (Asked several times of one page; hence the cache.)"""
    parts = (part for block in _lead(text) if _may_deny(block) for part in _parts(block) if len(part) > 8)
    return tuple(part for part in parts if _may_deny(part) and filled_by_not_found(part))


def _may_deny(text: str) -> bool:
    return bool(_STEMS.find_matches_as_indexes(text.lower()))


def _lead(text: str) -> Iterator[str]:
    """Blocks of a text, as far as a page that is not there says so."""
    said = 0
    for block in text.split("\n", _BLOCKS)[:_BLOCKS]:
        yield block
        said += running_text(block)
        if said > _LEAD:
            return


def _parts(block: str) -> Iterator[str]:
    """A block, and its sentences where it is long."""
    if len(block) <= _BLOCK_LIMIT:
        yield block.strip()
    if 40 < len(block) < 1200:
        yield from _SENTENCE_END.split(block)


def told(page: Page) -> str | None:
    """The first whole statement to the reader that what they asked for is not there: in the main text, else in all."""
    said = chain(statements(page.main), statements(page.full))
    return next((one for one in said if len(one) > 24 and TO_THE_READER.search(one.lower())), None)


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
    direct = told(scene.page)
    block = direct or next(chain(statements(scene.page.main), statements(scene.page.full)), None)
    if block:
        found.append(Signal("not_found_text", f"the text says: {block[:80]}", 0.7 if direct else 0.5))
    if direct and _stands_for_the_text(direct, scene.page.main):
        found.append(Signal("instead_of_text", "it stands where the text of the page should", 0.5))
    if found and _CODE.search(scene.lead):
        found.append(Signal("says_404", "the code 404 stands on the page", 0.3))
    if found and scene.running < 900:
        found.append(Signal("little_text", "the page has little text of its own", 0.5 if scene.running < 350 else 0.3))
    return found
