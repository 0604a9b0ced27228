"""What became of the evidence of a claim: intact, altered, removed, retracted, replaced.

exact → normalised → fuzzy span (locates only) → token by token (decides)
"""

import hashlib
import re
from collections.abc import Sequence

from rapidfuzz.fuzz import ratio

from services.linkcheck.core import notices
from services.linkcheck.core.changes import compare
from services.linkcheck.core.model import Finding, Page
from services.linkcheck.core.passages import Span, find, find_like, whole_sentences
from services.linkcheck.core.tokens import tokens
from shared.events import CitationState, Health, LinkStatus, Outcome, Quote, Severity, Support
from shared.text.normalise import fold, fold_map
from shared.text.sentences import split

CANDIDATE = 55.0
"""Likeness (0..100) from which a stretch is looked at as the passage reworded."""
SAME_PASSAGE = 0.6
"""Share of words in common from which it is that passage, not another."""
INTERRUPTION = 400
"""Characters that may come between the two parts of a passage; they must be a block of their own."""
SAME_PAGE = 0.25
"""Share of a page's sentences that must stand for it to be the same page."""


def follow(baseline: Quote, then: Page, now: Page, *, claim: str, older: Sequence[Page] = ()) -> Finding:
    """Find the baseline's passage on today's page, and say what happened to it."""
    found = _follow(baseline, then, now)
    if found.support == "intact":
        return _qualified(found, then, now)
    if found.support in ("altered", "removed") and any(_holds(page, found, baseline) for page in older):
        return Finding(
            found.support, found.changes, found.passage, found.diff, found.score, ("An earlier capture read so too.",)
        )
    return found


def _follow(baseline: Quote, then: Page, now: Page) -> Finding:
    for text in (now.main, now.full):
        span = find(baseline.exact, text, prefix=baseline.prefix, suffix=baseline.suffix)
        if span is not None:
            return Finding("intact", passage=span.quote(), score=1.0)
    if _in_parts(baseline, now):
        return Finding("intact", passage=baseline, score=0.95, notes=("The passage stands in parts now.",))
    best = _closest(baseline, now)
    if best is not None:
        compared = compare(baseline.exact, best.text[best.start : best.end])
        if compared.likeness >= SAME_PASSAGE:
            support: Support = "altered" if compared.changes else "intact"
            diff = compared.diff if compared.changes else ()
            return Finding(support, compared.changes, best.quote(), diff, compared.likeness)
    support = "removed" if same_page(then, now) else "replaced"
    return Finding(support, passage=None, diff=(("-", baseline.exact),))


def _closest(baseline: Quote, now: Page) -> Span | None:
    """The stretch most like the passage, grown to whole sentences where that fits better."""
    candidates: list[Span] = []
    for text in (now.main, now.full):
        span = find_like(baseline.exact, text, CANDIDATE)
        if span is not None:
            start, end = whole_sentences(text, span.start, span.end)
            candidates += [span, Span(text, start, end, span.score)]
    return max(candidates, key=lambda one: _likeness(baseline.exact, one), default=None)


def _likeness(exact: str, span: Span) -> float:
    return float(ratio(fold(exact), fold(span.text[span.start : span.end])))


def _in_parts(baseline: Quote, now: Page) -> bool:
    """Whether every sentence stands somewhere, or the passage goes on after a block that came between."""
    for text in (now.full, now.main):
        folded, places = fold_map(text)
        sentences = [fold(sentence).strip() for sentence in split(baseline.exact)]
        if len(sentences) > 1 and all(sentence in folded for sentence in sentences):
            return True
        gap = _gap(fold(baseline.exact).strip(), folded)
        if gap is not None and _is_block(text[places[gap[0] - 1] + 1 : places[gap[1]]]):
            return True
    return False


def _is_block(between: str) -> bool:
    """An advertisement or a box stands on lines of its own; a word put into the sentence does not."""
    return between.lstrip(" ").startswith("\n") and between.rstrip(" ").endswith("\n")


