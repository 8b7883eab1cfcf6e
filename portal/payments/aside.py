"""Money that nobody could place by itself: put aside with what was received, then placed or given back by a person.

Invariant: nothing of it counts for a debt until a person says which one, once; the lender's suspense holds what waits.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from portal import clock, ledger
from portal.db import session
from portal.debts.statement import Standing, by_id
from portal.evidence.record import STRIPE, Act, Actor, record
from portal.ledger import Account, Move
from portal.money import Money
from portal.payments import credit, stripe_gateway, tell_back
from portal.payments.going_back import claim
from portal.payments.models import MoneyEffect, Payment, Refund, SetAside
from portal.payments.parts import only_debt, parts_of
from portal.payments.refund_states import OPEN
from portal.payments.setting_aside import Why
from portal.payments.stripe_gateway import PaymentFacts


def put(facts: PaymentFacts, *, lender_id: uuid.UUID, why: Why, payment: Payment | None, about: Payment | None) -> bool:
    """Put money where a person looks at it, with what was received; gives whether it is new.

    `payment` is the one that it came for, `about` one that it only has to do with.
    """
    amount = facts.amount_received
    payment_id = None if payment is None else payment.id
    key = f"stripe:{facts.payment_intent_id}:payment"
    effect_id = claim(lender_id=lender_id, payment_id=payment_id, key=key, amount=amount, outcome="set_aside")
    if effect_id is None:
        return False
    known = payment or about
    posted = ledger.post(
        lender_id=lender_id,
        kind="set_aside",
        cause=f"payment:{facts.payment_intent_id}",
        moves=[Move(None, Account.SUSPENSE, Account.CASH_STRIPE, amount)],
        on=clock.today("UTC"),
    )
    if isinstance(posted, ledger.Posted):
        session.get_one(MoneyEffect, (lender_id, effect_id)).posting_id = posted.posting_id
    asked = None if known is None else str(Money(known.amount_minor, known.currency))
    received = {
        "method": facts.method_kind,
        "last4": facts.last4,
        "charge": facts.charge_id,
        "asked": asked,
        "says": facts.metadata.get("payment") or facts.metadata.get(stripe_gateway.REFERENCE),
        "live": facts.livemode,
        "cleared_at": facts.cleared_at.isoformat() if facts.cleared_at else None,
    }
    session.add(
        SetAside(
            lender_id=lender_id,
            id=effect_id,
            why=why.value,
            payment_id=payment_id,
            about_payment_id=None if about is None else about.id,
            payment_intent_id=facts.payment_intent_id,
            amount_minor=amount.minor,
            gone_minor=0,
            currency=amount.currency,
            received=received,
            received_at=clock.now(),
        )
    )
    session.flush()
    parts = () if payment is None else parts_of(lender_id=lender_id, payment_id=payment.id)
    record(
        Act.PAYMENT_SET_ASIDE,
        by=STRIPE,
        lender_id=lender_id,
        debtor_id=None if payment is None else payment.debtor_id,
        debt_id=only_debt(parts) if parts else None,
        facts={
            "payment": None if known is None else known.reference,
            "payment_intent": facts.payment_intent_id,
            "why": why.value,
            "asked": None if payment is None else payment.amount_minor,
            "came": amount.minor,
            "currency": amount.currency,
        },
    )
    return True


@dataclass(frozen=True, slots=True)
class Placed:
    """It counts for the debt now."""

    amount: Money


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing waits any more: it was placed, given back or taken back before. Nothing has changed."""


@dataclass(frozen=True, slots=True)
class GoingBack:
    """Somebody is giving it back; nothing has changed."""


@dataclass(frozen=True, slots=True)
class DoesNotFit:
    """The debt is in another currency, or is not open."""


def waiting(aside: SetAside) -> Money:
    """Give what still waits of money that was set aside."""
    if aside.placed_debt_id is not None:
        return Money.zero(aside.currency)
    return Money(max(aside.amount_minor - aside.gone_minor, 0), aside.currency)


def locked(*, lender_id: uuid.UUID, aside_id: uuid.UUID) -> SetAside | None:
    """Give the row of one, locked."""
    return session.scalars(
        select(SetAside)
        .where(SetAside.lender_id == lender_id, SetAside.id == aside_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def is_going_back(aside: SetAside) -> bool:
    """Say whether a refund of it is open."""
    asked = select(Refund.id).where(
        Refund.lender_id == aside.lender_id,
        Refund.payment_intent_id == aside.payment_intent_id,
        Refund.state.in_([state.value for state in OPEN]),
    )
    return session.scalars(asked.limit(1)).first() is not None


def place(
    *,
    lender_id: uuid.UUID,
    aside_id: uuid.UUID,
    debt: Standing,
    reason: str,
    today: date,
    by: Actor,
    member_id: uuid.UUID | None,
) -> Placed | Done | GoingBack | DoesNotFit:
    """Let money that was set aside count for a debt: it becomes credit there, and is used for what is owed at once.

    What is more than is owed stays as credit, as of any payment.
    """
    for debt_id in sorted(credit.touched_with(lender_id, [debt.id])):
        ledger.locked(lender_id=lender_id, debt_id=debt_id)
    aside = locked(lender_id=lender_id, aside_id=aside_id)
    if aside is None:
        return Done()
    amount = waiting(aside)
    if not amount:
        return Done()
    if is_going_back(aside):
        return GoingBack()
    debt = by_id(lender_id=lender_id, debt_id=debt.id)
    if not debt.open or debt.owed.currency != amount.currency:
        return DoesNotFit()
    posted = ledger.post(
        lender_id=lender_id,
        kind="placed",
        cause=f"placed:{aside.id}",
        moves=[Move(debt.id, Account.CREDIT, Account.SUSPENSE, amount)],
        on=today,
    )
    if not isinstance(posted, ledger.Posted):
        return Done()
    aside.placed_debt_id, aside.placed_posting_id = debt.id, posted.posting_id
    aside.placed_why, aside.placed_by, aside.placed_at = reason, member_id, clock.now()
    record(
        Act.PAYMENT_PLACED,
        by=by,
        lender_id=lender_id,
        debtor_id=debt.debtor_id,
        debt_id=debt.id,
        facts={"payment_intent": aside.payment_intent_id, "amount": amount.amount, "currency": amount.currency},
    )
    session.flush()
    if not debt.credit:
        # Credit from before is its owner's to use.
        use = {"source": debt, "target": debt, "form_key": f"placed:{aside.id}", "today": today, "by": by}
        most = credit.use(**use, amount=Money.zero(amount.currency), placed=True)  # type: ignore[arg-type]
        if isinstance(most, credit.Changed) and most.possible:
            credit.use(**use, amount=most.possible, placed=True)  # type: ignore[arg-type]
    tell_back.later(
        tell_back.PLACED, lender_id=lender_id, debtor_id=debt.debtor_id, amount=amount, about=aside.id, debt_id=debt.id
    )
    return Placed(amount)


def note(*, lender_id: uuid.UUID, aside_id: uuid.UUID, words: str, by: Actor, facts: Mapping[str, object]) -> bool:
    """Keep a note about money that waits, in place of the one before; False if it says that already."""
    aside = locked(lender_id=lender_id, aside_id=aside_id)
    if aside is None or aside.note == words:
        return False
    aside.note = words
    record(
        Act.PAYMENT_NOTED,
        by=by,
        lender_id=lender_id,
        facts={**facts, "payment_intent": aside.payment_intent_id},
    )
    return True
