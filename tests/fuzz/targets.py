"""What is fuzzed, as plain functions of bytes: each returns when its invariants hold, and raises when one does not.

The test suite calls them too, with the inputs that fuzzing found (`tests/cases/fuzz`).
"""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime

from protego import Protego

from services.linkcheck.fetch.manners import LONGEST_RETRY, retry_at
from services.linkcheck.fetch.redirects import target_of
from shared.outbound.coding import DECODERS, decode_body
from shared.outbound.egress import AddressPolicy, judge_text
from shared.outbound.exchange import Exchange, Fault, FaultError, Peer, Phases
from shared.outbound.resolver import fits
from shared.outbound.wire import MAX_HEAD, Answer, Connection, split_headers
from shared.urls import UrlError, parse

CAP = 4096
LIMIT = 65_536
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class _Wire(asyncio.Transport):
    """Takes requests, and ends when told."""

    def __init__(self) -> None:
        super().__init__()
        self.aborted = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        pass

    def abort(self) -> None:
        self.aborted = True


def response(data: bytes) -> None:
    """An answer in pieces, whose sizes the first bytes give; then the end of the connection."""
    asyncio.run(_respond(data)) if _LOOP is None else _LOOP.run_until_complete(_respond(data))


_LOOP: asyncio.AbstractEventLoop | None = None


def keep_loop() -> None:
    """Use one loop for all inputs: a fuzzer has many."""
    global _LOOP  # noqa: PLW0603
    _LOOP = asyncio.new_event_loop()


async def _respond(data: bytes) -> None:
    connection, wire = Connection(), _Wire()
    connection.connection_made(wire)
    asking = asyncio.ensure_future(connection.exchange(b"GET / HTTP/1.1\r\n\r\n", CAP, bodiless=data[:1] == b"H"))
    await asyncio.sleep(0)
    sizes, rest = data[1:9], data[9:]
    for size in sizes:
        if wire.aborted or asking.done():
            break
        if size and rest:
            connection.data_received(rest[:size])
            rest = rest[size:]
        await asyncio.sleep(0)
    if rest and not wire.aborted:
        connection.data_received(rest)
    connection.connection_lost(None)
    try:
        answer = await asking
    except FaultError as error:
        assert error.fault.reason in ("reset", "protocol_error")
        assert error.fault.detail
        return
    _check_answer(answer)


def _check_answer(answer: Answer) -> None:
    assert len(answer.body.getvalue()) <= CAP
    assert 0 <= answer.status <= 999
    assert not 100 <= answer.status < 200
    assert len(answer.head) <= MAX_HEAD
    assert answer.head.endswith(b"\n")
    assert answer.headers == split_headers(answer.head)
    for name, value in answer.headers:
        assert name
        assert not any(char in name + value for char in "\r\n\0")
    if answer.reusable:
        assert answer.truncated is None


def coding(data: bytes) -> None:
    """A body in a coding that its first byte names."""
    names = [*sorted(DECODERS), "br, gzip", "gzip, zstd", "compress"]
    for name in (names[data[0] % len(names)],) if data else ():
        decoded, _ = decode_body(data[1:], name, LIMIT)
        assert len(decoded) <= LIMIT
        again, cut = decode_body(data[1:], name, LIMIT // 2)
        assert decoded[: LIMIT // 2] == again or cut


def redirect(data: bytes) -> None:
    """A Location: wherever it leads, it is a web address without fragment, blank, or credentials written down."""
    location = data.decode("latin-1").replace("\r", "").replace("\n", "").replace("\0", "").strip()
    found = target_of(_exchange(302, (("Location", location),)))
    if found is None or isinstance(found, Fault):
        return
    url = parse(found)
    assert url.href == found
    assert url.scheme in ("http", "https")
    assert url.host
    assert "#" not in found
    assert not any(char.isspace() or ord(char) < 0x21 for char in found)


def address(data: bytes) -> None:
    """A URL: judging it never fails; whatever is allowed has a host that is a public address, a name, or neither."""
    text = data.decode("utf-8", "surrogateescape")
    with contextlib.suppress(UrlError):
        url = parse(text)
        policy = AddressPolicy()
        if policy.judge_url(url) is None and judge_text(text, url) is None:
            assert url.scheme in ("http", "https")
            assert not url.username + url.password
            if url.host.replace(".", "").isdigit() or ":" in url.host:
                assert policy.allows(url.address) or not fits(url.host)


def retry(data: bytes) -> None:
    """A Retry-After: never an error, never longer than a day."""
    found = retry_at(_exchange(429, (("Retry-After", data.decode("latin-1")),)), NOW)
    assert found is None or NOW < found <= NOW + LONGEST_RETRY


def robots(data: bytes) -> None:
    """Rules: whatever they hold, they can be read and asked."""
    Protego.parse(data.decode("utf-8-sig", "replace")).can_fetch("http://a.test/page?q=1", "Citewatch")


def _exchange(status: int, headers: tuple[tuple[str, str], ...]) -> Exchange:
    return Exchange(
        url="http://a.test/dir/page?q", request_head=b"", response_head=b"", status=status, headers=headers, body=b"",
        truncated=None, peer=Peer("127.0.0.1", 80), phases=Phases(), started_at=NOW,
    )  # fmt: skip


TARGETS: dict[str, Callable[[bytes], None]] = {
    "response": response,
    "coding": coding,
    "redirect": redirect,
    "address": address,
    "retry": retry,
    "robots": robots,
}
