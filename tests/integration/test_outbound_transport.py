"""httpx over our own door: what went wrong, and whether the far side may have acted on it."""

import gzip
from collections.abc import AsyncIterator

import httpx
import pytest

from shared.outbound.transport import Forbidden, SafeTransport
from tests.support.origin import Origin, Turn, response


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    async with Origin() as found:
        yield found


def client(origin: Origin, **options: float) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=SafeTransport(origin.outbound(), **options), trust_env=False)  # type: ignore[arg-type]


async def test_a_post_arrives_as_it_was_meant(origin: Origin) -> None:
    async def echo(turn: Turn) -> None:
        await turn.send(response(201, turn.request.body, [("X-One", "1"), ("X-One", "2")]))

    url = origin.on("hook.test", "/in?x=1", echo)
    async with client(origin) as session:
        answer = await session.post(url, content=b"payload", headers={"webhook-id": "msg_1", "User-Agent": "Ours/1"})
    (seen,) = origin.seen
    assert (answer.status_code, answer.content, answer.headers.get_list("x-one")) == (201, b"payload", ["1", "2"])
    assert (seen.method, seen.path, seen.header("webhook-id"), seen.body) == ("POST", "/in?x=1", "msg_1", b"payload")
    assert [value for name, value in seen.headers if name.lower() == "user-agent"] == ["Ours/1"]
    assert [value for name, value in seen.headers if name.lower() == "host"] == [f"hook.test:{origin.port}"]


async def test_head_and_tls(origin: Origin) -> None:
    url = origin.url("mail.test", "/", tls=True)
    origin.page("mail.test", "/", "x" * 500)
    async with client(origin) as session:
        answer = await session.head(url)
    assert (answer.status_code, answer.content) == (200, b"")


async def test_codings_are_decoded_within_bounds(origin: Origin) -> None:
    fine = origin.page("a.test", "/", gzip.compress(b"text"), headers=[("Content-Encoding", "gzip")])
    bomb = origin.page("a.test", "/b", gzip.compress(bytes(64 * 1024 * 1024)), headers=[("Content-Encoding", "gzip")])
    async with client(origin) as session:
        assert (await session.get(fine)).text == "text"
        with pytest.raises(httpx.DecodingError):
            await session.get(bomb)


async def test_redirects_are_vetted_anew(origin: Origin) -> None:
    url = origin.redirect("a.test", "/", "http://169.254.169.254/")
    async with client(origin) as session:
        assert (await session.get(url)).status_code == 302
        with pytest.raises(Forbidden) as raised:
            await session.get(url, follow_redirects=True)
    assert raised.value.fault.reason == "private_address"
    assert isinstance(raised.value, httpx.TransportError)


@pytest.mark.parametrize(
    ("act", "error"),
    [
        ("hang", httpx.ReadTimeout),
        ("trickled_head", httpx.ReadTimeout),
        ("reset", httpx.ReadError),
        ("hang_in_body", httpx.ReadError),
        ("short_of_length", httpx.ReadError),
        ("endless_body", httpx.ReadError),
        ("endless_head", httpx.RemoteProtocolError),
    ],
)
async def test_after_the_request_was_sent(origin: Origin, act: str, error: type[Exception]) -> None:
    url = origin.act("bad.test", "/", act)
    async with client(origin, max_body=10_000) as session:
        with pytest.raises(error):
            await session.post(url, content=b"once", timeout=0.3)
    assert len(origin.seen) == 1, "a request that may have been acted on is never repeated"


async def test_before_it_was_sent(origin: Origin) -> None:
    origin.untrusted("bad.test")
    async with client(origin) as session:
        with pytest.raises(httpx.ConnectError, match="tls_untrusted"):
            await session.post(origin.url("bad.test", "/", tls=True), content=b"x")
        with pytest.raises(httpx.ConnectError, match="dns_nxdomain"):
            await session.post("http://a..b/", content=b"x")
        with pytest.raises(Forbidden, match="scheme"):
            await session.post("gopher://a.test/", content=b"x")
        with pytest.raises(httpx.LocalProtocolError):
            await session.post(origin.url("a.test"), content=b"x", headers={"X-A": "a\0b"})
    assert origin.seen == []
