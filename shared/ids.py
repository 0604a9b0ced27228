"""Identifiers: random ones that sort by time, and derived ones that are the same for the same thing."""

import hashlib
import secrets
from datetime import datetime
from itertools import product

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's alphabet, lower case."""
_PAIRS = tuple(map("".join, product(_CROCKFORD, repeat=2)))
"""Two digits for every 10 bits: looked up, since the standard library's `b32encode` takes four times as long."""
_SHIFTS = range(120, -1, -10)


def _base32(number: int) -> str:
    """The last 130 bits as 26 digits."""
    return "".join([_PAIRS[number >> shift & 0x3FF] for shift in _SHIFTS])


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
