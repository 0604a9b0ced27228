"""What became of the evidence of a claim: intact, altered, removed, retracted, replaced.

word by word → in parts → reworded (fuzzy, locates only) → token by token (decides) → gone: from the page, or with it
"""

import hashlib
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice

from rapidfuzz.distance import Indel

from services.linkcheck.core import lexicon as lex
from services.linkcheck.core import notices
from services.linkcheck.core.changes import Comparison, compare
from services.linkcheck.core.model import Finding, Page
from services.linkcheck.core.passages import Span, find, narrowed, stands, texts, whole_sentences, windows
from services.linkcheck.core.signs import gates, notfound
from services.linkcheck.core.tokens import words
from services.linkcheck.core.wanted import LONGEST, plain_words, wanted
from shared.events import Change, CitationState, Health, LinkStatus, Outcome, Quote, Severity, Support
from shared.text.normalise import Folded, fold, folded
from shared.text.sentences import spans

SAME_PASSAGE = 0.6
"""Share of words in common from which a stretch is the passage reworded, not another one."""
CANDIDATES = 12
STILL_BEARS = 0.5
"""Share of the claim's words in the passage that a reworded one must keep to be about the claim."""
SAME_PAGE = 0.7
"""Share of a page's prose that must stand for it to be the same page, whatever else is there."""
REVISED_PAGE = 0.3
"""… or this share, when as much prose stands there as did: the page was revised, not emptied."""
LITTLE_PROSE = 200


def follow(baseline: Quote, then: Page, now: Page, *, claim: str, older: Sequence[Page] = ()) -> Finding:
    """Find the baseline's passage on today's page, and say what happened to it."""
    found = _standing(baseline, then, now) or _in_parts(baseline, now) or _reworded(baseline, then, now, claim)
    if found is None:
        found = _gone(baseline, then, now)
    if found.support == "intact":
        return _qualified(found, then, now)
    if found.support in ("altered", "removed") and any(_read_so(page, found, baseline) for page in older):
        return replace(found, notes=(*found.notes, "An earlier capture read so too."))
    return found


def _standing(baseline: Quote, then: Page, now: Page) -> Finding | None:
    """The passage word by word, unless words were put before or after it that turn its sense."""
    for text in texts(now):
        span = find(baseline.exact, text, prefix=baseline.prefix, suffix=baseline.suffix)
        if span is not None:
            changes = _turned(baseline, then, span)
            if changes:
                whole = whole_sentences(span)
                return Finding("altered", changes, whole.quote(), compare(baseline.exact, whole.exact).diff, 0.9)
            return Finding("intact", passage=span.quote(), score=1.0)
    return None


_TURNS = lex.NEGATIONS | lex.HEDGES


def _turned(baseline: Quote, then: Page, span: Span) -> tuple[Change, ...]:
    """What the rest of the sentence around the passage does to it, when that rest is new."""
    rest = _rest(span)
    if not rest:
        return ()
    before = next((_rest(old) for text in texts(then) if (old := find(baseline.exact, text))), "")
    new = [token for token in words(rest) if token.key not in {one.key for one in words(before)}]
    turning = tuple(token.key for token in new if token.key in _TURNS)
    if turning:
        return ("negation",)
    grown = span.text[span.end : whole_sentences(span).end]
    return ("wording",) if not before and new and grown.strip(" .!?…") else ()


def _rest(span: Span) -> str:
    whole = whole_sentences(span)
    return (span.text[whole.start : span.start] + " " + span.text[span.end : whole.end]).strip(" .!?…\"'”»")


_PART = re.compile(r"(?<=[.!?…:;。！？])\s+|\n")


def _in_parts(baseline: Quote, now: Page) -> Finding | None:
    """The whole passage stands, though not together: its sentences moved, or a block came between its words."""
    parts = [part for part in _PART.split(baseline.exact) if part.strip()]
    for text in texts(now):
        page = folded(text)
        moved = len(parts) > 1 and all(
            stands(part, text) if len(part.split()) > 2 else _apart(part, page) for part in parts
        )
        if moved or _interrupted(fold(baseline.exact), page):
            return Finding("intact", passage=baseline, score=0.95, notes=("The passage stands in parts now.",))
    return None


_CUT = re.compile(r"\w+|[^\w\s]")


