"""A submission becomes an article version, and `article.received` follows from it, in one transaction.

parse (before the transaction) ─► webhook id known? ─► same content? ─► version + event
"""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.ingest import store
from services.ingest.core import citations
from services.ingest.core.document import Document, Kind, read
from services.ingest.submission import Submission
from shared import metrics
from shared.clock import Clock
from shared.db import Database
from shared.errors import InputError
from shared.eventlog import outbox
from shared.events import ArticleReceived, CitedLink, OtherLink
from shared.faults import point
from shared.ids import derived_id
from shared.urls import UrlError, identity, parse

SOURCE = "/citewatch/ingest"
INLINE = 32_768
"""Characters that are parsed at once; more go to a thread, so that other requests are answered meanwhile."""
KNOWN_SOURCES = frozenset({"api", "cli", "ghost", "wordpress", "import"})


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
        return {
            "article_id": self.article_id,
            "version": self.version,
            "citations": self.citations,
            "other_links": self.other_links,
        }


class Reused(InputError):
    """A webhook id came again with another body."""


@dataclass(frozen=True, slots=True)
class _Parsed:
    document: Document | None
    found: citations.Found


class Intake:
    """Takes submissions in, from whichever door."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db, self._clock = db, clock

    async def receive(self, submission: Submission, delivery: Delivery | None = None) -> Received:
        """Store a submission durably. Raises `InputError` for one that cannot be read, `Unavailable`."""
        article_id = article_id_of(submission)
        parsed = await _parse(submission, article_id)
        now = self._clock.now()
        point("received")
        async with self._db.write() as tx:
            if delivery is not None:
                earlier = await self._earlier(tx, delivery, now)
                if earlier is not None:
                    return earlier
            received = await self._store(tx, article_id, submission, parsed, now)
            if delivery is not None:
                await store.keep_answer(tx, delivery.source, delivery.webhook_id, received.answer())
            point("before_commit")
        point("committed")
        if not received.known:
            metrics.ARTICLES_RECEIVED.labels(submission.source if submission.source in KNOWN_SOURCES else "other").inc()
        return received

    async def _earlier(self, tx: AsyncConnection, delivery: Delivery, now: datetime) -> Received | None:
        if await store.first_delivery(tx, delivery.source, delivery.webhook_id, delivery.body_sha256, now):
            return None
        digest, answer = await store.answered(tx, delivery.source, delivery.webhook_id)
        if digest != delivery.body_sha256:
            raise Reused("This webhook-id was used for another body.", "Give every delivery an id of its own.")
        return Received(**(answer or {}), known=True)

    async def _store(
        self, tx: AsyncConnection, article_id: str, submission: Submission, parsed: _Parsed, now: datetime
    ) -> Received:
        digest = content_digest(submission)
        row = _row(article_id, submission, parsed, digest, now)
        known = None if await store.claim(tx, row | {"version": 0}) else await store.find(tx, article_id)
        if known is not None and (known.content_sha256 == digest or (submission.content is None and known.version)):
            return _told(article_id, known.version, parsed, known=True)
        if submission.content is None:
            if known is not None:
                await store.put(tx, row | {"version": known.version})
            return _told(article_id, 0, parsed, known=known is not None)
        version = (known.version if known else 0) + 1
        cited = _overridden(parsed.found.citations, await store.targets(tx, article_id))
        await store.put(tx, row | {"version": version, "citations": [one.model_dump() for one in cited]})
        await store.place_citations(tx, article_id, [one.citation_id for one in cited])
        event = _event(row, version, cited, parsed.found.other_links, now)
        await outbox.publish(tx, SOURCE, event, now)
        return _told(article_id, version, parsed, known=False)

    async def set_target(self, citation_id: str, target: str) -> Received | None:
        """Give a citation a target; the article gets a new version. None: no such citation."""
        url = parse(target)
        if url.scheme not in ("http", "https"):
            raise UrlError("The target must begin with http:// or https://.", "Give the page that supports the claim.")
        now = self._clock.now()
        async with self._db.write() as tx:
            article_id = await store.article_of(tx, citation_id)
            article = await store.load(tx, article_id) if article_id else None
            if article is None or article_id is None:
                return None
            await store.set_target(tx, article_id, citation_id, url.href, now)
            cited = [CitedLink.model_validate(one) for one in article["citations"]]
            cited = list(_overridden(cited, {citation_id: url.href}))
            others = [OtherLink.model_validate(one) for one in article["other_links"]]
            version = article["version"] + 1
            await store.put(tx, article | {"version": version, "citations": [one.model_dump() for one in cited]})
            await outbox.publish(tx, SOURCE, _event(article, version, cited, others, now), now)
        return Received(article_id, version, len(cited), len(others), known=False)


def article_id_of(submission: Submission) -> str:
    """Source and external id, else the canonical URL (CONTRACT §1)."""
    if submission.external_id is not None:
        return derived_id("art", submission.source, submission.external_id)
    if submission.url is None:
        raise InputError("The article has neither an address nor an id.", "Send `url` or `external_id`.")
    return derived_id("art", identity(submission.url))


def content_digest(submission: Submission) -> str:
    """Digest of all that makes a version."""
    content = submission.content
    raw = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content or b""
    about = (submission.url, submission.title, submission.authors, submission.tags, submission.kind, content is None)
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode() + b"\0" + raw).hexdigest()


async def _parse(submission: Submission, article_id: str) -> _Parsed:
    if submission.content is None:
        return _Parsed(None, citations.Found((), ()))
    if len(submission.content) <= INLINE:
        return _parse_now(submission, article_id)
    return await asyncio.to_thread(_parse_now, submission, article_id)


def _parse_now(submission: Submission, article_id: str) -> _Parsed:
    assert submission.content is not None
    document = read(submission.content, submission.kind, url=submission.url, content_type=submission.content_type)
    return _Parsed(document, citations.find(document, article_id=article_id))


def _row(article_id: str, submission: Submission, parsed: _Parsed, digest: str, now: datetime) -> dict[str, Any]:
    document = parsed.document
    text = document.text if document else ""
    return {
        "article_id": article_id,
        "source": submission.source,
        "external_id": submission.external_id,
        "url": submission.url or (document.canonical if document else None),
        "content_sha256": digest,
        "title": submission.title or (document.title if document else ""),
        "authors": list(submission.authors or (document.authors if document else ())),
        "published_at": submission.published_at or (document.published_at if document else None),
        "tags": list(submission.tags),
        "received_at": now,
        "citations": [],
        "other_links": [one.model_dump() for one in parsed.found.other_links],
        "text": text[:200_000],
        "problem": None,
        "fetch_at": now if submission.content is None else None,
        "fetch_tries": 0,
    }


def _overridden(found: Sequence[CitedLink], targets: dict[str, str]) -> Sequence[CitedLink]:
    """Citations with the targets that editors gave."""
    return [
        one.model_copy(update={"target": targets[one.citation_id], "missing": None})
        if one.citation_id in targets
        else one
        for one in found
    ]


def _event(
    row: dict[str, Any], version: int, cited: Sequence[CitedLink], others: Sequence[OtherLink], now: datetime
) -> ArticleReceived:
    return ArticleReceived(
        article_id=row["article_id"],
        version=version,
        source=row["source"],
        external_id=row["external_id"],
        url=row["url"],
        title=row["title"],
        authors=tuple(row["authors"]),
        published_at=row["published_at"],
        tags=tuple(row["tags"]),
        received_at=now,
        citations=tuple(cited),
        other_links=tuple(others),
        text=row["text"],
    )


def _told(article_id: str, version: int, parsed: _Parsed, *, known: bool) -> Received:
    return Received(article_id, version, len(parsed.found.citations), len(parsed.found.other_links), known)


def fetched(announced: dict[str, Any], body: bytes, kind: Kind, content_type: str | None) -> Submission:
    """The submission of an article that was announced by URL, once its page is here."""
    return Submission(
        source=announced["source"],
        url=announced["url"],
        content=body,
        kind=kind,
        external_id=announced["external_id"],
        title=announced["title"] or None,
        authors=tuple(announced["authors"]),
        published_at=announced["published_at"],
        tags=tuple(announced["tags"]),
        content_type=content_type,
    )
