"""Exchanges made by hand, and captures of them, for tests of the archive."""

from datetime import UTC, datetime, timedelta

from services.linkcheck.archive.snapshots import Capture
from services.linkcheck.archive.warc import Revisited
from shared.outbound.exchange import Exchange, Fault, Peer, Phases, Truncation

NOW = datetime(2026, 5, 3, 9, 30, 0, 123456, tzinfo=UTC)
PEER = Peer("192.0.2.7", 443, "TLSv1.3", (b"leaf certificate", b"issuer certificate"))


def exchange(
    url: str = "https://example.org/report?id=7",
    body: bytes = b"<p>Turnover rose by 4 percent.</p>",
    *,
    head: bytes | None = None,
    status: int = 200,
    headers: tuple[tuple[str, str], ...] | None = None,
    truncated: Truncation | None = None,
    peer: Peer = PEER,
    started_at: datetime = NOW,
) -> Exchange:
    """An answer; `head` is made from `headers` unless it is given, and then read by the plainest rule."""
    if headers is None:
        headers = (("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(body))))
        if head is not None:
            pairs = (line.partition(b":") for line in head.split(b"\r\n")[1:] if b":" in line)
            headers = tuple((name.decode("latin-1"), value.decode("latin-1").strip()) for name, _, value in pairs)
    if head is None:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
        head = f"HTTP/1.1 {status} OK\r\n{lines}\r\n".encode("latin-1")
    request = f"GET {url} HTTP/1.1\r\nHost: example.org\r\n\r\n".encode()
    return Exchange(
        url, request, head, status, headers, body, truncated, peer,
        Phases(dns=0.001, connect=0.002, tls=0.003, first_byte=0.01, body=0.02), started_at,
    )  # fmt: skip


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
