"""What messages say, and that nothing foreign gets out of its place in them."""

import json
import re
from datetime import timedelta
from email import message_from_bytes
from email.policy import default as email_policy
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from services.notify.channels import Letter, mail, plain, slack, webhook
from services.notify.core import wording
from services.notify.core.clean import clip, isolated, line, web_link
from services.notify.core.links import Links
from services.notify.core.message import Message, trim
from shared.events import CitationChanged
from tests.bench.render_messages import MESSAGES, message
from tests.support.changes import ALTERED, DOWN, INTACT, LOST, REMOVED, START, article, change, later, state

LINKS = Links("https://watch.example", b"k" * 32, "desk@news.example", START)
CASES = Path(__file__).parents[1] / "cases" / "notify"
HOSTILE = sorted(CASES.glob("*.txt"))


def hostile(text: str) -> Message:
    """A message whose every foreign field holds the text."""
    one = change(
        article=article(1, title=text, url=f"https://news.example/{text}"), claim=text, after=REMOVED, target=text,
        host=text, signals=(text,), diff=(("=", text), ("-", text), ("+", text)), patch=text, anchor=text,
    ).model_copy(update={"before": state(INTACT, START, text)})  # fmt: skip
    return message(one)


def sent_mail(one: Message) -> Any:
    letter = Letter(one, "dlv_1", "Desk <desk@news.example>", LINKS)
    return message_from_bytes(mail.build(letter, "watch@news.example").as_bytes(), policy=email_policy)


