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
    head = tree.head
    if head is None:
        return Metadata()
    meta = _meta(head)
    data = _json_ld(tree)
    canonical = next((a for a in _attributes(head, "link", "href") if a[0] == "canonical"), None)
    base = next(iter(head.get_elements_by_tag_name("base")), None)
    root = tree.document.query_selector("html") if tree.document else None
    authors = _names(data.get("author")) or _people(meta.get("author", ()))
    return Metadata(
        title=_squeeze(next(iter(meta.get("og:title", ())), "") or _text_of(data.get("headline")) or tree.title or ""),
        authors=authors,
        published_at=moment(data.get("datePublished") or next(iter(meta.get("article:published_time", ())), None)),
        language=(root.getattr("lang") or "")[:35] if root is not None else "",
        canonical=(canonical[1] if canonical else next(iter(meta.get("og:url", ())), None)) or None,
        base=(base.getattr("href") or None) if base is not None else None,
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


def _meta(head: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for node in list(head.get_elements_by_tag_name("meta"))[:500]:
        name = (node.getattr("property") or node.getattr("name") or "").lower()
        if name and (content := node.getattr("content")):
            found.setdefault({"article:author": "author", "dc.creator": "author"}.get(name, name), []).append(content)
    return found


def _attributes(head: Any, tag: str, name: str) -> Iterator[tuple[str, str]]:
    for node in list(head.get_elements_by_tag_name(tag))[:500]:
        yield (node.getattr("rel") or "").lower().strip(), node.getattr(name) or ""


_LD_LIMIT = 1 << 19
_ARTICLE = re.compile(r"Article|Posting|Review|Report|WebPage|Claim", re.IGNORECASE)


def _json_ld(tree: HTMLTree) -> dict[str, Any]:
    """The first JSON-LD object that describes an article."""
    if tree.document is None:
        return {}
    for node in list(tree.document.query_selector_all('script[type="application/ld+json"]'))[:20]:
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
