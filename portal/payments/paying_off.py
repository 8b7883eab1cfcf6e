"""What money pays off of a debt as it stands in the books, and what goes back of it: in the order of its lender.

Invariant: as long as the order stays, and the books have what the instalments ask for, what is paid of each part
depends on how much money came less what went back, and not on the order in which it did.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date

from sqlalchemy import func, select

from portal.db import session
from portal.debts.statement import by_id
from portal.ledger import CASH, OWED, Account, Book, Move, Transfer
from portal.limits.cards import Order
from portal.money import Money
from portal.payments.allocation import Allocation, Component, DueItem, give_back, pay_off
from portal.plans import progress, waivers
from portal.plans.allowed import NoLimits, limits_in_force
from portal.plans.models import LIVE_STATES, Plan, PlanItem, Quote
from portal.plans.quoting import orders_in
from portal.plans.states import State

_MISSED = (State.AT_RISK.value, State.BROKEN.value)
_KEEPS_ITS_ORDER = (*LIVE_STATES, State.COMPLETED.value)


def order_of(*, lender_id: uuid.UUID, debt_id: uuid.UUID, plan: Plan | None, today: date) -> Order:
    """Give the order for a debt: as its plan was agreed, by how it is kept; without one as its card has it today."""
    if plan is not None and plan.state in _KEEPS_ITS_ORDER:
        kept, missed = orders_in(session.get_one(Quote, (lender_id, plan.quote_id)))
        return missed if plan.state in _MISSED else kept
    try:
        card = limits_in_force(by_id(lender_id=lender_id, debt_id=debt_id), today=today)
    except NoLimits:
        return Order.COSTS_FIRST
    return card.limits.orders.without_plan


def off(book: Book, *, plan: Plan | None, amount: Money, today: date) -> Allocation:
    """Give what an amount pays off of a debt, as it stands now; its book is locked.

    What the plan will let off is not paid off: who pays more than the plan asks has it as credit.
    """
    order = order_of(lender_id=book.lender_id, debt_id=book.id, plan=plan, today=today)
    return pay_off(
        payment=amount,
        owed=_by_component(waivers.asked_of(book, plan)),
        order=order,
        items=[_open(item, book.currency, today=today) for item in _items(plan, order)],
    )


def back(
    book: Book, *, plan: Plan | None, amount: Money, today: date, cash: Account = Account.CASH_STRIPE
) -> list[Move]:
    """Give the moves by which an amount goes back from a debt to the payer: what was paid off last is owed again first.

    Credit that was not used goes before anything is owed again. The book is locked, and as much has come on it.
    """
    order = order_of(lender_id=book.lender_id, debt_id=book.id, plan=plan, today=today)
    credit = min(amount, book.credit)
    found = give_back(
        amount=amount - credit,
        paid=_paid_on(book),
        order=order,
        items=[_paid(item, book.currency, today=today) for item in _items(plan, order)],
    )
    parts = {Account(part.value): minor for part, minor in found.parts}
    return [Move(book.id, cash, account, some) for account, some in {Account.CREDIT: credit, **parts}.items() if some]


def moves_of(debt_id: uuid.UUID, paid: Allocation, *, cash: Account = Account.CASH_STRIPE) -> list[Move]:
    """Give the moves of money that came on a debt, with what is left over as credit."""
    moves = [Move(debt_id, Account(part.value), cash, amount) for part, amount in paid.parts]
    return [*moves, Move(debt_id, Account.CREDIT, cash, paid.credit)]


def _paid_on(book: Book) -> dict[Component, Money]:
    """Give what was paid of each part of a debt and has not come back, by payments and by credit that was used."""
    here = (*CASH, Account.SET_OFF.value)
    found = dict.fromkeys(OWED, 0)
    for source, target, minor in session.execute(
        select(Transfer.from_account, Transfer.to_account, func.sum(Transfer.amount_minor))
        .where(
            Transfer.lender_id == book.lender_id,
            Transfer.book_id == book.id,
            Transfer.from_account.in_(here) | Transfer.to_account.in_(here),
        )
        .group_by(Transfer.from_account, Transfer.to_account)
    ):
        for account, sign in ((source, 1), (target, -1)):
            if account in found:
                found[Account(account)] += sign * int(minor)
    return _by_component({account: Money(max(minor, 0), book.currency) for account, minor in found.items()})


def _by_component(parts: Mapping[Account, Money]) -> dict[Component, Money]:
    return {Component(account.value): amount for account, amount in parts.items()}


def _items(plan: Plan | None, order: Order) -> list[PlanItem]:
    return progress.items_of(plan) if plan is not None and order is Order.BY_INSTALMENT else []


def _open(item: PlanItem, currency: str, *, today: date) -> DueItem:
    """Give what is open of an instalment; interest that has not come due is not in the books, so nothing pays it."""
    interest = max(item.interest_minor - item.paid_minor, 0) if item.due_on <= today else 0
    return DueItem(item.seq, Money(interest, currency), Money(item.amount_minor - item.paid_minor - interest, currency))


def _paid(item: PlanItem, currency: str, *, today: date) -> DueItem:
    interest = min(item.interest_minor, item.paid_minor) if item.due_on <= today else 0
    return DueItem(item.seq, Money(interest, currency), Money(item.paid_minor - interest, currency))
