"""One request to a stranger: vetted, bounded, recorded. Never follows a redirect; keeps no cookie, sends no referrer.

Outbound.session() ─► Session.exchange(…) ─► Exchange | Fault
"""

import asyncio
import errno
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from shared.clock import Clock, SystemClock
from shared.outbound.egress import AddressPolicy
from shared.outbound.exchange import Exchange, Fault, FaultError, Peer, Phases
from shared.outbound.resolver import MOST, Resolver
from shared.outbound.wire import Answer, Connection, open_connection
from shared.urls import Url, UrlError, parse

Headers = Sequence[tuple[str, str]]
CONNECT = 10.0
"""Seconds for one address to answer."""
IDLE_CONNECTIONS = 4


@dataclass(slots=True)
class _Kept:
    connection: Connection
    peer: Peer


class Outbound:
    """The one door to the outside; shared by a whole process, has no state between requests."""

    def __init__(
        self, policy: AddressPolicy, resolver: Resolver, *, user_agent: str, ca_file: Path | None = None,
        clock: Clock | None = None,
    ) -> None:  # fmt: skip
        self.policy, self.resolver, self.user_agent = policy, resolver, user_agent
        self.clock = clock or SystemClock()
        self._tls = _tls_context(ca_file)

    @asynccontextmanager
    async def session(self) -> AsyncIterator["Session"]:
        """Keeps connections for a series of requests (one host's turn); closes them all at the end."""
        session = Session(self, self._tls)
        try:
            yield session
        finally:
            session.close()

    async def exchange(
        self, method: str, url: str, *, headers: Headers = (), body: bytes = b"", deadline: float,
        max_body: int = 16 * 1024 * 1024,
    ) -> Exchange | Fault:  # fmt: skip
        """One request on a connection of its own. `deadline` in seconds from now."""
        async with self.session() as session:
            return await session.exchange(method, url, headers=headers, body=body, deadline=deadline, max_body=max_body)


