"""Repairs of an article's own markup: a dead or moved link gets a new address, with Robust Links attributes.

Robust Links (robustlinks.mementoweb.org, version 1.0): a link that points to the original has `data-versionurl` and
`data-versiondate`; one that points to a memento has `data-originalurl` and `data-versiondate`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from difflib import unified_diff
from html import escape, unescape


@dataclass(frozen=True, slots=True)
class Repair:
    """What to put in the place of `href` (as the article has it): a memento, the page's new address, or both."""

    href: str
    memento: str | None = None
    captured_at: datetime | None = None
    target: str | None = None

    @property
    def address(self) -> str:
        """Where the mended link leads."""
        return self.target or self.memento or self.href

    def attributes(self) -> dict[str, str]:
        """Attributes of the mended link."""
        found = {"href": self.address}
        if self.address != self.href:
            found["data-originalurl"] = self.href
        if self.memento and self.address != self.memento:
            found["data-versionurl"] = self.memento
        if self.memento and self.captured_at:
            found["data-versiondate"] = f"{self.captured_at:%Y-%m-%d}"
        return found


def robust_link(repair: Repair, anchor: str) -> str:
    """HTML of one mended link."""
    return f"<a{_written(repair.attributes())}>{escape(anchor)}</a>"


def markdown_link(repair: Repair, anchor: str) -> str:
    """Markdown of one mended link."""
    text = re.sub(r"([\[\]\\])", r"\\\1", anchor)
    return f"[{text}]({_bare(repair.address)})"


def _written(attributes: dict[str, str]) -> str:
    return "".join(f' {name}="{escape(value)}"' for name, value in attributes.items())


_ATTRIBUTE = r"""[^\s"'<>/=]+(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'<>]+))?"""
_SKIPPED = (
    r"(?P<skipped><!--.*?(?:-->|\Z)"
    r"|<(?P<raw>script|style|textarea|template)\b.*?(?:</(?P=raw)\s*>|\Z))"
)
_LINK = re.compile(rf"{_SKIPPED}|<a(?P<attributes>(?:[\s/]+{_ATTRIBUTE})*+)\s*(?P<end>/?>)", re.I | re.S)
_PAIR = re.compile(r"""([^\s"'>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?""")
OURS = frozenset(("href", "data-originalurl", "data-versionurl", "data-versiondate"))


def patch_html(article: str, repair: Repair) -> tuple[str, int]:
    """The article with every link to `repair.href` mended, and how many there were; all else stays byte for byte."""
    return _substituted(_LINK, article, lambda link: _mended(link, repair))


def _substituted(pattern: re.Pattern[str], text: str, mend: Callable[[re.Match[str]], str | None]) -> tuple[str, int]:
    number = 0

    def put(found: re.Match[str]) -> str:
        nonlocal number
        mended = None if found["skipped"] is not None else mend(found)
        number += mended is not None
        return found[0] if mended is None else mended

    return pattern.sub(put, text), number


def _mended(link: re.Match[str], repair: Repair) -> str | None:
    pairs = [(pair[1], pair[0], pair[2] or pair[3] or pair[4] or "") for pair in _PAIR.finditer(link["attributes"])]
    href = next((unescape(value).strip() for name, _, value in pairs if name.lower() == "href"), None)
    if href != repair.href:
        return None
    kept = "".join(f" {whole}" for name, whole, _ in pairs if name.lower() not in OURS)
    return f"<a{_written(repair.attributes())}{kept}{link['end']}"


_FENCES = (
    r"(?P<skipped>(?:^|(?<=\n))(?P<fence>`{3,}+|~{3,}+)[^\n]*(?:\n.*?(?:\n[ ]{0,3}(?P=fence)[^\n]*|\Z)|\Z)"
    r"|(?<!`)(?P<ticks>`++)[^`].{0,1000}?(?<!`)(?P=ticks)(?!`))"
)
_MARKDOWN = re.compile(
    rf"{_FENCES}"
    r"|(?P<before>\]\(\s*)(?P<inline><[^<>\n]*>|[^\s()<>]*(?:\([^\s()<>]*\)[^\s()<>]*)*)(?=\s*(?:\)|\s[\"'(]))"
    r"|(?P<label>(?:^|(?<=\n))[ ]{0,3}\[[^\]\n]+\]:\s*)(?P<definition><[^<>\n]*>|\S+)"
    r"|<(?P<auto>https?://[^<>\s]+)>",
    re.S,
)


def patch_markdown(article: str, repair: Repair) -> tuple[str, int]:
    """As `patch_html`, for Markdown: inline links, definitions, autolinks, and HTML links between them."""
    patched, number = _substituted(_MARKDOWN, article, lambda link: _mended_markdown(link, repair))
    patched, more = patch_html(patched, repair)
    return patched, number + more


def _mended_markdown(link: re.Match[str], repair: Repair) -> str | None:
    for name, lead in (("inline", link["before"]), ("definition", link["label"])):
        if link[name] is not None:
            return f"{lead}{_bare(repair.address)}" if unescape(link[name].strip("<>")) == repair.href else None
    return f"<{_bare(repair.address).strip('<>')}>" if unescape(link["auto"]) == repair.href else None


def _bare(url: str) -> str:
    """An address that ends nothing early: in angle brackets where it has parentheses or spaces."""
    clean = url.replace("<", "%3C").replace(">", "%3E").replace("\n", "").replace("\r", "")
    return f"<{clean}>" if re.search(r"[\s()]", clean) else clean


def unified(before: str, after: str, name: str) -> str:
    """A unified diff of the article, for people and `patch`."""
    lines = unified_diff(_lines(before), _lines(after), fromfile=f"a/{name}", tofile=f"b/{name}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _lines(text: str) -> list[str]:
    """Lines as `patch` counts them: a line feed ends one, and nothing else does."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)
