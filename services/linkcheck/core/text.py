"""What a response says: bytes of HTML, PDF or plain text to a `Page`. Pure and picklable."""

import json
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import unescape
from typing import Any

from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree

from services.linkcheck.core.model import Page
from shared.text import html
from shared.urls import UrlError, parse

MAX_MARKUP = 512 * 1024
MAX_HTML = 6 * 1024 * 1024
"""Characters of markup that are read; what follows is furniture in every page worth citing."""
MAX_TEXT = 2 * 1024 * 1024
MAX_PAGES = 200
REFRESH = 10
_ODD_SPACES = "".join(char for char in map(chr, range(0x3001)) if char.isspace() and char not in " \n")
_BULLETS = frozenset("•◦▪‣")
_BULLET = re.compile(r"[•◦▪‣]\s+")
_REFRESH = re.compile(r"\s*(\d{1,4})(?:\.\d*)?\s*[;,]?\s*(?:url\s*=)?\s*[\"']?([^\"']+)", re.I)
_HTML_START = re.compile(
    rb"^\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|script|meta|title|div|p|table|article|main)\b",
    re.I | re.S,
)


@dataclass(frozen=True, slots=True)
class _Body:
    """What a reader reads."""

    data: bytes
    content_type: str | None
    url: str
    media_type: str
    known: Iterable[Page]

    def decoded(self) -> str:
        return html.decode(self.data, self.content_type)


def extract(body: bytes, content_type: str | None, url: str, *, known: Iterable[Page] = ()) -> Page:
    """Read a body (content coding removed). Never raises: what cannot be read is `readable=False`. `known` are pages
    that this address showed before: where all that is visible is the same, its main content is, and costs nothing.
    """
    media_type = sniff(body, content_type)
    reader = next((read for kinds, read in _READERS if media_type in kinds), None)
    if reader is None:
        reader = _read_plain if media_type.startswith("text/") else None
    if reader is None:
        return Page(media_type, readable=False)
    return reader(_Body(body, content_type, url, media_type, known))


def sniff(body: bytes, content_type: str | None) -> str:
    """The media type: the header's, unless the bytes plainly say otherwise."""
    stated = (content_type or "").partition(";")[0].strip().lower()
    head = body[:1024]
    if head.startswith(b"%PDF-"):
        return "application/pdf"
    if stated in ("", "application/octet-stream", "text/plain", "unknown/unknown", "application/unknown", "*/*"):
        if _HTML_START.match(head):
            return "text/html"
        if not stated or stated == "text/plain":
            return (
                "application/octet-stream"
                if b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff"))
                else "text/plain"
            )
    return stated


def tidy(text: str) -> str:
    """NFC, one space between words, one newline between blocks, no bullets, nothing invisible, and nothing that
    is no character (NUL, half a surrogate pair): no store would take it.
    """
    text = text[:MAX_TEXT].replace("\0", "\ufffd")
    if not text.isascii():
        if not unicodedata.is_normalized("NFC", text):
            text = unicodedata.normalize("NFC", text)
        for invisible in ("\u00ad", "\u200b", "\ufeff", "\u2060"):
            text = text.replace(invisible, "")
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    for space in _ODD_SPACES:
        if space in text:
            text = text.replace(space, " ")
    if "  " in text:
        lines = [" ".join(line.split()) if "  " in line else line.strip() for line in text.split("\n")]
    else:
        lines = [line.strip() for line in text.split("\n")]
    if any(bullet in text for bullet in _BULLETS):
        lines = [_BULLET.sub("", line, count=1) if line[:1] in _BULLETS else line for line in lines if line]
    return "\n".join([line for line in lines if line])


