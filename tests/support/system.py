"""The whole system as its users run it: processes of the command line, embedded or over Kafka, PostgreSQL and S3.

async with running_origin() as origin:
    system = Embedded(tmp_path, origin)
    system.start()
    await system.submit(3)
    await system.quiet()
    await check(system)            # tests.support.invariants
"""

import asyncio
import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import sqlalchemy as sa
from standardwebhooks import Webhook

from deploy.local.kafka import Kafka
from deploy.local.process import alive, free_port
from deploy.local.s3 import BUCKET, S3
from services.linkcheck.tables import links
from shared.db import Database
from shared.errors import CitewatchError
from shared.ids import new_id
from tests.support.origin import Origin

ROOT = Path(__file__).resolve().parents[2]
SECRET = "whsec_" + base64.b64encode(b"k" * 24).decode()
TOKEN = "test-token"
HOST = "cited.test"
SITES = tuple(f"site{number}.test" for number in range(12))
"""More hosts that every system finds at the origin."""
CLAIM = "The bridge carried 4,{number:03d} cars a day in the spring of 2024, the county said."


def page(number: int, *, claim: str = CLAIM) -> str:
    """A cited page that bears the claim of its number."""
    filler = " ".join(f"Sentence {each} of the report speaks of other roads." for each in range(30))
    article = f"<article><p>{claim.format(number=number)}</p><p>{filler}</p></article>"
    return f"<html><title>Report {number}</title>{article}</html>"


def serve_pages(origin: Origin, numbers: Iterable[int], *, claim: str = CLAIM) -> None:
    for number in numbers:
        origin.page(HOST, f"/report/{number}", page(number, claim=claim))


def reword(origin: Origin, numbers: Iterable[int]) -> None:
    """Change the number in the claims of these pages: each is an alert, once it is seen."""
    serve_pages(origin, numbers, claim=CLAIM.replace("4,", "9,"))


def _article(number: int, origin: Origin, links: int, hosts: Sequence[str]) -> dict[str, str]:
    """An article whose citations are pages of the origin, made here."""
    paragraphs = []
    for each in range(number * links, number * links + links):
        host = hosts[each % len(hosts)]
        url = origin.page(host, f"/report/{each}", page(each))
        paragraphs.append(f'<p>{CLAIM.format(number=each)} (<a href="{url}">report</a>)</p>')
    external = f"article-{number}"
    return {
        "url": f"https://paper.test/{number}", "external_id": external, "source": "test", "title": external,
        "content": f"<article>{''.join(paragraphs)}</article>", "content_type": "text/html",
    }  # fmt: skip


