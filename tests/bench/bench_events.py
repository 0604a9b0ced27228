"""How fast events and submissions go through: `make bench-events`, or

    python -m tests.bench.bench_events [handled] [accepted] [latency] [backlog] [claim]

Each line says what was measured, the figure, and what was aimed at. Sizes by BENCH_EVENTS, BENCH_SUBMISSIONS,
BENCH_BACKLOG, BENCH_LINKS. Figures of a busy machine are low: the load is printed with them.
"""

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection
from standardwebhooks import Webhook

from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.local.process import free_port
from services.linkcheck import intake
from services.linkcheck.store import leases
from shared import migrate
from shared.clock import SystemClock
from shared.db import Database
from shared.eventlog import EventLog, Subscription, publish
from shared.eventlog.database import DatabaseLog
from shared.eventlog.kafka import KafkaLog
from shared.eventlog.tables import inbox
from shared.events import ArticleReceived, CitedLink, Event, LinkChecked
from shared.process import in_loop
from tests.bench.meter import cpu_of
from tests.support import system as forms
from tests.support.origin import Origin

NOW = datetime.now(UTC)
CLAIM = "The bridge carried 4,000 cars a day in the spring of 2024, the county said in its report."
EFFECTS = sa.Table("effects", sa.MetaData(), sa.Column("id", sa.Text, primary_key=True))
_EFFECT = sa.insert(EFFECTS)


def size(name: str, default: int) -> int:
    return int(os.environ.get(f"BENCH_{name}", default))


def report(what: str, figure: str, aim: str) -> None:
    print(f"{what:<66} {figure:>14}   {aim}", flush=True)


def article(number: int) -> ArticleReceived:
    """Three citations, 200 hosts altogether, half a kilobyte of text."""
    cited = tuple(
        CitedLink(
            citation_id=f"cit_{number}_{place}", claim=CLAIM, context=CLAIM, anchor="report", position=place,
            href=f"https://h{number % 200}.test/{number}/{place}", target=f"https://h{number % 200}.test/{number}/{place}",
        )
        for place in range(3)
    )  # fmt: skip
    return ArticleReceived(
        article_id=f"art_{number}", version=1, source="bench", url=f"https://paper.test/{number}", title=f"Article {number}",
        received_at=NOW, citations=cited, other_links=(), text=CLAIM * 5,
    )  # fmt: skip


async def effect(tx: AsyncConnection, event: Event) -> None:
    """The least that a consumer does: a row, and an event that follows from it."""
    await tx.execute(_EFFECT, {"id": event.id})
    checked = LinkChecked(
        link_id=event.subject, check_id="chk_1", url="https://a.test/", final_url=None, checked_at=NOW, outcome="ok",
        reason="content", http_status=200, confidence=1, status="live",
    )  # fmt: skip
    await publish(tx, "/bench", checked, NOW)


async def fill(db: Database, number: int) -> float:
    begun = time.perf_counter()
    for start in range(0, number, 500):
        async with db.write() as tx:
            await publish(tx, "/bench", [article(each) for each in range(start, min(start + 500, number))], NOW)
    return number / (time.perf_counter() - begun)


@asynccontextmanager
async def database(url: str) -> AsyncIterator[Database]:
    db = Database(url)
    await migrate.upgrade(db, "eventlog", "linkcheck")
    async with db.write() as tx:
        await tx.run_sync(EFFECTS.metadata.create_all)
    try:
        yield db
    finally:
        await db.close()


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="citewatch-bench-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def postgres(path: Path) -> Iterator[Postgres]:
    server = Postgres(path / "postgres")
    server.start()
    try:
        yield server
    finally:
        server.stop()


async def handled() -> None:
    number = size("EVENTS", 10_000)
    with folder() as path:
        async with database(f"sqlite:///{path}/bench.db") as db:
            report("SQLite: events published, 500 a transaction", f"{await fill(db, number):,.0f}/s", "")
            log = DatabaseLog(db, SystemClock())
            subscription = Subscription("bench", (ArticleReceived.TOPIC,), effect)
            what = "SQLite: events handled (effect + inbox + outbox)"
            await _drained(log, subscription, number, what, "at least 2,000/s")
            what = "SQLite: articles of 3 citations registered by linkcheck"
            await _drained(log, intake.subscription(SystemClock()), number, what, "")


