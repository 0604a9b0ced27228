"""One check of one link, read top-down:

    fetch → read → judge (probe the host when in doubt) → capture → support → transition → events

`Visit` is a turn at one host: it keeps connections, pace and what is known of the host for many checks.
`Checker.keep` makes the captures of a group durable; only then may the group's transaction mention them.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from services.linkcheck.archive.snapshots import Archive, Capture, Stored
from services.linkcheck.archive.warc import Revisited
from services.linkcheck.canaries import Canaries
from services.linkcheck.core import schedule, support
from services.linkcheck.core.assess import GOOD, Assessment, Material, rebased
from services.linkcheck.core.dossier import CheckResult, Citation, CitationResult, Link, Snapshot, reference
from services.linkcheck.core.model import Finding, History, Hop, HostFacts, Observation, Page, Standing, Verdict
from services.linkcheck.core.transitions import ConfirmationRules, advance
from services.linkcheck.fetch import Fetched, Fetcher, Session
from services.linkcheck.hostbook import HostBook
from services.linkcheck.mending import Mending
from services.linkcheck.readers import INLINE, Readers
from shared import metrics
from shared.clock import Clock
from shared.events import CitationChanged, CitationState, Memento
from shared.faults import point
from shared.ids import new_id
from shared.outbound.coding import decode
from shared.outbound.exchange import Exchange


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


@dataclass(frozen=True, slots=True)
class Suspended:
    """No verdict: the fault is our own. `all`: with every link, not with this one alone."""

    all: bool


@dataclass(frozen=True, slots=True)
class _Seen:
    """What came back, before judgement."""

    fetched: Fetched
    observation: Observation
    body: bytes | None
    content_type: str | None


class Checker:
    """Wires the stages; has no state of its own between checks."""

    def __init__(
        self, fetcher: Fetcher, archive: Archive, hosts: HostBook, canaries: Canaries, mending: Mending, clock: Clock,
        rules: Rules,
    ) -> None:  # fmt: skip
        self.fetcher, self.archive, self.hosts, self.canaries = fetcher, archive, hosts, canaries
        self.mending, self.clock, self.rules, self.readers = mending, clock, rules, Readers()

    @asynccontextmanager
    async def visit(self, host: str, facts: HostFacts) -> AsyncIterator["Visit"]:
        """A turn at one host, of which so much is known."""
        async with self.fetcher.session() as session:
            yield Visit(self, host, facts, session)

    async def keep(self, group: Sequence[Checked]) -> list[Checked]:
        """Make the captures of a group durable; returns the group with the places where they are."""
        captures = [(one.capture, one.page) for one in group if one.capture is not None]
        stored = iter(await self.archive.store_many(captures))
        point("archived")
        return [one if one.capture is None else _placed(one, next(stored)) for one in group]


class Visit:
    """A turn at one host."""

    def __init__(self, checker: Checker, host: str, facts: HostFacts, session: Session) -> None:
        self._checker, self._host, self._facts, self._session = checker, host, facts, session
        self._pages: dict[str, Page] = {}
        self.not_before: datetime | None = None
        """Set when the host asked to be left alone until then."""

    async def check(self, link: Link) -> Checked | Suspended:
        """The whole check of one link."""
        started = time.perf_counter()
        link = await self._rebased(link)
        seen = await self._fetch(link)
        if await self._checker.canaries.are_silent(seen.observation):
            return Suspended(all=True)
        found = await self._assess(link, seen)
        now = self._checker.clock.now()
        standing = advance(link.standing, found.verdict, now, self._checker.rules.confirmation)
        capture = self._capture(link, seen, now)
        snapshot = _snapshot(link, seen, found, capture, now)
        citations = tuple(_conclude(one, found, standing, snapshot or link.snapshot, now) for one in link.citations)
        result = self._result(link, seen, found, standing, snapshot, citations, now, time.perf_counter() - started)
        events = tuple([await self._event(result, one) for one in citations if one.changed])
        point("fetched")
        page = found.observation.page if snapshot is not None and snapshot.payload_of is None else None
        return Checked(result, events, capture, page, seen.fetched.phases())

    async def _rebased(self, link: Link) -> Link:
        """With the mementos weighed that were brought home since the last check."""
        keys = {one.memento.text_key for one in link.citations if one.memento is not None and one.memento.text_key}
        if not keys:
            return link
        return rebased(link, {key: await self._page(key) for key in keys})

    async def _fetch(self, link: Link) -> _Seen:
        conditional = link.outcome in GOOD
        fetched = await self._session.fetch(
            link.url,
            etag=link.etag if conditional else None,
            last_modified=link.last_modified if conditional else None,
            validated=link.final_url,
        )
        self.not_before = fetched.retry_at
        last = fetched.exchanges[-1] if fetched.exchanges and fetched.fault is None else None
        observation = _observe(link, fetched)
        if last is None or observation.not_modified:
            return _Seen(fetched, observation, None, None)
        body, cut = await _decoded(last, self._checker.rules.max_decoded)
        if cut and observation.truncated is None:
            observation = replace(observation, truncated="length")
        return _Seen(fetched, observation, body, last.header("content-type"))

    async def _assess(self, link: Link, seen: _Seen) -> Assessment:
        material = Material(
            link=link,
            history=await self._history(link, seen),
            host=self._facts,
            body=seen.body,
            content_type=seen.content_type,
            pages=await self._known_pages(link, seen),
        )
        found = await self._checker.readers.assess(seen.observation, material)
        if not found.verdict.wants_probe:
            return found
        self._facts = await self._checker.hosts.probed(self._host, link.url, self._session)
        return await self._checker.readers.assess(seen.observation, replace(material, host=self._facts))

    async def _history(self, link: Link, seen: _Seen) -> History:
        """The link's past; its last good text only where there is a new one to compare with it."""
        page = None
        if seen.body is not None and link.good is not None and link.good.text_key is not None:
            page = await self._page(link.good.text_key)
        return History(
            good_page=page,
            good_at=link.good.captured_at if link.good else None,
            good_final_url=link.good.url if link.good else None,
            good_status=link.good.http_status if link.good else None,
            title_counts=link.titles,
            outcomes=link.recent,
        )

    async def _known_pages(self, link: Link, seen: _Seen) -> dict[str, Page]:
        """Baselines and last texts, where the page has to be compared or a claim is new."""
        if seen.body is None and all(one.settled for one in link.citations):
            return {}
        captures = [one.baseline_snapshot for one in link.citations] + [link.snapshot, link.good]
        keys = {one.text_key for one in captures if one is not None and one.text_key is not None}
        return {key: await self._page(key) for key in keys}

    async def _page(self, key: str) -> Page:
        if key not in self._pages:
            self._pages[key] = await self._checker.archive.load_page(key)
        return self._pages[key]

    def _capture(self, link: Link, seen: _Seen, now: datetime) -> Capture | None:
        if not seen.fetched.exchanges:
            return None
        known = None
        if seen.observation.not_modified and link.snapshot is not None:
            origin = link.payload or link.snapshot
            known = Revisited(origin.url, origin.captured_at, origin.sha256, origin.length)
        previous = link.snapshot.warc_sha256 if link.snapshot else None
        return Capture(seen.fetched.exchanges, new_id("snp", now), now, known, seen.fetched.fault, previous)

    def _result(
        self, link: Link, seen: _Seen, found: Assessment, standing: Standing, snapshot: Snapshot | None,
        citations: tuple[CitationResult, ...], now: datetime, seconds: float,
    ) -> CheckResult:  # fmt: skip
        observation, good = found.observation, found.verdict.outcome in GOOD
        page = observation.page
        changed = good and snapshot is not None and snapshot.payload_of is None and _differs(link, page, self._pages)
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
            etag=_validator(seen, "etag", link.etag, good),
            last_modified=_validator(seen, "last-modified", link.last_modified, good),
            title=page.title if page is not None and good else "",
            citations=citations,
        )

    def _next(self, link: Link, standing: Standing, changed: bool, now: datetime) -> datetime:
        spread = int(link.link_id[-4:], 36) % 1000 / 1000
        return schedule.next_check(
            standing,
            now=now,
            bounds=self._checker.rules.recheck,
            confirmation=self._checker.rules.confirmation,
            checks=link.checks_made + 1,
            changes=link.changes_seen + changed,
            watched_since=link.created_at,
            importance=len(link.citations),
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


def _validator(seen: _Seen, name: str, before: str | None, good: bool) -> str | None:
    """The validator of a good answer; a 304 keeps the one it confirmed."""
    if not good:
        return None
    if seen.fetched.not_modified:
        return before
    return seen.fetched.exchanges[-1].header(name) if seen.fetched.exchanges else None


def _differs(link: Link, page: Page | None, pages: Mapping[str, Page]) -> bool:
    before = pages.get(link.good.text_key or "") if link.good is not None else None
    return before is not None and page is not None and before.main != page.main


def _snapshot(link: Link, seen: _Seen, found: Assessment, capture: Capture | None, now: datetime) -> Snapshot | None:
    """The row of a capture; its place in the archive is filled in when it is there."""
    if capture is None:
        return None
    last, origin = seen.fetched.exchanges[-1], link.snapshot
    known = seen.observation.not_modified and origin is not None
    page = found.observation.page
    return Snapshot(
        snapshot_id=capture.capture_id,
        link_id=link.link_id,
        captured_at=now,
        kind="revisit" if known else "response",
        warc_key="",
        warc_sha256="",
        warc_bytes=0,
        sha256=origin.sha256 if known and origin else seen.observation.body_sha256 or "",
        length=origin.length if known and origin else len(last.body),
        url=last.url,
        http_status=last.status,
        media_type=(origin.media_type if known and origin else None) or (page.media_type[:120] if page else None),
        truncated=last.truncated,
        text_key=origin.text_key if known and origin else None,
        payload_of=(origin.payload_of or origin.snapshot_id) if known and origin else None,
        previous_sha256=origin.warc_sha256 if origin else None,
    )


def _placed(checked: Checked, stored: Stored) -> Checked:
    snapshot = checked.result.snapshot
    if snapshot is None:
        return checked
    placed = replace(
        snapshot,
        warc_key=stored.key,
        warc_sha256=stored.sha256,
        warc_bytes=stored.size,
        text_key=stored.text_key or snapshot.text_key,
    )
    return replace(checked, result=replace(checked.result, snapshot=placed))


def _conclude(
    citation: Citation, found: Assessment, standing: Standing, snapshot: Snapshot | None, now: datetime
) -> CitationResult:
    """What the check says of one citation."""
    before, verdict = citation.state, found.verdict
    finding = found.findings.get(citation.citation_id) or _carried(citation, verdict, standing)
    if citation.rejected is not None and citation.rejected == support.fingerprint(finding):
        finding = replace(finding, support="intact", changes=(), diff=())
    fresh = citation.baseline is None and finding.support == "intact" and finding.passage is not None
    seen_page = citation.citation_id in found.findings
    after = CitationState(
        support=finding.support,
        changes=finding.changes,
        health=support.health(finding.support, verdict.outcome, standing.status),
        link_status=standing.status,
        outcome=verdict.outcome,
        reason=verdict.reason,
        passage=finding.passage,
        snapshot=reference(snapshot) if seen_page or verdict.outcome not in GOOD else before.snapshot,
        seen_at=now,
    )
    turned = (before.support, before.changes) != (after.support, after.changes)
    return CitationResult(
        citation=citation,
        after=after,
        severity=support.severity(before, after),
        baseline=finding.passage if fresh else citation.baseline,
        baseline_snapshot_id=_baseline_id(citation, snapshot if fresh else None),
        since=now if turned or citation.since is None else citation.since,
        intact_at=now if after.support == "intact" and verdict.outcome in GOOD else citation.intact_at,
        diff=finding.diff,
        notes=finding.notes,
    )


def _memento(baseline: Snapshot | None, public_url: str) -> Memento | None:
    """What stood there when the claim was made: another archive's copy, or ours."""
    if baseline is None:
        return None
    ours = f"{public_url}/v1/snapshots/{baseline.snapshot_id}/view"
    return Memento(
        url=baseline.source or ours, captured_at=baseline.captured_at, source=baseline.archive or "Citewatch"
    )


def _baseline_id(citation: Citation, fresh: Snapshot | None) -> str | None:
    if fresh is not None:
        return fresh.snapshot_id
    return citation.baseline_snapshot.snapshot_id if citation.baseline_snapshot else None


def _carried(citation: Citation, verdict: Verdict, standing: Standing) -> Finding:
    """Where no page was read: what the outcome alone says, else what was known."""
    said = support.of_outcome(verdict.outcome, standing.status)
    if said is not None:
        return Finding(said, passage=None)
    state = citation.state
    return Finding(state.support, state.changes, state.passage, citation.diff, notes=citation.notes)
