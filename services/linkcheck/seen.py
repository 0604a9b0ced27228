"""What came back for a link, before it is read: fetched, and compared with the last answer."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from services.linkcheck.core.assess import GOOD
from services.linkcheck.core.dossier import Link
from services.linkcheck.core.model import Hop, Observation
from services.linkcheck.fetch import Fetched, Session
from shared.outbound.exchange import Exchange


@dataclass(frozen=True, slots=True)
class Seen:
    """One way's answers."""

    fetched: Fetched
    observation: Observation
    otherwise: tuple[Exchange, ...] = ()
    """What came by the way out that does not count, where two were asked: kept as evidence beside this."""

    @property
    def answer(self) -> Exchange | None:
        """The final answer, where there is something new to be read."""
        if self.fetched.fault is not None or self.observation.not_modified or not self.fetched.exchanges:
            return None
        return self.fetched.exchanges[-1]

    @property
    def evidence(self) -> tuple[Exchange, ...]:
        """All answers; the one that counts is the last."""
        return (*self.otherwise, *self.fetched.exchanges) if self.fetched.exchanges else ()

    def validator(self, name: str, before: str | None) -> str | None:
        """A validator of this answer, to be asked with next time; a 304 keeps the one that it confirmed."""
        if self.fetched.not_modified:
            return before
        return self.fetched.exchanges[-1].header(name) if self.fetched.exchanges else None


async def look(link: Link, session: Session) -> Seen:
    """Fetch a link, on the conditions of its last good answer."""
    conditional = link.outcome in GOOD
    fetched = await session.fetch(
        link.url,
        etag=link.etag if conditional else None,
        last_modified=link.last_modified if conditional else None,
        validated=link.final_url,
    )
    return Seen(fetched, _observe(link, fetched))


def _observe(link: Link, fetched: Fetched) -> Observation:
    last = fetched.exchanges[-1] if fetched.exchanges else None
    same = (
        last is not None
        and link.snapshot is not None
        and fetched.fault is None
        and (last.status, last.url) == (link.http_status, link.final_url)
        and hashlib.sha256(last.body).hexdigest() == link.snapshot.sha256
    )
    return Observation(
        url=link.url,
        hops=tuple(_hops(fetched)),
        fault=fetched.fault,
        body_length=len(last.body) if last is not None else 0,
        truncated=last.truncated if last is not None else None,
        not_modified=fetched.not_modified or same,
    )


def _hops(fetched: Fetched) -> Iterator[Hop]:
    targets = [exchange.url for exchange in fetched.exchanges[1:]] + [None]
    for exchange, target in zip(fetched.exchanges, targets, strict=False):  # none where nobody answered
        yield Hop(exchange.url, exchange.status, exchange.headers, target, exchange.peer.address)
