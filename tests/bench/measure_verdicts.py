"""`make measure-verdicts`: the judge against the labelled evidence, a table per class, counted per item and per site.

    python -m tests.bench.measure_verdicts [--wrong] [--half dev|held-out] [--json FILE]

A site counts as right when all its items of a class are. `rot` is soft_404, parked, gone and redirected_away: a living
or walled page that is called any of these is false rot, the thing that must be zero.
"""

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from services.linkcheck.core.model import HostFacts, Verdict
from services.linkcheck.core.verdict import judge
from tests.bench.verdict_cases import EVIDENCE, ROT, Case, all_cases, held_out

Judged = tuple[Case, Verdict]
DETECTED = frozenset({"soft_404", "parked"})


def judged(folder: Path | None = None) -> list[Judged]:
    """All cases with what the judge says of each, without host facts (nobody can be asked)."""
    return list(judged_of(all_cases(folder)))


def judged_of(cases: Iterable[Case]) -> Iterator[Judged]:
    """The same for some cases."""
    for case in cases:
        yield case, judge(case.observation, case.history, HostFacts())


def classes(found: list[Judged]) -> dict[str, dict[str, int]]:
    """Per source and label: items, right ones, sites, sites right throughout."""
    table: dict[str, list[Judged]] = defaultdict(list)
    for one in found:
        table[f"{one[0].source} {one[0].label}"].append(one)
    return {name: _count(items) for name, items in sorted(table.items())}


def _count(items: list[Judged]) -> dict[str, int]:
    sites: dict[str, bool] = defaultdict(lambda: True)
    for case, verdict in items:
        sites[case.group] &= verdict.outcome in case.allowed
    right = sum(verdict.outcome in case.allowed for case, verdict in items)
    return {"items": len(items), "right": right, "sites": len(sites), "sites_right": sum(sites.values())}


def figures(found: list[Judged]) -> dict[str, float]:
    """The figures that have a floor. Precision and recall are of `soft_404` and `parked` together, site-weighted."""
    weights: dict[tuple[str, str], int] = defaultdict(int)
    for case, _ in found:
        weights[case.label, case.group] += 1
    hit = miss = false = 0.0
    for case, verdict in found:
        weight = 1 / weights[case.label, case.group]
        wanted = bool(case.allowed & DETECTED) and case.label != "article_replaced"
        said = verdict.outcome in DETECTED
        hit += weight * (wanted and said)
        miss += weight * (wanted and verdict.outcome not in case.allowed)
        false += weight * (said and not case.allowed & DETECTED)
    roads = [verdict.outcome in case.allowed for case, verdict in found if case.source == "journeys"]
    walls = [verdict for case, verdict in found if case.allowed == {"walled"}]
    alive = [verdict for case, verdict in found if case.allowed & {"ok"} and not case.allowed & ROT]
    return {
        "soft_404_parked_precision": hit / (hit + false) if hit else 0.0,
        "soft_404_parked_recall": hit / (hit + miss) if hit else 0.0,
        "moved_or_away_right": sum(roads) / max(1, len(roads)),
        "walls_called_rot": sum(verdict.outcome in ROT for verdict in walls),
        "walls_recall": sum(verdict.outcome == "walled" for verdict in walls) / max(1, len(walls)),
        "alive": len(alive),
        "alive_called_rot": sum(verdict.outcome in ROT for verdict in alive),
        "alive_called_failing": sum(
            verdict.outcome not in ("ok", "moved", "walled", "unsupported") for verdict in alive
        ),
        "alive_called_walled": sum(verdict.outcome == "walled" for verdict in alive),
    }


def holds(seen: dict[str, float]) -> bool:
    """Whether the figures keep their floors."""
    return (
        seen["soft_404_parked_precision"] >= 0.99
        and seen["soft_404_parked_recall"] >= 0.95
        and seen["moved_or_away_right"] >= 0.97
        and not seen["walls_called_rot"] + seen["alive_called_rot"] + seen["alive_called_failing"]
    )


def _print(found: list[Judged], wrong: bool) -> None:
    print(f"{'class':42} {'items':>6} {'right':>6} {'sites':>6} {'right':>6}")
    for name, row in classes(found).items():
        print(f"{name:42} {row['items']:6} {row['right']:6} {row['sites']:6} {row['sites_right']:6}")
    for name, value in figures(found).items():
        print(f"{name:42} {value:.3f}" if isinstance(value, float) else f"{name:42} {value}")
    for case, verdict in found if wrong else ():
        if verdict.outcome not in case.allowed:
            page = case.observation.page
            said = "; ".join(f"{signal.name}: {signal.text}" for signal in verdict.signals)
            print(f"- {case.source} {case.label} {case.group} {case.name}: {verdict.outcome}/{verdict.reason} ({said})"
                  f" | {page.title[:60] if page else ''} | {page.full[:160]!r}" if page else "")  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Print the tables; exit 1 when a floor is missed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--wrong", action="store_true", help="list what was judged wrongly")
    options.add_argument("--half", choices=("dev", "held-out"))
    options.add_argument("--json", type=Path)
    options.add_argument("--folder", type=Path, help="keep the unpacked evidence here")
    given = options.parse_args(arguments)
    if not EVIDENCE.exists():
        print(f"The evidence is not here ({EVIDENCE}); set CITEWATCH_EVIDENCE_DIR.", file=sys.stderr)
        return 2
    found = judged(given.folder)
    if given.half:
        found = [one for one in found if held_out(one[0].group) == (given.half == "held-out")]
    _print(found, given.wrong)
    if given.json:
        report: dict[str, Any] = {"classes": classes(found), "figures": figures(found)}
        given.json.write_text(json.dumps(report, indent=1) + "\n")
    return 0 if holds(figures(found)) else 1


if __name__ == "__main__":
    started = time.perf_counter()
    code = main()
    print(f"{time.perf_counter() - started:.0f} s")
    raise SystemExit(code)
