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
START_SECONDS = 10.0
SEND_SECONDS = 10.0
STOP_SECONDS = 3.0
"""With the broker gone the library's `send` and `stop` may wait for ever; ours do not."""


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
    """Where the brokers are, and who we are: `instance` names this replica for static group membership."""

    servers: tuple[str, ...]
    instance: str | None = None

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
            request_timeout_ms=int(SEND_SECONDS * 1000),
        )
        try:
            with translated("be reached"):
                await bounded(producer.start(), START_SECONDS)
            yield producer
        finally:
            await _stop_producer(producer)

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
            request_timeout_ms=int(SEND_SECONDS * 1000),
            session_timeout_ms=10_000,
            heartbeat_interval_ms=2_000,
            **options,
        )
        try:
            with translated("be reached"):
                await bounded(consumer.start(), START_SECONDS)
            yield consumer
        finally:
            with suppress(KafkaError, TimeoutError):
                await bounded(consumer.stop(), STOP_SECONDS)

    @asynccontextmanager
    async def admin(self) -> AsyncIterator[AIOKafkaAdminClient]:
        """For topics and their settings."""
        admin = AIOKafkaAdminClient(bootstrap_servers=list(self.servers), client_id="citewatch")
        try:
            with translated("be reached"):
                await bounded(admin.start(), START_SECONDS)
            yield admin
        finally:
            with suppress(KafkaError, TimeoutError):
                await bounded(admin.close(), STOP_SECONDS)


async def _stop_producer(producer: AIOKafkaProducer) -> None:
    with suppress(KafkaError):
        try:
            await bounded(producer.stop(), STOP_SECONDS)
        except TimeoutError:
            # `stop` waits for a flush that cannot be. Its parts can be closed without one, and what was not
            # acknowledged lies in the outbox still.
            await bounded(producer._sender.close(), STOP_SECONDS)
            await bounded(producer.client.close(), STOP_SECONDS)
