"""Evidence bundles in the tools of those who made the format: validated, indexed alike, replayed."""

from pathlib import Path

import pytest

from tests.support.bundles import Desk, unzipped
from tests.support.captures import URL
from tests.support.webarchive import Pywb, Wacz


@pytest.fixture
async def bench(tmp_path: Path) -> Desk:
    return await Desk(tmp_path).fill()


async def test_the_makers_of_the_format_find_it_valid(bench: Desk, wacz: Wacz) -> None:
    valid, said = wacz.validate(bench.path(await bench.build()))
    assert valid, said


async def test_its_index_is_that_of_the_makers_indexer(bench: Desk, wacz: Wacz) -> None:
    members = unzipped(await bench.build())
    objects = []
    for name, data in members.items():
        if name.startswith("archive/"):
            objects.append(bench.folder / name.rpartition("/")[2])
            objects[-1].write_bytes(data)
    theirs = [line for line in wacz.index(*objects) if '"status": "304"' not in line]
    assert len(theirs) == 3
    assert members["indexes/index.cdx"].decode().splitlines() == theirs


async def test_it_replays(bench: Desk, pywb: Pywb) -> None:
    pywb.add("bundle", bench.path(await bench.build()))
    for stamp, text in (("20260503093001", b"4 percent"), ("20260505093000", b"4 percent"), ("20260512093000", b"7")):
        status, _, body = pywb.get(f"bundle/{stamp}id_/{URL}")
        assert (status, text in body) == (200, True), stamp
