"""Where pages are read, judged and packed: a short one at once, a few in a thread, many in processes of their own.

The processes give the event loop its processor back, and take the fall for a page that kills a parser of C++:
the pages that were being read with it are read again one at a time, and only the culprit stays unread.
"""

import asyncio
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace

from services.linkcheck import lifeline
from services.linkcheck.archive.snapshots import Capture, Packed, pack
from services.linkcheck.core.assess import GOOD, Assessment, Material, assess
from services.linkcheck.core.model import Observation, Page
from shared.logs import get
from shared.outbound.exchange import Exchange

INLINE = 16_384
"""Bodies up to this many bytes are read at once: handing them over would cost as much."""
MANY = 8
"""Long pages in hand from which processes are worth their memory (some 40 MB each)."""
OPENING = 60.0
"""Seconds for a process to begin."""

log = get(__name__)


@dataclass(frozen=True, slots=True)
class Read:
    """What was found, and the capture packed as evidence of it where one was asked for and nothing is in doubt."""

    found: Assessment
    packed: Packed | None


def read(observation: Observation, material: Material, capture: Capture | None) -> Read:
    """Assess, and pack the answer where its text is: neither comes back when the page is good."""
    found = assess(observation, material)
    if capture is None or found.verdict.wants_probe:
        return Read(found, None)
    packed = pack(capture, found.observation.page)
    return Read(found.without_text() if found.verdict.outcome in GOOD else found, packed)


class Readers:
    """Runs `read` and `pack` where the event loop does not wait for them."""

    def __init__(self, most: int | None = None) -> None:
        self._most = most or max(1, (os.cpu_count() or 1) - 1)  # one processor is for the event loop
        self._pool: ProcessPoolExecutor | None = None
        self._opening: asyncio.Task[None] | None = None
        self._alone = asyncio.Lock()
        self.reading = 0
        """Long pages in hand."""

    @property
    def processes(self) -> list[int]:
        """Ids of the processes that are open."""
        return sorted(self._pool._processes) if self._pool is not None else []

    async def read(self, observation: Observation, material: Material, capture: Capture | None = None) -> Read:
        """As `read`."""
        if material.answer is None or _is_short(material.answer):
            return read(observation, material, capture)
        self.reading += 1
        try:
            return await self._off_the_loop(observation, material, capture)
        finally:
            self.reading -= 1

    async def _off_the_loop(self, observation: Observation, material: Material, capture: Capture | None) -> Read:
        if self.reading > MANY and self._pool is None and self._opening is None:
            self._opening = asyncio.create_task(self._open())
        if self._pool is None:
            return await asyncio.to_thread(read, observation, material, capture)
        pool = self._pool
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, read, observation, material, capture)
        except BrokenProcessPool:
            if self._pool is pool:
                log.warning("a process that reads pages died", pages=self.reading)
                self.close()
            return await self._one_at_a_time(observation, material, capture)

    async def pack(self, capture: Capture, page: Page | None) -> Packed:
        """As `archive.snapshots.pack`."""
        if capture.revisited is not None or all(_is_short(exchange) for exchange in capture.exchanges):
            return pack(capture, page)
        return await asyncio.to_thread(pack, capture, page)

    async def _one_at_a_time(self, observation: Observation, material: Material, capture: Capture | None) -> Read:
        """In a process for this page alone, so that it is known which one kills."""
        async with self._alone:
            pool = _pool(1)
            try:
                return await asyncio.get_running_loop().run_in_executor(pool, read, observation, material, capture)
            except BrokenProcessPool:
                log.warning("a page kills the process that reads it", url=observation.final_url)
                unread = Page((material.answer and material.answer.header("content-type")) or "", readable=False)
                return read(replace(observation, page=unread), material, capture)
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    async def _open(self) -> None:
        pool = _pool(self._most)
        try:
            await asyncio.to_thread(_warm, pool, self._most)
        except (OSError, BrokenProcessPool, TimeoutError) as error:  # no memory for them; threads do, more slowly
            pool.shutdown(wait=False, cancel_futures=True)
            log.warning("no processes for reading pages", error=str(error))
        except asyncio.CancelledError:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        else:
            self._pool = pool

    def close(self) -> None:
        """End the processes; they are opened again when they are needed."""
        if self._opening is not None:
            self._opening.cancel()
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = self._opening = None


def _is_short(exchange: Exchange) -> bool:
    """A body in a content coding may be as long as it likes."""
    return len(exchange.body) <= INLINE and exchange.header("content-encoding") is None


def _pool(processes: int) -> ProcessPoolExecutor:
    """Spawned, since a fork of a process with threads may hang."""
    return ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), lifeline.begin)


def _warm(pool: ProcessPoolExecutor, processes: int) -> None:
    """Until the processes are there."""
    for ready in [pool.submit(os.getpid) for _ in range(processes)]:
        ready.result(OPENING)
