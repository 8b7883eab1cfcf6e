"""Letters about how a debt or a plan ends: each comes by itself on its day, and says so when it no longer holds."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from portal.db import session, transaction
from portal.debts.statement import Standing
from portal.evidence.record import Actor
from portal.lenders.models import Lender
from portal.letters import pdf
from portal.letters.contents import Letter
from portal.letters.ending_contents import PaidInFull
from portal.letters.models import IssuedLetter
from portal.letters.sheet import Rendered
from portal.offers.asked import Settlement
from portal.payments import settle, stripe_gateway
from portal.payments.models import Payment
from portal.plans import negotiate
from tests.conftest import Clock
from tests.factories import STANDARD_LIMITS, a_debt, a_lender
from tests.journeys.acts import books_agree, come_in, command, give_code, now, plan_on, usd, work
from tests.pages import CheckingClient, Page, page_of
from tests.settling import SETTLEMENTS, a_payment, a_plan, a_settlement, facts_of


@pytest.fixture(autouse=True)
def not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let letters be written and checked, and their drawing, which takes a second each, be left to other tests."""

    def written(*, timeout: float = 0, **named: Any) -> Rendered:
        html = pdf.write_html(**named)
        return Rendered(pdf=html.encode(), pages=1)

    monkeypatch.setattr(pdf, "render", written)


@pytest.fixture
def lender(app: Flask) -> Lender:
    """One whose limits let people settle for less."""
    return a_lender(limits=STANDARD_LIMITS + SETTLEMENTS)


def arrives(
    app: Flask,
    debt: Standing,
    monkeypatch: pytest.MonkeyPatch,
    *,
    amount: str,
    plan: str | None = None,
    by: str = "card",
    payment: Payment | None = None,
    back: tuple[str, ...] = (),
) -> Payment:
    """Let a payment arrive, or something of it go back."""
    payment = payment or a_payment(debt, amount=amount, plan=plan)
    facts = replace(facts_of(payment, back=back), method_kind=by)
    monkeypatch.setattr(stripe_gateway, "read_payment", lambda *_args, **_named: facts)
    with app.app_context():
        settle.settle(lender_id=payment.lender_id, payment_id=payment.id)
    return payment


def letters(kind: str) -> list[IssuedLetter]:
    session.rollback()
    return list(session.scalars(select(IssuedLetter).where(IssuedLetter.kind == kind).order_by(IssuedLetter.id)))


def states(app: Flask, kind: str) -> list[str]:
    """How letters of a kind stand, for anybody who checks them."""
    found = []
    for letter in letters(kind):
        page = page_of(app.test_client().get(f"/check-a-letter/{letter.number}"))
        assert page.says(letter.number)
        found.append("holds" if page.says("it still holds") else "no longer")
    return found


def all_letters(client: CheckingClient, debt: Standing) -> Page:
    come_in(client, debt)
    give_code(client)
    return page_of(client.get("/letters"))


def night(app: Flask) -> None:
    done = command(app, "nightly")
    assert done.exit_code == 0, done.output
    work(app, letters=True)