@dataclass
class Service:
    """One process of the command line."""

    name: str
    arguments: tuple[str, ...]
    port: int
    environment: Mapping[str, str]
    log: Path
    process: "subprocess.Popen[bytes] | None" = None
    clock: Path | None = None
    """A file with the seconds by which its clock is ahead (`tests.support.skewed`)."""
    inside: tuple[str, ...] = ()
    """A command that it is run by: `nsenter …`, `prlimit …`."""

    def start(self, fault: str | None = None) -> None:
        extra = {"CITEWATCH_FAULT_POINT": fault} if fault else {}
        program = ("-m", "services") if self.clock is None else ("-m", "tests.support.skewed", str(self.clock))
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.inside, sys.executable, *program, *self.arguments, "--port", str(self.port)],
                env={**os.environ, **self.environment, **extra}, cwd=ROOT, stdout=log, stderr=log,
            )  # fmt: skip

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None and alive(self.process.pid)

    async def end(self, seconds: float = 20) -> float:
        """SIGTERM, and wait. Returns how long that took.

        The loop goes on meanwhile: what the service still fetches is answered by an origin that lives in it.
        """
        assert self.process is not None
        begun = time.monotonic()
        self.process.terminate()
        try:
            await asyncio.to_thread(self.process.wait, seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        return time.monotonic() - begun

    def kill(self) -> None:
        """SIGKILL, and wait; nothing where it does not run."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    async def ready(self, seconds: float = 60) -> None:
        async with asyncio.timeout(seconds), httpx.AsyncClient(trust_env=False) as client:
            while True:
                assert self.running, self.tail()
                try:
                    if (await client.get(f"{self.url}/readyz")).status_code == 200:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.1)

    async def killed(self, seconds: float = 60) -> None:
        """Wait until its fault point has killed it."""
        assert self.process is not None
        async with asyncio.timeout(seconds):
            while self.process.poll() is None:
                await asyncio.sleep(0.05)
        assert self.process.returncode == -signal.SIGKILL, self.tail()

    def tail(self) -> str:
        return f"{self.name}: " + "\n".join(self.log.read_text(errors="replace").splitlines()[-30:])


@dataclass
class System:
    """Its services, its database and archive, and what it acknowledged."""

    folder: Path
    database_url: str
    archive_url: str
    services: dict[str, Service] = field(default_factory=dict)
    acknowledged: dict[str, int] = field(default_factory=dict)
    """external_id of each article that was accepted, and its citations."""
    relayed: bool = False
    """Whether its log is Kafka."""

    @property
    def form(self) -> str:
        """For the table of faults."""
        store = "SQLite" if self.database_url.startswith("sqlite") else "PostgreSQL"
        if len(self.services) == 1:
            return f"one process, {store}"
        return f"services, {store}{', Kafka, S3' if self.relayed else ''}"

    @property
    def entrance(self) -> Service:
        """Where articles are posted."""
        return next(iter(self.services.values()))

    async def start(self) -> None:
        for service in self.services.values():
            service.start()
        for service in self.services.values():
            await service.ready()

    def part(self, name: str) -> Service:
        """The process that does a service's work."""
        return next((one for key, one in self.services.items() if key.startswith(name)), self.entrance)

    async def look_again(self, *, seconds: float = 60) -> None:
        """Have every link checked once more, and wait until it was."""
        async with asyncio.timeout(seconds), self.asking("linkcheck") as client:
            links = (await client.get("/v1/links", params={"limit": 200})).raise_for_status().json()["items"]
            before = {link["id"]: link["checked_at"] for link in links}
            for link_id in before:
                assert (await client.post(f"/v1/links/{link_id}/recheck")).status_code == 202
            while before:
                await asyncio.sleep(0.2)
                for link_id, moment in list(before.items()):
                    answer = await client.get(f"/v1/links/{link_id}")
                    if answer.status_code == 200 and answer.json()["checked_at"] != moment:
                        del before[link_id]

    async def told(self, *, seconds: float = 60) -> list[str]:
        """Wait until there are deliveries and each has come to an end; returns their states, sorted."""
        states: list[str] = []
        async with asyncio.timeout(seconds), self.asking("notify") as client:
            while not states or {"queued", "claimed", "sending"} & set(states):
                await asyncio.sleep(0.2)
                answer = await client.get("/v1/deliveries", params={"limit": 200})
                states = sorted(one["state"] for one in answer.json()["items"])
        return states

    def asking(self, name: str) -> httpx.AsyncClient:
        """A client of one service's API."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        return httpx.AsyncClient(base_url=self.part(name).url, headers=headers, trust_env=False, timeout=20)

    async def submit(
        self, numbers: Iterable[int], origin: Origin, *, links: int = 3, seconds: float = 90,
        hosts: Sequence[str] = (HOST,), ahead: float = 0,
    ) -> None:  # fmt: skip
        """Post articles as a CMS would: each is sent, with the same id, until it is accepted.

        `hosts` take turns with the pages that are cited; `ahead`: by how many seconds the CMS's clock is.
        """
        async with asyncio.timeout(seconds), httpx.AsyncClient(trust_env=False, timeout=15) as client:
            for number in numbers:
                article = _article(number, origin, links, hosts)
                await self._post(client, json.dumps(article), timedelta(seconds=ahead))
                self.acknowledged[article["external_id"]] = links

    async def _post(self, client: httpx.AsyncClient, body: str, ahead: timedelta) -> None:
        delivery = new_id("msg", datetime.now(UTC))
        while True:
            try:
                answer = await self.try_to_post(client, body, delivery, ahead)
            except httpx.TransportError:
                await asyncio.sleep(0.1)
                continue
            if answer.status_code in (200, 202):
                return
            assert answer.status_code in (429, 503), answer.text
            assert "retry-after" in answer.headers
            await asyncio.sleep(0.2)

    async def try_to_post(
        self, client: httpx.AsyncClient, body: str, delivery: str, ahead: timedelta = timedelta()
    ) -> httpx.Response:
        """Send one delivery once, signed."""
        now = datetime.now(UTC) + ahead
        headers = {
            "content-type": "application/json",
            "webhook-id": delivery,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(SECRET).sign(delivery, now, body),
        }
        return await client.post(f"{self.entrance.url}/v1/articles", content=body, headers=headers)

    async def quiet(self, seconds: float = 100, *, also: int = 0) -> None:
        """Wait until every citation that was acknowledged (and so many links beside) is a link that was checked."""
        wanted = sum(self.acknowledged.values()) + also
        db = Database(self.database_url)
        done = sa.select(sa.func.count()).where(links.c.status != "pending")
        try:
            async with asyncio.timeout(seconds):
                while True:
                    try:
                        async with db.read() as tx:
                            if (await tx.execute(done)).scalar_one() >= wanted:
                                return
                    except CitewatchError:
                        pass
                    await asyncio.sleep(0.2)
        except TimeoutError:
            raise AssertionError("\n".join(service.tail() for service in self.services.values())) from None
        finally:
            await db.close()

    def kill(self) -> None:
        for service in self.services.values():
            service.kill()


def _settings(folder: Path, origin: Origin) -> dict[str, str]:
    return {
        "CITEWATCH_DATA_DIR": str(folder), "CITEWATCH_WEBHOOK_SECRETS": SECRET, "CITEWATCH_API_TOKENS": TOKEN,
        "CITEWATCH_ALLOW_NETWORKS": "127.0.0.0/8", "CITEWATCH_DNS_OVERRIDES": ",".join(f"{name}=127.0.0.1" for name in (HOST, *SITES)),
        "CITEWATCH_HOST_DELAY": "0s", "CITEWATCH_FETCH_DEADLINE": "3s", "CITEWATCH_LOG_LEVEL": "info",
    }  # fmt: skip


def embedded(folder: Path, origin: Origin, more: Mapping[str, str] = {}) -> System:
    """`citewatch up`."""
    system = System(folder, f"sqlite:///{folder}/citewatch.db", f"file://{folder}/archive")
    log = folder / "up.log"
    system.services["up"] = Service("up", ("up",), free_port(), _settings(folder, origin) | more, log)
    return system


def services(
    folder: Path, origin: Origin, kafka: Kafka, database_url: str, s3: S3, *, linkchecks: int = 1,
    notifies: int = 0, more: Mapping[str, str] = {},
) -> System:  # fmt: skip
    """`citewatch serve ingest`, and the other two as often as said, over Kafka, PostgreSQL and S3."""
    archive = f"s3://{BUCKET}/{folder.name}"
    system = System(folder, database_url, archive, relayed=True)
    shared = {
        **_settings(folder, origin), **s3.environment, "CITEWATCH_DATABASE_URL": database_url,
        "CITEWATCH_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap, "CITEWATCH_ARCHIVE_URL": archive, **more,
    }  # fmt: skip
    _staff(system, shared, linkchecks, notifies)
    return system


def on_one_store(folder: Path, origin: Origin, database_url: str, *, linkchecks: int = 2) -> System:
    """The services as processes of their own, with one database and one folder, and the log in the database."""
    system = System(folder, database_url, f"file://{folder}/archive")
    shared = _settings(folder, origin) | {
        "CITEWATCH_DATABASE_URL": database_url, "CITEWATCH_ARCHIVE_URL": system.archive_url,
    }  # fmt: skip
    _staff(system, shared, linkchecks, 0)
    return system


def _staff(system: System, shared: Mapping[str, str], linkchecks: int, notifies: int) -> None:
    names = [
        "ingest",
        *(f"linkcheck{number}" for number in range(1, linkchecks + 1)),
        *(f"notify{number}" for number in range(1, notifies + 1)),
    ]
    for name in names:
        own = {"CITEWATCH_DATA_DIR": str(system.folder / name)}
        (system.folder / name).mkdir()
        arguments = ("serve", name.rstrip("0123456789"))
        log = system.folder / f"{name}.log"
        system.services[name] = Service(name, arguments, free_port(), {**shared, **own}, log)
