"""Kafka through what can happen to it: stopped, hung, killed, rebalanced, replayed, fed with rubbish."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError
from aiokafka.partitioner import DefaultPartitioner
from sqlalchemy.ext.asyncio import AsyncConnection

from deploy.local.kafka import Kafka
from shared import migrate
from shared.clock import SystemClock
from shared.db import Database
from shared.errors import Unavailable
from shared.eventlog import Subscription, publish
from shared.eventlog.kafka import KafkaLog, ensure_topics, replay
from shared.eventlog.kafka import consumer as kafka_consumer
from shared.eventlog.kafka.client import MAX_EVENT, Connection
from shared.eventlog.kafka.topics import PARTITIONS, Problem, dlq_of
from shared.eventlog.tables import inbox
from shared.events import TOPICS, Event, encode, envelope
from tests.support.faults import Trials
from tests.support.logs import (
    NOW,
    QUICK,
    TOPIC,
    KafkaWorld,
    Running,
    Seen,
    checked,
    fresh_topics,
    put,
    read,
    state,
    until,
)  # fmt: skip

pytestmark = pytest.mark.kafka
FORM = "the log on Kafka"


@pytest.fixture
async def world(database_url: str, kafka_server: Kafka) -> AsyncIterator[KafkaWorld]:
    db = Database(database_url)
    await migrate.upgrade(db, "eventlog")
    await fresh_topics(kafka_server.bootstrap.split(","))
    yield KafkaWorld(db, kafka_server.bootstrap.split(","))
    await db.close()


@pytest.fixture
async def fragile(database_url: str, kafka_alone: Kafka) -> AsyncIterator[KafkaWorld]:
    db = Database(database_url)
    await migrate.upgrade(db, "eventlog")
    await ensure_topics(kafka_alone.bootstrap.split(","))
    yield KafkaWorld(db, kafka_alone.bootstrap.split(","))
    await db.close()


async def produce(servers: list[str], *messages: tuple[bytes | None, bytes]) -> None:
    async with AIOKafkaProducer(bootstrap_servers=servers, max_request_size=70_000_000) as producer:
        for key, value in messages:
            await producer.send_and_wait(TOPIC, value, key=key)


def event(number: int, event_id: str, key: str = "lnk_a") -> bytes:
    return encode(envelope(checked(number, key), event_id=event_id, source="/test", time=NOW))


async def test_an_event_travels_as_a_structured_cloudevent(world: KafkaWorld):
    await put(world.db, 1)
    async with Running(world.log()):
        async with asyncio.timeout(20):
            while not (records := await read(world.servers, TOPIC)):
                await asyncio.sleep(0.05)
    (record,) = records
    assert dict(record.headers)["content-type"].startswith(b"application/cloudevents+json")
    assert record.key == b"lnk_a"
    sent = json.loads(record.value)
    assert (sent["specversion"], sent["type"], sent["subject"]) == ("1.0", "citewatch.link.checked.v1", "lnk_a")
    assert sent["traceparent"].startswith("00-")


POISON = {
    "bad JSON": (b"k", b"{not json"),
    "not a CloudEvent": (b"k", b'{"hello": 1}'),
    "empty": (b"k", b""),
    "not text": (b"k", b"\xff\xfe\x00\x80" * 100),
    "unknown version": (b"k", event(2, "evt_v").replace(b"checked.v1", b"checked.v9")),
    "data that does not fit": (b"k", event(2, "evt_d").replace(b'"http_status":200', b'"http_status":"x"')),
    "no key": (None, event(2, "evt_n")),
}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("poison", list(POISON))
async def test_poison_goes_to_the_dead_letters_whole(world: KafkaWorld, poison: str, trials: Trials):
    key, value = POISON[poison]
    await produce(world.servers, (b"lnk_a", event(1, "evt_1")), (key, value), (b"lnk_a", event(3, "evt_3")))
    seen = Seen()
    async with Running(world.log(), seen.on()):
        await until(lambda: seen.numbers[-1:] == [3] or {1, 3} <= set(seen.numbers))
        async with asyncio.timeout(10):
            while not (letters := await read(world.servers, dlq_of(TOPIC))):
                await asyncio.sleep(0.05)
    (letter,) = letters
    headers = dict(letter.headers)
    assert (letter.key, letter.value) == (key, value)
    assert headers["citewatch-consumer"] == b"c"
    assert headers["citewatch-position"].startswith(f"{TOPIC}[".encode())
    assert headers["citewatch-error"]
    with trials("poison", FORM) as trial:
        trial.compare({1, 3}, set(seen.numbers), "events")
        trial.compare([value], [letter.value], "dead letters")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_fifty_megabytes_are_a_dead_letter_too(fragile: KafkaWorld, trials: Trials):
    """A topic that somebody let take more than ours do: the broker would refuse it otherwise."""
    from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

    async with Connection(tuple(fragile.servers)).admin() as admin:
        setting = {"max.message.bytes": "60000000"}
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, TOPIC, setting)])
    huge = b"[" + b"1" * 50_000_000 + b"]"
    async with asyncio.timeout(20):
        while True:
            try:
                await produce(fragile.servers, (b"k", huge))
                break
            except MessageSizeTooLargeError:  # the broker's metadata follow a little later
                await asyncio.sleep(0.2)
    await produce(fragile.servers, (b"lnk_a", event(1, "evt_1")))
    seen = Seen()
    async with Running(fragile.log(), seen.on()):
        await until(lambda: seen.numbers == [1], 60)
        async with asyncio.timeout(30):
            while not (letters := await read(fragile.servers, dlq_of(TOPIC))):
                await asyncio.sleep(0.1)
    with trials("poison", FORM) as trial:
        trial.compare([huge[:9], 1], [letters[0].value[:9], *seen.numbers])
    assert letters[0].value == huge
    assert str(MAX_EVENT).encode() in dict(letters[0].headers)["citewatch-error"]


async def test_dead_letters_can_be_discarded(world: KafkaWorld):
    await produce(world.servers, (b"k", b"rubbish"), (b"k", b"more"))
    async with Running(world.log(), Seen().on()):
        async with asyncio.timeout(10):
            while len(await read(world.servers, dlq_of(TOPIC))) < 2:
                await asyncio.sleep(0.05)
    assert await replay(world.servers, TOPIC, discard=True) == 2
    assert await replay(world.servers, TOPIC) == 0
    assert len(await read(world.servers, TOPIC)) == 2


async def test_a_topic_replayed_from_zero_changes_nothing(world: KafkaWorld, trials: Trials):
    await put(world.db, *range(20))
    seen = Seen()
    async with Running(world.log(), seen.on()):
        await until(lambda: len(seen.numbers) == 20)
    async with Connection(tuple(world.servers)).consumer("citewatch.c") as rewind:
        from aiokafka import TopicPartition

        await rewind._client.add_topic(TOPIC)
        zero = {TopicPartition(TOPIC, number): 0 for number in rewind.partitions_for_topic(TOPIC) or ()}
        rewind.assign(list(zero))
        await rewind.commit(zero)
    await put(world.db, 20)
    async with Running(world.log(), seen.on()):
        await until(lambda: 20 in seen.numbers)
    with trials("replay", FORM) as trial:
        trial.compare(range(21), seen.calls)
    assert seen.calls == list(range(21))


async def test_the_broker_stops_for_a_while(fragile: KafkaWorld, kafka_alone: Kafka, trials: Trials):
    node = kafka_alone.nodes[0]
    seen, log = Seen(), fragile.log()
    async with Running(log, seen.on()):
        await put(fragile.db, 0)
        await until(lambda: seen.numbers == [0])
        await asyncio.to_thread(node.program.stop)
        await put(fragile.db, *range(1, 50))  # publishing needs no broker
        await until(lambda: state(log, "relay") == "waiting", 40)
        assert not log.health.ready
        await asyncio.to_thread(node.start)
        with trials("broker-away", FORM) as trial:
            trial.mended()
            await until(lambda: len(seen.numbers) == 50, 60)
            await until(lambda: log.health.ready, 30)
            trial.recovered()
            trial.compare(range(50), seen.numbers)
    assert seen.numbers == list(range(50))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_broker_hangs_and_a_shutdown_is_quick_meanwhile(
    fragile: KafkaWorld, kafka_alone: Kafka, trials: Trials
):
    node = kafka_alone.nodes[0]
    seen, log = Seen(), fragile.log()
    running = Running(log, seen.on())
    async with running:
        await put(fragile.db, 0)
        await until(lambda: seen.numbers == [0])
        node.program.send(signal.SIGSTOP)
        await put(fragile.db, *range(1, 50))
        await asyncio.sleep(1)
        begun = asyncio.get_running_loop().time()
        running.stop.set()
        await asyncio.gather(*running.tasks)
        assert asyncio.get_running_loop().time() - begun <= 10
        running.tasks = []
    node.program.send(signal.SIGCONT)
    with trials("broker-hangs", FORM) as trial:
        trial.mended()
        async with Running(fragile.log(), seen.on()):
            await until(lambda: len(seen.numbers) == 50, 60)
        trial.recovered()
        trial.compare(range(50), seen.numbers)
    assert seen.numbers == list(range(50))


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_leader_of_three_is_killed_under_load(database_url: str, kafka_cluster: Kafka, trials: Trials):
    servers = kafka_cluster.bootstrap.split(",")
    db = Database(database_url)
    await migrate.upgrade(db, "eventlog")
    await ensure_topics(servers)
    seen, log = Seen(), KafkaLog(db, SystemClock(), servers, QUICK)
    async with Running(log, seen.on()):
        await put(db, 0)
        await until(lambda: seen.numbers == [0], 40)
        for number in range(1, 101):
            await put(db, number)
            if number == 30:
                await asyncio.to_thread(kafka_cluster.nodes[0].program.kill)
            await asyncio.sleep(0.01)
        with trials("leader-killed", FORM) as trial:
            trial.mended()
            await until(lambda: len(seen.numbers) == 101, 60)
            trial.recovered()
            trial.compare(range(101), seen.numbers)
    await db.close()
    assert seen.numbers == list(range(101)), "nothing lost, nothing twice, in order"


async def test_a_rebalance_in_mid_batch_doubles_nothing(world: KafkaWorld, database_url: str, trials: Trials):
    other = Database(database_url)
    done: list[int] = []

    def slow() -> Subscription:
        async def handler(tx: AsyncConnection, event: Event) -> None:
            await asyncio.sleep(0.02)
            done.append(int(event.data["check_id"].removeprefix("chk_")))

        return Subscription("c", (TOPIC,), handler)

    for key in range(10):
        await put(world.db, *range(key * 10, key * 10 + 10), key=f"lnk_{key}")
    async with Running(world.log(), slow()):
        await until(lambda: len(done) > 3)
        async with Running(world.log(db=other), slow(), upkeep=False):  # joins while the first is in a batch
            await until(lambda: len(done) >= 100, 40)
            await asyncio.sleep(0.3)
    async with world.db.read() as tx:
        marks = (await tx.execute(sa.select(sa.func.count()).select_from(inbox))).scalar_one()
    await other.close()
    assert marks == 100
    with trials("rebalance", FORM) as trial:
        trial.compare(range(100), done)
    for key in range(10):
        mine = [number for number in done if number // 10 == key]
        assert mine == sorted(mine)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite has one writer, who waits
@pytest.mark.parametrize("away", [False, True])
async def test_a_batch_that_waits_holds_up_its_own_lane_alone(world: KafkaWorld, away: bool):
    done: dict[str, list[int]] = {}
    go = asyncio.Event()

    async def handler(tx: AsyncConnection, event: Event) -> None:
        if event.subject == "lnk_0" and not go.is_set():
            if away:
                raise Unavailable("what this one needs is away")
            await go.wait()
        await asyncio.sleep(0)
        done.setdefault(event.subject, []).append(int(event.data["check_id"].removeprefix("chk_")))

    for number in range(10):
        async with world.db.write() as tx:
            await publish(tx, "/test", [checked(number, f"lnk_{key}") for key in range(60)], NOW)
    lane = {key: _partition_of(key) % kafka_consumer._LANES for key in map("lnk_{}".format, range(60))}
    others = {key for key in lane if lane[key] != lane["lnk_0"]}
    assert others
    async with Running(world.log(), Subscription("c", (TOPIC,), handler)):
        await until(lambda: all(len(done.get(key, ())) == 10 for key in others))
        assert "lnk_0" not in done
        go.set()
        await until(lambda: all(len(done.get(key, ())) >= 10 for key in lane))
        await asyncio.sleep(0.2)
    if away:  # what came with it in one transaction was undone with it, and done again
        done = {key: numbers[-10:] for key, numbers in done.items()}
    assert done == {key: list(range(10)) for key in lane}
    async with world.db.read() as tx:
        assert (await tx.execute(sa.select(sa.func.count()).select_from(inbox))).scalar_one() == 600


def _partition_of(key: str) -> int:
    return int(DefaultPartitioner()(key.encode(), list(range(PARTITIONS)), list(range(PARTITIONS))))


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_work_longer_than_the_poll_interval_is_fenced_off(
    world: KafkaWorld, database_url: str, monkeypatch: pytest.MonkeyPatch, trials: Trials
):
    """A member so slow that its partition is given away: what both handle has one effect."""
    monkeypatch.setattr(kafka_consumer, "_PATIENCE_MS", 1000)
    monkeypatch.setattr(kafka_consumer, "_REBALANCE_SECONDS", 0.2)
    other = Database(database_url)
    effects = sa.Table("effects", sa.MetaData(), sa.Column("n", sa.Integer))
    async with world.db.write() as tx:
        await tx.run_sync(effects.metadata.create_all)
    calls: list[str] = []

    def subscription(name: str, seconds: float) -> Subscription:
        async def handler(tx: AsyncConnection, event: Event) -> None:
            calls.append(name)
            await asyncio.sleep(seconds)
            await tx.execute(sa.insert(effects).values(n=int(event.data["check_id"].removeprefix("chk_"))))

        return Subscription("c", (TOPIC,), handler)

    await put(world.db, 1)
    async with Running(world.log(), subscription("slow", 6)):
        await until(lambda: calls == ["slow"])
        async with Running(world.log(db=other), subscription("quick", 0), upkeep=False):
            await asyncio.sleep(7)
            await put(world.db, 2)
            async with asyncio.timeout(20):
                while True:
                    async with world.db.read() as tx:
                        rows = sorted((await tx.execute(sa.select(effects.c.n))).scalars())
                    if 2 in rows:
                        break
                    await asyncio.sleep(0.1)
    await other.close()
    with trials("slow-member", FORM) as trial:
        trial.compare([1, 2], rows)


async def test_oversized_events_of_ours_do_not_stop_the_relay(world: KafkaWorld):
    async with world.db.write() as tx:
        await publish(tx, "/test", checked(1).model_copy(update={"url": "x" * (MAX_EVENT + 1)}), NOW)
    await put(world.db, 2)
    seen = Seen()
    async with Running(world.log(), seen.on()):
        await until(lambda: seen.numbers == [2])


async def test_topics_are_checked(kafka_alone: Kafka):
    servers = kafka_alone.bootstrap.split(",")
    assert await ensure_topics(servers) == []
    assert await ensure_topics(servers) == [], "twice is no problem"
    async with Connection(tuple(servers)).admin() as admin:
        made = {topic["topic"]: len(topic["partitions"]) for topic in await admin.describe_topics()}
        assert made.items() >= (dict.fromkeys(TOPICS, PARTITIONS) | {dlq_of(topic): 1 for topic in TOPICS}).items()
        from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, TOPIC, {"retention.ms": "1000"})])
    async with asyncio.timeout(10):  # the broker's metadata follow a little later
        while not (problems := await ensure_topics(servers)):
            await asyncio.sleep(0.05)
    assert Problem(TOPIC, "retention.ms is 1000, not 604800000") in problems


def test_marks_outlive_events() -> None:
    """Else a replay from zero would repeat effects."""
    assert timedelta(days=7) < QUICK.keep_inbox
