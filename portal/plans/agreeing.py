"""Agreeing to a quote: the plan that it pinned begins.

Invariant: of two agreements at once, two clicks or two tabs, one is the plan and the other is told so. A plan ends for
another one only by agreeing to a quote that named it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sqlalchemy import select, update

from portal import clock, ledger, queue
from portal.db import new_id, session
from portal.debts.models import Debt
from portal.debts.statement import Standing
from portal.evidence.record import Act, Actor, record
from portal.ledger import OWED
from portal.money import Money
from portal.plans.models import Plan, PlanCard, PlanItem, Quote
from portal.plans.pinned import vests
from portal.plans.progress import alive_plan, locked
from portal.plans.quoting import PREPARED, arrangement_in, holds, reference_of_quote, schedule_in
from portal.plans.states import Event, Moved, State, after
from portal.web.numbers import public_number


@dataclass(frozen=True, slots=True)
class Agreed:
    """The plan stands."""

    reference: str


@dataclass(frozen=True, slots=True)
class AgreedBefore:
    """This very quote was agreed to already: a second click, another tab."""

    reference: str


@dataclass(frozen=True, slots=True)
class QuoteGone:
    """The quote has expired, or what is owed has changed since."""


@dataclass(frozen=True, slots=True)
class PlanAlive:
    """The debt has a plan already; it can be changed, not doubled."""

    reference: str


def agree(debt: Standing, *, number: str, agreed_text: str, by: Actor) -> Agreed | AgreedBefore | QuoteGone | PlanAlive:
    """Agree to a quote: the plan that it pinned begins, and the one that it was quoted in place of ends. Twice is once.

    `agreed_text` is what the page said, word for word, and is kept with the plan.
    """
    book = ledger.locked(lender_id=debt.lender_id, debt_id=debt.id)
    made = session.scalars(
        select(Quote)
        .where(Quote.lender_id == debt.lender_id, Quote.debt_id == debt.id, Quote.number == number)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    state = session.scalars(select(Debt.state).where(Debt.lender_id == debt.lender_id, Debt.id == debt.id)).one()
    if made is None or state != "open":
        return QuoteGone()
    if made.state == "accepted":
        return AgreedBefore(reference=reference_of_quote(made))
    alive = alive_plan(lender_id=debt.lender_id, debt_id=debt.id)
    if alive is not None and made.terms.get("replaces") != alive.reference:
        return PlanAlive(reference=alive.reference)
    if not holds(made, parts={account: book.standing(account) for account in OWED}):
        return QuoteGone()
    if alive is not None:
        _replace(alive, quote=made.number, by=by)
    made.state = "accepted"
    arrangement = arrangement_in(made)
    schedule = schedule_in(made)
    waives = ({},) * schedule.count if arrangement.waiver is None else vests(arrangement.waiver)
    session.execute(
        update(Quote)
        .where(Quote.lender_id == debt.lender_id, Quote.debt_id == debt.id, Quote.state == "open")
        .values(state="void")
    )
    plan = Plan(
        lender_id=debt.lender_id,
        id=new_id(),
        reference=public_number("PL"),
        debt_id=debt.id,
        debtor_id=debt.debtor_id,
        quote_id=made.id,
        kind=made.arrangement,
        state="agreed",
        total_minor=made.total_minor,
        waive_minor=sum(part.minor for now in waives for part in now.values()),
        review_on=arrangement.review_on,
        void_on=arrangement.void_unless_paid_by,
        currency=made.currency,
        frequency=made.frequency,
        grace_days=made.terms["grace_days"],
        tolerance_minor=made.terms["tolerance"],
        cure_days=made.terms["cure_days"],
        # The next night looks at it and says when it is looked at again.
        look_on=made.as_of,
        agreed_at=clock.now(),
        agreed_text=agreed_text,
    )
    session.add(plan)
    session.flush()
    session.add_all(
        PlanItem(
            lender_id=debt.lender_id,
            plan_id=plan.id,
            seq=item.seq,
            due_on=item.due_on,
            amount_minor=item.amount.minor,
            principal_minor=item.principal.minor,
            interest_minor=item.interest.minor,
            waive_minor=sum(part.minor for part in now.values()),
            currency=made.currency,
        )
        for item, now in zip(schedule.items, waives, strict=True)
    )
    record(
        Act.PLAN_AGREED,
        by=by,
        lender_id=debt.lender_id,
        debtor_id=debt.debtor_id,
        debt_id=debt.id,
        facts={
            "plan": plan.reference,
            "quote": made.number,
            "kind": made.arrangement,
            "total": Money(made.total_minor, made.currency).amount,
            "currency": made.currency,
            "waives": Money(plan.waive_minor, made.currency).amount,
            "review_on": plan.review_on,
            "void_on": plan.void_on,
            "text_sha256": hashlib.sha256(agreed_text.encode()).hexdigest(),
            **({PREPARED: made.terms[PREPARED]} if PREPARED in made.terms else {}),
        },
    )
    queue.later(
        "letters.issue",
        lender_id=debt.lender_id,
        payload={"kind": "plan-agreement", "plan_id": str(plan.id)},
        once=f"letter:plan-agreement:{plan.id}",
    )
    queue.later(
        "plans.tell",
        lender_id=debt.lender_id,
        payload={"plan_id": str(plan.id)},
        once=f"tell:agreement:{plan.id}",
    )
    return Agreed(reference=plan.reference)


def _replace(alive: PlanCard, *, quote: str, by: Actor) -> None:
    """End a plan because another one begins in its place."""
    plan = locked(lender_id=alive.lender_id, plan_id=alive.id)
    moved = after(state=State(plan.state), event=Event.SUPERSEDE)
    if not isinstance(moved, Moved):
        raise LookupError(moved)
    before, plan.state, plan.look_on = plan.state, moved.to.value, None
    record(
        Act.PLAN_MOVED,
        by=by,
        lender_id=plan.lender_id,
        debtor_id=plan.debtor_id,
        debt_id=plan.debt_id,
        facts={"plan": plan.reference, "before": before, "after": plan.state, "quote": quote},
    )
    # Of a debt one plan is alive at a time, also between two statements.
    session.flush()
