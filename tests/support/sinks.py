"""A scripted HTTP endpoint on loopback: what Slack, a webhook receiver or an Apprise target would be."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Received:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Sink:
    """`async with Sink() as sink:` then `sink.url`, `sink.received`.

    `script` holds answers to be given in order: a status, or (status, {headers}, body), or `drop` (closes after the
    whole request was read), `refuse` (closes before reading), `slow` (never answers). When it is empty: `usual`.
    """

    script: list[Any] = field(default_factory=list)
    usual: Any = (200, {}, b"ok")
    received: list[Received] = field(default_factory=list)
    """Requests that were read whole and not refused by their status: what the other side has."""
    refused: list[Received] = field(default_factory=list)
    port: int = 0

    async def __aenter__(self) -> "Sink":
        self._tasks: set[asyncio.Task[None]] = set()
        self._server = await asyncio.start_server(self._client, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            answer = self.script[0] if self.script else self.usual
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            if self.script:
                self.script.pop(0)
            headers = {
                name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)
            }
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            request = Received(head[0].split(" ")[1], headers, body)
            if answer == "drop":
                self.received.append(request)
                return
            if answer == "slow":
                self.received.append(request)
                await asyncio.sleep(3600)
            status, more, text = answer if isinstance(answer, tuple) else (answer, {}, b"scripted")
            (self.received if status < 300 else self.refused).append(request)
            lines = [f"HTTP/1.1 {status} Scripted", f"Content-Length: {len(text)}"]
            lines += [f"{name}: {value}" for name, value in more.items()]
            writer.write(("\r\n".join(lines) + "\r\n\r\n").encode() + text)
            await writer.drain()
