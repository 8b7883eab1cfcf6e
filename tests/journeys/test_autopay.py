"""Autopay: agreed to with a code, a card saved with or without paying, noticed, charged once, declined, stopped."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from datetime import timedelta
from typing import TypeVar

import pytest
from flask import Flask
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from portal import verify
from portal.autopay import agreeing, charging, night
from portal.autopay.models import Autopay, AutopayCharge, SavedCard
from portal.autopay.reading import locked
from portal.db import Model, session, transaction
from portal.debts.statement import Standing
from portal.evidence.models import EvidenceRecord
from portal.evidence.record import Actor
from portal.lenders.models import Lender
from portal.payments.models import Payment, WebhookEvent
from portal.people.models import UserSession
from portal.plans.models import Plan
from portal.post.models import Message
from portal.queue import QueuedJob
from portal.staff.roles import Role
from tests.conftest import Clock
from tests.factories import a_debt
from tests.journeys.acts import (
    Stripe,
    acts_of,
    books_agree,
    come_in,
    payment_on,
    plan_items,
    work,
)
from tests.journeys.staff import a_client, a_worker, cheap, come_to_work
from tests.pages import CheckingClient, page_of
from tests.settling import a_plan


def strengthen(debt: Standing) -> None:
    """Let every session of a person count as one where a code was given."""
    with transaction() as s:
        s.execute(update(UserSession).where(UserSession.lender_id == debt.lender_id).values(strength=2))


def turn_on(client: CheckingClient, plan: Plan, *, how: str = "save") -> str:
    """Agree to what is shown, and give where that leads."""
    address = f"/plans/{plan.reference}/autopay/turn-on"
    shown = client.get(address)
    form = next(form for form in page_of(shown).forms if "shown" in form.names)
    sent = client.post(address, data=dict(form.fields) | {"how": how})
    assert sent.status_code == 303, words(sent)
    return str(sent.location)


Row = TypeVar("Row", bound=Model)


def only(model: type[Row]) -> Row:
    session.rollback()
    found = session.scalars(select(model).execution_options(populate_existing=True)).one()
    session.expunge(found)
    return found


def auto() -> Autopay:
    return only(Autopay)


def the_charge(seq: int = 1) -> AutopayCharge:
    session.rollback()
    found = session.scalars(
        select(AutopayCharge).where(AutopayCharge.seq == seq).execution_options(populate_existing=True)
    ).one()
    session.expunge(found)
    return found


def messages(kind: str) -> list[str]:
    session.rollback()
    found = session.scalars(select(Message.body).where(Message.kind == kind).order_by(Message.id))
    return [body.replace("\xa0", " ") for body in found]


def came() -> int:
    """Give what all payments brought, in cents."""
    session.rollback()
    return sum(session.scalars(select(Payment.amount_minor).where(Payment.state == "succeeded")))


def words(page: TestResponse) -> str:
    return str(page_of(page).words).replace("\xa0", " ")


def something_to_do(clock: Clock) -> bool:
    session.rollback()
    tomorrow = clock.at + timedelta(days=1)
    waits = select(Autopay.id).where(Autopay.act_on <= tomorrow.date())
    ready = select(QueuedJob.id).where(
        QueuedJob.state == "ready", QueuedJob.run_at <= tomorrow, QueuedJob.name != "letters.issue"
    )
    return session.scalar(waits.limit(1)) is not None or session.scalar(ready.limit(1)) is not None


def days_pass(stripe: Stripe, *, to: str) -> None:
    """Let nights and mornings pass until a day's evening; mail leaves and charges are made by the worker.

    Days on which nobody has anything to do are passed over, but for the last.
    """
    clock = stripe.clock
    while True:
        clock.set((clock.at + timedelta(days=1)).replace(hour=9))
        if clock.at.date().isoformat() < to and not something_to_do(clock):
            continue
        night.run()
        work(stripe.app)
        clock.set(clock.at.replace(hour=15))
        stripe.sandbox.set_clock(int(clock.at.timestamp()) - 60)
        work(stripe.app)
        if clock.at.date().isoformat() >= to:
            return


@pytest.fixture
def plan(debt: Standing) -> Plan:
    """Nine payments of 100 and what is left, on the 10th of each month, the first on 10 May."""
    made = a_plan(debt)
    session.expunge(made)
    return made


@pytest.fixture
def on(app: Flask, client: CheckingClient, debt: Standing, plan: Plan, stripe: Stripe) -> Autopay:
    """Autopay of the plan, on with a debit card that works."""
    come_in(client, debt)
    strengthen(debt)
    stripe.pay(turn_on(client, plan))
    stripe.settle()
    return auto()


def test_saved_without_paying_noticed_and_charged_on_its_day_once(
    app: Flask, client: CheckingClient, debt: Standing, plan: Plan, stripe: Stripe, clock: Clock
) -> None:
    come_in(client, debt)
    address = f"/plans/{plan.reference}/autopay/turn-on"
    assert client.get(address).location == "/code", "it takes a code"
    strengthen(debt)
    shown = words(client.get(address))
    for item in plan_items(debt):
        assert f"{item.due_on.day}" in shown
    assert "I can stop this at any time" in shown
    hosted = turn_on(client, plan)
    assert "/c/pay/" in hosted
    assert auto().state == "asked"
    back = stripe.pay(hosted)
    assert "Nothing is saved yet" in words(client.get(back)), "nobody has looked yet"
    work(app)
    page = words(client.get(back))
    assert "Visa •••• 5556" in page
    assert "$100.00 on 10 May 2026" in page, "what comes next is seen before its notice"
    stripe.settle()
    kept = auto()
    assert (kept.state, kept.language, kept.version) == ("on", "en", "2026-12-01")
    assert "at most $100.00" in kept.agreed_text.lower()
    assert [len(messages(kind)) for kind in ("autopay_on", "autopay_notice")] == [1, 0]
    days_pass(stripe, to="2026-05-06")
    assert "$100.00" in messages("autopay_notice")[0]
    assert the_charge().state == "noticed"
    come_in(client, debt)
    assert "is taken on 10 May 2026 from Visa" in words(client.get(f"/plans/{plan.reference}"))
    days_pass(stripe, to="2026-05-11")
    stripe.settle()
    assert came() == 10000
    payment = payment_on(debt)
    assert (payment.state, payment.autopay, payment.amount_minor) == ("succeeded", "taken", 10_000)
    assert the_charge().state == "charged"
    assert plan_items(debt)[0].kept_at is not None
    assert "As agreed, we took $100.00." in messages("payment_received")[0]
    assert messages("reminder") == [], "a notice is enough"
    # Whatever is done again does nothing again.
    with app.app_context():
        charging._charge(debt.lender_id, the_charge().id)
        charging.conclude(debt.lender_id, the_charge().id)
        with transaction():
            charging.look_at(locked(lender_id=debt.lender_id, autopay_id=kept.id))
    days_pass(stripe, to="2026-05-14")
    assert came() == 10000
    assert len(stripe.sandbox.events("payment_intent.created")) == 1
    assert acts_of(debt.lender_id)["autopay_charging"] == 1
    books_agree()
    # What is wrong with a charge is named.
    with transaction() as s:
        s.execute(update(AutopayCharge).values(most_minor=9_999))
    [wrong] = verify.disagreements()
    assert (wrong.kind, wrong.kept, wrong.counted) == (verify.Kind.CHARGE, "9999", "10000")
    with transaction() as s:
        s.execute(update(Autopay).values(state="stopped", stopped_at=clock.at))
        s.execute(update(AutopayCharge).values(payment_id=None, state="noticed"))
    assert {each.counted for each in verify.disagreements()} == {"stopped", "no charge"}


def test_while_somebody_is_left_alone_no_page_says_that_money_is_taken(
    client: CheckingClient, debt: Standing, plan: Plan, stripe: Stripe
) -> None:
    come_in(client, debt)
    strengthen(debt)
    stripe.pay(turn_on(client, plan))
    stripe.settle()
    pages = ("/home", f"/plans/{plan.reference}", f"/plans/{plan.reference}/autopay", f"/pay?debt={debt.reference}")
    for page in pages:
        assert "10 May 2026" in words(client.get(page)) and "Nothing is taken by itself" not in words(client.get(page))
    door = f"/help/cant-pay?debt={debt.reference}"
    assert "nothing is taken by itself in this time" in words(client.get(door))
    client.fill(client.get(door), {"words": "I lost my job."}, to="/help/cant-pay")
    for page in pages:
        shown = words(client.get(page))
        assert "Nothing is taken by itself now" in shown, page
        assert "is taken on" not in shown and "is taken by itself on" not in shown, page
    days_pass(stripe, to="2026-05-12")
    assert came() == 0 and messages("autopay_notice") == []


def test_saved_while_paying(
    app: Flask, client: CheckingClient, debt: Standing, plan: Plan, stripe: Stripe, clock: Clock
) -> None:
    come_in(client, debt)
    strengthen(debt)
    hosted = turn_on(client, plan, how="pay")
    assert turn_on(client, plan, how="pay") != hosted, "another form is another try"
    stripe.pay(turn_on(client, plan, how="pay"))
    stripe.settle()
    session.rollback()
    assert session.scalars(select(Autopay.act_on).where(Autopay.state == "on")).one() is not None
    assert session.scalars(select(SavedCard.last4)).one() == "5556"
    assert came() == 10000
    assert acts_of(debt.lender_id)["autopay_stopped"] == 2, "what was begun and left is over"
    days_pass(stripe, to="2026-05-12")
    assert session.scalars(select(AutopayCharge)).all() == [], "what was paid by hand is not taken"
    days_pass(stripe, to="2026-06-11")
    stripe.settle()
    assert came() == 20000
    assert the_charge(2).state == "charged"
    books_agree()


def test_stopped_in_two_taps_nothing_is_taken_and_the_card_is_forgotten(
    app: Flask, client: CheckingClient, debt: Standing, plan: Plan, on: Autopay, stripe: Stripe, clock: Clock
) -> None:
    days_pass(stripe, to="2026-05-06")
    come_in(client, debt)
    first = client.get(f"/plans/{plan.reference}")
    link = f"/plans/{plan.reference}/autopay/stop"
    assert link in first.text, "the first tap"
    done = client.fill(client.get(link), to=link)
    assert "Nothing more is taken by itself." in words(done)
    assert client.get(link).status_code == 303, "twice is once"
    work(app)
    assert (auto().state, the_charge().state) == ("stopped", "called_off")
    assert only(SavedCard).why_gone == "not_needed"
    assert len(messages("autopay_stopped")) == 1
    assert messages("autopay_not_taken") == []
    days_pass(stripe, to="2026-05-12")
    assert came() == 0
    assert stripe.sandbox.events("payment_intent.created") == []
    # On again, with a card that is saved anew: what was due meanwhile is paid by hand, the next one is taken.
    come_in(client, debt)
    strengthen(debt)
    hosted = turn_on(client, plan)
    stripe.pay(hosted)
    stripe.settle()
    days_pass(stripe, to="2026-06-11")
    stripe.settle()
    assert came() == 10000
    assert (the_charge().state, the_charge(2).state) == ("called_off", "charged")
    books_agree()


def test_a_stop_between_the_decision_and_the_charge_is_heard(
    app: Flask, client: CheckingClient, debt: Standing, plan: Plan, on: Autopay, stripe: Stripe, clock: Clock
) -> None:
    days_pass(stripe, to="2026-05-09")
    clock.set(clock.at.replace(day=10, hour=15))
    charge = the_charge()
    with app.app_context():
        assert charging._begin(debt.lender_id, on.id, charge.id) is not None
    # The worker dies here; the person stops; another worker goes on.
    come_in(client, debt)
    link = f"/plans/{plan.reference}/autopay/stop"
    assert "can’t be called back" in words(client.fill(client.get(link), to=link))
    with app.app_context():
        charging._charge(debt.lender_id, charge.id)
    assert (the_charge().state, payment_on(debt).state) == ("called_off", "cancelled")
    assert came() == 0
    books_agree()


def test_soft_declines_are_tried_on_days_that_were_said_and_then_no_more(
    app: Flask, client: CheckingClient, debt: Standing, plan: Plan, on: Autopay, stripe: Stripe, clock: Clock
) -> None:
    method = only(SavedCard).method_id
    stripe.sandbox.change_method(method, fate="insufficient_funds")
    days_pass(stripe, to="2026-05-10")
    charge = the_charge()
    assert (charge.state, charge.tries, charge.charge_on.day) == ("noticed", 1, 13)
    assert "13 May 2026" in messages("autopay_declined")[0]
    assert messages("payment_failed") == [], "one message is enough"
    days_pass(stripe, to="2026-05-16")
    assert (the_charge().tries, the_charge().charge_on.day) == (2, 17)
    stripe.sandbox.change_method(method, fate=None)
    days_pass(stripe, to="2026-05-17")
    stripe.settle()
    assert (the_charge().state, the_charge().tries) == ("charged", 3)
    assert came() == 10000
    assert len(stripe.sandbox.events("payment_intent.created")) == 1, "each try is of the same payment"
    stripe.sandbox.change_method(method, fate="processing_error")
    days_pass(stripe, to="2026-06-19")
    assert (the_charge(2).state, the_charge(2).tries) == ("refused", 3)
    assert auto().state == "on", "the next one is tried"
    assert len(messages("autopay_declined")) == 5
    books_agree()


@pytest.mark.parametrize(
    ("fate", "state", "autopay", "said"),
    [
        ("second_step", "second_step", "on", "Your bank wants to hear from you"),
        ("lost_card", "refused", "needs_card", "until you choose another card or account"),
        ("revocation_of_authorization", "refused", "stopped", "Nothing more is taken"),
    ],
)
def test_other_declines_by_kind(
    app: Flask,
    client: CheckingClient,
    debt: Standing,
    plan: Plan,
    on: Autopay,
    stripe: Stripe,
    clock: Clock,
    fate: str,
    state: str,
    autopay: str,
    said: str,
) -> None:
    stripe.sandbox.change_method(only(SavedCard).method_id, fate=fate)
    days_pass(stripe, to="2026-05-10")
    assert (the_charge().state, the_charge().tries) == (state, 1)
    assert auto().state == autopay
    kind = "autopay_stopped" if autopay == "stopped" else "autopay_declined"
    assert said in messages(kind)[0]
    days_pass(stripe, to="2026-05-20")
    assert the_charge().tries == 1
    assert came() == 0
    if autopay == "needs_card":
        come_in(client, debt)
        strengthen(debt)
        address = f"/plans/{plan.reference}/autopay/card"
        sent = client.fill(client.get(address), to=address, follow=False)
        stripe.pay(str(sent.location))
        stripe.settle()
        assert auto().state == "on"
    books_agree()


def test_what_is_paid_otherwise_counts_first(
    app: Flask, client: CheckingClient, debt: Standing, plan: Plan, on: Autopay, stripe: Stripe, clock: Clock
) -> None:
    days_pass(stripe, to="2026-05-06")
    come_in(client, debt)
    shown = client.get(f"/pay?debt={debt.reference}")
    assert "What you pay now counts first" in words(shown)
    form = next(form for form in page_of(shown).forms if "form_key" in form.names)
    values = dict(form.fields) | {"choice": "other", "amount": "40", "checked": "1"}
    hosted = client.post(f"/pay?debt={debt.reference}", data=values).location
    stripe.pay(str(hosted))
    stripe.settle()
    days_pass(stripe, to="2026-05-10")
    stripe.settle()
    assert payment_on(debt).amount_minor == 6_000
    assert came() == 10000
    assert the_charge().state == "charged"
    books_agree()


def test_without_a_notice_that_left_nothing_is_taken(
    app: Flask, client: CheckingClient, debt: Standing, plan: Plan, on: Autopay, stripe: Stripe, clock: Clock
) -> None:
    days_pass(stripe, to="2026-05-06")
    with transaction() as s:
        s.execute(update(Message).where(Message.kind == "autopay_notice").values(state="bounced"))
    days_pass(stripe, to="2026-05-13")
    assert (the_charge().state, the_charge().why) == ("called_off", "not_noticed")
    assert len(messages("autopay_not_taken")) == 1
    assert came() == 0
    assert stripe.sandbox.events("payment_intent.created") == []


def test_what_the_card_network_sends_is_followed(
    app: Flask, client: CheckingClient, debt: Standing, plan: Plan, on: Autopay, stripe: Stripe, clock: Clock
) -> None:
    method = only(SavedCard).method_id
    stripe.sandbox.change_method(method, last4="1117", exp_month=3, exp_year=2039)
    stripe.settle()
    card = only(SavedCard)
    assert (card.last4, card.exp_month, card.exp_year) == ("1117", 3, 2039)
    come_in(client, debt)
    assert "03/2039" in words(client.get("/autopay"))
    assert "1 plan" in words(client.get("/you"))
    stripe.sandbox.revoke(method)
    stripe.settle()
    assert auto().state == "needs_card"
    assert only(SavedCard).why_gone == "mandate_ended"
    session.rollback()
    assert {event.outcome for event in session.scalars(select(WebhookEvent))} <= {
        "heeded",
        "not_needed",
        "about_nothing_of_ours",
    }


def test_a_credit_card_is_not_kept(
    app: Flask, client: CheckingClient, debt: Standing, plan: Plan, stripe: Stripe
) -> None:
    come_in(client, debt)
    strengthen(debt)
    back = stripe.pay(turn_on(client, plan), "credit")
    stripe.settle()
    assert "can’t be used here" in words(client.get(back))
    assert (auto().state, auto().why_stopped) == ("stopped", "credit_card")
    assert len(stripe.sandbox.events("payment_method.detached")) == 1


def test_nothing_of_somebody_else_and_nothing_without_a_code(
    app: Flask, client: CheckingClient, debt: Standing, plan: Plan, on: Autopay, lender: Lender, stripe: Stripe
) -> None:
    other = a_debt("50.00", lender=lender)
    come_in(client, other)
    for end in ("", "/stop"):
        assert client.get(f"/plans/{plan.reference}/autopay{end}").status_code == 404
    home = page_of(client.get("/home"))
    token = {name: value for form in home.forms for name, value in form.fields if name == "csrf_token"}
    for end in ("stop", "confirm"):
        assert client.post(f"/plans/{plan.reference}/autopay/{end}", data=token).status_code == 404
    assert auto().state == "on"
    with pytest.raises(PermissionError), transaction():
        agreeing.agree(
            lender_id=debt.lender_id,
            debtor_id=debt.debtor_id,
            reference=plan.reference,
            shown="",
            form_key="",
            language="en",
            strength=1,
            by=Actor("debtor", str(debt.debtor_id)),
        )
    said = session.scalars(select(EvidenceRecord.entry).where(EvidenceRecord.act == "autopay_agreed")).one()
    assert hashlib.sha256(on.agreed_text.encode()).hexdigest() in said


def test_somebody_of_the_staff_stops_it_and_can_not_start_it(
    app: Flask,
    client: CheckingClient,
    debt: Standing,
    plan: Plan,
    on: Autopay,
    lender: Lender,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cheap(monkeypatch)
    colleague = a_client(app)
    come_to_work(colleague, a_worker(app, lender, Role.HELPDESK, name="Hel Desk"))
    page = colleague.get(f"/staff/people/{debt.debtor_id}")
    assert "Visa •••• 5556" in words(page)
    address = f"/staff/people/{debt.debtor_id}/autopay/{on.id}/stop"
    token = dict(page_of(colleague.get("/staff/people")).forms[0].fields)["csrf_token"]
    # Nothing is done for anybody who did not ask for it, and nothing is said to be done that was not.
    ask = colleague.get(address, follow_redirects=True)
    assert "Ask first whether they want you to do something" in words(ask)
    assert "Nothing is agreed any more" in words(
        colleague.post(address, data={"csrf_token": token}, follow_redirects=True)
    )
    assert auto().state == "on"
    agreed = colleague.fill(ask, {"how": "phone", "about": "To stop the payments."}, to="/act")
    nobodys = address.replace(str(on.id), str(uuid.uuid4()))
    assert colleague.post(nobodys, data={"csrf_token": token}).status_code == 404
    link = re.search(r'href="([^"]+/stop)"', agreed.get_data(as_text=True))
    assert link is not None and link[1] == address
    page = colleague.get(address)
    assert "The person is told" in words(colleague.fill(page, to=address))
    assert "That was done already" in words(colleague.fill(page, to=address))
    entry = json.loads(
        session.scalars(select(EvidenceRecord.entry).where(EvidenceRecord.act == "autopay_stopped")).one()
    )
    assert entry["facts"]["helper"] == "Hel Desk" and entry["facts"]["consent"]
    assert "Hel Desk stopped the automatic payments of your plan" in words(client.get("/timeline"))
    assert (auto().state, auto().why_stopped) == ("stopped", "staff")
    assert auto().stopped_by.startswith("staff:")  # type: ignore[union-attr]
    assert len(messages("autopay_stopped")) == 1
    assert colleague.get(f"/plans/{plan.reference}/autopay/turn-on").status_code == 303
    assert colleague.get(address).status_code == 404, "it is over"


def test_it_ends_with_its_plan(
    app: Flask, client: CheckingClient, debt: Standing, plan: Plan, on: Autopay, stripe: Stripe
) -> None:
    days_pass(stripe, to="2026-05-06")
    come_in(client, debt)
    ending = f"/plans/{plan.reference}/end"
    client.fill(client.get(ending), to=ending)
    assert "No automatic payments" in words(client.get("/autopay")), "at once"
    work(app)
    assert (auto().state, auto().why_stopped, the_charge().state) == ("stopped", "plan_over", "called_off")
    assert messages("autopay_not_taken") == messages("autopay_stopped") == []
    days_pass(stripe, to="2026-05-12")
    assert came() == 0


def test_taken_from_a_bank_account_it_is_under_way_for_days_and_counts_from_its_day(
    app: Flask, client: CheckingClient, debt: Standing, plan: Plan, stripe: Stripe, clock: Clock
) -> None:
    come_in(client, debt)
    strengthen(debt)
    assert "My bank can take a payment back for 60 days" in words(
        client.get(f"/plans/{plan.reference}/autopay/turn-on")
    )
    back = stripe.pay(turn_on(client, plan), "bank")
    stripe.settle()
    assert "Stand-In Test Bank •••• 6789" in words(client.get(back))
    kept = only(SavedCard)
    assert (kept.kind, kept.exp_month) == ("us_bank_account", None)
    assert str(kept.mandate_id).startswith("mandate_") and kept.mandate_at is not None
    assert "usually answers within 4 working days" in auto().agreed_text
    # 10 May is a Sunday. The bank is asked then, and answers on the 14th.
    days_pass(stripe, to="2026-05-11")
    stripe.settle()
    payment = payment_on(debt)
    assert (payment.state, the_charge().state, came()) == ("processing", "charging", 0)
    assert "is being taken just now" in words(client.get("/autopay")) or come_in(client, debt) is None
    asked = len(stripe.sandbox.events("payment_intent.processing"))
    days_pass(stripe, to="2026-05-13")
    assert asked == len(stripe.sandbox.events("payment_intent.processing")) == 1, "a bank is asked once"
    waiting = select(QueuedJob.id).where(QueuedJob.name == charging.CHARGE, QueuedJob.state == "ready")
    assert session.scalars(waiting).all() == [], "nobody asks every hour whether it has answered"
    days_pass(stripe, to="2026-05-15")
    stripe.settle()
    payment = payment_on(debt)
    assert (payment.state, the_charge().state, came()) == ("succeeded", "charged", 10_000)
    assert payment.paid_at is not None and payment.paid_at.date().isoformat() == "2026-05-10"
    assert plan_items(debt)[0].kept_at is not None
    assert len(messages("payment_received")) == 1
    assert messages("payment_on_its_way") == messages("payment_failed") == []
    # It comes back weeks later: the payment is paid by hand, and nothing takes it again by itself.
    stripe.sandbox.dispute(payment.payment_intent_id or "", reason="insufficient_funds")
    clock.forward(minutes=1)
    stripe.settle()
    assert (payment_on(debt).state, plan_items(debt)[0].kept_at) == ("refunded", None)
    assert len(messages("debit_returned")) == 1
    days_pass(stripe, to="2026-05-22")
    assert (the_charge().state, len(stripe.sandbox.events("payment_intent.created"))) == ("charged", 1)
    books_agree()


def test_a_no_of_the_bank_that_comes_days_later_is_tried_again_on_a_day_that_was_said(
    app: Flask, client: CheckingClient, debt: Standing, plan: Plan, stripe: Stripe, clock: Clock
) -> None:
    come_in(client, debt)
    strengthen(debt)
    stripe.pay(turn_on(client, plan), "bank_fails")
    stripe.settle()
    days_pass(stripe, to="2026-05-15")
    stripe.settle()
    days_pass(stripe, to="2026-05-16")
    charge = the_charge()
    assert (charge.state, charge.tries, charge.why) == ("noticed", 1, "insufficient_funds")
    assert "We try once more on" in messages("autopay_declined")[0]
    assert "Stand-In Test Bank" in messages("autopay_declined")[0]
    said = charge.charge_on
    days_pass(stripe, to=said.isoformat())
    stripe.settle()
    assert (the_charge().state, the_charge().tries) == ("charging", 2)
    stripe.sandbox.settle_payment(payment_on(debt).payment_intent_id or "", succeeds=True)
    clock.forward(minutes=1)
    stripe.settle()
    assert (the_charge().state, came()) == ("charged", 10_000)
    assert len(stripe.sandbox.events("payment_intent.created")) == 1
    books_agree()


def test_after_the_bank_was_asked_once_it_asks_no_more(
    app: Flask, client: CheckingClient, debt: Standing, plan: Plan, on: Autopay, stripe: Stripe, clock: Clock
) -> None:
    first = only(SavedCard).method_id
    stripe.sandbox.change_method(first, fate="second_step")
    days_pass(stripe, to="2026-05-11")
    assert the_charge().state == "second_step"
    come_in(client, debt)
    address = f"/plans/{plan.reference}/autopay"
    assert f"{address}\n" in messages("autopay_declined")[0] + "\n"
    shown = client.get(address)
    assert "Your bank wants to hear from you" in words(shown)
    sent = client.fill(shown, to=f"{address}/confirm", follow=False)
    hosted = str(sent.location)
    assert "/c/pay/" in hosted
    status, _where, text = stripe.sandbox.pay(hosted, "second_step")
    assert status == 303, text
    stripe.sandbox.answer_bank(hosted, yes=True)
    clock.forward(minutes=1)
    stripe.settle()
    assert came() == 10_000
    session.rollback()
    alive = session.scalars(select(SavedCard).where(SavedCard.gone_at.is_(None))).one()
    assert alive.method_id != first and auto().card_id == alive.id
    assert "Your bank wants to hear from you" in words(client.get(address)) or plan_items(debt)[0].kept_at is not None
    days_pass(stripe, to="2026-06-11")
    stripe.settle()
    assert (the_charge(2).state, came()) == ("charged", 20_000), "the bank asked no more"
    assert client.post(f"{address}/confirm").status_code in (303, 400)
    books_agree()


def test_stripe_down_while_a_card_is_saved_or_charged_is_calm_and_loses_nothing(
    app: Flask, client: CheckingClient, debt: Standing, plan: Plan, stripe: Stripe, clock: Clock
) -> None:
    come_in(client, debt)
    strengthen(debt)
    address = f"/plans/{plan.reference}/autopay/turn-on"
    form = dict(next(form for form in page_of(client.get(address)).forms if "shown" in form.names).fields)
    for how, path in (("save", "/v1/customers"), ("save", "/v1/checkout/sessions"), ("pay", "/v1/checkout/sessions")):
        stripe.sandbox.fail_next("500", count=2, path=path, method="POST")
        down = client.post(address, data=form | {"how": how})
        assert down.status_code == 503
        assert "nothing is lost" in words(down)
        stripe.sandbox.heal()
    stripe.pay(str(client.post(address, data=form | {"how": "save"}).location))
    stripe.settle()
    assert auto().state == "on"
    days_pass(stripe, to="2026-05-09")
    stripe.sandbox.fail_next("500", count=50, path="/v1/payment_intents")
    days_pass(stripe, to="2026-05-10")
    assert (came(), the_charge().state) == (0, "charging")
    stripe.sandbox.heal()
    # On a day on which nobody could pay nothing is taken; on the next one it is.
    clock.forward(minutes=15)
    work(app)
    assert came() == 0
    days_pass(stripe, to="2026-05-11")
    stripe.settle()
    assert (came(), the_charge().state) == (10_000, "charged")
    assert acts_of(debt.lender_id)["autopay_charging"] == 1
    books_agree()
