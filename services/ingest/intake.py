"""A submission becomes an article version, and `article.received` follows from it, in one transaction.

read (before the transaction) ─► webhook id known? ─► older or equal? ─► version + event
no content: announced; the worker fetches it afterwards and comes back here
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.ingest import store
from services.ingest.core.revision import Revision, read, with_targets
from services.ingest.store import Known
from services.ingest.submission import Submission
from shared import metrics
from shared.clock import Clock
from shared.db import Database
from shared.errors import InputError, RetryLater, Unavailable
from shared.eventlog import outbox
from shared.events import ArticleReceived, CitedLink, OtherLink
from shared.faults import point
from shared.ids import derived_id
from shared.logs import get
from shared.processes import Killed, Processes
from shared.urls import UrlError, identity, parse

SOURCE = "/citewatch/ingest"
INLINE = 32_768
"""Characters that are read at once; more are read beside, so that other requests are answered meanwhile."""
MANY = 8
"""Submissions in hand from which a process of its own reads them, the short ones too …"""
DEEP = 32
"""… so many at once: it reads them within a tenth of a second, while the loop writes and answers."""
TRIES = 3
"""Times that a transaction is tried which lost against another one."""
FORGET_EVERY = timedelta(minutes=1)
log = get(__name__)
KNOWN_SOURCES = frozenset({"api", "cli", "ghost", "wordpress", "import"})
"""Sources with a metric of their own; a sender may name any, so the others share one."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A webhook's own identity: where it came from, its id, and the digest of its body."""

    source: str
    webhook_id: str
    body_sha256: str


@dataclass(frozen=True, slots=True)
class Received:
    """What the sender is told."""

    article_id: str
    version: int
    citations: int
    other_links: int
    known: bool
    """This version was there already."""

    def answer(self) -> dict[str, Any]:
        """As CONTRACT §4 has it."""
        return {name: value for name, value in asdict(self).items() if name != "known"}


class Reused(InputError):
    """A webhook id came again with another body."""


@dataclass(frozen=True, slots=True)
class _Work:
    """A submission on its way into the store."""

    article_id: str
    submission: Submission
    revision: Revision | None
    """None: to be fetched."""
    delivery: Delivery | None
    instead_of: int | None


