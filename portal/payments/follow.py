"""Let a plan and its points follow the money that came for it, however it came."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import bindparam, func, select

from portal import clock
from portal.bulk import Among, hexed, raw
from portal.db import read, session, table_of
from portal.evidence.record import Actor
from portal.ledger import Book
from portal.money import Money, total
from portal.payments import paid_off, rails
from portal.payments.models import Payment, PaymentPart
from portal.payments.parts import Came, came_for_all
from portal.payments.states import State
from portal.people.sign_in import Lived, zones_before
from portal.plans import progress, waivers
from portal.plans.models import LIVE_STATES, Plan
from portal.plans.states import State as Stands
from portal.points import award

_PART, _PAYMENT = table_of(PaymentPart).c, table_of(Payment).c
_ON_ITS_WAY = (
    select(raw(_PART.plan_id), func.sum(_PART.amount_minor).label("minor"))
    .join_from(
        table_of(PaymentPart),
        table_of(Payment),
        (_PART.lender_id == _PAYMENT.lender_id) & (_PART.payment_id == _PAYMENT.id),
    )
    .where(
        _PART.lender_id == bindparam("lender_id"),
        Among(_PART.plan_id, "plan_ids"),
        _PAYMENT.state == State.PROCESSING.value,
    )
    .group_by(_PART.plan_id)
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


def paid_off_beside(lender_id: uuid.UUID, debt_ids: Collection[uuid.UUID], *, but: Sequence[Plan]) -> list[Plan]:
    """Give the plans, each locked, that live on debts of which nothing is left though the money was not for them.

    So is a payment that was on its way when the plan was agreed to. The books of the debts must be locked.
    """
    ids = set(debt_ids) - {plan.debt_id for plan in but if plan.state in LIVE_STATES}
    done = [debt_id for debt_id in ids if not session.get_one(Book, (lender_id, debt_id)).owed]
    if not done:
        return []
    alive = select(Plan.id).where(Plan.lender_id == lender_id, Plan.debt_id.in_(done), Plan.state.in_(LIVE_STATES))
    return plans_of(lender_id, session.scalars(alive).all())


@dataclass(frozen=True, slots=True)
class Known:
    """What a plan follows: its life, what came for it, and, in minor units, what was sent for it and isn't here yet.

    `lived` are the zones that its person lived in before, each with the instant until which.
    """

    life: progress.Life
    came: Sequence[Came]
    on_its_way: int
    lived: Sequence[Lived] = ()


def sent_for(*, lender_id: uuid.UUID, plan_ids: Sequence[Any]) -> dict[str, int]:
    """Give what was sent for plans and isn't here yet, in minor units by hexadecimal id; only where something was."""
    rows = read(_ON_ITS_WAY, {"lender_id": lender_id, "plan_ids": plan_ids})
    return {hexed(row.plan_id): int(row.minor) for row in rows if row.minor}


def known_of(plans: Sequence[Plan]) -> dict[uuid.UUID, Known]:
    """Read what plans of one lender follow, in as few statements for many as for one. They must be locked."""
    if not plans:
        return {}
    lender_id, plan_ids = plans[0].lender_id, [plan.id for plan in plans]
    lives, came = progress.lives_of(plans), came_for_all(lender_id=lender_id, plan_ids=plan_ids)
    on_its_way = sent_for(lender_id=lender_id, plan_ids=plan_ids)
    lived = zones_before(lender_id=lender_id, debtor_ids={plan.debtor_id for plan in plans})
    return {
        plan.id: Known(
            lives[plan.id], came[plan.id], on_its_way.get(plan.id.hex, 0), tuple(lived.get(plan.debtor_id, ()))
        )
        for plan in plans
    }


def _zone_at(known: Known, at: datetime) -> str:
    """Give the zone whose calendar was the person's at an instant: whoever moves has paid no later by that."""
    return next((zone for until, zone in known.lived if at < until), known.life.zone)


def _cleared(known: Known, *, currency: str) -> list[tuple[date, Money]]:
    """Give all money that cleared for a plan, and as negative what went back, by the debtor's calendar of that time."""
    found = []
    for came in known.came:
        at = came.paid_at if came.minor > 0 and came.paid_at else came.at
        found.append((at.astimezone(clock.zone(_zone_at(known, at))).date(), Money(came.minor, currency)))
    return found


def follow(plan: Plan, *, today: date, by: Actor, known: Known | None = None) -> progress.Effect:
    """Let the plan and the points follow the money. The plan must be locked, by way of its debt's book.

    Left out, what is `known` is read here.
    """
    book = session.get_one(Book, (plan.lender_id, plan.debt_id))
    if known is None:
        session.flush()
        known = known_of([plan])[plan.id]
    good = rails.for_good([(came.minor, came.returns_end_on) for came in known.came], today=today)
    effect = progress.lay_over(
        plan,
        known.life,
        cleared=_cleared(known, currency=plan.currency),
        owed=total(waivers.asked_of(book, plan).values(), currency=plan.currency),
        today=today,
        by=by,
        on_its_way=Money(known.on_its_way, plan.currency),
        for_good=good,
    )
    waivers.settle(plan, today=today, by=by, for_good=good)
    if plan.state == Stands.COMPLETED.value:
        paid_off.ask_for_letter(lender_id=plan.lender_id, debt_ids=[plan.debt_id])
    items = {item.seq: item for item in known.life.items}
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
