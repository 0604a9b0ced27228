"""Fetching one link as evidence: hops, conditions, manners. Judges nothing.

Fetcher.session() ─► Session.fetch(url) ─► Fetched
                       manners (when?) ─► robots (may we?) ─► shared.outbound (one hop) ─► redirects (where next?)
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from services.linkcheck.fetch.manners import Manners, Pace, retry_at
from services.linkcheck.fetch.redirects import target_of
from services.linkcheck.fetch.robots import UNANSWERED, Leave, Robots
from shared.outbound.client import Outbound
from shared.outbound.client import Session as OutboundSession
from shared.outbound.coding import ACCEPT_ENCODING
from shared.outbound.exchange import Exchange, Fault, Truncation
from shared.outbound.proxy import ProxyUrl
from shared.urls import Url, UrlError, parse

MAX_HOPS = 20
"""Redirects that are followed, as browsers do (WHATWG Fetch §4.4)."""
HTML_FIRST = (
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
    """Until when the host wants to be left alone (`Retry-After`, or a robots.txt that fails)."""

    @property
    def final_url(self) -> str:
        """The last URL that answered, or the one asked."""
        return self.exchanges[-1].url if self.exchanges else self.requested

    @property
    def not_modified(self) -> bool:
        """Whether the answer is a 304 to conditions of ours."""
        return self.fault is None and bool(self.exchanges) and self.exchanges[-1].status == HTTPStatus.NOT_MODIFIED

    @property
    def truncated(self) -> Truncation | None:
        """Why the last body is not whole."""
        return self.exchanges[-1].truncated if self.exchanges else None

    def phases(self) -> Mapping[str, float]:
        """Seconds by phase, summed over the hops."""
        totals: dict[str, float] = {}
        for exchange in self.exchanges:
            for name in ("dns", "connect", "tls", "first_byte", "body"):
                seconds = getattr(exchange.phases, name)
                if seconds is not None:
                    totals[name] = totals.get(name, 0.0) + seconds
        return totals


@dataclass(frozen=True, slots=True)
class Validators:
    """What a server said of the version that we have, to ask whether it still holds (RFC 9110 §13.1)."""

    url: str
    etag: str | None = None
    last_modified: str | None = None

    def headers(self, url: str) -> tuple[tuple[str, str], ...]:
        """The conditions for one hop: they hold for the URL that gave them, and for no other."""
        if url != self.url:
            return ()
        asked = (("If-None-Match", self.etag), ("If-Modified-Since", self.last_modified))
        return tuple((name, value) for name, value in asked if value and value.isprintable())


class Fetcher:
    """Fetches links for as many sessions as there are hosts in turn."""

    def __init__(self, outbound: Outbound, manners: Manners, *, deadline: float, max_body_bytes: int) -> None:
        self.outbound, self.manners = outbound, manners
        self.deadline, self.max_body_bytes = deadline, max_body_bytes
        self.pace = Pace(manners, outbound.policy)
        self.robots = Robots(manners.user_agent, outbound.clock) if manners.robots else None

    def through(self, proxy: ProxyUrl) -> "Fetcher":
        """The same by a second way out, at the same pace. What robots.txt says is asked that way too.

        Fetches raise `NoWayOut` when the proxy does not do its part.
        """
        other = Fetcher(
            self.outbound.through(proxy), self.manners, deadline=self.deadline, max_body_bytes=self.max_body_bytes
        )
        other.pace = self.pace
        return other

    @asynccontextmanager
    async def session(self) -> AsyncIterator["Session"]:
        """One host's turn, over kept connections."""
        async with self.outbound.session() as session:
            yield Session(self, session)


class Session:
    """A turn at one host (and at whatever hosts it redirects to)."""

    def __init__(self, fetcher: Fetcher, outbound: OutboundSession) -> None:
        self._fetcher, self._outbound = fetcher, outbound

    async def fetch(
        self, url: str, *, etag: str | None = None, last_modified: str | None = None, validated: str | None = None
    ) -> Fetched:
        """GET with all its redirects, under one deadline that begins after the host's pause.

        `etag` and `last_modified` are those that `validated` gave (the final URL of an earlier fetch; default: `url`).
        """
        pace = self._fetcher.pace
        try:
            asked = parse(url)
        except UrlError as error:
            return Fetched(url, (), Fault(error.reason, str(error)))
        await pace.wait(asked.host)
        validators = Validators(_bare(validated or asked.href), etag, last_modified)
        journey = _Journey(self._fetcher, self._outbound, asked.host, validators)
        try:
            fault = await journey.travel(url)
        finally:
            pace.done(asked.host, asked=journey.asked)
        return Fetched(url, tuple(journey.exchanges), fault, journey.retry_at)


class _Journey:
    """The hops of one fetch."""

    def __init__(self, fetcher: Fetcher, outbound: OutboundSession, host: str, validators: Validators) -> None:
        self._fetcher, self._outbound, self._validators = fetcher, outbound, validators
        self._paced = {host}
        self._loop = asyncio.get_running_loop()
        self._until = self._loop.time() + fetcher.deadline
        self.asked = False
        self.exchanges: list[Exchange] = []
        self.retry_at: datetime | None = None

    async def travel(self, url: str) -> Fault | None:
        """From hop to hop; returns why it ended before an answer that is no redirect."""
        visited: set[str] = set()
        while True:
            visited.add(_bare(url))
            found = await self._hop(url)
            if isinstance(found, Fault):
                return found
            self.exchanges.append(found)
            target = target_of(found)
            if target is None or isinstance(target, Fault):
                return target
            if target in visited:
                return Fault("redirect_loop", f"The redirects come back to {target}.")
            if len(visited) > MAX_HOPS:
                return Fault("too_many_redirects", f"There are more than {MAX_HOPS} redirects.")
            url = target

    async def _hop(self, written: str) -> Exchange | Fault:
        url = parse(written)
        fault = self._fetcher.outbound.judge(written, url)
        if fault is not None:
            return fault
        await self._settle_pace(url)
        leave = await self._ask_leave(url)
        self.retry_at = leave.retry_at
        if leave.fault is not None:
            return leave.fault
        left = self._until - self._loop.time()
        if left <= 0:
            return Fault("total_timeout", "The time for this link was over before its last redirect answered.")
        self.asked = True
        conditions = self._validators.headers(_bare(url.href))
        found = await self._outbound.exchange(
            "GET", written, headers=HTML_FIRST + conditions, deadline=left, max_body=self._fetcher.max_body_bytes
        )
        if isinstance(found, Fault):
            return found
        return self._received(url, found, leave, conditional=bool(conditions))

    async def _settle_pace(self, url: Url) -> None:
        """A host that a redirect leads to has its pause too, as far as the time allows."""
        if url.host not in self._paced:
            self._paced.add(url.host)
            await self._fetcher.pace.wait(url.host, patience=max(0.0, (self._until - self._loop.time()) / 2))

    async def _ask_leave(self, url: Url) -> Leave:
        if self._fetcher.robots is None:
            return Leave()
        return await self._fetcher.robots.leave(self._outbound, url, self._until)

    def _received(self, url: Url, found: Exchange, leave: Leave, *, conditional: bool) -> Exchange | Fault:
        self._fetcher.pace.seen(url.host, found)
        self.retry_at = retry_at(found, self._fetcher.outbound.clock.now()) or leave.retry_at
        if leave.probation:
            return UNANSWERED
        if found.status == HTTPStatus.NOT_MODIFIED and not conditional:
            return Fault("protocol_error", "The server says that nothing changed, though nothing was compared.")
        return found


def _bare(url: str) -> str:
    return url.partition("#")[0]
