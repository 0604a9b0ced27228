"""Writing WARC 1.1: one capture, one object, one gzip member a record (WARC 1.1 annex D).

    warcinfo · for every hop: response (the last may be a revisit), request · metadata

**Bodies** are kept without their transfer coding and with their content coding, so that the payload digest, the
record's length, `warcio check` and every player agree. The head exactly as it was received stands, base64, in the
metadata record. In the response record, `Transfer-Encoding` and a `Content-Length` that does not hold for the stored
body are renamed `X-Archive-Orig-…`, so that no player looks for chunks that are not there; and a head that readers
could split elsewhere than we did (bare line feeds, stray CR, NUL) is written with CRLF and spaces in their place.

**Forgery**: nothing that a stranger sent can begin a record. Every field is refused if it holds CR, LF or NUL, blocks
are framed by length, and the metadata block is JSON in ASCII, one line a field.

**Dates**: all records of a capture have its date (WARC 1.1 §5.4: one capture event, one date), so a `revisit` names
its original by exactly the date that the database knows. When each hop was begun stands in the metadata record.
"""

import base64
import hashlib
import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from isal import igzip

from shared.clock import iso
from shared.errors import CitewatchError
from shared.outbound.exchange import Exchange, Fault

PROFILE_SAME_PAYLOAD = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
PROFILE_NOT_MODIFIED = "http://netpreserve.org/warc/1.1/revisit/server-not-modified"
SOFTWARE = "Citewatch/0.1"
RENAMED = b"X-Archive-Orig-"
_FORBIDDEN = re.compile(r"[\r\n\0\ud800-\udfff]")
_LINES = re.compile(rb"\r?\n")
_STRAY = re.compile(rb"[\r\0]")


class ForgedField(CitewatchError):
    """A record field holds a line break, NUL, or what is no text."""


