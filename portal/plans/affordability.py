"""RULES  What somebody can afford to pay in a month, from a short budget or a figure of their own.

Invariant: a surplus may be negative and is then said so; what is asked for is never more than the surplus.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import Final

from portal.money import CannotDivide, CurrencyMismatch, Money, share

_WHOLE_BPS: Final = 10_000


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


@dataclass(frozen=True, slots=True)
class Budget:
    """A short budget, in amounts a month: what comes in, what must be paid, what is spent on living, what is put by.

    `savings` is the part of what is left over that is kept as savings, up to `savings_most`.
    """

    income: Money
    fixed_costs: Money
    living_costs: Money
    savings_bps: int = 0
    savings_most: Money | None = None

    @property
    def left_over(self) -> Money:
        """Income less all costs; below zero where the costs are higher."""
        return self.income - self.fixed_costs - self.living_costs

    @property
    def savings(self) -> Money:
        """What is put by: the given part of what is left over, rounded half up, up to the most; 27.80 with most 20.00
        is 20.00."""
        if self.left_over.minor <= 0:
            return Money.zero(self.income.currency)
        part = (2 * self.left_over.minor * self.savings_bps + _WHOLE_BPS) // (2 * _WHOLE_BPS)
        allowed = Money(part, self.income.currency)
        return allowed if self.savings_most is None else min(allowed, self.savings_most)

    @property
    def surplus(self) -> Money:
        """What is left over for debts in a month after savings; 1,650.00 less 1,372.00 less 20.00 is 258.00."""
        return self.left_over - self.savings


def surplus_with_standards(
    *, income: Money, standard: Money, capped: Sequence[tuple[Money, Money]], actual: Sequence[Money]
) -> Money:
    """Return the monthly surplus where a standard amount is allowed unasked and some costs only up to a local standard.

    `capped` are pairs of (what is spent, what is allowed at most); `actual` counts in full. Income 3,200 with standard
    839, housing 1,450 of 1,300, a car 420 of 500 and health 84 leaves 557. Source: IRS collection financial standards.
    """
    surplus = income - standard
    for spent, most in capped:
        surplus -= min(spent, most)
    for cost in actual:
        surplus -= cost
    return surplus


def share_across(*, surplus: Money, balances: Sequence[Money]) -> tuple[Money, ...]:
    """Return each debt's part of a surplus, in proportion to what is owed, summing to the whole.

    180.00 over 3,600, 1,200 and 7,200 is 54.00, 18.00 and 108.00. A surplus below zero is shared as nothing.

    :raises CurrencyMismatch: if a balance is of another currency.
    :raises CannotDivide: if nothing is owed.
    """
    for balance in balances:
        if balance.currency != surplus.currency:
            raise CurrencyMismatch(balance.currency, surplus.currency)
    if surplus.minor <= 0:
        return (Money.zero(surplus.currency),) * len(balances)
    return share(surplus, [balance.minor for balance in balances])


def affordable(*, surplus: Money, cushion_bps: int, step: Money) -> Money:
    """Return what can be asked for in a month: the surplus less a cushion, rounded down to a whole number of steps.

    A surplus of 180.00 with a cushion of 10% and steps of 1.00 is 162.00; without a surplus it is zero.

    :raises CurrencyMismatch: if the step is of another currency.
    :raises CannotDivide: if the step is not above zero.
    """
    if step.currency != surplus.currency:
        raise CurrencyMismatch(step.currency, surplus.currency)
    if step.minor <= 0:
        raise CannotDivide(step)
    if surplus.minor <= 0:
        return Money.zero(surplus.currency)
    kept = surplus.minor * (_WHOLE_BPS - cushion_bps) // _WHOLE_BPS
    return Money(kept - kept % step.minor, surplus.currency)
