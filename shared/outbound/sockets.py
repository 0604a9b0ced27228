"""The one place where a connection to a stranger begins."""

import asyncio
import errno
import socket

from shared.errors import Unavailable

_OURS = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))
"""Says nothing of the address: this process or this machine has no socket to give."""


async def connected(address: str, port: int) -> socket.socket:
    """A socket connected to exactly this address; nothing is looked up.

    Raises `OSError`, and `Unavailable` where it is we who have no socket left.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        plain = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        if error.errno in _OURS:
            raise Unavailable("There are no more sockets to be had; raise the limit of open files.") from error
        raise
    try:
        plain.setblocking(False)
        await asyncio.get_running_loop().sock_connect(plain, (address, port))
    except BaseException:
        plain.close()
        raise
    return plain
