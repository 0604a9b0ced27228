"""A host stays ours for as long as its turn goes on: what a long check found is not fenced off."""

from datetime import timedelta
from pathlib import Path

import pytest

from services.linkcheck.worker import Worker
from shared.clock import SystemClock
from tests.support.linkchecking import PAGE, linkchecking
from tests.support.origin import Origin


async def test_a_check_longer_than_the_lease_is_written(tmp_path: Path) -> None:
    async with Origin() as origin, linkchecking(tmp_path, origin, clock=SystemClock()) as bench:
        link_id = await bench.cite(origin.page("slow.test", "/", PAGE, delay=1.5))
        lease = timedelta(seconds=0.6)
        worker = Worker(bench.db, bench.linkcheck.checker, bench.clock, concurrency=1, lease=lease)
        await worker.check_now([link_id])
        assert (await bench.link(link_id))["status"] == "live"
        assert len(origin.requests("slow.test")) == 1, "and nobody had to do it again"


@pytest.mark.parametrize(("lanes", "at_once"), [(1, 1), (3, 3)])
async def test_a_host_is_asked_by_as_many_at_once_as_is_settled(tmp_path: Path, lanes: int, at_once: int) -> None:
    async with Origin() as origin, linkchecking(tmp_path, origin, host_concurrency=lanes) as bench:
        for number in range(6):
            await bench.cite(origin.page("busy.test", f"/{number}", PAGE, delay=0.2))
        await bench.check()
        assert origin.busiest == at_once
        assert {(await bench.link(one))["status"] for one in bench.link_ids} == {"live"}
