"""Words of a text with what kind of fact each carries: number, date, name, negation, or none.

folded text → raw words → contractions and figures put in one form → numerals joined to one number → kinds
"""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import lru_cache

from services.linkcheck.core import lexicon as lex
from services.linkcheck.core import measures
from services.linkcheck.core.token import Token, is_number
from shared.events import Change
from shared.text.normalise import fold_map

UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
"""Scripts without spaces between words: every character is a token."""
_LETTER = rf"(?:(?![{UNSPACED}])[^\W_])"
_AT = r"[\w.+-]{1,64}\ ?[\[(](?:at|ät)[\])]\ ?[\w.-]{1,64}(?:\ ?[\[(](?:dot|punkt)[\])]\ ?\w{1,20}){0,4}"
_TAILS = "st|nd|rd|th|er|ère|e|º|ª|km|kg|cm|mm|ml|mw|gw|kw|bn|mn|mio|tn|m|k|b|g|h"
_RAW = re.compile(
    rf"""
      (?P<date>\d{{4}}-\d{{2}}-\d{{2}} | \d{{1,2}}([./])\d{{1,2}}\2\d{{4}})(?!\w)
    | (?P<mail>(?<![\w.+-])[\w.+-]{{1,64}}@[\w-]{{1,64}}(?:\.[\w-]{{1,64}}){{1,5}}
        | \[?email\ (?:protected|geschützt)\]?
        | (?<![\w.+-]){_AT})
    | (?P<minus>(?:^|(?<=[\s(\[]))-(?=\d))
    | (?P<number>\d{{1,3}}(?:[.,'\ ]\d{{3}})+(?:[.,]\d+)?(?!\d) | \d+(?:[.,]\d+)*)
      (?P<tail>(?:{_TAILS})(?!{_LETTER}))?
    | (?P<initials>(?:[^\W\d_]\.){{2,}}(?:[^\W\d_](?![^\W_]))?)
    | (?P<unspaced>[{UNSPACED}])
    | (?P<word>{_LETTER}+(?:'{_LETTER}+)*)
    | (?P<sign>[%‰$€£¥₽₹₩₺₴&§°±])
    | (?P<range>(?<=\d)\ ?-\ ?(?=\d))
    | (?P<mark>[^\w\s])
    """,
    re.X,
)


@lru_cache(maxsize=32)
def tokens(text: str) -> tuple[Token, ...]:
    """The tokens of a text, marks included. (A passage and a claim are asked for theirs several times.)"""
    folded, places = fold_map(text)
    found = list(_joined(_raw(folded, places)))
    found = measures.arranged(_phrases(found), text)
    return tuple([Token(one.key, one.start, one.end, _kind(one, text), one.is_mark, one.opening) for one in found])


def words(text: str) -> list[Token]:
    """The tokens that are no marks."""
    return [token for token in tokens(text) if not token.is_mark]


_OPENERS = frozenset('.!?:;"([¿¡*•')


def _raw(folded: str, places: Sequence[int]) -> Iterator[Token]:
    opening = True
    for match in _RAW.finditer(folded):
        start, end = places[match.start()], places[match.end() - 1] + 1
        text = match[0]
        if match["mark"]:
            yield Token(text, start, end, is_mark=True)
            opening = opening or text in _OPENERS
            continue
        for key in _keys(match):
            yield Token(key, start, end, opening=opening)
        opening = False


def _keys(match: re.Match[str]) -> Sequence[str]:
    """What a raw word is compared by: mostly one key, several for a contraction or a figure with its unit."""
    if match["number"]:
        return _figure(match["number"], match["tail"] or "")
    text = match[0]
    if match["date"]:
        return _numeric_date(text)
    if match["mail"]:
        return ("@" if "@" not in text else text,)
    if match["sign"]:
        return (lex.CURRENCIES.get(text) or {"&": "and", "%": "percent"}.get(text, text),)
    if match["range"]:
        return ("to",)
    if match["minus"]:
        return ("minus",)
    if match["initials"]:
        return (text.replace(".", ""),)
    return _word(text)


def _numeric_date(text: str) -> Sequence[str]:
    """`2023-05-03` and `03.05.2023` read as `3 May 2023`; `05/03/2023` may be either, and stays as it is."""
    if "-" in text:
        year, month, day = text.split("-")
        return (_stripped(day), f"month {int(month)}", year)
    first, second, year = re.split(r"[./]", text)
    return (_stripped(first), f"month {int(second)}" if "." in text else _stripped(second), year)


