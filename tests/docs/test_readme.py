"""The README says what the code does: commands, settings and make targets are compared, so that they cannot drift."""

import re
import shlex
from pathlib import Path

import click
import pytest
import typer

from services.__main__ import app
from tests.support import settings

HOUSE = Path(__file__).resolve().parents[2]
README = (HOUSE / "README.md").read_text()
TESTED = "\n".join(path.read_text() for path in (HOUSE / "tests").rglob("test_*.py") if path != Path(__file__))


def commands() -> list[str]:
    """Every line with a prompt in the README's console blocks."""
    blocks = re.findall(r"```console\n(.*?)```", README, re.S)
    return [line[2:].strip() for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def test_the_settings_table_is_the_code() -> None:
    assert settings.table() in README
    assert all(row.text for row in settings.rows()), [row.name for row in settings.rows() if not row.text]


@pytest.mark.parametrize("line", [line for line in commands() if line.startswith("citewatch")])
def test_every_command_exists_with_its_options_and_is_run_by_a_test(line: str) -> None:
    words = shlex.split(line)[1:]
    command: click.Command = typer.main.get_command(app)
    names = []
    while hasattr(command, "commands") and words:
        names.append(words[0])
        command = command.commands[words.pop(0)]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("-")} <= known
    assert f'"{names[0]}"' in TESTED, f"no test runs citewatch {names[0]}"


@pytest.mark.parametrize("line", [line for line in commands() if line.startswith("make")])
def test_every_make_target_exists(line: str) -> None:
    target = line.split()[1]
    assert re.search(rf"(?m)^{target}:.*## ", (HOUSE / "Makefile").read_text())


def test_ci_calls_the_test_command() -> None:
    assert "make test" in (HOUSE / ".ci" / "run").read_text()


def test_the_rooms_that_are_named_exist() -> None:
    for room in re.findall(r"(?m)^\| `([a-z]+/(?:[a-z]+/)?)` \|", README):
        assert (HOUSE / room).is_dir(), room
