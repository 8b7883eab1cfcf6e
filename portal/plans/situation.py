"""How things stand with a debt when it is talked about: its parts, its past, and what stands in the way.

Invariant: everything here is read from the books and the holds at the moment of the answer; nothing is kept twice.
"""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from fractions import Fraction

from sqlalchemy import func, select

from portal import clock
from portal.care.holds import holding
from portal.db import session
from portal.debts.statement import Standing
from portal.interest import months_later
from portal.ledger import OWED, Account
from portal.offers.gates import Flag, Gate, Situation, gates
from portal.offers.owed import History, Owed
from portal.plans.allowed import attributes_of
from portal.plans.models import Plan, PlanItem, Proposal, Quote
from portal.plans.progress import alive_plan
from portal.plans.states import State
from portal.schedules.arrangements import Kind, Parts

# A plan that was taken back, or that never began, is no plan that somebody had.
_NEVER_RAN = (State.VOIDED.value, State.EXPIRED.value)
# What a lender's file says of a debt whose time to be asked for before a court is over.
_TIME_BARRED, _YES = "time_barred", ("yes", "true", "1")


def owed_of(debt: Standing, *, today: date) -> Owed:
    """Give what a plan is reckoned from: interest runs on the principal's share of what is owed, on nothing else."""
    principal = debt.parts[Account.PRINCIPAL].minor
    bearing = Fraction(principal, debt.owed.minor) if debt.owed.minor else Fraction(0)
    parts = Parts(**{account.value: debt.parts[account] for account in OWED})
    return Owed(
        balance=debt.owed,
        annual_rate=debt.annual_rate,
        bearing=bearing,
        parts=parts,
        days_late=debt.days_late(today),
    )


def gate_of(debt: Standing) -> Gate | None:
    """Give what stands in the way of an answer; who is signed in has said who it is.

    The portal's books are the book of the debt from the first file on, so what is owed is of this moment.
    """
    now = clock.now()
    found = holding(lender_id=debt.lender_id, debtor_id=debt.debtor_id, debt_id=debt.id, at=now)
    return gates(
        Situation(
            identity_verified=True,
            balance_as_of=now,
            flags=frozenset({Flag.DISPUTE}) if any(hold.disputed for hold in found) else frozenset(),
            time_barred=str(attributes_of(debt).get(_TIME_BARRED, "")).lower() in _YES,
            plan_alive=alive_plan(lender_id=debt.lender_id, debt_id=debt.id) is not None,
        ),
        now=now,
    )


def history_of(debt: Standing, *, proposal_id: uuid.UUID | None, today: date) -> History:
    """Give what was agreed before on a debt, and how often it was answered without a yes since its last plan."""
    plans = session.execute(
        select(Plan.id, Plan.kind, Plan.state, Plan.agreed_at, Plan.grace_days, Plan.cure_days, Quote.terms)
        .join(Quote, (Quote.lender_id == Plan.lender_id) & (Quote.id == Plan.quote_id))
        .where(Plan.lender_id == debt.lender_id, Plan.debt_id == debt.id, Plan.state.not_in(_NEVER_RAN))
        .order_by(Plan.agreed_at)
    ).all()
    answered = select(func.count()).where(
        Proposal.lender_id == debt.lender_id,
        Proposal.debt_id == debt.id,
        Proposal.outcome != "accept",
        Proposal.id != proposal_id,
    )
    if plans:
        answered = answered.where(Proposal.made_at > plans[-1].agreed_at)
    year_ago = months_later(today, -12)
    paused = [
        (plan.agreed_at, plan.terms["arranged"]["pause_months"], date.fromisoformat(plan.terms["items"][0][1]))
        for plan in plans
        if plan.kind == Kind.HOLIDAY.value
    ]
    breaks = [plan for plan in plans if plan.state == State.ENDED_BROKEN.value]
    return History(
        pause_months_in_12=sum(months for _at, months, until in paused if until > year_ago),
        payments_since_pause=_kept_since(debt, [plan.id for plan in plans if plan.agreed_at >= paused[-1][0]])
        if paused
        else None,
        plans_in_12_months=sum(plan.agreed_at.date() > year_ago for plan in plans),
        plans_in_all=len(plans),
        days_since_break=min(
            (_days_since_end(debt, plan.id, plan.grace_days + plan.cure_days, today) for plan in breaks), default=None
        ),
        rounds=session.scalars(answered).one(),
    )


def _kept_since(debt: Standing, plan_ids: list[uuid.UUID]) -> int:
    return session.scalars(
        select(func.count()).where(
            PlanItem.lender_id == debt.lender_id, PlanItem.plan_id.in_(plan_ids), PlanItem.kept_at.is_not(None)
        )
    ).one()


def _days_since_end(debt: Standing, plan_id: uuid.UUID, days: int, today: date) -> int:
    """Give for how many days it has been over to make up for the first payment that is missing of a broken plan."""
    missed = session.scalars(
        select(func.min(PlanItem.due_on)).where(
            PlanItem.lender_id == debt.lender_id,
            PlanItem.plan_id == plan_id,
            PlanItem.paid_minor < PlanItem.amount_minor,
        )
    ).one()
    return max((today - (missed + timedelta(days=days))).days, 0) if missed is not None else 0
