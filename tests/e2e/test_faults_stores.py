"""What the services stand on goes away and comes back: database, disk, archive, broker."""

import asyncio
import json
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.local.s3 import BUCKET, S3
from tests.support import system as forms
from tests.support.command import run
from tests.support.disk import MEGABYTE, Disk, small_disk
from tests.support.faults import Trials
from tests.support.invariants import check, checks_made
from tests.support.origin import Origin
from tests.support.s3front import Front
from tests.support.system import Service, System

pytestmark = pytest.mark.slow


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    async with Origin() as server:
        yield server


async def readiness(service: Service) -> tuple[int, str]:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        answer = await client.get(f"{service.url}/readyz")
    return answer.status_code, answer.text


async def until_ready_is(service: Service, status: int, seconds: float = 30) -> str:
    async with asyncio.timeout(seconds):
        while True:
            found, text = await readiness(service)
            if found == status:
                return text
            await asyncio.sleep(0.2)


async def refused(system: System, number: int, seconds: float) -> None:
    """One submission, answered 503 with Retry-After within so long."""
    body = json.dumps({"url": f"https://paper.test/refused/{number}", "content": "<p>None.</p>"})
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        begun = time.monotonic()
        answer = await system.try_to_post(client, body, f"msg_refused{number}")
    assert answer.status_code == 503, answer.text
    assert answer.headers["retry-after"]
    assert time.monotonic() - begun < seconds


async def test_the_database_is_locked_by_another_process(tmp_path: Path, origin: Origin, trials: Trials):
    """Longer than writers wait for it: a crowd is told so together, not one after another."""
    system = forms.embedded(tmp_path, origin)
    try:
        with trials("locked", system.form) as trial:
            await system.start()
            await system.submit([0, 1], origin)
            await system.quiet()
            other = sqlite3.connect(tmp_path / "citewatch.db", isolation_level=None, check_same_thread=False)
            await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")  # the origin answers meanwhile
            await asyncio.gather(*(refused(system, number, 14) for number in range(30)))
            posting = asyncio.create_task(system.submit(range(2, 6), origin))
            await asyncio.sleep(2)
            assert not posting.done()
            other.execute("ROLLBACK")
            other.close()
            trial.mended()
            await posting
            await system.quiet()
            trial.recovered()
            await check(system, trial)
    finally:
        system.kill()


@pytest.mark.postgres
async def test_postgresql_is_killed_and_starts_again(
    tmp_path: Path, origin: Origin, postgres_alone: Postgres, trials: Trials
):
    system = forms.on_one_store(tmp_path, origin, postgres_alone.url(), linkchecks=1)
    try:
        with trials("database-away", system.form) as trial:
            await system.start()
            posting = asyncio.create_task(system.submit(range(12), origin))
            while len(system.acknowledged) < 4:
                await asyncio.sleep(0.02)
            await asyncio.to_thread(postgres_alone.program.kill)
            for service in system.services.values():
                assert "database" in await until_ready_is(service, 503)
            await refused(system, 0, 12)
            await asyncio.to_thread(postgres_alone.start)
            trial.mended()
            await posting
            await system.quiet()
            trial.recovered()
            for service in system.services.values():
                await until_ready_is(service, 200)
            await check(system, trial)
    finally:
        system.kill()


@pytest.mark.postgres
async def test_connections_are_killed_under_load(tmp_path: Path, origin: Origin, postgres_url: str, trials: Trials):
    system = forms.on_one_store(tmp_path, origin, postgres_url, linkchecks=2)
    admin = await asyncpg.connect(postgres_url.replace("+asyncpg", ""))
    try:
        with trials("connections-killed", system.form) as trial:
            await system.start()
            posting = asyncio.create_task(system.submit(range(30), origin, links=2))
            while not posting.done():
                await admin.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name = 'citewatch' AND datname = current_database()"
                )
                await asyncio.sleep(0.3)
            trial.mended()
            await posting
            await system.quiet()
            trial.recovered()
            await check(system, trial)
    finally:
        await admin.close()
        system.kill()


async def test_the_disk_is_full(tmp_path: Path, origin: Origin, trials: Trials):
    with small_disk(tmp_path / "disk", 160) as disk:
        if disk is None:
            pytest.skip("this user may not mount a disk")
        system = forms.embedded(disk.path, origin)
        system.entrance.log = tmp_path / "up.log"
        try:
            with trials("disk-full", system.form) as trial:
                await system.start()
                await system.submit([0, 1], origin)
                await system.quiet()
                disk.fill(leave=40 * MEGABYTE)
                assert "nearly full" in await until_ready_is(system.entrance, 503)
                await system.submit([2], origin)  # it says so before anything fails
                await system.quiet()
                posting = await filled_under_load(system, disk, origin)
                disk.tidy()
                trial.mended()
                await posting
                await system.quiet()
                await until_ready_is(system.entrance, 200)
                trial.recovered()
                await check(system, trial)
                await verified(disk)
        finally:
            system.kill()


