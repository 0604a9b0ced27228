"""The archive of captures: WARC objects named by their own sha256, and the texts read from them.

warc/ab/abcd….warc.gz      one capture
text/ab/abcd….json.gz      the Page extracted from it; named by the sha256 of its JSON
"""

import asyncio
import gzip
import hashlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from io import BytesIO

from fastwarc.warc import ArchiveIterator, WarcRecordType
from isal import igzip
from pydantic_core import PydanticSerializationError, to_json

from services.linkcheck.archive import warc
from services.linkcheck.archive.warc import Provenance, Revisited
from services.linkcheck.core.model import Page
from shared import metrics
from shared.blobs import Blobs
from shared.errors import CitewatchError
from shared.outbound.coding import decode_body
from shared.outbound.exchange import Exchange, Fault

MAX_DECODED = 32 * 1024 * 1024
ANSWERS = WarcRecordType.response | WarcRecordType.revisit


class DamagedCapture(CitewatchError):
    """An object of the archive is not what its name says."""


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


class Archive:
    """Reads and writes captures."""

    def __init__(self, blobs: Blobs) -> None:
        self.blobs = blobs

    async def store_capture(self, capture: Capture, page: Page | None = None) -> Stored:
        """Make one capture durable, with the page read from it. Raises `Unavailable` when that failed."""
        packed = await asyncio.to_thread(pack, capture, page)
        await self.put([packed])
        return packed.stored

    async def put(self, group: Sequence[Packed]) -> None:
        """Make captures durable. Raises `Unavailable` when that failed."""
        items = {key: data for packed in group for key, data in packed.items}
        written = await self.blobs.put_many(list(items.items()))
        metrics.ARCHIVE_BYTES.inc(sum(len(data) for data, new in zip(items.values(), written, strict=True) if new))
        for packed in group:
            metrics.SNAPSHOTS.labels(packed.stored.kind).inc()

    async def read_warc(self, key: str) -> bytes:
        """A capture's object, checked against its name. Raises `MissingBlob`, `DamagedCapture`, `Unavailable`."""
        data = await self.blobs.get(key)
        if hashlib.sha256(data).hexdigest() != digest_of(key):
            raise DamagedCapture(f"{key} was changed since it was written.")
        return data

    async def load_page(self, key: str) -> Page:
        """The text read from a capture. Raises `MissingBlob`, `DamagedCapture`, `Unavailable`."""
        try:
            return unpack_page(await self.blobs.get(key), key)
        except (OSError, EOFError, zlib.error, ValueError, TypeError, KeyError) as error:
            raise DamagedCapture(f"{key} was changed since it was written.") from error

    async def payload(self, key: str) -> tuple[list[tuple[str, str]], bytes]:
        """Headers and body, as sent, of the final answer of a capture that holds its payload (no revisit)."""
        data = await self.read_warc(key)
        return await asyncio.to_thread(final_answer, data, key)

    async def body(self, key: str) -> tuple[str, bytes]:
        """Media type and decoded body of the final answer of a capture that holds its payload."""
        headers, body = await self.payload(key)
        coding = ",".join(value for name, value in headers if name.lower() == "content-encoding")
        types = [value for name, value in headers if name.lower() == "content-type"]
        decoded, _ = await asyncio.to_thread(decode_body, body, coding, MAX_DECODED)
        return (types[0] if types else "application/octet-stream"), decoded

    async def ping(self) -> None:
        """Raises `Unavailable` when nothing can be kept now."""
        await self.blobs.ping()


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


def final_answer(data: bytes, key: str) -> tuple[list[tuple[str, str]], bytes]:
    """Headers and body, as sent, of a capture's last answer. Raises `DamagedCapture` when it holds none."""
    found: tuple[list[tuple[str, str]], bytes] | None = None
    for record in ArchiveIterator(BytesIO(data), record_types=ANSWERS):
        found = None
        if record.record_type == WarcRecordType.response and record.http_headers is not None:
            found = (list(record.http_headers.astuples()), record.reader.read())
    if found is None:
        raise DamagedCapture(f"{key} holds no payload; the capture that it refers to does.")
    return found


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
