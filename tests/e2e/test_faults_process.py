"""Processes told to end under load, raced by their like, put to another time, crowded by idle clients."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import httpx
import pytest

from deploy.local.kafka import Kafka
from deploy.local.s3 import S3
from tests.support import system as forms
from tests.support.faults import Trials
from tests.support.invariants import check, checks_made
from tests.support.origin import Origin, Turn
from tests.support.system import HOST, SITES, Service, System

pytestmark = pytest.mark.slow
DAY = 24 * 3600
ALLOWED_SECONDS = 20


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    async with Origin() as server:
        yield server


async def end_all(services: Sequence[Service]) -> list[float]:
    return await asyncio.gather(*(service.end(30) for service in services))


async def ended_under_load(system: System, origin: Origin) -> list[float]:
    """SIGTERM to every process while articles come and links are checked; then a new start. Returns how long they took."""
    async with asyncio.TaskGroup() as posting:
        for first in range(4):
            posting.create_task(system.submit(range(first * 6, first * 6 + 6), origin, links=2))
        while len(system.acknowledged) < 4:
            await asyncio.sleep(0.02)
        took = await end_all(list(system.services.values()))
        for service in system.services.values():
            assert service.process is not None
            assert service.process.returncode == 0, service.tail()
            service.start()
    return took


async def never(turn: Turn) -> None:
    await asyncio.sleep(3600)


async def test_one_process_is_told_to_end(tmp_path: Path, origin: Origin, trials: Trials):
    """Beside the load one client never ends its request, which holds nothing up."""
    system = forms.embedded(tmp_path, origin)
    try:
        with trials("terminate", system.form) as trial:
            await system.start()
            _, writer = await asyncio.open_connection("127.0.0.1", system.entrance.port)
            writer.write(b"POST /v1/articles HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
            assert max(await ended_under_load(system, origin)) <= ALLOWED_SECONDS
            writer.close()
            trial.mended()
            await system.quiet()
            trial.recovered()
            await check(system, trial)
    finally:
        system.kill()


async def test_a_page_that_never_answers_holds_no_end_up(tmp_path: Path, origin: Origin, trials: Trials):
    system = forms.embedded(tmp_path, origin, {"CITEWATCH_FETCH_DEADLINE": "60s"})
    try:
        with trials("terminate", system.form) as trial:
            await system.start()
            await system.submit([0], origin, links=1)
            await system.quiet()
            origin.on(HOST, "/report/0", never)
            async with system.asking("linkcheck") as client:
                link = (await client.get("/v1/links")).json()["items"][0]["id"]
                await client.post(f"/v1/links/{link}/recheck")
            while len(origin.requests(HOST, "/report/0")) < 2:
                await asyncio.sleep(0.05)
            assert (await end_all([system.entrance]))[0] <= ALLOWED_SECONDS
            forms.serve_pages(origin, [0])
            system.entrance.start()
            trial.mended()
            await system.entrance.ready()
            await system.quiet()
            trial.recovered()
            await check(system, trial)
    finally:
        system.kill()


@pytest.mark.kafka
@pytest.mark.postgres
@pytest.mark.s3
async def test_services_are_told_to_end(
    tmp_path: Path, origin: Origin, kafka_server: Kafka, postgres_url: str, s3_server: S3, trials: Trials
):
    system = forms.services(tmp_path, origin, kafka_server, postgres_url, s3_server, linkchecks=2)
    try:
        with trials("terminate", system.form) as trial:
            await system.start()
            assert max(await ended_under_load(system, origin)) <= ALLOWED_SECONDS
            trial.mended()
            await system.quiet()
            trial.recovered()
            await check(system, trial)
    finally:
        system.kill()


@pytest.mark.parametrize(
    "database_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)
async def test_two_processes_share_one_store(tmp_path: Path, origin: Origin, database_url: str, trials: Trials):
    """Each link is fetched once, checked once and captured once, whoever of the two comes first."""
    system = forms.on_one_store(tmp_path, origin, database_url)
    try:
        with trials("replicas", system.form) as trial:
            await system.start()
            await system.submit(range(12), origin, links=4, hosts=SITES)
            trial.mended()
            await system.quiet()
            trial.recovered()
            await check(system, trial)
            fetched = Counter((one.host, one.path) for one in origin.seen if one.path != "/robots.txt")
            trial.compare(fetched.keys(), fetched.elements(), "fetches")
            checks, captures = await checks_made(system)
            trial.compare(checks.keys(), checks.elements(), "checks")
            trial.compare(checks.keys(), captures.elements(), "captures")
            assert len(fetched) == len(checks) == 48
            shares = [service.log.read_text(errors="replace") for service in system.services.values()]
            assert not any("too late" in share for share in shares), "a lease was lost without a fault"
    finally:
        system.kill()


@pytest.mark.parametrize("jump", [DAY, -DAY])
async def test_the_clock_jumps_by_a_day(tmp_path: Path, origin: Origin, jump: int, trials: Trials):
    """While articles come in: each is checked; nothing is looked at again and again; a lease of the other time ends."""
    system = forms.embedded(tmp_path, origin, {"CITEWATCH_RECHECK_MIN": "36h", "CITEWATCH_RECHECK_MAX": "30d"})
    clock = system.entrance.clock = tmp_path / "clock"
    try:
        with trials("clock", system.form) as trial:
            clock.write_text(str(max(0, -jump)))
            await system.start()
            await system.submit([0, 1], origin, ahead=max(0, -jump))
            await system.quiet()
            clock.write_text(str(max(0, jump)))
            trial.mended()
            await system.submit([2, 3], origin, ahead=max(0, jump))
            await system.quiet()
            trial.recovered()
            await asyncio.sleep(3)
            checks, _ = await checks_made(system)
            trial.compare(checks.keys(), checks.elements(), "checks")
            system.entrance.kill()
            system.entrance.start()
            await system.entrance.ready()
            await system.submit([4], origin, ahead=max(0, jump))
            await system.quiet()
            await check(system, trial)
    finally:
        system.kill()


async def test_our_own_network_is_gone(tmp_path: Path, origin: Origin, trials: Trials):
    """Nothing answers, the canaries neither: no verdict is made, and none is worse for it afterwards."""
    canary = origin.page(SITES[0], "/canary", "<p>Here.</p>")
    system = forms.embedded(tmp_path, origin, {"CITEWATCH_CANARY_URLS": canary})
    try:
        with trials("network-away", system.form) as trial:
            await system.start()
            await system.submit([0, 1], origin)
            await system.quiet()
            before, _ = await checks_made(system)
            for host, path in [(SITES[0], "/canary"), *((HOST, f"/report/{number}") for number in range(6))]:
                origin.act(host, path, "reset")
            async with system.asking("linkcheck") as client:
                links = (await client.get("/v1/links")).json()["items"]
                for link in links:
                    await client.post(f"/v1/links/{link['id']}/recheck")
                while len(origin.requests(HOST)) < len(links) + 2:
                    await asyncio.sleep(0.1)
                await asyncio.sleep(2)
                during, _ = await checks_made(system)
                trial.compare(before.elements(), during.elements(), "checks")
                forms.serve_pages(origin, range(6))
                origin.page(SITES[0], "/canary", "<p>Here.</p>")
                trial.mended()
                await system.look_again()
                trial.recovered()
            await check(system, trial)
    finally:
        system.kill()


@pytest.mark.parametrize("kind", ["idle", "trickling"])
async def test_many_clients_that_ask_nothing(tmp_path: Path, origin: Origin, kind: str, trials: Trials):
    """A thousand connections against a process that may open 256 files: others are served, work goes on."""
    system = forms.embedded(tmp_path, origin)
    system.entrance.inside = ("prlimit", "--nofile=256:256")
    clients: list[asyncio.StreamWriter] = []
    try:
        with trials("idle-clients", system.form) as trial:
            await system.start()
            for _ in range(1000):
                _, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", system.entrance.port), 20)
                clients.append(writer)
                if kind == "trickling":
                    writer.write(b"POST /v1/articles HTTP/1.1\r\nHost: x\r\nX-Slow: ")
            trial.mended()
            begun = time.monotonic()
            await system.submit(range(8), origin)
            assert time.monotonic() - begun < 20
            await system.quiet()
            trial.recovered()
            async with httpx.AsyncClient(trust_env=False) as client:
                assert (await client.get(f"{system.entrance.url}/readyz")).status_code == 200
            await check(system, trial)
            assert "Too many open files" not in system.entrance.log.read_text(errors="replace")
    finally:
        for writer in clients:
            writer.transport.abort()
        system.kill()
