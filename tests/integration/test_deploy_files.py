"""What is deployed is what the code has: compose file, image, rules, dashboard, each against something real."""

import importlib.resources
import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jsonschema
import prometheus_client
import pytest
import yaml
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from deploy.grafana import dashboard
from deploy.local.process import alive, free_port
from deploy.local.prometheus import Alertmanager, Prometheus, find
from services.ingest.settings import IngestSettings
from services.linkcheck.settings import LinkcheckSettings
from shared import metrics
from shared.settings import PREFIX, Settings
from tests.support.stack import start

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
RULES = yaml.safe_load((ROOT / "deploy/prometheus/rules.yml").read_text())
OURS = ("ingest", "linkcheck", "notify")
METRIC = re.compile(r"\bcitewatch_[a-z_]+")


def compose_schema() -> dict[str, Any]:
    folder = importlib.resources.files("check_jsonschema") / "builtin_schemas" / "vendor"
    return json.loads((folder / "compose-spec.json").read_text())


def known_metrics() -> set[str]:
    """Every name that our metrics have in the exposition."""
    names: set[str] = set()
    for metric in vars(metrics).values():
        if isinstance(metric, Counter | Gauge | Histogram):
            for family in metric.describe():
                suffixes = ("_bucket", "_sum", "_count") if family.type == "histogram" else ("", "_total")
                names |= {family.name + suffix for suffix in suffixes}
    return names


def test_the_compose_file_fits_the_compose_specification():
    jsonschema.validate(COMPOSE, compose_schema())


@pytest.mark.parametrize("broken", [{"services": {"x": {"imagee": "y"}}}, {"services": {"x": {"ports": "80"}}}])
def test_the_schema_refuses_what_is_wrong(broken: dict[str, Any]):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, compose_schema())


def test_the_topology():
    services = COMPOSE["services"]
    assert {"kafka", "postgres", "s3", "mailpit", "prometheus", "alertmanager", "grafana", *OURS} <= services.keys()
    assert services["linkcheck"]["deploy"]["replicas"] >= 2
    for name in OURS:
        assert services[name]["command"][:2] == ["serve", name]
        assert services[name]["depends_on"]["prepare"]["condition"] == "service_completed_successfully"
    used = {volume.split(":")[0] for service in services.values() for volume in service.get("volumes", ())}
    for volume in used:
        assert volume in COMPOSE["volumes"] or (ROOT / volume).exists(), volume
    for name, service in services.items():
        for needed, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in services[needed], f"{name} waits for the health of {needed}, which has no check"


def test_every_setting_in_it_is_one_we_have():
    notify = pytest.importorskip("services.notify.settings")
    kinds: list[type[Settings]] = [Settings, IngestSettings, LinkcheckSettings]
    kinds += [kind for kind in vars(notify).values() if isinstance(kind, type) and issubclass(kind, Settings)]
    known = {PREFIX + name.upper() for kind in kinds for name in kind.model_fields}
    used = {key for key in COMPOSE["x-citewatch"]["environment"] if key.startswith(PREFIX)}
    assert used <= known


def test_the_image_copies_what_there_is_and_is_not_root():
    lines = (ROOT / "deploy/Dockerfile").read_text().splitlines()
    copied = [line.split()[1:-1] for line in lines if line.startswith("COPY") and "--from" not in line]
    assert all((ROOT / path).exists() for paths in copied for path in paths)
    assert [line for line in lines if line.startswith("USER")][-1] != "USER root"


