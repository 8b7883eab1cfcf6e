"""Changing a running plan: read what is possible, make a change, take it back; each in one transaction.

Invariant: what was shown is what is made. A second click is the same change; whoever comes second sees what is there.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select

from portal import clock, queue
from portal.autopay.agreeing import plan_changed
from portal.changes import rules
from portal.changes.rules import (
    Asked,
    Extra,
    Move,
    Past,
    Pause,
    PayDay,
    Refused,
    Room,
    Shrink,
    Situation,
    Why,
)
from portal.db import session
from portal.debts.statement import by_id
from portal.evidence.record import Act, Actor, canonical, record
from portal.payments.follow import follow
from portal.plans import rewriting
from portal.plans.allowed import NoLimits, limits_in_force
from portal.plans.extra import undo_until
from portal.plans.models import LIVE_STATES, Plan, PlanCard, PlanChange
from portal.plans.progress import items_of, locked, zone_of
from portal.plans.redrawing import Kind, Payment, as_json, from_json
from portal.plans.situation import background_of, history_of
from portal.plans.states import Event, Moved, State, after

# How long somebody may take to put another plan together in place of a running one.
ANOTHER_WITHIN = timedelta(days=7)
# Changes that put off or move payments; a letter confirms them.
MOVES_DATES = (Kind.MOVE, Kind.PAY_DAY, Kind.SKIP, Kind.PAUSE)


@dataclass(frozen=True, slots=True)
class Made:
    """The plan is changed; `number` counts its changes."""

    number: int


@dataclass(frozen=True, slots=True)
class MadeBefore:
    """This very form changed it already: a second click, another tab."""

    number: int


@dataclass(frozen=True, slots=True)
class Otherwise:
    """Since it was shown, something changed what it would do: it is to be looked at again."""


@dataclass(frozen=True, slots=True)
class TakenBack:
    """The plan is as it was before the change; also if it was taken back before."""


@dataclass(frozen=True, slots=True)
class TooLate:
    """A change can't be taken back any more: its time is over, or the plan has moved on since."""


def situation_of(plan: Plan | PlanCard, *, today: date) -> Situation:
    """Give a plan as somebody who wants to change it finds it."""
    found = rewriting.read_plan(plan, today=today)
    limits = found.card.limits if found.card is not None else None
    running = found.running
    last = rules.last_day(limits, as_of=found.as_of, agreed_until=found.ends_on)
    paid = running.payments[: found.paid]
    return Situation(
        running=running,
        state=State(plan.state),
        arranged=found.arranged,
        limits=limits,
        last_day=last if plan.review_on is None else plan.review_on,
        today=today,
        past=_past(plan),
        paid_on=tuple(one.due_on for one in paid if not one.extra),
        pause_months=found.pause_months,
        agreed_on=found.as_of,
        starts_with=plan.void_on,
        missing=found.missing,
    )


def _past(plan: Plan | PlanCard) -> tuple[Past, ...]:
    made = [one for one in rewriting.changes_of(plan) if one.undone_at is None]
    if not made:
        return ()
    zone = clock.zone(zone_of(plan))
    return tuple(
        Past(Kind(one.kind), one.made_at.astimezone(zone).date(), int(one.asked.get("months", 0))) for one in made
    )


def digest(payments: Sequence[Payment]) -> str:
    """Give what tells one drawing of a plan from another: a page shows one, and only that one is made."""
    return hashlib.sha256(canonical({"payments": as_json(payments)}).encode()).hexdigest()[:32]


def asked_as_json(asked: Asked) -> dict[str, Any]:
    """Give what was asked for as JSON; money in minor units."""
    match asked:
        case Move(seq=seq, to=to):
            return {"seq": seq, "to": to.isoformat()}
        case PayDay(day=day):
            return {"day": day}
        case Pause(months=months):
            return {"months": months}
        case Shrink(payment=payment, months=months):
            return {"payment": payment.minor, "months": months}
        case Extra(amount=amount, use=use):
            return {"amount": amount.minor, "use": use.value}
    return {}


