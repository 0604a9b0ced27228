"""The HTTP interface of ingest for people and programs with a token (CONTRACT §4): lists, targets, import."""

import json
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response, StreamingResponse
from pydantic import BaseModel, Field, ValidationError
from starlette.concurrency import iterate_in_threadpool
from starlette.requests import ClientDisconnect

from services.ingest import store
from services.ingest.intake import Intake, Received
from services.ingest.submission import ArticleIn, from_api
from services.ingest.webhooks.body import told
from shared.db import Database
from shared.errors import InputError, Unavailable
from shared.pages import GIVE_TARGET
from shared.web import Problem, bad_cursor, decode_cursor, encode_cursor

MAX_LINE = 25 * 1024 * 1024
"""Bytes of one article in an import."""
IN_MEMORY = 1024 * 1024
"""Bytes of an import's answers before they go to a temporary file."""
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


def router(deps: Deps) -> APIRouter:
    """All endpoints of ingest but the doors for webhooks."""
    routes = APIRouter(tags=["ingest"])
    _articles(routes, deps)
    _import(routes, deps)
    return routes


def _articles(routes: APIRouter, deps: Deps) -> None:
    @routes.get("/v1/articles")
    async def list_articles(cursor: str | None = None, limit: Annotated[int, Query(ge=1, le=500)] = PAGE) -> Document:
        """Articles, the last received first; their links are counted."""
        async with deps.db.read() as tx:
            items = await store.page(tx, before=_position(cursor), limit=limit + 1)
        last = items[limit - 1] if len(items) > limit else None
        return {
            "items": items[:limit],
            "next": encode_cursor(last["received_at"], last["article_id"]) if last else None,
        }

    @routes.get("/v1/articles/{article_id}")
    async def get_article(article_id: str) -> Document:
        """One article with all its links."""
        async with deps.db.read() as tx:
            found = await store.load(tx, article_id)
        if found is None:
            raise Problem(404, "Not found", "There is no such article here; take its id from a list.")
        return store.whole(found)

    @routes.patch("/v1/citations/{citation_id}")
    async def patch_citation(citation_id: str, body: Target) -> Document:
        """Give a missing or replaced target; it survives later versions of the article."""
        return (await _give(deps.intake, citation_id, body.target)).answer()

    @routes.post("/citations/{citation_id}/target", name=GIVE_TARGET, include_in_schema=False)
    async def give_target(citation_id: str, body: Annotated[Target, Form()]) -> Response:
        """The same from the citation's page, which is shown again."""
        await _give(deps.intake, citation_id, body.target)
        return RedirectResponse(f"/citations/{citation_id}?given=1", 303)


async def _give(intake: Intake, citation_id: str, target: str) -> Received:
    received = await intake.set_target(citation_id, target)
    if received is None:
        raise Problem(404, "Not found", "No article has such a citation now; take its id from a report.")
    return received


def _position(cursor: str | None) -> tuple[datetime, str] | None:
    after = decode_cursor(cursor, 2)
    try:
        moment = datetime.fromisoformat(after[0]) if after else None
    except ValueError:
        raise bad_cursor() from None
    if after is None or moment is None:
        return None
    if moment.tzinfo is None:
        raise bad_cursor()
    return moment, after[1]


def _import(routes: APIRouter, deps: Deps) -> None:
    schema = {"application/x-ndjson": {"schema": ArticleIn.model_json_schema()}}

    @routes.post("/v1/import", openapi_extra={"requestBody": {"required": True, "content": schema}})
    async def post_import(request: Request) -> StreamingResponse:
        """NDJSON in, NDJSON out: one answer a line, in order; a bad line spoils none of the others.

        The answers wait until the body has come: most clients read none before they have sent all.
        """
        answers = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  closed when it has been sent
        try:
            await _take_lines(request, deps.intake, answers)
        except BaseException:
            answers.close()
            raise
        answers.seek(0)
        return StreamingResponse(_sent(answers), media_type="application/x-ndjson")


async def _sent(answers: IO[bytes]) -> AsyncIterator[bytes]:
    with answers:
        async for piece in iterate_in_threadpool(iter(lambda: answers.read(65_536), b"")):
            yield piece


async def _take_lines(request: Request, intake: Intake, answers: IO[bytes]) -> None:
    number = 0
    try:
        async for line in lines(request.stream()):
            number += 1
            if line is None or line.strip():
                answer = {"line": number, **await _import_line(line, intake)}
                answers.write(json.dumps(answer).encode() + b"\n")
    except ClientDisconnect:
        return  # what had come is stored; the same lines again change nothing


async def lines(pieces: AsyncIterator[bytes], longest: int = MAX_LINE) -> AsyncIterator[bytes | None]:
    """The lines of a stream; None for one that is longer than `longest`, of which nothing is kept."""
    rest, skipping = bytearray(), False
    async for piece in pieces:
        *ends, tail = piece.split(b"\n")
        for end in ends:
            yield None if skipping or len(rest) + len(end) > longest else bytes(rest) + end
            rest, skipping = bytearray(), False
        rest += tail
        if len(rest) > longest:
            rest, skipping = bytearray(), True
    if rest or skipping:
        yield None if skipping else bytes(rest)


async def _import_line(line: bytes | None, intake: Intake) -> Document:
    if line is None:
        return {"status": 413, "detail": f"The line is longer than {MAX_LINE >> 20} MiB. Send the article alone."}
    try:
        received = await intake.receive(from_api(ArticleIn.model_validate_json(line), "import"))
    except ValidationError as error:
        return {"status": 422, "detail": f"Mend this line: {told(error, 'line')}"}
    except InputError as error:
        return {"status": 422, "detail": str(error)}
    except Unavailable:
        return {"status": 503, "detail": "Not stored; send this line again."}
    return {"status": 200 if received.known else 202, **received.answer()}
