"""TimeMaps of many archives, read; and the nearest memento taken from archives that behave and that do not."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.linkcheck.archive.mementos import Mementos, Taken, parse_timemap, raw_url
from shared.outbound.exchange import Exchange
from tests.support.captures import exchange

CASES = Path(__file__).parents[1] / "cases" / "timemaps"
BASE = "https://archive.example/timemap/link/https://example.org/"
STAMPS = ("20100203040506", "20150607080910", "20240102030405")
MAY_2015 = datetime(2015, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize("path", sorted(CASES.glob("*.link")), ids=lambda path: path.stem)
def test_timemaps_as_archives_write_them(path: Path) -> None:
    """The first line of a case says what must be found: timestamps, then the number of further pages."""
    first, _, text = path.read_text("utf-8").partition("\n")
    *stamps, pages = first.split()
    found = parse_timemap(text, BASE)
    assert [f"{one.captured_at:%Y%m%d%H%M%S}" for one in found.mementos] == stamps
    assert len(found.pages) == int(pages)
    assert all(one.url.startswith("https://archive.example/") for one in found.mementos)


@settings(max_examples=200, deadline=500)
@given(
    st.text(max_size=300)
    | st.lists(st.sampled_from([*'<>;",= ', 'rel="memento"', "<http://a/>", "datetime"])).map("".join)
)
def test_no_text_upsets_the_reader(text: str) -> None:
    parse_timemap(text, BASE)


def test_a_long_hostile_timemap_is_read_in_no_time() -> None:
    for piece in ("<", "<a>;", '<a>;"', "<a>;rel=", "<a>" + ";" * 50, '"', ","):
        parse_timemap(piece * (200_000 // len(piece)), BASE)


@pytest.mark.parametrize(
    ("address", "raw"),
    [
        ("https://a.example/web/20150101000000/https://x.example/", "https://a.example/web/20150101000000id_/https://x.example/"),
        ("https://a.example/web/20150101000000if_/http://x.example/", "https://a.example/web/20150101000000id_/http://x.example/"),
        ("https://a.example/20150101000000/http://x.example/20160101000000/", "https://a.example/20150101000000id_/http://x.example/20160101000000/"),
        ("https://a.example/abc123", "https://a.example/abc123"),
    ],
)  # fmt: skip
def test_the_raw_body_stands_behind_id(address: str, raw: str) -> None:
    assert raw_url(address) == raw


def stamped(stamp: str) -> datetime:
    return datetime.strptime(stamp, "%Y%m%d%H%M%S").replace(tzinfo=UTC)


def line(stamp: str, host: str = "archive.example") -> str:
    moment = stamped(stamp).strftime("%a, %d %b %Y %H:%M:%S GMT")
    return f'<https://{host}/web/{stamp}/https://example.org/>; rel="memento"; datetime="{moment}"'


class Archives:
    """Answers by address; everything else is 404, or nothing at all where it says None."""

    def __init__(self, **answers: str) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, Exchange | None] = {}

    def timemap(self, text: str, address: str = BASE) -> "Archives":
        self.answers[address] = exchange(address, text.encode())
        return self

    def memento(self, stamp: str, answer: Exchange | None) -> "Archives":
        self.answers[f"https://archive.example/web/{stamp}id_/https://example.org/"] = answer
        return self

    async def fetch(self, address: str) -> Sequence[Exchange]:
        self.asked.append(address)
        found = self.answers.get(address, exchange(address, b"none", status=404))
        return [] if found is None else [found]


def holding(*stamps: str) -> Archives:
    archives = Archives().timemap(",\n".join(map(line, stamps)))
    for stamp in stamps:
        archives.memento(stamp, exchange(body=stamp.encode()))
    return archives


def client(archives: Archives, *templates: str) -> Mementos:
    return Mementos(archives.fetch, templates or ("https://archive.example/timemap/link/{url}",))


async def nearest(mementos: Mementos, within: timedelta | None = None) -> Taken | None:
    listed = await mementos.listed("https://example.org/", MAY_2015)
    async for taken in mementos.taken(listed, MAY_2015, within=within):
        return taken
    return None


async def test_the_nearest_is_taken_raw() -> None:
    taken = await nearest(client(holding(*STAMPS)))
    assert taken is not None
    assert taken.exchanges[-1].body == b"20150607080910"
    assert (taken.memento.captured_at, taken.memento.source) == (stamped("20150607080910"), "archive.example")


async def test_of_two_as_near_the_older_is_taken() -> None:
    taken = await nearest(client(holding("20150430000000", "20150502000000")))
    assert taken is not None and taken.memento.captured_at == stamped("20150430000000")


async def test_one_that_is_listed_but_not_served_is_passed_over() -> None:
    archives = holding(*STAMPS).memento("20150607080910", None)
    taken = await nearest(client(archives))
    assert taken is not None and taken.exchanges[-1].body == b"20100203040506"


async def test_the_archive_s_own_word_on_the_date_counts() -> None:
    told = (("Memento-Datetime", "Tue, 05 May 2015 00:00:00 GMT"),)
    archives = holding(*STAMPS).memento("20150607080910", exchange(headers=told))
    taken = await nearest(client(archives))
    assert taken is not None and taken.memento.captured_at == stamped("20150505000000")


async def test_nothing_too_far_away_is_taken() -> None:
    assert await nearest(client(holding(*STAMPS)), timedelta(days=30)) is None
    far = (("Memento-Datetime", "Tue, 05 May 2020 00:00:00 GMT"),)
    archives = holding("20150502000000").memento("20150502000000", exchange(headers=far))
    assert await nearest(client(archives), timedelta(days=30)) is None


async def test_all_archives_are_asked_and_one_that_is_away_does_not_matter() -> None:
    archives = holding(*STAMPS)
    archives.answers["https://away.example/https://example.org/"] = None
    archives.answers["https://odd.example/https://example.org/"] = exchange(body=b"<html>\xff not a timemap")
    mementos = client(
        archives, "https://away.example/", "https://odd.example/", "https://archive.example/timemap/link/{url}"
    )
    assert len(await mementos.listed("https://example.org/", MAY_2015)) == 3


async def test_the_pages_nearest_to_the_moment_are_asked_for() -> None:
    pages = [
        f'<https://archive.example/page/{year}>; rel="timemap"; from="Mon, 01 Jan {year} 00:00:00 GMT"; '
        f'until="Tue, 31 Dec {year} 00:00:00 GMT"'
        for year in range(2005, 2025)
    ]
    archives = Archives().timemap(",".join(pages))
    archives.timemap(line("20150607080910"), "https://archive.example/page/2015")
    listed = await client(archives).listed("https://example.org/", MAY_2015)
    assert len(listed) == 1
    assert [one.rpartition("/")[2] for one in archives.asked[1:]] == ["2015", "2014", "2016"]


async def test_no_archive_means_no_memento() -> None:
    assert await nearest(Mementos(Archives().fetch, ())) is None
