"""Schema migrations: one Alembic line a part, each with a version table of its own in the database it lives in.

python -m shared.migrate PART "what changes"     writes the next revision of a part from its tables
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import sqlalchemy as sa

from shared.db import Database, UtcDateTime

if TYPE_CHECKING:  # Alembic is imported where there is something to migrate: a start that finds nothing is quicker
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory


@dataclass(frozen=True, slots=True)
class Part:
    """A schema with an owner."""

    name: str
    tables: str
    migrations: Path

    @property
    def version_table(self) -> str:
        return f"{self.name}_version"


_HOUSE = Path(__file__).resolve().parent.parent
PARTS = {
    "eventlog": Part("eventlog", "shared.eventlog.tables", _HOUSE / "shared" / "eventlog" / "migrations"),
    **{
        name: Part(name, f"services.{name}.tables", _HOUSE / "services" / name / "migrations")
        for name in ("ingest", "linkcheck", "notify")
    },
}


async def upgrade(db: Database, *names: str, to: str = "head") -> None:
    """Bring the named parts to a revision, each in one transaction; those that are there already cost one query."""
    for name in names:
        async with db.schema() as tx:  # a writer from the first: a reader of a new SQLite file would hold up its WAL
            if to != "head" or not await tx.run_sync(_is_newest, PARTS[name]):
                await tx.run_sync(_upgrade, PARTS[name], to)


def _is_newest(connection: sa.Connection, part: Part) -> bool:
    """Whether the version table names the last file of the line; files are named by their revision."""
    if not sa.inspect(connection).has_table(part.version_table):
        return False
    versions = sa.table(part.version_table, sa.column("version_num"))
    newest = max(path.name.partition("_")[0] for path in (part.migrations / "versions").glob("[0-9]*.py"))
    return list(connection.scalars(sa.select(versions.c.version_num))) == [newest]


async def current(db: Database, name: str) -> str | None:
    """The revision that a part's tables are at; None before the first."""
    async with db.read() as tx:
        return await tx.run_sync(lambda connection: _context(connection, PARTS[name]).get_current_revision())


def head(name: str) -> str | None:
    """The newest revision of a part."""
    return _scripts(PARTS[name]).get_current_head()


async def drift(db: Database, name: str) -> list[Any]:
    """How a part's tables in the database differ from those in its code, as Alembic tells it: best empty."""
    part = PARTS[name]
    tables: sa.MetaData = import_module(part.tables).METADATA

    from alembic.autogenerate import compare_metadata

    def compare(connection: sa.Connection) -> list[Any]:
        context = _context(
            connection,
            part,
            compare_type=True,
            include_name=lambda name, kind, _: kind != "table" or name in tables.tables,
        )
        return list(compare_metadata(context, tables))

    async with db.read() as tx:
        return await tx.run_sync(compare)


def _scripts(part: Part) -> "ScriptDirectory":
    from alembic.script import ScriptDirectory

    return ScriptDirectory(str(part.migrations), version_locations=[str(part.migrations / "versions")])


def _context(connection: sa.Connection, part: Part, **options: Any) -> "MigrationContext":
    from alembic.migration import MigrationContext

    # The caller's transaction is around all of it: SQLite's DDL is transactional too, once the driver leaves it alone.
    return MigrationContext.configure(
        connection, opts={"version_table": part.version_table, "render_as_batch": True, **options}
    )


def _upgrade(connection: sa.Connection, part: Part, to: str = "head") -> None:
    from alembic.operations import Operations

    script = _scripts(part)
    context = _context(connection, part, fn=lambda revision, _: script._upgrade_revs(to, revision))
    if context.get_current_revision() == script.get_current_head():
        return
    with Operations.context(context):
        context.run_migrations()


def _render(kind: str, item: Any, context: Any) -> str | Literal[False]:
    if kind == "type" and isinstance(item, UtcDateTime):
        context.imports.add("from shared.db import UtcDateTime")
        return "UtcDateTime()"
    if kind == "type" and isinstance(item, sa.JSON):
        context.imports.add("from shared.db import Json")
        return "Json"
    return False


@contextmanager
def _scratch(part: Part) -> Iterator[sa.Connection]:
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        if (part.migrations / "versions").is_dir():
            _upgrade(connection, part)
        yield connection
    engine.dispose()


def write_revision(name: str, message: str) -> Path:
    """The next revision of a part: what its tables have and its migrations lack."""
    from alembic.autogenerate import produce_migrations, render_python_code
    from alembic.migration import MigrationContext

    part = PARTS[name]
    (part.migrations / "versions").mkdir(parents=True, exist_ok=True)
    known = sorted(path.stem.split("_")[0] for path in (part.migrations / "versions").glob("[0-9]*.py"))
    number, before = f"{len(known) + 1:04d}", known[-1] if known else None
    with _scratch(part) as connection:
        opts = {"version_table": part.version_table, "render_item": _render, "user_module_prefix": None}
        context = MigrationContext.configure(connection, opts=opts)
        changes = produce_migrations(context, import_module(part.tables).METADATA)
        assert changes.upgrade_ops is not None
        body = render_python_code(changes.upgrade_ops, render_item=_render, migration_context=context)
    path = part.migrations / "versions" / f"{number}_{message.lower().replace(' ', '_')}.py"
    path.write_text(
        f'"""{message[:1].upper()}{message[1:]}."""\n\n'
        "import sqlalchemy as sa\nfrom alembic import op\n\nfrom shared.db import Json, UtcDateTime\n\n"
        f"revision = {number!r}\ndown_revision = {before!r}\nbranch_labels = None\ndepends_on = None\n\n\n"
        f"def upgrade() -> None:\n    {body}\n"
    )
    return path


if __name__ == "__main__":
    print(write_revision(sys.argv[1], " ".join(sys.argv[2:])))
