"""Where sentences end, in any language that marks it. A small splitter of our own: quick, and it keeps offsets."""

import re

_ENDS = re.compile(
    r"""
    [.!?…‽؟۔।॥።၊။]+ (?: [\"'”’»)\]}›“„]* | \[\d+\] )* (?=\s|$)   # Latin, Arabic, Urdu, Devanagari, Ethiopic, Burmese
    | [。！？｡]+ [」』”’）》】]*                                   # Chinese and Japanese need no space
    | \n+
    """,
    re.X,
)
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\[\"'“„«])(?:"
    r"[A-Za-zÀ-ÿА-Яа-я]|"  # an initial
    r"(?:[A-Za-z]\.){1,4}[A-Za-z]|"  # U.S, e.g, i.e, z.B
    r"Mr|Mrs|Ms|Dr|Prof|Sen|Rep|Gov|Gen|Col|Lt|Sgt|Capt|Rev|Hon|St|Mt|Jr|Sr|Inc|Ltd|Co|Corp|Bros|vs|v|etc|al|"
    r"approx|est|dept|Dept|fig|Fig|No|no|Nos|Nr|nr|Art|art|Abs|Sec|sec|ch|pp|p|vol|Vol|ed|eds|cf|ca|ibid|"
    r"Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept|Sep|Oct|Nov|Dec|"
    r"bzw|usw|vgl|evtl|ggf|inkl|Mio|Mrd|Tsd|Hrsg|Str|Bd|"
    r"M|Mme|Mlle|MM|av|env|"
    r"Sra|Srta|Dra|Ud|Uds|pág|núm|"
    r"г|гг|т\.е|т\.д|т\.п|им|ул|руб|млн|млрд|тыс"
    r")$"
)
_LOWER = re.compile(r"\s*[\"'“„«(\[]*[a-zà-öø-ÿа-яё]")
_DIGIT = re.compile(r"\s*\d")
LOOKBACK = 24


def spans(text: str) -> list[tuple[int, int]]:
    """(start, end) of every sentence, without the white space around it."""
    found: list[tuple[int, int]] = []
    start = 0
    for end in _ENDS.finditer(text):
        if "\n" not in end[0] and not _ends_sentence(text, end):
            continue
        _add(found, text, start, end.end())
        start = end.end()
    _add(found, text, start, len(text))
    return found


def split(text: str) -> list[str]:
    """The sentences themselves."""
    return [text[start:end] for start, end in spans(text)]


def _ends_sentence(text: str, end: re.Match[str]) -> bool:
    if not end[0].startswith("."):
        following = _LOWER.match(text, end.end())
        return not (following and end[0][0] in "!?…" and any(quote in end[0] for quote in "\"'”’»"))
    before = text[max(0, end.start() - LOOKBACK) : end.start()]
    if end[0].startswith("..") or _ABBREVIATION.search(before):
        return not _LOWER.match(text, end.end()) and not _ABBREVIATION.search(before)
    if _LOWER.match(text, end.end()):
        return False
    return not (before[-1:].isdigit() and len(before.split()[-1]) <= 2 and _ordinal(text, end))


def _ordinal(text: str, end: re.Match[str]) -> bool:
    """`am 8. August`: a short number, a point, and a word with a capital inside a sentence (German, Danish, Czech …)."""
    return end[0] == "." and bool(re.match(r" [A-ZÄÖÜ][a-zäöüß]+", text[end.end() : end.end() + 20]))


def _add(found: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        found.append((start, end))
