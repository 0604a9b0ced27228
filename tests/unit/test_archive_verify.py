"""`verify`: what is damaged in an archive is named, and nothing else."""

import gzip
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from services.linkcheck.archive import warc
from services.linkcheck.archive.records import DamagedRecord, records
from services.linkcheck.archive.snapshots import Archive
from services.linkcheck.archive.verify import Verified, check_warc, verify_archive
from services.linkcheck.core.dossier import Snapshot
from services.linkcheck.core.model import Page
from shared.blobs import FolderBlobs
from tests.support.captures import NOW, capture, exchange, revisited, snapshot

Spoil = Callable[[bytes], bytes]


async def three_captures(root: Path) -> tuple[Archive, list[Snapshot]]:
    """An answer, its revisit, and a changed answer of one link, chained."""
    archive, rows = Archive(FolderBlobs(root)), []
    first = capture()
    stored = await archive.store_capture(first, Page("text/html", main="Turnover rose."))
    rows.append(snapshot(first, stored))
    known = revisited(first, stored)
    again = capture(capture_id="snp_2", at=NOW + timedelta(days=1), revisited=known, previous_sha256=stored.sha256)
    stored = await archive.store_capture(again)
    rows.append(snapshot(again, stored, payload_of="snp_1"))
    other = capture(
        exchange(body=b"fell"), capture_id="snp_3", at=NOW + timedelta(days=2), previous_sha256=stored.sha256
    )
    rows.append(snapshot(other, await archive.store_capture(other, Page("text/html", main="Turnover fell."))))
    return archive, rows


def spoil(root: Path, key: str, how: Spoil) -> None:
    path = root / key
    path.chmod(0o644)
    path.write_bytes(how(path.read_bytes()))


def named(found: Verified) -> set[str]:
    return {damage.name for damage in found.damages}


async def test_a_whole_archive_has_no_damage(tmp_path: Path) -> None:
    archive, rows = await three_captures(tmp_path)
    found = await verify_archive(archive.blobs, rows)
    assert found.damages == []
    assert (found.objects, found.records) == (5, 12)
    assert found.bytes == sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())


SPOILS: dict[str, Spoil] = {
    "a torn tail": lambda data: data[:-7],
    "a torn record": lambda data: data[: len(data) // 2],
    "nothing left": lambda data: b"",
    "a flipped bit": lambda data: (
        data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 4]) + data[len(data) // 2 + 1 :]
    ),
    "bytes behind": lambda data: data + b"\1\2\3\4",
    "another object": lambda data: b"not a WARC at all",
    "a record twice": lambda data: data + data,
}


@pytest.mark.parametrize("how", SPOILS)
async def test_a_damaged_capture_is_named(tmp_path: Path, how: str) -> None:
    archive, rows = await three_captures(tmp_path)
    spoil(tmp_path, rows[1].warc_key, SPOILS[how])
    found = await verify_archive(archive.blobs, rows)
    assert named(found) == {rows[1].warc_key}
    assert "was changed since it was written" in str(found.damages[0])


@pytest.mark.parametrize("how", SPOILS)
async def test_a_damaged_text_is_named(tmp_path: Path, how: str) -> None:
    archive, rows = await three_captures(tmp_path)
    assert rows[0].text_key is not None
    spoil(tmp_path, rows[0].text_key, SPOILS[how])
    assert named(await verify_archive(archive.blobs, rows)) == {rows[0].text_key}


async def test_the_place_of_the_damage_is_told(tmp_path: Path) -> None:
    archive, rows = await three_captures(tmp_path)
    offsets = [one.offset for one in records(await archive.read_warc(rows[2].warc_key))]
    spoil(tmp_path, rows[2].warc_key, lambda data: data[: offsets[2] + 20])
    found = await verify_archive(archive.blobs, rows)
    assert f"The record at byte {offsets[2]} is torn off." in [damage.what for damage in found.damages]


