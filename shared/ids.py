"""Identifiers: random ones that sort by time, and derived ones that are the same for the same thing."""

import hashlib
import secrets
from base64 import b32encode
from datetime import datetime

_CROCKFORD = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "0123456789abcdefghjkmnpqrstvwxyz")
"""From the alphabet of RFC 4648 to Crockford's, lower case."""
_DIGITS, _BITS = 26, 130


def _base32(number: int) -> str:
    """The last 130 bits as 26 digits."""
    whole = ((number & ((1 << _BITS) - 1)) << (160 - _BITS)).to_bytes(20, "big")
    return b32encode(whole).decode().translate(_CROCKFORD)[:_DIGITS]


def new_id(prefix: str, now: datetime) -> str:
    """`chk_` + 26 digits: 48 bits of milliseconds, 80 random bits (the layout of a ULID)."""
    return f"{prefix}_{_base32((int(now.timestamp() * 1000) << 80) | secrets.randbits(80))}"


def derived_id(prefix: str, *parts: str) -> str:
    """`lnk_` + 26 digits of the SHA-256 over the parts, each preceded by its length: equal parts, equal id."""
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "big") + raw)
    return f"{prefix}_{_base32(int.from_bytes(digest.digest()[:17], 'big'))}"
