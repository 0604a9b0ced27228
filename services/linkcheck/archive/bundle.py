"""Evidence bundles: WACZ 1.1.1 of an article's captures, with the claims and verdicts that rest on them, signed.

    archive/SHA256.warc.gz        the captures, byte for byte as the archive holds them
    indexes/index.cdx            where each answer stands
    pages/pages.jsonl             every final answer with its title and text
    provenance/provenance.json    JSON-LD: each citation as a Web Annotation (claim, passage then and now, verdict),
                                  each capture as a PROV activity with its hash chain
    datapackage.json              digests of all of these; datapackage-digest.json signs it

Equal input makes equal bytes: members are stored, sorted and dated by `created`, signatures are deterministic.
"""

import asyncio
import hashlib
import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from services.linkcheck.archive.records import Record, records
from services.linkcheck.archive.signing import Signer, fingerprint
from services.linkcheck.archive.snapshots import Archive
from services.linkcheck.archive.warc import SOFTWARE
from services.linkcheck.core.dossier import Snapshot
from services.linkcheck.core.model import Page
from shared.clock import iso
from shared.urls import PORTS, parse

WACZ_VERSION = "1.1.1"
NOT_MODIFIED = 304
PROVENANCE = "provenance/provenance.json"
INDEX = "indexes/index.cdx"
CONTEXT = [
    "http://www.w3.org/ns/anno.jsonld",
    {"prov": "http://www.w3.org/ns/prov#", "citewatch": "urn:citewatch:"},
]
_NOTHING = Page("")
_SLASHES = re.compile("/{2,}")
_UNRESERVED = re.compile("%(2d|2e|3[0-9]|4[1-9a-f]|5[0-9af]|6[1-9a-f]|7[0-9ae])")
"""Escapes of characters that need none (RFC 3986 §2.3)."""
_WWW = re.compile(r"^www\d*\.")
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Kept:
    """A capture with what the archive holds of it."""

    snapshot: Snapshot
    data: bytes
    page: Page

    @property
    def path(self) -> str:
        return f"archive/{self.snapshot.warc_sha256}.warc.gz"

    def replayed(self) -> tuple[str, str]:
        """Address and time under which the index has the final answer; a memento's are those of its archive."""
        if self.snapshot.archive is None:
            return self.snapshot.url, iso(self.snapshot.captured_at)
        *_, last = (record for record in records(self.data) if record.kind == "response")
        return last.url, last.fields["warc-date"]


async def build(
    report: Mapping[str, Any],
    captures: Sequence[Snapshot],
    archive: Archive,
    *,
    created: datetime,
    signer: Signer | None = None,
) -> bytes:
    """The bundle of an article. `report`: as `check --json`, citations may have `then` beside; `captures`: all that it
    rests on. Raises `MissingBlob` or `DamagedCapture` rather than leave evidence out.
    """
    kept = [await _kept(one, archive) for one in captures]
    return await asyncio.to_thread(_pack, report, kept, created.astimezone(UTC).replace(microsecond=0), signer)


async def _kept(snapshot: Snapshot, archive: Archive) -> _Kept:
    page = await archive.load_page(snapshot.text_key) if snapshot.text_key else _NOTHING
    return _Kept(snapshot, await archive.read_warc(snapshot.warc_key), page)


def _pack(report: Mapping[str, Any], kept: Sequence[_Kept], created: datetime, signer: Signer | None) -> bytes:
    members = {one.path: one.data for one in kept}
    members[INDEX] = "".join(sorted(line for one in kept for line in cdxj(one.data, one.path))).encode()
    members["pages/pages.jsonl"] = _lines(_pages(kept))
    members[PROVENANCE] = _json(_provenance(report, kept, created, signer))
    members = dict(sorted(members.items()))
    package = _json(_datapackage(report, members, created))
    members["datapackage.json"] = package
    members["datapackage-digest.json"] = _json(_digest(package, created, signer))
    return _zip(members, created)


def _zip(members: Mapping[str, bytes], created: datetime) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path, data in members.items():
            info = zipfile.ZipInfo(path, created.timetuple()[:6])
            info.create_system, info.external_attr = 3, 0o644 << 16
            archive.writestr(info, data)
    return out.getvalue()


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, indent=1, sort_keys=True).encode() + b"\n"


