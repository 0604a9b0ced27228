"""An S3 server that is busy, broken or gone, acted by a scripted endpoint on loopback."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from shared.blobs import Blobs, MissingBlob, open_blobs
from shared.errors import Unavailable

SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"


class Endpoint:
    """Answers each request with the next of its statuses; the last one over and over. 0: hang up."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.requests: list[str] = []
        self.heads: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = re.search(rb"(?i)content-length: (\d+)", head)
                await reader.readexactly(int(length[1]) if length else 0)
                self.heads.append(head)
                self.requests.append(head.split(b" HTTP")[0].decode())
                status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
                if status == 0:
                    break
                body = SLOW_DOWN if status >= 400 else b""
                writer.write(
                    b'HTTP/1.1 %d X\r\nETag: "e"\r\nLast-Modified: Sun, 03 May 2026 09:30:00 GMT\r\n'
                    b"Content-Length: %d\r\n\r\n%b" % (status, len(body), body)
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def answering(monkeypatch: pytest.MonkeyPatch, *statuses: int) -> AsyncIterator[tuple[Endpoint, Blobs]]:
    endpoint = Endpoint(*statuses)
    server = await asyncio.start_server(endpoint.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    named = {"ENDPOINT_URL": f"http://127.0.0.1:{port}", "ACCESS_KEY_ID": "key", "SECRET_ACCESS_KEY": "secret"}
    for name, value in named.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    yield endpoint, open_blobs("s3://bucket/prefix", patience=timedelta(seconds=1.5))
    server.close()
    await server.wait_closed()


async def test_a_busy_server_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with answering(monkeypatch, 503, 503, 200) as (endpoint, blobs):
        assert await blobs.put_many([("a/b", b"x")]) == [True]
    assert endpoint.requests == ["PUT /bucket/prefix/a/b"] * 3
    assert all(b"if-none-match: *" in head.lower() for head in endpoint.heads)


async def test_a_lost_connection_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with answering(monkeypatch, 0, 200) as (endpoint, blobs):
        assert await blobs.put_many([("a/b", b"x")]) == [True]
    assert len(endpoint.requests) == 2


async def test_an_object_that_is_there_already_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    async with answering(monkeypatch, 412) as (_, blobs):
        assert await blobs.put_many([("a/b", b"x")]) == [False]


async def test_a_server_that_stays_busy_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    async with answering(monkeypatch, 503) as (endpoint, blobs):
        with pytest.raises(Unavailable, match="The archive cannot be written"):
            await asyncio.wait_for(blobs.put_many([("a/b", b"x")]), 8)
        asked = len(endpoint.requests)
        assert asked > 2
        with pytest.raises(Unavailable, match="does not answer"):
            await asyncio.wait_for(blobs.ping(), 8)


async def test_one_refused_write_fails_the_batch_after_all_are_done(monkeypatch: pytest.MonkeyPatch) -> None:
    async with answering(monkeypatch, 200, 403, 200, 200) as (endpoint, blobs):
        with pytest.raises(Unavailable, match="PermissionDenied"):
            await blobs.put_many([(f"a/{number}", b"x") for number in range(4)])
        assert len(endpoint.requests) == 4


async def test_wrong_keys_name_the_kind_of_fault_but_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    async with answering(monkeypatch, 403) as (_, blobs):
        with pytest.raises(Unavailable) as told:
            await blobs.get("a/b")
    assert "secret" not in str(told.value)


async def test_a_missing_object_is_not_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    async with answering(monkeypatch, 404) as (_, blobs):
        with pytest.raises(MissingBlob):
            await blobs.get("a/b")


async def test_nobody_listening_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    async with answering(monkeypatch, 200) as (_, blobs):
        pass
    with pytest.raises(Unavailable):
        await asyncio.wait_for(blobs.put_many([("a/b", b"x")]), 8)
