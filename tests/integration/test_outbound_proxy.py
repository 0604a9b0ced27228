"""A second way out through a real CONNECT proxy on loopback."""

import base64
from ipaddress import ip_network

import pytest

from shared.errors import InputError
from shared.outbound.client import Outbound
from shared.outbound.egress import AddressPolicy
from shared.outbound.exchange import Exchange, Fault
from shared.outbound.proxy import NoWayOut, ProxyUrl
from shared.outbound.resolver import Resolver
from tests.support.origin import Origin
from tests.support.proxy import ConnectProxy


@pytest.mark.parametrize("tls", [False, True])
async def test_the_vetted_address_is_asked_for_and_no_name(tls: bool) -> None:
    async with Origin() as origin, ConnectProxy() as proxy:
        origin.page("a.test", "/", "through")
        outbound = origin.outbound().through(ProxyUrl.read(proxy.url))
        found = await outbound.exchange("GET", origin.url("a.test", tls=tls), deadline=5)
        assert isinstance(found, Exchange), found
        assert found.body == b"through"
        assert found.peer.address == "127.0.0.1"
        assert found.peer.via == proxy.url.rpartition("@")[2]
        assert proxy.asked[0].startswith(
            b"CONNECT 127.0.0.1:%d HTTP/1.1\r\n" % (origin.tls_port if tls else origin.port)
        )
        assert b"Basic " + base64.b64encode(b"me:s:cret") in proxy.asked[0]
        assert b"a.test" not in proxy.asked[0]


async def test_the_policy_holds_on_this_way_too() -> None:
    async with ConnectProxy() as proxy:
        outbound = Outbound(AddressPolicy(), Resolver((("a.test", "10.0.0.1"),)), user_agent="x")
        found = await outbound.through(ProxyUrl.read(proxy.url)).exchange("GET", "http://a.test/", deadline=5)
        assert isinstance(found, Fault)
        assert (found.reason, proxy.asked) == ("private_address", [])


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_the_far_side_fails_on_this_way_too(status: int) -> None:
    async with Origin() as origin, ConnectProxy(b"HTTP/1.1 %d No\r\n\r\n" % status) as proxy:
        outbound = origin.outbound().through(ProxyUrl.read(proxy.url))
        found = await outbound.exchange("GET", origin.url("a.test"), deadline=5)
        assert isinstance(found, Fault)
        assert found.reason == "connect_timeout"


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 407 Who are you\r\n\r\n", b"HTTP/1.1 403 No\r\n\r\n", b"SSH-2.0\r\n\r\n", b""]
)
async def test_a_proxy_at_fault_proves_nothing(answer: bytes) -> None:
    async with Origin() as origin, ConnectProxy(answer) as proxy:
        outbound = origin.outbound().through(ProxyUrl.read(proxy.url))
        with pytest.raises(NoWayOut):
            await outbound.exchange("GET", origin.url("a.test"), deadline=2)


async def test_nor_does_one_that_is_away() -> None:
    policy = AddressPolicy((ip_network("127.0.0.0/8"),))
    outbound = Outbound(policy, Resolver((("a.test", "127.0.0.1"),)), user_agent="x")
    for url in ("http://127.0.0.1:9", "http://nowhere.invalid:3128"):
        with pytest.raises(NoWayOut):
            await outbound.through(ProxyUrl.read(url)).exchange("GET", "http://a.test/", deadline=2)


@pytest.mark.parametrize("text", ["proxy:3128", "socks5://h:1080", "https://h:1", "not a url", "http://me:secret@"])
def test_what_is_no_proxy_is_told_without_its_secret(text: str) -> None:
    with pytest.raises(InputError) as raised:
        ProxyUrl.read(text)
    assert "secret" not in str(raised.value)


def test_credentials_are_in_no_repr() -> None:
    assert "c2VjcmV0" not in repr(ProxyUrl.read("http://secret:secret@proxy.example:3128"))
    assert "secret" not in repr(ProxyUrl.read("http://secret:secret@proxy.example:3128"))
