"""An old article whose page was changed before anybody looked: a real web archive tells, pywb with several dates."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest

from services.linkcheck.archive.records import records
from services.linkcheck.archive.snapshots import Archive
from services.linkcheck.archive.warc import read_metadata
from shared.blobs import FolderBlobs
from tests.e2e.test_up_command import SENTENCE, delivery, environment, page, until
from tests.support.captures import capture, exchange
from tests.support.command import Ended, run, up
from tests.support.ingest import free_port
from tests.support.origin import Origin
from tests.support.sinks import Sink
from tests.support.webarchive import Pywb, Wacz

pytestmark = pytest.mark.timeout(400)
ARTICLE = """---
date: 2016-08-09
---
# Bridge

The committee [approved a budget of 4.2 million euros]({}) for the new bridge.
"""
WALL = "<!doctype html><html lang=en><title>Just a moment...</title><body><h1>Checking your browser</h1>"
CAPTURES = {
    "20160301120000": page("3.9"),
    "20160801120000": page("4.2"),
    "20160810120000": WALL,  # the nearest to the article's date, and no evidence
    "20200102120000": page("5.7"),
}


@dataclass
class Held:
    """A page of an origin of which a web archive holds captures."""

    origin: Origin
    pywb: Pywb
    url: str
    collection: str

    @property
    def environment(self) -> dict[str, str]:
        template = f"{self.pywb.url}/{self.collection}/timemap/link/{{url}}"
        return environment(self.origin, CITEWATCH_MEMENTO_TIMEMAPS=template)


async def held(origin: Origin, pywb: Pywb, folder: Path, collection: str) -> Held:
    """The page as it is today, and its captures in a collection of their own."""
    url = origin.page("paper.test", "/report", page("5.7"), etag='"1"')
    archive, files = Archive(FolderBlobs(folder)), []
    for stamp, body in CAPTURES.items():
        at = datetime.strptime(stamp, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        made = capture(exchange(url, body.encode()), capture_id=f"snp_{stamp}", at=at)
        files.append(folder / (await archive.store_capture(made)).key)
    await asyncio.to_thread(pywb.add, collection, *files)
    timemap = f"{collection}/timemap/link/{url}"
    async with asyncio.timeout(20):
        while (await asyncio.to_thread(pywb.get, timemap))[2].count(b'memento"') < len(CAPTURES):
            await asyncio.sleep(0.1)
    return Held(origin, pywb, url, collection)


def only(ended: Ended) -> dict[str, Any]:
    (citation,) = ended.document["articles"][0]["citations"]
    return citation


async def check(held: Held, article: Path, data: Path, **more: str) -> Ended:
    return await run("check", str(article), "--json", "--data-dir", str(data), environment=held.environment | more)


async def test_check_tells_what_was_changed_before_it_first_looked(pywb: Pywb, wacz: Wacz, tmp_path: Path) -> None:
    async with Origin() as origin:
        paper = await held(origin, pywb, tmp_path / "theirs", "paper-check")
        article, data = tmp_path / "bridge.md", tmp_path / "data"
        article.write_text(ARTICLE.format(paper.url))

        alone = await check(paper, article, tmp_path / "alone", CITEWATCH_MEMENTO_TIMEMAPS="")
        assert only(alone)["support"] in ("intact", "unlocated")  # today's page is all there is

        first = await check(paper, article, data)
        assert first.code == 1, first.err
        found = only(first)
        assert (found["support"], found["changes"]) == ("altered", ["number"])
        assert found["passage"]["exact"] == SENTENCE.format("5.7")

        again = only(await check(paper, article, data))
        assert (again["support"], again["changes"]) == ("altered", ["number"])
        proven = await run("verify", "--data-dir", str(data))
        assert proven.code == 0, proven.out
        bundle = tmp_path / "evidence.wacz"
        identity = first.document["articles"][0]["article_id"]
        exported = await run("export", identity, "-o", str(bundle), "--data-dir", str(data))
        assert exported.code == 0, exported.err
        assert (await run("verify", str(bundle))).code == 0
        assert wacz.validate(bundle) == (True, ANY)
        assert mementos_of(data) == [
            {
                "archive": "127.0.0.1", "datetime": "2016-08-01T12:00:00Z", "original": paper.url,
                "url": f"{pywb.url}/{paper.collection}/20160801120000/{paper.url}",
            }
        ]  # fmt: skip


def mementos_of(data: Path) -> list[Any]:
    """What the metadata records of an archive say of captures that others made."""
    found = []
    for file in (data / "archive" / "warc").rglob("*.warc.gz"):
        for record in records(file.read_bytes()):
            if record.kind == "metadata":
                found += [value for name, value in read_metadata(record.block) if name == "memento"]
    return found


async def test_a_memento_that_comes_after_the_first_check_is_told_then(pywb: Pywb, tmp_path: Path) -> None:
    async with Origin() as origin, Sink() as desk:
        paper = await held(origin, pywb, tmp_path / "theirs", "paper-up")
        environment = paper.environment | {"CITEWATCH_RECHECK_MIN": "1h", "CITEWATCH_RECHECK_MAX": "2h"}
        environment["CITEWATCH_ALERT_WEBHOOK_URL"] = desk.url
        async with up(tmp_path / "data", free_port(), environment) as running:
            raw, headers = delivery(paper.url, published_at="2016-08-09T00:00:00Z")
            posted = await running.client.post("/v1/articles", content=raw, headers=headers)
            assert posted.status_code == 202, posted.text
            report = f"/v1/articles/{posted.json()['article_id']}/report"
            done = await running.until(report, lambda one: one["articles"][0]["citations"][0]["support"] == "altered")
            citation = done["articles"][0]["citations"][0]["id"]
            told = await running.get(f"/v1/citations/{citation}")
            assert told["then"]["passage"]["exact"] == SENTENCE.format("4.2")
            assert told["then"]["archive"] == {
                "name": "127.0.0.1", "captured_at": "2016-08-01T12:00:00Z",
                "url": f"{pywb.url}/{paper.collection}/20160801120000/{paper.url}",
            }  # fmt: skip
            assert "Compared with the copy of 1 August 2016 held by 127.0.0.1." in told["notes"]
            shown = (await running.client.get(f"/citations/{citation}")).text
            assert "compared with the copy of" in shown
            best, *others = told["repairs"]
            assert (best["kind"], best["archive"], best["url"]) == (
                "memento",
                "127.0.0.1",
                told["then"]["archive"]["url"],
            )
            assert [one["kind"] for one in others] == ["memento"] * 3 + ["our capture"]
            assert f'+<p>The committee <a href="{paper.url}" data-versionurl="{best["url"]}"' in best["patch"]
            assert "held by 127.0.0.1" in shown
            assert f"data-versionurl=&#34;{best['url']}" in shown
            await until(lambda: desk.received)
            assert (
                f'data-versionurl=\\"{best["url"]}\\" data-versiondate=\\"2016-08-01\\"'
                in desk.received[0].body.decode()
            )
            assert "1 August 2016" in desk.received[0].body.decode()
            theirs = await running.get(f"/v1/snapshots/{told['then']['snapshot']['id']}")
            assert (theirs["kind"], theirs["url"]) == ("memento", paper.url)
            raw_body = await running.client.get(f"/memento/20160801120000/{paper.url}")
            assert raw_body.headers["memento-datetime"] == "Mon, 01 Aug 2016 12:00:00 GMT"
            assert SENTENCE.format("4.2") in raw_body.text


async def test_an_archive_that_is_down_fails_no_check_and_is_asked_again(tmp_path: Path) -> None:
    async with Origin() as origin:
        url = origin.page("paper.test", "/report", page("4.2"))
        origin.page("archive.test", f"/map/{url}", "busy", status=503, headers=[("Retry-After", "600")])
        article = tmp_path / "bridge.md"
        article.write_text(ARTICLE.format(url))
        settings = environment(origin, CITEWATCH_MEMENTO_TIMEMAPS=origin.url("archive.test", "/map/{url}"))
        for times in (1, 1):  # it asked for ten minutes: the second run leaves it alone
            done = await run(
                "check", str(article), "--json", "--data-dir", str(tmp_path / "data"), environment=settings
            )
            assert only(done)["support"] == "intact"
            assert len(origin.requests("archive.test")) == times
