"""Fetches the articles that were announced by URL alone, with back-off, and says why when it cannot."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from services.ingest import store
from services.ingest.intake import Intake
from services.ingest.submission import Submission
from shared.clock import Clock
from shared.db import Database
from shared.errors import InputError, RetryLater, Unavailable
from shared.events import ArticleKind
from shared.logs import get
from shared.outbound.client import Outbound
from shared.outbound.coding import ACCEPT_ENCODING, decode
from shared.outbound.exchange import Exchange, Fault
from shared.urls import UrlError, parse

BACKOFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 720))
"""Pauses after the first failure, the second …; after the last one the article is given up."""
MAX_BODY = 16 * 1024 * 1024
MAX_DECODED = 20 * 1024 * 1024
HOPS = 10
CONCURRENCY = 8
LEASE_MARGIN = 60.0
"""Seconds after the deadline of a fetch until another process may take the article, should this one have died."""
IDLE = 2.0
"""Seconds between two looks for what other processes announced; what this one announces wakes the worker."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})
KINDS: dict[str, ArticleKind] = {
    "text/html": "text/html",
    "application/xhtml+xml": "text/html",
    "text/markdown": "text/markdown",
    "text/plain": "text/plain",
}
HEADERS = (
    ("Accept", "text/html,application/xhtml+xml,text/markdown;q=0.9,text/plain;q=0.8,*/*;q=0.1"),
    ("Accept-Encoding", ACCEPT_ENCODING),
)
FINAL_FAULTS = frozenset({"private_address", "blocked_port", "blocked_scheme", "userinfo", "scheme"})
"""Our own policy: trying again changes nothing."""
FINAL_STATUS = frozenset({HTTPStatus.GONE, HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS})

log = get(__name__)


class Unfetchable(InputError):
    """An article's page that cannot be had; `final` when trying again is no use."""

    def __init__(self, what: str, mend: str = "", *, final: bool = False) -> None:
        super().__init__(what, mend)
        self.final = final


@dataclass(frozen=True, slots=True)
class ArticlePage:
    """An article's page: body without its content coding, and where it was found in the end."""

    body: bytes
    kind: ArticleKind
    content_type: str | None
    url: str


