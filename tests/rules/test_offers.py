"""Offers: the eight answers, why, and what would work."""

import json
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.limits.cards import InterestPolicy, Limits
from portal.money import CurrencyMismatch, Money
from portal.offers.answering import answer
from portal.offers.answers import Answer, Change, Input, Kind, Offer, Outcome, Reason
from portal.offers.asked import Regular
from portal.offers.menu import standard
from portal.offers.owed import Means, Owed
from portal.schedules.dates import WITHOUT_SEASON, Frequency
from portal.schedules.schedule import NothingOwed, Schedule, a_month
from tests.rules.finance_vectors import named, vectors
from tests.rules.limits_factory import some_limits
from tests.rules.test_schedule import check

TODAY = date(2026, 1, 15)
FIRST = date(2026, 1, 31)
PERSON = {
    Outcome.COUNTER_LOWER_HARDSHIP_REVIEW,
    Outcome.REVIEW_HARDSHIP,
    Outcome.REFER_TOKEN,
    Outcome.SIGNPOST_AND_HOLD,
}
bounded = settings(max_examples=125, deadline=None)


def usd(text: str | int) -> Money:
    return Money.of(text, "USD")


def asking(
    payment: str | int,
    *,
    owed: str = "3600.00",
    rate: str = "0",
    surplus: str | int | None = None,
    frequency: Frequency = Frequency.MONTHLY,
    first: date = FIRST,
    limits: Limits | None = None,
) -> Answer:
    return answer(
        asked=Regular(usd(payment), frequency, first),
        owed=Owed(usd(owed), Decimal(rate)),
        limits=limits or some_limits(),
        means=None if surplus is None else Means(usd(surplus)),
        today=TODAY,
    )


def steps(schedule: Schedule | None) -> tuple[tuple[int, str], ...]:
    return () if schedule is None else tuple((count, str(amount).split()[0]) for count, amount in schedule.steps)


@pytest.mark.parametrize("vector", vectors("negotiate"), ids=named)
def test_outcomes_of_the_vectors(vector: dict) -> None:
    given_ = vector["input"]
    rules = given_["rules"]
    limits = some_limits(
        min_payment=usd(rules["min"]),
        hardship_min_payment=usd(rules["min_hard"]),
        max_term_months=rules["std"],
        hardship_max_term_months=rules["hard"],
        auto_accept_months=rules["auto"],
        cushion_bps=int(rules["cushion"] * 10_000),
        affordability_step=usd(rules["step"]),
        step_months=rules["step_months"],
    )
    found = asking(given_["offer"], owed=given_["balance"], surplus=given_["surplus"], limits=limits)
    assert found.outcome.name == vector["expect"]["outcome"]


@pytest.mark.parametrize(
    ("surplus", "payment", "outcome", "plan", "for_person"),
    [
        (180, 160, Outcome.ACCEPT, ((22, "160.00"), (1, "80.00")), ()),
        (180, 100, Outcome.COUNTER_HIGHER, ((24, "150.00"),), ()),
        (180, 200, Outcome.COUNTER_LOWER, ((22, "162.00"), (1, "36.00")), ()),
        (100, 100, Outcome.COUNTER_LOWER_HARDSHIP_REVIEW, (), ((40, "90.00"),)),
        (100, 80, Outcome.REVIEW_HARDSHIP, (), ((45, "80.00"),)),
        (50, 45, Outcome.REFER_TOKEN, (), ()),
        (-20, 10, Outcome.SIGNPOST_AND_HOLD, (), ()),
        (None, 150, Outcome.ACCEPT, ((24, "150.00"),), ()),
        (None, 75, Outcome.COUNTER_AND_ASK_BUDGET, ((24, "150.00"),), ()),
    ],
)
def test_plans_of_the_published_table(
    surplus: int | None, payment: int, outcome: Outcome, plan: tuple, for_person: tuple
) -> None:
    """V-NEG0 of the negotiation rules 1.5."""
    found = asking(payment, surplus=surplus)
    assert found.outcome is outcome
    assert steps(found.plan) == plan
    assert steps(found.for_person and found.for_person.schedule) == for_person


