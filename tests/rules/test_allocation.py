"""What a payment pays off."""

from datetime import date
from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.money import CurrencyMismatch, Money, total
from portal.payments.allocation import (
    CN_561,
    PRINCIPAL_FIRST,
    BadOrder,
    Component,
    DebtDue,
    DueItem,
    ItemPart,
    NotAPayment,
    allocate,
    allocate_across,
    allocate_per_item,
)
from tests.rules.finance_vectors import named, vectors

bounded = settings(max_examples=150, deadline=None)
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
    charges = {Component.COSTS: owed[Component.COSTS], Component.PENALTY: owed[Component.PENALTY]}
    per_item = allocate_per_item(payment=payment, items=items, charges=charges)
    assert {f"{part.component.value[0]}{part.seq}": part.amount for part in per_item.items} == {
        key: cny(value) for key, value in expect["per_item"].items()
    }
    assert per_item.charges == ()


def test_charges_come_after_all_instalments_and_the_rest_is_credit() -> None:
    found = allocate_per_item(
        payment=cny("100"),
        items=[DueItem(4, cny("10"), cny("50"))],
        charges={Component.COSTS: cny("5"), Component.FEES: cny("7")},
    )
    assert found.items == (ItemPart(4, Component.INTEREST, cny("10")), ItemPart(4, Component.PRINCIPAL, cny("50")))
    assert found.charges == ((Component.COSTS, cny("5")), (Component.FEES, cny("7")))
    assert found.credit == cny("28")


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
