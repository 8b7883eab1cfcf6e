"""A night of reconciliation that is killed anywhere, or done by two at once: everything is booked once, and it ends."""

from __future__ import annotations

import random
import threading
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from portal import clock, jobs, ledger, queue
from portal.db import session, transaction
from portal.debts.statement import Standing, by_id
from portal.finance import chart, journal
from portal.ledger import Account, Move, Posting
from portal.lenders.models import Lender
from portal.payments import reconcile, stripe_gateway
from portal.payments.models import MoneyEffect, Reconciliation, ReconciliationLine, WebhookEvent
from portal.queue import QueuedJob
from tests.conftest import RealDatabase
from tests.faults.test_kills_and_races import at_once, browser_of, fresh, killed, process
from tests.faults.test_kills_and_races import debt as debt
from tests.faults.test_kills_and_races import lender as lender
from tests.faults.test_kills_and_races import stand_in as stand_in
from tests.faults.test_kills_and_races import stripe as stripe
from tests.journeys.acts import Stripe, acts_of, books_agree, come_in, go_pay, usd
from tests.journeys.test_reconciliation import bean_check
from tests.sandbox_process import wait_until
from tests.turns import ALL

# Where a worker is held while it asks Stripe, to be killed there.
HELD_AT = (
    ("/v1/events", "/v1/balance_transactions", "/v1/payouts", "/v1/payment_intents")
    if ALL
    else ("/v1/balance_transactions",)
)
SEEDS = range(10 if ALL else 1)
PAID = 3


def pay_unheard(app: Flask, debt: Standing, stripe: Stripe, count: int = PAID) -> None:
    """Pay some times; no webhook of it ever comes."""
    browser = browser_of(app)
    come_in(browser, debt)
    stripe.sandbox.delivery("lost")
    for _payment in range(count):
        stripe.pay(go_pay(browser, debt, amount="50"))
    stripe.sandbox.wait_idle()
    stripe.receiver.taken.clear()
    session.remove()


def a_minute_passes() -> None:
    """Let the leases of dead workers end, and what was put off be due."""
    with transaction() as s:
        past = datetime.now(UTC) - timedelta(seconds=1)
        s.execute(update(QueuedJob).where(QueuedJob.state == "running").values(lease_until=past))
        s.execute(
            update(QueuedJob).where(QueuedJob.name == reconcile.JOB, QueuedJob.state == "ready").values(run_at=past)
        )


def is_done() -> bool:
    a_minute_passes()
    return bool(fresh(select(func.count()).where(Reconciliation.finished_at.is_not(None))))


def check(debt: Standing, count: int = PAID) -> None:
    """Everything is there once."""
    assert by_id(lender_id=debt.lender_id, debt_id=debt.id).owed == usd("900.00") - usd("50.00") * count
    assert fresh(select(func.count()).select_from(MoneyEffect)) == count
    assert fresh(select(func.count()).where(Posting.kind == "stripe_fee")) == count
    assert fresh(select(func.count()).where(ReconciliationLine.state == "matched")) == count
    assert fresh(select(func.count()).select_from(ReconciliationLine)) == count
    told, once = select(func.count(WebhookEvent.event_id)), select(func.count(func.distinct(WebhookEvent.event_id)))
    assert fresh(told) == fresh(once)
    assert acts_of(debt.lender_id)["payment_settled"] == count
    books_agree()
    session.remove()