def test_a_start_with_less_is_offered_beside_the_higher_payment() -> None:
    found = asking(100, surplus=180)
    assert found.reasons == (Reason.BELOW_LEAST_PAYMENT,)
    assert found.change == Change(Input.PAYMENT, usd(150))
    assert [offer.kind for offer in found.alternatives] == [Kind.STEP_UP]
    assert steps(found.alternatives[0].schedule) == ((3, "100.00"), (20, "157.15"), (1, "157.00"))


def test_a_start_with_less_is_not_offered_where_the_later_payment_is_not_affordable() -> None:
    assert asking(60, surplus=175).alternatives == ()


def test_a_plan_with_interest_is_accepted() -> None:
    """V-NEG0 with 5,000.00 at 1% a month: 22 of 250.00 and 106.76."""
    found = asking(250, owed="5000.00", rate="12", surplus=300)
    assert found.outcome is Outcome.ACCEPT
    assert steps(found.plan) == ((22, "250.00"), (1, "106.76"))
    assert asking(1, owed="5000.00", rate="12", surplus=300).change.value == usd("235.37")


def test_a_payment_that_interest_outgrows_is_named() -> None:
    found = asking(150, owed="10000.00", rate="24")
    assert found.outcome is Outcome.COUNTER_AND_ASK_BUDGET
    assert found.reasons == (Reason.BELOW_LEAST_PAYMENT, Reason.INTEREST_WOULD_OUTGROW)
    assert found.change == Change(Input.BUDGET)


def test_a_first_payment_that_is_too_late_gets_the_last_day_that_works() -> None:
    found = asking(160, surplus=180, first=date(2026, 3, 1))
    assert (found.outcome, found.reasons) == (Outcome.COUNTER_HIGHER, (Reason.FIRST_PAYMENT_TOO_LATE,))
    assert found.change == Change(Input.FIRST_PAYMENT_DATE, date(2026, 2, 15))
    assert found.plan is not None
    assert found.plan.starts_on == date(2026, 2, 15)
    assert steps(found.plan) == ((22, "160.00"), (1, "80.00"))


def test_a_first_payment_in_the_past_moves_to_the_next_of_the_same_days() -> None:
    found = asking(160, first=date(2025, 11, 20))
    assert found.reasons == (Reason.FIRST_PAYMENT_IN_THE_PAST,)
    assert found.change == Change(Input.FIRST_PAYMENT_DATE, date(2026, 1, 20))


def test_a_rhythm_that_is_not_offered_gets_the_same_money_a_month() -> None:
    limits = some_limits(frequencies=(Frequency.MONTHLY,))
    found = asking(60, frequency=Frequency.WEEKLY, limits=limits)
    assert (found.outcome, found.reasons) == (Outcome.COUNTER_HIGHER, (Reason.FREQUENCY_NOT_OFFERED,))
    assert found.change == Change(Input.FREQUENCY, Frequency.MONTHLY)
    assert found.plan is not None
    assert found.plan.payment == usd(260)


def test_a_longer_plan_is_accepted_by_a_person_and_says_what_needs_none() -> None:
    found = asking(160, limits=some_limits(auto_accept_months=12))
    assert (found.outcome, found.needs_person) == (Outcome.ACCEPT, True)
    assert found.reasons == (Reason.LONGER_THAN_AUTOMATIC,)
    assert found.change == Change(Input.PAYMENT, usd(300))
    assert not asking(300, limits=some_limits(auto_accept_months=12)).needs_person


def test_a_payment_above_the_balance_pays_it_all_at_once() -> None:
    assert steps(asking(5000, rate="12").plan) == ((1, "3636.00"),)
    assert asking(5000, surplus=3999).outcome is Outcome.COUNTER_LOWER
    assert asking(5000, surplus=4000).outcome is Outcome.ACCEPT


