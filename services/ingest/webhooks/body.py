"""Bytes of a proven delivery to a JSON object; every way to be malformed is a client's error."""

import json
from typing import Any

from pydantic import ValidationError

from shared.errors import CitewatchError


class Unfit(CitewatchError):
    """Proven, but nothing that can be taken in. `status` 400 or 422."""

    def __init__(self, detail: str, status: int = 422) -> None:
        super().__init__(detail)
        self.status = status


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Unfit("A key of the JSON is there twice.")
    return found


def parse_object(raw: bytes) -> dict[str, Any]:
    """The JSON object of a body. Raises `Unfit`."""
    try:
        value = json.loads(raw, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise Unfit("The body is not JSON.", 400) from None
    if not isinstance(value, dict):
        raise Unfit("The body is not a JSON object.")
    return value


def faults(error: ValidationError) -> Unfit:
    """What to mend in a body that does not fit."""
    text = "; ".join(
        f"{'/'.join(str(part) for part in one['loc']) or 'body'}: {one['msg']}"
        for one in error.errors(include_url=False)
    )
    return Unfit(f"Mend these fields: {text}")
