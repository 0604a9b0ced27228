"""One request to a stranger: vetted, bounded, recorded. Never follows a redirect; keeps no cookie, sends no referrer.

Outbound.session() ─► Session.exchange(…) ─► Exchange | Fault
                        egress (may we?) ─► resolver (where?) ─► dial (exactly there) ─► wire (HTTP)
"""

import asyncio
import copy
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from shared.clock import Clock, SystemClock
from shared.outbound.dial import dial, tls_context
from shared.outbound.egress import AddressPolicy, is_local, judge_text
from shared.outbound.exchange import Exchange, Fault, FaultError, Peer, Phases
from shared.outbound.proxy import NoWayOut, Proxy, ProxyUrl
from shared.outbound.resolver import Resolver
from shared.outbound.wire import Answer, Connection
from shared.urls import Url, UrlError, parse

Headers = Sequence[tuple[str, str]]
MAX_BODY = 16 * 1024 * 1024
IDLE_CONNECTIONS = 4
REPEATABLE = frozenset({"GET", "HEAD"})
"""Requests that may go out on a kept connection, and once more when that has died meanwhile."""


@dataclass(slots=True)
class _Kept:
    connection: Connection
    peer: Peer


class Outbound:
    """The one door to the outside; shared by a whole process, has no state between requests."""

    def __init__(
        self, policy: AddressPolicy, resolver: Resolver, *, user_agent: str, ca_file: Path | None = None,
        clock: Clock | None = None, proxy: ProxyUrl | None = None,
    ) -> None:  # fmt: skip
        self.policy, self.resolver, self.user_agent = policy, resolver, user_agent
        self.clock = clock or SystemClock()
        self.tls = tls_context(ca_file)
        self._proxy = proxy

    def through(self, proxy: ProxyUrl) -> "Outbound":
        """The same door by a second way out. Its requests raise `NoWayOut` when the proxy does not do its part."""
        other = copy.copy(self)
        other._proxy = proxy
        return other

    async def proxy(self, until: float) -> Proxy | None:
        """The proxy on the way, looked up; None: there is none."""
        if self._proxy is None:
            return None
        try:
            async with asyncio.timeout_at(until):
                address, *_ = await self.resolver.resolve(self._proxy.host)
        except (TimeoutError, FaultError) as error:
            raise NoWayOut("The proxy of the second way out cannot be found.") from error
        return Proxy(address, self._proxy.port, self._proxy.authorization)

    @asynccontextmanager
    async def session(self) -> AsyncIterator["Session"]:
        """Keeps connections for a series of requests (one host's turn); closes them all at the end."""
        session = Session(self)
        try:
            yield session
        finally:
            session.close()

    async def exchange(
        self, method: str, url: str, *, headers: Headers = (), body: bytes = b"", deadline: float,
        max_body: int = MAX_BODY,
    ) -> Exchange | Fault:  # fmt: skip
        """One request on a connection of its own. `deadline` in seconds from now."""
        async with self.session() as session:
            return await session.exchange(method, url, headers=headers, body=body, deadline=deadline, max_body=max_body)

    def judge(self, written: str, url: Url) -> Fault | None:
        """What forbids a URL before its name is resolved; None: nothing."""
        known = self.resolver.overridden(url.host)
        return self.policy.judge_url(url, known=known) or judge_text(written, url)

    async def addresses(self, url: Url, until: float) -> list[str]:
        """All addresses of a URL's host, each vetted. `until`: loop time. Raises `FaultError`."""
        try:
            async with asyncio.timeout_at(until):
                answers = await self.resolver.resolve(url.address)
        except TimeoutError:
            raise FaultError("dns_failure", f"No name server told the address of {url.host} in time.") from None
        except FaultError as error:
            if is_local(url.host):
                raise FaultError("private_address", f"{url.host} is not a name of the public internet.") from error
            raise
        fault = self.policy.judge_answers(url, answers)
        if fault is not None:
            raise FaultError(fault.reason, fault.detail)
        return answers