def _tls_context(ca_file: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    if ca_file is not None:
        context.load_verify_locations(cafile=str(ca_file))
    return context


class Session:
    """Connections kept by (scheme, host, port)."""

    def __init__(self, outbound: Outbound, tls: ssl.SSLContext) -> None:
        self._outbound, self._tls = outbound, tls
        self._kept: dict[tuple[str, str, int], _Kept] = {}

    def close(self) -> None:
        """Close what is kept."""
        for kept in self._kept.values():
            kept.connection.close()
        self._kept.clear()

    async def exchange(
        self, method: str, url: str, *, headers: Headers = (), body: bytes = b"", deadline: float,
        max_body: int = 16 * 1024 * 1024,
    ) -> Exchange | Fault:  # fmt: skip
        """One request, one answer. `deadline`: seconds from now, over name, connection and body together."""
        try:
            parsed = parse(url)
        except UrlError as error:
            return Fault("scheme", str(error))
        fault = self._outbound.policy.judge_url(parsed)
        if fault is not None and not (
            fault.reason == "private_address" and self._outbound.resolver.overridden(parsed.host)
        ):
            return fault
        request = _Request(
            method, parsed, _request_bytes(self._outbound.user_agent, method, parsed, headers, body), body
        )
        until = asyncio.get_running_loop().time() + deadline
        try:
            return await self._attempt(request, until, max_body)
        except FaultError as error:
            return error.fault

    async def _attempt(self, request: "_Request", until: float, max_body: int) -> Exchange:
        """On the kept connection; when that has died meanwhile, once more on a new one."""
        kept = self._kept.pop(request.key, None)
        if kept is not None and not kept.connection.closed:
            try:
                return await self._on(kept, request, Phases(), until, max_body)
            except FaultError as error:
                if error.fault.reason != "reset" or kept.connection.partial() is not None:
                    raise
        kept, phases = await self._connect(request.url, until)
        return await self._on(kept, request, phases, until, max_body)

    async def _on(self, kept: _Kept, request: "_Request", phases: Phases, until: float, max_body: int) -> Exchange:
        loop = asyncio.get_running_loop()
        started, started_at = loop.time(), self._outbound.clock.now()
        try:
            async with asyncio.timeout_at(until):
                answer = await kept.connection.exchange(request.head + request.body, max_body)
        except TimeoutError:
            answer = _cut_by_time(kept.connection, loop.time())
        except BaseException:
            kept.connection.close()
            raise
        if answer.reusable and len(self._kept) < IDLE_CONNECTIONS:
            self._kept[request.key] = kept
        else:
            kept.connection.close()
        return Exchange(
            url=request.url.href.partition("#")[0],
            request_head=request.head,
            response_head=answer.head,
            status=answer.status,
            headers=answer.headers,
            body=bytes(answer.body),
            truncated=answer.truncated,
            peer=kept.peer,
            phases=replace(
                phases, first_byte=answer.first_byte_at - started, body=answer.done_at - answer.first_byte_at
            ),
            started_at=started_at,
        )

    async def _connect(self, url: Url, until: float) -> tuple[_Kept, Phases]:
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            async with asyncio.timeout_at(until):
                answers = await self._outbound.resolver.resolve(url.address)
        except TimeoutError:
            raise FaultError("dns_failure", f"No name server told the address of {url.host} in time.") from None
        resolved = loop.time() - started
        fault = self._outbound.policy.judge_answers(url.host, answers)
        if fault is not None:
            raise FaultError(fault.reason, fault.detail)
        tls = self._tls if url.scheme == "https" else None
        problem = FaultError("connect_refused", f"{url.host} has no address that answers.")
        for address in answers[:MOST]:
            try:
                async with asyncio.timeout_at(min(until, loop.time() + CONNECT)):
                    found = await open_connection(address, url.port, tls, url.address)
            except (TimeoutError, OSError) as error:
                problem = _connect_fault(error, url, address)
                if loop.time() >= until:
                    break
                continue
            connection, peer, connect, handshake = found
            return _Kept(connection, peer), Phases(dns=resolved, connect=connect, tls=handshake if tls else None)
        raise problem


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    url: Url
    head: bytes
    body: bytes

    @property
    def key(self) -> tuple[str, str, int]:
        return self.url.scheme, self.url.host, self.url.port


def _request_bytes(user_agent: str, method: str, url: Url, headers: Headers, body: bytes) -> bytes:
    target = url.path + (f"?{url.query}" if url.query or "?" in url.href.partition("#")[0] else "")
    usual = {"http": 80, "https": 443}[url.scheme]
    host = url.host if url.port == usual else f"{url.host}:{url.port}"
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", f"User-Agent: {user_agent}"]
    lines += [f"{name}: {value}" for name, value in headers]
    if body or method in ("POST", "PUT", "PATCH"):
        lines.append(f"Content-Length: {len(body)}")
    for line in lines:
        if any(char in line for char in "\r\n\0"):
            raise ValueError("a header of ours holds a line break")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def _cut_by_time(connection: Connection, now: float) -> Answer:
    """The deadline came in mid-answer: a head with part of a body is evidence, cut by time; less is a fault."""
    answer = connection.partial()
    if answer is None:
        raise FaultError("read_timeout", "The server accepted the request and sent no answer in time.")
    answer.truncated, answer.reusable, answer.done_at = "time", False, now
    return answer


def _connect_fault(error: BaseException, url: Url, address: str) -> FaultError:
    if isinstance(error, TimeoutError):
        return FaultError("connect_timeout", f"{url.host} ({address}) did not accept a connection in time.")
    if isinstance(error, OSError) and error.errno == errno.ECONNREFUSED:
        return FaultError("connect_refused", f"{url.host} ({address}) refuses connections on port {url.port}.")
    if isinstance(error, ConnectionResetError):
        return FaultError("reset", f"{url.host} ({address}) closed the connection at once.")
    return FaultError("connect_timeout", f"{url.host} ({address}) cannot be reached.")
