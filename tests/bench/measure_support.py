"""How well Citewatch tells a changed claim from noise: `make measure-support`.

The material is the development half of the evidence (`../shared/evidence`, or below `CITEWATCH_EVIDENCE_DIR`): labelled
versions of real pages (`pairs-dev`) and real captures some time apart (`drift-dev`). By default the functions that a
check calls are called; `--ingest` puts the claims into an article and reads them from it, as `--cli` does, which runs
`citewatch check` twice against a loopback server. `--half a|b` measures one half of the pages, by their id.
"""

import argparse
import hashlib
import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rapidfuzz.fuzz import partial_ratio

from services.linkcheck.core import support, verdict
from services.linkcheck.core.model import Finding, History, Hop, HostFacts, Observation, Page
from services.linkcheck.core.passages import locate
from services.linkcheck.core.text import extract
from shared.events import Quote
from shared.text.normalise import fold
from tests.support.evidence import evidence_dir, unpack

CLASSES = {
    "unchanged": ("intact",),
    "unchanged_meaning": ("intact",),
    "support_changed": ("altered",),
    "support_removed": ("removed",),
    "support_qualified": ("retracted",),
    "target_lost": ("replaced", "lost", "unknown"),
}
"""Expected class of the evidence → `support` values that are right."""
FACTS = {
    "number_changed": ("number",),
    "date_changed": ("date",),
    "entity_swapped": ("name",),
    "negation_flipped": ("negation",),
    "quote_reworded": ("quote",),
    "hedged": ("negation", "wording"),
}
"""Single-fact edits → the `changes` of which one must be named."""


@dataclass(frozen=True, slots=True)
class Case:
    """One page then and now, with a claim about it."""

    page_id: str
    kind: str
    label: str
    expected: str
    claim: str
    support: str
    url: str
    then: Path
    now: Path

    @property
    def name(self) -> str:
        return f"{self.page_id}/{self.kind}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came out."""

    support: str
    changes: tuple[str, ...] = ()
    passage: str = ""
    baseline: str = ""
    reason: str = ""


Judge = Callable[[Sequence[Case]], Iterable[Answer]]


def pairs(root: Path) -> Iterator[Case]:
    """Cases of `pairs-dev`, the base version left out."""
    for line in (root / "labels.jsonl").read_text().splitlines():
        row = json.loads(line)
        if row["kind"] != "base":
            yield Case(
                row["page_id"], row["kind"], row["label"], row["expected"], row["claim"], row["support"],
                row["url"] or f"https://pages.example/{row['page_id']}",
                root / row["page_id"] / "base.html", root / row["file"],
            )  # fmt: skip


def drift(root: Path) -> Iterator[Case]:
    """Cases of `drift-dev`: the claim is the sentence itself."""
    for line in (root / "claims.jsonl").read_text().splitlines():
        row = json.loads(line)
        name, expected = row["pair"], row.get("expected_meaning") or row["expected"]
        yield Case(
            name, f"drift_{expected}", "NOISE" if expected.startswith("unchanged") else "EVIDENCE", expected,
            row["support"], row["support"], f"https://drift.example/{name}",
            root / "pairs" / f"{name}.a.html", root / "pairs" / f"{name}.b.html",
        )  # fmt: skip


def in_half(case: Case, half: str | None) -> bool:
    """Whether a case belongs to a half of the pages."""
    if half is None:
        return True
    return (hashlib.sha256(case.page_id.encode()).digest()[0] % 2 == 0) == (half == "a")


