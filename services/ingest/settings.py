"""Settings of ingest (CONTRACT §6)."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field, SecretStr

from shared.settings import Duration, Secrets, Settings


class IngestSettings(Settings):
    """Who may send articles, and how those given by URL alone are fetched."""

    webhook_secrets: Secrets = ()
    """Standard Webhooks secrets; any of them may sign."""
    ghost_secret: SecretStr | None = None
    wordpress_secret: SecretStr | None = None
    fetch_deadline: Duration = timedelta(seconds=30)
    max_body_bytes: Annotated[int, Field(ge=1024)] = 16 * 1024 * 1024
