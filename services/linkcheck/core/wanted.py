"""The words of a claim or passage that say what it is about, in the forms that they may have on a page."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from services.linkcheck.core import lexicon as lex
from services.linkcheck.core.token import Token, is_number
from services.linkcheck.core.tokens import UNSPACED, tokens
from shared.text.normalise import fold

LONGEST = 4_000
"""Characters of a claim or passage that are looked at."""
MOST_HITS = 2_000
"""Places of one word that are looked at; a word that stands in more says nothing."""
KIND_WEIGHT = {"number": 1.6, "date": 1.1, "name": 1.4, "negation": 0.3}
_UNSPACED = re.compile(f"[{UNSPACED}]")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A word that is looked for: the forms that it may have on the page, and how much its kind weighs."""

    forms: frozenset[str]
    whole: bool
    """False: the forms are beginnings of words."""
    weight: float


def wanted(text: str, *, without: frozenset[str] = frozenset()) -> list[Wanted]:
    """The words of a claim or passage that say what it is about."""
    found: dict[str, Wanted] = {}
    run = ""
    for token in tokens(text[:LONGEST]):
        if _UNSPACED.fullmatch(token.key):
            run = (run + token.key)[-2:]
            if len(run) == 2:
                found[run] = Wanted(frozenset((run,)), False, 0.6)
            continue
        run = ""
        if not token.is_mark and token.key not in without and _counts(token):
            found.setdefault(token.key, _forms(token, text))
    return list(found.values())


def _counts(token: Token) -> bool:
    return token.key not in lex.FUNCTION_WORDS and (len(token.key) > 2 or is_number(token.key) or token.kind == "name")


def _forms(token: Token, text: str) -> Wanted:
    surface = fold(text[token.start : token.end]) or token.key  # a raised figure folds to nothing by itself
    weight = KIND_WEIGHT.get(token.kind or "", 1.0)
    if is_number(token.key):
        return Wanted(frozenset((surface, *_written(token.key))), True, weight)
    if token.key.startswith("month "):
        month = int(token.key[6:])
        names = (name for name, number in lex.MONTHS.items() if number == month and len(name) > 3)
        return Wanted(frozenset((*names, surface.split(" ")[0])), True, weight)
    stems = {_stem(token.key), _stem(surface.removesuffix("'s"))} - {""}
    return Wanted(frozenset(stems), len(token.key) < 5, weight)


_SPELLED = {value: frozenset(word for word, number in lex.UNITS.items() if number == value) for value in range(20)}


def _written(key: str) -> Iterator[str]:
    """The ways in which a number is written."""
    yield key
    whole, _, fraction = key.partition(".")
    if fraction:
        yield f"{whole},{fraction}"
    elif len(key) <= 2:
        yield from _SPELLED.get(int(key), ())
    elif len(key) > 3:
        groups = re.findall(r"\d{1,3}", key[::-1])
        yield from (sign.join(group[::-1] for group in reversed(groups)) for sign in (",", ".", " ", "'"))
        for scale, names in _SCALE_NAMES:
            if len(key) > len(str(scale)) - 1 and int(key) * 100 % scale == 0:
                amount = f"{int(key) / scale:.2f}".rstrip("0").rstrip(".")
                yield from (f"{number} {name}" for name in names for number in {amount, amount.replace(".", ",")})


_SCALE_NAMES = tuple(
    (scale, tuple(word for word, value in lex.SCALES.items() if value == scale)) for scale in (10**6, 10**9, 10**12)
)


def _stem(word: str) -> str:
    """A word without its ending: enough to find it, in most languages that have endings."""
    if len(word) < 5:
        return word
    return word[: max(4, len(word) - 3)] if len(word) < 9 else word[: len(word) - 4]


def places_of(word: Wanted, text: str) -> list[int]:
    """Where a word stands in a folded text."""
    found: list[int] = []
    for form in word.forms:
        at = text.find(form)
        while at >= 0 and len(found) < MOST_HITS:
            end = at + len(form)
            if begins(text, at) and (not word.whole or _ends(text, end)):
                found.append(at)
            at = text.find(form, end)
    return found


def begins(text: str, at: int) -> bool:
    """Whether a word, or something that is none, begins at a place of a folded text."""
    return at == 0 or not text[at - 1].isalnum() or not text[at].isalnum() or bool(_UNSPACED.match(text[at]))


def _ends(text: str, end: int) -> bool:
    tail = text[end : end + 1]
    if not tail.isalnum() or not text[end - 1].isalnum() or bool(_UNSPACED.match(tail)):
        return True
    if text[end - 1].isdecimal():
        return tail > "\u0370" and not tail.isdecimal()  # beyond Latin letters: a counter or a case (2021년, 45го)
    return tail == "s" and text[end - 1].isalpha() and not text[end + 1 : end + 2].isalnum()  # a plural of a short word


def stops(text: str, end: int) -> bool:
    """Whether a word, or something that is none, ends before a place of a folded text."""
    tail = text[end : end + 1]
    return not tail.isalnum() or not text[end - 1].isalnum() or bool(_UNSPACED.match(tail))


_PLAIN = re.compile(rf"[{UNSPACED}]|\w+")


def plain_words(text: str) -> list[str]:
    """The words of a text as they are written: quick, to tell how alike two stretches are."""
    return _PLAIN.findall(fold(text[:LONGEST]))