@pytest.mark.parametrize("path", HELD_AT)
def test_a_night_killed_while_it_asks_goes_on_where_it_was(
    real_database: RealDatabase, real_app: Flask, debt: Standing, stripe: Stripe, path: str
) -> None:
    pay_unheard(real_app, debt, stripe)
    with real_app.app_context():
        assert reconcile.begin_all() == 1
    stripe.sandbox.fail_next("timeout", count=1, seconds=6, path=path)
    at_it = select(func.count()).where(QueuedJob.name.like("payments.%"), QueuedJob.state == "running")
    with process(real_database, real_app, "worker") as worker:
        assert wait_until(lambda: fresh(at_it), seconds=90)
        threading.Event().wait(1.5)
        assert killed(worker)
    stripe.sandbox.heal()
    books_agree()
    session.remove()
    with process(real_database, real_app, "worker"):
        assert wait_until(is_done, seconds=120)
    check(debt)
    # The same night once more is nothing new.
    with real_app.app_context():
        assert reconcile.begin_all() == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_nights_that_are_killed_at_any_instant_book_everything_once(
    real_database: RealDatabase, real_app: Flask, debt: Standing, stripe: Stripe, seed: int
) -> None:
    chance = random.Random(seed)
    pay_unheard(real_app, debt, stripe)
    with real_app.app_context():
        reconcile.begin_all()
    at_it = select(func.count()).where(QueuedJob.state.in_(("running", "done")))
    for _kill in range(4):
        with process(real_database, real_app, "worker") as worker:
            wait_until(lambda: fresh(at_it), seconds=90)
            threading.Event().wait(chance.uniform(0.05, 1.2))
            assert killed(worker)
        a_minute_passes()
        books_agree()
        session.remove()
    # Each event once more, and then all is done.
    stripe.sandbox.delivery("doubled")
    for event in stripe.sandbox.events():
        stripe.sandbox.redeliver(event["id"])
    stripe.deliver()
    with process(real_database, real_app, "worker"):
        assert wait_until(is_done, seconds=120)
        left = select(func.count()).where(QueuedJob.name.like("payments.%"), QueuedJob.state.in_(("ready", "running")))
        assert wait_until(lambda: fresh(left) == 0, seconds=60)
    check(debt)


def test_two_workers_do_a_night_of_small_pages_once(
    real_app: Flask, debt: Standing, stripe: Stripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stripe_gateway, "A_PAGE", 2)
    monkeypatch.setattr(reconcile, "_AGAIN_AT_ONCE", 2)
    monkeypatch.setattr(reconcile, "_EFFECTS_AT_ONCE", 2)
    monkeypatch.setattr(reconcile, "_SETTLING", timedelta(0))
    pay_unheard(real_app, debt, stripe, 5)
    with real_app.app_context():
        reconcile.begin_all()
        # Asked for twice, as by a night that is late and one that is early.
        reconcile.begin_all()
    # A job that is given to two, as when a lease ends under a slow worker.
    todo = {name: run for name, run in jobs.table(real_app).items() if name.startswith("payments.")}
    first = todo[reconcile.JOB]

    def twice(job: queue.Job) -> None:
        at_once(lambda: first(job), lambda: first(job))

    todo[reconcile.JOB] = twice

    def worker() -> None:
        idle = 0
        while idle < 40:
            idle = 0 if queue.run_one(todo) else idle + 1
            if idle:
                threading.Event().wait(0.05)

    at_once(worker, worker)
    assert fresh(select(func.count()).where(Reconciliation.finished_at.is_not(None))) == 1
    # Seen before they were settled, some lines match only in the next night; none of them is there twice.
    with transaction() as s:
        s.execute(update(Reconciliation).values(night=datetime(2020, 1, 1, tzinfo=UTC).date()))
    with real_app.app_context():
        assert reconcile.begin_all() == 1
    at_once(worker)
    check(debt, 5)


def test_a_journal_is_as_of_one_instant_whatever_is_posted_while_it_is_written(
    real_app: Flask, debt: Standing, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(journal, "AT_ONCE", 1)

    def post(cause: str) -> None:
        moves = [Move(debt.id, Account.PRINCIPAL, Account.CASH_STRIPE, usd("1.00"))]
        with transaction():
            ledger.post(lender_id=debt.lender_id, kind="test", cause=cause, moves=moves, on=clock.today("UTC"))
        session.remove()

    for number in range(3):
        post(f"before:{number}")
    zone = session.get_one(Lender, debt.lender_id).zone
    period = journal.month(f"{clock.today(zone):%Y-%m}", zone)
    assert period is not None
    pieces = journal.written(
        lender_id=debt.lender_id, title="Books", period=period, language=chart.LANGUAGES["beancount"]
    )
    text = ""
    for number, piece in enumerate(pieces):
        text += piece
        at_once(partial(post, f"while:{number}"))
    assert text.count('"before:') == 3 and "while:" not in text
    assert bean_check(text, tmp_path) == ""
    session.remove()
