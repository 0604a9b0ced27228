"""What a link is to the article that holds it (CONTRACT §3): a table of rules, asked in order, the first answer holds.

A rule looks at the link's address, at the words of its line, or at the place of its block in the page.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from services.ingest.core import calls, claims, phrases
from services.ingest.core.blocks import Block, Link, Zone
from shared.events import Role
from shared.urls import Url, site


@dataclass(frozen=True, slots=True)
class Setting:
    """What the rules know of the document beside the link."""

    url: Url | None
    """Where the article stands."""
    site: str
    """The name of its site, see `name_of`."""
    authors: frozenset[str]
    """Names of its authors, folded."""
    wiki: bool = False
    """The article refers to numbered sources outside its site: its links to pages beside it explain words."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A link with what its role is judged by."""

    link: Link
    block: Block
    anchor: str
    target: Url | None
    line: str
    """The line of the block that holds the anchor."""
    loose: str
    """That line outside of all its links."""
    sentence: str
    """The sentences that the anchor touches."""
    section: str
    """`sources`, `related` or '': what the heading above announces."""
    setting: Setting
    in_page: bool = False
    """Points into its own page."""
    cited: bool = False
    """Stands in a reference that marks in the text lead to."""

    @property
    def foreign(self) -> bool:
        """Leads to another site."""
        return self.target is not None and name_of(self.target.host) != self.setting.site

    @property
    def own(self) -> bool:
        """Leads to the article's own site, as far as can be told."""
        return self.target is not None and not self.foreign

    @property
    def prose(self) -> bool:
        """Stands in running text: words of the sentence are outside of links."""
        return _words(self.loose) >= 3


def name_of(host: str) -> str:
    """The name of a host's site whatever its country: `bbc` for `www.bbc.co.uk` and `bbc.com`."""
    return site(host).partition(".")[0]


def role(one: Placed) -> Role:
    """The role of a link."""
    return next(found for rule in _RULES if (found := rule(one)) is not None)


@lru_cache(maxsize=256)
def _words(text: str) -> float:
    """Words, counted no further than is asked here; scripts without blanks count two characters a word."""
    found = islice(_WORD.finditer(text), 10)
    return sum(len(word[0]) / 2 if _UNSPACED.match(word[0]) else 1 for word in found)


_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0eff\u1780-\u17ff\u1000-\u109f]+|[^\W_]+")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0eff\u1780-\u17ff\u1000-\u109f]")

# --- by address ---------------------------------------------------------------------------------------------------

_CONTACT = re.compile(r"\s*(?:mailto|tel|sms|callto|fax|skype|whatsapp|viber|tg|xmpp|sip|facetime):", re.IGNORECASE)
_OBFUSCATED_MAIL = re.compile(r"/cdn-cgi/l/email-protection")


def _contact(one: Placed) -> Role | None:
    return "contact" if _CONTACT.match(one.link.href) or _OBFUSCATED_MAIL.search(one.link.href) else None


_SHARE_PATH = re.compile(
    r"/(?:sharer?(?:\.php)?|share(?:[-_]?(?:article|offsite|link|bookmarks))?|intent/(?:tweet|post|compose)|pin/create/\w+"
    r"|bookmarklet(?:/\w+)?|submit|share_channel|add|send|sharing/share-offsite|widgets/share|tools/share|compose(?:/post)?)"
    r"(?:/|\.\w+)?$|^/(?:home|dialog/(?:share|send|feed))/?$",
    re.IGNORECASE,
)
_SHARE_QUERY = re.compile(
    r"(?:^|&)(?:u|url|link|href|text|status|body|media|canonicalurl|share_url|linkurl|source_url|t|title)=(?:[^&]*?)https?(?::|%3a)",
    re.IGNORECASE,
)
_SHARE_FLAG = re.compile(r"(?:^|&)(?:share|sharing|nb)=(?:1|true|[a-z]{2,12})(?:&|$)", re.IGNORECASE)


