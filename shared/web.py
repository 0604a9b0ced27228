"""What every HTTP surface shares: problem details (RFC 9457), tokens, health, metrics, paging.

create_app ── Gate (bearer token or cookie; a table of open doors)
           ├─ /healthz /readyz /metrics /login
           └─ the routers of one service, or of all three
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi_offline import FastAPIOffline
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.errors import CitewatchError, InputError, RetryLater, Unavailable, faults
from shared.logs import get

COOKIE = "citewatch_session"
OPEN_DOORS = (
    ("GET", re.compile(r"/(healthz|readyz|metrics|login|favicon\.ico)")),
    ("POST", re.compile(r"/v1/(articles|webhooks/[a-z]+)")),  # these prove themselves by signature
    ("GET", re.compile(r"/alerts/[^/]+/(ack|unsubscribe)")),  # these carry a signed token of their own
    ("POST", re.compile(r"/alerts/[^/]+/(ack|unsubscribe)")),
)
RETRY_AFTER = {"Retry-After": "5"}
Probe = Callable[[], Awaitable[None]]
"""Raises when the dependency that it asks is not there."""

log = get(__name__)


class Problem(Exception):
    """An error answer that says what to mend."""

    def __init__(self, status: int, title: str, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {title}: {detail}")
        self.status, self.title, self.detail = status, title, detail
        self.headers = dict(headers or {})


def problem(
    status: int, title: str, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any
) -> JSONResponse:
    """A problem document (RFC 9457 §3)."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    return JSONResponse(body, status, headers=dict(headers or {}), media_type="application/problem+json")


def encode_cursor(*parts: str) -> str:
    """An opaque cursor for the next page."""
    return base64.urlsafe_b64encode("\x1f".join(parts).encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None, parts: int) -> tuple[str, ...] | None:
    """The parts of a cursor; None for the first page. Raises `Problem` 400 for one that we never gave."""
    if not cursor:
        return None
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        found = tuple(text.decode().split("\x1f"))
    except (binascii.Error, ValueError):
        found = ()
    if len(found) != parts:
        raise bad_cursor()
    return found


def bad_cursor() -> Problem:
    """For a cursor that we never gave."""
    return Problem(400, "Bad cursor", "Use the cursor that `next` of the previous page gave, or none.")


def _digest(token: str) -> bytes:
    return hashlib.sha256(b"citewatch-session\x00" + token.encode()).digest()


class Keys:
    """Knows tokens only by their digests; compares in constant time."""

    def __init__(self, tokens: Sequence[SecretStr]) -> None:
        self._digests = tuple(_digest(token.get_secret_value()) for token in tokens)

    def fits(self, token: str) -> bool:
        return self._known(_digest(token))

    def fits_cookie(self, value: str) -> bool:
        try:
            return self._known(bytes.fromhex(value))
        except ValueError:
            return False

    def cookie(self, token: str) -> str:
        """What the browser keeps instead of the token."""
        return _digest(token).hex()

    def _known(self, digest: bytes) -> bool:
        return any(hmac.compare_digest(digest, known) for known in self._digests)


