"""What each channel makes of every answer, and the queue of that: told once, tried again, given up, or uncertain."""

import ssl
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from standardwebhooks import Webhook as Oracle

from services.notify.channels.webhook import secret_bytes
from services.notify.deliver import OFF_AFTER, PROBE
from services.notify.store import outgoing
from services.notify.store.outgoing import LEASE
from services.notify.tables import attempts, deliveries
from shared.eventlog.tables import outbox
from tests.support.changes import change
from tests.support.notifying import Bench, notifying
from tests.support.sinks import Sink
from tests.support.smtp import MailServer

DESK, NIGHT = "desk@news.example", "night@news.example"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def mail_settings(server: MailServer, *to: str, scheme: str = "smtp", user: str = "") -> dict[str, Any]:
    return {"smtp_url": f"{scheme}://{user}127.0.0.1:{server.port}", "mail_to": ",".join(to or (DESK,))}


async def states(bench: Bench) -> list[str]:
    return [row.state for row in await bench.rows(deliveries)]


async def results(bench: Bench) -> list[str]:
    return [row.result for row in await bench.rows(attempts)]


async def later(bench: Bench, **by: float) -> None:
    bench.clock.forward(**by)
    await bench.work()


@pytest.mark.parametrize(
    ("script", "first", "after_a_while", "copies"),
    [
        (["250 taken"], "delivered", "delivered", 1),
        (["451 later"], "queued", "delivered", 1),
        (["421 going away", "452 full"], "queued", "delivered", 1),
        (["550 no"], "failed", "failed", 0),
        (["554 never"], "failed", "failed", 0),
        (["drop"], "uncertain", "uncertain", 1),
    ],
)
async def test_answers_after_the_text(
    tmp_path: Path, script: list[str], first: str, after_a_while: str, copies: int
) -> None:
    async with MailServer() as server, notifying(tmp_path, **mail_settings(server)) as bench:
        server.box.data = list(script)
        await bench.tell(change())
        await bench.work()
        assert await states(bench) == [first]
        for _ in range(4):
            await later(bench, minutes=10)
        assert await states(bench) == [after_a_while]
        assert len(server.accepted) == copies


async def test_each_recipient_has_a_fate_of_its_own(tmp_path: Path) -> None:
    async with MailServer() as server, notifying(tmp_path, **mail_settings(server, DESK, NIGHT)) as bench:
        server.box.rcpt[NIGHT] = ["550 no such user"]
        await bench.tell(change())
        await bench.work()
        found = {row.recipient: (row.state, row.detail) for row in await bench.rows(deliveries)}
        assert found[DESK][0] == "delivered"
        assert found[NIGHT] == ("failed", "550 no such user")
        assert [to for to, _ in server.accepted] == [DESK]


async def test_a_server_that_refuses_connections_is_surely_unsent(tmp_path: Path) -> None:
    async with MailServer() as server:
        settings = mail_settings(server)
    async with notifying(tmp_path, **settings) as bench:
        await bench.tell(change())
        await bench.work()
        assert await states(bench) == ["queued"]
        assert await results(bench) == ["retry"]


async def test_a_retry_has_the_same_message_id(tmp_path: Path) -> None:
    async with MailServer() as server, notifying(tmp_path, **mail_settings(server)) as bench:
        server.box.data = ["drop"]
        await bench.tell(change())
        await bench.work()
        [row] = await bench.rows(deliveries)
        async with bench.db.write() as tx:
            assert await outgoing.resend(tx, row.delivery_id, "Ada", bench.clock.now())
        await bench.work()
        first, second = (mail["Message-ID"] for _, mail in server.accepted)
        assert first == second
        assert await states(bench) == ["delivered"]


