"""A full disk, a database that is locked or away: a calm page, no lost payment, and no payment twice."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import Engine, event, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.test import TestResponse

from portal import jobs, queue
from portal.db import session
from portal.debts.statement import Standing, by_id
from portal.lenders.models import Lender
from portal.payments import stripe_gateway
from portal.payments.models import MoneyEffect, Payment, WebhookEvent
from portal.queue import QueuedJob
from tests.conftest import RealDatabase
from tests.databases import Databases
from tests.faults.dying import BESIDE
from tests.faults.test_killed_at_every_point import work
from tests.faults.test_kills_and_races import browser_of, fresh
from tests.faults.test_kills_and_races import debt as debt
from tests.faults.test_kills_and_races import lender as lender
from tests.faults.test_kills_and_races import stand_in as stand_in
from tests.faults.test_kills_and_races import stripe as stripe
from tests.journeys.acts import Stripe, acts_of, books_agree, come_in, pay_form, to_pay, usd
from tests.pages import CheckingClient, page_of
from tests.sandbox_process import wait_until

# So long a connection waits for a lock in these tests; thirty seconds in real life.
PATIENCE_MS = 200
_SAY_FULL = (
    "create function no_space() returns trigger language plpgsql as "
    "$$ begin raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$",
    *(
        f"create trigger no_space before insert on {table} for each row execute function no_space()"
        for table in ("payment", "webhook_event")
    ),
)


class Trouble:
    """What can befall a database; each until the block ends."""

    def __init__(self, database: RealDatabase, databases: Databases) -> None:
        self._database = database
        self._databases = databases
        self.engine: Engine = database.engine

    @contextmanager
    def _on_each_connection(self, *statements: str) -> Iterator[None]:
        def connected(connection: Any, _record: object) -> None:
            for statement in statements:
                connection.execute(statement)

        session.remove()
        self.engine.dispose()
        event.listen(self.engine, "connect", connected)
        try:
            yield
        finally:
            event.remove(self.engine, "connect", connected)
            session.remove()
            self.engine.dispose()

    @contextmanager
    def full(self) -> Iterator[None]:
        """No page more fits on the disk; where PostgreSQL keeps its files it says so itself, in these words."""
        if self._database.kind == "postgresql":
            for statement in _SAY_FULL:
                self._as_owner(statement)
            try:
                yield
            finally:
                self._as_owner("drop function no_space() cascade")
            return
        path = make_url(self._database.url).database or ""
        session.remove()
        self.engine.dispose()
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("pragma wal_checkpoint(truncate)")
            [(pages,)] = connection.execute("pragma page_count").fetchall()
        with self._on_each_connection(f"pragma max_page_count = {pages}"):
            yield

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Somebody else writes, for longer than anybody waits."""
        if self._database.kind == "postgresql":
            with (
                self._on_each_connection(f"set lock_timeout = {PATIENCE_MS}"),
                self._connected(self._database.url) as other,
            ):
                other.execute("begin; lock table payment, webhook_event in access exclusive mode")
                yield
                other.execute("rollback")
            return
        path = make_url(self._database.url).database or ""
        with (
            self._on_each_connection(f"pragma busy_timeout = {PATIENCE_MS}"),
            closing(sqlite3.connect(path, isolation_level=None)) as other,
        ):
            other.execute("begin immediate")
            yield
            other.execute("rollback")

    @contextmanager
    def away(self) -> Iterator[None]:
        """Nobody can connect, and whoever was connected is no more."""
        if self._database.kind == "sqlite":
            path = make_url(self._database.url).database or ""
            session.remove()
            self.engine.dispose()

            def gone(*_given: object) -> None:
                raise sqlite3.OperationalError("unable to open database file")

            event.listen(self.engine, "do_connect", gone)
            try:
                yield
            finally:
                event.remove(self.engine, "do_connect", gone)
            assert path
            return
        name = make_url(self._database.url).database
        self._as_superuser(f'alter database "{name}" with allow_connections false')
        self.cut()
        try:
            yield
        finally:
            self._as_superuser(f'alter database "{name}" with allow_connections true')

    def cut(self) -> None:
        """End every connection, as a server does that starts again."""
        if self._database.kind == "sqlite":
            # A file has no connections to lose: what it loses is the file's own handles.
            self.engine.dispose()
            return
        self._as_superuser(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
            f"where datname = '{make_url(self._database.url).database}'"
        )

    def _as_superuser(self, statement: str) -> None:
        somewhere = make_url(self._databases.as_superuser(self._database.url)).set(database="postgres")
        with self._connected(somewhere.render_as_string(hide_password=False)) as other:
            other.execute(statement)

    def _as_owner(self, statement: str) -> None:
        with self._connected(self._database.url) as other:
            other.execute(statement)

    def _connected(self, url: str) -> psycopg.Connection[Any]:
        plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        return psycopg.connect(plain, autocommit=True)


