"""Every kind of arrangement from asking to its end: what is agreed is what was quoted; what was promised happens once.

The acts themselves, without pages: pages have journeys of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal import clock as portal_clock
from portal import sweep, verify
from portal.affordability.budget import Budget, Group, Line
from portal.care import requests
from portal.care.holds import holding
from portal.care.models import CareHold, CareRequest
from portal.care.states import Kind as RequestKind
from portal.db import session, transaction
from portal.debts.statement import Standing, by_id
from portal.evidence.record import OPERATOR, Actor
from portal.home.overview import overview_of
from portal.ledger import Posting, Transfer
from portal.lenders.models import Lender
from portal.letters import issue
from portal.letters.models import IssuedLetter
from portal.money import Money
from portal.offers.answers import Answer, Outcome, Reason
from portal.offers.asked import Asked, DownPayment, Lower, Pause, Settlement, Steps, Way
from portal.offers.gates import Gate
from portal.payments.models import Payment
from portal.people.models import Debtor
from portal.plans import for_a_person, negotiate
from portal.plans.allowed import limits_in_force
from portal.plans.models import Plan, PlanItem, Proposal, Quote
from portal.plans.progress import plan_of, view_of
from portal.plans.situation import background_of
from portal.schedules.arrangements import Kind
from portal.schedules.dates import Frequency
from tests.conftest import Clock
from tests.factories import a_debt, a_lender, some_limits
from tests.settling import a_payment, stripe_says

ZONE = "America/New_York"
EVERYTHING = """
name = "Everything"
effective_from = 2026-01-01
[[card]]
name = "Everything"
frequencies = ["monthly", "seasonal"]
seasonal_months = [9, 10]
first_payment_within_days = 310
accept_alone_up_to_months = 24
offer_valid_days = 14
step_up_after_months = 3
[card.least_payment]
amount = 10
percent_of_balance = 0
hardship_amount = 1
[card.longest_term_months]
standard = 24
hardship = 60
[card.interest]
policy = "contract"
[card.down_payment]
least_percent = 10
[card.discount]
most_instalments = 6
[[card.discount.bands]]
days_late_from = 0
lump_percent = 30
staged_percent = 20
[card.discount.ceilings]
penalty = 100
fees = 100
interest = 50
[card.holiday]
most_months_in_12 = 3
most_months_running = 2
payments_between = 3
interest = "simple"
keeps = "term"
[card.reduced_payment]
most_months = 6
least_percent = 25
[card.keeping]
grace_days = 5
tolerance = 1
cure_days = 30
[card.affordability]
keep_back_percent = 10
round_down_to = 1
[card.decide]
alone_up_to_discount_percent = 20
"""


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


@pytest.fixture
def lender(app: Flask) -> Iterator[Lender]:
    lender = a_lender(limits=EVERYTHING)
    with app.app_context():
        yield lender


@pytest.fixture
def debt(lender: Lender) -> Standing:
    """10,000.00 of which 7,200.00 is principal, as in the worked example of settlements."""
    return a_debt(
        "7200.00", lender=lender, interest="1900.00", penalty="700.00", fees="200.00", days_late=200, annual_rate="12"
    )


@dataclass(frozen=True)
class Person:
    """Acts of one person on one debt."""

    debt: Standing

    @property
    def by(self) -> Actor:
        return Actor("debtor", str(self.debt.debtor_id))

    @property
    def today(self) -> date:
        return portal_clock.today(ZONE)

    def now(self) -> Standing:
        return by_id(lender_id=self.debt.lender_id, debt_id=self.debt.id)

    def regular(self, amount: str, frequency: Frequency = Frequency.MONTHLY) -> Any:
        return negotiate.regular_of(self.now(), payment=usd(amount), frequency=frequency, pay_day=28, today=self.today)

    def ask(self, asked: Asked, pay_day: int | None = 28) -> negotiate.Table:
        with transaction():
            negotiate.ask(self.now(), asked=asked, pay_day=pay_day, by=self.by, today=self.today)
        return self.table()

    def proposal(self) -> Proposal:
        found = negotiate.newest_proposal(self.debt)
        assert found is not None
        return found

    def table(self) -> negotiate.Table:
        return negotiate.table_for(self.now(), proposal=self.proposal(), today=self.today)

    def quote(self, key: str = "own") -> str:
        with transaction():
            picked = negotiate.choices(self.table())[key]
            return negotiate.quote(
                self.now(),
                proposal=self.proposal(),
                key=key,
                arrangement=picked,
                by=self.by,
                today=self.today,
                zone=ZONE,
            )

    def agree(self, number: str) -> Any:
        with transaction():
            return negotiate.agree(self.now(), number=number, agreed_text="I agree.", by=self.by)

    def agreed(self, asked: Asked) -> Plan:
        self.ask(asked)
        done = self.agree(self.quote())
        assert isinstance(done, negotiate.Agreed)
        return self.plan(done.reference)

    def plan(self, reference: str) -> Plan:
        session.expire_all()
        return session.scalars(
            select(Plan).where(Plan.lender_id == self.debt.lender_id, Plan.reference == reference)
        ).one()

    def items(self, plan: Plan) -> list[PlanItem]:
        return list(session.scalars(select(PlanItem).where(PlanItem.plan_id == plan.id).order_by(PlanItem.seq)))


@pytest.fixture
def person(debt: Standing) -> Person:
    return Person(debt)


@pytest.fixture
def pays(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Payment]:
    def pay(plan: Plan, amount: str, *, back: tuple[str, ...] = ()) -> Payment:
        debt = by_id(lender_id=plan.lender_id, debt_id=plan.debt_id)
        payment = a_payment(debt, amount=amount, plan=plan.reference)
        stripe_says(payment, monkeypatch)
        if back:
            stripe_says(payment, monkeypatch, back=back)
        return payment

    return pay


def books_agree() -> None:
    session.rollback()
    assert verify.disagreements() == ()


def waivers_on(debt: Standing) -> list[tuple[str, str, int]]:
    """Every transfer by which something was let off or owed again: kind, part, amount."""
    rows = session.execute(
        select(Posting.kind, Transfer.from_account, Transfer.to_account, Transfer.amount_minor)
        .join(Transfer, Transfer.posting_id == Posting.id)
        .where(Transfer.book_id == debt.id, Posting.kind.in_(("waiver", "waiver_undone")))
        .order_by(Posting.at, Transfer.id)
    )
    return [(row[0], row[1] if row[0] == "waiver" else row[2], row[3]) for row in rows]


def kinds_of(person: Person) -> dict[str, Asked]:
    regular = person.regular("600")
    return {
        Kind.INSTALMENTS.value: regular,
        Kind.STEP_UP.value: Steps(((3, usd("300")),), person.regular("600")),
        Kind.DOWN_PAYMENT_FIRST.value: DownPayment(usd("2000"), person.today + timedelta(days=5), regular),
        Kind.HOLIDAY.value: Pause(2, regular),
        Kind.REDUCED_PAYMENT.value: Lower(3, person.regular("200")),
        Kind.SETTLEMENT_LUMP.value: Settlement(usd("8150"), person.today + timedelta(days=10)),
        Kind.SETTLEMENT_STAGED.value: Settlement(usd("8150"), person.today + timedelta(days=10), parts=3),
        Kind.SEASONAL.value: person.regular("3000", Frequency.SEASONAL),
    }


@pytest.mark.parametrize(
    "kind",
    [
        "instalments",
        "step_up",
        "down_payment_first",
        "holiday",
        "reduced_payment",
        "settlement_lump",
        "settlement_staged",
        "seasonal",
    ],
)
def test_every_kind_is_asked_for_answered_quoted_and_agreed_to_as_it_was_quoted(person: Person, kind: str) -> None:
    table = person.ask(kinds_of(person)[kind])
    given: Answer = table.answer
    assert given.is_agreed_alone, (given.outcome, given.reasons, given.change)
    proposal = person.proposal()
    assert proposal.outcome == "accept" and proposal.round == 1
    assert proposal.kind == table.asked.way.value
    steps = negotiate.trace_of(proposal)
    assert steps[0]["rule"] == "asked" and steps[-1]["rule"] == "outcome" and steps[-1]["result"] == "accept"
    number = person.quote()
    made = negotiate.quote_of(person.debt, number=number)
    assert made is not None and made.arrangement == kind
    facts = negotiate.facts_in(made)
    arranged = negotiate.arrangement_in(made)
    assert arranged.schedule == negotiate.schedule_in(made)
    assert facts.total == negotiate.schedule_in(made).total
    assert facts.balance == usd("10000") == facts.total - facts.interest + facts.waived + facts.left
    assert made.terms["facts"]["total"]["minor"] == facts.total.minor
    # A second click is the same quote; and what is agreed is what it says.
    assert person.quote() == number
    done = person.agree(number)
    assert isinstance(done, negotiate.Agreed)
    plan = person.plan(done.reference)
    assert plan.kind == kind and plan.waive_minor == facts.waived.minor and plan.review_on == arranged.review_on
    assert [(item.due_on, item.amount_minor) for item in person.items(plan)] == [
        (payment.due_on, payment.amount.minor) for payment in facts.payments
    ]
    issue.plan_agreement(lender_id=plan.lender_id, plan_id=plan.id)
    letter = session.scalars(select(IssuedLetter).where(IssuedLetter.cause == f"plan-agreement:{plan.id}")).one()
    assert letter.pdf.startswith(b"%PDF")
    books_agree()


def test_a_pause_costs_interest_that_is_charged_with_the_first_payments(person: Person) -> None:
    plan = person.agreed(kinds_of(person)["holiday"])
    arranged = negotiate.arrangement_in(session.get_one(Quote, (plan.lender_id, plan.quote_id)))
    items = person.items(plan)
    assert sum(item.principal_minor for item in items) == usd("10000").minor
    assert arranged.grows_by is not None and arranged.grows_by.minor > 0
    # The first payment is interest of the pause before it is anything else.
    assert items[0].interest_minor >= min(arranged.grows_by.minor, items[0].amount_minor)
    assert sum(item.interest_minor for item in items) == arranged.cost.minor


def test_a_settlement_lets_off_what_was_quoted_in_the_act_of_its_payment_and_never_before(
    person: Person, pays: Callable[..., Payment]
) -> None:
    plan = person.agreed(kinds_of(person)["settlement_staged"])
    items = person.items(plan)
    assert [item.amount_minor for item in items] == [271667, 271667, 271666]
    assert [item.waive_minor for item in items] == [0, 0, 185000]
    pays(plan, "2716.67")
    pays(plan, "2716.67")
    assert waivers_on(person.debt) == []
    assert person.now().owed == usd("4566.66")
    [shown] = overview_of(lender_id=plan.lender_id, debtor_id=plan.debtor_id, today=person.today).debts
    assert shown.to_waive == usd("1850")
    books_agree()
    last = pays(plan, "2716.66")
    issue.payment_receipt(lender_id=last.lender_id, payment_id=last.id)
    receipt = session.scalars(select(IssuedLetter).where(IssuedLetter.kind == "payment-receipt")).one()
    assert receipt.facts["letter"]["details"]["let_off"] == {"amount": "1850.00", "currency": "USD"}
    assert sorted(waivers_on(person.debt)) == [
        ("waiver", "fees", 20000),
        ("waiver", "interest", 95000),
        ("waiver", "penalty", 70000),
    ]
    assert person.now().owed == usd("0") and person.now().credit == usd("0")
    assert person.plan(plan.reference).state == "completed"
    # The night finds nothing to do.
    sweep.look_at(lender_id=plan.lender_id, plan_id=plan.id)
    assert len(waivers_on(person.debt)) == 3
    books_agree()


def test_a_settlement_is_broken_by_one_missed_payment_and_lets_off_all_the_same_when_it_is_made_up_for(
    person: Person, pays: Callable[..., Payment], clock: Clock
) -> None:
    """As V-SET-5: what was paid is credited, nothing is let off, and nothing is added for the days before the break."""
    plan = person.agreed(kinds_of(person)["settlement_staged"])
    second = person.items(plan)[1]
    pays(plan, "2716.67")

    def the_night_of(day: date) -> str:
        clock.forward(days=(day - person.today).days)
        sweep.look_at(lender_id=plan.lender_id, plan_id=plan.id)
        return person.plan(plan.reference).state

    last_day = second.due_on + timedelta(days=plan.grace_days)
    assert the_night_of(last_day) == "grace"
    assert the_night_of(last_day + timedelta(days=1)) == "broken"
    assert person.now().owed == usd("7283.33") and waivers_on(person.debt) == []
    pays(plan, "2716.67")
    assert person.plan(plan.reference).state == "active"
    pays(plan, "2716.66")
    assert person.plan(plan.reference).state == "completed"
    assert person.now().owed == usd("0") and len(waivers_on(person.debt)) == 3
    books_agree()


def test_a_settlement_that_ends_broken_leaves_what_was_owed_less_what_was_paid(
    person: Person, pays: Callable[..., Payment], clock: Clock
) -> None:
    """V-SET-5: 15 % off of 10,000.00 in three; after the first 7,166.66 is left, and nothing was let off."""
    parts = Settlement(usd("8500"), person.today + timedelta(days=10), parts=3)
    plan = person.agreed(parts)
    reference, items = plan.reference, person.items(plan)
    assert [item.amount_minor for item in items] == [283_334, 283_334, 283_332]
    pays(plan, "2833.34")
    over = items[1].due_on + timedelta(days=plan.grace_days + plan.cure_days + 1)
    clock.forward(days=(over - person.today).days)
    sweep.look_at(lender_id=plan.lender_id, plan_id=plan.id)
    with transaction():
        ended = for_a_person.end_broken(
            lender_id=person.debt.lender_id, reference=reference, words="Looked.", by=OPERATOR, holding=holding
        )
    assert isinstance(ended, for_a_person.Ended)
    assert person.now().owed == usd("7166.66") and waivers_on(person.debt) == []
    # Interest of the contract runs again by the lender's file alone; the portal adds none for the days before.
    sweep.run(stuck=lambda one: pytest.fail(str(one)))
    assert person.now().owed == usd("7166.66") and person.plan(reference).state == "ended_broken"
    books_agree()


def test_a_part_of_a_payment_may_be_missing_once_for_the_plan_where_the_card_says_so(
    lender: Lender, person: Person, pays: Callable[..., Payment], clock: Clock
) -> None:
    some_limits(EVERYTHING.replace("tolerance = 1", "tolerance = 1\ntolerance_percent = 2"), lender=lender)
    plan = person.agreed(person.regular("600"))
    first, second = person.items(plan)[:2]
    assert (first.amount_minor, plan.tolerance_minor) == (60_000, 1_300)
    pays(plan, "587.00")
    clock.forward(days=(first.due_on - person.today).days + plan.grace_days + 1)
    sweep.look_at(lender_id=plan.lender_id, plan_id=plan.id)
    assert person.plan(plan.reference).state == "active"
    pays(plan, "599.99")
    clock.forward(days=(second.due_on - person.today).days + plan.grace_days + 1)
    sweep.look_at(lender_id=plan.lender_id, plan_id=plan.id)
    assert person.plan(plan.reference).state == "at_risk"


def test_money_on_its_way_keeps_a_plan_from_being_missed_and_makes_up_for_nothing_before_it_clears(
    person: Person, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = person.agreed(kinds_of(person)["instalments"])
    first, second = person.items(plan)[:2]

    def the_night_of(day: date) -> str:
        clock.forward(days=(day - person.today).days)
        sweep.look_at(lender_id=plan.lender_id, plan_id=plan.id)
        return person.plan(plan.reference).state

    def is_now(payment: Payment, state: str) -> None:
        with transaction():
            session.get_one(Payment, (payment.lender_id, payment.id)).state = state

    late = timedelta(days=plan.grace_days + 1)
    amount = usd(str(first.amount_minor / 100))
    sent = a_payment(person.now(), amount=str(amount.amount), plan=plan.reference)
    is_now(sent, "processing")
    assert the_night_of(first.due_on + late) == "active"
    # It fails: now the payment is missed, and what is sent anew cures nothing until it is here.
    is_now(sent, "failed")
    assert the_night_of(person.today) == "at_risk"
    again = a_payment(person.now(), amount=str(amount.amount), plan=plan.reference)
    is_now(again, "processing")
    assert the_night_of(person.today + timedelta(days=1)) == "at_risk"
    # One of two is on its way, so the plan isn't broken.
    assert the_night_of(second.due_on + late) == "at_risk"
    stripe_says(again, monkeypatch)
    assert person.plan(plan.reference).state == "at_risk"
    last = a_payment(person.now(), amount=str(amount.amount), plan=plan.reference)
    stripe_says(last, monkeypatch)
    assert person.plan(plan.reference).state == "active"
    books_agree()


def test_what_is_paid_beyond_a_settlement_is_credit_and_never_eats_what_is_let_off(
    person: Person, pays: Callable[..., Payment]
) -> None:
    plan = person.agreed(kinds_of(person)["settlement_lump"])
    pays(plan, "8200")
    assert person.now().owed == usd("0") and person.now().credit == usd("50")
    assert sum(amount for _kind, _part, amount in waivers_on(person.debt)) == 185000
    books_agree()


def test_money_that_goes_back_takes_the_waiver_back_and_paying_again_gives_it_again(
    person: Person, pays: Callable[..., Payment]
) -> None:
    plan = person.agreed(kinds_of(person)["settlement_lump"])
    pays(plan, "8150", back=("1000",))
    assert [kind for kind, _part, _amount in waivers_on(person.debt)].count("waiver_undone") == 3
    assert person.now().owed == usd("2850")
    assert person.plan(plan.reference).state == "active"
    view = view_of(_card(person, plan), today=person.today)
    assert view.waives == usd("1850") and view.waived == usd("0")
    books_agree()
    pays(plan, "1000")
    assert person.now().owed == usd("0")
    view = view_of(_card(person, plan), today=person.today)
    assert view.waived == usd("1850")
    books_agree()


def _card(person: Person, plan: Plan) -> Any:
    found = plan_of(lender_id=plan.lender_id, debtor_id=plan.debtor_id, reference=plan.reference)
    assert found is not None
    return found


def test_money_that_was_on_its_way_before_the_plan_leaves_the_promise_as_large_as_it_was(
    person: Person, pays: Callable[..., Payment], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It pays off penalty, which was to be let off: as much of something else is let off instead."""
    before = a_payment(person.now(), amount="700", plan=None)
    plan = person.agreed(kinds_of(person)["settlement_lump"])
    stripe_says(before, monkeypatch)
    pays(plan, "8150")
    assert person.now().owed == usd("0")
    # 700.00 more than was agreed came in all, and it is there as credit or was not let off: nothing is lost.
    let_off = sum(amount for _kind, _part, amount in waivers_on(person.debt))
    assert let_off + usd("8850").minor == usd("10000").minor + person.now().credit.minor
    books_agree()


