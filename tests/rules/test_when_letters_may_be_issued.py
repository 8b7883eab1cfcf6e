"""When a letter may be issued, and sums in Chinese capital numerals."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.amounts import Read, read
from portal.letters.conditions import RULES, Facts, NotYet, Why, asked
from portal.letters.kinds import Kind
from portal.money import Money
from portal.web.capitals import capitals

TODAY = date(2026, 5, 10)
OVER = Facts(today=TODAY, paid=100)
FACTS = st.builds(
    Facts,
    today=st.just(TODAY),
    arrived=st.booleans(),
    agreed=st.booleans(),
    owed=st.integers(0, 2),
    paid=st.integers(0, 2),
    let_off=st.integers(0, 2),
    on_its_way=st.booleans(),
    may_go_back=st.booleans(),
    bank_until=st.none() | st.dates(TODAY - timedelta(3), TODAY + timedelta(3)),
    disputed=st.booleans(),
    offer_until=st.none() | st.dates(TODAY - timedelta(3), TODAY + timedelta(3)),
    ended=st.booleans(),
)


def test_every_kind_has_its_rule() -> None:
    assert set(RULES) == set(Kind)


@given(FACTS)
def test_no_debt_has_both_letters_and_none_has_one_while_something_can_still_happen(facts: Facts) -> None:
    in_full, satisfied = asked(Kind.PAID_IN_FULL, facts), asked(Kind.SETTLEMENT_SATISFIED, facts)
    assert in_full is not None or satisfied is not None
    if facts.let_off:
        assert in_full == NotYet(Why.LET_OFF), "for good: no day is ever named"
    if in_full is None or satisfied is None:
        assert not facts.owed and facts.paid and not facts.on_its_way and not facts.may_go_back
        assert facts.bank_until is None or facts.bank_until < TODAY


@given(FACTS)
def test_on_the_day_that_is_named_nothing_of_what_was_named_stands_in_the_way(facts: Facts) -> None:
    for kind in Kind:
        found = asked(kind, facts)
        if found is not None and found.since is not None:
            assert found.since > facts.today
            later = asked(kind, replace(facts, today=found.since, on_its_way=False, may_go_back=False))
            assert later is None or later.why in (Why.NOTHING_LET_OFF, Why.BANK_CAN_TAKE_BACK)


@pytest.mark.parametrize(
    ("kind", "facts", "found"),
    [
        (Kind.PAID_IN_FULL, OVER, None),
        (Kind.PAID_IN_FULL, replace(OVER, bank_until=TODAY), NotYet(Why.BANK_CAN_TAKE_BACK, date(2026, 5, 11))),
        (Kind.PAID_IN_FULL, replace(OVER, bank_until=TODAY - timedelta(1)), None),
        (Kind.PAID_IN_FULL, replace(OVER, paid=0), NotYet(Why.NOTHING_PAID)),
        (Kind.SETTLEMENT_SATISFIED, replace(OVER, let_off=1), None),
        (Kind.SETTLEMENT_OFFER, Facts(today=TODAY, offer_until=TODAY), None),
        (Kind.SETTLEMENT_OFFER, Facts(today=TODAY, offer_until=TODAY, disputed=True), NotYet(Why.DISPUTED)),
        (Kind.SETTLEMENT_OFFER, Facts(today=TODAY), NotYet(Why.NO_OFFER)),
        (Kind.PLAN_ENDED, Facts(today=TODAY), NotYet(Why.NOT_ENDED)),
        (Kind.STATEMENT, Facts(today=TODAY), None),
        (Kind.PAYMENT_RECEIPT, Facts(today=TODAY), NotYet(Why.NOT_ARRIVED)),
        (Kind.PLAN_AGREEMENT, Facts(today=TODAY), NotYet(Why.NOT_AGREED)),
    ],
)
def test_what_stands_in_the_way_is_named_with_its_day(kind: Kind, facts: Facts, found: NotYet | None) -> None:
    assert asked(kind, facts) == found


@given(st.integers(100, 10**14 - 1))
def test_capital_numerals_are_read_again_as_the_same_sum(minor: int) -> None:
    written = capitals(Money(minor, "CNY"))
    assert written is not None
    found = read(written, currency="CNY")
    assert isinstance(found, Read) and found.amount == Money(minor, "CNY"), written


@pytest.mark.parametrize(
    ("minor", "currency", "written"),
    [
        (1_230_005, "CNY", "人民币壹万贰仟叁佰元零伍分"),
        (10_000, "CNY", "人民币壹佰元整"),
        (1_005_000_000, "CNY", "人民币壹仟零伍万元整"),
        (10_001_000_000, "CNY", "人民币壹亿零壹万元整"),
        (50, "CNY", "人民币伍角"),
        (5, "CNY", "人民币伍分"),
        (0, "CNY", "人民币零元整"),
        (123_450, "USD", "美元壹仟贰佰叁拾肆元伍角"),
        (1_000, "JPY", "日元壹仟元整"),
        (1_000, "KWD", None),
        (-1, "CNY", None),
        (10**14, "CNY", None),
    ],
)
def test_capital_numerals(minor: int, currency: str, written: str | None) -> None:
    assert capitals(Money(minor, currency)) == written
