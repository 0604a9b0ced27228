"""Asks web archives what a page said when it was cited: durable work of its own, beside the checks and never in them.

    claim citations ─► TimeMaps ─► nearest mementos kept (repairs)
                                 └► the first that bears on the claims: archived as ours, marked as theirs, offered

The next check weighs an offered memento as the baseline. An archive that does not answer is asked again later, a few
times; a check neither waits for it nor fails with it.
"""

import asyncio
import hashlib
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from services.linkcheck.archive.mementos import Mementos, Taken
from services.linkcheck.archive.packing import Capture
from services.linkcheck.archive.snapshots import Archive
from services.linkcheck.archive.warc import Provenance
from services.linkcheck.core.assess import evidence, located
from services.linkcheck.core.dossier import Citation, Snapshot
from services.linkcheck.core.model import Hop, Page
from services.linkcheck.fetch import Fetched, Fetcher, Session
from services.linkcheck.resting import rest
from services.linkcheck.store import registry, searches
from services.linkcheck.store.searches import Search
from shared.clock import Clock
from shared.db import Database
from shared.errors import RetryLater, Unavailable
from shared.ids import new_id
from shared.logs import get
from shared.outbound.exchange import Exchange
from shared.urls import UrlError, parse

BATCH = 20
"""Citations that are claimed at one time."""
KEPT = 5
"""Mementos that are kept for an editor, the nearest first."""
BACK_OFF = (timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6), timedelta(days=1))
"""Pauses after each search that an archive did not answer; then it is given up."""
SHUT = timedelta(minutes=1)
"""How long an archive that did not answer is not asked for anything else."""

log = get(__name__)
Watcher = Callable[[Search], None]


