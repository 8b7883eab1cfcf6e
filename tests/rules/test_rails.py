"""The one table of ways to pay, and what pages, books and letters read from it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stripe.params.checkout import SessionCreateParams

from portal.payments import rails
from portal.payments.rails import Choice, Kind, Step
from portal.payments.stripe_gateway import STRIPE_EXPONENTS
from sandbox.contract import _fields

MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))


def names_of(param: str) -> set[str]:
    """Read the ways that the installed SDK knows, from its own type of the request."""
    [inside] = get_args(_fields(SessionCreateParams)[param][0])
    return {word for choice in get_args(inside) for word in get_args(choice)}


def test_each_way_that_stripe_knows_is_decided_on_and_none_that_it_does_not_know() -> None:
    known = names_of("allowed_payment_method_types")
    assert set(rails.TABLE) | set(rails.NOT_OFFERED) == known
    assert not set(rails.TABLE) & set(rails.NOT_OFFERED)
    for choice in (Choice(), Choice(credit_cards=True, pay_later=True), Choice(without=frozenset(rails.TABLE))):
        assert set(rails.excluded(choice)) <= names_of("excluded_payment_method_types")


def test_the_numbers_of_the_table_hang_together() -> None:
    for rail in rails.TABLE.values():
        assert rail.currencies <= set(STRIPE_EXPONENTS), rail
        assert bool(rail.working_days) == (rail.kind is Kind.DEBIT) == bool(rail.returns), rail
        assert bool(rail.voucher_days) == bool(rail.told_days) == (rail.kind is Kind.VOUCHER), rail
        assert len(rail.currencies) == 1 or not rail.delayed, rail
        assert not rail.kept or not rail.credit


def test_nothing_borrowed_is_offered_unless_the_lender_says_so() -> None:
    usual = rails.offered("USD", Choice())
    assert not [rail for rail in usual if rail.credit or rail.kind is Kind.LATER]
    assert {"card", "alipay", "wechat_pay", "us_bank_account"} <= {rail.name for rail in usual}
    assert "klarna" in rails.excluded(Choice()) and "paypal" in rails.excluded(Choice())
    assert "klarna" not in rails.excluded(Choice(pay_later=True)) and "paypal" in rails.excluded(Choice(pay_later=True))
    assert "alipay" in rails.excluded(Choice(without=frozenset({"alipay", "card"})))
    assert "card" not in rails.excluded(Choice(without=frozenset({"card"})))


@pytest.mark.parametrize(
    ("currency", "has", "has_not"),
    [
        ("MXN", {"oxxo"}, {"boleto", "pix", "us_bank_account"}),
        ("BRL", {"boleto", "pix"}, {"oxxo"}),
        ("SGD", {"paynow", "alipay", "grabpay"}, {"promptpay"}),
        ("CNY", {"alipay", "wechat_pay"}, {"sepa_debit"}),
        ("EUR", {"sepa_debit", "multibanco", "ideal"}, {"bacs_debit"}),
        ("GBP", {"bacs_debit"}, {"sepa_debit"}),
    ],
)
def test_the_currency_of_the_debt_decides(currency: str, has: set[str], has_not: set[str]) -> None:
    found = {rail.name for rail in rails.offered(currency, Choice())}
    assert has <= found and not has_not & found
    assert rails.kept_for(currency, Choice())[0] == "card"


def test_a_way_that_nobody_knows_waits_as_long_as_any() -> None:
    unknown = rails.rail_of("some_new_pay")
    assert rails.returnable_until(unknown, arrived=date(2026, 5, 4)) == date(2026, 7, 3)
    assert rails.returnable_until(rails.rail_of("card"), arrived=date(2026, 5, 4)) is None


def test_a_voucher_counts_on_the_earliest_day_on_which_it_can_have_been_paid() -> None:
    oxxo = rails.rail_of("oxxo")
    made, ends = datetime(2026, 5, 1, 15, tzinfo=UTC), datetime(2026, 5, 7, 5, 59, tzinfo=UTC)

    def counts(told: datetime) -> datetime:
        return rails.paid_at(oxxo, told_at=told, page_until=made + timedelta(hours=1), made_at=made, voucher_until=ends)

    # Told on Wednesday at noon: paid on Monday or after. Told on Monday: before the week-end. Never before it was made.
    assert counts(datetime(2026, 5, 6, 12, tzinfo=UTC)) == datetime(2026, 5, 4, 12, tzinfo=UTC)
    assert counts(datetime(2026, 5, 4, 12, tzinfo=UTC)) == made
    # Told long after it could be paid: paid on its last day.
    assert counts(datetime(2026, 5, 20, 12, tzinfo=UTC)) == ends
    # A debit was sent while its page was open, whenever it arrived.
    debit = rails.rail_of("us_bank_account")
    assert rails.paid_at(debit, told_at=ends, page_until=made, made_at=made, voucher_until=None) == made


@given(told=MOMENTS, made=MOMENTS, days=st.integers(0, 10))
def test_a_voucher_never_counts_before_it_was_made_nor_after_it_was_told(
    told: datetime, made: datetime, days: int
) -> None:
    ends = made + timedelta(days=days)
    for name in ("oxxo", "konbini"):
        at = rails.paid_at(rails.rail_of(name), told_at=told, page_until=made, made_at=made, voucher_until=ends)
        assert at <= told and at <= ends
        assert at >= min(made, told)


def test_the_steps_of_money_that_takes_days() -> None:
    debit, oxxo = rails.rail_of("us_bank_account"), rails.rail_of("oxxo")
    monday = date(2026, 5, 4)
    under_way = rails.steps_of(debit, sent=monday, today=monday)
    assert [(one.step, one.state) for one in under_way] == [
        (Step.SENT, "done"), (Step.AT_THE_BANK, "now"), (Step.ARRIVED, "later"), (Step.FOR_GOOD, "later"),
    ]  # fmt: skip
    assert (under_way[2].on, under_way[3].on) == (date(2026, 5, 8), date(2026, 7, 8))
    arrived = date(2026, 5, 7)
    last = rails.returnable_until(debit, arrived=arrived)
    assert last == date(2026, 7, 6)
    for today, state in ((arrived, "now"), (last, "now"), (last + timedelta(days=1), "done")):
        shown = rails.steps_of(debit, sent=monday, today=today, arrived=arrived, returnable=last)
        assert (shown[-1].step, shown[-1].on, shown[-1].state) == (Step.FOR_GOOD, date(2026, 7, 7), state)
    voucher = rails.steps_of(oxxo, sent=monday, today=monday, voucher_until=date(2026, 5, 9))
    assert [(one.step, one.on, one.state) for one in voucher] == [
        (Step.VOUCHER_MADE, monday, "done"),
        (Step.VOUCHER_PAID, date(2026, 5, 9), "now"),
        (Step.ARRIVED, date(2026, 5, 12), "later"),
    ]
    assert rails.steps_of(rails.rail_of("card"), sent=monday, today=monday) == ()


def test_what_a_bank_can_take_back_is_not_for_good_before_the_day_after_its_last() -> None:
    came = [(500, None), (300, date(2026, 7, 6)), (-100, date(2026, 7, 6))]
    assert rails.for_good(came, today=date(2026, 7, 6)) == 500
    assert rails.for_good(came, today=date(2026, 7, 7)) == 700
