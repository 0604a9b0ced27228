"""What goes to the processes and back stays what it was."""

import pickle
import re
from dataclasses import dataclass, field

import pytest

from shared.piecework import LENGTH, message


@dataclass(frozen=True, slots=True)
class Pair:
    one: int
    other: "Pair | None" = None


@dataclass(frozen=True, slots=True)
class Single:
    value: tuple[int, ...]


@dataclass(slots=True)
class Named:
    """Not made by values in order."""

    value: int = field(kw_only=True)
    made: int = field(default=0, init=False)


@dataclass(slots=True)
class Refined:
    """Another of it would be refined again."""

    value: int

    def __post_init__(self) -> None:
        self.value += 1


@dataclass
class Loose:
    value: int


@dataclass(frozen=True, slots=True)
class Nothing:
    pass


def there_and_back(value: object) -> object:
    written = message(value)
    assert int.from_bytes(written[:LENGTH], "big") == len(written) - LENGTH
    return pickle.loads(written[LENGTH:])


@pytest.mark.parametrize(
    "value",
    [
        Pair(1, Pair(2)), Single((1, 2)), Refined(1), Loose(3), Nothing(), None, [b"x" * 100_000],
        re.compile("a+"), {"k": Pair(1)},
    ],
)  # fmt: skip
def test_values_come_as_they_were(value: object) -> None:
    assert there_and_back(value) == value


def test_what_was_set_later_comes_too() -> None:
    named = Named(value=1)
    named.made = 7
    found = there_and_back(named)
    assert isinstance(found, Named)
    assert (found.value, found.made) == (1, 7)


def test_one_object_named_twice_stays_one() -> None:
    pair = Pair(1)
    one, other = there_and_back([pair, pair])  # type: ignore[misc]
    assert one is other
