"""How the command line speaks to people: progress on stderr, a table on stdout, colour only on a terminal."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from shared.urls import display

COLOURS = {"ok": "green", "attention": "yellow", "broken": "red", "unknown": "bright_black"}
SUPPORT_WORDS = {
    "pending": "not checked yet",
    "intact": "stands as cited",
    "altered": "reworded where it matters",
    "removed": "the passage is gone",
    "retracted": "a correction or retraction appeared",
    "replaced": "another page stands there",
    "unlocated": "no passage found that bears on the claim",
    "lost": "the page is lost",
    "unknown": "cannot be seen",
    "no_target": "the article gives no target",
}


def safe(text: str | None) -> str:
    """Text of strangers for a terminal: no control characters, no bidirectional overrides."""
    return "".join(
        " " if char in "\t\n\r" else char
        for char in text or ""
        if (char >= " " or char in "\t\n\r")
        and not 0x7F <= ord(char) <= 0x9F
        and char not in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    )


def short(text: str | None, limit: int) -> str:
    """The beginning of a long text."""
    clean = safe(text)
    return clean if len(clean) <= limit else clean[: limit - 1].rstrip() + "…"


def progress() -> Progress:
    """Live progress on stderr."""
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=Console(stderr=True), transient=True,
    )  # fmt: skip


def found_text(citation: Mapping[str, Any]) -> Text:
    """What was found, in words."""
    words = SUPPORT_WORDS[citation["support"]]
    if citation["changes"]:
        words += f" ({', '.join(citation['changes'])})"
    text = Text(words, style=COLOURS[citation["health"]])
    outcome = citation["outcome"]
    if outcome not in (None, "ok") or citation["support"] in ("pending", "unknown", "lost"):
        text.append(f"\n{outcome or 'no check'}", style="dim")
        if citation["reason"]:
            text.append(f" · {citation['reason']}", style="dim")
    if citation["link_status"] == "suspect":
        text.append(f"\nseen {citation['failures']}×, not confirmed yet", style="dim")
    return text


def article_table(report: Mapping[str, Any]) -> Table:
    """One article's claims."""
    title = short(report["title"], 100) or short(report["url"], 100) or report["article_id"]
    table = Table(title=escape(title), title_justify="left", title_style="bold", show_lines=True, expand=True)
    table.add_column("Claim", ratio=5)
    table.add_column("Link", ratio=3, overflow="fold")
    table.add_column("Found", ratio=3)
    table.add_column("Since", no_wrap=True)
    for citation in report["citations"]:
        link = Text(short(citation["anchor"], 60) + "\n")
        target = citation["final_url"] if citation["outcome"] == "moved" else citation["target"]
        link.append(short(display(target), 90) if target else f"no target: {safe(citation['href'])!r}", style="dim")
        table.add_row(short(citation["claim"], 240), link, found_text(citation), _day(citation["since"]))
    return table


def explanations(report: Mapping[str, Any]) -> list[Text]:
    """What decided each verdict."""
    lines = []
    for citation in report["citations"]:
        line = Text(f"  {short(citation['target'] or citation['href'], 90)}: ", style="dim")
        line.append(f"{citation['outcome']} ({citation['reason']})")
        for signal in citation.get("signals", ()):
            line.append(f"\n    - {short(signal, 160)}")
        lines.append(line)
    return lines


def _day(moment: str | None) -> str:
    return "—" if moment is None else datetime.fromisoformat(moment).strftime("%Y-%m-%d %H:%M")


def summary(reports: Sequence[Mapping[str, Any]]) -> str:
    """One line over all articles."""
    citations = [citation for report in reports for citation in report["citations"]]
    counts = {health: sum(one["health"] == health for one in citations) for health in COLOURS}
    parts = [
        f"{counts['ok']} stand", f"{counts['attention']} need attention", f"{counts['broken']} broken",
        f"{counts['unknown']} cannot be told",
    ]  # fmt: skip
    others = sum(len(report["other_links"]) for report in reports)
    return f"{len(citations)} claims with evidence: {', '.join(parts)}; {others} other links."


def changes(before: Mapping[str, Mapping[str, Any]], reports: Sequence[Mapping[str, Any]]) -> list[Text]:
    """What changed since the last run: `before` is citation id → CITATION."""
    lines = []
    for report in reports:
        for now in report["citations"]:
            then = before.get(now["id"])
            if then is None or _state(then) == _state(now):
                continue
            line = Text("• ")
            line.append(short(now["claim"], 110), style="bold")
            line.append(f"\n  {SUPPORT_WORDS[then['support']]} ({then['outcome']}) → ")
            line.append(found_text(now))
            lines.append(line)
    return lines


def _state(citation: Mapping[str, Any]) -> tuple[Any, ...]:
    return citation["support"], tuple(citation["changes"]), citation["outcome"], citation["link_status"]
