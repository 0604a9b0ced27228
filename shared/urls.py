"""Links: one parser (WHATWG URL, by ada-url), the identity of a link, and what of it is safe to show to people.

Identity (CONTRACT §3) never merges two URLs that a server could tell apart, save by the fragment and by known
tracking parameters: `www`, trailing slashes, parameter order, empty queries, schemes and session ids all stay.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote_plus

import ada_url
import idna

from shared.errors import InputError
from shared.ids import derived_id

if TYPE_CHECKING:
    from tldextract import TLDExtract

MAX_LENGTH = 8192
"""Characters; longer hrefs are data, not addresses (RFC 9110 §4.1 asks for 8000 at least)."""

Refusal = Literal["protocol_error", "private_address"]


class UrlError(InputError):
    """No URL that we would ask for. `reason` is the fault it amounts to, in the words of CONTRACT §2."""

    def __init__(self, what: str, mend: str = "", reason: Refusal = "protocol_error") -> None:
        super().__init__(what, mend)
        self.reason: Refusal = reason


@dataclass(frozen=True, slots=True)
class Url:
    """A parsed URL. `href` is the WHATWG serialisation and nothing else; the parts are as in it."""

    href: str
    scheme: str
    host: str
    """ASCII (punycode), IPv6 in brackets; '' if the scheme has none."""
    port: int
    """The port in force; 0 where the scheme has none of its own."""
    path: str
    query: str
    """Without `?`."""
    fragment: str
    """Without `#`."""
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


PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21}
_BLANKS = "".join(map(chr, range(0x21)))
"""C0 controls and the space, which WHATWG drops at both ends."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_AUTHORITY = re.compile(r"^[a-z][a-z0-9+.-]*:[/\\]*(?:[^/\\?#]*@)?(\[[^\]]*\]|[^/\\?#:]*)", re.IGNORECASE)
_ABSOLUTE = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
"""Leads to the same place from any page, and is therefore parsed once."""
_IPV4 = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")


def parse(text: str, base: str | None = None) -> Url:
    """Parse an absolute URL, or one relative to `base`; blanks around it are dropped.

    Raises `UrlError` where WHATWG has a failure, and for two disguises that WHATWG lets pass: control characters
    inside (browsers drop them silently) and numeric hosts that are not written as four decimal numbers.
    """
    text = text.strip(_BLANKS)
    if _CONTROL.search(text):
        raise UrlError("The URL has control characters inside.", "Write it on one line, without tabs.")
    url = _whatwg(text, None if _ABSOLUTE.match(text) else base)
    if disguise := _disguise(text, url):
        raise UrlError(
            f"The host {disguise!r} is a disguised form of the address {url.host}.",
            "Write the address as four decimal numbers.",
            "private_address",
        )
    return url


def _disguise(text: str, url: Url) -> str | None:
    """A numeric host as it was written, where that is not as four decimal numbers."""
    if not _IPV4.fullmatch(url.host):
        return None
    written = _AUTHORITY.match(text)
    return written[1] if written and written[1] != url.host else None


@lru_cache(maxsize=8192)
def _whatwg(text: str, base: str | None) -> Url:
    if len(text) > MAX_LENGTH:
        raise UrlError(f"The URL is longer than {MAX_LENGTH} characters.", "Cite a shorter address.")
    if plain := _PLAIN.fullmatch(text):
        scheme, host, path, query = plain.groups("")
        return Url(text, scheme, host, PORTS[scheme], path, query, "", "", "")
    try:
        url = ada_url.URL(text, base=base) if base is not None else ada_url.URL(text)
    except ValueError:  # UnicodeEncodeError of lone surrogates among them
        raise UrlError(f"{_shown(text)} is not an absolute URL.", "Write it as https://host/path.") from None
    href = url.href
    plain = _HTTP.fullmatch(href)
    if plain is None:
        return _by_attributes(url)
    scheme, username, password, host, port, path, query, fragment = plain.groups("")
    return Url(href, scheme, host, int(port or PORTS[scheme]), path, query, fragment, username, password)


_PLAIN = re.compile(
    r"(https?)://(?!.*(?:xn--|/\.))((?:[a-z0-9-]+\.)+[a-z]{2,})(/[A-Za-z0-9/._~!$&()*+,;=:@-]*)(?:\?([A-Za-z0-9/._~=&+%-]+))?"
)
"""A URL that WHATWG leaves as it is, as most are: no port, no escape or dot segment in the path, no other script. The
parser is not asked."""

_HTTP = re.compile(
    r"(https?)://(?:([^:@/?#]*)(?::([^@/?#]*))?@)?(\[[^\]]*\]|[^/?#:@]*)(?::(\d+))?(/[^?#]*)(?:\?([^#]*))?(?:#(.*))?"
)
"""An http URL as WHATWG serialises it: each delimiter is where it must be, all others are escaped. To ask the parser
for each part, and decode it, costs several times as much."""


def _by_attributes(url: ada_url.URL) -> Url:
    scheme = url.protocol.rstrip(":")
    return Url(
        href=url.href,
        scheme=scheme,
        host=url.hostname,
        port=int(url.port) if url.port else PORTS.get(scheme, 0),
        path=url.pathname,
        query=url.search.removeprefix("?"),
        fragment=url.hash.removeprefix("#"),
        username=url.username,
        password=url.password,
    )


def resolve(text: str, base: str | None) -> str | None:
    """The absolute href of a link as browsers make it, line breaks inside dropped; None where there is none."""
    try:
        return _whatwg(text, base).href
    except UrlError:
        return None


def host(href: str) -> str:
    """The host of an absolute URL, '' where there is none."""
    try:
        return _whatwg(href, None).host
    except UrlError:
        return ""


def _shown(text: str) -> str:
    plain = text.encode("ascii", "backslashreplace").decode("ascii")
    return repr(plain if len(plain) <= 80 else plain[:77] + "...")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# --- identity -----------------------------------------------------------------------------------------------------

_TRACKING = _words(
    """
    fbclid gclid gclsrc dclid gbraid wbraid srsltid msclkid yclid ysclid twclid ttclid li_fat_id igshid igsh rdt_cid
    epik sccid rb_clickid wickedid irclickid gad_source gad_campaignid _ga _gl _openstat
    mc_cid mc_eid mc_tc mkt_tok _hsenc _hsmi __hssc __hstc __hsfp hsctatracking vero_id vero_conv
    oly_anon_id oly_enc_id ml_subscriber ml_subscriber_hash _kx s_cid s_kwcid ef_id cmpid
    fb_action_ids fb_action_types fb_source fb_ref __twitter_impression
    """
)
"""Parameters that vendors document as click, campaign or mail identifiers, and that name no content anywhere."""
_TRACKING_PREFIXES = ("utm_", "pk_", "mtm_", "piwik_", "matomo_", "hsa_", "ga_")
_TRACKING_PREFIX_NAMES = re.compile(
    r"(?:pk|mtm|piwik|matomo)_(?:campaign|cpn|keyword|kwd|source|medium|content|cid|group|placement)"
    r"|hsa_[a-z]{2,4}|ga_(?:source|medium|term|content|campaign|place)|utm_\w*"
)
_SITE_TRACKING: dict[str, frozenset[str]] = {
    "nytimes.com": frozenset({"smid", "smtyp"}),
    "youtube.com": frozenset({"feature", "si"}),
    "youtu.be": frozenset({"feature", "si"}),
    "spotify.com": frozenset({"si"}),
    "twitter.com": frozenset({"s", "t", "ref_src", "ref_url"}),
    "x.com": frozenset({"s", "t", "ref_src", "ref_url"}),
}
"""Share marks of sites that use a short common word for them; nothing else is known about any site here."""

_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


@lru_cache(maxsize=8192)
def identity(href: str) -> str:
    """The canonical URL: equal for two hrefs if and only if they are one link. Raises `UrlError`.

    A disguised numeric host stays as it was written: it is nobody's name for that address, and the fetcher refuses it.
    """
    href = href.strip(_BLANKS)
    url = _whatwg(href, None)
    if url.scheme not in ("http", "https"):
        return url.href.partition("#")[0]
    head, _, _ = url.href.partition("#")
    head, question, query = head.partition("?")
    prefix, path = head[: len(head) - len(url.path)], _percent(url.path)
    if url.host.endswith(".") and not url.host.endswith(".."):
        prefix = prefix.replace(url.host, url.host[:-1], 1) if not url.username else prefix
    if disguise := _disguise(href, url):
        prefix = prefix.replace(url.host, disguise, 1)
    kept = _without_tracking(query, url.host)
    if kept is not None:
        query, question = kept, "?" if kept else ""
    route = "#" + _percent(url.fragment) if url.fragment.startswith(("!", "/")) else ""
    return prefix + path + question + _percent(query) + route


def link_id(href: str) -> str:
    """`lnk_…`, equal for equal identity. Raises `UrlError`."""
    return derived_id("lnk", identity(href))


def _percent(text: str) -> str:
    """RFC 3986 §6.2.2: escapes in upper case, unreserved characters unescaped, all others left alone."""
    return _ESCAPE.sub(_normal_escape, text) if "%" in text else text


def _normal_escape(match: re.Match[str]) -> str:
    char = chr(int(match[1], 16))
    return char if char in _UNRESERVED else match[0].upper()


def _without_tracking(query: str, host: str) -> str | None:
    """The query without tracking parameters, order and blanks kept; None when it holds none."""
    if not query:
        return None
    own = _site_tracking(host)
    pairs = query.split("&")
    kept = [pair for pair in pairs if not _is_tracking(pair.partition("=")[0], own)]
    return None if len(kept) == len(pairs) else "&".join(kept)


def _is_tracking(name: str, own: frozenset[str]) -> bool:
    name = unquote_plus(name).lower()
    if name in _TRACKING or name in own:
        return True
    return name.startswith(_TRACKING_PREFIXES) and _TRACKING_PREFIX_NAMES.fullmatch(name) is not None


def _site_tracking(host: str) -> frozenset[str]:
    labels = host.rstrip(".").split(".")
    return _SITE_TRACKING.get(".".join(labels[-2:]), frozenset())


# --- sites and display --------------------------------------------------------------------------------------------


@cache
def _suffixes() -> "TLDExtract":
    """The Public Suffix List as bundled with tldextract: no network, no cache folder; private suffixes count."""
    from tldextract import TLDExtract  # with what it imports, a sixth of a start; few commands ask for a site

    return TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)


@lru_cache(maxsize=8192)
def site(host: str) -> str:
    """The registrable domain of a host (`news.bbc.co.uk` → `bbc.co.uk`); the host itself where there is none."""
    host = host.rstrip(".").lower()
    return _suffixes().extract_str(host).top_domain_under_public_suffix or host


def known_suffix(host: str) -> bool:
    """Whether a host has a name before a public suffix: `example.org` has, `page.html` has not."""
    found = _suffixes().extract_str(host.lower())
    return bool(found.domain and found.suffix)


def display(href: str) -> str:
    """An href as people may see it: the host in its own script unless scripts are mixed in a label, no control
    or bidirectional characters. Not for fetching."""
    try:
        url = _whatwg(href.strip(_BLANKS), None)
    except UrlError:
        return _harmless(href)
    shown = ".".join(_display_label(label) for label in url.host.split("."))
    return _harmless(url.href.replace(url.host, shown, 1) if url.host else url.href)


def _harmless(text: str) -> str:
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def _display_label(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        decoded = idna.decode(label)
    except (idna.IDNAError, UnicodeError):
        return label
    return decoded if _one_script(decoded) else label


_TOGETHER = ({"HAN", "HIRAGANA", "KATAKANA"}, {"HAN", "BOPOMOFO"}, {"HAN", "HANGUL"})
"""Scripts that people do write in one word (UTS 39 §5.2, highly restrictive, without Latin)."""
_LOOKALIKE = {"CYRILLIC": frozenset("аеорсухіјѕһԁԛԝӏьтмнквг"), "GREEK": frozenset("αορνυικετχγ")}
"""Letters of other scripts that pass for Latin: a label made of them alone stays in punycode."""


def _one_script(label: str) -> bool:
    scripts = {_script(char) for char in label if char.isalpha()}
    if len(scripts) == 1:
        alike = _LOOKALIKE.get(next(iter(scripts)), frozenset())
        return not all(char in alike for char in label if char.isalpha())
    return any(scripts <= together for together in _TOGETHER)


def _script(char: str) -> str:
    name = unicodedata.name(char, "?").partition(" ")[0].partition("-")[0]
    return {"CJK": "HAN", "IDEOGRAPHIC": "HAN"}.get(name, name)
