"""Many rows in one statement, on both databases, whatever their number: the text of a statement never depends on it.

PostgreSQL gets columns as arrays (`unnest`, `= ANY`), SQLite sets of parameters or a JSON list. Each statement is made
once and kept by SQLAlchemy and by the server: with hundreds of rows, making and parsing `VALUES (…), (…)` or `IN (…)`
anew costs more than to execute it.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

Row = Mapping[str, Any]


async def insert_new(tx: AsyncConnection, table: sa.Table, rows: Iterable[Row]) -> list[tuple[Any, ...]]:
    """Insert what is not there yet, by any unique constraint; all rows have the same columns.

    Returns the primary keys of the new rows, in no order.
    """
    many = list(rows)
    if not many:
        return []
    found = await tx.execute(*_inserting(tx, table, many, told=True))
    return [tuple(row) for row in found]


async def insert_ignore(tx: AsyncConnection, table: sa.Table, rows: Iterable[Row]) -> None:
    """Insert what is not there yet, by any unique constraint; all rows have the same columns."""
    if many := list(rows):
        await tx.execute(*_inserting(tx, table, many, told=False))


async def upsert(tx: AsyncConnection, table: sa.Table, rows: Iterable[Row], keys: Sequence[str]) -> None:
    """Insert the rows, or bring those with the same keys up to date in every column given (the same in each row)."""
    last = {tuple(row[key] for key in keys): row for row in rows}
    if not last:
        return
    many = list(last.values())
    statement = _upsert(tx.dialect.name, table, tuple(many[0]), tuple(keys))
    await tx.execute(statement, _parameters(tx, many))


def among(tx: AsyncConnection, column: sa.ColumnElement[str], values: Iterable[str]) -> sa.ColumnElement[bool]:
    """The condition that a column of text has one of these values."""
    if _is_sqlite(tx.dialect.name):
        listed = sa.func.json_each(sa.literal(json.dumps(list(values)))).table_valued("value")
        return column.in_(sa.select(listed.c.value))
    return column == sa.any_(sa.literal(list(values), postgresql.ARRAY(sa.Text)))


def _inserting(tx: AsyncConnection, table: sa.Table, many: list[Row], *, told: bool) -> tuple[Any, Any]:
    statement = _insert_missing(tx.dialect.name, table, tuple(many[0]), told=told)
    # On SQLite sets of rows with an answer are woven into the statement; a single one goes as it is.
    return statement, many[0] if told and len(many) == 1 and _is_sqlite(tx.dialect.name) else _parameters(tx, many)


def _parameters(tx: AsyncConnection, many: list[Row]) -> Any:
    return many if _is_sqlite(tx.dialect.name) else {name: [row[name] for row in many] for name in many[0]}


@cache
def _insert_missing(dialect: str, table: sa.Table, columns: tuple[str, ...], *, told: bool) -> Any:
    statement = _insert(dialect, table, columns).on_conflict_do_nothing()
    return statement.returning(*table.primary_key.columns) if told else statement


@cache
def _upsert(dialect: str, table: sa.Table, columns: tuple[str, ...], keys: tuple[str, ...]) -> Any:
    statement = _insert(dialect, table, columns)
    news = {name: statement.excluded[name] for name in columns if name not in keys}
    return statement.on_conflict_do_update(index_elements=list(keys), set_=news)


def _insert(dialect: str, table: sa.Table, columns: tuple[str, ...]) -> Any:
    """The two dialects' inserts have the same methods and no common type."""
    if _is_sqlite(dialect):
        return sqlite.insert(table)
    arrays = [sa.bindparam(name, type_=postgresql.ARRAY(table.c[name].type, dimensions=1)) for name in columns]
    rows = sa.func.unnest(*arrays).table_valued(*columns).render_derived()
    return postgresql.insert(table).from_select(columns, sa.select(*(rows.c[name] for name in columns)))


def _is_sqlite(dialect: str) -> bool:
    return dialect == "sqlite"
