"""One database for all tables: SQLite in a file, or PostgreSQL, by URL alone.

`write()` and `read()` are the only two ways in. A write transaction takes the lock first on SQLite (`BEGIN IMMEDIATE`),
in the order of asking within the process. A task cancelled inside either neither leaks its connection nor commits half.
Errors of the drivers leave both as `Unavailable` (wait) or `RetryLater` (once more); a bug stays what it is.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from contextvars import Context, copy_context
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.bell import Bell
from shared.disk import ensure_room
from shared.engines import Translated, parse, postgresql_engine, sqlite_engine
from shared.errors import CitewatchError, Unavailable

T = TypeVar("T")


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """Aware UTC in and out. SQLite keeps microseconds since the epoch, so that order and equality are exact."""

    impl = sa.BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        kind = sa.DateTime(timezone=True) if dialect.name == "postgresql" else sa.BigInteger()
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return value if dialect.name == "postgresql" else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if isinstance(value, datetime) else _EPOCH + value * _MICROSECOND


_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)

Json = sa.JSON(none_as_null=True)
"""A JSON value kept as text: PostgreSQL's `jsonb` would refuse U+0000, which foreign pages do contain."""


def metadata() -> sa.MetaData:
    """A new MetaData whose constraints all have names, which migrations on SQLite need."""
    return sa.MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def after_commit(tx: AsyncConnection, call: Callable[[], None]) -> None:
    """Call once when the transaction has committed; never when it is rolled back. Must not raise."""
    tx.info.setdefault(_AFTER, []).append(call)


def gathered(tx: AsyncConnection, write: Callable[[AsyncConnection, list[T]], Awaitable[None]]) -> list[T]:
    """A list of this transaction that `write` is given right before the commit: for rows that come one by one, and
    that nobody reads before. What `write` raises undoes the transaction, as any statement of it would.
    """
    lists: dict[object, list[T]] = tx.info[_GATHERED]
    return lists.setdefault(write, [])


def announce(tx: AsyncConnection, channel: str) -> None:
    """Wake those of this process who listen to the channel, when the transaction has committed."""
    bell: Bell = tx.info[_BELL]
    after_commit(tx, lambda: bell.ring(channel))


_AFTER, _BELL, _GATHERED = "citewatch_after_commit", "citewatch_bell", "citewatch_gathered"


@dataclass(frozen=True)
class _Piece(Generic[T]):
    """What one caller of `grouped` wants done, in the caller's context."""

    work: Callable[[AsyncConnection], Awaitable[T]]
    done: "asyncio.Future[T]"
    context: Context

    async def run(self, tx: AsyncConnection) -> T:
        async def step() -> T:
            return await self.work(tx)

        return await asyncio.create_task(step(), context=self.context)

    def settle(self, result: T) -> None:
        if not self.done.cancelled():
            self.done.set_result(result)

    def fail(self, error: Exception) -> None:
        if not self.done.cancelled():
            self.done.set_exception(error)


