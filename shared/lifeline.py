"""How a process of `processes` begins, and that it ends with its parent. It imports little: that counts per process."""

import contextlib
import importlib
import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import wait


def begin(module: str) -> None:
    """Ctrl-C is for the parent, and nobody outlives it, whatever ended it. `module` has the work: nobody shall wait for
    its import later.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    importlib.import_module(module)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        with contextlib.suppress(OSError):
            wait([parent.sentinel])
    os._exit(0)
