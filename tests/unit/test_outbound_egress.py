"""Addresses, ports and names at the borders of what is public."""

from ipaddress import ip_network

import pytest

from shared.outbound.egress import BAD_PORTS, STORE_PORTS, AddressPolicy, judge_text
from shared.urls import parse

POLICY = AddressPolicy()
LOOPBACK = AddressPolicy((ip_network("127.0.0.0/8"), ip_network("::1/128")))


@pytest.mark.parametrize(
    ("inside", "outside"),
    [
        ("0.255.255.255", "1.0.0.0"),
        ("10.0.0.0", "9.255.255.255"),
        ("10.255.255.255", "11.0.0.0"),
        ("100.64.0.0", "100.63.255.255"),
        ("100.127.255.255", "100.128.0.0"),
        ("127.0.0.0", "126.255.255.255"),
        ("169.254.255.255", "169.255.0.0"),
        ("172.16.0.0", "172.15.255.255"),
        ("172.31.255.255", "172.32.0.0"),
        ("192.0.0.255", "192.0.1.0"),
        ("192.168.255.255", "192.169.0.0"),
        ("198.19.255.255", "198.20.0.0"),
        ("224.0.0.0", "223.255.255.255"),
        ("255.255.255.255", "8.8.8.8"),
        ("168.63.129.16", "168.63.129.17"),
        ("1fff:ffff::", "2000::1"),
        ("4000::", "3ffe::1"),
        ("2001:1ff::1", "2001:200::1"),
        ("2001:db8:ffff::", "2001:db9::"),
        ("2002::1", "2003::1"),
        ("3fff:fff::1", "3fff:1000::1"),
        ("2620:4f:8000::1", "2620:4f:8001::1"),
        ("::ffff:10.0.0.1", "::ffff:8.8.8.8"),
        ("64:ff9b::808:808", "2a00:1450:4001:82b::200e"),
        ("fe80::1%1", "2606:4700::1111"),
    ],
)
def test_the_borders_of_what_is_public(inside: str, outside: str) -> None:
    assert not POLICY.allows(inside)
    assert POLICY.allows(outside)


def test_what_is_no_address_is_not_allowed() -> None:
    assert not any(POLICY.allows(text) for text in ("", "localhost", "127.1", "0x7f000001", "1.2.3.4.5", "[::1]"))


def test_opened_networks_open_nothing_else() -> None:
    assert LOOPBACK.allows("127.9.9.9")
    assert LOOPBACK.allows("::1")
    assert LOOPBACK.allows("::ffff:127.0.0.1"), "mapped addresses are IPv4 ones"
    assert not LOOPBACK.allows("10.0.0.1")
    assert not LOOPBACK.allows("::2")


@pytest.mark.parametrize(
    ("host", "closed", "with_loopback"),
    [
        ("news.com", False, False),
        ("localhost.news.com", False, False),
        ("localhost", True, False),
        ("LOCALHOST.", True, False),
        ("intranet", True, False),
        ("x.internal", True, False),
        ("metadata.goog", True, False),
        ("a.home.arpa", True, False),
        ("a.test", True, False),
        ("a.invalid", True, False),
        ("x.onion", True, True),
        ("x.alt", True, True),
        (".", True, True),
        ("..", True, True),
    ],
)
def test_names_that_are_not_of_the_public_internet(host: str, closed: bool, with_loopback: bool) -> None:
    url = parse(f"http://{host}/")
    assert (POLICY.judge_url(url) is not None) == closed
    assert (LOOPBACK.judge_url(url) is not None) == with_loopback
    if url.host.strip("."):
        assert POLICY.judge_url(url, known=True) is None


def test_ports() -> None:
    for port in BAD_PORTS | STORE_PORTS:
        fault = POLICY.judge_url(parse(f"http://news.com:{port}/"))
        assert fault is not None
        assert fault.reason == "blocked_port"
    assert all(
        POLICY.judge_url(parse(f"http://news.com:{port}/")) is None for port in (80, 443, 8000, 8080, 8443, 3000)
    )


def test_ports_of_stores_are_open_in_opened_networks_only() -> None:
    url = parse("http://news.com:6379/")
    assert LOOPBACK.judge_url(url) is None, "where it leads is not known yet"
    assert LOOPBACK.judge_answers(url, ["127.0.0.1"]) is None
    fault = LOOPBACK.judge_answers(url, ["127.0.0.1", "8.8.8.8"])
    assert fault is not None
    assert fault.reason == "blocked_port"
    assert LOOPBACK.judge_url(parse("http://127.0.0.1:25/")) is not None, "bad ports are bad everywhere"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("http://news.com/", None),
        ("  https://news.com/a@b?c@d#e@f ", None),
        ("http://@news.com/", "userinfo"),
        ("http://:@news.com/", "userinfo"),
        ("HTTP:\\\\news.com/", "private_address"),
        ("http://news.com\\@b.com/", "private_address"),
        ("http://news.com/a\\b", None),
        ("mailto:a@news.com", None),
    ],
)
def test_what_programs_would_read_differently(text: str, reason: str | None) -> None:
    fault = judge_text(text, parse(text))
    assert (fault.reason if fault else None) == reason
