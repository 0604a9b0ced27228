"""The tables of ingest. Nobody else reads or writes them."""

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, Text

from shared.db import Json, UtcDateTime, metadata

METADATA = metadata()

articles = Table(
    "ingest_articles",
    METADATA,
    Column("article_id", String(40), primary_key=True),
    Column("source", String(200), nullable=False),
    Column("external_id", Text),
    Column("url", Text),
    Column("version", Integer, nullable=False),  # 0: announced by URL, not fetched yet
    Column("digest", String(64), nullable=False),  # of the revision; empty while version is 0
    Column("title", Text, nullable=False),
    Column("authors", Json, nullable=False),
    Column("published_at", UtcDateTime),
    Column("modified_at", UtcDateTime),  # the sender's own clock: an older delivery that comes late is told by it
    Column("tags", Json, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("citations", Json, nullable=False),  # as published
    Column("other_links", Json, nullable=False),
    Column("citation_count", Integer, nullable=False),
    Column("other_link_count", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("announced", Json),  # what the sender of a URL alone said about the article
    Column("problem", Text),  # why the last fetch of a URL failed
    Column("fetch_at", UtcDateTime),  # when to fetch the URL (again)
    Column("fetch_tries", Integer, nullable=False),
    Index("ix_ingest_articles_received", "received_at", "article_id"),
    Index("ix_ingest_articles_fetch", "fetch_at"),
)

citations = Table(
    "ingest_citations",
    METADATA,
    Column("citation_id", String(40), primary_key=True),
    Column("article_id", String(40), ForeignKey("ingest_articles.article_id"), nullable=False),
)

overrides = Table(
    "ingest_overrides",
    METADATA,
    Column("citation_id", String(40), primary_key=True),
    Column("article_id", String(40), ForeignKey("ingest_articles.article_id"), nullable=False),
    Column("target", Text, nullable=False),
    Column("set_at", UtcDateTime, nullable=False),
    Index("ix_ingest_overrides_article", "article_id"),
)

deliveries = Table(
    "ingest_deliveries",
    METADATA,
    Column("source", String(20), primary_key=True),
    Column("webhook_id", String(255), primary_key=True),
    Column("body_sha256", String(64), nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("answer", Json),  # what the first delivery was told
    Index("ix_ingest_deliveries_received", "received_at"),
)
