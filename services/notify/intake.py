"""`citation.changed` → an episode's next turn, and its news for every route that it concerns."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.core.rules import (
    DEFAULT_ROUTE,
    SEVERITY_RANK,
    Alert,
    News,
    Route,
    cause,
    decided_by_person,
    rank,
    takes,
    turn,
)
from services.notify.store import CHANNEL, alerts, desk
from shared.clock import Clock
from shared.db import announce
from shared.eventlog import Subscription, publish
from shared.events import AlertRaised, AlertResolved, CitationChanged, Event
from shared.ids import new_id

CONSUMER = "notify"
SOURCE = "/citewatch/notify"
FRESH = timedelta(seconds=1)
"""How long routes are remembered: a storm must not ask for them at every event."""
DAMPED_AFTER = 2
"""So many returns within an episode; from then on, news of it waits for the citation to settle …"""
DAMPING = timedelta(hours=1)
"""… so long, doubled at each further return."""


class Intake:
    """Handles changes; holds nothing but a short memory of the routes."""

    def __init__(self, clock: Clock, *, digest: bool) -> None:
        self._clock, self._digest = clock, digest
        self._routes: tuple[datetime, list[Route]] | None = None

    def subscription(self) -> Subscription:
        """What notify listens to."""
        return Subscription(consumer=CONSUMER, topics=(CitationChanged.TOPIC,), handler=self.handle)

    async def handle(self, tx: AsyncConnection, event: Event) -> None:
        """One event, in the transaction that marks it as handled."""
        change = event.payload()
        if not isinstance(change, CitationChanged):
            return
        now = self._clock.now()
        wanted = [route for route in await self._active(tx, now) if takes(route, change)]
        alert = await alerts.last_episode(tx, change.citation_id)
        match turn(alert, change, wanted=bool(wanted)):
            case "opened":
                await self._opened(tx, change, wanted, now)
            case "reopened" if alert is not None:
                await self._reopened(tx, alert, change, wanted, now)
            case "worse" if alert is not None:
                await alerts.follow(tx, alert, change, worse=True)
                await self._tell(tx, alert, change, "worse", wanted, now)
                await _raised(tx, alert.alert_id, change, now)
            case "same" if alert is not None:
                await alerts.follow(tx, alert, change, worse=False)
            case "resolved" if alert is not None:
                await self._resolved(tx, alert, change, now)

    async def _active(self, tx: AsyncConnection, now: datetime) -> list[Route]:
        if self._routes is None or abs(now - self._routes[0]) > FRESH:
            self._routes = (now, await desk.active_routes(tx) or [default_route(digest=self._digest)])
        return self._routes[1]

    async def _opened(
        self, tx: AsyncConnection, change: CitationChanged, wanted: Sequence[Route], now: datetime
    ) -> None:
        alert_id = new_id("alr", now)
        await alerts.open_episode(tx, alert_id, change)
        await alerts.add_notices(tx, [_notice(alert_id, route, "opened", rank(change), now) for route in wanted])
        await _raised(tx, alert_id, change, now)

    async def _reopened(
        self, tx: AsyncConnection, alert: Alert, change: CitationChanged, wanted: Sequence[Route], now: datetime
    ) -> None:
        """A recovery that nobody was told of is forgotten; else it is news again, later each time."""
        await alerts.reopen(tx, alert, change)
        untold = {
            row.route_id: row.notice_id
            for row in await alerts.news_of(tx, alert.alert_id)
            if (row.news, row.state) == ("resolved", "pending")
        }
        await alerts.drop_notices(tx, list(untold.values()))
        returns = alert.flaps + 1 - DAMPED_AFTER
        ripe = now + DAMPING * 2 ** min(returns, 5) if returns >= 0 else now
        others = [route for route in wanted if route.route_id not in untold]
        await alerts.add_notices(tx, [_notice(alert.alert_id, route, "opened", rank(change), ripe) for route in others])
        await _raised(tx, alert.alert_id, change, now)

    async def _tell(
        self, tx: AsyncConnection, alert: Alert, change: CitationChanged, news: News, wanted: Sequence[Route],
        now: datetime,
    ) -> None:  # fmt: skip
        """News that waits already is brought up to date; the other routes get their own."""
        waiting = {
            row.route_id: row.notice_id
            for row in await alerts.news_of(tx, alert.alert_id)
            if row.state == "pending" and row.news != "resolved"
        }
        await alerts.raise_notices(tx, list(waiting.values()), rank(change))
        fresh = [route for route in wanted if route.route_id not in waiting]
        await alerts.add_notices(tx, [_notice(alert.alert_id, route, news, rank(change), now) for route in fresh])

    async def _resolved(self, tx: AsyncConnection, alert: Alert, change: CitationChanged, now: datetime) -> None:
        """What was never told needs no recovery; what an editor decided is no news to editors."""
        decided = decided_by_person(change)
        await alerts.resolve(tx, alert, change, "decided" if decided else "recovered")
        latest: dict[str, str] = {}
        waiting = []
        for row in await alerts.news_of(tx, alert.alert_id):
            if row.state == "told":
                latest[row.route_id] = row.news
            elif row.state == "pending":
                waiting.append(row.notice_id)
        await alerts.drop_notices(tx, waiting)
        if not decided:
            told = [
                route for route in await self._active(tx, now) if latest.get(route.route_id, "resolved") != "resolved"
            ]
            back = [_notice(alert.alert_id, one, "resolved", 0, now, peak=alert.peak) for one in told if one.resolved]
            await alerts.add_notices(tx, back)
        event = AlertResolved(
            alert_id=alert.alert_id, citation_ids=(change.citation_id,), severity=change.severity, occurred_at=now,
            cause=cause(change),
        )  # fmt: skip
        await publish(tx, SOURCE, event, now)
        announce(tx, CHANNEL)


def default_route(*, digest: bool) -> Route:
    """The route in force while none was made: with a daily digest, only what is critical is told at once."""
    if not digest:
        return DEFAULT_ROUTE
    return Route(route_id=DEFAULT_ROUTE.route_id, name=DEFAULT_ROUTE.name, digest="warning")


def _notice(
    alert_id: str, route: Route, news: News, rank: int, at: datetime, *, peak: int | None = None
) -> dict[str, object]:
    severity = (rank if peak is None else peak) // 10
    daily = route.digest is not None and severity <= SEVERITY_RANK[route.digest]
    return {
        "alert_id": alert_id, "route_id": route.route_id, "news": news, "rank": rank, "daily": daily, "created_at": at,
    }  # fmt: skip


async def _raised(tx: AsyncConnection, alert_id: str, change: CitationChanged, now: datetime) -> None:
    event = AlertRaised(
        alert_id=alert_id, citation_ids=(change.citation_id,), severity=change.severity, occurred_at=now,
        cause=cause(change),
    )  # fmt: skip
    await publish(tx, SOURCE, event, now)
    announce(tx, CHANNEL)
