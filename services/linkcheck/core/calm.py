"""Calm for evidence that goes back and forth: a page with two faces, a server that dies and comes back.

Each check leaves a sign of its citation: `+` in order, `-` in trouble; what cannot be seen (a wall) leaves none. The
latest `SPAN` signs are kept. A citation flaps when they hold `TURNS` turns or more and the last one is recent; it is
calm again when `CALM` checks in a row found the same. What an editor hears of it meanwhile is notify's to decide.
"""

from itertools import pairwise

from shared.events import Health

SPAN = 12
TURNS = 3
"""Good, bad, good, bad."""
CALM = 6
_SIGNS: dict[Health, str] = {"ok": "+", "attention": "-", "broken": "-", "unknown": ""}


def noted(recent: str, health: Health) -> str:
    """The signs after one more check, the latest last."""
    return (recent + _SIGNS[health])[-SPAN:]


def flapping(recent: str) -> bool:
    """Whether these signs are of one that goes back and forth."""
    turns = [place for place, (before, after) in enumerate(pairwise(recent), 1) if before != after]
    return len(turns) >= TURNS and len(recent) - turns[-1] <= CALM
