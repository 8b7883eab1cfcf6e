"""Offers: gates before anything is said, what a card lets somebody ask for, means, and each kind by example."""

import json
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import pytest

from portal.affordability.budget import Evidence
from portal.affordability.surplus import Surplus
from portal.limits.cards import (
    Component,
    Discount,
    DiscountBand,
    DownPayment,
    Holiday,
    InterestPolicy,
    Limits,
    NewPlans,
    ReducedPayment,
    Token,
    Waiver,
)
from portal.money import CurrencyMismatch, Money
from portal.offers import asked as asking
from portal.offers import trace
from portal.offers.answering import answer
from portal.offers.answers import Answer, Change, Input, Kind, Outcome, Reason
from portal.offers.asked import Asked, Lower, NotAsked, Pause, Regular, Settlement, Steps, Way, as_json, from_json
from portal.offers.gates import Flag, Gate, Situation, Then, gates
from portal.offers.menu import standard, ways
from portal.offers.owed import History, Means, Owed, PartsDontAddUp, means_of
from portal.schedules import arrangements
from portal.schedules.arrangements import Parts, Vesting
from portal.schedules.dates import Frequency
from portal.schedules.pauses import Accrual, Keeps
from tests.rules.limits_factory import some_limits

NOW = datetime(2026, 1, 15, 9, tzinfo=UTC)
TODAY = date(2026, 1, 15)
FIRST = date(2026, 1, 31)


def usd(text: str | int) -> Money:
    return Money.of(text, "USD")


def monthly(payment: str | int, first: date = FIRST) -> Regular:
    return Regular(usd(payment), Frequency.MONTHLY, first, first.day)


def parts(principal: int, interest: int = 0, penalty: int = 0, fees: int = 0) -> Parts:
    return Parts(usd(principal), usd(interest), usd(penalty), usd(fees), usd(0))


TEN_THOUSAND = parts(7200, 1900, 700, 200)
DISCOUNT = Discount(
    bands=(DiscountBand(0, None, 3000, 2000),),
    ceilings_bps=tuple((component, 10_000) for component in Component),
    most_instalments=6,
)


def asking_for(
    asked: Asked,
    *,
    limits: Limits | None = None,
    owed: Owed | None = None,
    surplus: int | None = None,
    **more: Any,
) -> Answer:
    return answer(
        asked=asked,
        owed=owed or Owed(usd(3600)),
        limits=limits or some_limits(),
        means=None if surplus is None else Means(usd(surplus)),
        today=TODAY,
        **more,
    )


def steps(found: Answer) -> tuple[tuple[int, str], ...]:
    assert found.plan is not None
    return tuple((count, str(amount).split()[0]) for count, amount in found.plan.steps)


# Gates


def test_the_first_gate_that_is_shut_stands_in_the_way_in_the_published_order() -> None:
    shut: dict[Gate, dict[str, Any]] = {
        Gate.IDENTITY: {"identity_verified": False},
        **{Gate(flag.value): {"flags": frozenset({flag})} for flag in Flag},
        Gate.TIME_BARRED: {"time_barred": True},
        Gate.PREFERS_PERSON: {"prefers_person": True},
        Gate.NO_LIMITS: {"has_limits": False},
        Gate.BALANCE_NOT_FRESH: {"balance_as_of": NOW - timedelta(hours=24, seconds=1)},
        Gate.PLAN_ALIVE: {"plan_alive": True},
    }
    assert list(shut) == list(Gate)
    opened = Situation(identity_verified=True, balance_as_of=NOW - timedelta(hours=24))
    assert gates(opened, now=NOW) is None
    for (first, one), (second, other) in product(shut.items(), repeat=2):
        flags = one.get("flags", frozenset()) | other.get("flags", frozenset())
        both = {**one, **other, **({"flags": flags} if flags else {})}
        nearer = min(first, second, key=list(Gate).index)
        assert gates(replace(opened, **both), now=NOW) is nearer


