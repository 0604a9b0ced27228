"""`make simulate-schedule`: how late changes are noticed, at equal fetches, by three ways to choose the time.

    python -m tests.bench.simulate_schedule [--links N] [--days D] [--plot FILE]

Links change as Poisson processes whose rates are Pareto-distributed (few change often, most hardly ever). Compared:
`fixed`, one interval for all; `ours`, which starts knowing nothing and learns from its own checks alone, through the
very functions the service runs; `optimum`, the same square-root rule given the true rates (the best that any
schedule of regular visits can do for this objective; Azar et al. 2018 treat the general one). All three get the same
number of fetches: the price is set by bisection. Delay: from a change to the check that sees it; changes that lie
between two checks count each. Measured after a burn-in, in which `ours` learns.
"""

import argparse
import heapq
import math
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from services.linkcheck.core.model import Standing
from services.linkcheck.core.schedule import Bounds, interval, next_check, price
from services.linkcheck.core.transitions import ConfirmationRules

DAY = 86_400.0
START = datetime(2026, 1, 1, tzinfo=UTC)
WIDE = (timedelta(hours=6), timedelta(days=365))
_RULES = ConfirmationRules(3, timedelta(hours=72))
_LIVE = Standing("live", last_good_at=START)


@dataclass
class Link:
    """A link of the simulation: its true rate a second, and the moments at which it changes."""

    rate: float
    changes: list[float]


@dataclass(frozen=True)
class Result:
    """What a way to choose came to, after the burn-in."""

    fetches: int
    delays: list[float]

    @property
    def mean(self) -> float:
        """Mean delay of a change, in days."""
        return sum(self.delays) / len(self.delays) / DAY


def web(number: int, seconds: float, seed: int, shape: float = 1.1) -> list[Link]:
    """Links with Pareto rates (shape 1.1): median about one change in 60 days, at most one in six hours."""
    chance = random.Random(seed)
    links = []
    for _ in range(number):
        rate = min(chance.paretovariate(shape) / (110 * DAY), 4 / DAY)
        moment, changes = chance.expovariate(rate), []
        while moment < seconds:
            changes.append(moment)
            moment += chance.expovariate(rate)
        links.append(Link(rate, changes))
    return links


def visit(links: list[Link], waits: "Waits", seconds: float, burn_in: float) -> Result:
    """Run a way to choose over all links; delays and fetches are counted after the burn-in."""
    queue = [(waits.first(number), number) for number in range(len(links))]
    heapq.heapify(queue)
    seen = [0] * len(links)
    fetches, delays = 0, []
    while queue and queue[0][0] < seconds:
        now, number = heapq.heappop(queue)
        link, since = links[number], seen[number]
        while seen[number] < len(link.changes) and link.changes[seen[number]] <= now:
            seen[number] += 1
        if now >= burn_in:
            fetches += 1
            delays.extend(now - moment for moment in link.changes[since : seen[number]] if moment >= burn_in)
        heapq.heappush(queue, (now + waits.after(number, now, seen[number] > since), number))
    return Result(fetches, delays)


class Waits:
    """Every link after an interval of its own that never changes."""

    def __init__(self, intervals: list[float], seed: int) -> None:
        self.intervals, self.chance = intervals, random.Random(seed)

    def first(self, number: int) -> float:
        return self.chance.random() * self.intervals[number]

    def after(self, number: int, now: float, changed: bool) -> float:
        return self.intervals[number]


class Ours(Waits):
    """`next_check`, told only what its own checks found."""

    def __init__(self, number: int, bounds: Bounds, seed: int) -> None:
        super().__init__([10 * DAY] * number, seed)
        self.bounds, self.checks, self.found = bounds, [0] * number, [0] * number

    def after(self, number: int, now: float, changed: bool) -> float:
        self.checks[number] += 1
        self.found[number] += changed
        at = START + timedelta(seconds=now)
        due = next_check(
            _LIVE, now=at, bounds=self.bounds, confirmation=_RULES, checks=self.checks[number],
            changes=self.found[number], watched_since=START, importance=1.0, jitter=self.chance.random(),
        )  # fmt: skip
        return (due - at).total_seconds()


def compare(number: int = 1500, days: float = 720, seed: int = 7) -> dict[str, Result]:
    """The three ways at (nearly) equal fetches."""
    seconds, burn_in = days * DAY, days / 2 * DAY
    links = web(number, seconds, seed)
    ours, _paid = _within_budget(number, links, seconds, burn_in, seed)
    budget = ours.fetches / (seconds - burn_in)
    weights = [link.rate for link in links]
    known = Bounds(*WIDE, price(weights, budget, Bounds(*WIDE)))
    best = [interval(weight, known).total_seconds() for weight in weights]
    return {
        "fixed": visit(links, Waits([number / budget] * number, seed), seconds, burn_in),
        "ours": ours,
        "optimum": visit(links, Waits(best, seed), seconds, burn_in),
    }


def _within_budget(number: int, links: list[Link], seconds: float, burn_in: float, seed: int) -> tuple[Result, float]:
    """`ours` at one fetch of each link in ten days on the whole; the price is sought by demand."""
    wanted = number * (seconds - burn_in) / (10 * DAY)
    low, high = math.log(1e2), math.log(1e8)
    result, paid = Result(0, []), 0.0
    for _ in range(7):
        paid = math.exp((low + high) / 2)
        result = visit(links, Ours(number, Bounds(*WIDE, paid), seed), seconds, burn_in)
        if abs(result.fetches / wanted - 1) < 0.03:
            break
        low, high = (math.log(paid), high) if result.fetches > wanted else (low, math.log(paid))
    return result, paid


def _plot(results: dict[str, Result], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4))
    for name, result in results.items():
        delays = sorted(delay / DAY for delay in result.delays)
        shares = [(rank + 1) / len(delays) for rank in range(len(delays))]
        axes.plot(delays, shares, label=f"{name}: mean {result.mean:.2f} days")
    axes.set(xlabel="days until a change is noticed", ylabel="share of changes", xlim=(0, 30))
    axes.legend()
    figure.savefig(path, dpi=120, bbox_inches="tight")


def main() -> int:
    """Print the table; exit 1 when `ours` is worse than 0.7 of fixed, or 1.25 of the optimum."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--links", type=int, default=1500)
    options.add_argument("--days", type=float, default=720)
    options.add_argument("--plot", type=Path)
    given = options.parse_args()
    results = compare(given.links, given.days)
    print(f"{'':10} {'fetches':>9} {'changes':>9} {'mean delay':>12}")
    for name, result in results.items():
        print(f"{name:10} {result.fetches:9} {len(result.delays):9} {result.mean:9.2f} d")
    to_fixed = results["ours"].mean / results["fixed"].mean
    to_best = results["ours"].mean / results["optimum"].mean
    print(f"ours / fixed {to_fixed:.2f} (at most 0.70), ours / optimum {to_best:.2f} (at most 1.25)")
    if given.plot:
        _plot(results, given.plot)
    return 0 if to_fixed <= 0.7 and to_best <= 1.25 else 1


if __name__ == "__main__":
    raise SystemExit(main())
