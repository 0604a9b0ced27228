"""Prometheus and Alertmanager, from the machine or from Debian's packages, with the rules of `deploy/prometheus`."""

import json
import shutil
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from deploy.local.process import Absent, Program, apt_install, free_port, open_port

RULES = Path(__file__).resolve().parents[1] / "prometheus" / "rules.yml"


def find(name: str, *others: str) -> str:
    """A program of the two packages; they are installed where that is allowed."""
    for attempt in (1, 2):
        for each in (name, *others):
            if (found := shutil.which(each)) is not None:
                return found
        if attempt == 1 and not apt_install("prometheus", "prometheus-alertmanager"):
            break
    raise Absent(f"no {name}: install the packages prometheus and prometheus-alertmanager")


class Prometheus:
    """A server that scrapes `targets` (`host:port`) each second and evaluates our rules."""

    def __init__(
        self, folder: Path, targets: Sequence[str], *, port: int = 0, alertmanager: int = 0, rules: Path = RULES
    ) -> None:
        self.port = port or free_port()
        self.program = Program("prometheus", folder)
        self._config = self.program.folder / "prometheus.json"  # YAML is a superset of JSON
        managers = [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager}"]}]}] if alertmanager else []
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(rules)] if rules.exists() else [],
            "alerting": {"alertmanagers": managers},
            "scrape_configs": [{"job_name": "citewatch", "static_configs": [{"targets": list(targets)}]}],
        }
        self._config.write_text(json.dumps(config, indent=1))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [
            find("prometheus"), f"--config.file={self._config}", f"--storage.tsdb.path={self.program.folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}", "--storage.tsdb.retention.time=2d",
        ]  # fmt: skip
        self.program.start(command, lambda: answers(f"{self.url}/-/ready", self.port), seconds=30)

    def stop(self) -> None:
        self.program.stop()


class Alertmanager:
    """A server that groups what Prometheus fires and hands it to one web hook."""

    def __init__(self, folder: Path, *, port: int = 0, hook: str = "http://127.0.0.1:9/") -> None:
        self.port = port or free_port()
        self.program = Program("alertmanager", folder)
        self._config = self.program.folder / "alertmanager.json"
        route = {"receiver": "hook", "group_by": ["alertname"], "group_wait": "1s", "group_interval": "5s"}
        receivers = [{"name": "hook", "webhook_configs": [{"url": hook, "send_resolved": True}]}]
        self._config.write_text(json.dumps({"route": route, "receivers": receivers}, indent=1))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [
            find("alertmanager", "prometheus-alertmanager"), f"--config.file={self._config}",
            f"--storage.path={self.program.folder / 'data'}", f"--web.listen-address=127.0.0.1:{self.port}",
            "--cluster.listen-address=",
        ]  # fmt: skip
        self.program.start(command, lambda: answers(f"{self.url}/-/ready", self.port), seconds=30)

    def stop(self) -> None:
        self.program.stop()


def answers(url: str, port: int) -> bool:
    """Whether the page answers with 200."""
    if not open_port(port):
        return False
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:  # noqa: S310  loopback
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
