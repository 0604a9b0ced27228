"""Ghost: `{"post": {"current": {…}, "previous": {…}}}`, with no event's name and no delivery id.

What happened is told by the post itself: published posts are taken in, everything else is answered and left.
"""

from typing import Any

from pydantic import ValidationError
from starlette.datastructures import Headers

from services.ingest.core.signature import verify_ghost
from services.ingest.submission import ArticleIn, Submission
from services.ingest.webhooks.body import Unfit, faults, parse_object


def read(raw: bytes, headers: Headers, secret: str, now: float) -> tuple[Submission | None, None]:
    """The post, when it is published; there is no delivery id. Raises `Unproven`, `Unfit`."""
    verify_ghost(raw, headers.getlist("x-ghost-signature"), secret, now)
    body = parse_object(raw)
    item = body.get("post") or body.get("page")
    current = item.get("current") if isinstance(item, dict) else None
    if not isinstance(current, dict):
        raise Unfit("The delivery holds neither a post nor a page.")
    if current.get("status") not in ("published", "sent") or not current.get("html"):
        return None, None
    return _submission(current), None


def _submission(post: dict[str, Any]) -> Submission:
    authors = [one.get("name") for one in post.get("authors") or () if isinstance(one, dict)]
    tags = [one.get("name") for one in post.get("tags") or () if isinstance(one, dict)]
    try:
        article = ArticleIn.model_validate(
            {
                "url": post.get("canonical_url") or post.get("url"),
                "external_id": post.get("id"),
                "title": post.get("title"),
                "authors": [name for name in authors if name],
                "published_at": post.get("published_at"),
                "content": post["html"],
                "tags": [name for name in tags if name],
            }
        )
    except ValidationError as error:
        raise faults(error) from None
    return Submission(
        source="ghost", url=article.url, content=article.content, external_id=article.external_id,
        title=article.title, authors=article.authors, published_at=article.published_at, tags=article.tags,
    )  # fmt: skip
