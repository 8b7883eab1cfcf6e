"""RULES  What an answer is reckoned from beside the limits: what is owed, what is affordable, what was before.

Invariant: nothing here says who somebody is, how they reach us, or whether they disputed anything, so no answer can be
worse for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from portal.affordability.budget import Evidence
from portal.affordability.surplus import Surplus, share_across
from portal.money import Money
from portal.schedules.arrangements import Parts

# After so many answers without a yes a person takes over.
MOST_ROUNDS = 3


class PartsDontAddUp(ValueError):
    """The parts of a debt are not what is owed in all."""


@dataclass(frozen=True, slots=True)
class Owed:
    """What is owed, with the contract's yearly rate in percent, and the share of the balance that bears it.

    Interest runs on principal alone: of 2,000.00 that are half principal and half fees, half bears interest. The parts
    are asked for where something is let off; without them all of it counts as principal.
    """

    balance: Money
    annual_rate: Decimal = Decimal(0)
    bearing: Fraction = Fraction(1)
    parts: Parts | None = None
    days_late: int = 0

    def __post_init__(self) -> None:
        if self.parts is not None and self.parts.total != self.balance:
            raise PartsDontAddUp(self.parts, self.balance)

    @property
    def in_parts(self) -> Parts:
        """The parts, all of it principal where they are not known."""
        if self.parts is not None:
            return self.parts
        nothing = Money.zero(self.balance.currency)
        return Parts(principal=self.balance, interest=nothing, penalty=nothing, fees=nothing, costs=nothing)


@dataclass(frozen=True, slots=True)
class Means:
    """This debt's part of what somebody has left over in a month (zero or below: nothing), and how surely."""

    amount: Money
    evidence: Evidence = Evidence.DECLARED


def means_of(surplus: Surplus, *, balances: Sequence[Money]) -> tuple[Means | None, ...]:
    """Return what a surplus gives each of a person's debts; None each where the figures are only for comparing.

    180.00 over 3,600, 1,200 and 7,200 is 54.00, 18.00 and 108.00. Nothing left over is nothing for each.

    :raises portal.money.CurrencyMismatch: if a balance is of another currency.
    :raises portal.money.CannotDivide: if nothing is owed.
    """
    if surplus.benchmark_only:
        return (None,) * len(balances)
    return tuple(Means(amount, surplus.evidence) for amount in share_across(surplus=surplus.amount, balances=balances))


@dataclass(frozen=True, slots=True)
class History:
    """What was agreed before on this debt, and how often it was answered since the last plan.

    `payments_since_pause` is None if there never was a pause, `days_since_break` if no plan was broken. Rounds are
    answers without a yes, this one not counted.
    """

    pause_months_in_12: int = 0
    payments_since_pause: int | None = None
    plans_in_12_months: int = 0
    plans_in_all: int = 0
    days_since_break: int | None = None
    rounds: int = 0


NO_HISTORY = History()
