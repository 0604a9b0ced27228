"""Schema migrations: one Alembic line a part, each with a version table of its own in the database it lives in.

python -m shared.migrate PART "what changes"     writes the next revision of a part from its tables
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory

from shared.db import Database, UtcDateTime

LOCK = 0x63697465
"""PostgreSQL advisory lock: one migrates, the others wait."""
LOCK_TIMEOUT = "5s"
"""A migration that cannot have its table lock soon gives way to those who work."""


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


async def upgrade(db: Database, *names: str) -> None:
    """Bring the named parts to their newest revision; those that are there already cost one query."""
    async with db.write() as tx:
        if not db.is_sqlite:
            await tx.execute(sa.text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
            await tx.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        for name in names:
            await tx.run_sync(_upgrade, PARTS[name])


def _upgrade(connection: sa.Connection, part: Part) -> None:
    script = ScriptDirectory(str(part.migrations), version_locations=[str(part.migrations / "versions")])
    context = MigrationContext.configure(
        connection,
        opts={
            "version_table": part.version_table,
            "fn": lambda revision, _: script._upgrade_revs("head", revision),
            "render_as_batch": True,
        },
    )
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