def test_a_debt_that_may_be_time_barred_is_negotiated_once_that_was_said() -> None:
    unknown = Situation(identity_verified=True, balance_as_of=NOW, time_barred=None)
    assert gates(unknown, now=NOW) is Gate.TIME_BARRED
    assert gates(replace(unknown, time_bar_disclosed=True), now=NOW) is None


@pytest.mark.parametrize("gate", list(Gate))
def test_behind_a_gate_nothing_is_asked_and_no_plan_is_drawn(gate: Gate) -> None:
    found = asking_for(monthly(160), surplus=180, gate=gate)
    why = Reason.BALANCE_NOT_FRESH if gate is Gate.BALANCE_NOT_FRESH else Reason.ON_HOLD
    assert (found.outcome, found.reasons) == (Outcome.SIGNPOST_AND_HOLD, (why,))
    assert (found.arrangement, found.alternatives, found.for_person) == (None, (), None)
    stops = {Gate.DECEASED, Gate.INSOLVENCY, Gate.FRAUD_VICTIM, Gate.DISPUTE, Gate.MORATORIUM, Gate.REPRESENTED}
    assert (gate.then is Then.HOLD) == (gate in stops)


def test_nothing_says_who_somebody_is_so_no_answer_can_be_worse_for_it() -> None:
    """What is reckoned from is a closed list; a dispute or a need that is over leaves no mark in it."""
    assert {field.name for field in fields(Owed)} == {"balance", "annual_rate", "bearing", "parts", "days_late"}
    assert {field.name for field in fields(Means)} == {"amount", "evidence"}
    assert {field.name for field in fields(History)} == {
        "pause_months_in_12",
        "payments_since_pause",
        "plans_in_12_months",
        "plans_in_all",
        "days_since_break",
        "rounds",
    }


# Ways, and means


EVERYTHING = some_limits(
    frequencies=(Frequency.MONTHLY, Frequency.SEASONAL),
    season=(9,),
    down_payment=DownPayment(1000),
    discount=DISCOUNT,
    holiday=Holiday(3, 2, 3, Accrual.FROZEN, Keeps.TERM),
    reduced_payment=ReducedPayment(6, 2500),
)


def test_a_card_lets_somebody_ask_for_what_it_offers_and_for_nothing_else() -> None:
    owed = Owed(usd(3600))
    assert ways(EVERYTHING, owed) == tuple(Way)
    assert ways(some_limits(), owed) == (Way.REGULAR, Way.STEPS)
    assert ways(some_limits(step_months=0), owed) == (Way.REGULAR,)
    assert Way.PAUSE not in ways(EVERYTHING, owed, History(payments_since_pause=2))
    assert Way.PAUSE not in ways(EVERYTHING, owed, History(pause_months_in_12=3))
    assert Way.PAUSE in ways(EVERYTHING, owed, History(pause_months_in_12=2, payments_since_pause=3))
    only_lump = replace(DISCOUNT, bands=(DiscountBand(90, None, 3000, 0),))
    late = replace(EVERYTHING, discount=only_lump)
    assert Way.SETTLE_AT_ONCE not in ways(late, owed)
    assert Way.SETTLE_AT_ONCE in ways(late, replace(owed, days_late=90))
    assert Way.SETTLE_IN_PARTS not in ways(late, replace(owed, days_late=90))


def test_several_debts_share_what_is_left_over() -> None:
    surplus = Surplus(usd(180), usd(180), Evidence.DOCUMENTED, (), ())
    found = means_of(surplus, balances=(usd(3600), usd(1200), usd(7200)))
    assert found == tuple(Means(usd(each), Evidence.DOCUMENTED) for each in (54, 18, 108))
    assert means_of(replace(surplus, benchmark_only=True), balances=(usd(1),)) == (None,)
    assert means_of(replace(surplus, amount=usd(-20)), balances=(usd(1),)) == (Means(usd(0), Evidence.DOCUMENTED),)


