"""RULES  A budget as somebody states it: groups of income and costs, how often each comes, exactly or as a range.

Invariant: no amount is negative, all are of one currency, and a low end is never above its high end.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import Final

from portal.money import CurrencyMismatch, Money, total


class BadBudget(ValueError):
    """An amount is negative, a range is upside down, or nobody lives in the household."""


class Every(Enum):
    """How often an income or a cost comes."""

    WEEK = "week"
    FORTNIGHT = "fortnight"
    FOUR_WEEKS = "four_weeks"
    MONTH = "month"
    YEAR = "year"


_A_MONTH: Final = {
    Every.WEEK: Fraction(52, 12),
    Every.FORTNIGHT: Fraction(26, 12),
    Every.FOUR_WEEKS: Fraction(13, 12),
    Every.MONTH: Fraction(1),
    Every.YEAR: Fraction(1, 12),
}


def monthly(*, amount: Money, every: Every) -> Money:
    """Return what an amount comes to in a month, rounded half up: 310.00 a fortnight is 671.67."""
    exact = amount.minor * _A_MONTH[every]
    return Money((2 * exact.numerator + exact.denominator) // (2 * exact.denominator), amount.currency)


class Group(Enum):
    """What an amount of a budget is for. The groups are those of the Standard Financial Statement, from memory (R)."""

    EARNINGS = "earnings"
    BENEFITS = "benefits"
    PENSION_INCOME = "pension_income"
    OTHER_INCOME = "other_income"

    HOME = "home"
    UTILITIES = "utilities"
    WATER = "water"
    HEALTH = "health"
    TRANSPORT = "transport"
    SCHOOL = "school"
    INSURANCE = "insurance"
    PROFESSIONAL = "professional"
    OTHER_ESSENTIAL = "other_essential"
    TAXES = "taxes"
    PRIORITY_DEBTS = "priority_debts"

    LEISURE = "leisure"
    FOOD = "food"
    PERSONAL = "personal"


INCOME: Final = frozenset({Group.EARNINGS, Group.BENEFITS, Group.PENSION_INCOME, Group.OTHER_INCOME})
# What a household can spend more or less on; only these have spending guidelines.
FLEXIBLE: Final = frozenset({Group.LEISURE, Group.FOOD, Group.PERSONAL})
COSTS: Final = tuple(group for group in Group if group not in INCOME)


class Evidence(Enum):
    """How surely an amount is known, from the weakest grade to the strongest."""

    DECLARED = "declared"
    DOCUMENTED = "documented"
    OPEN_BANKING = "open_banking"
    ADVISER_CERTIFIED = "adviser_certified"


_GRADES: Final = tuple(Evidence)


@dataclass(frozen=True, slots=True)
class Line:
    """One amount of a budget; `high` only where somebody gave a range, from `low` to `high`.

    :raises BadBudget: if an amount is negative or the range is upside down.
    """

    group: Group
    low: Money
    every: Every = Every.MONTH
    high: Money | None = None
    evidence: Evidence = Evidence.DECLARED

    def __post_init__(self) -> None:
        if self.low.minor < 0 or (self.high is not None and self.high < self.low):
            raise BadBudget(self.group, self.low, self.high)

    @property
    def least(self) -> Money:
        """What it comes to in a month at least."""
        return monthly(amount=self.low, every=self.every)

    @property
    def most(self) -> Money:
        """What it comes to in a month at most."""
        return monthly(amount=self.low if self.high is None else self.high, every=self.every)


@dataclass(frozen=True, slots=True)
class Household:
    """Who lives on the budget.

    :raises BadBudget: if there is no adult or a negative number of children.
    """

    adults: int = 1
    children: int = 0

    def __post_init__(self) -> None:
        if self.adults < 1 or self.children < 0:
            raise BadBudget(self.adults, self.children)


@dataclass(frozen=True, slots=True)
class Budget:
    """All that somebody states. `explained` are the groups for which a reason was given; the words are kept elsewhere.

    :raises CurrencyMismatch: if a line is of another currency.
    """

    currency: str
    lines: tuple[Line, ...]
    household: Household = Household()
    explained: frozenset[Group] = frozenset()

    def __post_init__(self) -> None:
        for line in self.lines:
            if line.low.currency != self.currency:
                raise CurrencyMismatch(line.low.currency, self.currency)

    def least(self, groups: Iterable[Group]) -> Money:
        """Return what the groups come to in a month at least."""
        wanted = frozenset(groups)
        return total((line.least for line in self.lines if line.group in wanted), currency=self.currency)

    def most(self, groups: Iterable[Group]) -> Money:
        """Return what the groups come to in a month at most."""
        wanted = frozenset(groups)
        return total((line.most for line in self.lines if line.group in wanted), currency=self.currency)

    def stated(self, groups: Iterable[Group]) -> tuple[Group, ...]:
        """Return those of the groups for which something was stated, in the order of `Group`."""
        found = {line.group for line in self.lines}
        wanted = frozenset(groups)
        return tuple(group for group in Group if group in found and group in wanted)

    @property
    def evidence(self) -> Evidence:
        """The weakest grade of all lines: one that is only declared makes the whole only declared."""
        return min((line.evidence for line in self.lines), key=_GRADES.index, default=Evidence.DECLARED)
