"""Markdown (CommonMark with GitHub's tables, autolinks and footnotes) to HTML, front matter and template tags apart.

cmark is linear in its input whatever the markup; no other parser that was tried is.
"""

import re
import tomllib
from typing import Any

import cmarkgfm
import yaml
from cmarkgfm.cmark import Options

_FRONT = re.compile(
    r"\A\ufeff?\s*(?:"
    r"---[ \t]*\r?\n(?P<yaml>.*?)\r?\n(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)"
    r"|\+\+\+[ \t]*\r?\n(?P<toml>.*?)\r?\n\+\+\+[ \t]*(?:\r?\n|\Z))",
    re.DOTALL,
)
_FRONT_LIMIT = 64 * 1024
_OPTIONS = Options.CMARK_OPT_UNSAFE | Options.CMARK_OPT_FOOTNOTES
"""Raw HTML is let through: it is read by the same parser as any page, and never shown."""


def front_matter(text: str) -> tuple[dict[str, Any], str]:
    """The head of a file as YAML or TOML, and the rest. A head that is neither is part of the text."""
    match = _FRONT.match(text[:_FRONT_LIMIT])
    if match is None:
        return {}, text
    try:
        front = tomllib.loads(match["toml"]) if match["yaml"] is None else _yaml(match["yaml"])
    except (yaml.YAMLError, tomllib.TOMLDecodeError, ValueError, RecursionError):
        return {}, text[match.end() :]
    return (front, text[match.end() :]) if isinstance(front, dict) else ({}, text)


def _yaml(text: str) -> Any:
    return yaml.load(text, Loader=_Loader)  # noqa: S506 (it is a SafeLoader)


class _Loader(yaml.SafeLoader):
    """Safe YAML without aliases, which can make a small text a huge value."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not taken")
        return super().compose_node(parent, index)


_EXPRESSION = re.compile(r"\{\{-?\s{0,9}[\"']([^\"'{}]{0,2000})[\"'][^{}]{0,200}\}\}")
_TEMPLATE = re.compile(r"\{%[^%{}]{0,2000}%\}|\{\{[^{}\n]{0,500}\}\}")


def to_html(text: str) -> str:
    """HTML of the text. `{{ "/path" | filter }}` of static site generators stands for its path; their other tags
    are no text."""
    if "{{" in text or "{%" in text:
        text = _TEMPLATE.sub("", _EXPRESSION.sub(lambda match: match[1], text))
    text = text.encode("utf-8", "replace").decode("utf-8")
    markup: str = cmarkgfm.github_flavored_markdown_to_html(text, options=_OPTIONS)
    return markup
