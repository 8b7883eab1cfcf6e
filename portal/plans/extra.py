"""A payment beside a plan: the rest is drawn again around it in the act that posts the money, and back if it goes back.

Invariant: one extra payment changes its plan once, and what was repaid by it is owed again by as much as went back.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from sqlalchemy import select

from portal import clock
from portal.db import session
from portal.evidence.record import Actor
from portal.money import Money
from portal.plans import rewriting
from portal.plans.models import LIVE_STATES, Plan, PlanChange
from portal.plans.progress import zone_of
from portal.plans.redrawing import Kind, Payment, Use, with_extra, without_extra
from portal.schedules.schedule import NeverEnds, TooManyItems


def undo_until(before: Sequence[Payment], after: Sequence[Payment], *, zone: str) -> datetime:
    """Give until when a change can be taken back: for a day, and not on a day on which a payment of it is due."""
    first = min(
        min((one.due_on for one in side if one not in other and not one.extra), default=date.max)
        for side, other in ((before, after), (after, before))
    )
    a_day = clock.now() + rewriting.UNDO_FOR
    if first - timedelta(days=2) > a_day.date():
        return a_day
    return min(a_day, datetime(first.year, first.month, first.day, tzinfo=clock.zone(zone)))


def take(plan: Plan, *, amount: Money, use: str | None, payment_id: uuid.UUID, today: date, by: Actor) -> None:
    """Draw a plan again around an extra payment that has just come and is not laid over the plan yet.

    What is due already is paid first, out of the same money. Nothing changes where nothing is left beside that, where
    it is meant for the next payments, or where it is all that is left. The plan must be locked.
    """
    if use not in (Use.SOONER.value, Use.SMALLER.value) or plan.state not in LIVE_STATES:
        return
    found = rewriting.read_plan(plan, today=today)
    running = found.running
    beside = amount - found.missing
    if not running.open or running.rests or not 0 < beside.minor < running.principal.minor:
        return
    try:
        after = with_extra(running, amount=beside, on=today, use=Use(use))
    except (NeverEnds, TooManyItems):
        return
    rewriting.change(
        plan,
        kind=Kind.EXTRA,
        asked={"amount": beside.minor, "use": use},
        before=running.payments,
        after=after,
        facts=rewriting.effect(running.payments, after),
        by=by,
        form_key=f"extra:{payment_id}",
        undo_until=undo_until(running.payments, after, zone=zone_of(plan)),
        payment_id=payment_id,
    )


def gone(plan: Plan, *, amount: Money, payment_id: uuid.UUID, today: date, by: Actor) -> None:
    """Let what an extra payment had repaid be repaid at the end again, by as much of it as went back.

    The plan must be locked, and not laid over its money yet.
    """
    if not plan.changes or plan.state not in LIVE_STATES:
        return
    made = session.scalars(
        select(PlanChange).where(
            PlanChange.lender_id == plan.lender_id,
            PlanChange.plan_id == plan.id,
            PlanChange.payment_id == payment_id,
            PlanChange.kind == Kind.EXTRA.value,
            PlanChange.undone_at.is_(None),
        )
    ).one_or_none()
    if made is None:
        return
    seq = _seq_of(made)
    running = rewriting.read_plan(plan, today=today).running
    fixed = list(running.fixed)
    here = next((place for place, one in enumerate(fixed) if one.seq == seq and one.extra), None)
    if here is None or not running.open:
        return
    back = min(amount, fixed[here].principal)
    if not back:
        return
    fixed[here] = fixed[here]._replace(principal=fixed[here].principal - back)
    after = without_extra(replace(running, fixed=tuple(fixed)), amount=back)
    rewriting.change(
        plan,
        kind=Kind.EXTRA_BACK,
        asked={"amount": back.minor},
        before=running.payments,
        after=after,
        facts=rewriting.effect(running.payments, after),
        by=by,
        form_key=f"extra-back:{payment_id}:{plan.changes}",
        undo_until=None,
        payment_id=payment_id,
    )


def _seq_of(made: PlanChange) -> int:
    """Give the number of an extra payment among the payments of its plan: the first that was not there before."""
    before, after = made.before["payments"], made.after["payments"]
    return int(next(new[0] for old, new in zip(before, after, strict=False) if old != new))
