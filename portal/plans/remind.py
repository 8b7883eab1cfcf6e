"""Write before a payment of a plan is due, and once, kindly, when it did not come. Run every night; twice is once."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select

from portal import clock
from portal.contact import write
from portal.contact.facts import Holds
from portal.db import session, transaction
from portal.debts.models import Debt
from portal.lenders.models import Lender
from portal.money import Money
from portal.people.models import Debtor
from portal.plans.models import LIVE_STATES, Plan, PlanItem
from portal.plans.progress import held_of
from portal.plans.states import counted
from portal.post import words

# Nobody is asked about a payment that was missed long ago, as when the nights did not run for a while.
MISSED_FOR_AT_MOST = timedelta(days=14)
# While a plan is paused nothing is due.
REMINDED = tuple(state for state in LIVE_STATES if state != "paused")


@dataclass(frozen=True, slots=True)
class Written:
    """How many messages a night wrote."""

    reminders: int
    missed: int


def run(*, holding: Holds) -> Written:
    """Write what is due to be written, for every plan that runs; each plan in a transaction of its own."""
    plans = session.execute(select(Plan.lender_id, Plan.id).where(Plan.state.in_(REMINDED)).order_by(Plan.id)).all()
    reminders = missed = 0
    for lender_id, plan_id in plans:
        with transaction():
            before, after = of_plan(lender_id=lender_id, plan_id=plan_id, holding=holding)
        reminders, missed = reminders + before, missed + after
    return Written(reminders, missed)


def of_plan(*, lender_id: uuid.UUID, plan_id: uuid.UUID, holding: Holds) -> tuple[int, int]:
    """Write what one plan needs today; gives how many reminders and how many words about a missed payment."""
    plan = session.get_one(Plan, (lender_id, plan_id))
    lender = session.get_one(Lender, lender_id)
    debtor = session.get(Debtor, (lender_id, plan.debtor_id))
    if debtor is None:
        return 0, 0
    today = clock.today(debtor.zone)
    items = _open_items(plan)
    soon = [item for item in items if today < item.due_on <= today + timedelta(days=lender.remind_days_before)]
    held, late = held_of(plan) if items else (), []
    for item in items:
        last_day = counted(item.due_on, more=plan.grace_days, held=held)
        if last_day is None or _missing(item) <= plan.tolerance_minor:
            continue
        if timedelta(0) < today - last_day <= MISSED_FOR_AT_MOST:
            late.append(item)
    # The next one only, and of several that were missed the last: nobody needs two at once.
    return (
        sum(_write(plan, item, kind="reminder", holding=holding) for item in soon[:1]),
        sum(_write(plan, item, kind="missed", holding=holding) for item in late[-1:]),
    )


def _open_items(plan: Plan) -> list[PlanItem]:
    return list(
        session.scalars(
            select(PlanItem)
            .where(
                PlanItem.lender_id == plan.lender_id,
                PlanItem.plan_id == plan.id,
                PlanItem.paid_minor < PlanItem.amount_minor,
                PlanItem.kept_at.is_(None),
            )
            .order_by(PlanItem.seq)
        )
    )


def _missing(item: PlanItem) -> int:
    return item.amount_minor - item.paid_minor


def _write(plan: Plan, item: PlanItem, *, kind: str, holding: Holds) -> bool:
    amount, due_on = Money(_missing(item), plan.currency), item.due_on
    url = write.address_of("plans.plan", reference=plan.reference)
    what = words.reminder if kind == "reminder" else words.missed
    made = write.to(
        lender_id=plan.lender_id,
        debtor_id=plan.debtor_id,
        debt_id=plan.debt_id,
        kind=kind,
        words=lambda name: what(name=name, amount=amount, due_on=due_on, url=url),
        # A payment that got another day is spoken of again.
        once=f"{kind}:{plan.id}:{item.seq}:{due_on}" if plan.changes else f"{kind}:{plan.id}:{item.seq}",
        about=f"{kind}:{plan.id}:{item.seq}:{amount.minor}:{due_on}",
        holding=holding,
    )
    return made is not None


def still_true(lender_id: uuid.UUID, about: str) -> bool | None:
    """Say whether what a reminder is about still is so; None if it isn't about a plan, which nobody can say.

    Of a reminder: not paid, as much is missing as it says, and its day, which has not come, is the same. Of a missed
    payment: still missing.
    """
    kind, _colon, rest = about.partition(":")
    if kind not in {"reminder", "missed"}:
        return None
    plan_id, seq, amount, *day = rest.split(":")
    row = session.execute(
        select(PlanItem, Plan, Debtor.zone, Debt.state)
        .join(Plan, (Plan.lender_id == PlanItem.lender_id) & (Plan.id == PlanItem.plan_id))
        .join(Debtor, (Debtor.lender_id == Plan.lender_id) & (Debtor.id == Plan.debtor_id))
        .join(Debt, (Debt.lender_id == Plan.lender_id) & (Debt.id == Plan.debt_id))
        .where(PlanItem.lender_id == lender_id, PlanItem.plan_id == uuid.UUID(plan_id), PlanItem.seq == int(seq))
    ).one_or_none()
    if row is None:
        return False
    item, plan = row.PlanItem, row.Plan
    if plan.state not in REMINDED or row.state != "open" or item.kept_at is not None:
        return False
    if _missing(item) != int(amount) or (day and day[0] != item.due_on.isoformat()):
        return False
    return kind == "missed" or _is_to_come(item.due_on, zone=row.zone)


def _is_to_come(due_on: date, *, zone: str) -> bool:
    return due_on >= clock.today(zone)