class Intake:
    """Takes submissions in, from whichever door."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db, self._clock = db, clock
        self._forgot = datetime.min.replace(tzinfo=UTC)
        self._processes = Processes("reading articles", read.__module__, many=MANY, deep=DEEP)
        self.announced = asyncio.Event()
        """Set when an article waits to be fetched."""

    async def receive(
        self, submission: Submission, delivery: Delivery | None = None, *, instead_of: int | None = None,
        apart: bool = False,
    ) -> Received:  # fmt: skip
        """Store a submission durably. Raises `InputError` for one that cannot be read, `Unavailable`.

        `instead_of`: the version that the submission was fetched to renew; when another came meanwhile, that one stays.
        `apart`: it is not read in this process, which may have died of it before.
        """
        article_id = article_id_of(submission)
        with self._processes.held():
            revision = await self._read(submission, article_id, apart=apart)
            work = _Work(article_id, submission, revision, delivery, instead_of)
            point("received")
            received = await self._stored(work)
        point("committed")
        self._note(submission, received)
        return received

    async def _read(self, submission: Submission, article_id: str, *, apart: bool) -> Revision | None:
        """None where the content is still to be fetched."""
        content = submission.content
        if content is None:
            return None
        reading = _reading(submission, content, article_id)
        if len(content) <= INLINE and not apart and not self._processes.crowded:
            return reading()
        try:
            return await (self._processes.run_apart(reading) if apart else self._processes.run(reading))
        except Killed:
            log.warning("an article kills the process that reads it", article=article_id)
            raise InputError("The document cannot be read.", "Send its HTML as a browser would save it.") from None

    async def _stored(self, work: "_Work") -> Received:
        """In one transaction; tried again where the database says that another one came first."""

        async def settle(tx: AsyncConnection) -> Received:
            await self._forget(tx)
            received = await _settle(tx, work, self._clock.now())
            point("before_commit")
            return received

        for attempt in range(1, TRIES + 1):
            try:
                return await self._db.grouped(settle)
            except RetryLater as error:
                if attempt == TRIES:
                    raise Unavailable(f"the store is too busy: {error}") from error
        raise AssertionError("unreachable")

    async def _forget(self, tx: AsyncConnection) -> None:
        """Now and then, the webhook ids that have been known long enough."""
        now = self._clock.now()
        if abs(now - self._forgot) >= FORGET_EVERY:
            self._forgot = now
            await store.forget_deliveries(tx, now)

    def _note(self, submission: Submission, received: Received) -> None:
        if submission.content is None:
            self.announced.set()
        elif not received.known:
            source = submission.source if submission.source in KNOWN_SOURCES else "other"
            metrics.ARTICLES_RECEIVED.labels(source).inc()

    async def set_target(self, citation_id: str, target: str) -> Received | None:
        """Give a citation a target; the article gets a new version. None: the article has no such citation (any more).

        The target survives later versions of the article. Raises `UrlError`.
        """
        url = parse(target)
        if url.scheme not in ("http", "https"):
            raise UrlError("The target must begin with http:// or https://.", "Give the page that supports the claim.")
        if url.username or url.password:
            raise UrlError("The target has a user name or a password in it.", "Give the address without them.")
        async with self._db.write() as tx:
            article_id = await store.article_of(tx, citation_id)
            if article_id is None or await store.find(tx, article_id) is None:
                return None
            return await _retarget(tx, article_id, citation_id, url.href, self._clock.now())

    def close(self) -> None:
        """End what reads beside; nothing is received any more."""
        self._processes.close()


async def _retarget(
    tx: AsyncConnection, article_id: str, citation_id: str, target: str, now: datetime
) -> Received | None:
    row = await store.load(tx, article_id)
    assert row is not None
    cited = tuple(CitedLink.model_validate(one) for one in row["citations"])
    current = next((one for one in cited if one.citation_id == citation_id), None)
    if current is None:
        return None
    counts = (len(cited), row["other_link_count"])
    if current.target == target:
        return Received(article_id, row["version"], *counts, known=True)
    await store.set_target(tx, article_id, citation_id, target, now)
    cited = with_targets(cited, {citation_id: target})
    others = tuple(OtherLink.model_validate(one) for one in row["other_links"])
    version = row["version"] + 1
    links = [one.model_dump() for one in cited]
    await store.change(tx, article_id, version=version, citations=links, received_at=now)
    await outbox.publish(tx, SOURCE, _event(row, version, cited, others, now), now)
    return Received(article_id, version, *counts, known=False)


def article_id_of(submission: Submission) -> str:
    """Source and external id, else the canonical URL (CONTRACT §1)."""
    if submission.external_id is not None:
        return derived_id("art", submission.source, submission.external_id)
    if submission.url is None:
        raise InputError("The article has neither an address nor an id.", "Send `url` or `external_id`.")
    return derived_id("art", identity(submission.url))


def _reading(submission: Submission, content: bytes | str, article_id: str) -> Callable[[], Revision]:
    """What is to be done to read it, wherever."""
    return partial(
        read, content, submission.kind, article_id=article_id, about=submission.about, base=submission.base,
        content_type=submission.content_type,
    )  # fmt: skip


async def _settle(tx: AsyncConnection, work: _Work, now: datetime) -> Received:
    """What becomes of a submission, and what its sender is told."""
    delivery = work.delivery
    if delivery is not None and (earlier := await _earlier(tx, delivery)) is not None:
        return earlier
    if work.revision is None:
        received = await _announce(tx, work.article_id, work.submission, now)
    else:
        received = await _revise(tx, work, work.revision, now)
    if delivery is not None:
        await store.keep_answer(tx, **asdict(delivery), answer=received.answer(), now=now)
    return received


async def _earlier(tx: AsyncConnection, delivery: Delivery) -> Received | None:
    """What an earlier delivery of this id was told; None for the first."""
    earlier = await store.answered(tx, delivery.source, delivery.webhook_id)
    if earlier is None:
        return None
    digest, answer = earlier
    if digest != delivery.body_sha256:
        raise Reused("This webhook-id was used for another body.", "Give every delivery an id of its own.")
    return Received(**answer, known=True)


async def _announce(tx: AsyncConnection, article_id: str, submission: Submission, now: datetime) -> Received:
    """An article given by URL alone: to be fetched, also when a version is there or an earlier fetch failed."""
    announced = _announcement(submission)
    wait = {"announced": announced, "fetch_at": now, "fetch_tries": 0, "problem": None}
    row = (
        _row(article_id, submission, Revision(submission.about, "", (), ()), now) | {"version": 0, "digest": ""} | wait
    )
    if await store.claim(tx, row):
        return Received(article_id, 0, 0, 0, known=False)
    known = await store.find(tx, article_id)
    assert known is not None
    await store.change(tx, article_id, **wait)
    return _told(article_id, known, known=known.version > 0)


async def _revise(tx: AsyncConnection, work: _Work, revision: Revision, now: datetime) -> Received:
    article_id = work.article_id
    row = _row(article_id, work.submission, revision, now)
    if await store.claim(tx, row):
        cited, version = revision.citations, 1
    elif (known := await store.find(tx, article_id)) is None:
        raise RetryLater("the article's row is another transaction's")
    elif _nothing_new(known, work, revision):
        await store.change(tx, article_id, **_settled(work.submission, known))
        return _told(article_id, known, known=True)
    else:
        cited, version = with_targets(revision.citations, await store.targets(tx, article_id)), known.version + 1
        row |= {"version": version, "citations": [one.model_dump() for one in cited]}
        await store.change(tx, article_id, **row)
    store.place_citations(tx, article_id, [one.citation_id for one in cited])
    event = _event(row, version, cited, revision.other_links, now)
    as_sent = event.model_copy(update={"kind": revision.kind, "written": revision.written})
    await outbox.publish(tx, SOURCE, as_sent, now)
    return Received(article_id, version, len(cited), len(revision.other_links), known=False)


def _nothing_new(known: Known, work: _Work, revision: Revision) -> bool:
    if work.instead_of is not None and work.instead_of != known.version:
        return True
    modified_at = work.submission.modified_at
    late = modified_at and known.modified_at and modified_at < known.modified_at
    return bool(late) or known.digest == revision.digest


def _settled(submission: Submission, known: Known) -> dict[str, Any]:
    """What changes when nothing new came: a fetch has come to its end."""
    moments = [moment for moment in (submission.modified_at, known.modified_at) if moment]
    return {"fetch_at": None, "problem": None, "modified_at": max(moments, default=None)}


def _row(article_id: str, submission: Submission, revision: Revision, now: datetime) -> dict[str, Any]:
    about = revision.about
    return {
        "article_id": article_id,
        "source": submission.source,
        "external_id": submission.external_id,
        "url": about.url,
        "version": 1,
        "digest": revision.digest,
        "title": about.title or "",
        "authors": list(about.authors),
        "published_at": about.published_at,
        "modified_at": submission.modified_at,
        "tags": list(about.tags),
        "received_at": now,
        "citations": revision.cited,
        "other_links": revision.others,
        "citation_count": len(revision.citations),
        "other_link_count": len(revision.other_links),
        "text": revision.text,
        "problem": None,
        "fetch_at": None,
        "fetch_tries": 0,
    }


def _event(
    row: Mapping[str, Any], version: int, cited: Sequence[CitedLink], others: Sequence[OtherLink], now: datetime
) -> ArticleReceived:
    same = ("article_id", "source", "external_id", "url", "title", "published_at", "text")
    return ArticleReceived(
        **{name: row[name] for name in same},
        version=version,
        authors=tuple(row["authors"]),
        tags=tuple(row["tags"]),
        received_at=now,
        citations=tuple(cited),
        other_links=tuple(others),
    )


def _told(article_id: str, found: Known, *, known: bool) -> Received:
    return Received(article_id, found.version, found.citations, found.other_links, known)


def _announcement(submission: Submission) -> dict[str, Any]:
    """What is kept of an announcement until its page is here; `fetched` reads it."""
    return {
        "source": submission.source,
        "url": submission.url,
        "external_id": submission.external_id,
        "title": submission.title,
        "authors": list(submission.authors),
        "published_at": submission.published_at.isoformat() if submission.published_at else None,
        "tags": list(submission.tags),
    }
