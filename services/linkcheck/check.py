"""One check of one link, read top-down:

    fetch → read → judge (probe the host when in doubt; ask a second way out before the last strike)
          → capture → support → transition → events

`Visit` is a turn at one host: it keeps connections, pace and what is known of the host for many checks.
`Checker.keep` makes the captures of a group durable; only then may the group's transaction mention them.
"""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from services.linkcheck.archive.packing import Capture, Packed
from services.linkcheck.archive.snapshots import Archive
from services.linkcheck.archive.warc import Revisited
from services.linkcheck.canaries import Canaries
from services.linkcheck.core import schedule
from services.linkcheck.core.assess import GOOD, Assessment, Material, rebased
from services.linkcheck.core.conclude import conclude
from services.linkcheck.core.dossier import CheckResult, CitationResult, Link, Snapshot
from services.linkcheck.core.model import History, HostFacts, Page, Standing
from services.linkcheck.core.transitions import ConfirmationRules, advance
from services.linkcheck.core.vantage import combined, overruled, wants_second_opinion, without
from services.linkcheck.fetch import Fetcher, Session
from services.linkcheck.hostbook import HostBook
from services.linkcheck.mending import Mending
from services.linkcheck.readers import Readers
from services.linkcheck.seen import Seen, look
from services.linkcheck.tariff import Tariff
from services.linkcheck.vantages import Vantages, Way
from shared import metrics
from shared.clock import Clock
from shared.events import CitationChanged, Memento
from shared.faults import point
from shared.ids import new_id


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings that a check obeys."""

    confirmation: ConfirmationRules
    tariff: Tariff
    public_url: str
    save_elsewhere: bool = False
    """Whether another archive is asked to keep what was captured."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A check ready to be kept: its result, its events, and what the archive must hold first."""

    result: CheckResult
    events: tuple[CitationChanged, ...]
    packed: Packed | None
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


@dataclass(frozen=True, slots=True)
class Suspended:
    """No verdict: the fault is our own. `all`: with every link, not with this one alone. `soon`: ask again soon."""

    all: bool
    soon: bool = False


class Checker:
    """Wires the stages; has no state of its own between checks."""

    def __init__(
        self, fetcher: Fetcher, archive: Archive, hosts: HostBook, canaries: Canaries, vantages: Vantages,
        mending: Mending, readers: Readers, clock: Clock, rules: Rules,
    ) -> None:  # fmt: skip
        self.fetcher, self.archive, self.hosts = fetcher, archive, hosts
        self.canaries, self.vantages, self.mending = canaries, vantages, mending
        self.readers, self.clock, self.rules = readers, clock, rules

    @asynccontextmanager
    async def visit(self, host: str, facts: HostFacts, *, apart: bool = False) -> AsyncIterator["Visit"]:
        """A turn at one host, of which so much is known. `apart`: whoever had the last turn died in it; nothing that
        the host sends is read in this process.
        """
        async with self.fetcher.session() as session:
            yield Visit(self, host, facts, session, apart=apart)

    async def keep(self, group: Sequence[Checked]) -> None:
        """Make the captures of a group durable."""
        await self.archive.put([one.packed for one in group if one.packed is not None])
        point("archived")