class Gate:
    """ASGI middleware: every path but the open doors needs a bearer token, or the cookie of `/login`.

    A cookie alone opens no writing request that another site sent (`Sec-Fetch-Site`, else `Origin`).
    """

    def __init__(self, app: ASGIApp, keys: Keys) -> None:
        self.app, self.keys = app, keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._open(scope) or self._proven(scope):
            await self._ask(_as_get(scope), receive, send)
            return
        wants_page = "text/html" in Headers(scope=scope).get("accept", "")
        hint = "Open the /login?token=… address that the start printed." if wants_page else "Send it as a header."
        answer = problem(
            401, "Token needed", f"This address needs `Authorization: Bearer TOKEN`. {hint}",
            headers={"WWW-Authenticate": "Bearer"},
        )  # fmt: skip
        await answer(scope, receive, send)

    async def _ask(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A fault of ours is answered here: what reaches the server costs the client its connection."""
        begun = False

        async def note(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, note)
        except Exception as error:
            if begun:  # the client must not take what it got for the whole
                raise
            log.error("request failed", exc_info=error)
            answer = problem(500, "Internal error", "This is a fault of ours; the log has the details.")
            await answer(scope, receive, send)

    @staticmethod
    def _open(scope: Scope) -> bool:
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        return any(method == verb and pattern.fullmatch(scope["path"]) for verb, pattern in OPEN_DOORS)

    def _proven(self, scope: Scope) -> bool:
        request = Request(scope)
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self.keys.fits(token.strip()):
            return True
        cookie = request.cookies.get(COOKIE, "")
        return bool(cookie) and self.keys.fits_cookie(cookie) and not _foreign_write(request)


def _as_get(scope: Scope) -> Scope:
    """HEAD is GET without the body (RFC 9110 §9.3.2), which the server leaves away."""
    return {**scope, "method": "GET"} if scope.get("method") == "HEAD" else scope


def _foreign_write(request: Request) -> bool:
    if request.method in ("GET", "HEAD"):
        return False
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site != "same-origin"
    origin = request.headers.get("origin", "")
    return origin.partition("://")[2] != request.headers.get("host", "")


def _basics(keys: Keys, ready: Mapping[str, Probe], refresh: Sequence[Probe]) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/readyz")
    async def readyz() -> JSONResponse:
        checks: dict[str, str] = {}
        for name, probe in ready.items():
            try:
                await probe()
                checks[name] = "ok"
            except Exception as error:
                checks[name] = str(error) if isinstance(error, CitewatchError) else type(error).__name__
        good = all(state == "ok" for state in checks.values())
        return JSONResponse({"ready": good, "checks": checks}, 200 if good else 503)

    @router.get("/metrics")
    async def metrics() -> Response:
        for update in refresh:
            try:
                await update()
            except CitewatchError as error:
                log.warning("metrics are stale", error=str(error))
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    @router.get("/login")
    async def login(token: str = "", to: str = "/") -> Response:
        if not keys.fits(token):
            raise Problem(401, "Wrong token", "The token of this address is not one of CITEWATCH_API_TOKENS.")
        target = to if re.fullmatch(r"/(?![/\\])[^\r\n\\]*", to) else "/"
        answer = RedirectResponse(target, 303)
        answer.set_cookie(COOKIE, keys.cookie(token), max_age=30 * 86400, httponly=True, samesite="lax")
        return answer

    return router


def _handlers(app: FastAPI) -> None:
    @app.exception_handler(Problem)
    async def on_problem(_: Request, error: Problem) -> JSONResponse:
        return problem(error.status, error.title, error.detail, headers=error.headers)

    @app.exception_handler(HTTPException)
    async def on_http(_: Request, error: HTTPException) -> JSONResponse:
        title = HTTPStatus(error.status_code).phrase
        return problem(error.status_code, title, str(error.detail), headers=error.headers)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        found = faults(error.errors(), "request")
        sent = request.headers.get("content-type", "application/json")
        if "json" not in sent and any(where == "body" for where, _ in found):
            return problem(415, "Unsupported media type", "Send the body as application/json.")
        detail = "; ".join(f"{where}: {what}" for where, what in found)
        errors = [{"where": where, "detail": what} for where, what in found]
        return problem(422, "Invalid request", f"Mend these fields: {detail}.", errors=errors)

    @app.exception_handler(InputError)
    async def on_input(_: Request, error: InputError) -> JSONResponse:
        return problem(422, "Invalid input", str(error))

    @app.exception_handler(RetryLater)
    @app.exception_handler(Unavailable)
    async def on_unavailable(_: Request, error: CitewatchError) -> JSONResponse:
        log.warning("answered 503", error=str(error))
        return problem(503, "Not available now", "Nothing was stored. Send it again.", headers=RETRY_AFTER)


def create_app(
    title: str,
    *,
    tokens: Sequence[SecretStr],
    routers: Sequence[APIRouter],
    ready: Mapping[str, Probe],
    refresh: Sequence[Probe] = (),
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None,
) -> FastAPI:
    """One HTTP surface: `ready` names what `/readyz` asks, `refresh` brings gauges up to date before a scrape."""
    app = FastAPIOffline(title=title, version="1", lifespan=lifespan, redoc_url=None)  # its `/docs` asks nobody else
    keys = Keys(tokens)
    _handlers(app)
    for router in (_basics(keys, ready, refresh), *routers):
        app.include_router(router)
    app.add_middleware(Gate, keys=keys)
    return app
