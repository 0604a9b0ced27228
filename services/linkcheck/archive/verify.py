"""Proving the archive, or an evidence bundle: what is damaged is named, in plain words.

archive  every object: its name is the sha256 of its bytes, every record has the digests that it states, every text
         is what its name says; every row of the database points to an object that is there; the captures of a link
         form an unbroken chain, in the rows and in the records alike
bundle   the ZIP is whole, every file is listed and has the digest that the package states, the signature fits the
         package; then every WARC as above, and every line of the index points to the answer that it names
"""

import asyncio
import hashlib
import json
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.linkcheck.archive import signing
from services.linkcheck.archive.packing import digest_of, unpack_page
from services.linkcheck.archive.records import DamagedRecord, Record, records
from services.linkcheck.archive.warc import read_metadata
from services.linkcheck.core.dossier import Snapshot
from shared.blobs import Blobs, MissingBlob

PACKAGE, DIGEST = "datapackage.json", "datapackage-digest.json"
INDEXES = (".cdx", ".cdxj")
MAX_MEMBER = 1024 * 1024 * 1024
"""Bytes of one file in a bundle that are read."""
BATCH = 16
"""Objects in memory at one time."""
_NOT_JSON = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)
_BROKEN_ZIP = (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, RuntimeError)


@dataclass(frozen=True, slots=True)
class Damage:
    """One thing that is wrong. `name`: the object, file or snapshot."""

    name: str
    what: str

    def __str__(self) -> str:
        return f"{self.name}: {self.what}"


@dataclass(slots=True)
class Verified:
    """What was looked at, and what was found."""

    objects: int = 0
    records: int = 0
    bytes: int = 0
    damages: list[Damage] = field(default_factory=list)
    signed_by: str | None = None
    """Hex sha256 of the key that signed a bundle; None: not signed, or the signature does not fit."""

    def blame(self, name: str, what: str) -> None:
        """Note a damage."""
        self.damages.append(Damage(name, what))


def check_warc(name: str, data: bytes, found: Verified) -> list[Record]:
    """Check every record of an object; returns those that are whole."""
    whole = []
    try:
        for record in records(data):
            whole.append(record)
            for fault in record.faults():
                found.blame(name, fault)
    except DamagedRecord as error:
        found.blame(name, str(error))
    found.records += len(whole)
    return whole


# The archive


async def verify_archive(blobs: Blobs, snapshots: Iterable[Snapshot]) -> Verified:
    """Check all objects, and all rows against them. Raises `Unavailable` when the archive does not answer."""
    found = Verified()
    rows = {one.warc_sha256: one for one in snapshots}
    seen: set[str] = set()
    batch: list[str] = []
    async for key in blobs.names():
        seen.add(key)
        batch.append(key)
        if len(batch) == BATCH:
            await _check_batch(blobs, batch, rows, found)
            batch = []
    await _check_batch(blobs, batch, rows, found)
    for row in rows.values():
        for wanted in (row.warc_key, row.text_key):
            if wanted is not None and wanted not in seen:
                found.blame(wanted, f"is missing; snapshot {row.snapshot_id} of {row.url} rests on it.")
    _check_chains(list(rows.values()), found)
    return found


async def _check_batch(blobs: Blobs, keys: Sequence[str], rows: Mapping[str, Snapshot], found: Verified) -> None:
    # Reading side by side matters where a read is a request; checking in one thread keeps the counts right.
    got = await asyncio.gather(*map(blobs.get, keys), return_exceptions=True)

    def check() -> None:
        for key, data in zip(keys, got, strict=True):
            if isinstance(data, bytes):
                _check_object(key, data, rows, found)
            elif isinstance(data, MissingBlob):
                found.blame(key, "went missing while the archive was read.")
            else:
                raise data

    await asyncio.to_thread(check)


def _check_object(key: str, data: bytes, rows: Mapping[str, Snapshot], found: Verified) -> None:
    found.objects += 1
    found.bytes += len(data)
    checks: dict[str, Callable[[], None]] = {
        "warc": lambda: _check_capture(key, data, rows, found),
        "text": lambda: _check_text(key, data, found),
    }
    known = checks.get(key.partition("/")[0])
    if known is None:
        found.blame(key, "is nothing that Citewatch wrote.")
    else:
        known()


def _check_capture(key: str, data: bytes, rows: Mapping[str, Snapshot], found: Verified) -> None:
    digest = hashlib.sha256(data).hexdigest()
    if digest != digest_of(key):
        found.blame(key, f"was changed since it was written: its {len(data)} bytes have the sha256 {digest}.")
    row = rows.get(digest_of(key))
    previous: object = None
    for record in check_warc(key, data, found):
        if record.kind == "metadata":
            try:
                previous = dict(read_metadata(record.block)).get("previous")
            except ValueError:
                found.blame(key, "holds a metadata record that cannot be read.")
                return
    if row is not None and row.previous_sha256 != previous:
        found.blame(key, f"names another capture before it than the row of snapshot {row.snapshot_id} does.")


def _check_text(key: str, data: bytes, found: Verified) -> None:
    try:
        unpack_page(data, key)
    except (*_BROKEN_ZIP, *_NOT_JSON):
        found.blame(key, "was changed since it was written: its text is not the one that its name states.")


