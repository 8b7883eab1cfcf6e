"""What a letter says adds up, and the letter can be written again from its own data."""

import json
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from portal.letters import truth
from portal.letters.contents import Details, Instalment, InvalidColour, Letter, Treatment, UnreadableLetter, WithoutZone
from portal.letters.truth import Reason
from portal.money import Money
from tests.letters import examples
from tests.letters.examples import NOW, a_letter, a_plan, a_receipt, a_statement, amounts, usd


@pytest.mark.parametrize("name", sorted(examples.every_letter()))
def test_a_letter_can_be_built_again_from_its_data(name: str) -> None:
    letter = examples.every_letter()[name]
    again = Letter.from_json(letter.to_json())
    assert again == letter
    assert again.to_json() == letter.to_json()


def test_money_in_the_data_is_a_decimal_string_with_its_currency() -> None:
    data = json.loads(a_letter(a_receipt()).to_json())
    assert data["kind"] == "payment-receipt"
    assert data["letter"]["details"]["amount"] == {"amount": "150.00", "currency": "USD"}
    assert data["letter"]["issued_at"] == "2026-11-22T09:30:12Z"


def test_the_data_is_canonical() -> None:
    text = a_letter(a_plan()).to_json()
    assert text == json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"), sort_keys=True)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format":"other"}', '{"format":"repayment-portal-letter/1","kind":"x"}']
)
def test_other_json_is_not_a_letter(text: str) -> None:
    with pytest.raises(UnreadableLetter):
        Letter.from_json(text)


@pytest.mark.parametrize("colour", ["red", "#fff", "#12345g", "#123456;background:url(x)", "#123456\n", ""])
def test_a_brand_colour_is_a_colour_and_nothing_else(colour: str) -> None:
    with pytest.raises(InvalidColour):
        a_letter(a_plan(), brand_colour=colour)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(WithoutZone):
        a_letter(a_plan(), issued_at=datetime(2026, 11, 22))  # noqa: DTZ001


def test_what_a_plan_costs_is_all_payments_less_todays_balance() -> None:
    plan = examples.a_plan_with_interest()
    assert (plan.total, plan.dearer_by, plan.level) == (usd("5606.76"), usd("606.76"), False)


@pytest.mark.parametrize("name", sorted(examples.every_letter()))
def test_nothing_speaks_against_a_letter_that_adds_up(name: str) -> None:
    assert truth.against(examples.every_letter()[name]) == ()


PLAN = a_plan()
RECEIPT = a_receipt()
STATEMENT = a_statement()
OTHER = Money.of("1.00", "EUR")

UNTRUE: dict[str, tuple[Details, Reason]] = {
    "agreed later": (replace(PLAN, agreed_at=NOW + timedelta(1)), Reason.AGREED_AFTER_ISSUE),
    "nothing owed": (replace(PLAN, balance=amounts()), Reason.NOTHING_OWED),
    "no payments": (replace(PLAN, instalments=()), Reason.NO_INSTALMENTS),
    "one payment less": (replace(PLAN, instalments=PLAN.instalments[:-1]), Reason.PLAN_DOES_NOT_ADD_UP),
    "a hidden fee": (replace(PLAN, fee=usd("1.00")), Reason.PLAN_DOES_NOT_ADD_UP),
    "wrong rest": (
        replace(PLAN, instalments=(replace(PLAN.instalments[0], left=usd("1.00")), *PLAN.instalments[1:])),
        Reason.LEFT_DOES_NOT_ADD_UP,
    ),
    "twice on one day": (
        replace(PLAN, instalments=(replace(PLAN.instalments[0], due=PLAN.instalments[1].due), *PLAN.instalments[1:])),
        Reason.DATES_OUT_OF_ORDER,
    ),
    "a payment of nothing": (
        replace(
            PLAN,
            instalments=(
                *PLAN.instalments,
                Instalment(number=25, due=date(2030, 1, 1), amount=usd("0"), left=usd("0")),
            ),
        ),
        Reason.NOT_AN_AMOUNT,
    ),
    "frozen, yet interest": (
        replace(PLAN, interest=replace(PLAN.interest, added=usd("5.00"))),
        Reason.INTEREST_CONTRADICTS,
    ),
    "interest without a rate": (
        replace(PLAN, interest=replace(PLAN.interest, treatment=Treatment.CONTINUES)),
        Reason.INTEREST_CONTRADICTS,
    ),
    "two currencies": (replace(PLAN, fee=OTHER), Reason.SEVERAL_CURRENCIES),
    "not cleared": (replace(RECEIPT, cleared_at=None), Reason.NOT_CLEARED),
    "cleared in the future": (replace(RECEIPT, cleared_at=NOW + timedelta(1)), Reason.CLEARED_BEFORE_RECEIVED),
    "a part is lost": (replace(RECEIPT, allocation=amounts("0", "100.17", "25.00")), Reason.ALLOCATION_DOES_NOT_ADD_UP),
    "nothing left, it says": (replace(RECEIPT, balance_after=amounts()), Reason.BALANCE_DOES_NOT_ADD_UP),
    "a line is missing": (replace(STATEMENT, lines=STATEMENT.lines[1:]), Reason.LINES_DO_NOT_ADD_UP),
    "another closing": (replace(STATEMENT, closing=amounts("1.00")), Reason.LINES_DO_NOT_ADD_UP),
    "a line too early": (replace(STATEMENT, since=date(2026, 1, 2)), Reason.OUTSIDE_THE_PERIOD),
    "backwards": (replace(STATEMENT, since=date(2027, 1, 2)), Reason.DATES_OUT_OF_ORDER),
}


OFFER, SATISFIED = examples.an_offer(), examples.satisfied()
IN_FULL, ENDED = examples.paid_in_full(), examples.an_ended_plan()
UNTRUE |= {
    "an offer that is over": (replace(OFFER, good_until=NOW), Reason.OFFER_IS_OVER),
    "an offer of nothing": (replace(OFFER, waived=amounts()), Reason.NOTHING_LET_OFF),
    "an offer that hides a part": (replace(OFFER, interest=usd("5.00")), Reason.OFFER_DOES_NOT_ADD_UP),
    "in full after a waiver": (replace(IN_FULL, let_off=usd("530.17")), Reason.LET_OFF),
    "in full after a waiver that nobody names": (
        replace(IN_FULL, paid=amounts("2700.00", "300.00"), payments=SATISFIED.payments),
        Reason.STILL_OWED,
    ),
    "in full, and a payment is missing": (
        replace(IN_FULL, payments=IN_FULL.payments[1:]),
        Reason.PAYMENTS_DO_NOT_ADD_UP,
    ),
    "too early": (replace(IN_FULL, final_since=date(2026, 11, 23)), Reason.NOT_FOR_GOOD),
    "settled for all of it": (replace(SATISFIED, waived=amounts()), Reason.NOTHING_LET_OFF),
    "settled, and the rest stays": (replace(SATISFIED, waived=amounts("500.00")), Reason.STILL_OWED),
    "ended tomorrow": (replace(ENDED, ended_at=NOW + timedelta(1)), Reason.ENDED_AFTER_ISSUE),
}


@pytest.mark.parametrize("name", sorted(UNTRUE))
def test_a_letter_that_is_not_true_is_refused_with_its_reason(name: str) -> None:
    details, reason = UNTRUE[name]
    assert reason in truth.against(a_letter(details))


def test_a_position_from_the_future_is_refused() -> None:
    assert truth.against(a_letter(a_plan(), as_at=NOW + timedelta(seconds=1))) == (Reason.POSITION_AFTER_ISSUE,)
