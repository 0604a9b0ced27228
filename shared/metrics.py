"""Every metric, with its meaning (CONTRACT §7). Base units; every label has a small fixed set of values."""

from prometheus_client import Counter, Gauge, Histogram

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
LAG = (1, 5, 15, 60, 300, 900, 3600, 6 * 3600, 86400)

ARTICLES_RECEIVED = Counter("citewatch_articles_received_total", "Article versions accepted.", ["source"])
CITATIONS = Gauge("citewatch_citations", "Citations by health.", ["health"])
LINKS = Gauge("citewatch_links", "Links by status.", ["status"])
CHECKS = Counter("citewatch_checks_total", "Checks made, by outcome.", ["outcome"])
CHECK_DURATION = Histogram(
    "citewatch_check_duration_seconds", "Time of one check, by phase.", ["phase"], buckets=SECONDS
)
CHECK_LAG = Histogram("citewatch_check_lag_seconds", "From when a check was due to when it was done.", buckets=LAG)
ARCHIVE_BYTES = Counter("citewatch_archive_bytes_total", "Bytes written to the archive.")
SNAPSHOTS = Counter("citewatch_snapshots_total", "Captures archived, by kind.", ["kind"])
CITATION_CHANGES = Counter("citewatch_citation_changes_total", "Changes of a claim's support.", ["support", "severity"])
ALERTS = Gauge("citewatch_alerts", "Alerts by state.", ["state"])
DELIVERIES = Counter("citewatch_deliveries_total", "Messages handed to a channel.", ["channel", "result"])
REVIEWS = Counter("citewatch_reviews_total", "Verdicts reviewed by editors.", ["decision"])
EVENTS_PUBLISHED = Counter("citewatch_events_published_total", "Events written to the log.", ["topic"])
EVENTS_CONSUMED = Counter("citewatch_events_consumed_total", "Events handled.", ["topic", "result"])
CONSUMER_LAG = Gauge("citewatch_consumer_lag", "Events not handled yet.", ["topic"])
OUTBOX_DEPTH = Gauge("citewatch_outbox_depth", "Events written and not shipped yet.")
DEAD_LETTERS = Counter("citewatch_dead_letters_total", "Events that could not be handled.", ["topic"])
