"""One tree of errors. Foreign exceptions are translated into it once, at the adapter that meets them.

CitewatchError
├── InputError        somebody gave us something we cannot use; says what and how to mend it
│   └── SettingError  … and that something is a setting; ends the start with exit code 2
├── Unavailable       something we depend on is away: wait for it, consume nothing meanwhile
├── RetryLater        this one piece of work failed and may succeed later
└── Poison            this event can never be handled: dead letter
"""

from collections.abc import Iterable, Mapping
from typing import Any


class CitewatchError(Exception):
    """Root of all errors raised on purpose."""


class InputError(CitewatchError):
    """Bad input. `what` names it in one plain sentence, `mend` says what to do."""

    def __init__(self, what: str, mend: str = "") -> None:
        super().__init__(f"{what} {mend}".strip())
        self.what = what
        self.mend = mend


class SettingError(InputError):
    """A setting that is wrong; never carries the value of a secret."""


class Unavailable(CitewatchError):
    """A dependency (database, broker, archive) does not answer; the work waits for it."""


class RetryLater(CitewatchError):
    """This piece of work failed for now; try it again later."""


class Poison(CitewatchError):
    """This event can never be handled, however often it is tried."""


def faults(found: Iterable[Mapping[str, Any]], whole: str) -> list[tuple[str, str]]:
    """Where something does not fit its model, and what is wrong there, of what pydantic says; without the values.
    `whole` names the place of what is wrong with the whole."""
    return [
        ("/".join(map(str, one["loc"])) or whole, one["msg"].removeprefix("Value error, ").rstrip(".")) for one in found
    ]
