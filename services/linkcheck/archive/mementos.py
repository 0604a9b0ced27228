"""What other web archives hold: TimeMaps (RFC 7089) asked for the memento nearest to a date, and its raw body.

An archive that does not answer, or answers nonsense, is as if it held nothing: mementos are a help, never a need.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from shared.errors import InputError
from shared.events import Memento
from shared.outbound.coding import decode
from shared.outbound.exchange import Exchange
from shared.urls import parse

Fetch = Callable[[str], Awaitable[Sequence[Exchange]]]
"""GET with redirects followed: every answer in order; none when there was no answer."""
MAX_TIMEMAP = 8 * 1024 * 1024
MAX_PAGES = 3
"""Further pages of a TimeMap that are asked for."""
MAX_TRIES = 3
"""Mementos that are tried."""
_LINK = re.compile(r"<([^<>]*)>((?:[^\",<]|\"[^\"]*\")*)")
_PARAMETER = re.compile(r";\s*([\w*-]+)\s*=\s*(?:\"([^\"]*)\"|([^\s;,\"]+))")
_STAMP = re.compile(r"/(\d{14})(?:[a-z]{2}_)?/")


@dataclass(frozen=True, slots=True)
class TimeMapPage:
    """A further page of a TimeMap, and the time that it covers, where told."""

    url: str
    since: datetime | None
    until: datetime | None

    def distance(self, moment: datetime) -> timedelta:
        """How far from a moment the page's time is; zero inside it."""
        before = self.since - moment if self.since else timedelta()
        after = moment - self.until if self.until else timedelta()
        return max(before, after, timedelta())


@dataclass(frozen=True, slots=True)
class TimeMap:
    """Mementos, oldest first, and where more are listed."""

    mementos: tuple[Memento, ...] = ()
    pages: tuple[TimeMapPage, ...] = ()


@dataclass(frozen=True, slots=True)
class Taken:
    """A memento brought home: `captured_at` as its archive tells it; the last exchange holds the raw body."""

    memento: Memento
    exchanges: tuple[Exchange, ...]

    def originals(self) -> list[str]:
        """The addresses that were captured on the way, without the archive's own steps from one memento to another."""
        return list(dict.fromkeys(original_url(exchange.url) for exchange in self.exchanges))


def parse_timemap(text: str, base: str) -> TimeMap:
    """Link-format (RFC 6690 syntax, RFC 7089 §5 relations). What cannot be read is passed over."""
    source = parse(base).host
    mementos, pages = [], []
    for url, relations, parameters in _links(text, base):
        moment = _date(parameters.get("datetime"))
        if "memento" in relations and moment is not None:
            mementos.append(Memento(url=url, captured_at=moment, source=source))
        elif "timemap" in relations and url != parse(base).href:
            pages.append(TimeMapPage(url, _date(parameters.get("from")), _date(parameters.get("until"))))
    return TimeMap(tuple(sorted(mementos, key=lambda one: (one.captured_at, one.url))), tuple(pages))


def _links(text: str, base: str) -> Iterator[tuple[str, set[str], dict[str, str]]]:
    for match in _LINK.finditer(text):
        parameters = {name.lower(): quoted or plain for name, quoted, plain in _PARAMETER.findall(match[2])}
        try:
            url = parse(match[1].strip(), base)
        except InputError:
            continue
        if url.scheme in ("http", "https"):
            yield url.href, set(parameters.get("rel", "").lower().split()), parameters


def _date(text: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text or "")
    except (ValueError, TypeError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def raw_url(memento: str) -> str:
    """Where the body stands as it was captured, without the archive's own bars and rewritten links.

    Archives of the Wayback family serve it where `id_` follows the timestamp; other addresses are left alone.
    """
    return _STAMP.sub(r"/\1id_/", memento, count=1)


def original_url(memento: str) -> str:
    """The address that was captured, where that of the memento tells it; else the memento's own."""
    stamp = _STAMP.search(memento)
    return memento[stamp.end() :] if stamp else memento


class Mementos:
    """Asks web archives. `templates`: addresses of TimeMaps, `{url}` in them."""

    def __init__(self, fetch: Fetch, templates: Sequence[str]) -> None:
        self._fetch = fetch
        self._templates = tuple(one if "{url}" in one else one + "{url}" for one in templates)

    async def listed(self, url: str, moment: datetime) -> list[Memento]:
        """The mementos of a URL that all archives list, the nearest to a moment first (the older one of two)."""
        found: dict[str, Memento] = {}
        for template in self._templates:
            for memento in await self._ask(template.replace("{url}", url), moment):
                found.setdefault(memento.url, memento)
        return sorted(found.values(), key=lambda one: (abs(one.captured_at - moment), one.captured_at, one.url))

    async def _ask(self, address: str, moment: datetime) -> tuple[Memento, ...]:
        first = await self._page(address)
        mementos = first.mementos
        for page in sorted(first.pages, key=lambda one: one.distance(moment))[:MAX_PAGES]:
            mementos += (await self._page(page.url)).mementos
        return mementos

    async def _page(self, address: str) -> TimeMap:
        exchanges = await self._fetch(address)
        if not exchanges or exchanges[-1].status != 200:
            return TimeMap()
        body, _ = decode(exchanges[-1], MAX_TIMEMAP)
        return parse_timemap(body.decode("utf-8", "replace"), exchanges[-1].url)

    async def taken(
        self, listed: Sequence[Memento], moment: datetime, *, within: timedelta | None = None
    ) -> AsyncIterator[Taken]:
        """The nearest to a moment that their archive really serves, no further than `within` from it."""
        near = [one for one in listed if within is None or abs(one.captured_at - moment) <= within]
        for memento in near[:MAX_TRIES]:
            exchanges = tuple(await self._fetch(raw_url(memento.url)))
            if exchanges and exchanges[-1].status == 200 and exchanges[-1].body:
                told = _date(exchanges[-1].header("memento-datetime")) or memento.captured_at
                if within is None or abs(told - moment) <= within:
                    yield Taken(memento.model_copy(update={"captured_at": told}), exchanges)
