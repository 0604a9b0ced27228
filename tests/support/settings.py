"""The settings of all services, read from the code: name, default and the sentence beside each."""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from services.ingest.settings import IngestSettings
from services.linkcheck.settings import LinkcheckSettings
from services.notify.settings import NotifySettings
from shared.settings import PREFIX, Settings

CLASSES: tuple[type[Settings], ...] = (Settings, IngestSettings, LinkcheckSettings, NotifySettings)


@dataclass(frozen=True, slots=True)
class Row:
    """One setting."""

    name: str
    default: str
    text: str


def rows() -> list[Row]:
    """Every setting once, in the order of the code."""
    found: dict[str, Row] = {}
    for kind in CLASSES:
        for row in _of(kind):
            found.setdefault(row.name, row)
    return list(found.values())


def _of(kind: type[Settings]) -> Iterator[Row]:
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(tree, ast.ClassDef)
    for one, after in zip(tree.body, [*tree.body[1:], None], strict=True):
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
            name = one.target.id
            text = ""
            if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                text = " ".join(str(after.value.value).split())
            yield Row(PREFIX + name.upper(), _shown(kind.model_fields[name].default), text)


UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


def _shown(value: Any) -> str:
    if value is None or value == ():
        return ""
    if hasattr(value, "total_seconds"):
        seconds = int(value.total_seconds())
        size, unit = next((size, unit) for size, unit in UNITS if seconds % size == 0)
        return f"{seconds // size}{unit}"
    return str(value)


def table() -> str:
    """The rows as the README shows them."""
    return "\n".join(_line(row) for row in rows())


def _line(row: Row) -> str:
    default = f"`{row.default}`" if row.default else ""
    return f"| `{row.name.removeprefix(PREFIX)}` | {default} | {row.text} |"
