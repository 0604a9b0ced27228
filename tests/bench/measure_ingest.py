"""How quickly ingest answers, over a real socket and a durable SQLite: `python -m tests.bench.measure_ingest`.

The bar: p99 below 250 ms for a content system's delivery, whatever else is going on.
"""

import asyncio
import json
import statistics
import tempfile
import time
from pathlib import Path

from tests.support.ingest import Running, running

LINK = (
    '<p>Sentence {n} of the article says, with <a href="https://e{n}.example/page/{n}">a source</a>, what it says.</p>'
)


def article(number: int, links: int, filling: int = 0) -> bytes:
    """A submission with so many links, and so many characters of prose after each."""
    prose = f"<p>{'Words of no weight fill the page. ' * (filling // 34)}</p>"
    content = "".join(LINK.format(n=n) + (prose if filling else "") for n in range(links))
    return json.dumps({"url": f"https://paper.example/{number}/{links}", "title": "T", "content": content}).encode()


def _told(name: str, seconds: list[float], took: float) -> None:
    cuts = statistics.quantiles(seconds, n=100) if len(seconds) > 1 else seconds * 99
    print(
        f"{name:58} {len(seconds):5} · p50 {cuts[49] * 1000:7.1f} ms · p99 {cuts[98] * 1000:7.1f} ms · "
        f"{len(seconds) / took:6.0f}/s"
    )


async def _timed(ingest: Running, body: bytes, expected: int = 202) -> float:
    started = time.perf_counter()
    answer = await ingest.push(body)
    assert answer.status_code == expected, answer.text
    return time.perf_counter() - started


async def _series(ingest: Running, name: str, bodies: list[bytes], at_once: int) -> None:
    started, waiting = time.perf_counter(), asyncio.Semaphore(at_once)

    async def one(body: bytes) -> float:
        async with waiting:
            return await _timed(ingest, body)

    _told(name, await asyncio.gather(*map(one, bodies)), time.perf_counter() - started)


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with running(Path(folder)) as ingest:
            await _series(ingest, "5 KB, 10 links, one after another", [article(n, 10, 300) for n in range(300)], 1)
            await _series(ingest, "5 KB, 10 links, 8 at once", [article(1000 + n, 10, 300) for n in range(400)], 8)
            await _series(
                ingest, "100 KB, 50 links, one after another", [article(2000 + n, 50, 1900) for n in range(60)], 1
            )
            await _series(ingest, "2 MB, 1,000 links", [article(3000 + n, 1000, 1900) for n in range(3)], 1)
            await _series(ingest, "1.3 MB, 10,000 links", [article(4000 + n, 10_000) for n in range(2)], 1)
            large = asyncio.create_task(_series(ingest, "  beside it: 10,000 links", [article(5000, 10_000)], 1))
            small = [await _timed(ingest, article(6000 + n, 10, 300)) for n in range(60) if not large.done() or n < 5]
            await large
            _told("5 KB while one of 10,000 links is taken in", small, sum(small))
            lines = b"\n".join(article(7000 + n, 10, 300) for n in range(500))
            started = time.perf_counter()
            answer = await ingest.client.post("/v1/import", content=lines, timeout=120)
            took = time.perf_counter() - started
            assert len(answer.text.splitlines()) == 500
            print(f"{'import of 500 articles of 5 KB':58} {500 / took:.0f}/s")


if __name__ == "__main__":
    asyncio.run(main())
