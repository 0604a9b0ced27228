"""Settings of linkcheck (CONTRACT §6)."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_settings import NoDecode

from shared.errors import InputError
from shared.outbound.proxy import ProxyUrl
from shared.settings import Duration, SecretUrl, Settings, SomeTime, WebUrls, commas


def _proxy(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return ProxyUrl.read(value)
    except InputError as error:
        raise ValueError(str(error)) from None


ByteCount = Annotated[int, Field(ge=1024)]
Positive = Annotated[int, Field(ge=1)]
Proxies = Annotated[tuple[Annotated[ProxyUrl, BeforeValidator(_proxy)], ...], NoDecode, BeforeValidator(commas)]


class LinkcheckSettings(Settings):
    """How links are fetched, judged, kept and looked at again."""

    archive_url: str | None = None
    """Default: the folder `archive` in the data dir; `s3://bucket/prefix` when scaled out."""
    robots: Literal["respect", "ignore"] = "respect"
    """Whether robots.txt (RFC 9309) is asked."""
    host_concurrency: Positive = 1
    """Fetches in flight to one host; they too begin HOST_DELAY apart."""
    host_delay: Duration | None = None
    """Pause between two requests to one host. Default 1s; none for hosts inside ALLOW_NETWORKS, which are yours."""
    fetch_concurrency: Positive = 512
    """Fetches in flight altogether; a host that hangs keeps one of them until FETCH_DEADLINE."""
    max_body_bytes: ByteCount = 8 * 1024 * 1024
    """Wire bytes of a body; what is longer is kept truncated."""
    fetch_deadline: SomeTime = timedelta(seconds=30)
    """Total time of a fetch, over all its hops."""
    recheck_min: SomeTime = timedelta(hours=6)
    """No link is looked at more often."""
    recheck_max: SomeTime = timedelta(days=30)
    """No link is looked at less often."""
    confirm_checks: Positive = 3
    """Failing checks before a link is called dead …"""
    confirm_period: Duration = timedelta(hours=72)
    """… and the least time over which they are spread."""
    canary_urls: WebUrls = ()
    """Pages of others that tell our own network's failure."""
    vantage_proxies: Proxies = ()
    """HTTP proxies (`http://user:password@host:port`), a second way out: one is asked before a link is called dead."""
    memento_timemaps: WebUrls = ()
    """URL templates of web archives' TimeMaps (RFC 7089), `{url}` in them: asked what a page said when it was cited."""
    save_page_now_url: SecretUrl | None = None
    """Another archive that is told of every page that is cited, once it was captured:
    `https://KEY:SECRET@web.archive.org/save`, or any address with `{url}` in it."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if "recheck_min" in self.model_fields_set and self.recheck_min > self.recheck_max:
            raise ValueError("CITEWATCH_RECHECK_MIN is longer than CITEWATCH_RECHECK_MAX: no time lies between them")
        return self

    @property
    def archive(self) -> str:
        """The archive's URL in force."""
        return self.archive_url or f"file://{(self.data_dir / 'archive').absolute()}"
