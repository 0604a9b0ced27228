"""Leases due hosts, checks their links one after another, and commits what was found in groups.

    claim hosts ─► dossiers ─► one task a host: pace · check ─► Committer: archive (durable) · one transaction

One host belongs to one task at a time, over all processes, so politeness needs no other coordination.
"""

import asyncio
import contextlib
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import select

from services.linkcheck.check import Checked, Checker, Suspended, Visit
from services.linkcheck.committer import AWAY, SUSPENSION, Committer, Watcher
from services.linkcheck.core.dossier import Link
from services.linkcheck.core.model import HostFacts
from services.linkcheck.resting import rest
from services.linkcheck.store import leases, registry
from services.linkcheck.store.dossiers import open_dossiers
from services.linkcheck.store.leases import Lease
from services.linkcheck.tables import links
from shared import metrics
from shared.bulk import among
from shared.clock import Clock
from shared.db import Database
from shared.errors import RetryLater, Unavailable
from shared.eventlog.upkeep import sleep
from shared.ids import new_id
from shared.logs import get

LEASE = leases.LONGEST
BATCH = 50
"""Links of one host in a lease's turn; the host goes back in line after it."""
CLAIM = 4
"""A claim is made for at least this part of the slots: it costs the same for one host as for many."""
IN_HAND = 128
"""Checks whose answer is here and that are not durable yet, from which nothing more is fetched."""

log = get(__name__)


@dataclass(frozen=True, slots=True)
class _Turn:
    """A leased host, what is known of it, and its links that are due."""

    lease: Lease
    facts: HostFacts
    work: Sequence[Link]


class Hold:
    """Keeps a host ours for as long as its turn goes on, however long one check takes."""

    def __init__(self, db: Database, clock: Clock, lease: Lease, length: timedelta) -> None:
        self._db, self._clock, self._length, self.lease = db, clock, length, lease
        self._over = asyncio.Event()
        self._keeping: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Hold":
        self._first = asyncio.get_running_loop().call_later(self._length.total_seconds() / 3, self._begin)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._first.cancel()
        self._over.set()  # no cancelling: it may be inside a transaction
        if self._keeping is not None:
            await self._keeping

    def _begin(self) -> None:
        """Most turns are over before: only a long one needs a task that keeps its lease."""
        self._keeping = asyncio.create_task(self._keep())

    async def renew(self, *, early: bool = False) -> None:
        """Lengthen the lease when little more than a third of it is left, or anyhow."""
        now = self._clock.now()
        if early or now > self.lease.until - self._length / 3:
            async with self._db.write() as tx:
                await leases.extend(tx, self.lease, now + self._length)
            self.lease = replace(self.lease, until=now + self._length)

    async def _keep(self) -> None:
        while not self._over.is_set():
            with contextlib.suppress(Unavailable, RetryLater):
                await self.renew(early=True)
            await sleep(self._over, self._length / 3)


