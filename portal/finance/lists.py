"""The lists of finance, as pages read them: by key, with what waits for somebody first."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import Row, Select, func, select, text, union
from sqlalchemy.orm import aliased

from portal.db import session
from portal.debts.models import Debt
from portal.money import EXPONENTS
from portal.payments.matching import State as LineState
from portal.payments.models import Dispute, Payment, Payout, ReconciliationLine, Refund, SetAside
from portal.payments.refund_states import State
from portal.people.models import Debtor
from portal.staff.models import StaffMember
from portal.web.paging import Stretch

# So many at most are found at once; whoever looks for one thing looks at no more.
MOST_FOUND = 50
# As `ASIDE_WAITS` of the index.
_WAITS = (SetAside.placed_debt_id.is_(None), SetAside.gone_minor != SetAside.amount_minor)


def refunds_query(lender_id: uuid.UUID) -> Select[*tuple[Any, ...]]:
    """Give refunds with who they are of, and who asked and decided."""
    asker, decider = aliased(StaffMember), aliased(StaffMember)
    return (
        select(
            Refund,
            Debtor.name.label("person"),
            Payment.reference.label("payment"),
            asker.name.label("asker"),
            decider.name.label("decider"),
        )
        .outerjoin(Debtor, (Debtor.lender_id == Refund.lender_id) & (Debtor.id == Refund.debtor_id))
        .outerjoin(Payment, (Payment.lender_id == Refund.lender_id) & (Payment.id == Refund.payment_id))
        .outerjoin(asker, (asker.lender_id == Refund.lender_id) & (asker.id == Refund.asked_by))
        .outerjoin(decider, (decider.lender_id == Refund.lender_id) & (decider.id == Refund.decided_by))
        .where(Refund.lender_id == lender_id)
    )


def refunds(lender_id: uuid.UUID) -> tuple[Stretch, ...]:
    """Give what waits for somebody, and then the others."""
    query, asked = refunds_query(lender_id), text("refund.state = 'asked'")
    return (
        Stretch(query.where(asked), Refund.asked_at, Refund.id),
        Stretch(query.where(Refund.state != State.ASKED.value), Refund.asked_at, Refund.id),
    )


def disputes(lender_id: uuid.UUID) -> tuple[Stretch, ...]:
    """Give what can still be answered, by its day, then what else is open, and then what is over."""
    query = (
        select(Dispute, Debtor.name.label("person"), Payment.reference.label("payment"))
        .outerjoin(Debtor, (Debtor.lender_id == Dispute.lender_id) & (Debtor.id == Dispute.debtor_id))
        .outerjoin(Payment, (Payment.lender_id == Dispute.lender_id) & (Payment.id == Dispute.payment_id))
        .where(Dispute.lender_id == lender_id)
    )
    open_ = query.where(Dispute.closed_at.is_(None))
    return (
        Stretch(open_.where(Dispute.evidence_by.is_not(None)), Dispute.evidence_by, Dispute.id, newest_first=False),
        Stretch(open_.where(Dispute.evidence_by.is_(None)), Dispute.opened_at, Dispute.id),
        Stretch(query.where(Dispute.closed_at.is_not(None)), Dispute.opened_at, Dispute.id),
    )


def asides_query(lender_id: uuid.UUID) -> Select[*tuple[Any, ...]]:
    """Give money that was set aside, with what is known of it."""
    about = aliased(Payment)
    return (
        select(
            SetAside,
            Payment.reference.label("payment"),
            about.reference.label("about"),
            Debtor.id.label("debtor_id"),
            Debtor.name.label("person"),
            Debt.reference.label("debt"),
            StaffMember.name.label("placer"),
        )
        .outerjoin(Payment, (Payment.lender_id == SetAside.lender_id) & (Payment.id == SetAside.payment_id))
        .outerjoin(about, (about.lender_id == SetAside.lender_id) & (about.id == SetAside.about_payment_id))
        .outerjoin(
            Debtor,
            (Debtor.lender_id == SetAside.lender_id) & (Debtor.id == func.coalesce(Payment.debtor_id, about.debtor_id)),
        )
        .outerjoin(Debt, (Debt.lender_id == SetAside.lender_id) & (Debt.id == SetAside.placed_debt_id))
        .outerjoin(StaffMember, (StaffMember.lender_id == SetAside.lender_id) & (StaffMember.id == SetAside.placed_by))
        .where(SetAside.lender_id == lender_id)
    )


def asides(lender_id: uuid.UUID, *, waiting: bool) -> tuple[Stretch, ...]:
    """Give money that was set aside, newest first: what a person has to look at, or all of it."""
    query = asides_query(lender_id)
    return (Stretch(query.where(*_WAITS) if waiting else query, SetAside.received_at, SetAside.id),)


def found_asides(lender_id: uuid.UUID, typed: str) -> Sequence[Row[Any]]:
    """Give money that was set aside and fits what was typed: the amount, a payment, what Stripe calls it.

    Of what waits, a part of a name or of a note does too.
    """
    mine = SetAside.lender_id == lender_id
    of_payment = select(Payment.id).where(Payment.lender_id == lender_id, Payment.reference == typed.upper())
    ways = [
        select(SetAside.id).where(mine, SetAside.payment_intent_id == typed),
        select(SetAside.id).where(mine, SetAside.payment_id.in_(of_payment)),
        select(SetAside.id).where(mine, SetAside.about_payment_id.in_(of_payment)),
    ]
    if minors := _minors(typed):
        ways.append(select(SetAside.id).where(mine, SetAside.amount_minor.in_(minors)))
    about = aliased(Payment)
    part = typed.casefold()
    ways.append(
        select(SetAside.id)
        .outerjoin(Payment, (Payment.lender_id == SetAside.lender_id) & (Payment.id == SetAside.payment_id))
        .outerjoin(about, (about.lender_id == SetAside.lender_id) & (about.id == SetAside.about_payment_id))
        .outerjoin(
            Debtor,
            (Debtor.lender_id == SetAside.lender_id) & (Debtor.id == func.coalesce(Payment.debtor_id, about.debtor_id)),
        )
        .where(
            mine,
            *_WAITS,
            func.lower(Debtor.name).contains(part, autoescape=True)
            | func.lower(SetAside.note).contains(part, autoescape=True),
        )
    )
    any_way = union(*ways).subquery()
    return session.execute(
        asides_query(lender_id)
        .where(SetAside.id.in_(select(any_way.c.id)))
        .order_by(SetAside.received_at.desc(), SetAside.id.desc())
        .limit(MOST_FOUND)
    ).all()


def _minors(typed: str) -> list[int]:
    """Give what an amount may be in whole minor units, by how many decimals a currency has."""
    try:
        amount = Decimal(typed.replace(",", "."))
    except InvalidOperation:
        return []
    if not amount.is_finite() or not 0 < amount < 10**12:
        return []
    shifted = {amount.scaleb(places) for places in set(EXPONENTS.values())}
    return sorted(int(each) for each in shifted if each == each.to_integral_value())


def lines(
    lender_id: uuid.UUID, *, states: Sequence[LineState], first: date, end: date, currency: str | None
) -> tuple[Stretch, ...]:
    """Give lines of a span of days in some states, newest first: a stretch for each state, or one for all."""
    query = (
        select(ReconciliationLine, Payment.reference.label("payment"), Payment.debtor_id.label("debtor_id"))
        .outerjoin(
            Payment,
            (Payment.lender_id == ReconciliationLine.lender_id) & (Payment.id == ReconciliationLine.payment_id),
        )
        .where(ReconciliationLine.lender_id == lender_id, ReconciliationLine.on >= first, ReconciliationLine.on < end)
    )
    if currency is not None:
        query = query.where(ReconciliationLine.currency == currency)
    if not states:
        return (Stretch(query, ReconciliationLine.on, ReconciliationLine.id),)
    return tuple(
        Stretch(query.where(ReconciliationLine.state == state.value), ReconciliationLine.on, ReconciliationLine.id)
        for state in states
    )


def counts(lender_id: uuid.UUID, *, first: date, end: date) -> Sequence[Any]:
    """Give how many lines there are of each day, state and currency of a span; from an index alone."""
    of = ReconciliationLine
    return session.execute(
        select(of.on, of.state, of.currency, func.count().label("lines"))
        .where(of.lender_id == lender_id, of.on >= first, of.on < end)
        .group_by(of.on, of.state, of.currency)
    ).all()


def payouts(lender_id: uuid.UUID) -> tuple[Stretch, ...]:
    """Give what Stripe paid out, newest first."""
    return (Stretch(select(Payout).where(Payout.lender_id == lender_id), Payout.arrives_on, Payout.id),)