@dataclass(frozen=True, slots=True)
class Revisited:
    """The capture whose payload came again."""

    url: str
    captured_at: datetime
    sha256: str
    length: int


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a memento comes from that another web archive captured (RFC 7089)."""

    archive: str
    url: str
    """Address of the memento there."""
    captured_at: datetime
    """When that archive captured it."""
    original: str
    """Address of the page that it is a capture of."""

    def facts(self) -> Mapping[str, object]:
        """As the metadata record tells it."""
        return {"archive": self.archive, "url": self.url, "datetime": iso(self.captured_at), "original": self.original}


def payload_digest(sha256_hex: str) -> str:
    """`sha256:` and base32 with its padding."""
    return "sha256:" + base64.b32encode(bytes.fromhex(sha256_hex)).decode()


def block_digest(block: bytes) -> str:
    """The digest of bytes as records write it."""
    return "sha256:" + base64.b32encode(hashlib.sha256(block).digest()).decode()


def capture(
    exchanges: Sequence[Exchange],
    *,
    capture_id: str,
    captured_at: datetime,
    revisited: Revisited | None = None,
    fault: Fault | None = None,
    previous_sha256: str | None = None,
    provenance: Provenance | None = None,
    payload_sha256: str | None = None,
) -> bytes:
    """The bytes of one capture's object; equal input, equal bytes.

    `fault`: why the chain of hops went no further. `previous_sha256`: the link's capture before this one, which makes
    the captures of a link a hash chain. `provenance`: the answer is another archive's memento. `payload_sha256`: of the
    last body, where the caller knows it. Raises `ForgedField`.
    """
    writer = _Writer(capture_id, iso(captured_at), revisited, payload_sha256)
    last = len(exchanges) - 1
    return b"".join(
        (
            writer.warcinfo(),
            *(
                record
                for number, exchange in enumerate(exchanges)
                for record in writer.hop(number, exchange, is_last=number == last)
            ),
            writer.metadata(exchanges, fault, previous_sha256, provenance),
        )
    )


@dataclass(frozen=True, slots=True)
class _Writer:
    capture_id: str
    date: str
    revisited: Revisited | None
    payload_sha256: str | None

    def _id(self, name: str) -> str:
        return _record_id(self.capture_id, name)

    def _record(self, kind: str, name: str, block: bytes, fields: Sequence[tuple[str, str]]) -> bytes:
        head = (
            ("WARC-Type", kind),
            ("WARC-Record-ID", self._id(name)),
            ("WARC-Date", self.date),
            *fields,
            ("WARC-Block-Digest", block_digest(block)),
            ("Content-Length", str(len(block))),
        )
        for key, value in head:
            if _FORBIDDEN.search(value):
                raise ForgedField(f"{key} holds a line break, or is no text.")
        text = "WARC/1.1\r\n" + "".join(f"{key}: {value}\r\n" for key, value in head) + "\r\n"
        return bytes(igzip.compress(text.encode() + block + b"\r\n\r\n", 1, mtime=0))

    def warcinfo(self) -> bytes:
        lines = {
            "software": SOFTWARE,
            "format": "WARC File Format 1.1",
            "conformsTo": "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/",
        }
        block = "".join(f"{key}: {value}\r\n" for key, value in lines.items()).encode()
        return self._record("warcinfo", "info", block, [("Content-Type", "application/warc-fields")])

    def hop(self, number: int, exchange: Exchange, *, is_last: bool) -> Iterator[bytes]:
        common = (
            ("WARC-Target-URI", exchange.url),
            ("WARC-IP-Address", exchange.peer.address),
            ("WARC-Warcinfo-ID", self._id("info")),
        )
        answer = [("Content-Type", "application/http;msgtype=response"), *common]
        if exchange.truncated is not None:
            answer.append(("WARC-Truncated", exchange.truncated))
        if is_last and self.revisited is not None:
            kind, block = "revisit", stored_head(exchange, self.revisited.length)
            answer += _refers(exchange, self.revisited)
        else:
            kind, block = "response", stored_head(exchange, len(exchange.body)) + exchange.body
            known = self.payload_sha256 if is_last else None
            answer.append(("WARC-Payload-Digest", payload_digest(known) if known else block_digest(exchange.body)))
        asked = [
            ("Content-Type", "application/http;msgtype=request"),
            *common,
            ("WARC-Concurrent-To", self._id(f"{number}/response")),
        ]
        yield self._record(kind, f"{number}/response", block, answer)
        yield self._record("request", f"{number}/request", exchange.request_head, asked)

    def metadata(
        self, exchanges: Sequence[Exchange], fault: Fault | None, previous: str | None, provenance: Provenance | None
    ) -> bytes:
        certificates = list(dict.fromkeys(one for exchange in exchanges for one in exchange.peer.certificates))
        facts: list[tuple[str, object]] = [("capture", self.capture_id)]
        facts += [("previous", previous)] if previous else []
        facts += [("memento", provenance.facts())] if provenance else []
        facts += [("hop", _hop_facts(exchange, certificates)) for exchange in exchanges]
        facts += [("certificate", base64.b64encode(one).decode()) for one in certificates]
        facts += [("fault", {"reason": fault.reason, "detail": fault.detail})] if fault else []
        block = "".join(f"{name}: {json.dumps(value, sort_keys=True)}\r\n" for name, value in facts).encode()
        fields = [
            ("Content-Type", "application/warc-fields"),
            ("WARC-Target-URI", exchanges[-1].url),
            ("WARC-Warcinfo-ID", self._id("info")),
            ("WARC-Concurrent-To", self._id(f"{len(exchanges) - 1}/response")),
        ]
        return self._record("metadata", "metadata", block, fields)


@lru_cache(maxsize=64)
def _record_id(capture_id: str, name: str) -> str:
    """The same for the same record. (Records name each other, so each is asked for twice or more.)"""
    return f"<urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'citewatch:{capture_id}/{name}')}>"


def _refers(exchange: Exchange, revisited: Revisited) -> list[tuple[str, str]]:
    return [
        ("WARC-Profile", PROFILE_NOT_MODIFIED if exchange.status == 304 else PROFILE_SAME_PAYLOAD),
        ("WARC-Refers-To-Target-URI", revisited.url),
        ("WARC-Refers-To-Date", iso(revisited.captured_at)),
        ("WARC-Payload-Digest", payload_digest(revisited.sha256)),
    ]


def _hop_facts(exchange: Exchange, certificates: Sequence[bytes]) -> Mapping[str, object]:
    """What a record has no field for. `certificates`: places in the capture's list, leaf first."""
    peer, phases = exchange.peer, exchange.phases
    seconds = {name: getattr(phases, name) for name in ("dns", "connect", "tls", "first_byte", "body")}
    return {
        "url": exchange.url,
        "status": exchange.status,
        "started_at": iso(exchange.started_at),
        "peer": {"address": peer.address, "port": peer.port, "tls": peer.tls_version}
        | ({"via": peer.via} if peer.via else {}),
        "certificates": [certificates.index(one) for one in peer.certificates],
        "seconds": {name: round(value, 6) for name, value in seconds.items() if value is not None},
        "response_head": base64.b64encode(exchange.response_head).decode(),
    }


def read_metadata(block: bytes) -> list[tuple[str, object]]:
    """The facts of a metadata record, in order. Raises ValueError for a block that is not ours."""
    lines = [line.partition(": ") for line in block.decode("ascii").splitlines()]
    return [(name, json.loads(value)) for name, _, value in lines]


def _is_seen(line: bytes) -> bool:
    """Readers end a head at a line that is blank to them, and U+0085 or U+00A0 is, in either encoding."""
    return all(line.decode(encoding, "replace").strip() for encoding in ("latin-1", "utf-8"))


def stored_head(exchange: Exchange, length: int) -> bytes:
    """The answer's head as it goes into a record that stands for a body of `length` bytes."""
    lines = [_STRAY.sub(b" ", line) for line in _LINES.split(exchange.response_head)]
    lines = [line for line in lines if _is_seen(line)]
    fields = [line.partition(b":")[0].strip().lower() for line in lines]
    stated = {value.strip() for key, value in exchange.headers if key.strip().lower() == "content-length"}
    misleading = {b"transfer-encoding"}
    if b"transfer-encoding" in fields or stated - {str(length)}:
        misleading.add(b"content-length")
    kept = [RENAMED + line if name in misleading else line for name, line in zip(fields, lines, strict=True)]
    return b"\r\n".join(kept) + b"\r\n\r\n"
