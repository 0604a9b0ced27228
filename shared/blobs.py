"""Objects that are written once and never changed: in a folder, in memory, or in an S3 bucket.

What `put_many` returned is durable: in the folder every file and the folders that name them are fsynced, and a file
has its name only when it is whole; in S3 the server has answered for it. Only create-only writes are used, the one
kind that all three can do.
"""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError
from obstore.store import MemoryStore, ObjectStore, RetryConfig, S3Store

from shared.errors import CitewatchError, SettingError, Unavailable

RETRIES: RetryConfig = {
    "max_retries": 5,
    "retry_timeout": timedelta(seconds=15),
    "backoff": {"base": 2, "init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=2)},
}
"""A busy S3 server (503) is asked again."""
PARALLEL = 16
"""Requests to S3 in flight for one batch."""


class MissingBlob(CitewatchError):
    """There is no object of this name."""


class Blobs(Protocol):
    """The port: names are relative paths of `[A-Za-z0-9._/-]`."""

    async def put_many(self, items: Sequence[tuple[str, bytes]]) -> list[bool]:
        """Write objects; False for those that were there. Raises `Unavailable` when not all are durable."""

    async def get(self, key: str) -> bytes:
        """The bytes. Raises `MissingBlob`, `Unavailable`."""

    def keys(self, prefix: str = "") -> AsyncIterator[str]:
        """All names that begin so, in order."""

    async def ping(self) -> None:
        """Raises `Unavailable` when nothing could be written now."""


def open_blobs(url: str) -> Blobs:
    """`file:///folder`, `memory://`, or `s3://bucket/prefix` (keys and endpoint by the usual `AWS_*` names)."""
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.path:
        return FolderBlobs(Path(unquote(parts.path)))
    if parts.scheme == "memory":
        return ObjectBlobs(MemoryStore())
    if parts.scheme == "s3" and parts.netloc:
        return ObjectBlobs(_s3(parts.netloc, parts.path.strip("/")))
    raise SettingError("CITEWATCH_ARCHIVE_URL is not understood.", "Write file:///folder or s3://bucket/prefix.")


def _s3(bucket: str, prefix: str) -> ObjectStore:
    plain = os.environ.get("AWS_ENDPOINT_URL", os.environ.get("AWS_ENDPOINT", "")).startswith("http://")
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    return S3Store(
        bucket,
        prefix=prefix or None,
        config={"endpoint": endpoint} if endpoint else None,
        client_options={"allow_http": plain, "timeout": timedelta(seconds=20)},
        retry_config=RETRIES,
    )


class FolderBlobs:
    """Files under a root."""

    def __init__(self, root: Path) -> None:
        self.root = root

    async def put_many(self, items: Sequence[tuple[str, bytes]]) -> list[bool]:
        if not items:
            return []
        return await asyncio.to_thread(self._put_many, items)

    def _put_many(self, items: Sequence[tuple[str, bytes]]) -> list[bool]:
        try:
            written = [self._write(key, data) for key, data in items]
            for folder in {(self.root / key).parent for key, _ in items}:
                _sync_folder(folder)
        except OSError as error:
            raise Unavailable(f"The archive cannot be written: {error.strerror or error}.") from error
        return written

    def _write(self, key: str, data: bytes) -> bool:
        target = self.root / key
        if target.exists():
            return False
        if not target.parent.is_dir():
            _make_folders(target.parent, self.root)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=".part-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.link(name, target)
        except FileExistsError:
            return False
        finally:
            Path(name).unlink(missing_ok=True)
        return True

    async def get(self, key: str) -> bytes:
        try:
            return await asyncio.to_thread((self.root / key).read_bytes)
        except FileNotFoundError:
            raise MissingBlob(f"{key} is not in the archive.") from None
        except OSError as error:
            raise Unavailable(f"The archive cannot be read: {error.strerror or error}.") from error

    async def keys(self, prefix: str = "") -> AsyncIterator[str]:
        paths = await asyncio.to_thread(lambda: sorted(path for path in self.root.rglob("*") if path.is_file()))
        for path in paths:
            key = path.relative_to(self.root).as_posix()
            if key.startswith(prefix) and not path.name.startswith(".part-"):
                yield key

    async def ping(self) -> None:
        def probe() -> None:
            self.root.mkdir(parents=True, exist_ok=True)
            free = os.statvfs(self.root)
            if free.f_bavail * free.f_frsize < 64 * 1024 * 1024:
                raise Unavailable("The disk of the archive is nearly full.")

        try:
            await asyncio.to_thread(probe)
        except OSError as error:
            raise Unavailable(f"The archive's folder cannot be used: {error.strerror or error}.") from error


def _make_folders(folder: Path, root: Path) -> None:
    """Make the folders, and make each of their names durable."""
    missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for made in missing:
        _sync_folder(made.parent)
        if made == root:
            break


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class ObjectBlobs:
    """Any obstore store."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def put_many(self, items: Sequence[tuple[str, bytes]]) -> list[bool]:
        gate = asyncio.Semaphore(PARALLEL)

        async def put(key: str, data: bytes) -> bool:
            async with gate:
                return await self._put(key, data)

        return list(await asyncio.gather(*(put(key, data) for key, data in items)))

    async def _put(self, key: str, data: bytes) -> bool:
        try:
            await self._store.put_async(key, data, mode="create")
        except AlreadyExistsError:
            return False
        except (BaseError, OSError) as error:
            raise Unavailable(f"The archive cannot be written: {type(error).__name__}.") from error
        return True

    async def get(self, key: str) -> bytes:
        try:
            found = await self._store.get_async(key)
            return bytes(await found.bytes_async())
        except (NotFoundError, FileNotFoundError):
            raise MissingBlob(f"{key} is not in the archive.") from None
        except (BaseError, OSError) as error:
            raise Unavailable(f"The archive cannot be read: {type(error).__name__}.") from error

    async def keys(self, prefix: str = "") -> AsyncIterator[str]:
        names: list[str] = []
        try:
            async for chunk in self._store.list(prefix or None):
                names.extend(one["path"] for one in chunk)
        except (BaseError, OSError) as error:
            raise Unavailable(f"The archive cannot be listed: {type(error).__name__}.") from error
        for name in sorted(names):
            yield name

    async def ping(self) -> None:
        try:
            await self._store.list_with_delimiter_async("nothing-is-here")
        except (BaseError, OSError) as error:
            raise Unavailable(f"The archive does not answer: {type(error).__name__}.") from error
