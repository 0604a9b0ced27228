"""Proof that a webhook comes from who may send it: Standard Webhooks, Ghost, WordPress. Pure; constant time.

Malformed input is never an error of ours: it is a signature that does not hold (401), or a request that cannot be
told apart from another (400).
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Sequence

from shared.errors import CitewatchError

TOLERANCE = 300
"""Seconds that a timestamp may be off, both ways (Standard Webhooks, "Verifying timestamps")."""
MOST_SIGNATURES = 16
_ID = re.compile(r"[A-Za-z0-9_-]{1,255}")
_TIME = re.compile(r"[0-9]{1,12}")
_HEX = re.compile(r"[0-9a-f]{64}")


class Unproven(CitewatchError):
    """The signature does not hold. `status` 401, or 400 where the request is ambiguous."""

    def __init__(self, detail: str, status: int = 401) -> None:
        super().__init__(detail)
        self.status = status


def secret_bytes(secret: str) -> bytes:
    """The key of a `whsec_…` secret; any other text is used as it is."""
    if not secret.startswith("whsec_"):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        return secret.encode()


def verify_standard(
    body: bytes, ids: Sequence[str], times: Sequence[str], signatures: Sequence[str], secrets: Sequence[str], now: float
) -> str:
    """The id of a delivery signed by Standard Webhooks. Each header as all its values. Raises `Unproven`."""
    if max(len(ids), len(times), len(signatures)) > 1:
        raise Unproven("A webhook header is there twice; send each once.", 400)
    if not (ids and times and signatures):
        raise Unproven("Send webhook-id, webhook-timestamp and webhook-signature.")
    if not _ID.fullmatch(ids[0]):
        raise Unproven("A webhook-id has 1 to 255 of A-Z, a-z, 0-9, _ and -.", 400)
    if not _TIME.fullmatch(times[0]) or abs(now - int(times[0])) > TOLERANCE:
        raise Unproven("The webhook-timestamp is more than 300 s off, or no whole number of seconds.")
    signed = f"{ids[0]}.{times[0]}.".encode() + body
    expected = [hmac.digest(secret_bytes(secret), signed, hashlib.sha256) for secret in secrets]
    if not _any_fits(signatures[0], expected):
        raise Unproven("No signature fits; check the secret, and sign the bytes as they are sent.")
    return ids[0]


def _any_fits(header: str, expected: Sequence[bytes]) -> bool:
    entries = header.split(" ")
    if len(entries) > MOST_SIGNATURES:
        return False
    fits = False
    for entry in entries:
        version, _, encoded = entry.partition(",")
        if version != "v1":
            continue
        try:
            given = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            continue
        for known in expected:
            fits |= hmac.compare_digest(given, known)
    return fits


def verify_ghost(body: bytes, headers: Sequence[str], secret: str, now: float) -> None:
    """`X-Ghost-Signature: sha256=HEX, t=MS`: the MAC is over body and t; before Ghost 5.87 over the body alone."""
    fields: dict[str, str] = {}
    for part in (headers[0] if len(headers) == 1 else "").split(","):
        name, _, value = part.strip().partition("=")
        if name in fields:
            raise Unproven("A field of X-Ghost-Signature is there twice.")
        fields[name] = value
    stamp, given = fields.get("t", ""), fields.get("sha256", "")
    if not _HEX.fullmatch(given) or not re.fullmatch(r"[0-9]{1,16}", stamp):
        raise Unproven(
            "Send X-Ghost-Signature: sha256=…, t=…; set the same secret in Ghost and in CITEWATCH_GHOST_SECRET."
        )
    if abs(now - int(stamp) / 1000) > TOLERANCE:
        raise Unproven("The time of X-Ghost-Signature is more than 300 s off.")
    macs = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for signed in (body + stamp.encode(), body)]
    if not any(hmac.compare_digest(given, mac) for mac in macs):
        raise Unproven("X-Ghost-Signature does not fit the body.")


def verify_wordpress(body: bytes, headers: Sequence[str], secret: str) -> None:
    """`X-WC-Webhook-Signature`: base64 of the HMAC-SHA256 over the body, as WordPress plugins send it."""
    mac = base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()
    given = headers[0] if len(headers) == 1 else ""
    if not given.isascii() or not hmac.compare_digest(given, mac):
        raise Unproven("X-WC-Webhook-Signature does not fit the body; check CITEWATCH_WORDPRESS_SECRET.")
