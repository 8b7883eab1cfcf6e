"""All that home shows of a person, in one statement of plain columns: debts, books, plans, and what is on its way.

The page of one debt has such a statement too.

Only where a payment is late by the calendar two more say whether holds left that day out.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import BindParameter, Row, String, bindparam, case, func, literal_column, select

from portal.autopay.models import Autopay
from portal.autopay.states import Auto
from portal.care.models import CareHold, CareRequest
from portal.care.states import State as RequestState
from portal.db import read, table_of
from portal.debts.models import Debt
from portal.debts.statement import BY_REFERENCE, Standing, standing_of
from portal.ledger import Book
from portal.money import Money
from portal.payments.models import Payment, PaymentPart
from portal.plans.models import ALIVE, Plan, PlanCard, PlanItem, Proposal, Quote
from portal.plans.progress import CARD, IN_NUMBERS, QUOTE_OF_PLAN, late_of

_DEBT, _BOOK, _PLAN, _ITEM = table_of(Debt).c, table_of(Book).c, table_of(Plan).c, table_of(PlanItem).c
_PAYMENT, _PART, _OFFER = table_of(Payment).c, table_of(PaymentPart).c, table_of(Proposal).c
_HOLD, _REQUEST = table_of(CareHold).c, table_of(CareRequest).c
_AUTO, _ON = table_of(Autopay).c, literal_column(f"'{Auto.ON.value}'", String)
_LENDER_ID: BindParameter[uuid.UUID] = bindparam("lender_id")
_DEBTOR_ID: BindParameter[uuid.UUID] = bindparam("debtor_id")
_ON_ITS_WAY = (
    select(
        _PART.debt_id,
        func.sum(_PART.amount_minor).label("minor"),
        func.max(_PAYMENT.reference).label("reference"),
        # All of it is a voucher that somebody has to pay first, or some is at a bank.
        func.min(case((_PAYMENT.voucher_until.is_not(None), 1), else_=0)).label("voucher"),
    )
    .join_from(
        table_of(Payment),
        table_of(PaymentPart),
        (_PART.lender_id == _PAYMENT.lender_id) & (_PART.payment_id == _PAYMENT.id),
    )
    .where(_PAYMENT.lender_id == _LENDER_ID, _PAYMENT.debtor_id == _DEBTOR_ID, _PAYMENT.state == "processing")
    .group_by(_PART.debt_id)
    .subquery("on_its_way")
)
_AUTOMATIC = (
    select(func.count())
    .select_from(table_of(Autopay))
    .where(
        _AUTO.lender_id == _PLAN.lender_id,
        _AUTO.plan_id == _PLAN.id,
        _AUTO.state == literal_column(f"'{Auto.ON.value}'", String),
    )
    .correlate(table_of(Plan))
    .scalar_subquery()
)
_WITH_PERSON = (
    select(func.count())
    .select_from(table_of(Proposal))
    .where(
        _OFFER.lender_id == _DEBT.lender_id,
        _OFFER.debt_id == _DEBT.id,
        _OFFER.state == "with_a_person",
    )
    .correlate(table_of(Debt))
    .scalar_subquery()
)
_HOLDS = (
    select(func.count())
    .select_from(table_of(CareHold))
    .where(_HOLD.lender_id == _LENDER_ID, _HOLD.debtor_id == _DEBTOR_ID, _HOLD.ended_at.is_(None))
    .scalar_subquery()
)
_ANSWERED = (
    select(func.max(_REQUEST.number))
    .where(
        _REQUEST.lender_id == _LENDER_ID,
        _REQUEST.debtor_id == _DEBTOR_ID,
        _REQUEST.state == RequestState.ANSWERED.value,
    )
    .scalar_subquery()
)
_OF_PERSON = (
    select(
        _DEBT.reference,
        _DEBT.product,
        _DEBT.creditor,
        _DEBT.late_since.label("debt_late_since"),
        _BOOK.currency,
        (
            _BOOK.principal_minor + _BOOK.interest_minor + _BOOK.penalty_minor + _BOOK.fees_minor + _BOOK.costs_minor
        ).label("owed_minor"),
        _BOOK.credit_minor,
        _PLAN.id.label("plan_id"),
        _PLAN.reference.label("plan"),
        IN_NUMBERS.c.all_items,
        IN_NUMBERS.c.done,
        IN_NUMBERS.c.late_minor,
        IN_NUMBERS.c.late_since,
        IN_NUMBERS.c.to_waive_minor,
        _ITEM.due_on,
        _ITEM.amount_minor,
        _ITEM.paid_minor,
        _ON_ITS_WAY.c.minor.label("on_its_way_minor"),
        _ON_ITS_WAY.c.reference.label("on_its_way"),
        _ON_ITS_WAY.c.voucher,
        _WITH_PERSON.label("with_person"),
        _AUTOMATIC.label("automatic"),
        _HOLDS.label("holds"),
        _ANSWERED.label("answered"),
    )
    .join_from(table_of(Debt), table_of(Book), (_BOOK.lender_id == _DEBT.lender_id) & (_BOOK.id == _DEBT.id))
    .join(
        table_of(Plan),
        (_PLAN.lender_id == _DEBT.lender_id)
        & (_PLAN.debtor_id == _DEBTOR_ID)
        & (_PLAN.debt_id == _DEBT.id)
        & _PLAN.state.in_(ALIVE),
        isouter=True,
    )
    .join(IN_NUMBERS, IN_NUMBERS.c.plan_id == _PLAN.id, isouter=True)
    .join(
        table_of(PlanItem),
        (_ITEM.lender_id == _PLAN.lender_id) & (_ITEM.plan_id == _PLAN.id) & (_ITEM.seq == IN_NUMBERS.c.next_seq),
        isouter=True,
    )
    .join(_ON_ITS_WAY, _ON_ITS_WAY.c.debt_id == _DEBT.id, isouter=True)
    .where(_DEBT.lender_id == _LENDER_ID, _DEBT.debtor_id == _DEBTOR_ID, _DEBT.state == "open")
    .order_by(_DEBT.reference)
)

_ONE_DEBT = (
    BY_REFERENCE.add_columns(
        *(column.label(f"plan_{place}") for place, column in enumerate(CARD)),
        _HOLDS.label("holds"),
    )
    .join(
        table_of(Plan),
        (_PLAN.lender_id == _DEBT.lender_id) & (_PLAN.debt_id == _DEBT.id) & _PLAN.state.in_(ALIVE),
        isouter=True,
    )
    .join(table_of(Quote), QUOTE_OF_PLAN, isouter=True)
)


@dataclass(frozen=True, slots=True)
class Owed:
    """One debt as home shows it; what belongs to a plan is None without one."""

    reference: str
    product: str
    creditor: str | None
    owed: Money
    credit: Money
    late_since: date | None
    plan: str | None
    all: int
    done: int
    due_on: date | None
    coming: Money | None
    late: Money | None
    plan_late_since: date | None
    to_waive: Money | None
    under_way: Money | None
    under_way_reference: str | None
    voucher: bool
    with_person: bool
    automatic: bool


@dataclass(frozen=True, slots=True)
class Overview:
    """A person's debts, whether anything stops for her, and the number of a request that has an answer."""

    debts: tuple[Owed, ...]
    anything_stops: bool
    answered: str | None


