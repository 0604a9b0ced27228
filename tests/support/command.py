"""Runs `citewatch` as people do: as a process of its own, with nothing but its environment."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The JSON on stdout."""
        return json.loads(self.out)


def _environment(extra: Mapping[str, str]) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CITEWATCH_")}
    return clean | {"PYTHONPATH": str(REPOSITORY), "COLUMNS": "120"} | dict(extra)


async def start(*arguments: str, environment: Mapping[str, str] | None = None) -> asyncio.subprocess.Process:
    """A running command."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services", *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env=_environment(environment or {}),
    )  # fmt: skip


async def run(*arguments: str, environment: Mapping[str, str] | None = None, stdin: bytes = b"") -> Ended:
    """A command to its end."""
    process = await start(*arguments, environment=environment)
    out, err = await asyncio.wait_for(process.communicate(stdin), 90)
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


@dataclass(slots=True)
class Up:
    """A running `citewatch up`."""

    process: asyncio.subprocess.Process
    client: httpx.AsyncClient
    data_dir: Path

    async def get(self, path: str) -> Any:
        """A JSON document of the API."""
        answer = await self.client.get(path)
        answer.raise_for_status()
        return answer.json()

    async def until(self, path: str, fits: Any, seconds: float = 30) -> Any:
        """The document once it is there and fits; fails with the last one after so long."""
        last: Any = None
        end = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < end:
            answer = await self.client.get(path)
            last = answer.json()
            if answer.status_code == 200 and fits(last):
                return last
            await asyncio.sleep(0.1)
        raise AssertionError(f"{path} never fitted: {last}")


@asynccontextmanager
async def up(data_dir: Path, port: int, environment: Mapping[str, str]) -> AsyncIterator[Up]:
    """`citewatch up`, ready; killed at the end if it still runs."""
    extra = {"CITEWATCH_API_TOKENS": "test-token", **environment}
    process = await start("up", "--port", str(port), "--data-dir", str(data_dir), environment=extra)
    headers = {"Authorization": "Bearer test-token"}
    async with (
        drained(process),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, trust_env=False) as client,
    ):
        try:
            await _ready(client, process)
            yield Up(process, client, data_dir)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


@asynccontextmanager
async def drained(process: asyncio.subprocess.Process) -> AsyncIterator[None]:
    """Reads away what a process says, so that it is never held up by us."""
    readers = [asyncio.create_task(_drain(stream)) for stream in (process.stdout, process.stderr) if stream]
    try:
        yield
    finally:
        await asyncio.gather(*readers)


async def _drain(stream: asyncio.StreamReader) -> None:
    while await stream.read(65_536):
        pass


async def _ready(client: httpx.AsyncClient, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(45):
        while process.returncode is None:
            with suppress(httpx.HTTPError):
                if (await client.get("/readyz")).status_code == 200:
                    return
            await asyncio.sleep(0.05)
    raise AssertionError(f"citewatch up ended with {process.returncode}")
