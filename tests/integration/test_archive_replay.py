"""What we archive, replayed by pywb: byte for byte, redirects and revisits too."""

import gzip
import re
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from services.linkcheck.archive.packing import Capture
from services.linkcheck.archive.snapshots import Archive
from shared.blobs import FolderBlobs
from shared.ids import derived_id
from tests.support.captures import BODY, NOW, capture, exchange, revisited
from tests.support.webarchive import Pywb

HEADS = sorted((Path(__file__).parents[1] / "cases" / "warc_heads").glob("*.head"))
PAGE = b"<html><head><title>R</title></head><body>" + b"<p>Turnover rose by 4 percent.</p>" * 200 + b"</body></html>"


@pytest.fixture
def collection(request: pytest.FixtureRequest) -> str:
    return derived_id("col", request.node.nodeid)


@pytest.fixture
async def replay(pywb: Pywb, collection: str, tmp_path: Path) -> AsyncIterator["Replay"]:
    yield Replay(pywb, collection, tmp_path)


class Replay:
    """Stores captures in an archive of ours, gives its files to pywb, and asks for raw bodies."""

    def __init__(self, pywb: Pywb, collection: str, folder: Path) -> None:
        self.pywb, self.collection, self.folder = pywb, collection, folder
        self.archive = Archive(FolderBlobs(folder))

    async def store(self, *captures: Capture) -> None:
        stored = [await self.archive.store_capture(one) for one in captures]
        self.pywb.add(self.collection, *(self.folder / one.key for one in stored))

    def raw(self, stamp: str, url: str) -> tuple[int, dict[str, str], bytes]:
        status, headers, body = self.pywb.get(f"{self.collection}/{stamp}id_/{url}", {"Accept-Encoding": "gzip"})
        return status, {name.lower(): value for name, value in headers.items()}, body


async def test_a_page_comes_back_byte_for_byte(replay: Replay) -> None:
    url = "https://www.example.org/a//Report.html?b=2&a=%7E1"
    await replay.store(capture(exchange(url, PAGE)))
    status, headers, body = replay.raw("20260503093001", url)
    assert (status, body) == (200, PAGE)
    assert headers["memento-datetime"] == "Sun, 03 May 2026 09:30:01 GMT"
    assert headers["content-type"] == "text/html; charset=utf-8"


async def test_a_chunked_and_zipped_page_comes_back_as_it_was_sent(replay: Replay) -> None:
    sent = gzip.compress(PAGE, mtime=0)
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\nContent-Type: text/html\r\n\r\n"
    await replay.store(capture(exchange("https://example.org/zipped", sent, head=head)))
    status, headers, body = replay.raw("20260503093001", "https://example.org/zipped")
    assert (status, headers.get("content-encoding"), body) == (200, "gzip", sent)


async def test_any_head_replays(replay: Replay) -> None:
    await replay.store(*(capture(_one(path), capture_id=path.stem) for path in HEADS))
    spoiled = [path.stem for path in HEADS if replay.raw("20260503093001", _one(path).url)[::2] != (200, BODY)]
    assert spoiled == []


def _one(path: Path):  # type: ignore[no-untyped-def]
    return exchange(f"https://example.org/{path.stem}", head=path.read_bytes())


async def test_redirects_lead_to_the_page(replay: Replay) -> None:
    moved = exchange("http://example.org/old", b"", status=301, headers=(("Location", "https://example.org/new"),))
    await replay.store(capture(moved, exchange("https://example.org/new", PAGE)))
    status, headers, _ = replay.raw("20260503093001", "http://example.org/old")
    assert (status, headers["location"]) == (301, "https://example.org/new")
    assert replay.raw("20260503093001", "https://example.org/new")[2] == PAGE


async def test_a_known_payload_replays_from_where_it_stands(replay: Replay) -> None:
    first = capture(exchange(body=PAGE))
    stored = await replay.archive.store_capture(first)
    again = capture(
        exchange(body=PAGE), capture_id="snp_2", at=NOW + timedelta(days=3), revisited=revisited(first, stored)
    )
    await replay.store(first, again)
    status, headers, body = replay.raw("20260506093000", first.exchanges[-1].url)
    assert (status, body) == (200, PAGE)
    assert headers["memento-datetime"] == "Wed, 06 May 2026 09:30:00 GMT"


async def test_not_modified_is_replayed_as_what_it_was(replay: Replay) -> None:
    first = capture(exchange(body=PAGE))
    stored = await replay.archive.store_capture(first)
    again = capture(
        exchange(body=b"", status=304, headers=(("ETag", '"7"'),)),
        capture_id="snp_2", at=NOW + timedelta(days=3), revisited=revisited(first, stored),
    )  # fmt: skip
    await replay.store(first, again)
    status, headers, _ = replay.raw("20260506093000", first.exchanges[-1].url)
    assert (status, headers["x-archive-orig-etag"]) == (304, '"7"')
    assert replay.raw("20260503093001", first.exchanges[-1].url)[2] == PAGE


async def test_it_lists_our_captures_in_its_timemap(replay: Replay) -> None:
    url = "https://example.org/often"
    days: Sequence[int] = (0, 10, 20)
    await replay.store(*(
        capture(exchange(url, b"%d" % day), capture_id=f"snp_{day}", at=NOW + timedelta(days=day)) for day in days
    ))  # fmt: skip
    _, _, listed = replay.pywb.get(f"{replay.collection}/timemap/link/{url}")
    assert len(re.findall(rb'datetime="', listed)) == len(days)
