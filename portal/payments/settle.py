"""Make the books say what Stripe says of a payment: read it as it is now, then post each effect once.

Invariant: one money effect has one key, whatever told us of it and however often; a crash before the commit leaves
nothing, so the retry does it all.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from flask import current_app
from sqlalchemy import or_, select

from portal import clock, ledger, queue
from portal.db import insert_unless_there, new_id, session, transaction
from portal.evidence.record import STRIPE, Act, record
from portal.ledger import Account, Move
from portal.lenders.models import Lender
from portal.money import Money, total
from portal.payments import credit, paying_off, stripe_gateway, tell
from portal.payments.allocation import Allocation
from portal.payments.checkout import account_of
from portal.payments.follow import follow, paid_off_beside, plans_of
from portal.payments.models import MoneyEffect, Payment, WebhookEvent
from portal.payments.parts import Part, only_debt, parts_of, receipt_cause
from portal.payments.states import Moved, Said, State, after
from portal.payments.stripe_gateway import (
    CheckoutPayment,
    CheckoutState,
    CheckoutStatus,
    PaymentFacts,
    PaymentStatus,
    RefundStatus,
)
from portal.people.models import Debtor
from portal.plans import extra, progress
from portal.plans.models import Plan

# Events of Stripe that may be about a page that saves a card, or about a saved one.
ABOUT_CARDS = frozenset(
    {
        "checkout.session.completed",
        "checkout.session.expired",
        "setup_intent.succeeded",
        "setup_intent.setup_failed",
        "payment_method.automatically_updated",
        "payment_method.updated",
        "payment_method.detached",
        "mandate.updated",
    }
)


@dataclass(frozen=True, slots=True)
class _Word:
    """What Stripe says of a payment now."""

    page: CheckoutState | None
    facts: PaymentFacts | None


def ask(*, lender_id: uuid.UUID, payment_id: uuid.UUID) -> None:
    """Ask for a payment to be settled; asking again while the job waits changes nothing."""
    queue.later(
        "payments.settle",
        lender_id=lender_id,
        payload={"payment_id": str(payment_id)},
        while_waiting=f"settle:{payment_id}",
    )


def run(job: queue.Job) -> None:
    """Settle one payment.

    :raises portal.queue.TryLater: if Stripe can't be reached now.
    """
    if job.lender_id is None:
        raise ValueError("a payment belongs to a lender")
    settle(lender_id=job.lender_id, payment_id=uuid.UUID(job.payload["payment_id"]))


def heed(job: queue.Job) -> None:
    """Find the payment that an event of Stripe is about, and settle it; otherwise say what the event was."""
    lender_id = job.lender_id
    event = session.scalars(
        select(WebhookEvent).where(
            WebhookEvent.lender_id == lender_id, WebhookEvent.id == uuid.UUID(job.payload["event_id"])
        )
    ).one()
    event_key = event.id
    payment = _payment_of(event)
    payment_id = payment.id if payment else None
    if payment_id is not None and lender_id is not None:
        settle(lender_id=lender_id, payment_id=payment_id)
    with transaction() as s:
        again = s.get_one(WebhookEvent, (lender_id, event_key))
        again.outcome = "heeded" if payment_id else "about_nothing_of_ours"
        if payment_id is None and again.kind in ABOUT_CARDS:
            # It may be about a card that was saved; who knows of those, knows.
            again.outcome = "waiting"
            queue.later("autopay.heed", lender_id=lender_id, payload=job.payload, once=f"autopay-heed:{event_key}")


def _payment_of(event: WebhookEvent) -> Payment | None:
    facts = event.facts
    wanted = []
    if facts.get("reference"):
        try:
            wanted.append(Payment.id == uuid.UUID(facts["reference"]))
        except ValueError:
            return None
    if facts.get("session_id"):
        wanted.append(Payment.session_id == facts["session_id"])
    if facts.get("payment_intent_id"):
        wanted.append(Payment.payment_intent_id == facts["payment_intent_id"])
    if not wanted:
        return None
    return session.scalars(
        select(Payment).where(Payment.lender_id == event.lender_id, or_(*wanted)).limit(1)
    ).one_or_none()


def settle(*, lender_id: uuid.UUID, payment_id: uuid.UUID) -> PaymentFacts | None:
    """Read a payment at Stripe, outside any transaction, and bring our books to it in one transaction.

    Gives what Stripe says of it; None while nobody could have paid.

    :raises portal.queue.TryLater: if Stripe can't be reached now.
    """
    payment = session.get_one(Payment, (lender_id, payment_id))
    lender = session.get_one(Lender, lender_id)
    account = account_of(lender, api_base=current_app.config["STRIPE_API_BASE"])
    session_id, intent_id = payment.session_id, payment.payment_intent_id
    if session_id is None and intent_id is None:
        # The page was never opened, or we died before we could write down that it was: then nobody has its address.
        return None
    session.rollback()
    try:
        word = _read(account, session_id=session_id, intent_id=intent_id)
    except stripe_gateway.PaymentServiceDown as down:
        raise queue.TryLater(timedelta(seconds=15)) from down
    with transaction():
        _bring_to(lender_id, payment_id, word)
    return word.facts


def _read(account: stripe_gateway.Account, *, session_id: str | None, intent_id: str | None) -> _Word:
    page = stripe_gateway.read_checkout(account, session_id=session_id) if session_id else None
    intent_id = intent_id or (page.payment_intent_id if page else None)
    facts = stripe_gateway.read_payment(account, payment_intent_id=intent_id) if intent_id else None
    return _Word(page=page, facts=facts)


def _said(word: _Word, *, refunded: int, came_back: bool) -> Said:
    """Say what Stripe's word is.

    `refunded` is what our books have as given back, in minor units: a word that was read before another worker's may
    still have a refund that has failed since. `came_back`: this word is the one that says so.
    """
    facts, page = word.facts, word.page
    if facts is not None:
        if facts.status is PaymentStatus.SUCCEEDED:
            if came_back:
                return Said.REFUND_PARTLY_FAILED if refunded else Said.REFUND_FAILED
            if refunded >= facts.amount_received.minor > 0:
                return Said.REFUNDED
            return Said.PARTLY_REFUNDED if refunded else Said.SUCCEEDED
        if facts.status is PaymentStatus.PROCESSING:
            return Said.PROCESSING
        if facts.failure_code and (page is None or page.status is CheckoutStatus.COMPLETE):
            return Said.FAILED
        if facts.status is PaymentStatus.CANCELED and page is None:
            return Said.CANCELLED
    if page is not None and page.status is CheckoutStatus.EXPIRED:
        return Said.EXPIRED
    if page is not None and page.status is CheckoutStatus.COMPLETE and page.payment_status is CheckoutPayment.UNPAID:
        # The page is finished and the money is on its way, by a bank debit or a voucher.
        return Said.PROCESSING
    return Said.OPEN


def _bring_to(lender_id: uuid.UUID, payment_id: uuid.UUID, word: _Word) -> None:
    parts = parts_of(lender_id=lender_id, payment_id=payment_id)
    # The books are locked first, always, in the order of their ids, so that two workers never wait for each other.
    for debt_id in sorted(credit.touched_with(lender_id, (part.debt_id for part in parts))):
        ledger.locked(lender_id=lender_id, debt_id=debt_id)
    payment = session.execute(
        select(Payment)
        .where(Payment.lender_id == lender_id, Payment.id == payment_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one()
    facts, came_back = word.facts, False
    if facts is not None:
        payment.payment_intent_id = facts.payment_intent_id
        if facts.amount_received.minor > 0 and facts.status is PaymentStatus.SUCCEEDED:
            _post_payment(payment, facts, parts)
        for refund in facts.refunds:
            if refund.status is RefundStatus.SUCCEEDED:
                _post_refund(payment, parts, refund_id=refund.id, amount=refund.amount)
            elif refund.status in (RefundStatus.FAILED, RefundStatus.CANCELED):
                came_back |= _take_refund_back(payment, parts, refund_id=refund.id)
    said = _said(word, refunded=payment.refunded_minor, came_back=came_back)
    moved = after(state=State(payment.state), said=said)
    if isinstance(moved, Moved) and moved.to.value != payment.state:
        before, payment.state = payment.state, moved.to.value
        payment.failure = facts.failure_code if facts is not None and moved.to is State.FAILED else None
        if moved.to in (State.FAILED, State.CANCELLED, State.EXPIRED):
            record(
                Act.PAYMENT_NOT_MADE,
                by=STRIPE,
                lender_id=lender_id,
                debtor_id=payment.debtor_id,
                debt_id=only_debt(parts),
                facts={"payment": payment.reference, "before": before, "after": payment.state, "why": payment.failure},
            )
        if moved.to is State.FAILED and payment.autopay != "taken":
            tell.later(payment, tell.FAILED)
        if payment.autopay is not None:
            queue.later(
                "autopay.followed",
                lender_id=lender_id,
                payload={"payment_id": str(payment_id)},
                while_waiting=f"autopay:{payment_id}",
            )
    session.flush()


def _claim(payment: Payment, *, key: str, amount: Money, outcome: str) -> uuid.UUID | None:
    """Claim a money effect; gives its row's id, or None if it was claimed before."""
    return session.execute(
        insert_unless_there(MoneyEffect)
        .values(
            lender_id=payment.lender_id,
            id=new_id(),
            key=key,
            payment_id=payment.id,
            amount_minor=amount.minor,
            currency=amount.currency,
            outcome=outcome,
            at=clock.now(),
        )
        .on_conflict_do_nothing(index_elements=["lender_id", "key"])
        .returning(MoneyEffect.id)
    ).scalar_one_or_none()


