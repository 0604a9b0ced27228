"""Makes durable what the checks bring, many to a transaction: captures first, then what mentions them."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
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

    def give_up(self, error: Exception) -> str:
        """The check cannot be kept; look at its link again later. Raises the error where there is no check."""
        if self.checked is None:
            raise error
        link_id = self.checked.result.link.link_id
        log.error("a check cannot be kept, for a fault of ours", link=link_id, exc_info=error)
        self.checked, self.put_off, self.put_off_by = None, (link_id,), SUSPENSION
        return link_id


class Committer:
    """Gathers what the host tasks bring and makes it durable, many checks to a transaction."""

    def __init__(self, db: Database, checker: Checker, clock: Clock, watch: Watcher | None = None) -> None:
        self._db, self._checker, self._clock, self._watch = db, checker, clock, watch
        self._queue: asyncio.Queue[_Entry] = asyncio.Queue()
        self.given_up: set[str] = set()
        """Links that no verdict was made of, or none that could be kept."""
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
        """For ever; cancel it when nothing waits. A group is archived while the one before it is committed."""
        archived: asyncio.Queue[list[_Entry]] = asyncio.Queue(maxsize=1)
        async with asyncio.TaskGroup() as stages:
            stages.create_task(self._archive(archived))
            stages.create_task(self._commit(archived))

    async def _archive(self, archived: "asyncio.Queue[list[_Entry]]") -> None:
        while True:
            group = await self._gather()
            await self._persist(self._keep, group)
            await archived.put(group)

    async def _commit(self, archived: "asyncio.Queue[list[_Entry]]") -> None:
        while True:
            group = await archived.get()
            await self._persist(self._write, group)
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

    async def _persist(self, work: Callable[[Sequence[_Entry]], Awaitable[None]], group: Sequence[_Entry]) -> None:
        """Until it is done. A check that cannot be kept for a fault of ours is put off, and holds up no other."""
        pause = 0.1
        while True:
            try:
                return await work(group)
            except (Unavailable, RetryLater) as error:
                log.warning("checks wait for the store", error=str(error), checks=len(group))
                await asyncio.sleep(pause)
                pause = min(2 * pause, 5.0)
            except Exception as error:
                if len(group) > 1:
                    for entry in group:
                        await self._persist(work, [entry])
                    return None
                self.given_up.add(group[0].give_up(error))

    async def _keep(self, group: Sequence[_Entry]) -> None:
        await self._checker.keep([entry.checked for entry in group if entry.checked is not None])

    async def _write(self, group: Sequence[_Entry]) -> None:
        brought = [(entry.lease, entry.checked) for entry in group if entry.checked is not None]
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
                log.warning(
                    "a check came too late: its lease is lost, or it was overtaken", link=checked.result.link.link_id
                )
                continue
            checked.count()
            self._checker.rules.tariff.note(checked.result.seconds)
            if self._watch is not None:
                self._watch(checked)
