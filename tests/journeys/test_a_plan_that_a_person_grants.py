"""An offer that only a person can say yes to: sent, granted by command, read, agreed to, and its first payment paid."""

from __future__ import annotations

import re
from itertools import groupby

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal.db import session
from portal.debts.statement import Standing
from portal.lenders.models import Lender
from portal.offers.answers import Kind
from portal.post.models import Message
from tests.conftest import Clock
from tests.factories import a_debt, a_debtor, a_lender
from tests.journeys.acts import (
    Stripe,
    books_agree,
    come_in,
    command,
    go_pay,
    payment_on,
    plan_items,
    plan_on,
    read_pdf,
    rows,
    sign,
    to_choices,
    work,
)
from tests.pages import CheckingClient, page_of

# 24 months need nobody and 36 a person; in hardship 60 months. That interest rests for half a year a person decides.
LIMITS = """
name = "With a person"
effective_from = 2026-01-01

[[card]]
name = "All debts"
frequencies = ["monthly"]
first_payment_within_days = 45
accept_alone_up_to_months = 24
offer_valid_days = 14

[card.least_payment]
amount = 10
percent_of_balance = 0
hardship_amount = 1

[card.longest_term_months]
standard = 36
hardship = 60

[card.interest]
policy = "contract"

[card.interest_freeze]
most_months = 6

[card.discount]
most_instalments = 6

[[card.discount.bands]]
days_late_from = 0
lump_percent = 30
staged_percent = 20

[card.discount.ceilings]
penalty = 100
principal = 30

[card.keeping]
grace_days = 5
tolerance = 1
cure_days = 30

[card.affordability]
keep_back_percent = 10
round_down_to = 1

[card.decide]
alone_up_to_discount_percent = 10
person_up_to_discount_percent = 30
"""


@pytest.fixture
def lender() -> Lender:
    """One whose cards leave something to a person."""
    return a_lender(limits=LIMITS)


def sent(client: CheckingClient, debt: Standing, *, amount: str) -> str:
    """Ask for a payment of an amount a month, and send it to a person; gives the number of the request."""
    return send(client, to_choices(client, debt, amount=amount))


def send(client: CheckingClient, choices: TestResponse) -> str:
    """Send what was asked for to a person; gives the number of the request."""
    return re.findall(r"\bR(?:-[0-9A-Z]{4}){2}-[0-9A-Z]{2}\b", client.fill(choices, {"send": ""}).text)[0]


def said(app: Flask, lender: Lender, number: str, *words: str) -> str:
    """Type the command about an offer; gives what it says."""
    return command(app, "offer-grant", number, "--lender", lender.slug, *words).output


def looked_at(client: CheckingClient, number: str, words: str = "See what works now") -> TestResponse:
    """Read the answer to an offer, and go on from there."""
    links = page_of(client.get(f"/requests/{number}")).links
    return client.get(next(href for href, label in links if label == words), follow_redirects=True)


def steps(debt: Standing) -> list[tuple[int, int]]:
    """Give how often which amount is paid in the plan on a debt, in minor units."""
    return [(len(list(run)), amount) for amount, run in groupby(item.amount_minor for item in plan_items(debt))]


def lender_of(debt: Standing) -> Lender:
    """Give the lender of a debt."""
    return session.get_one(Lender, debt.lender_id)


YES = ("--words", "Yes. Take your time.", "--by", "Kim")


