"""The tools of other web archivists, each in a venv of its own beside ours: pywb replays, wacz validates.

`.venv-pywb` and `.venv-wacz` are made at the first use from their lock files, and again when those change.
"""

import hashlib
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
import venv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.local.process import Absent, Program, fetching, free_port, open_port, run
from tests.support import stack

ROOT = Path(__file__).parents[2]


def tools(name: str) -> Path:
    """The programs of a venv made from `requirements-NAME.lock`."""
    lock, folder = ROOT / f"requirements-{name}.lock", ROOT / f".venv-{name}"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    made = folder / ".made-from"
    with fetching(f"venv-{name}"):
        if not made.exists() or made.read_text() != wanted:
            shutil.rmtree(folder, ignore_errors=True)
            venv.create(folder, with_pip=False)
            uv = Path(sys.prefix) / "bin" / "uv"
            if not uv.exists():
                raise Absent(f"no uv in {sys.prefix} to install {name} with: run make .venv/.synced")
            run([uv, "pip", "sync", "-q", "--python", folder / "bin" / "python", lock])
            made.write_text(wanted)
    return folder / "bin"


@dataclass
class Pywb:
    """A pywb over a folder of its own, on loopback."""

    folder: Path

    def start(self) -> None:
        self._bin = tools("pywb")
        self.port = free_port()
        self._program = Program("pywb", self.folder)
        (self.folder / "config.yaml").write_text("framed_replay: false\nredirect_to_exact: true\n")
        (self.folder / "collections").mkdir(exist_ok=True)
        command = [self._bin / "wayback", "-b", "127.0.0.1", "-p", str(self.port)]
        self._program.start(command, lambda: open_port(self.port), seconds=30)

    def stop(self) -> None:
        self._program.stop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def add(self, collection: str, *files: Path) -> None:
        """Put WARCs or WACZs into a collection."""
        manager = self._bin / "wb-manager"
        if not (self.folder / "collections" / collection).exists():
            run([manager, "init", collection], cwd=self.folder)
        unpack = ["--unpack-wacz"] if any(file.suffix == ".wacz" for file in files) else []
        run([manager, "add", *unpack, collection, *files], cwd=self.folder)

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, Mapping[str, str], bytes]:
        """GET without following redirects."""
        request = urllib.request.Request(f"{self.url}/{path}", headers=dict(headers or {}))
        opener = urllib.request.build_opener(_Stay, urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=20) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:  # type: ignore[override]
        return None


@pytest.fixture(scope="session")
def pywb(stack_folder: Path) -> Iterator[Pywb]:
    """One pywb, shared: tests use collections of their own."""
    folder = stack_folder / "pywb"
    folder.mkdir()
    server = stack.start("pywb", lambda: Pywb(folder))  # type: ignore[type-var]
    yield server
    server.stop()


@dataclass
class Wacz:
    """The validator of the people who made the format."""

    program: Path | None = None

    def start(self) -> None:
        self.program = tools("wacz") / "wacz"

    def validate(self, bundle: Path) -> tuple[bool, str]:
        """Whether it is valid, and what was said."""
        done = subprocess.run(
            [str(self.program), "validate", "-f", str(bundle)], capture_output=True, text=True, check=False
        )
        return done.returncode == 0, done.stdout + done.stderr

    def index(self, *objects: Path) -> list[str]:
        """The index lines that its indexer makes of WARCs."""
        assert self.program is not None
        return run([self.program.with_name("cdxj-indexer"), "-s", *objects]).splitlines()


@pytest.fixture(scope="session")
def wacz() -> Wacz:
    """The validator."""
    return stack.start("wacz validator", Wacz)  # type: ignore[type-var]