def _share(one: Placed) -> Role | None:
    """Addresses that post another address somewhere, and those of the page itself that open such a form."""
    url = one.target
    if url is None:
        return None
    if _SHARE_PATH.search(url.path) and _SHARE_QUERY.search(url.query):
        return "share"
    if url.scheme not in ("http", "https"):
        return "share" if _SHARE_QUERY.search(url.query) else None
    own = one.setting.url
    if own is not None and url.host == own.host and url.path.rstrip("/") == own.path.rstrip("/"):
        return "share" if _SHARE_FLAG.search(url.query) else None
    return None


def _self(one: Placed) -> Role | None:
    return "self" if one.in_page else None


# --- by place -----------------------------------------------------------------------------------------------------

_OF_ZONE: dict[Zone, Role] = {
    "navigation": "navigation", "byline": "byline", "boilerplate": "boilerplate", "share": "share",
    "hidden": "navigation",
}  # fmt: skip


_POST = re.compile(
    r"/(?:status(?:es)?|p|reels?|posts?|comments|videos?|photos?|watch)/[\w.-]+|/@?[\w.-]+/\d{6,}|[?&]v=\w+"
)


def _embedded(one: Placed) -> Role | None:
    """A post of a social network shown in the article is a source; its tags and profiles are not."""
    if one.link.zone != "embed":
        return None
    post = one.target is not None and one.foreign and _POST.search(f"{one.target.path}?{one.target.query}")
    return "evidence" if post else "navigation"


def _empty(one: Placed) -> Role | None:
    """Nothing to click on, or a picture alone: such a link stands for no words of a claim."""
    if _WORD.search(one.anchor):
        return None
    zone = _OF_ZONE.get(one.link.zone)
    if zone and zone != "byline":
        return zone
    return "navigation" if one.link.image or one.link.button else "boilerplate"


def _furniture(one: Placed) -> Role | None:
    """Outside of the article; lines that tell what they are are told apart even there."""
    zone = one.link.zone if one.link.zone != "content" else one.block.zone
    found = _OF_ZONE.get(zone)
    if found != "navigation":
        return found
    return _by_words(one) or "navigation"


# --- by words -----------------------------------------------------------------------------------------------------


_READ = 600
"""Characters in which a block says what it is; no longer sentence is a call to act."""


def _by_words(one: Placed) -> Role | None:
    """What the line says of itself: a byline, a copyright line, a call to act."""
    short = one.line if len(one.line) < 240 else ""
    sentence = one.sentence if len(one.sentence) < _READ else ""
    for stretch, text in (("block", one.block.text[:_READ]), ("line", short), ("sentence", sentence)):
        for wording in _said(stretch, text):
            if stretch != "sentence" or not _claimed(one, wording):
                return wording.role
    return None


@lru_cache(maxsize=256)
def _said(stretch: phrases.Stretch, text: str) -> tuple[phrases.Wording, ...]:
    """What a stretch of text says. Kept, for rules ask twice, and the links of one sentence alike."""
    return tuple([wording for wording in phrases.WORDINGS[stretch] if wording.pattern.search(text)])


def _claimed(one: Placed, wording: phrases.Wording) -> bool:
    """Whether the sentence only speaks of what the wording asks for or states."""
    if wording.kind == "origin" or one.target is None or one.block.zone != "content" or one.block.weak:
        return False
    address = f"{one.target.path}?{one.target.query}"
    return calls.is_claim(one.sentence, one.anchor, wording, address=address, own=one.own)


def _author(one: Placed) -> Role | None:
    """The author's name, page or biography."""
    if re.search(r"\bauthor\b", one.link.rel):
        return "byline"
    if one.anchor.casefold() in one.setting.authors and (not one.prose or phrases.BIOGRAPHY.search(one.line[:_READ])):
        return "byline"
    if one.line[:100].casefold().startswith(tuple(one.setting.authors)) and phrases.BIOGRAPHY.search(one.line[:_READ]):
        return "byline"
    listed = one.own and one.target is not None and phrases.AUTHOR_PATH.search(one.target.path)
    return "byline" if listed and not one.prose else None


