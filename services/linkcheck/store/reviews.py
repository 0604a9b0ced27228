"""What editors decided: kept with who, when and why, and with the state that they judged."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.linkcheck.core.dossier import Citation
from services.linkcheck.store.dossiers import read_citations
from services.linkcheck.tables import citations, reviews
from shared.events import Quote

Decision = Literal["accept", "reject"]


async def find_citation(tx: AsyncConnection, citation_id: str) -> Citation | None:
    """A citation as the check pipeline sees it."""
    return next(iter(await read_citations(tx, [citation_id])), None)


async def keep(
    tx: AsyncConnection, citation: Citation, review_id: str, decision: Decision, note: str, by: str, now: datetime
) -> None:
    """Record a decision."""
    row = {
        "review_id": review_id,
        "citation_id": citation.citation_id,
        "at": now,
        "by": by,
        "decision": decision,
        "note": note,
        "state": citation.state.model_dump(mode="json"),
    }
    await tx.execute(insert(reviews).values(**row))


async def settle(
    tx: AsyncConnection, citation_id: str, now: datetime, *, baseline: Quote | None, snapshot_id: str | None,
    rejected: str | None,
) -> None:  # fmt: skip
    """Call the citation intact again: with a new baseline (accepted), or with its verdict rejected."""
    values: dict[str, Any] = {
        "support": "intact",
        "changes": [],
        "health": "ok",
        "since": now,
        "diff": [],
        "notes": [],
        "rejected": rejected,
        "recent": "",
    }
    if baseline is not None:
        values |= {
            "baseline": baseline.model_dump(), "baseline_snapshot_id": snapshot_id, "intact_at": now,
            "memento_snapshot_id": None,
        }  # fmt: skip
    await tx.execute(update(citations).where(citations.c.citation_id == citation_id).values(**values))
