"""Two versions of a passage, token by token: what differs, and what kind of fact it is.

Location may be fuzzy; this comparison is exact.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from rapidfuzz.distance import OSA

from services.linkcheck.core import lexicon as lex
from services.linkcheck.core.quotations import quotations
from services.linkcheck.core.token import Token, is_number
from services.linkcheck.core.tokens import words
from shared.events import Change

ORDER: tuple[Change, ...] = ("number", "date", "name", "negation", "quote", "wording")
TYPO_LENGTH = 7
"""Letters of a word from which one letter too many, too few, or two in the wrong order is a slip of the pen."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """`changes` are empty when both versions say the same; `likeness` is the share of words in common (0..1)."""

    changes: tuple[Change, ...]
    diff: tuple[tuple[str, str], ...]
    likeness: float


@dataclass(frozen=True, slots=True)
class Edit:
    """Words that went and words that came in their place."""

    gone: Sequence[Token]
    come: Sequence[Token]
    quoted: bool


def _no_name(word: str) -> bool:
    return False


def compare(then: str, now: str, *, is_name: Callable[[str], bool] = _no_name) -> Comparison:
    """Compare two versions of a passage. `is_name` tells whether a word that begins a sentence is a name."""
    before, after = words(then), words(now)
    matcher = SequenceMatcher(None, [t.key for t in before], [t.key for t in after], autojunk=False)
    codes = _without_blocks(matcher.get_opcodes(), after, now)
    edits = _edits(codes, before, after, then, now)
    moved = _moved(edits, before, after)
    found = {kind for edit in edits for kind in _kinds(edit, moved, is_name, then, now)}
    changes = tuple(kind for kind in ORDER if kind in found)
    return Comparison(changes, _diff(then, now, before, after, codes), matcher.ratio())


Code = tuple[str, int, int, int, int]


def _without_blocks(codes: Sequence[Code], after: Sequence[Token], now: str) -> list[Code]:
    """Blocks that came between two halves of the passage (an advertisement, a box) are not part of it."""
    return [("block", *code[1:]) if code[0] == "insert" and _is_block(code, after, now) else code for code in codes]


def _is_block(code: Code, after: Sequence[Token], now: str) -> bool:
    _, _, _, start, end = code
    if start == 0 or end == len(after):
        return False
    left = now[after[start - 1].end : after[start].start]
    right = now[after[end - 1].end : after[end].start]
    return "\n" in left and "\n" in right


def _edits(codes: Sequence[Code], before: Sequence[Token], after: Sequence[Token], then: str, now: str) -> list[Edit]:
    quoted_then, quoted_now = quotations(then), quotations(now)
    edits = []
    for name, start, end, new_start, new_end in codes:
        if name not in ("equal", "block"):
            gone, come = before[start:end], after[new_start:new_end]
            quoted = any(_inside(t, quoted_then) for t in gone) or any(_inside(t, quoted_now) for t in come)
            edits.append(Edit(gone, come, quoted))
    return edits


def _inside(token: Token, stretches: Sequence[tuple[int, int]]) -> bool:
    return any(start <= token.start and token.end <= end for start, end in stretches)


def _moved(edits: Sequence[Edit], before: Sequence[Token], after: Sequence[Token]) -> frozenset[str]:
    """Facts that only stand elsewhere in the passage, in the same order among their kind: no other fact."""
    gone = Counter(token.key for edit in edits for token in edit.gone)
    come = Counter(token.key for edit in edits for token in edit.come)
    same = {key for key in gone if gone[key] == come[key]}
    for kind in ORDER:
        keys = {token.key for token in (*before, *after) if token.kind == kind}
        if [t.key for t in before if t.key in keys] != [t.key for t in after if t.key in keys]:
            same -= keys
    return frozenset(same)


def _kinds(edit: Edit, moved: frozenset[str], is_name: Callable[[str], bool], then: str, now: str) -> set[Change]:
    if _same(edit):
        return set()
    kinds: set[Change] = {"quote"} if edit.quoted else set()
    kinds |= _facts(edit, moved) | _names(edit, is_name, then, now)
    if _weakened(edit):
        kinds |= {"negation", "wording"}
    return kinds or {"wording"}


def _same(edit: Edit) -> bool:
    """Copy-editing: written apart or together, an article more or less, a slip of the pen, a hidden mail address."""
    gone, come = [t.key for t in edit.gone], [t.key for t in edit.come]
    if "".join(gone) == "".join(come):
        return True
    if len(gone) == len(come) == 1:
        return _slip(edit.gone[0], edit.come[0]) or _hidden_mail(gone[0], come[0]) or {*gone, *come} <= lex.HARMLESS
    return len(gone) + len(come) == 1 and {*gone, *come} <= lex.HARMLESS


def _slip(gone: Token, come: Token) -> bool:
    one, two = gone.key, come.key
    if min(len(one), len(two)) < TYPO_LENGTH or is_number(one) or is_number(two) or one[:2] != two[:2]:
        return False
    swapped = len(one) == len(two) and sorted(one) == sorted(two)
    return OSA.distance(one, two) == 1 and (swapped or (len(one) != len(two) and one[-2:] == two[-2:]))


def _hidden_mail(gone: str, come: str) -> bool:
    return "@" in (gone, come) and "@" in gone and "@" in come


def _facts(edit: Edit, moved: frozenset[str]) -> set[Change]:
    gone, come = {t.key for t in edit.gone}, {t.key for t in edit.come}
    kinds: set[Change] = set()
    for tokens, others in ((edit.gone, come), (edit.come, gone)):
        for token in tokens:
            if token.kind is not None and token.key not in others and token.key not in moved:
                kinds |= {token.kind, "wording"} if token.key in lex.HEDGES else {token.kind}
    return kinds


def _names(edit: Edit, is_name: Callable[[str], bool], then: str, now: str) -> set[Change]:
    """A word at the beginning of a sentence that the page knows as a name."""
    openings = [then[t.start : t.end] for t in edit.gone if t.opening] + [
        now[t.start : t.end] for t in edit.come if t.opening
    ]
    named = (word for word in openings if word[:1].isupper() and word.lower() not in lex.FUNCTION_WORDS)
    return {"name"} if any(is_name(word) for word in named) else set()


def _weakened(edit: Edit) -> bool:
    rows = {lex.STRENGTH_ROW[t.key] for t in edit.gone if t.key in lex.STRENGTH_ROW}
    return any(lex.STRENGTH_ROW.get(token.key) in rows for token in edit.come)


def _diff(
    then: str, now: str, before: Sequence[Token], after: Sequence[Token], codes: Sequence[Code]
) -> tuple[tuple[str, str], ...]:
    """Pieces of both texts, white space and marks with them: `=` from now, `-` from then, `+` from now."""
    pieces: list[tuple[str, str]] = []
    for name, start, end, new_start, new_end in codes:
        if name == "equal":
            pieces.append(("=", _slice(now, after, new_start, new_end)))
        elif name != "block":
            pieces.append(("-", _slice(then, before, start, end) if end > start else ""))
            pieces.append(("+", _slice(now, after, new_start, new_end) if new_end > new_start else ""))
    return tuple((sign, text) for sign, text in pieces if text)


def _slice(text: str, tokens: Sequence[Token], start: int, end: int) -> str:
    """From the first word to the beginning of the next one; the ends of the text belong to the outer words."""
    left = 0 if start == 0 else tokens[start].start
    right = len(text) if end == len(tokens) else tokens[end].start
    return text[left:right]
