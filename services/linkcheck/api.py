"""The HTTP interface of linkcheck (CONTRACT §4): links, reports, citations, snapshots, reviews, Memento."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Path, Query, Request, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, Field

from services.linkcheck.archive.snapshots import Archive
from services.linkcheck.core.dossier import Snapshot
from services.linkcheck.desk import Desk
from services.linkcheck.store import registry, reports
from shared.clock import Clock, iso
from shared.db import Database
from shared.urls import identity
from shared.web import Problem, decode_cursor, encode_cursor

Document = dict[str, Any]
PAGE = 100
SANDBOX = {
    "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "SAMEORIGIN",
}
Limit = Annotated[int, Query(ge=1, le=500)]
Status = Literal["pending", "live", "suspect", "dead", "walled", "untracked"]


class Review(BaseModel):
    """An editor's decision: `accept` makes today's text the baseline, `reject` says that the verdict was wrong."""

    decision: Literal["accept", "reject"]
    note: Annotated[str, Field(max_length=4000)] = ""
    by: Annotated[str, Field(max_length=200)] = "api"


@dataclass(frozen=True, slots=True)
class Deps:
    """What the interface works on."""

    db: Database
    archive: Archive
    desk: Desk
    clock: Clock
    public_url: str


def router(deps: Deps) -> APIRouter:
    """All endpoints of linkcheck."""
    routes = APIRouter()
    _links(routes, deps)
    _citations(routes, deps)
    _snapshots(routes, deps)
    _memento(routes, deps)
    return routes


def _missing(what: str) -> Problem:
    return Problem(404, "Not found", f"There is no such {what} here; take its id from a list or a report.")


def _links(routes: APIRouter, deps: Deps) -> None:
    @routes.get("/v1/links")
    async def list_links(status: Status | None = None, cursor: str | None = None, limit: Limit = PAGE) -> Document:
        after = decode_cursor(cursor, 1)
        async with deps.db.read() as tx:
            items = await reports.list_links(tx, status=status, after=after[0] if after else None, limit=limit + 1)
        more = len(items) > limit
        return {"items": items[:limit], "next": encode_cursor(items[limit - 1]["id"]) if more else None}

    @routes.get("/v1/links/{link_id}")
    async def get_link(link_id: str, debug: bool = False) -> Document:
        async with deps.db.read() as tx:
            found = await reports.link_detail(tx, link_id, debug=debug)
        if found is None:
            raise _missing("link")
        return found

    @routes.post("/v1/links/{link_id}/recheck", status_code=202)
    async def recheck(link_id: str) -> Document:
        now = deps.clock.now()
        async with deps.db.write() as tx:
            if not await registry.recheck(tx, link_id, now):
                raise _missing("link")
        return {"link_id": link_id, "due_at": iso(now)}

    @routes.get("/v1/articles/{article_id}/report")
    async def get_report(article_id: str) -> Document:
        async with deps.db.read() as tx:
            found = await reports.report(tx, article_id)
        if found is None:
            raise _missing("article")
        return {"articles": [found]}


def _citations(routes: APIRouter, deps: Deps) -> None:
    @routes.get("/v1/citations/{citation_id}")
    async def get_citation(citation_id: str) -> Document:
        async with deps.db.read() as tx:
            found = await reports.citation_detail(tx, citation_id)
        if found is None:
            raise _missing("citation")
        return found | {"repairs": await deps.desk.repairs(citation_id)}

    @routes.post("/v1/citations/{citation_id}/review")
    async def post_review(citation_id: str, review: Annotated[Review, Body()]) -> Document:
        done = await deps.desk.review(citation_id, review.decision, review.note, review.by)
        if not done:
            raise _missing("citation")
        return await get_citation(citation_id)


def _snapshots(routes: APIRouter, deps: Deps) -> None:
    async def find(snapshot_id: str) -> Snapshot:
        async with deps.db.read() as tx:
            found = await reports.find_snapshot(tx, snapshot_id)
        if found is None:
            raise _missing("snapshot")
        return found

    @routes.get("/v1/snapshots/{snapshot_id}")
    async def get_snapshot(snapshot_id: str) -> Document:
        return _snapshot_document(await find(snapshot_id))

    @routes.get("/v1/snapshots/{snapshot_id}/warc")
    async def get_warc(snapshot_id: str) -> Response:
        snapshot = await find(snapshot_id)
        data = await deps.archive.read_warc(snapshot.warc_key)
        name = f'attachment; filename="{snapshot_id}.warc.gz"'
        return Response(data, media_type="application/warc", headers={**SANDBOX, "Content-Disposition": name})

    @routes.get("/v1/snapshots/{snapshot_id}/text")
    async def get_text(snapshot_id: str) -> Response:
        snapshot = await find(snapshot_id)
        if snapshot.text_key is None:
            raise Problem(404, "No text", "No text could be read from this capture; download its WARC instead.")
        page = await deps.archive.load_page(snapshot.text_key)
        return PlainTextResponse(page.main or page.full, headers=SANDBOX)

    @routes.get("/v1/snapshots/{snapshot_id}/view")
    async def view(snapshot_id: str) -> Response:
        media_type, body = await deps.desk.view(await find(snapshot_id))
        return Response(body, media_type=media_type, headers=SANDBOX)

    @routes.get("/v1/articles/{article_id}/bundle")
    async def get_bundle(article_id: str) -> Response:
        data = await deps.desk.bundle(article_id)
        if data is None:
            raise _missing("article")
        name = f'attachment; filename="{article_id}.wacz"'
        return Response(data, media_type="application/wacz", headers={"Content-Disposition": name})


def _snapshot_document(snapshot: Snapshot) -> Document:
    return {
        "id": snapshot.snapshot_id,
        "link_id": snapshot.link_id,
        "captured_at": iso(snapshot.captured_at),
        "kind": snapshot.kind,
        "source": snapshot.source,
        "sha256": snapshot.sha256,
        "length": snapshot.length,
        "url": snapshot.url,
        "http_status": snapshot.http_status,
        "media_type": snapshot.media_type,
        "truncated": snapshot.truncated,
        "warc": {"key": snapshot.warc_key, "sha256": snapshot.warc_sha256, "bytes": snapshot.warc_bytes},
    }


HTTP_DATE = "%a, %d %b %Y %H:%M:%S GMT"


def _memento(routes: APIRouter, deps: Deps) -> None:
    """RFC 7089 over our own captures: pattern 2.1 (TimeGate apart from the original)."""
    public = deps.public_url.rstrip("/")

    async def captures(url: str, request: Request) -> tuple[str, list[Snapshot]]:
        query = request.url.query
        whole = _as_sent(url, request)
        canonical = identity(f"{whole}?{query}" if query else whole)
        async with deps.db.read() as tx:
            found = await reports.snapshots_of_url(tx, canonical)
        if not found:
            raise Problem(404, "No memento", "Nothing was captured of this address; submit an article that cites it.")
        return canonical, found

    def uri(snapshot: Snapshot, canonical: str) -> str:
        return f"{public}/memento/{snapshot.captured_at.astimezone(UTC):%Y%m%d%H%M%S}/{canonical}"

    def original(canonical: str) -> str:
        return f'<{canonical}>; rel="original"'

    def timegate_of(canonical: str) -> str:
        return f'<{public}/timegate/{canonical}>; rel="timegate"'

    def timemap_of(canonical: str, relation: str = "timemap") -> str:
        return f'<{public}/timemap/link/{canonical}>; rel="{relation}"; type="application/link-format"'

    def mementos(canonical: str, placed: Sequence[tuple[Snapshot, str]]) -> list[str]:
        return [f'<{uri(one, canonical)}>; rel="{place}memento"; datetime="{_http_date(one)}"' for one, place in placed]

    @routes.get("/timegate/{url:path}")
    async def timegate(url: Annotated[str, Path()], request: Request) -> Response:
        canonical, found = await captures(url, request)
        nearest = _nearest(found, _wished(request) or deps.clock.now())
        see_also = ", ".join(
            [original(canonical), timemap_of(canonical), *mementos(canonical, _placed(found, ends=True))]
        )
        headers = {"Location": uri(nearest, canonical), "Vary": "accept-datetime", "Link": see_also}
        return Response(status_code=302, headers=headers)

    @routes.get("/timemap/link/{url:path}")
    async def timemap(url: Annotated[str, Path()], request: Request) -> Response:
        canonical, found = await captures(url, request)
        lines = [original(canonical), timemap_of(canonical, "self"), timegate_of(canonical)]
        lines += mementos(canonical, _placed(found))
        return Response(",\n".join(lines) + "\n", media_type="application/link-format")

    @routes.get("/memento/{stamp}/{url:path}")
    async def memento(
        stamp: Annotated[str, Path(pattern=r"^\d{14}$")], url: Annotated[str, Path()], request: Request
    ) -> Response:
        canonical, found = await captures(url, request)
        try:
            moment = datetime.strptime(stamp, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        except ValueError:
            raise Problem(400, "Bad time", "Write the time as yyyymmddhhmmss, in UTC.") from None
        nearest = _nearest(found, moment)
        media_type, body = await deps.desk.view(nearest)
        see_also = [original(canonical), timegate_of(canonical), timemap_of(canonical)]
        headers = {
            **SANDBOX,
            "Memento-Datetime": _http_date(nearest),
            "Link": ", ".join([*see_also, *mementos(canonical, _placed(found, ends=True))]),
        }
        return Response(body, media_type=media_type, headers=headers)


def _as_sent(url: str, request: Request) -> str:
    """The URL at the end of the path with its escapes, which the path as it was matched has no more: `%2F` is no `/`.
    Where the whole URL was escaped to fit into the path, as it was matched."""
    sent = request.scope.get("raw_path", b"").decode("latin-1")
    scheme, mark, _ = url.partition("://")
    begin = sent.find(f"/{scheme}{mark}") if mark else -1
    return sent[begin + 1 :] if begin >= 0 else url


def _placed(found: Sequence[Snapshot], *, ends: bool = False) -> list[tuple[Snapshot, str]]:
    """Captures in order, each with what is said of its place; `ends`: the first and the last alone."""
    last = len(found) - 1
    return [
        (one, ("first " if number == 0 else "") + ("last " if number == last else ""))
        for number, one in enumerate(found)
        if not ends or number in (0, last)
    ]


def _http_date(snapshot: Snapshot) -> str:
    return snapshot.captured_at.astimezone(UTC).strftime(HTTP_DATE)


def _nearest(found: list[Snapshot], moment: datetime) -> Snapshot:
    return min(found, key=lambda snapshot: abs((snapshot.captured_at - moment).total_seconds()))


def _wished(request: Request) -> datetime | None:
    value = request.headers.get("accept-datetime")
    if value is None:
        return None
    try:
        return datetime.strptime(value, HTTP_DATE).replace(tzinfo=UTC)
    except ValueError:
        raise Problem(400, "Bad Accept-Datetime", "Write it as an HTTP date: Thu, 31 May 2007 20:35:00 GMT.") from None
