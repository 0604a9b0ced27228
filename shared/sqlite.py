"""SQLite under an event loop: the driver that SQLAlchemy's aiosqlite dialect is given in aiosqlite's place, adapted.

aiosqlite sends every step (cursor, execute, fetch, close) to a thread and back: four changes of thread a statement,
each of which waits for the interpreter lock while the loop is busy, and longest when many submit at once. A short
statement inside a transaction waits for nobody and costs less than one such change. So:

in a thread, one job each    what waits for other processes or for the disk (begin, commit), or may be long
at once, in the loop         the rest

SQLAlchemy changes greenlets for every step of a driver that may wait: ours are one step, and close without waiting.
"""

import asyncio
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy.dialects.sqlite.aiosqlite import AsyncAdapt_aiosqlite_connection, AsyncAdapt_aiosqlite_cursor
from sqlalchemy.util import await_only

T = TypeVar("T")
_AT_ONCE = ("INSERT", "SELECT", "UPDATE", "SAVEPOINT", "RELEASE")
"""First words of statements that are executed in the loop, when they write few rows."""
_FEW = 2000
"""Parameters of a statement, or sets of them, that still pass for few."""
_AGAIN_SECONDS = 0.01


def connect(dbapi: Any, path: Path, busy_seconds: float, *, writes: bool) -> "Adapted":
    """A connection for SQLAlchemy. One that only reads executes all its statements in the thread, for a report may be
    long.
    """
    ours: Any = await_only(_opened(path, busy_seconds, writes))
    return Adapted(dbapi, ours)


async def _opened(path: Path, busy_seconds: float, writes: bool) -> "Connection":
    thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite")
    try:
        raw = await asyncio.get_running_loop().run_in_executor(thread, _open, path, busy_seconds, writes)
    except BaseException:
        thread.shutdown(wait=False)
        raise
    return Connection(raw, thread, writes)


def _open(path: Path, busy_seconds: float, writes: bool) -> sqlite3.Connection:
    raw = sqlite3.connect(path, timeout=busy_seconds, isolation_level=None, check_same_thread=False)
    try:
        if writes:
            _log_ahead(raw, busy_seconds)
    except BaseException:
        raw.close()
        raise
    return raw


def _log_ahead(raw: sqlite3.Connection, busy_seconds: float) -> None:
    """Write-ahead logging, which the file remembers: readers and the writer do not wait for each other.

    Two processes that both make this change to a new file would wait for each other for ever; SQLite tells one of them
    `SQLITE_BUSY` at once, whatever its timeout.
    """
    until = time.monotonic() + busy_seconds
    while True:
        try:
            raw.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                raise
            time.sleep(_AGAIN_SECONDS)


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
        await self.in_thread(partial(self.raw.execute, statement))

    async def create_function(self, *arguments: Any, **options: Any) -> None:
        self.raw.create_function(*arguments, **options)

    async def commit(self) -> None:
        """To disk, for a writer; a reader has nothing to wait for."""
        if self._writes:
            await self.in_thread(self.raw.commit)
        else:
            self.raw.commit()

    async def rollback(self) -> None:
        """After what a cancelled task may have left in the thread, hence there too."""
        await self.in_thread(self.raw.rollback)

    async def close(self) -> None:
        if self._connection is not None:
            self._connection = None
            await self.in_thread(self.raw.close)
            self._thread.shutdown(wait=False)

    def stop(self) -> None:
        """Close without waiting."""
        if self._connection is not None:
            self._connection = None
            self._thread.submit(self.raw.close)
            self._thread.shutdown(wait=False)

    def at_once(self, statement: str, size: int) -> bool:
        """Whether a statement is executed here, and not in the thread."""
        if self._writes:
            return size < _FEW and statement.startswith(_AT_ONCE)
        return statement == "BEGIN"  # takes no lock

    async def in_thread(self, job: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, job)


class Cursor:
    """One statement and its rows, all fetched with it."""

    def __init__(self, owner: Connection) -> None:
        self.owner = owner
        self._raw = owner.raw.cursor()
        self._rows: Sequence[Any] = ()

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
        self._rows = await self.owner.in_thread(partial(self.execute_now, statement, parameters))

    async def executemany(self, statement: str, parameters: Sequence[Sequence[Any]]) -> None:
        await self.owner.in_thread(partial(self.executemany_now, statement, parameters))

    async def fetchall(self) -> Sequence[Any]:
        return self._rows

    def execute_now(self, statement: str, parameters: Sequence[Any] | None) -> Sequence[Any]:
        """Execute in the thread of the caller. Returns the rows."""
        self._raw.execute(statement, parameters or ())
        return self._raw.fetchall() if self._raw.description else ()

    def executemany_now(self, statement: str, parameters: Sequence[Sequence[Any]]) -> None:
        self._raw.executemany(statement, parameters)

    def close(self) -> None:
        self._raw.close()


class AdaptedCursor(AsyncAdapt_aiosqlite_cursor):
    """SQLAlchemy's side of a cursor."""

    __slots__ = ()
    _awaitable_cursor_close = False
    _cursor: Any

    def _aenter_cursor(self, cursor: Any) -> Any:
        return cursor

    async def _execute_async(self, operation: Any, parameters: Any) -> Any:
        if not self._at_once(operation, parameters):
            return await super()._execute_async(operation, parameters)
        self._rows = deque(self._cursor.execute_now(operation, parameters))
        return None

    async def _executemany_async(self, operation: Any, seq_of_parameters: Any) -> Any:
        if not self._at_once(operation, seq_of_parameters):
            return await super()._executemany_async(operation, seq_of_parameters)
        return self._cursor.executemany_now(operation, seq_of_parameters)

    def _at_once(self, operation: str, parameters: Sequence[Any] | None) -> bool:
        """Never while another statement of the connection is in the thread."""
        waiting = self._adapt_connection._execute_mutex.locked()
        return not waiting and bool(self._cursor.owner.at_once(operation, len(parameters or ())))


class Adapted(AsyncAdapt_aiosqlite_connection):
    """SQLAlchemy's side of a connection."""

    __slots__ = ()
    _cursor_cls = AdaptedCursor