def make(
    *, lender_id: uuid.UUID, plan_id: uuid.UUID, asked: Asked, shown: str, form_key: str, by: Actor
) -> Made | MadeBefore | Otherwise | Refused:
    """Change a plan as it was shown, and lay its money over it again. The same form again is the same change.

    `shown` is the digest of the payments that the page showed; other ones are never made. Part of one transaction.
    """
    plan = locked(lender_id=lender_id, plan_id=plan_id)
    before = session.scalars(
        select(PlanChange).where(
            PlanChange.lender_id == lender_id, PlanChange.plan_id == plan_id, PlanChange.form_key == form_key
        )
    ).one_or_none()
    if before is not None:
        return MadeBefore(before.number)
    zone = zone_of(plan)
    today = clock.today(zone)
    now = situation_of(plan, today=today)
    drawn = rules.answer(asked, now)
    if isinstance(drawn, Refused):
        return drawn
    if digest(drawn.payments) != shown:
        return Otherwise()
    made = rewriting.change(
        plan,
        kind=rules.kind_of(asked),
        asked=asked_as_json(asked),
        before=now.running.payments,
        after=drawn.payments,
        facts=rewriting.effect(now.running.payments, drawn.payments),
        by=by,
        form_key=form_key,
        undo_until=undo_until(now.running.payments, drawn.payments, zone=zone),
    )
    follow(plan, today=today, by=by)
    plan_changed(lender_id=lender_id, plan_id=plan_id)
    if rules.kind_of(asked) in MOVES_DATES:
        # At once, and not after the day on which it can be taken back: the letter says until when, and one that is
        # taken back takes the letter with it.
        queue.later(
            "letters.issue",
            lender_id=lender_id,
            payload={"kind": "deferral-confirmation", "about": str(made.id)},
            once=f"letter:deferral-confirmation:{made.id}",
        )
    return Made(made.number)


def take_back(*, lender_id: uuid.UUID, plan_id: uuid.UUID, number: int, by: Actor) -> TakenBack | TooLate | None:
    """Put a plan's payments back as they were before its last change; None if there is no such change."""
    plan = locked(lender_id=lender_id, plan_id=plan_id)
    made = session.scalars(
        select(PlanChange).where(
            PlanChange.lender_id == lender_id, PlanChange.plan_id == plan_id, PlanChange.number == number
        )
    ).one_or_none()
    if made is None:
        return None
    if made.undone_at is not None:
        return TakenBack()
    today = clock.today(zone_of(plan))
    now = rewriting.read_plan(plan, today=today).running
    before = from_json(made.before["payments"], currency=plan.currency)
    let_off = {item.seq for item in items_of(plan) if item.waiver_posting_id is not None}
    other = {one.seq for one in now.payments if one not in before}
    if (
        made.undo_until is None
        or clock.now() >= made.undo_until
        or plan.state not in LIVE_STATES
        or as_json(now.payments) != made.after["payments"]
        or let_off & other
    ):
        return TooLate()
    rewriting.put_back(plan, made, payments=before, by=by)
    follow(plan, today=today, by=by)
    plan_changed(lender_id=lender_id, plan_id=plan_id)
    return TakenBack()


def take_back_end(*, lender_id: uuid.UUID, plan_id: uuid.UUID, by: Actor) -> TakenBack | TooLate:
    """Let a plan go on that somebody ended less than a day ago, judged as it stands now. Twice is once.

    Part of one transaction.
    """
    plan = locked(lender_id=lender_id, plan_id=plan_id)
    if plan.state in LIVE_STATES:
        return TakenBack()
    found = rewriting.end_undoable(plan)
    if found is None:
        return TooLate()
    before = plan.state
    moved = after(state=State(before), event=Event.TAKE_BACK, was=found.was)
    if not isinstance(moved, Moved):
        return TooLate()
    plan.state = moved.to.value
    record(
        Act.PLAN_MOVED,
        by=by,
        lender_id=lender_id,
        debtor_id=plan.debtor_id,
        debt_id=plan.debt_id,
        facts={"plan": plan.reference, "before": before, "after": plan.state, "why": "the end was taken back"},
    )
    follow(plan, today=clock.today(zone_of(plan)), by=by)
    return TakenBack()


def room_for_another(plan: Plan | PlanCard, *, today: date) -> Room | Refused:
    """Say whether another plan may be put together in place of a running one, by what the lender allows today."""
    debt = by_id(lender_id=plan.lender_id, debt_id=plan.debt_id)
    try:
        card = limits_in_force(debt, today=today).limits.new_plans
    except NoLimits:
        return Refused(Why.NOT_OFFERED)
    history = history_of(debt, background_of(debt), today=today)
    return rules.another(State(plan.state), card, in_12_months=history.plans_in_12_months, in_all=history.plans_in_all)


def want_another(*, lender_id: uuid.UUID, plan_id: uuid.UUID, by: Actor) -> datetime | Refused:
    """Open the way to another plan in place of a running one, which goes on until the other is agreed to.

    Gives until when that is. Twice is once. Part of one transaction.
    """
    plan = locked(lender_id=lender_id, plan_id=plan_id)
    now = clock.now()
    found = room_for_another(plan, today=clock.today(zone_of(plan)))
    if isinstance(found, Refused):
        return found
    if plan.replacing_until is not None and plan.replacing_until > now:
        return plan.replacing_until
    plan.replacing_until = now + ANOTHER_WITHIN
    record(
        Act.ANOTHER_PLAN_WANTED,
        by=by,
        lender_id=lender_id,
        debtor_id=plan.debtor_id,
        debt_id=plan.debt_id,
        facts={"plan": plan.reference, "until": plan.replacing_until},
    )
    return plan.replacing_until
