"""The command line: `citewatch`. Heavy modules are imported by the command that needs them, so that help is quick."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from shared.errors import CitewatchError

app = typer.Typer(
    help="Watch the evidence behind the claims of your articles: resolve, archive and compare what they cite.",
    no_args_is_help=True,
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
    from services.commands.check import run

    code = guarded(lambda: asyncio.run(run(sources, as_json=as_json, explain=explain, data_dir=data_dir)))
    raise typer.Exit(code)


@app.command()
def up(
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port of API and pages.")] = 8000,
    data_dir: DataDir = None,
) -> None:
    """Start the whole system in one process: API, pages, schedules and alerts. No other server needed."""
    from services.embedded import serve

    guarded(lambda: serve(host, port, data_dir))


def main() -> None:
    """Entry point."""
    app()


if __name__ == "__main__":
    main()
