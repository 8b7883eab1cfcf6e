"""Giving money back: asked for by a person, approved by a second one where it is much, sent to Stripe once.

Invariant: our row stands before Stripe is asked, and its id is the key: two clicks, two tabs, a crash between the two
give one refund. One at a time is open for what came in one piece.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from flask import current_app
from sqlalchemy import select

from portal import clock, queue
from portal.db import insert_unless_there, new_id, session, transaction
from portal.evidence.record import PORTAL, STRIPE, Act, Actor, record
from portal.lenders.models import Lender
from portal.money import Money
from portal.payments import stripe_gateway
from portal.payments.checkout import account_of
from portal.payments.going_back import Came, aside_of
from portal.payments.models import Payment, Refund, SetAside
from portal.payments.parts import only_debt, parts_of
from portal.payments.refund_states import OPEN, Forbidden, Late, Moved, Repeated, State, Word, after
from portal.payments.states import MONEY_IS_HERE
from portal.payments.states import State as PaymentState
from portal.payments.stripe_gateway import RefundFacts, RefundStatus
from portal.web.numbers import public_number

_OPEN = [state.value for state in OPEN]
_SAID = {
    RefundStatus.PENDING: Word.ACCEPTED,
    RefundStatus.REQUIRES_ACTION: Word.ACCEPTED,
    RefundStatus.SUCCEEDED: Word.ARRIVED,
    RefundStatus.FAILED: Word.FAILED,
    RefundStatus.CANCELED: Word.FAILED,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """The refund stands; it `waits` for a second person, or is on its way. `before`: this form made it before."""

    number: str
    waits: bool
    before: bool = False


@dataclass(frozen=True, slots=True)
class TooMuch:
    """More than was paid and not yet given back; there is so much."""

    left: Money


@dataclass(frozen=True, slots=True)
class OneIsOpen:
    """Another refund of the same money is open, with this number."""

    number: str


@dataclass(frozen=True, slots=True)
class NotNow:
    """Its bank asks about it, or no money of it is here."""


def left_of(payment: Payment, aside: SetAside | None) -> Money:
    """Give what was paid and not yet given back, whether somebody is giving it back or not."""
    if aside is not None:
        return Money(max(aside.amount_minor - aside.gone_minor, 0), aside.currency)
    if PaymentState(payment.state) not in MONEY_IS_HERE:
        return Money.zero(payment.currency)
    return Money(payment.amount_minor - payment.refunded_minor, payment.currency)


def payment_locked(*, lender_id: uuid.UUID, payment_id: uuid.UUID) -> Payment:
    """Give a payment, locked."""
    return session.execute(
        select(Payment)
        .where(Payment.lender_id == lender_id, Payment.id == payment_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one()


def ask(
    came: Came,
    *,
    amount: Money,
    reason: str,
    form_key: str,
    alone: bool,
    by: Actor,
    member_id: uuid.UUID | None,
    facts: Mapping[str, object],
) -> Asked | TooMuch | OneIsOpen | NotNow:
    """Write down that money is to go back; what came must be locked. `alone` sends it without a second person."""
    lender_id, payment = came.lender_id, came.payment
    before = session.scalars(
        select(Refund).where(Refund.lender_id == lender_id, Refund.form_key == form_key)
    ).one_or_none()
    if before is not None:
        return Asked(before.number, waits=before.state == State.ASKED.value, before=True)
    if payment is not None and payment.state == PaymentState.DISPUTED.value:
        return NotNow()
    if (open_ := open_of(lender_id, came.intent_id)) is not None:
        return OneIsOpen(open_.number)
    if payment is not None:
        left = left_of(payment, came.aside)
    elif came.aside is not None:
        left = Money(max(came.aside.amount_minor - came.aside.gone_minor, 0), came.aside.currency)
    else:
        return NotNow()
    if not left:
        return NotNow()
    if amount.currency != left.currency or amount > left or not amount:
        return TooMuch(left)
    refund_id, now = new_id(), clock.now()
    made = session.execute(
        insert_unless_there(Refund)
        .values(
            lender_id=lender_id,
            id=refund_id,
            number=public_number("RF"),
            form_key=form_key,
            payment_id=None if payment is None else payment.id,
            set_aside_id=came.aside.id if payment is None and came.aside is not None else None,
            debtor_id=came.debtor_id,
            payment_intent_id=came.intent_id,
            amount_minor=amount.minor,
            currency=amount.currency,
            reason=reason,
            state=(State.APPROVED if alone else State.ASKED).value,
            asked_by=member_id,
            asked_at=now,
            moved_at=now,
        )
        .on_conflict_do_nothing()
        .returning(Refund.number)
    ).scalar_one_or_none()
    if made is None:
        other = open_of(lender_id, came.intent_id)
        return OneIsOpen("" if other is None else other.number)
    row = session.get_one(Refund, (lender_id, refund_id))
    _recorded(Act.REFUND_ASKED, row, by=by, facts=facts)
    if alone:
        _put_off(row)
    return Asked(made, waits=not alone)


def open_of(lender_id: uuid.UUID, intent_id: str) -> Refund | None:
    """Give the refund that is open for what came in one piece."""
    return session.scalars(
        select(Refund).where(
            Refund.lender_id == lender_id, Refund.payment_intent_id == intent_id, Refund.state.in_(_OPEN)
        )
    ).one_or_none()


def by_number(*, lender_id: uuid.UUID, number: str, locked: bool = False) -> Refund | None:
    """Give a refund by its number."""
    query = select(Refund).where(Refund.lender_id == lender_id, Refund.number == number)
    if locked:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def decide(
    row: Refund, word: Word, *, by: Actor, member_id: uuid.UUID, words: str | None, facts: Mapping[str, object]
) -> Moved | Repeated | Late | Forbidden:
    """Let a person decide on a refund that waits; the row is locked, and who may is checked by whoever calls."""
    moved = after(state=State(row.state), word=word)
    if isinstance(moved, Moved):
        now = clock.now()
        row.state, row.decided_by, row.decided_at, row.decided_words = moved.to.value, member_id, now, words
        row.moved_at = now
        _recorded(Act.REFUND_DECIDED, row, by=by, facts={**facts, "after": row.state})
        if moved.to is State.APPROVED:
            _put_off(row)
    return moved


def _put_off(row: Refund) -> None:
    queue.later(
        "payments.give_back",
        lender_id=row.lender_id,
        payload={"refund_id": str(row.id)},
        once=f"give-back:{row.id}",
    )


@dataclass(frozen=True, slots=True)
class Sent:
    """Stripe took it."""

    amount: Money


@dataclass(frozen=True, slots=True)
class Refused:
    """Stripe said no; nothing went."""

    code: str


def run(job: queue.Job) -> None:
    """Send one refund.

    :raises portal.queue.TryLater: if Stripe can't be reached now.
    """
    if job.lender_id is None:
        raise ValueError("a refund belongs to a lender")
    try:
        send(
            lender_id=job.lender_id,
            refund_id=uuid.UUID(job.payload["refund_id"]),
            api_base=current_app.config["STRIPE_API_BASE"],
        )
    except stripe_gateway.PaymentServiceDown as down:
        raise queue.TryLater(timedelta(seconds=15)) from down


def send(*, lender_id: uuid.UUID, refund_id: uuid.UUID, api_base: str | None) -> Sent | Refused | None:
    """Ask Stripe for a refund that may go, outside any transaction; None if there is nothing to ask any more.

    A key is good for a day, so what Stripe has already is looked for first, by the id of our row.

    :raises portal.payments.stripe_gateway.PaymentServiceDown: if there was no final answer; then it is asked again.
    """
    row = session.get_one(Refund, (lender_id, refund_id))
    if row.state != State.APPROVED.value:
        return None
    account = account_of(session.get_one(Lender, lender_id), api_base=api_base)
    intent_id, amount, ours = row.payment_intent_id, Money(row.amount_minor, row.currency), str(row.id)
    session.rollback()
    try:
        read = stripe_gateway.read_payment(account, payment_intent_id=intent_id)
        given = next((one for one in read.refunds if one.ours == ours), None) or stripe_gateway.refund(
            account, payment_intent_id=intent_id, amount=amount, idempotency_key=f"refund:{ours}", ours=ours
        )
    except (stripe_gateway.PaymentRefused, stripe_gateway.NotChargeable) as no:
        code = getattr(no, "code", "not_chargeable")
        with transaction():
            _moved(_locked(lender_id, refund_id), Word.REFUSED, failure=code)
        return Refused(code)
    with transaction():
        row = _locked(lender_id, refund_id)
        row.refund_id = given.id
        _moved(row, Word.ACCEPTED)
        if row.payment_id is not None:
            queue.later(
                "payments.settle",
                lender_id=lender_id,
                payload={"payment_id": str(row.payment_id)},
                while_waiting=f"settle:{row.payment_id}",
            )
        else:
            queue.later(
                "payments.settle_aside",
                lender_id=lender_id,
                payload={"payment_intent_id": intent_id},
                while_waiting=f"settle:{intent_id}",
            )
    return Sent(amount)


def heard(lender_id: uuid.UUID, said: RefundFacts) -> None:
    """Let our row follow what Stripe says of a refund; one that we know nothing of has none."""
    wanted = Refund.refund_id == said.id
    if said.ours:
        with suppress(ValueError):
            wanted |= Refund.id == uuid.UUID(said.ours)
    row = session.scalars(
        select(Refund)
        .where(Refund.lender_id == lender_id, wanted)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is not None:
        row.refund_id = said.id
        _moved(row, _SAID[said.status], failure=said.failure_reason)


def _locked(lender_id: uuid.UUID, refund_id: uuid.UUID) -> Refund:
    return session.execute(
        select(Refund)
        .where(Refund.lender_id == lender_id, Refund.id == refund_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one()


def _moved(row: Refund, word: Word, *, failure: str | None = None) -> None:
    moved = after(state=State(row.state), word=word)
    if not isinstance(moved, Moved):
        return
    row.state, row.moved_at = moved.to.value, clock.now()
    if moved.to in (State.REFUSED, State.FAILED):
        row.failure = failure
    if moved.to is State.SENT:
        _recorded(Act.REFUND_SENT, row, by=PORTAL, facts={})
    elif moved.to is State.REFUSED:
        _recorded(Act.REFUND_REFUSED, row, by=STRIPE, facts={"why": failure})


def _recorded(act: Act, row: Refund, *, by: Actor, facts: Mapping[str, object]) -> None:
    parts = () if row.payment_id is None else parts_of(lender_id=row.lender_id, payment_id=row.payment_id)
    record(
        act,
        by=by,
        lender_id=row.lender_id,
        debtor_id=row.debtor_id,
        debt_id=only_debt(parts) if parts else None,
        facts={
            "refund": row.number,
            "amount": Money(row.amount_minor, row.currency).amount,
            "currency": row.currency,
            **facts,
        },
    )


def moving() -> list[tuple[uuid.UUID, uuid.UUID]]:
    """Give lender and payment of each refund that Stripe has taken and that no word has come of since."""
    rows = session.execute(
        select(Refund.lender_id, Refund.payment_id).where(
            Refund.state == State.SENT.value, Refund.payment_id.is_not(None)
        )
    )
    return [(row.lender_id, row.payment_id) for row in rows if row.payment_id]


def came_aside(*, lender_id: uuid.UUID, intent_id: str) -> Came:
    """Give money that was set aside without a payment of ours, locked."""
    return Came(
        lender_id=lender_id,
        intent_id=intent_id,
        payment=None,
        parts=(),
        aside=aside_of(lender_id=lender_id, intent_id=intent_id),
    )
