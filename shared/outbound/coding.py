"""Content codings, decoded within bounded memory: a bomb costs its cap, and marks the capture truncated."""

import zlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import brotli
import zstandard

from shared.outbound.exchange import Exchange

STEP = 65_536
"""Bytes that a decoder may put out before they are counted."""
MOST_CODINGS = 3


class _Decoder(Protocol):
    finished: bool

    def feed(self, data: bytes) -> Iterator[bytes]: ...


class _Zlib:
    """gzip, and both ways in which the web writes deflate."""

    def __init__(self, bits: int) -> None:
        self._bits = bits
        self._unzip = zlib.decompressobj(bits)
        self._started = False
        self.finished = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data:
            try:
                piece = self._unzip.decompress(data, STEP)
            except zlib.error:
                if self._started or self._bits != zlib.MAX_WBITS:
                    raise
                self._unzip = zlib.decompressobj(-zlib.MAX_WBITS)  # raw deflate, as some servers send it
                piece = self._unzip.decompress(data, STEP)
            self._started = True
            yield piece
            data = self._unzip.unconsumed_tail
            if self._unzip.eof:
                self.finished = True
                rest = self._unzip.unused_data
                if self._bits != zlib.MAX_WBITS | 16 or not rest.startswith(b"\x1f\x8b"):
                    return
                self._unzip, data = zlib.decompressobj(self._bits), rest


class _Brotli:
    def __init__(self) -> None:
        self._decoder = brotli.Decompressor()

    @property
    def finished(self) -> bool:
        return bool(self._decoder.is_finished())

    def feed(self, data: bytes) -> Iterator[bytes]:
        piece = self._decoder.process(data, output_buffer_limit=STEP)
        while piece:
            yield piece
            piece = b"" if self.finished else self._decoder.process(b"", output_buffer_limit=STEP)


class _Zstd:
    """Windows of at most 8 MiB: what RFC 8878 asks of decoders, and RFC 9659 holds the web to."""

    finished = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        reader = zstandard.ZstdDecompressor(max_window_size=8 * 1024 * 1024).stream_reader(
            data, read_across_frames=True
        )
        while piece := reader.read(STEP):
            yield piece
        self.finished = True


DECODERS: dict[str, Callable[[], Any]] = {
    "gzip": lambda: _Zlib(zlib.MAX_WBITS | 16),
    "x-gzip": lambda: _Zlib(zlib.MAX_WBITS | 16),
    "deflate": lambda: _Zlib(zlib.MAX_WBITS),
    "br": _Brotli,
    "zstd": _Zstd,
}
ACCEPT_ENCODING = "gzip, deflate, br, zstd"


def decode(exchange: Exchange, limit: int) -> tuple[bytes, bool]:
    """The decoded body, and whether it was cut at `limit` bytes. A body that does not fit its header stays as it is."""
    coding = ",".join(value for key, value in exchange.headers if key.lower() == "content-encoding")
    return decode_body(exchange.body, coding, limit)


def decode_body(body: bytes, coding: str, limit: int) -> tuple[bytes, bool]:
    """The same, for a body and its `Content-Encoding`."""
    names = [name for part in coding.split(",") if (name := part.strip().lower()) and name != "identity"]
    if len(names) > MOST_CODINGS or any(name not in DECODERS for name in names):
        names = []
    decoded, cut = body, False
    for name in reversed(names):
        found, shortened, whole = _bounded(DECODERS[name](), decoded, limit)
        if not whole and not found:
            decoded = body
            break
        decoded, cut = found, cut or shortened or not whole
    return decoded[:limit], cut or len(decoded) > limit


def _bounded(decoder: _Decoder, body: bytes, limit: int) -> tuple[bytes, bool, bool]:
    """(decoded, cut at the limit, no fault)."""
    out = bytearray()
    try:
        for piece in decoder.feed(body):
            out += piece
            if len(out) > limit:
                return bytes(out[:limit]), True, True
    except (zlib.error, brotli.error, zstandard.ZstdError, EOFError, ValueError):
        return bytes(out), False, False
    return bytes(out), not decoder.finished, True