async def _drained(log: DatabaseLog, subscription: Subscription, number: int, what: str, aim: str) -> None:
    begun, spent = time.perf_counter(), time.process_time()
    await log.drain(subscription)
    rate, cpu = number / (time.perf_counter() - begun), (time.process_time() - spent) / number * 1000
    report(what, f"{rate:,.0f}/s", aim)
    report("… CPU each", f"{cpu:.2f} ms", "")


class Client:
    """Posts over one kept connection, with no more work than that needs: the server shares the machine."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def post(self, requests: list[bytes], times: list[float]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        while requests:
            begun = time.perf_counter()
            writer.write(requests.pop())
            head = await reader.readuntil(b"\r\n\r\n")
            assert b" 202 " in head.split(b"\r\n", 1)[0], head
            length = int(
                next(line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
            )
            await reader.readexactly(length)
            times.append(time.perf_counter() - begun)
        writer.close()


def _request(number: int, host: str) -> bytes:
    paragraphs = "".join(
        f'<p>{CLAIM} (<a href="http://{host}/report/{number}/{place}">report</a>)</p>' for place in range(3)
    )
    content = f"<article><h1>Article {number}</h1>{paragraphs}<p>{CLAIM * 10}</p></article>"
    body = json.dumps({"url": f"https://paper.test/{number}", "content": content, "content_type": "text/html"})
    now, name = datetime.now(UTC), f"msg_{number}_{time.time_ns()}"
    head = {
        "Host": "127.0.0.1", "Content-Type": "application/json", "Content-Length": len(body.encode()), "webhook-id": name,
        "webhook-timestamp": int(now.timestamp()), "webhook-signature": Webhook(forms.SECRET).sign(name, now, body),
    }  # fmt: skip
    lines = "".join(f"{key}: {value}\r\n" for key, value in head.items())
    return f"POST /v1/articles HTTP/1.1\r\n{lines}\r\n{body}".encode()


async def accepted() -> None:
    number = size("SUBMISSIONS", 3000)
    with folder() as path:
        async with Origin() as origin:
            system = forms.embedded(path, origin)
            try:
                await system.start()
                host = f"{forms.HOST}:{free_port()}"  # nobody answers there: what is measured is acceptance
                for clients in (1, 32):
                    requests = [_request(each + clients * 100_000, host) for each in range(number)]
                    times: list[float] = []
                    assert system.entrance.process is not None
                    pid = system.entrance.process.pid
                    spent, begun = cpu_of(pid), time.perf_counter()
                    async with asyncio.TaskGroup() as group:
                        for _ in range(clients):
                            group.create_task(Client(system.entrance.port).post(requests, times))
                    rate = number / (time.perf_counter() - begun)
                    cpu = (cpu_of(pid) - spent) / number * 1000
                    slowest = statistics.quantiles(times, n=100)[98] * 1000
                    report(
                        f"citewatch up: submissions accepted, {clients} senders",
                        f"{rate:,.0f}/s",
                        "aim 1,000/s, floor 300/s",
                    )
                    report(f"citewatch up: slowest in 100, {clients} senders", f"{slowest:,.0f} ms", "under 250 ms")
                    report(
                        f"citewatch up: CPU a submission, checks beside it included, {clients} senders",
                        f"{cpu:.1f} ms",
                        "",
                    )
            finally:
                system.kill()


async def _times(log: EventLog, db: Database, rounds: int = 200) -> list[float]:
    """From before the publishing transaction to when the handler has the event, one at a time."""
    got, stop, times = asyncio.Event(), asyncio.Event(), []

    async def handler(tx: AsyncConnection, event: Event) -> None:
        got.set()

    tasks = [
        asyncio.create_task(log.run(Subscription("latency", (ArticleReceived.TOPIC,), handler), stop)),
        asyncio.create_task(log.maintain(stop)),
    ]
    for number in range(rounds + 20):
        begun = time.perf_counter()
        async with db.write() as tx:
            await publish(tx, "/bench", article(number), NOW)
        await got.wait()
        times.append(time.perf_counter() - begun)
        got.clear()
        await asyncio.sleep(0.02)
    stop.set()
    await asyncio.gather(*tasks)
    return times[20:]


async def latency() -> None:
    with folder() as path:
        async with database(f"sqlite:///{path}/bench.db") as db:
            times = await _times(DatabaseLog(db, SystemClock()), db)
            report("SQLite: event to handler, idle, half", f"{statistics.median(times) * 1000:.1f} ms", "under 50 ms")
        with postgres(path) as server:
            kafka = Kafka(path / "kafka")
            kafka.start()
            try:
                async with database(server.url()) as db:
                    times = await _times(KafkaLog(db, SystemClock(), kafka.bootstrap.split(",")), db)
                    half, most = statistics.median(times) * 1000, statistics.quantiles(times, n=20)[18] * 1000
                    report("PostgreSQL + Kafka: event to handler, idle, half", f"{half:.1f} ms", "under 50 ms")
                    report("PostgreSQL + Kafka: … 95 in 100", f"{most:.1f} ms", "")
            finally:
                kafka.stop()


async def _until(db: Database, condition: Callable[[AsyncConnection], Awaitable[bool]]) -> None:
    while True:
        async with db.read() as tx:
            if await condition(tx):
                return
        await asyncio.sleep(0.5)  # to look costs the database some milliseconds


async def backlog() -> None:
    number = size("BACKLOG", 100_000)
    with folder() as path, postgres(path) as server:
        kafka = Kafka(path / "kafka")
        kafka.start()
        try:
            async with database(server.url()) as db:
                report("PostgreSQL: events published, 500 a transaction", f"{await fill(db, number):,.0f}/s", "")
                await _ship(db, kafka, number)
                await _drain(db, kafka, number)
        finally:
            kafka.stop()


async def _ship(db: Database, kafka: Kafka, number: int) -> None:
    log, stop = KafkaLog(db, SystemClock(), kafka.bootstrap.split(",")), asyncio.Event()
    place = sa.text("SELECT coalesce(max(position), 0) FROM eventlog_cursors WHERE consumer = 'relay'")

    async def shipped(tx: AsyncConnection) -> bool:
        return bool((await tx.execute(place)).scalar_one() >= number)

    begun = time.perf_counter()
    relay = asyncio.create_task(log.maintain(stop))
    await _until(db, shipped)
    report("Kafka: events shipped by the relay", f"{number / (time.perf_counter() - begun):,.0f}/s", "")
    stop.set()
    await relay


async def _drain(db: Database, kafka: Kafka, number: int) -> None:
    log, stop = KafkaLog(db, SystemClock(), kafka.bootstrap.split(",")), asyncio.Event()
    handled = sa.select(sa.func.count()).select_from(inbox)
    subscription, seen = intake.subscription(SystemClock()), Counter[str]()

    async def batch(tx: AsyncConnection, events: Sequence[Event]) -> None:
        seen["events"] += len(events)
        assert subscription.batch is not None
        await subscription.batch(tx, events)

    async def done(tx: AsyncConnection) -> bool:
        """The database is asked when it may be so: to count all rows twice a second costs it much."""
        return seen["events"] >= number and bool((await tx.execute(handled)).scalar_one() >= number)

    begun = time.perf_counter()
    reader = asyncio.create_task(log.run(replace(subscription, batch=batch), stop))
    await _until(db, done)
    rate = number / (time.perf_counter() - begun)
    report(f"Kafka: backlog of {number:,} drained by one linkcheck intake", f"{rate:,.0f}/s", "at least 3,000/s")
    stop.set()
    await reader


_HOSTS_SQL = """
INSERT INTO linkcheck_hosts (host, due_at)
SELECT 'h' || n || '.test', now() + (n - 500) * interval '1 second' FROM generate_series(1, :hosts) AS n
"""
_LINKS_SQL = """
INSERT INTO linkcheck_links (link_id, url, host, created_at, due_at, status, failures, flaps, changes_seen, checks_made)
SELECT 'lnk_' || n, 'https://h' || 1 + n % :hosts || '.test/' || n, 'h' || 1 + n % :hosts || '.test', now(),
       now() + (n % :hosts - 500) * interval '1 second', 'live', 0, 0, 0, 1
