"""The doors through which articles are pushed: each proves the sender from the raw bytes, before it reads them.

body (capped) ─► proof ─► JSON ─► Submission ─► Intake.receive ─► 202, or 200 for what is known
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import SecretStr
from starlette.datastructures import Headers

from services.ingest.core.signature import Unproven
from services.ingest.intake import INLINE, Delivery, Intake, Reused
from services.ingest.settings import IngestSettings
from services.ingest.submission import ArticleIn
from services.ingest.webhooks import ghost, native, wordpress
from services.ingest.webhooks.body import Accepted, Unfit
from shared.clock import Clock
from shared.web import Problem

MAX_BODY = 25 * 1024 * 1024
"""Bytes of a delivery: the largest document (20 MB), written as JSON."""
MOST_WAITING = 8 * MAX_BODY
"""Bytes of all deliveries that are being read at one time; nobody has proven anything yet."""
SLOWEST = 30.0
"""Seconds within which a body must have come."""


@dataclass(frozen=True, slots=True)
class Door:
    """One address, whose proof it takes, and how it reads what comes."""

    path: str
    scheme: str
    setting: str
    secrets: Sequence[SecretStr]
    read: Callable[[bytes, Headers, Sequence[str], float], Accepted]
    schema: dict[str, Any] | None = None


def doors(settings: IngestSettings) -> tuple[Door, ...]:
    """Every door, with the secrets that open it."""
    return (
        Door(
            "/v1/articles", "standard", "WEBHOOK_SECRETS", settings.webhook_secrets, native.read,
            ArticleIn.model_json_schema(),
        ),
        Door("/v1/webhooks/ghost", "ghost", "GHOST_SECRET", settings.ghost_secret, ghost.read),
        Door("/v1/webhooks/wordpress", "wordpress", "WORDPRESS_SECRET", settings.wordpress_secret, wordpress.read),
    )  # fmt: skip


def router(intake: Intake, clock: Clock, settings: IngestSettings) -> APIRouter:
    """The endpoints of every door."""
    routes = APIRouter(tags=["ingest"])
    bodies = Bodies()
    for door in doors(settings):
        _open(routes, door, intake, clock, bodies)
    return routes


def _open(routes: APIRouter, door: Door, intake: Intake, clock: Clock, bodies: "Bodies") -> None:
    content = {"application/json": {"schema": door.schema or {"type": "object"}}}

    @routes.post(
        door.path, status_code=202, name=f"push_{door.scheme}",
        openapi_extra={"requestBody": {"required": True, "content": content}},
        responses={200: {"description": "Known already"}, 401: {"description": "The signature does not hold"}},
    )  # fmt: skip
    async def push(request: Request) -> Response:
        if not door.secrets:
            raise Problem(401, "This door is shut", f"Set CITEWATCH_{door.setting} to the secret that is signed with.")
        raw = await bodies.read(request)
        found = await _prove(door, raw, request.headers, clock)
        if found.submission is None:
            return JSONResponse({"ignored": True})
        delivery = _delivery(door, found.delivery_id, raw)
        try:
            received = await intake.receive(found.submission, delivery)
        except Reused as error:
            raise Problem(409, "Webhook id used twice", str(error)) from None
        return JSONResponse(received.answer(), 200 if received.known else 202)


def _delivery(door: Door, delivery_id: str | None, raw: bytes) -> Delivery | None:
    return Delivery(door.scheme, delivery_id, hashlib.sha256(raw).hexdigest()) if delivery_id else None


async def _prove(door: Door, raw: bytes, headers: Headers, clock: Clock) -> Accepted:
    secrets = [secret.get_secret_value() for secret in door.secrets]
    arguments = (raw, headers, secrets, clock.now().timestamp())
    try:
        if len(raw) <= INLINE:
            return door.read(*arguments)
        return await asyncio.to_thread(door.read, *arguments)
    except Unproven as error:
        title = "Signature does not hold" if error.status == 401 else "Ambiguous delivery"
        raise Problem(error.status, title, str(error)) from None
    except Unfit as error:
        raise Problem(error.status, "Delivery cannot be read", str(error)) from None


class Bodies:
    """Reads the raw bytes of requests, capped one by one and all together while they come."""

    def __init__(self, most: int = MAX_BODY, most_waiting: int = MOST_WAITING, slowest: float = SLOWEST) -> None:
        self._most, self._most_waiting, self._slowest = most, most_waiting, slowest
        self._waiting = 0

    async def read(self, request: Request) -> bytes:
        """The body as sent. Raises `Problem` 413, 415, 408, 503."""
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            raise Problem(415, "Compressed body", "Send the body without Content-Encoding.")
        announced = request.headers.get("content-length", "")
        if announced.isdecimal() and int(announced[:20]) > self._most:
            raise self._too_large()
        try:
            async with asyncio.timeout(self._slowest):
                return await self._collect(request)
        except TimeoutError:
            raise Problem(408, "Body too slow", f"Send the whole body within {self._slowest:g} s.") from None

    async def _collect(self, request: Request) -> bytes:
        found = bytearray()
        try:
            async for piece in request.stream():
                found += piece
                self._waiting += len(piece)
                if len(found) > self._most:
                    raise self._too_large()
                if self._waiting > self._most_waiting:
                    raise Problem(503, "Too much at once", "Send it again.", headers={"Retry-After": "5"})
            return bytes(found)
        finally:
            self._waiting -= len(found)

    def _too_large(self) -> Problem:
        return Problem(413, "Body too large", f"A delivery may have {self._most >> 20} MiB; send the article alone.")