class Session:
    """Connections kept by (scheme, host, port)."""

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound
        self._kept: dict[tuple[str, str, int], _Kept] = {}

    def close(self) -> None:
        """Close what is kept."""
        for kept in self._kept.values():
            kept.connection.close()
        self._kept.clear()

    async def exchange(
        self, method: str, url: str, *, headers: Headers = (), body: bytes = b"", deadline: float,
        max_body: int = MAX_BODY,
    ) -> Exchange | Fault:  # fmt: skip
        """One request, one answer. `deadline`: seconds from now, over name, connection and body together.

        `max_body`: wire bytes of the body that are kept; a longer one is cut there, which is no fault. A header of
        ours with a line break in it raises `ValueError`.
        """
        try:
            parsed = parse(url)
        except UrlError as error:
            return Fault(error.reason, str(error))
        fault = self._outbound.judge(url, parsed)
        if fault is not None:
            return fault
        head = _request_head(self._outbound.user_agent, method, parsed, headers, body)
        request = _Request(method, parsed, head, body)
        until = asyncio.get_running_loop().time() + deadline
        try:
            return await self._attempt(request, until, max_body)
        except FaultError as error:
            return error.fault

    async def _attempt(self, request: "_Request", until: float, max_body: int) -> Exchange:
        """On the kept connection; when that has died meanwhile, once more on a new one."""
        kept = self._kept.pop(request.key, None) if request.method in REPEATABLE else None
        if kept is not None and not kept.connection.closed:
            try:
                return await self._on(kept, request, Phases(), until, max_body)
            except FaultError as error:
                if error.fault.reason != "reset" or kept.connection.answering:
                    raise
        kept, phases = await self._connect(request.url, until)
        return await self._on(kept, request, phases, until, max_body)

    async def _on(self, kept: _Kept, request: "_Request", phases: Phases, until: float, max_body: int) -> Exchange:
        loop = asyncio.get_running_loop()
        started, started_at = loop.time(), self._outbound.clock.now()
        connection = kept.connection
        try:
            async with asyncio.timeout_at(until):
                answer = await connection.exchange(
                    request.head + request.body, max_body, bodiless=request.method == "HEAD"
                )
        except TimeoutError:
            connection.close()
            answer = _cut_by_time(connection, loop.time())
        except BaseException:
            connection.close()
            raise
        self._put_back(request.key, kept, answer)
        return Exchange(
            url=request.url.href.partition("#")[0],
            request_head=request.head,
            response_head=answer.head,
            status=answer.status,
            headers=answer.headers,
            body=answer.body.getvalue(),
            truncated=answer.truncated,
            peer=kept.peer,
            phases=replace(
                phases, first_byte=answer.first_byte_at - started, body=answer.done_at - answer.first_byte_at
            ),
            started_at=started_at,
        )

    def _put_back(self, key: tuple[str, str, int], kept: _Kept, answer: Answer) -> None:
        if answer.reusable and key not in self._kept and len(self._kept) < IDLE_CONNECTIONS:
            self._kept[key] = kept
        else:
            kept.connection.close()

    async def _connect(self, url: Url, until: float) -> tuple[_Kept, Phases]:
        loop = asyncio.get_running_loop()
        started = loop.time()
        addresses = await self._outbound.addresses(url, until)
        resolved = loop.time() - started
        tls = self._outbound.tls if url.scheme == "https" else None
        proxy = await self._outbound.proxy(until)
        found = await dial(url.address, addresses, url.port, tls, until, proxy)
        return _Kept(found.connection, found.peer), Phases(dns=resolved, connect=found.connect, tls=found.tls)


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    url: Url
    head: bytes
    body: bytes

    @property
    def key(self) -> tuple[str, str, int]:
        return self.url.scheme, self.url.host, self.url.port


def _request_head(user_agent: str, method: str, url: Url, headers: Headers, body: bytes) -> bytes:
    """Request line and headers. Raises `ValueError` for a line break or NUL in any of them."""
    target, _, _ = url.href[len(url.origin) :].partition("#")
    lines = [f"{method} {target} HTTP/1.1", f"Host: {url.origin.partition('://')[2]}"]
    if not any(name.lower() == "user-agent" for name, _ in headers):
        lines.append(f"User-Agent: {user_agent}")
    lines += [f"{name}: {value}" for name, value in headers]
    if body or method in ("POST", "PUT", "PATCH"):
        lines.append(f"Content-Length: {len(body)}")
    head = "\r\n".join(lines) + "\r\n\r\n"
    if head.count("\n") != len(lines) + 1 or head.count("\r") != len(lines) + 1 or "\0" in head:
        raise ValueError("a header of ours holds a line break or NUL")
    return head.encode("latin-1", "replace")


def _cut_by_time(connection: Connection, now: float) -> Answer:
    """The deadline came in mid-answer: a head with part of a body is evidence, cut by time; less is a fault."""
    answer = connection.partial()
    if answer is not None:
        answer.truncated, answer.reusable, answer.done_at = "time", False, now
        return answer
    if connection.answering:
        raise FaultError("total_timeout", "The server began to answer but did not end its header block in time.")
    raise FaultError("read_timeout", "The server accepted the request and sent no answer in time.")