def _interrupted(passage: str, page: Folded) -> bool:
    """Whether the passage breaks off at the end of a block and goes on at the beginning of another soon after."""
    ends = [match.end() for match in _CUT.finditer(passage)]
    low, high = 0, len(ends)  # passage[:ends[low - 1]] stands in the text, passage[:ends[high - 1]] does not
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if passage[: ends[middle - 1]] in page.text else (low, middle)
    if low < 1 or len(ends) < LEAST_TOKENS:
        return False
    first, rest = passage[: ends[low - 1]], passage[ends[low - 1] :].strip()
    at = page.text.find(first) + len(first)
    begins = bisect_right(page.starts, at)
    return any(
        page.text.startswith(rest, start)
        for start in page.starts[begins : begins + INTERRUPTION]
        if at + 1 == page.starts[begins]
    )


LEAST_TOKENS = 6
INTERRUPTION = 8
"""Blocks that may come between the two parts of a passage."""


def _apart(part: str, page: Folded) -> bool:
    """A part of one or two words must be a block of its own; a figure says nothing where it has no company."""
    alone = fold(part)
    return alone in page.lines and not alone.strip(" .)(").isdecimal()


def _reworded(baseline: Quote, then: Page, now: Page, claim: str) -> Finding | None:
    """The stretch most like the passage, compared token by token."""
    best = _closest(baseline.exact, then, now)
    if best is None or not _bears(claim, baseline.exact, best.exact):
        return None
    best = _trimmed(best, baseline)
    compared = compare(baseline.exact, best.exact, is_name=_naming(then, now))
    if compared.likeness < SAME_PASSAGE:
        return None
    return _told(compared, best)


def _trimmed(span: Span, baseline: Quote) -> Span:
    """Without what stood beside the passage already: sentences may end elsewhere on a page that is built anew."""
    lead, tail = fold(baseline.prefix), fold(baseline.suffix)
    own = words(span.exact)
    then = words(baseline.exact)
    first = next((place for place, token in enumerate(own) if token.key == then[0].key), 0)
    last = next((place for place, token in enumerate(reversed(own)) if token.key == then[-1].key), 0)
    start, end = span.start, span.end
    if first and lead.endswith(fold(span.exact[: own[first].start])):
        start += own[first].start
    if last and tail.startswith(fold(span.exact[own[-last].start :])):
        end = span.start + own[-last - 1].end
    return replace(span, start=start, end=end)


def _told(compared: Comparison, span: Span) -> Finding:
    if compared.changes:
        return Finding("altered", compared.changes, span.quote(), compared.diff, compared.likeness)
    return Finding("intact", passage=span.quote(), score=compared.likeness)


def _closest(exact: str, then: Page, now: Page) -> Span | None:
    """Of the windows that hold most of the passage's words, the one most like it that is no other sentence of then."""
    own = plain_words(exact)
    about, most = wanted(exact), len(spans(exact)) + 3
    best, best_likeness = None, 0.0
    for text in texts(now):
        for window in windows(about, text, most=most, cost=0.0)[:CANDIDATES]:
            span = narrowed(window.span, exact)
            likeness = Indel.normalized_similarity(own, plain_words(span.exact))
            if likeness > best_likeness and not _was_another(span.exact, exact, then):
                best, best_likeness = span, likeness
        if best_likeness >= SAME_PASSAGE:
            break
    return best


def _was_another(candidate: str, exact: str, then: Page) -> bool:
    """Whether a candidate stood on the page of then already, beside the passage."""
    return fold(candidate) not in fold(exact) and any(stands(candidate, text) for text in texts(then))


def _bears(claim: str, before: str, after: str) -> bool:
    """Whether today's stretch still has most of the words for which the passage was taken."""
    about = {token.key for token in words(claim[:LONGEST])} - lex.FUNCTION_WORDS
    shared = about & {token.key for token in words(before)}
    return len(shared & {token.key for token in words(after)}) >= STILL_BEARS * len(shared)


