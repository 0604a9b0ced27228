"""Which links of a document are evidence for which claim, and what the others are (CONTRACT §1, §3).

region of the article → role of each link → footnote marks to their references → claims → stable ids
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from services.ingest.core import furniture
from services.ingest.core.document import Block, Box, Document, Link
from shared.events import CitedLink, OtherLink, Role
from shared.ids import derived_id
from shared.text.normalise import fold
from shared.text.sentences import spans
from shared.urls import Url, UrlError, identity, known_suffix, parse, site

Missing = Literal["placeholder", "empty", "script", "relative"]
PROSE = 60
"""Characters outside of links that make a block part of the body."""
BODY_SHARE = 0.6
"""The body is the innermost box that holds this share of all prose."""
OWN_WORDS = 3
"""Words outside of links that make a sentence of a claim."""
_WORD = re.compile(r"[^\W_]+", re.UNICODE)
_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*:", re.I)
_MARK_TEXT = re.compile(r"^[\[(]?\d{1,3}[\])]?$|^[*†‡]$|^[\[(]?[a-z][\])]?$|^↩︎?$")


@dataclass(frozen=True, slots=True)
class Found:
    """The citations of a document in order, and its other links."""

    citations: tuple[CitedLink, ...]
    other_links: tuple[OtherLink, ...]
    text: str = ""
    """The article's own text without the page's furniture, a line a block."""


@dataclass(slots=True)
class _Placed:
    """A link on its way to a verdict."""

    number: int
    link: Link
    block: int
    anchor: str
    target: Url | None
    missing: Missing | None
    role: Role | None = None
    claim: str | None = None


def find(document: Document, *, article_id: str) -> Found:
    """Tell evidence from the rest, and name what each piece of evidence supports."""
    page = _Page(document)
    placed = list(page.placed())
    for one in placed:
        one.role = page.role(one)
    page.resolve_marks(placed)
    evidence = [one for one in placed if one.role == "evidence"]
    others = [one for one in placed if one.role != "evidence"]
    return Found(
        citations=tuple(_identified(evidence, page, article_id)),
        other_links=tuple(
            OtherLink(href=one.link.href, anchor=one.anchor, role=one.role or "navigation") for one in others
        ),
        text=page.text(),
    )


class _Page:
    """A document with what is known of its layout."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.blocks = document.blocks
        self.body = self._body()
        self.own_site = site(parse(document.url).host) if document.url and _parsed(document.url, None) else ""
        self.sources = self._source_sections()
        self.embedded: set[str] = set()
        self.marks = any(link.in_mark and link.href.startswith("#") for block in self.blocks for link in block.links)

    # --- layout ---------------------------------------------------------------------------------------------

    def _body(self) -> frozenset[int]:
        """Numbers of the boxes from the root down to the innermost that holds most of the prose."""
        if self.document.fragment:
            return frozenset({0})
        mass: dict[int, int] = defaultdict(int)
        for block in self.blocks:
            weight = _outside(block)
            if weight >= PROSE and not any(box.tag in furniture.TAG_ROLES for box in _chain(block.box)):
                for box in _chain(block.box):
                    mass[box.number] += weight
        total = mass.get(0, 0)
        return frozenset({number for number, weight in mass.items() if weight >= BODY_SHARE * total} | {0})

    def _inside(self, block: Block) -> bool:
        """Whether a block stands in the innermost box of the body."""
        if self.document.fragment:
            return True
        return max(self.body) in {box.number for box in _chain(block.box)}

    def text(self) -> str:
        """The blocks of the body, furniture left out."""
        return "\n".join(block.text for block in self.blocks if block.text and self._furniture(block) is None)

    def _source_sections(self) -> frozenset[int]:
        """Blocks under a heading that announces sources or notes."""
        found: set[int] = set()
        under = False
        for number, block in enumerate(self.blocks):
            short = len(block.text) < 60 and not block.links
            if block.box.tag in ("h1", "h2", "h3", "h4", "h5", "h6") or (
                short and furniture.SOURCE_TEXT.match(block.text)
            ):
                under = bool(furniture.SOURCE_TEXT.match(block.text))
            elif under:
                found.add(number)
        return frozenset(found)

    def _furniture(self, block: Block) -> Role | None:
        for box in _chain(block.box):
            if box.number in self.body:
                continue
            if box.tag in furniture.TAG_ROLES:
                return furniture.TAG_ROLES[box.tag]
            if box.tag == "header" and not self._inside(block):
                return "navigation"
            role = _word_role(box.words) if not self.document.fragment else None
            if role is not None:
                return role
        return None if self._inside(block) else "navigation"

    # --- links ----------------------------------------------------------------------------------------------

    def placed(self) -> Iterator[_Placed]:
        """The links in order; one phrase split over several links to one place counts once."""
        number = 0
        for place, block in enumerate(self.blocks):
            last: Link | None = None
            for link in block.links:
                if last is not None and last.href == link.href and not block.text[last.end : link.start].strip():
                    last.end = max(last.end, link.end)
                    continue
                last = link
            kept = [link for position, link in enumerate(block.links) if not _swallowed(link, block.links[:position])]
            for link in kept:
                target, missing = self._target(link.href)
                anchor = block.text[link.start : link.end]
                yield _Placed(number, link, place, anchor, target, missing)
                number += 1

    def _target(self, href: str) -> tuple[Url | None, Missing | None]:
        if not href:
            return None, "empty"
        if href.lstrip("\u0000\t\r\n ").lower().startswith(("javascript:", "vbscript:", "data:")):
            return None, "script"
        if href in ("#", "#!", "#0", "/#"):
            return None, "placeholder"
        if href.startswith("#"):
            return _parsed(href, self.document.url), None
        if _schemeless(href):
            href = f"http://{href}"
        url = _parsed(href, self.document.url)
        return (url, None) if url is not None else (None, "relative")

    def role(self, one: _Placed) -> Role:
        """The role of a link by the first row that fits."""
        block = self.blocks[one.block]
        for judge in (_by_scheme, self._by_place_on_page, _by_shape):
            found = judge(one)
            if found is not None:
                return found
        if self._is_embed(one, block):
            return "evidence"
        return self._by_surroundings(one, block)

    def _by_place_on_page(self, one: _Placed) -> Role | None:
        if one.missing is None and one.link.href.startswith("#"):
            return "self"
        if one.target is not None and self.document.url is not None and one.target.fragment:
            return "self" if identity(one.target.href) == identity(self.document.url) else None
        return None

    def _is_embed(self, one: _Placed, block: Block) -> bool:
        """A post of a social network shown in the text stands as a source."""
        if one.target is None or site(one.target.host) not in furniture.EMBED_HOSTS or not self._inside(block):
            return False
        words = {word for box in _chain(block.box) for word in box.words} | one.link.words
        embedded = bool(words & {"twitter", "tweet", "instagram", "embed", "tiktok", "fb", "bluesky"})
        post = not furniture.PROFILE_PATH.match(one.target.path)
        if not (embedded and post) or furniture.BOILERPLATE_TEXT.search(block.text) or one.link.image:
            return False
        first = one.target.href not in self.embedded
        self.embedded.add(one.target.href)
        return first

    def _by_surroundings(self, one: _Placed, block: Block) -> Role:
        text = block.text
        role = self._furniture(block)
        if role is not None and not (one.block in self.sources and self._inside(block)):
            return role
        if one.link.rel & {"author", "tag"} or _by_path(one, self.own_site):
            return "byline" if "author" in one.link.rel or _author(one) else "navigation"
        if _word_role(one.link.words) in ("share", "byline") and not self.document.fragment:
            return _word_role(one.link.words) or "navigation"
        if furniture.BYLINE_TEXT.match(text) and len(text) < 160 and not _ends(text):
            return "byline"
        if furniture.CREDIT_TEXT.match(text):
            return "byline"
        if furniture.SOURCE_TEXT.match(text) or one.block in self.sources:
            return "evidence" if _WORD.search(one.anchor) else "navigation"
        if furniture.LABEL_TEXT.match(text) and (len(text) < 60 or _outside(block) < 0.5 * len(text)):
            return "navigation"
        sentence = _claim(block, one.link)
        if furniture.SOCIAL_TEXT.search(sentence):
            return "share"
        if furniture.BOILERPLATE_TEXT.search(sentence):
            return "boilerplate"
        if not one.anchor.strip():
            return "navigation" if one.link.image or not one.link.href else "boilerplate"
        return self._in_prose(one, block, sentence)

    def _in_prose(self, one: _Placed, block: Block, sentence: str) -> Role:
        """What is left: a link in a sentence is evidence; a link that is the whole line leads elsewhere."""
        own = len(_WORD.findall(_without_links(block, sentence)))
        if self._wiki_page(one):
            return "navigation"
        if own >= OWN_WORDS or (own >= 1 and len(_WORD.findall(sentence)) >= 8) or (own >= 2 and _ends(sentence)):
            return "evidence" if not self._credit(one, block) else "byline"
        if block.box.tag == "td" and self._row_words(one.block) >= OWN_WORDS:
            return "evidence"
        stands_alone = self.document.fragment and block.box.tag in (
            "p",
            "figure",
            "figcaption",
            "div",
            "li",
            "blockquote",
        )
        if stands_alone and one.target is not None and (_bare(one) or len(_WORD.findall(sentence)) >= 5):
            return "evidence"
        near_top = one.block <= self._first_prose()
        return "byline" if near_top and one.missing is not None and not _ends(block.text) else "navigation"

    def _first_prose(self) -> int:
        """Number of the first block of running text."""
        return next((place for place, block in enumerate(self.blocks) if _outside(block) >= 2 * PROSE), 0)

    def _credit(self, one: _Placed, block: Block) -> bool:
        """A short line before the text that names paper and date."""
        return one.block < self._first_prose() and len(block.text) < 100 and not _ends(block.text)

    def _wiki_page(self, one: _Placed) -> bool:
        """In a page that cites by marks, links to pages of the same wiki explain words; they are no evidence."""
        return self.marks and one.target is not None and site(one.target.host) == self.own_site != ""

    def _row_words(self, place: int) -> int:
        return len(_WORD.findall(" ".join(_without_links(block, block.text) for block in self._row(place))))

    def _row(self, place: int) -> list[Block]:
        """The cells of the table row that a block stands in."""
        row = next((box for box in _chain(self.blocks[place].box) if box.tag == "tr"), None)
        if row is None:
            return [self.blocks[place]]
        near = range(max(0, place - 40), min(len(self.blocks), place + 40))
        return [self.blocks[n] for n in near if any(box.number == row.number for box in _chain(self.blocks[n].box))]

    # --- marks ----------------------------------------------------------------------------------------------

    def resolve_marks(self, placed: Sequence[_Placed]) -> None:
        """A footnote's links support the sentence that carries its mark."""
        by_block: dict[int, list[_Placed]] = defaultdict(list)
        for one in placed:
            by_block[one.block].append(one)
        for one in placed:
            mark = one.link.href.startswith("#") and (one.link.in_mark or _MARK_TEXT.match(one.anchor.strip()))
            place = self.document.named.get(one.link.href[1:]) if mark else None
            if place is None or place <= one.block:
                continue
            claim = _claim(self.blocks[one.block], one.link)
            for note in self._note(place, by_block):
                if note.claim is None and note.target is not None:
                    note.role, note.claim = "evidence", claim

    def _note(self, place: int, by_block: dict[int, list[_Placed]]) -> Iterator[_Placed]:
        """The outward links of a note: of its block and of what follows in the same list item."""
        item = next((box for box in _chain(self.blocks[place].box) if box.tag in ("li", "dd", "tr")), None)
        for number in range(place, min(place + 12, len(self.blocks))):
            inside = item is not None and any(box.number == item.number for box in _chain(self.blocks[number].box))
            if number > place and not inside:
                return
            for one in by_block.get(number, ()):
                if (
                    one.target is not None
                    and one.target.scheme in ("http", "https")
                    and not one.link.href.startswith("#")
                ):
                    outward = site(one.target.host) != self.own_site or not self.own_site
                    if outward:
                        yield one

    def claim(self, one: _Placed) -> str:
        """The whole sentence, or the line where there is none, or the row of a table."""
        if one.claim is not None:
            return one.claim
        block = self.blocks[one.block]
        if block.box.tag in ("td", "th"):
            return " ".join(cell.text for cell in self._row(one.block) if cell.text)
        return _claim(block, one.link)


