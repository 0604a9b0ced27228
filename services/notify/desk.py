"""Decides what goes out now: pending news → messages with their deliveries, in one transaction.

Only one process plans at a time (a row lock); what it writes, others send.
"""

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.core.daily import next_at, quiet_until
from services.notify.core.grouping import FORGET, Bundle, Notice, plan
from services.notify.core.message import MOST_ITEMS, compose, plain_message
from services.notify.core.rules import DEFAULT_ROUTE, Channel, Route
from services.notify.core.wording import many, minute
from services.notify.store import CHANNEL, alerts, desk, outgoing
from shared.db import Database, announce
from shared.ids import new_id

HOUR = timedelta(hours=1)
HEARTBEAT_AT = time(8)
Targets = Mapping[Channel, Sequence[str]]
"""The configured channels, with their usual recipients."""


@dataclass(frozen=True, slots=True)
class Rules:
    """When things are told."""

    group_wait: timedelta
    digest_at: time | None = None
    zone: str = "UTC"


@dataclass(slots=True)
class _Look:
    """What one look at the news came to."""

    now: datetime
    again: list[datetime] = field(default_factory=list)
    written: int = 0

    def wake(self, moment: datetime | None) -> None:
        if moment is not None:
            self.again.append(moment)


@dataclass(frozen=True, slots=True)
class _Room:
    """What a route's limit leaves."""

    limit: int
    messages: int
    more_at: datetime


