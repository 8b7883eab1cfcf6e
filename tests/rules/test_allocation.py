"""What a payment pays off."""

from datetime import date
from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.limits.cards import Order
from portal.money import CurrencyMismatch, Money, total
from portal.payments.allocation import (
    CN_561,
    PRINCIPAL_FIRST,
    BadOrder,
    Component,
    DebtDue,
    DueItem,
    NotAPayment,
    allocate,
    allocate_across,
    give_back,
    pay_off,
)
from tests.rules.finance_vectors import named, vectors

bounded = settings(max_examples=75, deadline=None)
TODAY = date(2026, 1, 1)


def cny(text: str) -> Money:
    return Money.of(text, "CNY")


@pytest.mark.parametrize("vector", vectors("allocation"), ids=named)
def test_one_payment_in_three_orders(vector: dict) -> None:
    given_, expect = vector["input"], vector["expect"]
    payment = cny(given_["payment"])
    owed = {
        Component.COSTS: cny(given_["costs"]),
        Component.PENALTY: cny(given_["penalty"]),
        Component.INTEREST: total(map(cny, given_["interest"]), currency="CNY"),
        Component.PRINCIPAL: total(map(cny, given_["principal"]), currency="CNY"),
    }
    for order, name in ((CN_561, "cn561"), (PRINCIPAL_FIRST, "principal_first")):
        found = allocate(payment=payment, owed=owed, order=order)
        assert {part.value: amount for part, amount in found.parts} == {k: cny(v) for k, v in expect[name].items()}
        assert not found.credit
    interest = [*map(cny, given_["interest"]), cny("0")]
    items = [
        DueItem(seq, *pair) for seq, pair in enumerate(zip(interest, map(cny, given_["principal"]), strict=True), 1)
    ]
    per_item = pay_off(payment=payment, owed=owed, order=Order.BY_INSTALMENT, items=items)
    wanted = {
        component: total(
            (cny(value) for key, value in expect["per_item"].items() if key[0] == component.value[0]), currency="CNY"
        )
        for component in (Component.INTEREST, Component.PRINCIPAL)
    }
    assert dict(per_item.parts) == wanted and not per_item.credit


def test_charges_come_after_all_instalments_and_the_rest_is_credit() -> None:
    owed = {
        Component.COSTS: cny("5"),
        Component.FEES: cny("7"),
        Component.INTEREST: cny("12"),
        Component.PRINCIPAL: cny("50"),
    }
    items = [DueItem(4, cny("10"), cny("50"))]
    found = pay_off(payment=cny("60"), owed=owed, order=Order.BY_INSTALMENT, items=items)
    assert found.parts == ((Component.INTEREST, cny("10")), (Component.PRINCIPAL, cny("50")))
    found = pay_off(payment=cny("100"), owed=owed, order=Order.BY_INSTALMENT, items=items)
    assert dict(found.parts) == owed and found.credit == cny("26")


def test_no_instalment_pays_more_of_a_part_than_the_books_have() -> None:
    """What was owed in interest and fees when a plan began is principal of its payments, and not of the books."""
    owed = {Component.FEES: cny("25"), Component.INTEREST: cny("0"), Component.PRINCIPAL: cny("60")}
    items = [DueItem(1, cny("5"), cny("45")), DueItem(2, cny("0"), cny("50"))]
    found = pay_off(payment=cny("50"), owed=owed, order=Order.BY_INSTALMENT, items=items)
    assert dict(found.parts) == {Component.PRINCIPAL: cny("50")}
    found = pay_off(payment=cny("85"), owed=owed, order=Order.BY_INSTALMENT, items=items)
    assert dict(found.parts) == {Component.PRINCIPAL: cny("60"), Component.FEES: cny("25")}


def _less(items: list[DueItem], paid: int) -> tuple[list[DueItem], list[DueItem]]:
    """Split instalments into what is open and what is paid of each, once so much came for them."""
    open_, done = [], []
    for item in items:
        interest = min(item.interest.minor, paid)
        principal = min(item.principal.minor, paid - interest)
        paid -= interest + principal
        here = DueItem(item.seq, Money(interest, "JPY"), Money(principal, "JPY"))
        done.append(here)
        open_.append(DueItem(item.seq, item.interest - here.interest, item.principal - here.principal))
    return open_, done


