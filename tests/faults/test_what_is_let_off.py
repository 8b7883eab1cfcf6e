"""What a settlement lets off is there once, with the money that it was promised for, or neither is."""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal import sweep, verify
from portal.db import session
from portal.debts.statement import Standing, by_id
from portal.ledger import Posting
from portal.money import Money
from portal.payments import settle, stripe_gateway
from portal.payments.models import MoneyEffect
from tests import nursery
from tests.conftest import SECRET_KEY, RealDatabase
from tests.factories import STANDARD_LIMITS, a_debt, a_lender
from tests.faults.test_kills_and_races import at_once, fresh, killed
from tests.settling import SETTLEMENTS, a_payment, a_settlement, facts_of, stripe_says

# A process that settles a payment and stands still once the waiver is posted and nothing is committed yet.
HELD = """
import sys, time, uuid
from pathlib import Path
import pytest
import portal.db
from portal.payments.models import Payment
from portal.plans import waivers
from tests.conftest import make_app
from tests.settling import stripe_says

def hold(*_args, **_named):
    print("held", flush=True)
    time.sleep(60)

waivers._note = hold
app = make_app(sys.argv[1], folder=Path(sys.argv[2]))
with app.app_context():
    payment = portal.db.session.get_one(Payment, (uuid.UUID(sys.argv[3]), uuid.UUID(sys.argv[4])))
    portal.db.session.expunge(payment)
    stripe_says(payment, pytest.MonkeyPatch())
"""


@pytest.fixture
def debt(real_app: Flask) -> Standing:
    return a_debt("800.00", lender=a_lender(limits=STANDARD_LIMITS + SETTLEMENTS), interest="12.00")


def let_off() -> object:
    return fresh(select(func.count()).select_from(Posting).where(Posting.kind == "waiver"))


def owed(debt: Standing) -> Money:
    session.rollback()
    return by_id(lender_id=debt.lender_id, debt_id=debt.id).owed


def test_two_payments_and_two_nights_at_once_let_it_off_once(
    real_app: Flask, debt: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    with real_app.app_context():
        plan = a_settlement(debt)
        lender_id, plan_id = plan.lender_id, plan.id
        payments = [a_payment(debt, amount="403.00", plan=plan.reference) for _ in range(2)]
        facts = {str(payment.payment_intent_id): facts_of(payment) for payment in payments}
        monkeypatch.setattr(
            stripe_gateway, "read_payment", lambda _account, *, payment_intent_id: facts[payment_intent_id]
        )
        ids = [payment.id for payment in payments]
    session.remove()

    def settling(payment_id: uuid.UUID) -> Callable[[], object]:
        def act() -> object:
            with real_app.app_context():
                return settle.settle(lender_id=lender_id, payment_id=payment_id)

        return act

    def night() -> object:
        with real_app.app_context():
            return sweep.look_at(lender_id=lender_id, plan_id=plan_id)

    at_once(settling(ids[0]), settling(ids[1]), settling(ids[0]), night, night)
    assert let_off() == 1
    assert owed(debt) == Money.zero("USD")
    assert fresh(select(func.count()).select_from(MoneyEffect)) == 2
    assert verify.disagreements() == ()


def test_a_process_killed_between_the_waiver_and_the_commit_leaves_neither_money_nor_waiver(
    real_database: RealDatabase, real_app: Flask, debt: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    with real_app.app_context():
        plan = a_settlement(debt)
        payment = a_payment(debt, amount="806.00", plan=plan.reference)
        session.remove()
        folder = str(real_app.config["SETTINGS"].folder)
        words = ("-c", HELD, real_database.url, folder, str(payment.lender_id), str(payment.id))
        env = os.environ | {"SECRET_KEY": SECRET_KEY}
        child = nursery.start(*words, env=env, stdout=subprocess.PIPE, text=True)
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "held\n"
            assert killed(child)
        finally:
            child.close()
        assert let_off() == 0
        assert owed(debt) == Money.of("812.00", "USD")
        assert verify.disagreements() == ()
        for _turn in range(2):
            stripe_says(payment, monkeypatch)
        assert let_off() == 1
        assert owed(debt) == Money.zero("USD")
        assert verify.disagreements() == ()
