"""Linkcheck's intake: many articles together come to the same as one after another."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.linkcheck import intake, tables
from services.linkcheck.store import registry
from shared import migrate
from shared.db import Database
from shared.errors import Poison
from shared.eventlog import LogRules, publish
from shared.eventlog.database import DatabaseLog
from shared.eventlog.tables import dead_letters, outbox
from shared.events import ArticleReceived, CitedLink, decode
from shared.urls import link_id, parse
from tests.support.ingest import SetClock
from tests.support.logs import NOW

TARGETS = (
    "https://a.test/1", "https://a.test/1#part", "http://a.test:80/2", "http://user@b.test:8080/?utm_source=x&q=1",
    "https://Ä.test/ü", "ftp://c.test/x", "http://[::1]:81/", "mailto:x@y.test", None,
)  # fmt: skip


def article(number: int, version: int, targets: tuple[str | None, ...]) -> ArticleReceived:
    cited = tuple(
        CitedLink(
            citation_id=f"cit_{number}_{place}", claim=f"Claim {version}.", context="", anchor="", href=target or "#",
            target=target, missing=None if target else "placeholder", position=place,
        )
        for place, target in enumerate(targets)
    )  # fmt: skip
    return ArticleReceived(
        article_id=f"art_{number}", version=version, source="t", url=None, title=f"v{version}",
        received_at=datetime(2026, 11, 24, tzinfo=UTC), citations=cited, other_links=(),
    )  # fmt: skip


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    await migrate.upgrade(database, "eventlog", "linkcheck")
    yield database
    await database.close()


async def everything(db: Database) -> dict[str, list[dict[str, Any]]]:
    async with db.read() as tx:
        return {
            table.name: sorted((dict(row._mapping) for row in await tx.execute(sa.select(table))), key=repr)
            for table in (tables.articles, tables.links, tables.hosts, tables.citations)
        }


async def empty(db: Database) -> None:
    async with db.write() as tx:
        for table in (tables.citations, tables.links, tables.hosts, tables.articles):
            await tx.execute(sa.delete(table))


ARTICLES = st.builds(
    article, st.integers(1, 3), st.integers(1, 3), st.lists(st.sampled_from(TARGETS), max_size=3).map(tuple)
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(received=st.lists(ARTICLES, max_size=6))
def test_together_is_one_after_another(tmp_path_factory: pytest.TempPathFactory, received: list[ArticleReceived]):
    async def both(path: Path) -> None:
        db = Database(f"sqlite:///{path}/x.db")
        await migrate.upgrade(db, "linkcheck")
        async with db.write() as tx:
            for each in received:
                await registry.register(tx, [each], NOW)
        singly = await everything(db)
        await empty(db)
        async with db.write() as tx:
            await registry.register(tx, received, NOW)
        assert await everything(db) == singly
        await db.close()

    asyncio.run(both(tmp_path_factory.mktemp("intake")))


async def test_the_log_hands_over_a_batch(db: Database):
    async with db.write() as tx:
        await publish(tx, "/test", [article(number, 1, TARGETS) for number in range(50)], NOW)
    await DatabaseLog(db, SetClock(NOW), LogRules(batch=20)).drain(intake.subscription(SetClock(NOW)))
    found = await everything(db)
    assert len(found["linkcheck_articles"]) == 50
    assert len(found["linkcheck_citations"]) == 50 * len(TARGETS)
    assert {row["link_id"] for row in found["linkcheck_links"]} == {link_id(each) for each in TARGETS if each}
    for row in found["linkcheck_links"]:
        assert row["host"] == registry.authority(parse(row["url"]))


async def test_one_bad_event_of_a_batch_is_told_from_the_good(db: Database):
    async with db.write() as tx:
        await publish(tx, "/test", [article(number, 1, ()) for number in range(5)], NOW)
    async with db.write() as tx:
        bad = sa.func.replace(outbox.c.payload, '"version":1', '"version":"x"')
        await tx.execute(sa.update(outbox).where(outbox.c.position == 3).values(payload=bad))
    await DatabaseLog(db, SetClock(NOW)).drain(intake.subscription(SetClock(NOW)))
    assert len((await everything(db))["linkcheck_articles"]) == 4
    async with db.read() as tx:
        assert (await tx.execute(sa.select(dead_letters.c.position))).scalars().all() == [3]
    with pytest.raises(Poison):
        async with db.write() as tx:
            event = (await tx.execute(sa.select(outbox.c.payload).where(outbox.c.position == 3))).scalar_one()
            decode(event.encode()).payload()
