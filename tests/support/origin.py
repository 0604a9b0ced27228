"""The scripted origin: one server on loopback that acts out ordinary sites and every hostile behaviour.

    async with Origin() as origin:
        origin.page("news.test", "/a", "<p>Hello</p>", etag='"1"')
        origin.redirect("old.test", "/a", origin.url("news.test", "/a"))
        origin.act("bad.test", "/", "hang")
        found = await origin.outbound().exchange("GET", origin.url("news.test", "/a"), deadline=5)

Every host that was named is the same server: `overrides` tells a resolver so, `environment()` a process. Hosts with a
certificate answer over TLS at `origin.url(host, path, tls=True)`. What was asked is in `origin.seen`.
"""

import asyncio
import contextlib
import datetime
import functools
import re
import ssl
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from email.utils import format_datetime
from ipaddress import ip_network
from pathlib import Path
from types import TracebackType
from typing import Self

import trustme

from shared.outbound.client import Outbound
from shared.outbound.egress import AddressPolicy
from shared.outbound.resolver import Resolver

USER_AGENT = "CitewatchTest/0 (+https://citewatch.example/bot)"
Headers = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it came."""

    host: str
    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    connection: int
    head: bytes
    at: float
    server: str
    """The address that was connected to."""

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass(slots=True)
class Turn:
    """What a script gets: the request, and the connection to misbehave on."""

    request: Seen
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    close: bool = False
    """Set by a script that leaves the connection unusable."""

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """RST instead of FIN."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(1, 13, b"\1\0\0\0\0\0\0\0")  # SOL_SOCKET, SO_LINGER: on, 0 s
        self.writer.transport.abort()
        self.close = True


Script = Callable[[Turn], Awaitable[None]]


def response(status: int, body: bytes = b"", headers: Headers = (), reason: str = "Some Reason") -> bytes:
    """A plain answer with its length."""
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in headers)]
    if status not in (204, 304):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("utf-8") + b"\r\n\r\n" + body


def raw(data: bytes) -> Script:
    """Sends these very bytes, then closes."""

    async def script(turn: Turn) -> None:
        await turn.send(data)
        turn.close = True

    return script


