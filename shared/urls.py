"""The one URL parser (WHATWG, by ada) and the identity of a link (CONTRACT §3).

Two links are the same when their canonical URLs are equal: WHATWG serialisation, the percent-encoding normalisation
of RFC 3986 §6.2.2, known tracking parameters dropped, the fragment dropped save for routes. Nothing else is merged.
"""

import functools
import re
from dataclasses import dataclass

import ada_url
import tldextract

from shared.errors import InputError
from shared.ids import derived_id

PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21}
MAX_LENGTH = 16_384


class UrlError(InputError):
    """Not a URL."""


@dataclass(frozen=True, slots=True)
class Url:
    """A parsed URL; every part is as WHATWG serialises it."""

    href: str
    scheme: str
    host: str
    """ASCII (punycode), or an address; IPv6 in brackets; empty when the scheme has none."""
    port: int
    """The port in effect; 0 when the scheme has none."""
    path: str
    query: str
    """Without its question mark."""
    fragment: str
    """Without its hash sign."""
    username: str
    password: str

    @property
    def origin(self) -> str:
        """Scheme, host and port, serialised."""
        port = "" if self.port == PORTS.get(self.scheme, 0) else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"

    @property
    def address(self) -> str:
        """The host without brackets, as name servers and sockets want it."""
        return self.host.strip("[]")


@functools.lru_cache(maxsize=8192)
def parse(text: str, base: str | None = None) -> Url:
    """Parse as a browser would. Raises `UrlError` for what is no URL, or is longer than 16,384 characters."""
    if len(text) > MAX_LENGTH:
        raise UrlError("The address is longer than 16,384 characters.", "Shorten it.")
    try:
        found = ada_url.URL(text, base) if base is not None else ada_url.URL(text)
    except ValueError:
        raise UrlError(f"{text[:200]!r} is not a URL.", "Write it whole, as in https://example.org/page.") from None
    except UnicodeEncodeError:
        raise UrlError("The address holds a broken character.", "Copy it again.") from None
    scheme = found.protocol.rstrip(":")
    return Url(
        href=found.href,
        scheme=scheme,
        host=found.hostname,
        port=int(found.port) if found.port else PORTS.get(scheme, 0),
        path=found.pathname,
        query=found.search.removeprefix("?"),
        fragment=found.hash.removeprefix("#"),
        username=found.username,
        password=found.password,
    )


TRACKING = frozenset(
    [
        "utm_source",
        "utm_medium",
        "utm_campaign",
        "utm_term",
        "utm_content",
        "utm_id",
        "utm_name",
        "utm_reader",
        "utm_cid",
        "utm_source_platform",
        "utm_creative_format",
        "utm_marketing_tactic",
        "utm_viz_id",
        "utm_pubreferrer",
        "utm_swu",
        "utm_brand",
        "utm_social",
        "utm_social-type",
        "gclid",
        "gclsrc",
        "dclid",
        "gbraid",
        "wbraid",
        "gad_source",
        "gad_campaignid",
        "_gl",
        "fbclid",
        "fb_action_ids",
        "fb_action_types",
        "fb_source",
        "fb_ref",
        "msclkid",
        "yclid",
        "ysclid",
        "twclid",
        "ttclid",
        "igshid",
        "igsh",
        "li_fat_id",
        "epik",
        "sccid",
        "irclickid",
        "rdt_cid",
        "mc_cid",
        "mc_eid",
        "mc_tc",
        "_hsenc",
        "_hsmi",
        "__hssc",
        "__hstc",
        "__hsfp",
        "hsctatracking",
        "mkt_tok",
        "vero_id",
        "vero_conv",
        "oly_anon_id",
        "oly_enc_id",
        "ml_subscriber",
        "ml_subscriber_hash",
        "s_cid",
        "rb_clickid",
        "wickedid",
        "_openstat",
        "pk_campaign",
        "pk_kwd",
        "pk_source",
        "pk_medium",
        "pk_content",
        "piwik_campaign",
        "piwik_kwd",
        "mtm_campaign",
        "mtm_keyword",
        "mtm_source",
        "mtm_medium",
        "mtm_content",
        "mtm_cid",
        "mtm_group",
        "mtm_placement",
        "matomo_campaign",
        "at_medium",
        "at_campaign",
        "_branch_match_id",
        "_bta_c",
        "_bta_tid",
        "guccounter",
        "guce_referrer",
        "guce_referrer_sig",
        "ga_source",
        "ga_medium",
        "ga_term",
        "ga_content",
        "ga_campaign",
        "ga_place",
        "_ga",
        "campaign_id_tracking",
        "elqtrackid",
        "trk_contact",
        "trk_msg",
        "trk_module",
        "trk_sid",
    ]
)
"""Parameters that only tell a site's statistics where a visitor came from."""
SITE_TRACKING = {
    "nytimes.com": frozenset({"smid", "smtyp"}),
    "youtube.com": frozenset({"feature", "si", "pp"}),
    "youtu.be": frozenset({"feature", "si"}),
}
"""The same, where the name says so on one registrable domain only."""

