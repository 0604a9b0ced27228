"""Bytes of a proven delivery to a JSON object, and to an article; every way to be malformed is the sender's error."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from services.ingest.submission import ArticleIn, Submission
from shared.errors import CitewatchError, faults

MAX_DEPTH = 100
"""Levels of a JSON body. No content system nests deeper, and a limit of our own does not hang on the interpreter's."""


class Unfit(CitewatchError):
    """Proven, but nothing that can be taken in. `status` 400 or 422."""

    def __init__(self, detail: str, status: int = 422) -> None:
        super().__init__(detail)
        self.status = status


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a proven delivery holds."""

    submission: Submission | None
    """None: nothing to take in (a draft, a deletion); the sender is thanked all the same."""
    delivery_id: str | None = None
    """The delivery's own id, the same when it is sent again; None where the sender gives none."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Unfit("A key of the JSON is there twice.")
    return found


def parse_object(raw: bytes) -> dict[str, Any]:
    """The JSON object of a body. Raises `Unfit`: 400 for no JSON, 422 for JSON of another kind."""
    try:
        value = json.loads(raw, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise Unfit("The body is not JSON.", 400) from None
    if _too_deep(value):
        raise Unfit(f"The JSON is nested more than {MAX_DEPTH} levels deep.", 400)
    if not isinstance(value, dict):
        raise Unfit("The body is not a JSON object.")
    return value


def _too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return False
    return True


def article(fields: Mapping[str, Any]) -> ArticleIn:
    """Fields under our own names as an article. Raises `Unfit` naming what to mend."""
    try:
        return ArticleIn.model_validate(fields)
    except ValidationError as error:
        raise Unfit(f"Mend these fields: {told(error)}") from None


def told(error: ValidationError, whole: str = "body") -> str:
    """What does not fit, field by field, without the values."""
    found = faults(error.errors(include_url=False, include_input=False), whole)
    return "; ".join(f"{where}: {what}" for where, what in found) + "."


def word(name: str, value: Any) -> str | None:
    """The value of a field that decides whether there is an article at all. Raises `Unfit` where it is no text."""
    if value is None or isinstance(value, str):
        return value
    raise Unfit(f"Mend these fields: {name}: it must be a text.")


def names(value: Any) -> list[str]:
    """The `name` of every object in a list, as content systems write authors and tags."""
    found = [one.get("name") for one in value if isinstance(one, dict)] if isinstance(value, list) else []
    return [name for name in found if isinstance(name, str) and name]