def _today_of(payment: Payment) -> date:
    zone = session.scalars(
        select(Debtor.zone).where(Debtor.lender_id == payment.lender_id, Debtor.id == payment.debtor_id)
    ).one()
    return clock.today(zone)


def _post_payment(payment: Payment, facts: PaymentFacts, parts: Sequence[Part]) -> None:
    fits = facts.amount_received == Money(payment.amount_minor, payment.currency) and facts.metadata.get(
        "payment"
    ) == str(payment.id)
    effect_id = _claim(
        payment,
        key=f"stripe:{facts.payment_intent_id}:payment",
        amount=facts.amount_received,
        outcome="posted" if fits else "set_aside",
    )
    if effect_id is None:
        return
    today = _today_of(payment)
    payment.settled_at = facts.cleared_at or clock.now()
    payment.method, payment.last4 = facts.method_kind, facts.last4
    if not fits:
        _set_aside(payment, facts, effect_id, parts, today=today)
        return
    plans = plans_of(payment.lender_id, [part.plan_id for part in parts])
    for plan in plans:
        progress.post_interest(plan, progress.items_of(plan), today=today)
    of_parts = {plan.id: plan for plan in plans}
    paid = [(part, _paid_off(payment.lender_id, part, plan=_plan_in(of_parts, part), today=today)) for part in parts]
    posted = ledger.post(
        lender_id=payment.lender_id,
        kind="payment",
        cause=f"payment:{facts.payment_intent_id}",
        moves=[move for part, allocation in paid for move in paying_off.moves_of(part.debt_id, allocation)],
        on=today,
    )
    if isinstance(posted, ledger.Posted):
        session.get_one(MoneyEffect, (payment.lender_id, effect_id)).posting_id = posted.posting_id
    record(
        Act.PAYMENT_SETTLED,
        by=STRIPE,
        lender_id=payment.lender_id,
        debtor_id=payment.debtor_id,
        debt_id=only_debt(parts),
        facts={
            "payment": payment.reference,
            "payment_intent": facts.payment_intent_id,
            "amount": facts.amount_received.amount,
            "currency": facts.amount_received.currency,
            **_settled_facts(paid),
        },
    )
    for plan in plans:
        if payment.use is not None and len(paid) == 1:
            cleared = total((amount for _one, amount in paid[0][1].parts), currency=payment.currency)
            extra.take(plan, amount=cleared, use=payment.use, payment_id=payment.id, today=today, by=STRIPE)
        follow(plan, today=today, by=STRIPE)
    for plan in paid_off_beside(payment.lender_id, {part.debt_id for part in parts}, but=plans):
        follow(plan, today=today, by=STRIPE)
    for part in parts:
        cause = receipt_cause(payment.id, part.debt_id, alone=len(parts) == 1)
        queue.later(
            "letters.issue",
            lender_id=payment.lender_id,
            payload={"kind": "payment-receipt", "payment_id": str(payment.id), "debt_id": str(part.debt_id)},
            once=f"letter:{cause}",
        )
    tell.later(payment, tell.RECEIVED)


