"""`make measure-citations`: roles and claims against the labelled articles; hand labels only."""

import json
import os
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from services.ingest.core import citations
from services.ingest.core.document import read
from shared.text.normalise import fold

EVIDENCE = Path(os.environ.get("CITEWATCH_EVIDENCE_DIR", Path(__file__).resolve().parents[3] / "shared" / "evidence"))
KINDS = {"html": "text/html", "markdown": "text/markdown"}


def labelled() -> dict[str, list[dict[str, Any]]]:
    """Article id → its labels."""
    rows = defaultdict(list)
    for line in (EVIDENCE / "articles" / "links.jsonl").read_text().splitlines():
        row = json.loads(line)
        rows[row["article"]].append(row)
    return rows


def measure(verbose: bool = False) -> tuple[int, int, int, int, int]:
    """(true positives, false positives, false negatives, claims right, claims judged); prints a row an article."""
    labels = labelled()
    totals = [0] * 5
    print(f"{'article':20} {'evidence':>8} {'found':>6} {'precision':>10} {'recall':>7} {'claims':>8}")
    for line in (EVIDENCE / "articles" / "manifest.jsonl").read_text().splitlines():
        entry = json.loads(line)
        if not entry["labelled"]:
            continue
        body = (EVIDENCE / entry["file"]).read_bytes()
        document = read(body, KINDS[entry["format"]], url=entry["url"])
        found = citations.find(document, article_id="x")
        row = _score(entry["id"], found, labels[entry["id"]], verbose)
        totals = [one + two for one, two in zip(totals, row, strict=True)]
        print(_line(entry["id"], row))
    print(_line("all", totals))
    return tuple(totals)  # type: ignore[return-value]


def _line(name: str, row: Any) -> str:
    tp, fp, fn, right, judged = row
    precision, recall = tp / max(1, tp + fp), tp / max(1, tp + fn)
    return f"{name:20} {tp + fn:8} {tp + fp:6} {precision:10.3f} {recall:7.3f} {right:4}/{judged}"


def _score(name: str, found: citations.Found, rows: list[dict[str, Any]], verbose: bool) -> list[int]:
    wanted = [row for row in rows if row["role"] == "evidence"]
    known = {(row["href"], _plain(row["anchor"])) for row in rows if row["by"] == "hand" or row["role"] != "evidence"}
    used: set[int] = set()
    tp = fp = right = judged = 0
    for one in found.citations:
        match = next(
            (
                n
                for n, row in enumerate(wanted)
                if n not in used and (row["href"], _plain(row["anchor"])) == (one.href, _plain(one.anchor))
            ),
            None,
        )
        if match is None:
            if (one.href, _plain(one.anchor)) in known:
                fp += 1
                if verbose:
                    print("   FP", one.href[:80], "|", one.anchor[:60], "|", one.claim[:100])
            continue
        used.add(match)
        tp += 1
        claim = wanted[match]["claim_sentence"]
        if claim:
            judged += 1
            right += _plain(claim) == _plain(one.claim)
            if verbose and _plain(claim) != _plain(one.claim):
                print("   CLAIM", repr(claim[:300]), "\n      GOT", repr(one.claim[:300]))
    if verbose:
        others = {(one.href, _plain(one.anchor)): one.role for one in found.other_links}
        for n, row in enumerate(wanted):
            if n not in used:
                print(
                    "   FN",
                    row["href"][:80],
                    "|",
                    row["anchor"][:60],
                    "|",
                    others.get((row["href"], _plain(row["anchor"]))),
                )
    return [tp, fp, len(wanted) - tp, right, judged]


def _plain(text: str | None) -> str:
    return "".join(fold(text or "").split())


if __name__ == "__main__":
    if not EVIDENCE.is_dir():
        sys.exit("The evidence folder is absent; set CITEWATCH_EVIDENCE_DIR.")
    measure(verbose="-v" in sys.argv)
