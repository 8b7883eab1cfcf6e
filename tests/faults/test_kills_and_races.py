"""Processes that are killed, events that come twice at once, people who click twice at once: each effect is there once.

A kill is a real process that gets SIGKILL. `make faults` (FAULTS=all) runs every history, the tests a sample.
"""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from portal import jobs, queue
from portal.db import session, transaction
from portal.debts.models import Debt, ImportRun
from portal.debts.statement import Standing, by_id
from portal.evidence.record import Actor
from portal.lenders.models import Lender
from portal.payments.models import MoneyEffect, Payment
from portal.people.models import OneTimeCode
from portal.plans import negotiate
from portal.plans.models import Plan, Quote
from portal.queue import QueuedJob
from tests import nursery
from tests.conftest import SECRET_KEY, Clock, RealDatabase
from tests.factories import a_debt, a_lender
from tests.journeys.acts import (
    Stripe,
    acts_of,
    books_agree,
    come_in,
    command,
    give_code,
    go_pay,
    newest_code,
    pay_form,
    to_check,
    to_choices,
    to_pay,
    usd,
)
from tests.journeys.test_a_lenders_file import HEADER, MAPPING, row
from tests.nursery import Child
from tests.pages import CheckingClient
from tests.sandbox_process import SandboxProcess, wait_until
from tests.turns import ALL

ROOT = Path(__file__).resolve().parents[2]
# Where a worker is held while it settles, to be killed there.
HELD_AT = ("/v1/checkout/sessions", "/v1/payment_intents", "/v1/refunds") if ALL else ("/v1/payment_intents",)
TURNS = 10 if ALL else 1


@pytest.fixture
def stand_in(real_app: Flask) -> Iterator[SandboxProcess]:
    """The stand-in on the real clock, as the database and the processes are."""
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


def browser_of(app: Flask) -> CheckingClient:
    browser = app.test_client()
    assert isinstance(browser, CheckingClient)
    return browser


def environment(database: RealDatabase, app: Flask) -> dict[str, str]:
    return os.environ | {
        "DATABASE_URL": database.url,
        "SECRET_KEY": SECRET_KEY,
        "STRIPE_API_BASE": app.config["STRIPE_API_BASE"],
        "PORTAL_VAR": str(app.config["SETTINGS"].folder),
    }


