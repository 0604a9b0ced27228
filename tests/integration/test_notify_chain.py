"""From an event in the log to a message at a real sink, once."""

from pathlib import Path

from services.notify.tables import alerts, attempts, deliveries
from tests.support.changes import ALTERED, INTACT, change, later
from tests.support.notifying import notifying
from tests.support.sinks import Sink
from tests.support.smtp import MailServer


async def test_a_change_becomes_one_mail_and_one_slack_message(tmp_path: Path) -> None:
    async with MailServer() as smtp, Sink() as slack:
        settings = {
            "smtp_url": f"smtp://127.0.0.1:{smtp.port}",
            "mail_to": "desk@news.example",
            "slack_webhook_url": slack.url,
        }
        async with notifying(tmp_path, **settings) as bench:
            await bench.tell(change())
            for _ in range(3):
                await bench.work()
            assert [recipient for recipient, _ in smtp.accepted] == ["desk@news.example"]
            assert len(slack.received) == 1
            assert [row.state for row in await bench.rows(deliveries)] == ["delivered", "delivered"]
            assert [row.result for row in await bench.rows(attempts)] == ["delivered", "delivered"]
            mail = smtp.accepted[0][1]
            assert "A number in the passage you cite has changed" in str(mail["Subject"])
            plain = mail.get_body(("plain",))
            assert plain is not None and "[-41-] {+14+}" in plain.get_content()


async def test_an_episode_is_told_when_it_opens_and_when_it_ends(tmp_path: Path) -> None:
    async with Sink() as slack, notifying(tmp_path, slack_webhook_url=slack.url) as bench:
        await bench.tell(change())
        await bench.work()
        bench.clock.forward(minutes=10)
        await bench.tell(change(before=ALTERED, after=INTACT, at=later(10)))
        await bench.work()
        await bench.work()
        assert [one.json["blocks"][0]["text"]["text"][0] for one in slack.received] == ["🟠", "🟢"]
        assert [row.state for row in await bench.rows(alerts)] == ["resolved"]
