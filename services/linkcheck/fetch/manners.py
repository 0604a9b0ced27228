"""How often a host is asked, and when it wants to be left alone."""

import asyncio
import re
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from shared.outbound.egress import AddressPolicy
from shared.outbound.exchange import Exchange

USUAL_DELAY = 1.0
"""Seconds between two requests to a host of others."""
LONGEST_RETRY = timedelta(days=1)
KEPT = 8192
_SECONDS = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Manners:
    """What the operator settled. `delay` None: a second, but none for hosts inside `ALLOW_NETWORKS`."""

    delay: float | None
    robots: bool
    user_agent: str


class Pace:
    """The pauses between requests to each host, for all fetches of a process.

    A fetch takes the next free moment of its host before it waits for it, so that any number of them keeps the pace.
    Between processes the leases of hosts do the same.
    """

    def __init__(self, manners: Manners, policy: AddressPolicy) -> None:
        self._manners, self._policy = manners, policy
        self._free_at: OrderedDict[str, float] = OrderedDict()
        self._ours: set[str] = set()

    async def wait(self, host: str, *, patience: float = float("inf")) -> None:
        """Until the host may be asked again, but no longer than `patience` seconds (of a host met by a redirect)."""
        delay = self._delay(host)
        if not delay:
            return
        now = asyncio.get_running_loop().time()
        moment = min(max(now, self._free_at.get(host, 0.0)), now + patience)
        self._free_at[host] = max(moment + delay, self._free_at.get(host, 0.0))
        self._free_at.move_to_end(host)
        if len(self._free_at) > KEPT:
            self._free_at.popitem(last=False)
        if moment > now:
            await asyncio.sleep(moment - now)

    def seen(self, host: str, exchange: Exchange) -> None:
        """A host answered: one in `ALLOW_NETWORKS` needs no pause unless one is set."""
        if self._manners.delay is not None or host in self._ours or len(self._ours) >= KEPT:
            return
        if self._policy.opened(exchange.peer.address):
            self._ours.add(host)

    def done(self, host: str, *, asked: bool) -> None:
        """A fetch is over: the pause begins now. There is none where the host was not asked after all."""
        if host in self._free_at:
            now = asyncio.get_running_loop().time()
            self._free_at[host] = max(self._free_at[host], now + self._delay(host)) if asked else now

    def _delay(self, host: str) -> float:
        if self._manners.delay is not None:
            return self._manners.delay
        return 0.0 if host in self._ours else USUAL_DELAY


def retry_at(exchange: Exchange, now: datetime) -> datetime | None:
    """`Retry-After` (RFC 9110 §10.2.3) of a 429 or 5xx: seconds or a date; at most a day away."""
    value = (exchange.header("retry-after") or "").strip()
    if not value or not (exchange.status == 429 or exchange.status >= 500):
        return None
    wanted = now + timedelta(seconds=min(int(value), 10**7)) if _SECONDS.fullmatch(value) else _date(value)
    return min(wanted, now + LONGEST_RETRY) if wanted is not None and wanted > now else None


def _date(value: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
