"""docs/faults.md names every fault that a test provokes, with figures, and nothing else."""

import re
from pathlib import Path

from tests.support.faults import BEGIN, END, FAULTS, read

HOUSE = Path(__file__).resolve().parents[2]
ROWS = read((HOUSE / "docs" / "faults.md").read_text().partition(BEGIN)[2].partition(END)[0])
TESTS = "\n".join(path.read_text() for path in (HOUSE / "tests").rglob("test_*.py"))


def test_every_fault_is_provoked_by_a_test() -> None:
    assert set(re.findall(r'trials\("([a-z-]+)"', TESTS)) == set(FAULTS)


def test_every_fault_is_in_the_table() -> None:
    assert {row[0] for row in ROWS} == set(FAULTS.values())


def test_nothing_was_lost_or_doubled() -> None:
    for name, form, tried, through, lost, doubled, _ in ROWS:
        figures = (int(tried.replace(",", "")) > 0, int(through.replace(",", "")) > 0, lost, doubled)
        assert figures == (True, True, "0", "0"), (name, form)
