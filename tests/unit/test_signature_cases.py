"""The signature rules against the case files, the library of Standard Webhooks, and real captures of Ghost."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks import Webhook
from starlette.datastructures import Headers

from services.ingest.core.signature import Unproven, keys, verify_body, verify_ghost, verify_standard
from services.ingest.webhooks import ghost, native, wordpress
from services.ingest.webhooks.body import Unfit
from tests.support.ingest import cases_dir

READERS = {"standard": native.read, "ghost": ghost.read}
NOW = 1767225600.0
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def _cases() -> list[Any]:
    folder = cases_dir()
    if folder is None:
        return [pytest.param(None, marks=pytest.mark.skip("the case files are not beside the repository"))]
    found = [json.loads(line) for line in (folder / "webhook_cases.jsonl").read_text().splitlines()]
    return [pytest.param(case, id=case["id"]) for case in found]


def _headers(pairs: list[list[str]]) -> Headers:
    return Headers(raw=[(name.encode(), value.encode("utf-8")) for name, value in pairs])


def _status(case: dict[str, Any]) -> int:
    """What the pure part answers; ids, database and codings are the affair of the HTTP tests."""
    read = READERS.get(case["scheme"], wordpress.read)
    body, headers = base64.b64decode(case["body_b64"]), _headers(case["headers"])
    try:
        read(body, headers, case["secrets"], case["now"])
    except (Unproven, Unfit) as error:
        return error.status
    return 202


@pytest.mark.parametrize("case", _cases())
def test_case_of_the_file(case: dict[str, Any]) -> None:
    state_or_transport = {200, 409, 415, 503}
    expected = 202 if case["status"] in state_or_transport else case["status"]
    assert _status(case) == expected, case["name"]


def _captures() -> list[dict[str, Any]]:
    folder = cases_dir()
    if folder is None:
        pytest.skip("the case files are not beside the repository")
    return [json.loads(line) for line in (folder / "ghost" / "webhooks-all-3-events.jsonl").read_text().splitlines()]


def test_real_ghost_captures() -> None:
    taken = []
    for capture in _captures():
        headers = Headers(headers=capture["headers"])
        now = int(capture["headers"]["x-ghost-signature"].rpartition("=")[2]) / 1000
        taken.append(ghost.read(capture["raw"].encode(), headers, ["s3cr3t-for-test"], now).submission)
    published, edited, unpublished = taken
    assert published is not None
    assert published.title == "Council meeting on links"
    assert published.authors == ("Desk Editor",)
    assert published.tags == ("News",)
    assert published.modified_at == datetime(2026, 11, 24, 18, 39, 11, tzinfo=UTC)
    assert edited is not None
    assert (edited.external_id, edited.url) == (published.external_id, published.url)
    assert "Monday" in str(edited.content)
    assert unpublished is None


def test_the_library_and_we_agree_on_what_it_signs() -> None:
    body, at = b'{"url": "https://example.org/a"}', datetime.fromtimestamp(NOW, UTC)
    for secret in (SECRET, SECRET.removeprefix("whsec_")):
        signature = Webhook(secret).sign("msg_1", at, body.decode())
        assert verify_standard(body, ["msg_1"], [str(int(NOW))], [signature], ["other", secret], NOW) == "msg_1"
        with pytest.raises(Unproven):
            verify_standard(body + b" ", ["msg_1"], [str(int(NOW))], [signature], [secret], NOW)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_!!!", "whsec_é"])
def test_a_secret_without_a_key_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match=r"key|empty"):
        keys(secret)


def test_an_empty_mac_fits_nothing() -> None:
    for header in ("", "sha256=", "x"):
        for encoding in ("hex", "base64"):
            with pytest.raises(Unproven):
                verify_body(b"body", [header], encoding, ["secret"])
    with pytest.raises(Unproven):
        verify_body(b"body", [""], "base64", [])


def test_a_body_signed_with_its_time_appended_does_not_pass_as_json() -> None:
    """The old scheme of Ghost signs the body alone: a new delivery can be replayed as an old one with `t` inside."""
    for capture in _captures():
        stamp = capture["headers"]["x-ghost-signature"].rpartition("=")[2]
        given = capture["headers"]["x-ghost-signature"].partition(",")[0]
        forged, now = (capture["raw"] + stamp).encode(), int(stamp) / 1000 + 90_000
        header = f"{given}, t={int(now * 1000)}"
        verify_ghost(forged, [header], ["s3cr3t-for-test"], now)
        with pytest.raises(Unfit):
            ghost.read(forged, Headers({"x-ghost-signature": header}), ["s3cr3t-for-test"], now)


def test_header_names_do_not_hide_a_second_value() -> None:
    signature = Webhook(SECRET).sign("msg_1", datetime.fromtimestamp(NOW, UTC), "{}")
    with pytest.raises(Unproven) as found:
        verify_standard(b"{}", ["msg_1", "msg_2"], [str(int(NOW))], [signature], [SECRET], NOW)
    assert found.value.status == 400
