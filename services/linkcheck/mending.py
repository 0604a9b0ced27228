"""What an editor can do about a citation: the ways to mend it that are known, with patches for the article."""

import asyncio
from dataclasses import dataclass
from typing import Any

from services.linkcheck.core.dossier import Citation
from services.linkcheck.core.repairs import LIVING, Way, Written, patch, ways
from services.linkcheck.store import reports
from shared.clock import iso
from shared.db import Database
from shared.events import Outcome

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Mending:
    """Works on what is stored; asks nobody."""

    db: Database
    public_url: str

    async def ways(self, citation: Citation, outcome: Outcome | None, final_url: str | None) -> list[Document]:
        """Ways to mend a citation whose link had this outcome, the best first."""
        found, written = await self._known(citation, outcome, final_url)

        def documents() -> list[Document]:
            return [
                {
                    "kind": way.kind, "url": way.url, "archive": way.archive,
                    "captured_at": iso(way.captured_at) if way.captured_at else None,
                    "patch": patch(citation, way, written, lives=outcome in LIVING),
                }
                for way in found
            ]  # fmt: skip

        return await asyncio.to_thread(documents) if found else []

    async def patch(self, citation: Citation, outcome: Outcome, final_url: str) -> str | None:
        """The patch of the best way."""
        found, written = await self._known(citation, outcome, final_url)
        if not found:
            return None
        return await asyncio.to_thread(patch, citation, found[0], written, lives=outcome in LIVING)

    async def _known(
        self, citation: Citation, outcome: Outcome | None, final_url: str | None
    ) -> tuple[list[Way], Written]:
        async with self.db.read() as tx:
            written, mementos = await reports.repair_material(tx, citation.citation_id)
        moved_to = final_url if outcome == "moved" else None
        return ways(citation, mementos, moved_to, self.public_url), written
