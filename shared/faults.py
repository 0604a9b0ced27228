"""Named points at which a test may kill this process, as a power cut would.

`CITEWATCH_FAULT_POINT=archived` kills at the first pass of `point("archived")`, `archived:3` at the third.
"""

import os
import signal

ENV = "CITEWATCH_FAULT_POINT"
_passes = 0


def point(name: str) -> None:
    """Nothing, unless the environment names this point."""
    wanted = os.environ.get(ENV)
    if wanted is None:
        return
    place, _, number = wanted.partition(":")
    if place != name:
        return
    global _passes  # noqa: PLW0603  a counter for one process under test
    _passes += 1
    if _passes >= int(number or 1):
        os.kill(os.getpid(), signal.SIGKILL)
