"""The topics: made and checked at the start, never by accident; and what to do with dead letters."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code

from shared.eventlog.kafka.client import MAX_EVENT, MAX_LETTER, Connection, bounded, translated
from shared.events import TOPICS

PARTITIONS = 12
"""Of each topic: the most processes that can share one consumer's work. Changing it moves keys: choose once."""
REPLICAS = 3
"""Copies of each partition, where there are as many brokers; then two must have an event before it counts."""
_DAY_MS = 24 * 3600 * 1000
_EXISTS = 36
_REPLAY_GROUP = "citewatch.replay"


def dlq_of(topic: str) -> str:
    """The topic of a topic's dead letters."""
    return f"{topic}.dlq"


def group_of(consumer: str) -> str:
    """The consumer group that reads for a consumer."""
    return f"citewatch.{consumer}"


@dataclass(frozen=True)
class Problem:
    """A topic that is not as it should be, in plain words."""

    topic: str
    what: str


def _settings(topic: str, brokers: int) -> dict[str, str]:
    """Events stay shorter than the consumers' marks of them (`LogRules.keep_inbox`); dead letters as long as those."""
    dead = topic.endswith(".dlq")
    return {
        "cleanup.policy": "delete",
        "retention.ms": str((30 if dead else 7) * _DAY_MS),
        "max.message.bytes": str((MAX_LETTER if dead else MAX_EVENT) + 1024 * 1024),
        "min.insync.replicas": "2" if brokers >= REPLICAS else "1",
    }


async def ensure_topics(servers: Sequence[str], topics: Sequence[str] = TOPICS) -> list[Problem]:
    """Make the topics and their dead letters' where they are missing. Returns what is wrong with those that were there.

    Raises `Unavailable` when no broker answers.
    """
    connection = Connection(tuple(servers))
    async with connection.admin() as admin:
        with translated("make topics"):
            return await bounded(_ensure(admin, topics), 3 * connection.seconds)


async def _ensure(admin: AIOKafkaAdminClient, topics: Sequence[str]) -> list[Problem]:
    brokers = len((await admin.describe_cluster())["brokers"])
    wanted = dict.fromkeys(topics, PARTITIONS) | {dlq_of(topic): 1 for topic in topics}
    new = [
        NewTopic(topic, count, min(REPLICAS, brokers), topic_configs=_settings(topic, brokers))
        for topic, count in wanted.items()
    ]
    made = await admin.create_topics(new)
    for _topic, code, *detail in made.topic_errors:
        if code not in (0, _EXISTS):
            raise for_code(code)(*detail)
    there = [topic for topic, code, *_ in made.topic_errors if code == _EXISTS]
    return await _check(admin, {topic: wanted[topic] for topic in there}, brokers) if there else []


async def _check(admin: AIOKafkaAdminClient, wanted: dict[str, int], brokers: int) -> list[Problem]:
    problems = []
    for topic in await admin.describe_topics(list(wanted)):
        if len(topic["partitions"]) != wanted[topic["topic"]]:
            what = f"has {len(topic['partitions'])} partitions, not {wanted[topic['topic']]}"
            problems.append(Problem(topic["topic"], what))
    asked = [ConfigResource(ConfigResourceType.TOPIC, topic, _settings(topic, brokers)) for topic in wanted]
    for answer in await admin.describe_configs(asked):
        for _code, _message, _kind, topic, entries in answer.resources:
            found = {entry[0]: entry[1] for entry in entries}
            problems += [
                Problem(topic, f"{key} is {found.get(key)}, not {value}")
                for key, value in _settings(topic, brokers).items()
                if found.get(key) != value
            ]
    return problems


async def replay(servers: Sequence[str], topic: str, *, discard: bool = False) -> int:
    """Put the dead letters of a topic back into it, or pass them over. Returns how many.

    Consumers that have handled an event drop it; the one that could not tries again.
    """
    connection = Connection(tuple(servers))
    done = 0
    async with (
        connection.consumer(_REPLAY_GROUP) as consumer,
        connection.producer(MAX_LETTER) as producer,
    ):
        with translated("replay dead letters"):
            ends = await bounded(_assign(consumer, dlq_of(topic)), connection.seconds)
            for partition, end in ends.items():
                while await consumer.position(partition) < end:
                    letters = await bounded(consumer.getone(partition), connection.seconds)
                    if not discard:
                        sent = producer.send_and_wait(topic, letters.value, key=letters.key)
                        await bounded(sent, connection.seconds)
                    done += 1
                    await bounded(consumer.commit({partition: letters.offset + 1}), connection.seconds)
    return done


async def _assign(consumer: AIOKafkaConsumer, topic: str) -> dict[TopicPartition, int]:
    """Take a topic's partitions by hand, from where the last replay ended. Returns their present ends."""
    await consumer._client.add_topic(topic)
    count = consumer.partitions_for_topic(topic) or {0}
    partitions = [TopicPartition(topic, number) for number in sorted(count)]
    consumer.assign(partitions)
    return dict(await consumer.end_offsets(partitions))


async def unreplayed(connection: Connection, topics: Sequence[str]) -> int:
    """Dead letters of these topics that nobody has replayed or discarded."""
    waiting = 0
    async with connection.consumer(_REPLAY_GROUP) as consumer:
        with translated("count dead letters"):
            for topic in topics:
                ends = await bounded(_assign(consumer, dlq_of(topic)), connection.seconds)
                starts = await bounded(consumer.beginning_offsets(list(ends)), connection.seconds)
                for partition, end in ends.items():
                    passed = await bounded(consumer.committed(partition), connection.seconds)
                    waiting += max(0, end - max(passed or 0, starts[partition]))
    return waiting


async def lag(connection: Connection, consumer: AIOKafkaConsumer) -> dict[str, int]:
    """Events before a member of a group, by topic, in the partitions that it has."""
    partitions = list(consumer.assignment())
    ends = await bounded(consumer.end_offsets(partitions), connection.seconds) if partitions else {}
    ahead: dict[str, int] = {}
    for partition, end in ends.items():
        place = await bounded(consumer.position(partition), connection.seconds)
        ahead[partition.topic] = ahead.get(partition.topic, 0) + max(0, end - place)
    return ahead


__all__ = ["Problem", "dlq_of", "ensure_topics", "group_of", "lag", "replay", "unreplayed"]
