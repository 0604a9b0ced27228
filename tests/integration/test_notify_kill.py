"""`kill -9` around sending: what was not sent is sent once afterwards, what may have been sent is uncertain."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from services.notify.tables import deliveries
from shared.faults import ENV
from tests.support.changes import change
from tests.support.notifying import Bench, notifying
from tests.support.sinks import Sink

AHEAD = 3600


async def start(folder: Path, sink: Sink, ahead: float, point: str | None) -> asyncio.subprocess.Process:
    env = {name: value for name, value in os.environ.items() if not name.startswith("CITEWATCH_")}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.notify_process", str(folder), sink.url, str(ahead),
        env=env | ({ENV: point} if point else {}), stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip


async def settled(bench: Bench, *wanted: str) -> list[str]:
    for _ in range(400):
        found = sorted(row.state for row in await bench.rows(deliveries))
        if found == sorted(wanted):
            return found
        await asyncio.sleep(0.05)
    return found


@pytest.mark.parametrize(
    ("point", "copies_when_killed", "state"), [("before_send", 0, "delivered"), ("sent_not_marked", 1, "uncertain")]
)
async def test_killed_around_sending(tmp_path: Path, point: str, copies_when_killed: int, state: str) -> None:
    async with Sink() as sink, notifying(tmp_path, alert_webhook_url=sink.url) as bench:
        await bench.tell(change())
        first = await start(tmp_path, sink, 0, point)
        assert await asyncio.wait_for(first.wait(), 30) == -9
        assert len(sink.received) == copies_when_killed
        second = await start(tmp_path, sink, AHEAD, None)
        try:
            assert await settled(bench, state) == [state]
            await asyncio.sleep(0.5)
            assert len(sink.received) == 1, "once, whatever was killed"
        finally:
            second.kill()
            await second.wait()


async def test_killed_while_the_other_side_keeps_it_waiting(tmp_path: Path) -> None:
    async with Sink(script=["slow"]) as sink, notifying(tmp_path, alert_webhook_url=sink.url) as bench:
        await bench.tell(change())
        first = await start(tmp_path, sink, 0, None)
        for _ in range(400):
            if sink.received:
                break
            await asyncio.sleep(0.05)
        first.kill()
        await first.wait()
        second = await start(tmp_path, sink, AHEAD, None)
        try:
            assert await settled(bench, "uncertain") == ["uncertain"]
            assert len(sink.received) == 1
        finally:
            second.kill()
            await second.wait()