FROM generate_series(1, :links) AS n
"""


async def claim() -> None:
    most = size("LINKS", 10_000_000)
    found, within = {}, {}
    with folder() as path, postgres(path) as server:
        for links in (10_000, most):
            async with database(server.url()) as db:
                await _fill_links(db, links)
                found[links], plan = await _claim(db)
                within[links] = sum(float(line.split()[2]) for line in plan if "Execution Time" in line)
                report(f"PostgreSQL: claiming 10 due hosts among {links:,} links", f"{found[links] * 1000:.2f} ms", "")
                print("\n".join(f"    {line}" for line in plan))
    ratio = found[most] / found[10_000]
    report("… against ten thousand", f"{ratio:.2f} ×", "at most 1.3 ×")
    report("… in the server alone, as the plans tell", f"{within[most] / within[10_000]:.2f} ×", "at most 1.3 ×")


async def _fill_links(db: Database, links: int) -> None:
    """Ten links a host; the first 500 hosts are due."""
    hosts = max(1000, links // 10)
    async with db.schema() as tx:
        await tx.execute(
            sa.text("SET LOCAL session_replication_role = replica")
        )  # the foreign keys hold by construction
        await tx.execute(sa.text("TRUNCATE linkcheck_hosts, linkcheck_links CASCADE"))
        await tx.execute(sa.text(_HOSTS_SQL), {"hosts": hosts})
        await tx.execute(sa.text(_LINKS_SQL), {"hosts": hosts, "links": links})
    async with db.schema() as tx:
        await tx.execute(sa.text("ANALYZE linkcheck_hosts"))
        await tx.execute(sa.text("ANALYZE linkcheck_links"))
        await tx.execute(sa.text("CHECKPOINT"))  # what is measured next shall not wait for the disk to take all that


async def _claim(db: Database, rounds: int = 40) -> tuple[float, list[str]]:
    """The quickest claim with its due links, as a worker does both (what else the machine does only adds to it); and
    the plans of the two queries."""
    times = []
    for number in range(rounds):
        now = datetime.now(UTC)
        begun = time.perf_counter()
        async with db.write() as tx:
            taken = await leases.claim(tx, now, now + timedelta(minutes=1), f"lse_{number}", 10)
        async with db.read() as tx:
            due = await leases.due_links(tx, [lease.host for lease in taken], now, 50)
        times.append(time.perf_counter() - begun)
        assert len(taken) == 10
        assert due
    return min(times[5:]), await _plans(db)


async def _plans(db: Database) -> list[str]:
    """What PostgreSQL does for the queries of a claim, measured."""
    seen: list[tuple[str, Sequence[object]]] = []

    def note(_c: object, _cursor: object, statement: str, parameters: Sequence[object], *_: object) -> None:
        if statement.startswith("SELECT"):
            seen.append((statement, parameters))

    now, plans = datetime.now(UTC), []
    async with db.write() as tx:
        sync = tx.sync_connection
        assert sync is not None
        sa.event.listen(sync, "before_cursor_execute", note)
        taken = await leases.claim(tx, now, now, "lse_x", 10)
        await leases.due_links(tx, [lease.host for lease in taken], now, 50)
        sa.event.remove(sync, "before_cursor_execute", note)
        raw = (await tx.get_raw_connection()).driver_connection
        assert raw is not None
        for statement, parameters in seen:
            plan = await raw.fetch(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {statement}", *parameters)
            plans += [statement.replace("\n", ""), *("    " + row[0] for row in plan)]
    return plans


PARTS: dict[str, Callable[[], Awaitable[None]]] = {
    "handled": handled, "accepted": accepted, "latency": latency, "backlog": backlog, "claim": claim,
}  # fmt: skip


async def main(names: list[str]) -> None:
    for name in names or list(PARTS):
        load = os.getloadavg()[0]
        print(f"-- {name} (load {load:.1f} on {os.cpu_count()} cores)", flush=True)
        await PARTS[name]()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="*", help=", ".join(PARTS))
    parts = parser.parse_args().part
    if unknown := set(parts) - PARTS.keys():
        parser.error(f"no part is called {', '.join(sorted(unknown))}")
    in_loop(main(parts))  # with the loop and the care for garbage that services have
