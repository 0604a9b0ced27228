"""The HTTP interface of linkcheck over a socket: Memento (RFC 7089), HEAD, what is malformed."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from pydantic import SecretStr

from services.linkcheck.store import reports
from shared.events import ArticleReceived, CitedLink
from shared.web import create_app
from tests.support.ingest import served
from tests.support.linkchecking import CLAIM, PAGE, Bench, linkchecking
from tests.support.origin import Origin

LINK = re.compile(r'<([^>]*)>((?:; [a-z]+="[^"]*")+)')


@asynccontextmanager
async def speaking(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    linkcheck = bench.linkcheck
    app = create_app("linkcheck", tokens=[SecretStr("token")], routers=linkcheck.routers(), ready=linkcheck.ready())
    async with served(app) as address, httpx.AsyncClient(base_url=address, trust_env=False) as client:
        client.headers["authorization"] = "Bearer token"
        yield client


def links(text: str) -> dict[str, str]:
    """Relation → address."""
    found = {}
    for address, attributes in LINK.findall(text):
        relation = re.search(r'rel="([^"]*)"', attributes)
        assert relation is not None
        found[relation[1]] = address
    return found


def local(address: str) -> str:
    return address.removeprefix("http://127.0.0.1:8000")


async def test_memento(tmp_path: Path) -> None:
    async with Origin() as origin, linkchecking(tmp_path, origin) as bench, speaking(bench) as client:
        url = origin.page("a.test", "/a%2Fb?q=1", PAGE)
        await bench.cite(url)
        await bench.check()
        origin.page("a.test", "/a%2Fb?q=1", PAGE.replace("nine", "six"))
        bench.clock.forward(hours=30)
        await bench.check()
        early, late = [one.captured_at for one in await bench.snapshots()]

        gate = await client.get(f"/timegate/{url}", headers={"accept-datetime": "Thu, 31 May 2007 20:35:00 GMT"})
        assert (gate.status_code, gate.headers["vary"]) == (302, "accept-datetime")
        said = links(gate.headers["link"])
        assert said["original"] == url
        assert set(said) == {"original", "timemap", "first memento", "last memento"}
        assert gate.headers["location"] == said["first memento"]
        assert f"{early:%Y%m%d%H%M%S}" in said["first memento"]
        now = await client.get(f"/timegate/{quote(url, safe='')}")
        assert f"{late:%Y%m%d%H%M%S}" in now.headers["location"]

        memento = await client.get(local(said["first memento"]))
        assert memento.text == PAGE
        assert memento.headers["memento-datetime"] == f"{early:%a, %d %b %Y %H:%M:%S GMT}"
        assert set(links(memento.headers["link"])) == {
            "original",
            "timegate",
            "timemap",
            "first memento",
            "last memento",
        }
        assert "sandbox" in memento.headers["content-security-policy"]

        timemap = await client.get(local(said["timemap"]))
        assert timemap.headers["content-type"] == "application/link-format"
        assert links(timemap.text) == {
            "original": url, "self": said["timemap"], "timegate": links(memento.headers["link"])["timegate"],
            "first memento": said["first memento"], "last memento": said["last memento"],
        }  # fmt: skip

        for path in (f"/timegate/{url}", local(said["timemap"]), local(said["first memento"])):
            head, get = await client.head(path), await client.get(path)
            assert (head.status_code, head.content) == (get.status_code, b"")
            assert head.headers.get("link") == get.headers.get("link")


async def test_what_is_malformed_is_a_problem_document(tmp_path: Path, database_url: str) -> None:
    async with (
        Origin() as origin,
        linkchecking(tmp_path, origin, database_url=database_url) as bench,
        speaking(bench) as client,
    ):
        asked = {
            "/v1/links?cursor=!!": 400,
            "/v1/links?cursor=AA": (200, 422),
            "/v1/links/a%00b": (404, 422),
            "/links/a%00b": (404, 422),
            "/timegate/not a url": 422,
            "/memento/20201399000000/http://a.test/": 404,
            "/v1/links?limit=0": 422,
        }
        for path, status in asked.items():
            answer = await client.get(path)
            assert answer.status_code in (status if isinstance(status, tuple) else (status,)), path
            if answer.status_code != 200:
                assert answer.headers["content-type"] == "application/problem+json", path
        review = "/v1/citations/cit_1/review"
        plain = await client.post(review, content='{"decision": "accept"}', headers={"content-type": "text/plain"})
        assert (plain.status_code, plain.headers["content-type"]) == (415, "application/problem+json")
        empty = await client.post(review)
        assert empty.status_code == 422


@pytest.mark.parametrize("path", ["/", "/v1/links", "/healthz", "/docs"])
async def test_head_is_get_without_the_body(tmp_path: Path, path: str) -> None:
    async with Origin() as origin, linkchecking(tmp_path, origin) as bench, speaking(bench) as client:
        head, get = await client.head(path), await client.get(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == get.headers["content-length"]
        nobody = await client.head("/v1/links", headers={"authorization": ""})
        assert (nobody.status_code, nobody.content) == (401, b"")


async def test_the_page_of_the_interface_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    async with Origin() as origin, linkchecking(tmp_path, origin) as bench, speaking(bench) as client:
        page = (await client.get("/docs")).text
        assert "swagger-ui" in page
        loaded = re.findall(r"(?:src|href)=\"([^\"]+)", page)
        assert len(loaded) >= 3
        for path in loaded:
            assert path.startswith("/"), path
            assert (await client.get(path)).status_code == 200, path


async def test_a_fault_of_ours_is_a_problem_document_and_costs_no_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object, **__: object) -> None:
        raise RuntimeError("a secret thing")

    monkeypatch.setattr(reports, "list_links", fails)
    async with Origin() as origin, linkchecking(tmp_path, origin) as bench, speaking(bench) as client:
        for _ in range(2):
            answer = await client.get("/v1/links")
            assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
            assert "secret" not in answer.text
        assert (await client.get("/healthz")).status_code == 200


async def test_pages_name_what_they_show(tmp_path: Path) -> None:
    async with Origin() as origin, linkchecking(tmp_path, origin) as bench, speaking(bench) as client:
        link_id = await bench.cite(origin.page("a.test", "/", PAGE))
        await bench.check()
        assert f"<title>{CLAIM[:60]}" in (await client.get("/citations/cit_0")).text
        assert "<title>http://a.test" in (await client.get(f"/links/{link_id}")).text
        await bench.take_over(
            ArticleReceived(
                article_id="art_bare", version=1, source="test", url=None, title="Harbour " * 100,
                received_at=bench.clock.now(), citations=(), other_links=(),
            )
        )  # fmt: skip
        assert "No link of this article stands as evidence" in (await client.get("/articles/art_bare")).text
        assert "Harbour " * 30 not in (await client.get("/")).text


async def test_a_page_that_is_gone_is_not_suggested(tmp_path: Path) -> None:
    async with Origin() as origin, linkchecking(tmp_path, origin) as bench, speaking(bench) as client:
        await bench.cite(origin.page("a.test", "/stands", PAGE))
        await bench.cite(origin.page("a.test", "/goes", PAGE))
        await bench.check()
        origin.page("a.test", "/goes", "<title>404 Not Found</title>", status=404)
        bench.clock.forward(hours=30)
        await bench.check()
        lost = CitedLink(
            citation_id="cit_lost", claim=CLAIM, context=CLAIM, anchor="dredged", href="#", missing="placeholder",
            target=None, position=0,
        )  # fmt: skip
        await bench.take_over(
            ArticleReceived(
                article_id="art_lost", version=1, source="test", url=None, title="Tides",
                received_at=bench.clock.now(), citations=(lost,), other_links=(),
            )
        )  # fmt: skip
        repairs = (await client.get("/v1/citations/cit_lost")).json()["repairs"]
        shown = (await client.get("/citations/cit_lost")).text
        assert "PATCH /v1/citations/cit_lost" in shown, "ingest, which would take a form, answers elsewhere"
        assert 'cit_lost/target"' not in shown
        assert [one["url"].rpartition("/")[2] for one in repairs] == ["stands"]
