"""Save Page Now: what is sent, and what the answers mean."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.linkcheck.core.savepage import Answer, Endpoint

SPN2 = Endpoint.read("https://key:s3cret@archive.test/save")
OLD = Endpoint.read("https://archive.test/save/")
PAGE = "https://paper.test/a?b=1&c=ü"


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("https://archive.test/save", "https://archive.test/save"),
        ("https://archive.test/save/", f"https://archive.test/save/{PAGE}"),
        ("https://archive.test/keep/{url}/now", f"https://archive.test/keep/{PAGE}/now"),
        ("https://archive.test/?u={url}", "https://archive.test/?u=https%3A%2F%2Fpaper.test%2Fa%3Fb%3D1%26c%3D%C3%BC"),
    ],
)
def test_where_the_address_of_the_page_goes(written: str, asked: str) -> None:
    request = Endpoint.read(written).ask(PAGE)
    assert (request.method, request.url) == ("POST", asked)
    assert request.body == b"url=https%3A%2F%2Fpaper.test%2Fa%3Fb%3D1%26c%3D%C3%BC"


def test_keys_go_into_the_header_and_nowhere_else() -> None:
    request = SPN2.ask(PAGE)
    assert request.url == "https://archive.test/save"
    assert ("Authorization", "LOW key:s3cret") in request.headers
    assert "s3cret" not in repr(SPN2)
    assert not any(name == "Authorization" for name, _ in OLD.ask(PAGE).headers)


@pytest.mark.parametrize("endpoint", [SPN2, OLD, Endpoint.read("https://archive.test/save/{url}")])
def test_a_job_is_asked_after_beside_the_endpoint(endpoint: Endpoint) -> None:
    assert endpoint.ask_after("spn2-1").url == "https://archive.test/save/status/spn2-1"


def understood(
    status: int, body: object = b"", headers: dict[str, str] | None = None, job: str | None = None
) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return SPN2.understand(status, headers or {}, raw, job)


MEMENTO = "https://archive.test/web/20260301120000/https://paper.test/a"
DONE = {"status": "success", "job_id": "spn2-1", "timestamp": "20260301120000", "original_url": "https://paper.test/a"}


@pytest.mark.parametrize(
    ("answer", "state", "memento"),
    [
        (understood(200, {"url": PAGE, "job_id": "spn2-1"}), "asked", None),
        (understood(200, b"<script>spn.watchJob('spn2-1', '/_static/', 6000);</script>"), "asked", None),
        (understood(200, {"status": "pending", "job_id": "spn2-1"}), "asked", None),
        (understood(200, DONE), "saved", MEMENTO),
        (
            understood(200, b"<p>Kept", {"content-location": "/web/20260301120000/https://paper.test/a"}),
            "saved",
            MEMENTO,
        ),
        (understood(302, b"", {"location": MEMENTO}), "saved", MEMENTO),
        (understood(201, b"", {"location": "/m/4711"}), "saved", "https://archive.test/m/4711"),
        (understood(200, b"ok"), "saved", None),
        (understood(302, b"", {"location": "https://other.test/save"}), "failed", None),
        (understood(200, b"", {"content-location": "javascript:alert(1)"}), "saved", None),
        (
            understood(200, {"status": "error", "status_ext": "error:blocked-url", "message": "Blocked."}),
            "failed",
            None,
        ),
        (understood(200, {"status": "error", "status_ext": "error:user-session-limit"}), "waiting", None),
        (understood(200, {"message": "You need to be logged in to use Save Page Now."}), "waiting", None),
        (understood(401, b"Who are you"), "failed", None),
        (understood(429), "waiting", None),
        (understood(520), "waiting", None),
    ],
)
def test_what_answers_mean(answer: Answer, state: str, memento: str | None) -> None:
    assert (answer.state, answer.memento) == (state, memento), answer
    assert answer.job_id == ("spn2-1" if state == "asked" else None)
    assert answer.detail or memento


def test_a_job_outlives_an_outage_of_its_archive() -> None:
    assert understood(503, job="spn2-1").job_id == "spn2-1"
    assert understood(200, {"status": "error", "message": "Time is up."}, job="spn2-1").job_id is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["status", "job_id", "message", "timestamp", "original_url", "status_ext"]), inner
        )
    ),
    max_leaves=8,
)


@given(st.integers(200, 999), st.binary(max_size=60) | JSON, st.text(max_size=40))
def test_whatever_comes_is_understood_somehow(status: int, body: object, place: str) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    found = SPN2.understand(status, {"location": place, "content-location": place}, raw)
    assert found.memento is None or found.memento.startswith(("http://", "https://"))
    assert (found.job_id is not None) == (found.state == "asked")
