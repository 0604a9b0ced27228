"""Slack incoming webhooks, in Block Kit (limits: 50 blocks, 3000 characters a section, 150 a header)."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import SecretStr

from services.notify.channels import Letter, Sent, digest
from services.notify.channels.http import Poster, post
from services.notify.core.clean import clip, isolated
from services.notify.core.links import Links
from services.notify.core.message import Item, Message, Op
from services.notify.core.rules import Channel
from services.notify.core.wording import many

Block = dict[str, Any]
MARKS = {"critical": "🔴", "warning": "🟠", "info": "🔵"}
IN_FULL = 5
"""A message of more alerts than this has a line for each instead of quotes and buttons."""
SECTION = 2900


class Slack:
    """One incoming webhook."""

    name: Channel = "slack"
    recipients: Sequence[str] = ("",)

    def __init__(self, url: SecretStr, poster: Poster) -> None:
        self._url, self._poster = url, poster

    @property
    def address(self) -> str:
        return digest(self._url.get_secret_value())

    async def send(self, letter: Letter) -> Sent:
        body = json.dumps(payload(letter.message, letter.links), ensure_ascii=False).encode()
        return await post(self._poster, self._url.get_secret_value(), (), body, gateways_doubt=True)


def escape(text: str) -> str:
    """Foreign text in mrkdwn: no mention, no link, no entity, no formatting of its own."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # Slack has no escape for its marks: a zero-width space keeps them from pairing, and `@here` from being a mention.
    for mark in "*_~`@":
        text = text.replace(mark, f"{mark}\u200b")
    return isolated(text)


def link(url: str, label: str) -> str:
    """A link; its label can hold no bar and no bracket."""
    safe = url.replace("&", "&amp;").replace("<", "%3C").replace(">", "%3E").replace("|", "%7C")
    return f"<{safe}|{escape(label).replace('|', '¦')}>"


def payload(message: Message, links: Links) -> Block:
    """The JSON of a message. `text` is what notifications and screen readers get."""
    return {
        "text": escape(message.subject),
        "unfurl_links": False,
        "unfurl_media": False,
        "blocks": _blocks(message, links)[:50],
    }


def _blocks(message: Message, links: Links) -> list[Block]:
    mark = "🟢" if message.kind == "resolved" else MARKS[message.severity]
    head = {"type": "header", "text": {"type": "plain_text", "text": clip(f"{mark} {message.headline}", 150)}}
    blocks: list[Block] = [head]
    if message.intro:
        blocks.append(_section(escape(message.intro)))
    in_full = message.items if message.total <= IN_FULL else ()
    for item in in_full:
        blocks += _full(item, links, alone=message.total == 1)
    for some in _by(3, message.items[len(in_full) :]):
        blocks.append(_section("\n".join(_short(item, links, message) for item in some)))
    if message.more > 0:
        more = f"… and {many(message.more, 'more alert')}: {link(links.alerts(), 'see all')}"
        blocks.append(_section(more))
    blocks += [_context(escape(note)) for note in message.notes]
    return blocks


def _by(number: int, items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """So few at a time that a section's limit never cuts one."""
    return (items[start : start + number] for start in range(0, len(items), number))


def _section(text: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": clip(text, SECTION)}}


def _context(text: str) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": clip(text, SECTION)}]}


def _article(item: Item, links: Links) -> str:
    return link(item.article_url or links.article(item.article_id), item.article_title)


def _full(item: Item, links: Links, *, alone: bool) -> list[Block]:
    mark = "🟢" if item.news == "resolved" else MARKS[item.severity]
    lead = "" if alone else f"{mark} *{escape(item.headline)}*\n"
    target = link(item.target, item.target_shown) if item.target else escape(item.target_shown)
    said = f"{lead}*{_article(item, links)}* cites {target} for:\n{_quoted(item.claim)}"
    blocks = [] if alone else [{"type": "divider"}]
    blocks.append(_section(said))
    shown = _then_and_now(item)
    if shown:
        blocks.append(_section(shown))
    why = " · ".join(filter(None, (item.seen, item.sure, *item.why[:3])))
    blocks += [_context(escape(why)), _buttons(item, links)]
    return blocks


def _quoted(text: str, limit: int = 600) -> str:
    return "> " + escape(clip(text, limit))


def _then_and_now(item: Item) -> str:
    if item.diff:
        return f"_What changed_\n> {difference(item.diff)}"
    parts = []
    if item.then:
        parts.append(f"_{item.then_label}_\n{_quoted(item.then)}")
    if item.now and item.now != item.then:
        parts.append(f"_{item.now_label}_\n{_quoted(item.now)}")
    return "\n".join(parts)


def difference(diff: Sequence[tuple[Op, str]]) -> str:
    """Taken away struck through, added bold, as mrkdwn."""
    marks = {"=": "", "-": "~", "+": "*"}
    pieces = []
    for op, words in diff:
        text, mark = escape(words.strip()), marks[op]
        pieces.append(f"{mark}{text}{mark}" if text else "")
    return clip(" ".join(filter(None, pieces)), SECTION - 100)


def _short(item: Item, links: Links, message: Message) -> str:
    what = "" if message.intro.startswith(item.headline) else f"{escape(item.short)}: "
    claim = link(links.citation(item.citation_id), clip(item.claim, 90))
    return f"• {what}{claim} — {_article(item, links)}"


def _buttons(item: Item, links: Links) -> Block:
    wanted = [("Then and now", links.citation(item.citation_id), "primary")]
    if item.news != "resolved":
        wanted.append(("Acknowledge", links.ack(item.alert_id), ""))
    if item.memento is not None:
        wanted.append((f"Copy of {item.memento.day}", item.memento.url, ""))
    elements = [
        {"type": "button", "text": {"type": "plain_text", "text": clip(label, 75)}, "url": clip(url, 3000)}
        | ({"style": style} if style else {})
        for label, url, style in wanted
        if len(url) <= 3000
    ]
    return {"type": "actions", "elements": elements}
