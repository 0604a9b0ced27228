"""Where a link leads: an absolute URL, a place in its own page, or nowhere (and why)."""

import re
from dataclasses import dataclass
from typing import Literal

from services.ingest.core.blocks import Link
from shared import urls
from shared.urls import Url

Missing = Literal["placeholder", "empty", "script", "relative"]


@dataclass(frozen=True, slots=True)
class Target:
    """What became of an href."""

    url: Url | None
    missing: Missing | None = None
    in_page: bool = False
    href: str | None = None
    """What a citation gives as its target: as serialised, save that a disguised numeric host is kept as written,
    for the fetcher to refuse."""

    @property
    def identity(self) -> str:
        """The link's identity; '' without a target."""
        return urls.identity(self.href) if self.href else ""


_SCRIPT = re.compile(r"(?:javascript|vbscript):", re.IGNORECASE)
_PLACEHOLDERS = frozenset(
    ("#", "#!", "#0", "#/", "/#", "##", "./#", "#nogo", "#null", "?#", "http://", "https://", "http:", "https:", "//")
)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:(?!\d{1,5}(?:[/?#]|$))", re.IGNORECASE)
_HOST = re.compile(r"^[\w-]+(?:\.[\w-]+)+(?=[:/?#]|$)")
_FILES = frozenset(
    (
        "html",
        "htm",
        "php",
        "asp",
        "aspx",
        "jsp",
        "pdf",
        "md",
        "txt",
        "xml",
        "doc",
        "docx",
        "zip",
        "py",
        "rs",
        "sh",
        "cc",
    )
)
"""Endings of file names, some of which are also top-level domains."""


def target_of(link: Link, base: Url | None) -> Target:
    """Resolve a link as a browser does, and tell the ways in which it leads nowhere."""
    href = _CONTROLS.sub("", link.href).strip()
    if not href:
        return Target(None, "empty")
    if href.lower() in _PLACEHOLDERS:
        return Target(None, "placeholder")
    if _SCRIPT.match(href):
        return Target(None, "script")
    if href.startswith("#"):
        return Target(base, in_page=True, href=base.href if base else None)
    return _resolved(_with_scheme(href), base)


_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


def _with_scheme(href: str) -> str:
    """`example.org/page` written without its scheme; a browser would take it for a file beside the article."""
    host = _HOST.match(href)
    if _SCHEME.match(href) or not host or host[0].rpartition(".")[2].lower() in _FILES:
        return href
    return f"http://{href}" if urls.known_suffix(host[0]) else href


def _resolved(href: str, base: Url | None) -> Target:
    try:
        url = urls.parse(href, base.href if base else None)
    except urls.UrlError:  # no URL at all, or a disguised host: ours to report, the fetcher's to refuse
        text = urls.resolve(href, base.href if base else None)
        return Target(urls.parse(text), href=href) if text else Target(None, "relative")
    in_page = bool(url.fragment) and base is not None and url.href.partition("#")[0] == base.href.partition("#")[0]
    return Target(url, in_page=in_page, href=url.href)
