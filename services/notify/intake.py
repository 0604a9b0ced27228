"""`citation.changed` → the next turn of an episode, and its news for every route that it concerns.

All changes of a transaction are taken at once: a host with ten thousand links must not cost ten thousand queries.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.core.episodes import Case, Turn, advance
from services.notify.core.rules import cause, default_route
from services.notify.store import CHANNEL, alerts, desk
from shared.clock import Clock
from shared.db import announce
from shared.eventlog import Subscription, publish
from shared.events import AlertRaised, AlertResolved, CitationChanged, Event
from shared.ids import new_id

CONSUMER = "notify"
SOURCE = "/citewatch/notify"


class Intake:
    """Handles changes."""

    def __init__(self, clock: Clock, *, digest: bool) -> None:
        self._clock, self._default = clock, default_route(digest=digest)

    def subscription(self) -> Subscription:
        """What notify listens to."""
        return Subscription(CONSUMER, (CitationChanged.TOPIC,), handler=self._one, batch=self.handle)

    async def _one(self, tx: AsyncConnection, event: Event) -> None:
        await self.handle(tx, [event])

    async def handle(self, tx: AsyncConnection, events: Sequence[Event]) -> None:
        """Events in their order, in the transaction that marks them as handled."""
        changes = [
            (change, event.traceparent) for event in events if isinstance(change := event.payload(), CitationChanged)
        ]
        now = self._clock.now()
        routes = await desk.active_routes(tx) or [self._default]
        cases = await alerts.cases(tx, {change.citation_id for change, _ in changes})
        changed: dict[str, Case] = {}
        news: list[tuple[AlertRaised | AlertResolved, str | None]] = []
        for change, parent in changes:
            case, step = advance(cases.get(change.citation_id), change, routes, now, new_id("alr", now))
            if case is None or step == "nothing":
                continue
            cases[change.citation_id] = changed[case.alert_id] = case
            news += [(event, parent) for event in _events(case, change, step, now)]
        await alerts.save_cases(tx, changed.values())
        await publish(tx, SOURCE, [event for event, _ in news], now, parents=[parent for _, parent in news])
        if news:
            announce(tx, CHANNEL)


def _events(case: Case, change: CitationChanged, step: Turn, now: datetime) -> list[AlertRaised | AlertResolved]:
    if step == "same":
        return []
    kind = AlertResolved if step == "resolved" else AlertRaised
    return [
        kind(
            alert_id=case.alert_id, citation_ids=(change.citation_id,), severity=change.severity, occurred_at=now,
            cause=cause(change),
        )
    ]  # fmt: skip
