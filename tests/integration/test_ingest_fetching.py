"""Articles given by URL alone: fetched afterwards from a real origin, with back-off, saying why when it fails."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request, Response

from services.ingest.worker import BACKOFF, Worker, next_try
from shared.errors import InputError
from tests.support.ingest import NOW, Running, running, served

HTML = (
    "<!doctype html><html><head><title>Council</title></head><body><nav><a href='/'>Home</a></nav><article>"
    "<h1>Council</h1><p>The council met on Friday, which is what <a href='/record'>the record of the day</a> shows"
    " to everybody who reads it with some care.</p></article><footer>{}</footer></body></html>"
)


@dataclass
class Origin:
    """A site whose answer a test sets."""

    url: str = ""
    answer: Any = None
    asked: list[str] = field(default_factory=list)


@asynccontextmanager
async def origin() -> AsyncIterator[Origin]:
    app, site = FastAPI(), Origin()

    @app.get("/{path:path}")
    async def page(request: Request, path: str) -> Response:
        site.asked.append(path)
        answer = site.answer if isinstance(site.answer, Response) else site.answer(path)
        found = await answer if asyncio.iscoroutine(answer) else answer
        assert isinstance(found, Response)
        return found

    async with served(app) as site.url:
        yield site


@pytest.fixture
async def site() -> AsyncIterator[Origin]:
    async with origin() as one:
        yield one


@pytest.fixture
async def ingest(tmp_path: Path, database_url: str) -> AsyncIterator[Running]:
    async with running(tmp_path, database_url=database_url) as one:
        yield one


def page(footer: str = "", **more: Any) -> Response:
    return Response(HTML.format(footer), media_type="text/html", **more)


async def state(ingest: Running) -> dict[str, Any]:
    (item,) = (await ingest.client.get("/v1/articles")).json()["items"]
    return dict(item["fetch"])


async def test_url_alone_is_fetched_afterwards_and_its_redirects_are_the_base(ingest: Running, site: Origin) -> None:
    def answer(path: str) -> Response:
        return Response(status_code=301, headers={"location": "/new/place"}) if path == "short" else page()

    site.answer = answer
    told = await ingest.push({"url": f"{site.url}/short", "title": "As the editor has it", "tags": ["town"]})
    assert (told.status_code, told.json()["version"]) == (202, 0)
    assert site.asked == []
    assert (await state(ingest))["state"] == "waiting"
    assert await ingest.ingest.worker.turn() == 1
    (event,) = await ingest.events()
    assert (event.version, event.title, event.tags) == (1, "As the editor has it", ("town",))
    assert event.url == f"{site.url}/short"
    assert event.citations[0].target == f"{site.url}/record"
    assert (await state(ingest))["state"] == "done"
    assert await ingest.ingest.worker.turn() == 0


async def test_asked_again_it_is_fetched_again_and_furniture_makes_no_version(ingest: Running, site: Origin) -> None:
    for number in range(2):
        site.answer = page(f"Rendered at {number}")
        told = await ingest.push({"url": f"{site.url}/a"})
        assert told.status_code == (202 if number == 0 else 200)
        assert await ingest.ingest.worker.turn() == 1
    site.answer = Response(HTML.replace("Friday", "Monday"), media_type="text/html")
    told = await ingest.push({"url": f"{site.url}/a"})
    assert (told.json()["version"], told.json()["citations"]) == (1, 1)
    await ingest.ingest.worker.turn()
    assert [one.version for one in await ingest.events()] == [1, 2]
    assert len(site.asked) == 3


async def test_failures_are_told_backed_off_and_given_up(ingest: Running, site: Origin) -> None:
    site.answer = Response(status_code=500)
    await ingest.push({"url": f"{site.url}/a"})
    for pause in BACKOFF:
        assert await ingest.ingest.worker.turn() == 1
        found = await state(ingest)
        assert (found["state"], "answers 500" in found["problem"]) == ("waiting", True)
        assert await ingest.ingest.worker.turn() == 0
        ingest.clock.move(seconds=pause.total_seconds())
    assert await ingest.ingest.worker.turn() == 1
    assert (await state(ingest))["state"] == "failed"
    ingest.clock.move(days=30)
    assert await ingest.ingest.worker.turn() == 0
    site.answer = page()
    await ingest.push({"url": f"{site.url}/a"})
    assert await ingest.ingest.worker.turn() == 1
    assert ((await state(ingest))["state"], len(await ingest.events())) == ("done", 1)


async def test_what_was_tried_before_is_read_in_a_process_of_its_own(ingest: Running, site: Origin) -> None:
    """The first try may have ended with the process that made it."""
    site.answer = Response(status_code=500)
    await ingest.push({"url": f"{site.url}/a"})
    await ingest.ingest.worker.turn()
    site.answer = page()
    ingest.clock.move(seconds=BACKOFF[0].total_seconds())
    assert await ingest.ingest.worker.turn() == 1
    assert (await state(ingest))["state"] == "done"
    assert ingest.ingest.intake._processes.ids


@pytest.mark.parametrize(
    ("answer", "says", "final"),
    [
        (Response(b"%PDF-1.7", media_type="application/pdf"), "application/pdf", True),
        (Response(status_code=410), "answers 410", True),
        (Response(status_code=403), "answers 403", False),
        (Response(b"", media_type="text/html"), "empty", False),
        (Response(bytes(range(256)) * 50, media_type="text/html"), "binary", False),
        (Response(status_code=302, headers={"location": "/a"}), "redirects", False),
        (Response(status_code=302, headers={"location": "http://10.0.0.1/"}), "10.0.0.1", True),
        (Response(status_code=302, headers={"location": "ftp://x.example/"}), "ftp", True),
        (Response(gzip.compress(b"x" * 30_000_000), headers={"content-encoding": "gzip"}), "too large", False),
    ],
)
async def test_what_cannot_be_an_article_says_why(
    tmp_path: Path, site: Origin, answer: Response, says: str, final: bool
) -> None:
    site.answer = answer
    async with running(tmp_path) as ingest:
        await ingest.push({"url": f"{site.url}/a"})
        await ingest.ingest.worker.turn()
        found = await state(ingest)
        assert says in found["problem"]
        assert found["state"] == ("failed" if final else "waiting")
        assert await ingest.events() == []


async def test_what_was_pushed_meanwhile_is_not_replaced_by_the_older_page(ingest: Running, site: Origin) -> None:
    pushed = asyncio.Event()

    async def late(_: str) -> Response:
        await pushed.wait()
        return page()

    site.answer = late
    await ingest.push({"url": f"{site.url}/a"})
    turn = asyncio.create_task(ingest.ingest.worker.turn())
    while not site.asked:
        await asyncio.sleep(0.01)
    await ingest.push({"url": f"{site.url}/a", "content": "<p>The newest words.</p>"})
    pushed.set()
    await turn
    assert [one.text for one in await ingest.events()] == ["The newest words."]
    assert (await state(ingest))["state"] == "done"


async def test_the_worker_wakes_at_once_and_stops_with_work_in_hand(tmp_path: Path, site: Origin) -> None:
    async with running(tmp_path) as ingest:
        stop = asyncio.Event()
        work = asyncio.create_task(ingest.ingest.worker.run(stop))
        await asyncio.sleep(0.05)
        site.answer = page()
        await ingest.push({"url": f"{site.url}/a"})
        async with asyncio.timeout(1.5):
            while not await ingest.events():
                await asyncio.sleep(0.01)

        released = asyncio.Event()

        async def never(_: str) -> Response:
            await released.wait()
            return page()

        site.answer = never
        await ingest.push({"url": f"{site.url}/b"})
        while len(site.asked) < 2:
            await asyncio.sleep(0.01)
        stop.set()
        async with asyncio.timeout(2):
            await work
        released.set()
        ingest.clock.move(minutes=5)
        site.answer = page()
        assert await ingest.ingest.worker.turn() == 1
        assert len(await ingest.events()) == 2


async def test_two_workers_fetch_an_article_once(ingest: Running, site: Origin) -> None:
    site.answer = page()
    for number in range(6):
        await ingest.push({"url": f"{site.url}/{number}"})
    first = ingest.ingest.worker
    second = Worker(ingest.db, ingest.ingest.intake, ingest.ingest.outbound, ingest.clock, deadline=10)
    done = await asyncio.gather(first.turn(), second.turn())
    assert sum(done) == 6
    assert len(site.asked) == len(set(site.asked)) == 6


async def test_a_fault_of_ours_is_said_and_does_not_stop_the_others(
    tmp_path: Path, site: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.answer = page()
    async with running(tmp_path) as ingest:
        real = ingest.ingest.intake.receive

        async def broken(submission: Any, *args: Any, **more: Any) -> Any:
            if submission.url.endswith("/bad"):
                raise ZeroDivisionError
            return await real(submission, *args, **more)

        for name in ("bad", "good"):
            await ingest.push({"url": f"{site.url}/{name}"})
        monkeypatch.setattr(ingest.ingest.intake, "receive", broken)
        await ingest.ingest.worker.turn()
        assert len(await ingest.events()) == 1
        items = (await ingest.client.get("/v1/articles")).json()["items"]
        assert {one["fetch"]["state"] for one in items} == {"waiting", "done"}


def test_back_off_ends() -> None:
    assert next_try(0, NOW) == NOW + BACKOFF[0]
    assert next_try(len(BACKOFF), NOW) is None
    assert sorted(BACKOFF) == list(BACKOFF)


def test_a_refusal_is_an_input_error() -> None:
    from services.ingest.worker import Unfetchable

    assert issubclass(Unfetchable, InputError)
