"""Our own form: `POST /v1/articles`, signed by Standard Webhooks."""

from collections.abc import Sequence

from pydantic import ValidationError
from starlette.datastructures import Headers

from services.ingest.core.signature import verify_standard
from services.ingest.submission import ArticleIn, Submission, from_api
from services.ingest.webhooks.body import faults, parse_object


def read(raw: bytes, headers: Headers, secrets: Sequence[str], now: float) -> tuple[Submission, str]:
    """The article and the webhook id. Raises `Unproven`, `Unfit`."""
    ids, times, signatures = (headers.getlist(f"webhook-{name}") for name in ("id", "timestamp", "signature"))
    webhook_id = verify_standard(raw, ids, times, signatures, secrets, now)
    try:
        article = ArticleIn.model_validate(parse_object(raw))
    except ValidationError as error:
        raise faults(error) from None
    return from_api(article), webhook_id
