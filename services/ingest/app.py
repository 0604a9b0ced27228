"""Wires ingest: the one place where its parts meet."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.ingest.intake import Intake
from services.ingest.settings import IngestSettings
from services.ingest.worker import Worker
from shared import logs, migrate
from shared.clock import Clock, SystemClock
from shared.db import Database
from shared.eventlog import open_log
from shared.outbound.client import Outbound
from shared.process import log_ready, open_outbound, serve
from shared.settings import load

if TYPE_CHECKING:
    from fastapi import APIRouter

    from shared.web import Probe


@dataclass(frozen=True, slots=True)
class Ingest:
    """The parts of a running ingest."""

    settings: IngestSettings
    db: Database
    clock: Clock
    outbound: Outbound
    intake: Intake
    worker: Worker

    def routers(self) -> "list[APIRouter]":
        """Its HTTP interface; imported here, so that a command that serves nothing starts at once."""
        from services.ingest import api
        from services.ingest.webhooks import doors

        return [doors.router(self.intake, self.clock, self.settings), api.router(api.Deps(self.db, self.intake))]

    def ready(self) -> "Mapping[str, Probe]":
        """What it depends on."""
        return {"database": self.db.ping}


def build(settings: IngestSettings, db: Database, clock: Clock, outbound: Outbound) -> Ingest:
    """Put ingest together."""
    intake = Intake(db, clock)
    deadline = settings.fetch_deadline.total_seconds()
    worker = Worker(db, intake, outbound, clock, deadline=deadline, max_body=settings.max_body_bytes)
    return Ingest(settings, db, clock, outbound, intake, worker)


async def run(host: str, port: int) -> None:
    """`citewatch serve ingest`: this service alone, until SIGINT or SIGTERM."""
    from shared.web import create_app

    settings, clock = load(IngestSettings), SystemClock()
    logs.configure(settings.log_level)
    if not settings.webhook_secrets:
        logs.get(__name__).warning("POST /v1/articles is shut: set CITEWATCH_WEBHOOK_SECRETS")
    db = Database(settings.database)
    try:
        await migrate.upgrade(db, "eventlog", "ingest")
        ingest = build(settings, db, clock, open_outbound(settings, clock))
        log = open_log(settings, db, clock=clock)
        app = create_app(
            "Citewatch ingest",
            tokens=settings.api_tokens,
            routers=ingest.routers(),
            ready={**ingest.ready(), "log": lambda: log_ready(log)},
        )
        try:
            await serve(app, host, port, [log.maintain, ingest.worker.run])
        finally:
            ingest.intake.close()
    finally:
        await db.close()
