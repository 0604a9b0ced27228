"""`citewatch serve ingest` and the command line's own door, as processes."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from tests.support.ingest import SECRET, TOKEN, free_port, signed


@asynccontextmanager
async def _service(folder: Path, **more: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    port = free_port()
    given = {"CITEWATCH_DATA_DIR": str(folder), "CITEWATCH_WEBHOOK_SECRETS": SECRET, "CITEWATCH_API_TOKENS": TOKEN}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services", "serve", "ingest", "--port", str(port),
        env={"PATH": os.environ["PATH"], **given, **more}, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def _ready(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                if (await client.get("/readyz")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)


async def test_served_alone_takes_an_article_and_ends_within_its_time(tmp_path: Path) -> None:
    body = json.dumps({"url": "https://a.example/", "content": "<p>One sentence.</p>"}).encode()
    async with _service(tmp_path) as (process, url), httpx.AsyncClient(base_url=url) as client:
        await _ready(client)
        answer = await client.post("/v1/articles", content=body, headers=signed(body, "m1", datetime.now(UTC)))
        assert (answer.status_code, answer.json()["version"]) == (202, 1)
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(20):
            assert await process.wait() == 0


@pytest.mark.parametrize("secret", ["whsec_", "whsec_not base64", "good,whsec_???"])
async def test_a_secret_that_is_none_ends_the_start_and_is_not_shown(tmp_path: Path, secret: str) -> None:
    async with _service(tmp_path, CITEWATCH_WEBHOOK_SECRETS=secret) as (process, _):
        _, said = await asyncio.wait_for(process.communicate(), 20)
        assert process.returncode == 2
        assert b"CITEWATCH_WEBHOOK_SECRETS" in said
        assert b"Traceback" not in said
        assert secret.rpartition("_")[2].encode() not in said or not secret.rpartition("_")[2]
