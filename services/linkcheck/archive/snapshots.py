"""The archive of captures: WARC objects named by their own sha256, and the texts read from them.

warc/ab/abcd….warc.gz      one capture
text/ab/abcd….json.gz      the Page extracted from it
"""

import gzip
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cached_property
from io import BytesIO

from fastwarc.warc import ArchiveIterator, WarcRecordType
from isal import igzip

from services.linkcheck.archive import warc
from services.linkcheck.archive.warc import Revisited
from services.linkcheck.core.model import Page
from shared import metrics
from shared.blobs import Blobs
from shared.errors import CitewatchError
from shared.outbound.coding import decode_body
from shared.outbound.exchange import Exchange

MAX_DECODED = 32 * 1024 * 1024


class DamagedCapture(CitewatchError):
    """An object of the archive is not what its name says."""


@dataclass(frozen=True)
class Capture:
    """One check's answers, to be kept."""

    exchanges: tuple[Exchange, ...]
    capture_id: str
    captured_at: datetime
    revisited: Revisited | None = None

    @cached_property
    def data(self) -> bytes:
        """The WARC object."""
        return warc.capture(self.exchanges, capture_id=self.capture_id, revisited=self.revisited)

    @property
    def kind(self) -> str:
        """`response`, or `revisit` when the payload is known."""
        return "response" if self.revisited is None else "revisit"


@dataclass(frozen=True, slots=True)
class Stored:
    """Where a capture is."""

    key: str
    sha256: str
    size: int
    text_key: str | None


class Archive:
    """Reads and writes captures."""

    def __init__(self, blobs: Blobs) -> None:
        self.blobs = blobs

    async def store_many(self, captures: Sequence[tuple[Capture, Page | None]]) -> list[Stored]:
        """Make captures durable, with the pages read from them. Raises `Unavailable` when that failed."""
        items: dict[str, bytes] = {}
        stored = []
        for capture, page in captures:
            data = capture.data
            digest = hashlib.sha256(data).hexdigest()
            key = f"warc/{digest[:2]}/{digest}.warc.gz"
            items[key] = data
            text_key = None
            if page is not None:
                text_key, text = pack_page(page)
                items[text_key] = text
            stored.append(Stored(key, digest, len(data), text_key))
        await self.blobs.put_many(list(items.items()))
        metrics.ARCHIVE_BYTES.inc(sum(map(len, items.values())))
        for capture, _ in captures:
            metrics.SNAPSHOTS.labels(capture.kind).inc()
        return stored

    async def read_warc(self, key: str) -> bytes:
        """A capture's object, checked against its name."""
        data = await self.blobs.get(key)
        if hashlib.sha256(data).hexdigest() not in key:
            raise DamagedCapture(f"{key} was changed since it was written.")
        return data

    async def load_page(self, key: str) -> Page:
        """The text read from a capture."""
        return unpack_page(await self.blobs.get(key))

    async def body(self, key: str) -> tuple[str, bytes]:
        """Media type and decoded body of the final answer of a capture that holds its payload."""
        data = await self.read_warc(key)
        content_type, coding, payload = "application/octet-stream", "", b""
        for record in ArchiveIterator(BytesIO(data), record_types=WarcRecordType.response):
            headers = record.http_headers
            content_type = headers.get("Content-Type", "application/octet-stream")
            coding = headers.get("Content-Encoding", "")
            payload = record.reader.read()
        return content_type, decode_body(payload, coding, MAX_DECODED)[0]

    async def ping(self) -> None:
        """Raises `Unavailable` when nothing can be kept now."""
        await self.blobs.ping()


def pack_page(page: Page) -> tuple[str, bytes]:
    """Name and bytes of a page's object; markup is left out, it is in the WARC."""
    fields = asdict(page) | {"markup": ""}
    text = json.dumps(fields, ensure_ascii=False, sort_keys=True).encode("utf-8", "surrogatepass")
    digest = hashlib.sha256(text).hexdigest()
    return f"text/{digest[:2]}/{digest}.json.gz", igzip.compress(text, 1, mtime=0)


def unpack_page(data: bytes) -> Page:
    """The page of an object."""
    fields = json.loads(gzip.decompress(data).decode("utf-8", "surrogatepass"))
    return Page(**fields | {"headings": tuple(fields["headings"])})
