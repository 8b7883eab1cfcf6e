"""Limits that contradict themselves are no draft: each sentence names the two rules that can't both hold."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.limits.cards import (
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
from portal.limits.checks import Loaded, problems_of
from portal.money import Money
from portal.schedules.arrangements import Vesting
from portal.schedules.dates import Frequency
from portal.schedules.pauses import Accrual, Keeps
from tests.rules.limits_factory import a_card, a_set

ALL_CEILINGS = ((Component.PENALTY, 10_000), (Component.INTEREST, 5000))


def usd(text: str) -> Money:
    return Money.of(text, "USD")


def a_discount(
    *bands: tuple[int, int | None, int, int], most: int = 3, ceilings: tuple[tuple[Component, int], ...] = ALL_CEILINGS
) -> Discount:
    made = tuple(DiscountBand(*band) for band in bands or ((90, None, 1500, 1000),))
    return Discount(bands=made, ceilings_bps=ceilings, most_instalments=most)


def a_holiday(**changes: Any) -> Holiday:
    usual = Holiday(
        most_months_in_12=3,
        most_months_running=2,
        payments_between=3,
        interest=Accrual.SIMPLE,
        keeps=Keeps.TERM,
    )
    return replace(usual, **changes)


def harvest(first: str = "09-01", last: str = "10-31", *, rate: int = 8, name: str = "Harvest") -> RateBand:
    def end(text: str) -> YearDay | date:
        return YearDay(int(text[:2]), int(text[3:])) if len(text) == 5 else date.fromisoformat(text)

    return RateBand(name, end(first), end(last), Decimal(rate))


def late(first: int | None = None, last: int | None = None) -> When:
    return When(days_late_from=first, days_late_to=last)


def sentences(*cards: Card) -> tuple[str, ...]:
    return tuple(each.removeprefix('card "All": ') for each in problems_of(a_set(*cards)))


GOOD: dict[str, Card] = {
    "plain": a_card(),
    "discount": a_card(discount=a_discount((0, 89, 0, 0), (90, 179, 1500, 1000), (180, None, 3000, 2000))),
    "discount meant to be larger when staged": a_card(
        discount=Discount((DiscountBand(0, None, 1000, 2000),), ALL_CEILINGS, 3, staged_above_lump=True)
    ),
    "holiday": a_card(holiday=a_holiday()),
    "frozen holiday of a frozen plan": a_card(
        interest_policy=InterestPolicy.FROZEN, holiday=a_holiday(interest=Accrual.FROZEN)
    ),
    "season": a_card(
        frequencies=(Frequency.SEASONAL,), season=(9, 10), first_payment_within_days=366, rate_bands=(harvest(),)
    ),
    "two seasons": a_card(rate_bands=(harvest(), harvest("11-01", "12-31", name="Winter"))),
    "token as large as the hardship payment": a_card(token=Token(usd("10"), 3)),
    "down payment for the late": a_card(down_payment=DownPayment(2000, 90), when=late(0, 90)),
    "bands": a_card(
        discount=a_discount(),
        auto_accept_discount_bps=1000,
        person_up_to_months=60,
        person_up_to_discount_bps=1500,
        agents=AgentCaps(1500, 60),
    ),
    "new plans": a_card(new_plans=NewPlans(2, 2, 7)),
    "changes": a_card(changes=Changes(10, 2, 1, 2, 3)),
    "only the pay day": a_card(changes=Changes(0, 0, 1, 0, 0)),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_does_not_contradict_itself_is_a_draft(name: str) -> None:
    assert problems_of(a_set(GOOD[name])) == ()


@pytest.mark.parametrize(
    ("card", "sentence"),
    [
        (
            a_card(when=When(balance_from=usd("500"), balance_to=usd("499.99"))),
            "when.balance_to: 499.99 USD is below when.balance_from 500.00 USD; no debt fits.",
        ),
        (a_card(when=late(90, 89)), "when.days_late_to: 89 is below when.days_late_from 90; no debt fits."),
        (
            a_card(when=When(attributes=(AttributeRule("score", number_from=Decimal(5), number_to=Decimal(4)),))),
            "when.attributes.score.to: 4 is below from 5; no debt fits.",
        ),
        (
            a_card(when=When(balance_to=usd("49.99"))),
            "least_payment.amount: 50.00 USD is above when.balance_to 49.99 USD; no debt of this card can pay it.",
        ),
        (
            a_card(hardship_min_payment=usd("50.01")),
            "least_payment.hardship_amount: 50.01 USD is above least_payment.amount 50.00 USD; "
            "people in hardship may never be asked for more.",
        ),
        (
            a_card(token=Token(usd("10.01"), 3)),
            "token.amount: 10.01 USD is above least_payment.hardship_amount 10.00 USD; "
            "a sign of good will may not be more than a payment.",
        ),
        (
            a_card(hardship_max_term_months=23, step_months=0),
            "longest_term_months.hardship: 23 months is shorter than the standard 24 (longest_term_months.standard); "
            "people in hardship may never be given less time.",
        ),
        (
            a_card(auto_accept_months=25),
            "accept_alone_up_to_months: 25 is longer than the standard term (longest_term_months.standard) 24; "
            "it can never be reached.",
        ),
        (
            a_card(step_months=24),
            "step_up_after_months: 24 leaves nothing of longest_term_months.standard 24; no payment could go up. "
            "Write 0 if none should.",
        ),
        (
            a_card(offer_validity_days=32),
            "offer_valid_days: 32 is above first_payment_within_days 31; an offer would outlive its own first payment.",
        ),
        (
            a_card(reduced_payment=ReducedPayment(60, 2500)),
            "reduced_payment.most_months: 60 leaves nothing of longest_term_months.hardship 60; "
            "the usual payment would never come back.",
        ),
        (
            a_card(interest_policy=InterestPolicy.FROZEN, reduced_rate="4"),
            "interest.reduced_rate: has no meaning while the policy is frozen (interest.policy).",
        ),
        (
            a_card(interest_policy=InterestPolicy.FROZEN, rate_bands=(harvest(),)),
            'interest.band "Harvest": has no meaning while the policy is frozen (interest.policy).',
        ),
        (
            a_card(interest_policy=InterestPolicy.REDUCED, reduced_rate="8", rate_bands=(harvest(),)),
            'interest.band "Harvest".rate: 8 isn\'t below interest.reduced_rate 8; it never counts.',
        ),
        (
            a_card(rate_bands=(harvest("11-01", "02-28"),)),
            'interest.band "Harvest".to: 02-28 is before its from 11-01; the season never comes. '
            "One over New Year is written as two.",
        ),
        (
            a_card(rate_bands=(harvest("2026-10-01", "2026-09-30"),)),
            'interest.band "Harvest".to: 2026-09-30 is before its from 2026-10-01; the season never comes. '
            "One over New Year is written as two.",
        ),
        (
            a_card(rate_bands=(harvest(), harvest("10-31", "11-30", name="Late harvest"))),
            'interest.band "Harvest" (09-01 to 10-31) and interest.band "Late harvest" (10-31 to 11-30): '
            "both count on some days.",
        ),
        (
            a_card(rate_bands=(harvest(), harvest("11-01", "11-30"))),
            'interest.band "Harvest": another band has the same name.',
        ),
        (
            a_card(frequencies=(Frequency.SEASONAL,)),
            "frequencies and seasonal_months: seasonal is offered, but no month is named, so the season never comes.",
        ),
        (
            a_card(season=(9,)),
            "seasonal_months and frequencies: months are named, but seasonal isn't offered, so they never count.",
        ),
        (
            a_card(
                frequencies=(Frequency.SEASONAL,),
                season=(9, 10),
                first_payment_within_days=366,
                max_term_months=10,
                auto_accept_months=10,
            ),
            "seasonal_months and longest_term_months.standard: up to 11 months lie between two of the months 9, 10, "
            "so in a term of 10 the season may never come.",
        ),
        (
            a_card(frequencies=(Frequency.SEASONAL,), season=(6, 9), first_payment_within_days=244),
            "first_payment_within_days and seasonal_months: 244 days may hold no day of the months 6, 9; "
            "it takes up to 245.",
        ),
        (
            a_card(discount=a_discount((90, 180, 1500, 0), (180, None, 3000, 0))),
            "discount.bands 90 to 180 and discount.bands 180 to …: these bands overlap.",
        ),
        (
            a_card(discount=a_discount((180, None, 3000, 0), (90, None, 1500, 0))),
            "discount.bands 90 to … and discount.bands 180 to …: these bands overlap.",
        ),
        (
            a_card(discount=a_discount((0, 89, 0, 0), (120, None, 3000, 0))),
            "discount.bands 0 to 89 and discount.bands 120 to …: days 90 to 119 lie in no band. "
            "Where nothing should be let off, write a band of 0.",
        ),
        (
            a_card(discount=a_discount((90, 89, 1500, 0))),
            "discount.bands 90 to 89, days_late_to: 89 is below days_late_from 90; no debt fits.",
        ),
        (
            a_card(discount=a_discount((90, None, 1500, 1501))),
            "discount.bands 90 to …, staged_percent: 15.01% is above lump_percent 15%; paying later would be worth "
            "more than paying at once. If it is meant, write staged_above_lump = true.",
        ),
        (
            a_card(discount=a_discount(most=1)),
            "discount.bands 90 to …, staged_percent and discount.most_instalments: a staged settlement takes at least "
            "two payments, and 1 is allowed.",
        ),
        (
            a_card(discount=a_discount(), when=late(0, 89)),
            "discount.bands and when: no band is for any debt of this card, so nothing is ever let off.",
        ),
        (
            a_card(discount=a_discount(ceilings=())),
            "discount.ceilings and discount.bands: no component may be let off, so no discount can ever be given.",
        ),
        (
            a_card(discount=a_discount(), auto_accept_discount_bps=1501),
            "decide.alone_up_to_discount_percent: 15.01% is above all discount.bands 15%; it can never be reached.",
        ),
        (
            a_card(discount=a_discount(), person_up_to_discount_bps=1499),
            "discount.bands 90 to …: 15% is above decide.person_up_to_discount_percent 14.99%; "
            "what is offered would be refused.",
        ),
        (
            a_card(auto_accept_discount_bps=1),
            "decide.alone_up_to_discount_percent and discount: a discount is agreed alone, but none is offered.",
        ),
        (
            a_card(person_up_to_months=59),
            "longest_term_months.hardship: 60 is above decide.person_up_to_months 59; "
            "people in hardship would be refused what they may be given.",
        ),
        (
            a_card(agents=AgentCaps(0, 61), person_up_to_months=60),
            "agents.longest_months: 61 is above decide.person_up_to_months 60; "
            "agents could grant what the rules refuse.",
        ),
        (
            a_card(agents=AgentCaps(1001, 60), person_up_to_discount_bps=1000),
            "agents.most_discount_percent: 10.01% is above decide.person_up_to_discount_percent 10%; "
            "agents could grant what the rules refuse.",
        ),
        (
            a_card(holiday=a_holiday(most_months_in_12=1)),
            "holiday.most_months_running: 2 is above holiday.most_months_in_12 1; it can never be reached.",
        ),
        (
            a_card(holiday=a_holiday(most_months_running=0)),
            "holiday and holiday.most_months_running: months without payments are offered, but the most is 0. "
            "Leave [card.holiday] out.",
        ),
        (
            a_card(interest_policy=InterestPolicy.FROZEN, holiday=a_holiday()),
            "holiday.interest and interest.policy: interest would go on (simple) in a pause of a plan whose interest "
            "is frozen.",
        ),
        (
            a_card(waiver=Waiver((Component.FEES, Component.PRINCIPAL), Vesting.ON_LAST_PAYMENT)),
            "waiver.components and least_payment: the payments pay the principal, so it can't be let off with them.",
        ),
        (
            a_card(down_payment=DownPayment(2000, 91), when=late(0, 90)),
            "down_payment.required_from_days_late: 91 is above when.days_late_to 90; "
            "no debt of this card is ever asked for one.",
        ),
        (
            a_card(new_plans=NewPlans(3, 2, 7)),
            "new_plans.most_in_12_months: 3 is above new_plans.most_in_all 2; it can never be reached.",
        ),
        (
            a_card(tolerance_bps=10_000),
            "keeping.tolerance_percent: 100%; a payment of which nothing came would count as kept.",
        ),
        (
            a_card(orders=Orders(without_plan=Order.BY_INSTALMENT)),
            "allocation.without_plan: by_instalment needs a plan; a debt without one has no instalments.",
        ),
        (
            a_card(changes=Changes(0, 0, 0, 0, 0)),
            "changes: changes are offered, but the most of each is 0. Leave [card.changes] out.",
        ),
        (
            a_card(changes=Changes(10, 0, 1, 0, 0)),
            "changes.move_days: 10 goes with changes.moves_in_12_months 0; no date could ever be moved.",
        ),
        (
            a_card(changes=Changes(0, 0, 1, 1, 3)),
            "changes.payments_between_skips: 3 goes with changes.skips_in_12_months 1; "
            "in a year there is no second one that it could keep apart.",
        ),
    ],
)
def test_a_contradiction_is_one_sentence_that_names_both_rules(card: Card, sentence: str) -> None:
    assert sentences(card) == (sentence,)


def test_what_follows_from_one_mistake_is_said_too() -> None:
    assert sentences(a_card(discount=a_discount(), auto_accept_discount_bps=1500, person_up_to_discount_bps=1499))[
        1:
    ] == (
        "decide.alone_up_to_discount_percent: 15% is above decide.person_up_to_discount_percent 14.99%; "
        "what is agreed alone would be refused.",
    )
    assert sentences(a_card(person_up_to_months=23)) == (
        "accept_alone_up_to_months: 24 is above decide.person_up_to_months 23; what is agreed alone would be refused.",
        "longest_term_months.hardship: 60 is above decide.person_up_to_months 23; "
        "people in hardship would be refused what they may be given.",
    )
    assert sentences(a_card(holiday=a_holiday(most_months_in_12=0, most_months_running=0)))[0] == (
        "holiday and holiday.most_months_in_12: months without payments are offered, but the most is 0. "
        "Leave [card.holiday] out."
    )


def test_the_sentences_say_which_card_they_are_about() -> None:
    (problem,) = problems_of(a_set(a_card("Old", when=late(90)), a_card("New", step_months=24)))
    assert problem.startswith('card "New": step_up_after_months: ')


def test_two_versions_may_not_start_on_one_day_and_none_before_the_one_in_force() -> None:
    draft, today = a_set(), date(2026, 6, 1)

    def against(*starts: str) -> tuple[str, ...]:
        loaded = [Loaded(number, date.fromisoformat(day)) for number, day in enumerate(starts, start=1)]
        return problems_of(draft, loaded=loaded, today=today)

    assert against("2026-01-01", "2026-02-28") == ()
    # One that starts later is no hindrance to one that holds until then.
    assert against("2026-01-01", "2026-07-01") == ()
    assert against("2026-01-01", "2026-03-01") == (
        "effective_from and version 2: both start on 2026-03-01, so nobody could tell from the day which of them "
        "counts. Take another day.",
    )
    assert against("2026-01-01", "2026-05-01") == (
        "effective_from and version 2: 2026-03-01 is before 2026-05-01, since when version 2 is in force, so this one "
        "would never count.",
    )


@given(
    st.lists(st.tuples(st.integers(0, 30), st.none() | st.integers(0, 30)), min_size=1, max_size=4).map(
        lambda ends: [(first, last if last is None else first + last) for first, last in ends]
    )
)
def test_bands_are_refused_exactly_if_a_lateness_has_two_or_lies_between_without_one(
    ends: list[tuple[int, int | None]],
) -> None:
    found = sentences(a_card(discount=a_discount(*((first, last, 1000, 0) for first, last in ends))))
    far = 100
    covered = [sum(first <= day <= (far if last is None else last) for first, last in ends) for day in range(far)]
    inside = covered[min(first for first, _ in ends) : max(far if last is None else last + 1 for _, last in ends)]
    assert any("these bands overlap" in each for each in found) is any(count > 1 for count in covered)
    if not any(count > 1 for count in covered):
        assert any("lie in no band" in each for each in found) is (0 in inside)


def year_days() -> st.SearchStrategy[str]:
    return st.dates(date(2027, 1, 1), date(2027, 12, 31)).map(lambda day: f"{day:%m-%d}")


def dates() -> st.SearchStrategy[str]:
    return st.dates(date(2026, 1, 1), date(2027, 12, 31)).map(date.isoformat)


def bands(ends: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, str]]:
    return st.tuples(ends, ends).map(sorted).map(tuple)


@given(bands(year_days()) | bands(dates()), bands(year_days()) | bands(dates()))
def test_seasons_are_refused_exactly_if_both_count_on_some_day(one: tuple[str, str], other: tuple[str, str]) -> None:
    first, second = harvest(*one, name="One"), harvest(*other, name="Other")
    days: Iterable[date] = (date(2026, 1, 1) + timedelta(days=at) for at in range(3 * 365))
    shared = any(first.covers(day) and second.covers(day) for day in days)
    found = sentences(a_card(rate_bands=(first, second)))
    assert any("both count on some days" in each for each in found) is shared


@given(st.sets(st.integers(1, 12), min_size=1), st.integers(1, 366))
def test_the_first_payment_may_be_so_early_that_no_seasonal_day_is_left(months: set[int], within: int) -> None:
    card = a_card(
        frequencies=(Frequency.SEASONAL,),
        season=tuple(sorted(months)),
        first_payment_within_days=within,
        offer_validity_days=1,
    )
    year = [date(2027, 1, 1) + timedelta(days=at) for at in range(3 * 366)]
    in_season = [day.month in months for day in year]
    never = any(not any(in_season[at + 1 : at + 1 + within]) for at in range(2 * 366))
    assert any("may hold no day" in each for each in sentences(card)) is never
