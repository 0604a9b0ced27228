"""From one process to Kafka, PostgreSQL and S3, with data: nothing is lost on the way, nothing is told twice."""

import asyncio
from pathlib import Path

import pytest

from deploy.local.kafka import Kafka
from deploy.local.s3 import S3
from tests.support import system as forms
from tests.support.command import Ended, run
from tests.support.faults import Trials
from tests.support.invariants import check
from tests.support.origin import Origin
from tests.support.receivers import Receivers
from tests.support.system import System

pytestmark = [pytest.mark.slow, pytest.mark.kafka, pytest.mark.postgres, pytest.mark.s3]


async def copied(old: System, new: System) -> Ended:
    keys = {name: value for name, value in new.entrance.environment.items() if name.startswith("AWS_")}
    settings = {**old.entrance.environment, **keys}
    return await run(
        "db", "copy", "--to", new.database_url, "--archive-to", new.archive_url, environment=settings
    )  # fmt: skip


@pytest.mark.timeout(240)
async def test_with_data(tmp_path: Path, kafka_alone: Kafka, postgres_url: str, s3_server: S3, trials: Trials):
    async with Origin() as origin, Receivers() as receivers:
        mail = receivers.settings("mail")
        (tmp_path / "old").mkdir()
        (tmp_path / "new").mkdir()
        old = forms.embedded(tmp_path / "old", origin, mail)
        new = forms.services(
            tmp_path / "new", origin, kafka_alone, postgres_url, s3_server, notifies=1, more=mail
        )  # fmt: skip
        try:
            with trials("moved-house", "SQLite, folder → PostgreSQL, Kafka, S3") as trial:
                await old.start()
                await old.submit([0, 1], origin, links=1)
                await old.quiet()
                forms.reword(origin, [0])
                await old.look_again()
                await old.told()
                assert "still works" in (await copied(old, new)).err
                await old.entrance.end()
                old.entrance.start(fault="committed")  # accepted, and the process is dead before anybody read of it
                await old.entrance.ready()
                last = asyncio.create_task(old.submit([2], origin, links=1))
                await old.entrance.killed()
                last.cancel()
                old.acknowledged["article-2"] = 1

                async with asyncio.timeout(30):
                    while (done := await copied(old, new)).code:
                        assert "still works" in done.err, done.err  # the dead process's lease has not run out
                        await asyncio.sleep(1)
                again = await copied(old, new)
                assert again.code == 2
                assert "Give an empty one" in again.err

                new.acknowledged = old.acknowledged
                await new.start()
                trial.mended()
                await new.submit([0, 1, 2, 3], origin, links=1)  # three of them are known
                await new.quiet()
                trial.recovered()
                forms.reword(origin, [0, 3])
                await new.look_again()
                async with asyncio.timeout(30):
                    while receivers.told()["mail", 3] == 0:
                        await asyncio.sleep(0.2)
                await asyncio.sleep(2)
                await check(new, trial, told=receivers.told(), expected=[("mail", 0), ("mail", 3)])
        finally:
            old.kill()
            new.kill()
