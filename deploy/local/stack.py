"""python -m deploy.local.stack up|down|fetch|env|status [COMPONENT…]

Brings up what a scaled-out Citewatch needs, on loopback, and prints the settings to use it. Everything lives under
`.stack/` (or STACK_DIR); ports by KAFKA_PORT, POSTGRES_PORT, S3_PORT, PROMETHEUS_PORT, ALERTMANAGER_PORT. `up` twice
changes nothing; `down` keeps the data. `fetch` only gets the programs, so that nothing is downloaded later.
"""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from deploy.local import kafka, postgres, prometheus, s3
from deploy.local.process import Absent, Failed

ROOT = Path(os.environ.get("STACK_DIR", ".stack")).absolute()
SERVICES = ("127.0.0.1:8001", "127.0.0.1:8002", "127.0.0.1:8003")
"""Where Prometheus looks for the three services (CONTRACT: ports of ingest, linkcheck, notify)."""


def port(name: str, default: int) -> int:
    return int(os.environ.get(f"{name.upper()}_PORT", default))


BUILD: dict[
    str, Callable[[], kafka.Kafka | postgres.Postgres | s3.S3 | prometheus.Prometheus | prometheus.Alertmanager]
] = {
    "kafka": lambda: kafka.Kafka(ROOT / "kafka", port=port("kafka", 9092)),
    "postgres": lambda: postgres.Postgres(ROOT / "postgres", port=port("postgres", 5432)),
    "s3": lambda: s3.S3(ROOT / "s3", port=port("s3", 7070)),
    "alertmanager": lambda: prometheus.Alertmanager(ROOT / "alertmanager", port=port("alertmanager", 9093)),
    "prometheus": lambda: prometheus.Prometheus(
        ROOT / "prometheus", SERVICES, port=port("prometheus", 9090), alertmanager=port("alertmanager", 9093)
    ),
}
FETCH: dict[str, Callable[[], object]] = {
    "kafka": lambda: (kafka.java(), kafka.jars()),
    "postgres": postgres.programs,
    "s3": s3.program,
    "alertmanager": lambda: prometheus.find("alertmanager", "prometheus-alertmanager"),
    "prometheus": lambda: prometheus.find("prometheus"),
}


def settings() -> dict[str, str]:
    """What to set so that `citewatch serve` uses this stack."""
    server = s3.S3(ROOT / "s3", port=port("s3", 7070))
    database = f"{postgres.USER}@127.0.0.1:{port('postgres', 5432)}/{postgres.USER}"
    return {
        "CITEWATCH_KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{port('kafka', 9092)}",
        "CITEWATCH_DATABASE_URL": f"postgresql+asyncpg://{database}",
        "CITEWATCH_ARCHIVE_URL": f"s3://{s3.BUCKET}/archive",
        **server.environment,
    }


def _each(names: Sequence[str], what: str, do: Callable[[str], object]) -> int:
    missing = 0
    for name in names:
        try:
            do(name)
            print(f"{what} {name}", file=sys.stderr)
        except Absent as reason:
            missing += 1
            print(f"absent {name}: {reason}", file=sys.stderr)
        except Failed as reason:
            print(f"failed {name}: {reason}", file=sys.stderr)
            return 2
    return 1 if missing else 0


def _up(names: Sequence[str]) -> int:
    code = _each(names, "ready", lambda name: BUILD[name]().start())
    _env(names)
    return code


def _down(names: Sequence[str]) -> int:
    return _each(
        [name for name in reversed(names) if (ROOT / name).exists()], "stopped", lambda name: BUILD[name]().stop()
    )


def _fetch(names: Sequence[str]) -> int:
    return _each(names, "have", lambda name: FETCH[name]())


def _env(_names: Sequence[str]) -> int:
    for key, value in settings().items():
        print(f"export {key}={value}")
    return 0


COMMANDS = {"up": _up, "down": _down, "fetch": _fetch, "env": _env}


def main(arguments: Sequence[str]) -> int:
    command, *names = arguments or ["help"]
    if command not in COMMANDS or any(name not in BUILD for name in names):
        print(__doc__, file=sys.stderr)
        return 2
    return COMMANDS[command](names or list(BUILD))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