def test_parts_that_are_not_what_is_owed_are_refused() -> None:
    with pytest.raises(PartsDontAddUp):
        Owed(usd(9999), parts=TEN_THOUSAND)


# Each kind by example


@pytest.mark.parametrize(
    ("frequency", "first", "pay_day", "last", "review_on"),
    [
        (Frequency.MONTHLY, date(2026, 4, 30), 31, date(2026, 6, 30), date(2026, 7, 31)),
        (Frequency.TWICE_A_MONTH, date(2026, 4, 1), 1, date(2026, 6, 16), date(2026, 7, 1)),
        # The other of the two days.
        (Frequency.TWICE_A_MONTH, date(2026, 4, 16), 1, date(2026, 7, 1), date(2026, 7, 16)),
        # Neither of them, from a page that was changed by hand.
        (Frequency.TWICE_A_MONTH, date(2026, 4, 17), 1, date(2026, 7, 2), date(2026, 7, 17)),
        (Frequency.WEEKLY, date(2026, 4, 17), 5, date(2026, 7, 10), date(2026, 7, 17)),
    ],
)
def test_a_lower_payment_is_looked_at_again_after_its_last_one_and_not_before(
    frequency: Frequency, first: date, pay_day: int, last: date, review_on: date
) -> None:
    lower = some_limits(
        frequencies=(frequency,),
        reduced_payment=ReducedPayment(most_months=6, least_bps=0),
        first_payment_within_days=366,
    )
    wanted = Regular(usd(1), frequency, first, pay_day)
    arranged = asking_for(Lower(3, wanted), limits=lower).arrangement
    assert arranged is not None and arranged.schedule is not None
    assert (arranged.schedule.ends_on, arranged.review_on) == (last, review_on)


def test_a_negative_amortisation_is_refused_and_the_rate_is_cut_only_by_a_person() -> None:
    """V-NEG: 10,000.00 at 2% a month accrues 200.00; 150.00 would never end; without interest it takes 67 months."""
    limits = some_limits(max_term_months=120, hardship_max_term_months=120, min_payment=usd(10))
    owed = Owed(usd(10_000), Decimal(24))
    found = asking_for(monthly(150), limits=limits, owed=owed, surplus=180)
    assert found.outcome is Outcome.REVIEW_HARDSHIP
    assert Reason.INTEREST_WOULD_OUTGROW in found.reasons
    assert found.arrangement is None
    assert found.for_person is not None
    assert found.for_person.schedule is not None
    assert found.for_person.schedule.steps == ((66, usd(150)), (1, usd(100)))
    lower = replace(limits, reduced_payment=ReducedPayment(6, 500))
    mended = asking_for(Lower(6, monthly(150)), limits=lower, owed=owed)
    assert mended.change == Change(Input.PAYMENT, usd("200.01"))


def test_steps_that_the_card_allows_are_accepted() -> None:
    """V-STEP: 3,600.00 in 6 of 100.00, then 166.67."""
    limits = some_limits(step_months=6)
    found = asking_for(Steps(((6, usd(100)),), monthly("166.67")), limits=limits)
    assert (found.outcome, steps(found)) == (Outcome.ACCEPT, ((6, "100.00"), (17, "166.67"), (1, "166.61")))
    short = asking_for(Steps(((6, usd(100)),), monthly("166.67")), limits=some_limits())
    assert (short.outcome, short.reasons) == (Outcome.COUNTER_HIGHER, (Reason.STEPS_TOO_LONG,))
    assert short.change == Change(Input.STEP_LENGTH, 3)
    least = asking_for(Steps(((6, usd(100)),), monthly(120)), limits=limits)
    assert steps(least) == ((6, "100.00"), (17, "166.67"), (1, "166.61"))
    assert least.change == Change(Input.PAYMENT, usd("166.67"))


