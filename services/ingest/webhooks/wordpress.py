"""WordPress: a post as its webhook plugins and the REST API write it, signed with the header of WooCommerce.

Both shapes are taken: REST (`{"id", "link", "title": {"rendered"}, "content": {"rendered"}, "date_gmt", "status"}`),
and hooks with the row of the database (`{"post": {"ID", "post_title", "post_content", …}, "post_permalink"}`).
"""

from typing import Any

from pydantic import ValidationError
from starlette.datastructures import Headers

from services.ingest.core.signature import verify_wordpress
from services.ingest.submission import ArticleIn, Submission
from services.ingest.webhooks.body import Unfit, faults, parse_object


def read(raw: bytes, headers: Headers, secret: str, now: float) -> tuple[Submission | None, str | None]:
    """The post, when it is published, and the delivery id if there is one. Raises `Unproven`, `Unfit`."""
    verify_wordpress(raw, headers.getlist("x-wc-webhook-signature"), secret)
    post = _rest(parse_object(raw))
    delivery = headers.get("x-wc-webhook-delivery-id")
    key = delivery if delivery and delivery.isalnum() and len(delivery) <= 255 else None
    if post["status"] not in ("publish", "published"):
        return None, key
    try:
        article = ArticleIn.model_validate({name: value for name, value in post.items() if name != "status"})
    except ValidationError as error:
        raise faults(error) from None
    return (
        Submission(
            source="wordpress", url=article.url, content=article.content, external_id=article.external_id,
            title=article.title, published_at=article.published_at,
        ),
        key,
    )  # fmt: skip


def _rest(body: dict[str, Any]) -> dict[str, Any]:
    row = body.get("post")
    if isinstance(row, dict):
        return {
            "external_id": str(row.get("ID", "")) or None,
            "url": body.get("post_permalink") or row.get("guid"),
            "title": row.get("post_title"),
            "content": row.get("post_content"),
            "published_at": _gmt(row.get("post_date_gmt")),
            "status": row.get("post_status"),
        }
    if "content" not in body:
        raise Unfit("The delivery holds no post.")
    return {
        "external_id": str(body.get("id", "")) or None,
        "url": body.get("link"),
        "title": _rendered(body.get("title")),
        "content": _rendered(body["content"]),
        "published_at": _gmt(body.get("date_gmt")),
        "status": body.get("status"),
    }


def _rendered(value: Any) -> Any:
    return value.get("rendered") if isinstance(value, dict) else value


def _gmt(value: Any) -> Any:
    return value.replace(" ", "T") if isinstance(value, str) and not value.startswith("0000") else None
