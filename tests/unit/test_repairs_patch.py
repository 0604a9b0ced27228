"""Patches of articles: for the real ones they change the link in question and no other, and `patch` takes them."""

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.core import citations
from services.ingest.core.document import read
from services.linkcheck.core.dossier import Citation, Snapshot
from services.linkcheck.core.patch import Repair, patch_html, patch_markdown, unified
from services.linkcheck.core.repairs import LONGEST_PATCH, Written, patch, ways
from shared.events import ArticleKind, ArticleRef, CitationState, Memento
from shared.text.packed import pack, unpack
from tests.support.evidence import evidence_dir

EVIDENCE = evidence_dir()
KINDS: dict[str, ArticleKind] = {"html": "text/html", "markdown": "text/markdown"}
MAY = datetime(2016, 5, 3, 12, tzinfo=UTC)
MEMENTO = "https://archive.example/web/20160503120000/https://cited.example/a?b=(1)&c=2"


def articles() -> Iterator[tuple[str, ArticleKind, Path]]:
    if EVIDENCE is None:
        return
    for line in (EVIDENCE / "articles" / "manifest.jsonl").read_text().splitlines():
        entry = json.loads(line)
        if entry["format"] in KINDS:
            yield entry["url"] or "https://paper.example/", KINDS[entry["format"]], EVIDENCE / entry["file"]


def links(text: str, kind: ArticleKind, url: str) -> list[tuple[str, int]]:
    """(href, ordinal) of every link of an article, as ingest reads it."""
    return [(link.href, link.position) for block in read(text, kind, url=url).blocks for link in block.links]


@pytest.mark.skipif(EVIDENCE is None, reason="the evidence is not beside the repository")
@pytest.mark.parametrize(("url", "kind", "path"), list(articles()), ids=lambda value: getattr(value, "stem", ""))
def test_the_labelled_articles_are_patched_at_one_link_and_nowhere_else(
    url: str, kind: ArticleKind, path: Path, tmp_path: Path
) -> None:
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        text = file.read()
    mend = patch_markdown if kind == "text/markdown" else patch_html
    before = links(text, kind, url)
    cited = citations.find(read(text, kind, url=url), article_id="a").citations
    for href in sorted({one.href for one in cited if one.target is not None}):
        mended, number = mend(text, Repair(href, MEMENTO, MAY))
        assert number == sum(one == href for one, _ in before), href
        assert links(mended, kind, url) == [(MEMENTO if one == href else one, at) for one, at in before]
        assert applied(text, unified(text, mended, path.name), tmp_path) == mended


def applied(text: str, diff: str, folder: Path) -> str:
    """What `patch` makes of a text."""
    target, changes = folder / "article", folder / "changes.diff"
    target.write_bytes(text.encode())
    changes.write_bytes(diff.encode())
    done = subprocess.run(
        ["patch", "--binary", "--posix", str(target), str(changes)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return target.read_bytes().decode()


def citation(href: str, *, source: str | None = None) -> Citation:
    snapshot = Snapshot(
        "snp_1", "lnk_1", MAY, "response", "warc/x", "0" * 64, 1, "0" * 64, 1, "https://cited.example/a", source=source
    )
    return Citation(
        citation_id="cit_1", article=ArticleRef(id="art_1", version=1, source="s", url=None, title="T"), claim="Claim.",
        context="Claim.", anchor="the [minutes]", href=href, target="https://cited.example/a",
        state=CitationState(support="lost", health="broken", link_status="dead"), baseline_snapshot=snapshot,
    )  # fmt: skip


def test_what_is_known_is_offered_the_best_first() -> None:
    held = [Memento(url=f"https://archive.example/{at}", captured_at=MAY, source="archive.example") for at in range(5)]
    found = ways(citation("/a"), held, None, "https://watch.example")
    assert [one.kind for one in found] == ["memento"] * 3 + ["our capture"]
    assert found[-1].url == "https://watch.example/memento/20160503120000/https://cited.example/a"
    theirs = ways(citation("/a", source=held[2].url), held, "https://new.example/a", "https://watch.example")
    assert [one.url for one in theirs[:3]] == ["https://new.example/a", held[2].url, held[0].url]
    assert ways(citation("/a"), [], None, "https://watch.example")[0].kind == "our capture"


def test_a_living_page_keeps_its_link_and_a_dead_one_leads_to_the_memento() -> None:
    written = Written('<p>x</p>\n<p>See <a class="q" href="/a">the minutes</a></p>', "text/html")
    one, way = citation("/a"), ways(citation("/a"), [], None, "https://w.example")[0]
    lives, dead = (patch(one, way, written, lives=answer) for answer in (True, False))
    assert f'+<p>See <a href="/a" data-versionurl="{way.url}" data-versiondate="2016-05-03" class="q">' in lives
    assert f'+<p>See <a href="{way.url}" data-originalurl="/a" data-versiondate="2016-05-03" class="q">' in dead
    assert dead.endswith("\\ No newline at end of file\n")


def test_an_article_that_is_not_at_hand_or_in_one_line_gets_the_link_alone() -> None:
    one, way = citation("/a"), ways(citation("/a"), [], None, "https://w.example")[0]
    line = Written(f'<p>{"long " * LONGEST_PATCH}<a href="/a">the minutes</a></p>', "text/html")
    for written in (line, Written("", "text/html")):
        alone = patch(one, way, written, lives=False)
        assert alone == f'<a href="{way.url}" data-originalurl="/a" data-versiondate="2016-05-03">the [minutes]</a>'
    assert patch(one, way, Written("", "text/markdown"), lives=True) == f"[the \\[minutes\\]]({way.url})"


@given(st.text())
def test_what_is_packed_is_unpacked(text: str) -> None:
    assert unpack(pack(text, 1 << 20)) == text


def test_what_is_too_long_is_not_packed_and_what_is_no_packing_is_no_text() -> None:
    assert pack("abc" * 50, 10) == ""
    assert unpack("") == unpack("no base64") == unpack("YWJj") == unpack(pack("whole", 99)[:-8]) == ""
