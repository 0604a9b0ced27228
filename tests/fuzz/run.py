"""python -m tests.fuzz.run TARGET [libFuzzer options] [corpus folder]

Seeds are the named answers of `tests/cases/http` and bodies in every coding. What breaks a target is written to
`crash-…`; mend it, and keep the input in `tests/cases/fuzz/TARGET/`.
"""

import gzip
import sys
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import atheris
import brotli
import zstandard

with atheris.instrument_imports(include=["shared.outbound", "shared.urls", "services.linkcheck.fetch", "protego"]):
    from tests.fuzz import targets

CASES = Path(__file__).resolve().parents[1] / "cases"


def seeds(target: str) -> Iterator[bytes]:
    """Inputs to begin with."""
    kept = CASES / "fuzz" / target
    yield from (path.read_bytes() for path in sorted(kept.glob("*")) if path.is_file())
    if target == "response":
        for path in sorted((CASES / "http").glob("*.http")):
            yield b"G" + bytes(8) + path.read_bytes().partition(b"\n")[2]
    elif target == "coding":
        text = b"<p>Some text, and the same text again; some text.</p>" * 20
        packed = (brotli.compress(text), zlib.compress(text), gzip.compress(text), gzip.compress(text))
        yield from (bytes([number]) + body for number, body in enumerate(packed))
        yield bytes([4]) + zstandard.compress(text)
    elif target in ("redirect", "address"):
        words = (
            "http://a.test/x?y#z",
            "//b.test/",
            "../up",
            "?q",
            "http://0x7f.1/",
            "https://[::1]:80/",
            "http://u:p@h/",
        )
        yield from (word.encode() for word in words)
    elif target == "retry":
        yield from (b"120", b"Fri, 31 Dec 2027 23:59:59 GMT")
    elif target == "robots":
        yield b"User-agent: *\nDisallow: /a*b$\nAllow: /page\nCrawl-delay: 1\nSitemap: /s.xml\n"


def main() -> None:
    """Run one target until libFuzzer is content."""
    target, *options = sys.argv[1:]
    targets.keep_loop()
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(seeds(target)):
            (Path(folder) / f"seed-{number}").write_bytes(seed)
        atheris.Setup([sys.argv[0], *options, folder], targets.TARGETS[target])
        atheris.Fuzz()


if __name__ == "__main__":
    main()
