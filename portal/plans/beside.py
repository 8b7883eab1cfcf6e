"""What of a debt a plan doesn't speak of: more than was agreed, or less than its payments add up to."""

from __future__ import annotations

from sqlalchemy import bindparam, func, select

from portal.db import read, table_of
from portal.ledger import Book
from portal.money import Money
from portal.plans.models import Plan, PlanCard, PlanItem, Quote
from portal.plans.progress import interest_not_posted, still_to_waive

_PLAN, _ITEM = table_of(Plan).c, table_of(PlanItem).c
_QUOTE, _BOOK = table_of(Quote).c, table_of(Book).c
_FIGURES = (
    select(
        (
            _BOOK.principal_minor + _BOOK.interest_minor + _BOOK.penalty_minor + _BOOK.fees_minor + _BOOK.costs_minor
        ).label("owed"),
        _QUOTE.left_minor,
        select(func.sum(_ITEM.amount_minor - _ITEM.paid_minor))
        .where(_ITEM.lender_id == _PLAN.lender_id, _ITEM.plan_id == _PLAN.id)
        .correlate(table_of(Plan))
        .scalar_subquery()
        .label("open"),
    )
    .join_from(table_of(Plan), table_of(Quote), (_QUOTE.lender_id == _PLAN.lender_id) & (_QUOTE.id == _PLAN.quote_id))
    .join(table_of(Book), (_BOOK.lender_id == _PLAN.lender_id) & (_BOOK.id == _PLAN.debt_id))
    .where(_PLAN.lender_id == bindparam("lender_id"), _PLAN.id == bindparam("plan_id"))
)


def beside(plan: PlanCard) -> Money:
    """Give what a debt is more than its living plan speaks of; minus, if it is less.

    Spoken of are the payments still to be made without interest that has not come due, what is still to be let off, and
    what was agreed to be left at a review. 900.00 in nine payments of 100.00, of which one is paid: with 825.00 in the
    books, as after a fee of 25.00, it is 25.00.
    """
    [row] = read(_FIGURES, {"lender_id": plan.lender_id, "plan_id": plan.id})
    to_come = sum(coming.interest.minor for coming in interest_not_posted(plan))
    spoken_of = int(row.open) - to_come + still_to_waive(plan).minor + row.left_minor
    return Money(row.owed - spoken_of, plan.currency)