async def filled_under_load(system: System, disk: Disk, origin: Origin) -> "asyncio.Task[None]":
    """No byte is left; articles keep coming until one is refused, and go on coming."""
    posting = asyncio.create_task(system.submit(range(3, 9), origin, links=20))
    disk.fill()
    async with asyncio.timeout(30), httpx.AsyncClient(trust_env=False, timeout=30) as client:
        number = 0
        while True:
            number += 1
            body = json.dumps({"url": f"https://paper.test/full/{number}", "content": f"<p>{'Long. ' * 50_000}</p>"})
            answer = await system.try_to_post(client, body, f"msg_full{number}")
            if answer.status_code == 503:
                assert answer.headers["retry-after"]
                break
            assert answer.status_code == 202
            disk.fill()
    await asyncio.sleep(2)
    assert system.entrance.running, system.entrance.tail()
    return posting


async def verified(disk: Disk) -> None:
    """`citewatch verify` finds the archive whole; and names what is damaged afterwards."""
    settings = {"CITEWATCH_DATA_DIR": str(disk.path)}
    whole = await run("verify", environment=settings)
    assert whole.code == 0, whole.out + whole.err
    victim = max((path for path in (disk.path / "archive").rglob("*") if path.is_file()), key=lambda path: path.name)
    body = victim.read_bytes()
    victim.chmod(0o644)
    victim.write_bytes(body[: len(body) // 2])
    torn = await run("verify", environment=settings)
    assert torn.code == 1
    assert victim.name in torn.out + torn.err


@pytest.mark.s3
async def test_the_archive_is_busy(tmp_path: Path, origin: Origin, s3_server: S3, trials: Trials):
    """Longer than S3 is asked again at once: the checks wait, and no row points to what is not there."""
    async with Front(s3_server) as front:
        archive = f"s3://{BUCKET}/{tmp_path.name}"
        system = forms.embedded(tmp_path, origin, {**front.environment, "CITEWATCH_ARCHIVE_URL": archive})
        system.archive_url = archive
        try:
            with trials("archive-busy", "one process, SQLite, S3") as trial:
                await system.start()
                await system.submit([0], origin)
                await system.quiet()
                front.busy = True
                await system.submit([1, 2, 3], origin)
                while "the archive" not in system.entrance.log.read_text().lower():
                    await asyncio.sleep(0.5)  # the first wait for it is over
                checked, _ = await checks_made(system)
                assert checked.total() == 3, "a check whose capture is nowhere"
                assert front.refused
                front.busy = False
                trial.mended()
                await system.quiet()
                trial.recovered()
                await check(system, trial)
                _, captured = await checks_made(system)
                trial.compare(captured.keys(), captured.elements(), "captures")
        finally:
            system.kill()


@pytest.mark.kafka
@pytest.mark.postgres
@pytest.mark.s3
async def test_kafka_is_away(
    tmp_path: Path, origin: Origin, kafka_alone: Kafka, postgres_url: str, s3_server: S3, trials: Trials
):
    """Articles are taken meanwhile, readiness says what is missing, and whoever is told to end does so soon."""
    system = forms.services(tmp_path, origin, kafka_alone, postgres_url, s3_server)
    node = kafka_alone.nodes[0]
    try:
        with trials("broker-away", system.form) as trial, trials("terminate-broker-away", system.form) as ending:
            await system.start()
            await system.submit([0], origin)
            await system.quiet()
            await asyncio.to_thread(node.program.kill)
            await system.submit([1, 2, 3], origin)
            for service in system.services.values():
                text = await until_ready_is(service, 503, 40)
                assert "Kafka" in text
            await system.submit([4, 5], origin)
            for service in system.services.values():
                assert await service.end() <= 10
                service.start()
            await system.submit([6], origin)
            await asyncio.to_thread(node.start)
            trial.mended()
            ending.mended()
            await system.quiet()
            trial.recovered()
            ending.recovered()
            for service in system.services.values():
                await until_ready_is(service, 200)
            await check(system, trial)
            await check(system, ending)
    finally:
        system.kill()
