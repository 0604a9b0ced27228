"""HTML to blocks: one walk over the tree that the WHATWG algorithm makes of any markup, without recursion."""

import re
from dataclasses import dataclass
from typing import Any

from resiliparse.parse.html import HTMLTree

from services.ingest.core import furniture
from services.ingest.core.blocks import BlockKind, TextBuffer
from services.ingest.core.furniture import Hint
from shared.errors import InputError

MAX_LINKS = 20_000
MAX_ELEMENTS = 150_000
"""What one article may hold: beyond lie data dumps and attacks, not articles."""
_ELEMENT, _TEXT = 1, 3


def _tags(names: str) -> frozenset[str]:
    return frozenset(names.split())


_SKIPPED = _tags(
    "script style template head title svg math canvas audio video object embed select textarea datalist iframe "
    "frameset noframes meter progress"
)
"""Elements whose text is not the article's."""
_KINDS: dict[str, BlockKind] = {
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6", "summary"), "heading"),
    **dict.fromkeys(("li", "dd", "dt"), "item"),
    "tr": "row", "figcaption": "caption", "caption": "caption", "blockquote": "quote", "pre": "code",
}  # fmt: skip
_BREAKS = _tags(
    "p div section article main header footer aside nav form fieldset ul ol dl table tbody thead tfoot figure hr "
    "details address center body html menu dialog legend noscript hgroup search"
) | frozenset(_KINDS)
_CELLS = frozenset(("td", "th"))
_LISTS = frozenset(("ul", "ol", "dl", "table"))
_INHERITED: frozenset[BlockKind] = frozenset(("quote", "item", "caption"))
"""Kinds that paragraphs inside take on."""
_HIDING = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)


@dataclass(slots=True)
class Frame:
    """An element that is a block or says something about what stands in it."""

    parent: int
    tag: str
    hint: Hint | None
    body: bool
    kind: BlockKind
    group: int
    prose: int = 0
    """Characters of prose directly inside."""


@dataclass(slots=True)
class RawLink:
    """A link before its zone is known; `start` and `end` are offsets into the text of its block."""

    href: str
    position: int
    frame: int
    start: int
    end: int = 0
    rel: str = ""
    button: bool = False
    image: bool = False


@dataclass(slots=True)
class Raw:
    """A block before its zone is known."""

    text: str
    frame: int
    links: list[RawLink]
    ids: tuple[str, ...]


class _Walk:
    """Fills blocks while the tree is walked."""

    def __init__(self) -> None:
        self.frames = [Frame(-1, "#root", None, False, "paragraph", 0)]
        self.stack = [0]
        self.blocks: list[Raw] = []
        self.buffer = TextBuffer()
        self.links: list[RawLink] = []
        self.open: list[RawLink] = []
        self.ids: list[str] = []
        self.count = 0
        self.groups = 0
        self.preformatted = 0

    # --- events ---

    def text(self, value: str) -> None:
        if self.preformatted:
            self.buffer.add_raw(value)
        else:
            self.buffer.add(value)

    def enter(self, node: Any, tag: str) -> bool:
        """Open an element; False: its children are not walked."""
        if tag in _SKIPPED:
            return False
        if tag == "br":
            self._line_break()
            return False
        if tag == "img":
            self._image()
            return False
        attributes = {name: node.getattr(name) or "" for name in node.attrs} if node.attrs else {}
        if tag in _BREAKS:
            self._flush()
        elif tag in _CELLS and self.buffer:
            self.buffer.line_break()
        self._push_frame(tag, attributes)
        if name := attributes.get("id") or (attributes.get("name") if tag == "a" else ""):
            self.ids.append(name)
        if tag == "a":
            self._open_link(attributes)
        elif tag == "pre":
            self.preformatted += 1
        elif tag == "q":
            self.buffer.add('"')
        return True

    def leave(self, tag: str) -> None:
        if tag == "a" and self.open:
            self._close_link()
        elif tag in _BREAKS:
            self._flush()
        elif tag == "q":
            self.buffer.add('"')
        if tag == "pre":
            self.preformatted -= 1
        self.stack.pop()

    # --- elements ---

    def _push_frame(self, tag: str, attributes: dict[str, str]) -> None:
        at = self.stack[-1]
        above = self.frames[at]
        hint, body = _says(tag, attributes, quoting=above.kind == "quote")
        if tag in _BREAKS or hint or body:
            kind = _KINDS.get(tag) or (above.kind if above.kind in _INHERITED or tag not in _BREAKS else "paragraph")
            group = above.group
            if tag in _LISTS:
                self.groups += 1
                group = self.groups
            self.frames.append(Frame(at, tag, hint, body, kind, group))
            at = len(self.frames) - 1
        self.stack.append(at)

    def _open_link(self, attributes: dict[str, str]) -> None:
        # An element with a name and no address is a mere place to jump to; without either its address was lost.
        counts = "href" in attributes or not attributes.keys() & {"id", "name"}
        role = attributes.get("role", "")
        self.open.append(
            RawLink(
                href=attributes.get("href", ""),
                position=self.count if counts else -1,
                frame=self.stack[-1],
                start=self.buffer.next_offset,
                rel=f"{attributes.get('rel', '')} {role}".lower().strip(),
                button=role == "button" or furniture.BUTTON.search(attributes.get("class", "")) is not None,
            )
        )
        self.count += counts

    def _close_link(self) -> None:
        link = self.open.pop()
        if link.position >= 0:
            link.end = self.buffer.offset
            link.start = min(link.start, link.end)
            self.links.append(link)

    def _image(self) -> None:
        if self.open:
            self.open[-1].image = True

    def _line_break(self) -> None:
        if self.preformatted:
            self.buffer.add_raw("\n")
        elif self.buffer.breaking and not self.open:
            self._flush()
        else:
            self.buffer.line_break()

    def finish(self) -> None:
        """The end of the page: close what is open."""
        while self.open:
            self._close_link()
        self._flush()

    def _flush(self) -> None:
        """End the block, unless a link spans its border: then it is a line of the same block."""
        if self.open:
            if self.buffer:
                self.buffer.line_break()
            return
        text = self.buffer.take() if self.buffer else ""
        if text or self.links:
            for link in self.links:
                _trim(link, text)
            frame = self.stack[-1]
            self.blocks.append(Raw(text, frame, self.links, tuple(self.ids)))
            self.frames[frame].prose += _prose(text, self.frames[frame].kind, self.links)
            self.links, self.ids = [], []


