"""A repaired link for the article's own markup, with Robust Links attributes (robustlinks.mementoweb.org)."""

from datetime import datetime
from html import escape


def robust_link(href: str, anchor: str, *, memento: str, captured_at: datetime) -> str:
    """HTML of the link: the original address stays, the capture and its date stand beside it."""
    day = captured_at.strftime("%Y-%m-%d")
    attributes = f'href="{escape(href)}" data-versionurl="{escape(memento)}" data-versiondate="{day}"'
    return f"<a {attributes}>{escape(anchor)}</a>"


def markdown_link(anchor: str, *, href: str, memento: str, captured_at: datetime) -> str:
    """Markdown of the same: the link, and the archived copy after it."""
    text = anchor.replace("[", r"\[").replace("]", r"\]")
    day = captured_at.strftime("%-d %B %Y")
    return f"[{text}](<{_bare(href)}>) ([archived {day}](<{_bare(memento)}>))"


def _bare(url: str) -> str:
    return url.replace("<", "%3C").replace(">", "%3E").replace("\n", "")
