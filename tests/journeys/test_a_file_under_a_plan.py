"""A later file changes what is owed under a plan, or takes the debt back: nothing about the plan changes silently."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from portal.db import session
from portal.debts.statement import Standing
from portal.lenders.models import Lender
from portal.post.models import Message
from tests.conftest import Clock
from tests.journeys.acts import Stripe, acts_of, agree, books_agree, come_in, command, go_pay, plan_items, plan_on, work
from tests.journeys.test_a_lenders_file import Desk, debt_called, desk, row
from tests.pages import CheckingClient, page_of

__all__ = ["desk"]


@pytest.fixture
def debt(desk: Desk, lender: Lender, client: CheckingClient) -> Standing:
    """A debt of a file, under a plan whose first payment is paid."""
    desk.bring(desk.write(row(1), row(2)))
    found = debt_called(lender, "A-1")
    come_in(client, found)
    agree(client, found)
    return found


def told(app: Flask, kind: str) -> list[str]:
    work(app)
    session.rollback()
    return list(session.scalars(select(Message.body).where(Message.kind == kind)))


def night(app: Flask, clock: Clock, **by: int) -> None:
    clock.forward(**by)
    assert command(app, "nightly").exit_code == 0


def test_what_a_file_adds_stands_beside_the_plan_and_is_said_everywhere(
    app: Flask, desk: Desk, debt: Standing, client: CheckingClient, clock: Clock, stripe: Stripe
) -> None:
    plan = plan_on(debt).reference
    agreed = [(item.due_on, item.amount_minor) for item in plan_items(debt)]
    assert "more than this plan speaks of" not in client.get(f"/plans/{plan}").text
    clock.forward(days=1)
    come_in(client, debt)
    done = desk.bring(desk.write(row(1, interest="35.00"), row(2, interest="99.00")))
    assert done.exit_code == 0 and "1 debts changed under a plan" in done.output, done.output
    [header, warning] = desk.refused()
    assert header[0] == "row" and warning[2:4] == ["A-1", "under_a_plan"]
    assert plan in warning[4] and "910.00" in warning[4] and "935.00" in warning[4]
    assert [(item.due_on, item.amount_minor) for item in plan_items(debt)] == agreed
    assert page_of(client.get(f"/plans/{plan}")).says("You owe $25.00 more than this plan speaks of.")
    [body] = told(app, "amount_changed")
    assert "Your plan stays as it was agreed." in body
    assert page_of(client.get(f"/timeline?debt={debt.reference}")).says("Your lender corrected the amount")
    # The plan goes on, payment by payment, and what stands beside it stays what it is.
    stripe.sandbox.set_clock(int(clock.at.timestamp()))
    stripe.pay(go_pay(client, debt, choice="next"))
    stripe.settle()
    assert plan_on(debt).state == "active"
    assert page_of(client.get(f"/plans/{plan}")).says("You owe $25.00 more than this plan speaks of.")
    books_agree()


def test_somebody_is_told_of_changes_once_in_a_month_and_not_every_day(
    app: Flask, desk: Desk, debt: Standing, clock: Clock
) -> None:
    for interest in ("11.00", "12.00", "13.00"):
        clock.forward(days=1)
        desk.bring(desk.write(row(1, interest=interest)))
    assert len(told(app, "amount_changed")) == 1
    clock.forward(days=30)
    desk.bring(desk.write(row(1, interest="14.00")))
    assert len(told(app, "amount_changed")) == 2
    clock.forward(days=1)
    desk.bring(desk.write(row(1, interest="14.00")))
    assert desk.refused()[1:] == []


def test_a_lower_amount_ends_the_plan_earlier_and_nobody_is_asked_for_more_than_is_owed(
    app: Flask, desk: Desk, debt: Standing, client: CheckingClient, clock: Clock, stripe: Stripe
) -> None:
    plan, first = plan_on(debt).reference, plan_items(debt)[0]
    clock.forward(days=1)
    come_in(client, debt)
    desk.bring(desk.write(row(1, principal="20.00", interest="0")))
    assert "less than the payments of this plan add up to" in client.get(f"/plans/{plan}").text
    night(app, clock, days=(first.due_on - timedelta(days=3) - clock.at.date()).days)
    [body] = told(app, "reminder")
    # What is owed, and the interest that comes due with that payment: not the whole payment.
    asked = f"${(2000 + first.interest_minor) / 100:.2f}"
    assert asked in body and first.amount_minor > 2000 + first.interest_minor
    come_in(client, debt)
    stripe.sandbox.set_clock(int(clock.at.timestamp()))
    stripe.pay(go_pay(client, debt, amount="20"))
    stripe.settle()
    assert plan_on(debt).state == "completed"
    books_agree()


def test_a_debt_that_is_taken_back_ends_its_plan_with_a_clear_word_and_what_was_paid_stays(
    app: Flask, desk: Desk, lender: Lender, debt: Standing, client: CheckingClient, clock: Clock, stripe: Stripe
) -> None:
    plan = plan_on(debt).reference
    stripe.pay(go_pay(client, debt, choice="next"))
    stripe.settle()
    paid = plan_items(debt)[0].paid_minor
    clock.forward(days=1)
    come_in(client, debt)
    done = desk.bring(desk.write(row(2)), "--full")
    assert done.exit_code == 0 and "1 plans ended with the debts that were recalled" in done.output, done.output
    assert (plan_on(debt).state, plan_on(debt).look_on) == ("voided", None)
    [body] = told(app, "plan_taken_back")
    assert plan in body and "Please pay nothing more here." in body and "What you paid stays yours" in body
    assert page_of(client.get(f"/plans/{plan}")).says("Taken back.")
    moved = acts_of(lender.id)["plan_moved"]
    # No night makes it late or reminds of it, and a file that brings the debt back brings no plan back.
    night(app, clock, days=90)
    assert acts_of(lender.id)["plan_moved"] == moved
    assert told(app, "reminder") == told(app, "missed") == []
    desk.bring(desk.write(row(1, principal=f"{900 - paid / 100:.2f}"), row(2)))
    assert plan_on(debt).state == "voided" and plan_items(debt)[0].paid_minor == paid
    books_agree()
