"""The one place where a connection to a stranger begins."""

import asyncio
import socket


async def connected(address: str, port: int) -> socket.socket:
    """A socket connected to exactly this address; nothing is looked up. Raises `OSError`."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    plain = socket.socket(family, socket.SOCK_STREAM)
    try:
        plain.setblocking(False)
        await asyncio.get_running_loop().sock_connect(plain, (address, port))
    except BaseException:
        plain.close()
        raise
    return plain
