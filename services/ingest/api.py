"""The HTTP interface of ingest (CONTRACT §4)."""

import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, Field, ValidationError

from services.ingest import store
from services.ingest.core.signature import Unproven
from services.ingest.intake import Delivery, Intake, Received, Reused
from services.ingest.settings import IngestSettings
from services.ingest.submission import ArticleIn, Submission, from_api
from services.ingest.webhooks import ghost, native, wordpress
from services.ingest.webhooks.body import Unfit
from shared.clock import Clock
from shared.db import Database
from shared.errors import InputError, Unavailable
from shared.web import Problem, decode_cursor, encode_cursor

MAX_BODY = 25 * 1024 * 1024
MAX_LINE = 25 * 1024 * 1024
PAGE = 100
Document = dict[str, Any]


class Target(BaseModel):
    """The target that a citation lacks, or a better one."""

    target: Annotated[str, Field(min_length=1, max_length=16_384)]


@dataclass(frozen=True, slots=True)
class Deps:
    """What the interface works on."""

    db: Database
    intake: Intake
    clock: Clock
    settings: IngestSettings


def router(deps: Deps) -> APIRouter:
    """All endpoints of ingest."""
    routes = APIRouter()
    _webhooks(routes, deps)
    _articles(routes, deps)
    return routes


async def _body(request: Request) -> bytes:
    """The raw bytes, capped while they come."""
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Problem(415, "Compressed body", "Send the body without Content-Encoding.")
    found = bytearray()
    async for piece in request.stream():
        found += piece
        if len(found) > MAX_BODY:
            raise Problem(413, "Body too large", "A delivery may have 25 MiB; send large sets through /v1/import.")
    return bytes(found)


async def _take(deps: Deps, submission: Submission, delivery: Delivery | None) -> Response:
    try:
        received = await deps.intake.receive(submission, delivery)
    except Reused as error:
        raise Problem(409, "Webhook id used twice", str(error)) from None
    return _answer(received)


def _answer(received: Received) -> JSONResponse:
    return JSONResponse(received.answer(), 200 if received.known else 202)


def _webhooks(routes: APIRouter, deps: Deps) -> None:
    settings = deps.settings

    async def prove(request: Request, door: Any, *secrets: Any) -> tuple[bytes, Submission | None, str | None]:
        raw = await _body(request)
        try:
            found = door(raw, request.headers, *secrets, deps.clock.now().timestamp())
        except Unproven as error:
            title = "Signature does not hold" if error.status == 401 else "Ambiguous delivery"
            raise Problem(error.status, title, str(error)) from None
        except Unfit as error:
            raise Problem(error.status, "Delivery cannot be read", str(error)) from None
        return raw, *found

    @routes.post("/v1/articles", status_code=202)
    async def post_article(request: Request) -> Response:
        secrets = [secret.get_secret_value() for secret in settings.webhook_secrets]
        raw, submission, webhook_id = await prove(request, native.read, secrets)
        assert submission is not None
        assert webhook_id is not None
        return await _take(deps, submission, Delivery("standard", webhook_id, hashlib.sha256(raw).hexdigest()))

    @routes.post("/v1/webhooks/ghost", status_code=202)
    async def post_ghost(request: Request) -> Response:
        if settings.ghost_secret is None:
            raise Problem(404, "Ghost is not set up", "Set CITEWATCH_GHOST_SECRET to the secret of Ghost's webhook.")
        _, submission, _ = await prove(request, ghost.read, settings.ghost_secret.get_secret_value())
        return await _take(deps, submission, None) if submission else JSONResponse({"ignored": True}, 200)

    @routes.post("/v1/webhooks/wordpress", status_code=202)
    async def post_wordpress(request: Request) -> Response:
        if settings.wordpress_secret is None:
            raise Problem(404, "WordPress is not set up", "Set CITEWATCH_WORDPRESS_SECRET to the webhook's secret.")
        raw, submission, key = await prove(request, wordpress.read, settings.wordpress_secret.get_secret_value())
        if submission is None:
            return JSONResponse({"ignored": True}, 200)
        delivery = Delivery("wordpress", key, hashlib.sha256(raw).hexdigest()) if key else None
        return await _take(deps, submission, delivery)


def _articles(routes: APIRouter, deps: Deps) -> None:
    @routes.get("/v1/articles")
    async def list_articles(cursor: str | None = None, limit: Annotated[int, Query(ge=1, le=500)] = PAGE) -> Document:
        after = decode_cursor(cursor, 2)
        before = (datetime.fromisoformat(after[0]), after[1]) if after else None
        async with deps.db.read() as tx:
            items = await store.page(tx, before=before, limit=limit + 1)
        last = items[limit - 1] if len(items) > limit else None
        return {
            "items": items[:limit],
            "next": encode_cursor(last["received_at"], last["article_id"]) if last else None,
        }

    @routes.get("/v1/articles/{article_id}")
    async def get_article(article_id: str) -> Document:
        async with deps.db.read() as tx:
            found = await store.load(tx, article_id)
        if found is None:
            raise Problem(404, "Not found", "There is no such article here; take its id from a list.")
        return store.public(found)

    @routes.patch("/v1/citations/{citation_id}")
    async def patch_citation(citation_id: str, body: Target) -> Document:
        received = await deps.intake.set_target(citation_id, body.target)
        if received is None:
            raise Problem(404, "Not found", "There is no such citation here; take its id from a report.")
        return received.answer()

    @routes.post("/v1/import")
    async def post_import(request: Request) -> StreamingResponse:
        """NDJSON in, NDJSON out: one answer a line, in order; a bad line spoils none of the others."""
        return StreamingResponse(_imported(request, deps.intake), media_type="application/x-ndjson")


async def _lines(request: Request) -> AsyncIterator[bytes]:
    rest = bytearray()
    async for piece in request.stream():
        rest += piece
        *whole, tail = bytes(rest).split(b"\n")
        for line in whole:
            yield line
        rest = bytearray(tail)
        if len(rest) > MAX_LINE:
            break
    yield bytes(rest)


async def _imported(request: Request, intake: Intake) -> AsyncIterator[bytes]:
    number = 0
    async for line in _lines(request):
        number += 1
        if line.strip():
            yield json.dumps({"line": number, **await _import_line(line, intake)}).encode() + b"\n"


async def _import_line(line: bytes, intake: Intake) -> Document:
    try:
        article = ArticleIn.model_validate_json(line[:MAX_LINE])
        received = await intake.receive(from_api(article, "import"))
    except ValidationError as error:
        faults = "; ".join(f"{'/'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_url=False))
        return {"status": 422, "detail": f"Mend this line: {faults}"}
    except InputError as error:
        return {"status": 422, "detail": str(error)}
    except Unavailable as error:
        return {"status": 503, "detail": f"Not stored; send this line again. {error}"}
    return {"status": 200 if received.known else 202, **received.answer()}
