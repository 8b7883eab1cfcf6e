"""Another person's debt, plan, quote, payment or letter in an address: it doesn't exist, and nothing changes."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from portal.db import session
from portal.debts.statement import Standing
from portal.lenders.models import Lender
from portal.letters.models import IssuedLetter
from portal.people.models import Debtor
from portal.plans.models import Quote
from tests.factories import a_debt, a_lender
from tests.journeys.acts import (
    Stripe,
    agree,
    come_in,
    give_code,
    go_pay,
    payment_on,
    plan_on,
    rows,
    to_check,
    to_choices,
    work,
)
from tests.pages import CheckingClient, page_of


@pytest.fixture
def theirs(app: Flask, lender: Lender, stripe: Stripe) -> dict[str, str]:
    """Everything that somebody else has, by what stands in addresses."""
    debt = a_debt("700.00", lender=lender)
    browser = app.test_client()
    assert isinstance(browser, CheckingClient)
    come_in(browser, debt)
    agree(browser, debt)
    stripe.pay(go_pay(browser, debt, choice="next"))
    stripe.deliver()
    work(app, letters=True)
    open_one = a_debt("650.00", lender=lender)
    come_in(browser, open_one)
    to_check(browser, open_one)
    return {
        "debt": debt.reference,
        "plan": plan_on(debt).reference,
        "payment": payment_on(debt).reference,
        "letter": session.scalars(select(IssuedLetter.number).limit(1)).one(),
        "quoted": open_one.reference,
        "quote": session.scalars(select(Quote.number).where(Quote.debt_id == open_one.id)).one(),
    }


def test_what_is_somebody_elses_does_not_exist(client: CheckingClient, debt: Standing, theirs: dict[str, str]) -> None:
    come_in(client, debt)
    give_code(client)
    token = next(v for form in page_of(client.get("/home")).forms for n, v in form.fields if n == "csrf_token")
    before = rows()
    pages = [
        f"/debts/{theirs['debt']}",
        f"/debts/{theirs['quoted']}/what-can-you-afford",
        f"/debts/{theirs['quoted']}/which-day-suits-you",
        f"/debts/{theirs['quoted']}/choose-a-plan",
        f"/debts/{theirs['quoted']}/sent-to-a-person",
        f"/debts/{theirs['quoted']}/granted",
        f"/debts/{theirs['quoted']}/check-your-plan/{theirs['quote']}",
        # A good reference of one's own does not open somebody else's quote.
        f"/debts/{debt.reference}/check-your-plan/{theirs['quote']}",
        f"/debts/{theirs['debt']}/pay-off",
        f"/debts/{theirs['debt']}/changes.csv",
        f"/timeline?debt={theirs['debt']}",
        f"/timeline.csv?debt={theirs['debt']}",
        f"/plans/{theirs['plan']}",
        f"/plans/{theirs['plan']}/dates.ics",
        f"/plans/{theirs['plan']}/payments.csv",
        f"/pay?debt={theirs['debt']}",
        f"/pay/result/{theirs['payment']}",
        f"/letters/{theirs['letter']}.pdf",
    ]
    for page in pages:
        assert client.get(page).status_code == 404, page
    for page, data in (
        (f"/debts/{theirs['quoted']}/what-can-you-afford", {"amount": "50", "frequency": "monthly"}),
        (f"/debts/{theirs['quoted']}/which-day-suits-you", {"pay_day": "3"}),
        (f"/debts/{theirs['quoted']}/choose-a-plan", {"choose": "own"}),
        (f"/debts/{theirs['quoted']}/choose-a-plan", {"send": ""}),
        (f"/debts/{theirs['quoted']}/check-your-plan/{theirs['quote']}", {}),
        (f"/debts/{debt.reference}/check-your-plan/{theirs['quote']}", {}),
        (f"/debts/{theirs['quoted']}/check-your-plan/{theirs['quote']}", {"again": "1"}),
        (f"/debts/{debt.reference}/check-your-plan/{theirs['quote']}", {"code": "123456"}),
        (f"/pay?debt={theirs['debt']}", {"choice": "all", "form_key": "0" * 32}),
        (f"/pay?debt={theirs['debt']}", {"exact": "100", "form_key": "0" * 32, "checked": "1"}),
        ("/letters/ask", {"debt": theirs["debt"]}),
    ):
        assert client.post(page, data={"csrf_token": token, **data}).status_code == 404, page
    assert rows() == before


def test_what_does_not_exist_looks_like_what_is_somebody_elses(
    client: CheckingClient, debt: Standing, lender: Lender
) -> None:
    other = a_debt(lender=lender)
    come_in(client, debt)
    theirs, nobodys = client.get(f"/debts/{other.reference}"), client.get("/debts/D-00000")
    assert (theirs.status_code, nobodys.status_code) == (404, 404)
    assert page_of(theirs).words.split() == page_of(nobodys).words.split()


def test_two_lenders_with_the_same_reference_stay_apart(client: CheckingClient, app: Flask) -> None:
    first, second = a_lender(), a_lender()
    mine = a_debt("100.00", lender=first, reference="SAME-1")
    theirs = a_debt("200.00", lender=second, reference="SAME-1")
    come_in(client, mine)
    assert page_of(client.get("/debts/SAME-1")).says("$100.00")
    to_choices(client, mine, amount="50")
    assert session.scalars(select(Debtor.id).where(Debtor.lender_id == second.id)).one() == theirs.debtor_id
    come_in(client, theirs)
    page = page_of(client.get("/debts/SAME-1"))
    assert page.says("$200.00") and not page.says("$100.00")
    # What was asked for one of them does not stand on the page of the other.
    assert client.get("/debts/SAME-1/choose-a-plan").location.endswith("/what-can-you-afford")


def test_pages_of_accounts_are_closed_to_strangers_and_never_kept(client: CheckingClient, debt: Standing) -> None:
    for page in ("/home", f"/debts/{debt.reference}", "/pay", "/points", "/letters", "/plans/PL-1", "/pay/result/P-1"):
        answer = client.get(page)
        assert (answer.status_code, answer.location) == (303, "/sign-in"), page
    come_in(client, debt)
    for page in ("/home", f"/debts/{debt.reference}", "/points"):
        assert client.get(page).headers["Cache-Control"] == "no-store"
