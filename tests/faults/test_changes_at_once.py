"""A plan is changed, taken back, ended, paid or replaced by two at the same moment: each has one clear outcome."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable
from datetime import date

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal import clock
from portal.changes import acts, rules
from portal.changes.acts import Made, MadeBefore, Otherwise, TakenBack, TooLate
from portal.changes.rules import Asked, Drawn, Move, PayDay, Refused, Skip
from portal.db import session, transaction
from portal.debts.statement import Standing, by_id
from portal.evidence.record import Actor
from portal.money import Money
from portal.plans import negotiate, progress
from portal.plans.models import Plan, PlanChange, PlanItem
from portal.schedules.dates import Frequency
from tests.factories import LIMITS_WITH_CHANGES, a_debt, a_lender
from tests.faults.test_kills_and_races import TURNS, at_once, fresh
from tests.journeys.acts import acts_of, books_agree
from tests.settling import a_payment, stripe_says

ZONE = "America/New_York"


@pytest.fixture
def debt(real_app: Flask) -> Standing:
    return a_debt("900.00", lender=a_lender(limits=LIMITS_WITH_CHANGES))


def by_debtor(debt: Standing) -> Actor:
    return Actor("debtor", str(debt.debtor_id))


def quoted(debt: Standing, payment: str) -> str:
    by, today = by_debtor(debt), clock.today(ZONE)
    with transaction():
        negotiate.propose(debt, payment=Money.of(payment, "USD"), frequency=Frequency.MONTHLY, by=by, today=today)
        proposal = negotiate.newest_proposal(debt)
        assert proposal is not None
        negotiate.choose_pay_day(debt, proposal=proposal, pay_day=(today.day + 14) % 28 + 1, today=today)
        picked = negotiate.choices(negotiate.table_for(debt, proposal=proposal, today=today))["own"]
        return negotiate.quote(debt, proposal=proposal, key="own", arrangement=picked, by=by, today=today, zone=ZONE)


def agreed(debt: Standing, payment: str = "100.00") -> Plan:
    number = quoted(debt, payment)
    with transaction():
        done = negotiate.agree(debt, number=number, agreed_text="I agree.", by=by_debtor(debt))
    assert isinstance(done, negotiate.Agreed)
    return session.scalars(select(Plan).where(Plan.reference == done.reference)).one()


def drawn(plan: Plan, asked: Asked) -> str:
    """Give the digest of what a page would show."""
    found = rules.answer(asked, acts.situation_of(plan, today=clock.today(ZONE)))
    assert isinstance(found, Drawn), found
    return acts.digest(found.payments)


def making(app: Flask, debt: Standing, plan: Plan, asked: Asked, form_key: str) -> Callable[[], object]:
    ids, shown, by = (plan.lender_id, plan.id), drawn(plan, asked), by_debtor(debt)

    def act() -> object:
        with app.app_context(), transaction():
            return acts.make(lender_id=ids[0], plan_id=ids[1], asked=asked, shown=shown, form_key=form_key, by=by)

    return act


def items(plan_id: uuid.UUID) -> list[tuple[date, int]]:
    session.rollback()
    found = select(PlanItem.due_on, PlanItem.amount_minor).where(PlanItem.plan_id == plan_id).order_by(PlanItem.seq)
    return [(row.due_on, row.amount_minor) for row in session.execute(found)]


def names(found: list[object]) -> Counter[str]:
    return Counter(type(one).__name__ for one in found)


@pytest.mark.parametrize("turn", range(TURNS))
def test_two_clicks_and_two_tabs_that_leave_one_out_leave_one_out(real_app: Flask, debt: Standing, turn: int) -> None:
    plan = agreed(debt)
    plan_id, before = plan.id, items(plan.id)
    session.remove()
    plan = session.get_one(Plan, (debt.lender_id, plan_id))
    tabs = [making(real_app, debt, plan, Skip(), key) for key in ("a" * 32, "b" * 32)]
    session.remove()
    found = at_once(tabs[0], tabs[0], tabs[1], tabs[1])
    # The tab that came first changed it, its second click is the same; the other has no more to leave out.
    assert names(found)[Made.__name__] == 1, found
    assert names(found) == Counter({Made.__name__: 1, MadeBefore.__name__: 1, Refused.__name__: 2}), found
    after = items(plan_id)
    assert [day for day, _amount in after[:-1]] == [day for day, _amount in before[1:]]
    assert fresh(select(func.count()).select_from(PlanChange)) == 1
    assert acts_of(debt.lender_id)["plan_changed"] == 1
    books_agree()


@pytest.mark.parametrize("turn", range(TURNS))
def test_of_two_different_changes_at_once_the_second_is_shown_again(real_app: Flask, debt: Standing, turn: int) -> None:
    plan = agreed(debt)
    third = session.scalars(select(PlanItem).where(PlanItem.plan_id == plan.id, PlanItem.seq == 3)).one()
    moves = making(real_app, debt, plan, Move(3, third.due_on.replace(day=third.due_on.day + 1)), "a" * 32)
    leaves_out = making(real_app, debt, plan, Skip(), "b" * 32)
    session.remove()
    found = at_once(moves, leaves_out)
    # Its day may be no day any more that this payment could have: then it says so.
    assert names(found)[Made.__name__] == 1, found
    assert names(found)[Otherwise.__name__] + names(found)[Refused.__name__] == 1, found
    assert fresh(select(func.count()).select_from(PlanChange)) == 1
    books_agree()


@pytest.mark.parametrize("turn", range(TURNS))
def test_a_change_is_taken_back_once_while_another_is_made(real_app: Flask, debt: Standing, turn: int) -> None:
    plan = agreed(debt)
    plan_id, before = plan.id, items(plan.id)
    assert isinstance(
        making(real_app, debt, session.get_one(Plan, (debt.lender_id, plan_id)), Skip(), "a" * 32)(), Made
    )
    session.remove()
    again = making(real_app, debt, session.get_one(Plan, (debt.lender_id, plan_id)), PayDay(31), "b" * 32)
    session.remove()
    by = by_debtor(debt)

    def take_back() -> object:
        with real_app.app_context(), transaction():
            return acts.take_back(lender_id=debt.lender_id, plan_id=plan_id, number=1, by=by)

    found = at_once(take_back, again, take_back)
    counted = names(found)
    if counted[Made.__name__]:
        # The second change came first: what it stands on can't be taken back from under it.
        assert counted == Counter({Made.__name__: 1, TooLate.__name__: 2}), found
    else:
        assert counted == Counter({TakenBack.__name__: 2, Otherwise.__name__: 1}), found
        assert items(plan_id) == before
        assert acts_of(debt.lender_id)["plan_change_undone"] == 1
    books_agree()


@pytest.mark.parametrize("turn", range(TURNS))
def test_a_change_and_the_end_of_its_plan_at_once(real_app: Flask, debt: Standing, turn: int) -> None:
    plan = agreed(debt)
    plan_id, reference = plan.id, plan.reference
    changes = making(real_app, debt, plan, PayDay(31), "a" * 32)
    by = by_debtor(debt)
    session.remove()

    def end() -> object:
        with real_app.app_context(), transaction():
            return progress.end(lender_id=debt.lender_id, reference=reference, by=by)

    found = at_once(changes, end)
    assert names(found)["State"] == 1, found
    assert names(found)[Made.__name__] + names(found)[Refused.__name__] == 1, found
    session.remove()
    ended = session.get_one(Plan, (debt.lender_id, plan_id))
    assert (ended.state, ended.changes) == ("cancelled", names(found)[Made.__name__])
    books_agree()


@pytest.mark.parametrize("turn", range(TURNS))
def test_a_change_while_all_of_it_is_paid(
    real_app: Flask, debt: Standing, turn: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = agreed(debt)
    plan_id, reference = plan.id, plan.reference
    payment = a_payment(by_id(lender_id=debt.lender_id, debt_id=debt.id), amount="900.00", plan=reference)
    changes = making(real_app, debt, session.get_one(Plan, (debt.lender_id, plan_id)), PayDay(31), "a" * 32)
    session.remove()

    def pays() -> object:
        with real_app.app_context():
            return stripe_says(payment, monkeypatch)

    found = at_once(changes, pays)
    assert names(found)[Made.__name__] + names(found)[Refused.__name__] == 1, found
    session.remove()
    done = session.get_one(Plan, (debt.lender_id, plan_id))
    assert (done.state, done.changes) == ("completed", names(found)[Made.__name__])
    assert not by_id(lender_id=debt.lender_id, debt_id=debt.id).owed
    books_agree()


@pytest.mark.parametrize("turn", range(TURNS))
def test_two_other_plans_and_a_change_at_once_leave_one_plan_alive(real_app: Flask, debt: Standing, turn: int) -> None:
    plan = agreed(debt)
    plan_id = plan.id
    changes = making(real_app, debt, plan, PayDay(31), "a" * 32)
    with transaction():
        acts.want_another(lender_id=debt.lender_id, plan_id=plan_id, by=by_debtor(debt))
    offers = [quoted(debt, payment) for payment in ("60.00", "70.00")]
    session.remove()

    def agree(number: str) -> Callable[[], object]:
        def act() -> object:
            with real_app.app_context(), transaction():
                return negotiate.agree(debt, number=number, agreed_text="I agree.", by=by_debtor(debt))

        return act

    found = at_once(agree(offers[0]), agree(offers[1]), changes)
    counted = names(found)
    assert (counted["Agreed"], counted["PlanAlive"]) == (1, 1), found
    assert counted[Made.__name__] + counted[Refused.__name__] == 1, found
    states = Counter(session.scalars(select(Plan.state).where(Plan.debt_id == debt.id)))
    assert states == Counter({"superseded": 1, "agreed": 1})
    books_agree()
