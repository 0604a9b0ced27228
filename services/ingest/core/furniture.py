"""What in a page is not the article: named rows of words, shapes and phrases. Data; `citations` applies it."""

import re

from shared.events import Role

TAG_ROLES: dict[str, Role] = {
    "nav": "navigation", "aside": "navigation", "menu": "navigation", "footer": "boilerplate", "form": "boilerplate",
    "button": "boilerplate", "dialog": "boilerplate", "label": "boilerplate", "address": "byline",
}  # fmt: skip
"""Elements that hold no claims."""

WORD_ROLES: tuple[tuple[Role, frozenset[str]], ...] = (
    ("share", frozenset(["share", "sharing", "shares", "social", "sharebar", "addtoany", "follow", "followus"])),
    ("byline", frozenset(["byline", "bylines", "author", "authors", "contributor", "contributors", "dateline", "bio"])),
    (
        "navigation",
        frozenset(
            [
                "nav",
                "navigation",
                "navbar",
                "menu",
                "breadcrumb",
                "breadcrumbs",
                "sidebar",
                "related",
                "recommended",
                "recommendations",
                "trending",
                "popular",
                "mostread",
                "teaser",
                "teasers",
                "tags",
                "taglist",
                "topics",
                "keywords",
                "categories",
                "pagination",
                "pager",
                "toc",
                "navbox",
                "catlinks",
                "more",
                "readmore",
                "latest",
                "carousel",
                "rail",
                "recirc",
                "complementary",
                "infobox",
                "sistersitebox",
                "hatnote",
                "editsection",
            ]
        ),
    ),
    (
        "boilerplate",
        frozenset(
            [
                "footer",
                "copyright",
                "newsletter",
                "subscribe",
                "subscription",
                "signup",
                "cookie",
                "cookies",
                "consent",
                "disclaimer",
                "legal",
                "advert",
                "ad",
                "ads",
                "advertisement",
                "sponsored",
                "sponsor",
                "banner",
                "donate",
                "donation",
                "paywall",
                "comment",
                "comments",
                "respond",
                "modal",
                "popup",
                "promo",
                "contentinfo",
                "printfooter",
            ]
        ),
    ),
)
"""Words of class, id and role; they count only on boxes that do not hold the body of the article."""

SHARE_URL = re.compile(
    r"(?:^|[./])(?:sharer|share|intent|shareArticle|sharing)(?:[/?.]|$)|/pin/create|//wa\.me/|api\.whatsapp\.com/send"
    r"|//t\.me/share|/submit\?(?:.*&)?url=|[?&]share=\w+|bookmarklet/popout|//(?:www\.)?addtoany\.com",
    re.I,
)
"""Addresses that post a page somewhere."""

LISTING_PATH = re.compile(
    r"^/(?:[\w-]+/)?(?:tags?|topics?|categor(?:y|ies)|sections?|subjects?|hashtag|keywords?|search|archive|personalities|"
    r"people|profiles?|themen?|temas?|rubriques?|labels?)(?:/|$)",
    re.I,
)
"""Own pages that list or describe, and state nothing."""
AUTHOR_PATH = re.compile(
    r"^/(?:[\w-]+/){0,2}(?:authors?|staff|by|writers?|reporters?|journalists?|autor(?:en|es)?|auteurs?|contributors?|redaktion)(?:/|$)",
    re.I,
)
IMAGE_PATH = re.compile(r"\.(?:jpe?g|png|gif|webp|svg|avif|bmp|tiff?)$", re.I)
EMBED_HOSTS = frozenset(
    {"twitter.com", "x.com", "instagram.com", "facebook.com", "tiktok.com", "threads.net", "bsky.app", "t.me"}
)
PROFILE_PATH = re.compile(r"^/@?[\w.-]+/?$")

BYLINE_TEXT = re.compile(
    r"^(?:by|von|par|por|di|door|av|af|od|articles? by|text(?:o|e)?:?|written by|story by|reported by|fact[- ]checked by|"
    r"edited by|photographs? by|автор(?:ы)?)\s*:?\s+\S",
    re.I,
)
CREDIT_TEXT = re.compile(
    r"^\W*(?:(?:additional )?(?:reporting|writing|editing|research|photography|translation) by|mitarbeit:|redaktion:)",
    re.I,
)
LABEL_TEXT = re.compile(
    r"^(?:tags?|tagged|topics?|themes?|regions?|categor(?:y|ies)|filed (?:under|in)|posted in|sections?|keywords|"
    r"related(?: (?:articles?|stories|links|topics|content|reading))?|see also|read (?:more|also|next)|more (?:on|from|about)|"
    r"in-depth report|schlagw(?:ort|örter)|themen|mehr zum thema|lesen sie auch|siehe auch|lire aussi|à lire|voir aussi|"
    r"mots[- ]clés|temas|etiquetas|lea también|ver también|leggi anche|lees ook|читайте также|теги|темы)\s*[:：|]?",
    re.I,
)
SOURCE_TEXT = re.compile(
    r"^(?:sources?|quellen?|fuentes?|fonte|fonti|bron(?:nen)?|via|источник(?:и)?|references?|our sources|works cited|"
    r"bibliography|footnotes?|notes|citations?|einzelnachweise|références|referencias|примечания)\s*(?:[:：]|$)",
    re.I,
)
"""Begins a line or a list that says where something was taken from."""
BOILERPLATE_TEXT = re.compile(
    r"©|\(c\) \d{4}|copyright|all rights reserved|alle rechte vorbehalten|tous droits réservés|"
    r"(?:the )?(?:original source|source) of this article|(?:first|originally) (?:published|appeared) (?:in|at|on|by)|"
    r"this (?:article|story|post|piece) (?:was )?(?:first|originally) (?:published|appeared)|republished (?:from|with)|"
    r"^disclaimer|creative commons|licen[sc]ed under|terms of (?:use|service)|privacy (?:policy|notice)|cookie policy|"
    r"permission (?:must be|from|to)|"
    r"sign(?:ing)? up (?:for|to)|subscribe (?:to|now|today|here|for)|newsletter|become a (?:member|subscriber|supporter)|"
    r"support (?:our|us|independent)|(?:make|give) a donation|donate (?:to|now|here)|follow us|like us on|join us on|"
    r"download (?:our|the) app|get (?:our|the) app|click here to|for media inquir|contact us|"
    r"listen to .{0,80}\b(?:live|here)\b|comment on .{0,60}(?:page|facebook)|leave a comment|"
    r"send (?:us )?(?:corrections|tips)|report (?:a |an )?(?:typo|error)|"
    r"newsletter abonnieren|jetzt abonnieren|inscrivez-vous|abonnez-vous|suscríbete|подпис(?:аться|ывайтесь)",
    re.I,
)
SOCIAL_TEXT = re.compile(r"follow .{0,60}\bon\b|comment on .{0,60}(?:page|facebook)|like us on|share (?:this|on)", re.I)
