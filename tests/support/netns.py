"""Code that might try another address than loopback, run in a network namespace of its own.

In there every address of the internet is this machine (`ip route add local 0.0.0.0/0 dev lo`): a guard that fails
reaches a trap, never anybody. Where the kernel gives no namespaces, the caller skips and says so.

    netns.call("tests.support.drills:urls", cases)  →  what the function returned, by JSON
"""

import asyncio
import functools
import importlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SETUP = (
    ("ip", "link", "set", "lo", "up"),
    ("ip", "route", "add", "local", "0.0.0.0/0", "dev", "lo"),
    ("ip", "-6", "route", "add", "local", "::/0", "dev", "lo"),
)


@functools.cache
def command() -> tuple[str, ...] | None:
    """How to enter a namespace here; None: not at all."""
    for attempt in (("unshare", "-n"), ("unshare", "-r", "-n")):
        if shutil.which("unshare") is None or shutil.which("ip") is None:
            return None
        if subprocess.run([*attempt, *SETUP[0]], capture_output=True, check=False).returncode == 0:
            return attempt
    return None


def call(function: str, *arguments: Any, timeout: float = 100) -> Any:
    """Run `module:function` (a coroutine function) in a namespace; arguments and result go by JSON."""
    entry = command()
    assert entry is not None, "no network namespaces here"
    done = subprocess.run(
        [*entry, sys.executable, "-W", "error", "-m", "tests.support.netns", function, _namespace()], check=False,
        input=json.dumps(arguments), capture_output=True, text=True, timeout=timeout, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.rpartition("\n\0")[2])


def _namespace() -> str:
    return str(Path("/proc/self/ns/net").readlink())


def main() -> None:
    """The other side of `call`. Touches nothing unless its namespace is another than the caller's."""
    if len(sys.argv) != 3 or sys.argv[2] == _namespace():
        sys.exit("this runs in a network namespace of its own only")
    for step in SETUP:
        subprocess.run(step, check=True)
    module, _, name = sys.argv[1].partition(":")
    function = getattr(importlib.import_module(module), name)
    result = asyncio.run(function(*json.load(sys.stdin)))
    print(f"\n\0{json.dumps(result)}")


if __name__ == "__main__":
    main()
