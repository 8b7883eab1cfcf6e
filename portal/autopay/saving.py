"""Saving a card or an account at Stripe: its hosted page, what came of it, and what is heard of it later.

Stripe is never asked inside a transaction. A double click or a crash between two steps leads to the same page.
"""

from __future__ import annotations

import uuid
from datetime import timedelta

from flask import current_app
from sqlalchemy import select

from portal import clock, queue
from portal.autopay import agreeing
from portal.autopay.models import ALIVE, Autopay, Payer, SavedCard
from portal.db import insert_unless_there, new_id, session, transaction
from portal.lenders.models import Lender
from portal.payments import rails, stripe_gateway
from portal.payments.checkout import PAGE_LIFE, SHORTEST_PAGE_LIFE, account_of, choice_of
from portal.payments.models import Payment, WebhookEvent
from portal.payments.stripe_gateway import (
    Account,
    CheckoutStatus,
    PaymentRefused,
    PaymentServiceDown,
    PaymentStatus,
)


def account_of_lender(lender_id: uuid.UUID) -> Account:
    """Give a lender's account at Stripe.

    :raises portal.payments.checkout.NoPaymentsYet: if it has none.
    """
    lender = session.get_one(Lender, lender_id)
    return account_of(lender, api_base=current_app.config["STRIPE_API_BASE"])


def customer_of(account: Account, *, lender_id: uuid.UUID, debtor_id: uuid.UUID) -> str:
    """Give a person's id at Stripe, made when it is first needed. Opens its own transaction.

    :raises portal.payments.stripe_gateway.PaymentServiceDown: if there was no final answer.
    """
    of_person = select(Payer.customer_id).where(Payer.lender_id == lender_id, Payer.debtor_id == debtor_id)
    known = session.scalars(of_person).one_or_none()
    if known is not None:
        return known
    session.rollback()
    made = stripe_gateway.make_customer(
        account, reference=str(debtor_id), idempotency_key=f"customer:{lender_id}:{debtor_id}"
    )
    with transaction() as s:
        # Of two at once the first one counts; the other customer has no card and never gets one.
        s.execute(
            insert_unless_there(Payer)
            .values(lender_id=lender_id, id=new_id(), debtor_id=debtor_id, customer_id=made, made_at=clock.now())
            .on_conflict_do_nothing(index_elements=["lender_id", "debtor_id"])
        )
    return session.scalars(of_person).one()


def open_page(*, lender_id: uuid.UUID, autopay_id: uuid.UUID, back_url: str, language: str) -> str | None:
    """Give the page on which a card is saved for autopay; None if it was stopped. Opens its own transactions.

    :raises portal.payments.stripe_gateway.PaymentServiceDown: if Stripe can't be reached; ask again.
    """
    account = account_of_lender(lender_id)
    auto = session.get_one(Autopay, (lender_id, autopay_id))
    customer_id = customer_of(account, lender_id=lender_id, debtor_id=auto.debtor_id)
    with transaction() as s:
        auto = s.execute(
            select(Autopay).where(Autopay.lender_id == lender_id, Autopay.id == autopay_id).with_for_update()
        ).scalar_one()
        if auto.state not in ALIVE:
            return None
        now = clock.now()
        if auto.session_expires_at is None or auto.session_expires_at - now < SHORTEST_PAGE_LIFE:
            auto.saves += 1
            auto.session_id = auto.session_url = None
            auto.session_expires_at = now + PAGE_LIFE
        elif auto.session_url is not None:
            return auto.session_url
        number, expires_at = auto.saves, auto.session_expires_at
        lender = s.get_one(Lender, lender_id)
        lender_name, methods = lender.name, rails.kept_for(auto.currency, choice_of(lender))
    page = stripe_gateway.open_saving(
        account,
        reference=str(autopay_id),
        customer_id=customer_id,
        methods=methods,
        description=lender_name[:500],
        success_url=back_url,
        cancel_url=back_url,
        locale="zh" if language.startswith("zh") else "en",
        expires_at=expires_at,
        idempotency_key=f"saving:{autopay_id}:{number}",
    )
    with transaction() as s:
        auto = s.execute(
            select(Autopay).where(Autopay.lender_id == lender_id, Autopay.id == autopay_id).with_for_update()
        ).scalar_one()
        auto.session_id, auto.session_url = page.session_id, page.url
    return page.url


def ask(*, lender_id: uuid.UUID, autopay_id: uuid.UUID) -> None:
    """Ask for what became of the page that saves a card; part of an act."""
    queue.later(
        "autopay.saved",
        lender_id=lender_id,
        payload={"autopay_id": str(autopay_id)},
        while_waiting=f"autopay-saved:{autopay_id}",
    )


def saved(job: queue.Job) -> None:
    """See what became of the page that saves a card.

    :raises portal.queue.TryLater: if Stripe can't be reached now.
    """
    if job.lender_id is None:
        raise ValueError("autopay belongs to a lender")
    conclude(lender_id=job.lender_id, autopay_id=uuid.UUID(job.payload["autopay_id"]))


def conclude(*, lender_id: uuid.UUID, autopay_id: uuid.UUID) -> None:
    """Read the page that saves a card at Stripe, and bring autopay to it.

    :raises portal.queue.TryLater: if Stripe can't be reached now.
    """
    auto = session.get_one(Autopay, (lender_id, autopay_id))
    session_id = auto.session_id
    if session_id is None:
        return
    account = account_of_lender(lender_id)
    session.rollback()
    try:
        page = stripe_gateway.read_saving(account, session_id=session_id)
        if page.method_id is not None:
            _keep(
                account,
                lender_id=lender_id,
                autopay_id=autopay_id,
                method_id=page.method_id,
                mandate_id=page.mandate_id,
            )
    except PaymentServiceDown as down:
        raise queue.TryLater(timedelta(seconds=15)) from down
    if page.method_id is None and page.status is not CheckoutStatus.EXPIRED:
        return
    with transaction() as s:
        again = s.execute(
            select(Autopay).where(Autopay.lender_id == lender_id, Autopay.id == autopay_id).with_for_update()
        ).scalar_one()
        if again.session_id == session_id:
            # The next card is saved on a page of its own.
            again.session_id = again.session_url = again.session_expires_at = None


