"""All three services in one process: SQLite (or PostgreSQL), a folder (or S3) as archive, the log in the database.

The only importer of more than one service.
"""

import os
import secrets
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from shared.process import Work, log_ready, open_outbound, serve
from shared.settings import Settings, load

if TYPE_CHECKING:
    from fastapi import FastAPI

    from services.notify.app import Notify
    from shared.web import Probe


@dataclass(frozen=True, slots=True)
class System:
    """The parts of the one-process form."""

    db: Database
    clock: Clock
    log: DatabaseLog
    ingest: Ingest
    linkcheck: Linkcheck
    notify: "Notify | None"


PARTS = ("eventlog", "ingest", "linkcheck", "notify")


async def upgrade(data_dir: Path | None = None) -> None:
    """Migrate every schema."""
    settings = load(Settings, data_dir=data_dir)
    if settings.database_url is None:
        make_folder(settings)
    db = Database(settings.database)
    try:
        await migrate.upgrade(db, *PARTS)
    finally:
        await db.close()


@asynccontextmanager
async def opened(data_dir: Path | None = None, *, alerts: bool = False, **overrides: Any) -> AsyncIterator[System]:
    """The system, migrated and wired; nothing runs yet. `alerts`: with notify."""
    ingest_settings = load(IngestSettings, data_dir=data_dir, **overrides)
    linkcheck_settings = load(LinkcheckSettings, data_dir=data_dir, **overrides)
    make_folder(ingest_settings)
    if not ingest_settings.webhook_secrets:
        own = SecretStr(webhook_secret(ingest_settings))
        ingest_settings = ingest_settings.model_copy(update={"webhook_secrets": (own,)})
    clock, db = SystemClock(), Database(ingest_settings.database)
    try:
        await migrate.upgrade(db, *PARTS)
        door = open_outbound(ingest_settings, clock)
        system = System(
            db=db,
            clock=clock,
            log=DatabaseLog(db, clock),
            ingest=ingest_app.build(ingest_settings, db, clock, door),
            linkcheck=linkcheck_app.build(linkcheck_settings, db, clock, door),
            notify=await _notify(db, clock, door, data_dir, **overrides) if alerts else None,
        )
        try:
            yield system
        finally:
            system.ingest.intake.close()
    finally:
        await db.close()


async def _notify(db: Database, clock: Clock, door: Outbound, data_dir: Path | None, **overrides: Any) -> "Notify":
    from services.notify.app import build
    from services.notify.settings import NotifySettings

    return await build(load(NotifySettings, data_dir=data_dir, **overrides), db, clock, door)


def make_folder(settings: Settings) -> None:
    """The data dir, if it is not there. Raises `SettingError` where it cannot be."""
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingError(
            f"CITEWATCH_DATA_DIR: {settings.data_dir} cannot be made ({error.strerror}).",
            "Name a folder that can, or one that is there.",
        ) from None


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


def web_app(system: System) -> "FastAPI":
    """API and pages of all three services on one port."""
    from shared.web import create_app

    services = [service for service in (system.ingest, system.linkcheck, system.notify) if service is not None]
    ready: dict[str, Probe] = {"log": lambda: log_ready(system.log)}
    for service in services:
        ready |= service.ready()
    return create_app(
        "Citewatch",
        tokens=api_tokens(system.ingest.settings),
        routers=[router for service in services for router in service.routers()],
        ready=ready,
        refresh=[system.linkcheck.observe, *([system.notify.observe] if system.notify else [])],
    )


async def run(host: str, port: int, data_dir: Path | None) -> None:
    """Run until SIGINT or SIGTERM, then finish the work in flight."""
    public = None if os.environ.get("CITEWATCH_PUBLIC_URL") else f"http://{host}:{port}"
    async with opened(data_dir, alerts=True, public_url=public) as system:
        logs.configure(system.ingest.settings.log_level)
        _greet(system, host, port)
        await serve(web_app(system), host, port, _work(system))


def _work(system: System) -> Sequence[Work]:
    """Everything that goes on by itself."""
    work: list[Work] = [
        lambda stop: system.log.run(system.linkcheck.subscription(), stop),
        system.log.maintain,
        system.ingest.worker.run,
        *system.linkcheck.work(),
    ]
    if (notify := system.notify) is not None:
        work += [lambda stop: system.log.run(notify.subscription(), stop), notify.worker().run]
    return work


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
