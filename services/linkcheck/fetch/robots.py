"""robots.txt (RFC 9309): asked once a host and hour, through the same vetted door as every page.

| robots.txt                        | the page                                                                    |
| --------------------------------- | --------------------------------------------------------------------------- |
| 200                               | its rules, first 500 KiB of them                                            |
| 4xx, endless redirects            | may be fetched (§2.3.1.2, §2.3.1.3)                                         |
| 5xx                               | not now (§2.3.1.4): wait, and ask again in five minutes                     |
| no connection (DNS, refused, TLS) | the same fault: it is the same server                                       |
| a connection, but no answer       | is tried for its own fault; if it does answer, it is left alone for now     |

The last two keep a dead host from being called walled.
"""

import asyncio
import re
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from protego import Protego

from services.linkcheck.fetch.manners import retry_at
from services.linkcheck.fetch.redirects import target_of
from shared.clock import Clock
from shared.outbound.client import Session
from shared.outbound.coding import ACCEPT_ENCODING, decode
from shared.outbound.exchange import Exchange, Fault, FaultReason
from shared.urls import Url

FRESH = timedelta(hours=1)
RETRY = timedelta(minutes=5)
MAX_BYTES = 512_000
"""RFC 9309 §2.5: at least 500 KiB are read."""
MAX_REDIRECTS = 5
KEPT = 4096
SHARE = 1 / 3
"""Part of a fetch's time that robots.txt may take."""
LONG = 32_768
"""Rules longer than this are read in a thread, so that the loop goes on."""
ASKS = (("Accept", "text/plain,*/*;q=0.8"), ("Accept-Encoding", ACCEPT_ENCODING))

Standing = Literal["rules", "open", "failing", "silent"]
_UNANSWERED: frozenset[FaultReason] = frozenset({"read_timeout", "total_timeout", "reset", "protocol_error"})
"""Faults of a server that accepted the connection."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a host says at one time."""

    standing: Standing
    until: datetime
    parsed: Protego | None = None
    long: bool = False


@dataclass(frozen=True, slots=True)
class Leave:
    """Whether a page may be fetched."""

    fault: Fault | None = None
    """Why not."""
    probation: bool = False
    """robots.txt had no answer: an answer of the page is not to be used."""
    retry_at: datetime | None = None


FAILING = Fault("robots", "The host's robots.txt fails, so nothing may be fetched from it for now.")
REFUSED = Fault("robots", "The host's robots.txt asks not to fetch this page.")
UNANSWERED = Fault("robots", "The host's robots.txt has no answer, so its pages are left alone for now.")


class Robots:
    """The rules of the hosts met lately."""

    def __init__(self, user_agent: str, clock: Clock) -> None:
        self._token, self._clock = product_token(user_agent), clock
        self._known: OrderedDict[str, Rules] = OrderedDict()

    async def leave(self, session: Session, url: Url, until: float) -> Leave:
        """Whether this URL may be fetched. `until`: loop time at which the fetch ends."""
        rules = self._known.get(url.origin)
        if rules is None or rules.until <= self._clock.now():
            found = await self._ask(session, url.origin, until)
            if isinstance(found, Fault):
                return Leave(found)
            rules = found
            self._remember(url.origin, rules)
        if rules.standing == "failing":
            return Leave(FAILING, retry_at=rules.until)
        if rules.standing == "silent":
            return Leave(probation=True, retry_at=rules.until)
        return Leave() if await self._permits(rules, url.href) else Leave(REFUSED)

    async def _permits(self, rules: Rules, href: str) -> bool:
        if rules.parsed is None:
            return True
        if rules.long:
            return await asyncio.to_thread(rules.parsed.can_fetch, href, self._token)
        return bool(rules.parsed.can_fetch(href, self._token))

    def _remember(self, origin: str, rules: Rules) -> None:
        self._known[origin] = rules
        self._known.move_to_end(origin)
        while len(self._known) > KEPT:
            self._known.popitem(last=False)

    async def _ask(self, session: Session, origin: str, until: float) -> Rules | Fault:
        """The host's rules, or the fault for which there is no connection to it."""
        loop, now = asyncio.get_running_loop(), self._clock.now()
        found = await self._get(session, f"{origin}/robots.txt", loop.time() + SHARE * (until - loop.time()))
        if isinstance(found, Fault):
            return Rules("silent", now + RETRY) if found.reason in _UNANSWERED else found
        if found.status >= 500:
            return Rules("failing", max(now + RETRY, retry_at(found, now) or now))
        if not 200 <= found.status < 300:
            return Rules("open", now + FRESH)
        body, _ = decode(found, MAX_BYTES)
        text, long = body.decode("utf-8-sig", "replace"), len(body) > LONG
        parsed = await asyncio.to_thread(Protego.parse, text) if long else Protego.parse(text)
        return Rules("rules", now + FRESH, parsed, long)

    async def _get(self, session: Session, url: str, until: float) -> Exchange | Fault:
        loop = asyncio.get_running_loop()
        for number in range(MAX_REDIRECTS + 1):
            left = max(0.0, until - loop.time())
            found = await session.exchange("GET", url, headers=ASKS, deadline=left, max_body=MAX_BYTES)
            if isinstance(found, Fault) and number:
                return _elsewhere(found)
            target = None if isinstance(found, Fault) else target_of(found)
            if not isinstance(target, str):
                return found
            url = target
        return found


def _elsewhere(fault: Fault) -> Fault:
    """robots.txt redirected to where nothing answers: that tells nothing of the page's own host."""
    return Fault("read_timeout", f"robots.txt leads elsewhere, and there: {fault.reason}.")


_COMPATIBLE = re.compile(r"\(compatible;\s*([A-Za-z_-]+)")
_PRODUCT = re.compile(r"[A-Za-z_-]+")


def product_token(user_agent: str) -> str:
    """The name that robots.txt calls us by (RFC 9309 §2.2.1): `Citewatch` of `Citewatch/0.1 (+https://…)`."""
    found = _COMPATIBLE.search(user_agent)
    if found is not None:
        return found[1]
    product = _PRODUCT.match(user_agent)
    return product[0] if product else "*"
