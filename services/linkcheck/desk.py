"""What editors do: review a verdict, look for a repair, view a capture, take the evidence with them."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.linkcheck.archive.snapshots import Archive
from services.linkcheck.core import support
from services.linkcheck.core.assess import located
from services.linkcheck.core.dossier import Citation, Snapshot
from services.linkcheck.core.model import Finding
from services.linkcheck.core.suggest import Candidate, suggest
from services.linkcheck.mending import Mending
from services.linkcheck.store import reports, results, reviews
from services.linkcheck.store.reviews import Decision
from shared import metrics
from shared.clock import Clock
from shared.db import Database
from shared.eventlog import outbox
from shared.events import CitationChanged, Quote
from shared.ids import new_id

Document = dict[str, Any]
VIEWABLE = ("text/html", "application/xhtml+xml", "text/plain", "application/pdf", "image/")


@dataclass(frozen=True, slots=True)
class Desk:
    """Works on what is stored; fetches nothing."""

    db: Database
    archive: Archive
    clock: Clock
    mending: Mending
    signing_key: Path

    async def review(self, citation_id: str, decision: Decision, note: str, by: str) -> bool:
        """Keep a decision and apply it; False when there is no such citation."""
        now = self.clock.now()
        async with self.db.write() as tx:
            citation = await reviews.find_citation(tx, citation_id)
            if citation is None:
                return False
            await reviews.keep(tx, citation, new_id("rev", now), decision, note, by, now)
            await self._settle(tx, citation, decision)
        metrics.REVIEWS.labels(decision).inc()
        return True

    async def _settle(self, tx: AsyncConnection, citation: Citation, decision: Decision) -> None:
        now, state = self.clock.now(), citation.state
        baseline, snapshot_id, rejected = None, None, None
        if decision == "accept":
            baseline = state.passage or await self._found_today(citation)
            snapshot_id = state.snapshot.id if state.snapshot and baseline else None
        else:
            rejected = support.fingerprint(Finding(state.support, state.changes, state.passage))
        after = state.model_copy(update={"support": "intact", "changes": (), "health": "ok", "flapping": False})
        if after == state and decision == "accept":
            return
        await reviews.settle(
            tx, citation.citation_id, now, baseline=baseline, snapshot_id=snapshot_id, rejected=rejected
        )
        event = CitationChanged(
            citation_id=citation.citation_id, link_id=None, article=citation.article, claim=citation.claim,
            anchor=citation.anchor, target=citation.target, before=state, after=after, severity="info",
            signals=(f"An editor decided: {decision}.",), occurred_at=now,
        )  # fmt: skip
        await outbox.publish(tx, results.SOURCE, event, now)

    async def _found_today(self, citation: Citation) -> Quote | None:
        """Accepted, but no passage is known on today's page: look for one that bears on the claim."""
        if citation.state.snapshot is None:
            return None
        async with self.db.read() as tx:
            snapshot = await reports.find_snapshot(tx, citation.state.snapshot.id)
        if snapshot is None or snapshot.text_key is None:
            return None
        page = await self.archive.load_page(snapshot.text_key)
        return located(citation, page)

    async def repairs(self, citation_id: str) -> list[Document]:
        """Ways to mend a citation: mementos of its page, the page's new address, or targets that we hold."""
        async with self.db.read() as tx:
            citation = await reviews.find_citation(tx, citation_id)
            if citation is None:
                return []
            link = await reports.link_of(tx, citation_id)
        if citation.target is None:
            return await self._suggested(citation)
        if citation.state.health == "ok" and (link is None or link["outcome"] != "moved"):
            return []
        outcome, final_url = (link["outcome"], link["final_url"]) if link is not None else (None, None)
        elsewhere = link["saved_elsewhere"] if link is not None else None
        kept: list[Document] = []
        if elsewhere is not None and elsewhere["memento"] is not None:
            kept.append({"kind": "kept by another archive", "url": elsewhere["memento"]})
        return await self.mending.ways(citation, outcome, final_url) + kept

    async def _suggested(self, citation: Citation) -> list[Document]:
        """Targets that a lost one may have been: articles of the same source, and pages that they cite."""
        async with self.db.read() as tx:
            candidates = await reports.candidates(tx, citation.article)
            pages = await reports.cited_pages(tx, citation.article)
        known = {one.url for one in candidates}
        candidates += [await self._candidate(url, text_key) for url, text_key in pages if url not in known]
        before = citation.article.published_at
        found = await asyncio.to_thread(suggest, citation.claim, citation.anchor, candidates, before=before)
        return [
            {"kind": "suggested target", "url": one.url, "score": one.score, "passage": one.passage} for one in found
        ]

    async def _candidate(self, url: str, text_key: str) -> Candidate:
        page = await self.archive.load_page(text_key)
        return Candidate(url=url, title=page.title, text=page.main or page.full)

    async def view(self, snapshot: Snapshot) -> tuple[str, bytes]:
        """Media type and decoded body of a capture, for a sandboxed view."""
        origin = snapshot
        if snapshot.payload_of is not None:
            async with self.db.read() as tx:
                origin = await reports.find_snapshot(tx, snapshot.payload_of) or snapshot
        content_type, body = await self.archive.body(origin.warc_key)
        plain = content_type.partition(";")[0].strip().lower()
        if not plain.startswith(VIEWABLE):
            return "application/octet-stream", body
        return content_type, body

    async def bundle(self, article_id: str) -> bytes | None:
        """The evidence bundle (WACZ) of an article; None: no such article."""
        from services.linkcheck.archive.bundle import build  # and cryptography with them, which most
        from services.linkcheck.archive.signing import Signer  # processes never need

        async with self.db.read() as tx:
            report = await reports.report(tx, article_id)
            if report is None:
                return None
            details = [await reports.citation_detail(tx, one["id"]) for one in report["citations"]]
            captures = await reports.snapshots_of_article(tx, article_id)
        report["citations"] = [one for one in details if one is not None]
        # Dated by the latest of its evidence, so that equal evidence makes equal bytes.
        latest = max((one.captured_at for one in captures), default=self.clock.now())
        return await build(report, captures, self.archive, created=latest, signer=Signer(self.signing_key))
