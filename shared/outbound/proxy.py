"""A second way out: an HTTP proxy that is asked to connect to the address that we vetted (CONNECT, RFC 9110 §9.3.6).

The proxy is the operator's own and is not judged; what it connects to is. It is never given a name to resolve, so a
rebinding name gains nothing by it, and a proxy inside the operator's network opens nothing of that network.
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
PATIENCE = 5.0
"""Seconds for the proxy itself to accept a connection."""
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
_UNREACHED = frozenset({500, 502, 503, 504})
"""The proxy tried, and the far side did not answer."""


class NoWayOut(Unavailable):
    """A proxy does not do its part: nothing is known of the far side."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where the proxy is; its credentials are in no repr."""

    address: str
    port: int
    authorization: str = field(default="", repr=False)

    @property
    def name(self) -> str:
        """`address:port`, as evidence names it."""
        return _authority(self.address, self.port)


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

    Raises `FaultError` when the proxy did not reach the far side, `NoWayOut` when the proxy itself is at fault.
    """
    plain = await _to(proxy, until)
    try:
        async with asyncio.timeout_at(until):
            status = await _ask(plain, proxy, _authority(address, port))
        if 200 <= status < 300:
            return plain
        raise _refusal(host, status)
    except TimeoutError:
        plain.close()
        raise FaultError("connect_timeout", f"{host} did not accept a connection through the proxy in time.") from None
    except OSError as error:
        plain.close()
        raise NoWayOut("The proxy of the second way out does not answer.") from error
    except BaseException:
        plain.close()
        raise


async def _to(proxy: Proxy, until: float) -> socket.socket:
    """A socket to the proxy itself."""
    try:
        async with asyncio.timeout_at(min(until, asyncio.get_running_loop().time() + PATIENCE)):
            return await connected(proxy.address, proxy.port)
    except OSError as error:  # TimeoutError is one
        raise NoWayOut("The proxy of the second way out cannot be reached.") from error


def _authority(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _refusal(host: str, status: int) -> FaultError | NoWayOut:
    if status in _UNREACHED:
        return FaultError("connect_timeout", f"{host} cannot be reached through the proxy either.")
    return NoWayOut(f"The proxy of the second way out refuses ({status}).")


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
