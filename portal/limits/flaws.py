"""RULES  What is wrong with a text that should be a set of limits: what, where, and with which values; and in English.

Invariant: a flaw holds no words but what somebody typed and keys of the file, so it can be said in any language.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import TypeAlias


class Needed(Enum):
    """What a key takes; its value is the phrase, in which {} is what more has to be known of it."""

    TEXT = "a text in quotes"
    TEXTS = "a list of texts"
    TEXTS_OR_ENDS = "a list of texts, or {{ from = 1, to = 2 }}"
    DAY = "a date like 2026-01-31, without quotes"
    WHOLE = "a whole number"
    YES_OR_NO = "true or false"
    NUMBER = "a number like 5 or 5.5, without quotes"
    AMOUNT = "an amount in {} like 25 or 25.50, without quotes"
    RATE = "a yearly rate in percent like 4.5, without quotes"
    PERCENTAGE = "a percentage like 2.5, without quotes"
    ONE_OF = "one of: {}"
    SOME_OF = "a list of one or more of: {}"
    MONTHS = "a list of months from 1 to 12"
    SEASON_END = 'a day of a year like "09-01", or a date like 2026-09-01 without quotes'
    TABLE = "a table"
    TABLE_NAMED = "a table [{}]"
    TABLES = "at least one [[{}]]"


class Wrong(Enum):
    """What is wrong; its value is the sentence, in which numbers are the facts of a flaw."""

    NOT_TOML = "{0}"
    TOO_DEEP = "This file nests too deep: at most {0} tables or lists stand in one another."
    FILE_WITH_TOO_MANY_DIGITS = (
        "This is not a TOML file: a number has too many digits; {0} before the point and {1} after it are the most."
    )
    MORE = "And {0} more like these."
    TOO_MANY_CARDS = "{0} cards are too many; a file has at most {1}."
    OTHER_CURRENCY = "the amounts are in {0}, but this lender's debts are in {1}."
    SAME_NAME = "another card has the same name."
    TOO_LONG = "{0}is {1} signs long; {2} are the most."
    UNSEEN_SIGN = "{0}holds a sign that nobody sees ({1}); write it without."
    NO_ENDS = "has neither from nor to."
    NO_REDUCED_RATE = "is missing; a reduced policy needs it."
    TWO_SORTS_OF_ENDS = 'and from must both be days of a year ("09-01"), or both be dates (2026-09-01).'
    UNKNOWN_KEY = "this key is not known here. Known are: {0}."
    MISSING = "is missing; write {0}."
    TOO_MANY_DIGITS = "{0}: a number has too many digits; {1} before the point and {2} after it are the most."
    NOT_THAT = "{0} is not {1}."
    OUT_OF_BOUNDS = "{0} is out of bounds; it must be from {1} to {2}."
    NEGATIVE = "{0} is negative."
    NOT_ABOVE_ZERO = "must be above zero."
    NO_AMOUNT = "{0} has more decimals than {1} has, or is too large."
    NO_PERCENTAGE = "{0} is out of bounds; it must be from {1} to {2} percent."
    TOO_FINE = "{0} has more than two decimals."


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a key takes, with what more has to be known: a currency, the choices, or a name."""

    needed: Needed
    more: str = ""

    def __str__(self) -> str:
        return self.needed.value.format(self.more)


Fact: TypeAlias = str | int | Decimal | Wanted


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that is wrong: in which card (its name, or its number if it has none), at which key, and the facts."""

    why: Wrong
    card: str | int = ""
    key: str = ""
    facts: tuple[Fact, ...] = ()

    def __str__(self) -> str:
        facts = [str(each) for each in self.facts]
        if self.why in (Wrong.TOO_LONG, Wrong.UNSEEN_SIGN) and facts[0]:
            facts[0] = f"“{facts[0]}” "
        card = f'card "{self.card}": ' if isinstance(self.card, str) else f"card {self.card}: "
        said = self.why.value.format(*facts)
        return f"{card if self.card else ''}{self.key}{': ' if self.key else ''}{said}"