def _chain(box: Box | None) -> Iterator[Box]:
    while box is not None:
        yield box
        box = box.parent


def _outside(block: Block) -> int:
    """Characters of a block outside of its links."""
    return len(block.text) - sum(link.end - link.start for link in block.links)


def _word_role(words: frozenset[str]) -> Role | None:
    return next((role for role, wanted in furniture.WORD_ROLES if words & wanted), None)


def _parsed(href: str, base: str | None) -> Url | None:
    try:
        return parse(href, base)
    except UrlError:
        return None


def _schemeless(href: str) -> bool:
    """`example.org/page` written without its scheme: a browser would take it for a file of this site."""
    first = href.split("/", 1)[0].split("?", 1)[0]
    if _SCHEME.match(href) and not re.match(r"^[\w.-]+:\d+(?:/|$)", href):
        return False
    return "." in first and not first.startswith(".") and known_suffix(first.split(":", 1)[0])


def _swallowed(link: Link, before: Sequence[Link]) -> bool:
    return any(
        other is not link
        and other.href == link.href
        and other.start <= link.start
        and link.end <= other.end
        and other.end > other.start
        for other in before
    )


def _by_scheme(one: _Placed) -> Role | None:
    if one.target is None:
        return None
    if one.target.scheme in ("mailto", "tel", "sms", "callto", "skype", "whatsapp"):
        return "contact"
    return "contact" if "/cdn-cgi/l/email-protection" in one.target.path else None


