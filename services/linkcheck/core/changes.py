"""Two versions of a passage, token by token: what differs, and what kind of fact it is.

Location may be fuzzy; this comparison is exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from services.linkcheck.core.tokens import Token, tokens
from shared.events import Change

ORDER: tuple[Change, ...] = ("number", "date", "name", "negation", "quote", "wording")
HARMLESS = frozenset(
    [
        "a",
        "an",
        "the",
        "of",
        "in",
        "to",
        "and",
        "or",
        "that",
        "which",
        "who",
        "der",
        "die",
        "das",
        "le",
        "la",
        "les",
        "el",
        "los",
        "un",
        "une",
        "et",
        "y",
        "de",
    ]
)
"""Words whose coming or going alone is copy-editing."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """`changes` are empty when both versions say the same; `likeness` is the share of words in common (0..1)."""

    changes: tuple[Change, ...]
    diff: tuple[tuple[str, str], ...]
    likeness: float


def compare(then: str, now: str) -> Comparison:
    """Compare two versions of a passage."""
    before, after = tokens(then), tokens(now)
    words_before = [token for token in before if not token.is_mark]
    words_after = [token for token in after if not token.is_mark]
    matcher = SequenceMatcher(None, [t.key for t in words_before], [t.key for t in words_after], autojunk=False)
    found: set[Change] = set()
    for operation, start, end, new_start, new_end in matcher.get_opcodes():
        if operation != "equal":
            found |= _kinds(words_before[start:end], words_after[new_start:new_end], then, now)
    changes = tuple(kind for kind in ORDER if kind in found)
    return Comparison(changes, _diff(then, now, words_before, words_after, matcher), matcher.ratio())


def _kinds(gone: Sequence[Token], come: Sequence[Token], then: str, now: str) -> set[Change]:
    if "".join(t.key for t in gone) == "".join(t.key for t in come):
        return set()  # a word written apart or together
    kinds: set[Change] = set()
    gone_keys, come_keys = [t.key for t in gone], [t.key for t in come]
    for token in [*gone, *come]:
        others = come_keys if token in gone else gone_keys
        if token.kind is not None and token.key not in others:
            kinds.add(token.kind)
    if kinds:
        return kinds
    if any(_quoted(token, then) for token in gone) or any(_quoted(token, now) for token in come):
        return {"quote"}
    if all(token.key in HARMLESS for token in (*gone, *come)) and len(gone) <= 1 and len(come) <= 1:
        return set()
    return {"wording"}


def _quoted(token: Token, text: str) -> bool:
    """Whether a token stands inside quotation marks."""
    before = text[: token.start]
    straight = before.count('"') % 2 == 1 and '"' in text[token.end :]
    opened = max(before.rfind(mark) for mark in "“„«")
    closed = max(before.rfind(mark) for mark in "”»") if opened >= 0 else -1
    return straight or (opened >= 0 and closed < opened)


def _diff(
    then: str, now: str, before: Sequence[Token], after: Sequence[Token], matcher: SequenceMatcher[str]
) -> tuple[tuple[str, str], ...]:
    """Pieces of both texts, white space and marks with them: `=` from now, `-` from then, `+` from now."""
    pieces: list[tuple[str, str]] = []
    for operation, start, end, new_start, new_end in matcher.get_opcodes():
        if operation == "equal":
            pieces.append(("=", _slice(now, after, new_start, new_end)))
            continue
        if end > start:
            pieces.append(("-", _slice(then, before, start, end)))
        if new_end > new_start:
            pieces.append(("+", _slice(now, after, new_start, new_end)))
    return tuple((sign, text) for sign, text in pieces if text)


def _slice(text: str, words: Sequence[Token], start: int, end: int) -> str:
    """From the first word to the beginning of the next one; the ends of the text belong to the outer words."""
    left = 0 if start == 0 else words[start].start
    right = len(text) if end == len(words) else words[end].start
    return text[left:right]
