"""One module per way of reaching a person.

A channel takes a `Letter` and says what came of it. It tells apart what was surely not taken (try again), what was
refused for good, and what may have been taken though no answer came: that is `uncertain` and is never sent again
without a person's word.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, Protocol

from services.notify.core.links import Links
from services.notify.core.message import Message
from services.notify.core.rules import Channel


@dataclass(frozen=True, slots=True)
class Letter:
    """A message for one recipient. `message.message_id` and `delivery_id` stay the same however often it is tried."""

    message: Message
    delivery_id: str
    recipient: str
    links: Links


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of one attempt, in a plain sentence too."""

    result: Literal["delivered", "retry", "failed", "uncertain"]
    detail: str
    retry_after: timedelta | None = None
    trouble: Literal["none", "passing", "lasting"] = "none"
    """Whether the channel itself is at fault: it does not answer now, or it never will as it is configured."""


class Sender(Protocol):
    """A configured channel."""

    name: Channel

    @property
    def recipients(self) -> Sequence[str]:
        """Whom it reaches unless a route names others; one empty text where it has no recipients."""
        ...

    @property
    def address(self) -> str:
        """A digest of its configuration."""
        ...

    async def send(self, letter: Letter) -> Sent:
        """Try once. Never raises for what the other side does."""
        ...


def digest(*parts: str) -> str:
    """Names a configuration without showing it."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def clean_detail(text: str) -> str:
    """An answer of the other side, fit for logs and pages."""
    return "".join(char if char.isprintable() else " " for char in text)[:300].strip()
