"""Content codings: every one, broken off, wrongly claimed, stacked, and as bombs within bounded memory."""

import gzip
import os
import resource
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard

from shared.outbound.coding import ACCEPT_ENCODING, DECODERS, FLOOR, decode_body

PAGE = b"".join(
    b"<p>Paragraph %d says %x of its own.</p>\n" % (number, hash((number, 7)) & 0xFFFFFF) for number in range(20_000)
)
LIMIT = 64 * 1_048_576


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def streamed_zstd(data: bytes) -> bytes:
    packer = zstandard.ZstdCompressor(level=3, write_checksum=True).compressobj()
    return packer.compress(data) + packer.flush()


CODERS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("x-gzip", gzip.compress),
    "deflate as zlib": ("deflate", zlib.compress),
    "deflate raw": ("deflate", raw_deflate),
    "br": ("br", lambda data: brotli.compress(data, quality=5)),
    "br, widest window": ("br", lambda data: brotli.compress(data, lgwin=24, quality=5)),
    "zstd": ("zstd", zstandard.compress),
    "zstd, streamed with checksum": ("zstd", streamed_zstd),
}


@pytest.mark.parametrize("name", CODERS)
def test_a_page_comes_back(name: str) -> None:
    coding, encode = CODERS[name]
    assert decode_body(encode(PAGE), coding, LIMIT) == (PAGE, False)


@pytest.mark.parametrize("name", CODERS)
def test_a_body_broken_off_keeps_what_came_and_says_so(name: str) -> None:
    coding, encode = CODERS[name]
    whole = encode(PAGE)
    decoded, cut = decode_body(whole[: len(whole) // 2], coding, LIMIT)
    assert cut
    assert PAGE.startswith(decoded)
    assert decoded or coding == "br"


@pytest.mark.parametrize("name", CODERS)
def test_the_last_byte_missing_is_noticed(name: str) -> None:
    coding, encode = CODERS[name]
    decoded, cut = decode_body(encode(PAGE)[:-1], coding, LIMIT)
    assert cut
    assert PAGE.startswith(decoded)


@pytest.mark.parametrize("name", CODERS)
def test_the_limit_cuts(name: str) -> None:
    coding, encode = CODERS[name]
    assert decode_body(encode(PAGE), coding, 1000) == (PAGE[:1000], True)
    assert decode_body(encode(PAGE), coding, len(PAGE)) == (PAGE, False)


@pytest.mark.parametrize("coding", sorted(DECODERS))
def test_a_claimed_coding_that_was_not_applied_leaves_the_body(coding: str) -> None:
    body = b"<!doctype html><title>Plain</title>"
    decoded, _ = decode_body(body, coding, LIMIT)
    assert decoded == body


@pytest.mark.parametrize("coding", sorted(DECODERS))
def test_an_empty_body_is_whole(coding: str) -> None:
    assert decode_body(b"", coding, LIMIT) == (b"", False)


def test_codings_are_undone_from_the_last_to_the_first() -> None:
    assert decode_body(gzip.compress(brotli.compress(PAGE, quality=5)), "br, gzip", LIMIT) == (PAGE, False)
    assert decode_body(zstandard.compress(gzip.compress(PAGE)), " GZIP ,identity, zstd", LIMIT) == (PAGE, False)


def test_unknown_or_too_many_codings_leave_the_body() -> None:
    assert decode_body(b"abc", "gzip, compress", LIMIT) == (b"abc", False)
    four = gzip.compress(gzip.compress(gzip.compress(gzip.compress(PAGE))))
    assert decode_body(four, "gzip, gzip, gzip, gzip", LIMIT) == (four, False)


def test_gzip_members_are_joined_and_what_follows_is_overlooked() -> None:
    members = gzip.compress(PAGE) + gzip.compress(b"more")
    assert decode_body(members, "gzip", LIMIT) == (PAGE + b"more", False)
    assert decode_body(members + b"\0\0\0 padding", "gzip", LIMIT) == (PAGE + b"more", False)


def test_zstd_frames_are_joined_and_skippable_ones_skipped() -> None:
    skippable = (0x184D2A53).to_bytes(4, "little") + (3).to_bytes(4, "little") + b"abc"
    body = zstandard.compress(PAGE) + skippable + streamed_zstd(b"more")
    assert decode_body(body, "zstd", LIMIT) == (PAGE + b"more", False)


def test_a_zstd_window_beyond_the_webs_is_refused() -> None:
    wide = zstandard.ZstdCompressor(
        compression_params=zstandard.ZstdCompressionParameters.from_level(3, window_log=27)
    ).compressobj()
    body = wide.compress(PAGE) + wide.flush()
    assert decode_body(body, "zstd", LIMIT) == (body, False)


def test_what_is_offered_can_be_read() -> None:
    assert {name.strip() for name in ACCEPT_ENCODING.split(",")} <= set(DECODERS)


BOMBS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "gzip": ("gzip", lambda: gzip.compress(bytes(64 * 1_048_576), 9)),
    "gzip in gzip": ("gzip, gzip", lambda: gzip.compress(gzip.compress(bytes(64 * 1_048_576), 9), 9)),
    "deflate": ("deflate", lambda: zlib.compress(bytes(64 * 1_048_576), 9)),
    "br": ("br", lambda: brotli.compress(bytes(64 * 1_048_576), quality=3)),
    "zstd": ("zstd", lambda: zstandard.compress(bytes(64 * 1_048_576))),
}


def peak_of(coding: str, body: bytes) -> tuple[int, bool, int]:
    """(decoded bytes, cut, KiB by which the process grew), measured in a child so that nothing else is in it."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        decode_body(gzip.compress(b"warm"), "gzip", LIMIT)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        decoded, cut = decode_body(body, coding, LIMIT)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        os.write(writer, f"{len(decoded)} {int(cut)} {grown}".encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        size, cut, grown = map(int, answer.read().split())
    return size, bool(cut), grown


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_costs_at_most_two_mebibytes_and_is_marked(name: str) -> None:
    coding, make = BOMBS[name]
    body = make()
    size, cut, grown = peak_of(coding, body)
    assert cut
    assert size <= FLOOR + 65_536 * 2
    assert grown <= 2 * 1024 + 256, f"{grown} KiB"
