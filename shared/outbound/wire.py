"""HTTP/1.1 on one connection: exact bytes of the head, a bounded body.

    Connection  one socket; sends a request, receives its answer
    Answer      what came back: head as received, body without transfer coding

Forgiving where browsers are (bare LF, no reason phrase, folded lines, lines without a colon, `HTTP/2 200`), strict
where evidence is at stake: two lengths, a length that is no number, NUL in a head, a head over 64 KiB.
Sources: RFC 9112 §2.2, §4, §5.2, §6.3, §7.1, §9.3. Chunks are read by httptools.
"""

import asyncio
import re
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Literal

import httptools

from shared.outbound.exchange import FaultError, Truncation

MAX_HEAD = 65_536
"""Bytes of a header block; interim (1xx) answers count into it, and so do the trailers of a chunked body."""
MAX_INTERIM = 16
FRAMING_PER_BYTE = 8
"""Chunk framing that is put up with, per byte of body: one-byte chunks cost five."""

_HEAD_END = re.compile(rb"\n\r?\n")
_STATUS = re.compile(rb"HTTP/(\d)(?:\.(\d))? +([1-9]\d\d)(?!\d)", re.IGNORECASE)
_FOLD = re.compile(r"\n[ \t]+")
_CHUNKED_HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

Headers = tuple[tuple[str, str], ...]
Framing = Literal["none", "sized", "chunked", "close"]


@dataclass(slots=True)
class Answer:
    """One HTTP answer as it came."""

    head: bytes = b""
    status: int = 0
    headers: Headers = ()
    body: BytesIO = field(default_factory=BytesIO)
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
        self._answer = Answer()
        self._reset(0, bodiless=False)

    def _reset(self, max_body: int, *, bodiless: bool) -> None:
        self._answer = Answer()
        self._raw = bytearray()
        self._scanned = self._interim = self._interim_bytes = 0
        self._bodiless = bodiless
        self._framing: Framing = "none"
        self._parser: Any = None
        self._room = max_body
        self._missing = 0
        self._wire = self._received = 0
        self._keep_alive = False

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

    async def exchange(self, request: bytes, max_body: int, *, bodiless: bool = False) -> Answer:
        """Send a request, and receive its answer. Raises `FaultError` reset or protocol_error.

        `bodiless`: the answer has a head only (to HEAD and CONNECT). When the caller's deadline cuts this short,
        `partial` tells what had come.
        """
        assert self.transport is not None
        self._reset(max_body, bodiless=bodiless)
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

    @property
    def answering(self) -> bool:
        """Whether anything of the answer has come."""
        return bool(self._answer.first_byte_at)

    def data_received(self, data: bytes) -> None:
        if self._done is None or self._done.done():
            self.close()  # bytes that nobody asked for: this connection cannot be trusted any more
            return
        if not self._answer.first_byte_at:
            self._answer.first_byte_at = self._loop.time()
        try:
            if self._answer.status:
                self._read_body(data)
            else:
                self._raw += data
                self._read_head()
        except FaultError as error:
            self._fail(error)

    def _read_head(self) -> None:
        """Take interim answers away until the final head is whole; then what is left belongs to the body."""
        raw = self._raw
        while not self._answer.status:
            if self._scanned == 0 and raw.startswith((b"\r", b"\n")):
                del raw[: len(raw) - len(raw.lstrip(b"\r\n"))]  # RFC 9112 §2.2: an empty line too many is overlooked
            end = _HEAD_END.search(raw, self._scanned)
            size = end.end() if end else len(raw)
            if size + self._interim_bytes > MAX_HEAD:
                raise FaultError("protocol_error", "The header block is larger than 64 KiB.")
            if raw[:5].upper() != b"HTTP/"[: len(raw)]:
                raise FaultError("protocol_error", "What answers does not speak HTTP.")
            if end is None:
                self._scanned = max(0, len(raw) - 2)
                return
            head = bytes(raw[:size])
            del raw[:size]
            self._scanned = 0
            self._take_head(head)

    def _take_head(self, head: bytes) -> None:
        found = _STATUS.match(head)
        if found is None:
            raise FaultError("protocol_error", "The status line cannot be read.")
        if b"\0" in head:
            raise FaultError("protocol_error", "The header block holds a NUL byte.")
        status = int(found[3])
        if 100 <= status < 200:
            self._interim += 1
            self._interim_bytes += len(head)
            if self._interim > MAX_INTERIM or status == 101:
                raise FaultError("protocol_error", "The server sends interim answers only.")
            return
        self._begin(head, status, persistent=(found[1], found[2]) != (b"1", b"0"))

    def _begin(self, head: bytes, status: int, *, persistent: bool) -> None:
        answer, rest = self._answer, bytes(self._raw)
        self._raw = bytearray()
        answer.headers = headers = split_headers(head)
        self._framing, self._missing = _framing(status, headers, bodiless=self._bodiless)
        options = _list_of(headers, "connection")
        self._keep_alive = self._framing != "close" and "close" not in options
        self._keep_alive = self._keep_alive and (persistent or "keep-alive" in options)
        answer.head, answer.status = head, status
        if self._framing == "chunked":
            self._parser = httptools.HttpResponseParser(self)
            self._parser.feed_data(_CHUNKED_HEAD)
        if self._framing == "none" or (self._framing == "sized" and not self._missing):
            self._finish(reusable=not rest)
        elif rest:
            self._read_body(rest)

    def _read_body(self, data: bytes) -> None:
        if self._framing == "chunked":
            self._read_chunks(data)
        elif self._framing == "close":
            self._keep(data)
        else:
            self._read_sized(data)

    def _read_sized(self, data: bytes) -> None:
        self._missing -= len(data)
        if self._missing > 0:
            self._keep(data)
            return
        whole = self._keep(data if not self._missing else data[: self._missing])
        if whole:
            self._finish(reusable=not self._missing)  # more than was announced: nothing else is believed

    def _read_chunks(self, data: bytes) -> None:
        self._wire += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._broken("the server wants to speak another protocol")
        except httptools.HttpParserError as error:
            self._broken(str(error))
        else:
            if self._wire - self._received > MAX_HEAD + FRAMING_PER_BYTE * self._received:
                self._broken("there is more framing than content")

    def _keep(self, data: bytes) -> bool:
        """Add to the body; False when the cap is reached, which ends the exchange."""
        if len(data) <= self._room:
            self._room -= len(data)
            self._answer.body.write(data)
            return True
        self._answer.body.write(memoryview(data)[: self._room])
        self._room = 0
        self._answer.truncated = "length"
        self._finish(reusable=False)
        return False

    def on_body(self, body: bytes) -> None:
        """httptools: a piece of a chunked body."""
        self._received += len(body)
        if self._answer.truncated is None:
            self._keep(body)

    def on_message_complete(self) -> None:
        """httptools: the last chunk and its trailers are read."""
        if self._answer.truncated is None:
            self._finish(reusable=True)

    def _finish(self, *, reusable: bool) -> None:
        self._answer.reusable = reusable and self._keep_alive and not self.closed
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
        """Framing that cannot be read: after a whole body it spoils the connection; what came before is kept."""
        if self._done is None or self._done.done():
            self._answer.reusable = False
            self.close()
        elif self._received:
            self._answer.truncated = "disconnect"
            self._finish(reusable=False)
        else:
            self._fail(FaultError("protocol_error", f"The answer is not proper HTTP: {detail}."))

    def _ended(self, error: Exception | None) -> None:
        if self._done is None or self._done.done():
            return
        if not self._answer.status:
            self._fail(FaultError("reset", "The server closed the connection without an answer."))
            return
        if self._framing != "close" or error is not None:
            self._answer.truncated = "disconnect"
        self._finish(reusable=False)


