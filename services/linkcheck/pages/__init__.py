"""Server-rendered pages for people: overview, article, citation then and now, link."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from starlette.routing import NoMatchFound

from services.linkcheck.desk import Desk
from services.linkcheck.store import registry, reports
from shared.clock import Clock, iso
from shared.db import Database
from shared.pages import GIVE_TARGET, Pages
from shared.web import Problem, decode_cursor, encode_cursor

PAGE = 50


def router(db: Database, desk: Desk, clock: Clock) -> APIRouter:
    """The pages of linkcheck."""
    pages = Pages(Path(__file__).parent / "templates")
    routes = APIRouter(include_in_schema=False)

    @routes.get("/")
    async def overview(cursor: str | None = None) -> Response:
        after = decode_cursor(cursor, 1)
        async with db.read() as tx:
            status, health = await reports.totals(tx)
            attention = await reports.attention_rows(tx, PAGE)
            articles = await reports.article_rows(tx, limit=PAGE + 1, after=after[0] if after else None)
        more = encode_cursor(iso(articles[PAGE - 1]["received_at"])) if len(articles) > PAGE else None
        shown = articles[:PAGE]
        return pages.render(
            "overview.html", link_status=status, health=health, attention=attention, articles=shown, next=more
        )

    @routes.get("/articles/{article_id}")
    async def article(article_id: str) -> Response:
        async with db.read() as tx:
            found = await reports.report(tx, article_id)
        if found is None:
            raise Problem(404, "Not found", "There is no such article here.")
        roles = Counter(link["role"] for link in found["other_links"])
        return pages.render("article.html", article=found, roles=roles)

    @routes.get("/citations/{citation_id}")
    async def citation(request: Request, citation_id: str, given: bool = False) -> Response:
        async with db.read() as tx:
            found = await reports.citation_detail(tx, citation_id)
        if found is None:
            raise Problem(404, "Not found", "There is no such citation here.")
        found |= {"repairs": await desk.repairs(citation_id)}
        return pages.render("citation.html", it=found, form=_target_form(request, citation_id), given=given)

    @routes.post("/citations/{citation_id}/review")
    async def review(
        citation_id: str, decision: Annotated[Literal["accept", "reject"], Form()], note: Annotated[str, Form()] = ""
    ) -> Response:
        await desk.review(citation_id, decision, note[:4000], by="page")
        return RedirectResponse(f"/citations/{citation_id}", 303)

    @routes.get("/links/{link_id}")
    async def link(link_id: str) -> Response:
        async with db.read() as tx:
            found = await reports.link_detail(tx, link_id, debug=True)
        if found is None:
            raise Problem(404, "Not found", "There is no such link here.")
        return pages.render("link.html", it=found)

    @routes.post("/links/{link_id}/recheck")
    async def recheck(link_id: str) -> Response:
        async with db.write() as tx:
            await registry.recheck(tx, link_id, clock.now())
        return RedirectResponse(f"/links/{link_id}", 303)

    return routes


def _target_form(request: Request, citation_id: str) -> str | None:
    """Where a form may give the citation a target; None where ingest answers elsewhere."""
    try:
        return str(request.app.url_path_for(GIVE_TARGET, citation_id=citation_id))
    except NoMatchFound:
        return None
