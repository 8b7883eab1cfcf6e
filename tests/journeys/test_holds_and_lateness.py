"""While a hold covers a debt its plan is not judged late, and afterwards its days do not count."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from portal.care.states import Kind
from portal.db import session
from portal.debts.statement import Standing
from portal.lenders.models import Lender
from portal.post.models import Message
from tests.conftest import Clock
from tests.factories import a_debt, a_debtor
from tests.journeys.acts import (
    Stripe,
    acts_of,
    agree,
    books_agree,
    come_in,
    command,
    go_pay,
    plan_items,
    plan_on,
    points,
    work,
)
from tests.pages import CheckingClient, page_of


def night(app: Flask, clock: Clock, at: str) -> None:
    clock.set(at)
    done = command(app, "nightly")
    assert done.exit_code == 0, done.output
    work(app)


def ask(client: CheckingClient, debt: Standing, door: Kind) -> str:
    """Go through a door; gives the number of the request."""
    come_in(client, debt)
    shown = client.get(f"/help/{door.slug}?debt={debt.reference}")
    page = client.fill(shown, {}, to=shown.request.path)
    return page.request.path.rpartition("/")[2]


def answer(app: Flask, number: str) -> None:
    done = command(app, "requests", "answer", number, "--words", "It is right after all.")
    assert done.exit_code == 0, done.output


def missed_words() -> list[Message]:
    session.rollback()
    return list(session.scalars(select(Message).where(Message.kind == "missed")))


@pytest.mark.parametrize("door", [Kind.NOT_MINE, Kind.WRONG_AMOUNT, Kind.COMPLAIN, Kind.CANT_PAY])
def test_a_plan_does_not_become_late_while_a_hold_covers_it(
    client: CheckingClient, debt: Standing, app: Flask, clock: Clock, door: Kind
) -> None:
    come_in(client, debt)
    agree(client, debt)
    clock.set("2026-05-08T12:00-04:00")
    ask(client, debt, door)
    for day in ("05-11", "05-18", "06-06"):
        night(app, clock, f"2026-{day}T01:00-04:00")
        assert plan_on(debt).state == "active", day
    assert missed_words() == []
    books_agree()


def test_without_a_hold_the_same_days_make_a_plan_late(
    client: CheckingClient, debt: Standing, app: Flask, clock: Clock
) -> None:
    come_in(client, debt)
    agree(client, debt)
    grace = plan_on(debt).grace_days
    night(app, clock, "2026-05-11T01:00-04:00")
    assert plan_on(debt).state == "grace"
    night(app, clock, f"2026-05-{11 + grace}T01:00-04:00")
    assert plan_on(debt).state == "at_risk"


def test_when_the_hold_ends_the_days_of_grace_run_from_there(
    client: CheckingClient, debt: Standing, app: Flask, clock: Clock, stripe: Stripe
) -> None:
    come_in(client, debt)
    agree(client, debt)
    grace = plan_on(debt).grace_days
    clock.set("2026-05-08T12:00-04:00")
    number = ask(client, debt, Kind.WRONG_AMOUNT)
    clock.set("2026-05-20T15:00-04:00")
    answer(app, number)
    # The tenth was held, so the twenty-first takes its place.
    night(app, clock, "2026-05-21T01:00-04:00")
    assert plan_on(debt).state == "active"
    night(app, clock, "2026-05-22T01:00-04:00")
    assert plan_on(debt).state == "grace"
    assert missed_words() == []
    last = 21 + grace
    night(app, clock, f"2026-05-{last}T01:00-04:00")
    assert plan_on(debt).state == "grace"
    # What comes on the last of these days was in time, and earns its points.
    clock.set(f"2026-05-{last}T18:00-04:00")
    come_in(client, debt)
    stripe.sandbox.set_clock(int(clock.at.timestamp()))
    stripe.pay(go_pay(client, debt, choice="next"))
    stripe.settle()
    assert plan_on(debt).state == "active"
    assert plan_items(debt)[0].kept_at is not None and points(debt) == 10
    books_agree()


def test_when_nothing_comes_after_the_hold_the_plan_is_at_risk_and_one_kind_word_is_written(
    client: CheckingClient, debt: Standing, app: Flask, clock: Clock
) -> None:
    come_in(client, debt)
    agree(client, debt)
    grace = plan_on(debt).grace_days
    night(app, clock, "2026-05-12T13:00-04:00")
    assert plan_on(debt).state == "grace"
    number = ask(client, debt, Kind.NOT_MINE)
    clock.set("2026-05-20T15:00-04:00")
    answer(app, number)
    # One day of grace was over before the twelfth, on which the hold began.
    last = 20 + grace - 1
    night(app, clock, f"2026-05-{last}T13:00-04:00")
    assert (plan_on(debt).state, missed_words()) == ("grace", [])
    night(app, clock, f"2026-05-{last + 1}T13:00-04:00")
    assert plan_on(debt).state == "at_risk"
    assert len(missed_words()) == 1
    assert acts_of(debt.lender_id)["plan_moved"] == 2


def test_a_hold_does_not_break_a_plan_that_was_at_risk_before(
    client: CheckingClient, debt: Standing, app: Flask, clock: Clock
) -> None:
    come_in(client, debt)
    agree(client, debt)
    night(app, clock, "2026-05-20T01:00-04:00")
    assert plan_on(debt).state == "at_risk"
    number = ask(client, debt, Kind.COMPLAIN)
    night(app, clock, "2026-06-25T01:00-04:00")
    assert plan_on(debt).state == "at_risk"
    answer(app, number)
    # June's was held: its days of grace begin on the day after.
    night(app, clock, "2026-06-27T01:00-04:00")
    assert plan_on(debt).state == "at_risk"
    night(app, clock, "2026-07-07T01:00-04:00")
    assert plan_on(debt).state == "broken"


def test_a_hold_on_one_debt_leaves_the_plan_of_another_as_it_is(
    client: CheckingClient, lender: Lender, app: Flask, clock: Clock
) -> None:
    person = a_debtor(lender=lender)
    one, other = a_debt(debtor=person), a_debt(debtor=person)
    come_in(client, one)
    agree(client, one)
    agree(client, other)
    ask(client, one, Kind.NOT_MINE)
    night(app, clock, "2026-05-25T01:00-04:00")
    assert (plan_on(one).state, plan_on(other).state) == ("active", "at_risk")


def test_the_days_are_those_of_the_persons_own_calendar(
    client: CheckingClient, lender: Lender, app: Flask, clock: Clock
) -> None:
    debt = a_debt(debtor=a_debtor(lender=lender, zone="Pacific/Auckland"))
    come_in(client, debt)
    agree(client, debt)
    grace = plan_on(debt).grace_days
    # There it is the eleventh already, and the tenth was not held.
    clock.set("2026-05-10T13:00+00:00")
    ask(client, debt, Kind.NOT_MINE)
    night(app, clock, "2026-06-01T00:00+00:00")
    assert plan_on(debt).state == "grace"
    assert grace > 0


def test_pages_call_nothing_late_whose_day_does_not_count(
    client: CheckingClient, debt: Standing, app: Flask, clock: Clock
) -> None:
    come_in(client, debt)
    agree(client, debt)
    clock.set("2026-05-08T12:00-04:00")
    number = ask(client, debt, Kind.WRONG_AMOUNT)
    assert page_of(client.get(f"/requests/{number}")).says("No payment of a plan counts as late in this time.")
    clock.set("2026-05-25T12:00-04:00")
    come_in(client, debt)
    plan = page_of(client.get(f"/plans/{plan_on(debt).reference}"))
    assert plan.says("nothing is late because of it") and not plan.says("The day has passed")
    home = page_of(client.get("/home"))
    assert not home.says("The day has passed") and not home.says("Late")
    answer(app, number)
    clock.set("2026-05-27T12:00-04:00")
    come_in(client, debt)
    assert page_of(client.get("/home")).says("The day has passed")
    assert page_of(client.get(f"/plans/{plan_on(debt).reference}")).says("The day has passed")
