"""Changes of a running plan: what stays, what they cost, where they end, and what is said when they can't be."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from portal.changes import rules
from portal.changes.rules import (
    Drawn,
    Extra,
    Move,
    Past,
    Pause,
    PayDay,
    Refused,
    Room,
    Shrink,
    Situation,
    Skip,
    Why,
    answer,
    cost,
    room,
)
from portal.interest import months_later
from portal.limits.cards import Changes, Holiday, Limits, NewPlans, ReducedPayment
from portal.money import Money, total
from portal.plans import redrawing
from portal.plans.redrawing import Kind, Payment, Rates, Running, Use, as_json, from_json, next_date
from portal.plans.states import State
from portal.schedules import drawing
from portal.schedules.arrangements import Kind as Arranged
from portal.schedules.arrangements import Vesting
from portal.schedules.dates import Frequency
from portal.schedules.pauses import Accrual, Keeps
from portal.schedules.rates import Terms
from tests.rules.limits_factory import some_limits

bounded = settings(max_examples=60, deadline=None)
TODAY = date(2026, 5, 4)
CARD = Changes(
    move_days=10,
    moves_in_12_months=2,
    pay_day_changes_in_12_months=1,
    skips_in_12_months=2,
    payments_between_skips=3,
)


def usd(text: str) -> Money:
    return Money.of(text, "USD")


ZERO = usd("0")


def some_plan(
    balance: str = "1200",
    *,
    count: int = 12,
    rate: str = "0",
    first: date = date(2026, 5, 10),
    frequency: Frequency = Frequency.MONTHLY,
    anchor_day: int | None = None,
    waives: str = "0",
    vesting: Vesting = Vesting.ON_LAST_PAYMENT,
    fixed: int = 0,
) -> Running:
    """A plan as it was agreed, of which the first payments are fixed."""
    anchor = None if frequency.by_weekday else anchor_day or first.day
    terms = Terms(usd(balance), first, frequency, annual_rate=Decimal(rate), anchor_day=anchor)
    schedule = drawing.by_count(terms, count)
    promised = usd(waives).minor
    shares = [promised // len(schedule.items)] * len(schedule.items)
    if vesting is Vesting.ON_LAST_PAYMENT:
        shares = [0] * len(shares)
    shares[-1] += promised - sum(shares)
    payments = tuple(
        Payment(item.seq, item.due_on, item.principal, item.interest, Money(share, "USD"))
        for item, share in zip(schedule.items, shares, strict=True)
    )
    return Running(
        fixed=payments[:fixed],
        open=payments[fixed:],
        frequency=frequency,
        since=payments[fixed - 1].due_on if fixed else terms.runs_since,
        rates=Rates(Decimal(rate)),
        anchor_day=anchor,
        vesting=vesting,
    )


def limits() -> Limits:
    return some_limits(
        changes=CARD,
        holiday=Holiday(3, 2, 3, Accrual.SIMPLE, Keeps.INSTALMENT),
        reduced_payment=ReducedPayment(most_months=6, least_bps=2500),
    )


def finding(running: Running, **others: Any) -> Situation:
    situation = Situation(
        running=running,
        state=State.ACTIVE,
        arranged=Arranged.INSTALMENTS,
        limits=limits(),
        last_day=date(2029, 6, 4),
        today=TODAY,
        paid_on=tuple(one.due_on for one in running.fixed),
        agreed_on=TODAY,
    )
    return replace(situation, **others)


def drawn(asked: rules.Asked, situation: Situation) -> tuple[Payment, ...]:
    found = answer(asked, situation)
    assert isinstance(found, Drawn), found
    return found.payments


def amounts(payments: tuple[Payment, ...]) -> list[str]:
    return [str(one.amount.amount) for one in payments]


def days(payments: tuple[Payment, ...]) -> list[str]:
    return [one.due_on.isoformat() for one in payments]


@pytest.mark.parametrize(
    ("accrual", "keeps", "usual", "last", "count", "interest"),
    [
        (Accrual.FROZEN, Keeps.TERM, "533.10", "533.00", 12, "397.10"),
        (Accrual.FROZEN, Keeps.INSTALMENT, "533.10", "533.00", 12, "397.10"),
        (Accrual.SIMPLE, Keeps.TERM, "543.76", "543.68", 12, "525.04"),
        (Accrual.COMPOUND, Keeps.TERM, "543.81", "543.79", 12, "525.70"),
        (Accrual.SIMPLE, Keeps.INSTALMENT, "533.10", "136.48", 13, "533.68"),
    ],
)
def test_a_pause_is_the_worked_example(
    accrual: Accrual, keeps: Keeps, usual: str, last: str, count: int, interest: str
) -> None:
    """V-HOL of the negotiation rules: 6,000.00 at 1 % a month in 12, two months of holiday first."""
    plan = some_plan("6000", rate="12")
    after = redrawing.paused(plan, periods=2, accrual=accrual, keeps=keeps)
    assert (after[0].amount, after[-1].amount, len(after)) == (usd(usual), usd(last), count)
    assert total((one.interest for one in after), currency="USD") == usd(interest)
    assert after[0].due_on == date(2026, 7, 10)


def test_a_month_moved_by_days_bears_interest_for_those_days() -> None:
    plan = some_plan("1200", rate="12", count=4)
    dates = [one.due_on for one in plan.open]
    after = redrawing.on_dates(plan, [dates[0] + timedelta(days=10), *dates[1:]])
    # The first month is ten days longer (1,200.00 at 12 % for 10 of 365 days is 3.95), the second as much shorter.
    assert after[0].interest - plan.open[0].interest == usd("3.95")
    # By hand: interest of 15.95, 6.27, 6.07 and 3.06 instead of 12.00, 9.04, 6.06 and 3.04.
    assert cost(plan.open, after) == usd("1.21")
    assert amounts(after)[:3] == amounts(plan.open)[:3]


def test_without_interest_other_dates_change_nothing_else() -> None:
    plan = some_plan("1000", count=10)
    after = drawn(Skip(), finding(plan))
    assert amounts(after) == ["100.00"] * 10
    assert days(after)[0] == "2026-06-10" and days(after)[-1] == "2027-03-10"
    assert cost(plan.payments, after) == ZERO


def test_a_skip_costs_the_interest_of_a_month_and_says_so() -> None:
    plan = some_plan("3000", rate="12", count=12)
    after = drawn(Skip(), finding(plan))
    assert cost(plan.payments, after) > usd("30")
    assert {one.amount for one in after[:-1]} == {plan.usual} and after[-1].amount <= plan.usual


def test_pay_day_31_is_the_end_of_each_month() -> None:
    plan = some_plan(first=date(2026, 5, 10), count=12)
    after = drawn(PayDay(31), finding(plan))
    assert days(after)[:3] == ["2026-05-31", "2026-06-30", "2026-07-31"]
    assert days(after)[9] == "2027-02-28"
    assert days(drawn(PayDay(5), finding(plan)))[:2] == ["2026-06-05", "2026-07-05"]


def test_a_weekly_plan_gets_another_day_of_the_week() -> None:
    plan = some_plan("100", count=10, first=date(2026, 5, 8), frequency=Frequency.WEEKLY)
    after = drawn(PayDay(1), finding(plan))
    assert days(after)[:2] == ["2026-05-11", "2026-05-18"]


def test_the_day_after_a_moved_date_is_the_plans_own_again() -> None:
    assert next_date(date(2026, 2, 7), frequency=Frequency.MONTHLY, anchor_day=28) == date(2026, 2, 28)
    assert next_date(date(2026, 2, 28), frequency=Frequency.MONTHLY, anchor_day=31) == date(2026, 3, 31)
    assert next_date(date(2026, 3, 20), frequency=Frequency.MONTHLY, anchor_day=10) == date(2026, 4, 10)


def test_extra_ends_sooner_or_makes_payments_smaller_as_the_debtor_chooses() -> None:
    plan = some_plan("1000", count=10)
    sooner = drawn(Extra(usd("250"), TODAY, Use.SOONER), finding(plan))
    assert amounts(sooner) == ["250.00", *["100.00"] * 7, "50.00"] and sooner[0].extra
    smaller = drawn(Extra(usd("250"), TODAY, Use.SMALLER), finding(plan))
    assert amounts(smaller) == ["250.00", *["75.00"] * 10]
    assert days(smaller)[1:] == days(plan.open)


def test_extra_saves_interest() -> None:
    plan = some_plan("3000", rate="12", count=12)
    for use in (Use.SOONER, Use.SMALLER):
        assert cost(plan.payments, drawn(Extra(usd("500"), TODAY, use), finding(plan))) < ZERO


def test_what_is_due_is_paid_first_and_only_the_rest_is_extra() -> None:
    plan = some_plan("1000", count=10, first=date(2026, 4, 10), fixed=1)
    after = drawn(Extra(usd("250"), TODAY, Use.SOONER), finding(plan, missing=usd("100")))
    assert amounts(after)[:2] == ["100.00", "150.00"]
    assert answer(Extra(usd("100"), TODAY, Use.SOONER), finding(plan, missing=usd("100"))) == Refused(
        Why.NOT_EXTRA, amount=usd("100")
    )


def test_an_extra_payment_that_goes_back_is_repaid_at_the_end() -> None:
    plan = some_plan("1000", count=10)
    after = drawn(Extra(usd("250"), TODAY, Use.SOONER), finding(plan))
    gone = after[0]._replace(principal=ZERO)
    again = redrawing.without_extra(replace(plan, fixed=(gone,), open=after[1:]), amount=usd("250"))
    assert amounts(again) == ["0.00", *["100.00"] * 10]


def test_smaller_payments_for_a_while_end_later() -> None:
    plan = some_plan("1000", count=10)
    after = drawn(Shrink(usd("50"), 4), finding(plan))
    assert amounts(after) == ["50.00"] * 4 + ["100.00"] * 8
    assert cost(plan.payments, after) == ZERO


def test_a_waiver_keeps_its_total_and_vests_as_agreed() -> None:
    on_last = some_plan("1000", count=10, waives="200")
    with_each = some_plan("1000", count=10, waives="200", vesting=Vesting.WITH_EACH_PAYMENT)
    asks = (Skip(), PayDay(20), Pause(2), Shrink(usd("50"), 4), Extra(usd("250"), TODAY, Use.SOONER))
    for asked in asks:
        last = drawn(asked, finding(on_last))
        assert [one.waives for one in last] == [ZERO] * (len(last) - 1) + [usd("200")]
        each = drawn(asked, finding(with_each))
        assert total((one.waives for one in each), currency="USD") == usd("200")
        assert not each[0].extra or not each[0].waives
    assert [one.waives for one in drawn(Skip(), finding(with_each))] == [usd("20")] * 10


def test_a_plan_that_ends_in_a_review_gets_other_dates_and_no_other_amounts() -> None:
    plan = replace(some_plan("100", count=6, rate="12"), rests=True)
    there = finding(plan, last_day=date(2026, 11, 30))
    after = drawn(Skip(), there)
    assert [(one.principal, one.interest) for one in after] == [(one.principal, one.interest) for one in plan.open]
    assert answer(Skip(), finding(plan, last_day=date(2026, 10, 31))) == Refused(Why.TOO_LONG)
    for kind in (Kind.PAUSE, Kind.SHRINK, Kind.EXTRA):
        assert room(kind, there) == Refused(Why.NOT_OFFERED)


@pytest.mark.parametrize(
    ("state", "why"),
    [
        (State.BROKEN, Why.BROKEN),
        (State.PAUSED, Why.HELD),
        *((state, Why.OVER) for state in (State.COMPLETED, State.CANCELLED, State.SUPERSEDED, State.ENDED_BROKEN)),
    ],
)
def test_a_plan_that_does_not_run_is_not_changed(state: State, why: Why) -> None:
    for kind in rules.OFFERED:
        assert room(kind, finding(some_plan(), state=state)) == Refused(why)


@pytest.mark.parametrize(
    ("state", "card", "had", "found"),
    [
        (State.ACTIVE, NewPlans(3, 6, 30), (1, 1), Room(most=3, used=1)),
        (State.AT_RISK, NewPlans(3, 6, 30), (2, 5), Room(most=3, used=2)),
        (State.ACTIVE, NewPlans(3, 6, 30), (3, 3), Refused(Why.NO_MORE_PLANS)),
        (State.ACTIVE, NewPlans(3, 6, 30), (1, 6), Refused(Why.NO_MORE_PLANS)),
        (State.ACTIVE, None, (1, 1), Refused(Why.NOT_OFFERED)),
        (State.BROKEN, NewPlans(3, 6, 30), (1, 1), Refused(Why.SOON_AFTER_A_BREAK)),
        (State.BROKEN, NewPlans(3, 6, 0), (1, 1), Room(most=3, used=1)),
        (State.PAUSED, NewPlans(3, 6, 0), (1, 1), Refused(Why.HELD)),
        (State.COMPLETED, NewPlans(3, 6, 0), (1, 1), Refused(Why.OVER)),
    ],
)
def test_another_plan_is_possible_as_often_as_the_card_says(
    state: State, card: NewPlans | None, had: tuple[int, int], found: Room | Refused
) -> None:
    assert rules.another(state, card, in_12_months=had[0], in_all=had[1]) == found


def test_a_plan_that_hangs_on_its_first_payment_is_not_changed_before_it() -> None:
    day = date(2026, 5, 10)
    found = room(Kind.MOVE, finding(some_plan(), state=State.AGREED, starts_with=day))
    assert found == Refused(Why.NOT_STARTED, day=day)
    assert isinstance(room(Kind.MOVE, finding(some_plan(), state=State.ACTIVE, starts_with=day)), Room)


def test_what_the_limits_leave_out_is_not_offered() -> None:
    for kind in (Kind.MOVE, Kind.PAY_DAY, Kind.SKIP, Kind.PAUSE, Kind.SHRINK):
        assert room(kind, finding(some_plan(), limits=some_limits())) == Refused(Why.NOT_OFFERED)
        assert room(kind, finding(some_plan(), limits=None)) == Refused(Why.NOT_OFFERED)
    assert room(Kind.EXTRA, finding(some_plan(), limits=None)) == Room()


def test_a_date_moves_by_so_many_days_and_stays_between_its_neighbours() -> None:
    there = finding(some_plan())
    assert days(drawn(Move(1, date(2026, 5, 20)), there))[0] == "2026-05-20"
    assert answer(Move(1, date(2026, 5, 21)), there) == Refused(
        Why.TOO_FAR, since=date(2026, 5, 5), day=date(2026, 5, 20)
    )
    assert answer(Move(1, TODAY), there) == Refused(Why.TOO_FAR, since=date(2026, 5, 5), day=date(2026, 5, 20))
    assert answer(Move(1, date(2026, 5, 10)), there) == Refused(Why.NO_CHANGE)
    assert answer(Move(99, date(2026, 5, 11)), there) == Refused(Why.NO_SUCH_PAYMENT)
    weekly = finding(some_plan("100", count=5, frequency=Frequency.WEEKLY))
    assert answer(Move(1, date(2026, 5, 17)), weekly) == Refused(
        Why.TOO_FAR, since=date(2026, 5, 5), day=date(2026, 5, 16)
    )


def test_the_third_move_within_twelve_months_is_refused_with_the_day_from_which_it_works() -> None:
    past = (Past(Kind.MOVE, date(2025, 6, 1)), Past(Kind.MOVE, date(2026, 1, 15)))
    assert room(Kind.MOVE, finding(some_plan(), past=past)) == Refused(Why.USED_UP, count=2, since=date(2026, 6, 1))
    later = finding(some_plan(first=date(2026, 6, 10)), past=past, today=date(2026, 6, 1))
    assert room(Kind.MOVE, later) == Room(most=2, used=1, days=10)


def test_between_two_skips_lie_payments_that_were_made() -> None:
    plan = some_plan(first=date(2026, 3, 10), fixed=2)
    past = (Past(Kind.SKIP, date(2026, 3, 20)),)
    assert room(Kind.SKIP, finding(plan, past=past)) == Refused(Why.TOO_SOON_AGAIN, count=2)
    assert room(Kind.SKIP, finding(plan, past=(Past(Kind.SKIP, date(2026, 2, 1)),))) == Refused(
        Why.TOO_SOON_AGAIN, count=1
    )
    longer = some_plan(first=date(2026, 2, 10), fixed=3)
    assert room(Kind.SKIP, finding(longer, past=(Past(Kind.SKIP, date(2026, 1, 20)),))) == Room(most=2, used=1)


def test_a_pause_counts_the_one_that_was_agreed_from_the_start() -> None:
    assert room(Kind.PAUSE, finding(some_plan())) == Room(most=3, used=0, months=2)
    plan = some_plan(first=date(2026, 1, 10), fixed=4)
    agreed = {"pause_months": 2, "agreed_on": date(2025, 11, 1)}
    assert room(Kind.PAUSE, finding(plan, **agreed)) == Room(most=3, used=2, months=1)
    assert answer(Pause(2), finding(plan, **agreed)) == Refused(Why.TOO_MANY_MONTHS, count=1)
    used_up = (Past(Kind.PAUSE, date(2025, 12, 1), 3),)
    assert room(Kind.PAUSE, finding(plan, past=used_up)) == Refused(Why.USED_UP, count=3, since=date(2026, 12, 1))


def test_a_payment_is_never_so_small_that_the_debt_grows() -> None:
    plan = some_plan("10000", rate="36", count=36)
    found = room(Kind.SHRINK, finding(plan))
    assert isinstance(found, Room) and found.least == usd("300.01")
    assert answer(Shrink(usd("300"), 3), finding(plan)) == Refused(Why.TOO_SMALL, amount=usd("300.01"))


def test_a_plan_does_not_outlast_its_longest_term_and_what_would_work_is_said() -> None:
    plan = some_plan("1000", count=10)
    there = finding(plan, last_day=date(2027, 4, 15))
    assert answer(Shrink(usd("50"), 6), there) == Refused(Why.TOO_SMALL, amount=usd("65"))
    assert drawn(Shrink(usd("65"), 6), there)[-1].due_on == date(2027, 4, 10)
    two = finding(plan, last_day=date(2027, 3, 15))
    assert answer(Pause(2), two) == Refused(Why.TOO_MANY_MONTHS, count=1)
    assert answer(Skip(), finding(plan, last_day=date(2027, 2, 28))) == Refused(Why.TOO_LONG)


def test_the_last_day_follows_from_the_longest_term() -> None:
    card = some_limits(max_term_months=36, first_payment_within_days=31, hardship_max_term_months=60)
    as_of = date(2026, 3, 1)
    assert rules.last_day(card, as_of=as_of, agreed_until=date(2027, 3, 1)) == date(2029, 4, 1)
    assert rules.last_day(card, as_of=as_of, agreed_until=date(2030, 3, 1)) == date(2031, 4, 1)
    assert rules.last_day(card, as_of=as_of, agreed_until=date(2033, 3, 1)) == date(2033, 3, 1)
    assert rules.last_day(None, as_of=as_of, agreed_until=date(2027, 3, 1)) == date(2027, 3, 1)


@st.composite
def plans(draw: st.DrawFn) -> Running:
    frequency = draw(st.sampled_from([Frequency.WEEKLY, Frequency.FORTNIGHTLY, Frequency.MONTHLY, Frequency.QUARTERLY]))
    count = draw(st.integers(2, 30))
    first = TODAY + timedelta(days=draw(st.integers(1, 31)))
    plan = some_plan(
        str(Decimal(draw(st.integers(5_000, 500_000))) / 100),
        count=count,
        rate=str(draw(st.sampled_from([0, 6, 18, 36]))),
        first=first,
        frequency=frequency,
        waives=draw(st.sampled_from(["0", "37.01"])),
        vesting=draw(st.sampled_from(Vesting)),
    )
    bearing = draw(st.sampled_from([Fraction(1), Fraction(3, 4)]))
    if bearing != 1:
        # Drawn again by another share that bears interest, it is a plan with interest of an earlier time in it.
        plan = replace(plan, rates=replace(plan.rates, bearing=bearing))
    assume(len(plan.open) > 1)
    fixed = draw(st.integers(0, min(3, len(plan.open) - 1)))
    since = plan.open[fixed - 1].due_on if fixed else plan.since
    return replace(plan, fixed=plan.open[:fixed], open=plan.open[fixed:], since=since)


@st.composite
def asks(draw: st.DrawFn, plan: Running) -> rules.Asked:
    amount = Money(draw(st.integers(1, max(plan.usual.minor * 2, 2))), "USD")
    return draw(
        st.one_of(
            st.builds(
                Move,
                st.sampled_from([one.seq for one in plan.open]),
                st.dates(plan.open[0].due_on - timedelta(days=12), plan.open[-1].due_on + timedelta(days=12)),
            ),
            st.builds(PayDay, st.integers(1, 7 if plan.frequency.by_weekday else 31)),
            st.just(Skip()),
            st.builds(Pause, st.integers(1, 3)),
            st.builds(Shrink, st.just(amount), st.integers(1, 7)),
            st.builds(Extra, st.just(amount), st.just(TODAY), st.sampled_from(Use)),
        )
    )


@given(st.data())
@bounded
def test_whatever_is_changed_only_what_is_to_come_changes_and_the_sums_stay(data: st.DataObject) -> None:
    plan = data.draw(plans())
    today = max((one.due_on for one in plan.fixed), default=TODAY)
    until = data.draw(st.sampled_from([date(2040, 1, 1), months_later(plan.open[-1].due_on, 2)]))
    there = finding(plan, today=today, last_day=until)
    asked = data.draw(asks(plan))
    found = answer(replace(asked, on=today) if isinstance(asked, Extra) else asked, there)
    if isinstance(found, Refused):
        return
    after = found.payments
    assert after[: len(plan.fixed)] == plan.fixed
    assert [one.seq for one in after] == list(range(1, len(after) + 1))
    # What was paid and what is left is what was agreed, and what the change costs is interest alone.
    for part in ("principal", "waives"):
        sums = [total((getattr(one, part) for one in side), currency="USD") for side in (plan.payments, after)]
        assert sums[0] == sums[1], part
    more = total((one.interest for one in after), currency="USD") - total(
        (one.interest for one in plan.payments), currency="USD"
    )
    assert cost(plan.payments, after) == more
    to_come = [one for one in after[len(plan.fixed) :] if not one.extra]
    assert all(sooner.due_on < later.due_on for sooner, later in pairwise(to_come))
    assert all(one.due_on > today for one in to_come)
    assert after[-1].due_on <= max(until, plan.open[-1].due_on)
    # No payment is nothing or less, and none lets the debt grow.
    assert all(one.amount.minor > 0 and one.interest.minor >= 0 and one.principal.minor >= 0 for one in after)
    if isinstance(asked, Shrink):
        assert all(one.amount >= min(asked.payment, to_come[-1].amount) for one in to_come)
    assert from_json(as_json(after), currency="USD") == after
    # None of it asks for more at once than before, but for the interest that a pause or its last payment holds.
    if not (isinstance(asked, Pause) and there.limits and there.limits.holiday):
        assert max(one.amount.minor for one in to_come) <= plan.usual.minor * Fraction(12, 10)


@given(plans())
@bounded
def test_the_same_dates_are_the_same_plan(plan: Running) -> None:
    again = redrawing.on_dates(plan, [one.due_on for one in plan.open])
    assert again == plan.payments


@given(plans(), st.integers(1, 10))
@bounded
def test_a_frozen_pause_costs_nothing(plan: Running, more: int) -> None:
    after = redrawing.paused(plan, periods=1 + more % 2, accrual=Accrual.FROZEN, keeps=Keeps.INSTALMENT)
    assert amounts(after) == amounts(plan.payments)
