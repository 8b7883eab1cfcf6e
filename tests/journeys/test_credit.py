"""Money that was paid too much is used for a debt by a tap and a check page, once, and goes back where it came from."""

from __future__ import annotations

import threading

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from portal.db import session, transaction
from portal.debts.statement import Standing, by_id
from portal.evidence.record import Actor
from portal.ledger import Account, Figures, Posting, restate
from portal.lenders.models import Lender
from portal.letters import issue
from portal.letters.models import IssuedLetter
from portal.payments import credit, stripe_gateway
from portal.payments.models import CreditUse
from tests.conftest import Clock
from tests.factories import a_debt, a_debtor, a_lender, some_credit
from tests.journeys.acts import (
    Stripe,
    acts_of,
    agree,
    books_agree,
    come_in,
    command,
    go_pay,
    now,
    payment_on,
    plan_items,
    plan_on,
    points,
    read_pdf,
    rows,
    usd,
)
from tests.pages import CheckingClient, page_of

Two = tuple[Standing, Standing]


@pytest.fixture
def two(lender: Lender) -> Two:
    """A card of 60.00 and a loan of 250.00, of which 12.50 is interest, of one person."""
    debtor = a_debtor(lender=lender)
    return (
        a_debt("60.00", debtor=debtor, product="Card", reference="A-1"),
        a_debt("237.50", debtor=debtor, product="Loan", reference="B-2", interest="12.50"),
    )


def too_much(client: CheckingClient, stripe: Stripe, debt: Standing, *, beyond: str = "20") -> None:
    """Pay all of a debt, and something in a second tab, so that there is credit."""
    first, second = go_pay(client, debt, choice="all"), go_pay(client, debt, amount=beyond)
    stripe.pay(first)
    stripe.pay(second)
    stripe.settle()
    assert (now(debt).owed, now(debt).credit) == (usd("0.00"), usd(beyond))


def to_check(client: CheckingClient, source: Standing, target: Standing) -> TestResponse:
    """Go from home to the page where the use is checked, by its links."""
    home = page_of(client.get("/home"))
    [credit_page] = {href for href, _words in home.links if href == "/credit"}
    wanted = f"/debts/{source.reference}/use-credit-for/{target.reference}"
    assert wanted in {href for href, _words in page_of(client.get(credit_page)).links}
    return client.get(wanted)


def press(client: CheckingClient, shown: TestResponse) -> TestResponse:
    return client.fill(shown, to=shown.request.path)


def standing(*debts: Standing) -> list[tuple[str, str]]:
    return [(str(now(debt).owed.amount), str(now(debt).credit.amount)) for debt in debts]


def uses() -> int:
    session.rollback()
    return session.scalar(select(func.count()).select_from(CreditUse)) or 0


def refund(app: Flask, debt: Standing, *amount: str) -> None:
    slug = session.get_one(Lender, debt.lender_id).slug
    more = ("--amount", *amount) if amount else ()
    done = command(app, "refund", payment_on(debt).reference, "--lender", slug, *more)
    assert done.exit_code == 0, done.output


def test_credit_is_used_for_another_debt_after_a_page_that_says_what_comes_of_it(
    client: CheckingClient, two: Two, stripe: Stripe
) -> None:
    card, loan = two
    come_in(client, card)
    too_much(client, stripe, card)
    check = to_check(client, card, loan)
    page = page_of(check)
    for words in ("$20.00", "Card · A-1", "Loan · B-2", "$230.00", "$0.00"):
        assert page.says(words), words
    assert standing(card, loan) == [("0.00", "20.00"), ("250.00", "0.00")]
    done = press(client, check)
    assert done.request.path == f"/debts/{loan.reference}"
    assert page_of(done).says("$20.00 is used for Loan.")
    assert standing(card, loan) == [("0.00", "0.00"), ("230.00", "0.00")]
    # In the order of the law: interest before what was borrowed.
    assert now(loan).parts[Account.INTEREST] == usd("0.00")
    assert acts_of(card.lender_id)["credit_used"] == 1
    assert page_of(client.get(f"/debts/{card.reference}")).says("Money that you had with us was used")
    assert page_of(client.get("/timeline")).says("You used $20.00 of the money that you had with us")
    assert page_of(client.get(f"/timeline?debt={loan.reference}")).says("You used $20.00")
    assert page_of(client.get("/credit")).says("There is no money of yours with us")
    assert not page_of(client.get("/home")).says("You have money with us")
    books_agree()


