"""Which blocks of a page are the article, and which its furniture (measured: `make measure-citations`)."""

from operator import attrgetter

from services.ingest.core import furniture
from services.ingest.core.blocks import Block, Link, Zone
from services.ingest.core.furniture import Hint
from services.ingest.core.markup import Frame, Raw, RawLink

_MOST = 0.8
"""Share of the prose that the article's element must hold."""
_VOID = 0.4
"""An element with more than this share of the prose is described by its names, not marked as furniture by them."""


def settle(raws: list[Raw], frames: list[Frame], *, fragment: bool) -> list[Block]:
    """Blocks with their zones. In a fragment all is content that does not say otherwise."""
    hints = _hints(frames)
    root = 0 if fragment else _root(frames, hints)
    inside = _inside(frames, root)
    fringe = _fringe(raws, frames, inside)
    return [
        _place(raw, frames[raw.frame], hints, within=inside[raw.frame], fringe=number in fringe)
        for number, raw in enumerate(raws)
    ]


def _fringe(raws: list[Raw], frames: list[Frame], inside: list[bool]) -> range:
    """The blocks between the page's title and its body: a lead, the statement that is checked."""
    body = next((number for number, raw in enumerate(raws) if inside[raw.frame] and raw.text), 0)
    title = next((number for number in range(body - 1, -1, -1) if frames[raws[number].frame].tag == "h1"), body)
    return range(title, body)


def _totals(frames: list[Frame], own: list[int]) -> list[int]:
    """Sums over each element and all below it (parents come before their children)."""
    sums = own.copy()
    for at in range(len(frames) - 1, 0, -1):
        sums[frames[at].parent] += sums[at]
    return sums


def _hints(frames: list[Frame]) -> list[Hint | None]:
    """The hint in force in each element."""
    prose = _totals(frames, [frame.prose for frame in frames])
    limit = prose[0] * _VOID
    found: list[Hint | None] = [None]
    for at in range(1, len(frames)):
        own = frames[at].hint
        if own and own != furniture.CONTENT and prose[at] > limit > 0:
            own = None
        found.append(_in_force(found[frames[at].parent], own))
    return found


def _in_force(above: Hint | None, own: Hint | None) -> Hint | None:
    """The inner hint, unless it is weaker than the outer one."""
    if own is None or above == furniture.HIDDEN:
        return above
    if above is None or (own.strong and own != furniture.CONTENT):
        return own
    # A reference list in a footer or aside is content; a widget in a menu is still a menu.
    return own if own == furniture.CONTENT and (not above.strong or above == furniture.NAVIGATION) else above


def _root(frames: list[Frame], hints: list[Hint | None]) -> int:
    """The smallest element with most of the clean prose; inside it, one that says to be the article if it holds
    nearly as much."""
    clean = _totals(
        frames, [0 if (hint := hints[at]) and hint.strong and hint != furniture.CONTENT else frame.prose
                 for at, frame in enumerate(frames)],
    )  # fmt: skip
    most = clean[0] * _MOST
    if not most:
        return next((at for at, frame in enumerate(frames) if frame.body), 0)
    root = _around(frames, max(at for at, total in enumerate(clean) if total >= most))
    return _first_article(frames, clean, root)


def _around(frames: list[Frame], at: int) -> int:
    """One paragraph may hold most of the prose; the article is the element around it."""
    holders = {frame.parent for frame in frames}
    while at and (frames[at].tag == "p" or at not in holders):
        at = frames[at].parent
    return at


_PIECE = 0.1
"""Share of the prose that makes an article of an element among several."""


def _first_article(frames: list[Frame], clean: list[int], root: int) -> int:
    """Of several whole articles in one page (endless scrolling), each with a title of its own, the first."""
    owners = {_article_of(frames, at, root) for at in [n for n, frame in enumerate(frames) if frame.tag == "h1"][:50]}
    whole = sorted(at for at in owners if at is not None and clean[at] >= clean[root] * _PIECE)
    return whole[0] if len(whole) > 1 else root


def _article_of(frames: list[Frame], at: int, root: int) -> int | None:
    """The outermost article element around a frame, below the root."""
    found = None
    while at > root:
        found = at if frames[at].tag == "article" else found
        at = frames[at].parent
    return found if at == root else None


def _inside(frames: list[Frame], root: int) -> list[bool]:
    found = [root == 0]
    for at in range(1, len(frames)):
        found.append(at == root or found[frames[at].parent])
    return found


_TRANSPARENT = (None, furniture.CONTENT, furniture.WEAK)
"""Hints that leave a place to be content."""


def _place(raw: Raw, frame: Frame, hints: list[Hint | None], *, within: bool, fringe: bool) -> Block:
    hint = hints[raw.frame]
    zone = _zone(hint, within or fringe)
    return Block(
        kind=frame.kind,
        text=raw.text,
        links=tuple(_link(link, zone if (own := hints[link.frame]) in _TRANSPARENT else _zone(own, within))
                    for link in sorted(raw.links, key=_position)),
        zone=zone,
        group=frame.group,
        ids=raw.ids,
        weak=hint == furniture.WEAK or (fringe and not within),
    )  # fmt: skip


_position = attrgetter("position")


def _link(raw: RawLink, zone: Zone) -> Link:
    return Link(raw.href, raw.position, raw.start, raw.end, zone, raw.rel, raw.button, raw.image)


def _zone(hint: Hint | None, inside: bool) -> Zone:
    if hint == furniture.CONTENT:
        return "content"
    if hint in _TRANSPARENT or hint == furniture.EMBED:
        return ("content" if hint != furniture.EMBED else "embed") if inside else "navigation"
    return hint.zone if hint else "content"
