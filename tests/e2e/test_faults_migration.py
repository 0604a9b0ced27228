"""The next release migrates 100,000 rows while this one works, and is killed in the middle; then it comes again."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from services.linkcheck.tables import hosts, links
from shared import migrate
from shared.db import Database
from shared.faults import ENV
from tests.support import system as forms
from tests.support.faults import Trials
from tests.support.invariants import check
from tests.support.logs import NOW
from tests.support.migrating import HEAD, NEXT
from tests.support.origin import Origin

pytestmark = pytest.mark.slow
ROWS = 100_000


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    async with Origin() as server:
        yield server


async def fill(db: Database) -> None:
    """Links that are looked at in ten years."""
    await migrate.upgrade(db, "eventlog", "ingest", "linkcheck")
    later = NOW.replace(year=NOW.year + 10)
    host = {"host": "old.test", "due_at": later}
    row = {
        "host": "old.test", "created_at": NOW, "due_at": later, "status": "live", "failures": 0, "flaps": 0,
        "changes_seen": 0, "checks_made": 1,
    }  # fmt: skip
    async with db.write() as tx:
        await tx.execute(sa.insert(hosts), [host])
        for start in range(0, ROWS, 10_000):
            numbers = range(start, start + 10_000)
            await tx.execute(
                sa.insert(links),
                [row | {"link_id": f"lnk_{each}", "url": f"https://old.test/{each}"} for each in numbers],
            )


async def migrated(url: str, folder: Path, fault: str | None = None) -> int:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.migrating", url, str(folder), cwd=forms.ROOT,
        env={**os.environ, **({ENV: fault} if fault else {})},
    )  # fmt: skip
    return await asyncio.wait_for(process.wait(), 60)


async def standing(db: Database) -> tuple[int, str | None, bool]:
    """Rows, revision, and whether the new column is there."""
    async with db.read() as tx:
        number = (await tx.execute(sa.select(sa.func.count()).where(links.c.host == "old.test"))).scalar_one()
        version = (await tx.execute(sa.text("SELECT version_num FROM linkcheck_version"))).scalar_one()
        columns = await tx.run_sync(lambda connection: sa.inspect(connection).get_columns("linkcheck_links"))
    return number, version, "note" in {column["name"] for column in columns}


async def test_killed_midway_while_the_old_code_works(
    tmp_path: Path, origin: Origin, database_url: str, trials: Trials
):
    db = Database(database_url)
    system = forms.on_one_store(tmp_path, origin, database_url, linkchecks=1)
    try:
        await fill(db)
        with trials("migration-killed", system.form) as trial:
            await system.start()
            posting = asyncio.create_task(system.submit(range(10), origin))
            assert await migrated(database_url, tmp_path / "line", "migrating") == -9
            trial.mended()
            await posting
            await system.quiet(also=ROWS)
            trial.recovered()
            number, version, there = await standing(db)
            trial.compare([ROWS, HEAD], [number, version])
            assert not there

            posting = asyncio.create_task(system.submit(range(10, 20), origin))
            assert await migrated(database_url, tmp_path / "line") == 0
            await posting
            await system.part("linkcheck").end()
            system.part("linkcheck").start()  # the old code starts on the new tables too
            await system.submit(range(20, 22), origin)
            await system.quiet(also=ROWS)
            number, version, there = await standing(db)
            trial.compare([ROWS, NEXT], [number, version])
            assert there
            await check(system, trial)
    finally:
        system.kill()
        await db.close()
