"""The sentences of a message, by what was found. They claim what was seen and when, never what happened in between."""

from datetime import UTC, datetime

from services.notify.core.clean import line
from shared.events import CitationChanged, Outcome, Support

CHANGED_WHAT = {
    "negation": "A “not” in the passage you cite has changed",
    "number": "A number in the passage you cite has changed",
    "date": "A date in the passage you cite has changed",
    "name": "A name in the passage you cite has changed",
    "quote": "A quotation in the passage you cite has changed",
    "wording": "The wording of the passage you cite has changed",
}
"""The gravest first; keys are `changes` of CONTRACT §2."""
HEADLINES: dict[Support, str] = {
    "altered": "The passage you cite has changed",
    "removed": "The passage you cite is not on the page any more",
    "retracted": "The page you cite carries a retraction or correction notice",
    "replaced": "A different page stands at the address you cite",
    "lost": "The page you cite cannot be read any more",
    "no_target": "A link in your article leads nowhere",
    "unlocated": "No passage on the page you cite bears on the claim",
    "intact": "The evidence is back",
}
LOST: dict[Outcome, str] = {
    "gone": "The page you cite is answered with “not found”",
    "soft_404": "The page you cite shows a “not found” page",
    "redirected_away": "The address you cite leads to another page",
    "parked": "The domain you cite is parked or for sale",
    "server_error": "The server you cite answers with errors",
    "unreachable": "The server you cite does not answer",
}
SHORT: dict[Support, str] = {
    "altered": "changed", "removed": "passage gone", "retracted": "retracted or corrected", "replaced": "other page",
    "lost": "page lost", "no_target": "no target", "unlocated": "no passage found", "intact": "back",
}  # fmt: skip
"""For lists, and with a number before it."""
_PLURALS = {
    "passage gone": "passages gone",
    "other page": "other pages",
    "page lost": "pages lost",
    "no target": "without a target",
}
_SEEN: dict[Support, str] = {
    "altered": "Read one way on {then}, another way on {now}.",
    "removed": "Present on {then}, absent on {now}.",
    "retracted": "No such notice on {then}; there on {now}.",
    "replaced": "One page on {then}, a different one on {now}.",
    "lost": "Readable on {then}, not on {now}.",
    "unlocated": "Looked for on {now}; page captured on {then}.",
}
_FIRST: dict[Support, str] = {
    "altered": "Found changed at the first check, on {now}.",
    "removed": "Not on the page at the first check, on {now}.",
    "lost": "Not readable from the first check on; last tried on {now}.",
    "no_target": "Found like this in the article on {now}.",
}


UNSETTLED = "It goes back and forth; nothing more is said of it until it has settled."


def day(moment: datetime) -> str:
    """`3 May 2026`."""
    moment = moment.astimezone(UTC)
    return f"{moment.day} {moment:%B %Y}"


def minute(moment: datetime) -> str:
    """`3 May 2026, 14:05 UTC`."""
    return f"{day(moment)}, {moment.astimezone(UTC):%H:%M} UTC"


def headline(change: CitationChanged) -> str:
    """What was found, in one line without a full stop."""
    after = change.after
    if after.support == "lost":
        return LOST[after.outcome] if after.outcome in LOST else HEADLINES["lost"]
    if after.support == "altered":
        return next((text for key, text in CHANGED_WHAT.items() if key in after.changes), HEADLINES["altered"])
    return HEADLINES.get(after.support, "The evidence of a claim has changed")


def then_at(first: CitationChanged) -> datetime | None:
    """When the earlier state was last seen; None where there was none (broken from the first check on)."""
    before = first.before
    if before.seen_at is None and before.snapshot is not None:
        return before.snapshot.captured_at
    return before.seen_at


def now_at(last: CitationChanged) -> datetime:
    return last.after.seen_at or last.occurred_at


def seen(first: CitationChanged, last: CitationChanged) -> str:
    """The two sightings as one sentence: what, when; what, when."""
    before, after = then_at(first), now_at(last)
    if before is None or first.first:
        return _FIRST.get(last.after.support, "Found like this at the first check, on {now}.").format(now=day(after))
    tell = minute if day(before) == day(after) else day
    return _SEEN.get(last.after.support, "Last seen in order on {then}; like this on {now}.").format(
        then=tell(before), now=tell(after)
    )


def recovered(opened: CitationChanged, last: CitationChanged) -> str:
    """A recovery as one sentence."""
    return f"Trouble first seen on {minute(opened.occurred_at)}; in order again on {minute(now_at(last))}."


def sure(confidence: float) -> str:
    """How sure the verdict is, in words and per cent."""
    words = ((0.9, "Sure"), (0.7, "Fairly sure"), (0.0, "Not sure, please look"))
    return f"{next(word for least, word in words if confidence >= least)} ({round(confidence * 100)} %)"


def why(change: CitationChanged) -> tuple[str, ...]:
    """The signals that decided, cleaned, at most five."""
    signals = [UNSETTLED, *change.signals] if change.after.flapping else change.signals
    return tuple(line(signal, 200).rstrip(".") for signal in signals[:5] if signal.strip())


def counted(number: int, short: str) -> str:
    """`1 page lost`, `312 pages lost`."""
    return f"{number:,} {short if number == 1 else _PLURALS.get(short, short)}"


def many(number: int, one: str, more: str | None = None) -> str:
    """`1 citation`, `10,000 citations`."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"
