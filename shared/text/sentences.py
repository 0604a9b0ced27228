"""Where sentences end, in any script, by rules alone.

A sentence ends at a terminator with its closing quotes, brackets and reference marks, or at a newline. A full stop
ends one only if what stands before is no abbreviation, initial or ordinal, and what follows could begin a sentence.
Rules follow Unicode UAX 29 (SB6–SB11), with the abbreviations of many languages and of court opinions added.
"""

import re

_ALWAYS = "。！？｡︒।॥۔؟።፧፨።။។៕։᙮᠃᠉꓿꘎꘏༎׃⸮"
"""Terminators that need no blank after them."""
_SOMETIMES = ".!?…‽⁇⁈⁉．\u037e"
_CLOSERS = "\"'”’»›）)]」』】〉》〕}＂＇"
_MARK = r"(?:\[[^\[\]\n]{1,12}\]|[\u00b9\u00b2\u00b3\u2070-\u2079*†‡§]+)"
"""A reference mark after the stop: `[1]`, `[a]`, `[note 3]`, `¹`."""
_CANDIDATE = re.compile(
    rf"(?P<always>[{_ALWAYS}]+[{_ALWAYS}!?…]*)(?P<closed>[{re.escape(_CLOSERS)}]*(?:{_MARK})*)"
    rf"|(?<![{re.escape(_SOMETIMES)}])(?P<some>[{re.escape(_SOMETIMES)}]+)[{re.escape(_CLOSERS)}]*"
    rf"(?:(?:(?<=[^\W\d_][.!?])|(?<=[.!?][”\"’)]))\d{{1,3}}(?:,\d{{1,3}})*)?(?:{_MARK}(?::[ \t]?\d{{1,4}})?)*(?=\s|$)"
    rf"|(?P<line>\n)"
)
_OPENERS = "\"'“‘«‹（([「『【〈《〔{¿¡„‚-–—*_>•"
_RUNS_ON = set("§&/=+,;:)%")
"""A full stop before one of these was an abbreviation's."""
_WORD_BEFORE = re.compile(r"[^\s\"'“‘«(\[„‚—–/]*$")
_NEXT = re.compile(rf"[\s{re.escape(_OPENERS)}]{{0,80}}(\w{{1,40}})")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NEVER_LAST = _words(
    """
    mr mrs ms mx messrs dr drs prof rev hon gen col lt capt cmdr sgt cpl maj adm gov sen rep pres amb insp supt fr
    st ste mt ft vs viz cf eg ie al approx ca circa ed eds trans rec op cit loc ibid supra cir supp stat reg regs rul
    cl civ crim evid univ dept dist div intl natl assn bros mfg corp jan feb mar apr jun jul aug sept sep oct nov dec
    est sra srta dra ud uds excmo núm pág págs mme mlle mgr cie bd hr hrn frl dipl ing bzw bspw evtl ggf inkl exkl zzgl
    vgl sog zb dh ua uä mio mrd tsd abs jhdt jh geb gest sig sigg dott ssa avv ecc dhr mevr mej bijv t.a.v m.b.t o.a
    г гг гл ст стр ул пр пл им проф акад др тыс млн млрд руб коп напр см рис табл
    np m.in tzw tzn prof inż mgr św godz tys mln mld zob
    """
)
"""Abbreviations that stand before something, so that a sentence does not end at their stop."""
_BEFORE_NUMBERS = _words(
    "no nos nr vol vols pp para paras art arts sec secs ch chap fig figs eq eqs tab cap str tel blz app av núms n°"
)
"""Words and abbreviations in one: they are the latter before a number or a sign."""
_MAY_BE_LAST = _words("etc inc ltd co corp llc plc sa ag gmbh jr sr usa")
"""Abbreviations that may close a sentence: only a word that begins sentences tells."""
_STARTERS = _words(
    """
    the a an in on at it its he she they we i you this that these those there but and or so if when while as after
    before since although however for by from with to what who how why his her their our my not no one some many
    most all each such both then now meanwhile moreover also according last
    der die das ein eine er sie es wir ich in im am und aber auch doch wenn nach bei seit
    le la les un une il elle ils on nous en dans et mais ce cette ces l'
    el los las una en y pero se su este esta al lo según
    o os as um uma no na e mas ele ela
    il lo gli i uno una nel ma e si questo questa
    het de een in op en maar hij zij
    """
)
_DOTTED = re.compile(r"(?:\w\.)+\w", re.UNICODE)
_MONTHS = re.compile(
    r"(?:jan|feb|mär|mar|apr|mai|maj|jun|jul|aug|sep|okt|oct|nov|dez|dec|des|led|úno|bře|dub|kvě|čer|srp|zář|říj|lis|pro"
    r"|tammi|helmi|maalis|huhti|touko|kesä|heinä|elo|syys|loka|marras|joulu|jahrhundert|century)",
    re.IGNORECASE,
)


def spans(text: str) -> list[tuple[int, int]]:
    """Start and end (exclusive) of every sentence, in order, without the blanks between them. Every character
    that is not blank lies in exactly one span."""
    found: list[tuple[int, int]] = []
    start = 0
    for candidate in _CANDIDATE.finditer(text):
        if _ends(text, start, candidate):
            _add(found, text, start, candidate.end())
            start = candidate.end()
    _add(found, text, start, len(text))
    return found


def split(text: str) -> list[str]:
    """The sentences themselves."""
    return [text[start:end] for start, end in spans(text)]


def _add(found: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    piece = text[start:end]
    left = len(piece) - len(piece.lstrip())
    if left < len(piece):
        found.append((start + left, start + len(piece.rstrip())))


def _ends(text: str, start: int, candidate: re.Match[str]) -> bool:
    if candidate["some"] is None:
        return candidate["always"] is None or _ends_closed(text, candidate)
    following = _NEXT.match(text, candidate.end())
    if following is None:
        return text[candidate.end() : candidate.end() + 9].lstrip()[:1] not in _RUNS_ON
    word = following[1]
    begins = not word[0].islower()
    if candidate["some"] != ".":
        return begins
    return begins and _full_stop(text[max(start, candidate.start() - 40) : candidate.start()], word)


def _ends_closed(text: str, candidate: re.Match[str]) -> bool:
    """A terminator inside a quotation ends the sentence only if the sentence does not run on: 「…。」と述べた."""
    if not candidate["closed"]:
        return True
    following = text[candidate.end() : candidate.end() + 1]
    return not following or following.isspace() or not ("\u3040" <= following <= "\u309f" or following in "、，,")


def _full_stop(before: str, word: str) -> bool:
    found = _WORD_BEFORE.search(before)
    last = found[0].lower() if found else ""
    if not last:
        return True
    if last.isdigit():
        return not (len(last) <= 2 and _MONTHS.match(word)) and before.strip() != last
    if last in _MAY_BE_LAST or _DOTTED.fullmatch(last):
        return word.lower() in _STARTERS and word[0].isupper() and len(word) > 1
    if len(last) == 1 and last.isalpha():
        return False
    return last not in _NEVER_LAST and not (last in _BEFORE_NUMBERS and word[0].isdigit())
