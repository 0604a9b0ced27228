"""Objects that are written once and never changed: in a folder, in memory, or in an S3 bucket.

Only create-only writes are used, the one kind that all three can do. What `put_many` returned is durable:

folder  every file's bytes are fsynced before it gets its name (a hard link from the staging folder, so that a name
        stands for a whole file or for none), then every folder from the root down to it is fsynced; the fsyncs of a
        group run side by side and share the disk's commits
S3      the server has answered each write with success; 5xx and lost connections are tried again within `patience`
memory  nothing outlives the process (tests)
"""

import asyncio
import os
import re
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Protocol, TypeVar
from urllib.parse import unquote, urlsplit

from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError
from obstore.store import MemoryStore, ObjectStore, S3Store

from shared.disk import ensure_room
from shared.errors import CitewatchError, InputError, SettingError, Unavailable

PARALLEL = 16
"""Requests to S3 in flight for one batch."""
SYNCS = 8
"""fsyncs side by side for one batch."""
GROUP = 64
"""Files of a batch that are open at one time."""
STAGING = ".staging"
STALE = timedelta(days=1)
"""Age after which a file in staging is what a crash left behind."""
ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")
T = TypeVar("T")


class MissingBlob(CitewatchError):
    """There is no object of this name."""


class Blobs(Protocol):
    """The port. Names are relative paths of `[A-Za-z0-9._-]`, no part beginning with a dot; others: `InputError`."""

    async def put_many(self, items: Sequence[tuple[str, bytes]]) -> list[bool]:
        """Write objects; False for those that were there. Raises `Unavailable` when not all are durable."""

    async def get(self, key: str) -> bytes:
        """The bytes. Raises `MissingBlob`, `Unavailable`."""

    def names(self, folder: str = "") -> AsyncIterator[str]:
        """All names in a folder and those below it, sorted. Raises `Unavailable`."""

    async def ping(self) -> None:
        """Raises `Unavailable` when nothing could be written now."""


def open_blobs(url: str, *, patience: timedelta = timedelta(seconds=15)) -> Blobs:
    """`file:///folder`, `memory://`, or `s3://bucket/prefix` (keys and endpoint by the usual `AWS_*` names).

    `patience`: how long a request to S3 is tried again. Raises `SettingError`.
    """
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.path.strip("/") and parts.path[0] == "/" and parts.netloc in ("", "localhost"):
        return FolderBlobs(Path(unquote(parts.path)))
    if parts.scheme == "memory":
        return ObjectBlobs(MemoryStore())
    if parts.scheme == "s3" and parts.netloc:
        return ObjectBlobs(_s3(parts.netloc, parts.path.strip("/"), patience))
    raise SettingError("CITEWATCH_ARCHIVE_URL is not understood.", "Write file:///folder or s3://bucket/prefix.")


def _s3(bucket: str, prefix: str, patience: timedelta) -> ObjectStore:
    endpoint = next((os.environ[name] for name in ENDPOINTS if os.environ.get(name)), None)
    plain = endpoint is not None and endpoint.startswith("http://")
    try:
        return S3Store(
            bucket,
            prefix=prefix or None,
            config={"endpoint": endpoint} if endpoint else None,
            client_options={"allow_http": plain, "timeout": timedelta(seconds=20)},
            retry_config={
                "max_retries": 8,
                "backoff": {
                    "base": 2,
                    "init_backoff": timedelta(milliseconds=100),
                    "max_backoff": timedelta(seconds=2),
                },
                "retry_timeout": patience,
            },
        )
    except BaseError as error:
        raise SettingError("The S3 archive cannot be set up.", "Look at ARCHIVE_URL and the AWS_* names.") from error


def _checked(key: str) -> str:
    if not _NAME.fullmatch(key):
        raise InputError(f"{key!r} is no name of an object.")
    return key


