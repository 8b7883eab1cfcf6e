"""Let a plan and its points follow the money that came for it, however it came."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import date
from functools import partial

from sqlalchemy import bindparam, func, select

from portal import clock
from portal.db import read, session, table_of
from portal.evidence.record import Actor
from portal.ledger import Book
from portal.money import Money, total
from portal.payments.models import Payment, PaymentPart
from portal.payments.parts import came_for
from portal.payments.states import State
from portal.plans import progress, waivers
from portal.plans.models import Plan
from portal.points import award

_PART, _PAYMENT = table_of(PaymentPart).c, table_of(Payment).c
_ON_ITS_WAY = (
    select(func.sum(_PART.amount_minor).label("minor"))
    .join_from(
        table_of(PaymentPart),
        table_of(Payment),
        (_PART.lender_id == _PAYMENT.lender_id) & (_PART.payment_id == _PAYMENT.id),
    )
    .where(
        _PART.lender_id == bindparam("lender_id"),
        _PART.plan_id == bindparam("plan_id"),
        _PAYMENT.state == State.PROCESSING.value,
    )
)


def plans_of(lender_id: uuid.UUID, plan_ids: Iterable[uuid.UUID | None]) -> list[Plan]:
    """Give the plans that money counts towards, each locked; what counts towards none is None."""
    wanted = {plan_id for plan_id in plan_ids if plan_id is not None}
    if not wanted:
        return []
    return list(
        session.execute(
            select(Plan)
            .where(Plan.lender_id == lender_id, Plan.id.in_(wanted))
            .order_by(Plan.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        ).scalars()
    )


def _cleared(plan: Plan, *, zone: str) -> list[tuple[date, Money]]:
    """Give all money that cleared for a plan, and as negative what went back, by the debtor's own calendar."""
    place = clock.zone(zone)
    return [
        (
            (came.settled_at if came.minor > 0 and came.settled_at else came.at).astimezone(place).date(),
            Money(came.minor, plan.currency),
        )
        for came in came_for(plan)
    ]


def _on_its_way(plan: Plan) -> Money:
    """Give the money for a plan that has been sent and is not here yet, as from a bank account."""
    [row] = read(_ON_ITS_WAY, {"lender_id": plan.lender_id, "plan_id": plan.id})
    return Money(int(row.minor or 0), plan.currency)


def follow(plan: Plan, *, today: date, by: Actor, life: progress.Life | None = None) -> progress.Effect:
    """Let the plan and the points follow the money. The plan must be locked, by way of its debt's book.

    Without a `life` it is read here.
    """
    session.flush()
    book = session.get_one(Book, (plan.lender_id, plan.debt_id))
    life = life or progress.life_of(plan)
    effect = progress.lay_over(
        plan,
        life,
        cleared=_cleared(plan, zone=life.zone),
        owed=total(waivers.asked_of(book, plan).values(), currency=plan.currency),
        today=today,
        by=by,
        on_its_way=partial(_on_its_way, plan),
    )
    waivers.settle(plan, today=today, by=by)
    items = {item.seq: item for item in life.items}
    for seq in effect.newly_kept:
        award.kept(
            lender_id=plan.lender_id,
            debtor_id=plan.debtor_id,
            plan=plan.reference,
            seq=seq,
            due=Money(items[seq].amount_minor, plan.currency),
            cleared=Money(items[seq].paid_minor, plan.currency),
        )
    for seq in effect.no_longer_kept:
        award.no_longer_kept(lender_id=plan.lender_id, plan=plan.reference, seq=seq)
    return effect