def test_a_pause_shows_what_it_costs() -> None:
    """V-HOL: two months of simple interest on 6,000.00 at 1% a month cost 127.94."""
    holiday = Holiday(3, 2, 3, Accrual.SIMPLE, Keeps.TERM)
    owed = Owed(usd(6000), Decimal(12))
    found = asking_for(Pause(2, monthly("533.10")), limits=some_limits(holiday=holiday), owed=owed)
    assert (found.outcome, steps(found)) == (Outcome.ACCEPT, ((11, "543.76"), (1, "543.68")))
    assert found.plan is not None
    assert found.plan.starts_on == date(2026, 3, 31)
    assert found.arrangement is not None
    assert found.arrangement.cost_of_pause == usd("127.94")
    longer = asking_for(Pause(5, monthly("533.10")), limits=some_limits(holiday=holiday), owed=owed)
    assert (longer.outcome, longer.change) == (Outcome.COUNTER_HIGHER, Change(Input.PAUSE_MONTHS, 2))
    assert longer.reasons == (Reason.PAUSE_TOO_LONG,)
    # 543.76 would be too much where 540.00 is affordable, so the pause is shorter.
    tight = asking_for(Pause(2, monthly("533.10")), limits=some_limits(holiday=holiday), owed=owed, surplus=600)
    assert tight.change == Change(Input.PAUSE_MONTHS, 1)


def test_a_settlement_looks_the_same_below_what_is_agreed_alone() -> None:
    limits = some_limits(discount=DISCOUNT, auto_accept_discount_bps=1000)
    owed = Owed(usd(10_000), parts=TEN_THOUSAND)
    alone = asking_for(Settlement(usd(9000), FIRST), limits=limits, owed=owed)
    assert (alone.is_agreed_alone, steps(alone)) == (True, ((1, "9000.00"),))
    inside = asking_for(Settlement(usd(8000), FIRST), limits=limits, owed=owed)
    outside = asking_for(Settlement(usd(5000), FIRST), limits=limits, owed=owed)
    assert (inside.outcome, outside.outcome) == (Outcome.ACCEPT, Outcome.COUNTER_HIGHER)
    assert inside.change == outside.change == Change(Input.SETTLEMENT_AMOUNT, usd(9000))
    for found, total in ((inside, 8000), (outside, 7000)):
        assert found.needs_person
        assert found.for_person is not None
        assert found.for_person.schedule is not None
        assert found.for_person.schedule.total == usd(total)
    same = [{**found.public(), "asked": None} for found in (inside, outside)]  # type: ignore[dict-item]
    assert json.dumps(same[0]) == json.dumps(same[1])


def test_a_settlement_in_parts_that_are_affordable() -> None:
    """V-SET-3: 8,500.00 in 3 is 2,833.34, 2,833.34, 2,833.32; with 2,000.00 a month it takes 5."""
    limits = some_limits(discount=DISCOUNT, auto_accept_discount_bps=1500)
    owed = Owed(usd(10_000), parts=TEN_THOUSAND)
    asked = Settlement(usd(8500), FIRST, parts=3)
    assert steps(asking_for(asked, limits=limits, owed=owed)) == ((2, "2833.34"), (1, "2833.32"))
    found = asking_for(asked, limits=limits, owed=owed, surplus=2000)
    assert (found.outcome, found.change) == (Outcome.COUNTER_LOWER, Change(Input.SETTLEMENT_PARTS, 5))
    assert steps(found) == ((5, "1700.00"),)
    assert asking_for(asked, limits=limits, owed=owed, surplus=1000).plan is None


def test_a_down_payment_that_a_late_debt_needs() -> None:
    limits = some_limits(down_payment=DownPayment(2000, required_from_days_late=90))
    owed = Owed(usd(3600), days_late=90)
    found = asking_for(monthly(160), limits=limits, owed=owed)
    assert (found.outcome, found.reasons) == (Outcome.COUNTER_HIGHER, (Reason.DOWN_PAYMENT_REQUIRED,))
    assert found.change == Change(Input.DOWN_PAYMENT, usd(720))
    assert steps(found) == ((1, "720.00"), (18, "160.00"))
    assert found.arrangement is not None
    assert found.arrangement.void_unless_paid_by == FIRST
    then = monthly(160, date(2026, 2, 28))
    assert asking_for(asking.DownPayment(usd(720), FIRST, then), limits=limits, owed=owed).is_agreed_alone
    # Nobody is told to pay at once what they don't have.
    assert asking_for(monthly(160), limits=limits, owed=owed, surplus=180).outcome is Outcome.REVIEW_HARDSHIP
    assert standard(owed=owed, limits=limits, frequency=Frequency.MONTHLY, pay_day=1, today=TODAY) == ()
    assert asking_for(monthly(160), limits=limits, owed=replace(owed, days_late=89)).is_agreed_alone


