"""Notify on a real database, with a clock that tests move, and real channels on loopback."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from services.notify import app
from services.notify.app import Notify
from services.notify.settings import NotifySettings
from shared import migrate
from shared.db import Database
from shared.eventlog import publish
from shared.eventlog.database import DatabaseLog
from shared.events import CitationChanged
from shared.outbound.client import Outbound
from shared.outbound.egress import AddressPolicy
from shared.outbound.resolver import Resolver
from shared.settings import load
from shared.web import create_app
from tests.support.changes import START

LOOPBACK = (ip_network("127.0.0.0/8"),)


@dataclass
class MovedClock:
    """Shows what the test says."""

    moment: datetime = START

    def now(self) -> datetime:
        return self.moment

    def forward(self, **by: float) -> None:
        self.moment += timedelta(**by)


@dataclass
class Bench:
    """Notify, step by step: `await bench.tell(change)` → `await bench.work()` → look at the sinks."""

    notify: Notify
    db: Database
    clock: MovedClock
    log: DatabaseLog
    seen: list[Any] = field(default_factory=list)

    async def tell(self, *changes: CitationChanged) -> None:
        """Publish as linkcheck does, and let notify take it in."""
        async with self.db.write() as tx:
            await publish(tx, "/citewatch/linkcheck", list(changes), self.clock.now())
        await self.hear()

    async def hear(self) -> None:
        """Let notify take in what was published."""
        await self.log.drain(self.notify.subscription())

    async def work(self) -> None:
        """Write what is due, then send all that is due, one after another."""
        await self.notify.desk.look(self.clock.now())
        while claimed := await self.notify.deliverer.claim(16):
            await asyncio.gather(*(self.notify.deliverer.deliver(one) for one in claimed))

    async def rows(self, table: Any) -> list[Any]:
        async with self.db.read() as tx:
            return list((await tx.execute(table.select())).all())


def surface(notify: Notify) -> FastAPI:
    """Its HTTP interface and pages alone."""
    return create_app(
        "Citewatch notify", tokens=notify.settings.api_tokens, routers=notify.routers(), ready=notify.ready(),
        refresh=[notify.observe],
    )  # fmt: skip


def door() -> Outbound:
    return Outbound(AddressPolicy(LOOPBACK), Resolver(()), user_agent="Citewatch-test")


@asynccontextmanager
async def notifying(
    folder: Path, *, url: str | None = None, clock: MovedClock | None = None, **settings: Any
) -> AsyncIterator[Bench]:
    """Everything wired and migrated; `settings` as in the environment."""
    clock = clock or MovedClock()
    given = {"alert_group_wait": "0s", "public_url": "https://watch.example"} | settings
    loaded = load(NotifySettings, data_dir=folder, _env_file=None, **given)
    db = Database(url or f"sqlite:///{folder / 'notify.db'}")
    try:
        await migrate.upgrade(db, "eventlog", "notify")
        notify = await app.build(loaded, db, clock, door())
        await notify.deliverer.start()
        yield Bench(notify, db, clock, DatabaseLog(db, clock))
    finally:
        await db.close()