class Direct:
    """The functions of a check, in its order: extract, judge, locate or follow."""

    def __init__(self) -> None:
        self._pages: dict[tuple[Path, str], Page] = {}
        self.seconds: list[tuple[float, int]] = []

    def page(self, path: Path, url: str) -> Page:
        if (path, url) not in self._pages:
            self._pages[path, url] = extract(path.read_bytes(), "text/html; charset=utf-8", url)
        return self._pages[path, url]

    def __call__(self, cases: Sequence[Case]) -> Iterator[Answer]:
        for case in cases:
            yield self.judge(case)

    def judge(self, case: Case) -> Answer:
        then = self.page(case.then, case.url)
        baseline = locate(case.claim, then)
        if baseline is None:
            return Answer("unlocated")
        body = case.now.read_bytes()
        started = time.process_time()
        answer = self.again(case, then, baseline, body)
        self.seconds.append((time.process_time() - started, len(body)))
        return answer

    def again(self, case: Case, then: Page, baseline: Quote, body: bytes) -> Answer:
        """What the second check says of a case whose passage was found by the first."""
        now = extract(body, "text/html; charset=utf-8", case.url, known=(then,))
        seen = Observation(url=case.url, hops=(Hop(case.url, 200),), page=now)
        found = verdict.judge(seen, History(good_page=then, good_final_url=case.url, good_status=200), HostFacts())
        stands = support.of_outcome(found.outcome, "suspect")
        finding = Finding(stands) if stands else support.follow(baseline, then, now, claim=case.claim)
        passage = finding.passage.exact if finding.passage else ""
        return Answer(finding.support, finding.changes, passage, baseline.exact, found.reason)


@dataclass(slots=True)
class Scores:
    """Counts of everything that is asked of the measurement."""

    right: Counter[str] = field(default_factory=Counter)
    total: Counter[str] = field(default_factory=Counter)
    quiet: Counter[str] = field(default_factory=Counter)
    label: dict[str, str] = field(default_factory=dict)
    positives: Counter[str] = field(default_factory=Counter)
    facts: Counter[str] = field(default_factory=Counter)
    located: Counter[str] = field(default_factory=Counter)
    wrong: list[tuple[Case, Answer]] = field(default_factory=list)
    got: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def add(self, case: Case, answer: Answer) -> None:
        kind, right = case.kind, answer.support in CLASSES[case.expected]
        self.label[kind] = case.label
        self.total[kind] += 1
        self.right[kind] += right
        self.quiet[kind] += answer.support == "intact"
        self.got[kind][answer.support] += 1
        needed, raised = not case.expected.startswith("unchanged"), answer.support != "intact"
        self.positives[f"{'hit' if needed else 'false alarm'}" if raised else f"{'miss' if needed else 'quiet'}"] += 1
        if kind in FACTS:
            self.facts["total"] += 1
            self.facts["right"] += any(fact in answer.changes for fact in FACTS[kind])
            self.facts["only"] += len(answer.changes) == 1 and answer.changes[0] in FACTS[kind]
        self.located["total"] += 1
        self.located["right"] += says(answer.baseline, case.support)
        if not right or (kind in FACTS and not any(fact in answer.changes for fact in FACTS[kind])):
            self.wrong.append((case, answer))

    def figures(self) -> dict[str, float]:
        """The figures that have a floor, 0..1."""
        p = self.positives
        return {
            "precision": _share(p["hit"], p["hit"] + p["false alarm"]),
            "recall": _share(p["hit"], p["hit"] + p["miss"]),
            "exact class": _share(sum(self.right.values()), sum(self.total.values())),
            "worst noise kind": min(
                (_share(self.quiet[kind], self.total[kind]) for kind, label in self.label.items() if label == "NOISE"),
                default=1.0,
            ),
            "right changes": _share(self.facts["right"], self.facts["total"]),
            "only that change": _share(self.facts["only"], self.facts["total"]),
            "located": _share(self.located["right"], self.located["total"]),
        }


def says(passage: str, sentence: str) -> bool:
    """Whether a located passage is the supporting sentence, give or take its neighbours."""
    if not passage:
        return False
    one, two = fold(sentence), fold(passage)
    return (one in two or two in one or partial_ratio(one, two) >= 85) and len(two) <= 4 * len(one) + 200


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


def measure(cases: Sequence[Case], judge: Judge) -> Scores:
    """Judge every case and count."""
    scores = Scores()
    for case, answer in zip(cases, judge(cases), strict=True):
        scores.add(case, answer)
    return scores


def foreign_claims(cases: Sequence[Case], direct: Direct) -> tuple[int, int]:
    """(claims of other pages for which nothing was located, all that were tried): every page against every other."""
    claims = {case.page_id: case for case in cases if case.label == "NOISE" and not case.kind.startswith("drift")}
    tried = quiet = 0
    for page in claims.values():
        text = direct.page(page.then, page.url)
        for other in claims.values():
            if other.page_id != page.page_id:
                tried += 1
                quiet += locate(other.claim, text) is None
    return quiet, tried


