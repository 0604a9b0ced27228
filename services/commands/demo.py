"""`citewatch demo`: a small web of our own on loopback that rots while you watch.

The pages are made up, all else is real: sockets, fetches, archive, database, verdicts.
"""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from services import terminal
from services.embedded import System, opened
from services.ingest.submission import Submission
from services.linkcheck.store import reports
from shared import logs

Answer = tuple[int, dict[str, str], str]
PAUSE = 2.0
"""Seconds between two acts, for people; none where nobody watches."""

ARTICLE = """\
# Who helped to take the artillery base?

As [discussed previously]({paper}/2016/closed-corridor), the recapture of the base closed the corridor on 4 September.
A good example is [the recently confirmed presence of special forces]({other}/news/special-forces-confirmed), which
came after months of denials. The strongest probability is
[the impromptu meeting which happened on 8 August 2016]({record}/minutes/2016-08-08), three days after the storming of
the base. The ministry did [deploy a small number of naval infantry](#) to the city a few days ago.
"""

FILLER = (
    "The report was put together from interviews with people who live in the district and from public records.",
    "Neither the ministry nor the local administration answered the questions that were sent to them in writing.",
    "Observers who follow the matter have pointed out that the sources differ in what they count, and when.",
    "A longer account, with maps and a list of the documents used, will be published in the coming weeks.",
)


def page(title: str, sentence: str, *, notice: str = "") -> Answer:
    """An ordinary page with one sentence that matters."""
    paragraphs = [FILLER[0], FILLER[1], sentence, FILLER[2], FILLER[3]]
    body = "".join(f"<p>{text}</p>" for text in paragraphs)
    top = f"<p><strong>{notice}</strong></p>" if notice else ""
    markup = (
        f"<!doctype html><html lang=en><head><title>{title}</title></head><body><nav><a href=/>Home</a></nav>"
        f"<article><h1>{title}</h1>{top}{body}</article><footer>Imprint</footer></body></html>"
    )
    return 200, {"Content-Type": "text/html; charset=utf-8"}, markup


CLOSED = page("The corridor is closed", "The recapture of the base on 4 September closed the corridor for good.")
CONFIRMED = page(
    "Special forces confirmed",
    "The presence of special forces was confirmed on Tuesday by two officials in the capital.",
)
MINUTES = "The council held an impromptu meeting on 8 August 2016, attended by {number} members."
GONE: Answer = (404, {"Content-Type": "text/html"}, "<html><title>404 Not Found</title><h1>Not Found</h1></html>")
HOME = page("The Paper", "Read the news of the day, the weather, and what is on at the theatre tonight.")


@dataclass(frozen=True, slots=True)
class Act:
    """What the web of the demo looks like for a while."""

    title: str
    pages: Mapping[str, Answer]


USUAL = {
    "paper.demo/2016/closed-corridor": CLOSED,
    "other.demo/news/special-forces-confirmed": CONFIRMED,
    "record.demo/minutes/2016-08-08": page("Minutes", MINUTES.format(number="eleven")),
    "paper.demo/": HOME,
}
RENUMBERED = page("Minutes", MINUTES.format(number="seven"))
MOVED: Answer = (301, {"Location": "/archive/2016/closed-corridor"}, "")
RETRACTED = page(
    "Special forces confirmed",
    "The presence of special forces was confirmed on Tuesday by two officials in the capital.",
    notice="Correction: an earlier version of this article named the wrong officials.",
)
ACTS = (
    Act("The article is checked for the first time.", USUAL),
    Act(
        "A number in the minutes is changed, and the previous article moves to the archive.",
        USUAL
        | {
            "record.demo/minutes/2016-08-08": RENUMBERED,
            "paper.demo/2016/closed-corridor": MOVED,
            "paper.demo/archive/2016/closed-corridor": CLOSED,
        },
    ),
    Act("A correction appears; the minutes answer 404. One failure is no death.", {
        "paper.demo/2016/closed-corridor": CLOSED,
        "other.demo/news/special-forces-confirmed": RETRACTED,
        "record.demo/minutes/2016-08-08": GONE,
    }),
    Act("The minutes still answer 404: now they are called dead.", {
        "paper.demo/2016/closed-corridor": CLOSED,
        "other.demo/news/special-forces-confirmed": RETRACTED,
        "record.demo/minutes/2016-08-08": GONE,
    }),
    Act("The minutes come back as they were, and the correction goes.", USUAL),
)  # fmt: skip


class Stage:
    """Serves the pages of the present act, for three hosts on one port of loopback."""

    def __init__(self) -> None:
        self.act = ACTS[0]
        self.port = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Stage"]:
        """While open, the pages answer."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                writer.write(self._answer(head.decode("latin-1")))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _answer(self, head: str) -> bytes:
        path = head.split(" ", 2)[1]
        host = next(line[6:] for line in head.split("\r\n") if line.startswith("Host: ")).partition(":")[0]
        status, headers, body = self.act.pages.get(f"{host}{path}", GONE)
        raw = body.encode()
        fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"HTTP/1.1 {status} -\r\n{fields}Content-Length: {len(raw)}\r\n\r\n".encode() + raw


async def run() -> None:
    """Play all acts."""
    logs.configure("error", plain=True)
    console = Console(highlight=False)
    hosts = ("paper.demo", "other.demo", "record.demo")
    with tempfile.TemporaryDirectory(prefix="citewatch-demo-") as folder:
        async with (
            Stage().open() as stage,
            opened(
                Path(folder),
                allow_networks="127.0.0.0/8",
                dns_overrides=",".join(f"{host}=127.0.0.1" for host in hosts),
                confirm_checks=2,
                confirm_period="0s",
            ) as system,
        ):
            await _play(system, stage, console)
    console.print("\nAll of this was fetched, archived and compared for real; only the web was ours.")


async def _play(system: System, stage: Stage, console: Console) -> None:
    names = {name: f"http://{name}.demo:{stage.port}" for name in ("paper", "other", "record")}
    received = await system.ingest.intake.receive(
        Submission(
            source="cli",
            url=f"{names['paper']}/2016/artillery-base",
            content=ARTICLE.format(**names),
            kind="text/markdown",
        )
    )
    await system.log.drain(system.linkcheck.subscription())
    before: dict[str, reports.Document] = {}
    report: reports.Document | None = None
    for number, act in enumerate(ACTS):
        stage.act = act
        console.rule(f"[bold]{number + 1}. {act.title}", align="left")
        async with system.db.read() as tx:
            wanted = await reports.links_of(tx, received.article_id)
        await system.linkcheck.worker().check_now(wanted)
        async with system.db.read() as tx:
            report = await reports.report(tx, received.article_id)
        assert report is not None
        if number == 0:
            console.print(terminal.article_table(report))
        for line in terminal.changes(before, [report]) if before else ():
            console.print(line)
        before = {one["id"]: one for one in report["citations"]}
        if sys.stdout.isatty():
            await asyncio.sleep(PAUSE)
    console.print(terminal.summary([report] if report else []))
