"""RULES  What a payment pays off: which part of a debt, which item, which debt, in what order.

Invariant: the parts and the credit that is left sum to the payment, and no part is more than was owed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from itertools import groupby
from typing import Final

from portal.money import CurrencyMismatch, Money, share


class Component(Enum):
    """A part of what is owed on a debt, named as its ledger account."""

    COSTS = "costs"
    PENALTY = "penalty"
    FEES = "fees"
    INTEREST = "interest"
    PRINCIPAL = "principal"


Order = tuple[Component, ...]

# PRC Civil Code art. 561, where nothing else is agreed: costs of enforcement, then interest, then principal.
CN_561: Final[Order] = (
    Component.COSTS,
    Component.PENALTY,
    Component.FEES,
    Component.INTEREST,
    Component.PRINCIPAL,
)
# Shrinks the debt fastest; for hardship and settlement plans that agree to it.
PRINCIPAL_FIRST: Final[Order] = (
    Component.PRINCIPAL,
    Component.INTEREST,
    Component.FEES,
    Component.PENALTY,
    Component.COSTS,
)


class BadOrder(ValueError):
    """An order of payment that leaves out a part of the debt or names one twice."""


class NotAPayment(ValueError):
    """A payment or an amount owed that is below zero."""


@dataclass(frozen=True, slots=True)
class Allocation:
    """What a payment pays off of one debt, parts above zero in order, and what is left over as credit."""

    parts: tuple[tuple[Component, Money], ...]
    credit: Money

    def of(self, component: Component) -> Money:
        """Return what goes to one component, which may be nothing."""
        for each, amount in self.parts:
            if each is component:
                return amount
        return Money.zero(self.credit.currency)


def allocate(*, payment: Money, owed: Mapping[Component, Money], order: Order = CN_561) -> Allocation:
    """Divide a payment over the parts of one debt in the given order; what is left over is credit.

    500.00 over costs 30, penalty 20, interest 120 and principal 900 is 30, 20, 120 and 330. Source of the default
    order: PRC Civil Code art. 561.

    :raises BadOrder: if the order does not name each component once.
    :raises NotAPayment: if the payment or an amount owed is below zero.
    :raises portal.money.CurrencyMismatch: if an amount is of another currency.
    """
    if sorted(order, key=lambda each: each.value) != sorted(Component, key=lambda each: each.value):
        raise BadOrder(order)
    _check(payment, owed.values())
    parts: list[tuple[Component, Money]] = []
    left = payment
    for component in order:
        amount = min(left, owed.get(component, Money.zero(payment.currency)))
        if amount:
            parts.append((component, amount))
            left -= amount
    return Allocation(parts=tuple(parts), credit=left)


@dataclass(frozen=True, slots=True)
class DueItem:
    """What is open of one instalment."""

    seq: int
    interest: Money
    principal: Money


@dataclass(frozen=True, slots=True)
class ItemPart:
    """What a payment pays of one instalment."""

    seq: int
    component: Component
    amount: Money


@dataclass(frozen=True, slots=True)
class ItemAllocation:
    """What a payment pays instalment by instalment, then of the charges, and what is left over as credit."""

    items: tuple[ItemPart, ...]
    charges: tuple[tuple[Component, Money], ...]
    credit: Money


_CHARGES: Final = (Component.COSTS, Component.PENALTY, Component.FEES)


def allocate_per_item(
    *, payment: Money, items: Sequence[DueItem], charges: Mapping[Component, Money]
) -> ItemAllocation:
    """Divide a payment instalment by instalment, interest before principal, with the charges last.

    500.00 over items of interest 70, 50 and principal 300, 300 is 70, 300, 50 and 80.

    :raises NotAPayment: if the payment or an amount owed is below zero.
    :raises portal.money.CurrencyMismatch: if an amount is of another currency.
    """
    _check(payment, (amount for item in items for amount in (item.interest, item.principal)))
    _check(payment, charges.values())
    left = payment
    parts: list[ItemPart] = []
    for item in items:
        for component, owed in ((Component.INTEREST, item.interest), (Component.PRINCIPAL, item.principal)):
            amount = min(left, owed)
            if amount:
                parts.append(ItemPart(item.seq, component, amount))
                left -= amount
    paid: list[tuple[Component, Money]] = []
    for component in _CHARGES:
        amount = min(left, charges.get(component, Money.zero(payment.currency)))
        if amount:
            paid.append((component, amount))
            left -= amount
    return ItemAllocation(items=tuple(parts), charges=tuple(paid), credit=left)


@dataclass(frozen=True, slots=True)
class DebtDue:
    """One of several debts of a person to the same lender; the rate is what it costs a year, in percent."""

    debt: str
    owed: Money
    due_on: date | None
    secured: bool = False
    annual_rate: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Across:
    """What a payment pays of each debt, in the order in which the debts were given, and what is left over."""

    parts: tuple[tuple[str, Money], ...]
    credit: Money


def allocate_across(*, payment: Money, debts: Sequence[DebtDue], today: date, designated: str | None = None) -> Across:
    """Divide a payment over several debts: the one that the payer names first, then as the law says.

    Without a name: debts that are due before those that are not; of these the one without security, then the one that
    costs more a year, then the one due earlier; what is alike in all of that shares in proportion.
    Source: PRC Civil Code art. 560.

    :raises NotAPayment: if the payment or an amount owed is below zero.
    :raises KeyError: if the named debt is not among them.
    :raises portal.money.CurrencyMismatch: if a debt is of another currency.
    """
    _check(payment, (each.owed for each in debts))
    if designated is not None and designated not in {each.debt for each in debts}:
        raise KeyError(designated)

    def rank(each: DebtDue) -> tuple[bool, bool, bool, Decimal, date]:
        is_due = each.due_on is not None and each.due_on <= today
        return each.debt != designated, not is_due, each.secured, -each.annual_rate, each.due_on or date.max

    left = payment
    paid = {each.debt: Money.zero(payment.currency) for each in debts}
    for _, alike in groupby(sorted(debts, key=rank), key=rank):
        group = list(alike)
        owed = sum(each.owed.minor for each in group)
        if not owed or not left:
            continue
        now = min(left, Money(owed, payment.currency))
        for each, amount in zip(group, share(now, [each.owed.minor for each in group]), strict=True):
            paid[each.debt] = amount
        left -= now
    return Across(parts=tuple(paid.items()), credit=left)


def _check(payment: Money, amounts: Iterable[Money]) -> None:
    if payment.minor < 0:
        raise NotAPayment(payment)
    for amount in amounts:
        if amount.currency != payment.currency:
            raise CurrencyMismatch(amount.currency, payment.currency)
        if amount.minor < 0:
            raise NotAPayment(amount)
