"""POST to an operator's HTTP endpoint through the one vetted door: no redirect is followed, one deadline over all."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Protocol

from services.notify.channels import Sent, clean_detail
from shared.outbound.exchange import Exchange, Fault

DEADLINE = 20.0
"""Seconds from the name's resolution to the end of the answer; well within a delivery's lease."""
MAX_ANSWER = 64 * 1024
_UNSENT = frozenset(
    {
        "dns_nxdomain",
        "dns_failure",
        "connect_refused",
        "connect_timeout",
        "tls_expired",
        "tls_hostname",
        "tls_untrusted",
    }
)
"""Faults before the first byte of the request."""
_FORBIDDEN = frozenset({"private_address", "blocked_port", "blocked_scheme", "userinfo", "scheme"})
LASTING = frozenset({401, 403, 404, 405, 410})
"""Answers that say: not here, not so, and not later either."""


class Poster(Protocol):
    """What `shared.outbound.client.Outbound` does."""

    async def exchange(
        self, method: str, url: str, *, headers: tuple[tuple[str, str], ...] = (), body: bytes = b"", deadline: float,
        max_body: int = MAX_ANSWER,
    ) -> Exchange | Fault: ...  # fmt: skip


async def post(
    poster: Poster, url: str, headers: tuple[tuple[str, str], ...], body: bytes, *, gateways_doubt: bool
) -> Sent:
    """POST JSON. `gateways_doubt`: an answer of a gateway (502, 504) leaves open whether the message got through."""
    answer = await poster.exchange(
        "POST", url, headers=(("Content-Type", "application/json"), *headers), body=body, deadline=DEADLINE,
        max_body=MAX_ANSWER,
    )  # fmt: skip
    return _of_fault(answer) if isinstance(answer, Fault) else _of_answer(answer, gateways_doubt)


def _of_fault(fault: Fault) -> Sent:
    said = clean_detail(fault.detail or fault.reason)
    if fault.reason in _FORBIDDEN:
        mend = (
            " Add its network to CITEWATCH_ALLOW_NETWORKS if it is yours." if fault.reason == "private_address" else ""
        )
        return Sent("failed", f"Not sent: {said}{mend}", trouble="lasting")
    if fault.reason in _UNSENT:
        return Sent("retry", f"Not sent: {said}", trouble="passing")
    return Sent("uncertain", f"Sent, but no answer came: {said}", trouble="passing")


def _of_answer(answer: Exchange, gateways_doubt: bool) -> Sent:
    status = answer.status
    said = f"HTTP {status} {clean_detail(answer.body[:200].decode('utf-8', 'replace'))}".strip()
    if 200 <= status < 300:
        return Sent("delivered", said)
    if status in (502, 504) and gateways_doubt:
        return Sent("uncertain", f"A gateway answered {said}; it may have passed the message on.", trouble="passing")
    if status in (408, 425, 429) or status >= 500:
        return Sent("retry", said, retry_after(answer.header("retry-after"), answer.started_at), trouble="passing")
    return Sent("failed", said, trouble="lasting" if status in LASTING or 300 <= status < 400 else "none")


def retry_after(value: str | None, now: datetime) -> timedelta | None:
    """`Retry-After` (RFC 9110 §10.2.3): seconds or a date; None for anything else."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:9]), 10**7))
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(timedelta(), (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now)
