"""Where a redirect leads: to the same resource elsewhere, or away from it.

With a past, the old text decides; without one, what the two addresses and the new page have in common.
"""

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from services.linkcheck.core import similarity
from services.linkcheck.core.model import History, HostFacts, Page, Signal
from services.linkcheck.core.signs.row import Scene

Kind = Literal["same", "to_home", "to_hub", "to_unrelated", "to_missing"]

_PERMANENT = frozenset({301, 308})
_INDEX = re.compile(r"/(?:index|default|home|welcome|main|start)(?:\.\w{2,5})?$", re.IGNORECASE)
_LOCALE = re.compile(
    r"^(?:[a-z]{2}(?:[-_][a-z]{2,4})?|intl|www|web|site|global|international|home|index|default|main|start|welcome|inicio|"
    r"accueil|startseite|portada|principal|hjem|hem|forside|etusivu|strona-glowna|kezdolap|главная|anasayfa)$",
    re.IGNORECASE,
)
_MISSING = re.compile(
    r"[/=](?:\w*[-_.]?(?:404|410)[-_.]?\w{0,12}|(?:page|file|error)?[-_]?not[-_]?found\w*|pagenotfound|"
    r"errors?(?:page)?|missing|"
    r"page-introuvable|nicht-gefunden|no-encontrada)(?:\.\w{2,5})?(?:[/?&#]|$)",
    re.IGNORECASE,
)
_HUB = re.compile(
    r"/(?:search|suche|recherche|buscar|cerca|zoeken|results?|category|categories|kategorie|tags?|topics?|"
    r"sections?|archives?|"
    r"news|blog|articles?|stories|products?|shop|store|catalog|events|press|media|latest|all|directory|"
    r"sitemap)/?$|/(?:category|categories|kategorie|tags?|topics?|sections?|rubrique|ressort)/[^/]+/?$",
    re.IGNORECASE,
)
_SEARCH = re.compile(
    r"/(?:search|suche|recherche|buscar|busca|cerca|zoeken|sok|haku)(?:[/?.]|$)|[?&](?:s|q|query|search)=",
    re.IGNORECASE,
)
_NOISE = frozenset({
    "html", "htm", "php", "asp", "aspx", "jsp", "shtml", "cfm", "cgi", "index", "default", "amp", "the", "and",
    "for", "der", "die", "das", "und", "les", "des", "une", "los", "las", "del", "con", "www", "com", "org", "net",
    "news", "article", "articles", "story", "blog", "post", "posts", "page", "pages", "content", "node", "item",
    "view", "show", "read", "detail",
})  # fmt: skip
_WORD = re.compile(r"[^\W\d_]{3,}")
_NUMBER = re.compile(r"\d{4,}")
_ENDING = re.compile(r"\.(?:s?html?|php\d?|aspx?|jspx?|cfm|cgi)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Journey:
    """What became of the way from the URL asked to the one that answered."""

    kind: Kind
    confidence: float
    signals: tuple[Signal, ...]
    wants_probe: bool = False


def home(url: str) -> bool:
    """Whether a URL is a home page: no path, or only a language, an index or the like, and no query that names "
    "a thing."""
    parts = urlsplit(url)
    segments = _segments(_INDEX.sub("/", parts.path))
    named = any(len(value) > 1 and key.lower() not in _DULL for key, value in parse_qsl(parts.query))
    routed = parts.fragment.startswith(("!", "/")) and len(parts.fragment) > 2
    return len(segments) <= 2 and all(_LOCALE.match(part) for part in segments) and not named and not routed


_DULL = frozenset({
    "lang", "language", "locale", "hl", "ref", "source", "src", "utm_source", "utm_medium", "utm_campaign", "from",
    "r", "redirect", "error", "msg",
})  # fmt: skip


def _segments(path: str) -> list[str]:
    return [unquote(part) for part in path.split("/") if part]


def permanent(scene: Scene) -> bool:
    """Whether a permanent redirect (RFC 9110 §15.4.2, §15.4.9) was on the way."""
    return any(hop.status in _PERMANENT for hop in scene.observation.hops[:-1])


def change(asked: str, final: str) -> str:
    """CONTRACT's reason of a move: what differs most between the addresses."""
    a, b = urlsplit(asked), urlsplit(final)
    if a.hostname != b.hostname:
        return "host_change"
    if a.scheme != b.scheme and _plain(asked) == _plain(final):
        return "scheme_upgrade"
    return "permanent_redirect"


def _plain(url: str) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    """A URL without what does not name the resource: scheme, www, index file, ending, last slash, case, order "
    "of queries."""
    parts = urlsplit(url)
    host = (parts.hostname or "").removeprefix("www.").removeprefix("m.")
    path = _ENDING.sub("", unquote(_INDEX.sub("/", parts.path)).rstrip("/")).casefold()
    query = sorted((key, value) for key, value in parse_qsl(parts.query) if key.lower() not in _DULL)
    return host, path, tuple(query)


def classify(scene: Scene, target: str, history: History, host: HostFacts) -> Journey:
    """Judge a redirect from the URL asked to `target`, whose page the scene shows."""
    asked = scene.observation.url
    if _plain(asked) == _plain(target):
        return _journey("same", 0.99, "same_address", "only the form of the address changed")
    for rule in (_by_missing_address, _by_history, _by_probe, _by_address, _by_sinks, _by_words):
        found = rule(scene, target, history, host)
        if found is not None:
            return found
    return _journey("same", 0.6, "no_sign_of_loss", "nothing speaks against it being the same resource")


def _journey(kind: Kind, confidence: float, name: str, text: str, wants_probe: bool = False) -> Journey:
    return Journey(kind, confidence, (Signal(name, text, confidence),), wants_probe)


def _by_missing_address(scene: Scene, target: str, history: History, host: HostFacts) -> Journey | None:
    parts = urlsplit(target)
    if (
        not home(target)
        and _MISSING.search(f"{parts.path}?{parts.query}")
        and not _MISSING.search(scene.observation.url)
    ):
        return _journey("to_missing", 0.95, "error_address", f"it leads to an error page: {target[:100]}")
    return None


def _by_history(scene: Scene, target: str, history: History, host: HostFacts) -> Journey | None:
    """The old text decides where there is enough of it."""
    then, now = history.good_page, scene.page
    if then is None or len(then.main) < 200:
        return None
    kept = max(similarity.containment(then.main, now.full), similarity.resemblance(then.main, now.main))
    if kept >= 0.3:
        return _journey("same", 0.97, "same_text", f"{kept:.0%} of the text seen before stands there")
    same_title = then.title and similarity.resemblance(then.title, now.title) >= 0.6
    if same_title and not home(target):
        return _journey("same", 0.8, "same_title", "the title is the one seen before")
    if kept < 0.08:
        return _journey(_place(scene, target), 0.95, "other_text", "nothing of the text seen before stands there")
    return None


def _by_probe(scene: Scene, target: str, history: History, host: HostFacts) -> Journey | None:
    """The host sends paths that cannot exist there too (Bar-Yossef et al. 2004)."""
    end = host.missing_final_url
    if end is None or (host.missing_status or 0) >= 400 or _plain(end) != _plain(target):
        return None
    return _journey(_place(scene, target), 0.97, "same_as_missing", "the host sends paths that cannot exist there too")


def _by_sinks(scene: Scene, target: str, history: History, host: HostFacts) -> Journey | None:
    """Many different links of the host end there."""
    number = next((number for url, number in host.sinks if _plain(url) == _plain(target)), 0)
    if number < 3 or _shared(scene, target) >= 0.5:
        return None
    return _journey(_place(scene, target), 0.9, "sink", f"{number} links of this host end there")


def _by_address(scene: Scene, target: str, history: History, host: HostFacts) -> Journey | None:
    asked = scene.observation.url
    a, b = urlsplit(asked), urlsplit(target)
    if home(asked):
        return _journey("same", 0.8, "home_to_home", "a home page, now at another address")
    if home(target):
        return _bounced_home(scene, target)
    if _SEARCH.search(target) and not _SEARCH.search(asked):
        return _journey("to_hub", 0.9, "search", f"it leads to a search: {target[:100]}")
    if _names_kept(asked, target):
        return _journey("same", 0.93, "same_name", "the new address names the same thing")
    old, new = _path(a.path), _path(b.path)
    if a.hostname == b.hostname and new != old and old[: len(new)] == new and not b.query:
        return _journey("to_hub", 0.9, "parent", "it leads to a section above the page")
    if new[: len(old)] == old and old:
        return _journey("same", 0.85, "below", "it leads to a part of the same place")
    if _HUB.search(b.path) and not _HUB.search(a.path) and _shared(scene, target) < 0.5:
        return _journey("to_hub", 0.85, "hub_address", f"it leads to a list or a search: {target[:100]}")
    return None


def _bounced_home(scene: Scene, target: str) -> Journey:
    asked = scene.observation.url
    host = urlsplit(target).hostname or ""
    name = _segments(urlsplit(asked).path)[-1:] or [""]
    words = [word for word in _WORD.findall(name[0].casefold()) if word not in _NOISE]
    if words and all(word in host for word in words):
        return _journey("same", 0.8, "own_host", "the thing has a host of its own now")
    if _opaque(asked) and _site(asked) != _site(target):
        return _journey("same", 0.55, "short_link", "a short link; what it stood for is not known")
    return _journey("to_home", 0.95, "home", "a deep link leads to the home page")


def _opaque(url: str) -> bool:
    """A short link: one segment of letters and digits that is no word."""
    parts = urlsplit(url)
    segments = _segments(parts.path)
    if len(segments) != 1 or parts.query or not re.fullmatch(r"[A-Za-z0-9_-]{3,11}", segments[0]):
        return False
    name = segments[0]
    return len(parts.hostname or "") <= 12 and bool(re.search(r"\d|[a-z][A-Z]|[A-Z][a-z]*[A-Z]", name))


def _site(url: str) -> str:
    return ".".join((urlsplit(url).hostname or "").removeprefix("www.").split(".")[-2:])


def _path(path: str) -> list[str]:
    return [_ENDING.sub("", part).casefold() for part in _segments(_INDEX.sub("/", path))]


def _names(url: str) -> tuple[set[str], set[str]]:
    """Words and long numbers that name a thing in a URL."""
    parts = urlsplit(url)
    text = unquote(f"{parts.path} {parts.query}").casefold()
    return {word for word in _WORD.findall(text) if word not in _NOISE}, set(_NUMBER.findall(text))


def _names_kept(asked: str, target: str) -> bool:
    """Whether the last telling segment, most words of it, or its number are in the new address."""
    a, b = _path(urlsplit(asked).path), _path(urlsplit(target).path)
    if a and b and a[-1] == b[-1] and (len(a[-1]) > 3):
        return True
    last = set(_WORD.findall(a[-1])) - _NOISE if a else set()
    words, numbers = _names(target)
    if last and len(last & words) / len(last) >= 0.6 and (len(last) > 1 or len(a) == 1 or len(b) >= len(a)):
        return True
    ids = {number for number in _names(asked)[1] if not re.fullmatch(r"(?:19|20)\d\d(?:[01]\d(?:[0-3]\d)?)?", number)}
    return bool(ids & numbers)


def _shared(scene: Scene, target: str) -> float:
    """How much of the old address's words the new address, its title and headings have."""
    words = _names(scene.observation.url)[0] - _host_words(scene.observation.url)
    if not words:
        return 0.0
    page = scene.page
    seen = similarity.words(" ".join((unquote(target), page.title, *page.headings[:6], page.main[:1500])))
    return len(words & seen) / len(words)


def _host_words(url: str) -> set[str]:
    return set(_WORD.findall(urlsplit(url).hostname or ""))


def lost_words(page: Page, url: str) -> bool:
    """Whether the address names a thing in three words or more, of which the page has nothing to say."""
    last = _path(urlsplit(url).path)[-1:]
    words = set(_WORD.findall(last[0])) - _NOISE if last else set()
    seen = similarity.words(" ".join((page.title, *page.headings, page.full[:20_000])))
    return len(words) >= 3 and len(words & seen) / len(words) <= 0.2


def _by_words(scene: Scene, target: str, history: History, host: HostFacts) -> Journey | None:
    """A telling name in the old address of which nothing stands on the new page."""
    last = _path(urlsplit(scene.observation.url).path)[-1:]
    words = set(_WORD.findall(last[0])) - _NOISE if last else set()
    if len(words) < 3 or not scene.page.full:
        return None
    seen = similarity.words(
        " ".join((unquote(target), scene.page.title, *scene.page.headings, scene.page.full[:20_000]))
    )
    share = len(words & seen) / len(words)
    if share >= 0.5:
        return _journey("same", 0.85, "words_kept", "the new page speaks of what the old address names")
    if share <= 0.2:
        kind = _place(scene, target)
        return _journey(kind, 0.75, "words_lost", "the new page has nothing of what the old address names", True)
    return None


def _place(scene: Scene, target: str) -> Kind:
    if home(target):
        return "to_home"
    page = scene.page
    listing = len(page.full) > 0 and page.link_text > 0.5 * len(page.full) and scene.running < 1500
    return "to_hub" if listing or _HUB.search(urlsplit(target).path) else "to_unrelated"


def bounced_in_place(page: Page, url: str) -> bool:
    """Whether a deep URL shows a page that calls itself the home page."""
    return page.canonical is not None and home(page.canonical) and not home(url)
