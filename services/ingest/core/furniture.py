"""Telling the article from the page around it: what element names, roles, classes and ids say.

Hints are the words that themes, frameworks and CMSs share, never the names of one site. A hint is void for an
element that holds much of the page's prose (a body with class `has-sidebar`), see `markup`.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from services.ingest.core.blocks import Zone


@dataclass(frozen=True, slots=True)
class Hint:
    """What an element says of all that stands in it. A weak one yields to prose with a link in it."""

    zone: Zone
    strong: bool = True


NAVIGATION, WEAK = Hint("navigation"), Hint("navigation", strong=False)
BYLINE, SHARE, LEGAL = Hint("byline"), Hint("share"), Hint("boilerplate")
HIDDEN, CONTENT, EMBED = Hint("hidden"), Hint("content"), Hint("embed")

TAGS: dict[str, Hint] = {"nav": NAVIGATION, "menu": NAVIGATION, "dialog": NAVIGATION, "address": BYLINE, "aside": WEAK}
ROLES: dict[str, Hint] = {
    **dict.fromkeys(("navigation", "banner", "contentinfo", "search", "menu", "menubar", "toolbar", "tablist", "dialog",
                     "alertdialog", "toc", "doc-toc"), NAVIGATION),
    "complementary": WEAK,
    **dict.fromkeys(("doc-endnotes", "doc-footnote", "doc-bibliography"), CONTENT),
}  # fmt: skip

_TABLE: tuple[tuple[Hint, str], ...] = (
    (
        NAVIGATION,
        """
        nav navbar navbox navigation menu submenu breadcrumb breadcrumbs sidebar side-bar rail related relatedposts
        recommended recommendations recommendation recirc recirculation trending teaser teasers comments commentlist
        disqus respond pagination pager paging toc search searchform skip toolbar masthead footer gh-foot gh-head
        outbrain taboola catlinks editsection noprint tagcloud sitemap popular latest jumplink promo promos promobox
        advert advertisement adverts adslot ad ads sponsored sponsor readmore hatnote sisterproject dropdown
        languages interlanguage printfooter tags taglist topics
        site-header page-header global-header main-header top-bar back-top site-footer page-footer read-more
        read-next more-stories more-from more-on most-read most-viewed also-read comment-list comment-form up-next
        post-navigation nav-links tag-links cat-links tag-list post-tags entry-tags article-tags post-categories
        post-category entry-categories kg-signup kg-cta kg-header kg-button p-tags skip-link skip-links jump-link
        view-comments related-links authority-control sister-box next-article next-post prev-post entry-footer
        post-footer story-footer button-wrapper global-nav
        """,
    ),
    (SHARE, "share sharing sharer sharedaddy social socials addtoany addthis sharebar shareable socialmedia"),
    (
        BYLINE,
        "byline bylines author authors authorbox dateline writer contributor contributors reporter vcard authorship",
    ),
    (
        LEGAL,
        """
        copyright legal disclaimer newsletter newsletters signup subscribe subscription subscriptions cookie cookies
        consent gdpr donate donation paywall regwall licence license republish colophon
        email-signup mailing-list sign-up
        """,
    ),
    (CONTENT, "footnotes footnote endnotes references reflist reference bibliography citations"),
    (
        WEAK,
        """
        widget callout box infobox meta tools extras highlights factbox
        entry-meta post-meta article-meta story-meta p-author
        """,
    ),
    (
        EMBED,
        """
        social-embed socialembed twitter-tweet twitter-video tweet instagram-media fb-post fb-video tiktok-embed
        bluesky-embed reddit-embed reddit-card mastodon-embed telegram-post threads-post
        """,
    ),
    (HIDDEN, "sr-only off-screen visually-hidden screen-reader visuallyhidden assistive-text a11y-hidden"),
)  # fmt: skip
"""Words of class names and ids, and pairs of words that follow each other."""
_WORDS = {word: hint for hint, words in _TABLE for word in words.split()}
_NEGATING = frozenset(
    ("has", "no", "with", "without", "is", "not", "js", "hide", "hidden", "show", "wp", "kg", "supports")
)
"""First words of names that describe something else (`has-sidebar`, `no-comments`)."""
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|[-_:./\s]+")


@lru_cache(maxsize=4096)
def name_hint(name: str) -> Hint | None:
    """What one class or id says."""
    words = [word.lower() for word in _CAMEL.split(name) if word]
    if not words:
        return None
    for first, second in pairwise(words):
        if hint := _WORDS.get(f"{first}-{second}"):
            return hint
    if words[0] in _NEGATING or len(words) > 6:
        return None
    found = [hint for word in words if (hint := _WORDS.get(word))]
    if CONTENT in found:
        return CONTENT
    return found[-1] if found else None


@lru_cache(maxsize=4096)
def names_hint(names: str) -> Hint | None:
    """What a class attribute says: strong hints before weak ones, positive before all."""
    found = [hint for name in names.split()[:40] if (hint := name_hint(name))]
    return min(found, key=lambda hint: (hint != CONTENT, not hint.strong)) if found else None


_BODY = re.compile(
    r"\b(?:article|story|post|entry|content|news|blog|main|body)[-_]?(?:body|content|text|main|copy|article)\b"
    r"|\bmw-parser-output\b|\be-content\b|\bmarkup\b|\bprose\b|\bopinion\b",
    re.IGNORECASE,
)


def is_body(tag: str, names: str, role: str, itemprop: str) -> bool:
    """Whether an element says that it is the article."""
    return (
        tag in ("article", "main")
        or role in ("main", "article")
        or itemprop.lower() == "articlebody"
        or _BODY.search(names) is not None
    )


BUTTON = re.compile(r"(?:^|[\s_-])(?:btn|button|cta)(?:$|[\s_-])", re.IGNORECASE)
