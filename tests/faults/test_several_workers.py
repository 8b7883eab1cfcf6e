"""`flask worker --count N`: they share the work, one that dies is replaced, and told to stop they finish first."""

from __future__ import annotations

import signal

import psutil
from flask import Flask
from sqlalchemy import func, select

from portal import queue
from portal.db import transaction
from portal.debts.statement import Standing
from portal.payments.models import Payment
from portal.queue import QueuedJob
from tests.conftest import RealDatabase
from tests.faults.test_kills_and_races import browser_of, fresh, process
from tests.faults.test_kills_and_races import debt as debt
from tests.faults.test_kills_and_races import lender as lender
from tests.faults.test_kills_and_races import stand_in as stand_in
from tests.faults.test_kills_and_races import stripe as stripe
from tests.journeys.acts import Stripe, books_agree, come_in, go_pay
from tests.nursery import Child
from tests.sandbox_process import wait_until

HEEDED = select(func.count()).select_from(QueuedJob).where(QueuedJob.name == "payments.heed")


def children(parent: Child) -> set[int]:
    return {child.pid for child in psutil.Process(parent.pid).children()}


def test_several_share_the_work_replace_one_that_dies_and_finish_before_they_stop(
    real_database: RealDatabase, real_app: Flask, debt: Standing, stripe: Stripe
) -> None:
    browser = browser_of(real_app)
    come_in(browser, debt)
    stripe.pay(go_pay(browser, debt, amount="50"))
    stripe.deliver()
    waiting = fresh(HEEDED)
    with process(real_database, real_app, "worker", "--count", "3", "--but", "letters.issue") as parent:
        assert wait_until(lambda: len(children(parent)) == 3, seconds=90)
        assert wait_until(lambda: fresh(HEEDED.where(QueuedJob.state == "done")) == waiting, seconds=90)
        # Nobody took twice what another one had, and what was left out is still there.
        assert fresh(select(func.max(QueuedJob.attempts)).where(QueuedJob.state == "done")) == 1
        assert fresh(select(QueuedJob.state).where(QueuedJob.name == "letters.issue")) == "ready"
        before = children(parent)
        psutil.Process(min(before)).kill()
        assert wait_until(lambda: len(children(parent) - before) == 1 and len(children(parent)) == 3, seconds=60)
        # Stripe is slow, and somebody stops the workers meanwhile: what is begun is finished.
        stripe.sandbox.fail_next("timeout", count=1, seconds=3, path="/v1/payment_intents")
        with transaction():
            payment_id = str(fresh(select(Payment.id)))
            queue.later("payments.settle", lender_id=debt.lender_id, payload={"payment_id": payment_id}, once="slow")
        slow = select(QueuedJob.state).where(QueuedJob.once_key == "slow")
        assert wait_until(lambda: fresh(slow) == "running", seconds=60)
        parent.send_signal(signal.SIGTERM)
        assert parent.wait(timeout=60) == 0
        assert fresh(slow) == "done"
    books_agree()


def test_workers_whose_parent_is_gone_end_too(real_database: RealDatabase, real_app: Flask, debt: Standing) -> None:
    with process(real_database, real_app, "worker", "--count", "2") as parent:
        assert wait_until(lambda: len(children(parent)) == 2, seconds=90)
        left = [psutil.Process(each) for each in children(parent)]
        parent.kill()
        parent.wait(timeout=10)
        gone, alive = psutil.wait_procs(left, timeout=60)
        assert len(gone) == 2 and not alive


def test_work_that_nobody_knows_can_not_be_left_out(real_database: RealDatabase, real_app: Flask) -> None:
    with process(real_database, real_app, "worker", "--but", "letters.isue") as child:
        assert child.wait(timeout=90) == 1
        assert child.stdout is not None
        assert b"There is no work called 'letters.isue'" in child.stdout.read()
