"""A document as blocks of text with links in them, whatever it was written in.

    Markdown ─► HTML ┐
    plain text ─► HTML ┼─► tree ─► blocks (kind, text, links with offsets, the boxes around them)
    HTML ───────────┘

Which block is content and which is furniture, and which link is evidence, is for `citations`.
"""

import html as htmllib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from markdown_it import MarkdownIt
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.front_matter import front_matter_plugin
from resiliparse.parse.html import HTMLTree, NodeType

from shared.errors import InputError
from shared.text import html
from shared.urls import UrlError, parse

Kind = Literal["text/html", "text/markdown", "text/plain"]
MAX_BYTES = 20 * 1024 * 1024
MAX_LINKS = 20_000
BLOCKS = frozenset(
    [
        "p",
        "div",
        "section",
        "article",
        "main",
        "aside",
        "header",
        "footer",
        "nav",
        "ul",
        "ol",
        "li",
        "dl",
        "dt",
        "dd",
        "table",
        "thead",
        "tbody",
        "tfoot",
        "tr",
        "td",
        "th",
        "caption",
        "blockquote",
        "pre",
        "figure",
        "figcaption",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "form",
        "fieldset",
        "address",
        "details",
        "summary",
        "hr",
        "body",
        "html",
        "center",
        "noscript",
        "iframe",
        "video",
        "audio",
        "canvas",
        "dialog",
        "menu",
        "legend",
        "option",
        "select",
        "textarea",
        "button",
        "label",
    ]
)
SKIPPED = frozenset(
    [
        "script",
        "style",
        "template",
        "svg",
        "math",
        "noscript",
        "iframe",
        "object",
        "embed",
        "select",
        "textarea",
        "head",
    ]
)
HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_WORD = re.compile(r"[a-z]+")
_SPACE = re.compile(r"[\s\u200b\ufeff\u00ad]+")


@dataclass(frozen=True, slots=True)
class Box:
    """An element around a block: its tag, the words of its class, id and role, and the box around it."""

    number: int
    tag: str
    words: frozenset[str]
    parent: "Box | None"
    depth: int


@dataclass(slots=True)
class Link:
    """A link with its place in the block's text."""

    href: str
    start: int
    end: int
    rel: frozenset[str]
    words: frozenset[str]
    label: str
    image: bool
    in_mark: bool
    """Inside `<sup>`: a footnote mark."""
    element_id: str


@dataclass(slots=True)
class Block:
    """A stretch of text between two block boundaries; white space collapsed."""

    text: str
    links: list[Link]
    box: Box
    element_id: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """What was read."""

    blocks: tuple[Block, ...]
    title: str = ""
    authors: tuple[str, ...] = ()
    published_at: datetime | None = None
    language: str = ""
    canonical: str | None = None
    url: str | None = None
    fragment: bool = False
    """A CMS body without page furniture: all of it is content."""
    named: dict[str, int] = field(default_factory=dict)
    """Element id → number of the block that it stands in."""


def read(body: bytes | str, kind: Kind, *, url: str | None = None, content_type: str | None = None) -> Document:
    """Read a document. Raises `InputError` for what is empty, binary or too large."""
    if len(body) > MAX_BYTES:
        raise InputError("The document is larger than 20 MB.", "Send the article alone.")
    text = body if isinstance(body, str) else _decoded(body, content_type)
    if not text.strip():
        raise InputError("The document is empty.", "Send a document with text in it.")
    if kind == "text/markdown":
        title, markup = _from_markdown(text)
        return _from_html(markup, url, fragment=True, title=title)
    if kind == "text/plain":
        return _from_html(_from_plain(text), url, fragment=True)
    return _from_html(text, url, fragment=not re.search(r"<(?:html|body|head)\b", text[:200_000], re.I))


def _decoded(body: bytes, content_type: str | None) -> str:
    text = html.decode(body, content_type)
    sample = text[:20_000]
    strange = sum(char < " " and char not in "\t\n\r\f" for char in sample) + sample.count("\ufffd")
    if strange > max(8, len(sample) // 20):
        raise InputError("The document is no text (it looks binary).", "Send HTML, Markdown or plain text.")
    return text


def _markdown() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True, "linkify": False}).enable(["table", "strikethrough"])
    return parser.use(front_matter_plugin).use(footnote_plugin)


_TEMPLATE = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.S)
_FRONT_TITLE = re.compile(r"(?m)^title:\s*[\"']?(.+?)[\"']?\s*$")
_BARE = re.compile(r"(?<![\w/@\"'=(<>\]])(?:https?://|www\.)[^\s<>\"'\u3000]+", re.I)


def _from_markdown(text: str) -> tuple[str, str]:
    """Front matter's title, and the HTML."""
    front = re.match(r"\ufeff?---\s*\n(.*?)\n---\s*(?:\n|$)", text, re.S)
    found = _FRONT_TITLE.search(front[1]) if front else None
    markup = _markdown().render(_TEMPLATE.sub("", text))
    return (found[1] if found else ""), _linked(markup)


