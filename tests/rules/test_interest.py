"""Interest: day counts, accrual and annual rates against official and computed examples."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.interest import (
    MONTHLY_UNITS,
    WEEKLY_UNITS,
    DayCount,
    EuUnit,
    Flow,
    NoRate,
    UnitFlow,
    UnitPeriod,
    accrue,
    apr_eu,
    apr_regz,
    effective_annual,
    eu_interval,
    irr_periodic,
    months_later,
    nominal_annual,
    unit_periods,
    year_fraction,
)
from portal.money import Money
from tests.rules.finance_vectors import named, vectors

UNITS = {12: MONTHLY_UNITS, 52: WEEKLY_UNITS, 13: UnitPeriod(weeks=4), 6: UnitPeriod(months=2)}
days = st.dates(date(1990, 1, 1), date(2090, 1, 1))
bounded = settings(max_examples=50, deadline=None)


def _to_cents(minor: Decimal) -> Decimal:
    return minor.quantize(Decimal(1), rounding=ROUND_HALF_UP) / 100


@pytest.mark.parametrize("vector", vectors("day_count"), ids=named)
@pytest.mark.parametrize("convention", DayCount, ids=lambda each: each.value)
def test_accrual_of_the_vectors(vector: dict, convention: DayCount) -> None:
    given_ = vector["input"]
    exact = accrue(
        principal=Money.of(given_["principal"], "USD"),
        annual_rate=Decimal(given_["rate"]),
        start=date.fromisoformat(given_["from_"]),
        end=date.fromisoformat(given_["to"]),
        day_count=convention,
    )
    assert _to_cents(exact) == Decimal(vector["expect"][convention.value])


def test_interest_is_rounded_at_posting_and_not_each_day() -> None:
    """V-ACC: 10,000.00 at 18% act/365 for 30 days is 147.95; rounding each day would give 147.90."""
    terms = {"principal": Money.of("10000", "USD"), "annual_rate": Decimal(18), "day_count": DayCount.ACT_365F}
    assert _to_cents(accrue(start=date(2026, 4, 1), end=date(2026, 5, 1), **terms)) == Decimal("147.95")
    one_day = _to_cents(accrue(start=date(2026, 4, 1), end=date(2026, 4, 2), **terms))
    assert one_day * 30 == Decimal("147.90")


@bounded
@given(start=days, middle=days, end=days)
def test_counting_days_in_two_parts_changes_nothing(start: date, middle: date, end: date) -> None:
    start, middle, end = sorted((start, middle, end))
    for convention in (DayCount.ACT_365F, DayCount.ACT_360, DayCount.ACT_ACT_ISDA):
        parts = [year_fraction(start=a, end=b, day_count=convention) for a, b in ((start, middle), (middle, end))]
        assert sum(parts) == year_fraction(start=start, end=end, day_count=convention)


@pytest.mark.parametrize("vector", vectors("apr_regz"), ids=named)
def test_annual_rate_of_regulation_z(vector: dict) -> None:
    given_, expect = vector["input"], vector["expect"]
    whole, fraction = given_["t0"], Fraction(given_["f"])
    unit = UNITS[given_["unit_periods_per_year"]]
    between = unit_periods(
        start=date.fromisoformat(given_["advance_date"]), end=date.fromisoformat(given_["first_payment"]), unit=unit
    )
    assert between == (whole, fraction)
    assert unit.per_year == given_["unit_periods_per_year"]
    amounts = [Decimal(amount) for amount, times in given_["payments"] for _ in range(times)]
    rate = apr_regz(
        advances=[UnitFlow(0, Fraction(0), Decimal(given_["advance"]))],
        payments=[UnitFlow(whole + at, fraction, amount) for at, amount in enumerate(amounts)],
        per_year=unit.per_year,
    )
    assert abs(rate - expect["exact"]) < Decimal("0.000001")
    assert abs(rate - expect["apr"]) <= expect["tol"]


@pytest.mark.parametrize("vector", vectors("eu_interval"), ids=named)
def test_intervals_of_the_eu_rate_are_counted_backwards(vector: dict) -> None:
    given_ = vector["input"]
    found = eu_interval(
        start=date.fromisoformat(given_["from_"]), end=date.fromisoformat(given_["to"]), unit=EuUnit(given_["unit"])
    )
    assert found == sum(Fraction(part) for part in vector["expect"]["years"].split("+"))


def _flat(count: int, amount: str) -> list[Flow]:
    return [Flow(Fraction(at, 12), Decimal(amount)) for at in range(1, count + 1)]


def _falling() -> list[Flow]:
    """200,000 in 240 equal parts of principal at half a percent a month, as the source's 6% loan."""
    part = Decimal(200_000) / 240
    return [Flow(Fraction(at, 12), part + (200_000 - part * (at - 1)) * Decimal("0.005")) for at in range(1, 241)]


