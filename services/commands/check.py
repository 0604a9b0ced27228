"""`citewatch check`: the main job once, through the same ingest → resolve → archive → claim support as the services."""

import json
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from services import terminal
from services.commands.sources import Source, read
from services.embedded import System, opened
from services.ingest.submission import Submission
from services.ingest.worker import fetch_article
from services.linkcheck.check import Checked
from services.linkcheck.store import reports
from services.linkcheck.store.searches import Search
from shared import logs
from shared.errors import InputError
from shared.process import in_loop

ALL_WELL, ATTENTION, BAD_INPUT = 0, 1, 2
Report = dict[str, Any]


async def run(sources: Sequence[str], *, as_json: bool, explain: bool, data_dir: Path | None) -> int:
    """Check every source; returns the exit code."""
    logs.configure("error", plain=True)
    async with opened(data_dir) as system:
        with terminal.progress() as progress:
            taken, unread = await _take_in(system, sources, progress)
            before = await _known(system, taken)
            await system.log.drain(system.linkcheck.subscription())
            await _check(system, taken, progress)
        found = [report for article_id in taken if (report := await _report(system, article_id, explain)) is not None]
    if as_json:
        _print_json(found)
    elif found:
        _print_tables(found, before, explain)
    if unread:
        return BAD_INPUT
    needs = any(one["health"] in ("attention", "broken") for report in found for one in report["citations"])
    return ATTENTION if needs else ALL_WELL


async def _take_in(system: System, sources: Sequence[str], progress: Progress) -> tuple[list[str], int]:
    """Ids of the articles in the order given, and how many sources could not be read."""
    task = progress.add_task("reading", total=len(sources))
    taken: dict[str, None] = {}
    unread = 0
    for name in sources:
        try:
            received = await system.ingest.intake.receive(await _submission(system, read(name)))
            taken[received.article_id] = None
        except InputError as error:
            unread += 1
            text = str(error) if str(error).startswith(name) else f"{name}: {error}"
            progress.console.print(f"citewatch: {terminal.safe(text)}", markup=False, highlight=False, soft_wrap=True)
        progress.advance(task)
    return list(taken), unread


async def _submission(system: System, source: Source) -> Submission:
    if source.body is not None:
        return Submission(
            source="cli", url=source.url, content=source.body, kind=source.kind, external_id=source.external_id
        )
    assert source.url is not None
    settings = system.ingest.settings
    page = await fetch_article(
        system.ingest.outbound, source.url, settings.fetch_deadline.total_seconds(), settings.max_body_bytes
    )
    return Submission(
        source="cli", url=source.url, content=page.body, kind=page.kind, content_type=page.content_type, base=page.url
    )


async def _known(system: System, article_ids: Sequence[str]) -> dict[str, Report]:
    """What the last run left of every citation that has been checked before."""
    known: dict[str, Report] = {}
    for article_id in article_ids:
        report = await _report(system, article_id, False)
        for one in report["citations"] if report else ():
            if one["checked_at"] is not None or one["link_id"] is None:
                known[one["id"]] = one
    return known


async def _check(system: System, article_ids: Sequence[str], progress: Progress) -> None:
    wanted: set[str] = set()
    async with system.db.read() as tx:
        for article_id in article_ids:
            wanted |= await reports.links_of(tx, article_id)
    await _ask_archives(system, wanted, progress)
    task = progress.add_task("checking", total=len(wanted))
    if not wanted:
        return

    def watch(checked: Checked) -> None:
        progress.update(task, advance=1, description=f"checking {terminal.short(checked.result.link.host, 40)}")

    await system.linkcheck.worker(watch).check_now(wanted)


async def _ask_archives(system: System, wanted: Collection[str], progress: Progress) -> None:
    """What pages said when an older article cited them, before they are looked at."""
    task = progress.add_task("asking web archives", total=None)
    await system.linkcheck.searcher.search_now(wanted, lambda search: progress.update(task, description=_asked(search)))
    progress.remove_task(task)


def _asked(search: Search) -> str:
    return f"asking web archives for {terminal.short(search.url, 40)}"


async def _report(system: System, article_id: str, explain: bool) -> Report | None:
    async with system.db.read() as tx:
        return await reports.report(tx, article_id, explain=explain)


def _print_json(found: Sequence[Report]) -> None:
    json.dump({"articles": found}, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def _print_tables(found: Sequence[Report], before: Mapping[str, Report], explain: bool) -> None:
    console = Console(highlight=False)
    for report in found:
        console.print(terminal.article_table(report))
        if explain:
            for line in terminal.explanations(report):
                console.print(line)
    if before:
        changed = terminal.changes(before, found)
        console.print("\nChanged since the last look:" if changed else "\nNothing changed since the last look.")
        for line in changed:
            console.print(line)
    console.print(terminal.summary(found))


def main(sources: Sequence[str], *, as_json: bool, explain: bool, data_dir: Path | None) -> int:
    """In a loop of its own."""
    return in_loop(run(sources, as_json=as_json, explain=explain, data_dir=data_dir))
