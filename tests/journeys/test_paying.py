"""Money that comes, does not come, comes late, goes back: books, plan, points and pages follow each once."""

from __future__ import annotations

import json
import time
from datetime import date

import pytest
import stripe as sdk
from flask import Flask
from sqlalchemy import func, select, update

from portal import queue
from portal.db import session, transaction
from portal.debts.statement import Standing
from portal.ledger import Account, Posting, Transfer
from portal.lenders.models import Lender
from portal.payments import settle, stripe_gateway
from portal.payments.models import MoneyEffect, Payment, WebhookEvent
from portal.payments.stripe_gateway import RefundStatus
from portal.people.models import Debtor
from portal.points.models import PointsEntry
from portal.queue import QueuedJob
from tests.conftest import Clock
from tests.factories import a_debt, a_lender
from tests.journeys.acts import (
    Stripe,
    acts_of,
    agree,
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
    rows,
    to_pay,
    usd,
    work,
)
from tests.pages import CheckingClient, page_of
from tests.settling import a_payment, a_plan, stripe_says


def nightly(app: Flask) -> None:
    done = command(app, "nightly")
    assert done.exit_code == 0, done.output
    work(app)


def refund(app: Flask, debt: Standing, lender: Lender, *amount: str) -> str:
    more = ("--amount", *amount) if amount else ()
    done = command(app, "refund", payment_on(debt).reference, "--lender", lender.slug, *more)
    assert done.exit_code == 0, done.output
    return done.output


def test_a_payment_arrives_once_however_often_it_is_told(
    client: CheckingClient, debt: Standing, stripe: Stripe
) -> None:
    stripe.sandbox.delivery("hostile")
    come_in(client, debt)
    back = stripe.pay(go_pay(client, debt, amount="50"))
    stripe.settle()
    for event in stripe.sandbox.events():
        stripe.sandbox.redeliver(event["id"])
    stripe.settle()
    assert now(debt).owed == usd("850.00")
    assert session.scalar(select(func.count()).select_from(MoneyEffect)) == 1
    assert page_of(client.get(back)).says("Thank you. Your payment has arrived")
    assert acts_of(debt.lender_id)["payment_settled"] == 1
    books_agree()


def test_a_double_click_is_one_payment_and_one_page(client: CheckingClient, debt: Standing, stripe: Stripe) -> None:
    come_in(client, debt)
    shown = to_pay(client, debt)
    first = pay_form(client, shown, debt, amount="50")
    second = pay_form(client, shown, debt, amount="50")
    assert first.location == second.location
    assert session.scalar(select(func.count()).select_from(Payment)) == 1
    assert acts_of(debt.lender_id)["payment_started"] == 1
    stripe.pay(first.location)
    stripe.settle()
    # The same form once more, after it was paid: what became of it, and no second payment.
    third = pay_form(client, shown, debt, amount="50")
    assert third.location == f"/pay/result/{payment_on(debt).reference}"
    assert now(debt).owed == usd("850.00")
    books_agree()


def test_the_page_of_another_tab_is_closed_once_a_payment_came(
    client: CheckingClient, debt: Standing, stripe: Stripe
) -> None:
    come_in(client, debt)
    one, other = (pay_form(client, to_pay(client, debt), debt, amount="50").location for _tab in range(2))
    assert one != other
    stripe.pay(one)
    stripe.settle()
    states = {payment.session_url: payment.state for payment in session.scalars(select(Payment))}
    assert states == {one: "succeeded", other: "expired"}
    with pytest.raises(AssertionError):
        stripe.pay(other)
    stripe.settle()
    assert now(debt).owed == usd("850.00")
    assert session.scalar(select(func.count()).select_from(MoneyEffect)) == 1
    books_agree()


