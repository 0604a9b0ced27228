"""A second way out: an HTTP proxy that is asked to connect to the address that we vetted (CONNECT, RFC 9110 §9.3.6).

The proxy is the operator's own and is not judged; what it connects to is. It is never given a name to resolve.
"""

import asyncio
import base64
import re
import socket
from dataclasses import dataclass, field
from urllib.parse import unquote

from shared.errors import InputError, Unavailable
from shared.outbound.exchange import FaultError
from shared.outbound.sockets import connected
from shared.urls import UrlError, parse

MAX_ANSWER = 16_384
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
_UNREACHED = frozenset({500, 502, 503, 504})
"""The proxy tried, and the far side did not answer."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where the proxy is; its credentials are in no repr."""

    address: str
    port: int
    authorization: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ProxyUrl:
    """A proxy as the operator wrote it, not yet looked up."""

    host: str
    port: int
    authorization: str = field(default="", repr=False)

    @classmethod
    def read(cls, text: str) -> "ProxyUrl":
        """`http://user:password@host:port`. Raises `InputError`, which does not repeat what was written."""
        try:
            url = parse(text)
        except UrlError:
            raise InputError("A proxy is no URL.", "Write it as http://proxy.example:3128.") from None
        if url.scheme != "http" or not url.host:
            raise InputError("A proxy is reached over plain HTTP only.", "Write it as http://proxy.example:3128.")
        pair = f"{unquote(url.username)}:{unquote(url.password)}"
        secret = f"Basic {base64.b64encode(pair.encode()).decode()}" if url.username else ""
        return cls(url.address, url.port, secret)


async def tunnel(proxy: Proxy, host: str, address: str, port: int, until: float) -> socket.socket:
    """A socket that leads through the proxy to the vetted address. `until`: loop time.

    Raises `FaultError` when the proxy did not reach the far side, `Unavailable` when the proxy itself is at fault.
    """
    try:
        async with asyncio.timeout_at(until):
            plain = await connected(proxy.address, proxy.port)
            try:
                status = await _ask(plain, proxy, f"[{address}]:{port}" if ":" in address else f"{address}:{port}")
            except BaseException:
                plain.close()
                raise
    except TimeoutError:
        raise FaultError("connect_timeout", f"{host} did not accept a connection through the proxy in time.") from None
    except OSError as error:
        raise Unavailable("The proxy of the second way out does not answer.") from error
    if 200 <= status < 300:
        return plain
    plain.close()
    if status in _UNREACHED:
        raise FaultError("connect_timeout", f"{host} cannot be reached through the proxy either.")
    raise Unavailable(f"The proxy of the second way out refuses ({status}).")


async def _ask(plain: socket.socket, proxy: Proxy, authority: str) -> int:
    loop = asyncio.get_running_loop()
    secret = f"Proxy-Authorization: {proxy.authorization}\r\n" if proxy.authorization else ""
    await loop.sock_sendall(plain, f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{secret}\r\n".encode())
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        # One byte at a time at its end: what follows the head belongs to the far side.
        piece = await loop.sock_recv(plain, 1)
        answer += piece
        if not piece or len(answer) > MAX_ANSWER:
            raise ConnectionError("the proxy closed the connection, or says too much")
    found = _STATUS.match(answer)
    if found is None:
        raise ConnectionError("the proxy does not speak HTTP")
    return int(found[1])
