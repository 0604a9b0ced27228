"""Marks (`[1]`, `¹`, `*`) and the references that they lead to, through notes that only name another reference."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from services.ingest.core.blocks import Block, Link
from shared import urls

Mark = tuple[int, Link]
"""The block that carries a mark, and the mark (a link, or a stretch of text made one)."""

_MARK = re.compile(
    r"^[\[(]?\s*(?:(?:note|nb|n|ref|fn|cit|anm|a|lower-alpha)[ .]?)?"
    r"(?:\d{1,3}|[a-z]{1,2}|[ivxl]{1,6}|[*†‡§¶]{1,3}|[\u00b9\u00b2\u00b3\u2070-\u2079]{1,3})\s*[\])]?$",
    re.IGNORECASE,
)
_PLAIN_MARK = re.compile(r"\[(\^?\w{1,8}(?:\s?[,;–-]\s?\^?\w{1,8}){0,9})\]")
_DEPTH = 3
_WIDEST = 30
"""References that `[3-9]` may stand for."""
_MOST = 100
"""Claims that the links of one reference may have, together."""


@dataclass(frozen=True, slots=True)
class References:
    """Which blocks are references, and which marks lead to each."""

    marks: dict[int, list[Mark]] = field(default_factory=dict)
    hosts: tuple[str, ...] = ()
    """Host of every link in a reference."""
    silent: dict[int, list[Link]] = field(default_factory=dict)
    """By block, in their order: the marks that are no part of its sentences as people read them."""

    def foreign_share(self, site: str) -> float:
        """Share of links in references that lead to other sites; 0 for fewer than three references."""
        if len(self.marks) < 3 or not self.hosts:
            return 0.0
        return sum(urls.site(host).partition(".")[0] != site for host in self.hosts) / len(self.hosts)


def of(blocks: list[Block]) -> References:
    """The references of a document."""
    named = {name: at for at, block in enumerate(blocks) for name in block.ids}
    marks = _linked(blocks, named)
    _through_notes(blocks, marks)
    silent = _apart(blocks)
    for to, found in _plain(blocks, named).items():
        marks[to].extend(found)
        for at, mark in found:
            silent[at].append(mark)
    for stretches in silent.values():
        stretches.sort(key=lambda mark: mark.start)
    kept = {
        at: found[: max(1, _MOST // len(blocks[at].links))]
        for at, found in sorted(marks.items())
        if found and _leads_out(blocks[at])
    }
    return References(kept, tuple(_hosts(blocks[at] for at in kept)), silent)


def _linked(blocks: list[Block], named: dict[str, int]) -> dict[int, list[Mark]]:
    """Marks that are links to the reference's element."""
    marks: dict[int, list[Mark]] = defaultdict(list)
    for at, block in enumerate(blocks):
        for link in block.links:
            name = _fragment(link.href)
            to = named.get(name) if name else None
            if to is not None and to > at and (_is_mark(block, link) or _names_source(blocks[to], link)):
                marks[to].append((at, link))
    return marks


def _fragment(href: str) -> str:
    return href.partition("#")[2] if "#" in href[:500] else ""


def _is_mark(block: Block, link: Link) -> bool:
    return _MARK.match(block.text[link.start : link.end].strip()) is not None or "noteref" in link.rel


def _apart(blocks: list[Block]) -> dict[int, list[Link]]:
    """Links to a place in a page that are marks, in brackets or right behind a word: the 5 of `section 5` is part
    of its sentence.
    """
    found: dict[int, list[Link]] = defaultdict(list)
    for at, block in enumerate(blocks):
        for link in block.links:
            behind = link.start > 0 and not block.text[link.start - 1].isspace()
            bracketed = block.text[link.start : link.start + 1] in ("[", "(")
            if _fragment(link.href) and (behind or bracketed) and _is_mark(block, link):
                found[at].append(link)
    return found


def _names_source(reference: Block, link: Link) -> bool:
    """`Smith 2001` in a note leads to an entry of the bibliography."""
    return reference.kind == "item" and link.end - link.start < 60


def _through_notes(blocks: list[Block], marks: dict[int, list[Mark]]) -> None:
    """A note's own marks to a bibliography stand for the sentences that carry the note's mark."""
    for _ in range(_DEPTH):
        moved = False
        for to, found in list(marks.items()):
            through = [mark for mark in found if mark[0] in marks and mark[0] != to]
            if through:
                kept = [mark for mark in found if mark not in through]
                marks[to] = kept + [mark for at, _ in through for mark in marks[at] if mark not in kept]
                moved = True
        if not moved:
            return


def _plain(blocks: list[Block], named: dict[str, int]) -> dict[int, list[Mark]]:
    """Marks that are mere text, to references that begin with the same label."""
    labels = {name.removeprefix("^"): at for name, at in named.items() if name.startswith("^")}
    labels = {label: at for label, at in labels.items() if blocks[at].links}
    marks: dict[int, list[Mark]] = defaultdict(list)
    if not labels:
        return marks
    for at, block in enumerate(blocks):
        for match in _PLAIN_MARK.finditer(block.text):
            for label in _labels(match[1]):
                to = labels.get(label)
                if to is not None and to != at:
                    marks[to].append((at, Link("", -1, match.start(), match.end())))
    return marks


def _labels(inside: str) -> list[str]:
    """`1, 3-5` is 1, 3, 4, 5."""
    found: list[str] = []
    for part in re.split(r"\s?[,;]\s?", inside):
        ends = re.fullmatch(r"(\d{1,3})\s?[–-]\s?(\d{1,3})", part)
        if ends and 0 <= int(ends[2]) - int(ends[1]) < _WIDEST:
            found += map(str, range(int(ends[1]), int(ends[2]) + 1))
        else:
            found.append(part.lstrip("^"))
    return found


def _leads_out(block: Block) -> bool:
    return any(link.href and not link.href.startswith("#") for link in block.links)


def _hosts(blocks: Iterable[Block]) -> Iterator[str]:
    for block in blocks:
        for link in block.links:
            if link.href.startswith(("http:", "https:", "//")) and (
                href := urls.resolve(link.href, "https://a.example")
            ):
                yield urls.host(href)
