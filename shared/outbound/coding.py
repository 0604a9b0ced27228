"""Content codings, decoded within bounded memory: a bomb marks the capture truncated, and costs little.

Decoders put out a piece at a time and touch no more of their window than they have put out. A body that grows past
`FLOOR` by more than `STEEPEST` is no page: its decoding ends there. So a bomb costs one `FLOOR` of output and at most
as much of window: 2 MiB.
"""

import zlib
from collections.abc import Callable, Generator
from io import BytesIO

import brotli
import zstandard

from shared.outbound.exchange import Exchange

STEP = 65_536
"""Bytes that a decoder may put out before they are counted."""
FEED = 2048
"""Bytes of input that a decoder takes at once, so that its growth is seen early."""
FLOOR = 1_048_576
STEEPEST = 500
"""Growth that a body of more than `FLOOR` bytes may have; repetitive tables reach 200, bombs 1000 and more."""
MOST_CODINGS = 3
WINDOW = 8 * 1_048_576
"""RFC 9659: windows that zstd may ask for on the web."""
ACCEPT_ENCODING = "gzip, deflate, br, zstd"

Decoding = Generator[tuple[bytes, int], None, bool]
"""Yields (output, bytes of input taken so far); returns whether the coding came to its own end."""


def decode(exchange: Exchange, limit: int) -> tuple[bytes, bool]:
    """The decoded body, and whether it is not whole: cut at `limit` bytes, a bomb, or broken off.

    A body that does not fit its header from the start stays as it is: servers claim codings that they do not apply.
    """
    coding = ",".join(value for name, value in exchange.headers if name.lower() == "content-encoding")
    return decode_body(exchange.body, coding, limit)


def decode_body(body: bytes, coding: str, limit: int) -> tuple[bytes, bool]:
    """The same, for a body and its `Content-Encoding`."""
    names = [name for part in coding.split(",") if (name := part.strip().lower()) not in ("", "identity")]
    if len(names) > MOST_CODINGS or any(name not in DECODERS for name in names):
        names = []
    decoded, cut = body, False
    for name in reversed(names):
        if not decoded:
            break
        found = _bounded(DECODERS[name](decoded), limit)
        if found is None:
            break
        decoded, cut = found[0], cut or found[1]
    return decoded[:limit], cut or len(decoded) > limit


def _bounded(decoding: Decoding, limit: int) -> tuple[bytes, bool] | None:
    """(output, not whole); None where not even the beginning is in this coding."""
    out, size = BytesIO(), 0
    try:
        while True:
            piece, taken = next(decoding)
            size += out.write(piece)
            if size > limit or (size > FLOOR and size > STEEPEST * taken):
                return out.getvalue(), True
    except StopIteration as end:
        return out.getvalue(), not end.value
    except (zlib.error, brotli.error, zstandard.ZstdError):
        return (out.getvalue(), True) if size else None


def _slices(body: bytes) -> Generator[tuple[memoryview, int], None, None]:
    view = memoryview(body)
    for start in range(0, len(body), FEED):
        yield view[start : start + FEED], min(start + FEED, len(body))


def _gzip(body: bytes) -> Decoding:
    """Members one after another (RFC 1952 §2.2); what follows them and is none is left alone, as by browsers."""
    unzip, between = zlib.decompressobj(zlib.MAX_WBITS | 16), False
    for piece, taken in _slices(body):
        data: bytes | memoryview = piece
        while data:
            if between:
                if body[taken - len(data)] != 0x1F:
                    return True
                unzip, between = zlib.decompressobj(zlib.MAX_WBITS | 16), False
            yield unzip.decompress(data, STEP), taken
            between = unzip.eof
            data = unzip.unused_data if between else unzip.unconsumed_tail
    return between


def _deflate(body: bytes) -> Decoding:
    """zlib as RFC 9110 §8.4.1.2 says, or raw as some servers send it."""
    unzip = zlib.decompressobj(_deflate_bits(body))
    for piece, taken in _slices(body):
        data: bytes | memoryview = piece
        while data and not unzip.eof:
            yield unzip.decompress(data, STEP), taken
            data = unzip.unconsumed_tail
    return bool(unzip.eof)


def _deflate_bits(body: bytes) -> int:
    """RFC 1950 §2.2: method 8 in the first byte, and the first two a multiple of 31."""
    framed = len(body) > 1 and body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0
    return zlib.MAX_WBITS if framed else -zlib.MAX_WBITS


def _brotli(body: bytes) -> Decoding:
    decoder = brotli.Decompressor()
    for piece, taken in _slices(body):
        yield decoder.process(bytes(piece), output_buffer_limit=STEP), taken
        while not decoder.is_finished() and not decoder.can_accept_more_data():
            yield decoder.process(b"", output_buffer_limit=STEP), taken
        if decoder.is_finished():
            return True
    return False


def _zstd(body: bytes) -> Decoding:
    """Frames one after another. The reader does not tell an end from a break; the frames themselves do."""
    source = BytesIO(body)
    decompressor = zstandard.ZstdDecompressor(max_window_size=WINDOW)
    with decompressor.stream_reader(source, read_size=FEED, read_across_frames=True, closefd=False) as reader:
        while piece := reader.read(STEP):
            yield piece, source.tell()
    return _whole_frames(body)


def _whole_frames(body: bytes) -> bool:
    """Whether zstd frames (RFC 8878 §3.1) end where the body does."""
    place = 0
    while place < len(body):
        magic = int.from_bytes(body[place : place + 4], "little")
        if magic & 0xFFFFFFF0 == 0x184D2A50:
            place += 8 + int.from_bytes(body[place + 4 : place + 8], "little")
        elif magic == 0xFD2FB528:
            place = _after_frame(body, place + 4)
        else:
            return False
    return place == len(body)


def _after_frame(body: bytes, place: int) -> int:
    """Where the frame whose descriptor is at `place` ends; past the end of the body if it is broken off."""
    descriptor = body[place] if place < len(body) else 0
    single, checksum = descriptor >> 5 & 1, descriptor >> 2 & 1
    size_bytes = (single, 2, 4, 8)[descriptor >> 6]
    place += 1 + (1 - single) + (0, 1, 2, 4)[descriptor & 3] + size_bytes
    while place + 3 <= len(body):
        header = int.from_bytes(body[place : place + 3], "little")
        place += 3 + (1 if header >> 1 & 3 == 1 else header >> 3)
        if header & 1:
            return place + 4 * checksum
    return len(body) + 1


DECODERS: dict[str, Callable[[bytes], Decoding]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