def _trim(link: RawLink, text: str) -> None:
    """Without the blanks at its ends."""
    anchor = text[link.start : link.end]
    if anchor != anchor.strip():
        link.end = link.start + len(anchor.rstrip())
        link.start = min(link.end, link.start + len(anchor) - len(anchor.lstrip()))


def _says(tag: str, attributes: dict[str, str], *, quoting: bool) -> tuple[Hint | None, bool]:
    """What an element says of its inside, and whether it says to be the article."""
    if not attributes and tag != "footer":
        return furniture.TAGS.get(tag), tag in ("article", "main")
    if tag == "footer" and not quoting:
        return furniture.names_hint(attributes.get("class", "")) or furniture.NAVIGATION, False
    if "hidden" in attributes or _HIDING.search(attributes.get("style", "")):
        return furniture.HIDDEN, False
    names = f"{attributes.get('class', '')} {attributes.get('id', '')}".strip()
    role = attributes.get("role", "").lower()
    hint = furniture.names_hint(names) if names else None
    if attributes.get("itemprop") in ("author", "creator"):
        hint = hint or furniture.BYLINE
    hint = hint or furniture.ROLES.get(role) or furniture.TAGS.get(tag)
    return hint, furniture.is_body(tag, names, role, attributes.get("itemprop", ""))


_SENTENCE_END = re.compile(r"[.!?…。！？؟।॥።։](?:\W|$)")


def _prose(text: str, kind: BlockKind, links: list[RawLink]) -> int:
    """Characters of running text: what paragraphs have and furniture has not."""
    linked = sum(link.end - link.start for link in links)
    loose = len(text) - linked
    if kind in ("heading", "code") or loose < 25 or linked > loose:
        return 0
    return loose if loose > 100 or _SENTENCE_END.search(text) else 0


def walk(tree: HTMLTree) -> tuple[list[Raw], list[Frame]]:
    """The blocks of a parsed page with the elements that they stand in, in document order, parents first."""
    walking = _Walk()
    _run(walking, tree.body or tree.document)
    return walking.blocks, walking.frames


_MANY_ATTRIBUTES = re.compile(r"<[a-zA-Z][^<>]{20000,}")


def tame(markup: str) -> str:
    """Make markup safe for the parser: no lone surrogates; no tag of thousands of attributes, which would cost
    time by their square."""
    markup = markup.encode("utf-8", "replace").decode("utf-8").replace("\x00", "")
    return _MANY_ATTRIBUTES.sub(lambda tag: tag[0] if len(tag[0].split()) < 2000 else tag[0][:2000], markup)


def _run(walk: _Walk, root: Any) -> None:
    """Visit every node below `root` in document order, by links between nodes: depth costs nothing."""
    node = root.first_child
    path: list[tuple[Any, str]] = []
    elements = 0
    while node is not None or path:
        if node is None:
            node, tag = path.pop()
            walk.leave(tag)
        elif node.type == _TEXT:
            walk.text(node.value)
        elif node.type == _ELEMENT:
            tag = node.tag
            elements += 1
            if elements > MAX_ELEMENTS or walk.count > MAX_LINKS:
                raise InputError(
                    f"The document has more than {MAX_LINKS} links or {MAX_ELEMENTS} elements.",
                    "Give the article alone, or split it.",
                )
            if walk.enter(node, tag):
                path.append((node, tag))
                node = node.first_child
                continue
        node = node.next
    walk.finish()
