"""Events doubled and reordered across keys come to the same end: for each service's own intake, on its own tables.

Within a key the first deliveries keep their order, as the log guarantees; whatever was delivered may come again at any
time, in whatever batches.
"""

import asyncio
import hashlib
import itertools
import shutil
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.ingest import tables as ingest_tables
from services.ingest.intake import Delivery
from services.ingest.intake import Intake as IngestIntake
from services.ingest.submission import Submission
from services.linkcheck import intake as linkcheck_intake
from services.linkcheck import tables as linkcheck_tables
from services.notify import tables as notify_tables
from services.notify.intake import Intake as NotifyIntake
from shared import migrate
from shared.db import Database
from shared.eventlog import Subscription, inbox
from shared.eventlog.tables import outbox
from shared.events import ArticleReceived, CitationChanged, CitedLink, Data, encode, envelope
from tests.support.changes import ALTERED, INTACT, LOST, REMOVED, WALLED, change, later
from tests.support.faults import Trials
from tests.support.ingest import SetClock
from tests.support.logs import NOW

EXAMPLES = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
TARGETS = ("https://a.test/1", "https://a.test/2?x=1", "http://b.test/3", None)
CLOCK = SetClock(NOW)
State = dict[str, list[Any]]
NUMBERS = itertools.count()


@st.composite
def deliveries(draw: st.DrawFn, keys: int = 3, each: int = 3) -> list[tuple[int, int]]:
    """(key, number within the key) in the order of delivery: each at least once, some again."""
    turns = draw(st.permutations([key for key in range(keys) for _ in range(each)]))
    came: Counter[int] = Counter()
    order: list[tuple[int, int]] = []
    for key in turns:
        order.append((key, came[key]))
        came[key] += 1
        order += draw(st.lists(st.sampled_from(order), max_size=2))
    return order


