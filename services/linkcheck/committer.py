"""Makes durable what the checks bring, many to a transaction: captures first, then what mentions them."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.linkcheck.check import Checked, Checker
from services.linkcheck.store import leases, results, saves
from services.linkcheck.store.leases import Lease
from shared.clock import Clock
from shared.db import Database
from shared.errors import RetryLater, Unavailable
from shared.faults import point
from shared.logs import get

GROUP = 100
"""Checks in one transaction."""
GATHERING, GATHERINGS = 0.01, 10
"""Seconds of one look for more to commit, and the most looks."""
SUSPENSION = timedelta(seconds=60)
"""No verdict is made for so long when our own network is down …"""
AWAY = timedelta(seconds=5)
"""… or store or archive is: each is soon asked again."""

log = get(__name__)
Watcher = Callable[[Checked], None]


@dataclass(slots=True)
class _Entry:
    lease: Lease
    checked: Checked | None
    put_off: Sequence[str]
    put_off_by: timedelta
    release: bool
    not_before: datetime | None
    done: asyncio.Future[None]


class Committer:
    """Gathers what the host tasks bring and makes it durable, many checks to a transaction."""

    def __init__(self, db: Database, checker: Checker, clock: Clock, watch: Watcher | None = None) -> None:
        self._db, self._checker, self._clock, self._watch = db, checker, clock, watch
        self._queue: asyncio.Queue[_Entry] = asyncio.Queue()
        self.waiting = 0
        """What was handed over and is not durable yet."""
        self.written = asyncio.Condition()
        """Told of every group."""

    async def add(
        self,
        lease: Lease,
        checked: Checked | None = None,
        *,
        put_off: Sequence[str] = (),
        put_off_by: timedelta = SUSPENSION,
        release: bool = False,
        not_before: datetime | None = None,
    ) -> asyncio.Future[None]:
        """Hand over; the future is done when it is durable (or will never be: the lease was lost)."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting += 1
        await self._queue.put(_Entry(lease, checked, put_off, put_off_by, release, not_before, done))
        return done

    async def run(self) -> None:
        """For ever; cancel it when the queue is empty."""
        while True:
            group = await self._gather()
            await self._keep_trying(group)
            for entry in group:
                entry.done.set_result(None)
            self.waiting -= len(group)
            async with self.written:  # twice as many: where pages are slow to come, all may soon fetch again
                self.written.notify(2 * len(group))

    async def _gather(self) -> list[_Entry]:
        """What waits, and what comes while more comes: a commit costs the same for one as for many."""
        group, seen, tries = [await self._queue.get()], -1, 0
        while seen < self._queue.qsize() < GROUP and tries < GATHERINGS:
            seen, tries = self._queue.qsize(), tries + 1
            await asyncio.sleep(GATHERING)
        while len(group) < GROUP and not self._queue.empty():
            group.append(self._queue.get_nowait())
        return group

    async def _keep_trying(self, group: Sequence[_Entry]) -> None:
        pause = 0.1
        while True:
            try:
                await self._write(group)
                return
            except (Unavailable, RetryLater) as error:
                log.warning("checks wait for the store", error=str(error), checks=len(group))
                await asyncio.sleep(pause)
                pause = min(2 * pause, 5.0)

    async def _write(self, group: Sequence[_Entry]) -> None:
        found = [(entry.lease, entry.checked) for entry in group if entry.checked is not None]
        kept = await self._checker.keep([checked for _, checked in found])
        brought = [(lease, checked) for (lease, _), checked in zip(found, kept, strict=True)]
        now = self._clock.now()
        async with self._db.write() as tx:
            changes = [event for _, checked in brought for event in checked.events]
            pairs = [(lease, checked.result) for lease, checked in brought]
            written = await results.commit(tx, pairs, changes, now) if pairs else []
            if self._checker.rules.save_elsewhere:
                await saves.wish(tx, [result.link.link_id for result in written if result.first_good], now)
            for entry in group:
                if entry.put_off:
                    await leases.put_off(tx, entry.put_off, now + entry.put_off_by)
            await leases.release(tx, [(entry.lease, entry.not_before) for entry in group if entry.release])
            point("before_commit")
        point("committed")
        self._tell({result.check_id for result in written}, [checked for _, checked in brought])

    def _tell(self, written: Collection[str], brought: Sequence[Checked]) -> None:
        for checked in brought:
            if checked.result.check_id not in written:
                log.warning("a check came too late: its lease is lost", link=checked.result.link.link_id)
                continue
            checked.count()
            self._checker.rules.tariff.note(checked.result.seconds)
            if self._watch is not None:
                self._watch(checked)
