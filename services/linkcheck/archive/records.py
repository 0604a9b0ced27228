"""Reading WARC objects record by record, with the place of each: for proof, for indexes, for replay.

Made for files that may be damaged, or made to harm: a member is inflated within a bound, and what is wrong is said
with its place instead of being skipped.
"""

import base64
import hashlib
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from shared.errors import CitewatchError

MAX_RECORD = 256 * 1024 * 1024
"""Inflated bytes of a record, head and block."""
_HEAD_END = b"\r\n\r\n"
_HTTP_HEAD_END = re.compile(rb"\r?\n\r?\n")
_STATUS = re.compile(r"[0-9]{3}")
_LENGTH = re.compile(r"[0-9]{1,15}")
_ALGORITHMS = {"sha256": hashlib.sha256, "sha-256": hashlib.sha256, "sha512": hashlib.sha512, "sha1": hashlib.sha1}


class DamagedRecord(CitewatchError):
    """What is wrong with an object, with its place in plain words."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record; `offset` and `length` are those of its gzip member."""

    offset: int
    length: int
    fields: Mapping[str, str]
    """By lower-case name; the last value of a name."""
    block: bytes

    @property
    def kind(self) -> str:
        return self.fields["warc-type"]

    @property
    def url(self) -> str:
        return self.fields.get("warc-target-uri", "")

    def http(self) -> tuple[int, list[tuple[str, str]], bytes]:
        """Status, headers and payload of an answer as it is stored. Raises `DamagedRecord`."""
        end = _HTTP_HEAD_END.search(self.block)
        if end is None:
            raise DamagedRecord(f"The answer at byte {self.offset} has no end of its head.")
        first, *lines = self.block[: end.start()].decode("latin-1").splitlines()
        words = [*first.split(None, 2), "", ""]
        if not _STATUS.fullmatch(words[1]):
            raise DamagedRecord(f"The answer at byte {self.offset} has no status.")
        pairs = (line.partition(":") for line in lines if ":" in line)
        headers = [(name.strip(), value.strip()) for name, _, value in pairs]
        return int(words[1]), headers, self.block[end.end() :]

    def faults(self) -> Iterator[str]:
        """What is wrong inside a whole record."""
        name = f"the {self.kind} record at byte {self.offset}"
        if not _fits(self.fields.get("warc-block-digest"), self.block):
            yield f"The block of {name} does not have the digest that it states."
        if self.kind == "response" and "warc-payload-digest" in self.fields:
            _, headers, payload = self.http()
            chunked = any(key.lower() == "transfer-encoding" for key, _ in headers)  # a record of another tool
            if not chunked and not _fits(self.fields["warc-payload-digest"], payload):
                yield f"The payload of {name} does not have the digest that it states."


def records(data: bytes) -> Iterator[Record]:
    """All records of an object with one gzip member a record. Raises `DamagedRecord` at the first that is torn."""
    offset = 0
    while offset < len(data):
        raw, length = _member(data, offset)
        yield _parse(raw, offset, length)
        offset += length


def _member(data: bytes, offset: int) -> tuple[bytes, int]:
    unzip = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        raw = unzip.decompress(memoryview(data)[offset:], MAX_RECORD)
    except zlib.error:
        raise DamagedRecord(f"What stands at byte {offset} is not what was compressed there.") from None
    if not unzip.eof:
        whole = "is torn off" if len(raw) < MAX_RECORD else "is larger than a record may be"
        raise DamagedRecord(f"The record at byte {offset} {whole}.")
    return raw, len(data) - offset - len(unzip.unused_data)


def _parse(raw: bytes, offset: int, length: int) -> Record:
    head, found, rest = raw.partition(_HEAD_END)
    first, *lines = head.decode("utf-8", "replace").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    fields = {name.strip().lower(): value.strip() for name, _, value in pairs}
    size = fields.get("content-length", "")
    if not found or not first.startswith("WARC/1.") or not _LENGTH.fullmatch(size) or "warc-type" not in fields:
        raise DamagedRecord(f"What stands at byte {offset} is no WARC record.")
    block, tail = rest[: int(size)], rest[int(size) :]
    if len(block) != int(size) or tail != _HEAD_END:
        raise DamagedRecord(f"The record at byte {offset} is not as long as it states.")
    return Record(offset, length, fields, block)


def _fits(stated: str | None, data: bytes) -> bool:
    """Whether data has a digest (`sha256:` with base32 or hex); an unknown algorithm proves nothing."""
    if stated is None:
        return True
    name, _, value = stated.partition(":")
    algorithm = _ALGORITHMS.get(name.lower())
    if algorithm is None:
        return True
    digest = algorithm(data).digest()
    return value.lower() == digest.hex() or _base32(value) == digest


def _base32(value: str) -> bytes:
    try:
        return base64.b32decode(value.upper().rstrip("=") + "=" * (-len(value.rstrip("=")) % 8))
    except ValueError:  # binascii.Error, or characters that are not ASCII
        return b""
