"""In which order money pays off a debt, as the lender's card has it; and what goes back goes the other way round."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from portal import clock as portal_clock
from portal import sweep
from portal.db import session, transaction
from portal.debts.statement import Standing
from portal.evidence.record import Actor
from portal.ledger import Account
from portal.letters.models import IssuedLetter
from portal.payments import credit
from portal.payments.models import Payment
from portal.people.models import Debtor
from portal.plans.models import Plan, Quote
from portal.plans.progress import items_of
from tests.conftest import Clock
from tests.factories import STANDARD_LIMITS, a_debt, a_lender
from tests.journeys.acts import books_agree, come_in, now, plan_on, sign, to_check, usd, work
from tests.pages import CheckingClient, page_of
from tests.settling import SETTLEMENTS, a_payment, a_plan, a_settlement, stripe_says

PARTS = (Account.COSTS, Account.PENALTY, Account.FEES, Account.INTEREST, Account.PRINCIPAL)


def with_orders(app: Flask, **orders: str) -> Standing:
    """1,000.00: costs 10.00, penalty 20.00, fees 30.00, interest 40.00 and principal 900.00."""
    lines = "\n".join(f'{key} = "{order}"' for key, order in orders.items())
    limits = STANDARD_LIMITS.replace('policy = "frozen"', 'policy = "contract"')
    lender = a_lender(limits=limits.replace("[card.keeping]", f"[card.allocation]\n{lines}\n[card.keeping]"))
    return a_debt("900.00", lender=lender, costs="10.00", penalty="20.00", fees="30.00", interest="40.00")


def parts_of(debt: Standing) -> list[str]:
    return [str(now(debt).parts[account].amount) for account in PARTS]


Pays = Callable[..., Payment]


@pytest.fixture
def pays(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pays]:
    def pay(debt: Standing, amount: str, *, plan: str | None = None) -> Payment:
        payment = a_payment(debt, amount=amount, plan=plan)
        stripe_says(payment, monkeypatch)
        return payment

    with app.app_context():
        yield pay


@pytest.mark.parametrize(
    ("order", "left", "after_30_back"),
    [
        ("costs_first", "0.00 0.00 0.00 0.00 500.00", "0.00 0.00 0.00 0.00 530.00"),
        ("principal_first", "10.00 20.00 30.00 40.00 400.00", "10.00 20.00 30.00 40.00 430.00"),
    ],
)
def test_without_a_plan_the_card_says_what_is_paid_first(
    app: Flask, pays: Pays, monkeypatch: pytest.MonkeyPatch, order: str, left: str, after_30_back: str
) -> None:
    debt = with_orders(app, without_plan=order)
    pays(debt, "200.00")
    second = pays(debt, "300.00")
    assert parts_of(debt) == left.split()
    stripe_says(second, monkeypatch, back=("30.00",))
    assert parts_of(debt) == after_30_back.split()
    books_agree()


def test_what_goes_back_leaves_what_the_rest_of_the_money_pays(
    app: Flask, pays: Pays, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first payment paid costs and fees; once it went back, the second one did."""
    debt = with_orders(app)
    first = pays(debt, "60.00")
    pays(debt, "100.00")
    assert parts_of(debt) == ["0.00", "0.00", "0.00", "0.00", "840.00"]
    stripe_says(first, monkeypatch, back=("60.00",))
    assert parts_of(debt) == ["0.00", "0.00", "0.00", "0.00", "900.00"]
    books_agree()


def test_who_paid_twice_and_gets_the_first_payment_back_owes_nothing_and_has_nothing_left(
    app: Flask, pays: Pays, monkeypatch: pytest.MonkeyPatch
) -> None:
    debt = with_orders(app)
    first = pays(debt, "1000.00")
    pays(debt, "1000.00")
    assert (now(debt).owed, now(debt).credit) == (usd("0"), usd("1000.00"))
    stripe_says(first, monkeypatch, back=("1000.00",))
    assert (now(debt).owed, now(debt).credit) == (usd("0"), usd("0"))
    books_agree()


