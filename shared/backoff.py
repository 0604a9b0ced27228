"""When to try again what others must take: a delivery, a wish to another archive."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits grow from `base` by `factor` up to `cap`; after `tries` attempts a delivery has failed.

    The default tries for about two days: a mail server that is away over a weekend night loses nothing.
    """

    base: timedelta = timedelta(seconds=5)
    factor: float = 3.0
    cap: timedelta = timedelta(hours=4)
    tries: int = 20
    longest_asked: timedelta = timedelta(hours=24)
    """The longest `Retry-After` that is followed."""


def next_try(rules: Backoff, attempt: int, chance: float, asked: timedelta | None = None) -> timedelta | None:
    """The wait after attempt number `attempt` (from 1); None when it was the last.

    `chance` in 0..1 spreads the waits over their second half. `asked` (Retry-After) is never undercut.
    """
    if attempt >= rules.tries:
        return None
    wait = min(rules.base * rules.factor ** min(attempt - 1, 40), rules.cap)
    wait = wait * (0.5 + chance / 2)
    return max(wait, min(asked, rules.longest_asked)) if asked else wait
