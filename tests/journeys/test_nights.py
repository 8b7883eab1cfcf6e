"""Nights: each plan is looked at when its day has come, and what time brings is done once, however the nights come."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask, current_app
from sqlalchemy import Connection, func, select, update

from portal import clock as portal_clock
from portal import sweep
from portal.care import requests
from portal.care.states import Kind
from portal.db import session, transaction
from portal.debts.statement import Standing, by_id
from portal.evidence.models import EvidenceRecord
from portal.evidence.record import Actor
from portal.lenders.models import Lender
from portal.plans import for_a_person, remind
from portal.plans.for_a_person import Why
from portal.plans.models import Plan, PlanCheck, Quote
from portal.post.models import Message
from tests.asked import telling
from tests.conftest import Clock
from tests.factories import STANDARD_LIMITS, a_debt, a_debtor, a_lender
from tests.journeys.acts import acts_of, books_agree, come_in, command, plan_items, plan_on, work
from tests.pages import CheckingClient
from tests.settling import SETTLEMENTS, a_payment, a_plan, a_settlement, stripe_says

ZONE = "America/New_York"
STAFF = Actor("staff", "Kim")
SEEN = {"plan_moved", "interest_posted", "message_written", "message_not_written", "plan_check_opened"}


@pytest.fixture(autouse=True)
def in_context(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


def at(day: date, time: str = "01:00") -> str:
    return f"{day}T{time}-04:00"


def look(plan: Plan) -> sweep.Looked:
    """Look at a plan, and let the worker write what that put off."""
    looked = sweep.look_at(lender_id=plan.lender_id, plan_id=plan.id)
    work(current_app, only=remind.WRITE)
    return looked


def night(app: Flask, tmp_path: Path) -> Result:
    """Run a night, and let the worker write what it put off."""
    done = command(app, "nightly", "--report", str(tmp_path / "night.csv"))
    work(app, only=remind.WRITE)
    return done


def a_night_without_pages() -> sweep.Night:
    return sweep.run(stuck=lambda one: pytest.fail(str(one)))


@pytest.fixture(autouse=True)
def no_page_is_left_to_the_slower_way(
    request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> Iterator[None]:
    yield
    parts = [each for each in caplog.get_records("call") if "is looked at in parts" in each.message]
    assert bool(parts) == ("one_plan_that_breaks" in request.node.name), parts


def lines(tmp_path: Path) -> list[dict[str, str]]:
    with (tmp_path / "night.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def messages(debt: Standing) -> list[str]:
    session.rollback()
    return sorted(session.scalars(select(Message.kind).where(Message.debt_id == debt.id, Message.kind != "agreement")))


def waits(debt: Standing) -> list[Why]:
    session.rollback()
    return [each.why for each in for_a_person.waiting(debt.lender_id) if each.debt == debt.reference]


def said(debt: Standing) -> list[tuple[str, str, Any]]:
    """What time did to a debt: day, act, and of its facts what is the same for two debts that live the same."""
    session.rollback()
    found = []
    for act, when, entry in session.execute(
        select(EvidenceRecord.act, EvidenceRecord.at, EvidenceRecord.entry)
        .where(EvidenceRecord.debt_id == debt.id, EvidenceRecord.act.in_(SEEN))
        .order_by(EvidenceRecord.id)
    ):
        facts = json.loads(entry)["facts"]
        told = tuple(facts.get(name) for name in ("before", "after", "item", "kind", "why", "day"))
        found.append((str(when.astimezone(portal_clock.zone(ZONE)).date()), act, told))
    return sorted(found, key=str)


@pytest.mark.parametrize("life", ["nothing comes", "late and cured", "held", "gone back"])
def test_a_plan_looked_at_on_its_days_lives_as_one_that_is_looked_at_every_day(
    lender: Lender, clock: Clock, monkeypatch: pytest.MonkeyPatch, life: str
) -> None:
    debts = [a_debt("500.00", lender=lender) for _ in range(2)]
    for debt in debts:
        a_plan(debt)
    start, looks = portal_clock.today(ZONE), [0, 0]
    for number in range(125):
        clock.set(at(start + timedelta(days=number)))
        # One by itself, on every day; the other one by the night, which finds that only it is due.
        look(plan_on(debts[0]))
        looks[0] += 1
        looks[1] += a_night_without_pages().looked
        work(current_app, only=remind.WRITE)
        clock.set(at(start + timedelta(days=number), "12:00"))
        for debt in debts:
            lives_on(debt, plan_on(debt), life, number, monkeypatch)
    assert said(debts[1]) == said(debts[0])
    assert plan_on(debts[1]).state == plan_on(debts[0]).state
    assert messages(debts[1]) == messages(debts[0])
    assert looks[1] * (2 if life == "held" else 3) < looks[0]
    books_agree()


def lives_on(debt: Standing, plan: Plan, life: str, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes at noon of a day of a life."""
    pays = {"late and cured": {5, 60, 66, 95}, "held": {5, 70}, "gone back": {5, 36}}.get(life, set())
    if number in pays:
        payment = a_payment(by_id(lender_id=debt.lender_id, debt_id=debt.id), amount="100.00", plan=plan.reference)
        stripe_says(payment, monkeypatch)
        if life == "gone back" and number == 36:
            stripe_says(payment, monkeypatch, back=("100.00",))
    if life == "held" and number == 34:
        with transaction():
            requests.open_request(
                lender_id=debt.lender_id, debtor_id=debt.debtor_id, debt_id=debt.id, kind=Kind.WRONG_AMOUNT,
                words="", by=Actor("debtor", str(debt.debtor_id)), key=f"key-{debt.id}",
            )  # fmt: skip
    if life == "held" and number == 52:
        for each in requests.queue(lender_id=debt.lender_id):
            if each.debt == debt.reference:
                with transaction():
                    requests.answer(lender_id=debt.lender_id, number=each.number, words="It is right.", by=STAFF)


