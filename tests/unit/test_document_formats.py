"""Documents of every kind, and those that cannot be read."""

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.ingest.core.document import LIMIT, Document, read
from shared.errors import InputError
from shared.events import ArticleKind

KINDS: dict[str, ArticleKind] = {".html": "text/html", ".md": "text/markdown", ".txt": "text/plain"}
REFUSED = sorted(
    path for path in (Path(__file__).parents[1] / "cases" / "documents").iterdir() if path.name != "README.md"
)

PAGE = """<!doctype html><html lang="en-GB"><head><title>Site | Bridge</title>
<meta property="og:title" content="The bridge closed"><link rel="canonical" href="/news/bridge">
<meta name="author" content="By Ann Lee"><meta property="article:published_time" content="2024-03-01T09:00:00+01:00">
<script type="application/ld+json">{"@graph": [{"@type": "NewsArticle", "headline": "x", "author": [{"name": "Ann Lee"}]}]}</script>
</head><body><header><a href="/">Home</a></header><nav><ul><li><a href="/news">News</a></ul></nav>
<main class="sidebar-left related newsletter"><h1>The bridge closed</h1><p>The bridge was closed on Monday, according to <a href="https://council.example/1">the
council</a>, and it will stay closed for most of the year.</p><p hidden>Not shown, with <a href="/x">a link</a> in it.</p>
<p>Engineers found cracks in two of the four piers when they looked at them <a href="report.pdf">last week</a>.</p></main>
<aside class="related"><p><a href="/other">Another story that has a long title and tells much of it.</a></p></aside>
<footer>© 2024 Site</footer></body></html>"""


def _read(text: str, kind: ArticleKind = "text/html", url: str | None = "https://news.example/2024/bridge") -> Document:
    return read(text.encode(), kind, url=url)


def test_a_page() -> None:
    document = _read(PAGE)
    assert (document.title, document.authors, document.language) == ("The bridge closed", ("Ann Lee",), "en-GB")
    assert document.published_at == datetime(2024, 3, 1, 8, tzinfo=UTC)
    assert document.canonical == "https://news.example/news/bridge"
    assert document.text.splitlines() == [
        "The bridge closed",
        "The bridge was closed on Monday, according to the council, and it will stay closed for most of the year.",
        "Engineers found cracks in two of the four piers when they looked at them last week.",
    ]


def test_links_point_into_their_block() -> None:
    shown = [
        block.text[link.start : link.end]
        for block in _read("<p> A <b>very <a href=/x> bold\n <i>link</i> </a>,</b> and<a href=/y>two</a></p>").blocks
        for link in block.links
    ]
    assert shown == ["bold link", "two"]


def test_front_matter() -> None:
    document = _read(
        '---\ntitle: "A: B"\nauthors: [Ann, Bo]\ndate: 2024-03-01\n---\n\n# Heading\n\nText.', "text/markdown"
    )
    assert (document.title, document.authors) == ("A: B", ("Ann", "Bo"))
    assert document.published_at == datetime(2024, 3, 1, tzinfo=UTC)
    assert document.text == "Heading\nText."


@pytest.mark.parametrize("front", ["---\na: &a [x]\nb: *a\n---\n", "---\n: : :\n---\n", "+++\nbroken\n+++\n"])
def test_front_matter_that_cannot_be_read_is_no_text(front: str) -> None:
    assert _read(front + "Text.", "text/markdown").text.endswith("Text.")


def test_markdown_links_of_every_kind() -> None:
    text = (
        "[inline](https://a.example/1 'title') and [reference][r], <https://a.example/3>, https://a.example/4.\n"
        '<a href="https://a.example/5">raw</a> and a template [path]({{ "/six" | url }}).\n\n[r]: https://a.example/2\n'
    )
    hrefs = [link.href for block in _read(text, "text/markdown").blocks for link in block.links]
    assert hrefs == [*(f"https://a.example/{number}" for number in range(1, 6)), "/six"]


def test_plain_text_links() -> None:
    text = "See (https://a.example/x_(y)), “https://a.example/z”; www.a.example/w. Write to b@a.example!\n- item one\n- item two"
    document = _read(text, "text/plain")
    assert [link.href for link in document.blocks[0].links] == [
        "https://a.example/x_(y)",
        "https://a.example/z",
        "http://www.a.example/w",
        "mailto:b@a.example",
    ]
    assert [block.kind for block in document.blocks] == ["paragraph", "item", "item"]


def test_lines_of_verse_and_of_prose() -> None:
    document = _read("<p>By Ann Lee<br>London, Monday<br>which was<br>a cold day<br><br>Another paragraph.</p>")
    assert [block.text for block in document.blocks] == [
        "By Ann Lee\nLondon, Monday which was a cold day",
        "Another paragraph.",
    ]


def test_tables_captions_and_quotes() -> None:
    document = _read(
        "<table><tr><th>Year<td>2019<tr><td>Dead<td>12</table><figure><img><figcaption>A pier</figcaption></figure>"
        "<blockquote><p>Quoted.</p></blockquote><ul><li>One<ul><li>Two</ul></ul>"
    )
    assert [(block.kind, block.text) for block in document.blocks] == [
        ("row", "Year\n2019"),
        ("row", "Dead\n12"),
        ("caption", "A pier"),
        ("quote", "Quoted."),
        ("item", "One"),
        ("item", "Two"),
    ]


@pytest.mark.parametrize("path", REFUSED, ids=lambda path: path.name)
def test_document_refusals(path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read(path.read_bytes(), KINDS[path.suffix], url="https://news.example/a")
    assert caught.value.what.endswith(".")
    assert caught.value.mend.endswith(".")


def test_the_refusals_are_there() -> None:
    assert len(REFUSED) >= 9


def test_a_huge_document_is_refused_at_once() -> None:
    started = time.process_time()
    with pytest.raises(InputError, match="20 MB"):
        read(b"x" * (LIMIT + 1), "text/html")
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize("url", ["", "news/1", "https://exa mple/"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(InputError, match="address"):
        read(b"Text.", "text/plain", url=url)


def test_depth_and_number_cost_little() -> None:
    started = time.process_time()
    assert _read("<div>" * 100_000 + "deep").text == "deep"
    many = _read("<p>" + '<a href="https://a.example/">a link</a> in a sentence. ' * 10_000)
    assert sum(len(block.links) for block in many.blocks) == 10_000
    assert time.process_time() - started < 10
