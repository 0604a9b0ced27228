"""The cases of `measure_support`, put to `citewatch check` as a newsroom would: twice on one article, over real sockets.

Every case has a host of its own on a loopback origin; the first run meets the page of then, the second that of now.
"""

import asyncio
import html
import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.bench.measure_support import Answer, Case
from tests.support.command import start
from tests.support.origin import Origin

CHUNK = 300
"""Cases of one article and data dir."""
SETTINGS = {"CITEWATCH_HOST_DELAY": "0s", "CITEWATCH_ROBOTS": "ignore", "CITEWATCH_FETCH_CONCURRENCY": "16"}


def over_cli(cases: Sequence[Case]) -> Iterator[Answer]:
    """An answer for every case, in their order."""
    for begin in range(0, len(cases), CHUNK):
        yield from asyncio.run(_chunk(cases[begin : begin + CHUNK]))


async def _chunk(cases: Sequence[Case]) -> list[Answer]:
    with tempfile.TemporaryDirectory(prefix="citewatch-measure-") as folder:
        async with Origin() as origin:
            urls = [_serve(origin, number, case, case.then) for number, case in enumerate(cases)]
            article = Path(folder) / "article.html"
            article.write_text(article_of(cases, urls), encoding="utf-8")
            first = await _check(article, Path(folder) / "data", origin)
            for number, case in enumerate(cases):
                _serve(origin, number, case, case.now)
            second = await _check(article, Path(folder) / "data", origin)
    return [_answer(first.get(url), second.get(url)) for url in urls]


def _serve(origin: Origin, number: int, case: Case, page: Path) -> str:
    parts = urlsplit(case.url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return origin.page(f"case{number}.test", path, page.read_bytes())


def article_of(cases: Sequence[Case], urls: Sequence[str]) -> str:
    """An article with the claim of every case in a paragraph of its own."""
    paragraphs = "".join(f"<p>{_linked(case.claim, url)}</p>\n" for case, url in zip(cases, urls, strict=True))
    return f"<!doctype html><html><head><title>Claims</title></head><body><article>{paragraphs}</article></body></html>"


def _linked(claim: str, url: str) -> str:
    """The claim with a few words from its middle as the link."""
    words = claim.split()
    middle = len(words) // 2
    parts = (words[: middle - 2], words[middle - 2 : middle + 2], words[middle + 2 :])
    before, anchor, after = (html.escape(" ".join(part)) for part in parts)
    return f'{before} <a href="{html.escape(url)}">{anchor}</a> {after}'


async def _check(article: Path, data: Path, origin: Origin) -> dict[str, Any]:
    """Citations of the report, by their address."""
    environment = {**origin.environment(), **SETTINGS}
    process = await start("check", str(article), "--json", "--data-dir", str(data), environment=environment)
    out, err = await process.communicate()
    if process.returncode not in (0, 1):
        raise RuntimeError(f"citewatch check ended with {process.returncode}: {err.decode()[-2000:]}")
    return {one["href"]: one for report in json.loads(out)["articles"] for one in report["citations"]}


def _answer(first: dict[str, Any] | None, second: dict[str, Any] | None) -> Answer:
    if first is None or second is None:
        return Answer("not an evidence link")
    baseline, passage = (one["passage"]["exact"] if one["passage"] else "" for one in (first, second))
    return Answer(
        second["support"], tuple(second["changes"]), passage, baseline, f"{second['outcome']} {second['reason']}"
    )