def test_both_statements_add_up_and_name_it(client: CheckingClient, two: Two, stripe: Stripe, app: Flask) -> None:
    card, loan = two
    come_in(client, card)
    too_much(client, stripe, card)
    press(client, to_check(client, card, loan))
    # A letter whose lines don't give its last balance is refused.
    with app.app_context():
        for number, debt in enumerate(two):
            issue.statement(lender_id=debt.lender_id, debt_id=debt.id, cause=f"statement:{number}")
    session.rollback()
    said = {letter.debt_id: read_pdf(letter.pdf) for letter in session.scalars(select(IssuedLetter))}
    # Columns are narrow, so the words stand on several lines.
    for text in said.values():
        assert "SET_OFF" in text and "Money that you" in text
    books_agree()


def test_two_clicks_and_two_tabs_use_it_once(client: CheckingClient, two: Two, stripe: Stripe) -> None:
    card, loan = two
    come_in(client, card)
    too_much(client, stripe, card)
    one, other = to_check(client, card, loan), to_check(client, card, loan)
    assert press(client, one).request.path == f"/debts/{loan.reference}"
    before = rows()
    # The same form again says the same, and does nothing.
    assert page_of(press(client, one)).says("$20.00 is used for Loan.")
    # Another tab finds nothing left.
    assert page_of(press(client, other)).says("There is nothing left to use")
    after = rows()
    assert (uses(), standing(card, loan)) == (1, [("0.00", "0.00"), ("230.00", "0.00")])
    assert {name for name in before if before[name] != after[name]} <= {"user_session"}
    books_agree()


def test_what_changed_meanwhile_is_shown_again_and_nothing_is_used(
    client: CheckingClient, two: Two, stripe: Stripe
) -> None:
    card, loan = two
    come_in(client, card)
    too_much(client, stripe, card)
    check = to_check(client, card, loan)
    with transaction():
        figures = {Account.PRINCIPAL: 500}
        restate(
            lender_id=loan.lender_id,
            figures=[Figures(debt_id=loan.id, currency="USD", parts=figures)],
            cause="a file",
            on=loan.as_of,
        )
    again = press(client, check)
    assert again.status_code == 422
    assert page_of(again).says("has changed meanwhile") and page_of(again).says("$5.00")
    assert uses() == 0
    press(client, again)
    assert standing(card, loan) == [("0.00", "15.00"), ("0.00", "0.00")]
    books_agree()


@pytest.mark.parametrize("exact", ["", "0", "-2000", "1", "1999", "2001", "99999999", "x", "20.00"])
def test_another_amount_than_what_was_shown_is_never_used(
    client: CheckingClient, two: Two, stripe: Stripe, exact: str
) -> None:
    card, loan = two
    come_in(client, card)
    some_credit(card, "20.00")
    shown = client.get(f"/debts/{card.reference}/use-credit-for/{loan.reference}")
    assert client.fill(shown, {"exact": exact}, to=shown.request.path).status_code == 422
    assert client.fill(shown, {"form_key": "no key"}, to=shown.request.path).status_code == 422
    assert uses() == 0
    books_agree()


def test_credit_of_a_debt_that_is_owed_again_is_used_for_itself(
    client: CheckingClient, two: Two, stripe: Stripe
) -> None:
    card, _loan = two
    come_in(client, card)
    too_much(client, stripe, card)
    with transaction():
        figures = {Account.PRINCIPAL: 2_500, Account.FEES: 500}
        restate(
            lender_id=card.lender_id,
            figures=[Figures(debt_id=card.id, currency="USD", parts=figures)],
            cause="a file",
            on=card.as_of,
        )
    assert standing(card) == [("30.00", "20.00")]
    press(client, to_check(client, card, card))
    assert standing(card) == [("10.00", "0.00")]
    assert now(card).parts[Account.FEES] == usd("0.00")
    page = page_of(client.get(f"/debts/{card.reference}"))
    assert page.says("Money that you had with us was used")
    books_agree()