EU_FLOWS = {
    "E1": _flat(240, "1432.86"),
    "E8": [*_flat(240, "1166.67"), Flow(Fraction(20), Decimal(200_000))],
    "E13": _falling(),
    "EU-1": _flat(6, "172.55"),
    "EU-2": [Flow(Fraction(546, 365), Decimal(1200))],
    "EU-3": _flat(2, "270"),
}


@pytest.mark.parametrize("vector", vectors("apr_eu"), ids=named)
def test_annual_rate_of_the_eu(vector: dict) -> None:
    advance = Flow(Fraction(0), Decimal(vector["input"]["net_advance"]))
    rate = apr_eu(advances=[advance], payments=EU_FLOWS[vector["id"]])
    assert abs(rate - vector["expect"]["x_percent"]) < Decimal("0.000001")
    if "apr_1dp" in vector["expect"]:
        assert rate.quantize(Decimal("0.1"), rounding=ROUND_HALF_UP) == vector["expect"]["apr_1dp"]


def test_the_eu_rate_is_not_reckoned_from_days_over_365() -> None:
    """500 repaid as 2 of 270 is 85.5851% by whole months, although a popular library says 84.63%."""
    days_365 = [Flow(Fraction(31, 365), Decimal(270)), Flow(Fraction(61, 365), Decimal(270))]
    wrong = apr_eu(advances=[Flow(Fraction(0), Decimal(500))], payments=days_365)
    right = apr_eu(advances=[Flow(Fraction(0), Decimal(500))], payments=EU_FLOWS["EU-3"])
    assert round(right, 4) == Decimal("85.5851")
    assert wrong < 85


@pytest.mark.parametrize("vector", vectors("irr"), ids=named)
def test_internal_rate_of_a_fee_loan(vector: dict) -> None:
    given_, expect = vector["input"], vector["expect"]
    periodic = irr_periodic(
        principal=Money.of(given_["principal"], "CNY"), payments=[Money.of(given_["payment"], "CNY")] * given_["n"]
    )
    assert round(periodic, 7) == expect["monthly_pct"]
    assert round(nominal_annual(periodic=periodic, per_year=12), 4) == expect["nominal_pct"]
    assert round(effective_annual(periodic=periodic, per_year=12), 4) == expect["effective_pct"]


def test_the_highest_rate_at_which_a_payment_still_repays() -> None:
    """V-NEG: 150 a month repays 10,000 in 120 months only up to 1.0930604% a month (13.1167% a year)."""
    periodic = irr_periodic(principal=Money.of("10000", "USD"), payments=[Money.of("150", "USD")] * 120)
    assert round(periodic, 7) == Decimal("1.0930604")
    assert round(periodic * 12, 4) == Decimal("13.1167")


@bounded
@given(count=st.integers(1, 120), payment=st.integers(1, 10**6), rate=st.integers(-40, 500))
def test_the_rate_that_was_put_in_comes_out(count: int, payment: int, rate: int) -> None:
    i = Decimal(rate) / 1000
    worth = sum(Decimal(payment) / (1 + i) ** at for at in range(1, count + 1))
    found = apr_regz(
        advances=[UnitFlow(0, Fraction(0), worth)],
        payments=[UnitFlow(at, Fraction(0), Decimal(payment)) for at in range(1, count + 1)],
        per_year=1,
    )
    assert abs(found - i * 100) < Decimal("1E-15")


def test_no_rate_is_found_where_there_is_none() -> None:
    with pytest.raises(NoRate):
        irr_periodic(principal=Money(100, "USD"), payments=[])
    with pytest.raises(NoRate):
        irr_periodic(principal=Money(0, "USD"), payments=[Money(5, "USD")])


def test_months_that_are_too_short_end_on_their_last_day() -> None:
    found = [months_later(date(2026, 1, 31), at) for at in range(1, 5)]
    assert found == [date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30), date(2026, 5, 31)]
    assert months_later(date(2024, 2, 29), 12) == date(2025, 2, 28)
    assert months_later(date(2026, 2, 28), 1, anchor_day=31) == date(2026, 3, 31)
    assert eu_interval(start=date(2026, 1, 31), end=date(2026, 2, 28), unit=EuUnit.MONTH) == Fraction(1, 12)


def test_an_interval_that_ends_before_it_starts_is_refused() -> None:
    start, end = date(2026, 2, 1), date(2026, 1, 1)
    for attempt in (
        lambda: year_fraction(start=start, end=end, day_count=DayCount.ACT_360),
        lambda: eu_interval(start=start, end=end, unit=EuUnit.WEEK),
        lambda: unit_periods(start=start, end=end, unit=MONTHLY_UNITS),
    ):
        with pytest.raises(ValueError, match="2026"):
            attempt()
