"""Captures and the pages read from them, as the objects that the archive holds. Pure, and light to import: the
processes that read pages pack them too.

warc/ab/abcd….warc.gz      one capture, named by its own sha256
text/ab/abcd….json.gz      the Page extracted from it; named by the sha256 of its JSON
"""

import gzip
import hashlib
import json
from dataclasses import dataclass, fields
from datetime import datetime

from isal import igzip
from pydantic_core import PydanticSerializationError, to_json

from services.linkcheck.archive import warc
from services.linkcheck.archive.warc import Provenance, Revisited
from services.linkcheck.core.model import Page
from shared.outbound.exchange import Exchange, Fault


@dataclass(frozen=True, slots=True)
class Capture:
    """One check's answers, to be kept. See `warc.capture` for the fields."""

    exchanges: tuple[Exchange, ...]
    capture_id: str
    captured_at: datetime
    revisited: Revisited | None = None
    fault: Fault | None = None
    previous_sha256: str | None = None
    provenance: Provenance | None = None

    @property
    def kind(self) -> str:
        """`response`, `revisit` when the payload is known, `memento` when another archive captured it."""
        if self.provenance is not None:
            return "memento"
        return "response" if self.revisited is None else "revisit"


@dataclass(frozen=True, slots=True)
class Stored:
    """Where a capture is, what its object is, and what the final answer's payload is."""

    capture_id: str
    key: str
    sha256: str
    size: int
    text_key: str | None
    payload_sha256: str
    payload_length: int
    kind: str


@dataclass(frozen=True, slots=True)
class Packed:
    """A capture ready to be written: where it will be, and its objects by name."""

    stored: Stored
    items: tuple[tuple[str, bytes], ...]


def digest_of(key: str) -> str:
    """The sha256 that an object's name states."""
    return key.rpartition("/")[2].partition(".")[0]


def pack(capture: Capture, page: Page | None) -> Packed:
    """The objects of a capture, and of the page read from it. Raises `ForgedField`."""
    payload, length = _payload_of(capture)
    data = warc.capture(
        capture.exchanges,
        capture_id=capture.capture_id,
        captured_at=capture.captured_at,
        revisited=capture.revisited,
        fault=capture.fault,
        previous_sha256=capture.previous_sha256,
        provenance=capture.provenance,
        payload_sha256=payload,
    )
    digest = hashlib.sha256(data).hexdigest()
    key = f"warc/{digest[:2]}/{digest}.warc.gz"
    text = pack_page(page) if page is not None else None
    stored = Stored(
        capture.capture_id, key, digest, len(data), text[0] if text else None, payload, length, capture.kind
    )
    return Packed(stored, ((key, data), text) if text else ((key, data),))


def _payload_of(capture: Capture) -> tuple[str, int]:
    if capture.revisited is not None:
        return capture.revisited.sha256, capture.revisited.length
    body = capture.exchanges[-1].body
    return hashlib.sha256(body).hexdigest(), len(body)


def pack_page(page: Page) -> tuple[str, bytes]:
    """Name and bytes of a page's object; markup is left out, it is in the WARC."""
    written = {each.name: getattr(page, each.name) for each in fields(page)} | {"markup": ""}
    try:
        text = to_json(written)
    except PydanticSerializationError:  # half a surrogate pair, for which UTF-8 has no form
        text = json.dumps(written).encode()
    digest = hashlib.sha256(text).hexdigest()
    return f"text/{digest[:2]}/{digest}.json.gz", igzip.compress(text, 1, mtime=0)


def unpack_page(data: bytes, key: str) -> Page:
    """The page of an object. Raises ValueError and its like when it is not what its name says."""
    text = gzip.decompress(data)
    if hashlib.sha256(text).hexdigest() != digest_of(key):
        raise ValueError("another text")
    written = json.loads(text.decode("utf-8", "surrogatepass"))
    return Page(**written | {"headings": tuple(written["headings"])})
