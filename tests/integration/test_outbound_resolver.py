"""Names to addresses, with a real name server on loopback."""

import asyncio
import os
import socket
import time
from pathlib import Path

import pytest

from shared.outbound.exchange import FaultError
from shared.outbound.resolver import DnsLookup, Resolver
from tests.support.nameserver import NameServer

NAMES: dict[str, list[list[str] | str]] = {
    "both.test": [["192.0.2.1", "2001:db8::1"]],
    "four.test": [["192.0.2.1", "192.0.2.2"]],
    "six.test": [["2001:db8::1"]],
    "empty.test": [[]],
    "servfail.test": ["SERVFAIL"],
    "refused.test": ["REFUSED"],
    "silent.test": ["SILENCE"],
    "loop.test": ["CNAME-LOOP"],
    "alias.test": ["CNAME:localhost"],
    "many.test": [[f"192.0.2.{number}" for number in range(1, 255)]],
}


async def ask(host: str, tmp_path: Path, *, lifetime: float = 1.5) -> list[str]:
    hosts = tmp_path / "hosts"
    hosts.write_text("# comment\n192.0.2.77 written.test alias.written.test # more\n::1 written.test\n\n127.0.0.1\n")
    async with NameServer(NAMES) as server:
        lookup = DnsLookup(hosts, server.resolv_conf(tmp_path), lifetime=lifetime, port=server.port)
        return await Resolver((("over.test", "192.0.2.9"), ("over.test", "2001:db8::9")), lookup).resolve(host)


@pytest.mark.parametrize(
    ("host", "addresses"),
    [
        ("both.test", ["192.0.2.1", "2001:db8::1"]),
        ("both.test.", ["192.0.2.1", "2001:db8::1"]),
        ("BOTH.test", ["192.0.2.1", "2001:db8::1"]),
        ("four.test", ["192.0.2.1", "192.0.2.2"]),
        ("six.test", ["2001:db8::1"]),
        ("alias.test", ["127.0.0.1"]),
        ("written.test", ["192.0.2.77", "::1"]),
        ("alias.written.test", ["192.0.2.77"]),
        ("localhost", ["127.0.0.1", "::1"]),
        ("any.localhost", ["127.0.0.1", "::1"]),
        ("over.test", ["192.0.2.9", "2001:db8::9"]),
        ("Over.Test.", ["192.0.2.9", "2001:db8::9"]),
        ("192.0.2.5", ["192.0.2.5"]),
        ("2001:db8::5", ["2001:db8::5"]),
    ],
)
async def test_a_name_has_its_addresses(host: str, addresses: list[str], tmp_path: Path) -> None:
    assert await ask(host, tmp_path) == addresses


async def test_an_answer_too_long_for_a_datagram_comes_over_tcp(tmp_path: Path) -> None:
    assert len(await ask("many.test", tmp_path)) == 254


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("absent.test", "dns_nxdomain"),
        ("empty.test", "dns_nxdomain"),
        ("anything.invalid", "dns_nxdomain"),
        ("servfail.test", "dns_failure"),
        ("refused.test", "dns_failure"),
        ("silent.test", "dns_failure"),
        ("loop.test", "dns_failure"),
        ("a..test", "dns_nxdomain"),
        (f"{'a' * 64}.test", "dns_nxdomain"),
    ],
)
async def test_absent_is_told_from_unknown(host: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(FaultError) as raised:
        await ask(host, tmp_path)
    assert raised.value.fault.reason == reason


async def test_no_name_server_at_all_is_no_proof_of_absence(tmp_path: Path) -> None:
    for content in (None, "", "nameserver 127.0.0.1\n"):
        path = tmp_path / "resolv.conf"
        if content is not None:
            path.write_text(content)
        lookup = DnsLookup(tmp_path / "none", path, lifetime=0.5, port=closed_port())
        with pytest.raises(FaultError) as raised:
            await lookup("news.test")
        assert raised.value.fault.reason == "dns_failure"


def closed_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


async def test_the_files_are_read_again_when_they_change(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("192.0.2.1 a.test\n")
    lookup = DnsLookup(hosts, tmp_path / "none")
    assert await lookup("a.test") == ["192.0.2.1"]
    hosts.write_text("192.0.2.2 a.test\n")
    os.utime(hosts, ns=(1, 1))
    assert await lookup("a.test") == ["192.0.2.2"]


async def test_many_dead_names_do_not_hold_up_a_good_one(tmp_path: Path) -> None:
    async with NameServer(NAMES) as server:
        lookup = DnsLookup(tmp_path / "none", server.resolv_conf(tmp_path), lifetime=5, port=server.port)
        dead = [asyncio.ensure_future(lookup("silent.test")) for _ in range(100)]
        await asyncio.sleep(0.1)
        started = time.monotonic()
        assert await lookup("four.test") == ["192.0.2.1", "192.0.2.2"]
        assert time.monotonic() - started < 0.5
        for task in dead:
            task.cancel()
        await asyncio.gather(*dead, return_exceptions=True)