_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_ROUTE = re.compile(r"[!/]")


def _escapes(text: str) -> str:
    """RFC 3986 §6.2.2: hex digits upper case, unreserved characters decoded."""

    def mend(match: re.Match[str]) -> str:
        char = chr(int(match[1], 16))
        return char if char in _UNRESERVED else match[0].upper()

    return _ESCAPE.sub(mend, text)


def _untracked(query: str, host: str) -> str:
    dropped = TRACKING | SITE_TRACKING.get(site(host), frozenset())
    kept = [pair for pair in query.split("&") if _escapes(pair.partition("=")[0]).lower() not in dropped]
    return "&".join(kept)


@functools.lru_cache(maxsize=8192)
def identity(href: str) -> str:
    """The canonical URL. Raises `UrlError`."""
    url = parse(href)
    if url.scheme not in ("http", "https"):
        return url.href
    host = url.host.removesuffix(".") if not url.host.endswith("..") else url.host
    port = "" if url.port == PORTS[url.scheme] else f":{url.port}"
    asked = "?" in url.href.partition("#")[0]
    query = _untracked(_escapes(url.query), host)
    mark = "?" if query or (asked and not url.query) else ""
    route = f"#{_escapes(url.fragment)}" if _ROUTE.match(url.fragment) else ""
    user = f"{url.username}{':' if url.password else ''}{url.password}@" if url.username or url.password else ""
    return f"{url.scheme}://{user}{host}{port}{_escapes(url.path)}{mark}{query}{route}"


def link_id(href: str) -> str:
    """Equal identity, equal id."""
    return derived_id("lnk", identity(href))


@functools.cache
def _suffixes() -> tldextract.TLDExtract:
    """The public suffix list that the package carries; never the network, never a cache folder."""
    return tldextract.TLDExtract(cache_dir=None, suffix_list_urls=(), fallback_to_snapshot=True)


@functools.lru_cache(maxsize=8192)
def site(host: str) -> str:
    """The registrable domain of a host (`bbc.co.uk` of `news.bbc.co.uk`); the host itself where it has none."""
    return _suffixes()(host.strip("[]")).top_domain_under_public_suffix or host


def known_suffix(host: str) -> bool:
    """Whether a host ends in a public suffix and has a name before it: `example.org`, not `page.html`."""
    found = _suffixes()(host)
    return bool(found.domain and found.suffix)


_SCRIPT_RANGES = (
    ("latin", 0x0041, 0x024F), ("greek", 0x0370, 0x03FF), ("cyrillic", 0x0400, 0x052F), ("armenian", 0x0530, 0x058F),
    ("hebrew", 0x0590, 0x05FF), ("arabic", 0x0600, 0x06FF), ("devanagari", 0x0900, 0x097F), ("thai", 0x0E00, 0x0E7F),
    ("georgian", 0x10A0, 0x10FF), ("hangul", 0xAC00, 0xD7AF), ("kana", 0x3040, 0x30FF), ("han", 0x4E00, 0x9FFF),
)  # fmt: skip
_LOOKALIKE = frozenset({"greek", "cyrillic", "armenian"})
"""Scripts with letters that pass for Latin ones: a label wholly in them stays punycode too."""


def _scripts(label: str) -> set[str]:
    return {
        next((name for name, low, high in _SCRIPT_RANGES if low <= ord(char) <= high), "other")
        for char in label
        if char.isalpha()
    }


def display(href: str) -> str:
    """A URL for people: international hosts in their own letters unless a label mixes scripts or mimics Latin."""
    try:
        url = parse(href)
    except UrlError:
        return href
    if "xn--" not in url.host:
        return url.href
    labels = ada_url.idna_to_unicode(url.host).split(".")
    fine = all(len(_scripts(label)) <= 1 and not (_scripts(label) & _LOOKALIKE and label.isalpha()) for label in labels)
    return url.href.replace(url.host, ".".join(labels), 1) if fine else url.href