def cut(order: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [order[start : start + size] for start in range(0, len(order), size)]


def article(key: int, number: int) -> ArticleReceived:
    cited = tuple(
        CitedLink(
            citation_id=f"cit_{key}_{place}", claim=f"Claim of version {number}.", context="", anchor="",
            href=target or "#", target=target, missing=None if target else "placeholder", position=place,
        )
        for place, target in enumerate(TARGETS[number:])
    )  # fmt: skip
    return ArticleReceived(
        article_id=f"art_{key}", version=number + 1, source="t", url=None, title=f"v{number}", received_at=NOW,
        citations=cited, other_links=(),
    )  # fmt: skip


TURNS = (ALTERED, REMOVED, LOST, WALLED, INTACT)


def changed(key: int, number: int) -> CitationChanged:
    before = TURNS[(key + number - 1) % len(TURNS)] if number else INTACT
    return change(key, before, TURNS[(key + number) % len(TURNS)], at=later(key + 10 * number))


def raw(make: Callable[[int, int], Data], key: int, number: int) -> bytes:
    event = envelope(make(key, number), event_id=f"evt_{key}_{number}", source="/test", time=NOW)
    return encode(event)


async def handled(path: Path, parts: Sequence[str], intake: Subscription, batches: Sequence[Sequence[bytes]],
                  dump: Callable[[Database], Awaitable[State]]) -> State:  # fmt: skip
    """The end state of one way of delivery, in a database of its own."""
    db = await fresh(path, parts)
    try:
        for batch in batches:
            async with db.write() as tx:
                await inbox.handle(tx, intake, batch, NOW)
        return await dump(db)
    finally:
        await db.close()


async def fresh(path: Path, parts: Sequence[str]) -> Database:
    """An empty database: the first of a folder is migrated, the others are its copies."""
    first = path / "first.db"
    if not first.exists():
        made = Database(f"sqlite:///{first}")
        await migrate.upgrade(made, "eventlog", *parts)
        await made.close()
    return Database(f"sqlite:///{shutil.copy(first, path / f'{next(NUMBERS)}.db')}")


async def rows(db: Database, query: sa.Select[Any]) -> list[Any]:
    async with db.read() as tx:
        return sorted((tuple(row) for row in await tx.execute(query)), key=repr)


async def links(db: Database) -> State:
    named = (linkcheck_tables.articles, linkcheck_tables.links, linkcheck_tables.hosts, linkcheck_tables.citations)
    return {table.name: await rows(db, sa.select(table)) for table in named}


async def alerts(db: Database) -> State:
    """Without the ids, which are made on arrival."""
    made, notices = notify_tables.alerts, notify_tables.notices
    shown = [column for column in made.c if column.name != "alert_id"]
    joined = sa.select(made.c.citation_id, notices.c.route_id, notices.c.news, notices.c.rank, notices.c.state)
    told = sa.select(outbox.c.type, sa.func.json_extract(outbox.c.payload, "$.data.citation_ids"))
    return {
        "alerts": await rows(db, sa.select(*shown)),
        "notices": await rows(db, joined.join_from(made, notices)),
        "events": await rows(db, told),
    }


INTAKES = {
    "linkcheck": (article, linkcheck_intake.subscription(CLOCK), links),
    "notify": (changed, NotifyIntake(CLOCK, digest=False).subscription(), alerts),
}


@pytest.mark.parametrize("service", INTAKES)
def test_events(tmp_path_factory: pytest.TempPathFactory, service: str, trials: Trials):
    make, intake, dump = INTAKES[service]

    path = tmp_path_factory.mktemp("orders")

    @EXAMPLES
    @given(deliveries(), st.integers(1, 7))
    def same(order: list[tuple[int, int]], size: int) -> None:
        in_turn = [[raw(make, *one)] for one in sorted(set(order))]
        as_came = cut([raw(make, *one) for one in order], size)
        wanted = asyncio.run(handled(path, [service], intake, in_turn, dump))
        found = asyncio.run(handled(path, [service], intake, as_came, dump))
        assert any(wanted.values())
        with trials("reordered", f"{service}'s intake") as trial:
            for name, those in wanted.items():
                trial.compare(map(repr, those), map(repr, found[name]), name)

    same()


def submission(key: int, number: int) -> tuple[Submission, Delivery]:
    """Version `number` of an article as its CMS sends it; the CMS's own clock tells which is newer."""
    content = f"<p>Version {number} <a href='https://a.test/{key}/{number}'>says so</a> in the report.</p>"
    sent = Submission(
        source="test", url=f"https://news.test/{key}", external_id=str(key), content=content,
        modified_at=NOW + timedelta(minutes=number),
    )  # fmt: skip
    digest = hashlib.sha256(content.encode()).hexdigest()
    return sent, Delivery("test", f"msg_{key}_{number}", digest)


async def submitted(path: Path, order: Sequence[tuple[int, int]], together: int) -> State:
    db = await fresh(path, ["ingest"])
    try:
        intake = IngestIntake(db, CLOCK)
        for batch in cut(order, together):
            await asyncio.gather(*(intake.receive(*submission(*one)) for one in batch))
        kept = ingest_tables.articles
        skipped = {"version"}  # how many versions were taken depends on which were overtaken; the last one does not
        shown = [column for column in kept.c if column.name not in skipped]
        announced = await rows(db, sa.select(outbox.c.key, sa.func.json_extract(outbox.c.payload, "$.data.text")))
        return {"articles": await rows(db, sa.select(*shown)), "announced": announced}
    finally:
        await db.close()


def test_submissions(tmp_path_factory: pytest.TempPathFactory, trials: Trials):
    """Webhooks promise no order at all: also within an article the newest version wins, each is announced at most once."""

    path = tmp_path_factory.mktemp("orders")

    @EXAMPLES
    @given(deliveries(), st.randoms(use_true_random=False), st.integers(1, 4))
    def same(order: list[tuple[int, int]], shuffle: Any, together: int) -> None:
        overtaken = list(order)
        shuffle.shuffle(overtaken)
        wanted = asyncio.run(submitted(path, sorted(set(order)), 1))
        found = asyncio.run(submitted(path, overtaken, together))
        with trials("submissions-reordered", "ingest's intake") as trial:
            trial.compare(map(repr, wanted["articles"]), map(repr, found["articles"]), "articles")
            trial.compare(set(found["announced"]), found["announced"], "announcements")
        assert set(found["announced"]) <= set(wanted["announced"])

    same()