def _tag(one: Placed) -> Role | None:
    """Lists of pages under a word, and searches; and what was paid for."""
    if "sponsored" in one.link.rel:
        return "boilerplate"
    if re.search(r"(?:^|\s)tag(?:\s|$)", one.link.rel):
        return "navigation"
    if one.target is None:
        return None
    listing = one.own and phrases.LISTING_PATH.search(f"{one.target.path}?{one.target.query}")
    return "navigation" if listing or phrases.HASHTAG_PATH.match(one.target.path) else None


def _dateline(one: Placed) -> Role | None:
    """A name and a date, nothing else: where and when the text came out."""
    if len(one.line) > 160 or (one.prose and _words(one.loose) > 7):
        return None
    return "byline" if phrases.DATE.fullmatch(one.loose.strip(" \n\t,.|·•–—-:/()")) else None


def _button(one: Placed) -> Role | None:
    return "navigation" if one.link.button and not one.prose else None


def _credit(one: Placed) -> Role | None:
    """Who made a picture."""
    if _words(one.loose) > 4 or len(one.line) > 120:
        return None
    caption = one.block.kind == "caption" and _words(one.loose) < 3
    return "byline" if caption or phrases.CREDIT.match(one.line) else None


def _network(one: Placed) -> Role | None:
    """The publisher's page on a social network."""
    return "share" if not one.prose and phrases.NETWORK.fullmatch(one.anchor) else None


def _reference(one: Placed) -> Role | None:
    """What a reference names on other sites supports the claim that carries its mark."""
    return "evidence" if one.cited and (one.foreign or one.target is None) else None


def _section(one: Placed) -> Role | None:
    if one.section == "sources":
        return "evidence" if one.foreign or not one.link.href.startswith("#") else None
    return "navigation" if one.section == "related" else None


_LABEL = re.compile(r"^\W*([^:：\n]{2,40})[:：]")
_SEPARATORS = re.compile(r"(?:[\W_]|\b(?:and|or|und|et|y|e|en|och|og|и|&)\b)*", re.IGNORECASE)


def _labelled(one: Placed) -> Role | None:
    """`Label: link, link`: sources are evidence; other labels list pages of the site."""
    label = _LABEL.match(one.line)
    if label is None:
        return None
    if phrases.SOURCE.match(label[1]):
        return "evidence"
    rest = one.loose.strip()[len(label[1]) + 1 :] if one.loose.strip().startswith(label[1]) else None
    if rest is None or not _SEPARATORS.fullmatch(rest):
        return None
    return None if one.foreign and not phrases.RELATED.match(label[1]) else "navigation"


def _explains(one: Placed) -> Role | None:
    """In a text with numbered sources, a link to a page beside it explains a word."""
    own = one.setting.url
    if not one.setting.wiki or own is None or one.target is None or one.target.host != own.host:
        return None
    return "navigation" if one.target.path.rpartition("/")[0] == own.path.rpartition("/")[0] else None


def _aside(one: Placed) -> Role | None:
    """Beside the text, only whole sentences are taken for claims."""
    if not one.block.weak or phrases.SOURCE.match(one.line):
        return None
    return None if _words(one.loose) >= 5 and claims.ends(one.sentence) else "navigation"


def _alone(one: Placed) -> Role | None:
    """A line that is all link: a teaser on the own site, a source elsewhere."""
    if one.prose:
        return None
    if phrases.SOURCE.match(one.anchor) or phrases.SOURCE.match(one.line):
        return "evidence"
    if one.target is None or one.own or one.block.weak:
        return "navigation"
    return None if one.target.path.strip("/") or one.target.query else "navigation"


def _evidence(one: Placed) -> Role | None:
    return "evidence"


_RULES: tuple[Callable[[Placed], Role | None], ...] = (
    _contact, _share, _self, _embedded, _empty, _furniture, _tag, _author, _by_words, _button, _explains,
    _reference, _credit, _network, _section, _dateline, _labelled, _aside, _alone, _evidence,
)  # fmt: skip
