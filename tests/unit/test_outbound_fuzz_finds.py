"""What fuzzing found stays found: `tests/cases/fuzz/TARGET/` holds the inputs, named for what they broke."""

from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

FINDS = sorted((Path(__file__).resolve().parents[1] / "cases" / "fuzz").glob("*/*"))


@pytest.mark.parametrize("path", FINDS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_find_breaks_nothing_any_more(path: Path) -> None:
    TARGETS[path.parent.name](path.read_bytes())


def test_every_find_has_a_target() -> None:
    assert FINDS
    assert {path.parent.name for path in FINDS} <= set(TARGETS)
