"""A door before the real S3 server that can be told to answer 503 to everything."""

import asyncio
import re
from contextlib import suppress
from types import TracebackType
from typing import Self

from deploy.local.s3 import S3

BUSY = b"<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"


class Front:
    """`async with Front(s3) as front:` then `front.environment`, `front.busy`."""

    def __init__(self, s3: S3) -> None:
        self._s3 = s3
        self.busy = False
        self.refused: list[str] = []
        """First lines of the requests that were answered 503."""
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def environment(self) -> dict[str, str]:
        """What clients find it by."""
        endpoint = f"http://127.0.0.1:{self.port}"
        return self._s3.environment | {"AWS_ENDPOINT": endpoint, "AWS_ENDPOINT_URL": endpoint}

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while await self._turn(reader, writer):
                pass
        self._tasks.discard(task)
        writer.close()

    async def _turn(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request: refused, or handed on over a connection of its own."""
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        request = head + await reader.readexactly(int(length[1]) if length else 0)
        if self.busy:
            self.refused.append(head.split(b"\r\n")[0].decode())
            writer.write(b"HTTP/1.1 503 Slow Down\r\nContent-Length: %d\r\n\r\n%b" % (len(BUSY), BUSY))
            await writer.drain()
            return True
        behind, ahead = await asyncio.open_connection("127.0.0.1", self._s3.port)
        # The signature covers neither Connection nor hop-by-hop headers; with it the server ends after its answer.
        ahead.write(request.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
        while piece := await behind.read(65_536):
            writer.write(piece)
            await writer.drain()
        ahead.close()
        return False
