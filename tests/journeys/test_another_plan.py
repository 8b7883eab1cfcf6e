"""Somebody puts another plan together in place of a running one: the old one ends with the agreement, never before."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal.db import session
from portal.debts.statement import Standing
from portal.lenders.models import Lender
from portal.plans.models import Plan
from portal.plans.progress import items_of
from tests.conftest import Clock
from tests.factories import LIMITS_WITH_CHANGES, a_debt, a_lender
from tests.journeys.acts import (
    Stripe,
    acts_of,
    agree,
    books_agree,
    come_in,
    command,
    go_pay,
    press,
    shown_change,
    sign,
    to_check,
    work,
)
from tests.pages import CheckingClient, page_of


@pytest.fixture
def lender(app: Flask) -> Lender:
    """A lender whose plans may be changed, and three plans of a debt made in twelve months."""
    return a_lender(limits=LIMITS_WITH_CHANGES)


def words_of(page: TestResponse) -> str:
    return re.sub(r"\s+", " ", page_of(page).words)


def plans_on(debt: Standing) -> list[Plan]:
    session.rollback()
    found = select(Plan).where(Plan.lender_id == debt.lender_id, Plan.debt_id == debt.id).order_by(Plan.agreed_at)
    return list(session.scalars(found.order_by(Plan.id)))


def states(debt: Standing) -> list[str]:
    return [plan.state for plan in plans_on(debt)]


def want_another(client: CheckingClient, reference: str) -> TestResponse:
    return press(client, client.get(f"/plans/{reference}/another"))


def test_another_plan_takes_the_place_of_the_first_when_it_is_agreed_to(
    client: CheckingClient, debt: Standing, lender: Lender, stripe: Stripe
) -> None:
    come_in(client, debt)
    first = agree(client, debt).reference
    assert "None of this fits: make another plan" in words_of(client.get(f"/plans/{first}/change"))
    # Nobody is led to another plan without having asked for it.
    assert client.get(f"/debts/{debt.reference}/what-can-you-afford").location.endswith(f"/plans/{first}")
    asked = client.get(f"/plans/{first}/another")
    assert "In any twelve months 3 plans of a debt can be made here. You have made 1, with this one." in words_of(asked)
    amount = press(client, asked)
    assert amount.request.path.endswith("/what-can-you-afford")
    assert f"Your plan {first} goes on until you agree to another one." in words_of(amount)
    check = to_check(client, debt, amount="60", pay_day="20")
    said = f"When you agree to this plan, your plan {first} ends, and this one begins in its place."
    assert said in words_of(check)
    assert states(debt) == ["agreed"]
    page = sign(client, check)
    old, new = plans_on(debt)
    old_reference, new_items = old.reference, [item.amount_minor for item in items_of(new)]
    assert (old.state, new.state) == ("superseded", "agreed")
    assert page.request.path == f"/plans/{new.reference}"
    assert set(new_items[:-1]) == {6000}
    assert said in new.agreed_text
    counted = acts_of(lender.id)
    assert (counted["plan_agreed"], counted["another_plan_wanted"], counted["plan_moved"]) == (2, 1, 1)
    assert "Your plan was replaced by another one" in words_of(client.get("/timeline"))
    assert "nothing of it can be changed" in words_of(client.get(f"/plans/{old_reference}/change"))
    books_agree()
    # What is paid now is for the new one.
    stripe.pay(go_pay(client, debt, choice="next"))
    stripe.settle()
    assert [sum(item.paid_minor for item in items_of(plan)) for plan in plans_on(debt)] == [0, 6000]
    books_agree()


def test_what_was_only_looked_at_changes_nothing(
    client: CheckingClient, debt: Standing, clock: Clock, app: Flask
) -> None:
    come_in(client, debt)
    first = agree(client, debt).reference
    want_another(client, first)
    check = to_check(client, debt, amount="60", pay_day="25")
    clock.forward(days=8)
    come_in(client, debt)
    # The way to other plans is closed again; the offer that was made is kept to.
    assert client.get(f"/debts/{debt.reference}/what-can-you-afford").location.endswith(f"/plans/{first}")
    assert states(debt) == ["agreed"]
    still = client.get(check.request.path)
    assert still.status_code == 200 and f"your plan {first} ends" in words_of(still)
    done = command(app, "nightly")
    assert done.exit_code == 0, done.output
    work(app)
    # Meanwhile the plan goes on, and its first payment has not come.
    assert states(debt) == ["grace"]
    books_agree()


def test_two_offers_in_place_of_one_plan_make_one(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    first = agree(client, debt).reference
    want_another(client, first)
    tabs = [to_check(client, debt, amount=amount) for amount in ("60", "70")]
    page = sign(client, tabs[1])
    assert states(debt) == ["superseded", "agreed"]
    again = client.get(tabs[0].request.path, follow_redirects=True)
    assert again.request.path == page.request.path
    assert states(debt) == ["superseded", "agreed"]
    books_agree()


def test_a_change_of_a_plan_that_was_replaced_meanwhile_is_refused(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    first = agree(client, debt).reference
    shown = shown_change(client, plans_on(debt)[0], "pay-day", pay_day="20")
    form = dict(next(form for form in page_of(shown).forms if "shown" in form.names).fields)
    want_another(client, first)
    sign(client, to_check(client, debt, amount="60"))
    late = client.post(shown.request.path, data=form)
    assert late.status_code == 422 and "nothing of it can be changed" in words_of(late)
    assert [plan.changes for plan in plans_on(debt)] == [0, 0]
    ended = client.get(f"/plans/{first}/end")
    assert ended.status_code == 303
    books_agree()


def test_as_many_plans_as_the_lender_allows_and_then_a_person(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    agree(client, debt)
    for amount in ("90", "80"):
        want_another(client, plans_on(debt)[-1].reference)
        sign(client, to_check(client, debt, amount=amount))
    assert states(debt) == ["superseded", "superseded", "agreed"]
    third = plans_on(debt)[-1].reference
    asked = client.get(f"/plans/{third}/another")
    assert "as many plans for this debt as can be made here" in words_of(asked)
    assert "make another plan" not in words_of(client.get(f"/plans/{third}/change"))
    token = dict(page_of(client.get(f"/plans/{third}/end")).forms[0].fields)["csrf_token"]
    assert client.post(f"/plans/{third}/another", data={"csrf_token": token}).status_code == 422
    assert plans_on(debt)[-1].replacing_until is None
    books_agree()


def test_a_lender_without_a_rule_for_new_plans_offers_none(client: CheckingClient) -> None:
    debt = a_debt("900.00", lender=a_lender())
    come_in(client, debt)
    plan = agree(client, debt)
    assert "Your lender does not offer this for your plan." in words_of(client.get(f"/plans/{plan.reference}/another"))
