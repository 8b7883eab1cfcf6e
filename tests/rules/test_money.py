"""Money: whole minor units of one currency."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.money import (
    EXPONENTS,
    LARGEST_MINOR,
    CannotDivide,
    CurrencyMismatch,
    InexactAmount,
    Money,
    NotAnAmount,
    UnknownCurrency,
    level,
    share,
    split,
    total,
)
from tests.rules.finance_vectors import named, vectors

currencies = st.sampled_from(sorted(EXPONENTS))
minors = st.integers(min_value=0, max_value=10**12)
bounded = settings(max_examples=75, deadline=None)


@pytest.mark.parametrize(
    ("currency", "decimals"),
    [("USD", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4), ("UYI", 0), ("UYW", 4), ("IQD", 3), ("RSD", 2), ("ISK", 0)]
    + [("MGA", 2), ("MRU", 2), ("IDR", 2), ("LAK", 2), ("CZK", 2), ("NGN", 2), ("VND", 0), ("UGX", 0), ("XOF", 0)],
)
def test_decimals_are_those_of_iso_4217_and_not_of_cldr(currency: str, decimals: int) -> None:
    assert EXPONENTS[currency] == decimals


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [("12.50", "USD", 1250), ("12.500", "USD", 1250), ("12.", "USD", 1200), (".5", "USD", 50), ("-0.05", "USD", -5)]
    + [("+7", "JPY", 7), ("1.234", "KWD", 1234), (" 3 ", "EUR", 300), ("1E3", "USD", 100_000), ("1.5e-1", "USD", 15)],
)
def test_a_decimal_becomes_the_same_amount(text: str, currency: str, minor: int) -> None:
    assert Money.of(text, currency).minor == minor
    assert Money.of(Decimal(text.strip()), currency).minor == minor


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "sNaN",
        "inf",
        "-Infinity",
        "",
        " ",
        "1_000",
        "１２",
        "1,000",
        "0x10",
        "1e999",
        "9" * 30,
        "1e9999999",
        "--1",
    ]
    + ["1 2", "$5", "1.2.3", "9" * 5000],
)
def test_what_is_no_plain_finite_number_is_refused(text: str) -> None:
    with pytest.raises(NotAnAmount):
        Money.of(text, "USD")


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), Decimal("1E+999999"), Decimal(2**63)])
def test_a_decimal_that_is_no_amount_is_refused(value: Decimal) -> None:
    with pytest.raises(NotAnAmount):
        Money.of(value, "JPY")
    with pytest.raises(NotAnAmount):
        Money.rounded(value, "JPY")


@pytest.mark.parametrize(
    ("text", "currency"), [("0.001", "USD"), ("0.5", "JPY"), ("1.2345", "KWD"), ("1e-3", "USD"), ("1e-900", "USD")]
)
def test_more_decimals_than_the_currency_has_are_refused(text: str, currency: str) -> None:
    with pytest.raises(InexactAmount):
        Money.of(text, currency)


@pytest.mark.parametrize("minor", [1.0, True, "1", Decimal(1), None])
def test_minor_units_are_an_int_and_nothing_like_one(minor: object) -> None:
    with pytest.raises(NotAnAmount):
        Money(minor, "USD")  # type: ignore[arg-type]


@pytest.mark.parametrize("code", ["usd", "XXX", "XAU", "", "US", "DEM"])
def test_a_code_that_is_no_active_currency_is_refused(code: str) -> None:
    for attempt in (lambda: Money(1, code), lambda: Money.of("1", code), lambda: Money.rounded(Decimal(1), code)):
        with pytest.raises(UnknownCurrency):
            attempt()


def test_two_currencies_never_meet() -> None:
    one, other = Money(1, "USD"), Money(1, "EUR")
    assert one != other
    for attempt in (lambda: one + other, lambda: one - other, lambda: one < other, lambda: one >= other):
        with pytest.raises(CurrencyMismatch):
            attempt()
    with pytest.raises(CurrencyMismatch):
        total([one, other], currency="USD")


def test_half_a_unit_is_rounded_away_from_zero() -> None:
    assert Money.rounded(Decimal("147.945"), "USD").minor == 14795
    assert Money.rounded(Decimal("-147.945"), "USD").minor == -14795
    assert Money.rounded(Decimal("0.4999999999999999999999999999999999999"), "JPY").minor == 0


@bounded
@given(minor=st.integers(-LARGEST_MINOR, LARGEST_MINOR), currency=currencies)
def test_an_amount_survives_being_written_down(minor: int, currency: str) -> None:
    money = Money(minor, currency)
    assert Money.of(money.amount, currency) == money
    assert Money.of(str(money).split()[0], currency) == money
    assert str(money) == f"{money.amount:f} {currency}"


@bounded
@given(minor=st.integers(-(10**12), 10**12), n=st.integers(1, 400), currency=currencies)
def test_split_parts_sum_to_the_whole_and_differ_by_one_unit_at_most(minor: int, n: int, currency: str) -> None:
    parts = split(Money(minor, currency), n)
    assert len(parts) == n
    assert total(parts, currency=currency).minor == minor
    assert max(part.minor for part in parts) - min(part.minor for part in parts) <= 1


@bounded
@given(minor=minors | st.integers(0, 50), n=st.integers(1, 400), currency=currencies)
def test_level_parts_sum_to_the_whole_and_the_last_is_never_larger_or_nothing(
    minor: int, n: int, currency: str
) -> None:
    parts = level(Money(minor, currency), n)
    assert total(parts, currency=currency).minor == minor
    assert len(parts) <= n
    assert all(part.minor > 0 for part in parts)
    assert all(part == parts[0] for part in parts[:-1])
    assert not parts or parts[-1] <= parts[0]


@pytest.mark.parametrize("vector", vectors("split_lower_final"), ids=named)
def test_level_payments_of_the_vectors(vector: dict) -> None:
    given_, expect = vector["input"], vector["expect"]
    parts = level(Money.of(given_["total"], given_["ccy"]), given_["n"])
    assert {*parts[:-1]} == {Money.of(expect["others"], given_["ccy"])}
    assert parts[-1] == Money.of(expect["last"], given_["ccy"])


@bounded
@given(
    minor=st.integers(-(10**9), 10**9),
    weights=st.lists(st.integers(0, 10**9), min_size=1, max_size=12).filter(any),
)
def test_shares_sum_to_the_whole_and_are_off_by_less_than_a_unit(minor: int, weights: list[int]) -> None:
    parts = share(Money(minor, "USD"), weights)
    assert sum(part.minor for part in parts) == minor
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part.minor * sum(weights) - minor * weight) < sum(weights)


def test_what_cannot_be_divided_is_refused() -> None:
    whole = Money(100, "USD")
    for attempt in (
        lambda: split(whole, 0),
        lambda: level(whole, 0),
        lambda: level(-whole, 3),
        lambda: share(whole, []),
        lambda: share(whole, [0, 0]),
        lambda: share(whole, [2, -1]),
    ):
        with pytest.raises(CannotDivide):
            attempt()