def _gap(passage: str, text: str) -> tuple[int, int] | None:
    """Where the longest beginning of the passage ends in the text, and where its rest goes on soon after."""
    words = [match.end() for match in re.finditer(r"\S+", passage)]
    low, high = 0, len(words)  # words[:low] stands in the text, words[:high] does not
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if passage[: words[middle - 1]] in text else (low, middle)
    if low < 2 or len(words) < 6:
        return None
    first, second = passage[: words[low - 1]], passage[words[low - 1] :].strip()
    at = text.find(first)
    while at >= 0:
        end = at + len(first)
        after = text.find(second, end)
        if 0 <= after - end <= INTERRUPTION:
            return end, after
        at = text.find(first, at + 1)
    return None


def _qualified(found: Finding, then: Page, now: Page) -> Finding:
    new = notices.appeared(then.full, now.full)
    if not new:
        return found
    return Finding("retracted", passage=found.passage, score=found.score, notes=(f"A notice appeared: {new[0][:300]}",))


def _holds(page: Page, found: Finding, baseline: Quote) -> bool:
    if found.passage is not None:
        return find(found.passage.exact, page.full) is not None
    return find(baseline.exact, page.full) is None


def same_page(then: Page, now: Page) -> bool:
    """Whether today's page is still the page of then: some of its sentences, or its title, stand."""
    before = [line for line in then.main.split("\n") if len(line) > 40] or then.full.split("\n")
    text = fold(now.full)
    kept = sum(fold(line)[:120].strip() in text for line in before[:60])
    if kept >= SAME_PAGE * min(60, len(before)):
        return True
    words_then = {token.key for token in tokens(then.main[:20_000]) if len(token.key) > 4}
    words_now = {token.key for token in tokens(now.full[:40_000]) if len(token.key) > 4}
    return len(words_then & words_now) >= 0.5 * max(1, len(words_then))


OF_OUTCOME: dict[Outcome, Support] = {
    "soft_404": "lost",
    "redirected_away": "lost",
    "parked": "lost",
    "walled": "unknown",
    "unsupported": "unknown",
    "unsafe": "unknown",
    "missing_target": "no_target",
}


def of_outcome(outcome: Outcome, status: LinkStatus) -> Support | None:
    """What an outcome says of every citation of the link; None: it says nothing (what was known stays)."""
    if status == "dead":
        return "lost"
    if outcome == "gone":
        return "lost"
    return OF_OUTCOME.get(outcome)


HEALTH: dict[Support, Health] = {
    "pending": "unknown",
    "intact": "ok",
    "altered": "attention",
    "removed": "broken",
    "retracted": "attention",
    "replaced": "broken",
    "unlocated": "unknown",
    "lost": "broken",
    "unknown": "unknown",
    "no_target": "broken",
}
FAILING: frozenset[Outcome] = frozenset(
    {"gone", "soft_404", "redirected_away", "parked", "server_error", "unreachable"}
)


def health(support: Support, outcome: Outcome | None, status: LinkStatus) -> Health:
    """The state for people. A link that fails and is not confirmed dead asks for attention, no more."""
    if outcome in FAILING and status != "dead":
        return "attention"
    return HEALTH[support]


WEIGHTY = frozenset({"number", "date", "name", "negation", "quote"})


def severity(before: CitationState, after: CitationState) -> Severity:
    """How much an editor must care about a turn from one state to another."""
    if after.outcome in FAILING and after.link_status != "dead":
        return "info"
    if after.support in ("removed", "replaced", "retracted", "lost"):
        return "critical"
    if after.support == "altered":
        return "critical" if WEIGHTY & set(after.changes) else "warning"
    return "info"


def fingerprint(finding: Finding) -> str:
    """Names a verdict about a passage, so that a rejected one is not raised again."""
    exact = finding.passage.exact if finding.passage is not None else ""
    text = "\x1f".join((finding.support, *finding.changes, fold(exact)))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:40]
