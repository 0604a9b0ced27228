"""The HTTP interface of notify (CONTRACT §4): routes, alerts, mutes; and for operators, deliveries and channels."""

from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Body, Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from services.notify.core.rules import CHANNELS, Channel, Hours, Route, State
from services.notify.deliver import Deliverer
from services.notify.desk import Desk
from services.notify.settings import NotifySettings, mail_address
from services.notify.store import CHANNEL, alerts, desk, outgoing
from shared.clock import Clock, iso
from shared.db import Database, announce
from shared.events import Severity
from shared.ids import new_id
from shared.settings import Duration
from shared.web import Problem, decode_cursor, encode_cursor

Document = dict[str, Any]
PAGE = 100
MOST_ROUTES = 200
Limit = Annotated[int, Query(ge=1, le=500)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Names = Annotated[tuple[Name, ...], Field(max_length=200)]
MuteKind = Literal["citation", "link", "host", "article", "source", "route"]
MUTE_KINDS: tuple[MuteKind, ...] = ("citation", "link", "host", "article", "source", "route")
DeliveryState = Literal["queued", "claimed", "sending", "delivered", "failed", "uncertain", "settled"]


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"there is no time zone {name!r}; write one such as Europe/Berlin") from None
    return name


class Strict(BaseModel):
    """A field that we do not know is a mistake of the caller."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class QuietHours(Strict):
    """`start` after `end` runs over midnight."""

    start: time
    end: time
    zone: Annotated[str, AfterValidator(_zone)] = "UTC"


class NewRoute(Strict):
    """Who is told what, by which channels. Empty filters let everything through; several must all fit."""

    name: Name
    channels: Annotated[tuple[Channel, ...], Field(min_length=1)] = CHANNELS
    mail_to: Annotated[tuple[Annotated[str, AfterValidator(mail_address)], ...], Field(max_length=100)] = ()
    min_severity: Severity = "warning"
    sources: Names = ()
    tags: Names = ()
    authors: Names = ()
    articles: Names = ()
    digest: Severity | None = None
    quiet: QuietHours | None = None
    hourly_limit: Annotated[int, Field(ge=1, le=10_000)] | None = 60
    heartbeat: bool = False
    resolved: bool = True

    def route(self, route_id: str) -> Route:
        quiet = self.quiet and Hours(self.quiet.start, self.quiet.end, self.quiet.zone)
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        channels = tuple(dict.fromkeys(self.channels))
        return Route(**(fields | {"route_id": route_id, "quiet": quiet, "channels": channels}))


class Acknowledgement(Strict):
    """Who takes care of it."""

    by: Name = "api"
    note: Annotated[str, Field(max_length=4000)] = ""


class NewMute(Strict):
    """Exactly one of the six says what is muted; `until` or `for` (`7d`) says how long."""

    citation: Name | None = None
    link: Name | None = None
    host: Annotated[str, Field(min_length=1, max_length=300)] | None = None
    article: Name | None = None
    source: Name | None = None
    route: Name | None = None
    until: AwareDatetime | None = None
    duration: Annotated[Duration | None, Field(alias="for")] = None
    reason: Annotated[str, Field(max_length=1000)] = ""
    by: Name = "api"

    @model_validator(mode="after")
    def _one_and_an_end(self) -> "NewMute":
        if sum(getattr(self, kind) is not None for kind in MUTE_KINDS) != 1:
            raise ValueError(f"name exactly one of {', '.join(MUTE_KINDS)}")
        if (self.until is None) == (self.duration is None):
            raise ValueError("say when it ends: either `until` (a time) or `for` (such as 7d)")
        if self.until is not None and self.until.year > 9000:
            raise ValueError("say an end before the year 9000")
        return self

    @property
    def target(self) -> tuple[MuteKind, str]:
        return next((kind, value) for kind in MUTE_KINDS if (value := getattr(self, kind)) is not None)

    def end(self, now: datetime) -> datetime:
        return self.until or now + (self.duration or timedelta())


class Decision(Strict):
    """Who decides about a delivery."""

    by: Name = "api"


@dataclass(frozen=True, slots=True)
class Deps:
    """What the interface works on."""

    db: Database
    desk: Desk
    deliverer: Deliverer
    clock: Clock
    settings: NotifySettings
    default: Route
    """In force while no route was made."""


def router(deps: Deps) -> APIRouter:
    """All endpoints of notify."""
    endpoints = APIRouter(tags=["notify"])
    _routes(endpoints, deps)
    _alerts(endpoints, deps)
    _mutes(endpoints, deps)
    _deliveries(endpoints, deps)
    _channels(endpoints, deps)
    return endpoints


def _missing(what: str) -> Problem:
    return Problem(404, "Not found", f"There is no such {what} here; take its id from the list.")


def _routes(endpoints: APIRouter, deps: Deps) -> None:
    @endpoints.get("/v1/routes")
    async def list_routes() -> Document:
        """The routes in force; while none was made, the one that tells everybody. `held`: news that waits."""
        async with deps.db.read() as tx:
            found = await desk.active_routes(tx) or [deps.default]
            held = await alerts.waiting_routes(tx)
        return {"items": [_route_document(route, held) for route in found], "next": None}

    @endpoints.post("/v1/routes", status_code=201)
    async def make_route(new: Annotated[NewRoute, Body()]) -> Document:
        """A new route. The first one takes the place of the route that tells everybody."""
        if new.digest is not None and deps.settings.digest_at is None:
            raise Problem(
                422, "No digest", "Set CITEWATCH_DIGEST_AT first: without it, a route has no digest to wait for."
            )
        now = deps.clock.now()
        route = new.route(new_id("rte", now))
        async with deps.db.write() as tx:
            if len(await desk.active_routes(tx)) >= MOST_ROUTES:
                raise Problem(409, "Too many routes", f"Remove one first: there are {MOST_ROUTES} already.")
            await desk.save_route(tx, route, now)
        return _route_document(route, {})

    @endpoints.delete("/v1/routes/{route_id}", status_code=204)
    async def remove_route(route_id: str) -> None:
        """No further news goes to it; what waits already is still told."""
        async with deps.db.write() as tx:
            if not await desk.remove_route(tx, route_id, deps.clock.now()):
                raise _missing("route")


def _route_document(route: Route, held: dict[tuple[str, bool], int]) -> Document:
    waiting = sum(number for (route_id, _), number in held.items() if route_id == route.route_id)
    return {"id": route.route_id, **desk.rules_of(route), "held": waiting}


def _alerts(endpoints: APIRouter, deps: Deps) -> None:
    @endpoints.get("/v1/alerts")
    async def list_alerts(
        state: State | None = None, citation: str | None = None, cursor: str | None = None, limit: Limit = PAGE
    ) -> Document:
        """Alerts, newest first."""
        after = decode_cursor(cursor, 1)
        async with deps.db.read() as tx:
            items = await alerts.listed(
                tx, state=state, citation_id=citation, after=after[0] if after else None, limit=limit + 1
            )
        return _paged(items, limit)

    @endpoints.get("/v1/alerts/{alert_id}")
    async def get_alert(alert_id: str) -> Document:
        """One alert with its deliveries."""
        async with deps.db.read() as tx:
            found = await alerts.find(tx, alert_id)
            sent = await outgoing.listed(tx, state=None, alert_id=alert_id, after=None, limit=PAGE)
        if found is None:
            raise _missing("alert")
        return found | {"deliveries": sent}

    @endpoints.post("/v1/alerts/{alert_id}/ack")
    async def acknowledge(alert_id: str, given: Annotated[Acknowledgement | None, Body()] = None) -> Document:
        """Somebody takes care of it: from now on only a change for the worse and the recovery are told."""
        given = given or Acknowledgement()
        async with deps.db.write() as tx:
            if not await alerts.acknowledge(tx, alert_id, given.by, given.note, deps.clock.now()):
                raise _missing("alert")
            found = await alerts.find(tx, alert_id)
        return found or {}


def _paged(items: list[Document], limit: int) -> Document:
    more = len(items) > limit
    return {"items": items[:limit], "next": encode_cursor(items[limit - 1]["id"]) if more else None}


def _mutes(endpoints: APIRouter, deps: Deps) -> None:
    @endpoints.get("/v1/mutes")
    async def list_mutes() -> Document:
        """Mutes in force."""
        async with deps.db.read() as tx:
            return {"items": await desk.listed_mutes(tx, deps.clock.now()), "next": None}

    @endpoints.post("/v1/mutes", status_code=201)
    async def mute(new: Annotated[NewMute, Body()]) -> Document:
        """Hold news back. When the mute ends, what is still amiss is told."""
        now = deps.clock.now()
        until = new.end(now)
        if until <= now:
            raise Problem(422, "Already over", "Give an end that lies ahead.")
        kind, value = new.target
        row = {
            "mute_id": new_id("mut", now), "kind": kind, "value": value, "created_at": now, "until": until,
            "by": new.by, "reason": new.reason,
        }  # fmt: skip
        async with deps.db.write() as tx:
            await desk.save_mute(tx, row)
        return {"id": row["mute_id"], kind: value, "until": iso(until), "by": new.by, "reason": new.reason}

    @endpoints.delete("/v1/mutes/{mute_id}", status_code=204)
    async def unmute(mute_id: str) -> None:
        """What it held back is told."""
        async with deps.db.write() as tx:
            if not await desk.remove_mute(tx, mute_id):
                raise _missing("mute")
            announce(tx, CHANNEL)


def _deliveries(endpoints: APIRouter, deps: Deps) -> None:
    @endpoints.get("/v1/deliveries")
    async def list_deliveries(
        state: DeliveryState | None = None, alert: str | None = None, cursor: str | None = None, limit: Limit = PAGE
    ) -> Document:
        """Deliveries, newest first. `uncertain` ones wait for a person: resend or settle them."""
        after = decode_cursor(cursor, 1)
        async with deps.db.read() as tx:
            items = await outgoing.listed(
                tx, state=state, alert_id=alert, after=after[0] if after else None, limit=limit + 1
            )
        return _paged(items, limit)

    @endpoints.get("/v1/deliveries/{delivery_id}/attempts")
    async def list_attempts(delivery_id: str) -> Document:
        """Every attempt of a delivery, oldest first."""
        async with deps.db.read() as tx:
            return {"items": await outgoing.attempts_of(tx, delivery_id), "next": None}

    @endpoints.post("/v1/deliveries/{delivery_id}/resend", status_code=202)
    async def resend(delivery_id: str, given: Annotated[Decision | None, Body()] = None) -> Document:
        """A person decided to send it again, with the same Message-ID or webhook-id."""
        async with deps.db.write() as tx:
            done = await outgoing.resend(tx, delivery_id, (given or Decision()).by, deps.clock.now())
            announce(tx, CHANNEL)
        return _decided(done, delivery_id, "queued")

    @endpoints.post("/v1/deliveries/{delivery_id}/settle")
    async def settle(delivery_id: str, given: Annotated[Decision | None, Body()] = None) -> Document:
        """A person knows that it arrived, or that it need not."""
        async with deps.db.write() as tx:
            done = await outgoing.settle(tx, delivery_id, (given or Decision()).by, deps.clock.now())
        return _decided(done, delivery_id, "settled")


def _decided(done: bool, delivery_id: str, state: str) -> Document:
    if not done:
        raise Problem(409, "Nothing to decide", "Only a delivery that is uncertain or has failed can be decided about.")
    return {"id": delivery_id, "state": state}


def _channels(endpoints: APIRouter, deps: Deps) -> None:
    @endpoints.get("/v1/channels")
    async def list_channels() -> Document:
        """The configured channels, and whether they are on."""
        async with deps.db.read() as tx:
            states = await outgoing.channel_states(tx)
        return {"items": [_channel(states[name]) for name in deps.deliverer.senders if name in states], "next": None}

    @endpoints.post("/v1/channels/{channel}/on")
    async def switch_on(channel: Channel) -> Document:
        """Try a channel again that was switched off; what waited for it is sent."""
        async with deps.db.write() as tx:
            state = (await outgoing.channel_states(tx)).get(channel)
            if state is None or channel not in deps.deliverer.senders:
                raise _missing("channel")
            fresh = replace(state, failures=0, off_at=None, probe_at=None, detail="")
            await outgoing.save_channel(tx, fresh)
            announce(tx, CHANNEL)
        return _channel(fresh)


def _channel(state: outgoing.ChannelState) -> Document:
    return {
        "channel": state.channel, "on": state.off_at is None, "failures": state.failures,
        "off_at": iso(state.off_at) if state.off_at else None, "detail": state.detail,
    }  # fmt: skip
