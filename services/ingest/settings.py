"""Settings of ingest (CONTRACT §6)."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from services.ingest.core.signature import keys
from shared.settings import Secrets, Settings, SomeTime


def _usable(secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    for secret in secrets:
        keys(secret.get_secret_value())
    return secrets


class IngestSettings(Settings):
    """Who may send articles, and how those given by URL alone are fetched."""

    webhook_secrets: Annotated[Secrets, AfterValidator(_usable)] = ()
    """Standard Webhooks secrets, `whsec_…`; any of them may sign, so that one can be replaced."""
    ghost_secret: Secrets = ()
    """Secret of Ghost's webhooks; several while one is replaced."""
    wordpress_secret: Secrets = ()
    """Secret of WordPress's webhooks; several while one is replaced."""
    fetch_deadline: SomeTime = timedelta(seconds=30)
    """Total time of a fetch, over all its redirects."""
    max_body_bytes: Annotated[int, Field(ge=1024)] = 8 * 1024 * 1024
    """Wire bytes of an article's page."""
