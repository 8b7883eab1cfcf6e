"""Ways to pay beside cards: wallets, vouchers paid at a shop, bank debits that take days and can come back."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from portal.db import session
from portal.debts.statement import Standing
from portal.ledger import Posting
from portal.lenders.models import Lender
from portal.letters.kept import no_longer_true
from portal.money import Money
from portal.payments.models import Dispute, MoneyEffect
from portal.payments.parts import receipt_cause
from portal.post.models import Message
from tests.conftest import Clock
from tests.factories import STANDARD_LIMITS, a_debt, a_lender
from tests.journeys.acts import (
    Stripe,
    acts_of,
    books_agree,
    come_in,
    command,
    go_pay,
    now,
    pay_form,
    payment_on,
    plan_items,
    plan_on,
    points,
    to_pay,
    usd,
    work,
)
from tests.pages import CheckingClient, page_of
from tests.settling import SETTLEMENTS, a_plan, a_settlement


@pytest.fixture
def currency(request: pytest.FixtureRequest) -> str:
    """The currency of the debt: dollars, or as a test says."""
    return str(getattr(request, "param", "USD"))


@pytest.fixture
def lender(app: Flask, currency: str) -> Lender:
    """One whose limits let people settle for less."""
    zone = {"MXN": "America/Mexico_City", "BRL": "America/Sao_Paulo", "SGD": "Asia/Singapore"}.get(currency)
    return a_lender(currency=currency, limits=STANDARD_LIMITS + SETTLEMENTS, zone=zone or "America/New_York")


@pytest.fixture
def settled_for_less(lender: Lender) -> Standing:
    """812.00, of which 806.00 in one payment is enough; agreed to."""
    debt = a_debt("800.00", lender=lender, interest="12.00")
    a_settlement(debt, pays="806.00")
    return debt


def told(debt: Standing, kind: str) -> list[str]:
    session.rollback()
    found = session.scalars(select(Message.body).where(Message.lender_id == debt.lender_id, Message.kind == kind))
    return [body.replace("\xa0", " ") for body in found]


def intent_of(debt: Standing) -> str:
    return payment_on(debt).payment_intent_id or ""


def night(app: Flask, stripe: Stripe, *, at: datetime | None = None) -> None:
    """Let a night pass, on both clocks."""
    if at is not None:
        stripe.clock.set(at)
        stripe.sandbox.set_clock(int(at.timestamp()) - 60)
    done = command(app, "nightly")
    assert done.exit_code == 0, done.output
    work(app)


def everything_again(stripe: Stripe) -> None:
    """Let Stripe tell all that it ever told, once more and the newest first."""
    for event in stripe.sandbox.events():
        stripe.sandbox.redeliver(event["id"])
    stripe.settle()


def let_off() -> int:
    """Count what was let off and stands."""
    session.rollback()
    kinds = session.scalars(select(Posting.kind).where(Posting.kind.in_(("waiver", "waiver_undone"))))
    return sum(1 if kind == "waiver" else -1 for kind in kinds)


# What is offered.


@pytest.mark.parametrize(
    ("currency", "has", "has_not"),
    [
        ("USD", ("Alipay", "WeChat Pay", "Bank debit"), ("OXXO", "Klarna")),
        ("SGD", ("PayNow", "Alipay"), ("Bank debit",)),
        ("MXN", ("OXXO",), ("Alipay", "Bank debit")),
        ("BRL", ("Pix", "Boleto"), ("OXXO",)),
    ],
    indirect=["currency"],
)
def test_the_currency_of_the_debt_decides_what_it_can_be_paid_with(
    client: CheckingClient, debt: Standing, stripe: Stripe, has: tuple[str, ...], has_not: tuple[str, ...]
) -> None:
    come_in(client, debt)
    shown = to_pay(client, debt)
    form = next(form for form in page_of(shown).forms if "form_key" in form.names)
    check = client.post(f"/pay?debt={debt.reference}", data=dict(form.fields) | {"choice": "other", "amount": "50"})
    before = page_of(check)
    assert before.says("Ways to pay, and when they arrive") and before.says("Debit card")
    _status, hosted = stripe.sandbox.page(go_pay(client, debt, amount="50"))
    for name in has:
        assert before.says(name), name
        assert name in hosted.replace("SEPA debit", "Bank debit"), name
    for name in has_not:
        assert not before.says(name), name
        assert name not in hosted, name


def test_nothing_borrowed_pays_a_debt_unless_the_lender_says_so(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask, lender: Lender
) -> None:
    come_in(client, debt)
    page = go_pay(client, debt, amount="50")
    assert stripe.sandbox.pay(page, "credit")[0] == 402
    assert stripe.sandbox.pay(page, "klarna")[0] == 402
    assert now(debt).owed == usd("900.00")
    shown = command(app, "lender", "ways", lender.slug)
    assert "credit cards are not taken, pay-later services are not" in shown.output
    assert "klarna" not in shown.output
    done = command(app, "lender", "ways", lender.slug, "--credit-cards", "--pay-later", "--without", "alipay")
    assert done.exit_code == 0 and "klarna" in done.output and "alipay" not in done.output
    assert acts_of(lender.id)["lender_ways_set"] == 1
    page = go_pay(client, debt, amount="60")
    assert stripe.sandbox.pay(page, "alipay")[0] == 402
    stripe.pay(page, "credit")
    stripe.pay(go_pay(client, debt, amount="70"), "klarna")
    stripe.settle()
    assert now(debt).owed == usd("770.00")
    assert command(app, "lender", "ways", lender.slug, "--without", "card").exit_code == 2
    assert command(app, "lender", "ways", "nobody").exit_code == 1
    books_agree()


@pytest.mark.parametrize(
    ("currency", "way"), [("USD", "alipay"), ("USD", "wechat_pay"), ("SGD", "paynow"), ("BRL", "pix")],
    indirect=["currency"],
)  # fmt: skip
def test_a_wallet_pays_at_once(client: CheckingClient, debt: Standing, stripe: Stripe, currency: str, way: str) -> None:
    stripe.sandbox.delivery("hostile")
    come_in(client, debt)
    back = stripe.pay(go_pay(client, debt, amount="50"), way)
    stripe.settle()
    everything_again(stripe)
    page = page_of(client.get(back))
    assert page.says("Thank you. Your payment has arrived")
    assert not page.says("take it back by itself")
    payment = payment_on(debt)
    assert (payment.method, payment.state, payment.returns_end_on) == (way, "succeeded", None)
    assert now(debt).owed == Money.of("850.00", currency)
    assert len(session.scalars(select(MoneyEffect)).all()) == 1
    books_agree()


# Vouchers.


@pytest.mark.parametrize("currency", ["MXN"], indirect=True)
def test_a_voucher_counts_on_the_day_on_which_it_was_paid(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask, clock: Clock
) -> None:
    # A plan whose first payment is on 10 May, a Sunday, and no later than the 15th.
    plan = a_plan(debt, zone="America/Mexico_City")
    session.expunge(plan)
    clock.set("2026-05-13T10:00-06:00")
    stripe.sandbox.set_clock(int(clock.at.timestamp()))
    come_in(client, debt)
    back = stripe.pay(go_pay(client, debt, choice="next"), "oxxo")
    stripe.settle()
    made = payment_on(debt)
    assert (made.state, made.method) == ("processing", "oxxo")
    assert made.voucher_until is not None and made.voucher_until.date() == date(2026, 5, 18)
    page = page_of(client.get(back))
    assert page.says("Your voucher is ready") and page.says("Nothing is paid yet.")
    assert page.says("Pay it by 18 May 2026. It counts on the day on which you pay it.")
    assert any(href == made.voucher_url for href, _words in page.links)
    assert [len(told(debt, kind)) for kind in ("payment_on_its_way", "payment_received")] == [1, 0]
    assert "18 May 2026" in told(debt, "payment_on_its_way")[0]
    assert page_of(to_pay(client, debt)).says("A voucher of")
    assert now(debt).owed == Money.of("900.00", "MXN")
    # While it can be paid nobody is called late, and nothing is kept before it is.
    night(app, stripe, at=clock.at + timedelta(days=4))
    assert (plan_on(debt).state, points(debt)) == ("active", 0)
    # Paid at the shop in time, on the 15th; the shop tells of it on Monday, when the days of grace are over.
    clock.set("2026-05-18T11:00-06:00")
    stripe.sandbox.set_clock(int(clock.at.timestamp()) - 60)
    stripe.sandbox.settle_payment(intent_of(debt), succeeds=True)
    stripe.sandbox.delivery("hostile")
    stripe.settle()
    everything_again(stripe)
    paid = payment_on(debt)
    assert paid.paid_at is not None and paid.paid_at.astimezone(UTC).date() == date(2026, 5, 14)
    assert paid.settled_at is not None and paid.settled_at.date() == date(2026, 5, 18)
    assert plan_items(debt)[0].kept_at is not None
    assert (plan_on(debt).state, points(debt)) == ("active", 10)
    come_in(client, debt)
    assert page_of(client.get(back)).says("It counts as paid on 14 May 2026.")
    assert len(session.scalars(select(MoneyEffect)).all()) == 1
    books_agree()


@pytest.mark.parametrize(("currency", "way"), [("MXN", "oxxo"), ("BRL", "boleto")], indirect=["currency"])
@pytest.mark.parametrize("mode", ["normal", "lost"])
def test_a_voucher_that_nobody_pays_ends_and_takes_nothing(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask, clock: Clock, way: str, mode: str
) -> None:
    come_in(client, debt)
    back = stripe.pay(go_pay(client, debt, amount="200"), way)
    stripe.settle()
    assert payment_on(debt).state == "processing"
    stripe.sandbox.delivery(mode)
    # It can be paid until the 9th; the stand-in's clock ends it the day after.
    clock.forward(days=5, hours=12)
    come_in(client, debt)
    assert page_of(client.get(back)).says("The last day to pay the voucher was")
    night(app, stripe, at=clock.at + timedelta(days=1))
    stripe.deliver()
    work(app)
    night(app, stripe)
    come_in(client, debt)
    page = page_of(client.get(back))
    assert payment_on(debt).state == "failed"
    assert page.says("The voucher was not paid in time, so it has ended.")
    assert page.says("No money was taken.")
    assert "was not paid in time" in told(debt, "payment_failed")[0]
    assert now(debt).owed.minor == 90_000
    # If it was paid after all, and told late, it counts.
    stripe.sandbox.delivery("normal")
    again = stripe.pay(go_pay(client, debt, amount="100"), way)
    stripe.sandbox.settle_payment(
        next(e["data"]["object"]["id"] for e in stripe.sandbox.events("payment_intent.requires_action")),
        succeeds=True,
    )  # fmt: skip
    clock.forward(minutes=1)
    stripe.settle()
    assert page_of(client.get(again)).says("Thank you. Your payment has arrived")
    assert now(debt).owed.minor == 80_000
    books_agree()


# Bank debits.


def test_a_bank_debit_is_shown_step_by_step_with_its_days(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask, clock: Clock
) -> None:
    come_in(client, debt)
    back = stripe.pay(go_pay(client, debt, amount="50"), "bank")
    stripe.settle()
    page = page_of(client.get(back))
    # Today is Monday, 4 May 2026.
    assert page.says("You sent it on 4 May 2026. It counts from that day.")
    assert page.says("Your bank is working on it.") and page.says("It usually arrives by 8 May 2026.")
    assert page.says("From 8 July 2026 on your bank can’t take it back by itself any more.")
    assert "8 May 2026" in told(debt, "payment_on_its_way")[0]
    # By its own clock it arrives after four days.
    night(app, stripe, at=clock.at + timedelta(days=4, hours=1))
    stripe.settle()
    come_in(client, debt)
    page = page_of(client.get(back))
    assert page.says("Your bank has answered.") and page.says("It arrived on 8 May 2026.")
    assert page.says("From 8 July 2026 on")
    assert payment_on(debt).returns_end_on == date(2026, 7, 7)
    assert now(debt).owed == usd("850.00")
    clock.forward(days=61)
    come_in(client, debt)
    assert page_of(client.get(back)).says("Since 8 July 2026 your bank can’t take it back")
    books_agree()


def test_a_debit_that_fails_some_days_later_leaves_everything_as_it_was(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask, clock: Clock
) -> None:
    come_in(client, debt)
    back = stripe.pay(go_pay(client, debt, amount="50"), "bank_fails")
    stripe.settle()
    night(app, stripe, at=clock.at + timedelta(days=4, hours=1))
    stripe.settle()
    come_in(client, debt)
    assert page_of(client.get(back)).says("The payment did not go through")
    assert (payment_on(debt).state, now(debt).owed) == ("failed", usd("900.00"))
    assert len(told(debt, "payment_failed")) == 1
    books_agree()


@pytest.mark.parametrize("mode", ["normal", "hostile", "lost"])
def test_what_is_let_off_waits_until_the_bank_cant_take_the_payment_back(
    client: CheckingClient, settled_for_less: Standing, stripe: Stripe, app: Flask, clock: Clock, mode: str
) -> None:
    debt = settled_for_less
    stripe.sandbox.delivery(mode)
    come_in(client, debt)
    stripe.pay(go_pay(client, debt, choice="next"), "bank")
    night(app, stripe)
    night(app, stripe, at=clock.at + timedelta(days=4, hours=1))
    stripe.settle()
    night(app, stripe)
    # It is here, the debtor owes nothing more, and nothing is let off yet.
    assert payment_on(debt).state == "succeeded"
    assert (plan_on(debt).state, let_off(), now(debt).owed) == ("active", 0, usd("6.00"))
    come_in(client, debt)
    page = page_of(client.get(f"/plans/{plan_on(debt).reference}"))
    assert page.says("All of it is paid") and page.says("until 7 July 2026")
    assert client.get(f"/pay?debt={debt.reference}").status_code == 303, "nobody is asked for what is let off"
    home = page_of(client.get("/home"))
    assert not home.says("Make a plan")
    assert home.says("The $6.00 that are left are let off after 7 July 2026")
    books_agree()
    night(app, stripe, at=datetime(2026, 7, 7, 12, tzinfo=UTC))
    assert (plan_on(debt).state, let_off()) == ("active", 0), "the bank still can, on its last day"
    for _turn in range(2):
        night(app, stripe, at=clock.at + timedelta(days=1))
    assert (plan_on(debt).state, let_off(), now(debt).owed) == ("completed", 1, usd("0.00"))
    books_agree()
    # Much later it comes back all the same: everything follows, once.
    stripe.sandbox.dispute(intent_of(debt), reason="debit_not_authorized")
    stripe.sandbox.delivery("normal")
    clock.forward(minutes=1)
    everything_again(stripe)
    everything_again(stripe)
    assert (let_off(), now(debt).owed) == (0, usd("812.00"))
    assert plan_on(debt).state != "completed"
    books_agree()


@pytest.mark.parametrize("mode", ["normal", "hostile", "lost"])
def test_a_debit_that_comes_back_in_its_window_lets_nothing_off_and_everybody_knows(
    client: CheckingClient, settled_for_less: Standing, stripe: Stripe, app: Flask, clock: Clock, mode: str
) -> None:
    debt = settled_for_less
    come_in(client, debt)
    back = stripe.pay(go_pay(client, debt, choice="next"), "bank")
    stripe.settle()
    night(app, stripe, at=clock.at + timedelta(days=4, hours=1))
    stripe.settle()
    work(app, letters=True)
    assert (payment_on(debt).state, points(debt)) == ("succeeded", 10)
    assert now(debt).owed == usd("6.00")
    stripe.sandbox.delivery(mode)
    clock.forward(days=20)
    stripe.sandbox.set_clock(int(clock.at.timestamp()) - 60)
    stripe.sandbox.dispute(intent_of(debt), reason="insufficient_funds")
    stripe.settle()
    if mode == "lost":
        # Nobody told; on the last day that the bank had, it is looked at once more.
        assert payment_on(debt).state == "succeeded"
        night(app, stripe, at=datetime(2026, 7, 7, 12, tzinfo=UTC))
    stripe.sandbox.delivery("normal")
    everything_again(stripe)
    row = session.scalars(select(Dispute)).one()
    assert (row.state, payment_on(debt).state) == ("lost", "refunded")
    assert (now(debt).owed, points(debt), let_off()) == (usd("812.00"), 0, 0)
    assert plan_items(debt)[0].kept_at is None
    assert len(told(debt, "debit_returned")) == 1
    come_in(client, debt)
    assert page_of(client.get(back)).says("given back to you")
    gone = no_longer_true(lender_id=debt.lender_id, debtor_id=debt.debtor_id)
    assert receipt_cause(payment_on(debt).id, debt.id, alone=True) in gone
    night(app, stripe, at=clock.at + timedelta(days=70))
    assert (let_off(), plan_on(debt).state == "completed") == (0, False)
    books_agree()


def test_a_refund_of_a_settlement_takes_back_what_was_let_off(
    client: CheckingClient, settled_for_less: Standing, stripe: Stripe, app: Flask, lender: Lender
) -> None:
    debt = settled_for_less
    come_in(client, debt)
    back = stripe.pay(go_pay(client, debt, choice="next"))
    stripe.settle()
    # A card's money is there: it is let off at once.
    assert (plan_on(debt).state, let_off(), now(debt).owed) == ("completed", 1, usd("0.00"))
    for part, owed in (("30.00", "36.00"), ("", "812.00")):
        how = ("--amount", part) if part else ()
        assert command(app, "refund", payment_on(debt).reference, "--lender", lender.slug, *how).exit_code == 0
        stripe.clock.forward(minutes=1)
        stripe.settle()
        assert (let_off(), now(debt).owed) == (0, usd(owed)), "with any part of it, the whole promise is open again"
        assert plan_on(debt).state != "completed"
        books_agree()
    assert page_of(client.get(back)).says("All of it was given back.")
    assert acts_of(lender.id)["waived"] == acts_of(lender.id)["waiver_undone"] == 1
    books_agree()


# Stripe is down.


def test_stripe_down_while_a_voucher_waits_loses_nothing(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask
) -> None:
    come_in(client, debt)
    stripe.sandbox.fail_next("500", count=4, path="/v1/checkout/sessions", method="POST")
    down = pay_form(client, to_pay(client, debt), debt, amount="50")
    assert down.status_code == 503
    assert page_of(down).says("No money was taken, and nothing is lost.")
    stripe.sandbox.heal()
    back = stripe.pay(go_pay(client, debt, amount="50"), "bank")
    stripe.settle()
    stripe.sandbox.settle_payment(intent_of(debt), succeeds=True)
    stripe.clock.forward(minutes=1)
    stripe.sandbox.fail_next("500", count=8, path="/v1/payment_intents", method="GET")
    stripe.settle()
    assert payment_on(debt).state == "processing"
    assert page_of(client.get(back)).says("Your payment is on its way")
    stripe.sandbox.heal()
    stripe.clock.forward(minutes=5)
    work(app)
    assert page_of(client.get(back)).says("Thank you. Your payment has arrived")
    books_agree()
