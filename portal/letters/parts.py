"""What several letters say in the same way: the parts of a debt, a payment of a plan, and what was said before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from portal.money import Money


class Component(StrEnum):
    """The parts that a debt is made of, as in the ledger."""

    PRINCIPAL = "principal"
    INTEREST = "interest"
    PENALTY = "penalty"
    FEES = "fees"
    COSTS = "costs"


class Entry(StrEnum):
    """What a line of a statement is."""

    OPENING = "opening"  # The balance as the lender handed it over.
    INTEREST = "interest"
    PENALTY = "penalty"
    FEE = "fee"
    COST = "cost"
    PAYMENT = "payment"
    REFUND = "refund"
    REFUND_FAILED = "refund-failed"  # It did not arrive, and counts as paid again.
    TAKEN_BY_BANK = "taken-by-bank"
    GIVEN_BY_BANK = "given-by-bank"  # A question of the bank was answered, and the payment counts again.
    PLACED = "placed"  # Money that had waited was found to be for this debt.
    CREDIT_USED = "credit-used"  # Money that was paid too much was used for this debt, or from it for another.
    CREDIT_USE_UNDONE = "credit-use-undone"
    ADJUSTMENT = "adjustment"
    WAIVER = "waiver"
    WRITE_OFF = "write-off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """One amount for each part of a debt, all in one currency."""

    principal: Money
    interest: Money
    penalty: Money
    fees: Money
    costs: Money

    @property
    def total(self) -> Money:
        """Add up the five parts."""
        return self.principal + self.interest + self.penalty + self.fees + self.costs

    def parts(self) -> tuple[tuple[Component, Money], ...]:
        """Return each part with its name, in the order in which a letter lists them."""
        return tuple((component, getattr(self, component.value)) for component in Component)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instalment:
    """One payment of a plan, and what is left of the plan's total once it is paid."""

    number: int
    due: date
    amount: Money
    left: Money
    waived: Money | None = None  # Let off once this payment has arrived.


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A paragraph of what was said, in the words in which it was said: its lines, and a title where it had one."""

    title: str | None
    lines: tuple[str, ...]