class Worker:
    """Turns announced articles into versions."""

    def __init__(
        self, db: Database, intake: Intake, outbound: Outbound, clock: Clock, *, deadline: float,
        max_body: int = MAX_BODY,
    ) -> None:  # fmt: skip
        self._db, self._intake, self._outbound, self._clock = db, intake, outbound, clock
        self._deadline, self._max_body = deadline, max_body

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; what is being fetched then is left, and fetched again after its lease."""
        running: set[asyncio.Task[None]] = set()
        try:
            while not stop.is_set():
                running |= {asyncio.create_task(self._one(row)) for row in await self._take(CONCURRENCY - len(running))}
                running = await self._pause(stop, running)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def turn(self, limit: int = CONCURRENCY) -> int:
        """Fetch what is due now; returns how many were tried."""
        rows = await self._take(limit)
        await asyncio.gather(*(self._one(row) for row in rows))
        return len(rows)

    async def _take(self, room: int) -> Sequence[Mapping[str, Any]]:
        self._intake.announced.clear()
        now = self._clock.now()
        try:
            async with self._db.read() as tx:
                if room <= 0 or not await store.anything_due(tx, now):
                    return ()
            async with self._db.write() as tx:
                return await store.take_due(tx, now, room, now + timedelta(seconds=LEASE_MARGIN + self._deadline))
        except (Unavailable, RetryLater) as error:
            log.warning("articles wait for the store", error=str(error))
            return ()

    async def _pause(self, stop: asyncio.Event, running: set[asyncio.Task[None]]) -> set[asyncio.Task[None]]:
        """Until something is done, announced or due; returns what still runs."""
        waits = [asyncio.create_task(stop.wait()), asyncio.create_task(self._intake.announced.wait())]
        try:
            await asyncio.wait({*waits, *running}, timeout=IDLE, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return {task for task in running if not task.done()}

    async def _one(self, row: Mapping[str, Any]) -> None:
        """One article; whatever happens to it is its own affair."""
        try:
            page = await fetch_article(self._outbound, row["url"], self._deadline, self._max_body)
            tried = row["fetch_tries"] > 0
            await self._intake.receive(fetched(row["announced"], page), instead_of=row["version"], apart=tried)
        except (Unavailable, RetryLater) as error:
            log.warning("a fetched article waits for the store", article=row["article_id"], error=str(error))
        except InputError as error:
            await self._failed(row, str(error), final=isinstance(error, Unfetchable) and error.final)
        except Exception as error:
            log.error("an article could not be taken in", article=row["article_id"], exc_info=error)
            await self._failed(row, "A fault of ours; the log has the details.", final=False)

    async def _failed(self, row: Mapping[str, Any], problem: str, *, final: bool) -> None:
        again = None if final else next_try(row["fetch_tries"], self._clock.now())
        with contextlib.suppress(Unavailable, RetryLater):  # its lease ends by itself
            async with self._db.write() as tx:
                await store.fetch_failed(tx, row["article_id"], problem, again)


def next_try(tries: int, now: datetime) -> datetime | None:
    """When to fetch again what failed after `tries` earlier failures; None: not any more."""
    return now + BACKOFF[tries] if tries < len(BACKOFF) else None


def fetched(announced: Mapping[str, Any], page: ArticlePage) -> Submission:
    """The submission of an article that was announced by URL, once its page is here."""
    published = announced["published_at"]
    return Submission(
        source=announced["source"],
        url=announced["url"],
        content=page.body,
        kind=page.kind,
        external_id=announced["external_id"],
        title=announced["title"],
        authors=tuple(announced["authors"]),
        published_at=datetime.fromisoformat(published) if published else None,
        tags=tuple(announced["tags"]),
        content_type=page.content_type,
        base=page.url,
    )


async def fetch_article(outbound: Outbound, url: str, deadline: float, max_body: int = MAX_BODY) -> ArticlePage:
    """Fetch an article's page, its redirects followed, within `deadline` seconds in all. Raises `Unfetchable`."""
    until = asyncio.get_running_loop().time() + deadline
    place = url
    async with outbound.session() as session:
        for _ in range(HOPS):
            left = until - asyncio.get_running_loop().time()
            if left <= 0:
                raise Unfetchable(f"{url}: no answer within {deadline:g} s.", "Check that the site is up.")
            found = await session.exchange("GET", place, headers=HEADERS, deadline=left, max_body=max_body)
            if isinstance(found, Fault):
                raise _refused(url, found)
            target = _redirect(found, place)
            if target is None:
                return _usable(url, found)
            place = target
    raise Unfetchable(f"{url}: more than {HOPS} redirects.", "Give the address of the article itself.")


def _refused(url: str, fault: Fault) -> Unfetchable:
    final = fault.reason in FINAL_FAULTS
    mend = "Send the article's content, or allow the network in CITEWATCH_ALLOW_NETWORKS." if final else ""
    return Unfetchable(f"{url}: {fault.detail or fault.reason}", mend or "Check the address.", final=final)


def _redirect(found: Exchange, place: str) -> str | None:
    location = found.header("location")
    if found.status not in REDIRECTS or not location:
        return None
    try:
        return parse(location.encode("latin-1").decode("utf-8", "replace"), place).href
    except UrlError:
        return None


def _usable(url: str, found: Exchange) -> ArticlePage:
    if found.status != HTTPStatus.OK:
        final = found.status in FINAL_STATUS
        raise Unfetchable(f"{url}: the server answers {found.status}.", "Check the address.", final=final)
    content_type = found.header("content-type")
    media_type = (content_type or "text/html").partition(";")[0].strip().lower()
    kind = KINDS.get(media_type)
    if kind is None:
        raise Unfetchable(f"{url}: it is {media_type[:80]}, no article.", "Give a page of text.", final=True)
    body, truncated = decode(found, MAX_DECODED)
    if truncated or found.truncated:
        raise Unfetchable(f"{url}: the page is too large, or broke off.", "Send the article's content instead.")
    return ArticlePage(body, kind, content_type, found.url)