def test_a_page_that_another_click_is_just_opening_is_waited_for(
    client: CheckingClient, debt: Standing, stripe: Stripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    come_in(client, debt)
    shown = to_pay(client, debt)
    opened = stripe_gateway.open_checkout
    asked = []

    def at_the_same_time(*words: object, **named: object) -> object:
        asked.append(named["idempotency_key"])
        if len(asked) == 1:
            # Another click was a moment earlier: it gets the answer, and this one is told to wait.
            there.append(pay_form(client, shown, debt, amount="50").location)
            raise stripe_gateway.PaymentServiceDown("status_409")
        return opened(*words, **named)

    there: list[str] = []
    monkeypatch.setattr(stripe_gateway, "open_checkout", at_the_same_time)
    answer = pay_form(client, shown, debt, amount="50")
    assert len(set(asked)) == 1 and answer.location == there[0]
    assert session.scalar(select(func.count()).select_from(Payment)) == 1


def test_the_same_form_for_another_debt_is_another_payment(
    client: CheckingClient, debt: Standing, lender: Lender, stripe: Stripe
) -> None:
    debtor = session.get_one(Debtor, (debt.lender_id, debt.debtor_id))
    session.expunge(debtor)
    other = a_debt("700.00", lender=lender, debtor=debtor)
    come_in(client, debt)
    shown = to_pay(client, debt)
    first = pay_form(client, shown, debt, amount="50")
    # A browser that fills in a form from before, hidden fields and all, sends the same key for the other debt.
    second = pay_form(client, shown, other, amount="50")
    assert first.location != second.location
    assert pay_form(client, shown, other, amount="50").location == second.location
    stripe.pay(second.location)
    stripe.settle()
    assert (now(debt).owed, now(other).owed) == (usd("900.00"), usd("650.00"))
    assert session.scalar(select(func.count()).select_from(Payment)) == 2
    books_agree()


def test_going_back_and_choosing_another_amount_pays_that_amount(
    client: CheckingClient, debt: Standing, stripe: Stripe
) -> None:
    come_in(client, debt)
    shown = to_pay(client, debt)
    pay_form(client, shown, debt, amount="50")
    stripe.pay(pay_form(client, shown, debt, amount="80").location)
    stripe.settle()
    assert now(debt).owed == usd("820.00")
    books_agree()


def test_a_declined_card_takes_no_money_and_another_one_pays(
    client: CheckingClient, debt: Standing, stripe: Stripe
) -> None:
    come_in(client, debt)
    url = go_pay(client, debt, amount="50")
    status, location, _text = stripe.sandbox.pay(url, "declined")
    assert "/pay/result" not in location
    stripe.settle()
    assert now(debt).owed == usd("900.00")
    result = page_of(client.get(f"/pay/result/{payment_on(debt).reference}?left=1"))
    assert result.says("Nothing was paid")
    stripe.pay(url)
    stripe.settle()
    assert now(debt).owed == usd("850.00")
    assert payment_on(debt).state == "succeeded"
    books_agree()


def test_a_credit_card_is_not_taken(client: CheckingClient, debt: Standing, stripe: Stripe) -> None:
    come_in(client, debt)
    status, location, _text = stripe.sandbox.pay(go_pay(client, debt, amount="50"), "credit")
    assert "/pay/result" not in location
    stripe.settle()
    assert now(debt).owed == usd("900.00")


@pytest.mark.parametrize("yes", [True, False])
def test_the_banks_question(client: CheckingClient, debt: Standing, stripe: Stripe, yes: bool) -> None:
    come_in(client, debt)
    url = go_pay(client, debt, amount="50")
    stripe.sandbox.pay(url, "second_step")
    stripe.sandbox.answer_bank(url, yes=yes)
    stripe.settle()
    assert now(debt).owed == (usd("850.00") if yes else usd("900.00"))
    books_agree()


@pytest.mark.parametrize("succeeds", [True, False])
def test_a_bank_debit_takes_days_and_is_believed_only_when_it_arrives(
    client: CheckingClient, debt: Standing, stripe: Stripe, succeeds: bool, clock: Clock
) -> None:
    come_in(client, debt)
    agree(client, debt)
    back = stripe.pay(go_pay(client, debt, choice="next"), "bank")
    stripe.settle()
    assert payment_on(debt).state == "processing"
    assert page_of(client.get(back)).says("Your payment is on its way")
    assert now(debt).owed == usd("900.00")
    assert points(debt) == 0
    stripe.sandbox.settle_payment(payment_on(debt).payment_intent_id or "", succeeds=succeeds)
    clock.forward(minutes=1)
    stripe.settle()
    page = page_of(client.get(back))
    if succeeds:
        assert page.says("Thank you. Your payment has arrived")
        assert now(debt).owed == usd("800.00")
        assert points(debt) == 10
    else:
        assert page.says("The payment did not go through")
        assert payment_on(debt).state == "failed"
        assert now(debt).owed == usd("900.00")
        assert acts_of(debt.lender_id)["payment_not_made"] == 1
        assert plan_on(debt).state == "agreed"
    books_agree()


def test_a_late_debit_for_a_plan_that_has_ended_charges_none_of_its_interest(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask, lender: Lender, clock: Clock
) -> None:
    come_in(client, debt)
    plan = agree(client, debt)
    stripe.pay(go_pay(client, debt, choice="next"), "bank")
    stripe.settle()
    intent = payment_on(debt).payment_intent_id or ""
    ended = command(app, "plan-end", plan.reference, "--lender", lender.slug)
    assert ended.exit_code == 0, ended.output
    # Two of its payments fall due before the money clears.
    clock.set("2026-06-20T15:00+00:00")
    stripe.sandbox.set_clock(int(clock.at.timestamp()))
    nightly(app)
    stripe.sandbox.settle_payment(intent, succeeds=True)
    clock.forward(minutes=1)
    stripe.settle()
    assert payment_on(debt).state == "succeeded"
    assert plan_on(debt).state == "cancelled"
    assert acts_of(lender.id)["interest_posted"] == 0
    assert now(debt).owed == usd("800.00")
    books_agree()


def test_leaving_the_page_pays_nothing_and_an_expired_page_ends(
    client: CheckingClient, debt: Standing, stripe: Stripe, clock: Clock
) -> None:
    come_in(client, debt)
    shown = to_pay(client, debt)
    url = pay_form(client, shown, debt, amount="50").location
    reference = payment_on(debt).reference
    assert page_of(client.get(f"/pay/result/{reference}?left=1")).says("Nothing was paid")
    stripe.sandbox.expire(payment_on(debt).session_id or "")
    stripe.settle()
    assert payment_on(debt).state == "expired"
    assert page_of(client.get(f"/pay/result/{reference}")).says("Nothing was paid")
    assert stripe.sandbox.page(url)[0] == 410
    # The old form leads to what became of it, a new one to a new page.
    assert pay_form(client, shown, debt, amount="50").location == f"/pay/result/{reference}"
    assert go_pay(client, debt, amount="50") != url
    books_agree()


def test_stripe_down_is_a_calm_page_and_the_same_form_pays_later(
    client: CheckingClient, debt: Standing, stripe: Stripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.payments.stripe_gateway.RETRIES", 0)
    come_in(client, debt)
    shown = to_pay(client, debt)
    stripe.sandbox.fail_next("500", count=5, path="/v1/checkout/sessions")
    down = pay_form(client, shown, debt, amount="50")
    assert down.status_code == 503
    assert page_of(down).says("Our payment service does not answer. No money was taken, and nothing is lost.")
    stripe.sandbox.heal()
    again = pay_form(client, shown, debt, amount="50")
    assert again.status_code == 303
    assert session.scalar(select(func.count()).select_from(Payment)) == 1
    stripe.pay(again.location)
    stripe.settle()
    assert now(debt).owed == usd("850.00")
    books_agree()


def test_an_answer_that_was_lost_leads_to_the_same_page_and_not_a_second_one(
    client: CheckingClient, debt: Standing, stripe: Stripe
) -> None:
    come_in(client, debt)
    shown = to_pay(client, debt)
    stripe.sandbox.fail_next("lost_answer", count=1, path="/v1/checkout/sessions")
    first = pay_form(client, shown, debt, amount="50")
    stripe.sandbox.heal()
    second = pay_form(client, shown, debt, amount="50")
    assert second.status_code == 303
    assert first.status_code == 503 or first.location == second.location
    opened = [event for event in stripe.sandbox.events() if "session" in event["type"]]
    assert len({event["data"]["object"]["id"] for event in opened}) <= 1
    stripe.pay(second.location)
    stripe.settle()
    assert now(debt).owed == usd("850.00")


def test_stripe_down_while_settling_puts_the_work_off_and_loses_nothing(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask, clock: Clock
) -> None:
    come_in(client, debt)
    stripe.pay(go_pay(client, debt, amount="50"))
    stripe.deliver()
    stripe.sandbox.fail_next("500", count=30)
    work(app)
    assert now(debt).owed == usd("900.00")
    waiting = session.scalars(select(QueuedJob).where(QueuedJob.name == "payments.heed")).all()
    assert waiting and {(job.state, job.last_error) for job in waiting} == {("ready", None)}
    stripe.sandbox.heal()
    clock.forward(minutes=5)
    work(app)
    assert now(debt).owed == usd("850.00")
    books_agree()


def test_settling_says_try_later_when_stripe_is_down(client: CheckingClient, debt: Standing, stripe: Stripe) -> None:
    come_in(client, debt)
    go_pay(client, debt, amount="50")
    payment = payment_on(debt)
    stripe.sandbox.fail_next("500", count=30)
    with stripe.app.app_context(), pytest.raises(queue.TryLater):
        settle.settle(lender_id=payment.lender_id, payment_id=payment.id)
    stripe.sandbox.heal()


def test_a_webhook_with_a_bad_signature_is_refused_and_stored_nowhere(debt: Standing, stripe: Stripe) -> None:
    body = json.dumps({"id": "evt_1", "object": "event", "type": "payment_intent.succeeded"}).encode()
    old = sdk.WebhookSignature.generate_signature_header(body.decode(), stripe.secret, int(time.time()) - 301)
    other = sdk.WebhookSignature.generate_signature_header(body.decode(), "whsec_other", int(time.time()))
    tomorrow = sdk.WebhookSignature.generate_signature_header(body.decode(), stripe.secret, int(time.time()) + 400)
    before = rows()
    for signature in ("", "t=1,v1=00", "nonsense", other, old, tomorrow):
        assert stripe.send(body, signature) == 400
    assert stripe.send(b"", "") == 400
    assert rows() == before


def test_a_webhook_for_an_unknown_lender_or_one_without_stripe_is_404(
    debt: Standing, stripe: Stripe, app: Flask
) -> None:
    assert stripe.send(b"{}", "t=1,v1=00", slug="nobody") == 404
    with transaction() as s:
        s.execute(update(Lender).where(Lender.slug == stripe.slug).values(stripe_secret_key=None))
    assert stripe.send(b"{}", "t=1,v1=00") == 404


@pytest.mark.parametrize(
    "change",
    [
        {"id": "evt_\x00"},
        {"id": "evt_\ud83d"},
        {"data": {"object": {"object": "payment_intent", "id": "pi_\x00"}}},
        {"data": {"object": {"object": "checkout.session", "id": "cs_1", "client_reference_id": 7}}},
        {"data": {"object": {"object": "checkout.session", "id": "cs_1", "client_reference_id": "\x00"}}},
    ],
)
def test_a_signed_event_with_what_no_database_keeps_is_refused(
    debt: Standing, stripe: Stripe, change: dict[str, object]
) -> None:
    event: dict[str, object] = {
        "id": "evt_odd", "object": "event", "type": "payment_intent.succeeded", "created": int(time.time()),
        "livemode": False, "data": {"object": {"object": "payment_intent", "id": "pi_1"}},
    }  # fmt: skip
    for given, status in ((event | change, 400), (event, 200)):
        body = json.dumps(given)
        signed = sdk.WebhookSignature.generate_signature_header(body, stripe.secret, int(time.time()))
        assert stripe.send(body.encode(), str(signed)) == status


def test_an_unknown_kind_is_stored_as_not_needed_and_twice_is_once(
    client: CheckingClient, debt: Standing, stripe: Stripe
) -> None:
    come_in(client, debt)
    stripe.pay(go_pay(client, debt, amount="50"))
    stripe.sandbox.wait_idle()
    event = json.loads(stripe.receiver.taken[0][0]) | {"type": "customer.updated", "id": "evt_unknown"}
    body = json.dumps(event)
    for _turn in range(2):
        signed = sdk.WebhookSignature.generate_signature_header(body, stripe.secret, int(time.time()))
        assert stripe.send(body.encode(), str(signed)) == 200
    stored = session.scalars(select(WebhookEvent.outcome)).all()
    assert stored == ["not_needed"]
    assert session.scalar(select(func.count()).select_from(QueuedJob).where(QueuedJob.name == "payments.heed")) == 0


@pytest.mark.parametrize("mode", ["out_of_order", "doubled", "delayed"])
def test_disorder_of_events_changes_nothing(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask, lender: Lender, mode: str
) -> None:
    stripe.sandbox.delivery(mode, seconds=0.2)
    come_in(client, debt)
    stripe.pay(go_pay(client, debt, amount="50"))
    stripe.settle()
    refund(app, debt, lender)
    stripe.clock.forward(minutes=1)
    stripe.settle()
    assert now(debt).owed == usd("900.00")
    assert payment_on(debt).state == "refunded"
    books_agree()


def test_lost_events_are_made_up_for_by_the_result_page(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask
) -> None:
    stripe.sandbox.delivery("lost")
    come_in(client, debt)
    back = stripe.pay(go_pay(client, debt, amount="50"))
    assert stripe.deliver() == 0
    assert page_of(client.get(back)).says("We are waiting for the answer")
    work(app)
    assert page_of(client.get(back)).says("Thank you. Your payment has arrived")
    assert now(debt).owed == usd("850.00")
    books_agree()


def test_lost_events_are_made_up_for_at_night(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask
) -> None:
    stripe.sandbox.delivery("lost")
    come_in(client, debt)
    stripe.pay(go_pay(client, debt, amount="50"))
    nightly(app)
    nightly(app)
    assert now(debt).owed == usd("850.00")
    books_agree()


def test_money_that_does_not_fit_is_set_aside_and_can_go_back(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask, lender: Lender
) -> None:
    come_in(client, debt)
    agree(client, debt)
    stripe.pay(go_pay(client, debt, choice="next"))
    stripe.settle()
    assert points(debt) == 10
    back = stripe.pay(go_pay(client, debt, amount="60"))
    with transaction() as s:
        # As if our own row were wrong, or somebody else's payment were told under our reference.
        s.execute(update(Payment).where(Payment.reference == back.split("/")[-1]).values(amount_minor=7_000))
    stripe.settle()
    # Nothing is guessed: the debt and the plan stay, the money lies where a person looks at it.
    assert now(debt).owed == usd("800.00")
    set_aside = session.scalars(select(Transfer).where(Transfer.from_account == Account.SUSPENSE.value)).one()
    assert (set_aside.amount_minor, set_aside.to_account) == (6_000, Account.CASH_STRIPE.value)
    assert acts_of(lender.id)["payment_set_aside"] == 1
    books_agree()
    refund(app, debt, lender)
    stripe.clock.forward(minutes=1)
    stripe.settle()
    assert (
        session.scalars(
            select(func.count()).select_from(Transfer).where(Transfer.to_account == Account.SUSPENSE.value)
        ).one()
        == 1
    )
    # The plan keeps what was really paid for it.
    assert [item.paid_minor for item in plan_items(debt)][0] == 10_000
    assert points(debt) == 10
    books_agree()


def test_a_refund_brings_everything_back_once(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask, lender: Lender
) -> None:
    come_in(client, debt)
    agree(client, debt)
    back = stripe.pay(go_pay(client, debt, choice="next"))
    stripe.settle()
    assert (points(debt), plan_on(debt).state) == (10, "active")
    assert plan_items(debt)[0].kept_at is not None
    refund(app, debt, lender)
    stripe.clock.forward(minutes=1)
    stripe.settle()
    nightly(app)
    assert now(debt).owed == usd("900.00")
    assert points(debt) == 0
    assert (plan_items(debt)[0].paid_minor, plan_items(debt)[0].kept_at) == (0, None)
    assert page_of(client.get(back)).says("All of it was given back.")
    page = page_of(client.get("/points"))
    assert page.says("The payment was given back") and page.says("0 points")
    assert page_of(client.get(f"/debts/{debt.reference}")).says("Payment given back to you")
    refunded = session.scalars(select(Posting).where(Posting.kind == "refund")).one()
    paid = session.scalars(select(Posting).where(Posting.kind == "payment")).one()
    assert refunded.corrects_id == paid.id
    again = command(app, "refund", payment_on(debt).reference, "--lender", lender.slug)
    assert again.exit_code == 1
    assert acts_of(lender.id)["payment_refunded"] == acts_of(lender.id)["points_taken_back"] == 1
    books_agree()


def test_an_instalment_that_was_given_back_and_paid_again_earns_its_points_again_and_never_twice(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask, lender: Lender
) -> None:
    come_in(client, debt)
    agree(client, debt)
    for turn in (1, 2, 3):
        stripe.pay(go_pay(client, debt, choice="next"))
        stripe.settle()
        nightly(app)
        assert points(debt) == 10, turn
        books_agree()
        if turn < 3:
            refund(app, debt, lender)
            stripe.clock.forward(minutes=1)
            stripe.settle()
            assert points(debt) == 0, turn
            books_agree()
    for event in stripe.sandbox.events():
        stripe.sandbox.redeliver(event["id"])
    stripe.settle()
    nightly(app)
    assert points(debt) == 10
    assert acts_of(lender.id)["points_awarded"] == 3
    assert acts_of(lender.id)["points_taken_back"] == 2
    plan = plan_on(debt).reference
    causes = set(session.scalars(select(PointsEntry.cause).where(PointsEntry.points > 0)))
    assert causes == {f"kept_instalment:{plan}:1{turn}" for turn in ("", "#2", "#3")}
    books_agree()


@pytest.mark.parametrize("mode", ["normal", "out_of_order", "doubled", "hostile"])
def test_a_refund_that_fails_after_it_was_confirmed_makes_the_payment_count_again(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask, lender: Lender, mode: str
) -> None:
    stripe.sandbox.delivery(mode, seconds=0.2)
    come_in(client, debt)
    agree(client, debt)
    back = stripe.pay(go_pay(client, debt, choice="next"))
    stripe.settle()
    refund(app, debt, lender)
    stripe.clock.forward(minutes=1)
    stripe.settle()
    assert (now(debt).owed, points(debt), payment_on(debt).state) == (usd("900.00"), 0, "refunded")
    stripe.sandbox.settle_refund(the_refund(debt, stripe), succeeds=False)
    for _turn in range(2):
        stripe.clock.forward(minutes=1)
        stripe.settle()
        for event in stripe.sandbox.events():
            stripe.sandbox.redeliver(event["id"])
    stripe.settle()
    nightly(app)
    assert now(debt).owed == usd("800.00")
    assert (payment_on(debt).state, payment_on(debt).refunded_minor) == ("succeeded", 0)
    assert (plan_items(debt)[0].paid_minor, plan_on(debt).state) == (10_000, "active")
    assert points(debt) == 10
    assert acts_of(lender.id)["payment_refund_failed"] == acts_of(lender.id)["payment_refunded"] == 1
    undone = session.scalars(select(Posting).where(Posting.kind == "refund_failed")).one()
    assert undone.corrects_id == session.scalars(select(Posting.id).where(Posting.kind == "refund")).one()
    assert page_of(client.get(back)).says("Thank you. Your payment has arrived")
    assert page_of(client.get(f"/debts/{debt.reference}")).says("Giving back failed, so your payment counts again")
    books_agree()
    # It can be given back once more, and that is another refund.
    refund(app, debt, lender)
    stripe.clock.forward(minutes=1)
    stripe.settle()
    assert (now(debt).owed, points(debt), payment_on(debt).state) == (usd("900.00"), 0, "refunded")
    books_agree()


def the_refund(debt: Standing, stripe: Stripe) -> str:
    payment = payment_on(debt)
    read = stripe_gateway.read_payment(stripe.account, payment_intent_id=payment.payment_intent_id or "")
    session.rollback()
    return next(one.id for one in read.refunds if one.status is RefundStatus.SUCCEEDED)


def test_one_of_two_part_refunds_that_fails_leaves_the_other(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask, lender: Lender
) -> None:
    come_in(client, debt)
    stripe.pay(go_pay(client, debt, amount="100"))
    stripe.settle()
    for amount in ("20.00", "80.00"):
        refund(app, debt, lender, amount)
        stripe.clock.forward(minutes=1)
        stripe.settle()
    assert payment_on(debt).state == "refunded"
    stripe.sandbox.settle_refund(the_refund(debt, stripe), succeeds=False)
    stripe.clock.forward(minutes=1)
    stripe.settle()
    assert (payment_on(debt).state, payment_on(debt).refunded_minor) == ("partly_refunded", 8_000)
    assert now(debt).owed == usd("880.00")
    books_agree()


def test_a_refund_that_fails_after_all_was_paid_becomes_a_credit(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask, lender: Lender
) -> None:
    come_in(client, debt)
    stripe.pay(go_pay(client, debt, amount="100"))
    stripe.settle()
    refund(app, debt, lender)
    stripe.clock.forward(minutes=1)
    stripe.settle()
    failing = the_refund(debt, stripe)
    stripe.pay(go_pay(client, debt, choice="all"))
    stripe.settle()
    assert now(debt).owed == usd("0.00")
    stripe.sandbox.settle_refund(failing, succeeds=False)
    stripe.clock.forward(minutes=1)
    stripe.settle()
    assert (now(debt).owed, now(debt).credit) == (usd("0.00"), usd("100.00"))
    books_agree()


def test_part_refunds_add_up(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask, lender: Lender
) -> None:
    come_in(client, debt)
    stripe.pay(go_pay(client, debt, amount="100"))
    stripe.settle()
    for amount in ("20.00", "30.00"):
        refund(app, debt, lender, amount)
        stripe.clock.forward(minutes=1)
        stripe.settle()
    assert now(debt).owed == usd("850.00")
    assert (payment_on(debt).state, payment_on(debt).refunded_minor) == ("partly_refunded", 5_000)
    refund(app, debt, lender)
    stripe.clock.forward(minutes=1)
    stripe.settle()
    assert now(debt).owed == usd("900.00")
    assert payment_on(debt).state == "refunded"
    books_agree()


def test_paying_more_than_is_owed_becomes_a_credit_that_is_shown(
    client: CheckingClient, lender: Lender, stripe: Stripe, app: Flask
) -> None:
    debt = a_debt("60.00", interest="10.00", fees="5.00", lender=lender)
    come_in(client, debt)
    # Two tabs, both paid: each was right when it was opened.
    first, second = go_pay(client, debt, choice="all"), go_pay(client, debt, amount="20")
    stripe.pay(first)
    stripe.pay(second)
    stripe.settle()
    assert now(debt).owed == usd("0.00")
    assert now(debt).credit == usd("20.00")
    assert page_of(client.get("/home")).says("$20.00")
    assert page_of(client.get(f"/debts/{debt.reference}")).says("$20.00")
    books_agree()
    # What was paid too much goes back first.
    refund(app, debt, lender)
    stripe.clock.forward(minutes=1)
    stripe.settle()
    books_agree()


def test_nobody_can_choose_to_pay_more_than_is_owed_or_next_to_nothing(
    client: CheckingClient, debt: Standing, stripe: Stripe
) -> None:
    come_in(client, debt)
    for amount, why in (
        ("900.01", "That is more than you owe. All that is left is $900.00."),
        ("0.50", "The smallest payment is $1.00."),
        ("0", "Enter an amount above zero."),
        ("-5", "Enter an amount above zero."),
        ("", "Enter an amount."),
        ("ten", "Enter the amount in numbers"),
        ("1e3", "Enter the amount in numbers"),
        ("50 or 60", "Enter the amount in numbers"),
        ("50 60", "Enter the amount in numbers"),
        ("10-20", "Enter the amount in numbers"),
    ):
        answer = pay_form(client, to_pay(client, debt), debt, amount=amount)
        assert answer.status_code == 422, amount
        assert page_of(answer).says(why), (amount, page_of(answer).words)
    assert session.scalar(select(func.count()).select_from(Payment)) == 0


@pytest.mark.parametrize(
    ("currency", "too_little", "least", "leaves_too_little"),
    [("HUF", "174", "HUF175.00", "8900"), ("SEK", "2.99", "SEK3.00", "8998"), ("JPY", "99", "¥100", "8950")],
)
def test_the_least_payment_is_what_stripe_takes_in_the_currency(
    client: CheckingClient, app: Flask, currency: str, too_little: str, least: str, leaves_too_little: str
) -> None:
    debt = a_debt("9000", lender=a_lender(currency=currency, limits=None))
    come_in(client, debt)
    answer = pay_form(client, to_pay(client, debt), debt, amount=too_little)
    assert answer.status_code == 422
    assert page_of(answer).says(f"The smallest payment is {least}."), page_of(answer).words
    answer = pay_form(client, to_pay(client, debt), debt, amount=leaves_too_little)
    assert page_of(answer).says("which is too little to be paid online later"), page_of(answer).words
    assert session.scalar(select(func.count()).select_from(Payment)) == 0


@pytest.mark.parametrize(
    ("typed", "left"),
    [
        ("62.5", "837.50"),
        ("62,50", "837.50"),
        ("$ 62.50", "837.50"),
        ("６２．５０", "837.50"),
        ("  100 ", "800.00"),
        ("100 USD", "800.00"),
    ],
)
def test_amounts_are_read_as_people_type_them(
    client: CheckingClient, debt: Standing, stripe: Stripe, typed: str, left: str
) -> None:
    come_in(client, debt)
    stripe.pay(go_pay(client, debt, amount=typed))
    stripe.settle()
    assert now(debt).owed == usd(left)


def test_paying_all_of_it_early_completes_the_plan_and_costs_no_interest_that_had_not_come_due(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask, clock: Clock
) -> None:
    come_in(client, debt)
    plan = agree(client, debt)
    reference = plan.reference
    assert plan.total_minor > 90_000
    stripe.pay(go_pay(client, debt, choice="all"))
    stripe.settle()
    assert now(debt).owed == usd("0.00")
    assert now(debt).credit == usd("0.00")
    assert plan_on(debt).state == "completed"
    assert acts_of(debt.lender_id)["interest_posted"] == 0
    page = page_of(client.get(f"/plans/{reference}"))
    assert page.says("Done. All payments of this plan are made.")
    clock.forward(days=200)
    nightly(app)
    assert now(debt).owed == usd("0.00")
    books_agree()


def test_a_plan_that_is_kept_to_its_end_is_paid_exactly(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask, clock: Clock
) -> None:
    come_in(client, debt)
    total = agree(client, debt, amount="300").total_minor
    items = plan_items(debt)
    assert len(items) == 4
    for item in items:
        clock.set(f"{item.due_on.isoformat()}T15:00+00:00")
        stripe.sandbox.set_clock(int(clock.at.timestamp()))
        nightly(app)
        come_in(client, debt)
        stripe.pay(go_pay(client, debt, choice="next"))
        stripe.settle()
        books_agree()
    assert plan_on(debt).state == "completed"
    assert now(debt).owed == usd("0.00")
    assert now(debt).credit == usd("0.00")
    paid = session.scalar(select(func.sum(MoneyEffect.amount_minor)))
    assert paid == total
    assert points(debt) == 10 * len(items)


def test_the_last_payment_can_be_made_on_its_own_day_before_the_night_has_run(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask, clock: Clock
) -> None:
    come_in(client, debt)
    agree(client, debt, amount="300")
    items = plan_items(debt)
    for item in items:
        clock.set(f"{item.due_on.isoformat()}T15:00+00:00")
        stripe.sandbox.set_clock(int(clock.at.timestamp()))
        come_in(client, debt)
        stripe.pay(go_pay(client, debt, choice="next"))
        stripe.settle()
    assert plan_on(debt).state == "completed"
    assert now(debt).owed == usd("0.00")
    books_agree()


def test_the_last_payment_can_be_made_early(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask, clock: Clock
) -> None:
    come_in(client, debt)
    agree(client, debt, amount="300")
    for _item in plan_items(debt):
        if not now(debt).owed:
            break
        stripe.pay(go_pay(client, debt, choice="next"))
        stripe.settle()
    assert plan_on(debt).state == "completed"
    assert now(debt).owed == usd("0.00")
    assert now(debt).credit == usd("0.00")
    books_agree()


def test_a_payment_in_the_days_of_grace_keeps_the_plan_and_one_after_them_does_not(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask, clock: Clock
) -> None:
    come_in(client, debt)
    agree(client, debt)
    first = plan_items(debt)[0].due_on
    assert first == date(2026, 5, 10)
    clock.set("2026-05-16T15:00+00:00")
    stripe.sandbox.set_clock(int(clock.at.timestamp()))
    nightly(app)
    assert plan_on(debt).state == "at_risk"
    come_in(client, debt)
    assert page_of(client.get(f"/plans/{plan_on(debt).reference}")).says("A payment is missing.")
    stripe.pay(go_pay(client, debt, choice="next"))
    stripe.settle()
    assert plan_on(debt).state == "active"
    # It was made up for, and so the plan goes on; points are for what was kept.
    assert points(debt) == 0
    books_agree()


def test_money_that_was_on_its_way_before_a_plan_was_agreed_to_completes_it_when_it_pays_all(
    app: Flask, debt: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = a_payment(debt, amount="900.00", plan=None)
    a_plan(debt)
    with app.app_context():
        stripe_says(sent, monkeypatch)
    assert now(debt).owed == usd("0.00")
    assert plan_on(debt).state == "completed"
    books_agree()