@pytest.mark.parametrize(
    ("language", "works", "amount"),
    [("en", "See what works now", "$35.00"), ("zh_Hans", "查看现在可行的方案", "US$35.00")],
)
def test_the_whole_way_from_an_offer_to_its_first_payment(
    app: Flask, client: CheckingClient, lender: Lender, stripe: Stripe, language: str, works: str, amount: str
) -> None:
    name = "Robin Example (made up)" if language == "en" else "陈示例（虚构）"
    debt = a_debt("900.00", lender=lender, debtor=a_debtor(lender=lender, name=name, language=language))
    come_in(client, debt)
    number = sent(client, debt, amount="35")

    # 35.00 a month takes 33 months, of which 24 need nobody.
    listed = said(app, lender, number)
    assert listed.startswith("nearest: 32 x 35.00, 1 x "), listed
    assert "Granted as Q-" in said(app, lender, number, "--plan", "nearest", *YES)
    assert "waits for a person" in said(app, lender, number, "--plan", "nearest", *YES)
    assert number not in command(app, "offers", "--lender", lender.slug).output
    work(app)
    told = session.scalars(select(Message.body).where(Message.kind == "request_answered")).all()
    assert len(told) == 1 and number in str(told[0])

    assert "Yes. Take your time." in client.get(f"/requests/{number}").text
    shown = client.get(f"/debts/{debt.reference}/choose-a-plan")
    assert f"/debts/{debt.reference}/granted" in {href for href, _words in page_of(shown).links}
    # What has its answer is not sent again, by a second tab either.
    assert not any(name == "send" for form in page_of(shown).forms for name, _value in form.buttons)
    token = dict(page_of(shown).forms[0].fields)["csrf_token"]
    again = client.post(shown.request.path, data={"csrf_token": token, "send": ""}, follow_redirects=True)
    assert again.request.path == f"/requests/{number}"
    check = looked_at(client, number, works)
    assert "/check-your-plan/" in check.request.path and page_of(check).says(amount)
    agreed = sign(client, client.fill(check, {"again": "1"}))
    plan = plan_on(debt)
    assert agreed.request.path == f"/plans/{plan.reference}"
    assert steps(debt)[0] == (32, 3_500) and len(plan_items(debt)) == 33

    client.get(stripe.pay(go_pay(client, debt, choice="next")))
    stripe.settle()
    work(app, letters=True)
    assert payment_on(debt).state == "succeeded" and [item.paid_minor for item in plan_items(debt)][:2] == [3_500, 0]
    listed_letters = page_of(client.get("/letters"))
    letters = [read_pdf(client.get(href).data) for href, _words in listed_letters.links if href.endswith(".pdf")]
    agreement = next(text for text in letters if plan.reference in text and amount in text)
    assert "A computer program made this offer" not in agreement and "电脑程序" not in agreement
    books_agree()


def test_in_hardship_what_is_affordable_is_granted_without_interest(
    app: Flask, client: CheckingClient, lender: Lender
) -> None:
    """40.00 are left over, of which 10% stay: 36.00 at most; the usual plan asks for 54.24 and 60 months for 25.00."""
    debt = a_debt("1500.00", lender=a_lender(limits=LIMITS, jurisdiction="AU"))
    come_in(client, debt)
    to_choices(client, debt, amount="30")
    client.fill(client.get(f"/debts/{debt.reference}/your-budget"), {"earnings": "1040", "home": "1000"})
    shown = client.get(f"/debts/{debt.reference}/choose-a-plan")
    assert page_of(shown).says("This is for a person to decide.")
    number = send(client, shown)
    slug = lender_of(debt).slug
    listed = command(app, "offer-grant", number, "--lender", slug).output
    assert listed.startswith("nearest: 50 x 30.00, monthly, 1500.00 USD in all"), listed
    assert "Granted" in command(app, "offer-grant", number, "--lender", slug, "--plan", "nearest", *YES).output
    check = page_of(looked_at(client, number))
    assert check.says("Interest in this plan None") and check.says("No interest is added while this plan runs.")
    assert check.says("When the plan has ended, interest runs as in your contract again: 18% a year.")


