"""The tables of linkcheck. Nobody else reads or writes them.

articles ─< citations >─ links >─ hosts
               │           └─< checks ─ snapshots
               └─< history, reviews     saves: at most one a link
"""

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, String, Table, Text

from shared.db import Json, UtcDateTime, metadata

METADATA = metadata()

hosts = Table(
    "linkcheck_hosts",
    METADATA,
    Column("host", String(300), primary_key=True),  # authority: host, or host:port
    Column("due_at", UtcDateTime),  # the earliest due link; NULL: none
    Column("lease_token", String(40)),
    Column("leased_until", UtcDateTime),
    Column("not_before", UtcDateTime),  # Retry-After, back-off of a host that is down
    Column("probe", Json),  # what the host answers for a path that cannot exist
    Column("probed_at", UtcDateTime),
    Index("ix_linkcheck_hosts_due", "due_at"),
)

links = Table(
    "linkcheck_links",
    METADATA,
    Column("link_id", String(40), primary_key=True),
    Column("url", Text, nullable=False),
    Column("host", String(300), ForeignKey("linkcheck_hosts.host"), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime),
    Column("status", String(12), nullable=False, default="pending"),
    Column("failures", Integer, nullable=False, default=0),
    Column("failing_since", UtcDateTime),
    Column("last_good_at", UtcDateTime),
    Column("walled_since", UtcDateTime),
    Column("flaps", Integer, nullable=False, default=0),
    Column("outcome", String(20)),
    Column("reason", String(40)),
    Column("confidence", Float),
    Column("http_status", Integer),
    Column("final_url", Text),
    Column("check_id", String(40)),
    Column("checked_at", UtcDateTime),
    Column("snapshot_id", String(40)),  # the last capture
    Column("good_snapshot_id", String(40)),  # the last capture that was judged good
    Column("etag", Text),
    Column("last_modified", Text),
    Column("recent", Json),  # [[checked_at, outcome], …] latest first, at most 12
    Column("titles", Json),  # {title: times seen}, at most 8
    Column("changes_seen", Integer, nullable=False, default=0),
    Column("checks_made", Integer, nullable=False, default=0),
    Index("ix_linkcheck_links_host_due", "host", "due_at"),
    Index("ix_linkcheck_links_status", "status", "link_id"),
)

