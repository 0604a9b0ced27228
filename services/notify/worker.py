"""Two loops: the desk writes what is due, the deliverer sends it. Both wake at news and at their next due time."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from services.notify.deliver import Deliverer
from services.notify.desk import Desk
from services.notify.store import CHANNEL, outgoing
from services.notify.store.outgoing import Delivery
from shared.clock import Clock
from shared.db import Database
from shared.errors import CitewatchError
from shared.logs import get

AT_ONCE = 16
"""Deliveries in flight."""
POLL = 1.0
"""Seconds after which what another process's desk wrote is sent …"""
SUCCESSION = 15.0
"""… and after which news that another process took in and did not live to write is written."""
LEAST = 0.02
FAILED = 1.0

log = get(__name__)


class Worker:
    """Runs the desk and the deliverer until it is told to stop."""

    def __init__(self, db: Database, desk: Desk, deliverer: Deliverer, clock: Clock) -> None:
        self._db, self._desk, self._deliverer, self._clock = db, desk, deliverer, clock
        self._in_flight: set[asyncio.Task[None]] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; deliveries in flight are finished."""
        await _patiently(self._deliverer.start, stop)
        await asyncio.gather(self._loop(self._plan, stop, rest=4), self._loop(self._send, stop))
        if self._in_flight:
            await asyncio.wait(self._in_flight)

    async def _loop(self, step: Callable[[], Awaitable[float]], stop: asyncio.Event, *, rest: float = 0) -> None:
        """`step` tells how many seconds to wait at most; news cuts the wait short, but not the rest.

        `rest`: so many times as long as the step took. In a storm each look at the news is longer than the last.
        """
        clock = asyncio.get_running_loop().time
        news = self._db.listen(CHANNEL)
        try:
            while not stop.is_set():
                news.clear()
                started = clock()
                try:
                    wait = await step()
                except CitewatchError as error:
                    log.warning("waiting", error=str(error))
                    wait = FAILED
                if rest:
                    await _either(stop, stop, rest * (clock() - started))
                await _either(stop, news, max(wait, LEAST))
        finally:
            self._db.forget(CHANNEL, news)

    async def _plan(self) -> float:
        again = await self._desk.look(self._clock.now())
        return self._until(again, SUCCESSION)

    async def _send(self) -> float:
        room = AT_ONCE - len(self._in_flight)
        if room <= 0:
            await asyncio.wait(self._in_flight, return_when=asyncio.FIRST_COMPLETED)
            return 0
        now = self._clock.now()
        async with self._db.read() as tx:
            due, fallen = await outgoing.next_due(tx), await outgoing.any_leased(tx, now)
        if not fallen and (due is None or due > now):
            return self._until(due, POLL)
        claimed = await self._deliverer.claim(room)
        for delivery in claimed:
            self._start(delivery)
        return 0 if claimed else POLL

    def _start(self, delivery: Delivery) -> None:
        task = asyncio.create_task(self._deliver(delivery))
        self._in_flight.add(task)
        task.add_done_callback(self._in_flight.discard)

    async def _deliver(self, delivery: Delivery) -> None:
        try:
            await self._deliverer.deliver(delivery)
        except CitewatchError as error:
            # The lease runs out, and then it is unsent or uncertain by what was committed.
            log.warning("delivery interrupted", id=delivery.delivery_id, error=str(error))

    def _until(self, moment: datetime | None, longest: float) -> float:
        return longest if moment is None else min((moment - self._clock.now()).total_seconds(), longest)


async def _patiently(step: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await step()
            return
        except CitewatchError as error:
            log.warning("waiting", error=str(error))
            await _either(stop, stop, FAILED)


async def _either(first: asyncio.Event, second: asyncio.Event, seconds: float) -> None:
    waits = [asyncio.ensure_future(one.wait()) for one in {first, second}]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