def test_plans_to_which_only_time_happened_are_not_looked_at_one_by_one(
    app: Flask, lender: Lender, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    debts = [a_debt("500.00", lender=lender) for _ in range(3)]
    grace_days = [a_plan(debt).grace_days for debt in debts][0]
    day = plan_items(debts[0])[0].due_on
    with monkeypatch.context() as patch:
        patch.setattr(sweep, "_look", lambda *_args, **_named: pytest.fail("one was looked at by itself"))
        for days, state in ((-3, "agreed"), (0, "active"), (1, "grace"), (grace_days + 1, "at_risk")):
            clock.set(at(day + timedelta(days=days)))
            assert a_night_without_pages().looked == 3
            assert {plan_on(debt).state for debt in debts} == {state}
    work(app, only=remind.WRITE)
    assert acts_of(lender.id)["plan_moved"] == 3 * 3
    assert [messages(debt) for debt in debts] == [["missed"]] * 3
    books_agree()


def test_a_night_that_comes_twice_finds_nothing_the_second_time(
    app: Flask, debt: Standing, clock: Clock, tmp_path: Path
) -> None:
    a_plan(debt)
    first = plan_items(debt)[0].due_on
    clock.set(at(first - timedelta(days=3)))
    assert "1 plans looked at" in night(app, tmp_path).output
    before = acts_of(debt.lender_id)
    for _again in range(2):
        assert "0 plans looked at, 0 moved on." in night(app, tmp_path).output
    assert acts_of(debt.lender_id) == before
    assert messages(debt) == ["reminder"]


def test_after_a_week_without_nights_nobody_is_reminded_of_what_is_past_and_the_rest_is_done_once(
    app: Flask, debt: Standing, clock: Clock, tmp_path: Path
) -> None:
    grace_days = a_plan(debt).grace_days
    night(app, tmp_path)
    first = plan_items(debt)[0].due_on
    clock.set(at(first + timedelta(days=grace_days + 3)))
    found = night(app, tmp_path)
    assert "agreed to at_risk: 1" in found.output
    assert messages(debt) == ["missed"]
    # Two months later nobody is asked about that payment any more, only of the newest.
    clock.forward(days=61)
    night(app, tmp_path)
    assert messages(debt) == ["missed", "missed"]
    books_agree()


def test_one_plan_that_breaks_does_not_stop_the_night_and_is_looked_at_in_the_next(
    app: Flask, lender: Lender, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    debts = [a_debt("500.00", lender=lender) for _ in range(3)]
    plans = [a_plan(debt) for debt in debts]
    clock.set(at(plan_items(debts[0])[0].due_on + timedelta(days=1)))
    real, references, broken = remind.wanted, [plan.reference for plan in plans], str(plans[1].id)

    def breaks(plan_id: str, *args: Any, **named: Any) -> Iterator[remind.Wanted]:
        if plan_id == broken:
            raise RuntimeError("this one")
        return real(plan_id, *args, **named)

    with monkeypatch.context() as patch:
        patch.setattr(remind, "wanted", breaks)
        found = night(app, tmp_path)
    assert found.exit_code == 1
    assert "2 plans looked at, 2 moved on." in found.output and "1 plans could not be moved on" in found.output
    assert [(line["why"], line["plan"], line["more"]) for line in lines(tmp_path)] == [
        ("stuck", references[1], "RuntimeError")
    ]
    assert [plan_on(debt).state for debt in debts] == ["grace", "agreed", "grace"]
    assert acts_of(lender.id)["plan_moved"] == 2
    assert night(app, tmp_path).exit_code == 0
    assert [plan_on(debt).state for debt in debts] == ["grace"] * 3
    assert lines(tmp_path) == []
    books_agree()


def test_a_night_goes_through_all_pages_of_all_lenders(
    app: Flask, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "AT_ONCE", 2)
    debts = [a_debt("500.00", lender=lender) for lender in (a_lender(), a_lender()) for _ in range(5)]
    for debt in debts:
        a_plan(debt)
    clock.set(at(plan_items(debts[0])[0].due_on + timedelta(days=1)))
    assert "10 plans looked at, 10 moved on." in night(app, tmp_path).output
    assert {plan_on(debt).state for debt in debts} == {"grace"}


def test_each_plan_is_looked_at_when_the_day_has_come_where_its_person_lives(
    app: Flask, lender: Lender, clock: Clock, tmp_path: Path
) -> None:
    places = ("Asia/Shanghai", "America/New_York")
    debts = [a_debt("500.00", lender=lender, debtor=a_debtor(lender=lender, zone=zone)) for zone in places]
    for debt, zone in zip(debts, places, strict=True):
        a_plan(debt, zone=zone)
    night(app, tmp_path)
    due = plan_items(debts[0])[0].due_on
    assert plan_items(debts[1])[0].due_on == due
    clock.set(f"{due + timedelta(days=1)}T01:00+08:00")
    night(app, tmp_path)
    assert [plan_on(debt).state for debt in debts] == ["grace", "active"]
    clock.set(at(due + timedelta(days=1)))
    night(app, tmp_path)
    assert [plan_on(debt).state for debt in debts] == ["grace", "grace"]


def test_when_the_days_to_make_up_for_it_are_over_a_person_is_asked_once_and_nothing_ends_by_itself(
    app: Flask, debt: Standing, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = a_plan(debt)
    items = plan_items(debt)
    clock.set(at(items[1].due_on + timedelta(days=plan.grace_days + 1)))
    night(app, tmp_path)
    assert plan_on(debt).state == "broken" and waits(debt) == []
    # From the payment that broke the plan on, not from the first that was missed.
    over = items[1].due_on + timedelta(days=plan.grace_days + plan.cure_days)
    for day, expected in ((over, []), (over + timedelta(days=1), [Why.CURE_OVER]), (over + timedelta(days=2), None)):
        clock.set(at(day))
        night(app, tmp_path)
        assert waits(debt) == (expected if expected is not None else [Why.CURE_OVER])
    assert [(line["why"], line["plan"], line["since"]) for line in lines(tmp_path)] == [
        ("cure_over", plan.reference, str(over))
    ]
    assert plan_on(debt).state == "broken"
    # Money that makes up for it comes all the same, and then nobody has to look.
    stripe_says(a_payment(debt, amount="300.00", plan=plan.reference), monkeypatch)
    night(app, tmp_path)
    assert plan_on(debt).state == "active" and waits(debt) == []
    assert session.scalars(select(PlanCheck.closed_by)).one() == "portal:portal"
    books_agree()


def test_an_offer_ends_when_its_time_is_over(app: Flask, debt: Standing, clock: Clock, tmp_path: Path) -> None:
    a_plan(debt)
    other = a_debt("400.00")
    a_plan(other)
    with transaction() as s:
        quote = s.scalars(select(Quote).where(Quote.debt_id == other.id)).one()
        quote.state, last = "open", quote.expires_at
    clock.set(last - timedelta(seconds=1))
    assert "0 offers ended" in night(app, tmp_path).output
    clock.set(last)
    assert "1 offers ended" in night(app, tmp_path).output
    session.rollback()
    assert dict(session.execute(select(Quote.state, func.count()).group_by(Quote.state)).all()) == {
        "accepted": 1,
        "void": 1,
    }


def test_what_a_look_asks_of_the_database_does_not_grow_with_what_has_happened(
    debt: Standing, clock: Clock, outer_connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = a_plan(debt)
    asked: list[int] = []
    for item in plan_items(debt)[:6]:
        clock.set(at(item.due_on, "12:00"))
        with telling(outer_connection, lambda statement, _values: asked.__setitem__(-1, asked[-1] + 1)):
            asked.append(0)
            look(plan)
            payment = a_payment(debt, amount=str(item.amount_minor / 100), plan=plan.reference)
            asked.append(0)
            stripe_says(payment, monkeypatch)
    looks, payments = asked[::2], asked[1::2]
    assert len(set(looks[1:])) == 1, looks
    assert len(set(payments[1:])) == 1, payments


def test_what_a_night_asks_of_the_database_does_not_grow_with_plans_of_which_none_changes(
    lender: Lender, clock: Clock, outer_connection: Connection
) -> None:
    counts = []
    for all_of_them in (2, 6):
        for _each in range(all_of_them - len(counts) * 2):
            a_plan(a_debt("500.00", lender=lender))
        a_night_without_pages()
        with transaction() as s:
            s.execute(update(Plan).values(look_on=portal_clock.today(ZONE)))
        asked: list[str] = []
        with telling(outer_connection, lambda statement, _values: asked.append(statement)):  # noqa: B023
            found = a_night_without_pages()
        assert (found.looked, found.moved.total(), found.reminders) == (all_of_them, 0, 0)
        counts.append(len(asked))
    assert counts[0] == counts[1]


# What waits for a person.


@pytest.fixture
def broken(app: Flask, debt: Standing, clock: Clock, tmp_path: Path) -> Plan:
    """A plan of which the days to make up for it were over yesterday; a person is asked."""
    plan = a_plan(debt)
    second = plan_items(debt)[1].due_on
    clock.set(at(second + timedelta(days=plan.grace_days + plan.cure_days + 1)))
    night(app, tmp_path)
    assert waits(debt) == [Why.CURE_OVER]
    return plan


def of_lender(lender: Lender, app: Flask, *words: str) -> Result:
    return command(app, *words, "--lender", lender.slug)


def test_a_person_ends_a_broken_plan_and_what_was_paid_stays_paid(
    app: Flask, client: CheckingClient, debt: Standing, lender: Lender, broken: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    stripe_says(a_payment(debt, amount="50.00", plan=broken.reference), monkeypatch)
    owed = by_id(lender_id=debt.lender_id, debt_id=debt.id).owed
    words = ("plan-end-cure", broken.reference, "--why", "Called twice; no sign of trouble.")
    done = of_lender(lender, app, *words)
    assert done.exit_code == 0, done.output
    again = of_lender(lender, app, *words)
    assert again.exit_code == 1 and "the plan is ended_broken" in again.output
    assert plan_on(debt).state == "ended_broken" and waits(debt) == []
    assert by_id(lender_id=debt.lender_id, debt_id=debt.id).owed == owed
    assert session.scalars(select(PlanCheck.words)).one() == "Called twice; no sign of trouble."
    assert messages(debt).count("plan_ended") == 1
    body = session.scalars(select(Message.body).where(Message.kind == "plan_ended")).one()
    assert "What you paid stays yours" in body and "another plan" in body
    # Interest of payments that were still to come is never charged, however often a night comes.
    charged = acts_of(debt.lender_id)["interest_posted"]
    look(broken)
    assert acts_of(debt.lender_id)["interest_posted"] == charged and plan_on(debt).look_on is None
    come_in(client, debt)
    page = client.get(f"/plans/{broken.reference}")
    assert "Ended. What you paid was taken off what you owe." in page.text
    assert f"/debts/{debt.reference}/what-can-you-afford" in page.text
    books_agree()


def test_a_settlement_that_ends_lets_nothing_more_off(app: Flask, clock: Clock, tmp_path: Path) -> None:
    lender = a_lender(limits=STANDARD_LIMITS + SETTLEMENTS)
    debt = a_debt("800.00", lender=lender, interest="12.00")
    plan = a_settlement(debt)
    clock.set(at(plan_items(debt)[0].due_on + timedelta(days=plan.grace_days + plan.cure_days + 1)))
    night(app, tmp_path)
    done = of_lender(lender, app, "plan-end-cure", plan.reference, "--why", "Nobody answers.")
    assert done.exit_code == 0, done.output
    assert str(by_id(lender_id=debt.lender_id, debt_id=debt.id).owed.amount) == "812.00"
    assert acts_of(lender.id)["waived"] == 0
    books_agree()


def test_a_person_gives_more_time_and_is_asked_again_when_that_is_over(
    app: Flask, debt: Standing, lender: Lender, broken: Plan, clock: Clock, tmp_path: Path
) -> None:
    done = of_lender(lender, app, "plan-more-time", broken.reference, "--days", "10", "--why", "In hospital.")
    until = portal_clock.today(ZONE) + timedelta(days=10)
    assert done.exit_code == 0 and str(until) in done.output, done.output
    assert waits(debt) == [] and messages(debt).count("plan_more_time") == 1
    refused = of_lender(lender, app, "plan-more-time", broken.reference, "--days", "10", "--why", "Again.")
    assert refused.exit_code == 1 and "the plan is broken" in refused.output
    for day, expected in ((until, []), (until + timedelta(days=1), [Why.CURE_OVER])):
        clock.set(at(day))
        night(app, tmp_path)
        assert waits(debt) == expected
    assert acts_of(debt.lender_id)["plan_more_time"] == 1
    books_agree()


def test_a_person_is_asked_when_the_day_of_a_review_has_come(
    app: Flask, debt: Standing, lender: Lender, clock: Clock, tmp_path: Path
) -> None:
    plan = a_plan(debt)
    review = portal_clock.today(ZONE) + timedelta(days=20)
    with transaction() as s:
        s.get_one(Plan, (plan.lender_id, plan.id)).review_on = review
    night(app, tmp_path)
    clock.set(at(review - timedelta(days=1)))
    night(app, tmp_path)
    assert waits(debt) == []
    for _again in range(2):
        clock.forward(days=1)
        night(app, tmp_path)
        assert waits(debt) == [Why.REVIEW]
    done = of_lender(lender, app, "plan-looked-at", plan.reference, "--why", "Goes on as it is.")
    assert done.exit_code == 0, done.output
    clock.forward(days=1)
    night(app, tmp_path)
    assert waits(debt) == []
    again = of_lender(lender, app, "plan-looked-at", plan.reference, "--why", "Once more.")
    assert again.exit_code == 1 and "Nothing about" in again.output
    assert of_lender(lender, app, "plan-looked-at", "PL-NONE", "--why", "x").exit_code == 1


def test_plans_are_listed_by_state_by_what_waits_and_by_who_it_is(
    app: Flask, lender: Lender, debt: Standing, broken: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(for_a_person, "_AT_ONCE", 1)
    other = a_debt("400.00", lender=lender, debtor=a_debtor(lender=lender, name="Ämilia Öst (made up)"))
    second = a_plan(other)

    def listed(*words: str) -> list[tuple[str, str, str]]:
        done = of_lender(lender, app, "plans", *words)
        assert done.exit_code == 0, done.output
        return [(row["plan"], row["state"], row["waits for"]) for row in csv.DictReader(done.output.splitlines())]

    first = (broken.reference, "broken", "cure_over")
    assert listed() == [first, (second.reference, "agreed", "")]
    assert listed("--state", "agreed") == [(second.reference, "agreed", "")]
    assert listed("--needs-a-person") == [first] == listed("--search", debt.reference.lower())
    assert listed("--search", second.reference) == [(second.reference, "agreed", "")] == listed("--search", "milia")
    assert listed("--search", "%") == []


def test_of_two_people_who_decide_at_once_one_is_told_that_it_is_decided(
    app: Flask, lender: Lender, debt: Standing, broken: Plan
) -> None:
    more = of_lender(lender, app, "plan-more-time", broken.reference, "--days", "5", "--why", "A week more.")
    end = of_lender(lender, app, "plan-end-cure", broken.reference, "--why", "It is over.")
    assert (more.exit_code, end.exit_code) == (0, 1)
    assert plan_on(debt).state == "broken"