def test_what_completed_a_plan_goes_back_while_another_one_lives_on_its_debt(
    app: Flask, pays: Pays, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan that was done stays done: what went back is owed beside the other one, which goes on."""
    debt = with_orders(app)
    beside = pays(debt, "60.00")
    done = a_plan(now(debt))
    whole = pays(debt, "940.00", plan=done.reference)
    stripe_says(beside, monkeypatch, back=("60.00",))
    lives = a_plan(now(debt), payment="20.00")
    stripe_says(whole, monkeypatch, back=("940.00",))
    session.rollback()
    states = [session.get_one(Plan, (debt.lender_id, plan.id), populate_existing=True).state for plan in (done, lives)]
    assert states == ["completed", "agreed"]
    assert now(debt).owed == usd("1000.00")
    books_agree()


def test_credit_that_was_used_pays_in_the_same_order(app: Flask, pays: Pays) -> None:
    debt = with_orders(app, without_plan="principal_first")
    other = a_debt("50.00", debtor=session.get_one(Debtor, (debt.lender_id, debt.debtor_id)))
    pays(other, "70.00")
    with transaction():
        used = credit.use(
            source=now(other),
            target=debt,
            amount=usd("20.00"),
            form_key="a" * 32,
            today=portal_clock.today("America/New_York"),
            by=Actor("debtor", str(debt.debtor_id)),
        )
    assert isinstance(used, credit.Used)
    assert parts_of(debt) == ["10.00", "20.00", "30.00", "40.00", "880.00"]
    books_agree()


def test_a_plan_pays_instalment_by_instalment_and_once_payments_are_missed_costs_first(
    app: Flask, pays: Pays, clock: Clock
) -> None:
    debt = with_orders(app, plan="by_instalment", missed="costs_first")
    plan = a_plan(debt)
    reference, plan_id = plan.reference, plan.id
    first, second = items_of(plan)[:2]
    assert first.interest_minor and first.amount_minor == 10_000
    due, interest, amount, later = first.due_on, first.interest_minor, first.amount_minor, second.due_on
    clock.forward(days=(due - clock.at.date()).days)
    pays(debt, "100.00", plan=reference)
    # Its interest was posted on its day and is paid, the rest is principal; what stood there before is still there.
    assert parts_of(debt) == ["10.00", "20.00", "30.00", "40.00", f"{900 - (amount - interest) / 100:.2f}"]
    clock.forward(days=(later - due).days + 10)
    sweep.look_at(lender_id=debt.lender_id, plan_id=plan_id)
    assert plan_on(debt).state == "at_risk"
    pays(debt, "60.00", plan=reference)
    assert parts_of(debt)[:3] == ["0.00", "0.00", "0.00"]
    books_agree()


def test_a_payment_of_an_instalment_that_goes_back_and_comes_again_leaves_what_was(
    app: Flask, pays: Pays, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    debt = with_orders(app, plan="by_instalment")
    plan = a_plan(debt)
    reference, due = plan.reference, items_of(plan)[1].due_on
    clock.forward(days=(due - clock.at.date()).days)
    first = pays(debt, "100.00", plan=reference)
    before = parts_of(debt)
    pays(debt, "100.00", plan=reference)
    both = parts_of(debt)
    stripe_says(first, monkeypatch, back=("100.00",))
    assert parts_of(debt) == before
    pays(debt, "100.00", plan=reference)
    assert parts_of(debt) == both
    books_agree()


def test_a_settlement_pays_principal_first_where_the_card_says_so(app: Flask, pays: Pays) -> None:
    """As is recommended for settlements: what is paid shrinks the debt, and the rest is let off with the last of it."""
    lender = a_lender(
        limits=STANDARD_LIMITS
        + SETTLEMENTS.replace("[card.decide]", '[card.allocation]\nsettlement = "principal_first"\n[card.decide]')
    )
    debt = a_debt("800.00", lender=lender, interest="12.00")
    plan = a_settlement(debt, pays="806.00")
    pays(debt, "400.00", plan=plan.reference)
    assert parts_of(debt) == ["0.00", "0.00", "0.00", "12.00", "400.00"]
    pays(debt, "406.00", plan=plan.reference)
    assert now(debt).owed == usd("0")
    books_agree()


def test_what_was_quoted_before_there_were_orders_pays_as_it_did(app: Flask, pays: Pays) -> None:
    debt = with_orders(app, plan="principal_first")
    plan = a_plan(debt)
    made = session.get_one(Quote, (plan.lender_id, plan.quote_id))
    terms = {key: value for key, value in made.terms.items() if key != "orders"}
    with transaction() as s:
        s.execute(update(Quote).where(Quote.id == plan.quote_id).values(terms=terms))
    pays(debt, "60.00", plan=plan.reference)
    assert parts_of(debt) == ["0.00", "0.00", "0.00", "40.00", "900.00"]


def test_an_order_that_is_not_the_laws_own_is_said_before_it_is_agreed_to_and_stands_in_the_agreement(
    app: Flask, client: CheckingClient
) -> None:
    debt = with_orders(app, plan="principal_first", missed="by_instalment")
    come_in(client, debt)
    check = to_check(client, debt)
    assert page_of(check).says("Your payments pay off what you borrowed first, then interest, then fees and costs.")
    assert page_of(check).says("If you miss payments, the interest due with each payment comes first")
    sign(client, check)
    usual = with_orders(app)
    other = app.test_client()
    assert isinstance(other, CheckingClient)
    come_in(other, usual)
    usual_check = to_check(other, usual)
    assert not page_of(usual_check).says("What your payments pay off first")
    sign(other, usual_check)
    work(app, letters=True)
    agreed, as_usual = facts_of_agreement(debt), facts_of_agreement(usual)
    # One order stands there, never two.
    assert agreed["allocation_order"] == []
    assert "What your payments pay off first" in [told["title"] for told in agreed["told"]]
    assert as_usual["allocation_order"] == ["costs", "penalty", "fees", "interest", "principal"]


def facts_of_agreement(debt: Standing) -> dict[str, Any]:
    facts = session.scalars(
        select(IssuedLetter.facts).where(IssuedLetter.debt_id == debt.id, IssuedLetter.kind == "plan-agreement")
    ).one()
    details: dict[str, Any] = facts["letter"]["details"]
    return details