class Database:
    """Connections to one database. `url` is an SQLAlchemy URL; a bare `sqlite:` or `postgresql:` gets its driver."""

    def __init__(
        self, url: str, *, pool_size: int = 10, busy_seconds: float = 5, statement_seconds: float = 30
    ) -> None:
        parsed = parse(url)
        self.is_sqlite = parsed.drivername.startswith("sqlite")
        self._bell = Bell()
        self._turn = asyncio.Lock()
        self._outages = 0
        """How often a transaction could not begin."""
        self._pieces: list[_Piece[Any]] = []
        self._grouping: asyncio.Task[None] | None = None
        self._asked = -math.inf
        self._folder = Path(parsed.database or "").parent if self.is_sqlite else None
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._writer = sqlite_engine(parsed, "BEGIN IMMEDIATE", 1, busy_seconds)
            self._reader = sqlite_engine(parsed, "BEGIN", pool_size, busy_seconds)
        else:
            self._writer = self._reader = postgresql_engine(parsed, pool_size, statement_seconds)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One transaction: committed on leaving, rolled back on any exception or cancellation."""
        async with self._order(), self._transaction(self._writer) as tx:
            yield tx

    async def grouped(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """A short piece of writing that many may ask for at once: on SQLite those that wait share one commit.

        It is durable on return, as with `write`. It may be run twice: where one of a group fails, each is run alone;
        where the database is away, all who wait are told so at once.
        """
        if not self.is_sqlite:
            async with self.write() as tx:
                return await work(tx)
        piece: _Piece[T] = _Piece(work, asyncio.get_running_loop().create_future(), copy_context())
        self._pieces.append(piece)
        self._asked = time.monotonic()
        if self._grouping is None or self._grouping.done():
            self._grouping = asyncio.create_task(self._groups())
        return await piece.done

    async def calm(self) -> None:
        """For work that can wait: a moment without anybody in `grouped`, or half a second, whichever comes first.

        In the one-process form those who submit go before those who read and check what was submitted.
        """
        for _ in range(_CALM_LOOKS):
            if self._grouping is None or self._quiet(_CALM_SECONDS):
                return
            await asyncio.sleep(_CALM_SECONDS)

    @property
    def asked_lately(self) -> bool:
        """Whether somebody was in `grouped` within the last second: nobody should keep the writer for long then."""
        return not self._quiet(1)

    def _quiet(self, seconds: float) -> bool:
        return not self._pieces and time.monotonic() - self._asked > seconds

    async def _groups(self) -> None:
        while self._pieces:
            group: Sequence[_Piece[Any]] = ()
            try:
                async with self._order():  # those who come while we wait for the lock are taken too
                    group, self._pieces = self._pieces[:_GROUP], self._pieces[_GROUP:]
                    group = [piece for piece in group if not piece.done.cancelled()]
                    if not await self._all_at_once(group):
                        for piece in group:
                            await self._alone(piece)
            except Unavailable as error:
                waiting, self._pieces = [*group, *self._pieces], []
                for piece in waiting:
                    piece.fail(error)

    async def _all_at_once(self, group: "Sequence[_Piece[Any]]") -> bool:
        try:
            async with self._transaction(self._writer) as tx:
                results = [await piece.run(tx) for piece in group]
        except Unavailable:
            raise
        except Exception:
            return False
        for piece, result in zip(group, results, strict=True):
            piece.settle(result)
        return True

    async def _alone(self, piece: "_Piece[Any]") -> None:
        try:
            async with self._transaction(self._writer) as tx:
                result = await piece.run(tx)
        except Exception as error:
            piece.fail(error)
        else:
            piece.settle(result)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """One transaction for reading: a snapshot on SQLite, where writing in it fails."""
        async with self._transaction(self._reader) as tx:
            yield tx

    @asynccontextmanager
    async def schema(self) -> AsyncIterator[AsyncConnection]:
        """One transaction that may change tables, one at a time among all processes.

        SQLite: foreign keys are off while tables are rebuilt, and checked before the commit. PostgreSQL: under an
        advisory lock, giving up after 10 s where it would queue behind (and so block) the work of others.
        """
        async with self._order():
            raw = self._writer.connect()
            try:
                with Translated(connecting=True):
                    await _finish(raw.start())
                    if self.is_sqlite:
                        await _finish(_pragma(raw, "foreign_keys = OFF"))
                async with self._steps(raw) as tx:
                    if not self.is_sqlite:
                        await tx.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _SCHEMA_LOCK})
                        await tx.execute(sa.text("SET LOCAL lock_timeout = '10s'"))
                        await tx.execute(sa.text("SET LOCAL statement_timeout = 0"))
                    yield tx
                    if self.is_sqlite and (broken := (await tx.exec_driver_sql("PRAGMA foreign_key_check")).first()):
                        raise CitewatchError(f"the migration would break a foreign key of table {broken[0]}")
                if self.is_sqlite:
                    await _finish(_pragma(raw, "foreign_keys = ON"))
            except BaseException:
                await _finish(_drop(raw))
                raise
            finally:
                await _finish(_close(raw))

    def listen(self, channel: str) -> asyncio.Event:
        """An event that `announce` on this channel sets. Give it back with `forget`."""
        return self._bell.listen(channel)

    def forget(self, channel: str, event: asyncio.Event) -> None:
        self._bell.forget(channel, event)

    async def committed(self, seconds: float) -> None:
        """Until this process commits something, or so many seconds are over."""
        event = self.listen(_ANY)
        try:
            await asyncio.wait_for(event.wait(), seconds)
        except TimeoutError:
            return
        finally:
            self.forget(_ANY, event)

    async def ping(self) -> None:
        """Raises `Unavailable` when the database does not answer, or the disk of SQLite's file is nearly full."""
        if self._folder is not None:
            ensure_room(self._folder, "database")
        async with self.read() as tx:
            await tx.execute(sa.text("SELECT 1"))

    async def close(self) -> None:
        """Close all connections, when what was asked for is done."""
        if self._grouping is not None:
            await _finish(asyncio.wait((self._grouping,)))
        await _finish(self._writer.dispose())
        await _finish(self._reader.dispose())

    @asynccontextmanager
    async def _order(self) -> AsyncIterator[None]:
        """Writers of one process take turns on SQLite, first come first served, rather than poll for its lock.

        Raises `Unavailable` where one before us waited for that lock in vain: so would we, and all behind us in turn.
        """
        if not self.is_sqlite:
            yield
            return
        outages = self._outages
        async with self._turn:
            if self._outages != outages:
                raise Unavailable("the database is locked by another process")
            yield

    @asynccontextmanager
    async def _transaction(self, engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
        connection = engine.connect()
        try:
            with Translated(connecting=True):
                await _finish(connection.start())
            async with self._steps(connection) as tx:
                yield tx
        finally:
            with Translated():
                await _finish(_close(connection))

    @asynccontextmanager
    async def _steps(self, connection: AsyncConnection) -> AsyncIterator[AsyncConnection]:
        """Begin, the body, then commit or roll back. None of the three own steps is cut short by cancellation."""
        connection.info[_BELL] = self._bell
        connection.info[_GATHERED] = {}
        connection.info[_AFTER] = [lambda: self._bell.ring(_ANY)] if connection.engine is self._writer else []
        try:
            with Translated(connecting=True):
                await _finish(connection.begin().start())
        except Unavailable:
            self._outages += 1
            raise
        with Translated():
            try:
                yield connection
                for write, rows in connection.info.pop(_GATHERED).items():
                    await write(connection, rows)
                calls = connection.info.pop(_AFTER)
                await _finish(_commit(connection, calls))
            except BaseException:
                await _finish(_undo(connection))
                raise


_ANY = ""
"""The channel that every commit rings."""
_GROUP = 64
"""Pieces in one commit of `grouped`."""
_CALM_SECONDS, _CALM_LOOKS = 0.03, 16
_SCHEMA_LOCK = 0x43495445_57415443
"""The advisory lock of schema changes: `CITEWATC` in ASCII."""


async def _commit(connection: AsyncConnection, calls: list[Callable[[], None]]) -> None:
    await connection.commit()
    for call in calls:
        call()


async def _close(connection: AsyncConnection) -> None:
    if connection.sync_connection is not None:  # it is None where connecting failed
        await connection.close()


async def _undo(connection: AsyncConnection) -> None:
    """Roll back; where even that fails, drop the connection, which ends its transaction too."""
    try:
        await connection.rollback()
    except exc.SQLAlchemyError:
        await _drop(connection)


async def _drop(connection: AsyncConnection) -> None:
    if connection.sync_connection is not None and not connection.closed and not connection.invalidated:
        await connection.invalidate()


async def _pragma(connection: AsyncConnection, setting: str) -> None:
    """Set a pragma outside any transaction: within one `foreign_keys` has no effect."""
    raw = await connection.get_raw_connection()
    driver: Any = raw.driver_connection
    await driver.execute(f"PRAGMA {setting}")


async def _finish(step: Coroutine[Any, Any, T] | Any) -> T:
    """Await to the end even when the waiting task is cancelled; the cancellation is then passed on."""
    task: asyncio.Task[T] = asyncio.ensure_future(step)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            if task.cancelled():
                raise
            cancelled = error
        except BaseException:
            break
    if cancelled is not None:
        task.exception()
        raise cancelled
    return task.result()
