"""One check of one link, read top-down:

    fetch → read → judge (probe the host when in doubt) → capture → support → transition → events

`Visit` is a turn at one host: it keeps connections, pace and what is known of the host for many checks.
`Checker.keep` makes the captures of a group durable; only then may the group's transaction mention them.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from services.linkcheck.archive.snapshots import Archive, Capture, KnownPayload
from services.linkcheck.core import schedule, support
from services.linkcheck.core.assess import GOOD, Assessment, Material, assess
from services.linkcheck.core.dossier import CheckResult, Citation, CitationResult, Link, Snapshot
from services.linkcheck.core.model import Finding, History, Hop, Observation, Page, Standing, Verdict
from services.linkcheck.core.transitions import ConfirmationRules, advance
from services.linkcheck.fetch import Fetched, Fetcher
from services.linkcheck.hostbook import HostBook
from services.linkcheck.store.dossiers import reference
from shared import metrics
from shared.clock import Clock
from shared.events import CitationChanged, CitationState, Memento
from shared.faults import point
from shared.ids import new_id
from shared.outbound.coding import decode

INLINE = 16_384
"""Bodies up to this many bytes are read at once; longer ones in a thread, so that the loop goes on."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings that a check obeys."""

    confirmation: ConfirmationRules
    recheck: schedule.Bounds
    max_decoded: int
    public_url: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A check ready to be kept: its result, its events, and what the archive must hold first."""

    result: CheckResult
    events: tuple[CitationChanged, ...]
    capture: Capture | None
    page: Page | None
    phases: Mapping[str, float]

    def count(self) -> None:
        """Tell the metrics."""
        metrics.CHECKS.labels(self.result.verdict.outcome).inc()
        for phase, seconds in self.phases.items():
            metrics.CHECK_DURATION.labels(phase).observe(seconds)
        if self.result.link.due_at is not None:
            lag = (self.result.checked_at - self.result.link.due_at).total_seconds()
            metrics.CHECK_LAG.observe(max(0.0, lag))
        for event in self.events:
            metrics.CITATION_CHANGES.labels(event.after.support, event.severity).inc()


class Suspended:
    """No verdict: the fault is our own."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What came back, before judgement."""

    fetched: Fetched
    observation: Observation
    body: bytes | None
    content_type: str | None


class Checker:
    """Wires the stages; has no state of its own between checks."""

    def __init__(self, fetcher: Fetcher, archive: Archive, hosts: HostBook, clock: Clock, rules: Rules) -> None:
        self.fetcher, self.archive, self.hosts, self.clock, self.rules = fetcher, archive, hosts, clock, rules

    @asynccontextmanager
    async def visit(self, host: str) -> AsyncIterator["Visit"]:
        """A turn at one host."""
        async with self.fetcher.session() as session:
            yield Visit(self, host, session)

    async def keep(self, group: Sequence[Checked]) -> list[Checked]:
        """Make the captures of a group durable; returns the group with the places where they are."""
        captures = [(one.capture, one.page) for one in group if one.capture is not None]
        stored = iter(await self.archive.store_many(captures))
        point("archived")
        return [one if one.capture is None else _placed(one, next(stored)) for one in group]


class Visit:
    """A turn at one host."""

    def __init__(self, checker: Checker, host: str, session: Session) -> None:
        self._checker, self._host, self._session = checker, host, session
        self._facts: HostFacts | None = None
        self._pages: dict[str, Page] = {}
        self.not_before: datetime | None = None
        """Set when the host asked to be left alone until then."""

    async def check(self, link: Link) -> Checked | Suspended:
        """The whole check of one link."""
        started = time.perf_counter()
        seen = await self._fetch(link)
        if await self._checker.network_is_down(seen.observation):
            return Suspended()
        found = await self._assess(link, seen)
        now = self._checker.clock.now()
        standing = advance(link.standing, found.verdict, now, self._checker.rules.confirmation)
        capture = self._capture(link, seen, now)
        snapshot = _snapshot(link, seen, found, capture, now)
        citations = tuple(_conclude(one, found, standing, snapshot or link.snapshot, now) for one in link.citations)
        result = self._result(link, seen, found, standing, snapshot, citations, now, time.perf_counter() - started)
        events = tuple(self._event(result, one) for one in citations if one.changed)
        point("fetched")
        page = found.observation.page if snapshot is not None and snapshot.payload_of is None else None
        return Checked(result, events, capture, page, seen.fetched.phases())

    async def _fetch(self, link: Link) -> _Seen:
        conditional = link.outcome in GOOD
        fetched = await self._session.fetch(
            link.url, etag=link.etag if conditional else None, last_modified=link.last_modified if conditional else None
        )
        self.not_before = fetched.retry_at
        last = fetched.exchanges[-1] if fetched.exchanges and fetched.fault is None else None
        observation = _observe(link, fetched)
        if last is None or observation.not_modified:
            return _Seen(fetched, observation, None, None)
        body, cut = decode(last, self._checker.rules.max_decoded)
        if cut and observation.truncated is None:
            observation = replace(observation, truncated="length")
        return _Seen(fetched, observation, body, last.header("content-type"))

    async def _assess(self, link: Link, seen: _Seen) -> Assessment:
        material = Material(
            link=link,
            history=await self._history(link),
            host=await self._host_facts(link, seen),
            body=seen.body,
            content_type=seen.content_type,
            pages=await self._known_pages(link, seen),
        )
        found = await _in_the_background(seen.observation, material)
        if not found.verdict.wants_probe:
            return found
        facts = await self._checker.hosts.probed(self._host, seen.observation.final_url, self._session)
        self._facts = facts
        return await _in_the_background(found.observation, replace(material, host=facts))
