"""The second ways out: the operator's proxies, asked in turn until one does its part (`core.vantage` says when).

**What they may reach** is what may be reached without them. Names are looked up here, once a hop; every answer is
vetted; and the proxy is asked to connect to that very address. So a proxy that stands inside a private network opens
nothing of it, and it is shown no name. The price: a name that our name servers do not know cannot be asked for, and
sites that send visitors elsewhere by DNS are seen where we stand, from the proxy's address.

**What they prove**: a proxy that is away, refuses us, or reaches none of the canaries tells nothing of the link, so it
neither makes nor unmakes a death; the next one is asked.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from services.linkcheck.canaries import Canaries
from services.linkcheck.core.model import Observation
from services.linkcheck.fetch import Fetcher, Session
from shared.logs import get
from shared.outbound.proxy import NoWayOut, ProxyUrl

T = TypeVar("T")
log = get(__name__)


@dataclass(frozen=True, slots=True)
class Way:
    """A session over one way out, and the canaries seen from there."""

    session: Session
    canaries: Canaries

    async def holds(self, observation: Observation) -> None:
        """Raises `NoWayOut` when what was seen says more of this way than of the link."""
        if await self.canaries.are_silent(observation):
            raise NoWayOut("Not one of the canaries answers through the proxy.")


class Vantages:
    """All second ways out, in the order of the settings."""

    def __init__(self, fetcher: Fetcher, proxies: Sequence[ProxyUrl], canary_urls: Sequence[str]) -> None:
        fetchers = [fetcher.through(proxy) for proxy in proxies]
        self._ways = [(one, Canaries(one, canary_urls)) for one in fetchers]

    def __len__(self) -> int:
        return len(self._ways)

    async def ask(self, question: Callable[[Way], Awaitable[T]]) -> T | None:
        """The answer to a question, by the first way that holds; None: none does."""
        for number, (fetcher, canaries) in enumerate(self._ways):
            try:
                async with fetcher.session() as session:
                    return await question(Way(session, canaries))
            except NoWayOut as error:
                log.warning("a second way out does not hold", proxy=number + 1, error=str(error))
        return None
