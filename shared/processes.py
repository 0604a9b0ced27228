"""Work for which the event loop does not wait: a little in a thread, much in processes of their own.

    a piece ─► the next free place: at a process (several each, so that it never waits); while none is open, in a thread

One thread and no more, and none beside the processes: a thread that computes takes the interpreter from the loop, which
then feeds nobody. The processes take the fall for a document that kills a parser of C++: what was in hand with it is
done again one at a time, and only the culprit stays undone. They come when there is much to do, and go when there was
nothing for a while: the first is worth some 35 MB, each further one 15.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar, TypeVarTuple

from shared.errors import CitewatchError
from shared.logs import get
from shared.team import Broken, Member, Team

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")
IDLE = 60.0
"""Seconds without work after which they go."""
FEW = 2
"""Pieces in hand from which processes that are open are given the short ones too."""

log = get(__name__)


@dataclass(frozen=True, slots=True, order=True)
class _Place:
    """Where a piece of work is done; of all processes the one with the fewest pieces comes first."""

    order: int
    member: Member | None = field(default=None, compare=False)
    """None: a thread of this process."""


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
        self._team: Team | None = None
        self._opening: asyncio.Task[None] | None = None
        self._rest: asyncio.TimerHandle | None = None
        self._alone = asyncio.Lock()
        self._places: asyncio.PriorityQueue[_Place] = asyncio.PriorityQueue()
        """Those that are free."""
        self._places.put_nowait(_THREAD)
        self._in_thread = False
        self.in_hand = 0
        """Pieces between begin and end of `held`."""

    @property
    def ids(self) -> list[int]:
        """Ids of the processes that are open."""
        return sorted(member.pid for member in self._members)

    @property
    def _members(self) -> Sequence[Member]:
        return self._team.members if self._team is not None else ()

    @property
    def crowded(self) -> bool:
        """Whether so much is in hand that even what is short is better done in the processes, and they have room."""
        return self._team is not None and self.in_hand > FEW and not self._places.empty()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Around what one piece of work is done for; more than `many` at once have the processes opened."""
        self.in_hand += 1
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None
        if self.in_hand > self._many and self._opening is None:
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
        self._in_thread = self._in_thread or place is _THREAD
        try:
            return await self._at(place.member, job, *arguments)
        finally:
            self._give_back(place)

    async def run_apart(self, job: Callable[[*Arguments], T], *arguments: *Arguments) -> T:
        """As `run`, and never in this process if one can be opened: for what it may have died of before."""
        if self._team is None:
            self._opening = self._opening or asyncio.create_task(self._open())
            await asyncio.shield(self._opening)
        least = min(self._members, key=lambda member: member.in_hand, default=None)
        return await self._at(least, job, *arguments)

    async def _at(self, member: Member | None, job: Callable[[*Arguments], T], *arguments: *Arguments) -> T:
        if member is None:
            return await asyncio.to_thread(job, *arguments)
        try:
            return await member.do(job, *arguments)
        except Broken:
            if member in self._members:
                log.warning("a process died", work=self._what, in_hand=self.in_hand)
                self.close()
        return await self._one_at_a_time(job, *arguments)

    async def _one_at_a_time(self, job: Callable[[*Arguments], T], *arguments: *Arguments) -> T:
        """In a process for this piece alone, so that it is known which one kills."""
        async with self._alone:
            alone = await Team.open(self._module, 1)
            try:
                return await alone.members[0].do(job, *arguments)
            except Broken as error:
                raise Killed(f"{self._what}: it kills the process that does it") from error
            finally:
                alone.close()

    async def _open(self) -> None:
        try:
            self._team = await Team.open(self._module, self._most)
        except (OSError, Broken, TimeoutError) as error:  # no memory for them; the thread does it all, more slowly
            log.warning("no processes", work=self._what, error=str(error))
        else:
            self._free(_Place(order, member) for order in range(self._deep) for member in self._members)

    def _give_back(self, place: _Place) -> None:
        if place is _THREAD:
            self._in_thread = False
        if place.member in self._members or (place is _THREAD and self._team is None):
            self._places.put_nowait(place)

    def _free(self, places: Iterable[_Place]) -> None:
        """These places, and no others."""
        while not self._places.empty():
            self._places.get_nowait()
        for place in places:
            self._places.put_nowait(place)

    def _dismiss(self) -> None:
        """End them when they are through with what they have."""
        if any(member.in_hand for member in self._members):
            self._rest = asyncio.get_running_loop().call_later(IDLE, self._dismiss)
        else:
            self.close()

    def close(self) -> None:
        """End them now; they are opened again when they are needed."""
        team = self._team
        if self._rest is not None:
            self._rest.cancel()
        if self._opening is not None:
            self._opening.cancel()
        self._team, self._opening, self._rest = None, None, None
        self._free([] if self._in_thread else [_THREAD])
        if team is not None:
            team.close()


_THREAD = _Place(0)
