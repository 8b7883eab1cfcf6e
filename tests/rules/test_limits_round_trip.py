"""Any set of limits that can be written is read back as the same values, in currencies with 0, 2 and 3 decimals."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from portal.limits.cards import (
    AffordabilityModel,
    AgentCaps,
    AttributeRule,
    Card,
    Changes,
    Component,
    Discount,
    DiscountBand,
    DownPayment,
    Holiday,
    InterestPolicy,
    Limits,
    LimitsSet,
    NewPlans,
    Order,
    Orders,
    RateBand,
    ReducedPayment,
    Token,
    Waiver,
    When,
    YearDay,
)
from portal.limits.reading import parse
from portal.limits.writing import starting, write
from portal.money import Money
from portal.schedules.arrangements import Vesting
from portal.schedules.dates import Frequency
from portal.schedules.pauses import Accrual, Keeps

MONTHS = st.integers(1, 600)
BPS = st.integers(0, 10_000)
DAYS_LATE = st.integers(0, 36_600)
RATE = st.decimals(0, 1000, places=3)
# Names of any script, with quotes and backslashes, but not with spaces at their ends, which mean nothing.
TEXT = st.text(
    st.characters(exclude_categories=("Cc", "Cf", "Co", "Cs", "Z")) | st.sampled_from(' "\\'), min_size=1, max_size=100
).filter(lambda text: text == text.strip())


def maybe(of: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | of


def some_of(names: Any) -> st.SearchStrategy[Any]:
    return st.lists(st.sampled_from(names), min_size=1, unique=True).map(tuple)


def rate_bands() -> st.SearchStrategy[RateBand]:
    day = st.dates(date(2028, 1, 1), date(2028, 12, 31)).map(lambda on: YearDay(on.month, on.day))
    return st.one_of(
        st.builds(RateBand, name=TEXT, first=ends, last=ends, rate=RATE) for ends in (day, st.dates(date(2000, 1, 1)))
    )


def attribute_rules() -> st.SearchStrategy[AttributeRule]:
    number = st.decimals(-1000, 1000, places=2)
    return (
        st.builds(AttributeRule, TEXT, texts=st.lists(TEXT, min_size=1).map(tuple))
        | st.builds(AttributeRule, TEXT, number_from=number, number_to=maybe(number))
        | st.builds(AttributeRule, TEXT, number_to=number)
    )


def whens(money: st.SearchStrategy[Money]) -> st.SearchStrategy[When]:
    return st.builds(
        When,
        balance_from=maybe(money),
        balance_to=maybe(money),
        days_late_from=maybe(DAYS_LATE),
        days_late_to=maybe(DAYS_LATE),
        products=st.lists(TEXT).map(tuple),
        attributes=st.lists(attribute_rules(), unique_by=lambda rule: rule.name).map(tuple),
    )


def discounts() -> st.SearchStrategy[Discount]:
    band = st.builds(DiscountBand, DAYS_LATE, maybe(DAYS_LATE), BPS, BPS)
    ceilings = st.dictionaries(st.sampled_from(Component), BPS)
    return st.builds(
        Discount,
        bands=st.lists(band, min_size=1, max_size=3).map(tuple),
        ceilings_bps=ceilings.map(lambda of: tuple((each, of[each]) for each in Component if each in of)),
        most_instalments=MONTHS,
        staged_above_lump=st.booleans(),
    )


@st.composite
def limits_of(draw: st.DrawFn, currency: str, most: int = 10**12) -> Limits:
    money = st.integers(0, most).map(lambda minor: Money(minor, currency))
    above_zero = st.integers(1, most).map(lambda minor: Money(minor, currency))
    policy = draw(st.sampled_from(InterestPolicy))
    return Limits(
        min_payment=draw(above_zero),
        min_percent_bps=draw(BPS),
        hardship_min_payment=draw(money),
        max_term_months=draw(MONTHS),
        hardship_max_term_months=draw(MONTHS),
        first_payment_within_days=draw(st.integers(1, 366)),
        frequencies=draw(some_of(Frequency)),
        interest_policy=policy,
        reduced_rate=draw(RATE) if policy is InterestPolicy.REDUCED else None,
        auto_accept_months=draw(st.integers(0, 600)),
        grace_days=draw(st.integers(0, 366)),
        cure_days=draw(st.integers(0, 366)),
        tolerance=draw(money),
        tolerance_bps=draw(st.integers(0, 10_000)),
        offer_validity_days=draw(st.integers(1, 366)),
        cushion_bps=draw(BPS),
        affordability_step=draw(above_zero),
        step_months=draw(st.integers(0, 600)),
        season=tuple(sorted(draw(st.sets(st.integers(1, 12))))),
        rate_bands=tuple(draw(st.lists(rate_bands(), max_size=2))),
        down_payment=draw(maybe(st.builds(DownPayment, BPS, maybe(DAYS_LATE)))),
        discount=draw(maybe(discounts())),
        waiver=draw(maybe(st.builds(Waiver, some_of(Component), st.sampled_from(Vesting)))),
        holiday=draw(
            maybe(
                st.builds(
                    Holiday,
                    st.integers(0, 12),
                    st.integers(0, 12),
                    st.integers(0, 600),
                    st.sampled_from(Accrual),
                    st.sampled_from(Keeps),
                )
            )
        ),
        reduced_payment=draw(maybe(st.builds(ReducedPayment, MONTHS, BPS))),
        interest_freeze_months=draw(st.integers(0, 600)),
        token=draw(maybe(st.builds(Token, above_zero, st.integers(1, 12)))),
        moratorium_days=draw(st.integers(0, 3660)),
        new_plans=draw(maybe(st.builds(NewPlans, st.integers(0, 100), st.integers(0, 1000), st.integers(0, 366)))),
        orders=draw(st.builds(Orders, *[st.sampled_from(Order)] * 4)),
        changes=draw(
            maybe(
                st.builds(
                    Changes,
                    st.integers(0, 31),
                    st.integers(0, 100),
                    st.integers(0, 100),
                    st.integers(0, 12),
                    st.integers(0, 600),
                )
            )
        ),
        auto_accept_discount_bps=draw(BPS),
        person_up_to_months=draw(maybe(MONTHS)),
        person_up_to_discount_bps=draw(maybe(BPS)),
        agents=draw(maybe(st.builds(AgentCaps, BPS, MONTHS))),
        affordability_model=draw(maybe(st.sampled_from(AffordabilityModel))),
        budget_days=draw(st.integers(1, 366)),
        file_days=draw(maybe(st.integers(0, 366))),
    )


@st.composite
def limits_sets(draw: st.DrawFn) -> LimitsSet:
    currency = draw(st.sampled_from(("JPY", "USD", "KWD")))
    money = st.integers(0, 10**12).map(lambda minor: Money(minor, currency))
    card = st.builds(Card, name=TEXT, when=whens(money), limits=limits_of(currency))
    return LimitsSet(
        name=draw(TEXT),
        effective_from=draw(st.dates(date(2000, 1, 1))),
        cards=tuple(draw(st.lists(card, min_size=1, max_size=2, unique_by=lambda each: each.name))),
    )


@settings(max_examples=30)
@given(limits_sets())
def test_what_is_written_is_read_back_as_the_same_values(limits: LimitsSet) -> None:
    currency = limits.cards[0].limits.min_payment.currency
    text = write(limits)
    assert parse(text, currency=currency) == limits
    later = starting(text, date(2027, 5, 1), currency=currency)
    assert parse(later, currency=currency) == replace(limits, effective_from=date(2027, 5, 1))


def test_another_first_day_leaves_the_file_as_it_was_typed() -> None:
    text = (Path(__file__).parents[2] / "limits" / "standard.toml").read_text("utf-8")
    changed = starting(text, date(2027, 5, 1), currency="USD")
    assert changed != text
    assert changed.replace("effective_from = 2027-05-01", "effective_from = 2026-01-01") == text


def test_a_first_day_that_does_not_stand_in_a_line_of_its_own_is_written_anew() -> None:
    text = (Path(__file__).parents[2] / "limits" / "standard.toml").read_text("utf-8")
    hidden = text.replace("effective_from", '"effective_from"')
    day = date(2027, 5, 1)
    assert parse(starting(hidden, day, currency="USD"), currency="USD").effective_from == day
