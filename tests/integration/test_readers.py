"""Pages read in processes of their own: the same findings, and a page that kills its reader harms no other."""

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from services.linkcheck.archive.packing import Capture, unpack_page
from services.linkcheck.core.assess import Material
from services.linkcheck.core.dossier import Link
from services.linkcheck.core.model import History, Hop, HostFacts, Observation, Standing
from services.linkcheck.readers import INLINE, MANY, Readers
from services.linkcheck.reading import Read
from shared.outbound.exchange import Exchange, Peer, Phases

URL = "https://harbour.example/tides"
LONG = b"<!doctype html><title>Tides</title><article><h1>Tides</h1>" + b"<p>The harbour office counted boats.</p>" * 600


OBSERVED = Observation(URL, (Hop(URL, 200),), body_length=len(LONG))
LINK = Link("lnk_1", URL, "harbour.example", None, datetime(2026, 5, 3, tzinfo=UTC), Standing())
WHEN = datetime(2026, 5, 3, tzinfo=UTC)
ANSWER = Exchange(
    URL, b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n", 200, (("Content-Type", "text/html"),), LONG, None,
    Peer("127.0.0.1", 80), Phases(), WHEN,
)  # fmt: skip
PAGE = Material(LINK, History(), HostFacts(), ANSWER, {})
CAPTURE = Capture((ANSWER,), "snp_1", WHEN)


class Deadly(str):
    """Ends any process that it is handed to."""

    def __reduce__(self) -> tuple[object, ...]:
        return os._exit, (1,)


async def read_many(readers: Readers, number: int) -> list[Read]:
    return await asyncio.gather(*(readers.read(OBSERVED, PAGE, CAPTURE) for _ in range(number)))


async def until_open(readers: Readers) -> list[int]:
    """The processes, when they are there."""
    await read_many(readers, MANY + 2)
    for _ in range(600):
        if readers.processes:
            return readers.processes
        await asyncio.sleep(0.05)
    raise AssertionError("no processes came")


async def test_many_pages_are_read_in_processes_with_the_same_findings() -> None:
    assert len(LONG) > INLINE
    readers = Readers(2)
    try:
        one = (await read_many(readers, 1))[0]
        assert not readers.processes, "one page is no reason for processes"
        await until_open(readers)
        assert await read_many(readers, 20) == [one] * 20
    finally:
        readers.close()


async def test_the_words_of_a_good_page_stay_where_they_were_packed() -> None:
    done = await Readers(1).read(OBSERVED, PAGE, CAPTURE)
    assert done.packed is not None
    assert done.found.observation.page is not None
    assert (done.found.observation.page.title, done.found.observation.page.full) == ("Tides", "")
    text = dict(done.packed.items)[done.packed.stored.text_key or ""]
    assert "counted boats" in unpack_page(text, done.packed.stored.text_key or "").full


async def test_the_words_of_a_failing_page_come_back_for_a_second_opinion() -> None:
    lost = replace(OBSERVED, hops=(Hop(URL, 404),))
    done = await Readers(1).read(lost, PAGE, CAPTURE)
    assert done.found.observation.page is not None
    assert "counted boats" in done.found.observation.page.full


async def test_the_death_of_a_process_costs_no_page() -> None:
    readers = Readers(2)
    try:
        for pid in await until_open(readers):
            os.kill(pid, signal.SIGKILL)
        found = await read_many(readers, 6)
        assert [one.found.verdict.outcome for one in found] == ["ok"] * 6
        await until_open(readers)
    finally:
        readers.close()


async def test_a_page_that_kills_its_reader_stays_unread_and_harms_no_other() -> None:
    readers = Readers(2)
    try:
        await until_open(readers)
        poison = replace(ANSWER, headers=(("Content-Type", Deadly("text/html")),))
        deadly = readers.read(OBSERVED, replace(PAGE, answer=poison), CAPTURE)
        killed, *others = await asyncio.gather(deadly, *(readers.read(OBSERVED, PAGE, CAPTURE) for _ in range(6)))
        assert (killed.found.verdict.outcome, killed.found.verdict.reason) == ("unsupported", "media_type")
        assert [one.found.verdict.outcome for one in others] == ["ok"] * 6
    finally:
        readers.close()


PROGRAM = """
import asyncio
from tests.integration.test_readers import Readers, until_open

async def main():
    print(*await until_open(Readers(2)), flush=True)
    await asyncio.sleep(60)

if __name__ == "__main__":
    asyncio.run(main())
"""


async def test_no_process_outlives_a_parent_that_is_killed(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    env = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    with subprocess.Popen([sys.executable, tmp_path / "program.py"], stdout=subprocess.PIPE, env=env) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        parent.kill()
    assert len(pids) == 2
    for _ in range(100):
        if not any(alive(pid) for pid in pids):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("a process goes on without its parent")


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except OSError:
        return False
