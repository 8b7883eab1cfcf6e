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
from portal.db import session, transaction
from portal.debts.models import Debt
from portal.evidence.record import STRIPE, Act, Actor, record
from portal.ledger import Account
from portal.lenders.models import Lender
from portal.money import Money, total
from portal.payments import (
    aside,
    credit,
    disputes,
    giving_back,
    going_back,
    paid_off,
    paying_off,
    rails,
    setting_aside,
    stripe_gateway,
    tell,
    tell_back,
)
from portal.payments.allocation import Allocation
from portal.payments.checkout import account_of
from portal.payments.dispute_states import State as DisputeState
from portal.payments.follow import follow, paid_off_beside, plans_of
from portal.payments.models import MoneyEffect, Payment, SetAside, WebhookEvent
from portal.payments.parts import Part, only_debt, parts_of, receipt_cause
from portal.payments.setting_aside import Why
from portal.payments.states import MONEY_IS_HERE, Moved, Said, State, after
from portal.payments.stripe_gateway import (
    CheckoutPayment,
    CheckoutState,
    CheckoutStatus,
    PaymentFacts,
    PaymentStatus,
    RefundFacts,
    RefundStatus,
)
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
    live: bool


def ask(*, lender_id: uuid.UUID, payment_id: uuid.UUID) -> None:
    """Ask for a payment to be settled; asking again while the job waits changes nothing."""
    queue.later(
        "payments.settle",
        lender_id=lender_id,
        payload={"payment_id": str(payment_id)},
        while_waiting=f"settle:{payment_id}",
    )