def _plan_in(plans: Mapping[uuid.UUID, Plan], part: Part) -> Plan | None:
    return None if part.plan_id is None else plans.get(part.plan_id)


def _paid_off(lender_id: uuid.UUID, part: Part, *, plan: Plan | None, today: date) -> Allocation:
    book = ledger.locked(lender_id=lender_id, debt_id=part.debt_id)
    return paying_off.off(book, plan=plan, amount=part.amount, today=today)


def _settled_facts(paid: Sequence[tuple[Part, Allocation]]) -> dict[str, object]:
    """Give the parts of the debts as a record keeps them; of one debt as they always stood there."""

    def of(allocation: Allocation) -> dict[str, object]:
        return {
            "parts": {component.value: str(part.amount) for component, part in allocation.parts},
            "credit": allocation.credit.amount,
        }

    if len(paid) == 1:
        return of(paid[0][1])
    return {
        "debts": [{"debt": part.debt_id, "amount": part.amount.amount, **of(allocation)} for part, allocation in paid]
    }


def _set_aside(
    payment: Payment, facts: PaymentFacts, effect_id: uuid.UUID, parts: Sequence[Part], *, today: date
) -> None:
    """Put money that doesn't fit what we asked for where a person looks at it; never guess."""
    posted = ledger.post(
        lender_id=payment.lender_id,
        kind="set_aside",
        cause=f"payment:{facts.payment_intent_id}",
        moves=[Move(None, Account.SUSPENSE, Account.CASH_STRIPE, facts.amount_received)],
        on=today,
    )
    if isinstance(posted, ledger.Posted):
        session.get_one(MoneyEffect, (payment.lender_id, effect_id)).posting_id = posted.posting_id
    record(
        Act.PAYMENT_SET_ASIDE,
        by=STRIPE,
        lender_id=payment.lender_id,
        debtor_id=payment.debtor_id,
        debt_id=only_debt(parts),
        facts={
            "payment": payment.reference,
            "asked": payment.amount_minor,
            "came": facts.amount_received.minor,
            "currency": facts.amount_received.currency,
        },
    )


