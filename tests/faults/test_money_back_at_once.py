"""Two who give back, approve or place at once, and a process that dies between our row and Stripe's answer."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from portal.db import session, transaction
from portal.debts.statement import Standing, by_id
from portal.evidence.record import OPERATOR
from portal.finance import acts
from portal.lenders.models import Lender
from portal.payments import aside, giving_back
from portal.payments.models import MoneyEffect, Payment, Refund, SetAside
from portal.payments.refund_states import Moved, Word
from portal.payments.setting_aside import Why
from portal.queue import QueuedJob
from portal.staff.roles import Role
from tests.conftest import RealDatabase
from tests.faults.test_helpdesk_at_once import at_work
from tests.faults.test_kills_and_races import browser_of, fresh, killed, process
from tests.faults.test_kills_and_races import debt as debt
from tests.faults.test_kills_and_races import lender as lender
from tests.faults.test_kills_and_races import stand_in as stand_in
from tests.faults.test_kills_and_races import stripe as stripe
from tests.faults.test_two_at_once import at_once
from tests.journeys.acts import Stripe, acts_of, books_agree, come_in, go_pay, usd, work
from tests.journeys.staff import cheap
from tests.sandbox_process import wait_until
from tests.settling import a_payment, facts_of


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap(monkeypatch)


def paid(app: Flask, debt: Standing, stripe: Stripe) -> object:
    browser = browser_of(app)
    come_in(browser, debt)
    stripe.pay(go_pay(browser, debt, amount="50"))
    stripe.deliver()
    work(app, only="payments.heed")
    found = fresh(select(Payment.id))
    session.remove()
    return found


def test_a_refund_whose_sender_is_killed_before_the_answer_goes_back_once(
    real_database: RealDatabase, real_app: Flask, debt: Standing, stripe: Stripe
) -> None:
    payment_id = paid(real_app, debt, stripe)
    colleague = at_work(real_app, session.get_one(Lender, debt.lender_id), Role.FINANCE, "Fin")
    with real_app.test_request_context():
        with transaction():
            acts.set_limit(lender_id=debt.lender_id, limit=usd("50.00"), by=OPERATOR)
        with transaction():
            given = {"payment_id": payment_id, "amount": usd("20.00"), "reason": "Twice.", "form_key": "k" * 32}
            acts.give_back(colleague, **given)  # type: ignore[arg-type]
        session.remove()
    job = select(QueuedJob.state).where(QueuedJob.name == "payments.give_back")
    # Stripe has done it, and its answer never comes.
    stripe.sandbox.fail_next("timeout", count=1, seconds=20, path="/v1/refunds")
    with process(real_database, real_app, "worker") as worker:
        assert wait_until(lambda: fresh(job) == "running", seconds=90)
        threading.Event().wait(0.5)
        assert killed(worker)
    stripe.sandbox.heal()
    assert fresh(select(Refund.state)) == "approved"
    with transaction() as s:
        s.execute(update(QueuedJob).values(lease_until=datetime.now(UTC) - timedelta(seconds=1)))
    with process(real_database, real_app, "worker"):
        assert wait_until(lambda: fresh(select(Refund.state)) == "done", seconds=90)
    assert by_id(lender_id=debt.lender_id, debt_id=debt.id).owed == usd("870.00")
    assert fresh(select(func.count()).select_from(MoneyEffect).where(MoneyEffect.amount_minor < 0)) == 1
    books_agree()


def test_clicks_tabs_and_approvers_at_once_give_back_once(real_app: Flask, debt: Standing, stripe: Stripe) -> None:
    payment_id = paid(real_app, debt, stripe)
    lender = session.get_one(Lender, debt.lender_id)
    session.expunge(lender)
    asker, *others = (at_work(real_app, lender, Role.FINANCE, name) for name in ("Fin", "Sue", "Sam"))
    given = {"payment_id": payment_id, "amount": usd("30.00"), "reason": "Twice."}
    keys = ("a" * 32, "a" * 32, "b" * 32)
    answers = at_once(
        real_app,
        *[lambda key=key: acts.give_back(asker, **given, form_key=key) for key in keys],  # type: ignore[misc,arg-type]
    )
    numbers = {one.number for one in answers if isinstance(one, giving_back.Asked | giving_back.OneIsOpen)}
    assert len(numbers) == 1 and len(answers) == 3, answers
    [number] = numbers
    decided = at_once(
        real_app,
        *[lambda who=who: acts.decide(who, number=number, word=Word.APPROVE, words=None) for who in others],  # type: ignore[misc]
        lambda: acts.decide(others[0], number=number, word=Word.DECLINE, words="No."),
    )
    assert sum(isinstance(one, Moved) for one in decided) == 1, decided
    with real_app.test_request_context():
        assert acts_of(debt.lender_id)["refund_asked"] == acts_of(debt.lender_id)["refund_decided"] == 1
        books_agree()
        session.remove()


def test_two_who_place_the_same_money_place_it_once(real_app: Flask, debt: Standing, lender: Lender) -> None:
    colleagues = [at_work(real_app, lender, Role.FINANCE, name) for name in ("Fin", "Sue")]
    with real_app.test_request_context():
        loose = facts_of(a_payment(debt, amount="60.00", plan=None))
        with transaction():
            aside.put(loose, lender_id=debt.lender_id, why=Why.UNKNOWN, payment=None, about=None)
        aside_id = session.scalars(select(SetAside.id)).one()
        session.remove()
    answers = at_once(
        real_app,
        *[lambda who=who: acts.place(who, aside_id=aside_id, debt=debt, reason="Theirs.") for who in colleagues * 2],  # type: ignore[misc]
        lambda: acts.give_back_aside(colleagues[0], aside_id=aside_id, reason="Back.", form_key="c" * 32),
    )
    placed = sum(isinstance(one, aside.Placed) for one in answers)
    back = sum(isinstance(one, giving_back.Asked) for one in answers)
    assert placed + back == 1, answers
    with real_app.test_request_context():
        owed = by_id(lender_id=debt.lender_id, debt_id=debt.id).owed
        assert owed == usd("840.00" if placed else "900.00")
        books_agree()
        session.remove()
