"""One word, number or mark of a text."""

from dataclasses import dataclass

from shared.events import Change


@dataclass(frozen=True, slots=True)
class Token:
    """A word, number or mark of a text. `key` is what is compared, `start` and `end` are offsets in the text."""

    key: str
    start: int
    end: int
    kind: Change | None = None
    is_mark: bool = False
    opening: bool = False
    """Stands where any word has a capital: at the beginning of a sentence or quotation."""


def is_number(key: str) -> bool:
    """Whether a key is a number (all numerals are figures by now)."""
    return key[:1].isdecimal()
