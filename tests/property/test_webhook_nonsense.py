"""Whatever comes through a door, it is taken, or refused as the sender's error: nothing else is ever raised."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from starlette.datastructures import Headers

from services.ingest.api import lines
from services.ingest.core.signature import Unproven
from services.ingest.webhooks import ghost, native, wordpress
from services.ingest.webhooks.body import Accepted, Unfit

NOW = 1767225600.0
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
READERS = (native.read, ghost.read, wordpress.read)
SHAPED = st.sampled_from(
    [
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
        "x-ghost-signature",
        "x-wc-webhook-signature",
        "x-hub-signature-256",
        "x-webhook-signature",
        "x-wc-webhook-delivery-id",
    ]
)
VALUES = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([b"v1,", b"sha256=", b"1767225600", b"t=1,t=2", b"sha256=" + b"0" * 64 + b", t=1767225600000"]),
)
FIELD = st.sampled_from(
    [
        "post",
        "page",
        "current",
        "previous",
        "data",
        "url",
        "id",
        "html",
        "content",
        "title",
        "authors",
        "tags",
        "status",
        "type",
        "link",
        "name",
        "rendered",
        "ID",
        "post_content",
        "post_title",
        "post_status",
        "post_date_gmt",
        "date_gmt",
        "published_at",
        "updated_at",
        "external_id",
        "source",
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("https://a.example/x"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(FIELD | st.text(max_size=5), inner, max_size=6),
    max_leaves=20,
)


def _ends_well(read: Callable[..., Accepted], body: bytes, headers: Headers) -> Accepted | None:
    try:
        return read(body, headers, [SECRET], NOW)
    except (Unproven, Unfit) as refused:
        assert refused.status in (400, 401, 422)
        return None


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60), st.lists(st.tuples(SHAPED, VALUES), max_size=6))
def test_strange_headers_prove_nothing(body: bytes, pairs: list[tuple[str, bytes]]) -> None:
    headers = Headers(raw=[(name.encode(), value) for name, value in pairs])
    for read in READERS:
        assert _ends_well(read, body, headers) is None


def _proofs(body: bytes) -> tuple[tuple[Any, Headers], ...]:
    stamp = str(int(NOW))
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    standard = base64.b64encode(hmac.digest(key, f"m.{stamp}.".encode() + body, hashlib.sha256)).decode()
    ghost_mac = hmac.digest(SECRET.encode(), body + f"{stamp}000".encode(), hashlib.sha256).hex()
    plain = base64.b64encode(hmac.digest(SECRET.encode(), body, hashlib.sha256)).decode()
    return (
        (native.read, Headers({"webhook-id": "m", "webhook-timestamp": stamp, "webhook-signature": f"v1,{standard}"})),
        (ghost.read, Headers({"x-ghost-signature": f"sha256={ghost_mac}, t={stamp}000"})),
        (wordpress.read, Headers({"x-wc-webhook-signature": plain})),
    )


@settings(max_examples=300, deadline=None)
@given(JSON)
@example({"type": [], "link": None})
@example({"post": {"post_status": {}, "post_content": "x"}})
@example({"post": {"current": {"status": [], "html": "x"}}})
def test_proven_bodies_of_any_shape(value: Any) -> None:
    body = json.dumps(value).encode()
    for read, headers in _proofs(body):
        _ends_well(read, body, headers)


@settings(max_examples=150, deadline=None)
@given(
    st.fixed_dictionaries(
        {"id": JSON, "url": JSON | st.just("https://a.example/x"), "html": JSON | st.just("<p>x</p>")},
        optional={"authors": JSON, "tags": JSON, "title": JSON, "published_at": JSON, "updated_at": JSON},
    )
)
def test_posts_with_fields_of_any_shape(post: dict[str, Any]) -> None:
    body = json.dumps({"post": {"current": post}}).encode()
    read, headers = _proofs(body)[1]
    found = _ends_well(read, body, headers)
    assert found is None or found.submission is None or found.submission.source == "ghost"


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=12).map(lambda piece: piece.replace(b"x", b"\n")), max_size=8), st.integers(1, 8))
async def test_lines_are_the_same_however_they_are_cut(pieces: list[bytes], longest: int) -> None:
    async def stream() -> Any:
        for piece in pieces:
            yield piece

    found = [line async for line in lines(stream(), longest)]
    whole = b"".join(pieces).split(b"\n")
    expected = [line if len(line) <= longest else None for line in whole]
    assert found == (expected[:-1] if expected[-1] == b"" else expected)
