"""Tells our own network's failure from the web's: when every canary is silent, no verdict is made."""

import asyncio
from collections.abc import Sequence

from services.linkcheck.fetch import Fetcher
from shared.outbound.exchange import Fault, FaultReason

NETWORK: frozenset[FaultReason] = frozenset(
    {"dns_nxdomain", "dns_failure", "connect_refused", "connect_timeout", "read_timeout", "total_timeout", "reset"}
)
"""Faults that our own line can cause."""
FRESH = 10.0
"""Seconds that an answer of the canaries holds."""
PATIENCE = 5.0


class Canaries:
    """Asked only when a link fails in a way that may be our own fault."""

    def __init__(self, fetcher: Fetcher, urls: Sequence[str]) -> None:
        self._fetcher, self._urls = fetcher, urls
        self._asked_at = float("-inf")
        self._silent = False
        self._asking = asyncio.Lock()

    async def are_silent(self, fault: Fault | None) -> bool:
        """Whether this fault is our own: all canaries fail too. Without canaries it never is."""
        if fault is None or fault.reason not in NETWORK or not self._urls:
            return False
        async with self._asking:
            now = asyncio.get_running_loop().time()
            if now - self._asked_at > FRESH:
                answers = await asyncio.gather(*(self._answers(url) for url in self._urls))
                self._silent, self._asked_at = not any(answers), asyncio.get_running_loop().time()
        return self._silent

    async def _answers(self, url: str) -> bool:
        found = await self._fetcher.outbound.exchange("GET", url, deadline=PATIENCE, max_body=65_536)
        return not isinstance(found, Fault)