def _post_refund(payment: Payment, parts: Sequence[Part], *, refund_id: str, amount: Money) -> None:
    original = session.scalars(
        select(MoneyEffect).where(
            MoneyEffect.lender_id == payment.lender_id,
            MoneyEffect.key == f"stripe:{payment.payment_intent_id}:payment",
        )
    ).one()
    # Money that was set aside never counted for a plan, so what goes back of it is not taken from one.
    effect_id = _claim(payment, key=f"stripe:{refund_id}:refund", amount=-amount, outcome=original.outcome)
    if effect_id is None:
        return
    today = _today_of(payment)
    plans = plans_of(payment.lender_id, [part.plan_id for part in parts])
    moves = _moves_back(payment, original, amount, parts, plans={plan.id: plan for plan in plans}, today=today)
    posted = ledger.post(
        lender_id=payment.lender_id,
        kind="refund",
        cause=f"refund:{refund_id}",
        moves=moves,
        on=today,
        corrects=original.posting_id,
    )
    if isinstance(posted, ledger.Posted):
        session.get_one(MoneyEffect, (payment.lender_id, effect_id)).posting_id = posted.posting_id
    payment.refunded_minor += amount.minor
    record(
        Act.PAYMENT_REFUNDED,
        by=STRIPE,
        lender_id=payment.lender_id,
        debtor_id=payment.debtor_id,
        debt_id=only_debt(parts),
        facts={"payment": payment.reference, "refund": refund_id, "amount": amount.amount, "currency": amount.currency},
    )
    for plan in plans:
        if payment.use is not None:
            extra.gone(plan, amount=amount, payment_id=payment.id, today=today, by=STRIPE)
        follow(plan, today=today, by=STRIPE)