def page(
    body: str | bytes, *, status: int = 200, content_type: str = "text/html; charset=utf-8", etag: str | None = None,
    last_modified: datetime.datetime | None = None, headers: Headers = (), delay: float = 0.0,
) -> Script:  # fmt: skip
    """An ordinary page; answers 304 to a condition that holds."""
    content = body.encode() if isinstance(body, str) else body
    fields = [("Content-Type", content_type), *headers]
    modified = format_datetime(last_modified, usegmt=True) if last_modified else None
    fields += [(name, value) for name, value in (("ETag", etag), ("Last-Modified", modified)) if value]

    async def script(turn: Turn) -> None:
        if delay:
            await asyncio.sleep(delay)
        asked = turn.request.header
        if etag and asked("if-none-match") is not None:
            fresh = asked("if-none-match") in (etag, "*")
        else:
            fresh = bool(modified) and asked("if-modified-since") == modified
        whole = response(304, headers=fields) if fresh and status == 200 else response(status, content, fields)
        await turn.send(whole if turn.request.method != "HEAD" else whole.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")

    return script


def redirect(target: str, status: int = 302, headers: Headers = ()) -> Script:
    """A redirect with a small body."""

    async def script(turn: Turn) -> None:
        body = b"<p>Elsewhere.</p>"
        await turn.send(response(status, body, [("Location", target), ("Content-Type", "text/html"), *headers]))

    return script


async def _hang(turn: Turn) -> None:
    await turn.reader.read()
    turn.close = True


async def _close(turn: Turn) -> None:
    turn.close = True


async def _reset(turn: Turn) -> None:
    turn.reset()


async def _drip(turn: Turn, head: bytes, piece: bytes, pause: float = 0.02) -> None:
    turn.close = True
    with contextlib.suppress(ConnectionError):
        await turn.send(head)
        while True:
            await turn.send(piece)
            await asyncio.sleep(pause)


def _dripping(head: bytes, piece: bytes, pause: float = 0.02) -> Script:
    async def script(turn: Turn) -> None:
        await _drip(turn, head, piece, pause)

    return script


def _torrent(head: bytes, piece: bytes) -> Script:
    return _dripping(head, piece, 0)


def _then(head: bytes, *, reset: bool) -> Script:
    async def script(turn: Turn) -> None:
        await turn.send(head)
        await asyncio.sleep(0.05)
        turn.close = True
        if reset:
            turn.reset()

    return script


_OK = b"HTTP/1.1 200 OK\r\n"
_HTML = b"Content-Type: text/html\r\n"
_MIB = b"\0" * 1048576
ACTS: dict[str, Script] = {
    "hang": _hang,
    "close": _close,
    "reset": _reset,
    "trickled_head": _dripping(_OK, b"X-Drip: 1\r\n"),
    "trickled_status": _dripping(b"", b"H"),
    "trickled_body": _dripping(_OK + _HTML + b"Content-Length: 1000000\r\n\r\n", b"x"),
    "hang_in_head": _dripping(_OK + _HTML, b"", 3600),
    "hang_in_body": _dripping(_OK + _HTML + b"Content-Length: 100\r\n\r\nbegun", b"", 3600),
    "endless_head": _torrent(_OK, b"X-More: " + b"m" * 1000 + b"\r\n"),
    "endless_interim": _torrent(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
    "trickled_interim": _dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.2),
    "endless_body": _torrent(_OK + _HTML + b"\r\n", _MIB),
    "endless_sized_body": _torrent(_OK + _HTML + b"Content-Length: 10737418240\r\n\r\n", _MIB),
    "endless_chunks": _torrent(
        _OK + _HTML + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"y" * 65536 + b"\r\n"
    ),
    "tiny_chunks": _torrent(_OK + _HTML + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\ny\r\n" * 4096),
    "endless_extension": _torrent(_OK + _HTML + b"Transfer-Encoding: chunked\r\n\r\n5;ext=", b"e" * 65536),
    "endless_trailers": _torrent(
        _OK + _HTML + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", b"X-Trail: " + b"t" * 1000 + b"\r\n"
    ),
    "short_of_length": _then(_OK + _HTML + b"Content-Length: 100\r\n\r\nbegun", reset=False),
    "reset_in_body": _then(_OK + _HTML + b"Content-Length: 100\r\n\r\nbegun", reset=True),
    "cut_chunk": _then(_OK + _HTML + b"Transfer-Encoding: chunked\r\n\r\n64\r\nbegun", reset=False),
}
"""Hostile and broken behaviours by name (BAR §2)."""


class Origin:
    """The server. Unknown paths answer 404; `default(host, script)` changes that for a host."""

    def __init__(self, addresses: Sequence[str] = ("127.0.0.1",), port: int = 0, tls_port: int = 0) -> None:
        self._addresses = addresses
        self._scripts: dict[tuple[str, str], Script] = {}
        self._defaults: dict[str, Script] = {}
        self._certificates: dict[str, ssl.SSLContext] = {}
        self._hosts: dict[str, None] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.connections: list[tuple[str, int]] = []
        """The addresses and ports that were connected to, whether or not a request followed."""
        self.seen: list[Seen] = []
        self.busiest = 0
        """Most requests that were being answered at one time."""
        self._busy = 0
        self.port, self.tls_port = port, tls_port
        self._authority = trustme.CA()
        self._folder = tempfile.TemporaryDirectory()
        self.ca_file = Path(self._folder.name) / "ca.pem"
        self._authority.cert_pem.write_to_path(str(self.ca_file))

    async def __aenter__(self) -> Self:
        self._plain = await asyncio.start_server(self._serve, self._addresses, self.port, backlog=1024)
        self.port = self._plain.sockets[0].getsockname()[1]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert("unnamed.test").configure_cert(context)
        context.sni_callback = self._pick_certificate
        self._secure = await asyncio.start_server(
            functools.partial(self._serve, tls=context), self._addresses, self.tls_port, backlog=1024
        )
        self.tls_port = self._secure.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._plain.close()
        self._secure.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)
        self._folder.cleanup()

    # What it says

    def on(self, host: str, path: str, script: Script) -> str:
        """Let a script answer a path (with its query). Returns the URL."""
        self._hosts[host] = None
        self._scripts[host, path] = script
        return self.url(host, path)

    def page(self, host: str, path: str, body: str | bytes, **options: object) -> str:
        """An ordinary page; options as of `page`."""
        return self.on(host, path, page(body, **options))  # type: ignore[arg-type]

    def redirect(self, host: str, path: str, target: str, status: int = 302, headers: Headers = ()) -> str:
        return self.on(host, path, redirect(target, status, headers))

    def act(self, host: str, path: str, name: str) -> str:
        """One of `ACTS`."""
        return self.on(host, path, ACTS[name])

    def default(self, host: str, script: Script) -> None:
        """What a host answers for every other path."""
        self._hosts[host] = None
        self._defaults[host] = script

    def url(self, host: str, path: str = "/", *, tls: bool = False) -> str:
        self._hosts.setdefault(host)
        if tls:
            self.certified(host)
            return f"https://{host}:{self.tls_port}{path}"
        return f"http://{host}:{self.port}{path}"

    # Certificates

    def _context(self, *names: str, **options: object) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(*names, **options).configure_cert(context)  # type: ignore[arg-type]
        return context

    def certified(self, host: str) -> None:
        """Give the host a certificate that holds; a name that certificates cannot hold gets its parent's wildcard."""
        try:
            self._certificates.setdefault(host, self._context(host))
        except ValueError:
            self._certificates.setdefault(host, self._context(f"*.{host.partition('.')[2]}"))

    def expired(self, host: str) -> None:
        """Give the host a certificate of the past."""
        self._hosts.setdefault(host)
        past = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=30)
        self._certificates[host] = self._context(host, not_after=past)

    def misnamed(self, host: str) -> None:
        """… one of another host."""
        self._certificates[host] = self._context("somebody-else.test")

    def untrusted(self, host: str) -> None:
        """… one of an authority that nobody knows."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert(host).configure_cert(context)
        self._certificates[host] = context

    def _pick_certificate(self, sock: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        if name in self._certificates:
            sock.context = self._certificates[name]

    # Who asks

    @property
    def overrides(self) -> list[tuple[str, str]]:
        return [(host, "127.0.0.1") for host in self._hosts]

    def environment(self) -> dict[str, str]:
        """Settings with which a process finds this origin."""
        return {
            "CITEWATCH_ALLOW_NETWORKS": "127.0.0.0/8",
            "CITEWATCH_DNS_OVERRIDES": ",".join(f"{host}=127.0.0.1" for host in self._hosts),
            "CITEWATCH_CA_FILE": str(self.ca_file),
        }

    def outbound(self) -> Outbound:
        """A client that may reach loopback, and finds the hosts of this origin."""
        policy = AddressPolicy((ip_network("127.0.0.0/8"),))
        return Outbound(policy, Resolver((), self._lookup), user_agent=USER_AGENT, ca_file=self.ca_file)

    async def _lookup(self, host: str) -> list[str]:
        assert host.rstrip(".") in self._hosts, f"{host} was looked up: a test names its hosts"
        return ["127.0.0.1"]

    def requests(self, host: str, path: str | None = None) -> list[Seen]:
        return [one for one in self.seen if one.host == host and path in (None, one.path)]

    # Serving

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tls: ssl.SSLContext | None = None
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections.append(writer.get_extra_info("sockname")[:2])
        number = len(self.connections)
        try:
            if tls is not None:
                await writer.start_tls(tls)
            while await self._turn(reader, writer, number):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, TimeoutError):
            pass
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _turn(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ", 2)
        headers = tuple((line.partition(": ")[0], line.partition(": ")[2]) for line in lines if line)
        length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
        body = await reader.readexactly(length) if length else b""
        named = next((value for name, value in headers if name.lower() == "host"), "")
        host = re.sub(r":\d+$", "", named)
        now = asyncio.get_running_loop().time()
        seen = Seen(host, method, path, headers, body, number, head, now, writer.get_extra_info("sockname")[0])
        self.seen.append(seen)
        turn = Turn(seen, reader, writer)
        script = self._scripts.get((host, path)) or self._defaults.get(host) or _missing
        self._busy += 1
        self.busiest = max(self.busiest, self._busy)
        try:
            await script(turn)
        finally:
            self._busy -= 1
        return not turn.close


_missing = page("<title>404 Not Found</title><p>No such page.</p>", status=404)