def _read_html(body: _Body) -> Page:
    markup = body.decoded()[:MAX_HTML].replace("\0", "\ufffd")
    try:
        prepared = _prepared(markup)
        tree = HTMLTree.parse(prepared)
        visible, link_text = _visible(tree)
        full = tidy(visible)
        same = next((page for page in body.known if page.full == full), None)
        main = same.main if same else full if _too_deep(prepared) else tidy(_main(tree))
    except Exception:  # a parser of foreign pages in C++; whatever it says, the page stays unread
        return Page(body.media_type, markup=markup[:MAX_MARKUP], readable=False)
    return Page(
        media_type=body.media_type,
        title=tidy(tree.title or "").replace("\n", " ")[:500],
        main=main,
        full=full,
        markup=markup[:MAX_MARKUP],
        language=_attribute(tree, "html", "lang")[:20].lower(),
        canonical=_absolute(_attribute(tree, "link[rel~=canonical]", "href"), body.url),
        refresh=_refresh(tree, body.url),
        headings=_texts(tree, "h1, h2", 20),
        links=len(_root(tree).query_selector_all("a[href]")),
        link_text=link_text,
        scripts=len(_root(tree).get_elements_by_tag_name("script")),
        password_field=_root(tree).query_selector("input[type=password]") is not None,
    )


_NESTING = re.compile(r"<(/?)(?:[dD][iI][vV]|[aA][rR][tT][iI][cC][lL][eE])\b")
MANY_TAGS, DEEPEST = 5_000, 400


def _too_deep(markup: str) -> bool:
    """Whether boxes are nested as no author nests them: looking for the main content is quadratic in the depth."""
    if markup.count("<") < MANY_TAGS:
        return False
    depth = 0
    for tag in _NESTING.finditer(markup):
        depth = max(0, depth + (-1 if tag[1] else 1))
        if depth > DEEPEST:
            return True
    return False


UNSEEN = [".sr-only, .visually-hidden, .visuallyhidden, .screen-reader-text"]
"""For screen readers alone ("opens in a new window"), in the names that Bootstrap, HTML5 Boilerplate and WordPress use:
notes of the template, which stand in the middle of sentences."""


def _main(tree: HTMLTree) -> str:
    return extract_plain_text(
        tree, main_content=True, preserve_formatting=True, alt_texts=False, list_bullets=False, skip_elements=UNSEEN
    )


LONG_LINK = 300
"""Characters of a link that count as a link's; beyond, it is a text that somebody made one big link of."""
_TAG = re.compile(r"<[^>\0]*>")
_LINK = re.compile(r'<a href="[^"]+">([^<]*(?:<(?!/?a[ >])[^<]*)*)</a>')


def _visible(tree: HTMLTree) -> tuple[str, int]:
    """All visible text, and how many of its characters are inside links: of one walk through the tree, which keeps a
    few plain tags (less than a third of what it costs to ask every link for its text).
    """
    marked = extract_plain_text(
        tree, main_content=False, preserve_formatting="minimal_html", links=True, alt_texts=False, list_bullets=False,
        skip_elements=UNSEEN,
    )  # fmt: skip
    texts = _bare("\0".join(_LINK.findall(marked))).split("\0")  # no text holds NUL, which was replaced
    return _bare(marked), sum([min(LONG_LINK, len(" ".join(text.split()))) for text in texts])


def _bare(marked: str) -> str:
    return unescape(_TAG.sub("", marked) if "<" in marked else marked)


_FIGURE = re.compile(r"<(/?)[fF][iI][gG](?:[uU][rR][eE]|[cC][aA][pP][tT][iI][oO][nN])\b")
_RAISED = re.compile(
    r"<[sS][uU][pP]\b[^>]{0,200}>\s*(<[aA]\b[^>]{0,400}>)?\s*\[?\s*(\d{1,3})\s*\]?\s*(?:</[aA]\s*>)?\s*</[sS][uU][pP]\s*>"
)
"""Both spell out the case: a search that ignores it cannot hop from `<` to `<`."""
_RAISED_FIGURES = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def _prepared(markup: str) -> str:
    """Markup in which the extractor finds what a reader sees: captions, and raised figures as such."""
    if "</sup" in markup or "</SUP" in markup:
        markup = _RAISED.sub(lambda found: f"[{found[2]}]" if found[1] else found[2].translate(_RAISED_FIGURES), markup)
    if "figcaption" in markup:  # the extractor leaves figures out, and their captions with them
        markup = _FIGURE.sub(r"<\1div", markup)
    return markup


