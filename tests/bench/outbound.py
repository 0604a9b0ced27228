"""The outbound door alone: CPU per exchange, memory with many in flight, what hostile hosts cost the others.

    python -m tests.bench.outbound [--json]

The origin is a process of its own on loopback, so that CPU and memory are ours alone. Prints a table.
"""

import asyncio
import gc
import json
import multiprocessing
import os
import platform
import resource
import ssl
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_network
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

import brotli
import trustme
import uvloop

from services.linkcheck.fetch import HTML_FIRST, Fetcher, Manners
from shared.outbound.client import Outbound
from shared.outbound.coding import decode_body
from shared.outbound.egress import AddressPolicy
from shared.outbound.exchange import Exchange
from shared.outbound.resolver import Resolver
from tests.support.origin import USER_AGENT

PAGE = b"<!doctype html><title>Page</title>" + b"<p>Some words of a paragraph.</p>" * 1180
HEAD = (
    b"HTTP/1.1 %s\r\nDate: Tue, 24 Nov 2026 22:00:00 GMT\r\nServer: nginx\r\nContent-Type: text/html; charset=utf-8\r\n"
    b'Connection: keep-alive\r\nVary: Accept-Encoding\r\nETag: "5f-abc"\r\nCache-Control: max-age=60\r\n'
)
ANSWER = HEAD % b"200 OK" + b"Content-Length: %d\r\n\r\n" % len(PAGE) + PAGE
UNCHANGED = HEAD % b"304 Not Modified" + b"\r\n"
ENDLESS = HEAD % b"200 OK" + b"\r\n"
BOMB = brotli.compress(bytes(256 * 1_048_576), quality=3)
HOSTS = [f"h{number}.bench.test" for number in range(1000)]


class _Site(asyncio.Protocol):
    """Pages, 304 to any condition, `/slow` after 300 ms, `/hang` never, `/endless` without end."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._more = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        for request in data.split(b"\r\n\r\n")[:-1]:
            if b"If-None-Match" in request:
                self._transport.write(UNCHANGED)
            elif b" /slow" in request:
                asyncio.get_running_loop().call_later(0.3, self._transport.write, ANSWER)
            elif b" /endless" in request:
                self._transport.write(ENDLESS)
                self.resume_writing()
            elif b" /hang" not in request:
                self._transport.write(ANSWER)

    def resume_writing(self) -> None:
        while not self._transport.is_closing() and self._transport.get_write_buffer_size() < 4_000_000:
            self._transport.write(bytes(1_000_000))


def _serve(pipe: Pipe, folder: str) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        authority = trustme.CA()
        authority.cert_pem.write_to_path(f"{folder}/ca.pem")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("*.bench.test").configure_cert(context)
        plain = await loop.create_server(_Site, "127.0.0.1", 0, backlog=4096)
        secure = await loop.create_server(_Site, "127.0.0.1", 0, ssl=context, backlog=4096)
        pipe.send((plain.sockets[0].getsockname()[1], secure.sockets[0].getsockname()[1]))
        await asyncio.Event().wait()

    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    uvloop.run(main())


def rss() -> float:
    """MiB resident now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1_048_576


def forget_peak() -> float:
    """Begin a new peak (Linux); MiB resident now."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    return rss()


def peak() -> float:
    """MiB, the most that was resident since `forget_peak`."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


async def cost(times: int, action: Callable[[int], Awaitable[object]]) -> tuple[float, float]:
    """(CPU ms, wall ms) of one."""
    cpu, wall = time.process_time(), time.perf_counter()
    for number in range(times):
        await action(number)
    return 1000 * (time.process_time() - cpu) / times, 1000 * (time.perf_counter() - wall) / times


