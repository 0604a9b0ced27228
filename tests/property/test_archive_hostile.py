"""Objects and bundles made to harm: `verify` says what is wrong, and never falls over."""

import gzip
import hashlib
import json
import tempfile
import zipfile
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.linkcheck.archive import warc
from services.linkcheck.archive.verify import Verified, check_warc, verify_bundle
from tests.support.captures import NOW, exchange

WHOLE = warc.capture([exchange()], capture_id="snp_1", captured_at=NOW)
HEAD = "WARC/1.1\r\nWARC-Type: response\r\n"
bits = st.sampled_from(
    [
        "WARC/1.1\r\n", "WARC-Type: response\r\n", "WARC-Type: revisit\r\n", "Content-Length: 4\r\n", "\r\n",
        "\r\n\r\n", "Content-Length: ²\r\n", f"Content-Length: {'9' * 5000}\r\n", "Content-Length: -1\r\n",
        "HTTP/1.1 ² x\r\n\r\n",
        "WARC-Block-Digest: sha256:====\r\n", "WARC-Payload-Digest: sha1:ä\r\n", "WARC-Payload-Digest: nothing\r\n",
        "HTTP/1.1 200 OK\r\n\r\n", "HTTP\r\n\r\n", "abcd", "\0",
    ]
)  # fmt: skip
heads = st.lists(bits, max_size=8).map("".join)


@settings(max_examples=300, deadline=None)
@given(st.lists(heads, max_size=3), st.binary(max_size=20))
@example([HEAD + "Content-Length: ²\r\n\r\n"], b"")
@example([HEAD + f"Content-Length: {'9' * 5000}\r\n\r\n"], b"")
@example([HEAD + "WARC-Payload-Digest: sha256:x\r\nContent-Length: 4\r\n\r\nabcd\r\n\r\n"], b"")
@example([HEAD + "WARC-Block-Digest: sha1:ä\r\nContent-Length: 0\r\n\r\n\r\n\r\n"], b"")
def test_any_records_are_read_or_named(members: list[str], tail: bytes) -> None:
    data = b"".join(gzip.compress(member.encode(), 1) for member in members) + tail
    found = Verified()
    whole = check_warc("object", data, found)
    assert (len(whole) == len(members) and not tail) or found.damages


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=6))
def test_a_changed_piece_never_stops_the_check(place: int, piece: bytes) -> None:
    check_warc("object", WHOLE[:place] + piece + WHOLE[place + len(piece) :], Verified())


values = st.recursive(
    st.none() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["path", "hash", "x"]), inner, max_size=2)
    ),
    max_leaves=6,
)
names = ["path", "hash", "resources", "signedData", "signature", "publicKey"]
documents = st.dictionaries(st.sampled_from(names), values, max_size=5) | values


@settings(max_examples=150, deadline=None)
@given(documents, documents, st.text(max_size=60))
def test_any_documents_in_a_bundle_are_read_or_named(package: object, digest: object, index: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.wacz"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("datapackage.json", json.dumps(package))
            archive.writestr("datapackage-digest.json", json.dumps(digest))
            archive.writestr("indexes/index.cdx", index.encode("utf-8", "replace"))
        assert verify_bundle(path).damages


@settings(max_examples=60, deadline=None)
@given(
    st.text(max_size=80)
    | st.sampled_from(
        [
            "a b {}",
            'a b {"filename":"x.warc.gz","offset":"²","length":"1"}',
            "a b []",
            'a b {"url":1,"offset":Infinity}',
            "a b " + "[" * 9000,
        ]
    )
)
def test_any_index_is_read_or_named(line: str) -> None:
    content = line.encode("utf-8", "replace")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.wacz"
        resources = [
            {"path": name, "hash": f"sha256:{hashlib.sha256(data).hexdigest()}"}
            for name, data in (("archive/x.warc.gz", WHOLE), ("indexes/index.cdx", content))
        ]
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/x.warc.gz", WHOLE)
            archive.writestr("indexes/index.cdx", content)
            archive.writestr("datapackage.json", json.dumps({"resources": resources}))
        assert bool(verify_bundle(path).damages) == bool(content.decode().splitlines())