def _linked(markup: str) -> str:
    """Bare URLs outside of tags and links become links."""
    out: list[str] = []
    inside = 0
    for piece in re.split(r"(<[^>]*>)", markup):
        if piece.startswith("<"):
            name = piece[1:8].lower()
            inside += name.startswith(("a ", "a>", "code", "pre")) - name.startswith(("/a", "/code", "/pre"))
            out.append(piece)
        else:
            out.append(piece if inside > 0 else _BARE.sub(_anchor, piece))
    return "".join(out)


def _anchor(match: re.Match[str]) -> str:
    raw = htmllib.unescape(match[0])
    url, rest = trimmed(raw)
    href = url if url.lower().startswith("http") else f"http://{url}"
    return f'<a href="{htmllib.escape(href)}">{htmllib.escape(url)}</a>{htmllib.escape(rest)}'


def trimmed(url: str) -> tuple[str, str]:
    """A URL found in running text without the punctuation that ends the sentence, and that punctuation."""
    end = len(url)
    while end:
        last = url[end - 1]
        if last in ".,;:!?'\"”’»…*_" or (
            last in ")]}" and url.count(last, 0, end) > url.count("([{"[")]}".index(last)], 0, end)
        ):
            end -= 1
        else:
            break
    return url[:end], url[end:]


_REFERENCE = re.compile(r"^\s*\[?(\d{1,3})[\].):]\s+(.*https?://\S+.*)$", re.S)
_MARK = re.compile(r"\[(\d{1,3}(?:\s*[,–-]\s*\d{1,3})*)\]")


def _from_plain(text: str) -> str:
    """Paragraphs; bare URLs and numbered references become links, as a reader takes them."""
    paragraphs = [part for part in re.split(r"\n\s*\n", text.replace("\r\n", "\n").replace("\r", "\n")) if part.strip()]
    lines = [line for part in paragraphs for line in _reference_lines(part)]
    numbers = {found[1] for line in lines if (found := _REFERENCE.match(line))}
    out = []
    for line in lines:
        found = _REFERENCE.match(line)
        if found:
            shown = _BARE.sub(_anchor, htmllib.escape(found[2], quote=False))
            out.append(f'<li class="reference" id="ref-{found[1]}">{shown}</li>')
        else:
            shown = _BARE.sub(_anchor, htmllib.escape(line, quote=False))
            out.append(f"<p>{_MARK.sub(lambda mark: _marks(mark, numbers), shown)}</p>")
    return "\n".join(out)


def _reference_lines(paragraph: str) -> list[str]:
    lines = paragraph.split("\n")
    if sum(bool(_REFERENCE.match(line)) for line in lines) >= 1 and len(lines) > 1:
        return lines
    return [paragraph]


def _marks(mark: re.Match[str], numbers: set[str]) -> str:
    wanted = re.findall(r"\d+", mark[1])
    if not all(number in numbers for number in wanted):
        return mark[0]
    return "".join(f'<sup><a href="#ref-{number}">[{number}]</a></sup>' for number in wanted)


def _from_html(markup: str, url: str | None, *, fragment: bool, title: str = "") -> Document:
    try:
        tree = HTMLTree.parse(markup.replace("\0", "\ufffd"))
    except Exception:  # whatever the parser says of foreign markup, the sender gets one sentence
        raise InputError("The document cannot be read as HTML.", "Check its markup.") from None
    base = _base(tree, url)
    walker = _Walker()
    if tree.body is not None:
        walker.walk(tree.body)
    if not any(block.text for block in walker.blocks):
        raise InputError("The document has no text.", "Send the article itself; pages drawn by scripts hold none.")
    return Document(
        blocks=tuple(walker.blocks),
        title=title or _title(tree, walker.blocks),
        authors=_authors(tree),
        published_at=_published(tree),
        language=_attribute(tree, "html", "lang")[:20].lower(),
        canonical=_canonical(tree, base),
        url=base,
        fragment=fragment,
        named=walker.named,
    )


