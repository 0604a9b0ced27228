"""What must hold after every fault, once the system is quiet: I1 to I6, read from its database and archive.

I1 each acknowledged submission is there once         I4 every snapshot row points to a whole object that matches
I2 every link has a status and a next check           I5 nothing is pending
I3 alerts per key at the sinks at most one            I6 no link got worse by our own fault
"""

import asyncio
import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ingest import tables as ingest
from services.linkcheck import tables as linkcheck
from shared.blobs import Blobs, open_blobs
from shared.db import Database
from shared.eventlog import tables as eventlog
from tests.support.faults import Trial
from tests.support.system import System

LEASE = timedelta(seconds=60)


async def check(
    system: System, trial: Trial, *, healthy: Iterable[str] = ("live",), told: Counter[tuple[str, int]] | None = None,
    expected: Iterable[tuple[str, int]] = (), dead: int = 0,
) -> None:  # fmt: skip
    """Assert all of them, and keep in the ledger what went through, was lost or doubled.

    `told`: how often each alert key arrived at the sinks; `expected`: those that had to. `dead`: dead letters that were
    meant to be.
    """
    db = Database(system.database_url)
    try:
        await _caught_up(db, system.relayed)
        async with db.read() as tx:
            await _acknowledged_once(tx, system, trial)
            await _links_in_order(tx)
            trial.compare(expected, (told or Counter()).elements(), "I3: alerts")
            await _nothing_pending(tx, dead)
            await _none_worse(tx, set(healthy))
            rows = (await tx.execute(sa.select(linkcheck.snapshots))).all()
        with environment(system):
            blobs = open_blobs(system.archive_url)
        await _snapshots_whole(rows, blobs)
    finally:
        await db.close()


async def checks_made(system: System) -> tuple[Counter[str], Counter[str]]:
    """How often each link was checked, and how often captured."""
    db = Database(system.database_url)
    try:
        async with db.read() as tx:
            checked = Counter((await tx.execute(sa.select(linkcheck.checks.c.link_id))).scalars())
            captured = Counter((await tx.execute(sa.select(linkcheck.snapshots.c.link_id))).scalars())
    finally:
        await db.close()
    return checked, captured


@contextmanager
def environment(system: System) -> Iterator[None]:
    """The settings of the archive, which are read from the environment, as the system has them."""
    added = {key: value for key, value in system.entrance.environment.items() if key.startswith("AWS_")}
    before = {key: os.environ.get(key) for key in added}
    os.environ.update(added)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                del os.environ[key]
            else:
                os.environ[key] = value


async def _acknowledged_once(tx: AsyncConnection, system: System, trial: Trial) -> None:
    stored = list((await tx.execute(sa.select(ingest.articles.c.external_id))).scalars())
    asked_only = set(stored) - set(system.acknowledged)  # stored, and the answer was lost on its way
    trial.compare([*system.acknowledged, *asked_only], stored, "I1: articles")
    registered = (await tx.execute(sa.select(sa.func.count()).select_from(linkcheck.articles))).scalar_one()
    assert registered == len(stored), f"I1: {registered} of {len(stored)} articles reached linkcheck"
    cited = (await tx.execute(sa.select(sa.func.count()).select_from(linkcheck.citations))).scalar_one()
    assert cited >= sum(system.acknowledged.values()), "I1: citations are missing"
    announced = sa.select(eventlog.outbox.c.key).where(eventlog.outbox.c.topic == "citewatch.articles")
    events = Counter((await tx.execute(announced)).scalars())
    trial.compare(events, events.elements(), "I1: announcements")


async def _links_in_order(tx: AsyncConnection) -> None:
    lost = sa.select(linkcheck.links.c.url).where(
        linkcheck.links.c.due_at.is_(None), linkcheck.links.c.status != "untracked"
    )
    assert not (await tx.execute(lost)).all(), "I2: links without a next check"
    leases = sa.select(linkcheck.hosts.c.host).where(linkcheck.hosts.c.leased_until > datetime.now(UTC) + LEASE)
    assert not (await tx.execute(leases)).all(), "I2: a host is leased for ever"


async def _snapshots_whole(rows: Iterable[sa.Row], blobs: Blobs) -> None:
    for row in rows:
        body = await blobs.get(row.warc_key)
        assert len(body) == row.warc_bytes, f"I4: {row.warc_key} has {len(body)} bytes, not {row.warc_bytes}"
        assert hashlib.sha256(body).hexdigest() == row.warc_sha256, f"I4: {row.warc_key} is damaged"
        if row.text_key is not None:
            assert await blobs.get(row.text_key), f"I4: {row.text_key} is empty"


async def _nothing_pending(tx: AsyncConnection, dead: int) -> None:
    pending = sa.select(sa.func.count()).select_from(linkcheck.links).where(linkcheck.links.c.status == "pending")
    assert (await tx.execute(pending)).scalar_one() == 0, "I5: links wait for their first check"
    letters = sa.select(sa.func.count()).select_from(eventlog.dead_letters)
    assert (await tx.execute(letters)).scalar_one() == dead, "I5: dead letters"


async def _caught_up(db: Database, kafka: bool) -> None:
    """Every reader of the log is past the articles, within the time that a dead process's lease may still run."""
    end = asyncio.get_running_loop().time() + LEASE.total_seconds() + 15
    while await _ahead(db, kafka):
        assert asyncio.get_running_loop().time() < end, "I5: events wait to be handled"
        await asyncio.sleep(0.2)


async def _ahead(db: Database, kafka: bool) -> int:
    readers = eventlog.cursors.c.consumer == "relay" if kafka else eventlog.cursors.c.consumer != "relay"
    behind = sa.select(sa.func.min(eventlog.cursors.c.position)).where(readers).scalar_subquery()
    ahead = (
        sa.select(sa.func.count())
        .select_from(eventlog.outbox)
        .where(eventlog.outbox.c.position > behind, eventlog.outbox.c.topic == "citewatch.articles")
    )
    async with db.read() as tx:
        return int((await tx.execute(ahead)).scalar_one())


async def _none_worse(tx: AsyncConnection, healthy: set[str]) -> None:
    rows = await tx.execute(sa.select(linkcheck.links.c.url, linkcheck.links.c.status, linkcheck.links.c.reason))
    worse = [tuple(row) for row in rows if row.status not in healthy]
    assert not worse, f"I6: {worse}"
