"""Words of a sentence with what kind of fact each carries: number, date, name, negation, or none."""

import re
from dataclasses import dataclass

from shared.events import Change
from shared.text.normalise import fold

_TOKEN = re.compile(
    r"\d+(?:[.,'\u2019\u00a0\u202f]\d{3})*(?:[.,]\d+)?%?|[^\W\d_]+(?:['’\-][^\W\d_]+)*|[^\w\s]", re.UNICODE
)

NEGATIONS = frozenset(
    [
        "not",
        "no",
        "never",
        "none",
        "nor",
        "neither",
        "nobody",
        "nothing",
        "nowhere",
        "without",
        "cannot",
        "can't",
        "won't",
        "don't",
        "doesn't",
        "didn't",
        "isn't",
        "aren't",
        "wasn't",
        "weren't",
        "hasn't",
        "haven't",
        "hadn't",
        "wouldn't",
        "shouldn't",
        "couldn't",
        "mustn't",
        "denied",
        "denies",
        "deny",
        "refused",
        "false",
        "nicht",
        "kein",
        "keine",
        "keiner",
        "keinen",
        "keinem",
        "keines",
        "nie",
        "niemals",
        "niemand",
        "nichts",
        "ohne",
        "weder",
        "ne",
        "pas",
        "jamais",
        "aucun",
        "aucune",
        "personne",
        "rien",
        "sans",
        "ni",
        "no",
        "nunca",
        "jamás",
        "ningún",
        "ninguna",
        "ninguno",
        "nadie",
        "nada",
        "sin",
        "tampoco",
        "не",
        "ни",
        "нет",
        "никогда",
        "никто",
        "ничего",
        "без",
        "нельзя",
        "non",
        "mai",
        "nessuno",
        "nessuna",
        "niente",
        "nulla",
        "senza",
        "não",
        "nunca",
        "nenhum",
        "nenhuma",
        "ninguém",
        "nada",
        "sem",
        "niet",
        "geen",
        "nooit",
        "niemand",
        "niets",
        "zonder",
        "inte",
        "ingen",
        "inget",
        "aldrig",
        "ikke",
        "ingen",
        "aldri",
        "aldrig",
        "nie",
        "nigdy",
        "nikt",
        "bez",
        "ei",
        "eivät",
        "değil",
        "hiç",
    ]
)
HEDGES = frozenset(
    [
        "may",
        "might",
        "could",
        "reportedly",
        "allegedly",
        "possibly",
        "perhaps",
        "apparently",
        "probably",
        "likely",
        "unlikely",
        "suggested",
        "suggests",
        "suggest",
        "claimed",
        "claims",
        "alleged",
        "seems",
        "appeared",
        "appears",
        "purportedly",
        "supposedly",
        "would",
        "vielleicht",
        "möglicherweise",
        "angeblich",
        "vermutlich",
        "offenbar",
        "könnte",
        "könnten",
        "dürfte",
        "wohl",
        "womöglich",
        "mutmaßlich",
        "peut-être",
        "probablement",
        "apparemment",
        "prétendument",
        "pourrait",
        "pourraient",
        "aurait",
        "semble",
        "quizás",
        "quizá",
        "posiblemente",
        "supuestamente",
        "presuntamente",
        "aparentemente",
        "podría",
        "podrían",
        "probablemente",
        "habría",
        "возможно",
        "вероятно",
        "якобы",
        "предположительно",
        "может",
        "могут",
        "наверное",
    ]
)
MONTHS = frozenset(
    [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "jan",
        "feb",
        "mar",
        "apr",
        "jun",
        "jul",
        "aug",
        "sep",
        "sept",
        "oct",
        "nov",
        "dec",
        "januar",
        "jänner",
        "februar",
        "märz",
        "mai",
        "juni",
        "juli",
        "oktober",
        "dezember",
        "janvier",
        "février",
        "mars",
        "avril",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
        "января",
        "февраля",
        "марта",
        "апреля",
        "мая",
        "июня",
        "июля",
        "августа",
        "сентября",
        "октября",
        "ноября",
        "декабря",
        "gennaio",
        "febbraio",
        "aprile",
        "maggio",
        "giugno",
        "luglio",
        "settembre",
        "ottobre",
        "dicembre",
        "janeiro",
        "fevereiro",
        "março",
        "maio",
        "junho",
        "julho",
        "setembro",
        "outubro",
        "novembro",
        "dezembro",
    ]
) - {"may", "mar", "mars"}
DAYS = frozenset(
    [
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "montag",
        "dienstag",
        "mittwoch",
        "donnerstag",
        "freitag",
        "samstag",
        "sonnabend",
        "sonntag",
        "lundi",
        "mardi",
        "mercredi",
        "jeudi",
        "vendredi",
        "samedi",
        "dimanche",
        "lunes",
        "martes",
        "miércoles",
        "jueves",
        "viernes",
        "sábado",
        "domingo",
        "понедельник",
        "вторник",
        "среду",
        "среда",
        "четверг",
        "пятницу",
        "пятница",
        "субботу",
        "суббота",
        "воскресенье",
        "yesterday",
        "today",
        "tomorrow",
        "gestern",
        "heute",
        "morgen",
        "hier",
        "aujourd'hui",
        "demain",
        "ayer",
        "hoy",
        "mañana",
        "вчера",
        "сегодня",
        "завтра",
    ]
)
NUMERALS = {
    word: str(value)
    for value, words in enumerate(
        (
            "zero null cero ноль", "one eins", "two zwei deux dos два две", "three drei trois tres три",
            "four vier quatre cuatro четыре", "five fünf cinq cinco пять", "six sechs seis шесть",
            "seven sieben sept siete семь", "eight acht huit ocho восемь", "nine neun neuf nueve девять",
            "ten zehn dix diez десять", "eleven elf onze once", "twelve zwölf douze doce",
        )
    )
    for word in words.split()
}  # fmt: skip
SCALES = frozenset(
    [
        "hundred",
        "thousand",
        "million",
        "millions",
        "billion",
        "billions",
        "trillion",
        "dozen",
        "percent",
        "hundert",
        "tausend",
        "millionen",
        "milliarde",
        "milliarden",
        "prozent",
        "cent",
        "mille",
        "millions",
        "milliard",
        "milliards",
        "mil",
        "millón",
        "millones",
        "ciento",
        "тысяч",
        "тысячи",
        "миллион",
        "миллионов",
        "миллиард",
        "миллиардов",
        "процентов",
        "half",
        "quarter",
        "third",
        "double",
        "twice",
        "hälfte",
        "drittel",
        "viertel",
    ]
)
SPELLINGS = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"(\w{3,})our(s|ed|ing|ite|able|ful|al|er|ers|hood|less|)$", r"\1or\2"),
        (r"(\w{2,})is(e|ed|es|ing|ation|ations|er|ers)$", r"\1iz\2"),
        (r"(\w{2,})ys(e|ed|es|ing)$", r"\1yz\2"),
        (r"(\w{3,})tre(s|d|)$", r"\1ter\2"),
        (r"(\w{2,}[aeiou])ll(ed|ing|er|ers)$", r"\1l\2"),
        (r"(\w{3,})ogue(s|)$", r"\1og\2"),
        (r"(\w{2,})ence$", r"\1ense"),
        (r"^([^\W\d_]+)ß([^\W\d_]*)$", r"\1ss\2"),
    )
)
"""British and American spellings, and the Swiss ß: the same word."""
SAME_WORDS = {
    "whilst": "while", "amongst": "among", "towards": "toward", "grey": "gray", "programme": "program",
    "programmes": "programs", "learnt": "learned", "tyre": "tire", "judgement": "judgment", "per cent": "percent",
    "okay": "ok", "e-mail": "email", "colour": "color", "afterwards": "afterward", "skilful": "skillful",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Token:
    """A word, number or mark; `key` is what is compared."""

    text: str
    key: str
    start: int
    end: int
    kind: Change | None

    @property
    def is_mark(self) -> bool:
        return not self.key[:1].isalnum()


def tokens(text: str) -> list[Token]:
    """The tokens of a text, with offsets in it."""
    found: list[Token] = []
    opening = True
    for match in _TOKEN.finditer(text):
        word = match[0]
        key = _key(word)
        token = Token(word, key, match.start(), match.end(), _kind(word, key, opening))
        found.append(token)
        opening = word in '.!?:;"“„«»”([' if not token.key[:1].isalnum() else False
    return found


def _key(word: str) -> str:
    folded = fold(word)
    if folded[:1].isdigit():
        return number_key(folded)
    if folded in NUMERALS:
        return NUMERALS[folded]
    folded = folded.removesuffix("'s")
    if folded in SAME_WORDS:
        return SAME_WORDS[folded]
    for pattern, replacement in SPELLINGS:
        if pattern.match(folded):
            return pattern.sub(replacement, folded)
    return folded


def number_key(text: str) -> str:
    """`1,234.50`, `1.234,50`, `1 234.5` → `1234.5`: grouping and decimal signs of any country."""
    percent = "%" if text.endswith("%") else ""
    digits = re.sub(r"['’\u00a0\u202f\s]", "", text.rstrip("%"))
    last = max(digits.rfind("."), digits.rfind(","))
    if last >= 0:
        tail, sign = digits[last + 1 :], digits[last]
        grouped = (
            len(tail) == 3
            and digits.count(sign) >= 1
            and digits[:last].replace(".", "").replace(",", "") not in ("", "0")
        )
        whole = re.sub(r"[.,]", "", digits[:last])
        if grouped and not (digits.count(".") and digits.count(",")):
            return whole + tail + percent
        fraction = tail.rstrip("0")
        return (f"{whole}.{fraction}" if fraction else whole) + percent
    return digits + percent


def _kind(word: str, key: str, opening: bool) -> Change | None:
    folded = fold(word)
    if folded[:1].isdigit() or folded in NUMERALS or folded in SCALES:
        year = len(folded) == 4 and folded.isdigit() and "1000" <= folded <= "2199"
        return "date" if year else "number"
    if folded in MONTHS or folded in DAYS or (word in ("May", "Mar", "Mars") and not opening):
        return "date"
    if folded in NEGATIONS or folded.endswith("n't") or folded in HEDGES:
        return "negation"
    if word[:1].isupper() and (not opening or word[1:].lower() != word[1:]):
        return "name"
    return None
