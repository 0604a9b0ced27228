"""From checks to what an editor hears: evidence that goes back and forth makes one alert, and settles."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.linkcheck.core.calm import CALM, SPAN, flapping, noted
from services.notify.core.episodes import Case, advance
from services.notify.core.rules import DEFAULT_ROUTE
from tests.support.changes import ALTERED, INTACT, LOST, START, change

STATES = {"+": INTACT, "-": ALTERED, "x": LOST}
CHECKS = st.lists(st.tuples(st.sampled_from("+-x"), st.integers(1, 60)), max_size=60)
MOST = 6
"""News in the time of `SPAN` checks: opened, worse, back, opened again, worse; and the end of a calm before them."""


@dataclass
class Desk:
    """Linkcheck's rule of what is a change, and notify's of what is news; all news is told at once."""

    recent: str = ""
    before: dict[str, Any] = field(default_factory=lambda: INTACT | {"flapping": False})
    now: Any = START
    case: Case | None = None
    told: list[tuple[int, str]] = field(default_factory=list)
    checks: int = 0

    def check(self, sign: str, hours: int = 24) -> None:
        self.checks, self.now = self.checks + 1, self.now + timedelta(hours=hours)
        state = STATES[sign]
        self.recent = noted(self.recent, state["health"])
        after = state | {"flapping": flapping(self.recent)}
        if after != self.before:
            self._turn(after)

    def _turn(self, after: dict[str, Any]) -> None:
        one = change(before=self.before, after=after, at=self.now)
        self.case, _ = advance(self.case, one, [DEFAULT_ROUTE], self.now, f"alr_{self.checks}")
        self.before = after
        for notice in self.case.notices if self.case else ():
            if notice.state == "pending":
                notice.state = "told"
                self.told.append((self.checks, notice.news))


@given(st.sampled_from("-x"), st.integers(1, 3), st.integers(1, 100), st.integers(1, 100))
@settings(deadline=None)
def test_what_turns_for_ever_is_told_three_times(trouble: str, each: int, flips: int, hours: int) -> None:
    desk = Desk()
    for number in range(flips):
        for _ in range(each):
            desk.check("+" if number % 2 == 0 else trouble, hours)
    assert [news for _, news in desk.told] == ["opened", "resolved", "opened"][: max(0, min(flips - 1, 3))]


@given(CHECKS)
@settings(max_examples=300, deadline=None)
def test_there_is_never_a_storm(checks: list[tuple[str, int]]) -> None:
    desk = Desk()
    for sign, hours in checks:
        desk.check(sign, hours)
    for start in range(desk.checks):
        assert sum(start <= at < start + SPAN for at, _ in desk.told) <= MOST


@given(CHECKS, st.sampled_from("+-x"))
@settings(max_examples=300, deadline=None)
def test_when_it_has_settled_the_alert_says_how_things_are(checks: list[tuple[str, int]], end: str) -> None:
    desk = Desk()
    for sign, hours in [*checks, *[(end, 24)] * (CALM + 1)]:
        desk.check(sign, hours)
    running = desk.case is not None and desk.case.state != "resolved"
    assert running is (end != "+")
    if end == "+" and desk.told:
        assert desk.told[-1][1] == "resolved"
