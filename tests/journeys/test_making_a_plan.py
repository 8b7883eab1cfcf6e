"""Making a plan: what was shown is what is agreed; two tabs, the back button and jumping ahead lead somewhere good."""

from __future__ import annotations

import csv
import io
import re

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from portal import ledger
from portal.db import session, transaction
from portal.debts.statement import Standing
from portal.ledger import Account, Move
from portal.lenders.models import Lender
from portal.people.models import Debtor
from portal.plans.models import Plan, Proposal, Quote
from tests.conftest import Clock
from tests.factories import STANDARD_LIMITS, a_debt, a_lender, some_limits
from tests.journeys.acts import (
    acts_of,
    agree,
    books_agree,
    come_in,
    command,
    give_code,
    plan_items,
    plan_on,
    press,
    rows,
    sign,
    to_check,
    to_choices,
    usd,
)
from tests.pages import CheckingClient, page_of


def post_a_fee(debt: Standing) -> None:
    with transaction():
        ledger.post(
            lender_id=debt.lender_id,
            kind="adjustment",
            cause="a fee by a test",
            moves=[Move(debt.id, Account.ADJUSTMENT, Account.FEES, usd("5.00"))],
            on=debt.as_of,
        )


def plans() -> int:
    session.rollback()
    return session.scalar(select(func.count()).select_from(Plan)) or 0


def test_what_was_shown_is_agreed_even_when_the_limits_have_changed_since(
    client: CheckingClient, debt: Standing, lender: Lender
) -> None:
    come_in(client, debt)
    shown = to_check(client, debt)
    quoted = session.scalars(select(Quote.terms)).one()["items"]
    some_limits(STANDARD_LIMITS.replace("amount = 25", "amount = 400"), lender=lender)
    again = client.get(shown.request.path)
    assert again.status_code == 200
    sign(client, again)
    agreed = [
        [item.seq, item.due_on.isoformat(), item.amount_minor, item.principal_minor, item.interest_minor]
        for item in plan_items(debt)
    ]
    assert agreed == quoted
    # Whoever asks now is answered by the new limits.
    other = a_debt("900.00", lender=lender)
    come_in(client, other)
    assert page_of(to_choices(client, other)).says("What would work: $400.00 a month.")
    books_agree()


