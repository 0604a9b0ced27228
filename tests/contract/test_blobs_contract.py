"""The port of the archive's objects: one suite, run against the folder, the memory and a real S3 server."""

import asyncio
from pathlib import Path

import pytest

from shared.blobs import Blobs, FolderBlobs, MissingBlob, open_blobs
from shared.clock import SystemClock
from shared.errors import InputError, SettingError
from shared.ids import new_id


@pytest.fixture(params=["memory", "folder", pytest.param("s3", marks=pytest.mark.s3)])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty archive of each kind."""
    if request.param == "memory":
        return "memory://"
    if request.param == "folder":
        return f"file://{tmp_path}/an%20archive/below"
    server = request.getfixturevalue("s3_server")
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return f"s3://citewatch/{new_id('tests', SystemClock().now())}/below"


@pytest.fixture
def blobs(url: str) -> Blobs:
    return open_blobs(url)


async def test_what_was_put_is_got(blobs: Blobs) -> None:
    items = [("warc/ab/one.warc.gz", b"\0\xff" * 5000), ("text/ab/two.json.gz", b"")]
    assert await blobs.put_many(items) == [True, True]
    for key, data in items:
        assert await blobs.get(key) == data


async def test_the_first_write_of_a_name_stands(blobs: Blobs) -> None:
    assert await blobs.put_many([("a/b", b"first")]) == [True]
    assert await blobs.put_many([("a/b", b"second"), ("a/c", b"other")]) == [False, True]
    assert await blobs.get("a/b") == b"first"


async def test_one_of_many_writers_wins(blobs: Blobs) -> None:
    written = await asyncio.gather(*(blobs.put_many([("a/b", bytes([number]) * 100)]) for number in range(12)))
    assert sum(one == [True] for one in written) == 1
    assert await blobs.get("a/b") == bytes([written.index([True])]) * 100


async def test_a_batch_may_be_large_and_name_a_thing_twice(blobs: Blobs) -> None:
    items = [(f"warc/{number % 7}/{number}", b"%d" % number) for number in range(150)]
    assert await blobs.put_many(items) == [True] * 150
    assert sorted(await blobs.put_many([("x", b"1"), ("x", b"1")])) == [False, True]
    assert await blobs.put_many([]) == []
    assert await blobs.get("warc/2/149") == b"149"


async def test_names_come_sorted_by_folder(blobs: Blobs) -> None:
    await blobs.put_many([(key, b"") for key in ("b/2/y", "b/1/z", "a", "b/1/x", "c/3", "bb/1")])
    assert [key async for key in blobs.names()] == ["a", "b/1/x", "b/1/z", "b/2/y", "bb/1", "c/3"]
    assert [key async for key in blobs.names("b")] == ["b/1/x", "b/1/z", "b/2/y"]
    assert [key async for key in blobs.names("nothing")] == []


async def test_an_empty_archive_has_no_names(blobs: Blobs) -> None:
    assert [key async for key in blobs.names()] == []
    await blobs.ping()


async def test_a_missing_object_is_named(blobs: Blobs) -> None:
    with pytest.raises(MissingBlob, match="a/b"):
        await blobs.get("a/b")


@pytest.mark.parametrize(
    "key", ["", "/etc/passwd", "../x", "a/../../x", "a//b", "a/.hidden", ".staging/x", "a b", "a\n", "ä"]
)
async def test_a_name_that_leads_elsewhere_is_refused(blobs: Blobs, key: str) -> None:
    with pytest.raises(InputError):
        await blobs.put_many([("fine", b""), (key, b"")])
    with pytest.raises(InputError):
        await blobs.get(key)
    with pytest.raises(MissingBlob):
        await blobs.get("fine")


async def test_it_outlives_whoever_wrote_it(url: str) -> None:
    await open_blobs(url).put_many([("a/b", b"kept")])
    if url != "memory://":  # memory is gone with its holder: that is what it is for
        assert await open_blobs(url).get("a/b") == b"kept"


@pytest.mark.parametrize(
    "url_text", ["", "ftp://x/y", "file://", "file:x", "file:///", "file://host/x", "s3://", "/tmp/x"]
)
def test_an_address_that_is_not_understood_is_a_setting_to_mend(url_text: str) -> None:
    with pytest.raises(SettingError, match="ARCHIVE_URL"):
        open_blobs(url_text)


def test_a_folder_is_made_at_the_first_write_only(tmp_path: Path) -> None:
    assert isinstance(open_blobs(f"file://{tmp_path}/new"), FolderBlobs)
    assert not (tmp_path / "new").exists()