@contextmanager
def process(database: RealDatabase, app: Flask, *words: str) -> Iterator[Child]:
    """Run a `flask` command as a process of its own."""
    words = ("-m", "flask", "--app", "wsgi", *words)
    child = nursery.start(*words, env=environment(database, app), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        yield child
    finally:
        child.close()


def killed(child: Child) -> bool:
    child.send_signal(signal.SIGKILL)
    return child.wait(timeout=10) == -signal.SIGKILL


def fresh(query: object) -> object:
    """Read one value as it is in the database now."""
    session.rollback()
    return session.scalar(query)  # type: ignore[call-overload]


def at_once(*acts: Callable[[], object]) -> list[object]:
    """Do things in threads that start together; gives what each returned."""
    start = threading.Barrier(len(acts))
    found: list[object] = [None] * len(acts)

    def run(place: int, act: Callable[[], object]) -> None:
        try:
            start.wait(timeout=10)
            found[place] = act()
        except BaseException as problem:
            found[place] = problem
        finally:
            session.remove()

    threads = [threading.Thread(target=run, args=(place, act)) for place, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    for one in found:
        if isinstance(one, BaseException):
            raise one
    return found


@pytest.mark.parametrize("path", HELD_AT)
def test_a_worker_killed_while_it_settles_leaves_nothing_half_done(
    real_database: RealDatabase, real_app: Flask, debt: Standing, stripe: Stripe, path: str
) -> None:
    browser = browser_of(real_app)
    come_in(browser, debt)
    stripe.pay(go_pay(browser, debt, amount="50"))
    stripe.deliver()
    waiting = select(func.count()).select_from(QueuedJob).where(QueuedJob.name == "payments.heed")
    running = waiting.where(QueuedJob.state == "running")
    assert fresh(waiting.where(QueuedJob.state == "ready"))
    stripe.sandbox.fail_next("timeout", count=1, seconds=5, path=path)
    with process(real_database, real_app, "worker") as worker:
        assert wait_until(lambda: fresh(running), seconds=90)
        assert killed(worker)
    stripe.sandbox.heal()
    assert fresh(select(func.count()).select_from(MoneyEffect)) in (0, 1)
    books_agree()
    with transaction() as s:
        # A minute passes: the lease of the dead worker ends.
        s.execute(update(QueuedJob).values(lease_until=datetime.now(UTC) - timedelta(seconds=1)))
    with process(real_database, real_app, "worker"):
        done = waiting.where(QueuedJob.state != "done")
        assert wait_until(lambda: fresh(done) == 0, seconds=90)
    assert by_id(lender_id=debt.lender_id, debt_id=debt.id).owed == usd("850.00")
    assert fresh(select(func.count()).select_from(MoneyEffect)) == 1
    assert fresh(select(Payment.state)) == "succeeded"
    assert acts_of(debt.lender_id)["payment_settled"] == 1
    books_agree()


@pytest.mark.parametrize("turn", range(TURNS))
def test_two_workers_and_doubled_webhooks_post_once(real_app: Flask, debt: Standing, stripe: Stripe, turn: int) -> None:
    browser = browser_of(real_app)
    come_in(browser, debt)
    for amount in ("50", "60"):
        stripe.pay(go_pay(browser, debt, amount=amount))
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

    answers = at_once(worker, worker, deliver, deliver)
    assert set(answers[2]) == set(answers[3]) == {200}  # type: ignore[call-overload]
    assert by_id(lender_id=debt.lender_id, debt_id=debt.id).owed == usd("790.00")
    assert fresh(select(func.count()).select_from(MoneyEffect)) == 2
    assert acts_of(debt.lender_id)["payment_settled"] == 2
    assert fresh(select(func.count()).select_from(QueuedJob).where(QueuedJob.last_error.is_not(None))) == 0
    books_agree()


@pytest.mark.parametrize("turn", range(TURNS))
def test_two_agreements_at_once_make_one_plan(real_app: Flask, debt: Standing, turn: int) -> None:
    browser = browser_of(real_app)
    come_in(browser, debt)
    give_code(browser)
    numbers = []
    for amount in ("100", "120"):
        to_check(browser, debt, amount=amount)
        numbers.append(fresh(select(Quote.number).order_by(Quote.id.desc()).limit(1)))
    session.remove()

    def agree(number: str) -> Callable[[], object]:
        def act() -> object:
            with real_app.app_context(), transaction():
                return negotiate.agree(
                    debt, number=number, agreed_text="I agree.", by=Actor("debtor", str(debt.debtor_id))
                )

        return act

    found = at_once(*(agree(str(number)) for number in (numbers[0], numbers[1], numbers[0], numbers[1])))
    assert sorted(type(one).__name__ for one in found).count("Agreed") == 1
    assert {type(one).__name__ for one in found} <= {"Agreed", "AgreedBefore", "PlanAlive"}
    assert fresh(select(func.count()).select_from(Plan)) == 1
    assert acts_of(debt.lender_id)["plan_agreed"] == 1
    books_agree()


@pytest.mark.parametrize("turn", range(TURNS))
def test_two_clicks_at_once_with_one_code_agree_once(real_app: Flask, debt: Standing, turn: int) -> None:
    first = browser_of(real_app)
    come_in(first, debt)
    chosen = to_choices(first, debt)
    second = browser_of(real_app)
    cookie = first.get_cookie("portal")
    assert cookie is not None
    second.set_cookie("portal", cookie.value)
    session.remove()

    def click(browser: CheckingClient, shown: TestResponse, **values: str) -> Callable[[], TestResponse]:
        return lambda: browser.fill(shown, values, follow=False)

    def answers(shown: TestResponse, **values: str) -> list[TestResponse]:
        found = at_once(click(first, shown, **values), click(second, shown, **values))
        return [one for one in found if isinstance(one, TestResponse)]

    # Two clicks on the plan are one quote and one code.
    assert len({one.location for one in answers(chosen, choose="own")}) == 1
    assert fresh(select(func.count()).select_from(Quote)) == fresh(select(func.count()).select_from(OneTimeCode)) == 1
    check = first.get(f"/debts/{debt.reference}/check-your-plan/{fresh(select(Quote.number))}")
    code = newest_code()
    session.remove()
    both = answers(check, code=code)
    assert {one.status_code for one in both} == {303}
    plan = f"/plans/{fresh(select(Plan.reference))}"
    assert {str(one.location).partition("?")[0] for one in both} == {plan}
    assert fresh(select(func.count()).select_from(Plan)) == 1
    assert acts_of(debt.lender_id)["plan_agreed"] == acts_of(debt.lender_id)["code_accepted"] == 1
    books_agree()


@pytest.mark.parametrize("turn", range(TURNS))
def test_two_clicks_at_once_start_one_payment(real_app: Flask, debt: Standing, stripe: Stripe, turn: int) -> None:
    first = browser_of(real_app)
    come_in(first, debt)
    shown = to_pay(first, debt)
    second = browser_of(real_app)
    cookie = first.get_cookie("portal")
    assert cookie is not None
    second.set_cookie("portal", cookie.value)
    session.remove()

    def click(browser: CheckingClient) -> Callable[[], TestResponse]:
        return lambda: pay_form(browser, shown, debt, amount="50")

    answers = [one for one in at_once(click(first), click(second)) if isinstance(one, TestResponse)]
    # Stripe answers the same key at once with "still working" at worst: then the calm page, and the form goes again.
    places = {one.location for one in answers if one.status_code == 303}
    assert len(places) == 1
    assert {one.status_code for one in answers} <= {303, 503}
    assert fresh(select(func.count()).select_from(Payment)) == 1
    assert acts_of(debt.lender_id)["payment_started"] == 1
    assert pay_form(first, shown, debt, amount="50").location in places


def test_an_import_killed_midway_shows_nobody_anything_and_the_next_one_cleans_up(
    real_database: RealDatabase, real_app: Flask, lender: Lender, tmp_path: Path
) -> None:
    mapping, large, small = tmp_path / "mapping.toml", tmp_path / "large.csv", tmp_path / "small.csv"
    mapping.write_text(MAPPING, encoding="utf-8")
    for path, count in ((large, 14_000), (small, 3)):
        with path.open("w", newline="", encoding="utf-8") as out:
            csv.writer(out).writerows([HEADER, *(row(number) for number in range(count))])
    options = ("--lender", lender.slug, "--mapping", str(mapping), "--report", str(tmp_path / "report.csv"))
    session.rollback()
    with process(real_database, real_app, "import", str(large), *options) as importing:
        assert wait_until(lambda: fresh(select(Debt.id).limit(1)) is not None, seconds=90)
        assert killed(importing)
    assert fresh(select(func.count()).select_from(Debt).where(Debt.state != "staged")) == 0
    assert fresh(select(func.count()).select_from(Debt)) > 0  # type: ignore[operator]
    assert fresh(select(ImportRun.state)) == "staging"
    busy = command(real_app, "import", str(small), *options)
    assert (busy.exit_code, "being read right now" in busy.output) == (1, True)
    with transaction() as s:
        # Some minutes pass in which the dead run gives no sign of life.
        s.execute(update(ImportRun).values(touched_at=datetime.now(UTC) - timedelta(minutes=5)))
    done = command(real_app, "import", str(small), *options)
    assert done.exit_code == 0, done.output
    assert sorted(session.scalars(select(Debt.reference))) == ["A-0", "A-1", "A-2"]
    assert sorted(session.scalars(select(ImportRun.state))) == ["abandoned", "live"]
    books_agree()
