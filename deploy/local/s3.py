"""An S3 server over a folder: the Versity gateway, built once with Go."""

import os
import shutil
import urllib.error
import urllib.request
from pathlib import Path

from deploy.local.process import Absent, Program, cache, fetching, free_port, open_port, run

VERSION = "v1.8.0"
BUCKET = "citewatch"
ACCESS_KEY, SECRET_KEY, REGION = "citewatch", "citewatch-local-only", "us-east-1"


def program() -> Path:
    """The gateway's program."""
    if (found := shutil.which("versitygw")) is not None:
        return Path(found)
    target = cache() / "bin" / "versitygw"
    with fetching("s3"):
        if not target.exists():
            _build(target)
    return target


def _build(target: Path) -> None:
    if shutil.which("go") is None:
        raise Absent("no S3 server: install Go, with which the Versity gateway is built")
    environment = {**os.environ, "GOBIN": str(target.parent), "CGO_ENABLED": "0"}
    module = f"github.com/versity/versitygw/cmd/versitygw@{VERSION}"
    run(["go", "install", "-trimpath", "-ldflags", "-s -w", module], env=environment, cwd="/")


class S3:
    """One gateway on loopback with one bucket."""

    def __init__(self, folder: Path, *, port: int = 0) -> None:
        self.port = port or free_port()
        self.program = Program("s3", folder)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What clients find it by."""
        return {
            "AWS_ENDPOINT": self.endpoint,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ALLOW_HTTP": "true",
        }

    def start(self) -> None:
        root = self.program.folder / "buckets"
        (root / BUCKET).mkdir(parents=True, exist_ok=True)
        options = ["--port", f"127.0.0.1:{self.port}", "--health", "/health", "--region", REGION, "--quiet"]
        command = [program(), *options, "posix", root]
        keys = {"ROOT_ACCESS_KEY_ID": ACCESS_KEY, "ROOT_SECRET_ACCESS_KEY": SECRET_KEY}
        self.program.start(command, self._ready, env=keys, seconds=20)

    def _ready(self) -> bool:
        if not open_port(self.port):
            return False
        try:
            with urllib.request.urlopen(f"{self.endpoint}/health", timeout=1) as answer:  # noqa: S310  loopback
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def stop(self) -> None:
        self.program.stop()
