"""Fetching one link as evidence: hops, conditions, manners. Judges nothing.

Fetcher.session() ─► Session.fetch(url) ─► Fetched
                       robots.py  may we?      manners.py  when?      hops: here
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from services.linkcheck.fetch.manners import Manners, Pace, retry_at
from services.linkcheck.fetch.robots import Robots
from shared.outbound.client import Outbound
from shared.outbound.client import Session as OutboundSession
from shared.outbound.coding import ACCEPT_ENCODING
from shared.outbound.exchange import Exchange, Fault
from shared.urls import UrlError, parse

MAX_HOPS = 20
"""Redirects that are followed, as browsers do (WHATWG Fetch §4.4)."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})
ASKS = (
    ("Accept", "text/html,application/xhtml+xml,application/pdf;q=0.9,application/xml;q=0.9,*/*;q=0.8"),
    ("Accept-Language", "en;q=0.9,*;q=0.5"),
    ("Accept-Encoding", ACCEPT_ENCODING),
)

__all__ = ["Fetched", "Fetcher", "Manners", "Session"]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a fetch brought: every HTTP answer in order, and why there is no further one."""

    requested: str
    exchanges: tuple[Exchange, ...]
    fault: Fault | None
    retry_at: datetime | None = None
    """Until when the host asked to be left alone (`Retry-After` with 429 or 503)."""

    @property
    def final_url(self) -> str:
        """The last URL that answered, or the one asked."""
        return self.exchanges[-1].url if self.exchanges else self.requested

    @property
    def not_modified(self) -> bool:
        """Whether the answer is a 304."""
        return self.fault is None and bool(self.exchanges) and self.exchanges[-1].status == HTTPStatus.NOT_MODIFIED

    def phases(self) -> Mapping[str, float]:
        """Seconds by phase, summed over the hops."""
        totals: dict[str, float] = {}
        for exchange in self.exchanges:
            for name in ("dns", "connect", "tls", "first_byte", "body"):
                seconds = getattr(exchange.phases, name)
                if seconds is not None:
                    totals[name] = totals.get(name, 0.0) + seconds
        return totals


class Fetcher:
    """Fetches links for as many sessions as there are hosts in turn."""

    def __init__(self, outbound: Outbound, manners: Manners, *, deadline: float, max_body_bytes: int) -> None:
        self.outbound, self.manners = outbound, manners
        self.deadline, self.max_body_bytes = deadline, max_body_bytes
        self.robots = Robots(manners.user_agent, outbound.clock)

    @asynccontextmanager
    async def session(self) -> AsyncIterator["Session"]:
        """One host's turn: kept connections and a pace."""
        async with self.outbound.session() as session:
            yield Session(self, session)


class Session:
    """A turn at one host (and at whatever hosts it redirects to)."""

    def __init__(self, fetcher: Fetcher, outbound: OutboundSession) -> None:
        self._fetcher, self._outbound = fetcher, outbound
        self._pace = Pace(fetcher.manners, fetcher.outbound.policy)

    async def fetch(self, url: str, *, etag: str | None = None, last_modified: str | None = None) -> Fetched:
        """GET with all its redirects, under one deadline that begins after the host's pause."""
        await self._pace.wait(url)
        until = asyncio.get_running_loop().time() + self._fetcher.deadline
        exchanges: list[Exchange] = []
        fault = await self._follow(url, _conditions(etag, last_modified), exchanges, until)
        self._pace.seen(url, exchanges)
        pause = retry_at(exchanges[-1], self._fetcher.outbound.clock.now()) if exchanges else None
        return Fetched(url, tuple(exchanges), fault, pause)

    async def _follow(
        self, url: str, conditions: tuple[tuple[str, str], ...], exchanges: list[Exchange], until: float
    ) -> Fault | None:
        visited: set[str] = set()
        target: str | None = url
        while target is not None:
            if target in visited:
                return Fault("redirect_loop", f"The redirects come back to {target}.")
            if len(visited) > MAX_HOPS:
                return Fault("too_many_redirects", f"More than {MAX_HOPS} redirects.")
            visited.add(target)
            found = await self._hop(target, conditions if target == url else (), until)
            if isinstance(found, Fault):
                return found
            exchanges.append(found)
            target = _next(found)
        return None

    async def _hop(self, url: str, conditions: tuple[tuple[str, str], ...], until: float) -> Exchange | Fault:
        if self._fetcher.manners.robots:
            refused = await self._fetcher.robots.refusal(self._outbound, url, until)
            if refused is not None:
                return refused
        left = until - asyncio.get_running_loop().time()
        if left <= 0:
            return Fault("total_timeout", "The time for this link was over before its last redirect answered.")
        return await self._outbound.exchange(
            "GET", url, headers=ASKS + conditions, deadline=left, max_body=self._fetcher.max_body_bytes
        )


def _conditions(etag: str | None, last_modified: str | None) -> tuple[tuple[str, str], ...]:
    asked = (("If-None-Match", etag), ("If-Modified-Since", last_modified))
    return tuple((name, value) for name, value in asked if value and value.isprintable())


def _next(exchange: Exchange) -> str | None:
    """Where an answer redirects to, without fragment; None where it does not, or where no browser would go."""
    location = exchange.header("location")
    if exchange.status not in REDIRECTS or not location:
        return None
    try:
        raw = location.encode("latin-1").decode("utf-8")
    except UnicodeError:
        raw = location
    try:
        return parse(raw, exchange.url).href.partition("#")[0]
    except UrlError:
        return None
