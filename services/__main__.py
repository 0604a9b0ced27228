"""The command line: `citewatch`. Heavy modules are imported by the command that needs them, so that help is quick."""

import gc
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from shared.errors import CitewatchError

app = typer.Typer(
    help="Watch the evidence behind the claims of your articles: resolve, archive and compare what they cite.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
)
DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="Folder of database and archive. Default: $CITEWATCH_DATA_DIR.")
]
Host = Annotated[str, typer.Option(help="Address to listen on; loopback unless you say otherwise.")]


def fail(message: str) -> NoReturn:
    """A plain sentence on stderr, exit code 2."""
    print(f"citewatch: {message}", file=sys.stderr)
    raise typer.Exit(2)


def guarded(work: Callable[[], Any]) -> Any:
    """Run a command's work; errors made on purpose become a sentence, not a traceback."""
    try:
        return work()
    except CitewatchError as error:
        fail(str(error))


@app.command()
def check(
    sources: Annotated[list[str], typer.Argument(metavar="SOURCE…", help="A .md, .html or .txt file, a URL, or -.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Say for each link what decided its verdict.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Check now whether the evidence that articles cite still stands.

    Exit code 0: all well; 1: some citation needs attention; 2: bad usage or unreadable input.
    """
    from services.commands.check import main as run

    code = guarded(lambda: run(sources, as_json=as_json, explain=explain, data_dir=data_dir))
    raise typer.Exit(code)


@app.command()
def up(
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port of API and pages.", min=0, max=65535)] = 8000,
    data_dir: DataDir = None,
) -> None:
    """Start the whole system in one process: API, pages, schedules and alerts. No other server needed."""
    from services.embedded import run
    from shared.process import in_loop

    guarded(lambda: in_loop(run(host, port, data_dir)))


SERVICES = {"ingest": 8001, "linkcheck": 8002, "notify": 8003}


@app.command()
def serve(
    service: Annotated[str, typer.Argument(metavar="ingest|linkcheck|notify")],
    host: Host = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(help="Default: 8001 ingest, 8002 linkcheck, 8003 notify.", min=0, max=65535)
    ] = None,
) -> None:
    """Start one service alone, over Kafka, PostgreSQL and S3; it makes its topics and tables itself."""
    from importlib import import_module

    from shared.process import in_loop

    if service not in SERVICES:
        fail(f"there is no service {service!r}. Say ingest, linkcheck or notify.")
    run = import_module(f"services.{service}.app").run
    guarded(lambda: in_loop(run(host, port or SERVICES[service])))


def kafka_servers() -> tuple[str, ...]:
    """Where Kafka is, for the commands that are about it."""
    from shared.settings import Settings, load

    servers: tuple[str, ...] = guarded(lambda: load(Settings)).kafka_bootstrap_servers
    if not servers:
        fail("CITEWATCH_KAFKA_BOOTSTRAP_SERVERS is not set; without it the log is in the database and has no topics.")
    return servers


@app.command()
def topics() -> None:
    """Make the Kafka topics, or check those that are there."""
    from shared.eventlog.kafka import ensure_topics
    from shared.process import in_loop

    servers = kafka_servers()
    problems = guarded(lambda: in_loop(ensure_topics(servers)))
    for problem in problems:
        print(problem)
    raise typer.Exit(1 if problems else 0)


@app.command()
def replay(
    topic: Annotated[str, typer.Argument(help="Whose dead letters to try again: citewatch.articles, …")],
    discard: Annotated[bool, typer.Option("--discard", help="Give them up instead.")] = False,
) -> None:
    """Try the dead letters of a Kafka topic once more."""
    from shared.eventlog.kafka import replay as run
    from shared.process import in_loop

    servers = kafka_servers()
    number = guarded(lambda: in_loop(run(servers, topic, discard=discard)))
    print(f"{number} dead letters {'given up' if discard else 'sent again'}.")


@app.command()
def submit(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A .md, .html or .txt file, a URL, or -.")],
    url: Annotated[str | None, typer.Option(help="Address under which the article is published.")] = None,
    server: Annotated[str, typer.Option(help="Address of the running ingest.")] = "http://127.0.0.1:8000",
    data_dir: DataDir = None,
) -> None:
    """Post an article to a running ingest, signed."""
    from services.commands.submit import submit as run
    from shared.process import in_loop

    guarded(lambda: in_loop(run(source, url, server, data_dir)))


@app.command()
def export(
    article_id: Annotated[str, typer.Argument(metavar="ARTICLE_ID")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE.wacz")],
    data_dir: DataDir = None,
) -> None:
    """Write the evidence bundle (WACZ) of an article."""
    from services.commands.evidence import export as run
    from shared.process import in_loop

    guarded(lambda: in_loop(run(article_id, output, data_dir)))


@app.command()
def verify(
    bundle: Annotated[Path | None, typer.Argument(metavar="[FILE.wacz]")] = None, data_dir: DataDir = None
) -> None:
    """Check an evidence bundle, or the whole archive. Exit code 1 names what is damaged."""
    from services.commands.evidence import verify as run
    from shared.process import in_loop

    raise typer.Exit(guarded(lambda: in_loop(run(bundle, data_dir))))


@app.command()
def demo() -> None:
    """A small web of its own on loopback that rots while you watch; no network needed."""
    from services.commands.demo import run
    from shared.process import in_loop

    guarded(lambda: in_loop(run()))


notify = typer.Typer(help="The channels that reach people.", no_args_is_help=True)
app.add_typer(notify, name="notify")


@notify.command("test")
def notify_test(data_dir: DataDir = None) -> None:
    """Send a test message to every configured channel, now. Exit code 1 when one was not taken."""
    from services.commands.channels import test
    from shared.process import in_loop

    raise typer.Exit(guarded(lambda: in_loop(test(data_dir))))


db = typer.Typer(help="The database.", no_args_is_help=True)
app.add_typer(db, name="db")


@db.command("upgrade")
def db_upgrade(data_dir: DataDir = None) -> None:
    """Migrate every service's schema to its newest revision."""
    from services.embedded import upgrade
    from shared.process import in_loop

    guarded(lambda: in_loop(upgrade(data_dir)))
    print("The schema is up to date.")


@db.command("copy")
def db_copy(
    to: Annotated[
        str, typer.Option(help="URL of the new, empty database: postgresql+asyncpg://user:password@host/name.")
    ],
    archive_to: Annotated[str | None, typer.Option(help="URL of the new archive: s3://bucket/prefix.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Copy everything into another database and archive: from one process to a cluster, or back. Stop it first."""
    from services.commands.move import copy
    from shared.process import in_loop

    guarded(lambda: in_loop(copy(to, archive_to, data_dir)))
    print("All is there. Start Citewatch on the new settings.")


def main() -> None:
    """Entry point."""
    gc.disable()  # what a start makes is kept: to look for garbage in it is a tenth of the start; `in_loop` turns it on
    app()


if __name__ == "__main__":
    main()
