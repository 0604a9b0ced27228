"""Which links of a document are evidence for which claim, and what the others are (CONTRACT §1, §3).

blocks ─► links with targets ─► roles ─► marks to their references ─► claims ─► citations with stable ids
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from services.ingest.core import phrases, references, roles
from services.ingest.core.blocks import Block, Link
from services.ingest.core.claims import Claim, claim_at, last_claim, lines_of, span_at
from services.ingest.core.document import Document
from services.ingest.core.roles import Placed, Setting
from services.ingest.core.targets import Target, target_of
from shared import urls
from shared.events import CitedLink, OtherLink, Role
from shared.ids import derived_id
from shared.text.normalise import fold


@dataclass(frozen=True, slots=True)
class Found:
    """The citations of a document in order, and its other links."""

    citations: tuple[CitedLink, ...]
    other_links: tuple[OtherLink, ...]


@dataclass(frozen=True, slots=True)
class _Judged:
    """A link with its role."""

    at: int
    """Number of its block."""
    placed: Placed
    target: Target
    role: Role

    @property
    def listed(self) -> bool:
        """Stands in a list of sources, and no mark leads to it."""
        return self.placed.section == "sources" and not self.placed.cited


def find(document: Document, *, article_id: str) -> Found:
    """Tell evidence from the rest, and name what each piece of evidence supports."""
    blocks = [replace(block, links=tuple(_merged(block))) for block in document.blocks]
    cited = references.of(blocks)
    setting = _setting(document, cited)
    judged = [one for at, section in _sections(blocks) for one in _judge(blocks[at], at, section, setting, cited)]
    judged = _without_repeats(judged, cited)
    evidence = [(one, claim) for one in judged if one.role == "evidence" for claim in _claims(one, blocks, cited)]
    return Found(
        citations=tuple(_identified(evidence, article_id)),
        other_links=tuple(
            OtherLink(href=one.placed.link.href, anchor=one.placed.anchor, role=one.role)
            for one in judged
            if one.role != "evidence"
        ),
    )


def _merged(block: Block) -> Iterator[Link]:
    """The block's links; one phrase split over several links to one place is one link."""
    last: Link | None = None
    for link in block.links:
        between = block.text[last.end : link.start] if last else ""
        if last and last.href == link.href and last.end > last.start and link.end > link.start and not between.strip():
            last = replace(last, end=link.end, image=last.image or link.image)
            continue
        if last:
            yield last
        last = link
    if last:
        yield last


def _setting(document: Document, cited: references.References) -> Setting:
    own = urls.parse(document.url) if document.url else None
    site = roles.name_of(own.host) if own else ""
    return Setting(
        url=own,
        site=site,
        authors=frozenset(name.casefold() for name in document.authors),
        wiki=bool(site) and cited.foreign_share(site) >= 0.5,
    )


# --- sections -----------------------------------------------------------------------------------------------------

_Section = Literal["sources", "related", ""]


def _sections(blocks: list[Block]) -> Iterator[tuple[int, _Section]]:
    """Each block's number with what the heading above it announces."""
    section: _Section = ""
    for at, block in enumerate(blocks):
        announced = _announces(block)
        yield at, section if announced is None else ""
        if announced is not None:
            section = announced


def _announces(block: Block) -> _Section | None:
    """What a heading, or a short line that ends with a colon, says of the blocks below it; None for other blocks."""
    text = block.text
    if not text or block.zone != "content":
        return None
    heading = block.kind == "heading"
    if not heading and (block.links or len(text) > 60 or not _is_label(block)):
        return None
    if phrases.SOURCE.match(text) and len(text) < 60:
        return "sources"
    if phrases.RELATED.match(text) and len(text) < 80:
        return "related"
    return "" if heading and not _headline(block) else None


def _is_label(block: Block) -> bool:
    text = block.text.rstrip()
    return text.endswith((":", "：")) or text.rstrip(":：").casefold() in _BARE_LABELS