class Tags(HTMLParser):
    """Elements and attributes of an HTML text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_folder_of_hostile_texts_is_there() -> None:
    assert len(HOSTILE) >= 10


@pytest.mark.parametrize("path", HOSTILE, ids=lambda path: path.stem)
def test_hostile_texts_in_mail(path: Path) -> None:
    text = path.read_text(errors="surrogateescape").encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    calm, wild = sent_mail(hostile("calm")), sent_mail(hostile(text))
    assert wild.keys() == calm.keys(), "no header more or less"
    assert all("\n" not in value and "\r" not in value for value in wild.values())
    page = wild.get_body(("html",)).get_content()
    known = {tag for tag, _ in Tags(calm.get_body(("html",)).get_content()).found}
    for tag, attributes in Tags(page).found:
        assert tag in known | {"bdi", "a", "h2", "del", "ins"}
        assert not any(name.startswith("on") or name in ("src", "style", "background") for name in attributes)
        assert not attributes.get("href") or re.match(r"https?://", attributes["href"] or "")
    assert not re.search("[\u202a-\u202e\u2066\u2067]", page + wild.get_body(("plain",)).get_content())


@pytest.mark.parametrize("path", HOSTILE, ids=lambda path: path.stem)
def test_hostile_texts_in_slack(path: Path) -> None:
    text = path.read_text(errors="surrogateescape").encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    payload = slack.payload(hostile(text), LINKS)
    raw = json.dumps(payload, ensure_ascii=False)
    assert "<!" not in raw and "<@" not in raw and "<#" not in raw
    for block in payload["blocks"]:
        for said in texts(block):
            assert len(said) <= 3000
            for url in re.findall(r"<([^|>]*)", said):
                assert re.match(r"https?://", url)
            assert not re.search(r"(?<!\w)@(here|channel|everyone)", said)
    assert len(payload["blocks"]) <= 50


def texts(block: dict[str, Any]) -> list[str]:
    own = [block["text"]["text"]] if "text" in block else []
    return own + [one["text"] for one in block.get("elements", ()) if one["type"] == "mrkdwn"]


@pytest.mark.parametrize("path", HOSTILE, ids=lambda path: path.stem)
def test_hostile_texts_in_webhooks_and_plain(path: Path) -> None:
    text = path.read_text(errors="surrogateescape").encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    one = hostile(text)
    assert json.loads(json.dumps(webhook.event(one, "dlv_1", LINKS)))["data"]["total"] == 1
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", plain.text(one, LINKS))


def test_limits_of_slack_hold_for_the_longest_texts() -> None:
    long = "&<>*_" * 2000
    payload = slack.payload(hostile(long), LINKS)
    assert all(len(said) <= 3000 for block in payload["blocks"] for said in texts(block))
    assert len(payload["blocks"][0]["text"]["text"]) <= 150
    entities = re.compile(r"&(?!(amp|lt|gt);)")
    assert not any(entities.search(said) for block in payload["blocks"] for said in texts(block)), "no entity is cut"


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        (change(after=REMOVED), None, "Present on 3 May 2026, absent on 9 June 2026."),
        (change(after=ALTERED), None, "Read one way on 3 May 2026, another way on 9 June 2026."),
        (change(after=LOST), None, "Readable on 3 May 2026, not on 9 June 2026."),
        (change(after=LOST, first=True), None, "Not readable from the first check on; last tried on 9 June 2026."),
    ],
)
def test_only_what_was_seen_is_claimed(first: CitationChanged, last: CitationChanged | None, said: str) -> None:
    assert wording.seen(first, last or first) == said


def test_two_sightings_of_one_day_are_told_by_the_minute() -> None:
    one = change(after=REMOVED).model_copy(update={"before": state(INTACT, later(-30), "x")})
    assert wording.seen(one, one) == "Present on 9 June 2026, 11:30 UTC, absent on 9 June 2026, 12:00 UTC."


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (change(after=ALTERED | {"changes": ("wording", "number")}), "A number in the passage you cite has changed"),
        (change(after=ALTERED | {"changes": ("number", "negation")}), "A “not” in the passage you cite has changed"),
        (change(after=DOWN), "The server you cite does not answer"),
        (change(after=LOST), "The page you cite is answered with “not found”"),
    ],
)
def test_headlines_name_the_gravest(one: CitationChanged, said: str) -> None:
    assert wording.headline(one) == said


def test_subjects_and_threads() -> None:
    one = sent_mail(MESSAGES["change"]())
    assert one["Subject"] == (
        "A number in the passage you cite has changed — County council votes down the bridge budget"
    )
    assert one["References"] == one["In-Reply-To"] == "<cit_1@watch.example>"
    storm, digest = MESSAGES["storm"](), message(*(change(n, host=f"h{n}.example") for n in range(1)))
    assert storm.subject == "archive.county.example: the evidence of 312 citations is in trouble"
    assert (storm.total, len(storm.items), storm.more) == (312, 12, 300)
    assert digest.thread == "cit_0"


def test_a_recovery_says_when() -> None:
    one = MESSAGES["resolved"]()
    assert one.kind == "resolved" and one.subject.startswith("Resolved: The evidence is back")
    assert "in order again on" in one.items[0].seen


def test_cleaning() -> None:
    assert line("a\r\nb\x00c\u202e d\u200b") == "a b c d"
    assert line("x" * 400, 10) == "xxxxxxxxx…"
    assert line("\ud800 lone") == "? lone"
    assert clip("one two three", 9) == "one two…"
    assert isolated("plain") == "plain" and isolated("שלום") == "\u2068שלום\u2069"
    assert web_link("https://x.example/a b") is None
    assert web_link("javascript:alert(1)") is None
    assert web_link('https://x.example/"onmouseover=') is None
    assert web_link("https://x.example/ä?q=1#f") == "https://x.example/ä?q=1#f"


def test_a_long_diff_keeps_what_stands_beside_the_changes() -> None:
    words = " ".join(f"word{n}" for n in range(300))
    shown = trim((("=", words), ("-", "41"), ("+", "14"), ("=", words), ("-", "a"), ("=", words)))
    assert sum(len(text) for _, text in shown) < 500
    assert [(op, text) for op, text in shown if op != "="] == [("-", "41"), ("+", "14"), ("-", "a")]
    assert trim((("=", words),)) == ()


def test_links_are_signed_for_one_alert_and_one_person() -> None:
    mine, other = LINKS.ack("alr_1"), Links(LINKS.public_url, LINKS.key, "x@y.example", START).ack("alr_1")
    assert mine != other and mine != LINKS.ack("alr_2")
    assert mine == Links(LINKS.public_url, LINKS.key, LINKS.who, START).ack("alr_1")
    assert mine != Links(LINKS.public_url, LINKS.key, LINKS.who, START + timedelta(days=1)).ack("alr_1")
