"""Engines for the two databases, and their drivers' errors in our words."""

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from shared import sqlite
from shared.errors import CitewatchError, InputError, RetryLater, SettingError, Unavailable

_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}
_SQLITE_AWAY = frozenset({"BUSY", "LOCKED", "FULL", "IOERR", "CANTOPEN", "READONLY", "NOMEM", "PROTOCOL", "CORRUPT"})
"""Primary result codes that tell of the file or the machine, not of the statement (sqlite.org/rescode.html)."""
_PG_AGAIN = frozenset({"40001", "40P01", "55P03"})
"""Serialisation failure, deadlock, lock not available (PostgreSQL manual, appendix A)."""
_PG_NO_TEXT = frozenset({"22021", "22P05"})
"""A character that it does not hold: NUL."""
_PG_AWAY = ("08", "28", "3D", "53", "57", "58", "25006")
"""Connection, authorisation, no such database, resources, operator intervention, system error, and a standby that takes
no writes."""


class Translated:
    """Turns the drivers' errors into ours. Connecting may also fail with errors that SQLAlchemy has not wrapped."""

    def __init__(self, *, connecting: bool = False) -> None:
        self._foreign = Exception if connecting else exc.SQLAlchemyError

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is not None and isinstance(error, self._foreign) and (ours := translate(error)) is not None:
            raise ours from error


def translate(error: Exception) -> CitewatchError | None:
    """Our error for a driver's, or None where it tells of a bug and should be seen as it is."""
    if isinstance(error, OSError | TimeoutError | exc.TimeoutError):
        return Unavailable(f"the database (CITEWATCH_DATABASE_URL) does not answer: {type(error).__name__}")
    origin: Any = error.orig if isinstance(error, exc.DBAPIError) else error
    if isinstance(error, exc.IntegrityError):
        return RetryLater(f"another transaction came first: {origin}")
    name = str(getattr(origin, "sqlite_errorname", "")).removeprefix("SQLITE_").split("_")[0]
    state = str(getattr(origin, "sqlstate", None) or "")
    if state in _PG_NO_TEXT:
        return InputError("There is a NUL character in a text.", "Leave it out.")
    if state in _PG_AGAIN or "InvalidCachedStatement" in str(origin):
        return RetryLater(f"the database asks to try again: {origin}")
    lost = isinstance(error, exc.InterfaceError) or getattr(error, "connection_invalidated", False)
    if lost or name in _SQLITE_AWAY or state.startswith(_PG_AWAY):
        return Unavailable(f"the database cannot serve now: {origin}")
    return None


def parse(url: str) -> URL:
    try:
        parsed = make_url(url)
        driver = _DRIVERS[parsed.drivername]
    except (exc.ArgumentError, KeyError, ValueError):
        raise SettingError(
            "CITEWATCH_DATABASE_URL is not the URL of a database we know.",
            "Write sqlite:///path/to/file.db or postgresql+asyncpg://user:password@host/name.",
        ) from None
    if driver.startswith("sqlite") and (parsed.database or ":memory:") == ":memory:":
        raise SettingError("CITEWATCH_DATABASE_URL names no file.", "Write sqlite:///path/to/file.db.")
    return parsed.set(drivername=driver)


def sqlite_engine(url: URL, begin: str, pool_size: int, busy_seconds: float) -> AsyncEngine:
    path, writes = Path(url.database or "").absolute(), begin == "BEGIN IMMEDIATE"
    engine: AsyncEngine = AsyncEngine(
        sa.create_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_reset_on_return=None,
            creator=lambda: sqlite.connect(engine.dialect.dbapi, path, busy_seconds, writes=writes),
        )
    )
    if writes:
        pragmas = ["synchronous = FULL", "foreign_keys = ON", "cache_size = -16000"]
    else:  # many: what they have in common lies in the cache of the operating system
        pragmas = ["foreign_keys = ON", "cache_size = -2000", "query_only = ON"]

    def opened(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    def started(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)

    sa.event.listen(engine.sync_engine, "connect", opened)
    sa.event.listen(engine.sync_engine, "begin", started)
    return engine


def postgresql_engine(url: URL, pool_size: int, statement_seconds: float) -> AsyncEngine:
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=10,
        pool_pre_ping=True,
        pool_reset_on_return=None,
        connect_args={
            "timeout": 5,
            "server_settings": {
                "application_name": "citewatch",
                "statement_timeout": str(int(statement_seconds * 1000)),
                "idle_in_transaction_session_timeout": "60000",
                "timezone": "UTC",
            },
        },
    )
