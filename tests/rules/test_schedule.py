"""Schedules: dates from the anchor, amounts that repay exactly what is owed."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.money import Money, total
from portal.schedules.dates import WITHOUT_SEASON, Frequency
from portal.schedules.schedule import (
    NeverEnds,
    NothingOwed,
    Schedule,
    TooManyItems,
    by_count,
    by_payment,
    interest_of,
    level_payment,
    periodic_rate,
    with_given_level,
)
from tests.rules.finance_vectors import named, vectors

FIRST = date(2026, 1, 31)
bounded = settings(max_examples=60, deadline=None)
balances = st.integers(1, 10**7) | st.integers(1, 200)
rates = st.sampled_from(["0", "0.1", "5.9", "12", "18", "29.9", "60", "180"]).map(Decimal)
frequencies = st.sampled_from(WITHOUT_SEASON)


def usd(text: str) -> Money:
    return Money.of(text, "USD")


def monthly_plan(balance: str, rate: Fraction | int, **terms: object) -> Schedule:
    draw = by_count if "count" in terms else by_payment
    return draw(balance=usd(balance), rate=Fraction(rate), first=FIRST, frequency=Frequency.MONTHLY, **terms)


def check(schedule: Schedule, balance: Money) -> None:
    """Assert what holds for every plan of ours."""
    assert total((item.principal for item in schedule.items), currency=balance.currency) == balance
    assert schedule.total == balance + schedule.total_interest
    assert all(item.amount == item.principal + item.interest for item in schedule.items)
    assert all(
        item.amount.minor > 0 and item.principal.minor > 0 and item.interest.minor >= 0 for item in schedule.items
    )
    assert schedule.last <= schedule.largest
    assert [item.seq for item in schedule.items] == list(range(1, schedule.count + 1))
    assert all(one.due_on < other.due_on for one, other in zip(schedule.items, schedule.items[1:], strict=False))


@pytest.mark.parametrize("vector", [each for each in vectors("schedule") if "periodic" in each["input"]], ids=named)
def test_level_plans_of_the_vectors(vector: dict) -> None:
    given_, expect = vector["input"], vector["expect"]
    schedule = monthly_plan(given_["principal"], Fraction(given_["periodic"]), count=given_["n"])
    assert schedule.payment == usd(expect["level"])
    assert schedule.last == usd(expect["last"])
    assert schedule.total_interest == usd(expect["interest"])
    assert schedule.count == given_["n"]


def test_half_a_year_as_apache_fineract_draws_it_and_as_we_do() -> None:
    """That system rounds the level payment half up (17.13); ours is rounded up, so the last is never the largest."""
    (vector,) = (each for each in vectors("schedule") if each["id"] == "F2")
    rate = periodic_rate(annual_rate=Decimal(vector["input"]["annual"]), frequency=Frequency.MONTHLY)
    theirs = with_given_level(
        balance=usd(vector["input"]["principal"]),
        rates=[rate] * vector["input"]["n"],
        payment=usd(vector["expect"]["payments"][0]),
        first=FIRST,
        frequency=Frequency.MONTHLY,
    )
    assert [item.amount for item in theirs.items] == [usd(text) for text in vector["expect"]["payments"]]
    assert [item.interest for item in theirs.items] == [usd(text) for text in vector["expect"]["interest"]]
    ours = monthly_plan(vector["input"]["principal"], rate, count=vector["input"]["n"])
    assert ours.payment == usd("17.14")
    assert ours.last < ours.payment
    check(ours, usd("100.00"))


def test_another_systems_level_leaves_all_that_is_left_to_the_last_item() -> None:
    (vector,) = (each for each in vectors("schedule") if each["id"] == "F1")
    given_, expect = vector["input"], vector["expect"]
    schedule = with_given_level(
        balance=usd(given_["principal"]),
        rates=[Fraction(text) for text in given_["rate_factors"]],
        payment=usd(given_["level"]),
        first=FIRST,
        frequency=Frequency.MONTHLY,
    )
    assert [item.amount for item in schedule.items] == [usd(text) for text in expect["payments"]]
    assert [item.interest for item in schedule.items] == [usd(text) for text in expect["interest"]]
    left, balance = [], usd(given_["principal"])
    for item in schedule.items:
        balance -= item.principal
        left.append(balance)
    assert left == [usd(text) for text in expect["balance"]]


@pytest.mark.parametrize("vector", vectors("holiday"), ids=named)
def test_what_a_payment_holiday_costs(vector: dict) -> None:
    given_, expect = vector["input"], vector["expect"]
    owed, rate, n = usd(given_["principal"]), Fraction(given_["periodic"]), given_["n"]
    simple, compound = owed, owed
    for _ in range(given_["months"]):
        simple += interest_of(owed, rate)
        compound += interest_of(compound, rate)
    plain = monthly_plan(given_["principal"], rate, count=n)
    costs = {}
    for name, balance in (("frozen", owed), ("simple", simple), ("compound", compound)):
        schedule = by_count(balance=balance, rate=rate, count=n, first=FIRST, frequency=Frequency.MONTHLY)
        assert balance == usd(expect[name].get("balance", given_["principal"]))
        assert schedule.payment == usd(expect[name]["level"])
        assert schedule.last == usd(expect[name]["last"])
        costs[name] = schedule.total - owed
        assert costs[name] == usd(expect[name]["interest"])
    same = by_payment(balance=simple, rate=rate, payment=plain.payment, first=FIRST, frequency=Frequency.MONTHLY)
    assert same.count == expect["same_level"]["items"]
    assert same.last == usd(expect["same_level"]["last"])
    assert costs["simple"] - costs["frozen"] == usd(expect["cost_of_pause"])


@bounded
@given(minor=balances, annual=rates, frequency=frequencies, count=st.integers(1, 130))
def test_a_plan_by_count_repays_exactly_in_no_more_items(
    minor: int, annual: Decimal, frequency: Frequency, count: int
) -> None:
    balance, rate = Money(minor, "USD"), periodic_rate(annual_rate=annual, frequency=frequency)
    schedule = by_count(balance=balance, rate=rate, count=count, first=FIRST, frequency=frequency)
    check(schedule, balance)
    assert schedule.count <= count
    assert all(item.amount == schedule.payment for item in schedule.items[:-1])
    if not rate and schedule.payment.minor > 1:
        less = Money(schedule.payment.minor - 1, "USD")
        assert -(-minor // less.minor) > count


@bounded
@given(minor=balances, annual=rates, frequency=frequencies, payment=st.integers(1, 10**6))
def test_a_plan_by_payment_repays_exactly_or_says_why_not(
    minor: int, annual: Decimal, frequency: Frequency, payment: int
) -> None:
    balance, rate = Money(minor, "JPY"), periodic_rate(annual_rate=annual, frequency=frequency)
    terms = {"balance": balance, "rate": rate, "payment": Money(payment, "JPY"), "first": FIRST, "most": 300}
    try:
        schedule = by_payment(frequency=frequency, **terms)
    except NeverEnds as error:
        assert error.interest == interest_of(balance, rate) >= error.payment
        return
    except TooManyItems:
        assert payment * 300 < minor + interest_of(balance, rate).minor * 300
        return
    check(schedule, balance)
    assert schedule.payment.minor <= payment
    assert all(item.amount.minor == payment for item in schedule.items[:-1])


def test_what_grows_the_debt_is_never_drawn() -> None:
    """V-NEG: 10,000.00 at 2% a month accrues 200.00."""
    with pytest.raises(NeverEnds) as refused:
        monthly_plan("10000.00", Fraction(2, 100), payment=usd("150.00"))
    assert refused.value.interest == usd("200.00")


def test_there_is_no_plan_for_nothing() -> None:
    for minor in (0, -5):
        with pytest.raises(NothingOwed):
            level_payment(balance=Money(minor, "USD"), rate=Fraction(0), count=3)
    with pytest.raises(ValueError, match="-1"):
        periodic_rate(annual_rate=Decimal(-1), frequency=Frequency.MONTHLY)


@pytest.mark.parametrize("payment", ["160.00", "3600.00", "100.01"])
def test_a_schedule_says_the_same_before_and_after_its_items_are_made(payment: str) -> None:
    def drawn() -> Schedule:
        return by_payment(
            balance=usd("3600.00"), rate=Fraction(1, 100), payment=usd(payment), first=date(2026, 1, 31),
            frequency=Frequency.MONTHLY, anchor_day=31,
        )  # fmt: skip

    plan, made = drawn(), Schedule(drawn().items, Frequency.MONTHLY)
    names = ("count", "total", "total_interest", "payment", "largest", "last", "starts_on", "ends_on", "steps")
    assert {name: getattr(plan, name) for name in names} == {name: getattr(made, name) for name in names}
    assert plan.balances(today=date(2026, 1, 1)) == made.balances(today=date(2026, 1, 1))
    assert plan == made and hash(plan) == hash(made) and plan.items == made.items
    assert sum(item.amount.minor for item in plan.items) == plan.total.minor
    assert [item.seq for item in plan.items] == list(range(1, plan.count + 1))
