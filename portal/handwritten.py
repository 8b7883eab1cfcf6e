"""RULES  A file in TOML that somebody wrote by hand, read within bounds that hold for every such file.

Invariant: whatever stands in the text, it is read or refused with a sentence: nothing nests so deep, and no number has
so many digits, that what comes after could fail on it.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any, Final

MOST_DIGITS: Final = 15  # before the point
MOST_DECIMALS: Final = 9
DEEPEST: Final = 12
_LONGEST_SHOWN: Final = 60
# As it is typed: what a Decimal of these few signs comes to is looked at below.
_SHORT_NUMBER: Final = re.compile(r"[+-]?[0-9_]{1,40}(\.[0-9_]{1,40})?([eE][+-]?[0-9_]{1,3})?|[+-]?(inf|nan)", re.ASCII)

# The reader says it in its message alone; "at end of document" has none.
_LINE: Final = re.compile(r"at line ([0-9]+), column [0-9]+\)$", re.ASCII)


class Why(Enum):
    """Why a text is no such file."""

    NOT_TOML = "not_toml"
    TOO_MANY_DIGITS = "too_many_digits"
    TOO_DEEP = "too_deep"


class NotRead(ValueError):
    """The text is no such file: `why`, as a `sentence` too, and if it is no TOML, in which line (from 1)."""

    def __init__(self, why: Why, sentence: str, *, line: int = 0) -> None:
        super().__init__(sentence)
        self.why = why
        self.sentence = sentence
        self.line = line


@dataclass(frozen=True, slots=True)
class TooLong:
    """A number with too many digits, as it was typed."""

    typed: str

    def __repr__(self) -> str:
        return self.typed


def read(text: str) -> dict[str, Any]:
    """Read a text; numbers with a point are decimal, and one with too many digits is `TooLong`.

    :raises NotRead: if it is not TOML, or nests too deep.
    """
    try:
        raw = tomllib.loads(text, parse_float=_number)
    except tomllib.TOMLDecodeError as error:
        at = _LINE.search(str(error))
        line = int(at[1]) if at else text.rstrip().count("\n") + 1
        raise NotRead(Why.NOT_TOML, f"This is not a TOML file: {shown(str(error))}.", line=line) from error
    except RecursionError as error:
        raise NotRead(Why.TOO_DEEP, _TOO_DEEP) from error
    except ValueError as error:
        # The one thing that the reader leaves to Python: a whole number of thousands of digits.
        raise NotRead(Why.TOO_MANY_DIGITS, f"This is not a TOML file: {_TOO_MANY_DIGITS}.") from error
    _look_through(raw)
    return raw


def _number(typed: str) -> Decimal | TooLong:
    if not _SHORT_NUMBER.fullmatch(typed):
        return TooLong(typed)
    value = Decimal(typed.replace("_", ""))
    return TooLong(typed) if value.is_finite() and not is_in_bounds(value) else value


def is_in_bounds(value: Decimal | int) -> bool:
    """Tell whether a number has few enough digits before and after its point."""
    if isinstance(value, int):
        return abs(value) < 10**MOST_DIGITS
    exponent = value.as_tuple().exponent
    return (
        isinstance(exponent, int)
        and -MOST_DECIMALS <= exponent <= MOST_DIGITS
        and (not value or value.adjusted() < MOST_DIGITS)
    )


def _look_through(raw: dict[str, Any]) -> None:
    """Mark whole numbers that are too long, and refuse what nests too deep; without calling itself, for that."""
    left: list[tuple[Any, int]] = [(raw, 1)]
    while left:
        holder, depth = left.pop()
        if depth > DEEPEST:
            raise NotRead(Why.TOO_DEEP, _TOO_DEEP)
        for key, value in list(holder.items() if isinstance(holder, dict) else enumerate(holder)):
            if isinstance(value, dict | list):
                left.append((value, depth + 1))
            elif type(value) is int and not is_in_bounds(value):
                # In hexadecimal a number of any length is read, and Python would not write it.
                holder[key] = TooLong(hex(value))


def shown(value: object) -> str:
    """Give what was typed as it stands in a sentence: not longer than a line."""
    words = value if isinstance(value, str) else repr(value)
    return words if len(words) <= _LONGEST_SHOWN else f"{words[:_LONGEST_SHOWN]}…"


_TOO_MANY_DIGITS: Final = (
    f"a number has too many digits; {MOST_DIGITS} before the point and {MOST_DECIMALS} after it are the most"
)
_TOO_DEEP: Final = f"This file nests too deep: at most {DEEPEST} tables or lists stand in one another."