checks = Table(
    "linkcheck_checks",
    METADATA,
    Column("check_id", String(40), primary_key=True),
    Column("link_id", String(40), ForeignKey("linkcheck_links.link_id"), nullable=False),
    Column("checked_at", UtcDateTime, nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("reason", String(40), nullable=False),
    Column("confidence", Float, nullable=False),
    Column("http_status", Integer),
    Column("final_url", Text),
    Column("hops", Json, nullable=False),  # [[url, status, address], …]
    Column("signals", Json, nullable=False),  # [[name, text, weight], …]
    Column("detail", Text),  # why there is no answer, in plain words
    Column("truncated", String(12)),
    Column("seconds", Float, nullable=False),
    Column("snapshot_id", String(40)),
    Index("ix_linkcheck_checks_link", "link_id", "checked_at"),
)

snapshots = Table(
    "linkcheck_snapshots",
    METADATA,
    Column("snapshot_id", String(40), primary_key=True),
    Column("link_id", String(40), ForeignKey("linkcheck_links.link_id"), nullable=False),
    Column("captured_at", UtcDateTime, nullable=False),
    Column("kind", String(12), nullable=False),  # response | revisit | memento
    Column("source", Text),  # address of the memento, when another archive captured it
    Column("warc_key", Text, nullable=False),
    Column("warc_sha256", String(64), nullable=False),
    Column("warc_bytes", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),  # of the payload as sent
    Column("length", Integer, nullable=False),
    Column("url", Text, nullable=False),  # of the final answer
    Column("http_status", Integer),
    Column("media_type", String(120)),
    Column("truncated", String(12)),
    Column("text_key", Text),  # the Page in the archive
    Column("payload_of", String(40)),  # revisit: the snapshot that holds the payload
    Column("previous_sha256", String(64)),  # hash chain over the captures of a link
    Index("ix_linkcheck_snapshots_link", "link_id", "captured_at"),
)

saves = Table(
    "linkcheck_saves",
    METADATA,
    Column("link_id", String(40), ForeignKey("linkcheck_links.link_id"), primary_key=True),
    Column("state", String(12), nullable=False),  # waiting | asked | saved | failed
    Column("tries", Integer, nullable=False),
    Column("wished_at", UtcDateTime, nullable=False),
    Column("asked_at", UtcDateTime),
    Column("due_at", UtcDateTime),  # NULL: nothing more is asked
    Column("job_id", Text),
    Column("memento", Text),
    Column("detail", Text),
    Index("ix_linkcheck_saves_due", "due_at"),
)

articles = Table(
    "linkcheck_articles",
    METADATA,
    Column("article_id", String(40), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("source", String(200), nullable=False),
    Column("url", Text),
    Column("title", Text, nullable=False),
    Column("authors", Json, nullable=False),
    Column("published_at", UtcDateTime),
    Column("tags", Json, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("other_links", Json, nullable=False),
    Column("text", Text, nullable=False),
    Column("kind", String(20), nullable=False, server_default="text/html"),
    Column("written", Text, nullable=False, server_default=""),  # as it was sent, packed
    Index("ix_linkcheck_articles_received", "received_at", "article_id"),
    Index("ix_linkcheck_articles_source", "source", "published_at"),
)

citations = Table(
    "linkcheck_citations",
    METADATA,
    Column("citation_id", String(40), primary_key=True),
    Column("article_id", String(40), ForeignKey("linkcheck_articles.article_id"), nullable=False),
    Column("link_id", String(40), ForeignKey("linkcheck_links.link_id")),
    Column("present", Boolean, nullable=False, default=True),  # in the current version of the article
    Column("position", Integer, nullable=False),
    Column("claim", Text, nullable=False),
    Column("context", Text, nullable=False),
    Column("anchor", Text, nullable=False),
    Column("href", Text, nullable=False),
    Column("target", Text),
    Column("missing", String(12)),
    Column("support", String(12), nullable=False),
    Column("changes", Json, nullable=False),
    Column("health", String(12), nullable=False),
    Column("link_status", String(12), nullable=False),  # as of the last check
    Column("outcome", String(20)),
    Column("reason", String(40)),
    Column("since", UtcDateTime),  # when the present support was first seen
    Column("seen_at", UtcDateTime),  # when it was last seen to hold
    Column("intact_at", UtcDateTime),  # when the passage was last seen as it was
    Column("baseline_snapshot_id", String(40)),
    Column("baseline", Json),  # Quote: what supported the claim when cited
    Column("passage", Json),  # Quote: what stands there now
    Column("snapshot_id", String(40)),  # the capture behind the present support
    Column("diff", Json, nullable=False),
    Column("notes", Json, nullable=False),
    Column("checked", Boolean, nullable=False, default=False),
    Column("recent", String(12), nullable=False, default="", server_default=""),  # signs of the last checks (core.calm)
    Column("rejected", String(80)),  # fingerprint of a verdict that an editor called wrong
    Column("search_at", UtcDateTime),  # when web archives are to be asked (again); NULL: they need not be
    Column("search_tries", Integer, nullable=False, server_default="0"),
    Column("searched_at", UtcDateTime),  # when they answered
    Column("mementos", Json),  # [Memento, …] what they hold nearest to the article's date, the nearest first
    Column("memento_snapshot_id", String(40)),  # a memento brought home, not yet weighed as the baseline
    Index("ix_linkcheck_citations_link", "link_id"),
    Index("ix_linkcheck_citations_article", "article_id", "position"),
    Index("ix_linkcheck_citations_health", "health"),
    Index("ix_linkcheck_citations_search", "search_at"),
)

history = Table(
    "linkcheck_history",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("citation_id", String(40), ForeignKey("linkcheck_citations.citation_id"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("check_id", String(40)),
    Column("before", Json, nullable=False),  # CitationState
    Column("after", Json, nullable=False),  # CitationState
    Column("severity", String(10), nullable=False),
    Index("ix_linkcheck_history_citation", "citation_id", "id"),
)

reviews = Table(
    "linkcheck_reviews",
    METADATA,
    Column("review_id", String(40), primary_key=True),
    Column("citation_id", String(40), ForeignKey("linkcheck_citations.citation_id"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("by", String(200), nullable=False),
    Column("decision", String(10), nullable=False),
    Column("note", Text, nullable=False),
    Column("state", Json, nullable=False),  # CitationState that was judged
    Index("ix_linkcheck_reviews_citation", "citation_id", "at"),
)
