"""The tables of notify. Nobody else reads or writes them.

routes ─< notices >─ alerts        an alert is the episode of one citation; a notice is its news for one route
            └─> messages ─< deliveries ─< attempts
groups (told when, by root cause) · mutes · channels (on or off) · duties (what is done once) · keys
"""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, text

from shared.db import Json, UtcDateTime, metadata

METADATA = metadata()

routes = Table(
    "notify_routes",
    METADATA,
    Column("route_id", String(40), primary_key=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("removed_at", UtcDateTime),
    Column("rules", Json, nullable=False),  # core.rules.Route without its id
)

alerts = Table(
    "notify_alerts",
    METADATA,
    Column("alert_id", String(40), primary_key=True),
    Column("citation_id", String(40), nullable=False),
    Column("article_id", String(40), nullable=False),
    Column("source", String(200), nullable=False),
    Column("link_id", String(40)),
    Column("host", Text),  # where the trouble may be the whole host's
    Column("cause", Text, nullable=False),
    Column("state", String(12), nullable=False),  # open | acknowledged | resolved
    Column("severity", String(10), nullable=False),
    Column("short", String(40), nullable=False),
    Column("peak", Integer, nullable=False),
    Column("flaps", Integer, nullable=False, default=0),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),  # of the last change
    Column("told_at", UtcDateTime),  # when the first message about it was written
    Column("acknowledged_at", UtcDateTime),
    Column("acknowledged_by", Text),
    Column("note", Text, nullable=False, default=""),
    Column("resolved_at", UtcDateTime),
    Column("resolution", String(12)),  # recovered | decided
    Column("opened", Json, nullable=False),  # CitationChanged
    Column("last", Json, nullable=False),  # CitationChanged
    Index("ix_notify_alerts_citation", "citation_id", "opened_at"),
    Index("ix_notify_alerts_state", "state", "alert_id"),
    Index(
        "uq_notify_alerts_running",
        "citation_id",
        unique=True,
        sqlite_where=text("state <> 'resolved'"),
        postgresql_where=text("state <> 'resolved'"),
    ),
)

messages = Table(
    "notify_messages",
    METADATA,
    Column("message_id", String(40), primary_key=True),
    Column("route_id", String(40), nullable=False),
    Column("kind", String(12), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("document", Json, nullable=False),  # core.message.Message
    Index("ix_notify_messages_route", "route_id", "created_at"),
)

notices = Table(
    "notify_notices",
    METADATA,
    Column("notice_id", Integer, primary_key=True, autoincrement=True),
    Column("alert_id", String(40), ForeignKey("notify_alerts.alert_id"), nullable=False),
    Column("route_id", String(40), nullable=False),
    Column("news", String(10), nullable=False),  # opened | worse | resolved
    Column("rank", Integer, nullable=False),
    Column("daily", Boolean, nullable=False, default=False),  # waits for the digest
    Column("created_at", UtcDateTime, nullable=False),
    Column("state", String(10), nullable=False),  # pending | told | dropped
    Column("message_id", String(40), ForeignKey("notify_messages.message_id")),
    Index("ix_notify_notices_pending", "state", "route_id"),
    Index("ix_notify_notices_alert", "alert_id", "route_id"),
    Index("ix_notify_notices_message", "message_id"),
)

groups = Table(
    "notify_groups",
    METADATA,
    Column("route_id", String(40), primary_key=True),
    Column("cause", String(400), primary_key=True),
    Column("times", Integer, nullable=False),
    Column("last_at", UtcDateTime, nullable=False),
)

deliveries = Table(
    "notify_deliveries",
    METADATA,
    Column("delivery_id", String(40), primary_key=True),
    Column("message_id", String(40), ForeignKey("notify_messages.message_id"), nullable=False),
    Column("channel", String(10), nullable=False),
    Column("recipient", Text, nullable=False),  # mail address; number of the Apprise URL; else empty
    Column("state", String(10), nullable=False),  # queued | claimed | sending; delivered | failed | uncertain | settled
    Column("tries", Integer, nullable=False, default=0),
    Column("due_at", UtcDateTime, nullable=False),
    Column("lease_token", String(40)),
    Column("leased_until", UtcDateTime),
    Column("detail", Text, nullable=False, default=""),
    Column("done_at", UtcDateTime),
    Column("settled_by", Text),
    Index("ix_notify_deliveries_due", "state", "due_at"),
    Index("ix_notify_deliveries_message", "message_id"),
)

attempts = Table(
    "notify_attempts",
    METADATA,
    Column("attempt_id", Integer, primary_key=True, autoincrement=True),
    Column("delivery_id", String(40), ForeignKey("notify_deliveries.delivery_id"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("result", String(10), nullable=False),  # delivered | retry | failed | uncertain
    Column("detail", Text, nullable=False),
    Index("ix_notify_attempts_delivery", "delivery_id"),
)

mutes = Table(
    "notify_mutes",
    METADATA,
    Column("mute_id", String(40), primary_key=True),
    Column("kind", String(12), nullable=False),  # citation | link | host | article | source | route | recipient
    Column("value", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("until", UtcDateTime),  # NULL: until somebody removes it
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Index("ix_notify_mutes_kind", "kind"),
)

channels = Table(
    "notify_channels",
    METADATA,
    Column("channel", String(10), primary_key=True),
    Column("address", String(64), nullable=False),  # digest of the configuration: a new one gets a new chance
    Column("failures", Integer, nullable=False, default=0),  # in a row
    Column("off_at", UtcDateTime),
    Column("probe_at", UtcDateTime),
    Column("detail", Text, nullable=False, default=""),
)

duties = Table(
    "notify_duties",
    METADATA,
    Column("duty", String(80), primary_key=True),
    Column("done_at", UtcDateTime, nullable=False),
)

keys = Table(
    "notify_keys",
    METADATA,
    Column("name", String(20), primary_key=True),
    Column("value", String(100), nullable=False),
)
