"""A host stays ours for as long as its turn goes on: what a long check found is not fenced off."""

from datetime import timedelta
from pathlib import Path

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