@pytest.fixture
def trouble(real_database: RealDatabase, databases: Databases) -> Trouble:
    return Trouble(real_database, databases)


def calm(answer: TestResponse) -> None:
    """The page says whose fault it is not, and that nothing is taken twice."""
    assert answer.status_code == 503, answer.status
    assert answer.headers["Retry-After"] == "30"
    page = page_of(answer)
    assert page.says("It is not your fault.") and page.says("Nothing is taken twice.")


def went_through(app: Flask, browser: CheckingClient, debt: Standing, stripe: Stripe, shown: TestResponse) -> None:
    """The same form, sent again, pays; and everything is there once."""
    sent = pay_form(browser, shown, debt, amount="50")
    assert sent.status_code == 303 and "/c/pay/" in sent.location, sent.location
    assert stripe.sandbox.pay(sent.location)[0] == 303
    stripe.deliver()
    work(app)
    is_posted_once(debt)


def is_posted_once(debt: Standing, *, payments: int = 1) -> None:
    session.rollback()
    assert by_id(lender_id=debt.lender_id, debt_id=debt.id).owed == usd("850.00")
    states = list(session.scalars(select(Payment.state)))
    assert (len(states), states.count("succeeded")) == (payments, 1)
    assert fresh(select(func.count()).select_from(MoneyEffect)) == 1
    acts = acts_of(debt.lender_id)
    assert (acts["payment_started"], acts["payment_settled"]) == (payments, 1)
    books_agree()


def test_in_a_locked_database_nothing_is_begun_and_afterwards_all_goes_on(
    real_app: Flask, debt: Standing, stripe: Stripe, trouble: Trouble
) -> None:
    browser = browser_of(real_app)
    come_in(browser, debt)
    shown = to_pay(browser, debt)
    with trouble.locked():
        answer = pay_form(browser, shown, debt, amount="50")
        calm(answer)
        # It can still be read whose page it is.
        assert page_of(answer).says(session.scalars(select(Lender.name)).one())
        session.remove()
    assert fresh(select(func.count()).select_from(Payment)) == 0
    sent = pay_form(browser, shown, debt, amount="50")
    assert stripe.sandbox.pay(sent.location)[0] == 303
    stripe.sandbox.wait_idle()
    taken = list(stripe.receiver.taken)
    with trouble.locked():
        assert {stripe.send(*each) for each in taken} == {503}
        session.remove()
    assert fresh(select(func.count()).select_from(WebhookEvent)) == 0
    stripe.deliver()
    work(real_app)
    is_posted_once(debt)


def test_on_a_full_disk_what_no_longer_fits_is_not_begun_and_afterwards_all_goes_on(
    real_app: Flask, debt: Standing, stripe: Stripe, trouble: Trouble
) -> None:
    browser = browser_of(real_app)
    come_in(browser, debt)
    opened = 0
    with trouble.full():
        # A little still fits into what the file has.
        while (answer := pay_form(browser, shown := to_pay(browser, debt), debt, amount="50")).status_code == 303:
            opened += 1
            assert opened < 60
        calm(answer)
        assert page_of(answer).says(session.scalars(select(Lender.name)).one())
    assert fresh(select(func.count()).select_from(Payment)) == opened
    assert acts_of(debt.lender_id)["payment_started"] == opened
    sent = pay_form(browser, shown, debt, amount="50")
    assert stripe.sandbox.pay(sent.location)[0] == 303
    stripe.sandbox.wait_idle()
    taken = list(stripe.receiver.taken)
    with trouble.full():
        answered = [stripe.send(*each) for each in taken]
    assert set(answered) <= {200, 503}
    stripe.deliver()
    work(real_app)
    is_posted_once(debt, payments=opened + 1)


