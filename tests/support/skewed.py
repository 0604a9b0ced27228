"""The command line under a clock that a test moves while it runs.

`python -m tests.support.skewed FILE up …` is `citewatch up …`, its clock ahead by the seconds that FILE holds.
"""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from shared.clock import SystemClock


def skew(file: Path) -> None:
    """From now on every `SystemClock` of this process shows what the file says."""

    def now(_: SystemClock) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=float(file.read_text() or 0) if file.exists() else 0)

    SystemClock.now = now  # type: ignore[method-assign]


if __name__ == "__main__":
    skew(Path(sys.argv.pop(1)))
    from services.__main__ import main

    main()
