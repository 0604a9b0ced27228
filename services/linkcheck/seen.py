"""What came back for a link, before it is judged: fetched, decoded within bounds, and compared with the last answer."""

import asyncio
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from services.linkcheck.core.assess import GOOD
from services.linkcheck.core.dossier import Link
from services.linkcheck.core.model import Hop, Observation
from services.linkcheck.fetch import Fetched, Session
from services.linkcheck.readers import INLINE
from shared.outbound.coding import decode
from shared.outbound.exchange import Exchange


@dataclass(frozen=True, slots=True)
class Seen:
    """One way's answers, and what is read of them."""

    fetched: Fetched
    observation: Observation
    body: bytes | None
    content_type: str | None
    otherwise: tuple[Exchange, ...] = ()
    """What came by the way out that does not count, where two were asked: kept as evidence beside this."""

    @property
    def evidence(self) -> tuple[Exchange, ...]:
        """All answers; the one that counts is the last."""
        return (*self.otherwise, *self.fetched.exchanges) if self.fetched.exchanges else ()

    def validator(self, name: str, before: str | None) -> str | None:
        """A validator of this answer, to be asked with next time; a 304 keeps the one that it confirmed."""
        if self.fetched.not_modified:
            return before
        return self.fetched.exchanges[-1].header(name) if self.fetched.exchanges else None


async def look(link: Link, session: Session, max_decoded: int) -> Seen:
    """Fetch a link, and read its answer as far as it is new. `max_decoded`: bytes of a decoded body that are read."""
    conditional = link.outcome in GOOD
    fetched = await session.fetch(
        link.url,
        etag=link.etag if conditional else None,
        last_modified=link.last_modified if conditional else None,
        validated=link.final_url,
    )
    last = fetched.exchanges[-1] if fetched.exchanges and fetched.fault is None else None
    observation = _observe(link, fetched)
    if last is None or observation.not_modified:
        return Seen(fetched, observation, None, None)
    body, cut = await _decoded(last, max_decoded)
    if cut and observation.truncated is None:
        observation = replace(observation, truncated="length")
    return Seen(fetched, observation, body, last.header("content-type"))


async def _decoded(exchange: Exchange, limit: int) -> tuple[bytes, bool]:
    """Long bodies are decoded in a thread: the loop must not wait for them."""
    if len(exchange.body) <= INLINE:
        return decode(exchange, limit)
    return await asyncio.to_thread(decode, exchange, limit)


def _observe(link: Link, fetched: Fetched) -> Observation:
    last = fetched.exchanges[-1] if fetched.exchanges else None
    digest = hashlib.sha256(last.body).hexdigest() if last is not None else None
    same = (
        last is not None
        and link.snapshot is not None
        and fetched.fault is None
        and (last.status, last.url, digest) == (link.http_status, link.final_url, link.snapshot.sha256)
    )
    return Observation(
        url=link.url,
        hops=tuple(_hops(fetched)),
        fault=fetched.fault,
        body_sha256=digest,
        body_length=len(last.body) if last is not None else 0,
        truncated=last.truncated if last is not None else None,
        not_modified=fetched.not_modified or same,
    )


def _hops(fetched: Fetched) -> Iterator[Hop]:
    targets = [exchange.url for exchange in fetched.exchanges[1:]] + [None]
    for exchange, target in zip(fetched.exchanges, targets, strict=False):  # none where nobody answered
        yield Hop(exchange.url, exchange.status, exchange.headers, target, exchange.peer.address)
