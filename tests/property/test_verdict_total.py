"""The judge answers whatever comes, in the contract's words; a refusal or an outage never says gone."""

from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from services.linkcheck.core.model import History, Hop, HostFacts, Observation, Page
from services.linkcheck.core.reasons import is_known
from services.linkcheck.core.verdict import judge
from shared.events import Outcome
from shared.outbound.exchange import Fault, FaultReason

ROT = {"gone", "soft_404", "redirected_away", "parked"}
WORDS = st.sampled_from(
    ["404", "page not found", "this domain is for sale", "log in", "captcha", "the tide turned", "403 Forbidden", "\n",
     "ページ", "لم", "<p>", "subscribe to continue", "we will be back soon", "casino", "Ω", "\u202e", "x" * 300]
)  # fmt: skip
TEXT = st.lists(WORDS, max_size=12).map(" ".join)
URLS = st.sampled_from(
    ["https://a.example/", "https://a.example/2019/tides-turn-early", "http://b.example/x?id=4711", "https://a.example/login",
     "https://a.example/404", "https://[::1]/a", "https://xn--bcher-kva.example/%E2%82%AC/", "http://c.example/a#/b"]
)  # fmt: skip
PAGES = st.builds(
    Page, media_type=st.sampled_from(["text/html", "text/plain", "image/png", ""]), title=TEXT, main=TEXT, full=TEXT,
    markup=TEXT, headings=st.lists(TEXT, max_size=3).map(tuple), links=st.integers(0, 200),
    link_text=st.integers(0, 400),
    scripts=st.integers(0, 9), password_field=st.booleans(), readable=st.booleans(),
    canonical=st.none() | URLS, refresh=st.none() | URLS,
)  # fmt: skip
STATUSES = [200, 204, 301, 302, 304, 308, 400, 401, 403, 404, 410, 429, 451, 500, 503, 599, 999]
HOPS = st.lists(
    st.builds(
        Hop,
        URLS,
        st.sampled_from([200, 204, 301, 302, 304, 308, 400, 401, 403, 404, 410, 429, 451, 500, 503, 599, 999]),
    ),
    max_size=4,
).map(tuple)
FAULTS = st.none() | st.builds(Fault, st.sampled_from(get_args(FaultReason)))
SEEN = st.builds(
    Observation, URLS, HOPS, FAULTS, st.none() | PAGES, not_modified=st.booleans(), body_length=st.integers(0, 500),
    truncated=st.none() | st.sampled_from(["length", "time"]),
)  # fmt: skip
PAST = st.builds(History, good_page=st.none() | PAGES)
HOST = st.builds(
    HostFacts, missing_page=st.none() | PAGES, missing_status=st.none() | st.sampled_from([200, 404, 503]),
    missing_final_url=st.none() | URLS, sinks=st.lists(st.tuples(URLS, st.integers(1, 9)), max_size=2).map(tuple),
)  # fmt: skip


@given(SEEN, PAST, HOST)
@settings(max_examples=150, deadline=None)
def test_there_is_always_a_verdict_that_explains_itself(seen: Observation, past: History, host: HostFacts) -> None:
    verdict = judge(seen, past, host)
    assert verdict.outcome in get_args(Outcome)
    assert verdict.outcome != "missing_target"
    assert is_known(verdict.outcome, verdict.reason), verdict
    assert 0 <= verdict.confidence <= 1
    assert verdict.signals
    assert all(signal.text for signal in verdict.signals)
    assert verdict == judge(seen, past, host)
    if seen.fault is not None:
        assert verdict.outcome in ("unreachable", "unsafe", "unsupported", "walled")
    elif seen.status is not None and seen.status not in (404, 410):
        assert verdict.outcome != "gone"


@given(SEEN, PAST, HOST)
@settings(max_examples=100, deadline=None)
def test_a_page_that_is_what_it_was_is_never_rot(seen: Observation, past: History, host: HostFacts) -> None:
    """Judged good once with real text, the very same answer is not called parked or a soft 404 later."""
    page = seen.page
    if page is None or seen.fault is not None or len(seen.hops) != 1 or seen.status != 200 or not page.main:
        return
    if page.refresh is None and page.canonical is None:
        assert judge(seen, History(good_page=page), host).outcome not in ROT
