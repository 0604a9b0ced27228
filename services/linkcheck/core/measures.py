"""Dates, sums and measures in one order, whatever the country: `May 3, 2023` reads as `3 May 2023`, `$5` as `5 dollar`,
`7 % to 8 %` as `7 to 8 %`.
"""

from dataclasses import replace

from services.linkcheck.core import lexicon as lex
from services.linkcheck.core.token import Token, is_number


def arranged(found: list[Token], text: str) -> list[Token]:
    """The tokens of a text in the order in which they are compared; their places grow all the same."""
    return _dates(_of_month(_said_once(_sums(found, text))), text)


def _swapped(first: Token, second: Token) -> tuple[Token, Token]:
    """Two tokens in the other order; both stand where the two stood."""
    start, end = first.start, second.end
    return replace(second, start=start, end=end), replace(first, start=start, end=end)


def _sums(found: list[Token], text: str) -> list[Token]:
    """A currency's sign or code behind its figure."""
    for at in range(len(found) - 1):
        sign, figure = found[at], found[at + 1]
        if sign.key in _CURRENCIES and is_number(figure.key) and figure.start > sign.start:
            written = text[sign.start : sign.end]
            if written in lex.CURRENCIES or (len(written) == 3 and written.isupper()):
                found[at], found[at + 1] = _swapped(sign, figure)
    return found


_CURRENCIES = frozenset(lex.CURRENCIES.values())


_BETWEEN = frozenset(
    ("to", "and", "or", "-", "bis", "und", "oder", "à", "et", "ou", "a", "y", "o", "e", "до", "и", "или")
)


def _said_once(found: list[Token]) -> list[Token]:
    """A unit once where two figures have the same: the first of `7 percent to 8 percent` goes."""
    again = {
        at + 1
        for at in range(len(found) - 4)
        if found[at + 2].key in _BETWEEN
        and found[at + 1].key == found[at + 4].key
        and is_number(found[at].key)
        and is_number(found[at + 3].key)
    }
    return [token for at, token in enumerate(found) if at not in again] if again else found


_OF = frozenset(("of", "de", "di"))


def _of_month(found: list[Token]) -> list[Token]:
    """`3rd of May`, `3 de mayo`: the day and the month alone."""
    of = {
        at
        for at in range(1, len(found) - 1)
        if found[at].key in _OF and found[at + 1].key in lex.MONTHS and _is_day(found[at - 1])
    }
    return [token for at, token in enumerate(found) if at not in of] if of else found


def _dates(found: list[Token], text: str) -> list[Token]:
    """Months in one form, and the day before them: `May 3, 2023` reads as `3 May 2023`."""
    speaking = [place for place, token in enumerate(found) if not token.is_mark]
    for nth, place in enumerate(speaking):
        month = lex.MONTHS.get(found[place].key)
        if month is None:
            continue
        before, after = (speaking[n] if 0 <= n < len(speaking) else None for n in (nth - 1, nth + 1))
        beside = [one for one in (before, after) if one is not None and is_number(found[one].key)]
        if not _names_month(found[place], text, bool(beside)):
            continue
        found[place] = replace(found[place], key=f"month {month}")
        if after in beside and _is_day(found[after]) and not (before in beside and _is_day(found[before])):
            found[place], found[after] = _swapped(found[place], found[after])
    return found


def _names_month(token: Token, text: str, beside: bool) -> bool:
    """`May` and `March`, not `may` and `march`; in languages with small months a figure beside tells."""
    capital = text[token.start].isupper()
    if token.key in lex.CAPITAL_MONTHS and not capital:
        return False
    return beside or token.key not in lex.AMBIGUOUS_MONTHS or (capital and not token.opening)


def _is_day(token: Token) -> bool:
    return token.key.isdecimal() and 1 <= int(token.key) <= 31