def certified(folder: Path) -> ssl.SSLContext:
    """A server's TLS whose authority is in `ca.pem` of the folder."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    return context


async def test_starttls_and_login(tmp_path: Path) -> None:
    async with MailServer(certified(tmp_path), auth=True) as server:
        settings = mail_settings(server, scheme="smtp+starttls", user="watch:right%20password@")
        async with notifying(tmp_path, ca_file=tmp_path / "ca.pem", **settings) as bench:
            await bench.tell(change())
            await bench.work()
            assert await states(bench) == ["delivered"]
            assert (server.box.logins, server.box.encrypted) == (["watch"], [True])


async def test_an_untrusted_certificate_is_not_accepted(tmp_path: Path) -> None:
    async with (
        MailServer(certified(tmp_path)) as server,
        notifying(tmp_path, **mail_settings(server, scheme="smtp+starttls")) as bench,
    ):
        await bench.tell(change())
        await bench.work()
        assert await states(bench) == ["queued"]
        assert server.accepted == []


async def test_a_wrong_password_is_retried_and_kept_out_of_sight(tmp_path: Path) -> None:
    async with MailServer(certified(tmp_path), auth=True) as server:
        settings = mail_settings(server, scheme="smtp+starttls", user="watch:wrong-password@")
        async with notifying(tmp_path, ca_file=tmp_path / "ca.pem", **settings) as bench:
            await bench.tell(change())
            await bench.work()
            [row] = await bench.rows(attempts)
            assert row.result == "retry" and "535" in row.detail
            assert "wrong-password" not in row.detail


@pytest.mark.parametrize(
    ("channel", "script", "first", "after_a_while", "copies"),
    [
        ("slack", [200], "delivered", "delivered", 1),
        ("slack", [(429, {"Retry-After": "60"}, b"")], "queued", "delivered", 1),
        ("slack", [500, 503], "queued", "delivered", 1),
        ("slack", [404], "failed", "failed", 0),
        ("slack", [400], "failed", "failed", 0),
        ("slack", [(302, {"Location": "http://127.0.0.1:1/"}, b"")], "failed", "failed", 0),
        ("slack", [504], "uncertain", "uncertain", 0),
        ("slack", ["drop"], "uncertain", "uncertain", 1),
        ("webhook", [204], "delivered", "delivered", 1),
        ("webhook", [502, 504, 500], "queued", "delivered", 1),
        ("webhook", [410], "failed", "failed", 0),
        ("webhook", ["drop"], "uncertain", "uncertain", 1),
    ],
)
async def test_answers_over_http(
    tmp_path: Path, channel: str, script: list[Any], first: str, after_a_while: str, copies: int
) -> None:
    name = {"slack": "slack_webhook_url", "webhook": "alert_webhook_url"}[channel]
    async with Sink(script=list(script)) as sink, notifying(tmp_path, **{name: sink.url}) as bench:
        await bench.tell(change())
        await bench.work()
        assert await states(bench) == [first]
        for _ in range(4):
            await later(bench, minutes=10)
        assert await states(bench) == [after_a_while]
        assert len(sink.received) == copies


async def test_retry_after_is_waited_for(tmp_path: Path) -> None:
    async with (
        Sink(script=[(429, {"Retry-After": "3600"}, b"")]) as sink,
        notifying(tmp_path, slack_webhook_url=sink.url) as bench,
    ):
        await bench.tell(change())
        await bench.work()
        await later(bench, minutes=59)
        assert sink.received == []
        await later(bench, minutes=2)
        assert len(sink.received) == 1


async def test_a_webhook_is_signed_as_the_reference_library_wants_it(tmp_path: Path) -> None:
    async with (
        Sink(script=[500]) as sink,
        notifying(tmp_path, alert_webhook_url=sink.url, alert_webhook_secret=SECRET) as bench,
    ):
        bench.clock.moment = bench.clock.now().now(bench.clock.moment.tzinfo)
        await bench.tell(change())
        await bench.work()
        await later(bench, seconds=20)
        [again] = sink.received
        event = Oracle(SECRET).verify(again.body, again.headers)
        assert event["specversion"] == "1.0" and event["type"] == "citewatch.alert.message.v1"
        assert event["data"]["alerts"][0]["citation_id"] == "cit_1"
        assert again.headers["webhook-id"] == sink.refused[0].headers["webhook-id"] == event["id"]
        with pytest.raises(Exception, match="signature"):
            Oracle(SECRET).verify(again.body + b" ", again.headers)


def test_a_secret_that_is_no_base64_is_used_as_it_is() -> None:
    assert secret_bytes("whsec_###") == b"whsec_###"
    assert secret_bytes("plain") == b"plain"


async def test_an_address_that_the_policy_forbids_is_not_asked(tmp_path: Path) -> None:
    """Also the operator's own endpoints are vetted; the detail says how to allow them."""
    from shared.outbound.client import Outbound
    from shared.outbound.egress import AddressPolicy
    from shared.outbound.resolver import Resolver

    async with Sink() as sink, notifying(tmp_path, slack_webhook_url=sink.url) as bench:
        sender: Any = bench.notify.deliverer.senders["slack"]
        sender._poster = Outbound(AddressPolicy(()), Resolver(()), user_agent="x")
        await bench.tell(change())
        await bench.work()
        [row] = await bench.rows(deliveries)
        assert row.state == "failed" and "CITEWATCH_ALLOW_NETWORKS" in row.detail
        assert sink.received == []


