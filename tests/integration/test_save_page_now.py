"""Another archive is asked to keep what was captured: a scripted one on loopback, over the whole check."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.linkcheck.saver import PATIENCE, Saver
from tests.support.linkchecking import PAGE, Bench, linkchecking
from tests.support.origin import ACTS, Origin, Script, Turn, page, response

HOST, ARCHIVE = "harbour.test", "archive.test"
JOB = page(json.dumps({"job_id": "spn2-1"}), content_type="application/json")


def in_turn(*scripts: Script) -> Script:
    """One answer after another; the last one for ever."""
    left = list(scripts)

    async def script(turn: Turn) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(turn)

    return script


def answers(document: dict[str, Any]) -> Script:
    return page(json.dumps(document), content_type="application/json")


@asynccontextmanager
async def saving(
    folder: Path, *scripts: Script, database_url: str | None = None
) -> AsyncIterator[tuple[Origin, Bench, Saver]]:
    async with Origin() as origin:
        endpoint = origin.on(ARCHIVE, "/save", in_turn(*scripts)).replace("http://", "http://key:s3cret@")
        async with linkchecking(folder, origin, database_url=database_url, save_page_now_url=endpoint) as bench:
            assert bench.linkcheck.saver is not None
            yield origin, bench, bench.linkcheck.saver


async def wish_of(bench: Bench) -> dict[str, Any]:
    found: dict[str, Any] = (await bench.link(bench.link_ids[0]))["saved_elsewhere"]
    return found


async def test_a_page_is_kept_after_its_first_good_capture(tmp_path: Path, database_url: str) -> None:
    async with saving(tmp_path, JOB, database_url=database_url) as (origin, bench, saver):
        cited = origin.page(HOST, "/2019/tides", PAGE)
        await bench.cite(cited)
        assert not await saver.step(), "nothing was captured yet"
        await bench.check()
        assert origin.requests(ARCHIVE) == [], "the check did not wait for it"
        assert (await wish_of(bench))["state"] == "waiting"
        assert await saver.step()
        (asked,) = origin.requests(ARCHIVE)
        assert (asked.method, asked.header("authorization")) == ("POST", "LOW key:s3cret")
        assert asked.body.startswith(b"url=http%3A%2F%2Fharbour.test%3A")
        assert (await wish_of(bench))["job_id"] == "spn2-1"

        status = {"status": "success", "job_id": "spn2-1", "timestamp": "20260609120100", "original_url": cited}
        origin.on(
            ARCHIVE, "/save/status/spn2-1", in_turn(answers({"status": "pending", "job_id": "spn2-1"}), answers(status))
        )
        for _ in range(2):
            assert not await saver.step(), "it is given time"
            bench.clock.forward(minutes=2)
            assert await saver.step()
        wish = await wish_of(bench)
        assert (wish["state"], wish["memento"]) == ("saved", origin.url(ARCHIVE, f"/web/20260609120100/{cited}"))

        bench.clock.forward(days=3)
        await bench.check()
        assert not await saver.step(), "once is enough"


async def test_the_older_form_tells_the_memento_at_once(tmp_path: Path) -> None:
    async with Origin() as origin:
        cited = origin.page(HOST, "/2019/tides", PAGE)
        stands = page("Kept.", headers=[("Content-Location", f"/web/20260609120100/{cited}")])
        origin.on(ARCHIVE, f"/save/{cited}", stands)
        endpoint = origin.url(ARCHIVE, "/save/{url}")
        async with linkchecking(tmp_path, origin, save_page_now_url=endpoint) as bench:
            await bench.cite(cited)
            await bench.check()
            assert bench.linkcheck.saver is not None and await bench.linkcheck.saver.step()
            memento = origin.url(ARCHIVE, f"/web/20260609120100/{cited}")
            assert (await wish_of(bench))["memento"] == memento
            origin.page(HOST, "/2019/tides", "<p>No such page.</p>", status=404)
            bench.clock.forward(days=1)
            await bench.check()
            (citation,) = (await bench.link(bench.link_ids[0]))["citations"]
            repairs = await bench.linkcheck.desk.repairs(citation["id"])
            assert {"kind": "kept by another archive", "url": memento} in repairs


async def test_what_fails_is_tried_again_later_each_time_and_given_up(tmp_path: Path) -> None:
    async with saving(tmp_path, ACTS["reset"], page("busy", status=503), page("busy", status=520)) as (
        origin,
        bench,
        saver,
    ):
        await bench.cite(origin.page(HOST, "/", PAGE))
        await bench.check()
        waits = []
        while (await wish_of(bench))["state"] == "waiting":
            waited = timedelta()
            while not await saver.step():
                waited += timedelta(minutes=1)
                bench.clock.forward(minutes=1)
            waits.append(waited)
        assert len(waits) == PATIENCE.tries == len(origin.requests(ARCHIVE))
        assert waits[0] == timedelta() and waits[-1] > 10 * waits[2] > timedelta()
        assert (await wish_of(bench))["state"] == "failed"
        bench.clock.forward(days=9)
        assert not await saver.step()


async def test_it_waits_as_long_as_it_is_asked_to(tmp_path: Path) -> None:
    busy = page("busy", status=429, headers=[("Retry-After", "3600")])
    async with saving(tmp_path, busy, JOB) as (origin, bench, saver):
        await bench.cite(origin.page(HOST, "/", PAGE))
        await bench.check()
        assert await saver.step()
        bench.clock.forward(minutes=59)
        assert not await saver.step()
        bench.clock.forward(minutes=2)
        assert await saver.step()
        assert (await wish_of(bench))["state"] == "asked"


async def test_keys_that_are_wrong_are_said_once(tmp_path: Path) -> None:
    async def refuse(turn: Turn) -> None:
        await turn.send(response(401, b"Who are you?"))

    async with saving(tmp_path, refuse) as (origin, bench, saver):
        await bench.cite(origin.page(HOST, "/", PAGE))
        await bench.check()
        assert await saver.step()
        wish = await wish_of(bench)
        assert (wish["state"], "401" in wish["detail"], "s3cret" in str(wish)) == ("failed", True, False)


@pytest.mark.parametrize("status", [404, 403, 500])
async def test_only_what_was_seen_well_is_kept(tmp_path: Path, status: int) -> None:
    async with saving(tmp_path, JOB) as (origin, bench, saver):
        await bench.cite(origin.page(HOST, "/", "<p>No.</p>", status=status))
        await bench.check()
        assert not await saver.step()


async def test_without_the_setting_nobody_is_told(tmp_path: Path) -> None:
    async with Origin() as origin, linkchecking(tmp_path, origin) as bench:
        await bench.cite(origin.page(HOST, "/", PAGE))
        await bench.check()
        assert bench.linkcheck.saver is None
        assert await wish_of(bench) is None


async def test_a_running_service_asks_by_itself(tmp_path: Path) -> None:
    async with saving(tmp_path, JOB) as (origin, bench, _):
        linkcheck = bench.linkcheck
        assert linkcheck.saver is not None
        saver = Saver(
            bench.db, origin.outbound(), bench.clock, linkcheck.saver.endpoint, pace=timedelta(milliseconds=1)
        )
        stop = asyncio.Event()
        running = asyncio.create_task(saver.run(stop))
        for number in range(3):
            await bench.cite(origin.page(HOST, f"/{number}", PAGE))
        await bench.check()
        async with asyncio.timeout(10):
            while len(origin.requests(ARCHIVE)) < 3:
                await asyncio.sleep(0.01)
            stop.set()
            await running
        assert len({one.body for one in origin.requests(ARCHIVE)}) == 3
