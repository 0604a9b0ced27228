"""The doors over a real socket: every case of the case file with its status, Ghost, WordPress, caps, kill -9."""

import asyncio
import base64
import hashlib
import hmac
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.ingest.webhooks import doors
from tests.support.ingest import NOW, REPOSITORY, Running, SetClock, cases_dir, running, served, signed

CASES = Path(__file__).parents[1] / "cases" / "webhooks"
PATHS = {"standard": "/v1/articles", "ghost": "/v1/webhooks/ghost"}
SETTINGS = {"standard": "webhook_secrets", "ghost": "ghost_secret"}
NEEDS_MORE = {"wh-062", "wh-064", "wh-065", "wh-067"}
"""Replays and the lost database have tests of their own in test_ingest_http."""


def _cases() -> list[dict[str, Any]]:
    folder = cases_dir()
    if folder is None:
        pytest.skip("the case files are not beside the repository (CITEWATCH_EVIDENCE_DIR)")
    return [json.loads(line) for line in (folder / "webhook_cases.jsonl").read_text().splitlines()]


async def _raw(url: str, path: str, headers: list[list[str]], body: bytes) -> int:
    """A request with its headers as they are, which no client library would send; the status."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    lines = [f"POST {path} HTTP/1.1", f"host: {host}", "connection: close", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    status = int((await reader.readline()).split()[1])
    writer.close()
    return status


def _sendable(case: dict[str, Any]) -> bool:
    """HTTP cannot carry white space at the ends of a value, nor a line break in it."""
    return all(value == value.strip() and "\n" not in value and "\r" not in value for _, value in case["headers"])


@pytest.mark.parametrize("scheme", ["standard", "ghost"])
async def test_cases_answer_with_their_status(tmp_path: Path, scheme: str) -> None:
    cases = [one for one in _cases() if one["scheme"] == scheme and one["id"] not in NEEDS_MORE and _sendable(one)]
    assert len({one["now"] for one in cases}) == 1
    clock, wrong = SetClock(datetime.fromtimestamp(cases[0]["now"], UTC)), []
    for secrets in {",".join(one["secrets"]) for one in cases}:
        folder = tmp_path / hashlib.sha256(secrets.encode()).hexdigest()
        async with running(folder, clock=clock, **{SETTINGS[scheme]: secrets}) as ingest:
            for case in (one for one in cases if ",".join(one["secrets"]) == secrets):
                body = base64.b64decode(case["body_b64"])
                status = await _raw(ingest.url, PATHS[scheme], case["headers"], body)
                events = await ingest.events()
                if status != case["status"] or len(events) != (case["status"] == 202):
                    wrong.append((case["id"], case["name"], case["status"], status, len(events)))
                await ingest.forget()
    assert not wrong


async def test_two_deliveries_of_one_id_at_once(tmp_path: Path, database_url: str) -> None:
    async with running(tmp_path, database_url=database_url) as ingest:
        body = json.dumps({"url": "https://a.example/", "content": "<p>One.</p>"}).encode()
        answers = await asyncio.gather(ingest.push(body, "msg_1"), ingest.push(body, "msg_1"))
        assert sorted(one.status_code for one in answers) == [200, 202]
        assert await ingest.count("ingest_deliveries") == 1


# --- Ghost --------------------------------------------------------------------------------------------------------


@pytest.fixture
async def ghost(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path, ghost_secret="s3cr3t-for-test,second", wordpress_secret="wp") as one:
        yield one


def _ghost_headers(body: bytes, at: datetime, secret: str = "s3cr3t-for-test", old: bool = False) -> dict[str, str]:
    stamp = str(int(at.timestamp() * 1000))
    mac = hmac.new(secret.encode(), body if old else body + stamp.encode(), hashlib.sha256).hexdigest()
    return {"x-ghost-signature": f"sha256={mac}, t={stamp}"}


async def test_real_captures_of_ghost_make_two_versions(ghost: Running) -> None:
    folder = cases_dir()
    if folder is None:
        pytest.skip("the case files are not beside the repository")
    told = []
    for line in (folder / "ghost" / "webhooks-all-3-events.jsonl").read_text().splitlines():
        capture = json.loads(line)
        signature = capture["headers"]["x-ghost-signature"]
        ghost.clock.at = datetime.fromtimestamp(int(signature.rpartition("=")[2]) / 1000, UTC)
        headers = {"x-ghost-signature": signature}
        for _ in range(2):
            answer = await ghost.client.post("/v1/webhooks/ghost", content=capture["raw"].encode(), headers=headers)
            told.append((answer.status_code, answer.json().get("version")))
    assert told == [(202, 1), (200, 1), (202, 2), (200, 2), (200, None), (200, None)]
    first, second = await ghost.events()
    assert (first.source, first.title, first.tags) == ("ghost", "Council meeting on links", ("News",))
    assert "Friday" in first.text
    assert "Monday" in second.text
    assert [one.citation_id for one in first.citations] == [one.citation_id for one in second.citations]


async def test_ghost_deliveries_that_overtake_each_other(ghost: Running) -> None:
    def post(text: str, updated: str) -> bytes:
        post = {"id": "1", "url": "https://g.example/x/", "html": f"<p>{text}</p>", "status": "published"}
        return json.dumps({"post": {"current": post | {"updated_at": updated}, "previous": {}}}).encode()

    newer, older = post("Second state.", "2026-01-01T00:00:02.000Z"), post("First state.", "2026-01-01T00:00:01.000Z")
    statuses = []
    for body, secret, old in ((newer, "second", False), (older, "s3cr3t-for-test", True)):
        headers = _ghost_headers(body, NOW, secret, old)
        statuses.append((await ghost.client.post("/v1/webhooks/ghost", content=body, headers=headers)).status_code)
    assert statuses == [202, 200]
    assert [one.text for one in await ghost.events()] == ["Second state."]


@pytest.mark.parametrize("case", sorted((CASES / "bad").iterdir()), ids=lambda path: path.stem)
async def test_signed_nonsense_is_the_senders_error(ghost: Running, case: Path) -> None:
    body = case.read_bytes()
    answer = await ghost.client.post("/v1/webhooks/ghost", content=body, headers=_ghost_headers(body, NOW))
    assert 200 <= answer.status_code < 500
    mac = base64.b64encode(hmac.digest(b"wp", body, hashlib.sha256)).decode()
    answer = await ghost.client.post("/v1/webhooks/wordpress", content=body, headers={"x-wc-webhook-signature": mac})
    assert 400 <= answer.status_code < 500
    answer = await ghost.push(body)
    assert 400 <= answer.status_code < 500


async def test_nul_and_surrogates_are_stored_as_replacement_characters(tmp_path: Path, database_url: str) -> None:
    async with running(tmp_path, database_url=database_url) as ingest:
        body = {
            "url": "https://a.example/",
            "title": "a\0b",
            "content": '<p>Nul\0 here, says <a href="https://b.example/\0">b\0</a>.</p>',
        }
        answer = await ingest.push(body)
        assert answer.status_code == 202
        (event,) = await ingest.events()
        assert event.title == "a\ufffdb"
        assert "\0" not in event.model_dump_json()
        assert (await ingest.client.get("/v1/articles")).status_code == 200


# --- WordPress ----------------------------------------------------------------------------------------------------

REST = {
    "id": 12, "link": "https://wp.example/council/", "status": "publish", "type": "post",
    "title": {"rendered": "Council &amp; <em>links</em>"}, "date_gmt": "2026-01-01T00:00:00",
    "modified_gmt": "2026-01-01T00:00:00",
    "content": {"rendered": '<p>It met on Friday, says <a href="https://r.example/">the record</a>.</p>'},
}  # fmt: skip
ROW = {
    "post_id": 12, "post_permalink": "https://wp.example/council/",
    "post": {
        "ID": 12, "post_title": "Council &amp; <em>links</em>", "post_status": "publish", "post_type": "post",
        "post_date_gmt": "2026-01-01 00:00:00", "post_modified_gmt": "0000-00-00 00:00:00",
        "post_content": '<p>It met on Friday, says <a href="https://r.example/">the record</a>.</p>',
    },
}  # fmt: skip
OWN = {
    "url": "https://wp.example/council/", "external_id": "12", "title": "Council & links",
    "published_at": "2026-01-01T00:00:00Z",
    "content": '<p>It met on Friday, says <a href="https://r.example/">the record</a>.</p>',
}  # fmt: skip


def _proofs(body: bytes) -> dict[str, dict[str, str]]:
    mac = hmac.digest(b"wp", body, hashlib.sha256)
    return {
        "WooCommerce": {
            "x-wc-webhook-signature": base64.b64encode(mac).decode(), "x-wc-webhook-delivery-id": "d1",
        },
        "GitHub": {"x-hub-signature-256": "sha256=" + mac.hex()},
        "plain hex": {"x-webhook-signature": mac.hex()},
        "Standard Webhooks": signed(body, "msg_wp", NOW, base64.b64encode(b"wp").decode()),
    }  # fmt: skip


@pytest.mark.parametrize("form", [REST, ROW, OWN, {"post": REST}], ids=["rest", "row", "own", "wrapped"])
async def test_wordpress_forms_are_one_article(tmp_path: Path, form: dict[str, Any]) -> None:
    secrets = "wp," + base64.b64encode(b"wp").decode()
    body = json.dumps(form).encode()
    async with running(tmp_path, wordpress_secret=secrets) as ingest:
        for name, headers in _proofs(body).items():
            answer = await ingest.client.post("/v1/webhooks/wordpress", content=body, headers=headers)
            assert answer.status_code in (200, 202), (name, answer.text)
            bad = await ingest.client.post("/v1/webhooks/wordpress", content=body + b" ", headers=headers)
            assert bad.status_code == 401, name
        (event,) = await ingest.events()
    assert (event.source, event.external_id, event.title) == ("wordpress", "12", "Council & links")
    assert event.published_at == NOW
    assert event.citations[0].claim == "It met on Friday, says the record."


async def test_what_our_own_plugin_sends(ghost: Running) -> None:
    """Body and signature as deploy/wordpress/citewatch.php made them under PHP 7.4 and 8.3."""
    sent = json.loads((CASES / "wordpress_plugin.json").read_text())
    answer = await ghost.client.post(
        "/v1/webhooks/wordpress", content=sent["body"].encode(), headers={"x-wc-webhook-signature": sent["signature"]}
    )
    assert answer.status_code == 202
    (event,) = await ghost.events()
    assert (event.title, event.authors, event.tags) == ("Council & links", ("Ann Öst",), ("town",))


@pytest.mark.parametrize("change", [{"status": "draft"}, {"status": "trash"}, {"type": "revision"}])
async def test_wordpress_drafts_are_thanked_and_left(ghost: Running, change: dict[str, str]) -> None:
    body = json.dumps(REST | change).encode()
    answer = await ghost.client.post("/v1/webhooks/wordpress", content=body, headers=_proofs(body)["GitHub"])
    assert (answer.status_code, answer.json()) == (200, {"ignored": True})
    assert await ghost.events() == []


# --- bounds -------------------------------------------------------------------------------------------------------


async def test_a_body_over_the_cap_is_413_announced_or_not(ghost: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(27):
            yield b"x" * 1024 * 1024

    for path in ("/v1/articles", "/v1/webhooks/ghost"):
        for content in (b"x" * (doors.MAX_BODY + 1), endless()):
            try:
                answer = await ghost.client.post(path, content=content)
                assert answer.status_code == 413
            except httpx.WriteError:
                pass  # refused and closed while we were still sending


async def test_bodies_are_bounded_all_together_and_in_time() -> None:
    from fastapi import FastAPI, Request, Response

    from shared.web import Problem

    app, bodies = FastAPI(), doors.Bodies(most=1000, most_waiting=1500, slowest=0.3)

    @app.post("/")
    async def take(request: Request) -> Response:
        try:
            return Response(str(len(await bodies.read(request))))
        except Problem as problem:
            return Response(status_code=problem.status)

    async def slow() -> AsyncIterator[bytes]:
        yield b"x" * 900
        await asyncio.sleep(0.6)
        yield b"x"

    async with served(app) as url, httpx.AsyncClient(base_url=url) as client:
        late = asyncio.create_task(client.post("/", content=slow()))
        await asyncio.sleep(0.1)
        assert (await client.post("/", content=b"x" * 900)).status_code == 503
        assert (await late).status_code == 408
        assert (await client.post("/", content=b"x" * 900)).text == "900"


async def test_no_secret_no_door(tmp_path: Path) -> None:
    async with running(tmp_path, webhook_secrets="") as ingest:
        for path in ("/v1/articles", "/v1/webhooks/ghost", "/v1/webhooks/wordpress"):
            answer = await ingest.client.post(path, content=b"{}")
            assert (answer.status_code, answer.json()["title"]) == (401, "This door is shut")


# --- kill -9 ------------------------------------------------------------------------------------------------------

SERVER = """
import asyncio, sys
from pathlib import Path
from datetime import datetime
from tests.support.ingest import running, SetClock
async def main():
    async with running(Path(sys.argv[1]), clock=SetClock(datetime.fromisoformat(sys.argv[2]))) as ingest:
        print(ingest.url, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


@pytest.mark.parametrize("place", ["received", "before_commit", "committed"])
async def test_killed_at_any_point_the_sender_repeats_and_all_is_there_once(tmp_path: Path, place: str) -> None:
    body = json.dumps({"url": "https://a.example/", "content": "<p>One sentence.</p>"}).encode()
    for attempt, fault in enumerate((place, "")):
        environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(REPOSITORY), "CITEWATCH_FAULT_POINT": fault}
        command = [sys.executable, "-c", SERVER, str(tmp_path), NOW.isoformat()]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, cwd=tmp_path)
        assert process.stdout is not None
        url = (await asyncio.to_thread(process.stdout.readline)).strip()
        async with httpx.AsyncClient(base_url=url) as client:
            send = client.post("/v1/articles", content=body, headers=signed(body, "msg_1", NOW))
            if attempt == 0:
                with pytest.raises(httpx.TransportError):
                    await send
            else:
                answer = await send
                assert answer.status_code == (200 if place == "committed" else 202)
                assert answer.json()["version"] == 1
        process.kill()
        process.wait()
        process.stdout.close()
    async with running(tmp_path) as after:
        assert len(await after.events()) == 1
        assert await after.count("ingest_articles") == 1
