"""Wires notify: the one place where its parts meet."""

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import APIRouter

from services.notify import api, pages
from services.notify.channels import Letter, Sender, Sent
from services.notify.channels.apprise import Apprise
from services.notify.channels.http import Poster
from services.notify.channels.mail import Mail
from services.notify.channels.slack import Slack
from services.notify.channels.webhook import Webhook
from services.notify.core.links import Links
from services.notify.core.message import plain_message
from services.notify.core.rules import DEFAULT_ROUTE, Channel, default_route
from services.notify.deliver import Deliverer
from services.notify.desk import Desk, Rules
from services.notify.intake import Intake
from services.notify.settings import NotifySettings
from services.notify.store import alerts
from services.notify.worker import Worker
from shared import logs, metrics, migrate
from shared.clock import Clock, SystemClock
from shared.db import Database
from shared.eventlog import Subscription, open_log
from shared.ids import new_id
from shared.process import Work, log_ready, open_outbound, serve
from shared.settings import load
from shared.web import Probe, create_app


@dataclass(frozen=True, slots=True)
class Notify:
    """The parts of a running notify."""

    settings: NotifySettings
    db: Database
    clock: Clock
    desk: Desk
    deliverer: Deliverer

    def subscription(self) -> Subscription:
        """What it listens to."""
        return Intake(self.clock, digest=self.settings.digest_at is not None).subscription()

    def worker(self) -> Worker:
        """What writes and sends messages."""
        return Worker(self.db, self.desk, self.deliverer, self.clock)

    def routers(self) -> list[APIRouter]:
        """Its HTTP interface and pages."""
        default = default_route(digest=self.settings.digest_at is not None)
        return [
            api.router(api.Deps(self.db, self.desk, self.deliverer, self.clock, self.settings, default)),
            pages.router(pages.Deps(self.db, self.clock, self.settings.public_url, self.deliverer.key)),
        ]

    def ready(self) -> Mapping[str, Probe]:
        """What it depends on."""
        return {"database": self.db.ping}

    async def observe(self) -> None:
        """Bring its gauges up to date."""
        async with self.db.read() as tx:
            totals = await alerts.totals(tx)
        for state in ("open", "acknowledged", "resolved"):
            metrics.ALERTS.labels(state).set(totals.get(state, 0))


def senders(settings: NotifySettings, outbound: Poster, clock: Clock) -> dict[Channel, Sender]:
    """The channels that are configured."""
    found: list[Sender] = []
    if settings.smtp_url is not None:
        found.append(Mail(settings.smtp_url, settings.sender, settings.mail_to, settings.ca_file))
    if settings.slack_webhook_url is not None:
        found.append(Slack(settings.slack_webhook_url, outbound))
    if settings.alert_webhook_url is not None:
        found.append(Webhook(settings.alert_webhook_url, settings.alert_webhook_secret, outbound, clock))
    if settings.apprise_urls:
        found.append(Apprise(settings.apprise_urls))
    return {sender.name: sender for sender in found}


async def build(settings: NotifySettings, db: Database, clock: Clock, outbound: Poster) -> Notify:
    """Put notify together, on a migrated database. `outbound`: the one door to the outside."""
    found = senders(settings, outbound, clock)
    daily = settings.digest_at
    rules = Rules(settings.alert_group_wait, daily.at if daily else None, daily.zone if daily else "UTC")
    desk = Desk(db, rules, {name: sender.recipients for name, sender in found.items()})
    deliverer = Deliverer(db, found, clock, settings.public_url, await desk.key())
    return Notify(settings, db, clock, desk, deliverer)


async def run(host: str, port: int) -> None:
    """`citewatch serve notify`: this service alone, until SIGINT or SIGTERM; any number of replicas."""
    settings, clock = load(NotifySettings), SystemClock()
    logs.configure(settings.log_level)
    db = Database(settings.database)
    try:
        await migrate.upgrade(db, "eventlog", "notify")
        notify = await build(settings, db, clock, open_outbound(settings, clock))
        log = open_log(settings, db, clock=clock)
        app = create_app(
            "Citewatch notify",
            tokens=settings.api_tokens,
            routers=notify.routers(),
            ready={**notify.ready(), "log": lambda: log_ready(log)},
            refresh=[notify.observe],
        )
        reader: Work = lambda stop: log.run(notify.subscription(), stop)  # noqa: E731
        await serve(app, host, port, [log.maintain, reader, notify.worker().run])
    finally:
        await db.close()


async def send_test(notify: Notify) -> list[tuple[Channel, str, Sent]]:
    """A test message to each channel and recipient, now: (channel, recipient, what came of it). Nothing is kept."""
    now = notify.clock.now()
    intro = "This is a test that somebody asked for. Alerts come this way."
    message = plain_message("test", new_id("msg", now), DEFAULT_ROUTE.route_id, "Citewatch test message", intro, now)
    done: list[tuple[Channel, str, Sent]] = []
    for name, sender in notify.deliverer.senders.items():
        for recipient in sender.recipients:
            links = Links(notify.settings.public_url, notify.deliverer.key, recipient or name, now)
            letter = Letter(message, new_id("dlv", now), recipient, links)
            done.append((name, recipient, await sender.send(letter)))
    return done
