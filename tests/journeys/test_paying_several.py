"""One payment for several debts of one person, shared by his own choice: one page at Stripe, one act in all books."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from portal.care import requests
from portal.care.states import Kind
from portal.db import session, transaction
from portal.debts.statement import Standing
from portal.evidence.record import Actor
from portal.ledger import Account, Posting, Transfer
from portal.lenders.models import Lender
from portal.letters import issue
from portal.letters.models import IssuedLetter
from portal.payments.models import MoneyEffect, Payment, PaymentPart
from portal.points.award import balance_of
from tests.factories import a_debt, a_debtor, a_lender
from tests.journeys.acts import (
    Stripe,
    acts_of,
    agree,
    books_agree,
    come_in,
    command,
    now,
    plan_items,
    plan_on,
    read_pdf,
    rows,
    to_pay,
    usd,
    work,
)
from tests.pages import CheckingClient, page_of

Debts = tuple[Standing, Standing, Standing]


@pytest.fixture
def debts(lender: Lender) -> Debts:
    """Three debts of one person: 900.00, 300.00 and 60.00."""
    debtor = a_debtor(lender=lender)
    return (
        a_debt("900.00", debtor=debtor, product="Card", reference="A-1"),
        a_debt("300.00", debtor=debtor, product="Loan", reference="B/2", interest="12.00"),
        a_debt("60.00", debtor=debtor, product="Phone", reference="C 3"),
    )


def only_payment() -> Payment:
    session.rollback()
    return session.scalars(select(Payment)).one()


def share_of(debt: Standing) -> str:
    return f"share_{debt.id.hex}"


def to_shares(client: CheckingClient, amount: str) -> TestResponse:
    return client.fill(client.get("/pay/several"), {"choice": "other", "amount": amount})


def to_check(client: CheckingClient, amount: str, shares: dict[str, str]) -> TestResponse:
    return client.fill(to_shares(client, amount), {"amount": amount} | shares)


def send(client: CheckingClient, shown: TestResponse) -> TestResponse:
    """Press the button of the page that shows what is paid."""
    assert page_of(shown).says("Check your payment"), page_of(shown).words
    return client.fill(shown, {"checked": "1"}, follow=False)


def pay(client: CheckingClient, debts: Debts, *amounts: str) -> str:
    """Share an amount by hand, and give the address of the hosted page."""
    total = str(sum((usd(amount) for amount in amounts), usd("0")).amount)
    chosen = {share_of(debt): amount for debt, amount in zip(debts, amounts, strict=True)}
    sent = send(client, to_check(client, total, chosen))
    assert sent.status_code == 303 and "/c/pay/" in sent.location, page_of(sent).words
    return sent.location


def points(debt: Standing) -> int:
    return balance_of(lender_id=debt.lender_id, debtor_id=debt.debtor_id)


def test_an_amount_is_shared_checked_paid_once_and_stands_in_every_book(
    client: CheckingClient, debts: Debts, stripe: Stripe, app: Flask
) -> None:
    stripe.sandbox.delivery("hostile")
    come_in(client, debts[0])
    plan = agree(client, debts[0])
    choose = client.get("/pay")
    assert page_of(choose).says("One payment for your 3 debts in USD")
    shown = to_shares(client, "400")
    # What is due next comes first, and the rest goes where it costs most; all of these cost the same.
    form = next(form for form in page_of(shown).forms if share_of(debts[0]) in form.names)
    suggested = {name: value for name, value in form.fields if name.startswith("share_")}
    assert sum((usd(value) for value in suggested.values()), usd("0")) == usd("400")
    assert usd(suggested[share_of(debts[0])]) >= usd("100")
    checked = client.fill(shown, {share_of(debts[0]): "150", share_of(debts[1]): "250,00", share_of(debts[2]): ""})
    page = page_of(checked)
    assert page.says("Check your payment") and page.says("$400.00")
    assert page.says("It covers 1 payment of your plan.")
    assert page.says("Left after it") and page.says("$62.00")
    assert not page.says("Phone")
    assert session.scalar(select(func.count()).select_from(Payment)) == 0
    hosted = send(client, checked)
    assert stripe.sandbox.page(hosted.location)[1].count("Card A-1") >= 1
    assert "Loan B/2" in stripe.sandbox.page(hosted.location)[1]
    back = stripe.pay(hosted.location)
    stripe.settle()
    for event in stripe.sandbox.events():
        stripe.sandbox.redeliver(event["id"])
    stripe.settle()
    assert [now(debt).owed for debt in debts] == [usd("750.00"), usd("62.00"), usd("60.00")]
    assert session.scalar(select(func.count()).select_from(MoneyEffect)) == 1
    assert session.scalar(select(func.count()).select_from(Posting).where(Posting.kind == "payment")) == 1
    payment = only_payment()
    parts = session.scalars(select(PaymentPart).order_by(PaymentPart.place)).all()
    assert [(part.debt_id, part.amount_minor) for part in parts] == [(debts[0].id, 15_000), (debts[1].id, 25_000)]
    assert payment.amount_minor == sum(part.amount_minor for part in parts)
    assert [item.paid_minor for item in plan_items(debts[0])][:3] == [10_000, 5_000, 0]
    assert points(debts[0]) == 10
    assert acts_of(debts[0].lender_id)["payment_settled"] == 1
    result = page_of(client.get(back))
    assert result.says("Thank you. Your payment has arrived")
    assert result.says("$150.00") and result.says("$250.00")
    assert plan.reference in client.get("/home").get_data(as_text=True)
    for debt in debts[:2]:
        assert page_of(client.get(f"/debts/{debt.reference.replace('/', '~2F')}")).says("Your payment")
    books_agree()


def test_a_double_click_is_one_payment_and_another_sharing_is_another(
    client: CheckingClient, debts: Debts, stripe: Stripe
) -> None:
    come_in(client, debts[0])
    first_choice = {share_of(debts[0]): "50", share_of(debts[1]): "50", share_of(debts[2]): "0"}
    shown = to_shares(client, "100")
    checked = client.fill(shown, first_choice)
    first, second = send(client, checked), send(client, checked)
    assert first.location == second.location
    assert session.scalar(select(func.count()).select_from(Payment)) == 1
    # Back to the same form, and another choice: what was chosen is what is paid.
    other = send(client, client.fill(shown, first_choice | {share_of(debts[0]): "40", share_of(debts[2]): "10"}))
    assert other.location != first.location
    assert session.scalar(select(func.count()).select_from(Payment)) == 2
    stripe.pay(other.location)
    stripe.settle()
    assert [now(debt).owed for debt in debts] == [usd("860.00"), usd("262.00"), usd("50.00")]
    third = send(client, client.fill(shown, first_choice | {share_of(debts[0]): "40", share_of(debts[2]): "10"}))
    assert "/pay/result/" in third.location
    books_agree()


@pytest.mark.parametrize(
    ("shares", "why"),
    [
        (("50", "40", "0"), "The parts add up to $90.00, not to $100.00."),
        (("0", "0", "100"), "Phone: that is more than you owe. All that is left is $60.00."),
        (("40.50", "0", "59.50"), "Phone: that would leave only $0.50"),
        (("50", "fifty", "0"), "Enter the amount in numbers"),
        (("50", "-50", "100"), "Enter an amount above zero."),
        (("1.050", "50", "0"), "This can be read in two ways. For $1,050.00 write 1050. For $1.05 write 1.05."),
        (("50", "€50", "0"), "What you owe is in US dollars. Enter the amount in US dollars."),
        (("<script>alert(1)</script>", "50", "0"), "Enter the amount in numbers"),
        (("50" * 50_000, "50", "0"), "That is too long for an amount."),
        (("", "", ""), "The parts add up to $0.00, not to $100.00."),
    ],
)
def test_shares_that_cannot_be_paid_say_why_and_keep_what_was_typed(
    client: CheckingClient, debts: Debts, stripe: Stripe, shares: tuple[str, str, str], why: str
) -> None:
    come_in(client, debts[0])
    chosen = {share_of(debt): amount for debt, amount in zip(debts, shares, strict=True)}
    # A browser sends no more than the application takes.
    if len(shares[0]) > 60_000:
        chosen[share_of(debts[0])] = shares[0][:30_000]
    answer = to_check(client, "100", chosen)
    assert answer.status_code == 422
    page = page_of(answer)
    assert page.says(why), page.words
    assert page.says("Please look at this again")
    form = next(form for form in page.forms if share_of(debts[0]) in form.names)
    assert dict(form.fields)[share_of(debts[1])] == shares[1]
    assert session.scalar(select(func.count()).select_from(Payment)) == 0


def test_sharing_again_takes_the_amount_that_is_typed_now(client: CheckingClient, debts: Debts, stripe: Stripe) -> None:
    come_in(client, debts[0])
    again = client.fill(to_shares(client, "100"), {"amount": "1.272,00", "again": "1"})
    form = next(form for form in page_of(again).forms if share_of(debts[0]) in form.names)
    values = dict(form.fields)
    assert [values[share_of(debt)] for debt in debts] == ["900", "312", "60"]
    too_much = client.fill(again, {"amount": "1300", "again": "1"})
    assert page_of(too_much).says("That is more than you owe. All that is left is $1,272.00.")


def test_a_debt_that_is_disputed_gets_nothing_unless_it_is_chosen_by_hand(
    client: CheckingClient, debts: Debts, stripe: Stripe, app: Flask
) -> None:
    with app.app_context(), transaction():
        requests.open_request(
            lender_id=debts[1].lender_id,
            debtor_id=debts[1].debtor_id,
            kind=Kind.WRONG_AMOUNT,
            debt_id=debts[1].id,
            words="It is less.",
            by=Actor("debtor", str(debts[1].debtor_id)),
            key="by a test",
        )
    come_in(client, debts[0])
    assert page_of(client.get("/pay/several")).says("$960.00")
    shown = to_shares(client, "960")
    assert page_of(shown).says("You told us that this is wrong. You don’t have to pay it while we look at it.")
    form = next(form for form in page_of(shown).forms if share_of(debts[0]) in form.names)
    assert dict(form.fields)[share_of(debts[1])] == "0"
    url = pay(client, debts, "10", "20", "30")
    stripe.pay(url)
    stripe.settle()
    assert [now(debt).owed for debt in debts] == [usd("890.00"), usd("292.00"), usd("30.00")]


def test_a_refund_comes_from_the_last_debt_first_and_each_book_plan_and_letter_follows(
    client: CheckingClient, debts: Debts, stripe: Stripe, app: Flask, lender: Lender
) -> None:
    come_in(client, debts[0])
    agree(client, debts[0])
    stripe.pay(pay(client, debts, "100", "50", "30"))
    stripe.settle()
    assert points(debts[0]) == 10
    reference = only_payment().reference

    def refund(*amount: str) -> list[str]:
        more = ("--amount", *amount) if amount else ()
        assert command(app, "refund", reference, "--lender", lender.slug, *more).exit_code == 0
        stripe.clock.forward(minutes=1)
        stripe.settle()
        books_agree()
        return [str(now(debt).owed.amount) for debt in debts]

    assert refund("20") == ["800.00", "262.00", "50.00"]
    assert refund("30") == ["800.00", "282.00", "60.00"]
    assert points(debts[0]) == 10
    assert refund() == ["900.00", "312.00", "60.00"]
    assert points(debts[0]) == 0
    assert plan_items(debts[0])[0].paid_minor == 0
    assert only_payment().state == "refunded"


def test_what_was_paid_too_much_goes_back_before_anything_else(
    client: CheckingClient, debts: Debts, stripe: Stripe, app: Flask, lender: Lender
) -> None:
    come_in(client, debts[0])
    # Two tabs, both paid at the same time: each was right when it was opened.
    first, second = pay(client, debts, "100", "0", "60"), pay(client, debts, "0", "10", "60")
    stripe.pay(first)
    stripe.pay(second)
    stripe.settle()
    paid_twice = session.scalars(select(Payment).order_by(Payment.id.desc()).limit(1)).one().reference
    assert (now(debts[2]).owed, now(debts[2]).credit) == (usd("0.00"), usd("60.00"))
    assert page_of(client.get("/home")).says("$60.00")
    books_agree()
    done = command(app, "refund", paid_twice, "--lender", lender.slug, "--amount", "60")
    assert done.exit_code == 0, done.output
    stripe.clock.forward(minutes=1)
    stripe.settle()
    assert (now(debts[2]).credit, now(debts[1]).owed) == (usd("0.00"), usd("302.00"))
    books_agree()


def test_each_debt_gets_a_receipt_of_its_own_and_only_what_went_back_is_withdrawn(
    client: CheckingClient, debts: Debts, stripe: Stripe, app: Flask, lender: Lender, tmp_path: Path
) -> None:
    come_in(client, debts[0])
    agree(client, debts[0])
    stripe.pay(pay(client, debts, "150", "0", "60"))
    stripe.settle()
    with app.app_context():
        payment = only_payment()
        payment_id = payment.id
        for debt in (debts[0], debts[2]):
            for _turn in range(2):
                issue.payment_receipt(lender_id=lender.id, payment_id=payment_id, debt_id=debt.id)
    letters = session.scalars(
        select(IssuedLetter).where(IssuedLetter.kind == "payment-receipt").order_by(IssuedLetter.id)
    ).all()
    assert [letter.debt_id for letter in letters] == [debts[0].id, debts[2].id]
    text = read_pdf(letters[0].pdf)
    assert "$150.00" in text and "$210.00" in text and "Each debt has a receipt of its own" in " ".join(text.split())
    assert "$60.00" in read_pdf(letters[1].pdf)
    number = letters[1].number
    assert command(app, "refund", payment.reference, "--lender", lender.slug, "--amount", "10").exit_code == 0
    stripe.clock.forward(minutes=1)
    stripe.settle()
    page = client.get("/letters").get_data(as_text=True)
    assert page.count("Taken back") == 1
    assert number in page


def test_money_that_does_not_fit_is_set_aside_and_touches_no_debt(
    client: CheckingClient, debts: Debts, stripe: Stripe
) -> None:
    come_in(client, debts[0])
    url = pay(client, debts, "10", "20", "30")
    with transaction() as s:
        s.execute(update(Payment).values(amount_minor=7_000))
    stripe.pay(url)
    stripe.settle()
    assert [now(debt).owed for debt in debts] == [usd("900.00"), usd("312.00"), usd("60.00")]
    assert session.scalars(
        select(Transfer.from_account).where(Transfer.to_account == Account.CASH_STRIPE.value)
    ).all() == [Account.SUSPENSE.value]
    books_agree()


def test_debts_of_two_currencies_are_never_in_one_payment(client: CheckingClient, debts: Debts, stripe: Stripe) -> None:
    other = a_lender(slug="yen", currency="JPY")
    a_debt("5000", lender=other)
    come_in(client, debts[0])
    assert client.get("/pay/several?currency=JPY").location == "/pay"
    assert client.get("/pay/several/shares?currency=JPY&amount=100").location == "/pay"
    assert client.get("/pay/several/shares?currency=USD&amount=nonsense").location.startswith("/pay/several")


def test_another_persons_debt_in_the_form_is_left_out_and_nothing_changes(
    client: CheckingClient, debts: Debts, stripe: Stripe, lender: Lender
) -> None:
    theirs = a_debt("500.00", lender=lender)
    come_in(client, debts[0])
    shown = to_shares(client, "100")
    before = rows()
    form = next(form for form in page_of(shown).forms if share_of(debts[0]) in form.names)
    values = dict(form.fields) | {share_of(theirs): "100", share_of(debts[0]): "0"}
    values |= {share_of(debts[1]): "0", share_of(debts[2]): "0", "checked": "1"}
    answer = client.post(f"{shown.request.path}?currency=USD&amount=10000", data=values)
    assert answer.status_code == 422
    assert rows() == before


def test_whoever_has_one_debt_is_not_asked_about_several(
    client: CheckingClient, debt: Standing, stripe: Stripe
) -> None:
    come_in(client, debt)
    assert client.get("/pay/several").location == "/pay"
    assert not page_of(to_pay(client, debt)).says("Pay several debts at once")


def test_what_is_late_can_be_paid_at_once(client: CheckingClient, debts: Debts, stripe: Stripe, app: Flask) -> None:
    come_in(client, debts[0])
    agree(client, debts[0])
    stripe.clock.set("2026-06-12T15:00+00:00")
    stripe.sandbox.set_clock(int(stripe.clock.at.timestamp()))
    command(app, "nightly")
    work(app)
    come_in(client, debts[0])
    page = page_of(to_pay(client, debts[0]))
    assert page.says("All that is late $200.00")
    assert page_of(client.get("/pay/several")).says("All that is late $200.00")
    shown = client.fill(client.get("/pay/several"), {"choice": "late"})
    form = next(form for form in page_of(shown).forms if share_of(debts[0]) in form.names)
    assert dict(form.fields)[share_of(debts[0])] == "200"
    stripe.pay(send(client, client.fill(shown, {"amount": "200"})).location)
    stripe.settle()
    assert plan_on(debts[0]).state == "active"
    books_agree()
