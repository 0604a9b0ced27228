"""`citation.changed` events as linkcheck would publish them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from shared.events import ArticleRef, CitationChanged, CitationState, Memento, Quote, SnapshotRef

START = datetime(2026, 6, 9, 12, 0, tzinfo=UTC)
THEN = datetime(2026, 5, 3, 8, 30, tzinfo=UTC)

INTACT: dict[str, Any] = {
    "support": "intact",
    "health": "ok",
    "link_status": "live",
    "outcome": "ok",
    "reason": "content",
}
ALTERED: dict[str, Any] = {
    "support": "altered", "changes": ("number",), "health": "attention", "link_status": "live", "outcome": "ok",
    "reason": "content",
}  # fmt: skip
REMOVED: dict[str, Any] = {
    "support": "removed",
    "health": "broken",
    "link_status": "live",
    "outcome": "ok",
    "reason": "content",
}
LOST: dict[str, Any] = {
    "support": "lost", "health": "broken", "link_status": "dead", "outcome": "gone", "reason": "http_404"
}  # fmt: skip
DOWN: dict[str, Any] = LOST | {"outcome": "unreachable", "reason": "connect_refused"}
WALLED: dict[str, Any] = {
    "support": "unknown", "health": "unknown", "link_status": "walled", "outcome": "walled", "reason": "paywall"
}  # fmt: skip

OLD = "The survey found that 41 of 120 bridges needed repair."
NEW = "The survey found that 14 of 120 bridges needed repair."


def state(kind: dict[str, Any], at: datetime, text: str = "") -> CitationState:
    """A state seen at a time; with a text, also the passage and its capture."""
    if not text:
        return CitationState(**kind, seen_at=at)
    snapshot = SnapshotRef(id=f"snp_{at:%Y%m%d%H%M}", sha256="ab" * 32, captured_at=at)
    return CitationState(**kind, seen_at=at, passage=Quote(exact=text), snapshot=snapshot)


def article(number: int = 1, **more: Any) -> ArticleRef:
    fields = {
        "id": f"art_{number}", "version": 1, "source": "cms", "url": f"https://news.example/articles/{number}",
        "title": f"Article number {number}", "authors": ("Ada",), "tags": ("traffic",),
    }  # fmt: skip
    return ArticleRef(**(fields | more))


def change(
    number: int = 1,
    before: dict[str, Any] = INTACT,
    after: dict[str, Any] = ALTERED,
    *,
    at: datetime = START,
    **more: Any,
) -> CitationChanged:
    """Citation `number` turns from one state to another. Severity follows from the state unless given."""
    severity = {"ok": "info", "unknown": "info", "attention": "warning", "broken": "critical"}[after["health"]]
    altered = after["support"] == "altered"
    fields: dict[str, Any] = {
        "citation_id": f"cit_{number}",
        "link_id": f"lnk_{number}",
        "check_id": f"chk_{number}_{int(at.timestamp())}",
        "article": article(number),
        "claim": "A third of the bridges need repair.",
        "anchor": "need repair",
        "target": f"https://source.example/reports/{number}",
        "host": "source.example",
        "before": state(before, THEN, OLD),
        "after": state(after, at, NEW if altered else ""),
        "severity": severity,
        "signals": ("The passage was found with another number.",),
        "diff": (("=", "The survey found that "), ("-", "41"), ("+", "14"), ("=", " of 120 bridges"))
        if altered
        else (),
        "memento": Memento(url="https://archive.example/web/20260503/x", captured_at=THEN, source="Web archive"),
        "occurred_at": at,
    }
    return CitationChanged(**(fields | more))


def later(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)
