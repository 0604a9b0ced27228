"""A clock that was ahead and is put back: leases of the other time hold nobody up."""

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from services.linkcheck.store import leases
from services.linkcheck.tables import hosts
from services.notify.tables import deliveries
from shared import migrate
from shared.db import Database
from tests.support.changes import change
from tests.support.logs import NOW
from tests.support.notifying import notifying
from tests.support.sinks import Sink

DAY = timedelta(days=1)


async def claimed(db: Database, now: object, token: str) -> list[str]:
    async with db.write() as tx:
        found = await leases.claim(tx, now, now + leases.LONGEST, token, 10)  # type: ignore[operator, arg-type]
    return [lease.host for lease in found]


async def test_a_host(database_url: str) -> None:
    db = Database(database_url)
    try:
        await migrate.upgrade(db, "linkcheck")
        async with db.write() as tx:
            await tx.execute(sa.insert(hosts).values(host="a.test", due_at=NOW))
        assert await claimed(db, NOW + DAY, "ahead") == ["a.test"]
        assert await claimed(db, NOW + DAY + leases.LONGEST / 2, "meanwhile") == []
        assert await claimed(db, NOW, "back") == ["a.test"]
        assert await claimed(db, NOW, "another") == []
    finally:
        await db.close()


async def test_whoever_follows_one_that_died_is_told(database_url: str) -> None:
    db = Database(database_url)
    told = []
    try:
        await migrate.upgrade(db, "linkcheck")
        async with db.write() as tx:
            await tx.execute(sa.insert(hosts).values(host="a.test", due_at=NOW))
        for given_back in (True, False, True, True):
            async with db.write() as tx:
                (lease,) = await leases.claim(tx, NOW, NOW, "token", 10)
                if given_back:
                    await leases.release(tx, [(lease, None)])
                await tx.execute(sa.update(hosts).values(due_at=NOW))
            told.append(lease.orphaned)
        assert told == [False, False, True, False]
    finally:
        await db.close()


@pytest.mark.parametrize("sending", [False, True])
async def test_a_delivery(tmp_path: Path, sending: bool) -> None:
    """One that surely was not sent goes out; one that may have been is uncertain."""
    async with Sink() as sink, notifying(tmp_path, alert_webhook_url=sink.url) as bench:
        await bench.tell(change())
        await bench.notify.desk.look(bench.clock.now())
        bench.clock.forward(days=1)
        (claim,) = await bench.notify.deliverer.claim(16)
        async with bench.db.write() as tx:
            if sending:
                from services.notify.store import outgoing

                assert await outgoing.start_sending(tx, claim, bench.clock.now())
        bench.clock.forward(days=-1)
        await bench.work()
        (row,) = await bench.rows(deliveries)
        assert (row.state, len(sink.received)) == (("uncertain", 0) if sending else ("delivered", 1))
