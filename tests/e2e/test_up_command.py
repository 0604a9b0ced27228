"""`citewatch up`: from a signed article to a mail and a Slack message, in one process."""

import asyncio
import json
import os
import signal
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.support.command import Up, run, start, up
from tests.support.ingest import free_port
from tests.support.origin import Origin
from tests.support.sinks import Sink
from tests.support.smtp import MailServer

pytestmark = pytest.mark.timeout(400)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
FILLER = f"<p>{'The council met again on Tuesday to speak about roads, schools and the harbour. ' * 4}</p>"
SENTENCE = "The committee approved a budget of {} million euros for the new bridge on 8 August 2016."


def page(number: str) -> str:
    body = f"<h1>Budget</h1>{FILLER}<p>{SENTENCE.format(number)}</p>{FILLER}"
    return f"<!doctype html><html lang=en><title>Budget</title><body><article>{body}</article></body></html>"


def environment(origin: Origin, **more: str) -> dict[str, str]:
    return {
        **origin.environment(),
        "CITEWATCH_WEBHOOK_SECRETS": SECRET,
        "CITEWATCH_HOST_DELAY": "0s",
        "CITEWATCH_RECHECK_MIN": "1s",
        "CITEWATCH_RECHECK_MAX": "2s",
        "CITEWATCH_ALERT_GROUP_WAIT": "0s",
        **more,
    }


def delivery(
    link: str, *, key: str = "msg_1", article: str = "https://news.test/bridge", **more: str
) -> tuple[bytes, dict[str, str]]:
    content = f"<p>The committee <a href='{link}'>approved a budget of 4.2 million euros</a> for the new bridge.</p>"
    raw = json.dumps({"url": "https://news.test/bridge", "title": "The bridge", "content": content, **more}).encode()
    now = datetime.now(UTC)
    signature = Webhook(SECRET).sign(key, now, raw.decode())
    headers = {"webhook-id": key, "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}
    return raw, headers


async def post(running: Up, link: str, **how: str) -> Any:
    raw, headers = delivery(link, **how)
    return await running.client.post("/v1/articles", content=raw, headers=headers)


def supports(report: Mapping[str, Any]) -> list[str]:
    return [one["support"] for one in report["articles"][0]["citations"]]


async def until(fits: Any, seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not fits():
            await asyncio.sleep(0.05)


async def test_from_a_webhook_to_one_mail_and_one_slack_message(tmp_path: Path) -> None:
    async with Origin() as origin, MailServer() as mails, Sink() as slack:
        link = origin.page("paper.test", "/report", page("4.2"))
        settings = environment(
            origin,
            CITEWATCH_SMTP_URL=f"smtp://127.0.0.1:{mails.port}",
            CITEWATCH_MAIL_FROM="citewatch@news.test",
            CITEWATCH_MAIL_TO="desk@news.test",
            CITEWATCH_SLACK_WEBHOOK_URL=slack.url,
        )
        async with up(tmp_path / "d", free_port(), settings) as running:
            answer = await post(running, link)
            assert answer.status_code == 202, answer.text
            assert answer.json()["citations"] == 1
            assert (await post(running, link)).status_code == 200
            report = f"/v1/articles/{answer.json()['article_id']}/report"
            await running.until(report, lambda found: supports(found) == ["intact"])
            assert not mails.accepted

            origin.page("paper.test", "/report", page("5.7"))
            found = await running.until(report, lambda found: supports(found) == ["altered"])
            await until(lambda: mails.accepted and slack.received)
            await asyncio.sleep(3)  # further checks find the same, and tell nobody
            assert len(mails.accepted) == 1
            assert len(slack.received) == 1
            to, mail = mails.accepted[0]
            assert to == "desk@news.test"
            text = mail.get_body(("plain",)).get_content()
            for told in ("The bridge", "4.2", "5.7", "approved a budget of 4.2 million euros"):
                assert told in text, text
            said = json.dumps(slack.received[0].json)
            assert "4.2" in said
            assert "5.7" in said
            citation = found["articles"][0]["citations"][0]
            for path in ("/", f"/articles/{answer.json()['article_id']}", f"/citations/{citation['id']}", "/alerts"):
                shown = await running.client.get(path)
                assert shown.status_code == 200, path
                assert "script-src" not in shown.headers["content-security-policy"]
            metrics = (await running.client.get("/metrics")).text
            assert 'citewatch_deliveries_total{channel="mail",result="delivered"} 1.0' in metrics
            # What did not happen yet stands at nought: an alert rule sees a first increase only from there.
            assert 'citewatch_deliveries_total{channel="mail",result="failed"} 0.0' in metrics
            assert 'citewatch_dead_letters_total{topic="citewatch.citations"} 0.0' in metrics
            nobody = await running.client.get("/", headers={"Authorization": ""})
            assert nobody.status_code == 401
            tried = await run("notify", "test", "--data-dir", str(tmp_path / "d"), environment=settings)
            assert tried.code == 0, tried.out + tried.err
            assert len(mails.accepted) == 2
            running.process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(running.process.wait(), 20) == 0


async def test_a_wrong_setting_ends_the_start(tmp_path: Path) -> None:
    wrong = {
        "CITEWATCH_SLACK_WEBHOOK_URL": "slack.example/hook",
        "CITEWATCH_ALLOW_NETWORKS": "everywhere",
        "CITEWATCH_ARCHIVE_URL": "ftp://x",
        "CITEWATCH_DATABASE_URL": f"postgresql+asyncpg://me:s3cret@127.0.0.1:{free_port()}/nobody",
    }
    for key, value in wrong.items():
        process = await start(
            "up", "--port", str(free_port()), "--data-dir", str(tmp_path / "d"), environment={key: value}
        )
        _, err = await asyncio.wait_for(process.communicate(), 30)
        assert process.returncode == 2, err
        assert key in err.decode()
        assert b"Traceback" not in err
        assert b"s3cret" not in err
    assert os.environ.get("CITEWATCH_ALLOW_NETWORKS") is None


async def test_a_port_that_is_taken_ends_the_start(tmp_path: Path) -> None:
    async with Origin() as origin:
        for port in (str(origin.port), "99999"):
            tried = await run("up", "--port", port, "--data-dir", str(tmp_path / "d"))
            assert (tried.code, "Traceback" in tried.err) == (2, False), tried.err
            assert "port" in tried.err


async def test_what_is_about_kafka_needs_kafka() -> None:
    for command in (("topics",), ("replay", "citewatch.articles")):
        tried = await run(*command)
        assert (tried.code, "CITEWATCH_KAFKA_BOOTSTRAP_SERVERS" in tried.err) == (2, True)
