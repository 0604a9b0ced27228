"""What one request brought home: values only, shared by the transport that makes them and all who read them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

FaultReason = Literal[
    "dns_nxdomain", "dns_failure", "connect_refused", "connect_timeout", "read_timeout", "total_timeout",
    "tls_expired", "tls_hostname", "tls_untrusted", "reset", "protocol_error", "redirect_loop",
    "too_many_redirects", "private_address", "blocked_port", "blocked_scheme", "userinfo", "scheme", "robots",
]  # fmt: skip
"""Reasons (CONTRACT §2) why there is no HTTP answer to judge."""

Truncation = Literal["length", "time", "disconnect", "unspecified"]
"""WARC-Truncated vocabulary (WARC 1.1 §5.13)."""


@dataclass(frozen=True, slots=True)
class Phases:
    """Seconds spent in each phase; None where the phase did not happen (kept connection, no TLS)."""

    dns: float | None = None
    connect: float | None = None
    tls: float | None = None
    first_byte: float | None = None
    body: float | None = None


@dataclass(frozen=True, slots=True)
class Peer:
    """Who answered: the vetted address that was connected to, and what it proved of itself."""

    address: str
    port: int
    tls_version: str | None = None
    certificates: tuple[bytes, ...] = ()
    """DER, leaf first."""
    via: str | None = None
    """`address:port` of the proxy that the connection led through; None: it led straight there."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its HTTP answer (one hop)."""

    url: str
    """The WHATWG-serialised URL asked, without fragment."""
    request_head: bytes
    """Request line and headers exactly as sent, with the closing CRLF CRLF."""
    response_head: bytes
    """Status line and headers exactly as received, with the blank line."""
    status: int
    headers: tuple[tuple[str, str], ...]
    """In order, casing kept, latin-1 decoded."""
    body: bytes
    """Transfer coding removed, content coding kept: its sha256 is the payload digest."""
    truncated: Truncation | None
    peer: Peer
    phases: Phases
    started_at: datetime

    def header(self, name: str) -> str | None:
        """First value of a header, by case-insensitive name."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a request has no HTTP answer. `detail` is a plain sentence for people and logs."""

    reason: FaultReason
    detail: str = ""


class FaultError(Exception):
    """Raised inside `shared.outbound`; never leaves its client, which returns the `Fault`."""

    def __init__(self, reason: FaultReason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.fault = Fault(reason, detail)