def test_a_small_debt_may_be_paid_at_once_each_week_if_the_month_can_bear_it() -> None:
    """100.00 in one weekly payment costs 100.00 that month and not 433.33."""
    found = asking(100, owed="100.00", surplus=150, frequency=Frequency.WEEKLY)
    assert (found.outcome, steps(found.plan)) == (Outcome.ACCEPT, ((1, "100.00"),))


def test_a_single_cent_is_paid_at_once() -> None:
    """Its interest rounds to nothing, although the formula for a level payment gives more than a cent."""
    limits = some_limits(max_term_months=1, auto_accept_months=1)
    assert steps(asking("0.01", owed="0.01", rate="4.5", limits=limits).plan) == ((1, "0.01"),)


def test_below_the_least_payment_the_balance_itself_is_enough() -> None:
    assert steps(asking(20, owed="20.00").plan) == ((1, "20.00"),)
    assert asking(19, owed="20.00").change == Change(Input.BUDGET)


def test_nothing_is_asked_of_somebody_with_nothing_left_over() -> None:
    for surplus in ("-20", "0", "1.10"):
        found = asking(500, surplus=surplus)
        assert found.outcome is Outcome.SIGNPOST_AND_HOLD
        assert found.plan is None
        assert found.reasons == (Reason.NOTHING_LEFT_OVER, Reason.A_PERSON_DECIDES)


def test_no_answer_is_given_about_nothing_or_in_two_currencies() -> None:
    with pytest.raises(NothingOwed):
        asking(10, owed="0")
    with pytest.raises(CurrencyMismatch):
        answer(
            asked=Regular(Money(5, "EUR"), Frequency.MONTHLY, FIRST),
            owed=Owed(usd(5)),
            limits=some_limits(),
            today=TODAY,
        )


currencies = st.sampled_from(["USD", "JPY", "KWD"])
amounts = st.integers(1, 2_000_000) | st.integers(1, 300)


@st.composite
def limits_of(draw: st.DrawFn, currency: str) -> Limits:
    standard_months = draw(st.integers(1, 60))
    least = draw(st.integers(1, 20_000))
    policy = draw(st.sampled_from(InterestPolicy))
    return some_limits(
        currency=currency,
        min_payment=Money(least, currency),
        min_percent_bps=draw(st.sampled_from([0, 100, 250, 10_000])),
        hardship_min_payment=Money(draw(st.integers(0, least)), currency),
        max_term_months=standard_months,
        hardship_max_term_months=standard_months + draw(st.integers(0, 60)),
        first_payment_within_days=draw(st.integers(1, 60)),
        frequencies=tuple(draw(st.lists(st.sampled_from(WITHOUT_SEASON), min_size=1, unique=True))),
        interest_policy=policy,
        reduced_rate="6" if policy is InterestPolicy.REDUCED else None,
        auto_accept_months=draw(st.integers(0, standard_months)),
        affordability_step=Money(draw(st.sampled_from([1, 10, 100])), currency),
        step_months=draw(st.integers(0, 12)),
    )