def test_a_pause_of_interest_is_granted_and_says_until_when_and_what_comes_after(
    app: Flask, client: CheckingClient
) -> None:
    debt = a_debt("900.00", lender=a_lender(limits=LIMITS, jurisdiction="AU"))
    come_in(client, debt)
    to_choices(client, debt, amount="20")
    client.fill(client.get(f"/debts/{debt.reference}/your-budget"), {"earnings": "1200", "home": "1000"})
    number = send(client, client.get(f"/debts/{debt.reference}/choose-a-plan"))
    slug = lender_of(debt).slug
    named = Kind.WITHOUT_INTEREST_FOR_A_WHILE.value
    listed = command(app, "offer-grant", number, "--lender", slug).output
    assert f"\n{named}: " in listed, listed
    assert "Granted" in command(app, "offer-grant", number, "--lender", slug, "--plan", named, *YES).output
    check = looked_at(client, number)
    page = page_of(check)
    assert page.says("No interest runs until 10 November 2026. After that day it is 18% a year."), page.words
    sign(client, client.fill(check, {"again": "1"}))
    assert plan_on(debt).kind == "interest_freeze"
    books_agree()


def test_a_deeper_settlement_is_granted_and_says_what_it_may_mean_for_taxes(
    app: Flask, client: CheckingClient, lender: Lender
) -> None:
    debt = a_debt("900.00", penalty="100.00", lender=lender)
    come_in(client, debt)
    asked = client.get(f"/debts/{debt.reference}/ways-to-pay/pay-less-and-be-done")
    number = send(client, client.fill(asked, {"amount": "800", "pay_by": "2026-05-06"}))
    # A week is left to read the answer in, whatever day was asked for.
    listed = said(app, lender, number)
    assert listed.startswith("nearest: 1 x 800.00, monthly, 800.00 USD in all, 2026-05-11 to 2026-05-11"), listed
    assert "Granted" in said(app, lender, number, "--plan", "nearest", *YES)
    check = looked_at(client, number)
    tax = "Tax What is let off may count as income when you do your taxes."
    assert page_of(check).says("Let off in this plan $200.00") and page_of(check).says(tax)
    sign(client, client.fill(check, {"again": "1"}))
    assert "may count as income" in plan_on(debt).agreed_text


def test_nothing_beyond_the_card_is_granted_and_no_offer_twice(
    app: Flask, client: CheckingClient, lender: Lender
) -> None:
    debt = a_debt("900.00", lender=lender)
    come_in(client, debt)
    number = sent(client, debt, amount="35")
    quotes = rows()["quote"]
    for words, says in (
        (("--plan", "token", *YES), "The card doesn't allow 'token' now. What may be granted: nearest."),
        (("--plan", "nearest"), "An answer has words"),
    ):
        assert says in said(app, lender, number, *words)
    assert "No offer 'R-0' of" in said(app, lender, "R-0")
    other = a_lender(slug="other", limits=LIMITS)
    assert f"No offer '{number}' of {other.slug} waits" in said(app, other, number)
    assert rows()["quote"] == quotes
    # Answered in words alone there is no plan to agree to, and the page of choices is where it goes on.
    command(app, "requests", "answer", number, "--words", "Not now.", "--by", "Kim")
    assert "waits for a person" in said(app, lender, number)
    assert looked_at(client, number).request.path == f"/debts/{debt.reference}/choose-a-plan"


def test_a_dispute_shuts_the_door_to_what_was_granted_and_to_granting(
    app: Flask, client: CheckingClient, lender: Lender, clock: Clock
) -> None:
    first, second = (a_debt("900.00", lender=lender) for _ in range(2))
    numbers = []
    for debt in (first, second):
        come_in(client, debt)
        numbers.append(sent(client, debt, amount="35"))
    said(app, lender, numbers[1], "--plan", "nearest", *YES)
    clock.forward(minutes=1)
    for debt in (first, second):
        come_in(client, debt)
        client.fill(client.get(f"/help/not-mine?debt={debt.reference}"), {"words": "It is not mine."})
    assert "nothing: answer it in words" in said(app, lender, numbers[0], "--plan", "nearest", *YES)
    assert "/check-your-plan/" not in looked_at(client, numbers[1]).request.path
