"""A real ingest over a real socket: database in a folder, uvicorn on a port of the system's choice, a clock to set."""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from sqlalchemy import text

from services.ingest.app import Ingest, build
from services.ingest.settings import IngestSettings
from shared import migrate
from shared.db import Database
from shared.events import ArticleReceived, decode
from shared.outbound.client import Outbound
from shared.outbound.egress import AddressPolicy
from shared.outbound.resolver import Resolver
from shared.web import create_app

SECRET = "whsec_" + base64.b64encode(b"k" * 24).decode()
TOKEN = "a-token-of-the-tests"
REPOSITORY = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def cases_dir() -> Path | None:
    """The folder of case files beside the repository; None where it is not at hand."""
    base = Path(os.environ.get("CITEWATCH_EVIDENCE_DIR") or REPOSITORY / ".." / "shared")
    return base / "cases" if (base / "cases").is_dir() else None


class SetClock:
    """A clock that stands until it is moved."""

    def __init__(self, at: datetime = NOW) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def move(self, **by: float) -> None:
        self.at += timedelta(**by)


def signed(body: bytes, webhook_id: str, at: datetime, secret: str = SECRET) -> dict[str, str]:
    """Headers of Standard Webhooks, made without the code under test."""
    stamp = str(int(at.timestamp()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.new(key, f"{webhook_id}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": stamp,
        "webhook-signature": "v1," + base64.b64encode(mac).decode(),
        "content-type": "application/json",
    }


@dataclass
class Running:
    """An ingest that answers on `url`."""

    ingest: Ingest
    db: Database
    clock: SetClock
    client: httpx.AsyncClient
    url: str
    database_url: str
    _sent: int = field(default=0)

    async def push(self, article: Mapping[str, Any] | bytes, webhook_id: str | None = None) -> httpx.Response:
        """`POST /v1/articles`, signed."""
        self._sent += 1
        body = article if isinstance(article, bytes) else json.dumps(article).encode()
        headers = signed(body, webhook_id or f"msg_{self._sent}", self.clock.now())
        return await self.client.post("/v1/articles", content=body, headers=headers)

    async def events(self) -> list[ArticleReceived]:
        """What the log holds, in order."""
        async with self.db.read() as tx:
            rows = await tx.execute(text("SELECT payload FROM eventlog_outbox ORDER BY position"))
            payloads = [decode(row.payload.encode()).payload() for row in rows]
        return [one for one in payloads if isinstance(one, ArticleReceived)]

    async def forget(self) -> None:
        """Empty the tables."""
        async with self.db.write() as tx:
            for table in ("ingest_citations", "ingest_articles", "ingest_deliveries", "eventlog_outbox"):
                await tx.execute(text(f"DELETE FROM {table}"))

    async def count(self, table: str) -> int:
        """Rows of a table."""
        async with self.db.read() as tx:
            return int(await tx.scalar(text(f"SELECT count(*) FROM {table}")) or 0)


@asynccontextmanager
async def running(
    folder: Path, *, clock: SetClock | None = None, database_url: str | None = None, **settings: Any
) -> AsyncIterator[Running]:
    """Ingest over a socket."""
    clock = clock or SetClock()
    folder.mkdir(exist_ok=True)
    url = database_url or f"sqlite:///{folder / 'ingest.db'}"
    given = {"webhook_secrets": SECRET, "api_tokens": TOKEN, "database_url": url} | settings
    db = Database(url)
    try:
        await migrate.upgrade(db, "eventlog", "ingest")
        config = IngestSettings(_env_file=None, data_dir=folder, **given)
        outbound = Outbound(
            AddressPolicy((ip_network("127.0.0.0/8"),)), Resolver(()), user_agent="citewatch-tests", clock=clock
        )
        ingest = build(config, db, clock, outbound)
        app = create_app("ingest", tokens=config.api_tokens, routers=ingest.routers(), ready=ingest.ready())
        async with served(app) as address, httpx.AsyncClient(base_url=address, timeout=30) as client:
            client.headers["authorization"] = f"Bearer {TOKEN}"
            yield Running(ingest, db, clock, client, address, url)
        ingest.intake.close()
    finally:
        await db.close()


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """An ASGI application on loopback; its address."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off", ws="none"))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listener.close()


def free_port() -> int:
    """A port that was free a moment ago, for a process that must be told one."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