@bounded
@given(
    owed=st.dictionaries(st.sampled_from(Component), st.integers(0, 300)),
    pairs=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 60)), max_size=5),
    order=st.sampled_from(Order),
    moves=st.lists(st.tuples(st.booleans(), st.integers(1, 200)), max_size=12),
)
def test_early_partial_extra_and_returned_money_ends_where_what_is_left_of_it_would_have_gone_at_once(
    owed: dict[Component, int], pairs: list[tuple[int, int]], order: Order, moves: list[tuple[bool, int]]
) -> None:
    items = [DueItem(seq, Money(i, "JPY"), Money(p, "JPY")) for seq, (i, p) in enumerate(pairs, 1)]
    whole = {component: Money(owed.get(component, 0), "JPY") for component in Component}
    paid = dict.fromkeys(Component, Money(0, "JPY"))
    came = credit = 0
    for comes, minor in moves:
        open_, done = _less(items, came)
        if comes:
            left = {component: whole[component] - paid[component] for component in Component}
            found = pay_off(payment=Money(minor, "JPY"), owed=left, order=order, items=open_)
            came, credit = came + minor, credit + found.credit.minor
            sign = 1
        else:
            minor = min(minor, came)
            of_credit = min(minor, credit)
            found = give_back(amount=Money(minor - of_credit, "JPY"), paid=paid, order=order, items=done)
            assert not found.credit
            came, credit = came - minor, credit - of_credit
            sign = -1
        for component, amount in found.parts:
            paid[component] += Money(sign * amount.minor, "JPY")
        assert all(Money(0, "JPY") <= paid[component] <= whole[component] for component in Component)
    at_once = pay_off(payment=Money(came, "JPY"), owed=whole, order=order, items=items)
    assert credit == at_once.credit.minor
    # Where the books have less than the instalments ask for, as after a file that lowers a debt, only the sum is sure.
    asked = {
        Component.INTEREST: total((item.interest for item in items), currency="JPY"),
        Component.PRINCIPAL: total((item.principal for item in items), currency="JPY"),
    }
    if order is not Order.BY_INSTALMENT or all(whole[component] >= most for component, most in asked.items()):
        assert paid == {component: at_once.of(component) for component in Component}


def _debts(vector: dict) -> list[DebtDue]:
    return [
        DebtDue(
            debt=each["id"],
            owed=cny(each["amt"]),
            due_on=date.fromisoformat(each["due"]) if each["due"] else None,
            secured=each.get("secured", False),
            annual_rate=Decimal(each.get("rate", 0)),
        )
        for each in vector["input"]["debts"]
    ]


@pytest.mark.parametrize("vector", vectors("allocation_multi"), ids=named)
def test_several_debts_in_the_order_of_the_law(vector: dict) -> None:
    for debts in permutations(_debts(vector)):
        found = allocate_across(payment=cny(vector["input"]["payment"]), debts=debts, today=TODAY)
        assert dict(found.parts) == {key: cny(value) for key, value in vector["expect"].items()}
        assert not found.credit


def test_the_debt_that_the_payer_names_comes_first() -> None:
    debts = _debts(vectors("allocation_multi")[0])
    found = allocate_across(payment=cny("1100"), debts=debts, today=TODAY, designated="D3")
    assert dict(found.parts) == {"D3": cny("1000"), "D4": cny("100"), "D1": cny("0"), "D2": cny("0")}
    with pytest.raises(KeyError):
        allocate_across(payment=cny("1"), debts=debts, today=TODAY, designated="D9")


def test_debts_that_are_alike_share_in_proportion() -> None:
    debts = [DebtDue(name, cny(owed), date(2025, 1, 1)) for name, owed in (("A", "300"), ("B", "100"))]
    found = allocate_across(payment=cny("100"), debts=debts, today=TODAY)
    assert dict(found.parts) == {"A": cny("75"), "B": cny("25")}


@bounded
@given(
    payment=st.integers(0, 5000),
    owed=st.dictionaries(st.sampled_from(Component), st.integers(0, 2000)),
    order=st.permutations(tuple(Component)).map(tuple),
)
def test_parts_and_credit_sum_to_the_payment(payment: int, owed: dict, order: tuple) -> None:
    parts = {component: Money(minor, "JPY") for component, minor in owed.items()}
    found = allocate(payment=Money(payment, "JPY"), owed=parts, order=order)
    assert sum(amount.minor for _, amount in found.parts) + found.credit.minor == payment
    assert all(0 < amount.minor <= owed[component] for component, amount in found.parts)
    assert found.credit.minor == max(0, payment - sum(owed.values()))
    # A later part gets something only when every earlier one is paid in full.
    for at, component in enumerate(order):
        if found.of(component).minor < owed.get(component, 0):
            assert all(not found.of(later) for later in order[at + 1 :])


@bounded
@given(
    payment=st.integers(0, 5000),
    debts=st.lists(st.tuples(st.integers(0, 1000), st.none() | st.integers(1, 28), st.booleans(), st.integers(0, 3))),
)
def test_a_payment_across_debts_is_all_accounted_for(payment: int, debts: list) -> None:
    given_ = [
        DebtDue(str(at), Money(owed, "JPY"), day and date(2025, 12, day), secured, Decimal(rate))
        for at, (owed, day, secured, rate) in enumerate(debts)
    ]
    found = allocate_across(payment=Money(payment, "JPY"), debts=given_, today=date(2025, 12, 15))
    assert [name for name, _ in found.parts] == [each.debt for each in given_]
    assert sum(amount.minor for _, amount in found.parts) + found.credit.minor == payment
    assert all(0 <= amount.minor <= each.owed.minor for (_, amount), each in zip(found.parts, given_, strict=True))


def test_what_is_no_payment_or_no_order_is_refused() -> None:
    with pytest.raises(BadOrder):
        allocate(payment=cny("1"), owed={}, order=CN_561[:-1])
    with pytest.raises(BadOrder):
        allocate(payment=cny("1"), owed={}, order=(*CN_561, Component.COSTS))
    with pytest.raises(NotAPayment):
        allocate(payment=cny("-1"), owed={})
    with pytest.raises(NotAPayment):
        allocate(payment=cny("1"), owed={Component.FEES: cny("-1")})
    with pytest.raises(CurrencyMismatch):
        allocate(payment=cny("1"), owed={Component.FEES: Money(1, "USD")})