def test_a_season_that_is_over_gets_its_next_first_day() -> None:
    limits = some_limits(frequencies=(Frequency.SEASONAL,), season=(9, 10), first_payment_within_days=330)
    owed = Owed(usd(12_000), Decimal(10))
    found = asking_for(Regular(usd(4000), Frequency.SEASONAL, date(2026, 3, 1)), limits=limits, owed=owed)
    assert found.reasons == (Reason.FIRST_PAYMENT_OUT_OF_SEASON,)
    assert found.change == Change(Input.FIRST_PAYMENT_DATE, date(2026, 9, 1))
    assert found.plan is not None
    assert [item.due_on.month for item in found.plan.items] == [9, 10, 9, 10]
    # Interest runs from today to the first payment and not for a whole year: 12,000 at 10% for 7 months and 17 days.
    assert found.plan.items[0].interest == usd("755.89")


def test_what_a_card_does_not_offer_is_answered_with_what_it_does() -> None:
    for asked, way in (
        (Pause(2, monthly(160)), Input.PAUSE_MONTHS),
        (Lower(2, monthly(160)), Input.WAY),
        (asking.DownPayment(usd(500), FIRST, monthly(160, date(2026, 2, 14))), Input.WAY),
        (Settlement(usd(3000), FIRST), Input.WAY),
    ):
        found = asking_for(asked)
        assert found.outcome is Outcome.COUNTER_HIGHER
        assert found.reasons == (Reason.WAY_NOT_OFFERED,)
        assert found.change.input is way
        assert found.plan is not None


def test_whoever_offers_enough_gets_the_waiver_too() -> None:
    limits = some_limits(
        waiver=Waiver((Component.PENALTY, Component.FEES), Vesting.ON_LAST_PAYMENT), auto_accept_discount_bps=1000
    )
    owed = Owed(usd(10_000), parts=TEN_THOUSAND)
    found = asking_for(monthly(500), limits=limits, owed=owed)
    assert found.is_agreed_alone
    (offer,) = found.alternatives
    assert (offer.kind, offer.needs_person) == (Kind.WITH_WAIVER, False)
    assert offer.schedule.total == usd(9100)
    assert (
        asking_for(monthly(500), limits=replace(limits, auto_accept_discount_bps=0), owed=owed)
        .alternatives[0]
        .needs_person
    )


def test_somebody_with_nothing_left_over_is_held_and_may_give_a_token() -> None:
    limits = some_limits(token=Token(usd(1), 3), moratorium_days=60)
    for asked in (monthly(10), Settlement(usd(10), FIRST), Lower(2, monthly(10)), Pause(1, monthly(10))):
        found = asking_for(asked, limits=limits, surplus=0)
        assert (found.outcome, found.arrangement) == (Outcome.SIGNPOST_AND_HOLD, None)
        assert found.hold_until == date(2026, 3, 16)
        assert [offer.kind for offer in found.alternatives] == [Kind.TOKEN]
        assert found.for_person is not None
        assert found.for_person.kind is arrangements.Kind.MORATORIUM
    assert asking_for(monthly(10), surplus=0).hold_until == date(2026, 2, 14)


