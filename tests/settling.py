"""Money that comes and goes back without Stripe: a payment as the portal writes it, and Stripe's word on it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import select

from portal import clock
from portal.db import new_id, session, transaction
from portal.debts.statement import Standing
from portal.evidence.record import Actor
from portal.money import Money
from portal.offers.asked import Settlement
from portal.payments import settle, stripe_gateway
from portal.payments.models import Payment, PaymentPart
from portal.payments.stripe_gateway import PaymentFacts, PaymentStatus, RefundFacts, RefundStatus
from portal.plans import negotiate, progress
from portal.plans.models import Plan
from portal.schedules.dates import Frequency

# Added to the last card of the standard limits, which is the one for everything else.
SETTLEMENTS = """
[card.discount]
most_instalments = 1
[[card.discount.bands]]
days_late_from = 0
lump_percent = 30
staged_percent = 0
[card.discount.ceilings]
interest = 50
[card.decide]
alone_up_to_discount_percent = 30
"""


def a_plan(debt: Standing, *, payment: str = "100.00", pay_day: int = 10, zone: str = "America/New_York") -> Plan:
    """A monthly plan that is agreed to, as it stands in the database."""
    by, today = Actor("debtor", str(debt.debtor_id)), clock.today(zone)
    with transaction():
        negotiate.propose(
            debt, payment=Money.of(payment, debt.owed.currency), frequency=Frequency.MONTHLY, by=by, today=today
        )
        proposal = negotiate.newest_proposal(debt)
        assert proposal is not None
        negotiate.choose_pay_day(debt, proposal=proposal, pay_day=pay_day, today=today)
        key, picked = next(iter(negotiate.choices(negotiate.table_for(debt, proposal=proposal, today=today)).items()))
        number = negotiate.quote(debt, proposal=proposal, key=key, arrangement=picked, by=by, today=today, zone=zone)
    with transaction():
        agreed = negotiate.agree(debt, number=number, agreed_text="I agree.", by=by)
    assert isinstance(agreed, negotiate.Agreed)
    return session.scalars(
        select(Plan).where(Plan.lender_id == debt.lender_id, Plan.reference == agreed.reference)
    ).one()


def a_settlement(debt: Standing, *, pays: str = "806.00", zone: str = "America/New_York") -> Plan:
    """An agreement to pay less in one payment in five days, for a lender whose limits allow it."""
    by, today = Actor("debtor", str(debt.debtor_id)), clock.today(zone)
    with transaction():
        asked = Settlement(Money.of(pays, debt.owed.currency), today + timedelta(days=5))
        negotiate.ask(debt, asked=asked, by=by, today=today)
        proposal = negotiate.newest_proposal(debt)
        assert proposal is not None
        picked = negotiate.choices(negotiate.table_for(debt, proposal=proposal, today=today))["own"]
        number = negotiate.quote(debt, proposal=proposal, key="own", arrangement=picked, by=by, today=today, zone=zone)
    with transaction():
        agreed = negotiate.agree(debt, number=number, agreed_text="I agree.", by=by)
    assert isinstance(agreed, negotiate.Agreed)
    return session.scalars(
        select(Plan).where(Plan.lender_id == debt.lender_id, Plan.reference == agreed.reference)
    ).one()


def a_payment(
    debt: Standing,
    *,
    amount: str,
    plan: str | None,
    use: str | None = None,
    also: Sequence[tuple[Standing, str, str | None]] = (),
) -> Payment:
    """A payment as it is sent; `also` has further debts of the person, what they get, and their plans."""
    number = uuid.uuid4().hex[:10]
    parts = [(debt, amount, plan), *also]
    with transaction() as s:
        plans = [
            reference and progress.plan_of(lender_id=each.lender_id, debtor_id=each.debtor_id, reference=reference)
            for each, _amount, reference in parts
        ]
        found = plans[0]
        payment = Payment(
            lender_id=debt.lender_id,
            id=new_id(),
            reference=f"P-{number}",
            form_key=number,
            debtor_id=debt.debtor_id,
            debt_id=debt.id,
            plan_id=found.id if found else None,
            amount_minor=sum(Money.of(each, "USD").minor for _debt, each, _plan in parts),
            currency="USD",
            use=use,
            state="sent",
            session_expires_at=clock.now() + timedelta(hours=1),
            payment_intent_id=f"pi_{number}",
            started_at=clock.now(),
        )
        s.add(payment)
        s.flush()
        s.add_all(
            PaymentPart(
                lender_id=debt.lender_id,
                payment_id=payment.id,
                place=place,
                debt_id=each.id,
                plan_id=of_plan.id if of_plan else None,
                amount_minor=Money.of(minor, "USD").minor,
                currency=payment.currency,
            )
            for place, ((each, minor, _reference), of_plan) in enumerate(zip(parts, plans, strict=True), 1)
        )
        s.flush()
        s.expunge(payment)
    return payment


def stripe_says(
    payment: Payment, monkeypatch: pytest.MonkeyPatch, *, received: str | None = None, back: tuple[str, ...] = ()
) -> None:
    """Let the payment be read as succeeded, with so many refunds, and settle it."""
    facts = facts_of(payment, received=received, back=back)
    monkeypatch.setattr(stripe_gateway, "read_payment", lambda *_args, **_named: facts)
    settle.settle(lender_id=payment.lender_id, payment_id=payment.id)


def facts_of(payment: Payment, *, received: str | None = None, back: tuple[str, ...] = ()) -> PaymentFacts:
    """What Stripe says of a payment that succeeded, with so many refunds."""
    came = Money.of(received, "USD") if received else Money(payment.amount_minor, "USD")
    return PaymentFacts(
        payment_intent_id=payment.payment_intent_id or "",
        status=PaymentStatus.SUCCEEDED,
        amount=came,
        amount_received=came,
        refunds=tuple(
            RefundFacts(
                id=f"re_{number}_{payment.payment_intent_id}",
                amount=Money.of(amount, "USD"),
                status=RefundStatus.SUCCEEDED,
                created_at=clock.now(),
                payment_intent_id=payment.payment_intent_id,
                failure_reason=None,
            )
            for number, amount in enumerate(back)
        ),
        charge_id="ch_1",
        method_id=None,
        method_kind="card",
        brand="visa",
        last4="4242",
        funding="debit",
        created_at=clock.now(),
        cleared_at=clock.now(),
        failure_code=None,
        decline_code=None,
        disputed=False,
        reference=str(payment.id),
        metadata={"payment": str(payment.id)},
        livemode=False,
    )
