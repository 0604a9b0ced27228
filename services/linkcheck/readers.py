"""Where pages are read, judged and packed: a short one at once, a few in a thread, many in processes of their own."""

import asyncio
import os
from dataclasses import replace

from services.linkcheck.archive.packing import Capture, Packed, pack
from services.linkcheck.core.assess import Material, page_of
from services.linkcheck.core.model import Observation, Page
from services.linkcheck.reading import Read, read
from shared.logs import get
from shared.outbound.exchange import Exchange
from shared.processes import Killed, Processes

INLINE = 16_384
"""Bodies up to this many bytes are read at once: handing them over would cost as much."""
MANY = 8
"""Long pages in hand from which processes are worth their memory."""
DEEP = 8
"""Pages that a process has at once: enough that it never waits, and few enough to lie in memory twice."""

MOST = min(8, os.cpu_count() or 1)
"""Processes: one for every processor, as the loop needs little of its own, and no more than it can feed."""

log = get(__name__)


class Readers:
    """Runs `read` and `pack` where the event loop does not wait for them."""

    def __init__(self, most: int = MOST) -> None:
        self._processes = Processes("reading pages", read.__module__, many=MANY, deep=DEEP, most=most)

    @property
    def processes(self) -> list[int]:
        """Ids of the processes that are open."""
        return self._processes.ids

    @property
    def reading(self) -> int:
        """Long pages in hand."""
        return self._processes.in_hand

    async def read(
        self, observation: Observation, material: Material, capture: Capture | None = None, *, apart: bool = False
    ) -> Read:
        """As `read`. `apart`: not in this process, which may have died of the page before."""
        if material.answer is None or (_is_short(material.answer) and not apart):
            return read(observation, material, capture)
        run = self._processes.run_apart if apart else self._processes.run
        with self._processes.held():
            try:
                return await run(read, observation, material, capture)
            except Killed:
                log.warning("a page kills the process that reads it", url=observation.final_url)
                unread = Page(material.answer.header("content-type") or "", readable=False)
                return read(replace(observation, page=unread), material, capture)

    async def page_of(self, answer: Exchange, url: str, *, apart: bool) -> Page:
        """What can be read of an answer, as by `assess.page_of`."""
        if not apart:
            return page_of(answer, url)[0]
        with self._processes.held():
            try:
                return (await self._processes.run_apart(page_of, answer, url))[0]
            except Killed:
                return Page(answer.header("content-type") or "", readable=False)

    async def pack(self, capture: Capture, page: Page | None) -> Packed:
        """As `archive.snapshots.pack`."""
        if capture.revisited is not None or all(_is_short(exchange) for exchange in capture.exchanges):
            return pack(capture, page)
        return await asyncio.to_thread(pack, capture, page)

    def close(self) -> None:
        """End the processes; they are opened again when they are needed."""
        self._processes.close()


def _is_short(exchange: Exchange) -> bool:
    """A body in a content coding may be as long as it likes."""
    return len(exchange.body) <= INLINE and exchange.header("content-encoding") is None
