"""A citation that arrived without its target: what may have been meant is offered, and an editor gives it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.e2e.test_up_command import FILLER, SECRET, environment
from tests.support.command import Up, up
from tests.support.ingest import free_port
from tests.support.origin import Origin

pytestmark = pytest.mark.timeout(400)
RAIN = "Heavy rain closed the mountain pass for eleven days in the spring of 2019, the road office reported."
CLAIM = "As discussed previously, heavy rain had closed the mountain pass for eleven days in spring 2019."


async def post(running: Up, number: int, url: str, content: str, published: str) -> str:
    article = {"url": url, "title": f"Article {number}", "content": content, "published_at": published}
    raw, now, key = json.dumps(article), datetime.now(UTC), f"msg_{number}"
    signature = Webhook(SECRET).sign(key, now, raw)
    headers = {"webhook-id": key, "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}
    answer = await running.client.post("/v1/articles", content=raw.encode(), headers=headers)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["article_id"])


def settled(report: Any) -> bool:
    return all(one["support"] != "pending" for one in report["articles"][0]["citations"])


async def test_a_lost_target_is_suggested_with_its_score_and_given_by_an_editor(tmp_path: Path) -> None:
    async with Origin() as origin:
        older = f"<title>The pass</title><article>{FILLER}<p>{RAIN}</p>{FILLER}</article>"
        meant = origin.page("news.test", "/2019/pass", older)
        office = origin.page(
            "road.test", "/reports/4", f"<title>Road report</title><article><p>{RAIN}</p>{FILLER}</article>"
        )
        async with up(tmp_path / "data", free_port(), environment(origin)) as running:
            await post(running, 1, meant, f"<article>{FILLER}<p>{RAIN}</p></article>", "2019-06-01T00:00:00Z")
            citing = f'<p>The <a href="{office}">road office reported</a> that the mountain pass was closed for eleven days.</p>'
            second = await post(running, 2, origin.url("news.test", "/2020"), citing, "2020-01-01T00:00:00Z")
            late = f"<article>{FILLER}<p>{RAIN}</p></article>"
            await post(running, 3, origin.url("news.test", "/2024"), late, "2024-01-01T00:00:00Z")
            await running.until(f"/v1/articles/{second}/report", settled)

            lost = f"<p>{CLAIM.replace('discussed previously', '<a href=#>discussed previously</a>')}</p>"
            article = await post(running, 4, origin.url("news.test", "/2021"), lost, "2021-01-01T00:00:00Z")
            report = f"/v1/articles/{article}/report"
            found = await running.until(report, lambda one: len(one["articles"][0]["citations"]) == 1)
            (citation,) = found["articles"][0]["citations"]
            assert (citation["support"], citation["reason"]) == ("no_target", "placeholder")

            offered = (await running.get(f"/v1/citations/{citation['id']}"))["repairs"]
            # The best first: what says it, then what speaks of it; nothing that was published later.
            assert [one["url"] for one in offered] == [meant, office, origin.url("news.test", "/2020")]
            assert {one["kind"] for one in offered} == {"suggested target"}
            assert [one["passage"] == RAIN for one in offered] == [True, True, False]
            assert 1 >= offered[0]["score"] >= offered[1]["score"] > offered[2]["score"] > 0.3
            shown = (await running.client.get(f"/citations/{citation['id']}")).text
            assert meant in shown
            assert f"score {offered[0]['score']:.2f}" in shown
            assert RAIN in shown

            form = f"/citations/{citation['id']}/target"
            assert shown.count(f'action="{form}"') == 1 + len(offered)
            for wrong in ("ftp://news.test/", "news.test/2019/pass", "https://user:word@news.test/", " ", ""):
                refused = await running.client.post(form, data={"target": wrong})
                assert refused.status_code in (400, 422), wrong
            given = await running.client.post(form, data={"target": offered[0]["url"]})
            assert (given.status_code, given.headers["location"]) == (303, f"/citations/{citation['id']}?given=1")
            after = await running.client.get(given.headers["location"])
            assert after.status_code == 200
            assert "Give it this target" not in after.text
            done = await running.until(report, lambda one: one["articles"][0]["citations"][0]["support"] == "intact")
            (mended,) = done["articles"][0]["citations"]
            assert (mended["id"], mended["target"], mended["outcome"]) == (citation["id"], meant, "ok")
            assert mended["passage"]["exact"] == RAIN
            assert (await running.get(f"/v1/citations/{citation['id']}"))["repairs"] == []
