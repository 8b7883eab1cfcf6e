"""Workers that are killed at each step of a charge, and two at once: a payment of a plan is taken from a card once.

A kill is a real process that gets SIGKILL. `make faults` (FAULTS=all) kills at every step, the tests at some.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from flask import Flask
from sqlalchemy import Select, func, select, update

from portal import clock, jobs, queue
from portal.autopay import agreeing, charging
from portal.autopay.models import Autopay, AutopayCharge, SavedCard
from portal.db import new_id, transaction
from portal.debts.statement import Standing
from portal.evidence.record import Actor
from portal.lenders.models import Lender
from portal.payments.models import MoneyEffect, Payment
from portal.queue import QueuedJob
from tests.charges import come_due
from tests.conftest import Clock, RealDatabase
from tests.factories import a_debt, a_lender
from tests.faults.test_kills_and_races import at_once, fresh, killed, process
from tests.journeys.acts import Stripe, acts_of, books_agree
from tests.sandbox_process import SandboxProcess, wait_until
from tests.turns import ALL

# Held there by the stand-in: before the payment is made, made and its answer lost, before it is charged, charged and
# the answer lost, and while what came of it is read.
STEPS = (
    ("POST", "/v1/payment_intents", "timeout"),
    ("POST", "/v1/payment_intents/", "timeout"),
    ("GET", "/v1/payment_intents/", "timeout"),
    ("GET", "/v1/refunds", "timeout"),
)
SAMPLE = STEPS if ALL else STEPS[1:3]


@pytest.fixture
def stand_in(real_app: Flask) -> Iterator[SandboxProcess]:
    with SandboxProcess().start(delivery="doubled") as running:
        real_app.config["STRIPE_API_BASE"] = running.url
        yield running


@pytest.fixture
def lender(real_app: Flask) -> Lender:
    return a_lender()


@pytest.fixture
def debt(lender: Lender) -> Standing:
    return a_debt("900.00", lender=lender)


@pytest.fixture
def stripe(real_app: Flask, stand_in: SandboxProcess, lender: Lender) -> Iterator[Stripe]:
    made = Stripe(real_app, stand_in, lender, Clock(datetime.now(UTC)))
    yield made
    made.receiver.stop()


@pytest.fixture
def due(real_app: Flask, debt: Standing, stripe: Stripe) -> AutopayCharge:
    charge = come_due(real_app, debt, account=stripe.account, sandbox=stripe.sandbox)
    assert charge is not None
    assert fresh(_waiting().where(QueuedJob.state == "ready")) == 1
    return charge


def _waiting() -> Select[int]:
    return select(func.count()).select_from(QueuedJob).where(QueuedJob.name == charging.CHARGE)


def taken_once(debt: Standing, stripe: Stripe) -> None:
    assert fresh(select(AutopayCharge.state)) == "charged"
    assert fresh(select(func.count()).select_from(MoneyEffect)) == 1
    assert fresh(select(Payment.state)) == "succeeded"
    assert acts_of(debt.lender_id)["payment_settled"] == 1
    assert acts_of(debt.lender_id)["autopay_charging"] == 1
    assert len(stripe.sandbox.events("payment_intent.succeeded")) == 1
    books_agree()


@pytest.mark.parametrize(("method", "path", "how"), SAMPLE)
def test_a_worker_killed_while_it_charges_takes_the_payment_once(
    real_database: RealDatabase,
    real_app: Flask,
    debt: Standing,
    stripe: Stripe,
    due: AutopayCharge,
    method: str,
    path: str,
    how: str,
) -> None:
    stripe.sandbox.fail_next(how, count=1, seconds=5, path=path, method=method)
    with process(real_database, real_app, "worker") as worker:
        assert wait_until(lambda: fresh(_waiting().where(QueuedJob.state == "running")), seconds=90)
        assert wait_until(lambda: fresh(select(AutopayCharge.state)) == "charging", seconds=30)
        assert killed(worker)
    stripe.sandbox.heal()
    assert fresh(select(func.count()).select_from(MoneyEffect)) in (0, 1)
    books_agree()
    with transaction() as s:
        s.execute(update(QueuedJob).values(lease_until=datetime.now(UTC) - timedelta(seconds=1)))
    with process(real_database, real_app, "worker"):
        assert wait_until(lambda: fresh(select(AutopayCharge.state)) == "charged", seconds=90)
        assert wait_until(lambda: fresh(_waiting().where(QueuedJob.state != "done")) == 0, seconds=30)
    taken_once(debt, stripe)


def test_two_workers_with_the_same_charge_and_doubled_webhooks_take_it_once(
    real_app: Flask, debt: Standing, stripe: Stripe, due: AutopayCharge
) -> None:
    with transaction() as s:
        # The same work stands there twice, as after a lease that ended too early.
        job = s.scalars(select(QueuedJob).where(QueuedJob.name == charging.CHARGE)).one()
        s.add(
            QueuedJob(
                id=new_id(),
                lender_id=job.lender_id,
                name=job.name,
                payload=job.payload,
                run_at=job.run_at,
                state="ready",
            )
        )
    todo = {name: run for name, run in jobs.table(real_app).items() if name != "letters.issue"}

    def worker() -> None:
        idle = 0
        while idle < 20:
            idle = 0 if queue.run_one(todo) else idle + 1
            clock.pause(0.02)

    at_once(worker, worker)
    if fresh(select(AutopayCharge.state)) != "charged":
        # Stripe says "still at work" to the second one at worst, which then waits ten minutes.
        with transaction() as s:
            s.execute(update(QueuedJob).where(QueuedJob.state == "ready").values(run_at=datetime.now(UTC)))
        worker()
    taken = list(stripe.receiver.taken)
    at_once(worker, worker, *(partial(stripe.send, *each) for each in taken))
    assert fresh(select(func.count()).select_from(QueuedJob).where(QueuedJob.last_error.is_not(None))) == 0
    taken_once(debt, stripe)


def test_a_stop_and_a_charge_at_once_leave_one_of_two_truths(
    real_app: Flask, debt: Standing, stripe: Stripe, due: AutopayCharge
) -> None:
    by = Actor("debtor", str(debt.debtor_id))

    def stop() -> object:
        with real_app.app_context(), transaction():
            return agreeing.stop(lender_id=debt.lender_id, autopay_id=due.autopay_id, by=by, why="asked")

    def charge() -> object:
        with real_app.app_context():
            return charging._charge(debt.lender_id, due.id)

    found, _nothing = at_once(stop, charge)
    assert isinstance(found, agreeing.Stopped)
    assert fresh(select(Autopay.state)) == "stopped"
    state = fresh(select(AutopayCharge.state))
    # Whoever was first is right: it was on its way, and counts; or nothing is taken.
    assert state == "charged" if found.on_its_way else state in ("charged", "called_off")
    assert len(stripe.sandbox.events("payment_intent.succeeded")) == (1 if state == "charged" else 0)
    assert fresh(select(func.count()).select_from(MoneyEffect)) == (1 if state == "charged" else 0)
    assert fresh(select(SavedCard.method_id)) is not None
    books_agree()
