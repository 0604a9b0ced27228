"""The tables of the event log; they live in the database of the service that writes or reads events."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from shared.db import UtcDateTime, metadata

METADATA = metadata()
_Position = BigInteger().with_variant(Integer, "sqlite")

outbox = Table(
    "eventlog_outbox",
    METADATA,
    Column("position", _Position, primary_key=True, autoincrement=True),
    Column("event_id", String(40), nullable=False, unique=True),
    Column("topic", String(80), nullable=False),
    Column("key", String(80), nullable=False),
    Column("payload", Text, nullable=False),  # CloudEvent, structured JSON
    Column("created_at", UtcDateTime, nullable=False),
    Column("shipped_at", UtcDateTime),  # when the relay had Kafka's word for it
    Index("ix_eventlog_outbox_topic", "topic", "position"),
)

inbox = Table(
    "eventlog_inbox",
    METADATA,
    Column("consumer", String(40), primary_key=True),
    Column("event_id", String(80), primary_key=True),
    Column("handled_at", UtcDateTime, nullable=False),
    Index("ix_eventlog_inbox_handled", "handled_at"),
)

cursors = Table(
    "eventlog_cursors",
    METADATA,
    Column("consumer", String(40), primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("lease_token", String(40)),
    Column("leased_until", UtcDateTime),
)

dead_letters = Table(
    "eventlog_dead_letters",
    METADATA,
    Column("id", _Position, primary_key=True, autoincrement=True),
    Column("consumer", String(40), nullable=False),
    Column("topic", String(80), nullable=False),
    Column("event_id", String(80), nullable=False),
    Column("payload", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("replayed_at", UtcDateTime),
)
