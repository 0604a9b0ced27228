"""The event log: `publish` in the transaction of the cause; `open_log(...).run(Subscription(...))` in each consumer.

Embedded, the outbox table is itself the log (`database`); with a broker, a relay ships it to Kafka (`kafka`).
"""

from typing import TYPE_CHECKING

from shared.eventlog.outbox import publish
from shared.eventlog.port import BatchHandler, EventLog, Handler, LogRules, Subscription

if TYPE_CHECKING:
    from shared.clock import Clock
    from shared.db import Database
    from shared.settings import Settings

__all__ = ["BatchHandler", "EventLog", "Handler", "LogRules", "Subscription", "open_log", "publish"]


def open_log(
    settings: "Settings", db: "Database", *, clock: "Clock | None" = None, rules: LogRules | None = None
) -> EventLog:
    """The log that the settings ask for: Kafka where bootstrap servers are named, else the one in the database."""
    from shared.clock import SystemClock

    if settings.kafka_bootstrap_servers:
        from shared.eventlog.kafka import KafkaLog

        return KafkaLog(db, clock or SystemClock(), settings.kafka_bootstrap_servers, rules, settings.instance)
    from shared.eventlog.database import DatabaseLog

    return DatabaseLog(db, clock or SystemClock(), rules)
