"""Plain text to blocks: paragraphs, list items, bare URLs and addresses, numbered references."""

import re
from collections.abc import Iterator

from services.ingest.core.blocks import Block, BlockKind, Link

_SCHEMED = r"https?://[^\s<>\"“”«»「」『』\u3000]{1,8000}"
_BARE = r"(?<![\w@/.:-])www\.[\w-]+\.[a-z]{2,24}(?:/[^\s<>\"“”«»]{0,8000})?"
_MAIL = r"(?<![\w.+-])(?:mailto:)?[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"
_LINK = re.compile(rf"(?P<url>{_SCHEMED})|(?P<bare>{_BARE})|(?P<mail>{_MAIL})", re.IGNORECASE)
_TAIL = frozenset(".,;:!?'’”\"»*_~…。，、；：！？」』）")
_PAIRS = {")": "(", "]": "[", "}": "{", ">": "<"}

_ITEM = re.compile(r"^\s{0,8}(?:[-*•‣◦–—]|\(?\d{1,3}[.)]|\[\^?\w{1,8}\]:?|[a-z][.)])\s+\S")
_LABEL = re.compile(r"^\s{0,8}(?:\[\^?(\w{1,8})\]:?|\(?(\d{1,3})[.)])\s+\S")
_RULE = re.compile(r"^\s*([-=*_~#])(?:\s*\1){2,}\s*$")


def blocks(text: str) -> list[Block]:
    """Paragraphs are parted by empty lines, list items and references by their marks."""
    count, found = 0, []
    for kind, group, label, lines in _paragraphs(text):
        flat = " ".join(" ".join(lines).split())
        links = tuple(_links(flat, count))
        count += len(links)
        found.append(Block(kind, flat, links, group=group, ids=(f"^{label}",) if label else ()))
    return found


def _paragraphs(text: str) -> Iterator[tuple[BlockKind, int, str, list[str]]]:
    lines: list[str] = []
    kind: BlockKind = "paragraph"
    group, label = 0, ""
    for line in [*text.splitlines(), ""]:
        item = _ITEM.match(line)
        if lines and (item or not line.strip() or _RULE.match(line)):
            yield kind, group if kind == "item" else 0, label, lines
            lines, kind, label = [], "paragraph", ""
        if not line.strip() or _RULE.match(line):
            group += not item
            continue
        if item:
            kind, match = "item", _LABEL.match(line)
            label = (match[1] or match[2]) if match else ""
        lines.append(line)


def _links(text: str, position: int) -> Iterator[Link]:
    for match in _LINK.finditer(text):
        shown = _bounded(match[0])
        if match["mail"]:
            href = shown if shown.startswith("mailto:") else f"mailto:{shown}"
        else:
            href = shown if match["url"] else f"http://{shown}"
        yield Link(href, position, match.start(), match.start() + len(shown))
        position += 1


def _bounded(url: str) -> str:
    """Without the punctuation of the sentence around it: closing brackets stay only if opened inside."""
    end = len(url)
    surplus = {close: url.count(close) - url.count(opening) for close, opening in _PAIRS.items()}
    while end and ((last := url[end - 1]) in _TAIL or surplus.get(last, 0) > 0):
        if last in surplus:
            surplus[last] -= 1
        end -= 1
    return url[:end]
