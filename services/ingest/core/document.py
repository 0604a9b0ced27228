"""A submitted article, read: bytes of HTML, Markdown or plain text to blocks with links.

read ─► text ─┬─ text/html ───────────────► markup.walk ─► zones.settle ─┐
              ├─ text/markdown ─► HTML ──►        〃                      ├─► Document ─► citations.find
              └─ text/plain ──────────────► plain.blocks ────────────────┘
"""

import re
from dataclasses import dataclass
from datetime import datetime

from resiliparse.parse.html import HTMLTree

from services.ingest.core import markdown, markup, metadata, plain, zones
from services.ingest.core.blocks import Block
from services.ingest.core.metadata import Metadata
from shared import urls
from shared.errors import InputError
from shared.events import ArticleKind
from shared.text import html

LIMIT = 20 * 1024 * 1024
"""Bytes of a document that are read at most."""


@dataclass(frozen=True, slots=True)
class Document:
    """An article as it was submitted; all texts with blanks collapsed."""

    url: str | None
    """Absolute URL that relative links are resolved against."""
    title: str
    authors: tuple[str, ...]
    published_at: datetime | None
    language: str
    """BCP 47 as declared; '' if not."""
    canonical: str | None
    blocks: tuple[Block, ...]

    @property
    def text(self) -> str:
        """The article without its furniture; one block a line."""
        return "\n".join(block.text for block in self.blocks if block.zone == "content" and block.text)


def read(body: bytes | str, kind: ArticleKind, *, url: str | None = None, content_type: str | None = None) -> Document:
    """Read an article. `url` is where it stands, `content_type` the header it came with (for its charset).

    Raises `InputError` that says what to mend; never anything else, whatever the bytes.
    """
    text = _text(body, content_type)
    base = _base(url)
    if kind == "text/plain":
        document = _assemble(plain.blocks(text), Metadata(), base)
    elif kind == "text/markdown":
        document = _markdown(text, base)
    else:
        document = _html(text, base, Metadata(), fragment=not _PAGE.search(text[:_HEAD]))
    if not any(block.text or block.links for block in document.blocks):
        raise InputError("The document has no text.", "Give a document with at least one sentence.")
    return document


def _text(body: bytes | str, content_type: str | None) -> str:
    size = len(body)
    if size > LIMIT:
        raise InputError(
            f"The document is too large ({size / 2**20:.0f} MB).",
            f"Give one of at most {LIMIT // 2**20} MB, without embedded images.",
        )
    if isinstance(body, bytes):
        _refuse_binary(body)
        body = html.decode(body, content_type)
    if not body.strip():
        raise InputError("The document is empty.", "Give one with text.")
    return body


_MAGIC = {
    b"%PDF-": "a PDF", b"PK\x03\x04": "a ZIP archive or office document", b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image", b"GIF8": "a GIF image", b"\x1f\x8b": "gzip-compressed",
    b"\xd0\xcf\x11\xe0": "an old office document", b"{\\rtf": "an RTF document", b"\x7fELF": "a program",
    b"SQLite format 3": "a database",
}  # fmt: skip
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def _refuse_binary(body: bytes) -> None:
    kind = next((kind for magic, kind in _MAGIC.items() if body.startswith(magic)), None)
    head = body[:4096]
    utf16 = html.utf16(head) is not None or head[:2] in (b"\xff\xfe", b"\xfe\xff")
    if kind is None and not utf16 and len(_CONTROLS.findall(head)) * 20 > len(head):
        kind = "binary data"
    if kind:
        raise InputError(f"The document is {kind}, not text.", "Give it as HTML, Markdown or plain text.")


def _base(url: str | None) -> str | None:
    if url is None:
        return None
    try:
        return urls.parse(url).href
    except urls.UrlError as error:
        raise InputError(f"The article's address cannot be used: {error.what}", error.mend) from None


_PAGE = re.compile(r"<!doctype\s+html|<html[\s>]|<body[\s>]|<head[\s>]", re.IGNORECASE)
_HEAD = 4096
"""Characters in which a whole page shows that it is one."""


def _html(text: str, base: str | None, known: Metadata, *, fragment: bool) -> Document:
    tree = HTMLTree.parse(markup.tame(text))
    found = metadata.of_page(tree).over(known)
    blocks = zones.settle(*markup.walk(tree), fragment=fragment)
    if found.base:
        base = urls.resolve(found.base, base) or base
    return _assemble(blocks, found, base)


def _markdown(text: str, base: str | None) -> Document:
    front, text = markdown.front_matter(text)
    return _html(markdown.to_html(text), base, metadata.of_front_matter(front), fragment=True)


def _assemble(blocks: list[Block], found: Metadata, base: str | None) -> Document:
    if sum(len(block.links) for block in blocks) > markup.MAX_LINKS:
        raise InputError(f"The document has more than {markup.MAX_LINKS} links.", "Split it.")
    title = found.title or next((block.text for block in blocks if block.kind == "heading" and block.text), "")
    return Document(
        url=base or (urls.resolve(found.canonical, None) if found.canonical else None),
        title=title[:500],
        authors=found.authors,
        published_at=found.published_at,
        language=found.language,
        canonical=urls.resolve(found.canonical, base) if found.canonical else None,
        blocks=tuple(blocks),
    )
