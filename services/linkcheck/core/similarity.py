"""How alike two texts are: word shingles (Broder 1997), as resemblance and as containment."""

import re
from functools import lru_cache

_WORD = re.compile(r"\w+")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]")
_DIGITS = re.compile(r"\d+")


@lru_cache(maxsize=16)
def shingles(text: str, size: int = 3, limit: int = 20_000) -> frozenset[int]:
    """Runs of `size` words (characters in scripts without spaces), numbers made alike; each as its hash."""
    words = _words(_DIGITS.sub("0", text[: limit * 8].casefold()))[:limit]
    if len(words) < size:
        return frozenset((hash(tuple(words)),) if words else ())
    return frozenset(map(hash, zip(*(words[first:] for first in range(size)), strict=False)))


def _words(text: str) -> list[str]:
    if not text.isascii() and _UNSPACED.search(text):
        text = _UNSPACED.sub(r" \g<0> ", text)
    return _WORD.findall(text)


def resemblance(left: str, right: str) -> float:
    """0 (nothing in common) to 1 (the same words in the same order)."""
    a, b = shingles(left), shingles(right)
    common = len(a & b)
    return common / (len(a) + len(b) - common) if a or b else 1.0


def containment(inner: str, outer: str) -> float:
    """How much of `inner` stands in `outer` too, 0 to 1."""
    a = shingles(inner)
    return len(a & shingles(outer)) / len(a) if a else 0.0


def words(text: str) -> frozenset[str]:
    """The words of a text, caseless, three letters or more (any length in scripts without spaces)."""
    return frozenset(word for word in _words(text.casefold()) if len(word) > 2 or _UNSPACED.match(word))
