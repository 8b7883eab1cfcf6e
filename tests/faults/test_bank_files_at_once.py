"""Files of the bank under kills and races: each entry counts once, whichever file and worker has it in hand."""

from __future__ import annotations

import io
import threading
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from portal import clock, jobs, queue
from portal.banking import acts, references
from portal.banking.models import BankEntry, TransferReference
from portal.db import session, transaction
from portal.debts.statement import Standing, by_id
from portal.evidence.record import OPERATOR
from portal.files.models import Upload
from portal.lenders import accounts
from portal.lenders.models import Lender
from portal.queue import QueuedJob
from portal.staff.roles import Role
from tests.bank_files import IBAN, Ntry, statement
from tests.conftest import RealDatabase
from tests.factories import a_debt, a_lender
from tests.faults.test_kills_and_races import at_once, fresh, killed, process
from tests.journeys.acts import acts_of, books_agree, usd
from tests.journeys.staff import Worker, a_worker, cheap
from tests.sandbox_process import wait_until

# A day that has come at the lender too, wherever it is.
BOOKED = (clock.today("UTC") - timedelta(days=1)).isoformat()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap(monkeypatch)


@pytest.fixture
def lender(real_app: Flask) -> Lender:
    """A lender with an account."""
    made = a_lender()
    with real_app.app_context(), transaction() as s:
        row = s.get_one(Lender, made.id)
        named = {"holder": row.legal_name, "bank": "", "bic": "", "currency": "USD", "kind": "bank"}
        accounts.put(row, number=IBAN, **named, show=True, by=OPERATOR)
    return made


@pytest.fixture
def debt(lender: Lender) -> Standing:
    return a_debt("9000.00", lender=lender)


@pytest.fixture
def worker(real_app: Flask, lender: Lender) -> Worker:
    return a_worker(real_app, lender, Role.FINANCE, name="Fin", email="fin@linden.example")


def reference(debt: Standing) -> str:
    with transaction():
        return references.give(lender_id=debt.lender_id, debt_id=debt.id)


def a_file(app: Flask, lender: Lender, worker: Worker, content: bytes, key: str) -> int:
    """Bring a file, look at it, and say yes; a worker has not begun."""
    with app.app_context():
        with transaction():
            done = acts.bring(
                io.BytesIO(content),
                lender_id=lender.id,
                name="day.xml",
                size=len(content),
                account_id=None,
                mapping="",
                mapping_name="",
                form_key=key,
                by=worker.id,
            )
        see = {name: run for name, run in jobs.table(app).items() if name == "banking.see"}
        while queue.run_one(see):
            pass
        with transaction():
            acts.confirm(lender_id=lender.id, number=done.number, by=worker.id)
    return done.number


def entries_in(content: list[Ntry], text: str, count: int) -> list[Ntry]:
    return content + [
        Ntry("10.00", text, ref=f"B-{number}", booked=BOOKED, value=BOOKED) for number in range(len(content), count)
    ]


def test_a_worker_killed_half_way_through_a_file_is_followed_by_one_that_goes_on(
    real_database: RealDatabase, real_app: Flask, lender: Lender, debt: Standing, worker: Worker
) -> None:
    a_file(real_app, lender, worker, statement(*entries_in([], reference(debt), 24)), "a" * 32)
    counted = select(func.count()).select_from(BankEntry)
    session.remove()
    with process(real_database, real_app, "worker") as first:
        assert wait_until(lambda: fresh(counted) or 0, seconds=90)
        assert killed(first)
    done = fresh(counted)
    assert isinstance(done, int) and 0 < done < 24, done
    assert fresh(select(Upload.state)) == "bringing"
    assert by_id(lender_id=lender.id, debt_id=debt.id).owed == usd("9000.00") - usd("10.00") * done
    books_agree()
    with transaction() as s:
        # A minute passes: the lease of the dead worker ends.
        s.execute(update(QueuedJob).values(lease_until=datetime.now(UTC) - timedelta(seconds=1)))
    with process(real_database, real_app, "worker"):
        assert wait_until(lambda: fresh(select(Upload.state)) == "live", seconds=180)
    assert by_id(lender_id=lender.id, debt_id=debt.id).owed == usd("8760.00")
    assert fresh(counted) == 24 and acts_of(lender.id)["payment_transferred"] == 24
    books_agree()


def test_overlapping_files_and_two_workers_at_once_count_each_entry_once(
    real_app: Flask, lender: Lender, debt: Standing, worker: Worker
) -> None:
    text = reference(debt)
    half = entries_in([], text, 8)
    a_file(real_app, lender, worker, statement(*half), "a" * 32)
    a_file(real_app, lender, worker, statement(*entries_in(half, text, 16)), "b" * 32)
    todo = {name: run for name, run in jobs.table(real_app).items() if name == "banking.bring"}

    def work() -> None:
        idle = 0
        while idle < 30:
            idle = 0 if queue.run_one(todo) else idle + 1
            threading.Event().wait(0.02)

    at_once(work, work)
    assert set(session.scalars(select(Upload.state))) == {"live"}
    assert by_id(lender_id=lender.id, debt_id=debt.id).owed == usd("8840.00")
    outcomes = sorted(session.scalars(select(BankEntry.outcome)))
    assert outcomes == ["known"] * 8 + ["posted"] * 16
    assert fresh(select(func.count()).select_from(QueuedJob).where(QueuedJob.last_error.is_not(None))) == 0
    books_agree()


def test_two_who_ask_for_a_reference_at_once_get_the_same_one(real_app: Flask, debt: Standing) -> None:
    def ask() -> str:
        with real_app.app_context():
            return reference(debt)

    found = at_once(ask, ask, ask)
    assert len(set(found)) == 1 and fresh(select(func.count()).select_from(TransferReference)) == 1
