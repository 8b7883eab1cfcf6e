"""Write before a payment of a plan is due, and once, kindly, when it did not come.

The night only puts off what there is to write about. A job looks again and writes it with the words, figures and
address of its own moment, or says on record that it was not needed any more. For a payment each kind is written once.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

from sqlalchemy import select

from portal import clock, queue
from portal.bulk import rows_by_text
from portal.contact import write
from portal.contact.facts import Holds
from portal.db import session, transaction
from portal.debts.models import Debt
from portal.evidence.record import PORTAL, Act, record
from portal.ledger import Book
from portal.lenders.models import Lender
from portal.money import Money, total
from portal.people.models import Debtor
from portal.plans import looking, progress, waivers
from portal.plans.looking import Payment, Terms
from portal.plans.models import LIVE_STATES, Plan, PlanItem
from portal.plans.states import Held
from portal.post import outbox, words
from portal.post.gate import Reason
from portal.post.models import Message

WRITE = "plans.remind"
# While a plan is paused nothing is due.
REMINDED = tuple(state for state in LIVE_STATES if state != "paused")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A payment to write about, of a plan by its id with dashes.

    `once` is the message's key, and `job` that of today's try to write it.
    """

    plan_id: str
    kind: str
    seq: int
    once: str
    job: str


def wanted(
    plan_id: str,
    payments: Sequence[Payment],
    *,
    changed: bool,
    today: date,
    terms: Terms,
    held: Held,
) -> Iterator[Wanted]:
    """Give what there is to write about a running plan today, whether it has been written or not.

    The plan's id is written with its dashes.
    """
    for kind, payment in _due(payments, today=today, terms=terms, held=held).items():
        if payment is not None:
            once = _once(plan_id, payment, kind=kind, changed=changed)
            yield Wanted(plan_id, kind, payment.seq, once, f"remind:{once}:{today}")


def _due(payments: Sequence[Payment], *, today: date, terms: Terms, held: Held) -> dict[str, Payment | None]:
    return {
        "reminder": looking.coming(payments, today=today, terms=terms),
        "missed": looking.missed(payments, today=today, terms=terms, held=held),
    }


def _once(plan_id: uuid.UUID | str, payment: Payment, *, kind: str, changed: bool) -> str:
    once = f"{kind}:{plan_id}:{payment.seq}"
    # A payment that got another day is spoken of again.
    return f"{once}:{payment.due_on}" if changed else once


def put_off(lender_id: uuid.UUID, found: Sequence[Wanted]) -> list[Wanted]:
    """Put off what was not written yet, until this transaction is committed; gives that. Its plans must be locked.

    What is put off already today is not put off again; tomorrow it is, if it could not be written.
    """
    texts = [each.once for each in found]
    of_lender = Message.lender_id == lender_id
    there = {row.once_key for row in rows_by_text(Message.once_key, key=Message.once_key, texts=texts, where=of_lender)}
    missing = {each.job: each for each in found if each.once not in there}
    new = queue.many_later(
        WRITE,
        lender_id=lender_id,
        work={job: {"plan_id": each.plan_id, "kind": each.kind, "seq": str(each.seq)} for job, each in missing.items()},
    )
    return [missing[job] for job in new]


class Covered(Protocol):
    """Says whether a payment of a plan is taken by itself, and was said to be."""

    def __call__(self, *, lender_id: uuid.UUID, plan_id: uuid.UUID, seq: int) -> bool:
        """Say so."""


def run(job: queue.Job, *, holding: Holds, covered: Covered) -> None:
    """Write about a payment of the plan of a job, once, if it still is as it was in the night.

    Nobody is reminded of what is taken by itself: there was a notice of that.
    What may not be written now, as during a hold, is tried again after tomorrow's night.
    """
    if job.lender_id is None:
        raise ValueError("a plan belongs to a lender")
    kind, seq = job.payload["kind"], int(job.payload["seq"])
    with transaction() as s:
        plan = progress.locked(lender_id=job.lender_id, plan_id=uuid.UUID(job.payload["plan_id"]))
        life = progress.lives_of([plan])[plan.id]
        today, lender = clock.today(life.zone), s.get_one(Lender, plan.lender_id)
        terms = terms_of(plan, remind_days=lender.remind_days_before)
        payment = _due(payments_of(life.items), today=today, terms=terms, held=life.held)[kind]
        open_ = s.get_one(Debt, (plan.lender_id, plan.debt_id)).state == "open"
        if payment is None or payment.seq != seq or plan.state not in REMINDED or not open_:
            record(
                Act.MESSAGE_NOT_WRITTEN,
                by=PORTAL,
                lender_id=plan.lender_id,
                debtor_id=plan.debtor_id,
                debt_id=plan.debt_id,
                facts={"kind": kind, "about": f"{kind}:{plan.id}:{seq}", "why": Reason.NO_LONGER_TRUE.value},
            )
            return
        if kind == "reminder" and covered(lender_id=plan.lender_id, plan_id=plan.id, seq=seq):
            record(
                Act.MESSAGE_NOT_WRITTEN,
                by=PORTAL,
                lender_id=plan.lender_id,
                debtor_id=plan.debtor_id,
                debt_id=plan.debt_id,
                facts={"kind": kind, "about": f"{kind}:{plan.id}:{seq}", "why": "taken_by_itself"},
            )
            return
        once = _once(plan.id, payment, kind=kind, changed=bool(plan.changes))
        if outbox.was_written(plan.lender_id, once=once) or _write(
            plan, payment, kind=kind, once=once, holding=holding
        ):
            return
        tomorrow = today + timedelta(days=1)
        plan.look_on = tomorrow if plan.look_on is None else min(plan.look_on, tomorrow)


def _write(plan: Plan, payment: Payment, *, kind: str, once: str, holding: Holds) -> bool:
    """Write, and say whether that could be; nobody is asked for more than is owed, and interest that is to come."""
    book = session.get_one(Book, (plan.lender_id, plan.debt_id))
    most = total(waivers.asked_of(book, plan).values(), currency=plan.currency).minor + payment.interest
    amount, due_on = Money(min(payment.missing, most), plan.currency), payment.due_on
    url = write.address_of("plans.plan", reference=plan.reference)
    what = words.reminder if kind == "reminder" else words.missed
    made = write.to(
        lender_id=plan.lender_id,
        debtor_id=plan.debtor_id,
        debt_id=plan.debt_id,
        kind=kind,
        words=lambda name: what(name=name, amount=amount, due_on=due_on, url=url),
        once=once,
        about=f"{kind}:{plan.id}:{payment.seq}:{payment.missing}:{due_on}",
        holding=holding,
    )
    return made is not None


def terms_of(plan: Plan, *, remind_days: int) -> Terms:
    """Give what a plan is looked at by."""
    return Terms(
        grace_days=plan.grace_days,
        cure_days=plan.cure_days,
        tolerance=plan.tolerance_minor,
        remind_days=remind_days,
        void_on=plan.void_on,
        review_on=plan.review_on,
    )


def payments_of(items: Sequence[PlanItem]) -> list[Payment]:
    """Give the payments of a plan as the rules look at them."""
    return [
        Payment(
            seq=item.seq,
            due_on=item.due_on,
            amount=item.amount_minor,
            paid=item.paid_minor,
            interest=item.interest_minor,
            # What was paid extra was never due.
            kept=item.kept_at is not None or item.kind == "extra",
        )
        for item in items
    ]


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
