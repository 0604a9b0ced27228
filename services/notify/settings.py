"""Settings of notify (CONTRACT §6)."""

import importlib
import re
import warnings
from datetime import time, timedelta
from email.headerregistry import Address
from typing import Annotated, Any, Literal, Self
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, SecretStr, model_validator
from pydantic_settings import NoDecode

from shared.settings import Duration, Secrets, SecretUrl, Settings, Texts

_TLS: dict[str, tuple[Literal["implicit", "required", "offered"], int]] = {
    "smtps": ("implicit", 465),
    "smtp+starttls": ("required", 587),
    "smtp": ("offered", 25),
}
_ADDRESS = re.compile(r"(?:(?P<name>[^<>\r\n]*)<)?(?P<mail>[^\s<>@,;:\"()\[\]\\]+@[^\s<>@,;:\"()\\]+)>?")


class Relay(BaseModel):
    """A mail server that takes our messages."""

    model_config = ConfigDict(frozen=True)

    host: str
    port: int
    tls: Literal["implicit", "required", "offered"]
    username: str | None = None
    password: SecretStr | None = None


class DailyTime(BaseModel):
    """A time of day in a zone."""

    model_config = ConfigDict(frozen=True)

    at: time
    zone: str = "UTC"


def _relay(value: object) -> object:
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if not isinstance(value, str):
        return value
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if parts.scheme not in _TLS or not host or parse_qs(parts.query) or parts.path.strip("/"):
        raise ValueError("write smtp://user:password@host:port, or smtps:// (TLS at once), or smtp+starttls://")
    tls, usual = _TLS[parts.scheme]
    return Relay(
        host=host, port=port or usual, tls=tls, username=unquote(parts.username) if parts.username else None,
        password=SecretStr(unquote(parts.password)) if parts.password else None,
    )  # fmt: skip


def mail_address(value: str) -> str:
    """A mail address, with or without a name before it, as a header holds it. Raises `ValueError`."""
    found = _ADDRESS.fullmatch(value.strip())
    if found is None:
        raise ValueError("write addresses such as desk@example.org or Desk <desk@example.org>")
    user, _, domain = found["mail"].rpartition("@")
    return str(Address((found["name"] or "").strip().strip('"'), user, domain))


def _mail_addresses(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(mail_address(one) for one in values)


def _daily(value: object) -> object:
    if not isinstance(value, str):
        return value
    found = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)(?:\s+(\S+))?", value.strip())
    if found is None:
        raise ValueError("write a time such as 07:30, or 07:30 Europe/Berlin")
    zone = found[3] or "UTC"
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"there is no time zone {zone!r}; write one such as Europe/Berlin") from None
    return DailyTime(at=time(int(found[1]), int(found[2])), zone=zone)


def apprise_library() -> Any:
    """The Apprise library, imported only where it is wanted: it takes long, and warns of the modules it uses itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        library = importlib.import_module("apprise")
        library.Apprise.instantiate("json://localhost")  # only now it imports its plugins
    return library


def _apprise(values: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    """Every URL must be one that Apprise knows; the first that is not is named by its number, for it holds secrets."""
    if not values:
        return values
    library = apprise_library()
    for number, value in enumerate(values, 1):
        if library.Apprise.instantiate(value.get_secret_value()) is None:
            raise ValueError(f"number {number} is not a URL that Apprise knows")
    return values


class NotifySettings(Settings):
    """Who is told, how, and when. A channel that is not configured is not used."""

    smtp_url: Annotated[Relay | None, NoDecode, BeforeValidator(_relay)] = None
    """`smtp://user:password@host:port` (STARTTLS where offered), `smtp+starttls://` (required), `smtps://`."""
    mail_from: Annotated[str, AfterValidator(mail_address)] | None = None
    """Sender of mails. Default: the first of MAIL_TO."""
    mail_to: Annotated[Texts, AfterValidator(_mail_addresses)] = ()
    """Recipients of mails, unless a route names others."""
    slack_webhook_url: SecretUrl | None = None
    """A Slack incoming webhook."""
    alert_webhook_url: SecretUrl | None = None
    """Gets every message as a CloudEvent, signed by Standard Webhooks."""
    alert_webhook_secret: SecretStr | None = None
    """Signs them: `whsec_…` or any text. Unset: they go unsigned."""
    apprise_urls: Annotated[Secrets, AfterValidator(_apprise)] = ()
    """Any other service, by URLs of the Apprise library."""
    alert_group_wait: Duration = timedelta(seconds=30)
    """How long news waits for other news of the same root cause."""
    digest_at: Annotated[DailyTime | None, NoDecode, BeforeValidator(_daily)] = None
    """When the daily digest goes out: `07:30`, or `07:30 Europe/Berlin`. Unset: no digest, all is told at once."""

    @model_validator(mode="after")
    def _together(self) -> Self:
        if self.smtp_url is not None and not self.mail_to:
            raise ValueError("set CITEWATCH_MAIL_TO as well: nobody would get the mails of CITEWATCH_SMTP_URL")
        if self.alert_webhook_secret is not None and self.alert_webhook_url is None:
            raise ValueError("CITEWATCH_ALERT_WEBHOOK_SECRET has no use without CITEWATCH_ALERT_WEBHOOK_URL")
        return self

    @property
    def sender(self) -> str:
        """The From of mails."""
        return self.mail_from or self.mail_to[0]
