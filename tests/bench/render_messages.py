"""Pictures of what notify sends: `python -m tests.bench.render_messages FOLDER` (needs Chromium).

Writes mail.html and slack.html for several messages (also hostile, long and right-to-left ones) and shoots each. The
mail is what is sent; Slack's is a look-alike drawn from the very blocks that are sent.
"""

import html
import re
import shutil
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

from services.notify.channels import Letter, mail, slack
from services.notify.core.episodes import rank
from services.notify.core.grouping import Notice, plan
from services.notify.core.links import Links
from services.notify.core.message import MOST_ITEMS, Episode, Message, compose
from services.notify.core.rules import HOST_TROUBLE
from services.notify.core.wording import SHORT
from shared.events import ArticleRef, CitationChanged, Memento
from tests.support.changes import ALTERED, DOWN, INTACT, REMOVED, START, THEN, article, change, state

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SIZES = {"mail": 700, "slack": 760}


def message(*changes: CitationChanged, resolved: bool = False) -> Message:
    """The message that these changes come to, all in one."""
    news = "resolved" if resolved else "opened"
    notices = [
        Notice(
            number, f"alr_{number}", news, rank(one), one.occurred_at, one.citation_id, one.article.id, one.link_id,
            one.host if one.after.outcome in HOST_TROUBLE else None,
        )
        for number, one in enumerate(changes)
    ]  # fmt: skip
    [bundle] = plan(notices, timedelta(), {}, START + timedelta(days=1)).bundles
    known = {f"alr_{number}": one for number, one in enumerate(changes)}
    episodes = [
        Episode(one.alert_id, one.news, known[one.alert_id], known[one.alert_id]) for one in bundle.notices[:MOST_ITEMS]
    ]
    total = Counter(SHORT[known[one.alert_id].after.support] for one in bundle.notices)
    return compose(bundle, episodes, total, message_id="msg_1", route_id="default", now=START)


def bridges() -> CitationChanged:
    """A number turned round."""
    then = "Inspectors rated 41 of the county’s 120 road bridges as needing repair within two years."
    now = "Inspectors rated 14 of the county’s 120 road bridges as needing repair within ten years."
    return change(
        article=ArticleRef(
            id="art_1", version=3, source="cms", url="https://news.example/politics/bridges-budget",
            title="County council votes down the bridge budget", authors=("Ada Marsh",),
        ),
        claim="A third of the county’s road bridges need repair within two years, the latest inspection found.",
        target="https://roads.county.example/reports/2026/inspection-summary",
        before=INTACT,
        after=ALTERED | {"changes": ("number",)},
        diff=(
            ("=", "Inspectors rated "), ("-", "41"), ("+", "14"),
            ("=", " of the county’s 120 road bridges as needing repair within "), ("-", "two"), ("+", "ten"),
            ("=", " years."),
        ),
        signals=("The passage stands in the same place, with two numbers changed.", "The page is otherwise the same."),
        confidence=0.97,
        memento=Memento(
            url="https://archive.example/web/20260503083000/https://roads.county.example/", captured_at=THEN,
            source="Web archive",
        ),
        patch=(
            "-<a href=\"https://roads.county.example/reports/2026/inspection-summary\">\n"
            "+<a href=\"https://archive.example/web/20260503083000/https://roads.county.example/\">"
        ),
    ).model_copy(
        update={"before": state(INTACT, THEN, then), "after": state(ALTERED, START, now)}
    )  # fmt: skip


def hostile() -> CitationChanged:
    """Everything that a page or an author could try on a reader."""
    evil = (
        "<script>alert(1)</script> <!channel> *bold* <https://evil.example|click> \u202edesrever\u202c @here &amp; \x07"
    )
    return change(
        article=article(2, title=f"Title\r\nBcc: x@evil.example {evil}", url="javascript:alert(1)"),
        claim=f"{evil} " + "An endless claim goes on and on. " * 40,
        after=REMOVED,
        target="https://xn--pple-43d.example/" + "very-long-path/" * 20,
        signals=(evil,),
        memento=None,
    ).model_copy(update={"before": state(INTACT, THEN, f"{evil} then")})


def arabic() -> CitationChanged:
    """Right to left."""
    return change(
        article=article(3, title="مجلس المقاطعة يرفض ميزانية الجسور"),
        claim="ثلث جسور المقاطعة يحتاج إلى إصلاح خلال عامين، بحسب آخر تفتيش.",
        diff=(("=", "صنف المفتشون "), ("-", "41"), ("+", "14"), ("=", " من أصل 120 جسرا")),
        target="https://مثال.example/تقرير",
    )


def storm() -> list[CitationChanged]:
    return [
        change(number, after=DOWN, article=article(number % 40), host="archive.county.example",
               signals=("No answer to three checks in a row, over three days.",),
               target=f"https://archive.county.example/minutes/{number}")
        for number in range(1, 313)
    ]  # fmt: skip