async def test_apprise_reaches_a_json_target(tmp_path: Path) -> None:
    async with Sink() as sink, notifying(tmp_path, apprise_urls=f"json://127.0.0.1:{sink.port}/hook") as bench:
        await bench.tell(change())
        await bench.work()
        assert await states(bench) == ["delivered"]
        [request] = sink.received
        assert "[-41-] {+14+}" in request.json["message"] and "\n" in request.json["message"]


async def test_what_apprise_cannot_tell_is_uncertain(tmp_path: Path) -> None:
    async with Sink(script=[500]) as sink, notifying(tmp_path, apprise_urls=f"json://127.0.0.1:{sink.port}/x") as bench:
        await bench.tell(change())
        await bench.work()
        await later(bench, hours=1)
        assert await states(bench) == ["uncertain"]


async def test_a_channel_that_keeps_failing_is_switched_off_and_its_queue_waits(tmp_path: Path) -> None:
    async with (
        Sink(usual=(500, {}, b"")) as slack,
        Sink() as hook,
        notifying(tmp_path, slack_webhook_url=slack.url, alert_webhook_url=hook.url) as bench,
    ):
        for number in range(OFF_AFTER):
            await bench.tell(change(number, host=f"h{number}.example"))
            await bench.work()
        heard = [one.json["data"]["headline"] for one in hook.received]
        assert heard.count("Slack is switched off") == 1
        tried = len(slack.refused)
        await later(bench, minutes=5)
        assert len(slack.refused) == tried, "nothing is sent while it is off"
        slack.usual = (200, {}, b"ok")
        await later(bench, seconds=PROBE.total_seconds())
        await bench.work()
        told = [one for one in slack.received if "switched" not in one.json["text"]]
        assert len(told) == OFF_AFTER, "what waited is sent, each once"
        assert "Slack works again" in [one.json["data"]["headline"] for one in hook.received]


async def test_what_is_refused_for_good_switches_the_channel_off_at_once(tmp_path: Path) -> None:
    async with (
        Sink(script=[404]) as slack,
        Sink() as hook,
        notifying(tmp_path, slack_webhook_url=slack.url, alert_webhook_url=hook.url) as bench,
    ):
        for number in range(3):
            await bench.tell(change(number, host=f"h{number}.example"))
            await bench.work()
        assert len(slack.refused) == 1 and slack.received == []
        found = [row.state for row in await bench.rows(deliveries) if row.channel == "slack"]
        assert sorted(found) == ["failed", "queued", "queued"]


async def test_events_tell_what_became_of_a_message(tmp_path: Path) -> None:
    async with (
        MailServer() as server,
        Sink(script=["drop"]) as slack,
        notifying(tmp_path, **mail_settings(server), slack_webhook_url=slack.url) as bench,
    ):
        await bench.tell(change())
        await bench.work()
        types = [row.type for row in await bench.rows(outbox) if row.topic == "citewatch.alerts"]
        assert sorted(types) == [
            "citewatch.alert.delivered.v1", "citewatch.alert.failed.v1", "citewatch.alert.raised.v1"
        ]  # fmt: skip


async def test_a_lease_that_ran_out_is_unsent_or_uncertain_by_what_was_committed(tmp_path: Path) -> None:
    async with Sink() as sink, notifying(tmp_path, slack_webhook_url=sink.url) as bench:
        await bench.tell(change(1, host="a.example"), change(2, host="b.example"))
        await bench.notify.desk.look(bench.clock.now())
        first, _second = await bench.notify.deliverer.claim(2)
        async with bench.db.write() as tx:
            assert await outgoing.start_sending(tx, first, bench.clock.now())
        bench.clock.forward(seconds=(LEASE + timedelta(seconds=1)).total_seconds())
        await bench.work()
        assert sorted(await states(bench)) == ["delivered", "uncertain"]
        assert len(sink.received) == 1


async def test_a_worker_that_lost_its_lease_sends_nothing(tmp_path: Path) -> None:
    async with Sink() as sink, notifying(tmp_path, slack_webhook_url=sink.url) as bench:
        await bench.tell(change())
        await bench.notify.desk.look(bench.clock.now())
        [slow] = await bench.notify.deliverer.claim(1)
        bench.clock.forward(seconds=(LEASE + timedelta(seconds=1)).total_seconds())
        await bench.work()
        await bench.notify.deliverer.deliver(slow)
        assert len(sink.received) == 1