def _moves_back(
    payment: Payment,
    original: MoneyEffect,
    amount: Money,
    parts: Sequence[Part],
    *,
    plans: Mapping[uuid.UUID, Plan],
    today: date,
) -> Sequence[Move]:
    """Give the moves of a refund: what was paid too much on any debt first, then from the last debt on.

    Of each debt goes what was paid off last, also where another payment paid it: so what stays paid is what the rest of
    the money pays.
    """
    if original.posting_id is None:
        return ()
    came: dict[tuple[uuid.UUID | None, bool], int] = {}
    for move in ledger.reversed_moves(lender_id=payment.lender_id, posting_id=original.posting_id):
        key = move.book_id, move.target is Account.CREDIT
        came[key] = came.get(key, 0) + move.amount.minor
    debts: list[uuid.UUID | None] = [part.debt_id for part in reversed(parts)]
    places = [*((debt, True) for debt in debts), *((debt, False) for debt in (*debts, None))]
    skip, left = payment.refunded_minor, amount.minor
    taken: dict[tuple[uuid.UUID | None, bool], Money] = {}
    for place in places:
        here = came.get(place, 0)
        skipped = min(skip, here)
        take = min(left, here - skipped)
        skip, left = skip - skipped, left - take
        taken[place] = Money(take, amount.currency)
    moves = [Move(None, Account.CASH_STRIPE, Account.SUSPENSE, taken[None, False])]
    for part in parts:
        credited, rest = taken[part.debt_id, True], taken[part.debt_id, False]
        if credited:
            # What was used of it meanwhile has to be there again before it can go back.
            credit.give_back(lender_id=payment.lender_id, debt_id=part.debt_id, needed=credited, today=today, by=STRIPE)
        if credited or rest:
            book = ledger.locked(lender_id=payment.lender_id, debt_id=part.debt_id)
            moves += paying_off.back(book, plan=_plan_in(plans, part), amount=credited + rest, today=today)
    return moves


def _take_refund_back(payment: Payment, parts: Sequence[Part], *, refund_id: str) -> bool:
    """Post a refund back that Stripe had confirmed and that has failed since; gives whether there was one to post.

    The money is with the lender again, and so the payment counts again: for the debt, the plan and the points.
    """
    given = session.scalars(
        select(MoneyEffect).where(
            MoneyEffect.lender_id == payment.lender_id, MoneyEffect.key == f"stripe:{refund_id}:refund"
        )
    ).one_or_none()
    if given is None:
        # It failed before it was ever confirmed: nothing of it is in the books.
        return False
    amount = Money(-given.amount_minor, given.currency)
    effect_id = _claim(payment, key=f"stripe:{refund_id}:refund_failed", amount=amount, outcome=given.outcome)
    if effect_id is None:
        return False
    today = _today_of(payment)
    if given.posting_id is not None:
        posted = ledger.post(
            lender_id=payment.lender_id,
            kind="refund_failed",
            cause=f"refund-failed:{refund_id}",
            moves=_moves_again(payment, given.posting_id, parts, today=today),
            on=today,
            corrects=given.posting_id,
        )
        if isinstance(posted, ledger.Posted):
            session.get_one(MoneyEffect, (payment.lender_id, effect_id)).posting_id = posted.posting_id
    payment.refunded_minor -= amount.minor
    record(
        Act.PAYMENT_REFUND_FAILED,
        by=STRIPE,
        lender_id=payment.lender_id,
        debtor_id=payment.debtor_id,
        debt_id=only_debt(parts),
        facts={"payment": payment.reference, "refund": refund_id, "amount": amount.amount, "currency": amount.currency},
    )
    for plan in plans_of(payment.lender_id, [part.plan_id for part in parts]):
        follow(plan, today=today, by=STRIPE)
    return True


def _moves_again(
    payment: Payment, refund_posting_id: uuid.UUID, parts: Sequence[Part], *, today: date
) -> Sequence[Move]:
    """Give the moves that undo a refund: credit is there again, and what was owed again is paid off as any payment."""
    plans = {plan.id: plan for plan in plans_of(payment.lender_id, [part.plan_id for part in parts])}
    moves: list[Move] = []
    again: dict[uuid.UUID, Money] = {}
    for move in ledger.reversed_moves(lender_id=payment.lender_id, posting_id=refund_posting_id):
        if move.book_id is None or move.source is Account.CREDIT:
            moves.append(move)
        else:
            again[move.book_id] = again.get(move.book_id, Money.zero(payment.currency)) + move.amount
    for part in parts:
        if part.debt_id in again:
            book = ledger.locked(lender_id=payment.lender_id, debt_id=part.debt_id)
            paid = paying_off.off(book, plan=_plan_in(plans, part), amount=again[part.debt_id], today=today)
            moves += paying_off.moves_of(part.debt_id, paid)
    return moves


def was_set_aside(payment: Payment) -> bool:
    """Say whether a payment's money stands where a person looks at it, because it didn't fit what was asked for."""
    return (
        session.scalars(
            select(MoneyEffect.id)
            .where(
                MoneyEffect.lender_id == payment.lender_id,
                MoneyEffect.payment_id == payment.id,
                MoneyEffect.outcome == "set_aside",
            )
            .limit(1)
        ).first()
        is not None
    )