def test_it_counts_for_the_plan_of_the_debt_and_earns_its_points(
    client: CheckingClient, two: Two, stripe: Stripe, app: Flask, clock: Clock
) -> None:
    card, loan = two
    come_in(client, card)
    agree(client, loan, amount="50")
    too_much(client, stripe, card, beyond="60")
    check = to_check(client, card, loan)
    assert page_of(check).says("It covers 1 payment of your plan.")
    before = points(loan)
    press(client, check)
    items = plan_items(loan)
    assert (items[0].paid_minor, items[1].paid_minor) == (5_000, 1_000)
    assert items[0].kept_at is not None and items[1].kept_at is None
    assert plan_on(loan).state == "active" and points(loan) == before + 10
    assert page_of(client.get(f"/plans/{plan_on(loan).reference}")).says("Money that you had with us was used")
    books_agree()
    # Counted anew at night, it stands.
    clock.forward(days=1)
    assert command(app, "nightly").exit_code == 0
    assert plan_items(loan)[0].paid_minor == 5_000
    books_agree()


def test_a_plan_that_it_pays_off_is_done(client: CheckingClient, two: Two, stripe: Stripe) -> None:
    card, loan = two
    come_in(client, card)
    agree(client, loan, amount="50")
    some_credit(card, "400.00")
    check = to_check(client, card, loan)
    assert page_of(check).says("Then your plan is done.")
    press(client, check)
    assert plan_on(loan).state == "completed"
    assert standing(loan)[0][0] == "0.00"
    books_agree()


def test_when_the_payment_goes_back_what_it_paid_is_owed_again(
    client: CheckingClient, two: Two, stripe: Stripe, app: Flask
) -> None:
    card, loan = two
    come_in(client, card)
    agree(client, loan, amount="50")
    too_much(client, stripe, card, beyond="60")
    press(client, to_check(client, card, loan))
    assert (standing(card, loan), points(loan)) == ([("0.00", "0.00"), ("190.00", "0.00")], 10)
    # The newest payment brought the credit; all of it is given back.
    refund(app, card)
    stripe.clock.forward(minutes=1)
    stripe.settle()
    assert standing(card, loan) == [("0.00", "0.00"), ("250.00", "0.00")]
    assert (plan_items(loan)[0].paid_minor, points(loan)) == (0, 0)
    assert acts_of(card.lender_id)["credit_use_undone"] == 1
    assert page_of(client.get("/timeline")).says("is owed again, because the payment it came from was given back")
    books_agree()
    undone = session.scalars(select(Posting).where(Posting.kind == "set_off_undone")).one()
    assert undone.corrects_id == session.scalars(select(CreditUse.posting_id)).one()
    # Told again and again, it happens once.
    for event in stripe.sandbox.events():
        stripe.sandbox.redeliver(event["id"])
    stripe.settle()
    assert standing(card, loan) == [("0.00", "0.00"), ("250.00", "0.00")]
    books_agree()


def test_a_part_that_goes_back_takes_only_the_newest_use_and_leaves_the_rest_as_credit(
    client: CheckingClient, lender: Lender, stripe: Stripe, app: Flask
) -> None:
    debtor = a_debtor(lender=lender)
    card = a_debt("60.00", debtor=debtor, product="Card", reference="A-1")
    small = a_debt("15.00", debtor=debtor, product="Phone", reference="C-3")
    loan = a_debt("237.50", debtor=debtor, product="Loan", reference="D-4")
    come_in(client, card)
    too_much(client, stripe, card, beyond="40")
    press(client, to_check(client, card, small))
    stripe.clock.forward(minutes=1)
    press(client, to_check(client, card, loan))
    assert standing(card, small, loan) == [("0.00", "0.00"), ("0.00", "0.00"), ("212.50", "0.00")]
    refund(app, card, "10.00")
    stripe.clock.forward(minutes=1)
    stripe.settle()
    assert standing(card, small, loan) == [("0.00", "15.00"), ("0.00", "0.00"), ("237.50", "0.00")]
    books_agree()
    # What is credit again can be used again.
    press(client, to_check(client, card, loan))
    assert standing(card, loan) == [("0.00", "0.00"), ("222.50", "0.00")]
    books_agree()