def test_a_down_payment_that_does_not_come_ends_the_plan_without_a_break(person: Person, clock: Clock) -> None:
    plan = person.agreed(kinds_of(person)["down_payment_first"])
    assert plan.void_on == person.today + timedelta(days=5)
    clock.forward(days=5)
    sweep.look_at(lender_id=plan.lender_id, plan_id=plan.id)
    assert person.plan(plan.reference).state == "agreed"
    clock.forward(days=1)
    sweep.look_at(lender_id=plan.lender_id, plan_id=plan.id)
    assert person.plan(plan.reference).state == "expired"
    # It counts for nothing: no plan was had, and another can be made.
    table = person.ask(person.regular("600"))
    assert table.answer.is_agreed_alone
    books_agree()


def test_a_down_payment_that_is_on_its_way_is_waited_for(
    person: Person, clock: Clock, pays: Callable[..., Payment], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = person.agreed(kinds_of(person)["down_payment_first"])
    payment = a_payment(person.now(), amount="2000", plan=plan.reference)
    with transaction() as s:
        s.get_one(Payment, (payment.lender_id, payment.id)).state = "processing"
    clock.forward(days=6)
    sweep.look_at(lender_id=plan.lender_id, plan_id=plan.id)
    assert person.plan(plan.reference).state == "agreed"
    stripe_says(payment, monkeypatch)
    assert person.plan(plan.reference).state == "active"
    books_agree()


def test_a_lower_payment_ends_in_a_review_and_not_in_a_debt_that_is_paid(
    person: Person, pays: Callable[..., Payment], clock: Clock
) -> None:
    plan = person.agreed(kinds_of(person)["reduced_payment"])
    assert plan.review_on is not None
    for item in person.items(plan):
        clock.set(f"{item.due_on}T12:00-05:00")
        sweep.look_at(lender_id=plan.lender_id, plan_id=plan.id)
        pays(plan, str(Money(item.amount_minor, "USD").amount))
    view = view_of(_card(person, plan), today=person.today)
    assert view.state == "completed" and view.review_on == plan.review_on
    quote = session.get_one(Quote, (plan.lender_id, plan.quote_id))
    assert person.now().owed == negotiate.arrangement_in(quote).left_at_review
    assert person.now().owed.minor > 0
    books_agree()


def test_a_dispute_shuts_the_gate_and_no_plan_is_drawn(person: Person, clock: Clock) -> None:
    person.ask(person.regular("600"))
    number = person.quote()
    clock.forward(minutes=1)
    with transaction():
        requests.open_request(
            lender_id=person.debt.lender_id,
            debtor_id=person.debt.debtor_id,
            kind=RequestKind.WRONG_AMOUNT,
            debt_id=person.debt.id,
            words="It is less.",
            by=person.by,
            key="dispute",
        )
    table = person.table()
    assert table.gate is Gate.DISPUTE and table.answer.reasons == (Reason.ON_HOLD,)
    assert negotiate.choices(table) == {} and table.offers == ()
    assert isinstance(person.agree(number), negotiate.QuoteGone)
    # One's own offer reaches a person all the same.
    with transaction():
        negotiate.send_to_person(person.debt, proposal=person.proposal(), by=person.by)
    assert session.scalars(select(CareRequest.kind).where(CareRequest.kind == "offer")).all() == ["offer"]


def test_asking_for_time_is_a_hold_with_a_clock_and_no_plan(person: Person) -> None:
    person.ask(person.regular("600"))
    for again in (False, True):
        with transaction():
            opened = negotiate.ask_for_time(person.debt, proposal=person.proposal(), by=person.by)
        assert isinstance(opened, requests.Opened) and opened.again is again
    (hold,) = session.scalars(select(CareHold)).all()
    assert hold.debt_id == person.debt.id and hold.until is not None
    assert session.scalar(select(func.count()).select_from(Plan)) == 0
    books_agree()


@pytest.mark.parametrize("kind", ["settlement_lump", "holiday", "down_payment_first", "season"])
def test_any_offer_goes_to_a_person_as_a_request_with_a_clock_and_twice_is_once(person: Person, kind: str) -> None:
    asked = {**kinds_of(person), "season": person.regular("1", Frequency.SEASONAL)}[kind]
    person.ask(asked)
    for _turn in range(2):
        with transaction():
            negotiate.send_to_person(person.debt, proposal=person.proposal(), by=person.by)
    (request,) = session.scalars(select(CareRequest).where(CareRequest.kind == "offer")).all()
    assert request.answer_by > person.today
    assert negotiate.number_of(person.proposal()) == request.number


def test_a_quote_is_honoured_after_the_rules_change_and_not_after_money_moved(
    person: Person, lender: Lender, pays: Callable[..., Payment], monkeypatch: pytest.MonkeyPatch
) -> None:
    person.ask(kinds_of(person)["settlement_lump"])
    number = person.quote()
    some_limits(EVERYTHING.replace("interest = 50", "interest = 0"), lender=lender)
    done = person.agree(number)
    assert isinstance(done, negotiate.Agreed)
    assert person.plan(done.reference).total_minor == usd("8150").minor
    # The same request under the new rules is not simply a yes.
    other = Person(a_debt("7200.00", lender=lender, interest="1900", penalty="700", fees="200", days_late=200))
    table = other.ask(kinds_of(other)["settlement_lump"])
    assert not table.answer.is_agreed_alone
    other.ask(other.regular("600"))
    late = other.quote()
    stripe_says(a_payment(other.now(), amount="10", plan=None), monkeypatch)
    assert isinstance(other.agree(late), negotiate.QuoteGone)


def test_two_quotes_of_different_kinds_make_one_plan(person: Person) -> None:
    person.ask(person.regular("600"))
    first = person.quote()
    person.ask(kinds_of(person)["settlement_lump"])
    second = person.quote()
    assert isinstance(person.agree(first), negotiate.Agreed)
    assert isinstance(person.agree(first), negotiate.AgreedBefore)
    assert isinstance(person.agree(second), negotiate.PlanAlive)
    assert session.scalar(select(func.count()).select_from(Plan)) == 1


def a_budget(income: str, costs: str) -> Budget:
    return Budget("USD", (Line(Group.EARNINGS, usd(income)), Line(Group.HOME, usd(costs))))


def test_a_budget_is_said_once_shared_by_all_debts_and_kept_with_each_answer(person: Person, lender: Lender) -> None:
    debtor_id = person.debt.debtor_id
    table = person.ask(person.regular("100"))
    assert table.answer.outcome is Outcome.COUNTER_AND_ASK_BUDGET and table.needs_budget and table.means is None
    with transaction():
        negotiate.set_budget(
            person.debt,
            proposal=person.proposal(),
            budget=a_budget("2000", "1800"),
            complete=False,
            by=person.by,
            today=person.today,
        )
    kept = negotiate.budget_of(person.debt)
    assert kept is not None and not kept.complete and kept.budget == a_budget("2000", "1800")
    assert person.table().means is None
    with transaction():
        negotiate.set_budget(
            person.debt,
            proposal=person.proposal(),
            budget=a_budget("2000", "1800"),
            complete=True,
            by=person.by,
            today=person.today,
        )
    assert person.table().means is not None and not person.table().needs_budget
    assert person.proposal().budget_minor == usd("200").minor
    assert person.proposal().outcome == person.table().answer.outcome.value
    # A second debt of the same person has its share of the same budget, and so has the first from then on.
    with transaction() as s:
        debtor = s.get_one(Debtor, (lender.id, debtor_id))
        s.expunge(debtor)
    other = Person(a_debt("10000.00", lender=lender, debtor=debtor))
    found = other.ask(other.regular("100"))
    assert found.means is not None and found.means.amount == usd("100")
    assert other.proposal().budget is not None
    left = negotiate.leftover(other.debt, budget=a_budget("2000", "1800"), today=other.today)
    assert left is not None and [share.amount for share in left.shares] == [usd("100"), usd("100")]
    assert left.affordable == usd("90")


def test_a_budget_grows_old_and_is_asked_for_again(person: Person, clock: Clock) -> None:
    """How long it counts is the card's, and answering another question with it makes it no younger."""
    with transaction():
        negotiate.ask(person.debt, asked=person.regular("100"), pay_day=28, by=person.by, today=person.today)
        negotiate.set_budget(
            person.debt,
            proposal=person.proposal(),
            budget=a_budget("2000", "1800"),
            complete=True,
            by=person.by,
            today=person.today,
        )
    clock.forward(days=60)
    assert person.ask(person.regular("120")).means is not None
    clock.forward(days=30)
    assert person.table().means is not None
    clock.forward(days=1)
    assert person.table().means is None
    kept = negotiate.budget_of(person.debt)
    assert kept is not None and kept.budget == a_budget("2000", "1800")


def test_what_another_plan_asks_for_in_a_month_is_no_longer_free(person: Person, lender: Lender) -> None:
    """Of 800.00 that are left, 600.00 are promised to the first debt; the second has the other 200.00, and no more."""
    agreed = person.agreed(person.regular("600"))
    asked = sum(item.amount_minor for item in person.items(agreed)[:12]) / 12
    assert asked == usd("600").minor
    debtor_id = person.debt.debtor_id
    with transaction() as s:
        debtor = s.get_one(Debtor, (lender.id, debtor_id))
        s.expunge(debtor)
    other = Person(a_debt("1000.00", lender=lender, debtor=debtor))
    left = negotiate.leftover(other.debt, budget=a_budget("2000", "1200"), today=other.today)
    assert left is not None and left.affordable == usd("180")
    assert [(share.amount, share.planned) for share in left.shares] == [(usd("200"), False), (usd("600"), True)]
    none_free = negotiate.leftover(other.debt, budget=a_budget("2000", "1450"), today=other.today)
    assert none_free is not None and none_free.affordable == usd("0")


def test_an_old_balance_is_looked_up_before_anything_is_agreed(app: Flask, clock: Clock) -> None:
    """Only where the lender's card says so: what is owed as a file had it is otherwise never too old."""
    card = EVERYTHING.replace("offer_valid_days", "file_no_older_than_days = 7\noffer_valid_days")
    with app.app_context():
        person = Person(a_debt("1000.00", lender=a_lender(limits=card)))
        usual = Person(a_debt("1000.00", lender=a_lender(limits=EVERYTHING)))
        age = (person.today - person.debt.as_of).days
        clock.forward(days=7 - age)
        assert person.ask(person.regular("100")).gate is None
        clock.forward(days=1)
        table = person.ask(person.regular("100"))
        assert table.gate is Gate.BALANCE_NOT_FRESH and table.answer.reasons == (Reason.BALANCE_NOT_FRESH,)
        assert table.answer.needs_person and not negotiate.choices(table)
        assert usual.ask(usual.regular("100")).gate is None


def test_the_menu_and_a_preview_keep_nothing(person: Person) -> None:
    found = negotiate.ways_for(person.debt, today=person.today)
    assert Way.SETTLE_AT_ONCE in found and Way.PAUSE in found and Way.SEASON in found
    shown = negotiate.preview(
        person.debt,
        background_of(person.debt),
        asked=person.regular("600"),
        in_force=limits_in_force(person.debt, today=person.today),
        today=person.today,
    )
    assert shown.answer.is_agreed_alone and shown.proposal_id is None
    assert session.scalar(select(func.count()).select_from(Proposal)) == 0


def test_the_fourth_round_without_a_yes_goes_to_a_person(person: Person) -> None:
    for turn in range(1, 5):
        table = person.ask(person.regular("20"))
        assert person.proposal().round == turn
        assert (Reason.ROUNDS_USED_UP in table.answer.reasons) is (turn == 4)
