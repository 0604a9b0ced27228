"""The log's tables. Every part of the system writes the outbox; only this package reads it."""

import sqlalchemy as sa

from shared.db import UtcDateTime, metadata

METADATA = metadata()
_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")

outbox = sa.Table(
    "eventlog_outbox",
    METADATA,
    sa.Column("position", _SERIAL, primary_key=True, autoincrement=True),
    sa.Column("event_id", sa.Text, nullable=False, unique=True),
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False, index=True),
    sqlite_autoincrement=True,  # positions of pruned rows are never given again
)
"""Events in the order they were committed; `payload` is the CloudEvent as it goes to Kafka."""

cursors = sa.Table(
    "eventlog_cursors",
    METADATA,
    sa.Column("consumer", sa.Text, primary_key=True),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("lease_token", sa.Text),
    sa.Column("leased_until", UtcDateTime),
    sa.Column("moved_at", UtcDateTime, nullable=False),
)
"""How far each consumer has read, and which process may read for it now."""

inbox = sa.Table(
    "eventlog_inbox",
    METADATA,
    sa.Column("consumer", sa.Text, primary_key=True),
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("handled_at", UtcDateTime, nullable=False, index=True),
)
"""Events that had their effect, written in the transaction of the effect."""

dead_letters = sa.Table(
    "eventlog_dead_letters",
    METADATA,
    sa.Column("id", _SERIAL, primary_key=True, autoincrement=True),
    sa.Column("consumer", sa.Text, nullable=False),
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("event_id", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.CheckConstraint("state IN ('dead', 'retry', 'handled', 'discarded')", name="state"),
    sa.Index("ix_eventlog_dead_letters_consumer_state", "consumer", "state"),
    sqlite_autoincrement=True,
)
"""What could not be handled: `retry` asks the consumer to try once more."""
