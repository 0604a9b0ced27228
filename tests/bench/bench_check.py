"""`make bench`: links a second through the whole check, first with full evidence, then answered 304; wget beside it.

The origin is a process of its own on loopback: `HOSTS` names, pages of 5 to 100 KB, an ETag each. What is measured is
what `citewatch check` does: fetch, WARC, text, passage, commit, event.
"""

import argparse
import asyncio
import json
import multiprocessing
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.embedded import opened
from services.ingest.submission import Submission
from services.linkcheck.store import reports
from shared import logs
from shared.process import in_loop

WORDS = [
    "harbour",
    "council",
    "bridge",
    "budget",
    "road",
    "school",
    "water",
    "report",
    "minister",
    "village",
    "station",
    "engine",
    "letter",
    "window",
]


def _page(number: int) -> bytes:
    size = 5_000 + (number * 7919) % 95_000
    line = "<p>" + " ".join(WORDS[(number + place) % len(WORDS)] for place in range(40)) + ".</p>"
    claim = f"<p>In case {number} the commission counted {number * 3 + 7} boats at the northern quay.</p>"
    filler = line * (size // len(line))
    return f"<!doctype html><title>Case {number}</title><body><article><h1>Case {number}</h1>{claim}{filler}</article>".encode()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            path = head.split(b" ", 2)[1]
            if delay:
                await asyncio.sleep(delay)
            if path == b"/robots.txt":
                writer.write(b"HTTP/1.1 404 -\r\nContent-Length: 0\r\n\r\n")
            elif b"If-None-Match" in head:
                writer.write(b'HTTP/1.1 304 -\r\nETag: "1"\r\n\r\n')
            else:
                body = _page(int(path[1:]))
                fields = f'Content-Type: text/html\r\nETag: "1"\r\nContent-Length: {len(body)}'
                writer.write(f"HTTP/1.1 200 OK\r\n{fields}\r\n\r\n".encode() + body)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


def _serve(port: "multiprocessing.Queue[int]", delay: float) -> None:
    async def main() -> None:
        server = await asyncio.start_server(lambda r, w: _answer(r, w, delay), "127.0.0.1", 0, backlog=1024)
        port.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    in_loop(main())


@contextmanager
def origin(delay: float) -> Iterator[int]:
    """The port of a running origin."""
    port: multiprocessing.Queue[int] = multiprocessing.Queue()
    process = multiprocessing.Process(target=_serve, args=(port, delay), daemon=True)
    process.start()
    try:
        yield port.get(timeout=20)
    finally:
        process.terminate()
        process.join()


def _cpu() -> float:
    own = resource.getrusage(resource.RUSAGE_SELF)
    return own.ru_utime + own.ru_stime


async def bench(links: int, hosts: int, delay: float) -> None:
    """Print one table."""
    logs.configure("error", plain=True)
    rows = []
    with origin(delay) as port, tempfile.TemporaryDirectory() as folder:
        names = ",".join(f"h{number}.bench=127.0.0.1" for number in range(hosts))
        async with opened(
            Path(folder), allow_networks="127.0.0.0/8", dns_overrides=names, host_delay="0s", fetch_concurrency=128
        ) as system:
            claims = [
                f'<p>In case {n} the commission <a href="http://h{n % hosts}.bench:{port}/{n}">counted {n * 3 + 7} boats'
                f"</a> at the northern quay.</p>"
                for n in range(links)
            ]
            wanted: set[str] = set()
            for start in range(0, links, 500):
                article = Submission(
                    source="cli", url=f"https://bench.test/{start}", content="".join(claims[start : start + 500])
                )
                received = await system.ingest.intake.receive(article)
                await system.log.drain(system.linkcheck.subscription())
                async with system.db.read() as tx:
                    wanted |= await reports.links_of(tx, received.article_id)
            for name in ("first check, full evidence", "re-check, answered 304"):
                begun, used = time.perf_counter(), _cpu()
                await system.linkcheck.worker().check_now(wanted)
                seconds, cpu = time.perf_counter() - begun, _cpu() - used
                rows.append((name, len(wanted) / seconds, 1000 * cpu / len(wanted)))
            async with system.db.read() as tx:
                _, health = await reports.totals(tx)
        rows.append(("wget --warc, one process", *_wget(port, links)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{links} links, {hosts} hosts, {delay * 1000:.0f} ms; found: {json.dumps(health)}; peak memory {peak:.0f} MB"
    )
    print(f"{'what':32} {'links/s':>9} {'CPU ms a link':>14}")
    for name, rate, cpu in rows:
        print(f"{name:32} {rate:9.0f} {cpu:14.2f}" if rate else f"{name:32} {'absent':>9}")


def _wget(port: int, links: int) -> tuple[float, float]:
    """The same pages into a WARC by wget, on one host (it has no --resolve)."""
    if shutil.which("wget") is None:
        return 0.0, 0.0
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "urls"
        listed.write_text("".join(f"http://127.0.0.1:{port}/{number}\n" for number in range(links)))
        used, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        command = ["wget", "-q", "-i", str(listed), "--warc-file=w", "-O", "/dev/null", "--no-proxy"]
        subprocess.run(command, cwd=folder, check=False)
        seconds, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
        return links / seconds, 1000 * cpu / links


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--links", type=int, default=3000)
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds the origin waits before it answers")
    chosen = parser.parse_args()
    in_loop(bench(chosen.links, chosen.hosts, chosen.delay))
