"""Storing captures and reading them back."""

import gzip
import hashlib
import zlib
from pathlib import Path

import brotli
import pytest
import zstandard

from services.linkcheck.archive import packing
from services.linkcheck.archive.snapshots import Archive, DamagedCapture
from services.linkcheck.core.model import Page
from shared.blobs import FolderBlobs, MissingBlob, open_blobs
from shared.errors import Unavailable
from tests.support.captures import BODY, capture, exchange, revisited

PAGE = Page("text/html", title="Café \ud800 €", main="Turnover rose.", full="Turnover rose. More.", markup="<p>",
            headings=("One", "Two"), links=3)  # fmt: skip


@pytest.fixture
def archive() -> Archive:
    return Archive(open_blobs("memory://"))


async def test_a_capture_comes_back_with_its_page(archive: Archive) -> None:
    one = capture()
    stored = await archive.store_capture(one, PAGE)
    assert stored.payload_sha256 == hashlib.sha256(BODY).hexdigest()
    assert (stored.payload_length, stored.kind) == (len(BODY), "response")
    assert stored.key == f"warc/{stored.sha256[:2]}/{stored.sha256}.warc.gz"
    data = await archive.read_warc(stored.key)
    assert (hashlib.sha256(data).hexdigest(), len(data)) == (stored.sha256, stored.size)
    headers, body = await archive.payload(stored.key)
    assert (dict(headers)["Content-Type"], body) == ("text/html; charset=utf-8", BODY)
    assert stored.text_key is not None
    read = await archive.load_page(stored.text_key)
    assert (read.title, read.headings, read.links, read.markup) == (PAGE.title, PAGE.headings, 3, "")


CODINGS = {
    "gzip": gzip.compress(BODY),
    "deflate": zlib.compress(BODY),
    "br": brotli.compress(BODY),
    "zstd": zstandard.compress(BODY),
    "gzip, br": brotli.compress(gzip.compress(BODY)),
}


@pytest.mark.parametrize("coding", CODINGS)
async def test_the_content_coding_is_kept_and_undone_for_a_view(archive: Archive, coding: str) -> None:
    sent = CODINGS[coding]
    headers = tuple(("Content-Encoding", one.strip()) for one in coding.split(","))
    stored = await archive.store_capture(capture(exchange(body=sent, headers=headers)))
    assert stored.payload_sha256 == hashlib.sha256(sent).hexdigest()
    assert (await archive.payload(stored.key))[1] == sent
    assert await archive.body(stored.key) == ("application/octet-stream", BODY)


async def test_the_last_hop_is_the_answer(archive: Archive) -> None:
    moved = exchange(body=b"moved", status=301, headers=(("Location", "/b"),))
    stored = await archive.store_capture(capture(moved, exchange("https://example.org/b")))
    assert (await archive.body(stored.key))[1] == BODY


async def test_a_revisit_has_no_payload_of_its_own(archive: Archive) -> None:
    first = capture()
    stored = await archive.store_capture(first)
    again = await archive.store_capture(capture(capture_id="snp_2", revisited=revisited(first, stored)))
    assert (again.kind, again.payload_sha256) == ("revisit", stored.payload_sha256)
    with pytest.raises(DamagedCapture, match="refers to"):
        await archive.body(again.key)


async def test_a_redirect_before_a_revisit_is_not_taken_for_the_answer(archive: Archive) -> None:
    first = capture()
    stored = await archive.store_capture(first)
    moved = exchange(body=b"moved", status=301, headers=(("Location", "/b"),))
    again = await archive.store_capture(capture(moved, exchange(), revisited=revisited(first, stored)))
    with pytest.raises(DamagedCapture):
        await archive.body(again.key)


async def test_equal_texts_are_kept_once(archive: Archive) -> None:
    one, two = packing.pack(capture(), PAGE), packing.pack(capture(capture_id="snp_2"), PAGE)
    await archive.put([one, two])
    await archive.put([])
    assert one.stored.text_key == two.stored.text_key
    assert one.stored.key != two.stored.key
    assert len([key async for key in archive.blobs.names("text")]) == 1


async def test_a_group_is_stored_at_once(archive: Archive) -> None:
    captures = [capture(exchange(body=b"%d" % n * 400), capture_id=f"snp_{n}") for n in range(9)]
    packed = [packing.pack(one, PAGE) for one in captures]
    await archive.put(packed)
    for one, place in zip(captures, packed, strict=True):
        assert (await archive.payload(place.stored.key))[1] == one.exchanges[-1].body


async def test_damage_is_told_from_absence(tmp_path: Path) -> None:
    archive = Archive(FolderBlobs(tmp_path))
    stored = await archive.store_capture(capture(), PAGE)
    assert stored.text_key is not None
    for key in (stored.key, stored.text_key):
        path = tmp_path / key
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.chmod(0o644)
        path.write_bytes(data)
    with pytest.raises(DamagedCapture, match=stored.key):
        await archive.read_warc(stored.key)
    with pytest.raises(DamagedCapture, match=stored.text_key):
        await archive.load_page(stored.text_key)
    with pytest.raises(MissingBlob):
        await archive.read_warc("warc/ab/ab.warc.gz")


async def test_nothing_is_told_stored_when_it_is_not(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"in the way")
    with pytest.raises(Unavailable):
        await Archive(FolderBlobs(tmp_path / "file")).store_capture(capture())
