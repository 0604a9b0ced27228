"""Fixtures of the real components: started when the first test asks, once in a run, on ports that are free.

Where a component cannot be had the test is skipped, saying why; with CITEWATCH_REQUIRE_REAL=1 it fails instead.
The end of the run says which took part.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import asyncpg
import pytest

from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.local.process import Absent, Failed
from deploy.local.prometheus import Alertmanager
from deploy.local.s3 import S3
from shared.clock import SystemClock
from shared.ids import new_id

C = TypeVar("C", Kafka, Postgres, S3, Alertmanager)
_took_part: dict[str, str] = {}


def required() -> bool:
    """Whether an absent component is a failure."""
    return os.environ.get("CITEWATCH_REQUIRE_REAL") == "1"


def start(name: str, build: Callable[[], C]) -> C:
    """Start a component, or skip (fail, where all are required)."""
    try:
        component = build()
        component.start()
    except (Absent, Failed) as reason:
        _took_part[name] = f"absent: {str(reason).splitlines()[0]}"
        if required():
            pytest.fail(f"{name} is required: {reason}")
        pytest.skip(f"{name}: {reason}")
    _took_part[name] = "real"
    return component


@pytest.fixture(scope="session")
def stack_folder() -> Iterator[Path]:
    """A folder that the users of the components may enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="citewatch-"))
    folder.chmod(0o755)
    watcher = subprocess.Popen(
        [sys.executable, "-m", "deploy.local.process", str(os.getpid()), str(folder)], start_new_session=True,
        cwd=Path(__file__).resolve().parents[2],
    )  # fmt: skip
    yield folder
    watcher.kill()
    watcher.wait()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def kafka_server(stack_folder: Path) -> Iterator[Kafka]:
    """One node, shared: tests use topics and groups of their own."""
    server = start("Kafka", lambda: Kafka(stack_folder / "kafka"))
    yield server
    server.stop()


@pytest.fixture
def kafka_alone(stack_folder: Path) -> Iterator[Kafka]:
    """One node for this test alone, which may stop or kill it."""
    folder = stack_folder / new_id("kafka", SystemClock().now())
    server = start("Kafka", lambda: Kafka(folder))
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def kafka_cluster(stack_folder: Path) -> Iterator[Kafka]:
    """Three nodes for this test alone."""
    folder = stack_folder / new_id("cluster", SystemClock().now())
    server = start("Kafka, three nodes", lambda: Kafka(folder, size=3))
    yield server
    for node in server.nodes:
        node.program.kill()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server(stack_folder: Path) -> Iterator[Postgres]:
    """One server, shared: tests use databases of their own."""
    server = start("PostgreSQL", lambda: Postgres(stack_folder / "postgres", durable=False))
    yield server
    server.stop()


@pytest.fixture
def postgres_alone(stack_folder: Path) -> Iterator[Postgres]:
    """One server for this test alone, which may stop or kill it."""
    folder = stack_folder / new_id("postgres", SystemClock().now())
    server = start("PostgreSQL", lambda: Postgres(folder))
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def s3_server(stack_folder: Path) -> Iterator[S3]:
    """One server with one bucket, shared: tests use prefixes of their own."""
    server = start("S3", lambda: S3(stack_folder / "s3"))
    yield server
    server.stop()


@pytest.fixture
async def postgres_url(postgres_server: Postgres) -> AsyncIterator[str]:
    """A new database, dropped afterwards."""
    name = new_id("test", SystemClock().now())
    admin = await asyncpg.connect(postgres_server.url("postgres").replace("+asyncpg", ""))
    try:
        await admin.execute(f"CREATE DATABASE {name}")
        yield postgres_server.url(name)
        with suppress(asyncpg.PostgresError):
            await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await admin.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database: every test that asks runs on both."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/citewatch.db"
    return str(request.getfixturevalue("postgres_url"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _took_part:
        terminalreporter.section("real components")
        for name, what in sorted(_took_part.items()):
            terminalreporter.line(f"{name}: {what}")