def test_the_text_that_was_agreed_to_is_kept_word_for_word(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    page = page_of(to_check(client, debt))
    agree(client, debt)
    for line in plan_on(debt).agreed_text.splitlines():
        if not re.match(r"\d+\. ", line):
            assert page.says(line.replace("\t", " ")), line


def test_a_quote_holds_until_it_expires_and_not_longer(client: CheckingClient, debt: Standing, clock: Clock) -> None:
    come_in(client, debt)
    path = to_check(client, debt, pay_day="30").request.path
    clock.forward(days=13, hours=23)
    come_in(client, debt)
    assert client.get(path).status_code == 200
    clock.forward(hours=1, minutes=1)
    come_in(client, debt)
    gone = client.get(path, follow_redirects=True)
    assert gone.request.path.endswith("/choose-a-plan")
    assert page_of(gone).says("This offer no longer holds")


def test_a_quote_is_never_good_beyond_its_first_payment(client: CheckingClient, debt: Standing, clock: Clock) -> None:
    come_in(client, debt)
    path = to_check(client, debt, pay_day="6").request.path
    clock.set("2026-05-07T03:59:00+00:00")
    come_in(client, debt)
    assert client.get(path).status_code == 200
    clock.set("2026-05-07T04:01:00+00:00")
    come_in(client, debt)
    assert client.get(path).location.endswith("/choose-a-plan")


def test_a_posting_voids_a_quote_at_every_step(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    shown = to_check(client, debt)
    post_a_fee(debt)
    answer = sign(client, shown)
    assert answer.request.path.endswith("/choose-a-plan")
    assert page_of(answer).says("This offer no longer holds")
    assert plans() == 0
    assert client.get(shown.request.path).location.endswith("/choose-a-plan")


def test_agreeing_twice_is_agreeing_once(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    give_code(client)
    shown = to_check(client, debt)
    first, second = press(client, shown), press(client, shown)
    assert first.request.path == second.request.path == f"/plans/{plan_on(debt).reference}"
    assert plans() == 1
    assert acts_of(debt.lender_id)["plan_agreed"] == 1


def test_two_quotes_in_two_tabs_make_one_plan(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    give_code(client)
    first, second = to_check(client, debt), to_check(client, debt, amount="120")
    press(client, first)
    answer = press(client, second)
    assert answer.request.path == f"/plans/{plan_on(debt).reference}"
    assert plans() == 1
    assert plan_items(debt)[0].amount_minor == 10_000
    assert sorted(session.scalars(select(Quote.state))) == ["accepted", "void"]


def test_the_back_button_after_agreeing_leads_to_the_plan(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    check = to_check(client, debt)
    sign(client, check)
    plan = f"/plans/{plan_on(debt).reference}"
    before = rows()
    for page in ("what-can-you-afford", "which-day-suits-you", "choose-a-plan"):
        assert client.get(f"/debts/{debt.reference}/{page}").location == plan
    assert client.get(check.request.path).location == plan
    assert sign(client, check).request.path == plan
    assert rows() == before


def test_whoever_jumps_ahead_is_led_to_the_last_page_that_he_can_answer(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    where = f"/debts/{debt.reference}"
    assert client.get(f"{where}/which-day-suits-you").location == f"{where}/what-can-you-afford"
    assert client.get(f"{where}/choose-a-plan").location == f"{where}/what-can-you-afford"
    assert client.get(f"{where}/sent-to-a-person").location == f"{where}/choose-a-plan"
    asked = client.get(f"{where}/what-can-you-afford")
    client.fill(asked, {"amount": "100", "frequency": "monthly"})
    ahead = client.get(f"{where}/choose-a-plan", follow_redirects=True)
    assert ahead.request.path == f"{where}/which-day-suits-you"
    assert client.get(f"{where}/check-your-plan/Q-NOPE").status_code == 404
    assert plans() == 0


def test_below_the_least_payment_it_says_why_and_what_would_work(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    page = to_choices(client, debt, amount="10")
    assert page_of(page).says("Not quite, but there are ways that work.")
    assert page_of(page).says("It would take longer than your lender allows in a usual plan.")
    assert page_of(page).says("What would work:")
    offers = [value for form in page_of(page).forms for name, value in form.buttons if name == "choose"]
    assert offers and "own" not in offers
    # What is offered is accepted when it is chosen.
    chosen = client.fill(page, {"choose": offers[0]})
    assert "/check-your-plan/" in chosen.request.path


@pytest.mark.parametrize(("below", "above"), [("4.75", "5.25"), ("7.00", "24.00"), ("1.00", "3.00")])
def test_no_answer_gives_the_hardship_band_away(client: CheckingClient, debt: Standing, below: str, above: str) -> None:
    come_in(client, debt)
    said = []
    for amount in (below, above):
        page = page_of(to_choices(client, debt, amount=amount))
        said.append(" ".join(page.words.split()).replace(f"${amount}", "AMOUNT"))
        assert not page.says("hardship") and not page.says("60 payments")
    # Below and above what hardship would allow (5.00): word for word the same but for the amount itself.
    assert said[0] == said[1]


def test_an_offer_to_a_person_is_sent_once_and_waits_in_the_list(
    client: CheckingClient, debt: Standing, lender: Lender, app: Flask
) -> None:
    with transaction() as s:
        s.execute(update(Debtor).where(Debtor.id == debt.debtor_id).values(name="=1+1"))
    come_in(client, debt)
    page = to_choices(client, debt, amount="10")
    first = client.fill(page, {"send": ""})
    second = client.fill(page, {"send": ""})
    assert first.request.path == second.request.path == f"/debts/{debt.reference}/sent-to-a-person"
    number = re.findall(r"R-\w{4}-\w{4}-\w{2}", first.get_data(as_text=True))[0]
    listed = list(csv.reader(io.StringIO(command(app, "offers", "--lender", lender.slug).output)))
    assert len(listed) == 2
    assert listed[1][0] == number
    # A spreadsheet runs nothing of it.
    assert listed[1][1:6] == [debt.reference, "'=1+1", "10.00", "USD", "monthly"]
    # Monday's offer is answered by Wednesday.
    assert listed[1][7] == "2026-05-06"
    assert page_of(first).says("6 May 2026")
    assert acts_of(lender.id)["offer_sent_to_person"] == 1


@pytest.mark.parametrize(
    ("typed", "minor"),
    [("62,50", 6_250), ("$62.50", 6_250), ("１００", 10_000), ("100.-", 10_000), ("1,200", 120_000), ("-50", None)],
)
def test_amounts_in_local_forms(client: CheckingClient, debt: Standing, typed: str, minor: int | None) -> None:
    come_in(client, debt)
    asked = client.get(f"/debts/{debt.reference}/what-can-you-afford")
    answer = client.fill(asked, {"amount": typed, "frequency": "monthly"})
    if minor is None:
        assert answer.status_code == 422
        assert page_of(answer).says("Enter an amount above zero.")
    else:
        assert session.scalars(select(Proposal.amount_minor)).one() == minor


@pytest.mark.parametrize(("frequency", "pay_day"), [("weekly", "5"), ("fortnightly", "1"), ("monthly", "31")])
def test_each_rhythm_leads_to_a_plan(client: CheckingClient, debt: Standing, frequency: str, pay_day: str) -> None:
    come_in(client, debt)
    agree(client, debt, amount="60", frequency=frequency, pay_day=pay_day)
    items = plan_items(debt)
    assert sum(item.principal_minor for item in items) == 90_000
    if frequency == "monthly":
        assert [item.due_on.day for item in items[:3]] == [31, 30, 31]
    else:
        assert {item.due_on.isoweekday() for item in items} == {int(pay_day)}
    books_agree()


@pytest.mark.parametrize(
    ("frequency", "amount", "pay_day", "days"),
    [
        ("four_weekly", "80", "5", {28}),
        ("twice_a_month", "60", "31", {13, 14, 15, 16}),
        ("quarterly", "150", "31", {90, 91, 92, 89}),
    ],
)
def test_a_rhythm_that_the_lender_adds_leads_to_a_plan(
    client: CheckingClient, debt: Standing, lender: Lender, frequency: str, amount: str, pay_day: str, days: set[int]
) -> None:
    some_limits(STANDARD_LIMITS.replace('"fortnightly", "monthly"', f'"{frequency}", "monthly"'), lender=lender)
    come_in(client, debt)
    agree(client, debt, amount=amount, frequency=frequency, pay_day=pay_day)
    items = plan_items(debt)
    assert sum(item.principal_minor for item in items) == 90_000
    gaps = {(other.due_on - one.due_on).days for one, other in zip(items, items[1:], strict=False)}
    assert gaps <= days
    books_agree()


@pytest.mark.parametrize("pay_day", ["0", "32", "x", ""])
def test_a_day_that_is_none_is_asked_for_again(client: CheckingClient, debt: Standing, pay_day: str) -> None:
    come_in(client, debt)
    asked = client.get(f"/debts/{debt.reference}/what-can-you-afford")
    day = client.fill(asked, {"amount": "100", "frequency": "monthly"})
    answer = client.fill(day, {"pay_day": pay_day})
    assert answer.status_code == 422
    assert page_of(answer).says("Enter a day of the month, 1 to 31.")


def test_choosing_nothing_or_what_is_not_there_asks_again(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    page = to_choices(client, debt)
    before = rows()
    answer = client.fill(page, {"choose": "an offer that nobody made"})
    assert page_of(answer).says("Please choose one of the plans.")
    assert rows() == before


def test_a_debt_without_limits_leads_to_a_person(client: CheckingClient, app: Flask) -> None:
    from_nowhere = a_debt("900.00", lender=_lender_without_limits())
    come_in(client, from_nowhere)
    answer = client.get(f"/debts/{from_nowhere.reference}/what-can-you-afford", follow_redirects=True)
    assert answer.request.path == f"/debts/{from_nowhere.reference}"
    assert page_of(answer).says("Please talk to us: we look for a way together.")


def _lender_without_limits() -> Lender:
    return a_lender(limits=None)
