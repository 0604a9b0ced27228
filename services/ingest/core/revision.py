"""What an article says at one moment: everything that `article.received` tells of a version, and its digest.

Two submissions with equal digests are one version: markup, page furniture and the way it came don't count.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from services.ingest.core import citations, document
from shared.events import ArticleKind, CitedLink, OtherLink
from shared.text import html
from shared.text.packed import pack
from shared.urls import UrlError, identity

MAX_WRITTEN = 48 * 1024
"""Characters of the packed article that are published, for patches of it; a longer one is left out."""
MAX_TEXT = 200_000
"""Characters of an article's text that are kept and published."""
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""NUL and lone surrogates: PostgreSQL and UTF-8 have no place for them."""


@dataclass(frozen=True)
class About:
    """What the sender says about the article; it goes before what the document says of itself."""

    url: str | None = None
    title: str | None = None
    authors: tuple[str, ...] = ()
    published_at: datetime | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Revision:
    """One version, before it has a number."""

    about: About
    text: str
    citations: tuple[CitedLink, ...]
    other_links: tuple[OtherLink, ...]
    kind: ArticleKind = "text/html"
    written: str = ""
    """The article as it was sent, packed."""

    @cached_property
    def digest(self) -> str:
        """Hex SHA-256 over all that a reader of the event would see. Of the address its identity: one with a fragment
        or a share mark is the same.
        """
        seen = [
            _address(self.about.url), self.about.title, self.about.authors, str(self.about.published_at),
            self.about.tags, self.text, self.cited, self.others,
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()

    @cached_property
    def cited(self) -> list[dict[str, Any]]:
        """The citations as JSON objects."""
        return [one.model_dump() for one in self.citations]

    @cached_property
    def others(self) -> list[dict[str, Any]]:
        """The other links as JSON objects."""
        return [one.model_dump() for one in self.other_links]


def _address(url: str | None) -> str | None:
    """Its identity, where it is an address on the web."""
    try:
        return identity(url) if url else None
    except UrlError:
        return url


def storable(text: str) -> str:
    """The text with U+FFFD for what no database can hold."""
    return _UNSTORABLE.sub("\ufffd", text)


def read(
    content: bytes | str, kind: ArticleKind, *, article_id: str, about: About, base: str | None = None,
    content_type: str | None = None,
) -> Revision:  # fmt: skip
    """Read a document as a version of an article. `base` is where it was found. Raises `InputError`."""
    if isinstance(content, str):
        content = storable(content)
    found = document.read(content, kind, url=base or about.url, content_type=content_type)
    links = citations.find(found, article_id=article_id)
    revision = Revision(
        about=About(
            url=about.url or found.canonical,
            title=storable(about.title or found.title),
            authors=tuple(storable(name) for name in about.authors or found.authors),
            published_at=about.published_at or found.published_at,
            tags=about.tags,
        ),
        text=storable(found.text)[:MAX_TEXT],
        citations=tuple(_storable(one) for one in links.citations),
        other_links=tuple(_storable(one) for one in links.other_links),
        kind=kind,
        written=pack(content if isinstance(content, str) else html.decode(content, content_type), MAX_WRITTEN),
    )
    _ = revision.digest  # made here, so that a thread pays for it
    return revision


def _storable(link: Any) -> Any:
    dirty = {name: storable(value) for name, value in link if isinstance(value, str) and _UNSTORABLE.search(value)}
    return link.model_copy(update=dirty) if dirty else link


def with_targets(cited: Sequence[CitedLink], targets: Mapping[str, str]) -> tuple[CitedLink, ...]:
    """Citations with the targets that editors gave: citation id → absolute URL."""
    return tuple(
        one.model_copy(update={"target": targets[one.citation_id], "missing": None})
        if one.citation_id in targets
        else one
        for one in cited
    )
