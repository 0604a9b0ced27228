"""`kill -9` at every named point of the running services, in both forms; then everything is as if it had not been."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.local.kafka import Kafka
from deploy.local.s3 import S3
from tests.support import system as forms
from tests.support.invariants import check
from tests.support.origin import Origin
from tests.support.system import Service, System

ARTICLES = 4
INGEST = ("received", "before_commit", "committed")
LATER = (f"before_commit:{ARTICLES + 1}", f"committed:{ARTICLES + 1}")
"""The same points after ingest has passed them with every article: those of linkcheck."""
LINKCHECK = ("fetched", "archived", "before_commit", "committed")


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    async with Origin() as server:
        yield server


async def killed_at(service: Service) -> None:
    assert service.process is not None
    async with asyncio.timeout(60):
        while service.process.poll() is None:
            await asyncio.sleep(0.05)
    assert service.process.returncode == -signal.SIGKILL, service.tail()


async def ordeal(system: System, victim: Service, point: str, origin: Origin) -> None:
    """Start with a fault in one service, work until it dies of it, start it whole again, and go on."""
    for service in system.services.values():
        service.start(point if service is victim else None)
    for service in system.services.values():
        if service is not victim:
            await service.ready()
    posting = asyncio.create_task(system.submit(range(ARTICLES), origin))
    await killed_at(victim)
    victim.start()
    await posting
    await system.quiet()


@pytest.mark.slow
@pytest.mark.parametrize(
    "point", [*INGEST, "fetched", "fetched:5", "archived", f"before_commit:{ARTICLES + 1}", f"committed:{ARTICLES + 1}"]
)
async def test_embedded(tmp_path: Path, origin: Origin, point: str):
    system = forms.embedded(tmp_path, origin)
    try:
        await ordeal(system, system.entrance, point, origin)
        await check(system)
        assert system.entrance.end() <= 20
    finally:
        system.kill()


@pytest.mark.slow
@pytest.mark.kafka
@pytest.mark.postgres
@pytest.mark.s3
@pytest.mark.parametrize(
    ("victim", "point"),
    [*(("ingest", point) for point in INGEST), *(("linkcheck1", point) for point in (*LINKCHECK, "offset_committed"))],
)
async def test_services(
    tmp_path: Path, origin: Origin, kafka_server: Kafka, postgres_url: str, s3_server: S3, victim: str, point: str
):
    system = forms.services(tmp_path, origin, kafka_server, postgres_url, s3_server)
    try:
        await ordeal(system, system.services[victim], point, origin)
        await check(system, kafka=True)
        for service in system.services.values():
            assert service.end() <= 20
    finally:
        system.kill()
