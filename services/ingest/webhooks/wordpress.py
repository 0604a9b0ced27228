"""WordPress: a post, as its webhook plugins write it. WordPress itself sends none, so that there is no one form.

Proof: Standard Webhooks, or an HMAC-SHA256 over the body in one of the headers of `SIGNATURES`, with the secret of
CITEWATCH_WORDPRESS_SECRET. Body: the REST form of a post (`{"id", "link", "title": {"rendered"}, …}`), the row of the
database as hooks hand it over (`{"post": {"ID", "post_title", …}, "post_permalink"}`), or our own form.
`deploy/wordpress/citewatch.php` is a small plugin that sends the first.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from html import unescape
from typing import Any

from starlette.datastructures import Headers

from services.ingest.core.signature import ID, Unproven, verify_body
from services.ingest.submission import from_api
from services.ingest.webhooks import native
from services.ingest.webhooks.body import Accepted, Unfit, article, names, parse_object, word

SIGNATURES = (
    ("x-wc-webhook-signature", "base64"),  # WooCommerce, and plugins that follow it
    ("x-hub-signature-256", "hex"),  # as GitHub signs; many plugins and small themes
    ("x-webhook-signature", "hex"),
)
DELIVERY_IDS = ("x-wc-webhook-delivery-id", "x-github-delivery")
PUBLISHED = frozenset({"publish", "published"})
NO_ARTICLES = frozenset({"revision", "attachment", "nav_menu_item", "customize_changeset", "oembed_cache"})
_TAG = re.compile(r"<[^>]*>")


def read(raw: bytes, headers: Headers, secrets: Sequence[str], now: float) -> Accepted:
    """The post, when it is published, and the delivery's id. Raises `Unproven`, `Unfit`."""
    delivery_id = _proven(raw, headers, secrets, now)
    found = _fields(parse_object(raw))
    status, kind = word("status", found.pop("status", None)), word("type", found.pop("type", None))
    if (status is not None and status not in PUBLISHED) or kind in NO_ARTICLES:
        return Accepted(None, delivery_id)
    return Accepted(from_api(article(found | {"source": "wordpress"})), delivery_id)


def _proven(raw: bytes, headers: Headers, secrets: Sequence[str], now: float) -> str | None:
    """The delivery's id."""
    if "webhook-signature" in headers:
        return native.proven_id(raw, headers, secrets, now)
    given = next(((name, encoding) for name, encoding in SIGNATURES if name in headers), None)
    if given is None:
        raise Unproven(f"Sign the body in {SIGNATURES[0][0]} (base64 of its HMAC-SHA256), or by Standard Webhooks.")
    verify_body(raw, headers.getlist(given[0]), given[1], secrets)
    ids = [value for name in DELIVERY_IDS for value in headers.getlist(name)]
    return ids[0] if len(ids) == 1 and ID.fullmatch(ids[0]) else None


def _fields(body: dict[str, Any]) -> dict[str, Any]:
    """The post under our own names, with its `status` and `type`."""
    row = body.get("post")
    if isinstance(row, dict) and "post_content" in row:
        return _from(ROW, row | {"post_permalink": body.get("post_permalink") or row.get("guid")})
    if isinstance(row, dict):
        return _from(REST, row)
    if "link" in body:
        return _from(REST, body)
    own = native.fields(body)
    if "url" not in own:
        raise Unfit("The delivery holds no post: there is no link, post or url in it.")
    return dict(own)


def _from(form: Mapping[str, tuple[str, Callable[[Any], Any]]], post: Mapping[str, Any]) -> dict[str, Any]:
    return {name: read_value(post.get(theirs)) for name, (theirs, read_value) in form.items()}


def _same(value: Any) -> Any:
    return value


def _id(value: Any) -> Any:
    return str(value) if isinstance(value, int) else value


def _rendered(value: Any) -> Any:
    """REST wraps text: `{"rendered": …}`."""
    return value.get("rendered") if isinstance(value, dict) else value


def _plain(value: Any) -> Any:
    """A title is HTML in WordPress."""
    text = _rendered(value)
    return unescape(_TAG.sub("", text)).strip() if isinstance(text, str) else text


def _gmt(value: Any) -> Any:
    """WordPress writes times in UTC without saying so, and zeros for none."""
    return value if isinstance(value, str) and not value.startswith("0000") else None


REST = {
    "external_id": ("id", _id),
    "url": ("link", _same),
    "title": ("title", _plain),
    "content": ("content", _rendered),
    "published_at": ("date_gmt", _gmt),
    "modified_at": ("modified_gmt", _gmt),
    "authors": ("authors", names),
    "tags": ("tags", names),
    "status": ("status", _same),
    "type": ("type", _same),
}
ROW = {
    "external_id": ("ID", _id),
    "url": ("post_permalink", _same),
    "title": ("post_title", _plain),
    "content": ("post_content", _same),
    "published_at": ("post_date_gmt", _gmt),
    "modified_at": ("post_modified_gmt", _gmt),
    "status": ("post_status", _same),
    "type": ("post_type", _same),
}