def test_prometheus_takes_the_rules_and_the_configuration():
    promtool = find_or_skip("promtool")
    for check in (["check", "rules", "rules.yml"], ["check", "config", "prometheus.yml"]):
        done = subprocess.run(
            [promtool, *check], cwd=ROOT / "deploy/prometheus", capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_alertmanager_takes_its_configuration():
    amtool = find_or_skip("amtool")
    path = ROOT / "deploy/alertmanager/alertmanager.yml"
    done = subprocess.run([amtool, "check-config", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def find_or_skip(name: str) -> str:
    from deploy.local.process import Absent

    try:
        return find(name)
    except Absent as reason:
        if os.environ.get("CITEWATCH_REQUIRE_REAL") == "1":
            pytest.fail(str(reason))
        pytest.skip(str(reason))


def rules() -> list[dict[str, Any]]:
    return [rule for group in RULES["groups"] for rule in group["rules"]]


def test_rules_use_metrics_that_exist_and_lead_to_the_runbook():
    runbook = (ROOT / "deploy/README.md").read_text()
    anchors = {
        re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in runbook.splitlines()
        if line.startswith("#")
    }
    for rule in rules():
        assert set(METRIC.findall(rule["expr"])) <= known_metrics(), rule["alert"]
        page, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert page == "deploy/README.md" and anchor in anchors, rule["alert"]


def test_the_dashboard_is_what_its_table_makes():
    assert dashboard.PATH.read_text() == dashboard.text(), (
        "run: python -m deploy.grafana.dashboard > deploy/grafana/dashboards/citewatch.json"
    )


def queries() -> list[str]:
    return [query for panels in dashboard.ROWS.values() for panel in panels for query in panel.queries]


def test_the_dashboard_shows_every_metric_of_ours():
    shown = {name.removesuffix("_bucket") for query in queries() for name in METRIC.findall(query)}
    assert shown <= known_metrics() | {"citewatch_check_lag_seconds", "citewatch_check_duration_seconds"}
    ours = {
        metric.describe()[0].name
        for metric in vars(metrics).values()
        if isinstance(metric, Counter | Gauge | Histogram)
    }
    assert {name.removesuffix("_total") for name in shown} == ours


class Exposition:
    """A server that exposes all our metrics, moving a little each time it is asked."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.metrics = [
            type(metric)(family.name, family.documentation, metric._labelnames, registry=self.registry)
            for metric in vars(metrics).values()
            if isinstance(metric, Counter | Gauge | Histogram)
            for family in metric.describe()
        ]
        exposition = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                exposition.move()
                body = prometheus_client.generate_latest(exposition.registry)
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def move(self) -> None:
        for metric in self.metrics:
            child = (
                metric.labels(*("failed" if name == "result" else "x" for name in metric._labelnames))
                if metric._labelnames
                else metric
            )
            child.observe(0.5) if isinstance(metric, Histogram) else child.inc()


@pytest.fixture(scope="module")
def live(stack_folder: Path) -> Iterator[tuple[Prometheus, Alertmanager]]:
    exposition = Exposition()
    alertmanager = start("Alertmanager", lambda: Alertmanager(stack_folder / "alertmanager"))
    target = f"127.0.0.1:{exposition.server.server_port}"
    server = start(
        "Prometheus", lambda: Prometheus(stack_folder / "prometheus", [target], alertmanager=alertmanager.port)
    )
    time.sleep(3)  # a rate needs two scrapes
    yield server, alertmanager
    server.stop()
    alertmanager.stop()
    exposition.server.shutdown()
    exposition.server.server_close()


def ask(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return json.load(answer)


@pytest.mark.parametrize("query", queries())
def test_every_query_of_the_dashboard_gives_data_on_a_live_prometheus(
    live: tuple[Prometheus, Alertmanager], query: str
):
    concrete = query.replace("$__rate_interval", "10s")
    for _ in range(20):
        answer = ask(f"{live[0].url}/api/v1/query?{urllib.parse.urlencode({'query': concrete})}")
        if answer["data"]["result"]:
            break
        time.sleep(0.5)
    assert answer["status"] == "success"
    assert answer["data"]["result"], "no series: the metric or a label is not what the query thinks"


def test_a_dead_letter_reaches_alertmanager(live: tuple[Prometheus, Alertmanager]):
    for _ in range(40):
        names = {alert["labels"]["alertname"] for alert in ask(f"{live[1].url}/api/v2/alerts")}
        if "CitewatchDeadLetters" in names:
            break
        time.sleep(0.5)
    assert {"CitewatchDeadLetters", "CitewatchDeliveriesFail"} <= names
    assert "CitewatchDown" not in names


def test_the_stack_starts_twice_and_stops_twice(tmp_path: Path):
    environment = {**os.environ, "STACK_DIR": str(tmp_path), "S3_PORT": str(free_port())}

    def stack(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "deploy.local.stack", *arguments]
        return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)

    first = stack("up", "s3")
    if "absent" in first.stderr and os.environ.get("CITEWATCH_REQUIRE_REAL") != "1":
        pytest.skip(first.stderr)
    pid = (tmp_path / "s3" / "s3.pid").read_text()
    assert first.returncode == 0, first.stderr
    assert f"export AWS_ENDPOINT=http://127.0.0.1:{environment['S3_PORT']}" in first.stdout
    assert stack("up", "s3").returncode == 0
    assert (tmp_path / "s3" / "s3.pid").read_text() == pid
    assert stack("down", "s3").returncode == 0
    assert stack("down", "s3").returncode == 0
    assert not alive(int(pid))
    assert stack("sideways").returncode == 2


async def test_the_gateway_keeps_what_was_created(s3_server: Any):
    from obstore.store import S3Store

    store = S3Store(
        "citewatch", endpoint=s3_server.endpoint, access_key_id=s3_server.environment["AWS_ACCESS_KEY_ID"],
        secret_access_key=s3_server.environment["AWS_SECRET_ACCESS_KEY"], region="us-east-1",
        client_options={"allow_http": True}, virtual_hosted_style_request=False,
    )  # fmt: skip
    import obstore

    await obstore.put_async(store, "deploy-test/a", b"first", mode="create")
    with pytest.raises(obstore.exceptions.AlreadyExistsError):
        await obstore.put_async(store, "deploy-test/a", b"second", mode="create")
    assert bytes(await (await obstore.get_async(store, "deploy-test/a")).bytes_async()) == b"first"