def _keep(
    account: Account, *, lender_id: uuid.UUID, autopay_id: uuid.UUID, method_id: str, mandate_id: str | None
) -> None:
    facts = stripe_gateway.read_method(account, method_id=method_id, mandate_id=mandate_id)
    auto = session.get_one(Autopay, (lender_id, autopay_id))
    customer_id = customer_of(account, lender_id=lender_id, debtor_id=auto.debtor_id)
    with transaction():
        used = agreeing.keep_card(lender_id=lender_id, autopay_id=autopay_id, facts=facts, customer_id=customer_id)
    if not used and facts.customer_id == customer_id and not _known(lender_id, method_id):
        stripe_gateway.forget_method(account, method_id=method_id)


def _known(lender_id: uuid.UUID, method_id: str) -> bool:
    return (
        session.scalars(
            select(SavedCard.id).where(
                SavedCard.lender_id == lender_id, SavedCard.method_id == method_id, SavedCard.gone_at.is_(None)
            )
        ).first()
        is not None
    )


def paid_with(*, lender_id: uuid.UUID, payment_id: uuid.UUID) -> None:
    """Keep what was paid with, of a payment that arrived or is on its way and that was made to keep it.

    :raises portal.queue.TryLater: if Stripe can't be reached now.
    """
    payment = session.get_one(Payment, (lender_id, payment_id))
    intent_id = payment.payment_intent_id
    if intent_id is None:
        return
    account = account_of_lender(lender_id)
    session.rollback()
    try:
        facts = stripe_gateway.read_payment(account, payment_intent_id=intent_id)
        wanted = facts.metadata.get("autopay")
        accepted = facts.amount_received or facts.status is PaymentStatus.PROCESSING
        if facts.method_id is None or wanted is None or not accepted:
            return
        _keep(
            account,
            lender_id=lender_id,
            autopay_id=uuid.UUID(wanted),
            method_id=facts.method_id,
            mandate_id=facts.mandate_id,
        )
    except PaymentServiceDown as down:
        raise queue.TryLater(timedelta(seconds=15)) from down


def heed(job: queue.Job) -> None:
    """Heed what Stripe says of a page that saves a card, or of a saved card: read it as it is now.

    :raises portal.queue.TryLater: if Stripe can't be reached now.
    """
    lender_id = job.lender_id
    if lender_id is None:
        raise ValueError("a saved card belongs to a lender")
    event = session.get_one(WebhookEvent, (lender_id, uuid.UUID(job.payload["event_id"])))
    event_key, facts, kind = event.id, event.facts, event.kind
    about = _heed_page(lender_id, facts) or _heed_card(lender_id, facts, kind=kind)
    with transaction() as s:
        s.get_one(WebhookEvent, (lender_id, event_key)).outcome = "heeded" if about else "about_nothing_of_ours"


def _heed_page(lender_id: uuid.UUID, facts: dict[str, object]) -> bool:
    try:
        wanted = uuid.UUID(str(facts.get("reference")))
    except ValueError:
        return False
    if session.get(Autopay, (lender_id, wanted)) is None:
        return False
    conclude(lender_id=lender_id, autopay_id=wanted)
    return True


def _heed_card(lender_id: uuid.UUID, facts: dict[str, object], *, kind: str) -> bool:
    method_id = facts.get("method_id")
    of_card = select(SavedCard).where(SavedCard.lender_id == lender_id, SavedCard.method_id == method_id)
    if method_id is None or session.scalars(of_card).one_or_none() is None:
        return False
    account = account_of_lender(lender_id)
    session.rollback()
    try:
        now = stripe_gateway.read_method(account, method_id=str(method_id))
        holds = kind != "mandate.updated" or stripe_gateway.mandate_holds(
            account, mandate_id=str(facts.get("object_id"))
        )
    except PaymentServiceDown as down:
        raise queue.TryLater(timedelta(seconds=15)) from down
    except PaymentRefused:
        return False
    with transaction() as s:
        card = s.execute(of_card).scalar_one()
        if now.customer_id is None or not holds:
            agreeing.card_gone(card, why="mandate_ended" if now.customer_id else "taken_out")
        else:
            agreeing.card_news(card, now)
    return True


def forget(job: queue.Job) -> None:
    """Let Stripe keep a card no more that nothing takes from.

    :raises portal.queue.TryLater: if Stripe can't be reached now.
    """
    if job.lender_id is None:
        raise ValueError("a saved card belongs to a lender")
    lender_id, card_id = job.lender_id, uuid.UUID(job.payload["card_id"])
    used = select(Autopay.id).where(
        Autopay.lender_id == lender_id, Autopay.card_id == card_id, Autopay.state.in_(ALIVE)
    )
    with transaction() as s:
        card = s.execute(
            select(SavedCard).where(SavedCard.lender_id == lender_id, SavedCard.id == card_id).with_for_update()
        ).scalar_one()
        if s.scalars(used).first() is not None:
            return
        agreeing.card_gone(card, why="not_needed")
        method_id = card.method_id
    account = account_of_lender(lender_id)
    session.rollback()
    try:
        stripe_gateway.forget_method(account, method_id=method_id)
    except PaymentServiceDown as down:
        raise queue.TryLater(timedelta(seconds=15)) from down