class Searcher:
    """Works off the searches that are due. `templates`: addresses of TimeMaps, `{url}` in them."""

    def __init__(
        self, db: Database, archive: Archive, fetcher: Fetcher, templates: Sequence[str], clock: Clock
    ) -> None:
        self._db, self._archive, self._fetcher, self._clock = db, archive, fetcher, clock
        self._templates = templates
        self._shut: dict[str, datetime] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; without an archive to ask there is nothing to do."""
        if not self._templates:
            await stop.wait()
            return
        news = self._db.listen(registry.DUE)
        try:
            while not stop.is_set():
                news.clear()
                if not await self._turn(stop=stop):
                    await rest(self._db, self._clock, searches.next_due, stop, news)
        finally:
            self._db.forget(registry.DUE, news)

    async def search_now(self, links: Collection[str], watch: Watcher | None = None) -> None:
        """Ask once for all citations of these links whose search is due."""
        if not self._templates or not links:
            return
        while await self._turn(among=links, watch=watch):
            pass

    async def _turn(
        self, *, among: Collection[str] = (), watch: Watcher | None = None, stop: asyncio.Event | None = None
    ) -> bool:
        """Work off a batch; False when nothing was due."""
        try:
            async with self._db.write() as tx:
                batch = await searches.claim(tx, self._clock.now(), BATCH, among=among)
            async with self._fetcher.session() as session:
                for search in batch:
                    if stop is not None and stop.is_set():
                        await self._leave(search)
                        continue
                    await self._attempt(search, session)
                    if watch is not None:
                        watch(search)
        except (Unavailable, RetryLater) as error:
            log.warning("searches wait for the store", error=str(error))
            return False
        return bool(batch)

    async def _leave(self, search: Search) -> None:
        async with self._db.write() as tx:
            await searches.put_off(tx, search.ids, self._clock.now())

    async def _attempt(self, search: Search, session: Session) -> None:
        """A search that fails for a fault of ours is put off like one that was not answered."""
        asking = _Asking(session, self._shut, self._clock)
        try:
            await self._search(search, asking)
        except (Unavailable, RetryLater):
            raise
        except Exception as error:
            log.error("a search failed for a fault of ours", link=search.link_id, exc_info=error)
            asking.unanswered = True
        if asking.unanswered:
            await self._try_again(search)

    async def _search(self, search: Search, asking: "_Asking") -> None:
        mementos, moment = Mementos(asking.fetch, self._templates), _moment(search, self._clock.now())
        listed = await mementos.listed(search.url, moment)
        async with self._db.write() as tx:
            await searches.answered(tx, search.ids, listed[:KEPT], self._clock.now())
        wanting = [one for one in search.citations if _wants_older(one, self._clock.now())]
        if not wanting:
            return
        within = min(_first_look(one, self._clock.now()) for one in wanting) - moment
        async for taken in mementos.taken(listed, moment, within=within):
            if await self._bring(search, wanting, taken):
                asking.unanswered = False
                return

    async def _bring(self, search: Search, wanting: Sequence[Citation], taken: Taken) -> bool:
        """Bring a memento home and offer it to the citations it bears on; False when it bears on none."""
        page = await asyncio.to_thread(self._read, search.url, taken)
        if page is None:
            return False
        ids = [one.citation_id for one in wanting if located(one, page) is not None]
        if not ids:
            return False
        async with self._db.read() as tx:
            known = await searches.brought(tx, search.link_id, taken.memento.url)
        snapshot = known or await self._kept(search, taken, page)
        async with self._db.write() as tx:
            if known is None:
                await searches.keep(tx, snapshot)
            await searches.offer(tx, ids, snapshot, self._clock.now())
        return True

    def _read(self, url: str, taken: Taken) -> Page | None:
        return evidence(url, _hops(url, taken), taken.exchanges[-1])

    async def _kept(self, search: Search, taken: Taken, page: Page) -> Snapshot:
        """The memento, durable in our archive, and its row."""
        now, last, memento = self._clock.now(), taken.exchanges[-1], taken.memento
        original = taken.originals()[-1]
        provenance = Provenance(memento.source, memento.url, memento.captured_at, original)
        capture = Capture(taken.exchanges, new_id("snp", now), now, provenance=provenance)
        stored = await self._archive.store_capture(capture, page)
        return Snapshot(
            snapshot_id=capture.capture_id,
            link_id=search.link_id,
            captured_at=memento.captured_at,
            kind=stored.kind,
            source=memento.url,
            warc_key=stored.key,
            warc_sha256=stored.sha256,
            warc_bytes=stored.size,
            sha256=hashlib.sha256(last.body).hexdigest(),
            length=len(last.body),
            url=original,
            http_status=last.status,
            media_type=page.media_type[:120],
            truncated=last.truncated,
            text_key=stored.text_key,
        )

    async def _try_again(self, search: Search) -> None:
        pause = BACK_OFF[search.tries] if search.tries < len(BACK_OFF) else None
        at = None if pause is None else self._clock.now() + pause
        async with self._db.write() as tx:
            await searches.put_off(tx, search.ids, at, tries=search.tries + 1)


class _Asking:
    """Requests of one search. An archive that did not answer is left alone for a while, by all searches."""

    def __init__(self, session: Session, shut: dict[str, datetime], clock: Clock) -> None:
        self._session, self._shut, self._clock = session, shut, clock
        self.unanswered = False

    async def fetch(self, url: str) -> Sequence[Exchange]:
        """The answers on the way; none when the archive did not answer."""
        try:
            host = parse(url).host
        except UrlError:
            return ()
        if self._shut.get(host, datetime.min.replace(tzinfo=UTC)) > self._clock.now():
            self.unanswered = True
            return ()
        fetched = await self._session.fetch(url)
        if _is_down(fetched):
            self.unanswered = True
            self._shut[host] = max(fetched.retry_at or self._clock.now(), self._clock.now() + SHUT)
        return fetched.exchanges if fetched.fault is None else ()


def _is_down(fetched: Fetched) -> bool:
    """Whether the archive itself failed; an answer about the page, whichever, is one."""
    if not fetched.exchanges:
        return True
    return fetched.fault is None and (fetched.exchanges[-1].status == 429 or fetched.exchanges[-1].status >= 500)


def _moment(search: Search, now: datetime) -> datetime:
    """When the page was cited."""
    first = search.citations[0]
    return first.article.published_at or _first_look(first, now)


def _first_look(citation: Citation, now: datetime) -> datetime:
    """When we first saw the page, as far as it bears on the claim."""
    return citation.baseline_snapshot.captured_at if citation.baseline_snapshot is not None else now


def _wants_older(citation: Citation, now: datetime) -> bool:
    """Whether the article is older than our first look, and no memento is the baseline yet."""
    published, snapshot = citation.article.published_at, citation.baseline_snapshot
    if published is None or (snapshot is not None and snapshot.archive is not None):
        return False
    return _first_look(citation, now) - published >= registry.OLD


def _hops(url: str, taken: Taken) -> tuple[Hop, ...]:
    """What the archive saw on its way from a URL, as hops of the original."""
    seen, final = [url, *taken.originals()[1:]], taken.exchanges[-1]
    redirects = (Hop(one, 302, location=target) for one, target in pairwise(seen))
    return (*redirects, Hop(seen[-1], final.status, final.headers))
