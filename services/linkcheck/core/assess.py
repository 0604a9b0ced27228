"""One check's judgement, pure and in one piece, so that it can run wherever there is a free processor.

answer ─► Page ─► Verdict ─► one Finding a citation
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from services.linkcheck.core import passages, support, text, verdict
from services.linkcheck.core.dossier import Citation, Link, Snapshot, reference
from services.linkcheck.core.model import Finding, History, Hop, HostFacts, Observation, Page, Signal, Verdict
from shared.events import CitationState, Outcome, Quote
from shared.outbound.coding import decode
from shared.outbound.exchange import Exchange

TELLING = 4
"""Linked words that can stand for a claim."""
MAX_DECODED = 32 * 1024 * 1024
"""Bytes of a decoded body that are read for text."""
GOOD: frozenset[Outcome] = frozenset({"ok", "moved"})


@dataclass(frozen=True, slots=True)
class Material:
    """What the judgement looks at, beside the observation."""

    link: Link
    history: History
    host: HostFacts
    answer: Exchange | None
    """The final answer; None when there is none, or it is the last one again."""
    pages: Mapping[str, Page]
    """Text key → page: the baselines, and the last texts."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """What was read, what it means for the link, and for each citation (by id)."""

    observation: Observation
    verdict: Verdict
    findings: Mapping[str, Finding]
    differs: bool = False
    """Whether the main text is another than that of the last good page."""

    def without_text(self) -> "Assessment":
        """The same, light: for when everything was done that needs the words of the page."""
        page = self.observation.page
        if page is None:
            return self
        return replace(self, observation=replace(self.observation, page=replace(page, main="", full="", headings=())))


def assess(observation: Observation, material: Material) -> Assessment:
    """Read, judge, and look for every claim's passage. The page comes back without its markup, which is the
    heaviest part to hand to another process, and which nobody needs any more.
    """
    if material.answer is not None and observation.page is None:
        page, cut = page_of(material.answer, observation.final_url, known=material.pages.values())
        observation = replace(observation, page=page, truncated=observation.truncated or ("length" if cut else None))
    found = _repeated(observation, material.link) or verdict.judge(observation, material.history, material.host)
    findings = _findings(observation, material) if found.outcome in GOOD else {}
    if observation.page is not None:
        observation = replace(observation, page=replace(observation.page, markup=""))
    return Assessment(observation, found, findings, _differs(observation.page, material))


def page_of(answer: Exchange, url: str, *, known: Iterable[Page] = ()) -> tuple[Page, bool]:
    """What can be read of an answer that came for `url` in the end, and whether its content coding was cut short.
    `known`: see `text.extract`.
    """
    body, cut = decode(answer, MAX_DECODED)
    return text.extract(body, answer.header("content-type"), url, known=known), cut


def _differs(page: Page | None, material: Material) -> bool:
    before = material.pages.get(material.link.good.text_key or "") if material.link.good is not None else None
    return before is not None and page is not None and before.main != page.main


def _repeated(observation: Observation, link: Link) -> Verdict | None:
    """The same answer again means what it meant before."""
    if not observation.not_modified or link.outcome is None or link.reason is None:
        return None
    if link.outcome == "ok":
        reason = "not_modified" if observation.status == 304 else "unchanged"
        return Verdict("ok", reason, 1.0, (Signal(reason, "The answer is the same as at the last check."),))
    return Verdict(
        link.outcome, link.reason, 1.0, (Signal("unchanged", "The answer is the same as at the last check."),)
    )


def _findings(observation: Observation, material: Material) -> dict[str, Finding]:
    link = material.link
    page = observation.page
    if page is None and link.snapshot is not None and link.snapshot.text_key is not None:
        page = material.pages.get(link.snapshot.text_key)
    if page is None or not page.readable:
        return {}
    older = _older(link, material.pages)
    wanted = (one for one in link.citations if observation.page is not None or not one.settled)
    return {one.citation_id: _finding(one, page, material.pages, older) for one in wanted}


def _compared_with(snapshot: Snapshot | None) -> Sequence[str]:
    if snapshot is None or snapshot.archive is None:
        return ()
    day = f"{snapshot.captured_at.day} {snapshot.captured_at:%B %Y}"
    return (f"Compared with the copy of {day} held by {snapshot.archive}.",)


def _older(link: Link, pages: Mapping[str, Page]) -> Sequence[Page]:
    keys = dict.fromkeys(one.text_key for one in (link.snapshot, link.good) if one is not None and one.text_key)
    return [pages[key] for key in keys if key in pages]


def located(citation: Citation, page: Page) -> Quote | None:
    """The passage for a claim; where the whole claim finds none, what its linked words say by themselves may."""
    found = passages.locate(citation.claim, page, context=citation.context)
    if found is None and len(citation.anchor.split()) >= TELLING:
        found = passages.locate(citation.anchor, page)
    return found


def rebased(link: Link, pages: Mapping[str, Page]) -> Link:
    """The link with its citations on the mementos that were brought home for them, where those bear on the claims."""
    return replace(link, citations=tuple(_rebased(one, pages) for one in link.citations))


def _rebased(citation: Citation, pages: Mapping[str, Page]) -> Citation:
    page = pages.get(citation.memento.text_key or "") if citation.memento else None
    quote = located(citation, page) if page is not None else None
    if quote is None:
        return citation
    return replace(
        citation, baseline=quote, baseline_snapshot=citation.memento, state=_as_it_was(citation, quote), checked=True
    )


def _as_it_was(citation: Citation, quote: Quote) -> CitationState:
    """The state that a memento shows: it stands before whatever is found today."""
    memento, state = citation.memento, citation.state
    assert memento is not None
    intact = {"support": "intact", "changes": (), "health": "ok"}
    seen = {"passage": quote, "snapshot": reference(memento), "seen_at": memento.captured_at}
    return state.model_copy(update=intact | seen)


def evidence(url: str, hops: tuple[Hop, ...], answer: Exchange) -> Page | None:
    """The page of a memento, unless what was captured is a wall, a banner, an error or another page."""
    page, _ = page_of(answer, hops[-1].url)
    found = verdict.judge(Observation(url, hops, page=page, body_length=len(answer.body)), History(), HostFacts())
    return page if page.readable and found.outcome in GOOD and not found.wants_probe else None


def _finding(citation: Citation, page: Page, pages: Mapping[str, Page], older: Sequence[Page]) -> Finding:
    snapshot = citation.baseline_snapshot
    if citation.baseline is not None:
        text_key = snapshot.text_key if snapshot else None
        then = pages.get(text_key or "") or Page(
            "text/plain", main=citation.baseline.exact, full=citation.baseline.exact
        )
        found = support.follow(citation.baseline, then, page, claim=citation.claim, older=older)
        return replace(found, notes=(*found.notes, *_compared_with(snapshot)))
    quote = located(citation, page)
    if quote is None:
        return Finding("unlocated")
    return Finding("intact", passage=quote, score=quote.score or 0.0)
