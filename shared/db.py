"""One database behind SQLAlchemy Core: SQLite in a folder, or PostgreSQL.

Every write transaction on SQLite takes the lock first (`BEGIN IMMEDIATE`): a deferred one loses concurrent
read-modify-writes. Foreign exceptions are translated here: whatever means "not now" becomes `Unavailable`.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from shared.errors import Unavailable

BUSY = 5.0
"""Seconds that a SQLite writer waits for another process."""
CHUNK = 400
"""Rows in one statement of `insert_ignore` and `upsert`: both databases bound the number of parameters."""
NAMES = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """Aware UTC in and out; SQLite keeps microseconds since the epoch, so that order and equality are exact."""

    impl = sa.BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(sa.DateTime(timezone=True))
        return dialect.type_descriptor(sa.BigInteger())

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return int(value.timestamp()) * 1_000_000 + value.microsecond

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if isinstance(value, datetime):
            return value.astimezone(UTC)
        return datetime.fromtimestamp(value // 1_000_000, UTC).replace(microsecond=value % 1_000_000)


Json = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def metadata() -> sa.MetaData:
    """A service's own tables, with named constraints (Alembic batch mode needs them)."""
    return sa.MetaData(naming_convention=NAMES)


class Database:
    """Connections and transactions."""

    def __init__(self, url: str) -> None:
        self.is_sqlite = url.startswith("sqlite")
        self.engine = _sqlite_engine(url) if self.is_sqlite else _postgres_engine(url)
        self._writing = asyncio.Lock() if self.is_sqlite else None
        self._after_commit = asyncio.Event()

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A write transaction: commits on leaving, rolls back on an exception."""
        async with contextlib.AsyncExitStack() as stack:
            if self._writing is not None:
                await stack.enter_async_context(self._writing)
            yield await stack.enter_async_context(self._transaction("BEGIN IMMEDIATE"))
        self._after_commit.set()
        self._after_commit = asyncio.Event()

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A read transaction: one consistent view."""
        async with self._transaction("BEGIN") as connection:
            yield connection

    @contextlib.asynccontextmanager
    async def _transaction(self, begin: str) -> AsyncIterator[AsyncConnection]:
        with translated():
            async with self.engine.connect() as connection:
                if self.is_sqlite:
                    await connection.exec_driver_sql(begin)
                try:
                    yield connection
                except BaseException:
                    await asyncio.shield(connection.rollback())
                    raise
                await asyncio.shield(connection.commit())

    async def committed(self, timeout: float) -> None:
        """Until this process commits something, or the time is over."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._after_commit.wait(), timeout)

    async def ping(self) -> None:
        """Raises `Unavailable` when the database does not answer."""
        async with self.read() as connection:
            await connection.execute(sa.select(1))

    async def close(self) -> None:
        """Give all connections back."""
        await self.engine.dispose()


@contextlib.contextmanager
def translated() -> Any:
    """Database errors that may pass become `Unavailable`; the others are bugs and stay what they are."""
    try:
        yield
    except (OperationalError, InterfaceError, OSError, TimeoutError) as error:
        raise Unavailable(f"the database does not answer: {type(error).__name__}: {error}") from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise Unavailable(f"the database connection was lost: {error}") from error
        raise


def _sqlite_engine(url: str) -> AsyncEngine:
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT", connect_args={"timeout": BUSY})

    @sa.event.listens_for(engine.sync_engine, "connect")
    def on_connect(connection: Any, _: Any) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={int(BUSY * 1000)}"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _postgres_engine(url: str) -> AsyncEngine:
    return create_async_engine(url, pool_size=10, max_overflow=10, pool_timeout=BUSY, pool_pre_ping=True)


def _insert(tx: AsyncConnection, table: sa.Table) -> Any:
    return (sqlite if tx.dialect.name == "sqlite" else postgresql).insert(table)


def _chunks(rows: Sequence[dict[str, Any]]) -> Iterable[Sequence[dict[str, Any]]]:
    return (rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK))


async def insert_ignore(tx: AsyncConnection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> int:
    """Insert the rows that are not there yet; returns how many were new."""
    new = 0
    for chunk in _chunks(rows):
        done = await tx.execute(_insert(tx, table).values(chunk).on_conflict_do_nothing())
        new += done.rowcount
    return new


async def upsert(tx: AsyncConnection, table: sa.Table, rows: Sequence[dict[str, Any]], keys: Sequence[str]) -> None:
    """Insert the rows, or bring those with the same keys up to date in every column given."""
    for chunk in _chunks(rows):
        statement = _insert(tx, table).values(chunk)
        news = {name: statement.excluded[name] for name in chunk[0] if name not in keys}
        await tx.execute(statement.on_conflict_do_update(index_elements=list(keys), set_=news))
