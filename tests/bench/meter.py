"""Time, processor and memory of a command with all its descendants, read from /proc."""

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TICK = 1 / os.sysconf("SC_CLK_TCK")
LOOK = 0.1
"""Seconds between two looks."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a stretch of a run took."""

    seconds: float
    cpu: float
    """Processor seconds of the whole tree."""
    peak: int
    """Most bytes of the whole tree; shared pages count once (PSS)."""


def cpu_of(root: int) -> float:
    """Processor seconds that a process and its living descendants have used."""
    return sum(spent for pid in _descendants(root) if (spent := _cpu(pid)) is not None)


class _Tree:
    """Looks at a process and its descendants from time to time; a mark ends a stretch and begins the next."""

    def __init__(self, root: int) -> None:
        self._root, self._spent = root, dict[int, float]()
        self._ended, self._lock = threading.Event(), threading.Lock()
        self.peak = 0
        self._thread = threading.Thread(target=self._go, daemon=True)
        self._thread.start()

    def mark(self) -> tuple[float, float]:
        """Now, and the processor seconds until now."""
        self._look()
        return time.perf_counter(), sum(self._spent.values())

    def end(self) -> None:
        self._ended.set()
        self._thread.join()

    def _go(self) -> None:
        while not self._ended.wait(LOOK):
            self._look()

    def _look(self) -> None:
        with self._lock:
            pids = _descendants(self._root)
            self._spent.update((pid, spent) for pid in pids if (spent := _cpu(pid)) is not None)
            self.peak = max(self.peak, sum(map(_pss, pids)))


def _descendants(root: int) -> list[int]:
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            parents[int(entry.name)] = int(fields[1])
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return []


def _cpu(pid: int) -> float | None:
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) * TICK if fields else None


def _pss(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def run(command: Sequence[str], folder: Path, env: Mapping[str, str] | None = None) -> dict[str, Usage]:
    """Run to the end. A line `mark NAME` on its stdout begins a stretch, a line `mark` ends it; the whole is `""`."""
    process = subprocess.Popen(
        command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    tree, found = _Tree(process.pid), dict[str, Usage]()
    whole, began, name = tree.mark(), (0.0, 0.0), ""
    for line in process.stdout or ():
        if line.startswith("mark"):
            now = tree.mark()
            if name:
                found[name] = Usage(now[0] - began[0], now[1] - began[1], tree.peak)
            name, began = line[4:].strip(), now
    process.wait()
    ended = tree.mark()
    tree.end()
    found[""] = Usage(ended[0] - whole[0], ended[1] - whole[1], tree.peak)
    return found
