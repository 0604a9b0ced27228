"""A crowd of submissions is read in processes of their own, with the same outcome; none of it costs another."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from services.ingest import intake as module
from services.ingest.core.revision import Revision, read
from services.ingest.intake import MANY, Intake, Received
from services.ingest.submission import Submission
from services.ingest.tables import articles
from shared import migrate
from shared.clock import SystemClock
from shared.db import Database
from shared.errors import InputError

CONTENT = '<article><p>The bridge carried 4,000 cars a day (<a href="https://a.example/{n}">report</a>).</p></article>'


def read_and_tell(content: bytes | str, *where: Any, **about: Any) -> Revision:
    """The text names the process that read it."""
    found = read(content, *where, **about)
    return replace(found, text=f"{found.text} {os.getpid()}")


class Deadly(str):
    """Ends any process that it is handed to."""

    def __reduce__(self) -> tuple[object, ...]:
        return os._exit, (1,)


def submission(number: int) -> Submission:
    return Submission("test", f"https://paper.example/{number}", CONTENT.format(n=number), external_id=str(number))


async def receive(intake: Intake, numbers: range) -> list[Received]:
    return await asyncio.gather(*(intake.receive(submission(number)) for number in numbers))


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite:///{tmp_path}/t.db")
    await migrate.upgrade(database, "eventlog", "ingest")
    yield database
    await database.close()


@pytest.fixture
async def intake(db: Database) -> AsyncIterator[Intake]:
    made = Intake(db, SystemClock())
    yield made
    made.close()


async def crowd(intake: Intake) -> int:
    """The process, when it is there; numbers from 1000 are used up."""
    await receive(intake, range(1000, 1000 + MANY + 1))
    async with asyncio.timeout(60):
        while not intake._processes.ids:
            await asyncio.sleep(0.01)
    return intake._processes.ids[0]


async def test_short_ones_are_read_here_until_they_are_many(
    db: Database, intake: Intake, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "read", read_and_tell)
    await receive(intake, range(MANY))
    assert intake._processes._opening is None
    await crowd(intake)
    there = {str(each) for each in intake._processes.ids}
    told = await receive(intake, range(100, 140))
    assert [(one.version, one.citations, one.known) for one in told] == [(1, 1, False)] * 40
    async with db.read() as tx:
        rows = (await tx.execute(sa.select(articles.c.external_id, articles.c.text))).all()
    by = {int(number): text.rpartition(" ")[2] for number, text in rows}
    assert {by[number] for number in range(MANY)} == {str(os.getpid())}
    assert {by[number] for number in range(100, 140)} == {str(os.getpid()), *there}


async def test_an_article_that_kills_its_reader_is_refused_and_costs_no_other(intake: Intake):
    await crowd(intake)
    deadly = replace(submission(1), title=Deadly("Title"))
    with ExitStack() as others:
        for _ in range(MANY):
            others.enter_context(intake._processes.held())
        refused, *rest = await asyncio.gather(
            intake.receive(deadly), *(intake.receive(submission(number)) for number in range(200, 230)),
            return_exceptions=True,
        )  # fmt: skip
    assert isinstance(refused, InputError)
    assert [one.version for one in rest if isinstance(one, Received)] == [1] * 30
