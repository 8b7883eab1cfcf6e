"""RULES  What a lender allows: least payment, longest term, first date, interest, by balance, lateness and product.

Invariant: the first card that fits a debt is the one that counts, in the order in which the lender wrote them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Final

from portal.money import Money
from portal.schedules.dates import Frequency

_WHOLE_BPS: Final = 10_000


class InterestPolicy(Enum):
    """What happens to interest while a plan runs."""

    CONTRACT = "contract"
    REDUCED = "reduced"
    FROZEN = "frozen"


@dataclass(frozen=True, slots=True)
class Limits:
    """What plans one card allows. Money is a month's unless it says otherwise; rates are percent a year."""

    min_payment: Money
    min_percent_bps: int
    hardship_min_payment: Money
    max_term_months: int
    hardship_max_term_months: int
    first_payment_within_days: int
    frequencies: tuple[Frequency, ...]
    interest_policy: InterestPolicy
    reduced_rate: Decimal | None
    auto_accept_months: int
    grace_days: int
    cure_days: int
    tolerance: Money
    offer_validity_days: int
    cushion_bps: int
    affordability_step: Money
    step_months: int

    def least_payment(self, *, balance: Money) -> Money:
        """Return the least payment a month: the larger of the amount and the percentage, never above the balance.

        Least 50.00 and 2% of 3,600.00 (72.00) is 72.00; of a balance of 30.00 it is 30.00.
        """
        percent = Money(-(-balance.minor * self.min_percent_bps // _WHOLE_BPS), balance.currency)
        return min(max(self.min_payment, percent), balance)

    def plan_rate(self, *, contract_rate: Decimal) -> Decimal:
        """Return the yearly rate in percent that a plan bears; a reduced rate is never above the contract's."""
        if self.interest_policy is InterestPolicy.FROZEN:
            return Decimal(0)
        if self.interest_policy is InterestPolicy.REDUCED and self.reduced_rate is not None:
            return min(self.reduced_rate, contract_rate)
        return contract_rate


@dataclass(frozen=True, slots=True)
class When:
    """The debts that a card is for; both ends of a band belong to it, and an open end is None."""

    balance_from: Money | None = None
    balance_to: Money | None = None
    days_late_from: int | None = None
    days_late_to: int | None = None
    products: tuple[str, ...] = ()

    def fits(self, *, balance: Money, days_late: int, product: str) -> bool:
        """Tell whether a debt is one of these."""
        return (
            (self.balance_from is None or balance >= self.balance_from)
            and (self.balance_to is None or balance <= self.balance_to)
            and (self.days_late_from is None or days_late >= self.days_late_from)
            and (self.days_late_to is None or days_late <= self.days_late_to)
            and (not self.products or product in self.products)
        )


@dataclass(frozen=True, slots=True)
class Card:
    """One rule as lender staff read it: a name, which debts, and what they may be offered."""

    name: str
    when: When
    limits: Limits


@dataclass(frozen=True, slots=True)
class LimitsSet:
    """One version of a lender's limits: cards in order of precedence."""

    name: str
    effective_from: date
    cards: tuple[Card, ...]

    def limits_for(self, *, balance: Money, days_late: int, product: str) -> Card | None:
        """Return the first card that fits a debt, or None where the lender has written no rule for it."""
        for card in self.cards:
            if card.when.fits(balance=balance, days_late=days_late, product=product):
                return card
        return None
