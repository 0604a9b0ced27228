"""Pages of notify: the alerts, and where the links in messages lead.

A link in a message asks for a confirmation by POST, for mail scanners open every link they see.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query
from fastapi.responses import RedirectResponse, Response

from services.notify.core.links import Links, Purpose, Ticket, verify
from services.notify.core.rules import State
from services.notify.store import CHANNEL, alerts, desk, outgoing
from shared.clock import Clock
from shared.db import Database, announce
from shared.ids import derived_id
from shared.pages import Pages
from shared.web import Problem, decode_cursor, encode_cursor

PAGE = 50
PAGE_READER = "page"
"""Who acknowledges on the page of alerts."""
Token = Annotated[str, Query(max_length=1000)]


@dataclass(frozen=True, slots=True)
class Deps:
    """What the pages work on."""

    db: Database
    clock: Clock
    public_url: str
    key: bytes

    def prove(self, purpose: Purpose, subject: str, token: str) -> Ticket:
        """Whoever holds the token. Raises `Problem` 403."""
        found = verify(self.key, purpose, subject, token, self.clock.now())
        if found is None:
            raise Problem(403, "Link not valid", "This link has run out or is not whole; open the alert on its page.")
        return found


def router(deps: Deps) -> APIRouter:
    """The pages of notify."""
    pages = Pages(Path(__file__).parent / "templates")
    routes = APIRouter(include_in_schema=False)
    _overview(routes, deps, pages)
    _decide(routes, deps)
    _acknowledge(routes, deps, pages)
    _unsubscribe(routes, deps, pages)
    return routes


def _overview(routes: APIRouter, deps: Deps, pages: Pages) -> None:
    @routes.get("/alerts")
    async def overview(state: State | None = None, cursor: str | None = None) -> Response:
        after = decode_cursor(cursor, 1)
        async with deps.db.read() as tx:
            items = await alerts.listed(tx, state=state, after=after[0] if after else None, limit=PAGE + 1)
            totals = await alerts.totals(tx)
            unsure = await outgoing.listed(tx, state="uncertain", alert_id=None, after=None, limit=PAGE)
            off = [one for one in (await outgoing.channel_states(tx)).values() if one.off_at is not None]
        links = Links("", deps.key, PAGE_READER, deps.clock.now())
        more = encode_cursor(items[PAGE - 1]["id"]) if len(items) > PAGE else None
        return pages.render(
            "alerts.html",
            alerts=items[:PAGE],
            next=more,
            state=state,
            totals=totals,
            unsure=unsure,
            off=off,
            links=links,
        )


def _decide(routes: APIRouter, deps: Deps) -> None:
    @routes.post("/alerts/deliveries/{delivery_id}")
    async def decide(delivery_id: str, decision: Annotated[Literal["settle", "resend"], Form()]) -> Response:
        """A person knows, or decides, what becomes of a message whose fate is uncertain. Needs a login."""
        now = deps.clock.now()
        async with deps.db.write() as tx:
            if decision == "settle":
                await outgoing.settle(tx, delivery_id, PAGE_READER, now)
            else:
                await outgoing.resend(tx, delivery_id, PAGE_READER, now)
            announce(tx, CHANNEL)
        return RedirectResponse("/alerts", 303)


def _acknowledge(routes: APIRouter, deps: Deps, pages: Pages) -> None:
    @routes.get("/alerts/{alert_id}/ack")
    async def ask(alert_id: str, token: Token = "") -> Response:
        ticket = deps.prove("ack", alert_id, token)
        async with deps.db.read() as tx:
            found = await alerts.find(tx, alert_id)
        return pages.render("ack.html", alert=found, who=ticket.who, token=token, done=False)

    @routes.post("/alerts/{alert_id}/ack")
    async def acknowledge(alert_id: str, token: Token = "", note: Annotated[str, Form()] = "") -> Response:
        ticket = deps.prove("ack", alert_id, token)
        async with deps.db.write() as tx:
            await alerts.acknowledge(tx, alert_id, ticket.who, note[:4000], deps.clock.now())
            found = await alerts.find(tx, alert_id)
        return pages.render("ack.html", alert=found, who=ticket.who, token=token, done=True)


def _unsubscribe(routes: APIRouter, deps: Deps, pages: Pages) -> None:
    @routes.get("/alerts/{route_id}/unsubscribe")
    async def ask(route_id: str, token: Token = "") -> Response:
        ticket = deps.prove("unsubscribe", route_id, token)
        return pages.render("unsubscribe.html", route_id=route_id, who=ticket.who, token=token, done=False)

    @routes.post("/alerts/{route_id}/unsubscribe")
    async def unsubscribe(route_id: str, token: Token = "") -> Response:
        """Also the one-click form of RFC 8058, which mail programs send by themselves."""
        ticket = deps.prove("unsubscribe", route_id, token)
        now = deps.clock.now()
        value = f"{route_id} {ticket.who}"
        row = {
            "mute_id": derived_id("mut", value), "kind": "recipient", "value": value, "created_at": now,
            "until": None, "by": ticket.who, "reason": "unsubscribed",
        }  # fmt: skip
        async with deps.db.write() as tx:
            await desk.save_mute(tx, row)
        return pages.render("unsubscribe.html", route_id=route_id, who=ticket.who, token=token, done=True)
