"""How often a host is asked, and when it wants to be left alone."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from shared.outbound.egress import AddressPolicy
from shared.outbound.exchange import Exchange

USUAL_DELAY = 1.0
"""Seconds between two requests to a host of others."""
LONGEST_RETRY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Manners:
    """What the operator settled. `delay` None: a second, but none for hosts inside `ALLOW_NETWORKS`."""

    delay: float | None
    robots: bool
    user_agent: str


class Pace:
    """The pause between two requests of one turn."""

    def __init__(self, manners: Manners, policy: AddressPolicy) -> None:
        self._manners, self._policy = manners, policy
        self._next = 0.0
        self._delay = manners.delay or 0.0

    async def wait(self, _: str) -> None:
        """Until the host may be asked again."""
        left = self._next - asyncio.get_running_loop().time()
        if left > 0:
            await asyncio.sleep(left)

    def seen(self, _: str, exchanges: Sequence[Exchange]) -> None:
        """A request is over: the pause begins."""
        if self._manners.delay is None and exchanges:
            ours = self._policy.opened(exchanges[0].peer.address)
            self._delay = 0.0 if ours else USUAL_DELAY
        self._next = asyncio.get_running_loop().time() + self._delay


def retry_at(exchange: Exchange, now: datetime) -> datetime | None:
    """`Retry-After` (RFC 9110 §10.2.3) of a 429 or 503: seconds or a date; at most a day away."""
    value = exchange.header("retry-after")
    if exchange.status not in (429, 503) or not value:
        return None
    if value.strip().isdecimal() and len(value) < 9:
        wanted = now + timedelta(seconds=int(value))
    else:
        try:
            wanted = parsedate_to_datetime(value)
        except (ValueError, TypeError):
            return None
        if wanted.tzinfo is None:
            wanted = wanted.replace(tzinfo=UTC)
    return min(wanted, now + LONGEST_RETRY) if wanted > now else None