def _by_shape(one: _Placed) -> Role | None:
    if one.target is None:
        return None
    if furniture.SHARE_URL.search(one.target.href):
        return "share"
    if furniture.IMAGE_PATH.search(one.target.path) and (one.link.image or not one.anchor.strip()):
        return "navigation"
    return None


def _author(one: _Placed) -> bool:
    return one.target is not None and bool(furniture.AUTHOR_PATH.match(one.target.path))


def _by_path(one: _Placed, own_site: str) -> bool:
    """Own pages of authors, tags and topics."""
    if one.target is None or (own_site and site(one.target.host) != own_site):
        return False
    if not own_site and _SCHEME.match(one.link.href):
        return False
    return _author(one) or bool(furniture.LISTING_PATH.match(one.target.path))


def _ends(text: str) -> bool:
    return text.rstrip("\"'”’»)]").endswith((".", "!", "?", "…", "。", "！", "？", "؟", "।"))


def _claim(block: Block, link: Link) -> str:
    """The sentences that the anchor touches."""
    touched = [
        (start, end)
        for start, end in spans(block.text)
        if start < max(link.end, link.start + 1) and max(link.start, 0) < end
    ]
    if not touched:
        before = [span for span in spans(block.text) if span[1] <= link.start]
        touched = before[-1:] or [(0, len(block.text))]
    return block.text[touched[0][0] : touched[-1][1]]


