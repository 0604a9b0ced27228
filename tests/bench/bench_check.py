"""`make bench`: links a second through the whole check, beside what people use today.

    python -m tests.bench.bench_check [--links N] [--delay SECONDS] [--rounds N] [--plot FILE]

The origin is a process of its own on loopback: `HOSTS` hosts (addresses of 127.0.0.0/8, so that no tool needs a name
server), pages of 5 to 100 KB, an ETag each. Contenders take turns, round after round; the median of the rounds stands
in the table. What is measured of Citewatch is what `citewatch check` does: robots.txt, fetch, WARC, text, passage,
verdict, commit, event. wget writes a WARC and nothing else; lychee and urlwatch write none. lychee and urlwatch come
from `requirements-peers.lock`; wget and wrk are the system's own, and named where they are absent.
"""

import argparse
import asyncio
import multiprocessing
import os
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import uvloop

from services.embedded import opened
from services.ingest.submission import Submission
from services.linkcheck.store import reports
from shared import logs
from shared.process import in_loop
from tests.bench.meter import Usage, run
from tests.support import netns

HOSTS = 1000
SLOTS = 512
WGETS = 16
FIRST, AGAIN = "first check, full evidence", "re-check, answered 304"
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
REPOSITORY = Path(__file__).resolve().parents[2]


def url(number: int, port: int) -> str:
    """The address of a page."""
    host = number % HOSTS
    return f"http://127.{1 + host // 250}.0.{1 + host % 250}:{port}/{number}"


@cache
def answer(number: int) -> bytes:
    """Head and body of a page."""
    size = 5_000 + (number * 7919) % 95_000
    line = "<p>" + " ".join(WORDS[(number + place) % len(WORDS)] for place in range(40)) + ".</p>"
    claim = f"<p>In case {number} the commission counted {number * 3 + 7} boats at the northern quay.</p>"
    title = f"<!doctype html><title>Case {number}</title><body><article><h1>Case {number}</h1>"
    body = f"{title}{claim}{line * (size // len(line))}</article>".encode()
    head = f'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nETag: "1"\r\nContent-Length: {len(body)}\r\n\r\n'
    return head.encode() + body


