"""An origin that goes back and forth, through check, event, alert and a real sink: an editor is not rung up each time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from services.linkcheck.core.calm import CALM
from services.notify.tables import alerts
from tests.support import linkchecking, notifying
from tests.support.linkchecking import CLAIM, PAGE
from tests.support.origin import Origin
from tests.support.sinks import Sink

HOST, PATH = "harbour.test", "/2019/tides"
REWRITTEN = PAGE.replace("nine metres", "seven metres")
OPENED, RESOLVED = "🔴", "🟢"
RULE = {"confirm_checks": 1, "confirm_period": "0s"}


class Chain:
    """One citation, checked and told of."""

    def __init__(self, origin: Origin, bench: linkchecking.Bench, desk: notifying.Bench, sink: Sink) -> None:
        self.origin, self.bench, self.desk, self.sink = origin, bench, desk, sink

    async def serve(self, body: str, *, status: int = 200, times: int = 1, hours: float = 30) -> None:
        """The origin answers so; the link is checked that often, and what there is to tell is told."""
        self.origin.page(HOST, PATH, body, status=status)
        for _ in range(times):
            self.bench.clock.forward(hours=hours)
            await self.bench.check()
            await self.desk.hear()
            await self.desk.work()

    async def citation(self) -> dict[str, object]:
        found: dict[str, object] = (await self.bench.link(self.bench.link_ids[0]))["citations"][0]
        return found

    @property
    def told(self) -> list[str]:
        """What reached the channel: the sign that each message begins with."""
        return [one.json["blocks"][0]["text"]["text"][0] for one in self.sink.received]


@asynccontextmanager
async def chain(folder: Path) -> AsyncIterator[Chain]:
    async with (
        Origin() as origin,
        Sink() as sink,
        linkchecking.linkchecking(folder, origin, **RULE) as bench,
        notifying.notifying(
            folder, url=linkchecking.url(folder), clock=bench.clock, slack_webhook_url=sink.url
        ) as desk,
    ):
        await bench.cite(origin.url(HOST, PATH), CLAIM)
        yield Chain(origin, bench, desk, sink)


@pytest.mark.parametrize(("body", "status"), [(REWRITTEN, 200), ("<p>No such page.</p>", 404)], ids=["text", "link"])
@pytest.mark.parametrize("hours", [2, 30], ids=["within a day", "over weeks"])
async def test_one_alert_and_then_calm(tmp_path: Path, body: str, status: int, hours: float) -> None:
    async with chain(tmp_path) as it:
        for _ in range(6):
            await it.serve(PAGE, hours=hours)
            await it.serve(body, status=status, hours=hours)
        assert it.told == [OPENED, RESOLVED, OPENED], "twelve turns: there, back, and there again; then quiet"
        assert (await it.citation())["flapping"]
        last = str(it.sink.received[-1].json)
        assert "back and forth" in last

        await it.serve(PAGE, times=CALM, hours=hours)
        assert it.told == [OPENED, RESOLVED, OPENED], "it has not settled yet"
        await it.serve(PAGE, hours=hours)
        assert it.told == [OPENED, RESOLVED, OPENED, RESOLVED], "settled: the episode is over"
        assert not (await it.citation())["flapping"]
        states = [row.state for row in await it.desk.rows(alerts)]
        assert set(states) == {"resolved"} and len(states) <= 2

        await it.serve(body, status=status, hours=hours * 20)
        assert it.told[-1] == OPENED and len(it.told) == 5, "back to normal: new trouble is news again"


async def test_what_settles_in_trouble_stays_an_open_alert(tmp_path: Path) -> None:
    async with chain(tmp_path) as it:
        for _ in range(3):
            await it.serve(PAGE)
            await it.serve(REWRITTEN)
        await it.serve(REWRITTEN, times=CALM + 1)
        assert not (await it.citation())["flapping"]
        assert [row.state for row in await it.desk.rows(alerts)][-1] == "open"
        assert len(it.told) == 3
