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

from portal.limits.cards import Order
from portal.money import CurrencyMismatch, Money, share, total


class Component(Enum):
    """A part of what is owed on a debt, named as its ledger account."""

    COSTS = "costs"
    PENALTY = "penalty"
    FEES = "fees"
    INTEREST = "interest"
    PRINCIPAL = "principal"


Parts = tuple[Component, ...]

# PRC Civil Code art. 561, where nothing else is agreed: costs of enforcement, then interest, then principal.
CN_561: Final[Parts] = (
    Component.COSTS,
    Component.PENALTY,
    Component.FEES,
    Component.INTEREST,
    Component.PRINCIPAL,
)
# Shrinks the debt fastest; for hardship and settlement plans that agree to it.
PRINCIPAL_FIRST: Final[Parts] = (
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


def allocate(*, payment: Money, owed: Mapping[Component, Money], order: Parts = CN_561) -> Allocation:
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
    nothing = Money.zero(payment.currency)
    return _walk(payment, owed, [(component, owed.get(component, nothing)) for component in order])


def _walk(payment: Money, pool: Mapping[Component, Money], steps: Iterable[tuple[Component, Money]]) -> Allocation:
    """Spend a payment step by step, on each at most its amount and what is left of its component."""
    left, given = payment, dict.fromkeys(Component, Money.zero(payment.currency))
    parts: dict[Component, Money] = {}
    for component, most in steps:
        amount = min(left, most, pool.get(component, given[component]) - given[component])
        if amount.minor > 0:
            given[component] += amount
            parts[component] = given[component]
            left -= amount
    return Allocation(parts=tuple(parts.items()), credit=left)


@dataclass(frozen=True, slots=True)
class DueItem:
    """What is open of one instalment."""

    seq: int
    interest: Money
    principal: Money


_CHARGES: Final = (Component.COSTS, Component.PENALTY, Component.FEES)


# By instalment, what no instalment speaks of is paid last.
_AFTER_ITEMS: Final = (*_CHARGES, Component.INTEREST, Component.PRINCIPAL)


def pay_off(
    *, payment: Money, owed: Mapping[Component, Money], order: Order, items: Sequence[DueItem] = ()
) -> Allocation:
    """Divide a payment over the parts of one debt as its lender has it; what is left over is credit.

    By instalment `items` has what is open of each, and no part gets more than stands in the books. 500.00 over items of
    interest 70, 50 and principal 300, 300 with interest 120 and principal 900 in the books is interest 120 and
    principal 380.

    :raises NotAPayment: if the payment or an amount owed is below zero.
    :raises portal.money.CurrencyMismatch: if an amount is of another currency.
    """
    if order is not Order.BY_INSTALMENT:
        return allocate(payment=payment, owed=owed, order=_PARTS_OF[order])
    _check(payment, owed.values())
    return _walk(payment, owed, [*_of_items(items), *((each, payment) for each in _AFTER_ITEMS)])


def give_back(
    *, amount: Money, paid: Mapping[Component, Money], order: Order, items: Sequence[DueItem] = ()
) -> Allocation:
    """Divide what goes back over what was paid of one debt: what was paid off last is owed again first.

    So what is left of the money lies where it would if no more had ever come, unless the instalments ask for more of a
    part than was ever in the books. By instalment `items` has what is paid of each. What goes back beyond what was paid
    is left over as credit.

    :raises NotAPayment: if an amount is below zero.
    :raises portal.money.CurrencyMismatch: if an amount is of another currency.
    """
    if order is not Order.BY_INSTALMENT:
        return allocate(payment=amount, owed=paid, order=_PARTS_OF[order][::-1])
    _check(amount, paid.values())
    nothing = Money.zero(amount.currency)
    in_items = _walk(total(paid.values(), currency=amount.currency), paid, _of_items(items))
    beyond = [(each, paid.get(each, nothing) - in_items.of(each)) for each in _AFTER_ITEMS]
    return _walk(amount, paid, [*beyond[::-1], *_of_items(items)[::-1]])


_PARTS_OF: Final = {Order.COSTS_FIRST: CN_561, Order.PRINCIPAL_FIRST: PRINCIPAL_FIRST}


def _of_items(items: Sequence[DueItem]) -> list[tuple[Component, Money]]:
    return [
        step for item in items for step in ((Component.INTEREST, item.interest), (Component.PRINCIPAL, item.principal))
    ]


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