def ask_aside(*, lender_id: uuid.UUID, intent_id: str, about: uuid.UUID | None) -> None:
    """Ask for money to be followed that is of no payment of ours; asking again while the job waits changes nothing.

    `about` is a payment that it has to do with, such as one that it pays a second time.
    """
    queue.later(
        "payments.settle_aside",
        lender_id=lender_id,
        payload={"payment_intent_id": intent_id, **({"about": str(about)} if about else {})},
        while_waiting=f"settle:{intent_id}",
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
    known_intent = payment.payment_intent_id if payment else None
    intent_id = event.facts.get("payment_intent_id")
    outcome = "about_nothing_of_ours"
    if payment_id is not None and lender_id is not None:
        settle(lender_id=lender_id, payment_id=payment_id, intent_id=intent_id)
        outcome = "heeded"
        known_intent = session.get_one(Payment, (lender_id, payment_id)).payment_intent_id
    if intent_id and lender_id is not None and (intent_id != known_intent or _stands_alone(lender_id, intent_id)):
        found = settle_aside(lender_id=lender_id, intent_id=intent_id, about=payment_id)
        outcome = found if payment_id is None or found == "set_aside" else outcome
    with transaction() as s:
        again = s.get_one(WebhookEvent, (lender_id, event_key))
        again.outcome = outcome
        if outcome == "about_nothing_of_ours" and again.kind in ABOUT_CARDS:
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


def settle(*, lender_id: uuid.UUID, payment_id: uuid.UUID, intent_id: str | None = None) -> PaymentFacts | None:
    """Read a payment at Stripe, outside any transaction, and bring our books to it in one transaction.

    Gives what Stripe says of it; None while nobody could have paid. `intent_id` is what is said to have been paid for
    it, for where we know of no page.

    :raises portal.queue.TryLater: if Stripe can't be reached now.
    """
    payment = session.get_one(Payment, (lender_id, payment_id))
    lender = session.get_one(Lender, lender_id)
    account = account_of(lender, api_base=current_app.config["STRIPE_API_BASE"])
    session_id = payment.session_id
    intent_id = payment.payment_intent_id or (intent_id if session_id is None else None)
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
    return _Word(page=page, facts=facts, live=account.live)


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
    placed = session.scalars(
        select(SetAside.placed_debt_id).where(
            SetAside.lender_id == lender_id, SetAside.payment_id == payment_id, SetAside.placed_debt_id.is_not(None)
        )
    )
    touched = [part.debt_id for part in parts] + [debt_id for debt_id in placed if debt_id]
    for debt_id in sorted(credit.touched_with(lender_id, touched)):
        ledger.locked(lender_id=lender_id, debt_id=debt_id)
    payment = session.execute(
        select(Payment)
        .where(Payment.lender_id == lender_id, Payment.id == payment_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one()
    facts, came_back = word.facts, False
    if facts is not None:
        if _stands_alone(lender_id, facts.payment_intent_id):
            # It waits for a person, who says what it is for; this payment no longer does.
            return
        payment.payment_intent_id = facts.payment_intent_id
        if facts.amount_received.minor > 0 and facts.status is PaymentStatus.SUCCEEDED:
            _post_payment(payment, facts, parts, live=word.live)
            came_back = _went_back(going_back.came_of(payment), facts)
    said = _said(word, refunded=payment.refunded_minor, came_back=came_back)
    if facts is not None:
        said = _disputed(payment, facts, said)
    if facts is not None and said is Said.PROCESSING and payment.settled_at is None:
        _on_its_way(payment, facts)
    before_dispute = State.PARTLY_REFUNDED if payment.refunded_minor else State.SUCCEEDED
    moved = after(state=State(payment.state), said=said, before_dispute=before_dispute)
    if isinstance(moved, Moved) and moved.to.value != payment.state:
        before, payment.state = payment.state, moved.to.value
        if moved.to in (State.SUCCEEDED, State.PROCESSING) and payment.autopay != "taken":
            queue.later(
                "payments.close_pages",
                lender_id=lender_id,
                payload={"payment_id": str(payment_id)},
                once=f"close-pages:{payment_id}",
            )
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
        kind = {State.FAILED: tell.FAILED, State.PROCESSING: tell.ON_ITS_WAY}.get(moved.to)
        if kind is not None and payment.autopay != "taken":
            tell.later(payment, kind)
        if payment.autopay is not None:
            queue.later(
                "autopay.followed",
                lender_id=lender_id,
                payload={"payment_id": str(payment_id)},
                while_waiting=f"autopay:{payment_id}",
            )
    session.flush()


def _on_its_way(payment: Payment, facts: PaymentFacts) -> None:
    """Note of money that takes days by which way it comes, since when, and until when its voucher can be paid."""
    again = payment.state == State.FAILED.value
    if payment.sent_at is None or again:
        payment.sent_at = min(facts.sent_at or clock.now(), clock.now())
    payment.method, payment.last4 = facts.method_kind or payment.method, facts.last4 or payment.last4
    if facts.voucher is not None:
        payment.voucher_url, payment.voucher_until = facts.voucher.url, facts.voucher.until


def _arrived(payment: Payment, facts: PaymentFacts) -> None:
    """Note when a payment arrived, from when it counts, and until when its bank can take it back."""
    rail = rails.rail_of(facts.method_kind)
    at = facts.cleared_at or clock.now()
    payment.settled_at, payment.method, payment.last4 = at, facts.method_kind, facts.last4
    payment.paid_at = rails.paid_at(
        rail,
        told_at=at,
        page_until=payment.session_expires_at,
        made_at=payment.sent_at or payment.started_at,
        voucher_until=payment.voucher_until,
    )
    payment.returns_end_on = rails.returnable_until(rail, arrived=going_back.today_of(payment))


def _went_back(came: going_back.Came, facts: PaymentFacts) -> bool:
    """Post what went back of what came, by us and by a bank; gives whether a refund that was posted failed since."""
    came_back = False
    for refund in facts.refunds:
        if refund.status is RefundStatus.SUCCEEDED:
            new = going_back.take(
                came,
                going_back.REFUND,
                key=f"stripe:{refund.id}:refund",
                cause=f"refund:{refund.id}",
                amount=refund.amount,
                facts={"refund": refund.id},
            )
            if new:
                _tell(tell_back.GIVEN_BACK, came, refund)
        elif refund.status in (RefundStatus.FAILED, RefundStatus.CANCELED):
            failed = going_back.bring_again(
                came,
                going_back.REFUND_FAILED,
                key=f"stripe:{refund.id}:refund_failed",
                of=f"stripe:{refund.id}:refund",
                cause=f"refund-failed:{refund.id}",
                amount=None,
                facts={"refund": refund.id},
            )
            came_back |= failed
            if failed:
                _tell(tell_back.CAME_BACK, came, refund)
        giving_back.heard(came.lender_id, refund)
    disputes.heed(came, facts.disputes)
    return came_back


def _tell(kind: str, came: going_back.Came, refund: RefundFacts) -> None:
    if came.debtor_id is not None:
        tell_back.later(
            kind,
            lender_id=came.lender_id,
            debtor_id=came.debtor_id,
            amount=refund.amount,
            about=refund.id,
            debt_id=only_debt(came.parts) if came.parts else None,
        )


def _disputed(payment: Payment, facts: PaymentFacts, said: Said) -> Said:
    """Say what disputes of a payment make of Stripe's word: one that is open stands above all else."""
    states = disputes.states_of(going_back.came_of(payment))
    if DisputeState.OPEN in states:
        return Said.DISPUTE_OPENED
    if payment.state != State.DISPUTED.value or not states:
        return said
    if states[-1] is not DisputeState.LOST:
        return Said.DISPUTE_WON
    whole = payment.refunded_minor >= min(facts.amount_received.minor, payment.amount_minor)
    return Said.DISPUTE_LOST if whole else Said.DISPUTE_PARTLY_LOST


def settle_aside(*, lender_id: uuid.UUID, intent_id: str, about: uuid.UUID | None) -> str:
    """Follow money that is of no payment of ours, or of one that came already; gives the outcome by its name.

    :raises portal.queue.TryLater: if Stripe can't be reached now.
    """
    account = account_of(session.get_one(Lender, lender_id), api_base=current_app.config["STRIPE_API_BASE"])
    session.rollback()
    try:
        facts = stripe_gateway.read_payment(account, payment_intent_id=intent_id)
    except stripe_gateway.PaymentServiceDown as down:
        raise queue.TryLater(timedelta(seconds=15)) from down
    except stripe_gateway.PaymentRefused:
        return "of_another_account"
    if stripe_gateway.REFERENCE not in facts.metadata and "payment" not in facts.metadata:
        # What else the lender sells by the same account is none of ours.
        return "about_nothing_of_ours"
    if about is None and not _stands_alone(lender_id, intent_id) and (about := _named(lender_id, facts)) is not None:
        # That money went back was told before that it came: it is of this payment all the same.
        settle(lender_id=lender_id, payment_id=about, intent_id=intent_id)
        if session.get_one(Payment, (lender_id, about)).payment_intent_id == intent_id:
            return "heeded"
    if facts.status is not PaymentStatus.SUCCEEDED or not facts.amount_received:
        return "no_money_came"
    with transaction():
        _follow_aside(lender_id, intent_id, facts, live=account.live, about=about)
    return "set_aside"


def _named(lender_id: uuid.UUID, facts: PaymentFacts) -> uuid.UUID | None:
    """Give the payment of ours that money says it is for, if there is one."""
    try:
        named = uuid.UUID(facts.metadata.get("payment", ""))
    except ValueError:
        return None
    return session.scalars(select(Payment.id).where(Payment.lender_id == lender_id, Payment.id == named)).one_or_none()


def _stands_alone(lender_id: uuid.UUID, intent_id: str) -> bool:
    """Say whether money was set aside as of no payment of ours."""
    effect = going_back.effect_of(lender_id, f"stripe:{intent_id}:payment")
    return effect is not None and effect.payment_id is None


def _follow_aside(
    lender_id: uuid.UUID, intent_id: str, facts: PaymentFacts, *, live: bool, about: uuid.UUID | None
) -> None:
    placed = session.scalar(
        select(SetAside.placed_debt_id).where(SetAside.lender_id == lender_id, SetAside.payment_intent_id == intent_id)
    )
    for debt_id in sorted(credit.touched_with(lender_id, [placed] if placed else [])):
        ledger.locked(lender_id=lender_id, debt_id=debt_id)
    if going_back.effect_of(lender_id, f"stripe:{intent_id}:payment") is None:
        known = session.get(Payment, (lender_id, about)) if about else None
        came = known is not None and State(known.state) in (*MONEY_IS_HERE, State.REFUNDED, State.DISPUTED)
        why = Why.MODE if facts.livemode is not live else Why.SECOND if came else Why.UNKNOWN
        aside.put(facts, lender_id=lender_id, why=why, payment=None, about=known)
    _went_back(giving_back.came_aside(lender_id=lender_id, intent_id=intent_id), facts)


def run_aside(job: queue.Job) -> None:
    """Follow money that was set aside without a payment.

    :raises portal.queue.TryLater: if Stripe can't be reached now.
    """
    if job.lender_id is None:
        raise ValueError("money belongs to a lender")
    about = job.payload.get("about")
    settle_aside(
        lender_id=job.lender_id,
        intent_id=job.payload["payment_intent_id"],
        about=uuid.UUID(about) if about else None,
    )


def _any_recalled(lender_id: uuid.UUID, parts: Sequence[Part]) -> bool:
    ids = [part.debt_id for part in parts]
    gone = select(Debt.id).where(Debt.lender_id == lender_id, Debt.id.in_(ids), Debt.state == "recalled")
    return session.scalars(gone.limit(1)).first() is not None


def _post_payment(payment: Payment, facts: PaymentFacts, parts: Sequence[Part], *, live: bool) -> None:
    why = setting_aside.against(
        came=facts.amount_received,
        asked=Money(payment.amount_minor, payment.currency),
        says=facts.metadata.get("payment"),
        payment=str(payment.id),
        live=facts.livemode,
        account_live=live,
        recalled=_any_recalled(payment.lender_id, parts),
    )
    key = f"stripe:{facts.payment_intent_id}:payment"
    if why is not None and going_back.effect_of(payment.lender_id, key) is None:
        _arrived(payment, facts)
        aside.put(facts, lender_id=payment.lender_id, why=why, payment=payment, about=None)
    if why is not None:
        return
    effect_id = going_back.claim(
        lender_id=payment.lender_id,
        payment_id=payment.id,
        key=key,
        amount=facts.amount_received,
        outcome="posted",
    )
    if effect_id is None:
        return
    _arrived(payment, facts)
    count(
        payment,
        parts,
        effect_id=effect_id,
        amount=facts.amount_received,
        cause=f"payment:{facts.payment_intent_id}",
        facts={"payment_intent": facts.payment_intent_id},
        by=STRIPE,
    )


def count(
    payment: Payment,
    parts: Sequence[Part],
    *,
    effect_id: uuid.UUID,
    amount: Money,
    cause: str,
    facts: Mapping[str, object],
    by: Actor,
    act: Act = Act.PAYMENT_SETTLED,
    cash: Account = Account.CASH_STRIPE,
) -> None:
    """Let money that came for a payment count, however it came; its effect is claimed, and the books are locked."""
    today = going_back.today_of(payment)
    plans = plans_of(payment.lender_id, [part.plan_id for part in parts])
    for plan in plans:
        progress.post_interest(plan, progress.items_of(plan), today=today)
    of_parts = {plan.id: plan for plan in plans}
    paid = [(part, _paid_off(payment.lender_id, part, plan=_plan_in(of_parts, part), today=today)) for part in parts]
    posted = ledger.post(
        lender_id=payment.lender_id,
        kind="payment",
        cause=cause,
        moves=[move for part, allocation in paid for move in paying_off.moves_of(part.debt_id, allocation, cash=cash)],
        on=today,
    )
    if isinstance(posted, ledger.Posted):
        session.get_one(MoneyEffect, (payment.lender_id, effect_id)).posting_id = posted.posting_id
    record(
        act,
        by=by,
        lender_id=payment.lender_id,
        debtor_id=payment.debtor_id,
        debt_id=only_debt(parts),
        facts={
            "payment": payment.reference,
            **facts,
            "amount": amount.amount,
            "currency": amount.currency,
            **_settled_facts(paid),
        },
    )
    for plan in plans:
        if payment.use is not None and len(paid) == 1:
            cleared = total((some for _one, some in paid[0][1].parts), currency=payment.currency)
            extra.take(plan, amount=cleared, use=payment.use, payment_id=payment.id, today=today, by=by)
        follow(plan, today=today, by=by)
    for plan in paid_off_beside(payment.lender_id, {part.debt_id for part in parts}, but=plans):
        follow(plan, today=today, by=by)
    paid_off.ask_for_letter(lender_id=payment.lender_id, debt_ids=[part.debt_id for part in parts])
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