def _without_links(block: Block, sentence: str) -> str:
    """A sentence of the block without the words of its links."""
    at = block.text.find(sentence)
    kept, last = [], at
    for link in sorted(block.links, key=lambda link: link.start):
        start, end = max(link.start, at), min(link.end, at + len(sentence))
        if start < end and start >= last:
            kept.append(block.text[last:start])
            last = end
    kept.append(block.text[last : at + len(sentence)])
    return " ".join(kept)


def _bare(one: _Placed) -> bool:
    """The link shows its own address."""
    return bool(re.match(r"(?:https?://|www\.)", one.anchor.strip(), re.I))


def _identified(evidence: Sequence[_Placed], page: _Page, article_id: str) -> Iterator[CitedLink]:
    """Ids that survive a new version: what is cited and by which words; only equals are told apart by order."""
    seen: dict[tuple[str, ...], int] = defaultdict(int)
    for one in evidence:
        claim = page.claim(one)
        target = one.target.href if one.target is not None else None
        missing = one.missing
        what = _identity(target) if target is not None else f"?{fold(claim)}"
        key = (article_id, what, fold(one.anchor))
        seen[key] += 1
        yield CitedLink(
            citation_id=derived_id("cit", *key, str(seen[key])),
            claim=claim,
            context=page.blocks[one.block].text,
            anchor=one.anchor,
            href=one.link.href,
            target=target,
            missing=missing,
            position=one.number,
        )


def _identity(href: str) -> str:
    try:
        return identity(href)
    except UrlError:
        return href