@pytest.mark.parametrize(
    ("history", "reason", "change"),
    [
        (History(plans_in_12_months=2), Reason.NEW_PLANS_USED_UP, Change(Input.NONE)),
        (History(plans_in_all=4), Reason.NEW_PLANS_USED_UP, Change(Input.NONE)),
        (
            History(days_since_break=3),
            Reason.TOO_SOON_AFTER_A_BREAK,
            Change(Input.ASK_AGAIN_ON, date(2026, 1, 19)),
        ),
        (History(plans_in_12_months=1, plans_in_all=3, days_since_break=7), None, Change(Input.NONE)),
    ],
)
def test_a_person_decides_when_new_plans_are_used_up(history: History, reason: Reason | None, change: Change) -> None:
    limits = some_limits(new_plans=NewPlans(2, 4, 7))
    found = asking_for(monthly(160), limits=limits, history=history)
    assert found.change == change
    assert found.reasons == (() if reason is None else (reason, Reason.A_PERSON_DECIDES))
    assert (found.arrangement is None) == (reason is not None)
    assert reason is None or found.for_person is not None
    assert asking_for(monthly(3600), limits=limits, history=history).is_agreed_alone


def test_a_freeze_brings_a_payment_into_reach_and_needs_a_person() -> None:
    limits = some_limits(interest_freeze_months=6, interest_policy=InterestPolicy.CONTRACT)
    owed = Owed(usd(3600), Decimal(36))
    found = asking_for(monthly(195), limits=limits, owed=owed, surplus=220)
    (offer,) = found.alternatives
    assert (offer.kind, offer.needs_person) == (Kind.WITHOUT_INTEREST_FOR_A_WHILE, True)
    assert offer.schedule.largest <= usd(198)


# Bad input, and JSON


def test_a_request_of_nothing_is_no_request() -> None:
    for make in (
        lambda: Pause(0, monthly(1)),
        lambda: Lower(0, monthly(1)),
        lambda: Steps((), monthly(1)),
        lambda: Steps(((0, usd(1)),), monthly(1)),
        lambda: Settlement(usd(1), FIRST, parts=0),
        lambda: from_json({"ask": "everything"}),
        lambda: from_json({"ask": "pause", "months": 2}),
        lambda: from_json({**as_json(monthly(1)), "frequency": "hourly"}),
    ):
        with pytest.raises(NotAsked):
            make()


@pytest.mark.parametrize("amount", [0, -100, 10**15])
def test_amounts_of_nothing_below_nothing_and_huge_ones_get_an_answer(amount: int) -> None:
    payment = Money(amount, "USD")
    regular = replace(monthly(1), payment=payment)
    for asked in (
        regular,
        Steps(((2, payment),), regular),
        asking.DownPayment(payment, FIRST, replace(regular, first_due=date(2026, 2, 14))),
        Pause(2, regular),
        Lower(2, regular),
        Settlement(payment, FIRST),
        Settlement(payment, FIRST, parts=3),
    ):
        found = asking_for(asked, limits=EVERYTHING)
        assert amount > 0 or found.outcome is not Outcome.ACCEPT
        assert found.plan is None or found.plan.payment.minor > 0
        with pytest.raises(CurrencyMismatch):
            asking_for(from_json(json.loads(json.dumps(as_json(asked)).replace("USD", "EUR"))), limits=EVERYTHING)


def test_the_trace_is_json_and_says_each_rule() -> None:
    found = asking_for(monthly(100), surplus=180)
    told = json.loads(json.dumps(trace.as_json(found.trace)))
    by_rule = {step["rule"]: step for step in told}
    assert by_rule["affordable_a_month"]["result"] == {"minor": 16200, "currency": "USD"}
    assert by_rule["affordable_a_month"]["given"]["cushion_bps"] == 1000
    assert by_rule["least_payment"]["result"] == {"minor": 15000, "currency": "USD"}
    assert by_rule["least_by_term"]["given"]["rates"] == [[24, "0"]]
    assert by_rule["outcome"]["result"] == "counter_higher"
    assert by_rule["outcome"]["given"]["plan"] == [[24, {"minor": 15000, "currency": "USD"}]]