def test_while_the_database_is_away_pages_are_calm_and_afterwards_all_goes_on(
    real_app: Flask, debt: Standing, stripe: Stripe, trouble: Trouble
) -> None:
    browser = browser_of(real_app)
    come_in(browser, debt)
    shown = to_pay(browser, debt)
    with trouble.away():
        calm(pay_form(browser, shown, debt, amount="50"))
        calm(browser.get(f"/pay?debt={debt.reference}"))
        calm(browser.get("/home"))
        assert stripe.send(b"{}", "t=1,v1=0") == 503
        with pytest.raises(Exception, match=r"connect|open|closed|terminat"):
            queue.run_one(jobs.table(real_app))
        session.remove()
    went_through(real_app, browser, debt, stripe, shown)


def test_a_connection_that_is_lost_after_stripe_has_opened_the_page_leads_to_the_same_page(
    real_app: Flask, debt: Standing, stripe: Stripe, trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = browser_of(real_app)
    come_in(browser, debt)
    shown = to_pay(browser, debt)
    real, away = stripe_gateway.open_checkout, trouble.away()

    def opened(*given: Any, **named: Any) -> object:
        page = real(*given, **named)
        away.__enter__()
        return page

    monkeypatch.setattr(stripe_gateway, "open_checkout", opened)
    calm(pay_form(browser, shown, debt, amount="50"))
    away.__exit__(None, None, None)
    monkeypatch.undo()
    went_through(real_app, browser, debt, stripe, shown)
    pages = stripe_gateway.find_checkouts(
        stripe.account,
        reference=str(fresh(select(Payment.id))),
        opened_from=datetime.now(UTC) - timedelta(hours=1),
        opened_until=datetime.now(UTC) + timedelta(hours=1),
    )
    assert len(pages) == 1


@pytest.mark.parametrize("when", ["before it is read", "after it is read"])
def test_a_connection_that_a_worker_loses_while_it_settles_loses_no_payment(
    real_app: Flask, debt: Standing, stripe: Stripe, trouble: Trouble, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    browser = browser_of(real_app)
    come_in(browser, debt)
    sent = pay_form(browser, to_pay(browser, debt), debt, amount="50")
    assert stripe.sandbox.pay(sent.location)[0] == 303
    stripe.deliver()
    real, cuts = stripe_gateway.read_payment, [1]

    def read(*given: Any, **named: Any) -> object:
        if cuts and when == "before it is read":
            trouble.cut()
        found = real(*given, **named)
        if cuts and when == "after it is read":
            trouble.cut()
        cuts.clear()
        return found

    monkeypatch.setattr(stripe_gateway, "read_payment", read)
    todo = {name: run for name, run in jobs.table(real_app).items() if name not in BESIDE}
    # As in the worker's own loop: what can't be done now is tried again.
    stop = threading.Event()
    worker = threading.Thread(target=queue.work, args=(todo,), kwargs={"stop": stop, "pause": 0.05})
    worker.start()
    try:
        waits = select(func.count()).select_from(QueuedJob).where(QueuedJob.state != "done")
        waits = waits.where(QueuedJob.name.not_in(BESIDE))

        def is_done() -> bool:
            try:
                return fresh(waits) == 0
            except SQLAlchemyError:
                # Our own connection was cut too.
                session.remove()
                return False

        assert wait_until(is_done, seconds=60)
    finally:
        stop.set()
        worker.join()
    assert not cuts
    is_posted_once(debt)


def test_the_webhook_of_a_payment_that_could_not_be_kept_is_kept_when_it_comes_again(
    real_app: Flask, debt: Standing, stripe: Stripe, trouble: Trouble
) -> None:
    browser = browser_of(real_app)
    come_in(browser, debt)
    sent = pay_form(browser, to_pay(browser, debt), debt, amount="50")
    assert stripe.sandbox.pay(sent.location)[0] == 303
    stripe.sandbox.wait_idle()
    taken = list(stripe.receiver.taken)
    with trouble.away():
        assert {stripe.send(*each) for each in taken} == {503}
    assert fresh(select(func.count()).select_from(WebhookEvent)) == 0
    stripe.deliver()
    work(real_app)
    is_posted_once(debt)
