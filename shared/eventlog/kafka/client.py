"""Connections to Kafka with the settings that make it lose nothing, bounded wherever the library may hang."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from shared.errors import Unavailable

T = TypeVar("T")

MAX_EVENT = 8 * 1024 * 1024
"""Bytes of an event we ship or take. The topics allow a little more, the dead letters much more."""
MAX_LETTER = 64 * 1024 * 1024
_STOP_SECONDS = 3.0
"""With the broker gone the library's `stop` may wait for ever; ours does not."""


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Kafka's errors, and time running out, become `Unavailable`."""
    try:
        yield
    except (KafkaError, TimeoutError, OSError) as error:
        raise Unavailable(f"Kafka cannot {doing}: {type(error).__name__} {error}".rstrip()) from error


async def bounded(step: Awaitable[T], seconds: float) -> T:
    """Await at most so long; raises `TimeoutError`."""
    async with asyncio.timeout(seconds):
        return await step


@dataclass(frozen=True)
class Connection:
    """Where the brokers are, who we are, and how long an answer may take.

    `instance` names this replica for static group membership.
    """

    servers: tuple[str, ...]
    instance: str | None = None
    seconds: float = 10.0

    @asynccontextmanager
    async def producer(self, max_bytes: int = MAX_EVENT) -> AsyncIterator[AIOKafkaProducer]:
        """An idempotent producer that waits for all replicas in sync."""
        producer = AIOKafkaProducer(
            bootstrap_servers=list(self.servers),
            client_id="citewatch",
            acks="all",
            enable_idempotence=True,
            max_request_size=max_bytes + 1024 * 1024,
            max_batch_size=256 * 1024,
            request_timeout_ms=int(self.seconds * 1000),
        )
        try:
            with translated("be reached"):
                await bounded(producer.start(), self.seconds)
            yield producer
        finally:
            await _stop(producer, producer.client, producer._sender)

    @asynccontextmanager
    async def consumer(self, group: str, *topics: str, **options: Any) -> AsyncIterator[AIOKafkaConsumer]:
        """A member of a group that commits by itself what it has done; without topics, one that is assigned by hand."""
        consumer = AIOKafkaConsumer(
            *topics,
            bootstrap_servers=list(self.servers),
            client_id="citewatch",
            group_id=group,
            group_instance_id=f"{self.instance}.{group}" if self.instance and topics else None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            max_partition_fetch_bytes=MAX_EVENT,
            request_timeout_ms=int(self.seconds * 1000),
            session_timeout_ms=10_000,
            heartbeat_interval_ms=2_000,
            **options,
        )
        try:
            with translated("be reached"):
                await bounded(consumer.start(), self.seconds)
            yield consumer
        finally:
            await _stop(consumer, consumer._client, consumer._coordinator, consumer._fetcher)

    @asynccontextmanager
    async def admin(self) -> AsyncIterator[AIOKafkaAdminClient]:
        """For topics and their settings."""
        admin = AIOKafkaAdminClient(bootstrap_servers=list(self.servers), client_id="citewatch")
        try:
            with translated("be reached"):
                await bounded(admin.start(), self.seconds)
            yield admin
        finally:
            with suppress(KafkaError, TimeoutError):
                await bounded(admin.close(), _STOP_SECONDS)


async def _stop(actor: Any, client: Any, *parts: Any) -> None:
    """Stop it. Where that hangs, waiting for a flush or a farewell that cannot be, nothing of it may live on:
    a member that nobody reads from would keep its partitions once the broker is back.
    """
    with suppress(KafkaError, TimeoutError):
        try:
            await bounded(actor.stop(), _STOP_SECONDS)
        except TimeoutError:
            if tasks := _cancelled(client, *parts):
                await asyncio.wait(tasks, timeout=_STOP_SECONDS / 3)
            await bounded(client.close(), _STOP_SECONDS)


def _cancelled(*parts: Any) -> list["asyncio.Task[Any]"]:
    """Cancel the background tasks that the parts of a client hold."""
    held = [value for part in parts if part is not None for value in vars(part).values()]
    inner = [each for value in held if isinstance(value, set | list | dict) for each in value]
    tasks = [task for task in (*held, *inner) if isinstance(task, asyncio.Task) and not task.done()]
    for task in tasks:
        task.cancel()
    return tasks
