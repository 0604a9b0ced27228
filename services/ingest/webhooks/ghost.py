"""Ghost: `{"post": {"current": {…}, "previous": {…}}}`, with no event's name and no delivery id.

What happened is told by the post itself: published posts are taken in, everything else is answered and left. A 410
would make Ghost delete its hook, so that it is never given. Deliveries overtake each other: `updated_at` orders them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.datastructures import Headers

from services.ingest.core.signature import verify_ghost
from services.ingest.submission import Submission, from_api
from services.ingest.webhooks.body import Accepted, Unfit, article, names, parse_object, word
from shared.urls import UrlError, parse

PUBLISHED = frozenset({"published", "sent"})
SITE_MARK = "__GHOST_URL__"
"""What Ghost's database has for the site's own address, and now and then its deliveries."""


def read(raw: bytes, headers: Headers, secrets: Sequence[str], now: float) -> Accepted:
    """The post (or page), when it is published. Raises `Unproven`, `Unfit`."""
    verify_ghost(raw, headers.getlist("x-ghost-signature"), secrets, now)
    body = parse_object(raw)
    item = body.get("post") or body.get("page")
    current = item.get("current") if isinstance(item, dict) else None
    if not isinstance(current, dict):
        raise Unfit("The delivery holds neither a post nor a page.")
    public = word("status", current.get("status", "published")) in PUBLISHED and bool(current.get("html"))
    return Accepted(_submission(current) if public else None)


def _submission(post: Mapping[str, Any]) -> Submission:
    html, url = post["html"], post.get("url")
    fields = {
        "source": "ghost",
        "url": url,
        "external_id": post.get("id"),
        "title": post.get("title"),
        "authors": names(post.get("authors")),
        "published_at": post.get("published_at"),
        "modified_at": post.get("updated_at"),
        "content": html.replace(SITE_MARK, _origin(url)) if isinstance(html, str) else html,
        "tags": names(post.get("tags")),
    }
    return from_api(article(fields))


def _origin(url: Any) -> str:
    try:
        return parse(url).origin if isinstance(url, str) else ""
    except UrlError:
        return ""
