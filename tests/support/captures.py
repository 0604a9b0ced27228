"""Exchanges made by hand, and captures of them, for tests of the archive; and readers that are not ours."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO

from fastwarc.warc import ArchiveIterator as FastIterator
from warcio.archiveiterator import ArchiveIterator as WarcioIterator

from services.linkcheck.archive.packing import Capture, Stored
from services.linkcheck.archive.warc import Revisited
from services.linkcheck.core.dossier import Snapshot
from shared.outbound.exchange import Exchange, Fault, Peer, Phases, Truncation

NOW = datetime(2026, 5, 3, 9, 30, 0, 123456, tzinfo=UTC)
PEER = Peer("192.0.2.7", 443, "TLSv1.3", (b"leaf certificate", b"issuer certificate"))
URL = "https://example.org/report?id=7"
BODY = b"<p>Turnover rose by 4 percent.</p>"


def exchange(
    url: str = URL,
    body: bytes = BODY,
    *,
    head: bytes | None = None,
    status: int = 200,
    headers: tuple[tuple[str, str], ...] | None = None,
    truncated: Truncation | None = None,
    peer: Peer = PEER,
    started_at: datetime = NOW,
) -> Exchange:
    """An answer; `head` is made from `headers` unless it is given, and then read by the plainest rule."""
    if headers is None and head is None:
        headers = (("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(body))))
    if head is None:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers or ())
        head = f"HTTP/1.1 {status} OK\r\n{lines}\r\n".encode("latin-1")
    if headers is None:
        pairs = (line.partition(b":") for line in re.split(rb"\r?\n", head)[1:] if b":" in line)
        headers = tuple((name.decode("latin-1"), value.decode("latin-1").strip()) for name, _, value in pairs)
    request = f"GET {url} HTTP/1.1\r\nHost: example.org\r\n\r\n".encode("utf-8", "replace")
    phases = Phases(dns=0.001, connect=0.002, tls=0.003, first_byte=0.01, body=0.02)
    return Exchange(url, request, head, status, headers, body, truncated, peer, phases, started_at)


def capture(
    *exchanges: Exchange,
    capture_id: str = "snp_1",
    at: datetime = NOW + timedelta(seconds=1),
    revisited: Revisited | None = None,
    fault: Fault | None = None,
    previous_sha256: str | None = None,
) -> Capture:
    """A capture of the exchanges, or of one plain answer."""
    return Capture(exchanges or (exchange(),), capture_id, at, revisited, fault, previous_sha256)


def snapshot(captured: Capture, stored: Stored, *, payload_of: str | None = None, link_id: str = "lnk_1") -> Snapshot:
    """The row that the database would hold of a capture."""
    last = captured.exchanges[-1]
    return Snapshot(
        captured.capture_id, link_id, captured.captured_at, stored.kind, stored.key, stored.sha256, stored.size,
        stored.payload_sha256, stored.payload_length, last.url, last.status, "text/html", last.truncated,
        stored.text_key, payload_of, captured.previous_sha256,
    )  # fmt: skip


def revisited(captured: Capture, stored: Stored) -> Revisited:
    """How a later capture names this one."""
    return Revisited(captured.exchanges[-1].url, captured.captured_at, stored.payload_sha256, stored.payload_length)


@dataclass(frozen=True)
class Seen:
    """A record as another reader sees it."""

    kind: str
    url: str | None
    payload: bytes


def by_fastwarc(data: bytes) -> list[Seen]:
    """Records as resiliparse's reader sees them."""
    found = []
    for record in FastIterator(BytesIO(data)):
        payload = record.reader.read()
        found.append(Seen(record.headers["WARC-Type"], record.headers.get("WARC-Target-URI"), payload))
    return found


def by_warcio(data: bytes) -> list[Seen]:
    """Records as warcio sees them."""
    found = []
    for record in WarcioIterator(BytesIO(data)):
        payload = record.raw_stream.read()
        found.append(Seen(record.rec_type, record.rec_headers.get_header("WARC-Target-URI"), payload))
    return found