class FolderBlobs:
    """Files under a root."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._staging = root / STAGING
        self._ready = False

    async def put_many(self, items: Sequence[tuple[str, bytes]]) -> list[bool]:
        for key, _ in items:
            _checked(key)
        return await asyncio.to_thread(_translated, "written", lambda: self._put_many(items)) if items else []

    def _put_many(self, items: Sequence[tuple[str, bytes]]) -> list[bool]:
        self._prepare()
        written: list[bool] = []
        with ThreadPoolExecutor(min(SYNCS, len(items))) as pool:
            for start in range(0, len(items), GROUP):
                written += self._put_group(items[start : start + GROUP], pool)
            _each(pool, _sync_folder, self._folders(items))
        return written

    def _put_group(self, items: Sequence[tuple[str, bytes]], pool: ThreadPoolExecutor) -> list[bool]:
        staged: dict[str, tuple[Path, int]] = {}
        try:
            for key, data in items:
                if key not in staged and not (self.root / key).exists():
                    staged[key] = self._stage(data)
            _each(pool, os.fsync, [handle for _, handle in staged.values()])
            fresh = {key: self._publish(path, key) for key, (path, _) in staged.items()}
        finally:
            for path, handle in staged.values():
                os.close(handle)
                path.unlink(missing_ok=True)
        return [fresh.pop(key, False) for key, _ in items]

    def _stage(self, data: bytes) -> tuple[Path, int]:
        path = self._staging / secrets.token_hex(16)
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o444)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(handle, view) :]
        except OSError:
            os.close(handle)
            path.unlink()
            raise
        return path, handle

    def _publish(self, staged: Path, key: str) -> bool:
        target = self.root / key
        try:
            try:
                os.link(staged, target)
            except FileNotFoundError:
                target.parent.mkdir(parents=True, exist_ok=True)
                os.link(staged, target)
        except FileExistsError:
            return False
        return True

    def _folders(self, items: Iterable[tuple[str, bytes]]) -> set[Path]:
        """The root and every folder from it down to the files: each holds the name of the next."""
        below = {key.rpartition("/")[0] for key, _ in items}
        return {self.root.joinpath(*path.split("/")[:depth]) for path in below for depth in range(path.count("/") + 2)}

    def _prepare(self) -> None:
        """Once a process: make root and staging, durably, and sweep away what a crash left in staging."""
        if self._ready:
            return
        missing = [folder for folder in (self.root, *self.root.parents) if not folder.exists()]
        self._staging.mkdir(parents=True, exist_ok=True)
        for folder in missing:
            _sync_folder(folder.parent)
        oldest = time.time() - STALE.total_seconds()
        for path in self._staging.iterdir():
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < oldest:
                    path.unlink()
        self._ready = True

    async def get(self, key: str) -> bytes:
        path = self.root / _checked(key)
        return await asyncio.to_thread(_translated, "read", path.read_bytes, key)

    async def names(self, folder: str = "") -> AsyncIterator[str]:
        start = self.root / _checked(folder) if folder else self.root
        waiting = [start]
        while waiting:
            path = waiting.pop()
            if path.is_dir():
                below = await asyncio.to_thread(_translated, "read", lambda path=path: sorted(path.iterdir()))
                waiting += [one for one in reversed(below) if not one.name.startswith(".")]
            elif path != start:
                yield path.relative_to(self.root).as_posix()

    async def ping(self) -> None:
        await asyncio.to_thread(_translated, "written", self._probe)

    def _probe(self) -> None:
        self._prepare()
        ensure_room(self.root, "archive")
        if not os.access(self._staging, os.W_OK):
            raise Unavailable("The folder of the archive is read-only.")


def _translated(doing: str, work: Callable[[], T], key: str = "") -> T:
    try:
        return work()
    except OSError as error:
        if key and isinstance(error, FileNotFoundError):
            raise MissingBlob(f"{key} is not in the archive.") from None
        raise Unavailable(f"The archive cannot be {doing}: {error.strerror or error}.") from error


def _each(pool: ThreadPoolExecutor, work: Callable[[T], object], items: Iterable[T]) -> None:
    """In as many parts as there are threads: a hand-over costs more than most of the work."""
    many = list(items)
    for _ in pool.map(lambda part: [work(one) for one in part], (many[part::SYNCS] for part in range(SYNCS))):
        pass


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

        for key, _ in items:
            _checked(key)
        # Every write is waited for before an error is told, so that none is left running.
        done = await asyncio.gather(*(put(key, data) for key, data in items), return_exceptions=True)
        for one in done:
            if isinstance(one, BaseException):
                raise one
        return [one is True for one in done]

    async def _put(self, key: str, data: bytes) -> bool:
        try:
            await self._store.put_async(key, data, mode="create", use_multipart=False)
        except AlreadyExistsError:
            return False
        except (BaseError, OSError) as error:
            raise Unavailable(f"The archive cannot be written: {_plainly(error)}.") from error
        return True

    async def get(self, key: str) -> bytes:
        try:
            found = await self._store.get_async(_checked(key))
            return bytes(await found.bytes_async())
        except (NotFoundError, FileNotFoundError):
            raise MissingBlob(f"{key} is not in the archive.") from None
        except (BaseError, OSError) as error:
            raise Unavailable(f"The archive cannot be read: {_plainly(error)}.") from error

    async def names(self, folder: str = "") -> AsyncIterator[str]:
        try:
            async for chunk in self._store.list(_checked(folder) if folder else None):
                for one in chunk:
                    yield one["path"]
        except (BaseError, OSError) as error:
            raise Unavailable(f"The archive cannot be listed: {_plainly(error)}.") from error

    async def ping(self) -> None:
        try:
            await self._store.list_with_delimiter_async("nothing-is-here")
        except (BaseError, OSError) as error:
            raise Unavailable(f"The archive does not answer: {_plainly(error)}.") from error


def _plainly(error: Exception) -> str:
    """The kind of error; its text names URLs, and is in the cause."""
    return type(error).__name__.removesuffix("Error") or "error"