def _lines(documents: Iterator[Document]) -> bytes:
    return b"".join(json.dumps(one, sort_keys=True).encode() + b"\n" for one in documents)


def _datapackage(report: Mapping[str, Any], members: Mapping[str, bytes], created: datetime) -> Document:
    return {
        "profile": "data-package",
        "wacz_version": WACZ_VERSION,
        "software": SOFTWARE,
        "title": f"Evidence behind “{report['title'] or report['url'] or report['article_id']}”",
        "created": iso(created),
        "resources": [
            {
                "name": path.rpartition("/")[2],
                "path": path,
                "hash": f"sha256:{hashlib.sha256(data).hexdigest()}",
                "bytes": len(data),
            }
            for path, data in members.items()
        ],
    }


def _digest(package: bytes, created: datetime, signer: Signer | None) -> Document:
    stated = f"sha256:{hashlib.sha256(package).hexdigest()}"
    document: Document = {"path": "datapackage.json", "hash": stated}
    if signer is not None:
        document["signedData"] = {
            "hash": stated,
            "created": iso(created),
            "software": SOFTWARE,
            "version": "0.1.0",
            "signature": signer.sign(stated),
            "publicKey": signer.public_key,
        }
    return document


def cdxj(data: bytes, path: str) -> Iterator[str]:
    """The index lines of an object's answers, as pywb and its kin read them.

    An answer "not modified" has none: a player would show an empty page where the one before it still stood. Where
    a URL was asked by two ways out, the last answer is the one that counts, and a player is shown no other.
    """
    last = {record.url: record for record in records(data) if record.kind in ("response", "revisit")}
    for record in last.values():
        status, headers, _ = record.http()
        if status != NOT_MODIFIED:
            yield _index_line(record, status, headers, path.rpartition("/")[2])


def _index_line(record: Record, status: int, headers: Sequence[tuple[str, str]], filename: str) -> str:
    types = [value for name, value in headers if name.lower() == "content-type"]
    fields = {
        "url": record.url,
        "mime": "warc/revisit"
        if record.kind == "revisit"
        else (types[0] if types else "unk").partition(";")[0].strip(),
        "status": str(status),
        "digest": record.fields["warc-payload-digest"],
        "length": str(record.length),
        "offset": str(record.offset),
        "filename": filename,
    }
    stamp = re.sub(r"\D", "", record.fields["warc-date"])[:14]
    return f"{url_key(record.url)} {stamp} {json.dumps(fields)}\n"


def url_key(href: str) -> str:
    """The sort key of a URL in an index (SURT): host turned round, lower case, query sorted. Not an identity."""
    url = parse(href)
    turned = url.address if ":" in url.address else ",".join(reversed(_WWW.sub("", url.host).split(".")))
    port = "" if url.port == PORTS.get(url.scheme) else f":{url.port}"
    path = _SLASHES.sub("/", _plain(url.path)).rstrip("/") or "/"
    query = "&".join(sorted(_plain(url.query).split("&")))
    return f"{turned}{port}){path}{'?' + query if query else ''}"


def _plain(text: str) -> str:
    return _UNRESERVED.sub(lambda match: chr(int(match[1], 16)).lower(), text.lower())


def _pages(kept: Sequence[_Kept]) -> Iterator[Document]:
    yield {"format": "json-pages-1.0", "id": "pages", "title": "Captures", "hasText": True}
    for one in kept:
        if one.snapshot.http_status == NOT_MODIFIED:
            continue
        url, moment = one.replayed()
        yield {
            "id": one.snapshot.snapshot_id,
            "url": url,
            "ts": moment,
            "title": one.page.title or one.snapshot.url,
            "text": one.page.main or one.page.full,
        }