def _root(tree: HTMLTree) -> Any:
    """The document node; a parsed tree always has one, though its type says otherwise."""
    return tree.document


def _attribute(tree: HTMLTree, selector: str, name: str) -> str:
    found = _root(tree).query_selector(selector)
    return (found.getattr(name, "") or "").strip() if found is not None else ""


def _absolute(href: str, url: str) -> str | None:
    if not href:
        return None
    try:
        return parse(href, url).href
    except UrlError:
        return None


def _refresh(tree: HTMLTree, url: str) -> str | None:
    for element in _root(tree).query_selector_all("meta[http-equiv]")[:]:
        if (element.getattr("http-equiv", "") or "").strip().lower() == "refresh":
            found = _REFRESH.match(element.getattr("content", "") or "")
            if found and int(found[1]) <= REFRESH:
                return _absolute(found[2].strip(), url)
    return None


def _texts(tree: HTMLTree, selector: str, limit: int) -> tuple[str, ...]:
    found = _root(tree).query_selector_all(selector)[:limit]  # a slice walks the tree once, an iteration every time
    texts = (" ".join((element.text or "").split()) for element in found)
    return tuple(text[:300] for text in texts if text)


def _read_pdf(body: _Body) -> Page:
    import pypdfium2  # a library of C; most processes read no PDF

    try:
        document = pypdfium2.PdfDocument(body.data)
        try:
            title = (document.get_metadata_dict() or {}).get("Title", "")
            pages = (
                document[number].get_textpage().get_text_bounded() for number in range(min(len(document), MAX_PAGES))
            )
            text = tidy(_joined_lines("\n\n".join(pages)))
        finally:
            document.close()
    except Exception:  # damaged, encrypted, or no PDF at all
        return Page(body.media_type, readable=False)
    return Page(body.media_type, title=tidy(title).replace("\n", " ")[:500], main=text, full=text, readable=bool(text))


_HYPHENATED = re.compile(r"(\w)[\u00ad\u2010-]\r?\n(\w)")
_SOFT_BREAK = re.compile(r"(?<![.!?:;])\r?\n(?=\S)")


def _joined_lines(text: str) -> str:
    """Lines of a printed page back to paragraphs."""
    text = text.replace("\ufffe", "-")
    return _SOFT_BREAK.sub(" ", _HYPHENATED.sub(r"\1\2", text))


def _read_plain(body: _Body) -> Page:
    text = tidy(body.decoded())
    return Page(body.media_type, title=text.partition("\n")[0][:200], main=text, full=text, readable=bool(text))


def _read_json(body: _Body) -> Page:
    try:
        value = json.loads(body.data)
    except (ValueError, RecursionError):
        return _read_plain(body)
    lines: list[str] = []
    waiting = [value]
    while waiting and len(lines) < 50_000:
        item = waiting.pop()
        if isinstance(item, dict):
            waiting += reversed(list(item.values()))
        elif isinstance(item, list):
            waiting += reversed(item)
        elif isinstance(item, (str, int, float)) and not isinstance(item, bool):
            lines.append(str(item))
    text = tidy("\n".join(lines))
    return Page(body.media_type, main=text, full=text, readable=bool(text))


_READERS: tuple[tuple[tuple[str, ...], Callable[[_Body], Page]], ...] = (
    (
        (
            "text/html",
            "application/xhtml+xml",
            "application/xml",
            "text/xml",
            "application/rss+xml",
            "application/atom+xml",
        ),
        _read_html,
    ),
    (("application/pdf", "application/x-pdf"), _read_pdf),
    (("application/json", "application/ld+json", "application/geo+json"), _read_json),
)
