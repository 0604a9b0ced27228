"""Named answers of good, odd and hostile servers (`tests/cases/http`), over a real socket, whole and in splinters."""

import asyncio
import json
import random
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from shared.outbound.exchange import FaultError
from shared.outbound.wire import Answer, Connection, split_headers

CASES = sorted((Path(__file__).resolve().parents[1] / "cases" / "http").glob("*.http"))
CAP = 1000


@dataclass(frozen=True)
class Case:
    raw: bytes
    expected: dict[str, Any]


def read(path: Path) -> Case:
    first, _, raw = path.read_bytes().partition(b"\n")
    return Case(raw, json.loads(first.removeprefix(b"#! ")))


async def pair() -> tuple[Connection, socket.socket]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    _, connection = await asyncio.get_running_loop().create_connection(Connection, sock=ours)
    return connection, theirs


async def answer(raw: bytes, sizes: list[int], *, bodiless: bool = False) -> Answer | FaultError:
    """What a connection makes of these bytes when they come in pieces of these sizes (the last one repeated)."""
    loop = asyncio.get_running_loop()
    connection, server = await pair()
    asking = asyncio.ensure_future(connection.exchange(b"GET / HTTP/1.1\r\n\r\n", CAP, bodiless=bodiless))
    await loop.sock_recv(server, 100)
    place, number = 0, 0
    while place < len(raw) and not asking.done():
        size = sizes[min(number, len(sizes) - 1)]
        try:
            await loop.sock_sendall(server, raw[place : place + size])
        except ConnectionError:
            break
        place, number = place + size, number + 1
        await asyncio.sleep(0)
    if not asking.done():
        await asyncio.sleep(0.001)
    server.close()
    try:
        return await asyncio.wait_for(asking, 5)
    except FaultError as error:
        return error
    finally:
        connection.close()
        await asyncio.sleep(0)


def check(found: Answer | FaultError, expected: dict[str, Any], *, whole: bool) -> None:
    if "fault" in expected:
        assert isinstance(found, FaultError), found
        assert found.fault.reason == expected["fault"]
        assert found.fault.detail.endswith(".")
        return
    assert isinstance(found, Answer), found
    assert found.status == expected["status"]
    assert found.body.getvalue().decode("latin-1") == expected["body"]
    assert found.truncated == expected.get("truncated")
    if "headers" in expected:
        assert [list(pair) for pair in found.headers] == expected["headers"]
    if "reusable" in expected and whole:
        assert found.reusable == expected["reusable"]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
async def test_a_named_answer_at_once(path: Path) -> None:
    case = read(path)
    check(await answer(case.raw, [max(1, len(case.raw))]), case.expected, whole=True)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
async def test_the_same_in_splinters(path: Path) -> None:
    case = read(path)
    sizes = [random.Random(path.stem).choice((1, 2, 3, 7)) for _ in range(300)] + [997]
    check(await answer(case.raw, sizes), case.expected, whole=False)


def test_there_are_cases_of_every_kind() -> None:
    kinds = [read(path).expected for path in CASES]
    assert {"protocol_error", "reset"} <= {kind.get("fault") for kind in kinds}
    assert {"length", "disconnect"} <= {kind.get("truncated") for kind in kinds}
    assert all(kind["why"] for kind in kinds)


async def test_the_head_is_kept_byte_for_byte() -> None:
    head = b"HTTP/1.1 200 \xf6k\r\nX-a:  1 \r\nnonsense\r\ncontent-length:2\r\n\r\n"
    found = await answer(b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n" + head + b"hi", [1000])
    assert isinstance(found, Answer)
    assert found.head == head


async def test_an_answer_to_head_has_no_body() -> None:
    found = await answer(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", [1000], bodiless=True)
    assert isinstance(found, Answer)
    assert (found.body.getvalue(), found.truncated, found.reusable) == (b"", None, True)


async def test_a_connection_serves_several_requests_one_after_another() -> None:
    loop = asyncio.get_running_loop()
    connection, server = await pair()
    for number in range(3):
        asking = asyncio.ensure_future(connection.exchange(b"GET\r\n\r\n", CAP))
        await loop.sock_recv(server, 100)
        await loop.sock_sendall(server, b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d" % number)
        assert (await asking).body.getvalue() == b"%d" % number
    connection.close()
    server.close()
    await asyncio.sleep(0)


async def test_bytes_that_nobody_asked_for_end_the_connection() -> None:
    loop = asyncio.get_running_loop()
    connection, server = await pair()
    asking = asyncio.ensure_future(connection.exchange(b"GET\r\n\r\n", CAP))
    await loop.sock_recv(server, 100)
    await loop.sock_sendall(server, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
    assert (await asking).reusable
    await loop.sock_sendall(server, b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")
    await asyncio.sleep(0.01)
    assert connection.closed
    server.close()
    await asyncio.sleep(0)


async def test_a_reset_in_a_body_that_only_the_end_delimits_is_no_end() -> None:
    loop = asyncio.get_running_loop()
    listener = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(listener.getsockname())
    server, _ = listener.accept()
    client.setblocking(False)
    server.setblocking(False)
    _, connection = await loop.create_connection(Connection, sock=client)
    asking = asyncio.ensure_future(connection.exchange(b"GET\r\n\r\n", CAP))
    await loop.sock_recv(server, 100)
    await loop.sock_sendall(server, b"HTTP/1.1 200 OK\r\n\r\nhalf of it")
    await asyncio.sleep(0.01)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    server.close()
    listener.close()
    found = await asking
    assert (found.body.getvalue(), found.truncated) == (b"half of it", "disconnect")


def test_headers_hold_no_line_breaks() -> None:
    head = b"HTTP/1.1 200 OK\r\nA: 1\r\n 2\nB: x\r\n: no name\r\nC:\r\n\r\n"
    assert split_headers(head) == (("A", "1 2"), ("B", "x"), ("C", ""))
    assert split_headers(b"HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n") == (("A", "b c"),)