_UNITS_GLUED = frozenset(("km", "kg", "cm", "mm", "ml", "mw", "gw", "kw", "g", "h"))


def _figure(number: str, tail: str) -> Sequence[str]:
    key = number_key(number)
    if tail in lex.GLUED_SCALES and tail != "m":
        return (_plain(Decimal(key) * lex.GLUED_SCALES[tail]),)
    if tail == "m" or tail in _UNITS_GLUED:
        return (key, tail)
    return (key,)


def _word(text: str) -> Sequence[str]:
    if "'" in text:
        return _apostrophe(text)
    if text in lex.IRREGULAR:
        return lex.IRREGULAR[text].split()
    number = lex.COMPOUNDS.get(text) or lex.ORDINALS.get(text)
    if number is not None:
        return (str(number),)
    return (text if text in lex.UNITS else _spelling(text),)  # quatre is no British quater


def _apostrophe(text: str) -> Sequence[str]:
    if text in lex.IRREGULAR:
        return lex.IRREGULAR[text].split()
    for ending, meaning in lex.CONTRACTIONS.items():
        if text.endswith(ending) and len(text) > len(ending):
            return (_spelling(text.removesuffix(ending)), meaning)
    stem, _, tail = text.rpartition("'")
    if tail == "s":
        return (stem, "is") if stem in lex.S_IS else (_spelling(stem),)
    if len(stem) <= 2:  # l'eau, d'un, qu'il: two words
        return (stem + "'", _spelling(tail))
    return (_spelling(text),)


def _spelling(word: str) -> str:
    if word in lex.SAME_WORDS:
        return lex.SAME_WORDS[word]
    if word in lex.CURRENCY_NAMES:
        return lex.CURRENCY_NAMES[word]
    if word in lex.PERCENT:
        return "percent"
    for pattern, replacement in lex.SPELLINGS:
        if pattern.match(word):
            return pattern.sub(replacement, word)
    return word


def number_key(text: str) -> str:
    """`1,234.50`, `1.234,50`, `1 234.5` → `1234.5`: grouping and decimal signs of any country."""
    digits = text.replace("'", "").replace(" ", "")
    last = max(digits.rfind("."), digits.rfind(","))
    if last < 0:
        return _stripped(digits)
    whole, sign, tail = digits[:last], digits[last], digits[last + 1 :]
    groups = re.split(r"[.,]", whole)
    mixed = "." in digits and "," in digits
    if not mixed and len(tail) == 3 and groups[0] not in ("", "0") and len(groups[0]) <= 3:
        return _stripped("".join(groups) + tail)
    if not mixed and digits.count(sign) > 1:
        return digits.replace(",", ".")  # a version or a section: 3.1.2
    fraction = tail.rstrip("0")
    whole = _stripped("".join(groups))
    return f"{whole}.{fraction}" if fraction else whole


def _stripped(digits: str) -> str:
    return digits.lstrip("0") or "0"


