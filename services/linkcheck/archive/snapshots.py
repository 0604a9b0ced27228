"""The archive of captures: made durable, and read again, each checked against its name (`packing` has the form)."""

import asyncio
import hashlib
import zlib
from collections.abc import Sequence
from io import BytesIO

from fastwarc.warc import ArchiveIterator, WarcRecordType

from services.linkcheck.archive.packing import Capture, Packed, Stored, digest_of, pack, unpack_page
from services.linkcheck.core.model import Page
from shared import metrics
from shared.blobs import Blobs
from shared.errors import CitewatchError
from shared.outbound.coding import decode_body

MAX_DECODED = 32 * 1024 * 1024
ANSWERS = WarcRecordType.response | WarcRecordType.revisit


class DamagedCapture(CitewatchError):
    """An object of the archive is not what its name says."""


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
