"""The folder through faults: no object is ever half-written under its name, whatever happens while it is written."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from shared import disk as module
from shared.blobs import STAGING, FolderBlobs
from shared.errors import Unavailable

KEYS = [f"warc/{number:02}/{number}.warc.gz" for number in range(10)]


def names(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


async def test_bytes_are_synced_before_their_name_and_folders_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []
    real_sync, real_link = os.fsync, os.link

    def sync(handle: int) -> None:
        happened.append(f"sync {Path(f'/proc/self/fd/{handle}').readlink()}")
        real_sync(handle)

    def link(source: Path, target: Path) -> None:
        happened.append(f"link {source} {target}")
        real_link(source, target)

    root = tmp_path / "archive"
    store = FolderBlobs(root)
    await store.ping()
    monkeypatch.setattr(module.os, "fsync", sync)
    monkeypatch.setattr(module.os, "link", link)
    await store.put_many([("warc/ab/one", b"x")])
    bytes_synced = next(place for place, what in enumerate(happened) if what.startswith(f"sync {root / STAGING}"))
    named = max(place for place, what in enumerate(happened) if what.endswith("/warc/ab/one"))
    assert bytes_synced < named
    for folder in (root, root / "warc", root / "warc/ab"):
        assert happened.index(f"sync {folder}") > named


async def test_objects_are_read_only_and_staging_is_left_empty(tmp_path: Path) -> None:
    await FolderBlobs(tmp_path).put_many([(key, b"x") for key in KEYS])
    assert names(tmp_path) == KEYS
    assert (tmp_path / KEYS[0]).stat().st_mode & 0o222 == 0


async def test_what_a_crash_left_in_staging_is_swept_away_but_not_a_neighbours_work(tmp_path: Path) -> None:
    staging = tmp_path / STAGING
    staging.mkdir()
    old, fresh = staging / "old", staging / "fresh"
    for path in (old, fresh):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 90_000, time.time() - 90_000))
    store = FolderBlobs(tmp_path)
    await store.put_many([("a", b"x")])
    assert names(tmp_path) == [f"{STAGING}/fresh", "a"]
    assert [key async for key in store.names()] == ["a"]


async def test_a_failing_disk_is_unavailable_and_leaves_nothing_half_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    store = FolderBlobs(tmp_path)
    await store.ping()
    monkeypatch.setattr(module.os, "fsync", broken)
    with pytest.raises(Unavailable, match="cannot be written: Input/output error"):
        await store.put_many([(key, b"x") for key in KEYS])
    assert names(tmp_path) == []


FULL_DISK = """
import asyncio, resource, signal, sys
from pathlib import Path
from shared.blobs import FolderBlobs
from shared.errors import Unavailable

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
store = FolderBlobs(Path(sys.argv[1]))
try:
    asyncio.run(store.put_many([("fits", b"x" * 9_000), ("does-not", b"y" * 30_000)]))
except Unavailable as error:
    print(error)
"""


def test_a_full_disk_leaves_no_half_written_object(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)], capture_output=True, text=True, check=True, cwd=Path.cwd()
    )
    assert done.stdout == "The archive cannot be written: File too large.\n"
    assert names(tmp_path) == []


WRITER = """
import asyncio, itertools, os, sys
from pathlib import Path
from shared.blobs import FolderBlobs

store = FolderBlobs(Path(sys.argv[1]))
async def main():
    for turn in itertools.count():
        items = [(f"warc/{n:02}/{turn}", os.urandom(100_000) + b"END") for n in range(20)]
        await store.put_many(items)
        print(turn, flush=True)
asyncio.run(main())
"""


def test_killed_while_writing_every_name_is_a_whole_object(tmp_path: Path) -> None:
    for _ in range(3):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        for line in writer.stdout:
            if line == "2\n":
                break
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
    found = [path for path in (tmp_path / "warc").rglob("*") if path.is_file()]
    assert len(found) >= 60
    assert all(path.stat().st_size == 100_003 and path.read_bytes().endswith(b"END") for path in found)


def test_few_open_files_are_enough(tmp_path: Path) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (110, 110))\n"
    code = limit + FULL_DISK.replace("resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))", "").replace(
        '[("fits", b"x" * 9_000), ("does-not", b"y" * 30_000)]', '[(f"a/{n}", b"x") for n in range(500)]'
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert len(names(tmp_path)) == 500


async def test_a_read_only_folder_is_not_ready(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Unavailable):
        await FolderBlobs(tmp_path / "file").ping()


async def test_a_nearly_full_disk_is_not_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LEAST_FREE", 1 << 62)
    with pytest.raises(Unavailable, match="nearly full"):
        await FolderBlobs(tmp_path).ping()