def _check_chains(rows: Sequence[Snapshot], found: Verified) -> None:
    """Each capture of a link names the one before it."""
    last: dict[str, str] = {}
    for row in sorted(rows, key=lambda one: (one.captured_at, one.snapshot_id)):
        if row.kind == "memento":  # captured by somebody else, outside the link's own row of captures
            continue
        before = last.get(row.link_id)
        if row.previous_sha256 != before:
            found.blame(row.snapshot_id, f"does not follow the capture of {row.url} before it: the chain is broken.")
        last[row.link_id] = row.warc_sha256


# A bundle


def verify_bundle(path: Path) -> Verified:
    """Check a WACZ, ours or another tool's."""
    found = Verified()
    try:
        with zipfile.ZipFile(path) as archive:
            _check_bundle(archive, found)
    except _BROKEN_ZIP as error:
        found.blame(path.name, f"is no whole ZIP file ({error}).")
    return found


def _check_bundle(archive: zipfile.ZipFile, found: Verified) -> None:
    names = archive.namelist()
    for name in sorted({name for name in names if names.count(name) > 1}):
        found.blame(name, "stands in the bundle more than once.")
    package = _read(archive, PACKAGE, found)
    if package is None:
        return
    _check_signature(archive, package, found)
    places: dict[str, dict[int, Record] | None] = {}
    listed = _resources(package, found)
    for name in sorted(set(names) - set(listed) - {PACKAGE, DIGEST}):
        if not name.endswith("/"):
            found.blame(name, "is not listed in datapackage.json.")
    for name, resource in listed.items():
        data = _check_resource(archive, name, resource, found)
        if name.startswith("archive/") and name.endswith(".warc.gz"):
            whole = None if data is None else {one.offset: one for one in check_warc(name, data, found)}
            places[name.rpartition("/")[2]] = whole
    for name in listed:
        if name.startswith("indexes/") and name.endswith(INDEXES):
            _check_index(name, _read(archive, name, found) or b"", places, found)


def _read(archive: zipfile.ZipFile, name: str, found: Verified) -> bytes | None:
    try:
        if archive.getinfo(name).file_size > MAX_MEMBER:
            found.blame(name, "is too large to be checked.")
            return None
        return archive.read(name)
    except KeyError:
        found.blame(name, "is missing.")
    except _BROKEN_ZIP:
        found.blame(name, "is damaged: the ZIP's checksum does not fit.")
    return None


def _resources(package: bytes, found: Verified) -> dict[str, Mapping[str, Any]]:
    try:
        return {str(one["path"]): one for one in json.loads(package)["resources"]}
    except _NOT_JSON:
        found.blame(PACKAGE, "lists no resources.")
        return {}


def _check_resource(archive: zipfile.ZipFile, name: str, resource: Mapping[str, Any], found: Verified) -> bytes | None:
    data = _read(archive, name, found)
    if data is None:
        return None
    found.objects += 1
    found.bytes += len(data)
    algorithm, _, stated = str(resource.get("hash", "")).partition(":")
    if algorithm not in ("sha256", "md5"):
        found.blame(name, "has no digest in datapackage.json.")
    elif hashlib.new(algorithm, data, usedforsecurity=False).hexdigest() != stated:
        found.blame(name, "is not what datapackage.json states: its digest differs.")
    own = digest_of(name)
    if name.startswith("archive/") and len(own) == 64 and hashlib.sha256(data).hexdigest() != own:
        found.blame(name, "is not what its name states: its sha256 differs.")
    return data


def _check_signature(archive: zipfile.ZipFile, package: bytes, found: Verified) -> None:
    if DIGEST not in archive.namelist():
        return
    raw = _read(archive, DIGEST, found)
    if raw is None:
        return
    try:
        document = json.loads(raw)
        stated, signed = document["hash"], document.get("signedData")
        fits = signed is None or signed["hash"] == stated
    except _NOT_JSON:
        found.blame(DIGEST, "cannot be read.")
        return
    if stated != f"sha256:{hashlib.sha256(package).hexdigest()}" or not fits:
        found.blame(PACKAGE, "was changed after it was signed: its digest is not the one in datapackage-digest.json.")
    elif signed is not None:
        wrong = signing.check(signed)
        if wrong is None:
            found.signed_by = signing.fingerprint(signed["publicKey"])
        else:
            found.blame(DIGEST, wrong)


def _check_index(name: str, data: bytes, places: Mapping[str, Mapping[int, Record] | None], found: Verified) -> None:
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        wrong = _index_fault(line, places)
        if wrong:
            found.blame(name, f"Line {number} {wrong}")


def _index_fault(line: str, places: Mapping[str, Mapping[int, Record] | None]) -> str | None:
    try:
        fields = json.loads(line.split(" ", 2)[2])
        url, offset, length = fields["url"], int(fields["offset"]), int(fields["length"])
        held = places[fields["filename"]]
    except (IndexError, *_NOT_JSON):
        return "points to no file of the bundle."
    if held is None:  # that file's own damage is named already
        return None
    record = held.get(offset)
    if record is None or record.length != length:
        return f"points to byte {offset} of {fields['filename']}, where no such record begins."
    if record.url != url:
        return f"names {url}, but the record there is of {record.url}."
    return None