PARAPHRASES = Path(__file__).with_name("paraphrases.json")
"""Page id → the supporting sentence in our own words, as an article would put it."""


def paraphrased(cases: Sequence[Case], direct: Direct) -> tuple[int, int]:
    """(paraphrases whose sentence was located, all)."""
    pages = {case.page_id: case for case in cases}
    found = tried = 0
    for page_id, claim in json.loads(PARAPHRASES.read_text()).items():
        if page_id in pages:
            case = pages[page_id]
            quote = locate(claim, direct.page(case.then, case.url))
            tried += 1
            found += quote is not None and says(quote.exact, case.support)
    return found, tried


def load(half: str | None = None, extra: Path | None = None) -> list[Case]:
    """All cases of the evidence, unpacked under a temporary folder that lives as long as the process."""
    if extra is not None:
        return [case for case in pairs(extra) if in_half(case, half)]
    pairs_root, drift_root = unpack("pairs-dev.tar.zst"), unpack("drift-dev.tar.zst")
    found = [*pairs(pairs_root), *drift(drift_root)]
    return [case for case in found if in_half(case, half)]


def report(scores: Scores) -> str:
    """The table, one line a kind."""
    lines = [f"{'kind':28} {'label':9} {'n':>4} {'class':>6} {'intact':>6}  answers"]
    for kind in sorted(scores.total, key=lambda kind: (scores.label[kind], kind)):
        number = scores.total[kind]
        answers = ", ".join(f"{name} {count}" for name, count in scores.got[kind].most_common())
        lines.append(
            f"{kind:28} {scores.label[kind]:9} {number:4} {scores.right[kind] / number:6.3f} "
            f"{scores.quiet[kind] / number:6.3f}  {answers}"
        )
    lines += [f"{name:28} {value:.4f}" for name, value in scores.figures().items()]
    return "\n".join([*lines, f"{dict(scores.positives)}"])


def _over(way: str) -> Judge:
    from tests.bench.support_over_cli import over_cli  # both build on this module
    from tests.bench.support_over_ingest import over_ingest

    return over_cli if way == "cli" else over_ingest


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half", choices=("a", "b"))
    parser.add_argument("--wrong", action="store_true", help="print every wrong answer")
    parser.add_argument("--pairs", type=Path, help="a folder made by mutate.py instead of the evidence")
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument("--cli", action="store_const", dest="way", const="cli", help="through `citewatch check`, twice")
    ways.add_argument("--ingest", action="store_const", dest="way", const="ingest", help="claims as ingest reads them")
    chosen = parser.parse_args()
    if chosen.pairs is None and evidence_dir() is None:
        parser.exit(0, "The evidence is not beside the repository (CITEWATCH_EVIDENCE_DIR): nothing to measure.\n")
    direct = Direct()
    cases = load(chosen.half, chosen.pairs)
    scores = measure(cases, _over(chosen.way) if chosen.way else direct)
    print(report(scores))
    found, tried = paraphrased(cases, direct)
    print(f"{'paraphrases located':28} {_share(found, tried):.4f} of {tried}")
    quiet, tried = foreign_claims(cases, direct)
    print(f"{'foreign claims left alone':28} {_share(quiet, tried):.4f} of {tried}")
    size = sum(length for _, length in direct.seconds) / max(1, len(direct.seconds))
    spent = sum(seconds for seconds, _ in direct.seconds) / max(1, len(direct.seconds))
    if direct.seconds:
        print(f"{'CPU a changed page':28} {spent * 1000:.2f} ms at {size / 1024:.0f} KB on average")
    if chosen.wrong:
        for case, answer in scores.wrong:
            print(f"\n{case.name} [{case.expected}] -> {answer.support} {answer.changes} {answer.reason}")
            print(f"  sentence: {case.support}\n  baseline: {answer.baseline}\n  passage:  {answer.passage}")


if __name__ == "__main__":
    main()
