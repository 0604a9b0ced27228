"""Ways to mend a citation whose evidence is not as it was: mementos, the page's new address; each with a patch.

The copy that the citation is compared with goes first, then what web archives hold nearest to the article's date, then
what we captured ourselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.linkcheck.core.dossier import Citation, Snapshot
from services.linkcheck.core.patch import Repair, markdown_link, patch_html, patch_markdown, robust_link, unified
from shared.events import ArticleKind, Memento, Outcome

LONGEST_PATCH = 2_000
"""Characters of a diff that messages show whole; where the article's lines make it longer, the mended link alone is
given."""
MOST_MEMENTOS = 3
LIVING: frozenset[Outcome] = frozenset({"ok", "moved"})


@dataclass(frozen=True, slots=True)
class Written:
    """The article as it was sent; `text` is empty where it was too long to be kept."""

    text: str
    kind: ArticleKind

    @property
    def name(self) -> str:
        """How a patch calls the file."""
        return "article.md" if self.kind == "text/markdown" else "article.html"


@dataclass(frozen=True, slots=True)
class Way:
    """One way to mend a citation."""

    kind: Literal["memento", "our capture", "new address"]
    url: str
    captured_at: datetime | None = None
    archive: str | None = None


def ways(citation: Citation, mementos: Sequence[Memento], moved_to: str | None, public_url: str) -> list[Way]:
    """All that is known, the best first."""
    snapshot = citation.baseline_snapshot
    found = [Way("new address", moved_to)] if moved_to else []
    if snapshot is not None and snapshot.source is not None:
        found.append(Way("memento", snapshot.source, snapshot.captured_at, snapshot.archive))
    held = [one for one in mementos if snapshot is None or one.url != snapshot.source]
    found += [Way("memento", one.url, one.captured_at, one.source) for one in held[:MOST_MEMENTOS]]
    if snapshot is not None:
        found.append(Way("our capture", our_memento(snapshot, public_url), snapshot.captured_at))
    return found


def our_memento(snapshot: Snapshot, public_url: str) -> str:
    """Address of a capture of ours as a memento (RFC 7089)."""
    return f"{public_url}/memento/{snapshot.captured_at:%Y%m%d%H%M%S}/{snapshot.url}"


def patch(citation: Citation, way: Way, written: Written, *, lives: bool) -> str:
    """A unified diff of the article, or the mended link alone where the article is not at hand or in long lines.

    Where the page `lives`, HTML keeps leading to it, with the memento beside (Robust Links); Markdown has no such
    place, so it leads to the memento.
    """
    repair = _repair(citation, way, keeps=lives and written.kind == "text/html")
    mend = patch_markdown if written.kind == "text/markdown" else patch_html
    mended, number = mend(written.text, repair)
    diff = unified(written.text, mended, written.name) if number else ""
    if diff and len(diff) <= LONGEST_PATCH:
        return diff
    link = markdown_link if written.kind == "text/markdown" else robust_link
    return link(repair, citation.anchor)


def _repair(citation: Citation, way: Way, *, keeps: bool) -> Repair:
    if way.kind == "new address":
        return Repair(citation.href, target=way.url)
    return Repair(citation.href, way.url, way.captured_at, target=citation.href if keeps else None)
