"""Has what we cite kept by another archive too: one request after another, beside the checks and never in their way.

first good capture ─► wish (a row, in the same transaction) ─► POST ─► job? ─► status … ─► memento on the link

A wish that fails is tried again, later each time, and given up after `PATIENCE.tries`. A process that dies in between
asks once more: archives take the same page twice.
"""

import asyncio
import random
from datetime import timedelta

from services.linkcheck.core.savepage import Answer, Endpoint, Request
from services.linkcheck.fetch.manners import retry_at
from services.linkcheck.resting import rest
from services.linkcheck.store import saves
from services.linkcheck.store.saves import Wish
from shared.backoff import Backoff, next_try
from shared.clock import Clock
from shared.db import Database
from shared.errors import RetryLater, Unavailable
from shared.eventlog.upkeep import sleep
from shared.logs import get
from shared.outbound.client import Outbound
from shared.outbound.exchange import Exchange, Fault

PACE = timedelta(seconds=5)
"""Between two requests: the Internet Archive takes some twelve a minute from one sender."""
DEADLINE = 60.0
LEASE = timedelta(seconds=90)
MAX_ANSWER = 1_048_576
IDLE = timedelta(seconds=60)
PATIENCE = Backoff(base=timedelta(seconds=60), cap=timedelta(hours=6), tries=9)
"""For an archive that fails: about a day altogether."""
AT_WORK = Backoff(base=timedelta(seconds=10), factor=2.0, cap=timedelta(minutes=10), tries=12)
"""For one that is at work."""

log = get(__name__)


class Saver:
    """Asks one archive."""

    def __init__(
        self, db: Database, outbound: Outbound, clock: Clock, endpoint: Endpoint, pace: timedelta = PACE
    ) -> None:
        self._db, self._outbound, self._clock, self.endpoint, self._pace = db, outbound, clock, endpoint, pace

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`."""
        news = self._db.listen(saves.WISHED)
        try:
            while not stop.is_set():
                news.clear()
                try:
                    busy = await self.step()
                except (Unavailable, RetryLater) as error:
                    log.warning("wishes wait for the store", error=str(error))
                    busy = False
                if busy:
                    await sleep(stop, self._pace)
                else:
                    await rest(self._db, self._clock, saves.next_due, stop, news, least=self._pace, most=IDLE)
        finally:
            self._db.forget(saves.WISHED, news)

    async def step(self) -> bool:
        """Ask for one page, if one is due."""
        async with self._db.write() as tx:
            wish = await saves.take(tx, self._clock.now(), LEASE)
        if wish is None:
            return False
        answer, asked = await self._ask(wish)
        await self._keep(wish, answer, asked)
        return True

    async def _ask(self, wish: Wish) -> tuple[Answer, timedelta | None]:
        """What the archive says, and how long it wants to be left alone."""
        endpoint = self.endpoint
        request = endpoint.ask(wish.url) if wish.job_id is None else endpoint.ask_after(wish.job_id)
        found = await self._send(request)
        if isinstance(found, Fault):
            return Answer("waiting", f"The archive does not answer: {found.reason}.", wish.job_id), None
        headers = {name.lower(): value for name, value in found.headers}
        now = self._clock.now()
        until = retry_at(found, now)
        answer = endpoint.understand(found.status, headers, found.body, wish.job_id)
        return answer, None if until is None else until - now

    async def _send(self, request: Request) -> Exchange | Fault:
        return await self._outbound.exchange(
            request.method, request.url, headers=request.headers, body=request.body, deadline=DEADLINE,
            max_body=MAX_ANSWER,
        )  # fmt: skip

    async def _keep(self, wish: Wish, answer: Answer, asked: timedelta | None) -> None:
        """Write it down; what is not over gets its next time, or is given up."""
        now, due_at = self._clock.now(), None
        new_job = answer.state == "asked" and wish.job_id is None
        tries = 1 if new_job else wish.tries + 1
        if answer.state in ("waiting", "asked"):
            rules = AT_WORK if answer.state == "asked" else PATIENCE
            wait = next_try(rules, tries, random.random(), asked)
            due_at = now + wait if wait is not None else None
        if answer.state in ("waiting", "asked") and due_at is None:
            answer = Answer("failed", f"Given up after {tries} tries. {answer.detail}", answer.job_id)
        async with self._db.write() as tx:
            await saves.settle(tx, wish.link_id, answer, tries, now, due_at)
        log.info("another archive was asked", link=wish.link_id, state=answer.state, detail=answer.detail)
