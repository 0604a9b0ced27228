"""One way to drive every adapter of the event log in tests."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.clock import SystemClock
from shared.db import Database
from shared.eventlog import EventLog, LogRules, Subscription, publish
from shared.eventlog.database import DatabaseLog
from shared.eventlog.kafka import KafkaLog, ensure_topics, replay
from shared.eventlog.kafka.client import Connection
from shared.eventlog.kafka.topics import dlq_of
from shared.eventlog.tables import dead_letters
from shared.events import TOPICS, Event, LinkChecked

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
TOPIC = LinkChecked.TOPIC
QUICK = LogRules(
    backoff=timedelta(milliseconds=20),
    backoff_cap=timedelta(seconds=1),
    poll=timedelta(milliseconds=10),
    brake=3,
    lease=timedelta(seconds=2),
)


def checked(number: int, key: str = "lnk_a") -> LinkChecked:
    return LinkChecked(
        link_id=key, check_id=f"chk_{number}", url="https://a.example/", final_url=None, checked_at=NOW, outcome="ok",
        reason="content", http_status=200, confidence=1, status="live",
    )  # fmt: skip


async def put(db: Database, *numbers: int, key: str = "lnk_a") -> None:
    async with db.write() as tx:
        await publish(tx, "/test", [checked(number, key) for number in numbers], NOW)


class Seen:
    """A handler that notes what it sees, and fails as told: number → exceptions, raised in turn."""

    def __init__(self, failures: dict[int, list[Exception]] | None = None) -> None:
        self.calls: list[int] = []
        self.numbers: list[int] = []
        self.failures = failures or {}

    async def __call__(self, tx: AsyncConnection, event: Event) -> None:
        data = event.payload()
        assert isinstance(data, LinkChecked)
        number = int(data.check_id.removeprefix("chk_"))
        self.calls.append(number)
        if waiting := self.failures.get(number):
            raise waiting.pop(0)
        self.numbers.append(number)

    def on(self, consumer: str = "c", topics: Sequence[str] = (TOPIC,)) -> Subscription:
        return Subscription(consumer, tuple(topics), self)


class Running:
    """A log with its consumers and its upkeep, running beside the test until the block ends."""

    def __init__(self, log: EventLog, *subscriptions: Subscription, upkeep: bool = True) -> None:
        self.log = log
        self.stop = asyncio.Event()
        self.tasks = [asyncio.create_task(log.run(each, self.stop)) for each in subscriptions]
        if upkeep:
            self.tasks.append(asyncio.create_task(log.maintain(self.stop)))

    async def __aenter__(self) -> "Running":
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stop.set()
        async with asyncio.timeout(20):
            await asyncio.gather(*self.tasks)

    async def cut(self) -> None:
        """End it as a crash would: no step is finished."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.tasks = []


def state(log: EventLog, consumer: str = "c") -> str:
    health = log.health.consumers.get(consumer)
    return health.state if health else ""


async def until(condition: Callable[[], object], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


class World:
    """A database and the adapter over it."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def log(self, rules: LogRules = QUICK, db: Database | None = None) -> EventLog:
        return DatabaseLog(db or self.db, SystemClock(), rules)

    async def dead(self) -> list[str]:
        """The errors of the dead letters."""
        async with self.db.read() as tx:
            asked = sa.select(dead_letters.c.error).where(dead_letters.c.state == "dead").order_by(dead_letters.c.id)
            return list((await tx.execute(asked)).scalars())

    async def replay(self) -> None:
        async with self.db.write() as tx:
            await tx.execute(sa.update(dead_letters).where(dead_letters.c.state == "dead").values(state="retry"))


class KafkaWorld(World):
    """The same over Kafka."""

    def __init__(self, db: Database, servers: Sequence[str]) -> None:
        super().__init__(db)
        self.servers = list(servers)

    def log(self, rules: LogRules = QUICK, db: Database | None = None) -> EventLog:
        return KafkaLog(db or self.db, SystemClock(), self.servers, rules)

    async def dead(self) -> list[str]:
        return [dict(letter.headers)["citewatch-error"].decode() for letter in await read(self.servers, dlq_of(TOPIC))]

    async def replay(self) -> None:
        await replay(self.servers, TOPIC)


async def read(servers: Sequence[str], topic: str) -> list:
    """All records of a topic."""
    records = []
    async with Connection(tuple(servers)).consumer("test-reader") as consumer:
        await consumer._client.add_topic(topic)
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        await consumer.seek_to_beginning(*partitions)
        while any([await consumer.position(partition) < end for partition, end in ends.items()]):
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                records += batch
    return records


async def fresh_topics(servers: Sequence[str]) -> None:
    """Make our topics, and empty them of what earlier tests left. Groups that read before go on from there."""
    assert await ensure_topics(servers) == []
    async with (
        Connection(tuple(servers)).consumer("test-reader") as consumer,
        Connection(tuple(servers)).admin() as admin,
    ):
        ends: dict[TopicPartition, int] = {}
        for topic in (*TOPICS, *map(dlq_of, TOPICS)):
            await consumer._client.add_topic(topic)
            ends |= await consumer.end_offsets(
                [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
            )
        await admin.delete_records({partition: RecordsToDelete(end) for partition, end in ends.items() if end})