STYLE = """
body { margin: 0; background: #fff; color: #1d1c1d; font: 15px/1.46 Lato, "Liberation Sans", Arial, sans-serif; }
.m { display: flex; gap: 10px; padding: 18px 22px; }
.i { flex: none; width: 38px; height: 38px; border-radius: 8px; background: #1f4fa3; color: #fff; text-align: center;
  font: 700 20px/38px Georgia, "Liberation Serif", serif; }
.g { flex: 1; min-width: 0; }
.n b { font-weight: 900; }
.n span { background: #e8e8e8; border-radius: 3px; font-size: 10px; padding: 1px 4px; margin: 0 6px; color: #616061; }
.n small { color: #616061; }
h2 { font-size: 18px; line-height: 1.3; margin: 6px 0; }
.s { margin: 8px 0; overflow-wrap: anywhere; }
.q { border-left: 4px solid #ddd; padding-left: 12px; }
.c { color: #616061; font-size: 12px; margin: 8px 0; overflow-wrap: anywhere; }
hr { border: 0; border-top: 1px solid #ddd; margin: 14px 0; }
a { color: #1264a3; }
.a { margin: 10px 0; }
.b { display: inline-block; border: 1px solid #bbb; border-radius: 4px; padding: 5px 12px; font-weight: 700;
  font-size: 13px; color: #1d1c1d; margin-right: 8px; }
.primary { background: #007a5a; border-color: #007a5a; color: #fff; }
"""
MESSAGES = {
    "change": lambda: message(bridges()),
    "resolved": lambda: message(change(before=ALTERED, after=INTACT), resolved=True),
    "storm": lambda: message(*storm()),
    "hostile": lambda: message(hostile()),
    "rtl": lambda: message(arabic()),
}


def mrkdwn(text: str) -> str:
    """Slack's own marks as HTML; the text is escaped already, as Slack wants it."""
    text = re.sub(r"^> ", "&gt; ", text, flags=re.MULTILINE)
    text = re.sub(r"<(https?://[^|>]+)\|([^>]*)>", r'<a href="\1">\2</a>', text)
    for mark, tag in (("*", "b"), ("~", "s"), ("_", "i")):
        pattern = rf"(?<![\w{re.escape(mark)}]){re.escape(mark)}(?!\u200b)([^\n]+?){re.escape(mark)}(?![\w\u200b])"
        text = re.sub(pattern, rf"<{tag}>\1</{tag}>", text)
    lines = [
        f"<div class=q>{line[5:]}</div>" if line.startswith("&gt; ") else f"<div>{line or '&nbsp;'}</div>"
        for line in text.split("\n")
    ]
    return "".join(lines)


def button(element: dict[str, Any]) -> str:
    return f"<a class='b {element.get('style', '')}'>{html.escape(element['text']['text'])}</a>"


def lookalike(payload: dict[str, Any]) -> str:
    """The blocks as Slack would draw them, about."""
    parts = []
    for block in payload["blocks"]:
        match block["type"]:
            case "header":
                parts.append(f"<h2>{html.escape(block['text']['text'])}</h2>")
            case "section":
                parts.append(f"<div class=s>{mrkdwn(block['text']['text'])}</div>")
            case "context":
                parts.append(f"<div class=c>{mrkdwn(block['elements'][0]['text'])}</div>")
            case "divider":
                parts.append("<hr>")
            case "actions":
                buttons = "".join(
                    f"<a class='b {one.get('style', '')}'>{html.escape(one['text']['text'])}</a>"
                    for one in block["elements"]
                )
                parts.append(f"<div class=a>{buttons}</div>")
    return (
        f"<!doctype html><meta charset=utf-8><style>{STYLE}</style><div class=m><div class=i>C</div><div class=g>"
        f"<div class=n><b>Citewatch</b><span>APP</span><small>12:00</small></div>{''.join(parts)}</div></div>"
    )


def shoot(page: Path, picture: Path, width: int, height: int, *, dark: bool = False) -> None:
    """A picture of a page, cut to its content."""
    assert CHROMIUM is not None
    more = ["--blink-settings=preferredColorScheme=0"] if dark else []
    subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", *more,
         "--force-device-scale-factor=2", f"--window-size={width},{height}", f"--screenshot={picture}", page.as_uri()],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    cut(picture)


def cut(picture: Path) -> None:
    """Take away the empty rows at the bottom."""
    from PIL import Image, ImageChops

    image = Image.open(picture).convert("RGB")
    ground = Image.new("RGB", image.size, image.getpixel((2, image.height - 2)))
    box = ImageChops.difference(image, ground).getbbox()
    if box is not None:
        image.crop((0, 0, image.width, min(image.height, box[3] + 40))).save(picture)


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    links = Links("https://watch.example", b"k" * 32, "desk@news.example", START)
    for name, make in MESSAGES.items():
        one = make()
        letter = Letter(one, "dlv_1", "desk@news.example", links)
        raw = mail.build(letter, "Citewatch <watch@news.example>")
        (folder / f"{name}.eml").write_bytes(raw.as_bytes())
        (folder / f"mail-{name}.html").write_text(mail.html(one, links))
        (folder / f"slack-{name}.html").write_text(lookalike(slack.payload(one, links)))
        for kind, width in SIZES.items():
            page = folder / f"{kind}-{name}.html"
            shoot(page, folder / f"{kind}-{name}.png", width, 1000)
        shoot(folder / f"mail-{name}.html", folder / f"mail-{name}-dark.png", SIZES["mail"], 1000, dark=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
