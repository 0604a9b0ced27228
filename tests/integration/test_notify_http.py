"""The HTTP interface and the pages behind the links in messages."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.notify.app import send_test
from services.notify.tables import alerts
from tests.support.changes import ALTERED, INTACT, change, later
from tests.support.notifying import Bench, notifying, surface
from tests.support.sinks import Sink
from tests.support.smtp import MailServer

TOKEN = {"Authorization": "Bearer a-token-of-the-test"}


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Sink() as slack, MailServer() as server:
        settings = {
            "slack_webhook_url": slack.url, "smtp_url": f"smtp://127.0.0.1:{server.port}",
            "mail_to": "desk@news.example", "api_tokens": "a-token-of-the-test",
        }  # fmt: skip
        async with notifying(tmp_path, **settings) as found:
            found.seen = [slack, server]
            yield found


@pytest.fixture
async def web(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(surface(bench.notify))
    async with httpx.AsyncClient(transport=transport, base_url="http://watch.example") as client:
        yield client


async def get(web: httpx.AsyncClient, path: str) -> Any:
    answer = await web.get(path, headers=TOKEN)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def post(web: httpx.AsyncClient, path: str, body: Any = None) -> httpx.Response:
    return await web.post(path, json=body, headers=TOKEN)


def links(bench: Bench, pattern: str) -> list[str]:
    """Links in the last mail."""
    server: MailServer = bench.seen[1]
    plain = server.accepted[-1][1].get_body(("plain",))
    assert plain is not None
    return re.findall(pattern, plain.get_content())


async def test_alerts_are_listed_by_state_in_pages(bench: Bench, web: httpx.AsyncClient) -> None:
    await bench.tell(*(change(n) for n in range(5)), change(9), change(9, before=ALTERED, after=INTACT, at=later(1)))
    found, cursor = [], ""
    for _ in range(3):
        page = await get(web, f"/v1/alerts?state=open&limit=2&cursor={cursor}")
        found += [one["citation_id"] for one in page["items"]]
        cursor = page["next"]
    assert sorted(found) == [f"cit_{n}" for n in range(5)] and cursor is None
    [resolved] = (await get(web, "/v1/alerts?state=resolved"))["items"]
    assert (resolved["citation_id"], resolved["resolution"]) == ("cit_9", "recovered")
    assert (await web.get("/v1/alerts?cursor=nonsense", headers=TOKEN)).status_code == 400
    assert (await web.get("/v1/alerts?state=nonsense", headers=TOKEN)).status_code == 422
    assert (await web.get("/v1/alerts")).status_code == 401


async def test_an_alert_is_acknowledged_by_the_api_with_who_and_why(bench: Bench, web: httpx.AsyncClient) -> None:
    await bench.tell(change())
    [alert] = (await get(web, "/v1/alerts"))["items"]
    answer = await post(web, f"/v1/alerts/{alert['id']}/ack", {"by": "Ada", "note": "I write to them"})
    assert answer.json()["state"] == "acknowledged"
    again = await get(web, f"/v1/alerts/{alert['id']}")
    assert (again["acknowledged_by"], again["note"]) == ("Ada", "I write to them")
    assert (await post(web, "/v1/alerts/alr_none/ack")).status_code == 404
    assert (await post(web, f"/v1/alerts/{alert['id']}/ack")).status_code == 200


async def test_the_link_in_a_mail_asks_before_it_acknowledges(bench: Bench, web: httpx.AsyncClient) -> None:
    await bench.tell(change())
    await bench.work()
    [url] = links(bench, r"https://watch\.example(/alerts/\S+/ack\?token=\S+)")
    asked = await web.get(url)
    assert asked.status_code == 200 and "desk@news.example" in asked.text
    assert [row.state for row in await bench.rows(alerts)] == ["open"], "a scanner that opens the link does nothing"
    done = await web.post(url, data={"note": "seen"})
    assert done.status_code == 200
    [row] = await bench.rows(alerts)
    assert (row.state, row.acknowledged_by, row.note) == ("acknowledged", "desk@news.example", "seen")


async def test_a_link_of_another_alert_or_past_its_end_opens_nothing(bench: Bench, web: httpx.AsyncClient) -> None:
    await bench.tell(change())
    await bench.work()
    [url] = links(bench, r"https://watch\.example(/alerts/\S+/ack\?token=\S+)")
    token = url.partition("token=")[2]
    for wrong in (f"/alerts/alr_other/ack?token={token}", url[:-3] + "AAA", url.partition("?")[0], f"{url}x"):
        assert (await web.post(wrong)).status_code == 403
    bench.clock.forward(days=31)
    assert (await web.post(url)).status_code == 403
    assert [row.state for row in await bench.rows(alerts)] == ["open"]


async def test_unsubscribing_by_one_click_stops_the_mails_of_that_person_alone(
    bench: Bench, web: httpx.AsyncClient
) -> None:
    slack, server = bench.seen
    await bench.tell(change(1))
    await bench.work()
    header = str(server.accepted[-1][1]["List-Unsubscribe"])
    path = header.strip("<>").removeprefix("https://watch.example")
    assert (await web.get(path)).status_code == 200
    answer = await web.post(path, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    await bench.tell(change(2, host="other.example"))
    await bench.work()
    assert (len(server.accepted), len(slack.received)) == (1, 2)
    [mute] = (await get(web, "/v1/mutes"))["items"]
    assert (await web.delete(f"/v1/mutes/{mute['id']}", headers=TOKEN)).status_code == 204
    await bench.tell(change(3, host="third.example"))
    await bench.work()
    assert len(server.accepted) == 2


async def test_routes_are_made_shown_and_removed(bench: Bench, web: httpx.AsyncClient) -> None:
    assert [one["id"] for one in (await get(web, "/v1/routes"))["items"]] == ["default"]
    quiet = {"start": "22:00", "end": "07:00", "zone": "Europe/Berlin"}
    made = await post(
        web, "/v1/routes", {"name": "Desk", "tags": ["traffic"], "quiet": quiet, "mail_to": ["a@b.example"]}
    )
    assert made.status_code == 201
    [route] = (await get(web, "/v1/routes"))["items"]
    assert (route["tags"], route["quiet"]["zone"], route["mail_to"]) == (["traffic"], "Europe/Berlin", ["a@b.example"])
    assert (await web.delete(f"/v1/routes/{route['id']}", headers=TOKEN)).status_code == 204
    assert [one["id"] for one in (await get(web, "/v1/routes"))["items"]] == ["default"]


@pytest.mark.parametrize(
    "body",
    [
        {}, {"name": ""}, {"name": "x", "channels": []}, {"name": "x", "channels": ["pigeon"]},
        {"name": "x", "mail_to": ["nobody"]}, {"name": "x", "mail_to": ["a@b.example\nBcc: c@d.example"]},
        {"name": "x", "quiet": {"start": "22:00", "end": "7 o'clock"}}, {"name": "x", "hourly_limit": 0},
        {"name": "x", "quiet": {"start": "22:00", "end": "07:00", "zone": "Nowhere/Land"}},
        {"name": "x", "unknown": 1}, {"name": "x", "digest": "warning"}, [], "x",
    ],
)  # fmt: skip
async def test_a_route_that_makes_no_sense_is_a_problem_document(web: httpx.AsyncClient, body: Any) -> None:
    answer = await post(web, "/v1/routes", body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "body",
    [
        {}, {"host": "x.example"}, {"host": "x.example", "link": "lnk_1", "for": "1d"}, {"host": "", "for": "1d"},
        {"host": "x.example", "for": "1d", "until": "2027-01-01T00:00:00Z"}, {"host": "x.example", "for": "0s"},
        {"host": "x.example", "until": "2020-01-01T00:00:00Z"}, {"host": "x.example", "until": "2027-01-01T00:00:00"},
        {"host": "x.example", "for": "soon"}, {"host": "x.example", "for": "99999999999d"},
        {"host": "x.example", "until": "9999-12-31T23:59:59-14:00"},
    ],
)  # fmt: skip
async def test_a_mute_needs_one_target_and_an_end_ahead(web: httpx.AsyncClient, body: Any) -> None:
    assert (await post(web, "/v1/mutes", body)).status_code == 422


async def test_a_mute_by_the_api(bench: Bench, web: httpx.AsyncClient) -> None:
    made = await post(web, "/v1/mutes", {"host": "source.example", "for": "2h", "reason": "moving", "by": "Ada"})
    assert made.status_code == 201 and made.json()["until"] == "2026-06-09T14:00:00Z"
    [mute] = (await get(web, "/v1/mutes"))["items"]
    assert (mute["host"], mute["by"], mute["reason"]) == ("source.example", "Ada", "moving")


async def test_a_person_decides_about_what_is_uncertain(bench: Bench, web: httpx.AsyncClient) -> None:
    slack: Sink = bench.seen[0]
    slack.script = ["drop", "drop"]
    await bench.tell(change(1), change(2, host="b.example"))
    await bench.work()
    unsure = (await get(web, "/v1/deliveries?state=uncertain"))["items"]
    assert len(unsure) == 2 and all("no answer came" in one["detail"] for one in unsure)
    page = (await web.get("/alerts", headers=TOKEN)).text
    assert unsure[0]["id"] in page
    assert (await post(web, f"/v1/deliveries/{unsure[0]['id']}/settle", {"by": "Ada"})).status_code == 200
    assert (await post(web, f"/v1/deliveries/{unsure[1]['id']}/resend", {"by": "Ada"})).status_code == 202
    await bench.work()
    states = {one["id"]: one["state"] for one in (await get(web, "/v1/deliveries"))["items"]}
    assert (states[unsure[0]["id"]], states[unsure[1]["id"]]) == ("settled", "delivered")
    tried = await get(web, f"/v1/deliveries/{unsure[1]['id']}/attempts")
    assert [one["result"] for one in tried["items"]] == ["uncertain", "delivered"]
    assert (await post(web, f"/v1/deliveries/{unsure[1]['id']}/resend")).status_code == 409


async def test_the_page_decides_about_what_is_uncertain_after_a_login(bench: Bench, web: httpx.AsyncClient) -> None:
    slack: Sink = bench.seen[0]
    slack.script = ["drop"]
    await bench.tell(change())
    await bench.work()
    [path] = re.findall(r'action="(/alerts/deliveries/[^"]+)"', (await web.get("/alerts", headers=TOKEN)).text)
    assert (await web.post(path, data={"decision": "resend"})).status_code == 401
    assert (await web.post(path, data={"decision": "resend"}, headers=TOKEN)).status_code == 303
    await bench.work()
    assert len(slack.received) == 2
    assert "/alerts/deliveries/" not in (await web.get("/alerts", headers=TOKEN)).text


async def test_a_channel_is_switched_on_again(bench: Bench, web: httpx.AsyncClient) -> None:
    slack: Sink = bench.seen[0]
    slack.script = [404]
    await bench.tell(change(1))
    await bench.work()
    states = {one["channel"]: one["on"] for one in (await get(web, "/v1/channels"))["items"]}
    assert states == {"mail": True, "slack": False}
    assert "switched off" in (await web.get("/alerts", headers=TOKEN)).text
    await bench.tell(change(2, host="b.example"))
    await bench.work()
    assert slack.received == []
    assert (await post(web, "/v1/channels/slack/on")).json()["on"] is True
    await bench.work()
    assert len(slack.received) == 1
    assert (await post(web, "/v1/channels/webhook/on")).status_code == 404


async def test_the_page_of_alerts_escapes_and_acknowledges(bench: Bench, web: httpx.AsyncClient) -> None:
    await bench.tell(change(claim="<script>alert(1)</script> a claim"))
    page = (await web.get("/alerts", headers=TOKEN)).text
    assert "<script>alert" not in page and "&lt;script&gt;" in page
    [action] = re.findall(r'action="(/alerts/[^"]+)"', page)
    assert (await web.post(action.replace("&amp;", "&"))).status_code == 200
    assert [row.acknowledged_by for row in await bench.rows(alerts)] == ["page"]


async def test_a_test_message_goes_to_each_channel(bench: Bench) -> None:
    found = await send_test(bench.notify)
    assert [(name, sent.result) for name, _, sent in found] == [("mail", "delivered"), ("slack", "delivered")]


async def test_gauges(bench: Bench, web: httpx.AsyncClient) -> None:
    await bench.tell(change())
    text = (await web.get("/metrics")).text
    assert 'citewatch_alerts{state="open"} 1.0' in text
