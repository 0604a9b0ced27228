"""Sends one delivery: claimed → sending (from here on it may have been sent) → what came of it, in three transactions.

A channel that keeps failing is switched off: its queue waits, one delivery tries it now and then, and the other
channels say so.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import get_args

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.channels import Letter, Sender, Sent
from services.notify.core.links import Links
from services.notify.core.message import plain_message
from services.notify.core.rules import DEFAULT_ROUTE, Channel
from services.notify.store import CHANNEL, outgoing
from services.notify.store.outgoing import ChannelState, Delivery
from shared import metrics
from shared.backoff import Backoff, next_try
from shared.clock import Clock
from shared.db import Database, announce
from shared.eventlog import publish
from shared.events import AlertDelivered, AlertFailed
from shared.faults import point
from shared.ids import new_id
from shared.logs import get

SOURCE = "/citewatch/notify"
OFF_AFTER = 5
"""Troubles of a channel in a row that switch it off …"""
PROBE = timedelta(minutes=10)
"""… and how often one delivery tries it meanwhile."""
NAMES: dict[Channel, str] = {"mail": "Mail", "slack": "Slack", "webhook": "The alert webhook", "apprise": "Apprise"}

BACKOFF = Backoff()

log = get(__name__)


@dataclass(frozen=True, slots=True)
class Deliverer:
    """Sends what the desk wrote."""

    db: Database
    senders: Mapping[Channel, Sender]
    clock: Clock
    public_url: str
    key: bytes
    backoff: Backoff = BACKOFF

    async def start(self) -> None:
        """A channel with a new configuration gets a new chance."""
        async with self.db.write() as tx:
            known = await outgoing.channel_states(tx)
            for name, sender in self.senders.items():
                for result in get_args(outgoing.Result):  # nought from the start: a first failure shall be an increase
                    metrics.DELIVERIES.labels(name, result)
                if name not in known or known[name].address != sender.address:
                    await outgoing.save_channel(tx, ChannelState(name, sender.address))

    async def claim(self, room: int) -> list[Delivery]:
        """Lease what is due now, as far as its channel works; take back what others let fall."""
        now = self.clock.now()
        async with self.db.write() as tx:
            for lost in await outgoing.overdue(tx, now):
                await self._after(tx, lost, Sent("uncertain", "The process ended between sending and noting it."), now)
            limits = await self._limits(tx, room, now)
            return await outgoing.claim(tx, new_id("lse", now), now, limits)

    async def _limits(self, tx: AsyncConnection, room: int, now: datetime) -> dict[Channel, int]:
        limits: dict[Channel, int] = dict.fromkeys(self.senders, room)
        for state in (await outgoing.channel_states(tx)).values():
            if state.off_at is None or state.channel not in limits:
                continue
            probing = state.probe_at is not None and state.probe_at <= now
            limits[state.channel] = int(probing)
            if probing:
                await outgoing.save_channel(tx, replace(state, probe_at=now + PROBE))
        return limits

    async def deliver(self, delivery: Delivery) -> None:
        """Try once, and keep what came of it."""
        async with self.db.read() as tx:
            message = await outgoing.document(tx, delivery.message_id)
        now = self.clock.now()
        who = delivery.recipient if delivery.channel == "mail" else delivery.channel
        links = Links(self.public_url, self.key, who, message.created_at)
        point("before_send")
        async with self.db.write() as tx:
            if not await outgoing.start_sending(tx, delivery, now):
                return
        letter = Letter(message, delivery.delivery_id, delivery.recipient, links)
        try:
            sent = await self.senders[delivery.channel].send(letter)
        except Exception as error:
            log.error("channel failed unforeseen", channel=delivery.channel, exc_info=error)
            sent = Sent("uncertain", f"A fault of ours: {type(error).__name__}.")
        point("sent_not_marked")
        await self._keep(delivery, sent)

    async def _keep(self, delivery: Delivery, sent: Sent) -> None:
        now = self.clock.now()
        again: datetime | None = None
        if sent.result == "retry":
            wait = next_try(self.backoff, delivery.tries, random.random(), sent.retry_after)
            again = None if wait is None else now + wait
            if again is None:
                sent = replace(sent, result="failed", detail=f"Given up after {delivery.tries} tries. {sent.detail}")
        async with self.db.write() as tx:
            kept = await outgoing.finish(tx, delivery, sent.result, sent.detail, now, again)
            await self._health(tx, delivery.channel, sent, now)
            if kept:
                await self._after(tx, delivery, sent, now)
        log.info("delivery", id=delivery.delivery_id, channel=delivery.channel, result=sent.result, detail=sent.detail)

    async def _after(self, tx: AsyncConnection, delivery: Delivery, sent: Sent, now: datetime) -> None:
        """The metric, and the event for what is final."""
        metrics.DELIVERIES.labels(delivery.channel, sent.result).inc()
        if not delivery.token:
            await outgoing.log_attempt(tx, delivery.delivery_id, "uncertain", sent.detail, now)
        if sent.result == "retry":
            return
        alert_id, citation_ids = await outgoing.alerts_of(tx, delivery.message_id)
        if alert_id is None:
            return
        severity = (await outgoing.document(tx, delivery.message_id)).severity
        if sent.result == "delivered":
            done = AlertDelivered(
                alert_id=alert_id, citation_ids=citation_ids, severity=severity, occurred_at=now,
                delivery_id=delivery.delivery_id, channel=delivery.channel,
            )  # fmt: skip
            await publish(tx, SOURCE, done, now)
            return
        failed = AlertFailed(
            alert_id=alert_id, citation_ids=citation_ids, severity=severity, occurred_at=now,
            delivery_id=delivery.delivery_id, channel=delivery.channel,
            result="uncertain" if sent.result == "uncertain" else "failed", detail=sent.detail,
        )  # fmt: skip
        await publish(tx, SOURCE, failed, now)

    async def _health(self, tx: AsyncConnection, channel: Channel, sent: Sent, now: datetime) -> None:
        """Count troubles in a row; switch the channel off or on again, and say so by the others."""
        state = (await outgoing.channel_states(tx)).get(channel) or ChannelState(channel, self.senders[channel].address)
        if sent.trouble == "none":
            if state.failures or state.off_at is not None:
                await outgoing.save_channel(tx, ChannelState(channel, state.address))
            if state.off_at is not None:
                await self._say(tx, channel, f"{NAMES[channel]} works again", "What waited for it is sent now.", now)
            return
        failures = state.failures + 1
        lasting = sent.trouble == "lasting"
        news = replace(state, failures=failures, detail=sent.detail)
        if state.off_at is None and (lasting or failures >= OFF_AFTER):
            news = replace(news, off_at=now, probe_at=None if lasting else now + PROBE)
            await self._say(tx, channel, f"{NAMES[channel]} is switched off", _explained(sent, failures), now)
            log.warning("channel switched off", channel=channel, detail=sent.detail)
        await outgoing.save_channel(tx, news)

    async def _say(self, tx: AsyncConnection, about: Channel, headline: str, intro: str, now: datetime) -> None:
        others: Sequence[tuple[Channel, str]] = [
            (name, one) for name, sender in self.senders.items() if name != about for one in sender.recipients
        ]
        if others:
            route = DEFAULT_ROUTE.route_id
            message = plain_message("channel_off", new_id("msg", now), route, headline, intro, now, "warning")
            await outgoing.write(tx, message, others)
            announce(tx, CHANNEL)


def _explained(sent: Sent, failures: int) -> str:
    if sent.trouble == "lasting":
        mend = "Mend its setting and start Citewatch again, or switch it on again by the API."
        return f"It refuses for good: {sent.detail}. Its messages wait. {mend}"
    return (
        f"It failed {failures} times in a row, last with: {sent.detail}. Its messages wait; it is tried now and then."
    )
