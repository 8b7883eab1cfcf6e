"""Money that nobody could place by itself: put aside with what was received, then placed or given back by a person.

Invariant: nothing of it counts for a debt until a person says which one, once; the lender's suspense holds what waits.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import select

from portal import clock, ledger
from portal.db import session
from portal.debts.statement import Standing, by_id
from portal.evidence.record import STRIPE, Act, Actor, record
from portal.ledger import Account, Move
from portal.money import Money
from portal.payments import credit, stripe_gateway, tell_back
from portal.payments.going_back import claim
from portal.payments.models import MoneyEffect, Payment, Refund, SendingBack, SetAside
from portal.payments.parts import only_debt, parts_of
from portal.payments.refund_states import OPEN
from portal.payments.setting_aside import Why
from portal.payments.stripe_gateway import PaymentFacts
from portal.people.models import Debtor


def put(facts: PaymentFacts, *, lender_id: uuid.UUID, why: Why, payment: Payment | None, about: Payment | None) -> bool:
    """Put money where a person looks at it, with what was received; gives whether it is new.

    `payment` is the one that it came for, `about` one that it only has to do with.
    """
    amount = facts.amount_received
    known = payment or about
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
    key = f"stripe:{facts.payment_intent_id}:payment"
    effect_id = _claimed(lender_id, key, amount, payment=payment, cash=Account.CASH_STRIPE)
    if effect_id is None:
        return False
    _keep(lender_id, effect_id, amount, why, received, payment=payment, about=about, intent=facts.payment_intent_id)
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


def put_at_lender(
    *, lender_id: uuid.UUID, key: str, amount: Money, why: Why, received: Mapping[str, Any], by: Actor
) -> uuid.UUID | None:
    """Put money that came to the lender's own account where a person looks at it; None if it is there already."""
    effect_id = _claimed(lender_id, key, amount, payment=None, cash=Account.CASH_LENDER)
    if effect_id is None:
        return None
    _keep(lender_id, effect_id, amount, why, received, payment=None, about=None, intent=None)
    record(
        Act.PAYMENT_SET_ASIDE,
        by=by,
        lender_id=lender_id,
        facts={"entry": key, "why": why.value, "came": amount.minor, "currency": amount.currency},
    )
    return effect_id


def take_out(aside: SetAside, *, kind: str, key: str, today: date) -> bool:
    """Let all that waits of money at the lender's own account leave it; gives whether it is new. The row is locked."""
    amount = waiting(aside)
    if not amount:
        return False
    effect_id = claim(lender_id=aside.lender_id, payment_id=None, key=key, amount=-amount, outcome="set_aside")
    if effect_id is None:
        return False
    came = session.get_one(MoneyEffect, (aside.lender_id, aside.id))
    posted = ledger.post(
        lender_id=aside.lender_id,
        kind=kind,
        cause=key,
        moves=[Move(None, Account.CASH_LENDER, Account.SUSPENSE, amount)],
        on=today,
        corrects=came.posting_id,
    )
    if isinstance(posted, ledger.Posted):
        session.get_one(MoneyEffect, (aside.lender_id, effect_id)).posting_id = posted.posting_id
    aside.gone_minor += amount.minor
    session.flush()
    return True


def _claimed(
    lender_id: uuid.UUID, key: str, amount: Money, *, payment: Payment | None, cash: Account
) -> uuid.UUID | None:
    payment_id = None if payment is None else payment.id
    effect_id = claim(lender_id=lender_id, payment_id=payment_id, key=key, amount=amount, outcome="set_aside")
    if effect_id is None:
        return None
    posted = ledger.post(
        lender_id=lender_id,
        kind="set_aside",
        cause="payment:" + key.removeprefix("stripe:").removesuffix(":payment"),
        moves=[Move(None, Account.SUSPENSE, cash, amount)],
        on=clock.today("UTC"),
    )
    if isinstance(posted, ledger.Posted):
        session.get_one(MoneyEffect, (lender_id, effect_id)).posting_id = posted.posting_id
    return effect_id


def _keep(
    lender_id: uuid.UUID,
    effect_id: uuid.UUID,
    amount: Money,
    why: Why,
    received: Mapping[str, Any],
    *,
    payment: Payment | None,
    about: Payment | None,
    intent: str | None,
) -> None:
    session.add(
        SetAside(
            lender_id=lender_id,
            id=effect_id,
            why=why.value,
            payment_id=None if payment is None else payment.id,
            about_payment_id=None if about is None else about.id,
            payment_intent_id=intent,
            amount_minor=amount.minor,
            gone_minor=0,
            currency=amount.currency,
            received=dict(received),
            received_at=clock.now(),
        )
    )
    session.flush()


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


def at_lender(aside: SetAside) -> bool:
    """Say whether it came to the lender's own account, so that no payment service can give it back."""
    return "counts_on" in aside.received


def locked(*, lender_id: uuid.UUID, aside_id: uuid.UUID) -> SetAside | None:
    """Give the row of one, locked."""
    return session.scalars(
        select(SetAside)
        .where(SetAside.lender_id == lender_id, SetAside.id == aside_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def sending_of(aside: SetAside) -> SendingBack | None:
    """Give who asked that money at the lender's own account goes back, unless it was called off."""
    return session.scalars(
        select(SendingBack).where(
            SendingBack.lender_id == aside.lender_id,
            SendingBack.set_aside_id == aside.id,
            SendingBack.called_off_at.is_(None),
        )
    ).one_or_none()


def is_going_back(aside: SetAside) -> bool:
    """Say whether a refund of it is open, or somebody sends it back from the lender's own bank."""
    if aside.payment_intent_id is None:
        return sending_of(aside) is not None
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
        use |= {"paid_at": _paid_at(aside, debt)}
        most = credit.use(**use, amount=Money.zero(amount.currency), placed=True)  # type: ignore[arg-type]
        if isinstance(most, credit.Changed) and most.possible:
            credit.use(**use, amount=most.possible, placed=True)  # type: ignore[arg-type]
    tell_back.later(
        tell_back.PLACED, lender_id=lender_id, debtor_id=debt.debtor_id, amount=amount, about=aside.id, debt_id=debt.id
    )
    return Placed(amount)


def counts_on(aside: SetAside) -> date | None:
    """Give the day from which money at the lender's own account counts, wherever it belongs."""
    day = aside.received.get("counts_on")
    return None if day is None else date.fromisoformat(day)


def _paid_at(aside: SetAside, debt: Standing) -> datetime | None:
    """Give when money at the lender's own account was paid: on the day that its bank says, by its payer's calendar."""
    day = counts_on(aside)
    if day is None:
        return None
    return noon(day, session.get_one(Debtor, (debt.lender_id, debt.debtor_id)).zone)


def noon(day: date, zone: str) -> datetime:
    """Give the middle of a day somewhere: an instant that is on this day by the calendar there."""
    return datetime.combine(day, time(12), tzinfo=clock.zone(zone)).astimezone(UTC)


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
