"""The three services, and how an article travels through them.

    CMS webhook ─► ingest ────────► article.received ─► linkcheck ──────────► citation.changed ─► notify ─► mail
    file · URL     webhooks/, intake   (event log)      intake → worker → check  (event log)      intake    Slack
                   core/document                        fetch → verdict → archive                 worker    webhook
                   core/citations                       → support → transition → events           deliver

Each service owns its tables and speaks to the others by events alone (`shared/events.py`). `embedded.py` runs
all three in one process; `__main__.py` is the command line.
"""
