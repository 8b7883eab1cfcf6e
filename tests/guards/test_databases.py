"""Check what the other tests stand on: nothing stays, on both databases, and nobody leaves the machine."""

from __future__ import annotations

import socket
import threading

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, scoped_session

import portal.db
from portal import clock as portal_clock
from portal.db import table_of, transaction
from portal.evidence.models import EvidenceRecord
from portal.lenders import settings
from portal.lenders.models import Lender
from tests.conftest import STANDARD_INSTANT, Clock, RealDatabase
from tests.factories import a_debt, a_lender


def lenders() -> int:
    return portal.db.session.scalar(select(func.count()).select_from(Lender)) or 0


@pytest.mark.parametrize("time", [1, 2])
def test_what_one_test_commits_the_next_never_sees(db: scoped_session[Session], time: int) -> None:
    assert lenders() == 0
    a_lender(slug="first")
    db.remove()
    assert lenders() == 1


def test_an_act_that_raises_leaves_nothing_and_earlier_acts_stay(db: scoped_session[Session]) -> None:
    a_lender(slug="first")
    with pytest.raises(RuntimeError), transaction():
        a_lender(slug="second")
        raise RuntimeError
    assert lenders() == 1
    with pytest.raises(IntegrityError), transaction():
        a_lender(slug="first")
    assert lenders() == 1
    assert settings.by_slug("first").slug == "first"
    a_lender(slug="third")
    assert lenders() == 2


def test_a_debt_of_the_factory_stands_in_the_books_with_its_records(db: scoped_session[Session]) -> None:
    debt = a_debt("900.00", interest="12.50")
    assert str(debt.owed) == "912.50 USD"
    assert db.scalar(select(func.count()).select_from(EvidenceRecord)) == 2


def test_writing_outside_a_transaction_is_refused(db: scoped_session[Session]) -> None:
    db.add(Lender(slug="stray"))
    with pytest.raises(portal.db.WriteOutsideTransaction):
        db.flush()


def test_a_test_without_a_database_can_reach_none() -> None:
    with pytest.raises(Exception, match="not bound|bind"):
        lenders()


def test_two_threads_meet_in_a_real_database(real_database: RealDatabase) -> None:
    a_lender(slug="here")
    there = threading.Thread(target=lambda: (a_lender(slug="there"), portal.db.session.remove()))
    there.start()
    there.join()
    portal.db.session.rollback()
    assert lenders() == 2
    assert real_database.engine.dialect.name == real_database.kind


def test_reading_plain_columns_makes_no_session_and_reads_anew_after_it_was_given_back(
    real_database: RealDatabase,
) -> None:
    names = select(table_of(Lender).c.slug)
    portal.db.session.remove()
    assert portal.db.read(names, {}) == []
    assert not portal.db.session.registry.has()
    there = threading.Thread(target=lambda: (a_lender(slug="there"), portal.db.session.remove()))
    there.start()
    there.join()
    portal.db.session.remove()
    assert portal.db.read(names, {}) == [("there",)]
    with pytest.raises(RuntimeError), transaction():
        a_lender(slug="here")
        assert sorted(portal.db.read(names, {})) == [("here",), ("there",)]
        raise RuntimeError
    assert portal.db.read(names, {}) == [("there",)]


def test_the_clock_stands_still_until_it_is_moved(clock: Clock) -> None:
    assert portal_clock.now() == STANDARD_INSTANT
    clock.set("2026-12-31T23:30+08:00")
    assert portal_clock.today("Asia/Shanghai").isoformat() == "2026-12-31"
    clock.forward(minutes=30)
    assert portal_clock.today("Asia/Shanghai").isoformat() == "2027-01-01"


def test_no_test_reaches_beyond_this_machine() -> None:
    with socket.socket() as line, pytest.raises(AssertionError, match="reached for the network"):
        line.connect(("192.0.2.1", 80))
