"""Asks the canaries when a check may have failed by our own fault (`core.vantage` says when, and what it means)."""

import asyncio
from collections.abc import Sequence

from services.linkcheck.core.model import Hop, Observation
from services.linkcheck.core.vantage import Recent, doubtful, our_fault
from services.linkcheck.fetch import Fetcher
from shared.outbound.exchange import Fault

FRESH = 10.0
"""Seconds that an answer of the canaries holds."""
PATIENCE = 5.0


class Canaries:
    """Pages of others that tell our own network's failure."""

    def __init__(self, fetcher: Fetcher, urls: Sequence[str]) -> None:
        self._fetcher, self._urls = fetcher, urls
        self._asked_at = float("-inf")
        self._silent = False
        self._asking = asyncio.Lock()

    async def are_silent(self, observation: Observation) -> bool:
        """Whether this failure is our own: all canaries fail too. Without canaries it never is."""
        if not self._urls or not doubtful(observation):
            return False
        async with self._asking:
            now = asyncio.get_running_loop().time()
            if now - self._asked_at > FRESH:
                answers = await asyncio.gather(*(self._ask(url) for url in self._urls))
                self._silent = our_fault(answers, Recent(0, 0))
                self._asked_at = asyncio.get_running_loop().time()
        return self._silent

    async def _ask(self, url: str) -> Observation:
        found = await self._fetcher.outbound.exchange("GET", url, deadline=PATIENCE, max_body=65_536)
        if isinstance(found, Fault):
            return Observation(url, fault=found)
        return Observation(url, (Hop(found.url, found.status),))
