"""A message as plain text: the text part of mails, and what Apprise gets."""

import textwrap
from collections.abc import Iterator, Sequence

from services.notify.core.clean import isolated
from services.notify.core.links import Links
from services.notify.core.message import Item, Message, Op
from services.notify.core.wording import many

WIDTH = 76


def text(message: Message, links: Links) -> str:
    """The whole message; lines of at most `WIDTH` characters, save for URLs and patches."""
    return "\n".join(_lines(message, links)).strip() + "\n"


def _lines(message: Message, links: Links) -> Iterator[str]:
    yield from _wrapped(message.headline)
    if message.intro:
        yield from ("", *_wrapped(message.intro))
    for number, item in enumerate(message.items, 1):
        yield ""
        if message.total > 1:
            yield f"{number}. {item.headline}"
        yield from _item(item, links)
    if message.more > 0:
        yield from ("", f"… and {many(message.more, 'more alert')}: {links.alerts()}")
    for note in message.notes:
        yield from ("", *_wrapped(note))


def _item(item: Item, links: Links) -> Iterator[str]:
    yield from _wrapped(f"Article: {isolated(item.article_title)}")
    yield f"  {item.article_url or links.article(item.article_id)}"
    yield from _wrapped(f"Claim: {isolated(item.claim)}")
    yield from _wrapped(f"Cites: {item.target_shown}")
    yield ""
    yield from _then_and_now(item)
    yield from _wrapped(item.seen)
    if item.sure:
        yield from _wrapped(" · ".join((item.sure, *item.why)))
    yield ""
    yield f"Then and now, accept or reject: {links.citation(item.citation_id)}"
    if item.memento is not None:
        source = f" ({item.memento.source})" if item.memento.source else ""
        yield f"Copy of {item.memento.day}{source}: {item.memento.url}"
    if item.now_snapshot is not None:
        yield f"Archived copy: {links.snapshot(item.now_snapshot)}"
    if item.news != "resolved":
        yield f"Acknowledge: {links.ack(item.alert_id)}"
    if item.patch:
        yield from ("", "Patch for the article:", *item.patch.splitlines())


def _then_and_now(item: Item) -> Iterator[str]:
    if item.diff:
        yield "What changed ([-taken away-] {+added+}):"
        yield from (*_wrapped(difference(item.diff), "  "), "")
        return
    if item.then:
        yield from (f"{item.then_label} it said:", *_wrapped(isolated(item.then), "  "), "")
    if item.now and item.now != item.then:
        yield from (f"{item.now_label} it says:", *_wrapped(isolated(item.now), "  "), "")


def difference(diff: Sequence[tuple[Op, str]]) -> str:
    """A word diff in the way of wdiff."""
    marks = {"=": ("", ""), "-": ("[-", "-]"), "+": ("{+", "+}")}
    pieces = [f"{marks[op][0]}{isolated(words.strip())}{marks[op][1]}" for op, words in diff if words.strip()]
    return " ".join(pieces)


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
