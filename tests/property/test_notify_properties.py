"""Whatever comes in whatever order: nothing lost, nothing twice, nothing forged, nothing foreign out of its place."""

import re
from collections import Counter
from datetime import timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from services.notify.channels.slack import escape, link
from services.notify.core.clean import header, line, web_link
from services.notify.core.episodes import Case, advance
from services.notify.core.grouping import Notice, plan
from services.notify.core.links import sign, verify
from services.notify.core.rules import DEFAULT_ROUTE
from tests.support.changes import ALTERED, DOWN, INTACT, LOST, REMOVED, START, WALLED, change, later

QUICK = settings(max_examples=150, deadline=None)
STATES = st.sampled_from([INTACT, ALTERED, REMOVED, LOST, DOWN, WALLED])
NAMES = st.sampled_from("abcd")


@st.composite
def notice(draw: st.DrawFn, number: int) -> Notice:
    return Notice(
        number, f"alr_{number}", draw(st.sampled_from(["opened", "worse", "resolved"])), draw(st.integers(0, 27)),
        START + timedelta(seconds=draw(st.integers(0, 300))), f"cit_{number}", draw(NAMES), draw(NAMES),
        draw(st.none() | NAMES),
    )  # fmt: skip


@QUICK
@given(st.data(), st.integers(0, 40), st.integers(0, 60))
def test_every_notice_is_told_exactly_once(data: st.DataObject, number: int, wait: int) -> None:
    waiting = [data.draw(notice(n)) for n in range(number)]
    told: Counter[int] = Counter()
    now, causes = START, {}
    for _ in range(200):
        found = plan(waiting, timedelta(seconds=wait), causes, now)
        told.update(one.notice_id for bundle in found.bundles for one in bundle.notices)
        waiting = [one for one in waiting if not told[one.notice_id]]
        causes = {**causes, **found.causes}
        if not waiting:
            break
        assert found.again_at is not None, "what waits has a time"
        now = max(found.again_at, now)
    assert told == Counter(range(number))


@QUICK
@given(st.lists(st.tuples(STATES, st.booleans()), max_size=25))
def test_editors_hear_of_an_episode_in_order(turns: list[tuple[dict[str, object], bool]]) -> None:
    """`True`: what waits is told before the next change. Told news alternates: trouble (worse, worse …), then back."""
    case: Case | None = None
    alerts: dict[str, Case] = {}
    for number, (state, tell) in enumerate(turns):
        one = change(after=state, at=later(number))
        case, _ = advance(case, one, [DEFAULT_ROUTE], one.occurred_at, f"alr_{number}")
        if case is None:
            continue
        alerts[case.alert_id] = case
        assert sum(notice.state == "pending" for notice in case.notices) <= 1
        for notice in case.notices if tell else ():
            notice.state = "told" if notice.state == "pending" else notice.state
    assert sum(one.state != "resolved" for one in alerts.values()) <= 1
    for one in alerts.values():
        told = [notice.news for notice in one.notices if notice.state == "told"]
        assert told[:1] in ([], ["opened"], ["worse"])
        assert all(pair not in {("resolved", "resolved"), ("opened", "opened")} for pair in pairwise(told))


@QUICK
@given(st.text(max_size=60), st.text(max_size=60), st.binary(min_size=16, max_size=16), st.text(max_size=80))
def test_a_token_holds_for_its_own_alert_alone(subject: str, other: str, key: bytes, forged: str) -> None:
    token = sign(key, "ack", subject, "desk@news.example", START)
    found = verify(key, "ack", subject, token, START)
    assert found is not None and found.who == "desk@news.example"
    assert verify(key, "unsubscribe", subject, token, START) is None
    assert verify(key, "ack", subject, forged, START) is None
    assert verify(b"other key 123456", "ack", subject, token, START) is None
    if other != subject:
        assert verify(key, "ack", other, token, START) is None


@QUICK
@given(st.text(max_size=300))
def test_foreign_text_is_only_text(text: str) -> None:
    clean = line(text)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", clean)
    assert len(clean) <= 300 and clean == clean.strip()
    assert "=?" not in header(text)
    said = escape(clean)
    assert "<" not in said and ">" not in said
    assert not re.search(r"&(?!(amp|lt|gt);)", said)
    assert not re.search(r"@(here|channel|everyone)", said)
    labelled = link("https://x.example/?a=1&b=2", clean)
    assert labelled.count("<") == labelled.count(">") == labelled.count("|") == 1


@QUICK
@given(st.text(max_size=200))
def test_only_web_links_become_links(text: str) -> None:
    found = web_link(f"https://x.example/{text}")
    assert found is None or not re.search(r"[\s<>\"'`\\\x00-\x1f]", found)
    assert web_link(text) is None or re.match(r"https?://", text, re.IGNORECASE)
