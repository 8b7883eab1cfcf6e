"""What about a plan waits for a person of the lender: how it comes up, who sees it, and what that person decides.

Invariant: the same thing about a plan comes up once for each day of its own, and is closed once.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import select, update

from portal import clock
from portal.db import insert_unless_there, new_id, session
from portal.debts.models import Debt
from portal.evidence.record import PORTAL, Act, Actor, record
from portal.lenders.models import Lender
from portal.people.models import Debtor
from portal.plans.models import LIVE_STATES, Plan, PlanCheck
from portal.plans.states import State

_AT_ONCE = 500


class Why(StrEnum):
    """What a person is to look at."""

    # The days to make up for what was missed are over. Before the plan ends, a person looks whether somebody who is in
    # trouble needs something else.
    CURE_OVER = "cure_over"
    # The day has come on which it was promised to look at a lower payment again.
    REVIEW = "review"
    # The lender's file says something that its plan doesn't.
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing that waits for a person. `day` is when it came up, and `state` how the plan stands now."""

    lender: str
    plan: str
    debt: str
    person: str
    why: Why
    day: date
    state: str
    opened_at: datetime


def come_up(plan: Plan, *, today: date, cure_by: date | None, waits: bool) -> Why | None:
    """Let what time brings wait for a person, and nothing that it has overtaken; gives what is new.

    Part of the act that looks at the plan, which is locked. `cure_by` and `waits` are as the plan was just judged:
    money that is on its way may still make up for what is missing.
    """
    broken = plan.state == State.BROKEN.value
    if not broken:
        _overtaken(plan)
    if broken and cure_by is not None and cure_by < today and not waits:
        return Why.CURE_OVER if wait(plan, why=Why.CURE_OVER, day=cure_by) else None
    running = plan.state in (*LIVE_STATES, State.COMPLETED.value)
    if running and plan.review_on is not None and plan.review_on <= today:
        return Why.REVIEW if wait(plan, why=Why.REVIEW, day=plan.review_on) else None
    return None


def wait(plan: Plan, *, why: Why, day: date) -> bool:
    """Let something about a plan wait for a person; gives whether that is new."""
    made = session.execute(
        insert_unless_there(PlanCheck)
        .values(
            lender_id=plan.lender_id,
            id=new_id(),
            plan_id=plan.id,
            kind=why.value,
            day=day,
            opened_at=clock.now(),
        )
        .on_conflict_do_nothing(index_elements=["lender_id", "plan_id", "kind", "day"])
        .returning(PlanCheck.id)
    ).scalar_one_or_none()
    if made is None:
        return False
    _note(Act.PLAN_CHECK_OPENED, plan, why=why.value, day=day, by=PORTAL)
    return True


def _overtaken(plan: Plan) -> None:
    """Close what waits because a plan was broken, now that it no longer is."""
    close(plan, why=Why.CURE_OVER, words=None, by=PORTAL)


def close(plan: Plan, *, why: Why, words: str | None, by: Actor) -> int:
    """Close what waits about a plan, with what a person says of it; gives how much that was."""
    closed = list(
        session.scalars(
            update(PlanCheck)
            .where(
                PlanCheck.lender_id == plan.lender_id,
                PlanCheck.plan_id == plan.id,
                PlanCheck.kind == why.value,
                PlanCheck.closed_at.is_(None),
            )
            .values(closed_at=clock.now(), closed_by=f"{by.kind}:{by.id}", words=words)
            .returning(PlanCheck.day),
            execution_options={"synchronize_session": False},
        )
    )
    for day in closed:
        _note(Act.PLAN_CHECK_CLOSED, plan, why=why.value, day=day, by=by)
    return len(closed)


def _note(act: Act, plan: Plan, *, why: str, day: date, by: Actor) -> None:
    record(
        act,
        by=by,
        lender_id=plan.lender_id,
        debtor_id=plan.debtor_id,
        debt_id=plan.debt_id,
        facts={"plan": plan.reference, "why": why, "day": day},
    )


def waiting(lender_id: uuid.UUID) -> Iterator[Waiting]:
    """Give what waits for a person of a lender, oldest first, a page at a time."""
    wanted = (
        select(
            Lender.slug,
            Plan.reference,
            Debt.reference,
            Debtor.name,
            PlanCheck.kind,
            PlanCheck.day,
            Plan.state,
            PlanCheck.opened_at,
            PlanCheck.id,
        )
        .join(Lender, Lender.id == PlanCheck.lender_id)
        .join(Plan, (Plan.lender_id == PlanCheck.lender_id) & (Plan.id == PlanCheck.plan_id))
        .join(Debt, (Debt.lender_id == Plan.lender_id) & (Debt.id == Plan.debt_id))
        .join(Debtor, (Debtor.lender_id == Plan.lender_id) & (Debtor.id == Plan.debtor_id))
        .where(PlanCheck.lender_id == lender_id, PlanCheck.closed_at.is_(None))
        .order_by(PlanCheck.id)
        .limit(_AT_ONCE)
    )
    page = session.execute(wanted).all()
    while page:
        for slug, plan, debt, person, kind, day, state, opened_at, _id in page:
            yield Waiting(slug, plan, debt, person, Why(kind), day, state, opened_at)
        page = session.execute(wanted.where(PlanCheck.id > page[-1].id)).all()
