"""The ledger of faults: what was provoked, what went through it, what of that was lost or doubled; told at the end.

async def test_…(trials: Trials):
    with trials("kill", "one process") as trial:
        …                                  # provoke it
        trial.mended()                     # from here on the system is on its own
        …                                  # wait until it is quiet
        trial.recovered()
        trial.compare(sent, found)         # asserts that nothing is lost, nothing doubled

`make faults` runs every test that keeps the ledger and renews the table in `docs/faults.md`.
"""

import os
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

FAULTS = {
    "kill": "`kill -9` at a named point of a service",
    "kill-sending": "`kill -9` around sending: before, and after the other side has it",
    "terminate": "SIGTERM under load",
    "terminate-broker-away": "SIGTERM while Kafka is away",
    "broker-away": "Kafka stopped, then started",
    "broker-hangs": "Kafka hung (SIGSTOP)",
    "leader-killed": "leader of three brokers killed under load",
    "rebalance": "rebalance in mid-batch",
    "slow-member": "work longer than the poll interval",
    "replay": "topic replayed from zero",
    "poison": "poison: bad JSON, unknown version, 50 MB, no key",
    "reordered": "events doubled and reordered across keys",
    "submissions-reordered": "submissions doubled and overtaken",
    "locked": "SQLite locked by another process",
    "database-away": "PostgreSQL killed, then started",
    "connections-killed": "PostgreSQL's connections killed",
    "disk-full": "disk full",
    "archive-busy": "S3 answering 503",
    "clock": "clock put forward and back by a day",
    "replicas": "two linkcheck processes on one store",
    "migration-killed": "migration killed midway on 100,000 rows",
    "idle-clients": "idle and trickling clients, 256 open files",
    "network-away": "our own network gone, canaries silent",
    "moved-house": "moved from one process to Kafka, PostgreSQL and S3",
}
"""Every fault that is tried, by the name that tests give it."""


@dataclass
class Trial:
    """One fault, once. Counts are of whatever the test compares: submissions, events, alerts."""

    fault: str
    form: str
    through: int = 0
    lost: int = 0
    doubled: int = 0
    seconds: float = 0.0
    """From the end of the fault to the end of its consequences."""
    _mended_at: float | None = field(default=None, repr=False)

    def mended(self) -> None:
        """The fault is over."""
        self._mended_at = time.monotonic()

    def recovered(self) -> None:
        """So are its consequences."""
        assert self._mended_at is not None, "not mended yet"
        self.seconds = max(self.seconds, time.monotonic() - self._mended_at)

    def compare(self, wanted: Iterable[Hashable], found: Iterable[Hashable], what: str = "") -> None:
        """Each wanted thing must be found as often as it is wanted, and nothing else."""
        expected, there = Counter(wanted), Counter(found)
        lost, doubled = expected - there, there - expected
        self.through += expected.total()
        self.lost += lost.total()
        self.doubled += doubled.total()
        assert not lost, f"lost {what}: {lost}"
        assert not doubled, f"doubled {what}: {doubled}"


Trials = Callable[[str, str], AbstractContextManager[Trial]]
_trials: list[Trial] = []


@pytest.fixture
def trials() -> Trials:
    """Begin a trial: `with trials(name of FAULTS, form) as trial`."""

    @contextmanager
    def begin(fault: str, form: str) -> Iterator[Trial]:
        assert fault in FAULTS, f"{fault} is not in the table of faults"
        trial = Trial(fault, form)
        _trials.append(trial)
        yield trial

    return begin


Row = tuple[str, ...]
"""The cells of a line: fault, form, tried, went through, lost, doubled, recovery."""
HEAD: Row = ("fault", "form", "tried", "went through", "lost", "doubled", "recovery")


def rows(done: Sequence[Trial]) -> list[Row]:
    """One of each fault and form."""
    return [
        _row(fault, form, [one for one in done if (one.fault, one.form) == (fault, form)])
        for fault, form in dict.fromkeys((one.fault, one.form) for one in done)
    ]


def _row(fault: str, form: str, mine: Sequence[Trial]) -> Row:
    figures = [len(mine), *(sum(getattr(one, name) for one in mine) for name in ("through", "lost", "doubled"))]
    longest = max(one.seconds for one in mine)
    return (FAULTS[fault], form, *(f"{each:,}" for each in figures), f"{longest:.1f} s" if longest else "")


def table(those: Sequence[Row]) -> list[str]:
    """The lines of the table, in Markdown, in the order of `FAULTS`."""
    order = list(FAULTS.values())
    known = [row for row in those if row[0] in order]
    ordered = sorted(known, key=lambda row: (order.index(row[0]), row[1]))
    return [f"| {' | '.join(row)} |" for row in (HEAD, ("---", "---", *["--:"] * 5), *ordered)]


def read(lines: str) -> list[Row]:
    """The rows of a table that was written."""
    found = [
        tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines.splitlines() if line[:1] == "|"
    ]
    return found[2:]


def renew(path: Path, new: Sequence[Row]) -> None:
    """Put rows into the table of a file; what was not tried this time stays."""
    head, _, rest = path.read_text().partition(BEGIN)
    before, _, foot = rest.partition(END)
    merged = {row[:2]: row for row in (*read(before), *new)}
    path.write_text("\n".join([head + BEGIN, "", *table(list(merged.values())), "", END]) + foot)


TABLE = "CITEWATCH_FAULT_TABLE"
"""Names the Markdown file whose table is renewed."""
BEGIN, END = "<!-- table: make faults -->", "<!-- end -->"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "trials" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.fault)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not _trials:
        return
    terminalreporter.section("faults")
    new = rows(_trials)
    for line in table(new):
        terminalreporter.line(line)
    if name := os.environ.get(TABLE):
        renew(Path(name), new)