class Worker:
    """Checks whatever is due, within the limits of the settings."""

    def __init__(
        self, db: Database, checker: Checker, clock: Clock, *, concurrency: int, watch: Watcher | None = None,
        lanes: int = 1, lease: timedelta = LEASE,
    ) -> None:  # fmt: skip
        """`concurrency`: fetches in flight altogether. `lanes`: of one host."""
        self._db, self._checker, self._clock, self._lease = db, checker, clock, lease
        self._committer = Committer(db, checker, clock, watch)
        self._slots, self._lanes = concurrency, lanes
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._freed = asyncio.Event()
        self._urgent = False
        """Whether links are checked now, whatever their hosts' pauses."""

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; then finishes the checks in flight."""
        ending = asyncio.create_task(self._end_at(stop))
        async with self._committing():
            news = self._db.listen(registry.DUE)
            try:
                while not self._stopping:
                    news.clear()
                    if not await self._turn():
                        await rest(self._db, self._clock, leases.next_due, stop, news)
            finally:
                self._db.forget(registry.DUE, news)
                ending.cancel()
            await self._settle()

    async def _end_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._stopping = True
        self._freed.set()

    async def check_now(self, wanted: Collection[str]) -> None:
        """Check these links now, whatever their schedule; returns when all are done, by us or by another process."""
        started, self._urgent = self._clock.now(), True
        async with self._committing():
            hosts = await self._make_due(wanted, started)
            while remaining := await self._unchecked(wanted, started) - self._committer.given_up:
                if not await self._turn(among={hosts[link_id] for link_id in remaining}, wanted=remaining):
                    await self._pause_for_one()
            await self._settle()

    @contextlib.asynccontextmanager
    async def _committing(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as beside:  # should the committer fall, nothing goes on as if it worked
            committer = beside.create_task(self._committer.run())
            try:
                yield
            finally:
                for task in self._tasks:
                    task.cancel()
                committer.cancel()
                await asyncio.gather(*self._tasks, return_exceptions=True)
                self._checker.readers.close()

    async def _make_due(self, wanted: Collection[str], now: datetime) -> Mapping[str, str]:
        async with self._db.write() as tx:
            rows = await tx.execute(select(links.c.link_id, links.c.host).where(among(tx, links.c.link_id, wanted)))
            hosts = {row.link_id: row.host for row in rows}
            await registry.make_due(tx, hosts, now)
        return hosts

    async def _unchecked(self, wanted: Collection[str], since: datetime) -> set[str]:
        fresh = (links.c.checked_at.is_not(None)) & (links.c.checked_at >= since)
        async with self._db.read() as tx:
            return set(await tx.scalars(select(links.c.link_id).where(among(tx, links.c.link_id, wanted), ~fresh)))

    async def _turn(self, *, among: Collection[str] = (), wanted: Collection[str] = ()) -> bool:
        """Claim hosts when enough slots are free, and start their tasks; False when there was nothing to claim."""
        while (free := self._slots - len(self._tasks)) < max(1, self._slots // CLAIM):
            await self._pause_for_one()
            if self._stopping:
                return False
        now = self._clock.now()
        try:
            turns = await self._claim(now, free, among, wanted)
        except (Unavailable, RetryLater) as error:
            log.warning("cannot claim work", error=str(error))
            return False
        for turn in turns:
            task = asyncio.create_task(self._serve(turn))
            self._tasks.add(task)
            task.add_done_callback(self._ended)
        return bool(turns)

    async def _claim(
        self, now: datetime, free: int, among: Collection[str], wanted: Collection[str]
    ) -> list[_Turn]:  # fmt: skip
        async with self._db.write() as tx:
            token = new_id("lse", now)
            claimed = await leases.claim(tx, now, now + self._lease, token, free, among=among, urgent=self._urgent)
        if not claimed:
            return []
        names = [lease.host for lease in claimed]
        async with self._db.read() as tx:
            due = await leases.due_links(tx, names, now, BATCH, among=wanted)
            dossiers = await open_dossiers(tx, due)
            facts = await self._checker.hosts.known(tx, names)
        work: dict[str, list[Link]] = defaultdict(list)
        for link in dossiers:
            work[link.host].append(link)
        return [_Turn(lease, facts[lease.host], work[lease.host]) for lease in claimed]

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._freed.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a host's turn failed", exc_info=error)

    async def _serve(self, turn: _Turn) -> None:
        """One host's turn."""
        lease = turn.lease
        async with (
            Hold(self._db, self._clock, lease, self._lease) as hold,
            self._checker.visit(lease.host, turn.facts, apart=lease.orphaned) as visit,
        ):
            waiting = deque(turn.work)
            async with asyncio.TaskGroup() as lanes:
                for _ in range(min(self._lanes, len(waiting))):
                    lanes.create_task(self._lane(hold, visit, waiting))
            done = await self._committer.add(lease, release=True, not_before=visit.not_before)
        await done

    async def _lane(self, hold: Hold, visit: Visit, waiting: deque[Link]) -> None:
        """Checks a host's links one after another, until none waits or the host is to be left alone."""
        while True:
            await hold.renew(early=self._stopping)
            await self._room()
            await self._db.calm()
            if self._stopping or not waiting:
                return
            link = waiting.popleft()
            found = await self._check(visit, link)
            if isinstance(found, Suspended):
                left = [one.link_id for one in (link, *(waiting if found.all else ()))]
                self._committer.given_up.update(left)
                await self._committer.add(hold.lease, put_off=left, put_off_by=AWAY if found.soon else SUSPENSION)
                enough = found.all
            else:
                await self._committer.add(hold.lease, found)
                enough = visit.not_before is not None and not self._urgent
            if enough:
                waiting.clear()

    async def _room(self) -> None:
        """Until few enough checks are in hand: what is fetched meanwhile would only lie in memory."""
        async with self._committer.written:
            await self._committer.written.wait_for(
                lambda: self._committer.waiting + self._checker.readers.reading < IN_HAND
            )

    @staticmethod
    async def _check(visit: Visit, link: Link) -> Checked | Suspended:
        """A check that fails for a fault of ours is put off, and stops no other."""
        try:
            return await visit.check(link)
        except Unavailable:
            return Suspended(all=True, soon=True)
        except Exception as error:
            log.error("a check failed for a fault of ours", link=link.link_id, exc_info=error)
            return Suspended(all=False)

    async def _pause_for_one(self) -> None:
        """Until a task ends, or a moment when none runs (another process has the host)."""
        self._freed.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._freed.wait(), None if self._tasks else 0.2)

    async def _settle(self) -> None:
        while self._tasks:
            await asyncio.wait(self._tasks)


def observe_totals(by_status: Mapping[str, int], by_health: Mapping[str, int]) -> None:
    """Bring the gauges of links and citations up to date."""
    for status in ("pending", "live", "suspect", "dead", "walled", "untracked"):
        metrics.LINKS.labels(status).set(by_status.get(status, 0))
    for health in ("ok", "attention", "broken", "unknown"):
        metrics.CITATIONS.labels(health).set(by_health.get(health, 0))
