"""The evidence bundle of an article: a WACZ 1.1 file, the same bytes for the same evidence.

archive/data.warc.gz   indexes/index.cdx   pages/pages.jsonl   provenance.json
datapackage.json       datapackage-digest.json
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from fastwarc.warc import ArchiveIterator, WarcRecordType

from services.linkcheck.archive.snapshots import Archive
from services.linkcheck.core.dossier import Snapshot
from shared.clock import iso
from shared.urls import parse

WACZ_VERSION = "1.1.1"
WARC = "archive/data.warc.gz"


async def build(report: dict[str, Any], captures: Sequence[Snapshot], archive: Archive, *, created: datetime) -> bytes:
    """The bundle of a report and the captures behind it."""
    warcs = [(capture, await archive.read_warc(capture.warc_key)) for capture in captures]
    moment = max((capture.captured_at for capture in captures), default=created)
    files = {
        WARC: b"".join(data for _, data in warcs),
        "indexes/index.cdx": _index(warcs),
        "pages/pages.jsonl": _pages(report, captures),
        "provenance.json": _provenance(report, captures),
    }
    files["datapackage.json"] = _package(files, report, moment)
    files["datapackage-digest.json"] = _json(
        {"path": "datapackage.json", "hash": f"sha256:{hashlib.sha256(files['datapackage.json']).hexdigest()}"}
    )
    return _zip(files, moment)


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1).encode()


def _index(warcs: Sequence[tuple[Snapshot, bytes]]) -> bytes:
    """CDXJ: one sorted line a response, with offset and length in the joined WARC."""
    lines, start = [], 0
    for _, data in warcs:
        offsets = [record.stream_pos for record in ArchiveIterator(BytesIO(data), parse_http=False)] + [len(data)]
        kinds = WarcRecordType.response | WarcRecordType.revisit
        for record in ArchiveIterator(BytesIO(data), record_types=kinds):
            begin = record.stream_pos
            end = next(place for place in offsets if place > begin)
            lines.append(_cdxj(record, start + begin, end - begin))
        start += len(data)
    return "".join(f"{line}\n" for line in sorted(lines)).encode()


def _cdxj(record: Any, offset: int, length: int) -> str:
    url = record.headers.get("WARC-Target-URI")
    stamp = record.record_date.astimezone(UTC).strftime("%Y%m%d%H%M%S")
    http = record.http_headers
    fields = {
        "url": url,
        "digest": record.headers.get("WARC-Payload-Digest"),
        "mime": "warc/revisit"
        if record.record_type == WarcRecordType.revisit
        else (http.get("Content-Type") or "").partition(";")[0],
        "status": str(http.status_code or ""),
        "offset": str(offset),
        "length": str(length),
        "filename": "data.warc.gz",
    }
    return f"{_surt(url)} {stamp} {json.dumps(fields, sort_keys=True)}"


def _surt(url: str) -> str:
    """The sort key of CDXJ: host labels turned round."""
    parsed = parse(url)
    host = parsed.host.removeprefix("www.")
    labels = host if host.replace(".", "").isdigit() else ",".join(reversed(host.split(".")))
    port = "" if parsed.port in (80, 443) else f":{parsed.port}"
    query = f"?{parsed.query}" if parsed.query else ""
    return f"{labels}{port}){parsed.path}{query}".lower()


def _pages(report: dict[str, Any], captures: Sequence[Snapshot]) -> bytes:
    header = {"format": "json-pages-1.0", "id": "pages", "title": report["title"] or "Cited pages"}
    lines = [header] + [
        {"id": capture.snapshot_id, "url": capture.url, "ts": iso(capture.captured_at), "title": capture.url}
        for capture in captures
    ]
    return "".join(json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n" for line in lines).encode()


def _provenance(report: dict[str, Any], captures: Sequence[Snapshot]) -> bytes:
    """W3C PROV in JSON: captures as entities, checks as what made them, each claim with its TextQuoteSelector."""
    entities = {
        f"citewatch:{capture.snapshot_id}": {
            "prov:type": "citewatch:capture", "citewatch:url": capture.url, "citewatch:sha256": capture.sha256,
            "citewatch:warcSha256": capture.warc_sha256, "prov:generatedAtTime": iso(capture.captured_at),
        }
        for capture in captures
    }  # fmt: skip
    claims = [
        {
            "@context": "http://www.w3.org/ns/anno.jsonld",
            "id": f"citewatch:{citation['id']}",
            "type": "Annotation",
            "body": {"type": "TextualBody", "value": citation["claim"], "purpose": "describing"},
            "target": {
                "source": citation["target"],
                "selector": {"type": "TextQuoteSelector", **_selector(citation["passage"])}
                if citation["passage"]
                else None,
            },
            "citewatch:support": citation["support"],
            "citewatch:outcome": citation["outcome"],
            "citewatch:reason": citation["reason"],
        }
        for citation in report["citations"]
    ]
    return _json({"prefix": {"citewatch": "urn:citewatch:"}, "entity": entities, "claims": claims})


def _selector(passage: dict[str, Any]) -> dict[str, str]:
    return {name: passage.get(name, "") for name in ("exact", "prefix", "suffix")}


def _package(files: dict[str, bytes], report: dict[str, Any], moment: datetime) -> bytes:
    resources = [
        {
            "name": path.rpartition("/")[2], "path": path, "bytes": len(data),
            "hash": f"sha256:{hashlib.sha256(data).hexdigest()}",
        }
        for path, data in sorted(files.items())
    ]  # fmt: skip
    return _json(
        {
            "profile": "data-package", "wacz_version": WACZ_VERSION, "software": "Citewatch/0.1",
            "title": report["title"] or report["article_id"], "mainPageUrl": report["url"], "created": iso(moment),
            "resources": resources,
        }
    )  # fmt: skip


def _zip(files: dict[str, bytes], moment: datetime) -> bytes:
    stamp = max(moment.astimezone(UTC), datetime(1980, 1, 1, tzinfo=UTC)).timetuple()[:6]
    out = BytesIO()
    with ZipFile(out, "w", ZIP_STORED) as archive:
        for path, data in files.items():
            archive.writestr(ZipInfo(path, stamp), data)
    return out.getvalue()
