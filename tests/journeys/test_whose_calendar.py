"""Lateness goes by the calendar of where the person lives: clocks change, people move, banks take days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from flask import Flask

from portal import sweep
from portal.db import session, transaction
from portal.debts.statement import Standing
from portal.lenders.models import Lender
from portal.payments.models import Payment
from portal.people import sign_in
from portal.plans.models import Plan
from tests.conftest import Clock
from tests.factories import a_debt
from tests.journeys.acts import books_agree, plan_items, plan_on, points
from tests.settling import a_payment, a_plan, stripe_says


@pytest.fixture(autouse=True)
def in_context(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


def pays(debt: Standing, plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    stripe_says(a_payment(debt, amount="100.00", plan=plan.reference), monkeypatch)


def moves(debt: Standing, zone: str) -> None:
    with transaction():
        sign_in.keep_zone(lender_id=debt.lender_id, debtor_id=debt.debtor_id, zone=zone)


def look(plan: Plan) -> str:
    session.rollback()
    return sweep.look_at(lender_id=plan.lender_id, plan_id=plan.id).after


# Five days of grace end on the day on which the clocks of New York change, which has 25 hours or 23.
@pytest.mark.parametrize(
    ("agreed", "pay_day", "first", "at", "kept"),
    [
        ("2026-10-10T12:00-04:00", 27, date(2026, 10, 27), "2026-11-01T23:59-05:00", True),
        ("2026-10-10T12:00-04:00", 27, date(2026, 10, 27), "2026-11-02T00:01-05:00", False),
        ("2026-02-10T12:00-05:00", 3, date(2026, 3, 3), "2026-03-08T23:59-04:00", True),
        ("2026-02-10T12:00-05:00", 3, date(2026, 3, 3), "2026-03-09T00:01-04:00", False),
    ],
)
def test_the_last_day_of_grace_ends_at_midnight_also_when_the_clocks_change(  # noqa: PLR0913
    clock: Clock, monkeypatch: pytest.MonkeyPatch, lender: Lender,
    agreed: str, pay_day: int, first: date, at: str, kept: bool,  # noqa: FBT001
) -> None:  # fmt: skip
    clock.set(agreed)
    debt = a_debt("900.00", lender=lender)
    plan = a_plan(debt, pay_day=pay_day)
    assert plan_items(debt)[0].due_on == first and plan.grace_days == 5
    clock.set(at)
    assert look(plan) == ("grace" if kept else "at_risk")
    pays(debt, plan, monkeypatch)
    assert (plan_items(debt)[0].kept_at is not None, plan_on(debt).state) == (kept, "active")


def test_who_moves_away_has_paid_no_later_by_that(
    debt: Standing, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = a_plan(debt)
    # The last evening of grace in New York is the next morning in Shanghai.
    clock.set("2026-05-15T20:00-04:00")
    pays(debt, plan, monkeypatch)
    kept = plan_items(debt)[0].kept_at
    assert kept is not None and points(debt) == 10
    clock.forward(hours=1)
    for zone in ("Asia/Shanghai", "Pacific/Kiritimati", "America/New_York", "Asia/Shanghai"):
        moves(debt, zone)
        for _twice in range(2):
            assert look(plan) == "active"
        assert plan_items(debt)[0].kept_at == kept and points(debt) == 10
    books_agree()


def test_who_moves_is_judged_by_the_new_calendar_from_then_on_and_nothing_comes_due_twice(
    debt: Standing, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = a_plan(debt)
    clock.set("2026-05-10T20:00-04:00")
    assert look(plan) == "active"
    # In Shanghai it is the 11th: the day has passed there. Back in New York it has not, so nothing is late.
    moves(debt, "Asia/Shanghai")
    assert look(plan) == "grace"
    moves(debt, "America/New_York")
    assert look(plan) == "active"
    # To the west of the date line the same evening is the morning of the day before.
    moves(debt, "Pacific/Honolulu")
    clock.set("2026-05-16T03:00-04:00")
    assert look(plan) == "grace"
    pays(debt, plan, monkeypatch)
    assert plan_items(debt)[0].kept_at is not None
    books_agree()


@pytest.mark.parametrize(("sent", "kept"), [("2026-05-15T21:00-04:00", True), ("2026-05-16T00:30-04:00", False)])
def test_what_is_sent_from_a_bank_in_time_and_clears_days_later_was_paid_in_time(
    debt: Standing, clock: Clock, monkeypatch: pytest.MonkeyPatch, sent: str,
    kept: bool,  # noqa: FBT001
) -> None:  # fmt: skip
    plan = a_plan(debt)
    clock.set(sent)
    payment = a_payment(debt, amount="100.00", plan=plan.reference)
    with transaction() as s:
        s.get_one(Payment, (payment.lender_id, payment.id)).state = "processing"
    clock.set("2026-05-20T12:00-04:00")
    # While it is on its way nothing is kept, and nothing is missed.
    assert look(plan) == "active" and plan_items(debt)[0].kept_at is None and points(debt) == 0
    stripe_says(payment, monkeypatch)
    assert (plan_items(debt)[0].kept_at is not None, points(debt)) == (kept, 10 if kept else 0)
    assert plan_on(debt).state == "active"
    books_agree()