class _Site(asyncio.Protocol):
    """The pages; 304 to any condition, no robots.txt."""

    delay = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._got = b""

    def data_received(self, data: bytes) -> None:
        *requests, self._got = (self._got + data).split(b"\r\n\r\n")
        for request in requests:
            if self.delay:
                asyncio.get_running_loop().call_later(self.delay, self._answer, request)
            else:
                self._answer(request)

    def _answer(self, request: bytes) -> None:
        method, path, _ = request.split(b" ", 2)
        if path == b"/robots.txt":
            self._transport.write(b"HTTP/1.1 404 -\r\nContent-Length: 0\r\n\r\n")
        elif b"if-none-match" in request.lower():
            self._transport.write(b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n')
        else:
            whole = answer(int(path[1:]))
            self._transport.write(whole if method != b"HEAD" else whole.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")


def _serve(port: "multiprocessing.Queue[int]", links: int, delay: float) -> None:
    async def main() -> None:
        _Site.delay = delay
        for number in range(links):
            answer(number)
        server = await asyncio.get_running_loop().create_server(_Site, "0.0.0.0", 0, backlog=4096)
        port.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(main())


@contextmanager
def origin(links: int, delay: float) -> Iterator[int]:
    """The port of a running origin. It listens on every address of the loopback: run it in a network namespace."""
    port: multiprocessing.Queue[int] = multiprocessing.Queue()
    process = multiprocessing.Process(target=_serve, args=(port, links, delay), daemon=True)
    process.start()
    try:
        yield port.get(timeout=60)
    finally:
        process.terminate()
        process.join()


async def check(folder: Path, port: int, links: int) -> None:
    """Citewatch's turn: articles that cite every page, then both kinds of check, with marks on stdout."""
    logs.configure("error", plain=True)
    async with opened(folder, allow_networks="127.0.0.0/8", host_delay="0s", fetch_concurrency=SLOTS) as system:
        claims = [
            f'<p>In case {n} the commission <a href="{url(n, port)}">counted {n * 3 + 7} boats</a> at the northern'
            " quay.</p>"
            for n in range(links)
        ]
        wanted: set[str] = set()
        for start in range(0, links, 500):
            text = "".join(claims[start : start + 500])
            article = Submission(source="cli", url=f"https://bench.test/{start}", content=text)
            received = await system.ingest.intake.receive(article)
            await system.log.drain(system.linkcheck.subscription())
            async with system.db.read() as tx:
                wanted |= await reports.links_of(tx, received.article_id)
        for name in (FIRST, AGAIN):
            print("mark", name, flush=True)
            await system.linkcheck.worker().check_now(wanted)
        print("mark", flush=True)
        async with system.db.read() as tx:
            _, health = await reports.totals(tx)
        if health != {"ok": links}:
            raise SystemExit(f"not all of {links} were found: {health}")


Turn = Callable[[Path, int, int], dict[str, Usage]]


def _citewatch(folder: Path, port: int, links: int) -> dict[str, Usage]:
    inside = [sys.executable, "-m", "tests.bench.bench_check", "--inside", str(folder), str(port)]
    found = run([*inside, "--links", str(links)], REPOSITORY)
    return {name: usage for name, usage in found.items() if name}


def _wget(folder: Path, port: int, links: int) -> dict[str, Usage]:
    for part in range(WGETS):
        (folder / f"urls{part}").write_text("\n".join(url(number, port) for number in range(part, links, WGETS)))
    one = "wget -q --no-proxy -i urls$N --warc-file=w$N -O /dev/null &"
    script = f"for N in $(seq 0 {WGETS - 1}); do {one} done; wait"
    return {FIRST: run(["sh", "-c", script], folder)[""]}


def _lychee(folder: Path, port: int, links: int) -> dict[str, Usage]:
    (folder / "urls.txt").write_text("\n".join(url(number, port) for number in range(links)))
    return {AGAIN: run(["lychee", "--no-progress", "urls.txt"], folder)[""]}


def _urlwatch(folder: Path, port: int, links: int) -> dict[str, Usage]:
    """Its first run fetches and keeps the pages, its second is answered 304."""
    jobs = "\n---\n".join(f"url: {url(number, port)}" for number in range(links))
    (folder / "jobs.yaml").write_text(jobs + "\n")
    (folder / "config.yaml").write_text("report: {stdout: {enabled: false}}\n")
    command = ["urlwatch", "--urls", "jobs.yaml", "--config", "config.yaml", "--cache", "cache.db"]
    return {name: run(command, folder)[""] for name in (FIRST, AGAIN)}


CONTENDERS: dict[str, tuple[str | None, Turn, int]] = {
    "citewatch": (None, _citewatch, 1),
    f"wget --warc, {WGETS} processes": ("wget", _wget, 1),
    "lychee, defaults": ("lychee", _lychee, 1),
    "urlwatch": ("urlwatch", _urlwatch, 5),
}
"""Name → the program that must be there, its turn, and the part of the links it is given (1/n) to keep it short."""


def measured(folders: str, links: int, delay: float, rounds: int) -> dict[tuple[str, str], tuple[float, float, float]]:
    """(What, who) → links a second, CPU ms a link, peak MB: medians of the rounds."""
    taken: dict[tuple[str, str], list[tuple[float, float, float]]] = {}
    with origin(links, delay) as port:
        for _ in range(rounds):
            for who, (program, turn, part) in CONTENDERS.items():
                if program is not None and shutil.which(program) is None:
                    continue
                number, folder = links // part, Path(tempfile.mkdtemp(dir=folders))
                for what, used in turn(folder, port, number).items():
                    row = (number / used.seconds, 1000 * used.cpu / number, used.peak / 1e6)
                    taken.setdefault((what, who), []).append(row)
        limit = _wrk(port)
    if limit:
        taken[FIRST, "wrk, the origin's limit"] = [(limit, 0.0, 0.0)]
    return {key: _medians(rows) for key, rows in taken.items()}


def _medians(rows: Sequence[tuple[float, float, float]]) -> tuple[float, float, float]:
    rate, cpu, peak = (statistics.median(column) for column in zip(*rows, strict=True))
    return rate, cpu, peak


def _wrk(port: int) -> float:
    """Requests a second of a client that only reads, 64 connections, one page of the middle size."""
    if shutil.which("wrk") is None:
        return 0.0
    told = subprocess.run(["wrk", "-t1", "-c64", "-d3s", url(6, port)], capture_output=True, text=True, check=False)
    found = re.search(r"Requests/sec:\s+([\d.]+)", told.stdout)
    return float(found[1]) if found else 0.0


def _print(found: dict[tuple[str, str], tuple[float, float, float]], links: int, delay: float) -> None:
    absent = [who for who, (program, _, _) in CONTENDERS.items() if program and shutil.which(program) is None]
    print(f"\n{links} links on {HOSTS} hosts, an origin that waits {delay * 1000:.0f} ms, {os.cpu_count()} cores")
    print(f"{'what':28} {'who':26} {'links/s':>8} {'CPU ms/link':>12} {'peak MB':>8} {'citewatch is':>13}")
    for (what, who), (rate, cpu, peak) in sorted(found.items(), key=lambda item: (item[0][0], -item[1][0])):
        ratio = found[what, "citewatch"][0] / rate
        rest = f"{cpu:12.2f} {peak:8.0f}" if cpu else f"{'':12} {'':8}"
        print(f"{what:28} {who:26} {rate:8.0f} {rest} {'' if who == 'citewatch' else f'{ratio:.2f}x':>13}")
    if absent:
        print("absent:", ", ".join(absent))


def _plot(tables: dict[float, dict[tuple[str, str], tuple[float, float, float]]], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(len(tables), 2, figsize=(10, 2.6 * len(tables)), squeeze=False)
    for row, (delay, found) in zip(axes, tables.items(), strict=True):
        for place, what in zip(row, (FIRST, AGAIN), strict=True):
            bars = sorted((rate, who) for (name, who), (rate, cpu, _) in found.items() if name == what and cpu)
            names, rates = [who for _, who in bars], [rate for rate, _ in bars]
            colours = ["#1f6f54" if who == "citewatch" else "#b9c4c0" for who in names]
            place.bar_label(place.barh(names, rates, color=colours), fmt="%.0f", padding=3)
            place.set(title=f"{what} ({delay * 1000:.0f} ms)", xlabel="links a second")
            place.margins(x=0.15)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def apart() -> None:
    """The same again in a network namespace, since the origin listens on every address: does not return."""
    from tests.support.webarchive import tools

    entry = netns.command()
    if entry is None:
        raise SystemExit("there are no network namespaces here, which the bench needs for its origin")
    os.environ["PATH"] = f"{tools('peers')}{os.pathsep}{os.environ['PATH']}"
    again = [sys.executable, "-m", "tests.bench.bench_check", "--apart", *sys.argv[1:]]
    script = f"ip link set lo up && exec {shlex.join(again)}"
    os.execvp(entry[0], [*entry, "sh", "-c", script])


def main() -> None:
    """Print a table for every delay."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--links", type=int, default=3000)
    options.add_argument("--delay", type=float, action="append", help="seconds the origin waits (default: 0 and 0.05)")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--plot", type=Path)
    options.add_argument("--apart", action="store_true", help=argparse.SUPPRESS)
    options.add_argument("--inside", nargs=2, metavar=("FOLDER", "PORT"), help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.inside:
        in_loop(check(Path(given.inside[0]), int(given.inside[1]), given.links))
        return
    if not given.apart:
        apart()
    tables = {}
    # Nothing is deleted before the end: an ext4 without journal is slow to make files for minutes after many were.
    with tempfile.TemporaryDirectory() as folders:
        for delay in given.delay or (0.0, 0.05):
            tables[delay] = measured(folders, given.links, delay, given.rounds)
            _print(tables[delay], given.links, delay)
    if given.plot:
        _plot(tables, given.plot)


if __name__ == "__main__":
    main()
