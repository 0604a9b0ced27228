"""A process that has no socket left blames itself, never the host it wanted to ask."""

import subprocess
import sys

PROGRAM = """
import asyncio, os, resource
from shared.errors import Unavailable
from shared.outbound.sockets import connected

async def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    try:
        while True:
            os.dup(0)
    except OSError:
        pass
    try:
        await connected("127.0.0.1", 9)
    except Unavailable as error:
        print(error)

asyncio.run(main())
"""


def test_want_of_sockets_is_no_fault_of_the_host() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.startswith("There are no more sockets to be had"), done.stderr