def split_headers(head: bytes) -> Headers:
    """Names and values in order, casing kept; folded lines joined; lines without a colon or a name left out.

    No value holds a line break: a CR alone is read as a blank (RFC 9112 §2.2).
    """
    text = head.decode("latin-1").replace("\r\n", "\n").replace("\r", " ")
    if "\n " in text or "\n\t" in text:
        first, _, rest = text.partition("\n")
        text = f"{first}\n{_FOLD.sub(' ', rest)}"
    found = []
    for line in text.split("\n")[1:]:
        name, colon, value = line.partition(":")
        name = name.strip(" \t")
        if colon and name:
            found.append((name, value.strip(" \t")))
    return tuple(found)


def _list_of(headers: Headers, wanted: str) -> list[str]:
    """The members of a header whose value is a list, in lower case, over all lines of it."""
    values = [value for name, value in headers if name.lower() == wanted]
    return [member for value in values for part in value.split(",") if (member := part.strip(" \t").lower())]


def _framing(status: int, headers: Headers, *, bodiless: bool) -> tuple[Framing, int]:
    """How the body ends (RFC 9112 §6.3), and how long it is where that is announced."""
    if bodiless or status in (204, 304):
        return "none", 0
    codings = [coding for coding in _list_of(headers, "transfer-encoding") if coding != "identity"]
    if codings:
        return ("chunked" if codings[-1] == "chunked" else "close"), 0
    lengths = set(_list_of(headers, "content-length"))
    if not lengths:
        return "close", 0
    if len(lengths) > 1:
        raise FaultError("protocol_error", "The answer states two lengths.")
    length = lengths.pop()
    if not re.fullmatch(r"[0-9]{1,18}", length):
        raise FaultError("protocol_error", "The stated length is no number.")
    return "sized", int(length)
