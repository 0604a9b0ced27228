"""Identifiers: random ones that sort by time, and derived ones that are the same for the same thing."""

import hashlib
import secrets
from datetime import datetime

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32, lower case."""


def _base32(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 32)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))


def new_id(prefix: str, now: datetime) -> str:
    """`chk_` + 26 digits: 48 bits of milliseconds, 80 random bits (the layout of a ULID)."""
    return f"{prefix}_{_base32((int(now.timestamp() * 1000) << 80) | secrets.randbits(80), 26)}"


def derived_id(prefix: str, *parts: str) -> str:
    """`lnk_` + 26 digits of the SHA-256 over the parts, each preceded by its length: equal parts, equal id."""
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "big") + raw)
    return f"{prefix}_{_base32(int.from_bytes(digest.digest()[:17], 'big'), 26)}"
