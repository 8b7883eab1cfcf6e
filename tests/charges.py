"""A charge of autopay that is due now: agreed to, a card saved at the stand-in, its notice left days ago."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import Flask
from sqlalchemy import select, update

from portal import clock
from portal.autopay import agreeing, charging
from portal.autopay.models import AutopayCharge, Payer
from portal.autopay.reading import locked
from portal.db import session, transaction
from portal.debts.statement import Standing
from portal.evidence.record import Actor
from portal.payments import stripe_gateway
from portal.people.models import Debtor
from portal.plans import progress
from portal.plans.models import Plan, PlanItem
from portal.post.models import Message
from portal.queue import QueuedJob
from tests.sandbox_process import SandboxProcess
from tests.settling import a_plan

# What was put off for the day on which the notice left.
_OF_THE_NOTICE = (agreeing.LOOK, charging.CHARGE, "post.deliver", "plans.tell")


def daytime_zone() -> str:
    """A zone in which it is past noon now, since charges are made by day; its sign is the other way round."""
    hours = 12 - datetime.now(UTC).hour
    return f"Etc/GMT{-hours:+d}" if hours else "Etc/GMT"


def come_due(
    app: Flask, debt: Standing, *, account: stripe_gateway.Account, sandbox: SandboxProcess, key: str = "k"
) -> AutopayCharge | None:
    """Let a payment of a new plan of a debt be due now, with autopay on; its charge is put off to now.

    Gives None where it can't be agreed to, as while a bank asks about a payment.
    """
    zone, lender_id, by = daytime_zone(), debt.lender_id, Actor("debtor", str(debt.debtor_id))
    with transaction() as s:
        s.execute(update(Debtor).where(Debtor.id == debt.debtor_id).values(zone=zone))
    plan = a_plan(debt, zone=zone)
    customer = stripe_gateway.make_customer(account, reference="r", idempotency_key=f"{key}:customer")
    back = "http://localhost/back"
    page = stripe_gateway.open_saving(
        account,
        reference="r",
        customer_id=customer,
        methods=("card",),
        description="A lender",
        success_url=back,
        cancel_url=back,
        locale="en",
        expires_at=datetime.now(UTC) + timedelta(hours=1),
        idempotency_key=f"{key}:saving",
    )
    assert sandbox.pay(page.url)[0] == 303
    method_id = stripe_gateway.read_saving(account, session_id=page.session_id).method_id
    assert method_id is not None
    card = stripe_gateway.read_method(account, method_id=method_id)
    charges = select(AutopayCharge).where(AutopayCharge.plan_id == plan.id)
    first = (PlanItem.plan_id == plan.id) & (PlanItem.seq == 1)
    with app.test_request_context():
        with transaction() as s:
            s.add(Payer(lender_id=lender_id, debtor_id=debt.debtor_id, customer_id=customer, made_at=clock.now()))
            offered = agreeing.offer(progress.locked(lender_id=lender_id, plan_id=plan.id))
            if not isinstance(offered, agreeing.Offer):
                return None
            asked = agreeing.agree(
                lender_id=lender_id,
                by=by,
                debtor_id=debt.debtor_id,
                reference=plan.reference,
                shown=offered.shown,
                form_key=key,
                language="en",
                strength=2,
            )
            assert isinstance(asked, agreeing.Asked)
            assert agreeing.keep_card(
                lender_id=lender_id, by=by, autopay_id=asked.autopay_id, facts=card, customer_id=customer
            )
        today = clock.today(zone)
        with transaction() as s:
            # The first payment is due in four days; its notice leaves, and four days pass at once.
            s.execute(update(PlanItem).where(first).values(due_on=today + timedelta(days=4)))
            s.execute(update(Plan).where(Plan.id == plan.id).values(look_on=None))
            s.flush()
            charging.look_at(locked(lender_id=lender_id, autopay_id=asked.autopay_id))
        with transaction() as s:
            s.execute(update(PlanItem).where(first).values(due_on=today))
            s.execute(
                update(AutopayCharge).where(AutopayCharge.plan_id == plan.id).values(due_on=today, charge_on=today)
            )
            past = clock.now() - timedelta(days=4)
            mine = Message.debtor_id == debt.debtor_id
            s.execute(update(Message).where(mine).values(state="sent", left_at=past))
            begun = (QueuedJob.lender_id == lender_id) & QueuedJob.name.in_(_OF_THE_NOTICE)
            s.execute(update(QueuedJob).where(begun).values(state="done"))
        with transaction():
            charging.look_at(locked(lender_id=lender_id, autopay_id=asked.autopay_id))
    session.rollback()
    charge = session.scalars(charges).one()
    session.expunge(charge)
    return charge