def test_a_settlement_has_its_letter_once_no_bank_can_take_the_money_back(
    client: CheckingClient, lender: Lender, app: Flask, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    debt = a_debt("800.00", lender=lender, interest="12.00")
    plan = a_settlement(debt, pays="806.00").reference
    assert all_letters(client, debt).says("It is made by itself when nothing is left to pay")
    payment = arrives(app, debt, monkeypatch, amount="806.00", plan=plan, by="us_bank_account")
    work(app, letters=True)
    # It arrived on 4 May 2026, and a bank has 60 days.
    assert all_letters(client, debt).says("It is made by itself on 4 July 2026. Until then your bank")
    clock.forward(days=60)
    night(app)
    assert letters("settlement-satisfied") == []
    clock.forward(days=1)
    night(app)
    night(app)
    (letter,) = letters("settlement-satisfied")
    said = letter.pdf.decode()
    assert "in full and final settlement" in said and "$806.00" in said and plan in said
    assert "paid in full" not in said.lower()
    assert letters("paid-in-full") == []
    # That all was paid is refused for good, and the page says why.
    page = all_letters(client, debt)
    assert page.says("Settlement kept") and page.says("no letter says that it was paid in full")
    assert states(app, "settlement-satisfied") == ["holds"]
    arrives(app, debt, monkeypatch, amount="806.00", payment=payment, by="us_bank_account", back=("1.00",))
    work(app, letters=True)
    assert states(app, "settlement-satisfied") == ["no longer"]
    assert all_letters(client, debt).says("Taken back")
    books_agree()


def test_a_debt_that_is_paid_has_its_letter_and_one_that_went_back_waits_anew(
    client: CheckingClient, lender: Lender, app: Flask, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    debt = a_debt("100.00", lender=lender)
    first = arrives(app, debt, monkeypatch, amount="60.00", by="us_bank_account")
    arrives(app, debt, monkeypatch, amount="40.00")
    work(app, letters=True)
    assert now(debt).owed == usd("0.00") and letters("paid-in-full") == []
    clock.forward(days=20)
    arrives(app, debt, monkeypatch, amount="60.00", payment=first, by="us_bank_account", back=("60.00",))
    work(app, letters=True)
    assert now(debt).owed == usd("60.00") and letters("paid-in-full") == []
    # Paid again by card, it need not wait for the day on which the debit would have been there for good.
    clock.forward(minutes=1)
    again = arrives(app, debt, monkeypatch, amount="60.00")
    work(app, letters=True)
    work(app, letters=True)
    (letter,) = letters("paid-in-full")
    assert "This debt is paid in full" in letter.pdf.decode()
    details = Letter.from_json(json.dumps(letter.facts)).details
    assert isinstance(details, PaidInFull)
    assert [line.amount for line in details.payments] == [usd("60.00"), usd("40.00"), usd("-60.00"), usd("60.00")]
    assert states(app, "paid-in-full") == ["holds"]
    arrives(app, debt, monkeypatch, amount="60.00", payment=again, back=("60.00",))
    work(app, letters=True)
    assert states(app, "paid-in-full") == ["no longer"]
    clock.forward(minutes=1)
    arrives(app, debt, monkeypatch, amount="60.00")
    work(app, letters=True)
    assert states(app, "paid-in-full") == ["no longer", "holds"]
    # The day of the debit comes, and there is nothing more to say.
    clock.forward(days=60)
    work(app, letters=True)
    assert states(app, "paid-in-full") == ["no longer", "holds"]
    books_agree()


def test_what_goes_back_while_a_letter_is_drawn_is_not_written(
    lender: Lender, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    debt = a_debt("100.00", lender=lender)
    payment = arrives(app, debt, monkeypatch, amount="100.00")
    draw = pdf.render

    def slowly(**named: Any) -> Rendered:
        found = draw(**named)
        if named["template"] == "letters/paid-in-full.html":
            arrives(app, debt, monkeypatch, amount="100.00", payment=payment, back=("100.00",))
        return found

    monkeypatch.setattr(pdf, "render", slowly)
    work(app, letters=True)
    assert (now(debt).owed, letters("paid-in-full")) == (usd("100.00"), [])
    books_agree()


def test_a_plan_that_ended_has_its_letter_once_that_stands(
    client: CheckingClient, lender: Lender, app: Flask, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    debt = a_debt("900.00", lender=lender)
    plan = a_plan(debt).reference
    arrives(app, debt, monkeypatch, amount="100.00", plan=plan)
    come_in(client, debt)
    client.fill(client.get(f"/plans/{plan}/end"), to="/end")
    work(app, letters=True)
    assert letters("plan-ended") == [], "for a day it can be taken back"
    client.fill(client.get(f"/plans/{plan}"), to="/end/take-back")
    clock.forward(days=2)
    work(app, letters=True)
    assert (letters("plan-ended"), plan_on(debt).state) == ([], "active")
    come_in(client, debt)
    client.fill(client.get(f"/plans/{plan}/end"), to="/end")
    clock.forward(days=1, minutes=1)
    work(app, letters=True)
    work(app, letters=True)
    (letter,) = letters("plan-ended")
    said = letter.pdf.decode()
    assert "You asked us to end this plan, and we did." in said
    assert "$100.00" in said and "$800.00" in said and "18% a year" in said
    assert states(app, "plan-ended") == ["holds"]
    assert all_letters(client, debt).says("Your plan has ended")


def test_an_offer_can_be_had_in_writing_and_holds_as_long_as_it_can_be_agreed_to(
    client: CheckingClient, lender: Lender, app: Flask, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    debt = a_debt("800.00", lender=lender, interest="12.00")
    by = Actor("debtor", str(debt.debtor_id))
    today = clock.at.date()
    with transaction():
        negotiate.ask(debt, asked=Settlement(usd("806.00"), today + timedelta(days=5)), by=by, today=today)
        proposal = negotiate.newest_proposal(debt)
        assert proposal is not None
        picked = negotiate.choices(negotiate.table_for(debt, proposal=proposal, today=today))["own"]
        number = negotiate.quote(
            debt, proposal=proposal, key="own", arrangement=picked, by=by, today=today, zone="America/New_York"
        )
    all_letters(client, debt)
    page = client.get("/letters")
    assert page_of(page).says("Offer of $806.00")
    for _click in range(2):
        client.fill(client.get("/letters"), to="/letters/ask-for-offer")
    work(app, letters=True)
    (letter,) = letters("settlement-offer")
    said = letter.pdf.decode()
    assert number in said and "$806.00" in said and "You can take advice" in said and "Your credit record" in said
    assert states(app, "settlement-offer") == ["holds"]
    asked = {"debt": debt.reference, "quote": "Q-0000-0000", **_token(client)}
    gone = client.post("/letters/ask-for-offer", data=asked, follow_redirects=True)
    assert page_of(gone).says("can’t be agreed to any more")
    stranger = {"debt": "LN-0", "quote": number, **_token(client)}
    assert client.post("/letters/ask-for-offer", data=stranger).status_code == 404
    arrives(app, debt, monkeypatch, amount="10.00")
    assert states(app, "settlement-offer") == ["no longer"]
    assert not page_of(client.get("/letters")).says("Have an offer in writing")


def _token(client: CheckingClient) -> dict[str, str]:
    return {"csrf_token": dict(page_of(client.get("/letters")).forms[-1].fields)["csrf_token"]}
