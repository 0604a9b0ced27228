"""Rules of the outbound door that hold for every input, not only for the named ones."""

import asyncio
import gzip
import ipaddress
import itertools
import zlib
from ipaddress import IPv4Address, IPv6Address

import brotli
import pytest
import zstandard
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.linkcheck.fetch.redirects import target_of
from shared.outbound.coding import decode_body
from shared.outbound.egress import NOT_PUBLIC_4, AddressPolicy, judge_text
from shared.outbound.exchange import Exchange, Fault, Peer, Phases
from shared.outbound.wire import Connection
from shared.urls import UrlError, parse
from tests.fuzz.targets import NOW, TARGETS, _Wire

POLICY = AddressPolicy()
hosts = st.from_regex(r"[a-z0-9-]{1,12}(\.[a-z0-9-]{1,12}){0,3}", fullmatch=True)


@given(st.ip_addresses())
def test_what_the_registries_call_special_is_never_allowed(address: IPv4Address | IPv6Address) -> None:
    if POLICY.allows(str(address)):
        assert address.is_global
        assert not address.is_multicast
        assert not address.is_private


@given(st.sampled_from(NOT_PUBLIC_4), st.integers(min_value=0))
def test_every_disguise_of_a_private_address_is_refused(block: ipaddress.IPv4Network, place: int) -> None:
    address = block[place % block.num_addresses]
    number = int(address)
    disguises = [
        f"::ffff:{address}",
        str(IPv6Address(number)),
        str(IPv6Address((0x64FF9B << 96) | number)),
        str(IPv6Address((0x2002 << 112) | (number << 80))),
        str(IPv6Address((0x20010000 << 96) | (number ^ 0xFFFFFFFF))),
    ]
    assert not any(POLICY.allows(one) for one in [str(address), *disguises])


@given(st.sampled_from(NOT_PUBLIC_4), st.integers(min_value=0), st.sampled_from(["d", "x", "o", "x.", "o.", "short"]))
def test_no_notation_of_a_private_address_is_let_through(
    block: ipaddress.IPv4Network, place: int, notation: str
) -> None:
    number = int(block[place % block.num_addresses])
    parts = number.to_bytes(4, "big")
    written = {
        "d": str(number),
        "x": hex(number),
        "o": f"0{number:o}",
        "x.": ".".join(hex(part) for part in parts),
        "o.": ".".join(f"0{part:o}" for part in parts),
        "short": f"{parts[0]}.{int.from_bytes(parts[1:], 'big')}",
    }[notation]
    text = f"http://{written}/"
    try:
        url = parse(text)
    except UrlError:
        return
    assert POLICY.judge_url(url) is not None


@given(
    st.lists(st.ip_addresses(), min_size=1, max_size=5), st.sampled_from(["127.0.0.1", "::1", "10.1.2.3"]), st.data()
)
def test_one_bad_answer_blocks_a_name(others: list[IPv4Address | IPv6Address], bad: str, data: st.DataObject) -> None:
    answers = [str(one) for one in others]
    answers.insert(data.draw(st.integers(0, len(answers))), bad)
    assert POLICY.judge_answers(parse("http://a.test/"), answers) is not None


@given(st.text(max_size=60), hosts)
@example("\\", "b.test")
@example("@", "127.0.0.1")
def test_what_is_allowed_names_one_host_only(noise: str, host: str) -> None:
    for text in (
        f"http://{noise}{host}/",
        f"http://{host}{noise}/",
        f"http:{noise}//{host}/",
        f"{noise}http://{host}/",
    ):
        try:
            url = parse(text)
        except UrlError:
            continue
        if POLICY.judge_url(url) is None and judge_text(text, url) is None:
            assert "@" not in text.partition("//")[2].partition("/")[0]
            assert url.host in url.href


@given(st.one_of(st.text(max_size=80), st.builds("http://{}/{}".format, hosts, st.text(max_size=20))))
def test_a_redirect_leads_to_a_web_address_or_nowhere(location: str) -> None:
    TARGETS["redirect"](location.encode("utf-8", "replace"))


@given(st.lists(st.integers(0, 6), min_size=2, max_size=12))
def test_chains_of_redirects_end(places: list[int]) -> None:
    """Followed as the fetcher does, any map of redirects ends within as many hops as it has places."""
    urls = [f"http://h{place}.test/" for place in places]
    following = dict(itertools.pairwise(urls))
    visited, url = set(), urls[0]
    while url in following and url not in visited:
        visited.add(url)
        answer = Exchange(
            url=url, request_head=b"", response_head=b"", status=302, headers=(("Location", following[url]),), body=b"",
            truncated=None, peer=Peer("192.0.2.1", 80), phases=Phases(), started_at=NOW,
        )  # fmt: skip
        target = target_of(answer)
        assert isinstance(target, str) and not isinstance(target, Fault)
        url = target
    assert len(visited) <= 7


@settings(max_examples=60)
@given(st.binary(max_size=3000), st.lists(st.integers(1, 400), max_size=12), st.lists(st.integers(1, 50), max_size=30))
def test_chunks_come_together_however_they_are_split(body: bytes, sizes: list[int], cuts: list[int]) -> None:
    wire, place = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 0
    for size in [*sizes, 10_000]:
        piece = body[place : place + size]
        if piece:
            wire += f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
        place += size
    found = asyncio.run(_feed(wire + b"0\r\n\r\n", cuts))
    assert found == body


async def _feed(wire: bytes, cuts: list[int]) -> bytes:
    connection = Connection()
    connection.connection_made(_Wire())
    asking = asyncio.ensure_future(connection.exchange(b"", 10_000))
    await asyncio.sleep(0)
    place = 0
    for cut in [*cuts, len(wire)]:
        if wire[place : place + cut]:
            connection.data_received(wire[place : place + cut])
        place += cut
    answer = await asking
    assert answer.reusable
    return answer.body.getvalue()


@settings(max_examples=60)
@given(
    st.binary(max_size=2000),
    st.lists(st.sampled_from(["gzip", "deflate", "br", "zstd"]), max_size=3),
    st.integers(0, 2500),
)
def test_codings_undo_what_was_done(body: bytes, names: list[str], limit: int) -> None:
    coders = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress, "zstd": zstandard.compress}
    coded = body
    for name in names:
        coded = coders[name](coded)
    decoded, cut = decode_body(coded, ", ".join(names), 10_000)
    assert (decoded, cut) == (body, False)
    short, _ = decode_body(coded, ", ".join(names), limit)
    assert len(short) <= limit


@settings(max_examples=300)
@given(st.binary(max_size=300), st.binary(min_size=9, max_size=9))
@pytest.mark.parametrize(
    "prefix", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"]
)
def test_no_bytes_break_the_reader(prefix: bytes, noise: bytes, sizes: bytes) -> None:
    TARGETS["response"](sizes + prefix + noise)


@pytest.mark.parametrize("name", sorted(TARGETS))
@given(st.binary(max_size=200))
def test_no_bytes_break_what_is_fuzzed(name: str, data: bytes) -> None:
    TARGETS[name](data)
