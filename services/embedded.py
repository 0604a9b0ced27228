"""All three services in one process: SQLite (or PostgreSQL), a folder (or S3) as archive, the log in the database.

The only importer of more than one service.
"""

import asyncio
import os
import secrets
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import SecretStr

from services.ingest import app as ingest_app
from services.ingest.app import Ingest
from services.ingest.settings import IngestSettings
from services.linkcheck import app as linkcheck_app
from services.linkcheck.app import Linkcheck
from services.linkcheck.settings import LinkcheckSettings
from shared import logs, migrate
from shared.clock import Clock, SystemClock
from shared.db import Database
from shared.errors import SettingError
from shared.eventlog.database import DatabaseLog
from shared.outbound.client import Outbound
from shared.outbound.egress import AddressPolicy
from shared.outbound.resolver import Resolver
from shared.settings import Settings, load

if TYPE_CHECKING:
    from fastapi import FastAPI

T = TypeVar("T")
STOP_WITHIN = 15
"""Seconds for the work in flight, once the end was asked for."""


@dataclass(frozen=True, slots=True)
class System:
    """The parts of the one-process form."""

    db: Database
    clock: Clock
    log: DatabaseLog
    ingest: Ingest
    linkcheck: Linkcheck


def outbound(settings: Settings, clock: Clock) -> Outbound:
    """The one door to the outside, as the settings want it."""
    if settings.ca_file is not None and not settings.ca_file.is_file():
        raise SettingError(f"CITEWATCH_CA_FILE: there is no file {settings.ca_file}.", "Give the path of a PEM file.")
    return Outbound(
        AddressPolicy(settings.allow_networks),
        Resolver(settings.dns_overrides),
        user_agent=settings.user_agent,
        ca_file=settings.ca_file,
        clock=clock,
    )


def in_loop(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end, on uvloop where it is installed."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(work)
    done: T = uvloop.run(work)
    return done


@asynccontextmanager
async def opened(data_dir: Path | None = None, **overrides: Any) -> AsyncIterator[System]:
    """The system, migrated and wired; nothing runs yet."""
    ingest_settings = load(IngestSettings, data_dir=data_dir, **overrides)
    linkcheck_settings = load(LinkcheckSettings, data_dir=data_dir, **overrides)
    ingest_settings.data_dir.mkdir(parents=True, exist_ok=True)
    clock, db = SystemClock(), Database(ingest_settings.database)
    try:
        await migrate.upgrade(db, "eventlog", "ingest", "linkcheck")
        door = outbound(ingest_settings, clock)
        yield System(
            db=db,
            clock=clock,
            log=DatabaseLog(db, clock),
            ingest=ingest_app.build(ingest_settings, db, clock, door),
            linkcheck=linkcheck_app.build(linkcheck_settings, db, clock, door),
        )
    finally:
        await db.close()


def kept_secret(data_dir: Path, name: str, make: Callable[[], str]) -> str:
    """A secret that is made once and kept in the data dir, readable by its owner alone."""
    path = data_dir / name
    if path.exists():
        return path.read_text().strip()
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(secret := make())
    return secret


def api_tokens(settings: Settings) -> tuple[SecretStr, ...]:
    """The tokens of the settings, or one of our own making."""
    if settings.api_tokens:
        return settings.api_tokens
    return (SecretStr(kept_secret(settings.data_dir, "api-token", lambda: secrets.token_urlsafe(24))),)


def webhook_secret(settings: IngestSettings) -> str:
    """The first secret that signs submissions: of the settings, or one of our own making."""
    if settings.webhook_secrets:
        return settings.webhook_secrets[0].get_secret_value()
    return kept_secret(settings.data_dir, "webhook-secret", lambda: f"whsec_{secrets.token_hex(16)}")


async def _run_all(system: System, stop: asyncio.Event) -> None:
    """Everything that works by itself, until `stop`; one that falls brings the process down."""
    work = [
        system.log.run(system.linkcheck.subscription(), stop),
        system.log.maintain(stop),
        system.ingest.worker.run(stop),
        system.linkcheck.worker().run(stop),
    ]
    async with asyncio.TaskGroup() as group:
        for one in work:
            group.create_task(one)


def web_app(system: System) -> "FastAPI":
    """API and pages of all three services on one port."""
    from shared.web import create_app

    return create_app(
        "Citewatch",
        tokens=api_tokens(system.ingest.settings),
        routers=[*system.ingest.routers(), *system.linkcheck.routers()],
        ready={**system.ingest.ready(), **system.linkcheck.ready()},
        refresh=[system.linkcheck.observe],
    )


async def serve(host: str, port: int, data_dir: Path | None) -> None:
    """Run until SIGINT or SIGTERM, then finish the work in flight."""
    import uvicorn

    stop = asyncio.Event()
    public = None if os.environ.get("CITEWATCH_PUBLIC_URL") else f"http://{host}:{port}"
    async with opened(data_dir, public_url=public) as system:
        logs.configure(system.ingest.settings.log_level)
        app = web_app(system)
        config = uvicorn.Config(
            app, host=host, port=port, log_config=None, access_log=False, timeout_graceful_shutdown=STOP_WITHIN,
            server_header=False,
        )  # fmt: skip
        server = uvicorn.Server(config)
        work = asyncio.create_task(_run_all(system, stop))
        work.add_done_callback(lambda _: setattr(server, "should_exit", True))
        _greet(system, host, port)
        try:
            await server.serve()
        finally:
            stop.set()
            await asyncio.wait([work], timeout=STOP_WITHIN)
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)


def _greet(system: System, host: str, port: int) -> None:
    settings = system.ingest.settings
    token = api_tokens(settings)[0].get_secret_value()
    shown = token if not settings.api_tokens else "one of CITEWATCH_API_TOKENS"
    lines = (
        f"Citewatch is starting on http://{host}:{port} (data in {settings.data_dir.absolute()}).",
        f"Pages: http://{host}:{port}/login?token={shown}",
        "Send an article: citewatch submit article.html --url https://example.org/article",
    )
    print("\n".join(lines), file=sys.stderr, flush=True)
