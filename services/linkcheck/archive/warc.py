"""Writing WARC 1.1: one capture, one object, one gzip member a record (WARC 1.1 annex D).

    warcinfo · for every hop: response (or revisit), request · metadata

A body is kept without its transfer coding: the payload digest, the length and every reader then agree. The head as
it was received, transfer coding and all, stands in the metadata record; in the response record its
`Transfer-Encoding` line is renamed `X-Archive-Orig-Transfer-Encoding`, and a `Content-Length` that no longer holds is
renamed likewise, so that a player does not look for chunks. Nothing that a stranger sent can begin a record: every
field is refused if it holds CR, LF or NUL, and blocks are framed by length.
"""

import base64
import hashlib
import json
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from isal import igzip

from shared.clock import iso
from shared.errors import CitewatchError
from shared.outbound.exchange import Exchange

PROFILE_SAME_PAYLOAD = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
PROFILE_NOT_MODIFIED = "http://netpreserve.org/warc/1.1/revisit/server-not-modified"
SOFTWARE = "Citewatch/0.1"
_FORBIDDEN = re.compile(r"[\r\n\0]")
_RENAMED = re.compile(rb"(?im)^(transfer-encoding[ \t]*:)")
_LENGTH = re.compile(rb"(?im)^(content-length[ \t]*:)")


class ForgedField(CitewatchError):
    """A record field holds a line break or NUL."""


@dataclass(frozen=True, slots=True)
class Revisited:
    """The capture whose payload came again."""

    url: str
    captured_at: datetime
    sha256: str
    length: int


def payload_digest(sha256_hex: str) -> str:
    """`sha256:` and base32 with its padding."""
    return "sha256:" + base64.b32encode(bytes.fromhex(sha256_hex)).decode()


def capture(exchanges: Sequence[Exchange], *, capture_id: str, revisited: Revisited | None = None) -> bytes:
    """The bytes of one capture's object. Equal input, equal bytes."""
    records = [_warcinfo(capture_id, exchanges[0].started_at)]
    for number, exchange in enumerate(exchanges):
        last = number == len(exchanges) - 1
        records += _pair(exchange, f"{capture_id}/{number}", revisited if last else None)
    records.append(_metadata(exchanges, capture_id))
    return b"".join(records)


def _record_id(name: str) -> str:
    return f"<urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, 'citewatch:' + name)}>"


def _stamp(moment: datetime) -> str:
    return iso(moment)


def _record(kind: str, name: str, moment: datetime, block: bytes, fields: Sequence[tuple[str, str]]) -> bytes:
    head = [
        ("WARC-Type", kind),
        ("WARC-Record-ID", _record_id(name)),
        ("WARC-Date", _stamp(moment)),
        *fields,
        ("WARC-Block-Digest", payload_digest(hashlib.sha256(block).hexdigest())),
        ("Content-Length", str(len(block))),
    ]
    for key, value in head:
        if _FORBIDDEN.search(value):
            raise ForgedField(f"{key} holds a line break.")
    text = "WARC/1.1\r\n" + "".join(f"{key}: {value}\r\n" for key, value in head) + "\r\n"
    return igzip.compress(text.encode("utf-8") + block + b"\r\n\r\n", 1, mtime=0)


def _warcinfo(capture_id: str, moment: datetime) -> bytes:
    lines = {"software": SOFTWARE, "format": "WARC File Format 1.1", "isPartOf": capture_id}
    block = "".join(f"{key}: {value}\r\n" for key, value in lines.items()).encode()
    return _record("warcinfo", f"{capture_id}/info", moment, block, [("Content-Type", "application/warc-fields")])


def _pair(exchange: Exchange, name: str, revisited: Revisited | None) -> list[bytes]:
    common = [("WARC-Target-URI", exchange.url), ("WARC-IP-Address", exchange.peer.address)]
    answer = [("Content-Type", "application/http;msgtype=response"), *common]
    if exchange.truncated is not None:
        answer.append(("WARC-Truncated", exchange.truncated))
    kind, block = "response", _stored_head(exchange) + exchange.body
    digest = hashlib.sha256(exchange.body).hexdigest()
    if revisited is not None:
        kind, block, digest = "revisit", _stored_head(exchange, revisited.length), revisited.sha256
        profile = PROFILE_NOT_MODIFIED if exchange.status == 304 else PROFILE_SAME_PAYLOAD
        answer += [
            ("WARC-Profile", profile),
            ("WARC-Refers-To-Target-URI", revisited.url),
            ("WARC-Refers-To-Date", _stamp(revisited.captured_at)),
        ]
    answer.append(("WARC-Payload-Digest", payload_digest(digest)))
    asked = [
        ("Content-Type", "application/http;msgtype=request"),
        *common,
        ("WARC-Concurrent-To", _record_id(f"{name}/response")),
    ]
    return [
        _record(kind, f"{name}/response", exchange.started_at, block, answer),
        _record("request", f"{name}/request", exchange.started_at, exchange.request_head, asked),
    ]


def _stored_head(exchange: Exchange, length: int | None = None) -> bytes:
    """The head as received, but for fields that speak of a framing which the record has not."""
    head = exchange.response_head
    if exchange.header("transfer-encoding") is not None:
        head = _RENAMED.sub(rb"X-Archive-Orig-\1", head)
        head = _LENGTH.sub(rb"X-Archive-Orig-\1", head)
    stated = exchange.header("content-length")
    if length is None and exchange.truncated is not None and stated is not None:
        head = _LENGTH.sub(rb"X-Archive-Orig-\1", head)
    return head


def _metadata(exchanges: Sequence[Exchange], capture_id: str) -> bytes:
    hops = [
        {
            "url": exchange.url,
            "status": exchange.status,
            "peer": {"address": exchange.peer.address, "port": exchange.peer.port, "tls": exchange.peer.tls_version},
            "certificates_der": [base64.b64encode(one).decode() for one in exchange.peer.certificates],
            "seconds": {
                phase: round(seconds, 6)
                for phase in ("dns", "connect", "tls", "first_byte", "body")
                if (seconds := getattr(exchange.phases, phase)) is not None
            },
            "response_head_base64": base64.b64encode(exchange.response_head).decode(),
            "truncated": exchange.truncated,
        }
        for exchange in exchanges
    ]
    block = json.dumps({"capture": capture_id, "hops": hops}, sort_keys=True).encode()
    last = exchanges[-1]
    fields = [
        ("Content-Type", "application/json"),
        ("WARC-Target-URI", last.url),
        ("WARC-Concurrent-To", _record_id(f"{capture_id}/{len(exchanges) - 1}/response")),
    ]
    return _record("metadata", f"{capture_id}/metadata", last.started_at, block, fields)
