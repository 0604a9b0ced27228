"""The house: layers hold, `core/` is pure, modules stay readable, and nothing is named that must not be."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parents[2]
CODE = [path for room in ("services", "shared") for path in sorted((HOUSE / room).rglob("*.py"))]
IMPURE = {
    "asyncio",
    "socket",
    "time",
    "random",
    "secrets",
    "os",
    "pathlib",
    "subprocess",
    "threading",
    "httpx",
    "sqlalchemy",
}
LONGEST = 560
"""Lines of a module. The aim is 400; a table of words may be longer, logic may not."""


def name(path: Path) -> str:
    return path.relative_to(HOUSE).as_posix()


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name.partition(".")[0] for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def test_the_layers_hold() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=HOUSE, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", [path for path in CODE if "core" in path.parts or "text" in path.parts], ids=name)
def test_core_is_pure(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert not IMPURE & set(imports(tree))
    calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert not {"open", "datetime.now", "datetime.utcnow", "print", "input"} & calls


@pytest.mark.parametrize("path", CODE, ids=name)
def test_a_module_is_read_in_one_sitting_and_says_what_it_is_for(path: Path) -> None:
    text = path.read_text()
    if "migrations" in path.parts or not text.strip():
        return
    assert text.count("\n") <= LONGEST
    assert ast.get_docstring(ast.parse(text)), "no docstring"


def test_no_file_names_a_machine_or_a_registry() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=HOUSE, capture_output=True, text=True, check=True).stdout.split()
    words = ("/wo rk/", "/ro ot/", "py pi.org", "python hosted", "npm js.org", "repo1. maven", "proxy. golang")
    forbidden = re.compile("|".join(re.escape(word.replace(" ", "")) for word in words))
    for one in listed:
        path = HOUSE / one
        if path.suffix in (".png", ".gz", ".zst", ".bin") or not path.is_file():
            continue
        found = forbidden.search(path.read_text(errors="replace"))
        assert found is None, f"{one}: {found[0] if found else ''}"