def _provenance(report: Mapping[str, Any], kept: Sequence[_Kept], created: datetime, signer: Signer | None) -> Document:
    agent: Document = {"id": "urn:citewatch:software", "type": "prov:SoftwareAgent", "citewatch:version": SOFTWARE}
    if signer is not None:
        agent["citewatch:key"] = f"sha256:{fingerprint(signer.public_key)}"
    article = {
        "id": f"urn:citewatch:article:{report['article_id']}",
        "type": "prov:Entity",
        "citewatch:url": report["url"],
        "citewatch:title": report["title"],
        "citewatch:version": report["version"],
    }
    places = {one.snapshot.snapshot_id: one for one in kept}
    citations = [_annotation(one, report, places) for one in report["citations"]]
    captures = [node for one in kept for node in _capture(one)]
    return {
        "@context": CONTEXT,
        "id": f"urn:citewatch:bundle:{report['article_id']}",
        "type": "prov:Bundle",
        "prov:generatedAtTime": iso(created),
        "@graph": [agent, article, *citations, *captures],
    }


def _capture(one: _Kept) -> Iterator[Document]:
    snapshot = one.snapshot
    activity = f"urn:citewatch:check:{snapshot.snapshot_id}"
    yield {
        "id": activity,
        "type": "prov:Activity",
        "prov:used": snapshot.source or snapshot.url,
        "prov:endedAtTime": iso(snapshot.captured_at),
        "prov:wasAssociatedWith": "urn:citewatch:software",
    }
    yield {
        "id": f"urn:citewatch:snapshot:{snapshot.snapshot_id}",
        "type": "prov:Entity",
        "prov:wasGeneratedBy": activity,
        "prov:atLocation": one.path,
        "prov:wasDerivedFrom": f"urn:citewatch:snapshot:{snapshot.payload_of}" if snapshot.payload_of else None,
        "citewatch:kind": snapshot.kind,
        "citewatch:link": snapshot.link_id,
        "citewatch:url": snapshot.url,
        "citewatch:archive": snapshot.archive,
        "citewatch:http_status": snapshot.http_status,
        "citewatch:truncated": snapshot.truncated,
        "citewatch:warc_sha256": snapshot.warc_sha256,
        "citewatch:payload_sha256": snapshot.sha256,
        "citewatch:payload_bytes": snapshot.length,
        "citewatch:previous_warc_sha256": snapshot.previous_sha256,
    }


VERDICT = (
    "outcome", "reason", "link_status", "support", "changes", "health", "http_status", "checked_at", "since",
    "failing_since", "failures",
)  # fmt: skip


def _annotation(citation: Mapping[str, Any], report: Mapping[str, Any], places: Mapping[str, _Kept]) -> Document:
    """A claim of the article linked to the passage that it rests on; the verdict stands beside."""
    now = {"passage": citation["passage"], "snapshot": citation["snapshot"]}
    then = citation.get("then") or {}
    seen = [_target(citation, one, places) for one in (then, now) if one.get("snapshot")]
    return {
        "id": f"urn:citewatch:citation:{citation['id']}",
        "type": "Annotation",
        "motivation": "linking",
        "prov:wasAttributedTo": "urn:citewatch:software",
        "body": {
            "type": "SpecificResource",
            "source": report["url"] or f"urn:citewatch:article:{report['article_id']}",
            "selector": {"type": "TextQuoteSelector", "exact": citation["claim"]},
        },
        "target": seen or citation["target"] or citation["href"],
        "citewatch:anchor": citation["anchor"],
        "citewatch:href": citation["href"],
        "citewatch:link": citation["link_id"],
        "citewatch:verdict": {name: citation.get(name) for name in VERDICT},
    }


def _target(citation: Mapping[str, Any], seen: Mapping[str, Any], places: Mapping[str, _Kept]) -> Document:
    snapshot, passage = seen["snapshot"], seen.get("passage")
    place = places.get(snapshot["id"])
    target: Document = {
        "type": "SpecificResource",
        "source": place.snapshot.url if place else citation["final_url"] or citation["target"],
        "state": {
            "type": "TimeState",
            "sourceDate": snapshot["captured_at"],
            "cached": place.path if place else None,
        },
        "citewatch:snapshot": f"urn:citewatch:snapshot:{snapshot['id']}",
    }
    if passage:
        parts = {name: passage[name] for name in ("exact", "prefix", "suffix") if passage.get(name)}
        target["selector"] = {"type": "TextQuoteSelector", **parts}
    return target
