"""The listening side over real sockets: who asks is answered, however many do not."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from deploy.local.process import free_port
from shared import listener

HEAD_SECONDS = 0.5
ASK = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def here(_: Request) -> PlainTextResponse:
    return PlainTextResponse("here")


@asynccontextmanager
async def serving(
    most: int, endpoint: Callable[[Request], Any] = here
) -> AsyncIterator[Callable[[], Awaitable[Client]]]:
    """A server of so many connections; gives what connects to it."""
    app = Starlette(routes=[Route("/", endpoint)])
    protocol, port = listener.protocol(most, HEAD_SECONDS), free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, http=protocol, log_config=None, lifespan="off"))
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    clients: list[Client] = []

    async def connect() -> Client:
        clients.append(await asyncio.open_connection("127.0.0.1", port))
        return clients[-1]

    try:
        yield connect
    finally:
        for _, writer in clients:
            writer.close()
        server.should_exit = True
        await task


async def ask(client: Client) -> bytes:
    client[1].write(ASK)
    return await asyncio.wait_for(client[0].readuntil(b"here"), 5)


async def shut(client: Client, seconds: float = 5) -> bool:
    """Whether the other side closes within so long."""
    try:
        return await asyncio.wait_for(client[0].read(), seconds) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


@pytest.mark.parametrize("begun", [b"", b"GET / HT", ASK[:-2], ASK[:-2] + b"X-Slow: "])
async def test_a_head_that_does_not_come_ends_the_connection(begun: bytes) -> None:
    async with serving(10) as connect:
        client = await connect()
        started = time.monotonic()
        client[1].write(begun)
        assert await shut(client)
        assert time.monotonic() - started >= HEAD_SECONDS / 2


async def test_nor_does_a_second_head_that_trickles() -> None:
    async with serving(10) as connect:
        client = await connect()
        await ask(client)
        for byte in b"GET / HTTP/1.1\r\nX: ":
            client[1].write(bytes([byte]))
            await asyncio.sleep(0.1)
        assert await shut(client)


async def test_of_too_many_the_longest_waiting_goes() -> None:
    async with serving(3) as connect:
        clients = [await connect() for _ in range(3)]
        await ask(clients[0])  # it waits since now, the second the longest
        newcomer = await connect()
        assert b"200" in await ask(newcomer)
        assert await shut(clients[1], HEAD_SECONDS / 2)
        assert b"200" in await ask(clients[0])


async def test_who_is_being_answered_does_not_go() -> None:
    release = asyncio.Event()

    async def slow(_: Request) -> PlainTextResponse:
        await release.wait()
        return PlainTextResponse("here")

    async with serving(2, slow) as connect:
        patient = await connect()
        patient[1].write(ASK)
        await asyncio.sleep(0.1)
        for _ in range(5):
            await connect()
        await asyncio.sleep(2 * HEAD_SECONDS)
        release.set()
        assert await asyncio.wait_for(patient[0].readuntil(b"here"), 5)


def test_room_leaves_files_for_the_rest() -> None:
    assert 8 <= listener.room() <= listener.MOST
