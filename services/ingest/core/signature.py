"""Proof that a delivery comes from who may send it: Standard Webhooks, Ghost, and a MAC over the body. Constant time.

Malformed input is never an error of ours: it is a signature that does not hold (401), or a request that can be read
in two ways (400). Headers are given as all their values, so that one sent twice is seen.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence

from shared.errors import CitewatchError

TOLERANCE = 300
"""Seconds that a timestamp may be off, both ways, edges included (as the Standard Webhooks libraries have it)."""
MOST_SIGNATURES = 16
PREFIX = "whsec_"
ID = re.compile(r"[A-Za-z0-9_-]{1,255}")
_SECONDS = re.compile(r"[0-9]{1,12}")
_MILLISECONDS = re.compile(r"[0-9]{1,16}")
_HEX = re.compile(r"[0-9a-f]{64}")


class Unproven(CitewatchError):
    """The signature does not hold. `status` 401, or 400 where the request is ambiguous."""

    def __init__(self, detail: str, status: int = 401) -> None:
        super().__init__(detail)
        self.status = status


def keys(secret: str) -> tuple[bytes, ...]:
    """The keys that a Standard Webhooks secret stands for.

    `whsec_` + base64 is what the specification says. Its libraries take base64 without the prefix too, and people take
    any text: a secret without the prefix stands for both. Raises `ValueError` for a key that is empty or no base64.
    """
    encoded = secret.removeprefix(PREFIX)
    try:
        decoded = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if secret.startswith(PREFIX):
        if not decoded:
            raise ValueError("after whsec_ there must be a key in base64")
        return (decoded,)
    if not secret:
        raise ValueError("a secret must not be empty")
    return (secret.encode(), decoded) if decoded else (secret.encode(),)


def verify_standard(
    body: bytes, ids: Sequence[str], times: Sequence[str], signatures: Sequence[str], secrets: Sequence[str], now: float
) -> str:
    """The id of a delivery signed by Standard Webhooks; `now` in seconds. Raises `Unproven`."""
    if max(len(ids), len(times), len(signatures)) > 1:
        raise Unproven("A webhook header is there twice; send each once.", 400)
    if not (ids and times and signatures):
        raise Unproven("Send webhook-id, webhook-timestamp and webhook-signature.")
    if not ID.fullmatch(ids[0]):
        raise Unproven("A webhook-id has 1 to 255 of A-Z, a-z, 0-9, _ and -.", 400)
    if not _SECONDS.fullmatch(times[0]) or abs(now - int(times[0])) > TOLERANCE:
        raise Unproven("The webhook-timestamp is more than 300 s off, or no whole number of seconds.")
    signed = f"{ids[0]}.{times[0]}.".encode() + body
    macs = [hmac.digest(key, signed, hashlib.sha256) for secret in secrets for key in keys(secret)]
    if not _fits_any(_v1(signatures[0]), macs):
        raise Unproven("No signature fits; check the secret, and sign the bytes as they are sent.")
    return ids[0]


def _v1(header: str) -> list[bytes]:
    """The signatures of version 1 in a header; what is malformed or of another version is skipped."""
    entries = header.split(" ")
    if len(entries) > MOST_SIGNATURES:
        return []
    return [_base64(entry.removeprefix("v1,")) for entry in entries if entry.startswith("v1,")]


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _fits_any(given: Iterable[bytes], macs: Sequence[bytes]) -> bool:
    """Whether one of the given is one of ours; every pair is compared, whatever the ones before said."""
    fits = False
    for one in given:
        for mac in macs:
            fits |= hmac.compare_digest(one, mac)
    return fits


def verify_ghost(body: bytes, headers: Sequence[str], secrets: Sequence[str], now: float) -> None:
    """`X-Ghost-Signature: sha256=HEX, t=MS`. Raises `Unproven`.

    The MAC is over body and t (TryGhost/Ghost#20500), before Ghost 5.87.1 over the body alone: its `t` proves nothing,
    so that a copy of such a delivery can be sent again; it then finds its own version there and changes nothing.
    """
    given, stamp = _ghost_fields(headers)
    if abs(now - int(stamp) / 1000) > TOLERANCE:
        raise Unproven("The time of X-Ghost-Signature is more than 300 s off.")
    signed = (body + stamp.encode(), body)
    if not _fits_any([bytes.fromhex(given)], _macs(signed, secrets)):
        raise Unproven("X-Ghost-Signature does not fit the body; check CITEWATCH_GHOST_SECRET.")


def _ghost_fields(headers: Sequence[str]) -> tuple[str, str]:
    """MAC and time."""
    fields: dict[str, str] = {}
    for part in (headers[0] if len(headers) == 1 else "").split(","):
        name, _, value = part.strip().partition("=")
        if name in fields:
            raise Unproven("A field of X-Ghost-Signature is there twice.")
        fields[name] = value
    given, stamp = fields.get("sha256", ""), fields.get("t", "")
    if not _HEX.fullmatch(given) or not _MILLISECONDS.fullmatch(stamp):
        raise Unproven("Send X-Ghost-Signature: sha256=…, t=…; Ghost does when its webhook has a secret.")
    return given, stamp


def _macs(signed: Iterable[bytes], secrets: Sequence[str]) -> list[bytes]:
    return [hmac.digest(secret.encode(), one, hashlib.sha256) for one in signed for secret in secrets]


def verify_body(body: bytes, headers: Sequence[str], encoding: str, secrets: Sequence[str]) -> None:
    """A bare HMAC-SHA256 over the body, `encoding` "base64", or "hex" with or without `sha256=`. Raises `Unproven`."""
    text = headers[0] if len(headers) == 1 else ""
    if encoding == "hex":
        digits = text.removeprefix("sha256=")
        given = bytes.fromhex(digits) if _HEX.fullmatch(digits) else b""
    else:
        given = _base64(text)
    if not _fits_any([given], _macs([body], secrets)):
        raise Unproven("The signature does not fit the body; check the secret, and sign the bytes as they are sent.")