class Visit:
    """A turn at one host."""

    def __init__(self, checker: Checker, host: str, facts: HostFacts, session: Session, *, apart: bool) -> None:
        self._checker, self._host, self._facts, self._session = checker, host, facts, session
        self._apart = apart
        self._pages: dict[str, Page] = {}
        self.not_before: datetime | None = None
        """Set when the host asked to be left alone until then."""

    async def check(self, link: Link) -> Checked | Suspended:
        """The whole check of one link."""
        started = time.perf_counter()
        link = await self._rebased(link)
        seen = await look(link, self._session)
        self.not_before, now = seen.fetched.retry_at, self._checker.clock.now()
        if await self._checker.canaries.are_silent(seen.observation):
            return Suspended(all=True)
        capture = _capture(link, seen, now)
        found, packed = await self._read(link, seen, self._session, capture)
        if self._may_kill(link, found, now):
            seen, found = await self._second_opinion(link, seen, found)
            now = self._checker.clock.now()
            capture, packed = _capture(link, seen, now), None
        standing = advance(link.standing, found.verdict, now, self._checker.rules.confirmation)
        if capture is not None and packed is None:
            packed = await self._checker.readers.pack(capture, found.observation.page)
        snapshot = _snapshot(link, seen, found, packed, now)
        citations = tuple(conclude(one, found, standing, snapshot or link.snapshot, now) for one in link.citations)
        result = self._result(link, seen, found, standing, snapshot, citations, now, time.perf_counter() - started)
        events = tuple([await self._event(result, one) for one in citations if one.changed])
        point("fetched")
        return Checked(result, events, packed, seen.fetched.phases())

    def _may_kill(self, link: Link, found: Assessment, now: datetime) -> bool:
        """Whether this is the last strike, and there is a second way out to be asked before it."""
        rules = self._checker.rules.confirmation
        return wants_second_opinion(link.standing, found.verdict, now, rules, len(self._checker.vantages))

    async def _rebased(self, link: Link) -> Link:
        """With the mementos weighed that were brought home since the last check."""
        keys = {one.memento.text_key for one in link.citations if one.memento is not None and one.memento.text_key}
        if not keys:
            return link
        return rebased(link, {key: await self._page(key) for key in keys})

    async def _second_opinion(self, link: Link, seen: Seen, found: Assessment) -> tuple[Seen, Assessment]:
        """What counts after the same URL was asked for by a second way out: by which way, and what it says."""
        asked = await self._checker.vantages.ask(lambda way: self._by_another(link, way))
        if asked is None:
            return seen, replace(found, verdict=without(found.verdict))
        other, said = asked
        verdict = combined(found.verdict, said.verdict)
        if overruled(found.verdict, said.verdict):
            return replace(other, otherwise=seen.fetched.exchanges), replace(said, verdict=verdict)
        return replace(seen, otherwise=other.fetched.exchanges), replace(found, verdict=verdict)

    async def _by_another(self, link: Link, way: Way) -> tuple[Seen, Assessment]:
        """The link as it is seen by another way out. Raises `NoWayOut` when that way is at fault."""
        seen = await look(link, way.session)
        await way.holds(seen.observation)
        found, _ = await self._read(link, seen, way.session)
        return seen, found

    async def _read(
        self, link: Link, seen: Seen, session: Session, capture: Capture | None = None
    ) -> tuple[Assessment, Packed | None]:
        """What the answer means; with the capture packed, unless that has to wait."""
        material = Material(
            link=link,
            history=await self._history(link, seen),
            host=self._facts,
            answer=seen.answer,
            pages=await self._known_pages(link, seen),
        )
        done = await self._checker.readers.read(seen.observation, material, capture, apart=self._apart)
        if done.found.verdict.wants_probe:
            self._facts = await self._checker.hosts.probed(self._host, link.url, session, apart=self._apart)
            material = replace(material, host=self._facts)
            done = await self._checker.readers.read(seen.observation, material, capture, apart=self._apart)
        return done.found, done.packed

    async def _history(self, link: Link, seen: Seen) -> History:
        """The link's past; its last good text only where there is a new one to compare with it."""
        page = None
        if seen.answer is not None and link.good is not None and link.good.text_key is not None:
            page = await self._page(link.good.text_key)
        return History(
            good_page=page,
            good_at=link.good.captured_at if link.good else None,
            good_final_url=link.good.url if link.good else None,
            good_status=link.good.http_status if link.good else None,
            title_counts=link.titles,
        )

    async def _known_pages(self, link: Link, seen: Seen) -> dict[str, Page]:
        """Baselines and last texts, where the page has to be compared or a claim is new."""
        if seen.answer is None and all(one.settled for one in link.citations):
            return {}
        captures = [one.baseline_snapshot for one in link.citations] + [link.snapshot, link.good]
        keys = {one.text_key for one in captures if one is not None and one.text_key is not None}
        return {key: await self._page(key) for key in keys}

    async def _page(self, key: str) -> Page:
        if key not in self._pages:
            self._pages[key] = await self._checker.archive.load_page(key)
        return self._pages[key]

    def _result(
        self, link: Link, seen: Seen, found: Assessment, standing: Standing, snapshot: Snapshot | None,
        citations: tuple[CitationResult, ...], now: datetime, seconds: float,
    ) -> CheckResult:  # fmt: skip
        observation, good = found.observation, found.verdict.outcome in GOOD
        page = observation.page
        changed = good and snapshot is not None and snapshot.payload_of is None and found.differs
        return CheckResult(
            link=link,
            check_id=new_id("chk", now),
            checked_at=now,
            verdict=found.verdict,
            standing=standing,
            next_check_at=self._next(link, standing, changed, now),
            hops=observation.hops,
            detail=observation.fault.detail if observation.fault else "",
            seconds=seconds,
            final_url=observation.final_url,
            http_status=observation.status,
            truncated=observation.truncated,
            snapshot=snapshot,
            good=good and (snapshot is not None or link.snapshot is not None),
            changed=changed,
            etag=seen.validator("etag", link.etag) if good else None,
            last_modified=seen.validator("last-modified", link.last_modified) if good else None,
            title=page.title if page is not None and good else "",
            citations=citations,
        )

    def _next(self, link: Link, standing: Standing, changed: bool, now: datetime) -> datetime:
        spread = int(link.link_id[-4:], 36) % 1000 / 1000
        return schedule.next_check(
            standing,
            now=now,
            bounds=self._checker.rules.tariff.bounds,
            confirmation=self._checker.rules.confirmation,
            checks=link.checks_made + 1,
            changes=link.changes_seen + changed,
            watched_since=link.created_at,
            importance=schedule.importance(
                now - (one.article.published_at or link.created_at) for one in link.citations
            ),
            jitter=spread,
            not_before=self.not_before,
        )

    async def _event(self, result: CheckResult, one: CitationResult) -> CitationChanged:
        citation, verdict, patch = one.citation, result.verdict, None
        if one.severity != "info":
            patch = await self._checker.mending.patch(citation, verdict.outcome, result.final_url)
        return CitationChanged(
            citation_id=citation.citation_id,
            link_id=result.link.link_id,
            check_id=result.check_id,
            article=citation.article,
            claim=citation.claim,
            anchor=citation.anchor,
            target=citation.target,
            final_url=result.final_url,
            host=self._host,
            before=citation.state,
            after=one.after,
            severity=one.severity,
            first=not citation.checked,
            confidence=verdict.confidence,
            signals=tuple(signal.text for signal in verdict.signals) + one.notes,
            diff=one.diff,  # type: ignore[arg-type]
            memento=_memento(citation.baseline_snapshot, self._checker.rules.public_url),
            patch=patch,
            occurred_at=result.checked_at,
        )


