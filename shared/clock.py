"""Time as a value that is passed in, so that tests can move it."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the wall time (aware, UTC)."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


def iso(moment: datetime) -> str:
    """RFC 3339 in UTC with a `Z`, whole seconds kept short: `2026-11-24T21:30:00Z`."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
