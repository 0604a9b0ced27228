"""`make measure-citations`: evidence and claims against the labelled articles of the development evidence.

Precision and recall are of `role = evidence`. A citation counts as false where its link is labelled otherwise (by
hand or by rule) and as true where it is labelled evidence; links that nobody labelled do not count. A claim is right
if it is the labelled sentence, blanks and typography apart. `roles`: the other links that were labelled by hand.
"""

import json
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from services.ingest.core import citations
from services.ingest.core.document import read
from shared.text.normalise import fold
from tests.support.evidence import evidence_dir

Kind = Literal["text/html", "text/markdown", "text/plain"]
KINDS: dict[str, Kind] = {"html": "text/html", "markdown": "text/markdown"}
ROLES = {"mailto": "contact"}
"""Label → role, where they differ."""


@dataclass
class Score:
    """Counts of one article or of all."""

    true: int = 0
    false: int = 0
    missed: int = 0
    right: int = 0
    judged: int = 0
    roles_right: int = 0
    roles: int = 0
    seconds: float = 0.0
    remarks: list[str] = field(default_factory=list)

    @property
    def precision(self) -> float:
        return self.true / max(1, self.true + self.false)

    @property
    def recall(self) -> float:
        return self.true / max(1, self.true + self.missed)

    @property
    def claims(self) -> float:
        return self.right / max(1, self.judged)

    def add(self, other: "Score") -> None:
        for name in ("true", "false", "missed", "right", "judged", "roles_right", "roles", "seconds"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def line(self, name: str) -> str:
        return (
            f"{name:20} {self.true + self.missed:8} {self.precision:10.3f} {self.recall:7.3f} "
            f"{self.right:4}/{self.judged:<4} {self.roles_right:4}/{self.roles:<4} {self.seconds * 1e3:7.1f}"
        )


def measure(folder: Path) -> dict[str, Score]:
    """Article id → its score, for every labelled article."""
    labels = defaultdict(list)
    for line in (folder / "articles" / "links.jsonl").read_text().splitlines():
        row = json.loads(line)
        labels[row["article"]].append(row)
    entries = [json.loads(line) for line in (folder / "articles" / "manifest.jsonl").read_text().splitlines()]
    return {
        entry["id"]: _score(folder / entry["file"], KINDS[entry["format"]], entry["url"], labels[entry["id"]])
        for entry in entries
        if entry["labelled"]
    }


def total(scores: dict[str, Score]) -> Score:
    """All articles together."""
    everything = Score()
    for score in scores.values():
        everything.add(score)
    return everything


def _score(path: Path, kind: Kind, url: str | None, rows: list[dict[str, Any]]) -> Score:
    started = time.process_time()
    found = citations.find(read(path.read_bytes(), kind, url=url), article_id="measured")
    score = Score(seconds=time.process_time() - started)
    wanted = [row for row in rows if row["role"] == "evidence"]
    others = {_key(row["href"], row["anchor"]) for row in rows if row["role"] != "evidence"}
    for one in found.citations:
        match = next((row for row in wanted if _key(row["href"], row["anchor"]) == _key(one.href, one.anchor)), None)
        if match is None:
            wrong = _key(one.href, one.anchor) in others
            score.false += wrong
            score.remarks += [f"not evidence: {one.anchor!r} {one.href[:80]} in {one.claim[:100]!r}"] * wrong
            continue
        wanted.remove(match)
        score.true += 1
        if match["claim_sentence"]:
            score.judged += 1
            right = _plain(match["claim_sentence"]) == _plain(one.claim)
            score.right += right
            if not right:
                score.remarks.append(f"claim: {match['claim_sentence'][:200]!r}\n      found: {one.claim[:200]!r}")
    score.missed = len(wanted)
    score.remarks += [f"missed: {row['anchor']!r} {row['href'][:90]}" for row in wanted]
    _others(score, found, [row for row in rows if row["by"] == "hand" and row["role"] != "evidence"])
    return score


def _others(score: Score, found: citations.Found, rows: list[dict[str, Any]]) -> None:
    roles = defaultdict(set)
    for one in found.other_links:
        roles[_key(one.href, one.anchor)].add(one.role)
    for row in rows:
        role = ROLES.get(row["role"], row["role"])
        right = role in roles[_key(row["href"], row["anchor"])]
        score.roles += 1
        score.roles_right += right
        if not right:
            got = ", ".join(sorted(roles[_key(row["href"], row["anchor"])])) or "evidence"
            score.remarks.append(f"role: {role}, found {got}: {row['anchor'][:60]!r} {row['href'][:60]}")


def _key(href: str, anchor: str) -> tuple[str, str]:
    return href.strip(), _plain(anchor)


def _plain(text: str | None) -> str:
    return "".join(fold(text or "").split())


def main() -> None:
    folder = evidence_dir()
    if folder is None:
        sys.exit("The evidence is not beside the repository; set CITEWATCH_EVIDENCE_DIR to the folder that holds it.")
    scores = measure(folder)
    print(f"{'article':20} {'evidence':>8} {'precision':>10} {'recall':>7} {'claims':>9} {'roles':>9} {'ms':>7}")
    for name, score in scores.items():
        print(score.line(name))
        if "-v" in sys.argv:
            print(*(f"    {remark}" for remark in score.remarks), sep="\n")
    print(total(scores).line("all"))


if __name__ == "__main__":
    main()
