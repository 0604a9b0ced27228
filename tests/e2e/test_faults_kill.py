"""`kill -9` at every named point of the running services, in both forms; then everything is as if it had not been."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.local.kafka import Kafka
from deploy.local.s3 import S3
from tests.support import system as forms
from tests.support.faults import Trial, Trials
from tests.support.invariants import check
from tests.support.origin import Origin
from tests.support.receivers import CHANNELS, Receivers
from tests.support.system import Service, System

ARTICLES = 4
INGEST = ("received", "before_commit", "committed")
LINKCHECK = ("fetched", "archived", "before_commit", "committed")
LEASE_SECONDS = 60
"""What a dead process holds is free again after so long."""


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    async with Origin() as server:
        yield server


async def ordeal(system: System, victim: Service, point: str, origin: Origin, trial: Trial) -> None:
    """Start with a fault in one service, work until it dies of it, start it whole again, and go on."""
    for service in system.services.values():
        service.start(point if service is victim else None)
    for service in system.services.values():
        if service is not victim:
            await service.ready()
    posting = asyncio.create_task(system.submit(range(ARTICLES), origin))
    await victim.killed()
    victim.start()
    trial.mended()
    await posting
    await system.quiet()
    trial.recovered()


@pytest.mark.slow
@pytest.mark.parametrize(
    "point", [*INGEST, "fetched", "fetched:5", "archived", f"before_commit:{ARTICLES + 1}", f"committed:{ARTICLES + 1}"]
)
async def test_one_process(tmp_path: Path, origin: Origin, point: str, trials: Trials):
    system = forms.embedded(tmp_path, origin)
    try:
        with trials("kill", system.form) as trial:
            await ordeal(system, system.entrance, point, origin, trial)
            await check(system, trial)
        assert await system.entrance.end() <= 20
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
    tmp_path: Path, origin: Origin, kafka_server: Kafka, postgres_url: str, s3_server: S3, victim: str, point: str,
    trials: Trials,
):  # fmt: skip
    system = forms.services(tmp_path, origin, kafka_server, postgres_url, s3_server)
    try:
        with trials("kill", system.form) as trial:
            await ordeal(system, system.services[victim], point, origin, trial)
            await check(system, trial)
        for service in system.services.values():
            assert await service.end() <= 20
    finally:
        system.kill()


async def killed_sending(system: System, point: str, origin: Origin, trial: Trial) -> list[str]:
    """A claim is reworded; notify dies around telling of it; its successor tells what is left. Returns what became."""
    sender = system.part("notify")
    sender.clock = system.folder / "clock"
    for service in system.services.values():
        service.start(point if service is sender else None)
    for service in system.services.values():
        await service.ready()
    await system.submit([0], origin, links=1)
    await system.quiet()
    forms.reword(origin, [0])
    looking = asyncio.create_task(system.look_again())
    await sender.killed()
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)
    sender.clock.write_text(str(LEASE_SECONDS))
    sender.start()
    trial.mended()
    await sender.ready()
    states = await system.told()
    trial.recovered()
    await asyncio.sleep(1)  # in which nothing is sent again
    return states


SENDING = {"before_send": "delivered", "sent_not_marked": "uncertain"}
"""What a delivery is when the process died there: surely not sent, and sent afterwards; or perhaps sent, and shown."""


@pytest.mark.slow
@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("point", SENDING)
async def test_around_sending_in_one_process(tmp_path: Path, origin: Origin, point: str, channel: str, trials: Trials):
    async with Receivers() as receivers:
        system = forms.embedded(tmp_path, origin, receivers.settings(channel))
        try:
            with trials("kill-sending", system.form) as trial:
                assert await killed_sending(system, point, origin, trial) == [SENDING[point]]
                await check(system, trial, told=receivers.told(), expected=[(channel, 0)])
        finally:
            system.kill()


@pytest.mark.slow
@pytest.mark.kafka
@pytest.mark.postgres
@pytest.mark.s3
@pytest.mark.parametrize("point", SENDING)
async def test_around_sending_as_services(
    tmp_path: Path, origin: Origin, kafka_server: Kafka, postgres_url: str, s3_server: S3, point: str, trials: Trials
):
    async with Receivers() as receivers:
        system = forms.services(
            tmp_path, origin, kafka_server, postgres_url, s3_server, notifies=1, more=receivers.settings("mail")
        )
        try:
            with trials("kill-sending", system.form) as trial:
                assert await killed_sending(system, point, origin, trial) == [SENDING[point]]
                await check(system, trial, told=receivers.told(), expected=[("mail", 0)])
        finally:
            system.kill()
