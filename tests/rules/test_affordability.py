"""Affordability: budgets, conversions to a month, and what may be asked for."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.money import CannotDivide, CurrencyMismatch, Money, level
from portal.plans.affordability import Budget, Every, affordable, monthly, share_across, surplus_with_standards

bounded = settings(max_examples=150, deadline=None)


def usd(text: str) -> Money:
    return Money.of(text, "USD")


def test_a_budget_puts_a_tenth_by_but_not_more_than_the_most() -> None:
    """V-AFF-1: 1,650.00 less 1,372.00 is 278.00; savings are min(20.00, 27.80); 258.00 is left."""
    budget = Budget(usd("1650.00"), usd("900.00"), usd("472.00"), savings_bps=1000, savings_most=usd("20.00"))
    assert (budget.left_over, budget.savings, budget.surplus) == (usd("278.00"), usd("20.00"), usd("258.00"))


def test_nothing_is_put_by_where_costs_are_higher_than_income() -> None:
    budget = Budget(usd("900.00"), usd("800.00"), usd("120.00"), savings_bps=1000)
    assert (budget.savings, budget.surplus) == (usd("0"), usd("-20.00"))


def test_standards_are_allowed_in_full_and_local_ones_up_to_what_is_spent() -> None:
    """V-AFF-2: one person with 3,200 keeps 557."""
    found = surplus_with_standards(
        income=usd("3200"),
        standard=usd("839"),
        capped=[(usd("1450"), usd("1300")), (usd("420"), usd("500"))],
        actual=[usd("84")],
    )
    assert found == usd("557")


@pytest.mark.parametrize(
    ("amount", "every", "a_month"),
    [
        ("120.00", Every.WEEK, "520.00"),
        ("310.00", Every.FORTNIGHT, "671.67"),
        ("850.00", Every.FOUR_WEEKS, "920.83"),
        ("33.33", Every.MONTH, "33.33"),
        ("100.00", Every.YEAR, "8.33"),
    ],
)
def test_conversions_to_a_month(amount: str, every: Every, a_month: str) -> None:
    """V-AFF-3."""
    assert monthly(amount=usd(amount), every=every) == usd(a_month)


@pytest.mark.parametrize(
    ("surplus", "balances", "parts"),
    [
        ("180.00", ("3600", "1200", "7200"), ("54.00", "18.00", "108.00")),
        ("100.00", ("500", "500", "500"), ("33.34", "33.33", "33.33")),
        ("-5.00", ("500", "500"), ("0", "0")),
    ],
)
def test_a_surplus_is_shared_by_what_is_owed(surplus: str, balances: tuple, parts: tuple) -> None:
    """V-AFF-4."""
    found = share_across(surplus=usd(surplus), balances=[usd(each) for each in balances])
    assert found == tuple(usd(each) for each in parts)


def test_a_cushion_is_kept_and_the_rest_rounded_down() -> None:
    assert affordable(surplus=usd("180.00"), cushion_bps=1000, step=usd("1")) == usd("162.00")
    assert affordable(surplus=usd("1.10"), cushion_bps=1000, step=usd("1")) == usd("0")
    assert affordable(surplus=usd("-20"), cushion_bps=0, step=usd("1")) == usd("0")


@bounded
@given(surplus=st.integers(-1000, 10**7), cushion=st.integers(0, 10_000), step=st.integers(1, 5000))
def test_never_more_is_asked_for_than_is_left_over(surplus: int, cushion: int, step: int) -> None:
    found = affordable(surplus=Money(surplus, "JPY"), cushion_bps=cushion, step=Money(step, "JPY"))
    assert 0 <= found.minor <= max(0, surplus * (10_000 - cushion) / 10_000)
    assert found.minor % step == 0


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(CannotDivide):
        affordable(surplus=usd("5"), cushion_bps=0, step=usd("0"))
    with pytest.raises(CannotDivide):
        share_across(surplus=usd("5"), balances=[])
    with pytest.raises(CurrencyMismatch):
        share_across(surplus=usd("5"), balances=[Money(5, "EUR")])
    with pytest.raises(CurrencyMismatch):
        affordable(surplus=usd("5"), cushion_bps=0, step=Money(1, "EUR"))


def test_instalments_of_a_settlement() -> None:
    """V-SET-3 and V-SET-4: 8,500.00 in 3; and 1,700.00 down with four of 1,700.00."""
    assert level(usd("8500.00"), 3) == (usd("2833.34"), usd("2833.34"), usd("2833.32"))
    assert level(usd("8500.00") - usd("1700.00"), 4) == (usd("1700.00"),) * 4
