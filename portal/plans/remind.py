"""Write before a payment of a plan is due, and once, kindly, when it did not come. Run every night; twice is once."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from portal import clock
from portal.contact import write
from portal.contact.facts import Holds
from portal.db import session
from portal.debts.models import Debt
from portal.money import Money
from portal.people.models import Debtor
from portal.plans.looking import Payment, Terms, coming, missed
from portal.plans.models import LIVE_STATES, Plan, PlanItem
from portal.plans.states import Held
from portal.post import outbox, words

# While a plan is paused nothing is due.
REMINDED = tuple(state for state in LIVE_STATES if state != "paused")


@dataclass(frozen=True, slots=True)
class Written:
    """How many messages were written for a plan; `again`: one could not be, and may be possible tomorrow."""

    reminders: int = 0
    missed: int = 0
    again: bool = False


def of_plan(
    plan: Plan, payments: Sequence[Payment], *, owed: Money, today: date, terms: Terms, held: Held, holding: Holds
) -> Written:
    """Write what a plan needs today, each message once; nobody is asked for more than `owed`, and interest to come."""
    if plan.state not in REMINDED:
        return Written()
    due = {
        "reminder": coming(payments, today=today, terms=terms),
        "missed": missed(payments, today=today, terms=terms, held=held),
    }
    found = {
        kind: _write(plan, payment, kind=kind, most=owed.minor + payment.interest, holding=holding)
        for kind, payment in due.items()
        if payment is not None and not outbox.was_written(plan.lender_id, once=_once(plan, payment, kind=kind))
    }
    return Written(found.get("reminder", 0), found.get("missed", 0), again=not all(found.values()))


def _once(plan: Plan, payment: Payment, *, kind: str) -> str:
    once = f"{kind}:{plan.id}:{payment.seq}"
    # A payment that got another day is spoken of again.
    return f"{once}:{payment.due_on}" if plan.changes else once


def _write(plan: Plan, payment: Payment, *, kind: str, most: int, holding: Holds) -> bool:
    amount, due_on = Money(min(payment.missing, most), plan.currency), payment.due_on
    url = write.address_of("plans.plan", reference=plan.reference)
    what = words.reminder if kind == "reminder" else words.missed
    made = write.to(
        lender_id=plan.lender_id,
        debtor_id=plan.debtor_id,
        debt_id=plan.debt_id,
        kind=kind,
        words=lambda name: what(name=name, amount=amount, due_on=due_on, url=url),
        once=_once(plan, payment, kind=kind),
        about=f"{kind}:{plan.id}:{payment.seq}:{payment.missing}:{due_on}",
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
    if item.amount_minor - item.paid_minor != int(amount) or (day and day[0] != item.due_on.isoformat()):
        return False
    return kind == "missed" or _is_to_come(item.due_on, zone=row.zone)


def _is_to_come(due_on: date, *, zone: str) -> bool:
    return due_on >= clock.today(zone)