class _Naming:
    """Tells whether the pages know a word as a name: with a capital inside sentences, and never without."""

    def __init__(self, pages: Sequence[Page]) -> None:
        self._pages = pages

    def __call__(self, word: str) -> bool:
        return any(map(_goes_on, self._found(word))) and not any(self._found(word.lower()))

    def _found(self, word: str) -> Iterator[str]:
        """What stands before each place of a word, two characters of it, in all pages."""
        for page in self._pages:
            at = page.full.find(word)
            while at >= 0:
                lead, tail = page.full[max(0, at - 2) : at], page.full[at + len(word) : at + len(word) + 1]
                if not _in_words(lead[-1:]) and not _in_words(tail):
                    yield lead.rjust(2, "\n")
                at = page.full.find(word, at + 1)


def _in_words(char: str) -> bool:
    return char.isalnum() or char == "_"


def _goes_on(lead: str) -> bool:
    """Whether a sentence goes on after these two characters: a capital there is a name's."""
    return lead[1] == " " and (_in_words(lead[0]) or lead[0] in ",;")


def _naming(then: Page, now: Page) -> _Naming:
    return _Naming((then, now))


def _gone(baseline: Quote, then: Page, now: Page) -> Finding:
    said = _stands_instead(baseline, then, now)
    if said is not None:
        return Finding("replaced", diff=(("-", baseline.exact),), notes=(f"The page says instead: {said[:200]}",))
    support: Support = "removed" if same_page(baseline, then, now) else "replaced"
    return Finding(support, diff=(("-", baseline.exact),))


NEIGHBOURS = 2
"""Sentences beside the passage's paragraph that went with it where something else stands in the text's place."""


def _stands_instead(baseline: Quote, then: Page, now: Page) -> str | None:
    """What a page says that was cut off at the passage: it is not there, or for subscribers, and did not say before.

    The rest of such a page may be as it was (comments, other articles), so that it does not tell.
    """
    statements = chain(filter(None, (notfound.told(now),)), gates.asks_to_subscribe(now))
    said = next((one for one in statements if fold(one) not in folded(then.full).text), None)
    if said is None:
        return None
    today = folded(now.full).text
    return None if any(fold(sentence) in today for sentence in _beside(baseline, then)) else said


def _beside(baseline: Quote, then: Page) -> Sequence[str]:
    """The sentences after the passage's paragraph, or where there is none, those before it."""
    text = then.main or then.full
    start = text.find(baseline.exact[:80])
    after = text.find("\n", start + len(baseline.exact))
    following = [] if start < 0 or after < 0 else list(islice(_prose(text[after:]), NEIGHBOURS))
    return following or list(_prose(text[: max(0, text.rfind("\n", 0, max(0, start)))]))[-NEIGHBOURS:]


def same_page(baseline: Quote, then: Page, now: Page) -> bool:
    """Whether today's page is still the page of then: its prose stands, the passage's own paragraph left out."""
    today = folded(now.full)
    before = list(_prose(then.main or then.full, baseline.exact))
    total = sum(map(len, before))
    if total < LITTLE_PROSE:
        lines = folded(then.full).lines
        return 2 * len(lines & today.lines) >= len(lines)
    kept = sum(len(sentence) for sentence in before if fold(sentence) in today.text) / total
    return kept >= SAME_PAGE or (kept >= REVISED_PAGE and 4 * _amount(now.full) >= 3 * _amount(then.full))


def _amount(text: str) -> int:
    return sum(map(len, _prose(text)))


MOST_SENTENCES = 150


def _prose(text: str, without: str = "") -> Iterator[str]:
    """Sentences long enough to be the page's own, the first so many, save those of the paragraph with `without`."""
    start = fold(without)[:80]
    number = 0
    for line in text.split("\n"):
        if len(line) < 60 or (start and start in fold(line)):
            continue
        for begin, end in spans(line):
            if end - begin >= 40:
                yield line[begin:end]
                number += 1
        if number >= MOST_SENTENCES:
            return


def _qualified(found: Finding, then: Page, now: Page) -> Finding:
    new = notices.appeared(then.full, now.full)
    if not new:
        return found
    note = f"A notice appeared: {new[0][:300]}"
    return Finding("retracted", passage=found.passage, score=found.score, notes=(*found.notes, note))


def _read_so(page: Page, found: Finding, baseline: Quote) -> bool:
    """Whether an older page read as today's does."""
    if found.passage is not None:
        return stands(found.passage.exact, page.full)
    return not stands(baseline.exact, page.full)


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
