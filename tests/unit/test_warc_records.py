"""WARC objects as two readers that are not ours see them, and as `warcio check` judges them."""

import base64
import gzip
import hashlib
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from services.linkcheck.archive import warc
from services.linkcheck.archive.packing import Capture
from services.linkcheck.archive.records import records
from shared.outbound.exchange import Fault, Peer
from tests.support.captures import BODY, NOW, URL, by_fastwarc, by_warcio, capture, exchange

HEADS = sorted((Path(__file__).parents[1] / "cases" / "warc_heads").glob("*.head"))


def written(one: Capture) -> bytes:
    return warc.capture(
        one.exchanges,
        capture_id=one.capture_id,
        captured_at=one.captured_at,
        revisited=one.revisited,
        fault=one.fault,
        previous_sha256=one.previous_sha256,
    )


def warcio_check(data: bytes, folder: Path) -> str:
    path = folder / "object.warc.gz"
    path.write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-m", "warcio.cli", "check", "-v", str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def metadata(data: bytes) -> list[tuple[str, object]]:
    return warc.read_metadata(next(one.block for one in records(data) if one.kind == "metadata"))


def test_one_answer_makes_its_four_records(tmp_path: Path) -> None:
    data = written(capture())
    kinds = ["warcinfo", "response", "request", "metadata"]
    for read in (by_fastwarc, by_warcio):
        seen = read(data)
        assert [one.kind for one in seen] == kinds
        assert [one.url for one in seen] == [None, URL, URL, URL]
        assert seen[1].payload == BODY
    assert warcio_check(data, tmp_path).count("digest pass") == 4


def test_fields_say_who_answered_and_when() -> None:
    _, answer, asked, _ = records(written(capture()))
    assert answer.fields["warc-ip-address"] == "192.0.2.7"
    assert answer.fields["warc-date"] == asked.fields["warc-date"] == "2026-05-03T09:30:01.123456Z"
    digest = base64.b32encode(hashlib.sha256(BODY).digest()).decode()
    assert digest.endswith("====")
    assert answer.fields["warc-payload-digest"] == f"sha256:{digest}"
    assert asked.fields["warc-concurrent-to"] == answer.fields["warc-record-id"]
    assert asked.block.startswith(b"GET https://example.org/report?id=7 HTTP/1.1\r\n")


def test_every_hop_is_kept_and_each_certificate_once() -> None:
    other = Peer("2001:db8::9", 443, "TLSv1.2", (b"other leaf", b"issuer certificate"))
    moved = exchange(URL, b"", status=301, headers=(("Location", "/b"), ("Content-Length", "0")))
    data = written(capture(moved, exchange("https://example.org/b", peer=other), fault=Fault("reset", "It hung up.")))
    assert [one.kind for one in by_fastwarc(data)] == ["warcinfo", *["response", "request"] * 2, "metadata"]
    facts = metadata(data)
    hops = [value for name, value in facts if name == "hop"]
    assert [hop["certificates"] for hop in hops] == [[0, 1], [2, 1]]  # type: ignore[index]
    assert len([name for name, _ in facts if name == "certificate"]) == 3
    assert hops[1]["peer"] == {"address": "2001:db8::9", "port": 443, "tls": "TLSv1.2"}  # type: ignore[index]
    assert hops[0]["seconds"]["tls"] == 0.003  # type: ignore[index]
    assert ("fault", {"reason": "reset", "detail": "It hung up."}) in facts


@pytest.mark.parametrize("path", HEADS, ids=lambda path: path.stem)
def test_any_head_leaves_the_records_and_the_body_alone(path: Path, tmp_path: Path) -> None:
    head = path.read_bytes()
    data = written(capture(exchange(head=head)))
    for read in (by_fastwarc, by_warcio):
        seen = read(data)
        assert [one.kind for one in seen] == ["warcinfo", "response", "request", "metadata"]
        assert seen[1].payload == BODY, read.__name__
    (answer,) = (one for one in records(data) if one.kind == "response")
    status, headers, payload = answer.http()
    assert (status, payload) == (200, BODY)
    assert "transfer-encoding" not in {name.lower() for name, _ in headers}
    stated = [value for name, value in headers if name.lower() == "content-length"]
    assert stated in ([], [str(len(BODY))])
    hop = dict(metadata(data))["hop"]
    assert base64.b64decode(hop["response_head"]) == head  # type: ignore[index]
    warcio_check(data, tmp_path)


def test_a_truncated_answer_says_so_and_claims_no_length() -> None:
    data = written(capture(exchange(headers=(("Content-Length", "5000"),), truncated="length")))
    (answer,) = (one for one in records(data) if one.kind == "response")
    assert answer.fields["warc-truncated"] == "length"
    assert b"\r\nX-Archive-Orig-Content-Length: 5000\r\n" in answer.block


@pytest.mark.parametrize(("status", "profile"), [(200, warc.PROFILE_SAME_PAYLOAD), (304, warc.PROFILE_NOT_MODIFIED)])
def test_a_known_payload_is_referred_to(status: int, profile: str, tmp_path: Path) -> None:
    digest = hashlib.sha256(BODY).hexdigest()
    known = warc.Revisited("https://example.org/first", NOW, digest, len(BODY))
    body = BODY if status == 200 else b""
    data = written(capture(exchange(body=body, status=status), at=NOW + timedelta(days=1), revisited=known))
    again = list(records(data))[1]
    assert again.kind == "revisit"
    assert again.fields["warc-profile"] == profile
    assert again.fields["warc-refers-to-target-uri"] == "https://example.org/first"
    assert again.fields["warc-refers-to-date"] == "2026-05-03T09:30:00.123456Z"
    assert again.fields["warc-payload-digest"] == warc.payload_digest(digest)
    assert again.block.endswith(b"\r\n\r\n")
    assert BODY not in data and BODY not in again.block
    warcio_check(data, tmp_path)


def test_the_chain_stands_in_the_record() -> None:
    assert ("previous", "ab" * 32) in metadata(written(capture(previous_sha256="ab" * 32)))


def test_equal_input_makes_equal_bytes_and_another_moment_others() -> None:
    assert written(capture()) == written(capture())
    assert written(capture()) != written(capture(at=NOW))


@pytest.mark.parametrize("break_", ["\r\n", "\n", "\r", "\0", "\ud800"])
@pytest.mark.parametrize("place", ["url", "address", "truncated"])
def test_a_field_with_a_line_break_is_refused(break_: str, place: str) -> None:
    evil = f"https://example.org/{break_}WARC-Type: response"
    made = {
        "url": lambda: exchange(evil),
        "address": lambda: exchange(peer=Peer(evil, 443)),
        "truncated": lambda: exchange(truncated=evil),  # type: ignore[arg-type]
    }
    with pytest.raises(warc.ForgedField):
        written(capture(made[place]()))


def test_every_record_is_a_gzip_member_of_its_own() -> None:
    data = written(capture())
    for one in records(data):
        member = gzip.decompress(data[one.offset : one.offset + one.length])
        assert member.startswith(b"WARC/1.1\r\n")
        assert member.endswith(one.block + b"\r\n\r\n")
