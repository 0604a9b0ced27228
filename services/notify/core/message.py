"""What a message says, apart from how a channel writes it. All of it is cleaned text; links are made at sending."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.notify.core import wording
from services.notify.core.clean import block, clip, line, web_link
from services.notify.core.grouping import Bundle, Group
from services.notify.core.rules import News
from services.notify.core.wording import many
from shared.events import CitationChanged, Model, Severity
from shared.urls import display

Kind = Literal["alert", "digest", "resolved", "heartbeat", "test", "channel_off"]
Op = Literal["=", "-", "+"]
MOST_ITEMS = 12
"""Alerts shown in full by one message; the rest are counted and stand on the page of alerts."""
QUOTE = 700
"""Characters of a passage."""
KEEP_AROUND = 80
"""Characters of unchanged text that stay beside a change."""


@dataclass(frozen=True, slots=True)
class Episode:
    """An alert as a message needs it: the change that opened it, and the last one."""

    alert_id: str
    news: News
    opened: CitationChanged
    last: CitationChanged


class Memory(Model):
    """An older copy of the page."""

    url: str
    day: str
    source: str


class Item(Model):
    """One alert, ready to be written."""

    alert_id: str
    citation_id: str
    news: News
    severity: Severity
    headline: str
    short: str
    seen: str
    sure: str
    why: tuple[str, ...]
    article_id: str
    article_title: str
    article_url: str | None
    claim: str
    target: str | None
    target_shown: str
    then_label: str
    then: str
    now_label: str
    now: str
    diff: tuple[tuple[Op, str], ...]
    then_snapshot: str | None
    now_snapshot: str | None
    memento: Memory | None
    patch: str


class Message(Model):
    """One message."""

    message_id: str
    route_id: str
    kind: Kind
    severity: Severity
    subject: str
    headline: str
    intro: str = ""
    items: tuple[Item, ...] = ()
    total: int = 0
    """Alerts told of; more than `items` where not all are shown."""
    counts: tuple[tuple[str, int], ...] = ()
    notes: tuple[str, ...] = ()
    thread: str
    """Messages with the same thread belong together (a citation, or a root cause)."""
    created_at: datetime

    @property
    def more(self) -> int:
        return self.total - len(self.items)


def compose(
    bundle: Bundle,
    episodes: Sequence[Episode],
    total: Counter[str],
    *,
    message_id: str,
    route_id: str,
    now: datetime,
    notes: Sequence[str] = (),
    daily: bool = False,
) -> Message:
    """A message about a bundle. `episodes`: its worst, at most `MOST_ITEMS`; `total`: alerts by short description."""
    items = tuple(_item(episode) for episode in episodes[:MOST_ITEMS])
    number = len(bundle.notices)
    kind: Kind = "resolved" if all(group.resolved for group in bundle.groups) else "alert"
    if daily or len(bundle.groups) > 1:
        kind = "digest"
    headline, intro = _opening(kind, bundle, items, total, daily)
    return Message(
        message_id=message_id,
        route_id=route_id,
        kind=kind,
        severity=max((item.severity for item in items), key=("info", "warning", "critical").index, default="info"),
        subject=clip(_subject(kind, items, number, headline), 180),
        headline=headline,
        intro=intro,
        items=items,
        total=number,
        counts=tuple(total.most_common()) if number > 1 else (),
        notes=tuple(notes),
        thread=_thread(kind, bundle, message_id),
        created_at=now,
    )


def plain_message(
    kind: Kind, message_id: str, route_id: str, headline: str, intro: str, now: datetime, severity: Severity = "info"
) -> Message:
    """A message about ourselves: a heartbeat, a test, a channel that was switched off."""
    return Message(
        message_id=message_id, route_id=route_id, kind=kind, severity=severity, subject=headline, headline=headline,
        intro=intro, thread=f"{kind}:{route_id}", created_at=now,
    )  # fmt: skip


def _thread(kind: Kind, bundle: Bundle, message_id: str) -> str:
    """One citation's messages thread by it, a group's by its root cause; a digest stands alone."""
    if kind == "digest":
        return message_id
    citations = {notice.citation_id for notice in bundle.notices}
    return citations.pop() if len(citations) == 1 else bundle.groups[0].cause.removeprefix("resolved ")


def _subject(kind: Kind, items: Sequence[Item], number: int, headline: str) -> str:
    if number == 1 and items:
        ahead = "Resolved: " if kind == "resolved" else ""
        return f"{ahead}{headline} — {clip(items[0].article_title, 90)}"
    return headline


def _opening(kind: Kind, bundle: Bundle, items: Sequence[Item], total: Counter[str], daily: bool) -> tuple[str, str]:
    number = len(bundle.notices)
    articles = len({notice.article_id for notice in bundle.notices})
    where = f"in {many(articles, 'article')}"
    concerned = f"{many(articles, 'article is', 'articles are')} concerned."
    if kind == "digest":
        title = "Daily digest" if daily else "Digest"
        return f"{title}: {many(number, 'citation')} {where}", _listed(total)
    if number == 1:
        return items[0].headline, ""
    subject = _cause_shown(bundle.groups[0], items)
    if kind == "resolved":
        return f"{subject}: the evidence of {many(number, 'citation')} is back", concerned
    title = f"{subject}: the evidence of {many(number, 'citation')} is in trouble"
    found = {item.headline for item in items}
    what = f"{found.pop()}. " if len(found) == 1 else f"{_listed(total)[:1].upper()}{_listed(total)[1:]}. "
    return title, f"{what}{concerned}"


def _listed(total: Counter[str]) -> str:
    return ", ".join(wording.counted(number, what) for what, number in total.most_common())


def _cause_shown(group: Group, items: Sequence[Item]) -> str:
    kind, _, name = group.cause.removeprefix("resolved ").partition(":")
    if kind == "host":
        return line(display(f"https://{name}").removeprefix("https://").rstrip("/"), 80)
    return f"“{clip(items[0].article_title, 60)}”" if kind == "article" else clip(items[0].target_shown, 80)


def _item(episode: Episode) -> Item:
    opened, last = episode.opened, episode.last
    back = episode.news == "resolved"
    before, after = opened.before, last.after
    then, now = wording.then_at(opened), wording.now_at(last)
    known = then is not None and not opened.first
    return Item(
        alert_id=episode.alert_id,
        citation_id=last.citation_id,
        news=episode.news,
        severity="info" if back else last.severity,
        headline=wording.HEADLINES["intact"] if back else wording.headline(last),
        short=wording.SHORT.get(after.support, "changed"),
        seen=wording.recovered(opened, last) if back else wording.seen(opened, last),
        sure="" if back else wording.sure(last.confidence),
        why=() if back else wording.why(last),
        article_id=last.article.id,
        article_title=line(last.article.title, 200) or "Untitled article",
        article_url=web_link(last.article.url),
        claim=line(last.claim, 500),
        target=web_link(last.target),
        target_shown=line(display(last.target), 120) if last.target else "no address",
        then_label=f"On {wording.day(then)}" if then is not None and known else "",
        then=line(before.passage.exact, QUOTE) if before.passage and known else "",
        now_label=f"On {wording.day(now)}",
        now=line(after.passage.exact, QUOTE) if after.passage else "",
        diff=() if back else trim(last.diff),
        then_snapshot=before.snapshot.id if before.snapshot else None,
        now_snapshot=after.snapshot.id if after.snapshot else None,
        memento=_memory(last),
        patch="" if back else block(last.patch or "", 2000),
    )


def _memory(change: CitationChanged) -> Memory | None:
    found = change.memento
    url = web_link(found.url) if found is not None else None
    if found is None or url is None:
        return None
    return Memory(url=url, day=wording.day(found.captured_at), source=line(found.source, 60))


def trim(diff: Sequence[tuple[Op, str]]) -> tuple[tuple[Op, str], ...]:
    """A word diff whose unchanged stretches are shortened to what stands beside the changes."""
    if not any(op != "=" for op, _ in diff):
        return ()
    shown: list[tuple[Op, str]] = []
    for index, (op, words) in enumerate(diff):
        text = _clean_words(words)
        text = _beside(text, first=index == 0, last=index == len(diff) - 1) if op == "=" else clip(text, QUOTE)
        if text:
            shown.append((op, text))
    return tuple(shown[:60])


def _clean_words(words: str) -> str:
    """Cleaned, with the blanks at both ends kept: they part this piece from the next."""
    head = " " if words[:1].isspace() else ""
    tail = " " if words[-1:].isspace() else ""
    body = line(words, 4000)
    return f"{head}{body}{tail}" if body else head or tail


def _beside(text: str, *, first: bool, last: bool) -> str:
    room = KEEP_AROUND if first or last else 2 * KEEP_AROUND
    if len(text) <= room + 20:
        return text
    head, tail = text[:KEEP_AROUND].rsplit(" ", 1)[0], text[-KEEP_AROUND:].split(" ", 1)[-1]
    if first:
        return f"… {tail}"
    return f"{head} …" if last else f"{head} … {tail}"
