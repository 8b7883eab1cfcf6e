"""Tell a person that a plan is agreed, or what a lender's file did to it; the agreement itself is a letter."""

from __future__ import annotations

import uuid

from portal import queue
from portal.contact import write
from portal.db import session, transaction
from portal.money import Money
from portal.plans.from_file import CHANGED
from portal.plans.models import LIVE_STATES, Plan
from portal.plans.progress import items_of
from portal.post import words
from portal.post.compose import Words


def agreed(job: queue.Job) -> None:
    """Write that the plan of a job is agreed; once."""
    if job.lender_id is None:
        raise ValueError("a plan belongs to a lender")
    plan_id = uuid.UUID(job.payload["plan_id"])
    with transaction():
        plan = session.get_one(Plan, (job.lender_id, plan_id))
        first = items_of(plan)[0]
        url = write.address_of("plans.plan", reference=plan.reference)
        write.to(
            lender_id=plan.lender_id,
            debtor_id=plan.debtor_id,
            debt_id=plan.debt_id,
            kind="agreement",
            words=lambda name: words.agreement(
                name=name,
                plan=plan.reference,
                first_on=first.due_on,
                first=Money(first.amount_minor, plan.currency),
                url=url,
            ),
            asked_at=plan.agreed_at,
            once=f"agreement:{plan.id}",
        )


def of_file(job: queue.Job) -> None:
    """Write what a lender's file did to the plan of a job; once, and only while it is so."""
    if job.lender_id is None:
        raise ValueError("a plan belongs to a lender")
    kind = job.payload["kind"]
    with transaction():
        plan = session.get_one(Plan, (job.lender_id, uuid.UUID(job.payload["plan_id"])))
        if kind == CHANGED and plan.state not in LIVE_STATES:
            return
        url = write.address_of("plans.plan", reference=plan.reference)

        def what(name: str) -> Words:
            if kind == CHANGED:
                return words.amount_changed(name=name, url=url)
            return words.plan_taken_back(name=name, plan=plan.reference, url=url)

        write.to(
            lender_id=plan.lender_id,
            debtor_id=plan.debtor_id,
            debt_id=plan.debt_id,
            kind=kind,
            words=what,
            once=job.payload["once"],
        )
