"""Ingest over a real socket and a real database: doors, versions, ids, targets, lists, import."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.postgres import Postgres
from shared.db import Database
from tests.support.ingest import SECRET, Running, running, signed

pytestmark = pytest.mark.filterwarnings("ignore:websockets")
PAGE = '<p>The council met on Friday, as <a href="https://record.example/meeting">the record of the day</a> shows.</p>'
LOST = PAGE + '<p>Another paper <a href="#">confirmed the vote</a> in its report of that evening.</p>'


def article(**more: Any) -> dict[str, Any]:
    return {"url": "https://paper.example/council", "title": "Council", "content": PAGE} | more


@pytest.fixture
async def ingest(tmp_path: Path, database_url: str) -> AsyncIterator[Running]:
    async with running(tmp_path, database_url=database_url) as one:
        yield one


async def test_submission_becomes_an_event_in_the_log(ingest: Running) -> None:
    answer = await ingest.push(article(authors=["A. Writer"], tags=["town"], published_at="2025-12-31T10:00:00"))
    assert answer.status_code == 202
    assert answer.json() == {
        "article_id": answer.json()["article_id"], "version": 1, "citations": 1, "other_links": 0,
    }  # fmt: skip
    (event,) = await ingest.events()
    assert event.article_id == answer.json()["article_id"]
    assert (event.version, event.source, event.title, event.authors) == (1, "api", "Council", ("A. Writer",))
    assert event.citations[0].target == "https://record.example/meeting"
    assert event.citations[0].claim == "The council met on Friday, as the record of the day shows."
    assert event.text == event.citations[0].claim
    stored = (await ingest.client.get(f"/v1/articles/{event.article_id}")).json()
    assert (stored["version"], stored["citations"][0]["claim"]) == (1, event.citations[0].claim)
    assert stored["published_at"] == "2025-12-31T10:00:00Z"


async def test_same_content_is_no_new_version_and_new_content_is(ingest: Running) -> None:
    first = await ingest.push(article())
    same = await ingest.push(article())
    other = await ingest.push(article(content=PAGE.replace("Friday", "Monday")))
    back = await ingest.push(article())
    assert [one.status_code for one in (first, same, other, back)] == [202, 200, 202, 202]
    assert [one.json()["version"] for one in (first, same, other, back)] == [1, 1, 2, 3]
    assert same.json() == first.json()
    assert [one.version for one in await ingest.events()] == [1, 2, 3]


async def test_markup_alone_makes_no_version(ingest: Running) -> None:
    await ingest.push(article())
    again = await ingest.push(article(content=PAGE.replace("<p>", '<p class="x">\n') + "<!-- built at noon -->"))
    assert (again.status_code, again.json()["version"]) == (200, 1)


async def test_a_replayed_id_has_no_second_effect_and_the_first_answer(ingest: Running) -> None:
    first = await ingest.push(article(), "msg_same")
    await ingest.push(article(content=LOST))
    again = await ingest.push(article(), "msg_same")
    assert (again.status_code, again.json()) == (200, first.json())
    other = await ingest.push(article(content=LOST + LOST), "msg_same")
    assert other.status_code == 409
    assert len(await ingest.events()) == 2


async def test_ids_are_forgotten_after_seven_days(ingest: Running) -> None:
    await ingest.push(article(), "msg_old")
    ingest.clock.move(days=6, hours=23)
    assert (await ingest.push(article(content=LOST), "msg_old")).status_code == 409
    ingest.clock.move(hours=2)
    assert (await ingest.push(article(content=LOST), "msg_old")).status_code == 202
    assert await ingest.count("ingest_deliveries") == 1


@pytest.mark.parametrize("same_id", [True, False])
async def test_fifty_at_once_are_one_article_of_one_version(ingest: Running, same_id: bool) -> None:
    answers = await asyncio.gather(
        *(ingest.push(article(), "msg_one" if same_id else f"msg_of_{number}") for number in range(50))
    )
    assert sorted(one.status_code for one in answers) == [200] * 49 + [202]
    assert {one.json()["version"] for one in answers} == {1}
    assert len(await ingest.events()) == 1
    assert await ingest.count("ingest_articles") == 1


async def test_identity_is_source_and_external_id_else_the_canonical_url(ingest: Running) -> None:
    by_url = [
        await ingest.push(article(url=url))
        for url in ("https://paper.example/council", "https://PAPER.example/council?utm_source=x#top")
    ]
    by_id = [await ingest.push(article(external_id="7", source=source)) for source in ("cms", "cms", "other")]
    assert by_url[0].json()["article_id"] == by_url[1].json()["article_id"]
    assert [one.json()["version"] for one in by_url] == [1, 1], "a fragment and a share mark make no version"
    ids = [one.json()["article_id"] for one in by_id]
    assert ids[0] == ids[1] != ids[2]
    assert by_url[0].json()["article_id"] not in ids


async def test_late_delivery_of_an_older_state_changes_nothing(ingest: Running) -> None:
    await ingest.push(article(content=LOST, modified_at="2026-01-01T10:00:00Z"))
    late = await ingest.push(article(modified_at="2026-01-01T09:59:59Z"))
    assert (late.status_code, late.json()["version"], late.json()["citations"]) == (200, 1, 2)


async def test_a_target_given_by_an_editor_survives_later_versions(ingest: Running) -> None:
    received = (await ingest.push(article(content=LOST))).json()
    stored = (await ingest.client.get(f"/v1/articles/{received['article_id']}")).json()
    lost = next(one for one in stored["citations"] if one["missing"])
    address = f"/v1/citations/{lost['citation_id']}"
    given = await ingest.client.patch(address, json={"target": "https://other.example/report"})
    assert (given.status_code, given.json()["version"]) == (200, 2)
    assert (await ingest.client.patch(address, json={"target": "https://other.example/report"})).json()["version"] == 2
    assert (await ingest.push(article(content=LOST))).status_code == 200
    await ingest.push(article(content=LOST + "<p>One more sentence stands here now.</p>"))
    events = await ingest.events()
    assert [one.version for one in events] == [1, 2, 3]
    for event in events[1:]:
        cited = next(one for one in event.citations if one.citation_id == lost["citation_id"])
        assert (cited.target, cited.missing) == ("https://other.example/report", None)


@pytest.mark.parametrize(
    ("citation", "target", "status"),
    [
        ("cit_none", "https://a.example/", 404),
        ("cit_none", "ftp://a.example/", 422),
        ("cit_none", "nonsense", 422),
        ("cit_none", "https://me:secret@a.example/", 422),
    ],
)
async def test_targets_that_cannot_be(ingest: Running, citation: str, target: str, status: int) -> None:
    answer = await ingest.client.patch(f"/v1/citations/{citation}", json={"target": target})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_citation_that_left_the_article_takes_no_target(ingest: Running) -> None:
    received = (await ingest.push(article(content=LOST))).json()
    stored = (await ingest.client.get(f"/v1/articles/{received['article_id']}")).json()
    lost = next(one for one in stored["citations"] if one["missing"])
    await ingest.push(article())
    answer = await ingest.client.patch(f"/v1/citations/{lost['citation_id']}", json={"target": "https://a.example/"})
    assert answer.status_code == 404
    assert len(await ingest.events()) == 2


async def test_lists_page_through_everything_once(ingest: Running) -> None:
    for number in range(7):
        await ingest.push(article(url=f"https://paper.example/{number}"))
        ingest.clock.move(seconds=number % 2)
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = (
            await ingest.client.get("/v1/articles", params={"limit": 3} | ({"cursor": cursor} if cursor else {}))
        ).json()
        seen += [one["url"] for one in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 7
    assert page["items"][0]["citations"] == 1


@pytest.mark.parametrize("cursor", ["x", "AAAA", "eB95", "%00", "bm8fdGltZQ", "MjAyMC0wMS0wMR94", "!!"])
async def test_cursors_that_we_never_gave(ingest: Running, cursor: str) -> None:
    assert (await ingest.client.get("/v1/articles", params={"cursor": cursor})).status_code == 400


async def test_what_needs_a_token_and_what_a_signature(ingest: Running) -> None:
    async with httpx.AsyncClient(base_url=ingest.url) as stranger:
        for method, path in (("GET", "/v1/articles"), ("PATCH", "/v1/citations/x"), ("POST", "/v1/import")):
            assert (await stranger.request(method, path)).status_code == 401
        body = json.dumps(article()).encode()
        assert (await stranger.post("/v1/articles", content=body)).status_code == 401
        answer = await stranger.post("/v1/articles", content=body, headers=signed(body, "msg_x", ingest.clock.now()))
        assert answer.status_code == 202
        assert (await stranger.post("/v1/webhooks/ghost", content=b"{}")).status_code == 401


async def test_database_locked_by_somebody_is_503_and_later_202(tmp_path: Path) -> None:
    async with running(tmp_path) as ingest:
        other = Database(ingest.database_url)
        try:
            async with other.write():
                answer = await ingest.push(article(), "msg_locked")
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) > 0
            assert (await ingest.push(article(), "msg_locked")).status_code == 202
        finally:
            await other.close()


@pytest.mark.postgres
async def test_database_that_went_away_is_503_and_comes_back(tmp_path: Path, postgres_alone: Postgres) -> None:
    async with running(tmp_path, database_url=postgres_alone.url("postgres")) as ingest:
        assert (await ingest.push(article(), "msg_before")).status_code == 202
        postgres_alone.stop()
        assert (await ingest.push(article(content=LOST), "msg_while")).status_code == 503
        assert (await ingest.client.get("/readyz")).status_code == 503
        postgres_alone.start()
        again = await ingest.push(article(content=LOST), "msg_while")
        assert (again.status_code, again.json()["version"]) == (202, 2)
        assert len(await ingest.events()) == 2


async def test_import_answers_line_by_line(ingest: Running) -> None:
    given = [
        json.dumps(article()).encode(),
        b"",
        b"nonsense",
        json.dumps({"url": "ftp://x.example/"}).encode(),
        json.dumps(article()).encode(),
        json.dumps(article(url="https://paper.example/empty", content="")).encode(),
        json.dumps(article(url="https://paper.example/last", source="archive of 1999")).encode(),
    ]
    answer = await ingest.client.post("/v1/import", content=b"\n".join(given))
    assert answer.status_code == 200
    told = [json.loads(line) for line in answer.text.splitlines()]
    assert [(one["line"], one["status"]) for one in told] == [
        (1, 202),
        (3, 422),
        (4, 422),
        (5, 200),
        (6, 422),
        (7, 202),
    ]
    assert [one.source for one in await ingest.events()] == ["import", "archive of 1999"]


async def test_import_of_many_pieces_by_a_client_that_reads_last(ingest: Running) -> None:
    """Most clients read no answer before they have sent all: what is not read must not stop what is sent."""
    filling = "The council met again, and again nothing was decided by anybody. " * 40

    async def pieces() -> AsyncIterator[bytes]:
        for number in range(400):
            line = json.dumps(article(url=f"https://paper.example/{number}", content=PAGE + filling)).encode() + b"\n"
            yield line[:1000]
            yield line[1000:]

    answer = await ingest.client.post("/v1/import", content=pieces())
    told = [json.loads(line) for line in answer.text.splitlines()]
    assert [one["line"] for one in told] == list(range(1, 401))
    assert {one["status"] for one in told} == {202}
    assert await ingest.count("ingest_articles") == 400


async def test_metric_of_sources_is_bounded(ingest: Running) -> None:
    for number in range(3):
        await ingest.push(article(url=f"https://paper.example/{number}", source=f"made up {number}"))
    text = (await ingest.client.get("/metrics")).text
    assert "made up" not in text
    assert 'citewatch_articles_received_total{source="other"}' in text


async def test_ready_and_open_api(ingest: Running) -> None:
    assert (await ingest.client.get("/readyz")).json()["ready"]
    paths = (await ingest.client.get("/openapi.json")).json()["paths"]
    assert {"/v1/articles", "/v1/import", "/v1/webhooks/ghost", "/v1/webhooks/wordpress"} <= set(paths)
    assert SECRET not in json.dumps(paths)
