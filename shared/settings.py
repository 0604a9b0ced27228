"""Settings every service shares: read from `CITEWATCH_*` and `.env`, checked at the start, never at import.

A wrong setting becomes one `SettingError` that names the key and how to mend it; values of secrets are not shown.
"""

import ipaddress
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared.errors import SettingError, faults
from shared.urls import UrlError, parse

PREFIX = "CITEWATCH_"
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")


def parse_duration(value: object) -> object:
    """`90s`, `6h`, `30d`, `1h30m`, `0s` or plain seconds to a timedelta."""
    if not isinstance(value, str):
        return value
    text = value.strip().lower()
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return _timedelta(float(text))
    if not text or _DURATION.sub("", text):
        raise ValueError("write a duration such as 90s, 6h or 30d")
    return _timedelta(sum(float(number) * _UNITS[unit] for number, unit in _DURATION.findall(text)))


LONGEST_DURATION = 100 * 365 * 86_400.0
"""Seconds: what is longer is a slip, and ends beyond the years that a calendar holds."""


def _timedelta(seconds: float) -> timedelta:
    if seconds > LONGEST_DURATION:
        raise ValueError("write a duration of at most 100 years")
    return timedelta(seconds=seconds)


def _some_time(value: timedelta) -> timedelta:
    if not value:
        raise ValueError("it takes some time: write a duration such as 90s, 6h or 30d, longer than nothing")
    return value


def commas(value: object) -> object:
    """A list as it stands in the environment, to its parts."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _network(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise ValueError("write networks such as 10.0.0.0/8 or ::1/128") from None


def _override(value: object) -> object:
    if not isinstance(value, str):
        return value
    host, sign, address = value.partition("=")
    if not sign or not host:
        raise ValueError("write pairs such as example.org=127.0.0.1")
    try:
        name = parse(f"http://{host.strip()}/").host.rstrip(".")
    except UrlError:
        raise ValueError("the part before = must be the name of a host") from None
    try:
        return name, str(ipaddress.ip_address(address.strip().strip("[]")))
    except ValueError:
        raise ValueError("the part after = must be an IP address") from None


def _server(value: object) -> object:
    if isinstance(value, str):
        parts = urlsplit(f"//{value}")
        try:
            fits = parts.hostname and parts.netloc == value and "@" not in value and parts.port != 0
        except ValueError:  # no such port
            fits = False
        if not fits:
            raise ValueError("write servers as host:port")
    return value


def _product(value: str) -> str:
    if not re.fullmatch(r"[!-~][ -~]{0,499}", value):
        raise ValueError("it goes into a header: write it on one line of printable ASCII, of at most 500 characters")
    return value


def _token(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[!-~]+", value.get_secret_value()):
        raise ValueError("a token goes into a header: write it in printable ASCII, without blanks")
    return value


def _web_url(value: object) -> object:
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, str):
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("write a URL that begins with http:// or https://")
    return value


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
SomeTime = Annotated[Duration, AfterValidator(_some_time)]
Texts = Annotated[tuple[str, ...], NoDecode, BeforeValidator(commas)]
Secrets = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(commas)]
Networks = Annotated[tuple[Annotated[Network, BeforeValidator(_network)], ...], NoDecode, BeforeValidator(commas)]
WebUrls = Annotated[tuple[Annotated[str, BeforeValidator(_web_url)], ...], NoDecode, BeforeValidator(commas)]
Servers = Annotated[tuple[Annotated[str, BeforeValidator(_server)], ...], NoDecode, BeforeValidator(commas)]
Tokens = Annotated[tuple[Annotated[SecretStr, AfterValidator(_token)], ...], NoDecode, BeforeValidator(commas)]
Overrides = Annotated[
    tuple[Annotated[tuple[str, str], BeforeValidator(_override)], ...], NoDecode, BeforeValidator(commas)
]
WebUrl = Annotated[str, BeforeValidator(_web_url)]
SecretUrl = Annotated[SecretStr, BeforeValidator(_web_url)]


class Settings(BaseSettings):
    """What every service needs. Each service's own settings extend this class."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True
    )

    data_dir: Path = Path("citewatch-data")
    """Folder of the embedded form: database and archive."""
    database_url: SecretStr | None = None
    """Default: SQLite in the data dir; `postgresql+asyncpg://user:password@host/name` when scaled out."""
    kafka_bootstrap_servers: Servers = ()
    """Absent: the log in the database."""
    instance: str | None = None
    """A stable name of this replica: with it a short restart moves no Kafka partitions."""
    api_tokens: Tokens = ()
    """Bearer tokens for the API and pages. Unset: one is made at the first start and kept in the data dir."""
    allow_networks: Networks = ()
    """Networks that may be reached beside the public internet."""
    dns_overrides: Overrides = ()
    """`host=ip` pairs, as curl's --resolve; still subject to the address policy."""
    ca_file: Path | None = None
    """One more trust anchor (PEM)."""
    user_agent: Annotated[str, AfterValidator(_product)] = (
        "Citewatch/0.1 (+https://citewatch.example/bot; link evidence monitor)"
    )
    """What we call ourselves; name an address where site owners find out who asks."""
    public_url: WebUrl = "http://127.0.0.1:8000"
    """Where people reach the pages; links in messages begin with it."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """`debug`, `info`, `warning` or `error`."""

    @property
    def database(self) -> str:
        """The SQLAlchemy URL in force."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite+aiosqlite:///{self.data_dir / 'citewatch.db'}"


S = TypeVar("S", bound=Settings)


def load(kind: type[S], **overrides: Any) -> S:
    """Read and check settings. Raises `SettingError` naming every wrong key."""
    given = {key: value for key, value in overrides.items() if value is not None}
    try:
        return kind(**given)
    except ValidationError as error:
        found = faults(error.errors(include_url=False, include_input=False), "")
        lines = [f"{PREFIX}{where.partition('/')[0].upper()}: {what}" if where else what for where, what in found]
        raise SettingError("Wrong setting. " + "; ".join(lines) + ".", "Mend it and start again.") from None
