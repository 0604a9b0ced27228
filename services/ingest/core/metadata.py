"""What a document says about itself: title, authors, date, language, addresses."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from resiliparse.parse.html import HTMLTree


@dataclass(frozen=True, slots=True)
class Metadata:
    """Fields are empty where nothing was said."""

    title: str = ""
    authors: tuple[str, ...] = ()
    published_at: datetime | None = None
    language: str = ""
    canonical: str | None = None
    """As written."""
    base: str | None = None
    """`<base href>` as written."""

    def over(self, other: "Metadata") -> "Metadata":
        """These fields, and the other's where these are empty."""
        return replace(other, **{name: value for name in self.__slots__ if (value := getattr(self, name))})


def of_page(tree: HTMLTree) -> Metadata:
    """What the head of a page says: JSON-LD, then meta elements, then the title."""
    if tree.head is None or tree.document is None:
        return Metadata()
    meta, canonical, base = _head(tree.head)
    data = _json_ld(tree.document)
    root = tree.document.query_selector("html")
    return Metadata(
        title=_squeeze(meta.get("og:title", [""])[0] or _text_of(data.get("headline")) or tree.title or ""),
        authors=_names(data.get("author")) or _people(meta.get("author", ())),
        published_at=moment(data.get("datePublished") or meta.get("article:published_time", [None])[0]),
        language=(root.getattr("lang") or "")[:35] if root is not None else "",
        canonical=canonical or meta.get("og:url", [None])[0],
        base=base,
    )


def of_front_matter(front: dict[str, Any]) -> Metadata:
    """What the YAML or TOML head of a Markdown file says."""
    authors = front.get("authors") or front.get("author")
    return Metadata(
        title=_squeeze(_text_of(front.get("title"))),
        authors=_names(authors),
        published_at=moment(front.get("date") or front.get("published") or front.get("published_at")),
        language=_text_of(front.get("lang") or front.get("language"))[:35],
        canonical=_text_of(front.get("canonical_url") or front.get("canonical")) or None,
    )


_SAME = {"article:author": "author", "dc.creator": "author", "parsely-author": "author"}


def _head(head: Any) -> tuple[dict[str, list[str]], str | None, str | None]:
    """Meta elements by name, the canonical address and the base, as written."""
    meta: dict[str, list[str]] = {}
    canonical = base = None
    node = head.first_child
    while node is not None:
        tag = node.tag
        if tag == "meta" and (content := node.getattr("content")):
            name = (node.getattr("property") or node.getattr("name") or "").lower()
            meta.setdefault(_SAME.get(name, name), []).append(content)
        elif tag == "link" and "canonical" in (node.getattr("rel") or "").lower().split():
            canonical = canonical or node.getattr("href") or None
        elif tag == "base":
            base = base or node.getattr("href") or None
        node = node.next
    return meta, canonical, base


_LD_LIMIT = 1 << 19
_ARTICLE = re.compile(r"Article|Posting|Review|Report|WebPage|Claim", re.IGNORECASE)


def _json_ld(document: Any) -> dict[str, Any]:
    """The first JSON-LD object that describes an article."""
    for node in list(document.query_selector_all('script[type="application/ld+json"]'))[:20]:
        raw = node.text or ""
        if len(raw) > _LD_LIMIT:
            continue
        try:
            data = json.loads(raw)
        except (ValueError, RecursionError):
            continue
        for item in _objects(data):
            if _ARTICLE.search(str(item.get("@type", ""))) and ("headline" in item or "author" in item):
                return item
    return {}


def _objects(data: Any) -> Iterator[dict[str, Any]]:
    for item in data if isinstance(data, list) else [data]:
        if isinstance(item, dict):
            yield item
            graph = item.get("@graph")
            yield from (node for node in graph if isinstance(node, dict)) if isinstance(graph, list) else ()


def _names(value: Any) -> tuple[str, ...]:
    """Names in any of the shapes that authors are written in."""
    items = value if isinstance(value, list | tuple) else [value]
    return _people(_text_of(item.get("name") if isinstance(item, dict) else item) for item in items[:50])


_NO_NAME = re.compile(r"https?:|^@|\d{3}", re.IGNORECASE)


def _people(names: Iterable[str]) -> tuple[str, ...]:
    squeezed = (_squeeze(re.sub(r"^by\s+", "", name, flags=re.IGNORECASE)) for name in names)
    return tuple(dict.fromkeys(name for name in squeezed if name and len(name) < 100 and not _NO_NAME.search(name)))


def _text_of(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _squeeze(text: str) -> str:
    return " ".join(text.split())


def moment(value: object) -> datetime | None:
    """An aware UTC time of an ISO 8601 text, a date or a datetime; None for anything else. A time without an
    offset is taken as UTC."""
    try:
        if isinstance(value, str):
            value = datetime.fromisoformat(value.strip())
        elif isinstance(value, date) and not isinstance(value, datetime):
            value = datetime(value.year, value.month, value.day)
        if isinstance(value, datetime):
            return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    return None