def test_a_refund_that_fails_afterwards_makes_it_credit_again(
    client: CheckingClient, two: Two, stripe: Stripe, app: Flask
) -> None:
    card, loan = two
    come_in(client, card)
    too_much(client, stripe, card)
    press(client, to_check(client, card, loan))
    refund(app, card)
    stripe.clock.forward(minutes=1)
    stripe.settle()
    intent = payment_on(card).payment_intent_id or ""
    [given] = stripe_gateway.read_payment(stripe.account, payment_intent_id=intent).refunds
    session.rollback()
    stripe.sandbox.settle_refund(given.id, succeeds=False)
    stripe.clock.forward(minutes=1)
    stripe.settle()
    assert standing(card, loan) == [("0.00", "20.00"), ("250.00", "0.00")]
    books_agree()


def now_in(debt: Standing) -> Standing:
    return by_id(lender_id=debt.lender_id, debt_id=debt.id)


# What must not be.


def test_credit_is_never_used_between_people_lenders_or_currencies(
    client: CheckingClient, two: Two, lender: Lender
) -> None:
    card, _loan = two
    some_credit(card, "20.00")
    other_person, other_lender = a_debt("100.00", lender=lender), a_debt("100.00", lender=a_lender())
    come_in(client, card)
    before = rows()
    for theirs in (other_person, other_lender):
        for path in (
            f"/debts/{card.reference}/use-credit-for/{theirs.reference}",
            f"/debts/{theirs.reference}/use-credit-for/{card.reference}",
        ):
            assert client.get(path).status_code == 404
        with pytest.raises(ValueError, match="same person"), transaction():
            credit.use(
                source=now(card),
                target=now(theirs),
                amount=usd("20.00"),
                form_key="k",
                today=card.as_of,
                by=Actor("debtor", "x"),
            )
    assert credit.possible(credit=usd("20.00"), owed=now(other_person).owed) == usd("20.00")
    assert rows() == before
    assert not page_of(client.get("/credit")).says(other_person.reference)


def test_a_debt_that_is_disputed_is_not_offered(client: CheckingClient, two: Two) -> None:
    card, loan = two
    some_credit(card, "20.00")
    come_in(client, card)
    shown = client.get(f"/help/not-mine?debt={loan.reference}")
    client.fill(shown, {}, to=shown.request.path)
    wanted = f"/debts/{card.reference}/use-credit-for/{loan.reference}"
    assert wanted not in {href for href, _words in page_of(client.get("/credit")).links}
    # Whoever wants to all the same is told what it can mean.
    assert page_of(client.get(wanted)).says("You don’t have to pay now.")


def test_two_forms_at_the_same_moment_use_it_once(real_app: Flask) -> None:
    lender = a_lender()
    debtor = a_debtor(lender=lender)
    card, loan, phone = (a_debt(owed, debtor=debtor) for owed in ("10.00", "250.00", "250.00"))
    some_credit(card, "20.00")
    together = threading.Barrier(6)
    done: list[object] = []

    def click(target: Standing, key: str) -> None:
        together.wait()
        with real_app.app_context():
            with transaction():
                done.append(
                    credit.use(
                        source=now_in(card),
                        target=now_in(target),
                        amount=usd("20.00"),
                        form_key=key,
                        today=card.as_of,
                        by=Actor("debtor", "x"),
                    )
                )
            session.remove()

    clicks = [
        threading.Thread(target=click, args=(target, key))
        for target, key in ((loan, "1"), (loan, "1"), (loan, "2"), (phone, "3"), (phone, "3"), (phone, "4"))
    ]
    for each in clicks:
        each.start()
    for each in clicks:
        each.join(timeout=60)
    assert len(done) == 6
    assert sum(isinstance(each, credit.Used) for each in done) == 1
    assert uses() == 1
    assert now(card).credit == usd("0.00")
    assert now(loan).owed + now(phone).owed == usd("480.00")
    books_agree()