class _Walker:
    """Goes through a tree without recursion and cuts it into blocks."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.named: dict[str, int] = {}
        self._pieces: list[str] = []
        self._length = 0
        self._links: list[Link] = []
        self._open: list[Link] = []
        self._number = 0
        self._total_links = 0
        self._marks = 0

    def walk(self, root: Any) -> None:
        """Cut everything under `root`."""
        box = Box(0, "body", _words(root), None, 0)
        stack: list[tuple[Any, Box, bool]] = [(root, box, False)]
        while stack:
            node, box, leaving = stack.pop()
            if leaving:
                self._leave(node, box)
                continue
            if node.type == NodeType.TEXT:
                self._text(node.value or "")
                continue
            if node.type != NodeType.ELEMENT:
                continue
            tag = node.tag
            if tag in SKIPPED or node.getattr("hidden") is not None:
                continue
            inner = self._enter(node, tag, box)
            stack.append((node, inner, True))
            children = []
            child = node.first_child
            while child is not None:
                children.append(child)
                child = child.next
            stack.extend((child, inner, False) for child in reversed(children))
        self._flush(Box(0, "body", frozenset(), None, 0))

    def _enter(self, node: Any, tag: str, box: Box) -> Box:
        name = node.getattr("id") or (node.getattr("name") if tag == "a" else None)
        if name:
            self.named.setdefault(name, len(self.blocks))
        if tag in BLOCKS:
            self._flush(box)
            self._number += 1
            if name:
                self.named[name] = len(self.blocks)
            return Box(self._number, tag, _words(node), box, box.depth + 1)
        if tag == "br":
            self._text("\n")
        elif tag == "img":
            for link in self._open:
                link.image = True
        elif tag == "sup":
            self._marks += 1
        elif tag == "a" and node.getattr("href") is not None:
            self._begin(node, box)
        elif node.getattr("class") or node.getattr("itemprop") or node.getattr("rel"):
            return Box(box.number, box.tag, box.words | _words(node), box.parent, box.depth)
        return box

    def _begin(self, node: Any, box: Box) -> None:
        self._total_links += 1
        if self._total_links > MAX_LINKS:
            raise InputError(f"The document has more than {MAX_LINKS} links.", "Send the article alone.")
        label = node.getattr("aria-label") or node.getattr("title") or ""
        rel = frozenset((node.getattr("rel") or "").lower().split())
        link = Link(
            (node.getattr("href") or "").strip(), self._length, self._length, rel, _words(node) | box.words, label, False,
            self._marks > 0, node.getattr("id") or "",
        )  # fmt: skip
        self._links.append(link)
        self._open.append(link)

    def _leave(self, node: Any, box: Box) -> None:
        tag = node.tag
        if tag in BLOCKS:
            self._flush(box)
        elif tag == "sup":
            self._marks -= 1
        elif tag == "a" and self._open:
            link = self._open.pop()
            link.end = max(link.start, self._length)

    def _text(self, text: str) -> None:
        shown = _SPACE.sub(" ", text)
        if not shown:
            return
        if shown[0] == " " and (not self._pieces or self._pieces[-1][-1:] == " "):
            shown = shown[1:]
        if shown:
            self._pieces.append(shown)
            self._length += len(shown)

    def _flush(self, box: Box) -> None:
        text = "".join(self._pieces).rstrip()
        for link in self._open:
            link.end = self._length
        if text or self._links:
            for link in self._links:
                _trim(link, text)
            self.blocks.append(Block(text, self._links, box))
        self._open = [replace(link, start=0, end=0) for link in self._open]  # a link around several blocks goes on
        self._pieces, self._length, self._links = [], 0, list(self._open)


def _trim(link: Link, text: str) -> None:
    link.end = min(link.end, len(text))
    link.start = min(link.start, link.end)
    while link.start < link.end and text[link.start] == " ":
        link.start += 1
    while link.end > link.start and text[link.end - 1] == " ":
        link.end -= 1


def _words(node: Any) -> frozenset[str]:
    """The words of an element's class, id, role and itemprop: `related-links__item` says related, links, item."""
    values = (node.getattr(name) for name in ("class", "id", "role", "itemprop", "data-component", "rel"))
    text = re.sub(r"([a-z])([A-Z])", r"\1 \2", " ".join(value for value in values if value))
    return frozenset(_WORD.findall(text.lower()))


def _attribute(tree: Any, selector: str, name: str) -> str:
    found = tree.document.query_selector(selector)
    return (found.getattr(name) or "").strip() if found is not None else ""


def _base(tree: Any, url: str | None) -> str | None:
    stated = _attribute(tree, "base[href]", "href")
    try:
        return parse(stated, url).href if stated else url
    except UrlError:
        return url


def _canonical(tree: Any, base: str | None) -> str | None:
    stated = _attribute(tree, "link[rel~=canonical]", "href") or _attribute(tree, 'meta[property="og:url"]', "content")
    try:
        return parse(stated, base).href if stated else None
    except UrlError:
        return None


def _title(tree: Any, blocks: Sequence[Block]) -> str:
    headings = [block.text for block in blocks if block.box.tag == "h1" and block.text]
    stated = _attribute(tree, 'meta[property="og:title"]', "content")
    if len(headings) == 1:
        return headings[0][:500]
    first = next((block.text for block in blocks if block.text), "")
    return " ".join((stated or tree.title or (headings[0] if headings else "") or first[:200]).split())[:500]


def _authors(tree: Any) -> tuple[str, ...]:
    found = tree.document.query_selector_all('meta[name="author"], meta[property="article:author"]')[:10]
    names = (" ".join((one.getattr("content") or "").split()) for one in found)
    return tuple(dict.fromkeys(name[:200] for name in names if name and "://" not in name))


def _published(tree: Any) -> datetime | None:
    for selector, name in (
        ('meta[property="article:published_time"]', "content"),
        ('meta[name="date"]', "content"),
        ('[itemprop="datePublished"]', "content"),
        ('[itemprop="datePublished"]', "datetime"),
        ("time[datetime]", "datetime"),
    ):
        value = _attribute(tree, selector, name)
        try:
            moment = datetime.fromisoformat(value.replace("Z", "+00:00")) if value else None
        except ValueError:
            continue
        if moment is not None and moment.tzinfo is not None:
            return moment
    return None
