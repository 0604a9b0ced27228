"""A real HTTP CONNECT proxy on loopback, with an address of its own: an origin can tell who comes through it.

async with ConnectProxy() as proxy:
    proxy.url, proxy.asked
    origin.on("a.test", "/", by_way(own=page("for us"), other=page("for others")))
"""

import asyncio
import contextlib
from ipaddress import ip_address
from types import TracebackType
from typing import Self

from tests.support.origin import Script, Turn

ADDRESS = "127.0.0.2"
"""From where it connects: all of 127.0.0.0/8 is this machine."""
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class ConnectProxy:
    """Connects as it is asked, when its answer says so."""

    def __init__(self, answer: bytes = ESTABLISHED) -> None:
        self.answer, self.asked = answer, list[bytes]()
        self._tasks = set[asyncio.Task[None]]()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)

    @property
    def url(self) -> str:
        return f"http://me:s%3Acret@127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._tunnel(reader, writer)
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.asked.append(head)
        if b" 200 " not in self.answer[:15]:
            writer.write(self.answer)
            await writer.drain()
            return
        host, _, port = head.split()[1].decode().rpartition(":")
        assert ip_address(host.strip("[]")).is_loopback, "nobody else is reached from here, whatever is asked"
        try:
            far = await asyncio.open_connection(host.strip("[]"), int(port), local_addr=(ADDRESS, 0))
        except OSError:
            writer.write(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
            return
        writer.write(self.answer)
        await asyncio.gather(_pump((reader, far[1])), _pump((far[0], writer)))


async def _pump(streams: Streams) -> None:
    reader, writer = streams
    try:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
    finally:
        writer.close()


def by_way(own: Script, other: Script) -> Script:
    """One answer for who comes straight, another for who comes through the proxy."""

    async def script(turn: Turn) -> None:
        through = turn.writer.get_extra_info("peername")[0] == ADDRESS
        await (other if through else own)(turn)

    return script
