"""The same chain over a real Kafka, by notify's own loops."""

import asyncio
import time
from pathlib import Path

import pytest

from services.notify import app
from services.notify.settings import NotifySettings
from shared import migrate
from shared.clock import SystemClock
from shared.db import Database
from shared.eventlog import open_log, publish
from shared.settings import load
from tests.support.changes import change
from tests.support.logs import fresh_topics
from tests.support.notifying import door
from tests.support.sinks import Sink

pytestmark = pytest.mark.kafka


async def test_a_change_is_told_once_over_kafka(tmp_path: Path, kafka_server: object) -> None:
    servers: list[str] = kafka_server.bootstrap.split(",")  # type: ignore[attr-defined]
    await fresh_topics(servers)
    clock, stop = SystemClock(), asyncio.Event()
    db = Database(f"sqlite:///{tmp_path / 'notify.db'}")
    await migrate.upgrade(db, "eventlog", "notify")
    async with Sink() as sink:
        settings = load(
            NotifySettings, _env_file=None, data_dir=tmp_path, alert_webhook_url=sink.url, alert_group_wait="0s",
            kafka_bootstrap_servers=",".join(servers),
        )  # fmt: skip
        notify = await app.build(settings, db, clock, door())
        log = open_log(settings, db, clock=clock)
        loops = [log.maintain(stop), log.run(notify.subscription(), stop), notify.worker().run(stop)]
        tasks = [asyncio.create_task(loop) for loop in loops]
        try:
            waits = []
            for number in range(6):
                started = time.perf_counter()
                one = change(number, at=clock.now(), host=f"h{number}.example")
                async with db.write() as tx:
                    await publish(tx, "/citewatch/linkcheck", [one], clock.now())
                while len(sink.received) <= number and time.perf_counter() - started < 45:
                    await asyncio.sleep(0.01)
                waits.append(time.perf_counter() - started)
            assert [one.json["data"]["alerts"][0]["citation_id"] for one in sink.received] == [
                f"cit_{number}" for number in range(6)
            ]
            steady = sorted(waits[1:])  # the first one waits for the group to form
            print(f"change committed → message handed over: median {steady[2]:.2f} s")
            assert steady[2] < 2
        finally:
            stop.set()
            await asyncio.gather(*tasks)
            await db.close()
