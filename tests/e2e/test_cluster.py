"""The three services alone, over real Kafka, PostgreSQL and S3: the same scenario as in one process."""

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.kafka import Kafka
from deploy.local.s3 import BUCKET, S3
from tests.e2e.test_up_command import SECRET, environment, page, supports, until
from tests.support.command import Up, drained, run, start
from tests.support.ingest import free_port
from tests.support.origin import Origin
from tests.support.smtp import MailServer

pytestmark = [pytest.mark.kafka, pytest.mark.postgres, pytest.mark.s3, pytest.mark.timeout(400)]
SERVICES = ("ingest", "linkcheck", "linkcheck", "notify")
"""Two replicas of linkcheck."""


@asynccontextmanager
async def service(name: str, settings: Mapping[str, str]) -> AsyncIterator[Up]:
    """`citewatch serve NAME`, ready; told to end at the end, and ends cleanly."""
    port = free_port()
    process = await start("serve", name, "--port", str(port), environment=settings)
    headers = {"Authorization": "Bearer test-token"}
    async with (
        drained(process),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, trust_env=False) as client,
    ):
        try:
            await _ready(name, process, client)
            yield Up(process, client, Path())
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 25) == 0
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def _ready(name: str, process: asyncio.subprocess.Process, client: httpx.AsyncClient) -> None:
    last = ""
    end = asyncio.get_running_loop().time() + 60
    while process.returncode is None and asyncio.get_running_loop().time() < end:
        with suppress(httpx.HTTPError):
            answer = await client.get("/readyz")
            last = answer.text
            if answer.status_code == 200:
                return
        await asyncio.sleep(0.1)
    raise AssertionError(f"serve {name} (ended with {process.returncode}): {last}")


async def test_the_same_scenario_over_kafka_postgresql_and_s3(
    kafka_alone: Kafka, postgres_url: str, s3_server: S3, tmp_path: Path
) -> None:
    async with Origin() as origin, MailServer() as mails, AsyncExitStack() as running:
        link = origin.page("paper.test", "/report", page("4.2"))
        settings = {
            **environment(origin),
            **s3_server.environment,
            "CITEWATCH_API_TOKENS": "test-token",
            "CITEWATCH_DATABASE_URL": postgres_url,
            "CITEWATCH_KAFKA_BOOTSTRAP_SERVERS": kafka_alone.bootstrap,
            "CITEWATCH_ARCHIVE_URL": f"s3://{BUCKET}/cluster",
            "CITEWATCH_DATA_DIR": str(tmp_path / "d"),
            "CITEWATCH_SMTP_URL": f"smtp://127.0.0.1:{mails.port}",
            "CITEWATCH_MAIL_TO": "desk@news.test",
        }
        assert (await run("db", "upgrade", environment=settings)).code == 0
        made = await run("topics", environment=settings)
        assert made.code == 0, made.out + made.err
        parts: list[Up] = [await running.enter_async_context(service(name, settings)) for name in SERVICES]
        ingest, linkcheck = parts[0], parts[1]

        source = tmp_path / "article.html"
        claim = f"<p>The committee <a href='{link}'>approved a budget of 4.2 million euros</a> for the new bridge.</p>"
        source.write_text(claim)
        server = str(ingest.client.base_url)
        signed = {**settings, "CITEWATCH_WEBHOOK_SECRETS": SECRET}
        sent = await run(
            "submit", str(source), "--url", "https://news.test/bridge", "--server", server, environment=signed
        )
        assert sent.code == 0, sent.err
        article: Any = (await ingest.get("/v1/articles"))["items"][0]
        report = f"/v1/articles/{article['article_id']}/report"
        await linkcheck.until(report, lambda found: supports(found) == ["intact"], 60)
        origin.page("paper.test", "/report", page("5.7"))
        await parts[2].until(report, lambda found: supports(found) == ["altered"], 60)
        await until(lambda: len(mails.accepted) == 1, 60)
        await asyncio.sleep(3)
        assert len(mails.accepted) == 1
        again = await run("replay", "citewatch.articles", environment=settings)
        assert again.code == 0, again.err
        verified = await run("verify", environment=settings)
        assert verified.code == 0, verified.out + verified.err