def _capture(link: Link, seen: Seen, now: datetime) -> Capture | None:
    """What is to be archived of the answers; a payload that is known is referred to."""
    if not seen.evidence:
        return None
    known = None
    if seen.observation.not_modified and link.snapshot is not None:
        origin = link.payload or link.snapshot
        known = Revisited(origin.url, origin.captured_at, origin.sha256, origin.length)
    previous = link.snapshot.warc_sha256 if link.snapshot else None
    return Capture(seen.evidence, new_id("snp", now), now, known, seen.fetched.fault, previous)


def _snapshot(link: Link, seen: Seen, found: Assessment, packed: Packed | None, now: datetime) -> Snapshot | None:
    """The row of a capture."""
    if packed is None:
        return None
    stored, last, origin = packed.stored, seen.fetched.exchanges[-1], link.snapshot
    known = origin if stored.kind == "revisit" else None
    page = found.observation.page
    return Snapshot(
        snapshot_id=stored.capture_id,
        link_id=link.link_id,
        captured_at=now,
        kind=stored.kind,
        warc_key=stored.key,
        warc_sha256=stored.sha256,
        warc_bytes=stored.size,
        sha256=stored.payload_sha256,
        length=stored.payload_length,
        url=last.url,
        http_status=last.status,
        media_type=(known.media_type if known else None) or (page.media_type[:120] if page else None),
        truncated=last.truncated,
        text_key=known.text_key if known else stored.text_key,
        payload_of=(known.payload_of or known.snapshot_id) if known else None,
        previous_sha256=origin.warc_sha256 if origin else None,
    )


def _memento(baseline: Snapshot | None, public_url: str) -> Memento | None:
    """What stood there when the claim was made: another archive's copy, or ours."""
    if baseline is None:
        return None
    ours = f"{public_url}/v1/snapshots/{baseline.snapshot_id}/view"
    return Memento(
        url=baseline.source or ours, captured_at=baseline.captured_at, source=baseline.archive or "Citewatch"
    )
