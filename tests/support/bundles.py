"""An archive with a link's history, and evidence bundles of the article that cites it."""

import hashlib
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

from services.linkcheck.archive.bundle import build
from services.linkcheck.archive.signing import Signer
from services.linkcheck.archive.snapshots import Archive
from services.linkcheck.core.dossier import Snapshot
from services.linkcheck.core.model import Page
from shared.blobs import FolderBlobs
from tests.support.captures import NOW, URL, capture, exchange, revisited, snapshot

CREATED = datetime(2026, 6, 9, 12, 0, 0, 987, tzinfo=UTC)
CLAIM = "Turnover “rose” by four percent.\r\nWARC/1.1"
Members = dict[str, bytes]


def report(first: Snapshot, last: Snapshot) -> dict[str, Any]:
    """The article's report: a citation with then and now, and one without a target."""

    def seen(one: Snapshot, text: str) -> dict[str, Any]:
        passage = {"exact": text, "prefix": "In May, ", "suffix": "", "score": 1.0}
        reference = {"id": one.snapshot_id, "sha256": one.sha256, "captured_at": one.captured_at.isoformat()}
        return {"passage": passage, "snapshot": reference}

    cited = {
        "id": "cit_1", "link_id": "lnk_1", "claim": CLAIM, "anchor": "rose", "href": "/report?id=7", "target": URL,
        "final_url": URL, "http_status": 200, "outcome": "ok", "reason": "content", "link_status": "live",
        "support": "altered", "changes": ["number"], "health": "attention", "then": seen(first, "rose by 4 percent"),
        **seen(last, "rose by 7 percent"),
    }  # fmt: skip
    lost = dict.fromkeys(cited) | {"id": "cit_2", "claim": "No target.", "href": "#", "outcome": "missing_target"}
    return {
        "article_id": "art_1", "url": "https://news.example/1", "title": "Prices – “up”", "version": 2,
        "citations": [cited, lost],
    }  # fmt: skip


class Desk:
    """An archive with a link's history, and the bundle of the article that cites it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.archive = Archive(FolderBlobs(folder / "archive"))
        self.signer = Signer(folder / "data" / "signing-key.pem")
        self.rows: list[Snapshot] = []

    async def fill(self) -> "Desk":
        """An answer, the same again, "not modified", and another number in it."""
        first = capture()
        stored = await self.archive.store_capture(first, Page("text/html", title="Report", main="rose by 4 percent"))
        self.rows.append(snapshot(first, stored))
        known = revisited(first, stored)
        for number, status in enumerate((200, 304), 2):
            again = capture(
                exchange(status=status, body=b"" if status == 304 else first.exchanges[0].body),
                capture_id=f"snp_{number}", at=NOW + timedelta(days=number), revisited=known,
                previous_sha256=self.rows[-1].warc_sha256,
            )  # fmt: skip
            row = snapshot(again, await self.archive.store_capture(again), payload_of="snp_1")
            self.rows.append(replace(row, text_key=stored.text_key))
        last = capture(
            exchange(URL, b"<p>Turnover rose by 7 percent.</p>"), capture_id="snp_9", at=NOW + timedelta(days=9),
            previous_sha256=self.rows[-1].warc_sha256,
        )  # fmt: skip
        stored = await self.archive.store_capture(last, Page("text/html", main="rose by 7 percent"))
        self.rows.append(snapshot(last, stored))
        return self

    async def build(self, signer: Signer | None = None) -> bytes:
        """The bundle."""
        return await build(
            report(self.rows[0], self.rows[-1]), self.rows, self.archive, created=CREATED, signer=signer or self.signer
        )

    def path(self, data: bytes) -> Path:
        """The bundle as a file."""
        path = self.folder / f"{hashlib.sha256(data).hexdigest()[:12]}.wacz"
        path.write_bytes(data)
        return path


def unzipped(data: bytes) -> Members:
    """Its files by name."""
    with zipfile.ZipFile(BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
