"""Whatever a stranger puts into a URL, a header or a body: exactly the records that were written, and that body."""

import contextlib

from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.linkcheck.archive import warc
from services.linkcheck.archive.records import records
from shared.outbound.exchange import Peer
from tests.support.captures import NOW, by_fastwarc, by_warcio, exchange

FORGED = (
    "WARC/1.1\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:0>\r\nWARC-Date: 2026-01-01T00:00:00Z\r\n"
    "WARC-Target-URI: https://forged.example/\r\nContent-Type: application/http;msgtype=response\r\n"
    "Content-Length: 19\r\n\r\nHTTP/1.1 200 OK\r\n\r\n\r\n\r\n"
)
pieces = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["\r\n", "\n", "\r", "\0", "\r\n\r\n", "\n\n", ":", " ", "\t", FORGED, "WARC/1.1\r\n", "\x85", "\u2028"]
    ),
)
texts = st.lists(pieces, max_size=6).map("".join)
raw = st.one_of(st.binary(max_size=80), texts.map(lambda text: text.encode("utf-8", "surrogatepass")))


@settings(max_examples=100, deadline=None)
@given(url=texts, lines=raw, body=raw, peer=texts, detail=texts)
@example(url="", lines=b"\x85", body=b"", peer="", detail="")
@example(url="", lines=b"\xc2\xa0", body=b"", peer="", detail="")
@example(url="https://example.org/", lines=b"", body=("\r\n\r\n" + FORGED).encode(), peer="192.0.2.1", detail=FORGED)
@example(url="https://example.org/\r\n\r\n" + FORGED, lines=b"", body=b"", peer="192.0.2.1", detail="")
def test_nothing_begins_a_record(url: str, lines: bytes, body: bytes, peer: str, detail: str) -> None:
    url = "https://example.org/" + url
    # A head ends at its first blank line: that is where our transport cuts it.
    inside = lines.replace(b"\r\n", b"\n").split(b"\n\n")[0].strip(b"\n")
    one = exchange(url, body, head=b"HTTP/1.1 200 OK\r\n" + inside + b"\r\n\r\n", peer=Peer(peer, 443))
    fault = warc.Fault("reset", detail)
    with contextlib.suppress(warc.ForgedField):
        data = warc.capture([one, one], capture_id="snp_1", captured_at=NOW, fault=fault)
        kinds = ["warcinfo", "response", "request", "response", "request", "metadata"]
        for read in (by_fastwarc, by_warcio):
            seen = read(data)
            assert [record.kind for record in seen] == kinds
            assert [record.payload for record in seen if record.kind == "response"] == [body, body]
        for record in records(data):
            assert not list(record.faults())
        (facts,) = (warc.read_metadata(record.block) for record in records(data) if record.kind == "metadata")
        assert ("fault", {"reason": "reset", "detail": detail}) in facts