_BARE_LABELS = frozenset(
    ("sources", "references", "notes", "footnotes", "our sources", "quellen", "einzelnachweise", "fuentes", "fonti",
     "références", "fontes", "bronnen", "источники", "related", "read more", "see also", "external links")
)  # fmt: skip


def _headline(block: Block) -> bool:
    """A heading that is all link, as teasers have."""
    return any(link.end - link.start >= 0.8 * len(block.text) for link in block.links)


# --- judging ------------------------------------------------------------------------------------------------------


def _judge(block: Block, at: int, section: str, setting: Setting, cited: references.References) -> Iterator[_Judged]:
    lines = lines_of(block) if block.links else []
    starts = [line.start for line in lines]
    for link in block.links:
        line = lines[max(0, bisect_right(starts, link.start) - 1)]
        target = target_of(link, setting.url)
        placed = Placed(
            link=link, block=block, anchor=" ".join(block.text[link.start : link.end].split()), target=target.url,
            line=line.text, loose=line.loose, sentence=block.text[slice(*span_at(block, link))], section=section,
            setting=setting, in_page=target.in_page, cited=at in cited.marks,
        )  # fmt: skip
        yield _Judged(at, placed, target, roles.role(placed))


def _without_repeats(judged: list[_Judged], cited: references.References) -> list[_Judged]:
    """In a list of sources that no mark leads to, only what the text does not cite itself is evidence; nothing is
    where other sources have marks, or where the list stands beside a text that cites. Of a post shown, one link is."""
    inline = {one.target.identity for one in judged if one.role == "evidence" and not one.listed}
    shown: set[str] = set()
    found = []
    for one in judged:
        role = one.role
        if role == "evidence" and one.listed:
            idle = len(cited.marks) > 2 or (one.placed.block.weak and inline) or one.target.identity in inline
            role = "navigation" if idle else role
        elif role == "evidence" and one.placed.link.zone == "embed":
            role = "boilerplate" if one.target.identity in shown else role
            shown.add(one.target.identity)
        found.append(one if role == one.role else replace(one, role=role))
    return found


def _claims(one: _Judged, blocks: list[Block], cited: references.References) -> list[Claim]:
    """The claims that a link supports: those that carry its mark, or the one that it stands in."""
    if marks := cited.marks.get(one.at):
        return list(dict.fromkeys(claim_at(blocks[at], link, cited.silent.get(at, ())) for at, link in marks))
    if one.placed.link.zone == "embed":
        return [_introduced(one.at, one.placed.link, blocks, cited)]
    return [claim_at(one.placed.block, one.placed.link, cited.silent.get(one.at, ()))]


def _introduced(at: int, link: Link, blocks: list[Block], cited: references.References) -> Claim:
    """What a post shown is cited for: its own words, else the sentence before it."""
    for before in range(at - 1, max(0, at - 12) - 1, -1):
        block, silent = blocks[before], cited.silent.get(before, ())
        if block.text and block.zone in ("embed", "content") and block.kind != "heading":
            if block.zone == "content":
                return last_claim(block, silent)
            if len(block.loose.split()) > 4 and not phrases.SHOWN.match(block.text):
                return Claim(" ".join(block.text.split()), " ".join(block.text.split()))
    return claim_at(blocks[at], link)


def _identified(evidence: list[tuple[_Judged, Claim]], article_id: str) -> Iterator[CitedLink]:
    """Ids that survive a new version: what is cited, by which words; only equals are told apart, by their order."""
    seen: Counter[tuple[str, ...]] = Counter()
    for one, claim in evidence:
        what = one.target.identity or f"?{fold(claim.text)}"
        key = (article_id, what, fold(one.placed.anchor))
        seen[key] += 1
        yield CitedLink(
            citation_id=derived_id("cit", *key, str(seen[key])),
            claim=claim.text,
            context=claim.context,
            anchor=one.placed.anchor,
            href=one.placed.link.href,
            target=one.target.href,
            missing=one.target.missing,
            position=one.placed.link.position,
        )