@dataclass(frozen=True, slots=True)
class OneDebt:
    """A debt with its living plan, if it has one, and whether anything stops for its person."""

    debt: Standing
    plan: PlanCard | None
    anything_stops: bool


def one_debt(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, reference: str) -> OneDebt | None:
    """Give what the page of one debt shows of it, or None if it is not the person's, not open, or not there."""
    rows = read(_ONE_DEBT, {"lender_id": lender_id, "debtor_id": debtor_id, "reference": reference})
    if not rows:
        return None
    *card, holds = rows[0][-len(CARD) - 1 :]
    return OneDebt(
        debt=standing_of(rows[0]),
        plan=None if card[0] is None else PlanCard(*card),
        anything_stops=bool(holds),
    )


def overview_of(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, today: date) -> Overview:
    """Give what home shows of a person."""

    def late(row: Row[Any]) -> tuple[Money | None, date | None]:
        if not row.late_minor:
            return None, None
        amount, since = late_of(lender_id=lender_id, plan_id=row.plan_id, today=today)
        return amount or None, since

    rows = read(_OF_PERSON, {"lender_id": lender_id, "debtor_id": debtor_id, "today": today})
    return Overview(
        debts=tuple(
            Owed(
                reference=row.reference,
                product=row.product,
                creditor=row.creditor,
                owed=Money(row.owed_minor, row.currency),
                credit=Money(row.credit_minor, row.currency),
                late_since=row.debt_late_since,
                plan=row.plan,
                all=int(row.all_items or 0),
                done=int(row.done or 0),
                due_on=row.due_on,
                coming=None if row.due_on is None else Money(row.amount_minor - row.paid_minor, row.currency),
                late=is_late,
                plan_late_since=late_since,
                to_waive=Money(int(row.to_waive_minor), row.currency) if row.to_waive_minor else None,
                under_way=Money(int(row.on_its_way_minor), row.currency) if row.on_its_way_minor else None,
                under_way_reference=row.on_its_way,
                voucher=bool(row.voucher),
                with_person=bool(row.with_person),
                automatic=bool(row.automatic),
            )
            for row in rows
            for is_late, late_since in (late(row),)
        ),
        anything_stops=bool(rows and rows[0].holds),
        answered=rows[0].answered if rows else None,
    )
