"""Our own form: `POST /v1/articles`, signed by Standard Webhooks.

The article stands in the body itself, or in the `data` of an event as Standard Webhooks recommends them
(`{"type", "timestamp", "data": {…}}`), where `id` and `html` are understood for `external_id` and `content`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.datastructures import Headers

from services.ingest.core.signature import verify_standard
from services.ingest.submission import from_api
from services.ingest.webhooks.body import Accepted, article, parse_object

ALIASES = {"id": "external_id", "html": "content"}


def proven_id(raw: bytes, headers: Headers, secrets: Sequence[str], now: float) -> str:
    """The webhook id. Raises `Unproven`."""
    ids, times, signatures = (headers.getlist(f"webhook-{name}") for name in ("id", "timestamp", "signature"))
    return verify_standard(raw, ids, times, signatures, secrets, now)


def read(raw: bytes, headers: Headers, secrets: Sequence[str], now: float) -> Accepted:
    """The article and the webhook id. Raises `Unproven`, `Unfit`."""
    webhook_id = proven_id(raw, headers, secrets, now)
    return Accepted(from_api(article(fields(parse_object(raw)))), webhook_id)


def fields(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The article's fields under our own names."""
    data = body.get("data")
    if "url" in body or not isinstance(data, dict):
        return body
    aliased: dict[str, Any] = {ALIASES.get(str(name), str(name)): value for name, value in data.items()}
    return aliased | {name: data[name] for name in ALIASES.values() if name in data}