async def measure(plain: int, secure: int, ca_file: Path) -> dict[str, float]:
    """Every figure by its name."""
    policy = AddressPolicy((ip_network("127.0.0.0/8"),))
    outbound = Outbound(
        policy, Resolver([(host, "127.0.0.1") for host in HOSTS]), user_agent=USER_AGENT, ca_file=ca_file
    )
    fetcher = Fetcher(outbound, Manners(None, False, USER_AGENT), deadline=30, max_body_bytes=1_048_576)
    figures: dict[str, float] = {}

    def url(number: int, path: str = "/page", *, host: int | None = None) -> str:
        return f"http://{HOSTS[(number if host is None else host) % len(HOSTS)]}:{plain}{path}{number}"

    await _memory(outbound, url, figures)

    async def fresh(number: int) -> None:
        found = await outbound.exchange("GET", url(number), headers=HTML_FIRST, deadline=30)
        assert isinstance(found, Exchange)

    async def fresh_tls(number: int) -> None:
        address = f"https://{HOSTS[number % 1000]}:{secure}/page"
        found = await outbound.exchange("GET", address, headers=HTML_FIRST, deadline=30)
        assert isinstance(found, Exchange), found

    async with fetcher.session() as session, outbound.session() as bare:

        async def kept(number: int) -> None:
            found = await bare.exchange("GET", url(number, host=1), headers=HTML_FIRST, deadline=30)
            assert isinstance(found, Exchange)

        async def fetched(number: int) -> None:
            assert (await session.fetch(url(number, host=2))).fault is None

        async def unchanged(number: int) -> None:
            assert (await session.fetch(url(number, host=2), etag='"x"')).not_modified

        await cost(300, kept)
        figures["kept connection, CPU ms"], figures["kept connection, wall ms"] = await cost(3000, kept)
        figures["fetch on a kept connection, CPU ms"], _ = await cost(3000, fetched)
        figures["fetch answered 304, CPU ms"], _ = await cost(3000, unchanged)
        figures["new connection, CPU ms"], _ = await cost(1500, fresh)
        figures["new TLS connection, CPU ms"], _ = await cost(300, fresh_tls)
    await _beside(outbound, url, figures)
    return figures


async def _memory(outbound: Outbound, url: Callable[..., str], figures: dict[str, float]) -> None:
    """What many in flight and what hostile ones cost; first of all, while the heap is small."""
    before = forget_peak()
    hanging = [
        asyncio.ensure_future(outbound.exchange("GET", url(number, "/hang"), deadline=60)) for number in range(200)
    ]
    found = await outbound.exchange("GET", url(1, "/endless"), deadline=30, max_body=8 * 1_048_576)
    _, cut = decode_body(BOMB, "br", 64 * 1_048_576)
    figures["endless body (cap 8 MiB), bomb, 200 hanging, MiB more"] = peak() - before
    assert isinstance(found, Exchange)
    assert found.truncated == "length"
    assert cut
    await _cancel(hanging)
    del found
    before = forget_peak()
    await asyncio.gather(*(outbound.exchange("GET", url(number, "/slow"), deadline=30) for number in range(512)))
    figures["512 in flight with their pages, MiB more"] = peak() - before


async def _beside(outbound: Outbound, url: Callable[..., str], figures: dict[str, float]) -> None:
    """The price that 200 hanging hosts have for 20 others; rounds alternate, the best of each counts."""

    async def one(host: int) -> None:
        async with outbound.session() as session:
            for number in range(100):
                await session.exchange("GET", url(number, host=host), headers=HTML_FIRST, deadline=30)

    async def many() -> tuple[float, float]:
        cpu, wall = time.process_time(), time.perf_counter()
        await asyncio.gather(*(one(host) for host in range(20)))
        return 2000 / (time.perf_counter() - wall), (time.process_time() - cpu) / 2

    await many()
    alone, beside = [], []
    for _ in range(4):
        alone.append(await many())
        addresses = [url(number, "/hang") for number in range(200)]
        hanging = [asyncio.ensure_future(outbound.exchange("GET", one, deadline=60)) for one in addresses]
        await asyncio.sleep(0.3)
        beside.append(await many())
        await _cancel(hanging)
    for name, rounds in (("20 hosts alone", alone), ("… beside 200 hanging ones", beside)):
        figures[f"{name}, exchanges/s"] = max(rate for rate, _ in rounds)
        figures[f"{name}, CPU ms each"] = min(cpu for _, cpu in rounds)


async def _cancel(tasks: Sequence[asyncio.Future[object]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def main() -> None:
    """Measure and print."""
    ours, theirs = multiprocessing.Pipe()
    with tempfile.TemporaryDirectory() as folder:
        server = multiprocessing.Process(target=_serve, args=(theirs, folder), daemon=True)
        server.start()
        plain, secure = ours.recv()
        try:
            figures = uvloop.run(measure(plain, secure, Path(folder) / "ca.pem"))
        finally:
            server.terminate()
    if "--json" in sys.argv:
        print(json.dumps(figures))
        return
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, pages of {len(PAGE):,} bytes")
    for name, value in figures.items():
        print(f"{name:55} {value:10.3f}")


if __name__ == "__main__":
    main()
