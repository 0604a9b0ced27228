"""Whether a sentence with the words of a call or a notice is one, or a claim that speaks of such things.

A call speaks to the reader: it begins with its verb, or says "you" and "we"; and what it links is the act itself
(`sign up`, `here`, an address). "Voters must register for the election" is none, nor is what somebody is quoted with.
"""

import re

from services.ingest.core import phrases
from services.ingest.core.claims import ends

LEAST_LOOSE = 5
"""Words outside of the link that make a sentence of the line."""
LONG = 25
"""Words from which a sentence says more than its call."""
TELLING = 3
"""Words of an anchor that can name what a claim says."""

_QUOTED = re.compile(r"“[^“”]*”|\"[^\"]*\"|«[^«»]*»|„[^„“”]*[“”]|「[^「」]*」")
_WORD = re.compile(r"[^\W_]+")


def is_claim(sentence: str, anchor: str, wording: phrases.Wording, *, address: str, own: bool) -> bool:
    """Whether a sentence in which the wording was found makes a claim with this link all the same. `address` is the
    link's path and query, `own` whether it leads to the article's own site."""
    if not ends(sentence) or _count(sentence) - _count(anchor) < LEAST_LOOSE:
        return False
    said = _QUOTED.sub(lambda quoted: " " * len(quoted[0]), sentence)
    found = [match.span() for match in wording.pattern.finditer(said)]
    if not found:
        return True  # quoted: somebody else's call
    if phrases.COURTEOUS.fullmatch(said[: found[0][0]]) and not phrases.DECLARES.match(said[found[0][0] :]):
        return False
    acts = _acts(sentence, anchor, found)
    if not phrases.PERSONS.search(said):
        return wording.kind == "call" or not acts
    if own or _count(anchor) < TELLING:
        return False
    return not acts or (_count(sentence) >= LONG and not phrases.ACT_PATH.search(address))


def _count(text: str) -> int:
    return len(_WORD.findall(text))


def _acts(sentence: str, anchor: str, found: list[tuple[int, int]]) -> bool:
    """Whether the link is the act: it lies in its words, or says that it is."""
    at = sentence.find(anchor)
    inside = any(start < at + len(anchor) and at < end for start, end in found)
    return inside or phrases.ACT.search(anchor) is not None
