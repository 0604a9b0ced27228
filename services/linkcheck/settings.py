"""Settings of linkcheck (CONTRACT §6)."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from shared.settings import Duration, Settings, Texts, WebUrl

ByteCount = Annotated[int, Field(ge=1024)]
Positive = Annotated[int, Field(ge=1)]


class LinkcheckSettings(Settings):
    """How links are fetched, judged, kept and looked at again."""

    archive_url: str | None = None
    """Default: the folder `archive` in the data dir; `s3://bucket/prefix` when scaled out."""
    robots: Literal["respect", "ignore"] = "respect"
    """Whether robots.txt (RFC 9309) is asked."""
    host_concurrency: Positive = 1
    """Fetches in flight to one host. Read; there is one, whatever is set."""
    host_delay: Duration | None = None
    """Pause between two requests to one host. Default 1s; none for hosts inside ALLOW_NETWORKS, which are yours."""
    fetch_concurrency: Positive = 64
    """Fetches in flight altogether."""
    max_body_bytes: ByteCount = 8 * 1024 * 1024
    """Wire bytes of a body; what is longer is kept truncated."""
    fetch_deadline: Duration = timedelta(seconds=30)
    """Total time of a fetch, over all its hops."""
    recheck_min: Duration = timedelta(hours=6)
    """No link is looked at more often."""
    recheck_max: Duration = timedelta(days=30)
    """No link is looked at less often."""
    confirm_checks: Positive = 3
    """Failing checks before a link is called dead …"""
    confirm_period: Duration = timedelta(hours=72)
    """… and the least time over which they are spread."""
    canary_urls: Texts = ()
    """Pages of others that tell our own network's failure."""
    vantage_proxies: Texts = ()
    """HTTP proxies asked as a second way out before a link is called dead. Read, not asked yet."""
    memento_timemaps: Texts = ()
    """URL templates of web archives' TimeMaps (RFC 7089), `{url}` in them: asked what a page said when it was cited."""
    save_page_now_url: WebUrl | None = None
    """A Save Page Now endpoint that is asked to archive what we cite too. Read, not asked yet."""

    @property
    def archive(self) -> str:
        """The archive's URL in force."""
        return self.archive_url or f"file://{(self.data_dir / 'archive').absolute()}"
