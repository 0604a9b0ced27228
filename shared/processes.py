"""Work for which the event loop does not wait: a little in a thread, much in processes of their own.

    a piece ─► the next free place: at a process (several each, served first), or the one in a thread of this process

One thread and no more, for two that compute leave the loop little of the interpreter; it goes on when the processes
have all they can take, so that no processor idles. The processes take the fall for a document that kills a parser of
C++: what was in hand with it is done again one at a time, and only the culprit stays undone. They come when there is
much to do, and go when there was nothing for a while: each is worth some 40 MB.
"""

import asyncio
import contextlib
import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from typing import TypeVar, TypeVarTuple

from shared import lifeline
from shared.errors import CitewatchError
from shared.logs import get

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")
OPENING = 60.0
"""Seconds for a process to begin."""
IDLE = 60.0
"""Seconds without work after which they go."""
FEW = 2
"""Pieces in hand from which processes that are open are given the short ones too."""

log = get(__name__)


_AT_A_PROCESS, _IN_A_THREAD = range(2)


@dataclass(frozen=True, slots=True, order=True)
class _Place:
    """Where a piece of work is done; those at processes are taken first."""

    order: int
    pool: ProcessPoolExecutor | None = field(default=None, compare=False)
    """None: the loop's own threads."""


class Killed(CitewatchError):
    """A piece of work that kills the process that does it."""


class Processes:
    """Does pure functions of what can be pickled. `what` is their work in a word, for the log; `module` has them.

    `many`: pieces in hand from which processes are opened, `most` of them (one processor is for the event loop).
    `deep`: pieces that a process has at once; with more they would wait longer than it takes to do them here.
    """

    def __init__(self, what: str, module: str, *, many: int, deep: int, most: int | None = None) -> None:
        self._what, self._module, self._many, self._deep = what, module, many, deep
        self._most = most or max(1, (os.cpu_count() or 1) - 1)
        self._pool: ProcessPoolExecutor | None = None
        self._opening: asyncio.Task[None] | None = None
        self._rest: asyncio.TimerHandle | None = None
        self._alone = asyncio.Lock()
        self._places: asyncio.PriorityQueue[_Place] = asyncio.PriorityQueue()
        """Those that are free."""
        self._places.put_nowait(_Place(_IN_A_THREAD))
        self.in_hand = 0
        """Pieces between begin and end of `held`."""

    @property
    def ids(self) -> list[int]:
        """Ids of the processes that are open."""
        return sorted(self._pool._processes) if self._pool is not None else []

    @property
    def crowded(self) -> bool:
        """Whether so much is in hand that even what is short is better done in the processes, and they have room."""
        return self._pool is not None and self.in_hand > FEW and self._places.qsize() > 1

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Around what one piece of work is done for; more than `many` at once have the processes opened."""
        self.in_hand += 1
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None
        if self.in_hand > self._many and self._pool is None and self._opening is None:
            self._opening = asyncio.create_task(self._open())
        try:
            yield
        finally:
            self.in_hand -= 1
            if self.in_hand == 0 and self._opening is not None:
                self._rest = asyncio.get_running_loop().call_later(IDLE, self._dismiss)

    async def run(self, job: Callable[[*Arguments], T], *arguments: *Arguments) -> T:
        """At the next free place. Raises what the job raises, and `Killed`."""
        place = await self._places.get()
        try:
            return await self._in(place.pool, job, *arguments)
        finally:
            if place.pool in (None, self._pool):
                self._places.put_nowait(place)

    async def run_apart(self, job: Callable[[*Arguments], T], *arguments: *Arguments) -> T:
        """As `run`, and never in this process if one can be opened: for what it may have died of before."""
        if self._pool is None:
            self._opening = self._opening or asyncio.create_task(self._open())
            await asyncio.shield(self._opening)
        return await self._in(self._pool, job, *arguments)

    async def _in(self, pool: ProcessPoolExecutor | None, job: Callable[[*Arguments], T], *arguments: *Arguments) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, job, *arguments)
        except BrokenProcessPool:
            if self._pool is pool:
                log.warning("a process died", work=self._what, in_hand=self.in_hand)
                self.close()
        return await self._one_at_a_time(job, *arguments)

    async def _one_at_a_time(self, job: Callable[[*Arguments], T], *arguments: *Arguments) -> T:
        """In a process for this piece alone, so that it is known which one kills."""
        async with self._alone:
            pool = _pool(1, self._module)
            try:
                return await asyncio.get_running_loop().run_in_executor(pool, job, *arguments)
            except BrokenProcessPool as error:
                raise Killed(f"{self._what}: it kills the process that does it") from error
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    async def _open(self) -> None:
        pool = _pool(self._most, self._module)
        try:
            await asyncio.to_thread(_warm, pool, self._most)
        except (OSError, BrokenProcessPool, TimeoutError) as error:  # no memory for them; threads do, more slowly
            pool.shutdown(wait=False, cancel_futures=True)
            log.warning("no processes", work=self._what, error=str(error))
        except asyncio.CancelledError:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        else:
            self._pool = pool
            for _ in range(self._deep * self._most):
                self._places.put_nowait(_Place(_AT_A_PROCESS, pool))

    def _dismiss(self) -> None:
        """End them when they are through with what they have."""
        if self._pool is not None:
            self._pool.shutdown(wait=False)
        self._forget()

    def close(self) -> None:
        """End them now; they are opened again when they are needed."""
        if self._rest is not None:
            self._rest.cancel()
        if self._opening is not None:
            self._opening.cancel()
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
        self._forget()

    def _forget(self) -> None:
        self._pool = self._opening = self._rest = None
        free = [self._places.get_nowait() for _ in range(self._places.qsize())]
        for place in free:
            if place.pool is None:
                self._places.put_nowait(place)


def _pool(processes: int, module: str) -> ProcessPoolExecutor:
    """Spawned, since a fork of a process with threads may hang."""
    return ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), lifeline.begin, (module,))


def _warm(pool: ProcessPoolExecutor, processes: int) -> None:
    """Until the processes are there."""
    for ready in [pool.submit(os.getpid) for _ in range(processes)]:
        ready.result(OPENING)
