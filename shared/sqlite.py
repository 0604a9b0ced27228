"""SQLite under an event loop: the driver that SQLAlchemy's aiosqlite dialect is given in aiosqlite's place.

aiosqlite sends every step (cursor, execute, fetch, close) to a thread and back: four changes of thread a statement,
each of which waits for the interpreter lock while the loop is busy, and longest when many submit at once. A short
statement inside a transaction waits for nobody and costs less than one such change. So:

in a thread, one job each    what waits for other processes or for the disk (begin, commit), or may be long
at once, in the loop         the rest
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

T = TypeVar("T")
_AT_ONCE = ("INSERT", "SELECT", "UPDATE", "SAVEPOINT", "RELEASE")
"""First words of statements that are executed in the loop, when they write few rows."""
_FEW = 2000
"""Parameters of a statement, or sets of them, that still pass for few."""


async def connect(path: Path, busy_seconds: float, *, writes: bool) -> "Connection":
    """A connection. One that only reads executes all its statements in the thread, for a report may be long."""
    thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite")
    opened = partial(
        sqlite3.connect,
        path,
        timeout=busy_seconds,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        raw = await asyncio.get_running_loop().run_in_executor(thread, opened)
    except BaseException:
        thread.shutdown(wait=False)
        raise
    return Connection(raw, thread, writes)


class Connection:
    """One connection, used by one task at a time. The names are those that SQLAlchemy's adapter asks for."""

    def __init__(self, raw: sqlite3.Connection, thread: ThreadPoolExecutor, writes: bool) -> None:
        self.raw = raw
        self._thread = thread
        self._writes = writes
        self._connection: sqlite3.Connection | None = raw

    def cursor(self) -> "Cursor":
        return Cursor(self)

    async def execute(self, statement: str) -> None:
        """A statement without result, outside of SQLAlchemy."""
        await self._in_thread(partial(self.raw.execute, statement))

    async def create_function(self, *arguments: Any, **options: Any) -> None:
        self.raw.create_function(*arguments, **options)

    async def commit(self) -> None:
        """To disk, for a writer; a reader has nothing to wait for."""
        if self._writes:
            await self._in_thread(self.raw.commit)
        else:
            self.raw.commit()

    async def rollback(self) -> None:
        """After what a cancelled task may have left in the thread, hence there too."""
        await self._in_thread(self.raw.rollback)

    async def close(self) -> None:
        if self._connection is not None:
            self._connection = None
            await self._in_thread(self.raw.close)
            self._thread.shutdown(wait=False)

    def stop(self) -> None:
        """Close without waiting."""
        if self._connection is not None:
            self._connection = None
            self._thread.submit(self.raw.close)
            self._thread.shutdown(wait=False)

    async def run(self, job: Callable[[], T], statement: str, size: int) -> T:
        """Execute a statement, there or here."""
        if self._writes and size < _FEW and statement.startswith(_AT_ONCE):
            return job()
        if not self._writes and statement == "BEGIN":  # takes no lock
            return job()
        return await self._in_thread(job)

    async def _in_thread(self, job: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, job)


class Cursor:
    """One statement and its rows, all fetched with it."""

    def __init__(self, owner: Connection) -> None:
        self._owner = owner
        self._raw = owner.raw.cursor()
        self._rows: Sequence[Any] = ()

    async def __aenter__(self) -> Self:
        return self

    @property
    def description(self) -> Any:
        return self._raw.description

    @property
    def rowcount(self) -> int:
        return self._raw.rowcount

    @property
    def lastrowid(self) -> int | None:
        return self._raw.lastrowid

    async def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        self._rows = await self._owner.run(partial(self._execute, statement, parameters), statement, len(parameters))

    async def executemany(self, statement: str, parameters: Sequence[Sequence[Any]]) -> None:
        await self._owner.run(partial(self._raw.executemany, statement, parameters), statement, len(parameters))

    async def fetchall(self) -> Sequence[Any]:
        return self._rows

    async def close(self) -> None:
        self._raw.close()

    def _execute(self, statement: str, parameters: Sequence[Any]) -> Sequence[Any]:
        self._raw.execute(statement, parameters)
        return self._raw.fetchall() if self._raw.description else ()