class Desk:
    """Writes messages."""

    def __init__(self, db: Database, rules: Rules, targets: Targets) -> None:
        self.db, self.rules, self.targets = db, rules, targets

    async def look(self, now: datetime) -> datetime | None:
        """Write what is due. Returns when to look again without any news; None: not before there is some."""
        async with self.db.read() as tx:
            waiting = await alerts.waiting_routes(tx)
            hearts = [route for route in await desk.active_routes(tx) if route.heartbeat]
        if not waiting and not hearts:
            return None
        look = _Look(now)
        async with self.db.write() as tx:
            await desk.lock(tx, desk.PLANNER, now)
            for route_id, daily in sorted(await alerts.waiting_routes(tx)):
                await self._route(tx, look, await self._find(tx, route_id), daily)
            for route in hearts:
                await self._heartbeat(tx, look, route)
            if look.written:
                await desk.forget_told(tx, now - FORGET)
                announce(tx, CHANNEL)
        return min(look.again, default=None)

    async def _find(self, tx: AsyncConnection, route_id: str) -> Route:
        found = await desk.find_route(tx, route_id)
        return found or Route(route_id=route_id, name=DEFAULT_ROUTE.name)

    async def _route(self, tx: AsyncConnection, look: _Look, route: Route, daily: bool) -> None:
        quiet = quiet_until(route.quiet, look.now)
        if quiet is not None:
            look.wake(quiet)
            return
        if daily and not await self._digest_due(tx, look, route):
            return
        room = None if daily else await self._room(tx, look, route)
        if room is not None and room.messages <= 0:
            look.wake(room.more_at)
            return
        notices, unmuted = await alerts.pending(tx, route.route_id, look.now, daily=daily)
        look.wake(unmuted)
        if not notices:
            return
        told = await desk.told(tx, route.route_id)
        found = plan(notices, self.rules.group_wait, told, look.now, whole=daily)
        look.wake(found.again_at)
        bundles, notes = _within(room, found.bundles)
        for bundle in bundles:
            await self._tell(tx, look, route, bundle, notes, daily=daily)
        await desk.keep_told(tx, route.route_id, found.causes)

    async def _digest_due(self, tx: AsyncConnection, look: _Look, route: Route) -> bool:
        if self.rules.digest_at is None:
            return True  # the setting was taken away: what waited for it is told now
        duty = f"digest {route.route_id}"
        due = next_at(self.rules.digest_at, self.rules.zone, await desk.last_done(tx, duty, look.now))
        if look.now < due:
            look.wake(due)
            return False
        await desk.done(tx, duty, look.now)
        look.wake(next_at(self.rules.digest_at, self.rules.zone, look.now))
        return True

    async def _room(self, tx: AsyncConnection, look: _Look, route: Route) -> _Room | None:
        """How many messages the route may still send this hour; None: any number."""
        if route.hourly_limit is None:
            return None
        sent = await outgoing.sent_since(tx, route.route_id, look.now - HOUR)
        return _Room(route.hourly_limit, route.hourly_limit - len(sent), (sent[0] if sent else look.now) + HOUR)

    async def _tell(
        self, tx: AsyncConnection, look: _Look, route: Route, bundle: Bundle, notes: Sequence[str], *, daily: bool
    ) -> None:
        notices = bundle.notices
        targets = await self._targets(tx, route, look.now)
        if not targets:
            await alerts.mark_told(tx, notices, None, look.now)
            return
        message = compose(
            bundle,
            await alerts.told_of(tx, _once(notices)[:MOST_ITEMS]),
            Counter(await alerts.shorts(tx, _once(notices))),
            message_id=new_id("msg", look.now),
            route_id=route.route_id,
            now=look.now,
            notes=notes,
            daily=daily,
        )
        await outgoing.write(tx, message, targets)
        await alerts.mark_told(tx, notices, message.message_id, look.now)
        look.written += 1

    async def _heartbeat(self, tx: AsyncConnection, look: _Look, route: Route) -> None:
        at, duty = self.rules.digest_at or HEARTBEAT_AT, f"heartbeat {route.route_id}"
        due = next_at(at, self.rules.zone, await desk.last_done(tx, duty, look.now))
        look.wake(due if look.now < due else next_at(at, self.rules.zone, look.now))
        if look.now < due:
            return
        await desk.done(tx, duty, look.now)
        totals = await alerts.totals(tx)
        intro = (
            f"Alerts: {totals.get('open', 0):,} open, {totals.get('acknowledged', 0):,} acknowledged. "
            "When this message stays away, look after the monitor."
        )
        message = plain_message(
            "heartbeat", new_id("msg", look.now), route.route_id, "Citewatch is running", intro, look.now
        )
        await outgoing.write(tx, message, await self._targets(tx, route, look.now))
        look.written += 1

    async def _targets(self, tx: AsyncConnection, route: Route, now: datetime) -> list[tuple[Channel, str]]:
        """Where a route's messages go: its channels as far as they are configured, less who unsubscribed."""
        silent = await desk.silent_recipients(tx, now)
        found: list[tuple[Channel, str]] = []
        for channel in route.channels:
            usual = self.targets.get(channel, ())
            wanted = route.mail_to if channel == "mail" and usual and route.mail_to else usual
            found += [(channel, one) for one in wanted if f"{route.route_id} {one}" not in silent]
        return found

    async def key(self) -> bytes:
        """The secret that signs links in messages."""
        async with self.db.write() as tx:
            return bytes.fromhex(await desk.key(tx, "links", secrets.token_hex(32)))


def _within(room: _Room | None, bundles: tuple[Bundle, ...]) -> tuple[tuple[Bundle, ...], tuple[str, ...]]:
    """The last message that the limit allows gathers all that is due, and says so; after it, news waits."""
    if room is None or not bundles or len(bundles) < room.messages:
        return bundles, ()
    gathered = Bundle(tuple(group for bundle in bundles for group in bundle.groups))
    ahead = f"The limit of {many(room.limit, 'message')} an hour is reached."
    return (gathered,), (f"{ahead} What follows is gathered and told from {minute(room.more_at)} on.",)


def _once(notices: Sequence[Notice]) -> list[Notice]:
    """The first (worst) notice of each alert."""
    return list({notice.alert_id: notice for notice in reversed(notices)}.values())[::-1]
