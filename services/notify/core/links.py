"""Links in messages, and the signed tokens that let them be used without a login (HMAC-SHA-256, expiring)."""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import quote

Purpose = Literal["ack", "unsubscribe"]
LIFE = timedelta(days=30)
_MAC_BYTES = 16


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a token proves: who was given the link."""

    who: str


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _mac(key: bytes, purpose: Purpose, subject: str, who: str, until: int) -> bytes:
    signed = "\x1f".join((purpose, subject, str(until), who)).encode()
    return hmac.digest(key, signed, hashlib.sha256)[:_MAC_BYTES]


def sign(key: bytes, purpose: Purpose, subject: str, who: str, now: datetime) -> str:
    """A token that lets `who` do one thing with one subject for `LIFE`. The same inputs give the same token."""
    until = int((now + LIFE).timestamp())
    return f"{_encode(who.encode())}.{until:x}.{_encode(_mac(key, purpose, subject, who, until))}"


def verify(key: bytes, purpose: Purpose, subject: str, token: str, now: datetime) -> Ticket | None:
    """What the token proves; None where it is forged, of another subject, malformed or run out."""
    try:
        name, time, mac = token.split(".")
        who, until, given = _decode(name).decode(), int(time, 16), _decode(mac)
    except (ValueError, binascii.Error):
        return None
    fits = hmac.compare_digest(given, _mac(key, purpose, subject, who, until))
    return Ticket(who) if fits and now.timestamp() <= until else None


@dataclass(frozen=True, slots=True)
class Links:
    """The addresses in one message for one recipient."""

    public_url: str
    key: bytes
    who: str
    now: datetime

    def ack(self, alert_id: str) -> str:
        return self._signed("ack", f"alerts/{quote(alert_id)}/ack", alert_id)

    def unsubscribe(self, route_id: str) -> str:
        return self._signed("unsubscribe", f"alerts/{quote(route_id)}/unsubscribe", route_id)

    def citation(self, citation_id: str) -> str:
        return f"{self._base}/citations/{quote(citation_id)}"

    def article(self, article_id: str) -> str:
        return f"{self._base}/articles/{quote(article_id)}"

    def snapshot(self, snapshot_id: str) -> str:
        return f"{self._base}/v1/snapshots/{quote(snapshot_id)}/view"

    def alerts(self) -> str:
        return f"{self._base}/alerts"

    @property
    def _base(self) -> str:
        return self.public_url.rstrip("/")

    def _signed(self, purpose: Purpose, path: str, subject: str) -> str:
        return f"{self._base}/{path}?token={sign(self.key, purpose, subject, self.who, self.now)}"
