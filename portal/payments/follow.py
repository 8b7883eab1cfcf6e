"""Let a plan and its points follow the money that came for it, however it came."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import date
from functools import partial

from sqlalchemy import func, select

from portal import clock, ledger
from portal.db import session
from portal.evidence.record import Actor
from portal.money import Money, total
from portal.payments.models import Payment, PaymentPart
from portal.payments.parts import came_for
from portal.payments.states import State
from portal.plans import progress, waivers
from portal.plans.models import Plan
from portal.points import award


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


def _cleared(plan: Plan) -> list[tuple[date, Money]]:
    """Give all money that cleared for a plan, and as negative what went back, by the debtor's own calendar."""
    place = clock.zone(progress.zone_of(plan))
    return [
        (
            (came.settled_at if came.minor > 0 and came.settled_at else came.at).astimezone(place).date(),
            Money(came.minor, plan.currency),
        )
        for came in came_for(plan)
    ]


def _on_its_way(plan: Plan) -> Money:
    """Give the money for a plan that has been sent and is not here yet, as from a bank account."""
    found = session.scalars(
        select(func.sum(PaymentPart.amount_minor))
        .join(Payment, (PaymentPart.lender_id == Payment.lender_id) & (PaymentPart.payment_id == Payment.id))
        .where(
            PaymentPart.lender_id == plan.lender_id,
            PaymentPart.plan_id == plan.id,
            Payment.state == State.PROCESSING.value,
        )
    )
    return Money(int(found.one() or 0), plan.currency)


def follow(plan: Plan, *, today: date, by: Actor) -> progress.Effect:
    """Let the plan and the points follow the money. The plan must be locked, by way of its debt's book."""
    session.flush()
    book = ledger.locked(lender_id=plan.lender_id, debt_id=plan.debt_id)
    effect = progress.lay_over(
        plan,
        cleared=_cleared(plan),
        owed=total(waivers.asked_of(book, plan).values(), currency=plan.currency),
        today=today,
        by=by,
        on_its_way=partial(_on_its_way, plan),
    )
    waivers.settle(plan, today=today, by=by)
    items = {item.seq: item for item in progress.items_of(plan)}
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