def _plain(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _joined(found: Iterator[Token]) -> Iterator[Token]:
    """Numerals that make one number become one token: `2.5 million`, `twenty-three`, `one hundred and five`."""
    waiting: list[Token] = []
    for token in found:
        if _is_numeral(token, waiting) or (waiting and _may_join(token)):
            waiting.append(token)
            continue
        yield from _number(waiting)
        waiting = []
        if _is_numeral(token, waiting):
            waiting.append(token)
        else:
            yield token
    yield from _number(waiting)


def _is_numeral(token: Token, before: Sequence[Token]) -> bool:
    key = token.key
    if key in lex.UNITS or key in lex.TENS:
        return True
    if not token.is_mark and key.replace(".", "", 1).isdecimal() and key.isascii():
        return not before
    return key in lex.SCALES and bool(
        before or key in ("hundred", "thousand", "million", "hundert", "tausend", "mille", "mil", "сто")
    )


def _may_join(token: Token) -> bool:
    return token.key in lex.AND or token.key == "-"


def _number(waiting: list[Token]) -> Iterator[Token]:
    """The numerals of a run as numbers, as many as they are."""
    tail: list[Token] = []
    while waiting and _may_join(waiting[-1]):
        tail.insert(0, waiting.pop())
    run: list[Token] = []
    total = part = Decimal(0)  # what is closed by a scale, and what is still open
    for token in waiting:
        step = _step(total, part, token, run)
        if step is None and not _may_join(token):
            yield from _closed(run, total + part)
            run, total, part = [], Decimal(0), Decimal(0)
            step = _step(total, part, token, run)
        if step is not None:
            total, part = step
        run.append(token)
    yield from _closed(run, total + part)
    yield from tail


def _step(total: Decimal, part: Decimal, token: Token, run: Sequence[Token]) -> tuple[Decimal, Decimal] | None:
    """Total and open part once this numeral is added; None where it begins another number."""
    key = token.key
    fresh = not run
    if key in lex.SCALES:
        scale = lex.SCALES[key]
        if scale == 100:
            return (total, (part or Decimal(1)) * scale) if part < 100 else None
        if total and total % (scale * 1000) and total < scale:
            return None
        return total + (part or 1) * scale, Decimal(0)
    if part % 100 == 4 and key.startswith("vingt"):  # quatre-vingts
        return total, part + 76
    if key in lex.TENS:
        return (total, part + lex.TENS[key]) if fresh or (part % 100 == 0 and (part or total)) else None
    if key in lex.UNITS:
        unit = lex.UNITS[key]
        spelled = bool(run) and not run[-1].key.isdecimal()
        fits = (
            spelled
            and part % 10 == 0
            and (part % 100 >= 20 or part % 100 == 0)
            and unit < (10 if part % 100 not in (0, 60, 80) else 20)  # soixante-quinze, quatre-vingt-dix
            and unit > 0
        )
        return (total, part + unit) if fresh or (fits and (part or total)) else None
    return (total, Decimal(key)) if fresh and not _may_join(token) else None


def _closed(run: Sequence[Token], value: Decimal) -> Iterator[Token]:
    """The run as one token; words that only stood between numbers come back as themselves."""
    tail: list[Token] = []
    kept = list(run)
    while kept and _may_join(kept[-1]):
        tail.insert(0, kept.pop())
    if len(kept) == 1 and kept[0].key[:1].isdigit():
        yield kept[0]
    elif kept:
        yield Token(_plain(value), kept[0].start, kept[-1].end, opening=kept[0].opening)
    yield from tail


_PHRASES = tuple((tuple(long.split()), tuple(short.split())) for long, short in lex.SAME_PHRASES)
_PHRASE_STARTS = frozenset(long[0] for long, _ in _PHRASES)


def _phrases(found: list[Token]) -> list[Token]:
    """Phrases that say the same become the shorter one."""
    out: list[Token] = []
    at = 0
    while at < len(found):
        match = _phrase_at(found, at) if found[at].key in _PHRASE_STARTS else None
        if match is None:
            out.append(found[at])
            at += 1
            continue
        long, short = match
        start, end = found[at].start, found[at + len(long) - 1].end
        out += [Token(key, start, end, opening=found[at].opening) for key in short]
        at += len(long)
    return out


def _phrase_at(found: Sequence[Token], at: int) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    for long, short in _PHRASES:
        if tuple(token.key for token in found[at : at + len(long)]) == long:
            return long, short
    return None


def _kind(token: Token, text: str) -> Change | None:
    key = token.key
    if token.is_mark:
        return None
    if is_number(key):
        return "date" if _is_year(key, text[token.start : token.end]) else "number"
    if key in lex.QUANTITIES or key == "percent" or key in _CURRENCY_WORDS:
        return "number"
    if key in lex.DAYS or key.startswith("month "):
        return "date"
    if key in lex.NEGATIONS or key in lex.HEDGES:
        return "negation"
    return "name" if _is_name(token, text) else None


def _is_year(key: str, surface: str) -> bool:
    """Four figures written plainly, or the year of a numeric date."""
    return len(key) == 4 and "1000" <= key <= "2199" and (surface.isdecimal() or len(surface) >= 8)


_CURRENCY_WORDS = frozenset(lex.CURRENCIES.values())


def _is_name(token: Token, text: str) -> bool:
    word = text[token.start : token.end]
    if token.opening:
        return word[1:] != word[1:].lower() and word[:1].isupper()  # NATO, McDonald: capitals beyond the first letter
    return word[:1].isupper()
