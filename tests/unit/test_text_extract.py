"""What is read of a body: HTML, PDF, plain text, JSON; charsets; what people see and machines write otherwise."""

import time
from dataclasses import replace

import pytest
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree

from services.linkcheck.core.text import extract, tidy

URL = "https://a.example/dir/page"
PARAGRAPH = "The harbour was rebuilt in 1953 by forty workers, and it has stood ever since without a single repair. "


def page(body: str, head: str = "") -> bytes:
    return f"<!doctype html><html lang=en><head><title>T</title>{head}</head><body>{body}</body></html>".encode()


def read(body: str, head: str = "") -> str:
    return extract(page(body, head), "text/html; charset=utf-8", URL).full


def test_an_article_is_read_with_its_facts() -> None:
    body = f"<nav><a href=/>Home</a></nav><main><h1>Harbour</h1><p>{PARAGRAPH * 4}</p></main><script>x()</script>"
    head = '<link rel=canonical href="/harbour"><meta http-equiv=refresh content="5; url=next">'
    found = extract(page(body, head), "text/html", URL)
    assert PARAGRAPH.strip() in found.main
    assert (found.title, found.language, found.headings) == ("T", "en", ("Harbour",))
    assert (found.canonical, found.refresh) == ("https://a.example/harbour", "https://a.example/dir/next")
    assert (found.links, found.scripts, found.password_field, found.readable) == (1, 1, False, True)


@pytest.mark.parametrize(
    ("body", "seen"),
    [
        ("<p>said<sup><a href='#n'>12</a></sup>.</p>", "said[12]."),
        ("<p>10<sup>6</sup> m<sup>2</sup></p>", "10⁶ m²"),
        ("<figure><img><figcaption>A caption</figcaption></figure>", "A caption"),
        ("<p>har\u00adbour \u200bwall</p>", "harbour wall"),
        ("<ul><li>one<li>two</ul>", "one\ntwo"),
        ("<p>cafe\u0301</p>", "café"),
        ("<p>a&nbsp; b</p>", "a b"),
    ],
)
def test_text_is_what_a_reader_sees(body: str, seen: str) -> None:
    assert read(body) == seen


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-15", "windows-1252", "utf-16"])
def test_charsets(charset: str) -> None:
    body = "<html><body><p>Größe und café für alle.</p></body></html>".encode(charset)
    assert "Größe und café für alle." in extract(body, f"text/html; charset={charset}", URL).full


def test_a_pdf_is_known_by_its_bytes() -> None:
    found = extract(pdf("Revenue rose to 54 million in 2019."), "application/octet-stream", URL)
    assert (found.media_type, found.readable) == ("application/pdf", True)
    assert "Revenue rose to 54 million in 2019." in found.main


def pdf(text: str) -> bytes:
    """A PDF of one page with one line."""
    stream = f"BT /F1 12 Tf 20 100 Td ({text}) Tj ET".encode()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 200]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    trailer = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, len(out))
    return out + b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + table + trailer


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        (b"One line.\r\nAnother.", "text/plain", "One line.\nAnother."),
        (b'{"a": ["x", {"b": 3}], "c": null}', "application/json", "x\n3"),
        (b'{"broken', "application/json", '{"broken'),
    ],
)
def test_other_text(body: bytes, kind: str, text: str) -> None:
    assert extract(body, kind, URL).main == text


@pytest.mark.parametrize(
    ("body", "kind"), [(b"\x89PNG\r\n", "image/png"), (b"%PDF-1.7 broken", "application/pdf"), (b"a\0b", None)]
)
def test_what_cannot_be_read_says_so(body: bytes, kind: str | None) -> None:
    assert not extract(body, kind, URL).readable


@pytest.mark.parametrize("tag", ["<div>", "<article>", "<figcaption>", "<ul><li>", "<sup"])
def test_markup_nested_for_harm_costs_little(tag: str) -> None:
    started = time.process_time()
    extract((tag * 100_000).encode(), "text/html", URL)
    assert time.process_time() - started < 3


@pytest.mark.parametrize(
    "body",
    [
        "<p>1 &lt; 2 &amp;&amp; <a href='/x?a=1&amp;b=%3Cp%3E'>x &gt; y</a></p><pre>a\n  &lt;b&gt; c</pre>",
        "<ul><li>one <a href=/1><b>bold</b> link</a><li>two</ul><table><tr><td>3<td>4</table><h2>five</h2>six<br>seven",
        "<p>un<a href='a\"b>c'>quo</a>ted &amp;lt;p&amp;gt; <a href=/2>no end <p>next</p>",
    ],
)
def test_the_visible_text_is_what_the_extractor_gives_by_itself(body: str) -> None:
    markup = page(f"<main><p>{PARAGRAPH}</p>{body}</main>").decode()
    plain = extract_plain_text(
        HTMLTree.parse(markup), main_content=False, preserve_formatting=True, alt_texts=False, list_bullets=False
    )
    assert extract(markup.encode(), "text/html", URL).full == tidy(plain)


@pytest.mark.parametrize(
    ("body", "characters"),
    [
        ("<a href=/1>one&amp;two</a> three <a href=/2> <b>four</b>  five </a>", 16),
        ("<a href=/1>seen<script>unseen()</script><svg><title>unseen</title></svg></a>", 4),
        ("<a name=x>no link</a> <a href=/1></a>", 0),
        (f"<a href=/1>{'word ' * 200}</a>", 300),
    ],
)
def test_characters_inside_links(body: str, characters: int) -> None:
    assert extract(page(body), "text/html", URL).link_text == characters


def test_the_same_visible_text_has_the_same_main_content() -> None:
    body = f"<nav><a href=/>Home</a></nav><div><p>{PARAGRAPH * 4}</p></div>"
    known = replace(extract(page(body), "text/html", URL), main="The main content of then.")
    again = page(body.replace("<div>", "<div data-nonce=1>"))
    assert extract(again, "text/html", URL, known=(known,)).main == "The main content of then."
    other = page(body.replace("1953", "1954"))
    assert (
        extract(other, "text/html", URL, known=(known,)).main
        == PARAGRAPH.replace("1953", "1954").strip() + " " + (PARAGRAPH.replace("1953", "1954") * 3).strip()
    )


@pytest.mark.parametrize("name", ["sr-only", "visually-hidden", "visuallyhidden", "screen-reader-text"])
def test_notes_for_screen_readers_are_no_text(name: str) -> None:
    assert read(f"<p>Grain <a href=/1>in 2019<span class='icon {name}'>(opens in a new window)</span></a>.</p>") == (
        "Grain in 2019."
    )
