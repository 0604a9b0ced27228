"""robots.txt (RFC 9309): asked once a host and hour, through the same vetted door as every page.

4xx: everything is allowed (§2.3.1.3). 5xx or no answer: nothing is, for now (§2.3.1.4) - unless the page's own host
cannot be reached at all, which the page's fetch then tells better.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from protego import Protego

from shared.clock import Clock
from shared.outbound.client import Session
from shared.outbound.coding import decode
from shared.outbound.exchange import Exchange, Fault
from shared.urls import UrlError, parse

FRESH = timedelta(hours=1)
RETRY = timedelta(minutes=5)
MAX_BYTES = 512_000
"""RFC 9309 §2.5: at least 500 KiB are read."""
MAX_REDIRECTS = 5
KEPT = 4096
DEADLINE = 10.0
REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True)
class _Rules:
    until: datetime
    parsed: Protego | None
    """None: all is allowed."""
    silent: bool = False
    """The host gave no rules and no refusal of them either (5xx, no answer)."""


class Robots:
    """The rules of the hosts met lately."""

    def __init__(self, user_agent: str, clock: Clock) -> None:
        self._agent, self._clock = user_agent.partition("/")[0], clock
        self._known: OrderedDict[str, _Rules] = OrderedDict()

    async def refusal(self, session: Session, url: str, until: float) -> Fault | None:
        """Why this URL must not be fetched; None: it may."""
        parsed = parse(url)
        if parsed.scheme not in ("http", "https"):
            return None
        origin = parsed.origin
        rules = self._known.get(origin)
        if rules is None or rules.until <= self._clock.now():
            rules = await self._ask(session, origin, until)
            self._remember(origin, rules)
        if rules.silent:
            return Fault("robots", "The host's robots.txt fails, so nothing may be fetched for now.")
        if rules.parsed is not None and not rules.parsed.can_fetch(url, self._agent):
            return Fault("robots", "The host's robots.txt asks not to fetch this page.")
        return None

    def _remember(self, origin: str, rules: _Rules) -> None:
        self._known[origin] = rules
        self._known.move_to_end(origin)
        while len(self._known) > KEPT:
            self._known.popitem(last=False)

    async def _ask(self, session: Session, origin: str, until: float) -> _Rules:
        now = self._clock.now()
        found = await self._get(session, f"{origin}/robots.txt", until)
        if isinstance(found, Fault):
            return _Rules(now + RETRY, None)  # the page's own fetch will say what is wrong with the host
        if found.status >= 500:
            return _Rules(now + RETRY, None, silent=True)
        if found.status != 200:
            return _Rules(now + FRESH, None)
        body, _ = decode(found, MAX_BYTES)
        return _Rules(now + FRESH, Protego.parse(body.decode("utf-8", "replace")))

    async def _get(self, session: Session, url: str, until: float) -> Exchange | Fault:
        found: Exchange | Fault = Fault("too_many_redirects")
        for _ in range(MAX_REDIRECTS + 1):
            left = min(DEADLINE, until - asyncio.get_running_loop().time())
            found = await session.exchange("GET", url, deadline=left, max_body=MAX_BYTES)
            if isinstance(found, Fault) or found.status not in REDIRECTS or not found.header("location"):
                return found
            try:
                url = parse(found.header("location") or "", url).href.partition("#")[0]
            except UrlError:
                return found
        return found