async def test_every_flipped_byte_of_a_capture_is_noticed_without_its_name(tmp_path: Path) -> None:
    """The records prove themselves too: gzip checks and digests leave no byte uncovered but gzip's own frills."""
    archive, rows = await three_captures(tmp_path)
    data = await archive.read_warc(rows[0].warc_key)
    whole = [(one.fields, one.block) for one in records(data)]
    for place in range(len(data)):
        spoiled = data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :]
        try:
            read = list(records(spoiled))
        except DamagedRecord:
            continue
        assert any(list(one.faults()) for one in read) or [(one.fields, one.block) for one in read] == whole, place


@pytest.mark.parametrize("digest", ["WARC-Block-Digest", "WARC-Payload-Digest"])
def test_a_record_written_anew_is_given_away_by_each_of_its_digests(digest: str) -> None:
    """Gzip's own checksum fits again; the other digest is taken out."""
    one = capture()
    data = warc.capture(one.exchanges, capture_id=one.capture_id, captured_at=one.captured_at)
    answer = list(records(data))[1]
    raw = gzip.decompress(data[answer.offset : answer.offset + answer.length])
    other = {"WARC-Block-Digest": "WARC-Payload-Digest", "WARC-Payload-Digest": "WARC-Block-Digest"}[digest]
    forged = raw.replace(b"4 percent", b"9 percent").replace(other.encode(), b"X-Taken-Out")
    found = Verified()
    check_warc("object", gzip.compress(forged), found)
    assert len(found.damages) == 1
    assert "does not have the digest that it states" in str(found.damages[0])


async def test_a_missing_object_is_named_with_what_rests_on_it(tmp_path: Path) -> None:
    archive, rows = await three_captures(tmp_path)
    for key in (rows[0].warc_key, rows[2].text_key):
        (tmp_path / str(key)).unlink()
    found = await verify_archive(archive.blobs, rows)
    assert named(found) == {rows[0].warc_key, rows[2].text_key}
    assert "snapshot snp_1 of https://example.org/report?id=7 rests on it" in " ".join(map(str, found.damages))


async def test_a_file_that_nobody_wrote_is_named(tmp_path: Path) -> None:
    archive, rows = await three_captures(tmp_path)
    (tmp_path / "notes.txt").write_text("x")
    assert named(await verify_archive(archive.blobs, rows)) == {"notes.txt"}


async def test_a_capture_that_no_row_knows_is_no_damage(tmp_path: Path) -> None:
    archive, rows = await three_captures(tmp_path)
    await archive.store_capture(capture(capture_id="snp_orphan"))
    assert (await verify_archive(archive.blobs, rows)).damages == []


async def test_a_row_taken_out_of_the_chain_is_noticed(tmp_path: Path) -> None:
    archive, rows = await three_captures(tmp_path)
    found = await verify_archive(archive.blobs, [rows[0], rows[2]])
    assert named(found) == {"snp_3"}
    assert "chain is broken" in str(found.damages[0])


async def test_a_row_whose_chain_was_mended_is_given_away_by_the_record(tmp_path: Path) -> None:
    archive, rows = await three_captures(tmp_path)
    forged = replace(rows[2], previous_sha256=rows[0].warc_sha256)
    assert named(await verify_archive(archive.blobs, [rows[0], forged])) == {rows[2].warc_key}


async def test_chains_of_links_are_apart_and_mementos_outside(tmp_path: Path) -> None:
    archive, rows = await three_captures(tmp_path)
    elsewhere = capture(capture_id="snp_4", at=NOW + timedelta(hours=30))
    rows.append(snapshot(elsewhere, await archive.store_capture(elsewhere), link_id="lnk_2"))
    memento = capture(capture_id="snp_5", at=NOW - timedelta(days=900))
    rows.append(replace(snapshot(memento, await archive.store_capture(memento)), kind="memento"))
    assert (await verify_archive(archive.blobs, rows)).damages == []
