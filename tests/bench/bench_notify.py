"""How notify bears storms: `python -m tests.bench.bench_notify [storm] [steady] [latency]`.

storm    10,000 citations of one host die at once → messages at the sink (must be 1), and seconds until it is there
steady   1,000 alerts a minute on hosts of their own for a minute → lag and memory at the end
latency  one change at a time → seconds from its commit to the request at the sink, less the group wait

Everything is real: SQLite on disk, the log in the database, notify's own loops, an HTTP sink on loopback.
"""

import asyncio
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from services.notify import app
from services.notify.core.rules import Route
from services.notify.settings import NotifySettings
from services.notify.store import desk
from shared import logs, migrate
from shared.clock import SystemClock
from shared.db import Database
from shared.eventlog import publish
from shared.eventlog.database import DatabaseLog
from shared.events import CitationChanged
from shared.settings import load
from tests.support.changes import DOWN, REMOVED, article, change
from tests.support.notifying import door
from tests.support.sinks import Sink

CLOCK = SystemClock()


@asynccontextmanager
async def running(sink: Sink, **settings: Any) -> AsyncIterator[Database]:
    """Notify with its loops, telling one webhook."""
    with tempfile.TemporaryDirectory() as folder:
        db = Database(f"sqlite:///{Path(folder) / 'notify.db'}")
        await migrate.upgrade(db, "eventlog", "notify")
        loaded = load(NotifySettings, data_dir=folder, _env_file=None, alert_webhook_url=sink.url, **settings)
        notify = await app.build(loaded, db, CLOCK, door())
        async with db.write() as tx:
            await desk.save_route(tx, Route("rte_bench", "bench", hourly_limit=None), CLOCK.now())
        log, stop = DatabaseLog(db, CLOCK), asyncio.Event()
        loops = [
            asyncio.create_task(log.run(notify.subscription(), stop)),
            asyncio.create_task(notify.worker().run(stop)),
        ]
        try:
            yield db
        finally:
            stop.set()
            await asyncio.gather(*loops)
            await db.close()


async def send(db: Database, changes: Sequence[CitationChanged]) -> None:
    async with db.write() as tx:
        await publish(tx, "/citewatch/linkcheck", list(changes), CLOCK.now())


def told(sink: Sink) -> int:
    return sum(one.json["data"]["total"] for one in sink.received)


async def until_told(sink: Sink, number: int, seconds: float) -> None:
    limit = time.perf_counter() + seconds
    while told(sink) < number and time.perf_counter() < limit:
        await asyncio.sleep(0.02)


async def storm(number: int = 10_000) -> None:
    async with Sink() as sink, running(sink, alert_group_wait="2s") as db:
        now = CLOCK.now()
        changes = [change(i, after=DOWN, at=now, article=article(i % 200)) for i in range(number)]
        started = time.perf_counter()
        for start in range(0, number, 100):  # as linkcheck commits: a hundred checks a transaction
            await send(db, changes[start : start + 100])
        await until_told(sink, number, 180)
        seconds = time.perf_counter() - started
        await asyncio.sleep(3)
        print(f"storm: {number:,} changes of one host → {len(sink.received)} message(s) telling of {told(sink):,}, "
              f"{seconds:.1f} s after the first commit")  # fmt: skip


async def steady(minutes: float = 1.0, rate: int = 1000) -> None:
    async with Sink() as sink, running(sink, alert_group_wait="1s") as db:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started, number = time.perf_counter(), int(minutes * rate)
        for i in range(number):
            await asyncio.sleep(max(0.0, started + i * 60 / rate - time.perf_counter()))
            host = f"host{i}.example"
            await send(db, [change(i, after=REMOVED, at=CLOCK.now(), host=host, article=article(i))])
        sending = time.perf_counter() - started
        await until_told(sink, number, 30)
        lag = time.perf_counter() - started - sending
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        held = number - told(sink)
        print(f"steady: {number:,} alerts in {sending:.0f} s → {len(sink.received)} messages, {held} not told, "
              f"last one {lag:.1f} s after its change; peak memory grew by {grown:.0f} MiB")  # fmt: skip


async def latency(number: int = 40) -> None:
    wait = 0.5
    async with Sink() as sink, running(sink, alert_group_wait=f"{wait}s") as db:
        found = []
        for i in range(number):
            have = len(sink.received)
            await send(db, [change(i, at=CLOCK.now(), host=f"host{i}.example", article=article(i))])
            started = time.perf_counter()
            while len(sink.received) == have and time.perf_counter() - started < 10:
                await asyncio.sleep(0.002)
            found.append(time.perf_counter() - started - wait)
        found.sort()
        print(f"latency beside the group wait: p50 {statistics.median(found) * 1000:.0f} ms, "
              f"p95 {found[int(number * 0.95) - 1] * 1000:.0f} ms")  # fmt: skip


async def main(wanted: Sequence[str]) -> None:
    logs.configure("warning", plain=True)
    for name, bench in {"storm": storm, "steady": steady, "latency": latency}.items():
        if not wanted or name in wanted:
            await bench()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
