"""Many rows in one statement, on both databases, whatever their number: the text of a statement never depends on it.

PostgreSQL gets columns as arrays (`unnest`, `= ANY`), SQLite sets of parameters or a JSON list. Each statement is made
once and kept by SQLAlchemy and by the server: with hundreds of rows, making and parsing `VALUES (…), (…)` or `IN (…)`
anew costs more than to execute it.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

Row = Mapping[str, Any]
NOTHING: Row = MappingProxyType({})


async def insert_new(
    tx: AsyncConnection, table: sa.Table, rows: Iterable[Row], same: Row = NOTHING
) -> list[tuple[Any, ...]]:
    """Insert what is not there yet, by any unique constraint; all rows have the same columns, and those of `same`.

    Returns the primary keys of the new rows, in no order.
    """
    many = list(rows)
    if not many:
        return []
    statement = _insert_missing(_form(tx, table, many, same), told=True)
    if _is_sqlite(tx) and len(many) == 1:  # sets of rows with an answer are woven into the statement; one goes as it is
        found = await tx.execute(statement, {**many[0], **same})
    else:
        found = await tx.execute(statement, _parameters(tx, many, same))
    return [tuple(row) for row in found]


async def insert_ignore(tx: AsyncConnection, table: sa.Table, rows: Iterable[Row], same: Row = NOTHING) -> None:
    """Insert what is not there yet, by any unique constraint; all rows have the same columns, and those of `same`."""
    if many := list(rows):
        statement = _insert_missing(_form(tx, table, many, same), told=False)
        await tx.execute(statement, _parameters(tx, many, same))


async def upsert(
    tx: AsyncConnection, table: sa.Table, rows: Iterable[Row], keys: Sequence[str], same: Row = NOTHING
) -> None:
    """Insert the rows, or bring those with the same keys up to date in every column given (the same in each row)."""
    key = itemgetter(*keys)
    if many := list({key(row): row for row in rows}.values()):
        statement = _upsert(_form(tx, table, many, same), tuple(keys))
        await tx.execute(statement, _parameters(tx, many, same))


def among(tx: AsyncConnection, column: sa.ColumnElement[str], values: Iterable[str]) -> sa.ColumnElement[bool]:
    """The condition that a column of text has one of these values."""
    if _is_sqlite(tx):
        listed = sa.func.json_each(sa.literal(json.dumps(list(values)))).table_valued("value")
        return column.in_(sa.select(listed.c.value))
    return column == sa.any_(sa.literal(list(values), postgresql.ARRAY(sa.Text)))


@dataclass(frozen=True, slots=True)
class _Form:
    """What the text of an insert depends on."""

    sqlite: bool
    table: sa.Table
    each: tuple[str, ...]
    """Columns with a value for each row."""
    same: tuple[str, ...]
    """Columns with one value for all."""

    def insert(self) -> Any:
        """The two dialects' inserts have the same methods and no common type."""
        if self.sqlite:
            return sqlite.insert(self.table)
        kinds = {name: self.table.c[name].type for name in (*self.each, *self.same)}
        arrays = [sa.bindparam(name, type_=postgresql.ARRAY(kinds[name], dimensions=1)) for name in self.each]
        rows = sa.func.unnest(*arrays).table_valued(*self.each).render_derived()
        values = [*(rows.c[name] for name in self.each), *(sa.bindparam(name, type_=kinds[name]) for name in self.same)]
        return postgresql.insert(self.table).from_select([*self.each, *self.same], sa.select(*values))


def _form(tx: AsyncConnection, table: sa.Table, many: Sequence[Row], same: Row) -> _Form:
    return _Form(_is_sqlite(tx), table, tuple(many[0]), tuple(same))


def _parameters(tx: AsyncConnection, many: Sequence[Row], same: Row) -> Any:
    if _is_sqlite(tx):
        return [{**row, **same} for row in many]
    return {name: [row[name] for row in many] for name in many[0]} | dict(same)


def _is_sqlite(tx: AsyncConnection) -> bool:
    return tx.dialect.name == "sqlite"


@cache
def _insert_missing(form: _Form, *, told: bool) -> Any:
    statement = form.insert().on_conflict_do_nothing()
    return statement.returning(*form.table.primary_key.columns) if told else statement


@cache
def _upsert(form: _Form, keys: tuple[str, ...]) -> Any:
    statement = form.insert()
    news = {name: statement.excluded[name] for name in (*form.each, *form.same) if name not in keys}
    return statement.on_conflict_do_update(index_elements=list(keys), set_=news)
