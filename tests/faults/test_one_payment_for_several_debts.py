"""One payment for several debts: killed, doubled and crossed, each effect is in every book once or in none."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from portal import jobs, queue
from portal.db import transaction
from portal.debts.statement import by_id
from portal.lenders.models import Lender
from portal.money import Money
from portal.payments.models import MoneyEffect, Payment, PaymentPart
from portal.queue import QueuedJob
from tests.conftest import RealDatabase
from tests.factories import a_debt, a_debtor
from tests.faults.test_kills_and_races import (  # noqa: F401 - fixtures are known by their names
    HELD_AT,
    TURNS,
    at_once,
    browser_of,
    fresh,
    killed,
    lender,
    process,
    stand_in,
    stripe,
)
from tests.journeys.acts import Stripe, acts_of, books_agree, come_in, go_pay, usd
from tests.journeys.test_paying_several import Debts, pay, send, share_of, to_check
from tests.sandbox_process import wait_until


@pytest.fixture
def debts(lender: Lender) -> Debts:  # noqa: F811 - the fixture
    debtor = a_debtor(lender=lender)
    return (
        a_debt("900.00", debtor=debtor, product="Card"),
        a_debt("300.00", debtor=debtor, product="Loan"),
        a_debt("60.00", debtor=debtor, product="Phone"),
    )


def owed(debts: Debts) -> list[Money]:
    return [by_id(lender_id=debt.lender_id, debt_id=debt.id).owed for debt in debts]


@pytest.mark.parametrize("path", HELD_AT)
def test_a_worker_killed_while_it_settles_leaves_all_debts_as_they_were_or_all_paid(
    real_database: RealDatabase,
    real_app: Flask,
    debts: Debts,
    stripe: Stripe,  # noqa: F811 - the fixture
    path: str,
) -> None:
    browser = browser_of(real_app)
    come_in(browser, debts[0])
    stripe.pay(pay(browser, debts, "100", "50", "30"))
    stripe.deliver()
    waiting = select(func.count()).select_from(QueuedJob).where(QueuedJob.name == "payments.heed")
    running = waiting.where(QueuedJob.state == "running")
    stripe.sandbox.fail_next("timeout", count=1, seconds=5, path=path)
    with process(real_database, real_app, "worker") as worker:
        assert wait_until(lambda: fresh(running), seconds=90)
        assert killed(worker)
    stripe.sandbox.heal()
    before = [usd("900"), usd("300"), usd("60")]
    after = [usd("800"), usd("250"), usd("30")]
    assert owed(debts) in (before, after)
    books_agree()
    with transaction() as s:
        # A minute passes: the lease of the dead worker ends.
        s.execute(update(QueuedJob).values(lease_until=datetime.now(UTC) - timedelta(seconds=1)))
    with process(real_database, real_app, "worker"):
        assert wait_until(lambda: fresh(waiting.where(QueuedJob.state != "done")) == 0, seconds=90)
    assert owed(debts) == after
    assert fresh(select(func.count()).select_from(MoneyEffect)) == 1
    assert fresh(select(Payment.state)) == "succeeded"
    assert acts_of(debts[0].lender_id)["payment_settled"] == 1
    books_agree()


@pytest.mark.parametrize("turn", range(TURNS))
def test_payments_that_cross_over_the_same_debts_never_wait_for_each_other(
    real_app: Flask,
    debts: Debts,
    stripe: Stripe,  # noqa: F811 - the fixture
    turn: int,
) -> None:
    browser = browser_of(real_app)
    come_in(browser, debts[0])
    for amounts in (("10", "20", "0"), ("0", "10", "20"), ("20", "0", "10")):
        stripe.pay(pay(browser, debts, *amounts))
    for debt in debts:
        stripe.pay(go_pay(browser, debt, amount="5"))
    stripe.sandbox.wait_idle()
    taken = list(stripe.receiver.taken)
    todo = {name: run for name, run in jobs.table(real_app).items() if name != "letters.issue"}

    def worker() -> None:
        idle = 0
        while idle < 20:
            idle = 0 if queue.run_one(todo) else idle + 1
            threading.Event().wait(0.02)

    def deliver() -> list[int]:
        return [stripe.send(body, signature) for body, signature in taken]

    def deliver_backwards() -> list[int]:
        return [stripe.send(body, signature) for body, signature in reversed(taken)]

    answers = at_once(worker, worker, deliver, deliver_backwards)
    assert set(answers[2]) == set(answers[3]) == {200}  # type: ignore[call-overload]
    assert owed(debts) == [usd("865"), usd("265"), usd("25")]
    assert fresh(select(func.count()).select_from(MoneyEffect)) == 6
    assert acts_of(debts[0].lender_id)["payment_settled"] == 6
    assert fresh(select(func.count()).select_from(QueuedJob).where(QueuedJob.last_error.is_not(None))) == 0
    books_agree()


@pytest.mark.parametrize("turn", range(TURNS))
def test_two_clicks_at_once_start_one_payment_with_one_set_of_parts(
    real_app: Flask,
    debts: Debts,
    stripe: Stripe,  # noqa: F811 - the fixture
    turn: int,
) -> None:
    first = browser_of(real_app)
    come_in(first, debts[0])
    second = browser_of(real_app)
    cookie = first.get_cookie("portal")
    assert cookie is not None
    second.set_cookie("portal", cookie.value)
    shown = to_check(first, "30", {share_of(debts[0]): "10", share_of(debts[1]): "20", share_of(debts[2]): "0"})
    answers = at_once(lambda: send(first, shown), lambda: send(second, shown))
    places = {one.location for one in answers if one.status_code == 303}  # type: ignore[attr-defined]
    assert len(places) == 1
    assert fresh(select(func.count()).select_from(Payment)) == 1
    assert fresh(select(func.count()).select_from(PaymentPart)) == 2
    assert acts_of(debts[0].lender_id)["payment_started"] == 1
    books_agree()
