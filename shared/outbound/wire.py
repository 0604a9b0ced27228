"""HTTP/1.1 on one connection: exact bytes of the head, a bounded body, framing by httptools.

Connection  one socket; sends a request, receives its answer
Answer      what came back: head as received, body without transfer coding
"""

import asyncio
import re
import ssl
from dataclasses import dataclass, field
from typing import Any

import httptools

from shared.outbound.exchange import FaultError, Peer, Truncation

MAX_HEAD = 65_536
"""Bytes of a header block; interim (1xx) answers count into it."""
MAX_INTERIM = 16
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_STATUS = re.compile(rb"HTTP/1\.[01] +(\d{3})(?:[ \t]([^\r\n]*))?")


@dataclass(slots=True)
class Answer:
    """One HTTP answer as it came."""

    head: bytes = b""
    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytearray = field(default_factory=bytearray)
    truncated: Truncation | None = None
    reusable: bool = False
    first_byte_at: float = 0.0
    done_at: float = 0.0


class Connection(asyncio.Protocol):
    """A client's side of one connection; one request at a time."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.transport: asyncio.Transport | None = None
        self.closed = False
        self._done: asyncio.Future[None] | None = None
        self._raw = bytearray()
        self._answer = Answer()
        self._parser: Any = None
        self._limit = 0
        self._until_close = False
        self._interim = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._ended(exc)

    def eof_received(self) -> bool:
        self._ended(None)
        return False

    def close(self) -> None:
        """Close at once; nothing is waited for."""
        self.closed = True
        if self.transport is not None:
            self.transport.abort()

    async def exchange(self, request: bytes, max_body: int) -> Answer:
        """Send a request, and receive its answer. Raises `FaultError` reset or protocol_error.

        When the caller's deadline cuts this short, `partial` tells what had come.
        """
        assert self.transport is not None
        self._raw, self._answer, self._parser = bytearray(), Answer(), None
        self._limit, self._until_close, self._interim = max_body, False, 0
        self._done = self._loop.create_future()
        self.transport.write(request)
        try:
            await self._done
        finally:
            self._done = None
        return self._answer

    def partial(self) -> Answer | None:
        """The answer so far, when at least its head is whole."""
        return self._answer if self._answer.status else None

    def data_received(self, data: bytes) -> None:
        if self._done is None or self._done.done():
            self.close()  # bytes that nobody asked for: this connection cannot be trusted any more
            return
        if not self._answer.first_byte_at:
            self._answer.first_byte_at = self._loop.time()
        try:
            if self._parser is None:
                self._raw += data
                self._read_head()
            else:
                self._parser.feed_data(data)
        except FaultError as error:
            self._fail(error)
        except httptools.HttpParserUpgrade:
            self._fail(FaultError("protocol_error", "The server wants to speak another protocol."))
        except httptools.HttpParserError as error:
            self._broken(str(error))

    def _read_head(self) -> None:
        while self._parser is None:
            end = _HEAD_END.search(self._raw)
            if (end.end() if end else len(self._raw)) > MAX_HEAD:
                raise FaultError("protocol_error", "The header block is larger than 64 KiB.")
            if end is None:
                if len(self._raw) >= 5 and not self._raw.startswith(b"HTTP/"):
                    raise FaultError("protocol_error", "What answers does not speak HTTP.")
                return
            head = bytes(self._raw[: end.end()])
            status = _STATUS.match(head)
            if status is None:
                raise FaultError("protocol_error", "The status line cannot be read.")
            if status[1].startswith(b"1"):
                self._interim += 1
                if self._interim > MAX_INTERIM or status[1] == b"101":
                    raise FaultError("protocol_error", "The server sends interim answers only.")
                del self._raw[: end.end()]
                continue
            self._begin(head, int(status[1]), bytes(self._raw[end.end() :]))

    def _begin(self, head: bytes, status: int, rest: bytes) -> None:
        answer = self._answer
        answer.head, answer.headers = head, _headers(head)
        lengths = {value.strip() for name, value in answer.headers if name.lower() == "content-length"}
        chunked = any(
            name.lower() == "transfer-encoding" and value.lower().rstrip().endswith("chunked")
            for name, value in answer.headers
        )
        if len(lengths) > 1 and not chunked:
            raise FaultError("protocol_error", "The answer states two lengths.")
        self._until_close = not lengths and not chunked and status not in (204, 304)
        self._parser = httptools.HttpResponseParser(self)
        answer.status = status
        self._raw.clear()
        self._parser.feed_data(_framing(status, lengths, chunked, answer.headers))
        if rest:
            self._parser.feed_data(rest)

    def on_body(self, body: bytes) -> None:
        """httptools: a piece of the body."""
        answer = self._answer
        room = self._limit - len(answer.body)
        if len(body) > room:
            answer.body += body[:room]
            answer.truncated = "length"
            self._finish(reusable=False)
            return
        answer.body += body

    def on_message_complete(self) -> None:
        """httptools: the answer is whole."""
        self._finish(reusable=not self._until_close and bool(self._parser.should_keep_alive()))

    def _finish(self, *, reusable: bool) -> None:
        self._answer.reusable = reusable and not self.closed
        self._answer.done_at = self._loop.time()
        if self._done is not None and not self._done.done():
            self._done.set_result(None)
        if not self._answer.reusable:
            self.close()

    def _fail(self, error: FaultError) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_exception(error)
        self.close()

    def _broken(self, detail: str) -> None:
        """Framing that cannot be read: what came before is kept, marked as cut."""
        if self._answer.status and self._answer.body:
            self._answer.truncated = "disconnect"
            self._finish(reusable=False)
        else:
            self._fail(FaultError("protocol_error", f"The answer is not proper HTTP: {detail}."))

    def _ended(self, error: Exception | None) -> None:
        if self._done is None or self._done.done():
            return
        if not self._answer.status:
            self._fail(FaultError("reset", "The server closed the connection without an answer."))
        else:
            if not self._until_close or error is not None:
                self._answer.truncated = "disconnect"
            self._finish(reusable=False)


def _headers(head: bytes) -> tuple[tuple[str, str], ...]:
    """Names and values in order, casing kept; folded lines joined; lines without a colon left out."""
    found: list[tuple[str, str]] = []
    for line in head.decode("latin-1").replace("\r\n", "\n").split("\n")[1:]:
        if line[:1] in (" ", "\t") and found:
            found[-1] = (found[-1][0], f"{found[-1][1]} {line.strip()}")
            continue
        name, colon, value = line.partition(":")
        if colon and name.strip():
            found.append((name.strip(), value.strip(" \t")))
    return tuple(found)


def _framing(status: int, lengths: set[str], chunked: bool, headers: tuple[tuple[str, str], ...]) -> bytes:
    """A clean head that tells httptools how the body is framed: browsers forgive more in a head than parsers do."""
    lines = [f"HTTP/1.1 {status} -"]
    if chunked:
        lines.append("Transfer-Encoding: chunked")
    elif lengths:
        value = next(iter(lengths))
        if not re.fullmatch(r"\d{1,18}", value):
            raise FaultError("protocol_error", "The stated length is no number.")
        lines.append(f"Content-Length: {value}")
    closing = any(name.lower() == "connection" and "close" in value.lower() for name, value in headers)
    if closing or (not lengths and not chunked and status not in (204, 304)):
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def open_connection(
    address: str, port: int, tls: ssl.SSLContext | None, server_name: str
) -> tuple[Connection, Peer, float, float]:
    """Connect to exactly this address. Returns the connection, its peer, seconds to connect and for TLS.

    Raises OSError, or `FaultError` tls_*.
    """
    loop = asyncio.get_running_loop()
    started = loop.time()
    transport, connection = await loop.create_connection(Connection, address, port)
    connected = loop.time()
    if tls is None:
        return connection, Peer(address, port), connected - started, 0.0
    try:
        secure = await loop.start_tls(transport, connection, tls, server_hostname=server_name, ssl_handshake_timeout=20)
    except BaseException as error:
        transport.abort()
        if isinstance(error, (ssl.SSLError, ConnectionError)):
            raise _tls_fault(error) from None
        raise
    assert secure is not None
    connection.transport = secure
    peer = _secure_peer(address, port, secure)
    return connection, peer, connected - started, loop.time() - connected


def _secure_peer(address: str, port: int, transport: asyncio.Transport) -> Peer:
    found = transport.get_extra_info("ssl_object")
    chain: tuple[bytes, ...] = ()
    inner = getattr(found, "_sslobj", None)
    if inner is not None and hasattr(inner, "get_unverified_chain"):
        chain = tuple(one.public_bytes(2) for one in inner.get_unverified_chain() or ())  # 2: ENCODING_DER
    if not chain and found is not None:
        leaf = found.getpeercert(binary_form=True)
        chain = (leaf,) if leaf else ()
    return Peer(address, port, found.version() if found else None, chain)


_VERIFY_CODES = {9: "tls_expired", 10: "tls_expired", 62: "tls_hostname", 64: "tls_hostname"}
"""OpenSSL X509_V_ERR_*; every other failed verification is a matter of trust."""


def _tls_fault(error: BaseException) -> FaultError:
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = _VERIFY_CODES.get(error.verify_code, "tls_untrusted")
        return FaultError(reason, f"The certificate does not hold: {error.verify_message}.")  # type: ignore[arg-type]
    if isinstance(error, ConnectionError):
        return FaultError("reset", "The server closed the connection during the TLS handshake.")
    detail = getattr(error, "reason", None) or type(error).__name__
    return FaultError("protocol_error", f"TLS could not be agreed on: {detail}.")
