"""Wires notify: the one place where its parts meet."""

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import APIRouter

from services.notify.channels import Sender
from services.notify.channels.apprise import Apprise
from services.notify.channels.http import Poster
from services.notify.channels.mail import Mail
from services.notify.channels.slack import Slack
from services.notify.channels.webhook import Webhook
from services.notify.core.rules import Channel
from services.notify.deliver import Deliverer
from services.notify.desk import Desk, Rules
from services.notify.intake import Intake
from services.notify.settings import NotifySettings
from services.notify.store import alerts
from services.notify.worker import Worker
from shared import metrics
from shared.clock import Clock
from shared.db import Database
from shared.eventlog import Subscription
from shared.web import Probe


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
        return []

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