@st.composite
def cases(draw: st.DrawFn) -> dict:
    """Draw what somebody asks for, mostly near the limits: there the eight answers lie side by side."""
    currency = draw(currencies)
    limits = draw(limits_of(currency))
    balance = draw(amounts)

    def about_a_level_payment(least: int) -> int:
        return max(least, balance * draw(st.integers(-20, 300)) // (100 * limits.max_term_months))

    tidy = draw(st.integers(0, 3)) > 0
    latest = limits.first_payment_within_days
    payment = about_a_level_payment(1) if draw(st.booleans()) else draw(amounts)
    budget = draw(st.none() | st.booleans() | st.integers(-500, 60_000))
    if isinstance(budget, bool):
        budget = about_a_level_payment(-50)
    return {
        "asked": Regular(
            Money(payment, currency),
            draw(st.sampled_from(limits.frequencies if tidy else WITHOUT_SEASON)),
            TODAY + timedelta(days=draw(st.integers(0, latest) if tidy else st.integers(-40, 90))),
            draw(st.none() | st.integers(1, 31)),
        ),
        "owed": Owed(Money(balance, currency), draw(st.sampled_from(["0", "4.5", "18", "36", "90"]).map(Decimal))),
        "limits": limits,
        "means": None if budget is None else Means(Money(budget, currency)),
        "today": TODAY,
    }


def admissible(schedule: Schedule, case: dict) -> None:
    """Assert that a plan that is shown is inside the limits and affordable."""
    limits: Limits = case["limits"]
    check(schedule, case["owed"].balance)
    assert schedule.frequency in limits.frequencies
    assert TODAY <= schedule.starts_on <= TODAY + timedelta(days=limits.first_payment_within_days)
    per_year = schedule.frequency.per_year
    assert schedule.count <= max(1, limits.max_term_months * per_year // 12)
    least = limits.least_payment(balance=case["owed"].balance)
    assert schedule.count == 1 or schedule.payment.minor * per_year >= least.minor * 12
    if case["means"] is not None:
        can = case["means"].amount.minor * (10_000 - limits.cushion_bps) / 10_000
        assert a_month(schedule.largest, frequency=schedule.frequency) <= can or schedule.total.minor <= can


@bounded
@given(case=cases())
def test_every_plan_in_an_answer_is_admissible(case: dict) -> None:
    found = answer(**case)
    shown = [offer.schedule for offer in found.alternatives]
    assert len(shown) <= 2
    if found.plan is not None:
        admissible(found.plan, case)
        shown.append(found.plan)
    for schedule in shown:
        admissible(schedule, case)
    assert len({schedule.steps for schedule in shown}) == len(shown)
    assert (found.plan is None) == (found.outcome in PERSON)
    assert found.needs_person or found.plan is not None
    assert bool(found.reasons) or found.outcome is Outcome.ACCEPT
    if found.for_person is not None:
        assert found.outcome in PERSON
        assert found.for_person.schedule.total == case["owed"].balance
        assert found.for_person.schedule.last <= found.for_person.schedule.payment


@bounded
@given(case=cases())
def test_a_plan_that_is_offered_is_accepted_when_it_is_asked_for(case: dict) -> None:
    plan = answer(**case).plan
    if plan is None:
        return
    asked = Regular(plan.payment, plan.frequency, plan.starts_on, case["asked"].anchor_day)
    again = answer(**{**case, "asked": asked})
    assert again.outcome is Outcome.ACCEPT
    assert again.plan is not None
    assert again.plan.steps == plan.steps


@bounded
@given(case=cases())
def test_the_change_that_is_named_works_where_it_is_the_only_one(case: dict) -> None:
    found = answer(**case)
    wrong = set(found.reasons) - {Reason.LONGER_THAN_AUTOMATIC, Reason.INTEREST_WOULD_OUTGROW}
    asked = case["asked"]
    if len(wrong) > 1 or found.change.input not in (Input.PAYMENT, Input.FIRST_PAYMENT_DATE):
        return
    if found.change.input is Input.PAYMENT:
        asked = Regular(found.change.value, asked.frequency, asked.first_due, asked.anchor_day)
    else:
        asked = Regular(asked.payment, asked.frequency, found.change.value, asked.anchor_day)
    again = answer(**{**case, "asked": asked})
    assert again.outcome is Outcome.ACCEPT
    if found.outcome is Outcome.ACCEPT:
        assert not again.needs_person


@bounded
@given(case=cases(), months=st.integers(0, 60), least=st.integers(0, 100))
def test_nothing_that_is_shown_depends_on_the_hardship_limits(case: dict, months: int, least: int) -> None:
    one: Limits = case["limits"]
    other = some_limits(
        **{
            **{name: getattr(one, name) for name in one.__slots__},
            "hardship_max_term_months": one.max_term_months + months,
            "hardship_min_payment": Money(one.min_payment.minor * least // 100, one.min_payment.currency),
        }
    )
    here, there = answer(**case), answer(**{**case, "limits": other})
    assert json.dumps(here.public()) == json.dumps(there.public())


def three(case: dict, pay_day: int) -> tuple[Offer, ...]:
    return standard(
        owed=case["owed"],
        limits=case["limits"],
        frequency=case["asked"].frequency,
        pay_day=pay_day,
        today=TODAY,
        means=case["means"],
    )


@bounded
@given(case=cases(), pay_day=st.integers(1, 7))
def test_the_plans_to_choose_from_are_admissible_and_differ(case: dict, pay_day: int) -> None:
    offers = three(case, pay_day)
    assert len(offers) <= 3
    assert len({offer.schedule.steps for offer in offers}) == len(offers)
    for offer in offers:
        admissible(offer.schedule, case)
        asked = Regular(offer.schedule.payment, offer.schedule.frequency, offer.schedule.starts_on)
        assert answer(**{**case, "asked": asked}).outcome is Outcome.ACCEPT
    counts = [offer.schedule.count for offer in offers]
    assert counts == sorted(counts, reverse=True)
    for offer in offers:
        kinds = (offer.kind, *offer.also)
        if Kind.LOWEST_PAYMENT in kinds:
            assert offer.schedule.largest == min(each.schedule.largest for each in offers)
        if Kind.SOONEST_DONE in kinds:
            assert offer.schedule.ends_on == min(each.schedule.ends_on for each in offers)
        if Kind.LEAST_COST in kinds:
            assert offer.schedule.total_interest == min(each.schedule.total_interest for each in offers)
    alone = [offer.schedule for offer in offers if not offer.needs_person]
    if alone and alone[0].payment.minor > 1:
        # Nothing less would be agreed to without a person.
        less = alone[0].payment - Money(1, alone[0].payment.currency)
        asked = Regular(less, alone[0].frequency, alone[0].starts_on)
        assert not answer(**{**case, "asked": asked}).is_agreed_alone


def test_where_a_long_plan_needs_a_person_the_lowest_payment_is_of_the_longest_that_needs_nobody() -> None:
    terms = {"owed": Owed(usd("3600.00")), "frequency": Frequency.MONTHLY, "pay_day": 1, "today": TODAY}
    limits = some_limits(max_term_months=36, auto_accept_months=24)
    (lowest, *_others) = standard(limits=limits, **terms)
    assert (str(lowest.schedule.payment), lowest.needs_person) == ("150.00 USD", False)
    # Who can't afford that gets the longer plan, by a person.
    (only, *_others) = standard(limits=limits, means=Means(usd(130)), **terms)
    assert (str(only.schedule.payment), only.needs_person) == ("100.00 USD", True)
    # Where a person looks at every plan, nothing is shorter.
    (lowest, *_others) = standard(limits=some_limits(max_term_months=36, auto_accept_months=0), **terms)
    assert str(lowest.schedule.payment) == "100.00 USD"


def test_three_plans_to_choose_from() -> None:
    """The longest standard term, a quarter of it, and one in between; with interest the soonest costs the least."""
    found = standard(
        owed=Owed(usd("3600.00"), Decimal(12)),
        limits=some_limits(),
        frequency=Frequency.MONTHLY,
        pay_day=31,
        today=TODAY,
    )
    assert [(offer.kind, offer.also, offer.schedule.count) for offer in found] == [
        (Kind.LOWEST_PAYMENT, (), 24),
        (Kind.IN_BETWEEN, (), 15),
        (Kind.SOONEST_DONE, (Kind.LEAST_COST,), 6),
    ]
    assert [str(item.due_on) for item in found[2].schedule.items[:3]] == ["2026-01-31", "2026-02-28", "2026-03-31"]


def test_plans_to_choose_from_stay_inside_a_budget() -> None:
    terms = {"owed": Owed(usd("3600.00")), "limits": some_limits(), "frequency": Frequency.MONTHLY, "pay_day": 1}
    found = standard(**terms, today=TODAY, means=Means(usd(180)))
    assert [str(offer.schedule.payment) for offer in found] == ["150.00 USD", "162.00 USD"]
    assert standard(**terms, today=TODAY, means=Means(usd(100))) == ()
