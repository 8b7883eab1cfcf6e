"""A plan's life: one table, and whether the plan is kept."""

from datetime import date, timedelta
from itertools import accumulate, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.money import Money
from portal.plans.states import (
    PAUSABLE,
    TABLE,
    Event,
    Forbidden,
    Keeping,
    Moved,
    Standing,
    State,
    after,
    counted,
    events,
    standing,
)
from portal.schedules.dates import Frequency
from portal.schedules.schedule import Item, by_payment

bounded = settings(max_examples=75, deadline=None)
ENDS = {State.CANCELLED, State.EXPIRED, State.SUPERSEDED, State.VOIDED, State.ENDED_BROKEN}


def usd(text: str) -> Money:
    return Money.of(text, "USD")


def test_every_cell_of_the_table_has_a_named_outcome() -> None:
    assert set(TABLE) == set(State)
    for state, event in product(State, Event):
        assert isinstance(after(state=state, event=event), Moved | Forbidden)


def test_what_has_ended_stays_ended() -> None:
    for state, event in product(ENDS, Event):
        assert after(state=state, event=event) == Forbidden(state, event)


def test_every_state_can_be_reached_from_a_draft() -> None:
    reached = {State.DRAFT}
    for _ in State:
        reached |= {to for state in reached for to in TABLE[state].values()}
    assert reached == set(State)


def test_a_paused_plan_goes_back_to_where_it_was() -> None:
    for state in State:
        found = after(state=State.PAUSED, event=Event.RESUME, was=state)
        assert found == (Moved(state) if state in PAUSABLE else Forbidden(State.PAUSED, Event.RESUME))
    assert after(state=State.PAUSED, event=Event.RESUME) == Forbidden(State.PAUSED, Event.RESUME)


def test_a_plan_whose_end_is_taken_back_goes_on_where_it_was() -> None:
    for state in State:
        found = after(state=State.CANCELLED, event=Event.TAKE_BACK, was=state)
        assert found == (Moved(state) if state in PAUSABLE else Forbidden(State.CANCELLED, Event.TAKE_BACK))
        if state is not State.CANCELLED:
            assert isinstance(after(state=state, event=Event.TAKE_BACK, was=State.ACTIVE), Forbidden)


def test_no_instalment_can_be_missed_while_a_plan_is_paused() -> None:
    for event in (Event.FALL_SHORT, Event.MISS, Event.BREAK):
        assert isinstance(after(state=State.PAUSED, event=event), Forbidden)


def test_nothing_is_agreed_to_that_was_not_proposed() -> None:
    agreeable = {state for state in State if Event.AGREE in TABLE[state]}
    assert agreeable == {State.PROPOSED, State.COUNTERED}


def three_of_150() -> tuple[Item, ...]:
    return tuple(
        Item(seq, date(2026, month, 10), usd("150.00"), usd("150.00"), usd("0"))
        for seq, month in enumerate((4, 5, 6), start=1)
    )


Stretch = tuple[date, date | None]


def on(day: str, *cleared: tuple[str, str], held: list[Stretch] | None = None) -> Standing:
    """V-KEPT: three of 150.00 due on 10 April, May and June 2026, 5 days of grace, tolerance 1.00."""
    return standing(
        three_of_150(),
        [(date.fromisoformat(at), usd(amount)) for at, amount in cleared],
        today=date.fromisoformat(day),
        grace_days=5,
        tolerance=usd("1.00"),
        held=held or [],
    )


APRIL = ("2026-04-14", "149.50")


def test_a_shortfall_within_the_tolerance_is_kept_and_stays_owed() -> None:
    found = on("2026-04-16", APRIL)
    assert (found.keeping, found.kept, found.cure_amount) == (Keeping.KEPT, (1,), usd("0"))
    assert on("2026-06-10", APRIL, ("2026-05-01", "300.00")).keeping is Keeping.KEPT
    assert on("2026-06-10", APRIL, ("2026-05-01", "300.50")).keeping is Keeping.ALL_PAID


def test_a_plan_is_in_grace_from_the_day_after_the_due_date() -> None:
    assert on("2026-05-10", APRIL).keeping is Keeping.KEPT
    assert on("2026-05-11", APRIL).keeping is Keeping.GRACE
    assert on("2026-05-15", APRIL).keeping is Keeping.GRACE


def test_a_plan_is_at_risk_when_the_days_of_grace_are_over() -> None:
    found = on("2026-05-16", APRIL)
    assert (found.keeping, found.missed, found.cure_amount) == (Keeping.AT_RISK, (2,), usd("150.50"))
    assert found.cure_by == date(2026, 6, 14)
    assert found.next_item == three_of_150()[1]


def test_what_was_missed_is_cured_and_early_money_counts_on() -> None:
    found = on("2026-06-01", APRIL, ("2026-06-01", "300.50"))
    assert (found.kept, found.cured, found.missed) == ((1, 3), (2,), ())
    assert found.keeping is Keeping.ALL_PAID


def test_a_plan_is_broken_when_two_in_a_row_are_missed() -> None:
    assert on("2026-06-15", APRIL).keeping is Keeping.AT_RISK
    found = on("2026-06-16", APRIL)
    assert (found.keeping, found.missed, found.cure_amount) == (Keeping.BROKEN, (2, 3), usd("300.50"))


def test_money_that_went_back_makes_a_kept_instalment_missed() -> None:
    assert on("2026-04-16", APRIL, ("2026-04-15", "-149.50")).keeping is Keeping.AT_RISK
    later = on("2026-05-01", APRIL, ("2026-04-30", "-149.50"))
    assert (later.keeping, later.kept, later.missed) == (Keeping.AT_RISK, (), (1,))


@bounded
@given(
    payment=st.integers(50, 2000),
    paid=st.lists(st.tuples(st.integers(0, 400), st.integers(1, 3000)), max_size=12),
    today=st.integers(0, 500),
    grace=st.integers(0, 20),
)
def test_a_standing_accounts_for_every_instalment(payment: int, paid: list, today: int, grace: int) -> None:
    start = date(2026, 1, 1)
    items = by_payment(
        balance=usd("50.00"), rate=0, payment=Money(payment, "USD"), first=start, frequency=Frequency.MONTHLY
    ).items
    cleared = [(start + timedelta(days=at), Money(minor, "USD")) for at, minor in paid]
    day = start + timedelta(days=today)
    found = standing(items, cleared, today=day, grace_days=grace, tolerance=usd("0"))
    seen = sorted(found.kept + found.cured + found.missed)
    assert seen == list(range(1, len(seen) + 1))
    came = sum(minor for at, minor in paid if at <= today)
    sums = list(accumulate(item.amount.minor for item in items))
    assert len(found.kept) + len(found.cured) == sum(1 for due in sums if due <= came)
    assert (found.keeping is Keeping.ALL_PAID) == (came >= 5000)
    assert (found.keeping in (Keeping.AT_RISK, Keeping.BROKEN)) == bool(found.missed)
    if found.cure_amount:
        cured = standing(items, [*cleared, (day, found.cure_amount)], today=day, grace_days=grace, tolerance=usd("0"))
        assert cured.keeping in (Keeping.KEPT, Keeping.ALL_PAID)


def day(month: int, number: int) -> date:
    return date(2026, month, number)


@pytest.mark.parametrize(
    ("held", "more", "expected"),
    [
        # No hold, or one that is over before or begins after.
        ([], 0, day(5, 10)),
        ([], 5, day(5, 15)),
        ([(day(5, 1), day(5, 9))], 5, day(5, 15)),
        ([(day(5, 16), None)], 5, day(5, 15)),
        # The day itself is held: the first day after it, and the days of grace from there.
        ([(day(5, 10), day(5, 10))], 0, day(5, 11)),
        ([(day(5, 8), day(5, 20))], 0, day(5, 21)),
        ([(day(5, 8), day(5, 20))], 5, day(5, 26)),
        # It begins within the days of grace: those that are over stay over.
        ([(day(5, 13), day(5, 20))], 5, day(5, 23)),
        ([(day(5, 15), day(5, 15))], 5, day(5, 16)),
        ([(day(5, 11), day(5, 11)), (day(5, 13), day(5, 13))], 5, day(5, 17)),
        # Two that overlap, touch, or lie in each other, in any order.
        ([(day(5, 12), day(5, 25)), (day(5, 8), day(5, 20))], 5, day(5, 31)),
        ([(day(5, 8), day(5, 20)), (day(5, 10), day(5, 12))], 5, day(5, 26)),
        ([(day(5, 8), day(5, 12)), (day(5, 13), day(5, 20))], 0, day(5, 21)),
        # Without an end.
        ([(day(5, 10), None)], 0, None),
        ([(day(5, 15), None)], 5, None),
        ([(day(5, 8), day(5, 20)), (day(5, 26), None)], 5, None),
    ],
)
def test_days_that_a_hold_covers_do_not_count(held: list[Stretch], more: int, expected: date | None) -> None:
    assert counted(day(5, 10), more=more, held=held) == expected


@bounded
@given(
    held=st.lists(st.tuples(st.integers(-10, 40), st.one_of(st.none(), st.integers(0, 15))), max_size=5),
    more=st.integers(0, 20),
)
def test_counting_days_around_holds_is_the_same_as_walking_day_by_day(held: list, more: int) -> None:
    start = day(5, 10)
    stretches = [
        (start + timedelta(days=since), None if length is None else start + timedelta(days=since + length))
        for since, length in held
    ]
    walked, left, at = None, more, start
    for _ in range(200):
        if not any(since <= at and (until is None or at <= until) for since, until in stretches):
            if left == 0:
                walked = at
                break
            left -= 1
        at += timedelta(days=1)
    assert counted(start, more=more, held=stretches) == walked


def test_no_day_of_a_hold_makes_a_plan_late() -> None:
    open_end: list[Stretch] = [(day(5, 12), None)]
    for today in ("2026-05-16", "2026-06-16", "2027-06-16"):
        # The day had passed before the hold began; nothing more comes of it.
        found = on(today, APRIL, held=open_end)
        assert (found.keeping, found.missed, found.cure_by) == (Keeping.GRACE, (), None)
        assert on(today, APRIL, held=[(day(5, 1), None)]).keeping is Keeping.KEPT


def test_grace_runs_on_from_the_end_of_a_hold() -> None:
    # Two of the five days were over, so three are left after the 31st.
    held: list[Stretch] = [(day(5, 13), day(5, 31))]
    assert on("2026-06-03", APRIL, held=held).keeping is Keeping.GRACE
    found = on("2026-06-04", APRIL, held=held)
    assert (found.keeping, found.missed) == (Keeping.AT_RISK, (2,))
    # Thirty days to make up for it, from then on.
    assert found.cure_by == day(7, 3)
    # What comes until then was there in time.
    assert on("2026-06-04", APRIL, ("2026-06-03", "150.00"), held=held).kept == (1, 2)
    assert on("2026-06-04", APRIL, ("2026-06-04", "150.00"), held=held).cured == (2,)


def test_a_hold_undoes_nothing_that_was_late_before_and_breaks_nothing_further() -> None:
    held: list[Stretch] = [(day(5, 16), None)]
    for today in ("2026-05-16", "2026-06-20", "2026-12-31"):
        found = on(today, APRIL, held=held)
        assert (found.keeping, found.missed) == (Keeping.AT_RISK, (2,))


@bounded
@given(
    paid=st.lists(st.tuples(st.integers(0, 100), st.integers(1, 30_000)), max_size=6),
    today=st.integers(0, 200),
    since=st.integers(-5, 120),
    length=st.one_of(st.none(), st.integers(0, 60)),
)
def test_a_hold_never_makes_anything_worse(paid: list, today: int, since: int, length: int | None) -> None:
    start = day(4, 1)
    now = (start + timedelta(days=today)).isoformat()
    first = start + timedelta(days=since)
    cleared = [((start + timedelta(days=at)).isoformat(), str(minor / 100)) for at, minor in paid]
    without = on(now, *cleared)
    found = on(now, *cleared, held=[(first, None if length is None else first + timedelta(days=length))])
    worse = [Keeping.ALL_PAID, Keeping.KEPT, Keeping.GRACE, Keeping.AT_RISK, Keeping.BROKEN]
    assert worse.index(found.keeping) <= worse.index(without.keeping)
    assert set(found.missed) <= set(without.missed) and set(without.kept) <= set(found.kept)


# Every cell that is not forbidden, written out once more: state, then event and where it leads.
CELLS = """
draft       propose proposed, send_to_review in_review, cancel cancelled, expire expired, void voided
proposed    counter countered, send_to_review in_review, agree agreed, cancel cancelled, expire expired, void voided
countered   propose proposed, send_to_review in_review, agree agreed, cancel cancelled, expire expired, void voided
in_review   approve proposed, counter countered, cancel cancelled, expire expired, void voided
agreed      start active, down_payment_missed expired, pause paused, complete completed, cancel cancelled
agreed      supersede superseded, void voided
active      fall_short grace, pause paused, complete completed, cancel cancelled, supersede superseded, void voided
grace       catch_up active, miss at_risk, break broken, pause paused, complete completed, cancel cancelled
grace       supersede superseded, void voided
at_risk     catch_up active, break broken, pause paused, complete completed, cancel cancelled, supersede superseded
at_risk     void voided
broken      catch_up active, end_cure ended_broken, pause paused, complete completed, cancel cancelled
broken      supersede superseded, void voided
paused      complete completed, cancel cancelled, supersede superseded, void voided
completed   reopen active, void voided
"""
ALLOWED = {
    (State(line.split()[0]), Event(event)): State(to)
    for line in CELLS.strip().splitlines()
    for event, to in (cell.split() for cell in line.split(maxsplit=1)[1].split(", "))
}


@pytest.mark.parametrize(("state", "event"), list(product(State, Event)), ids=lambda each: each.value)
def test_each_cell_says_where_it_leads_or_is_forbidden(state: State, event: Event) -> None:
    to = ALLOWED.get((state, event))
    assert after(state=state, event=event) == (Forbidden(state, event) if to is None else Moved(to))


def test_the_days_to_make_up_for_it_run_from_the_payment_that_broke_the_plan() -> None:
    # Missed on 10 April and 10 May: broken on 16 May, and 30 days from then on, however many more are missed.
    at_risk, broken, later = on("2026-05-15"), on("2026-05-16"), on("2026-06-16")
    assert (at_risk.keeping, at_risk.missed, at_risk.cure_by) == (Keeping.AT_RISK, (1,), day(5, 15))
    assert (broken.keeping, broken.missed, broken.cure_by) == (Keeping.BROKEN, (1, 2), day(6, 14))
    assert (later.missed, later.cure_by) == ((1, 2, 3), day(6, 14))


def test_one_missed_payment_breaks_a_settlement_and_can_be_made_up_for() -> None:
    """V-SET-3: 10,000.00 settled for 2,833.34, 2,833.34 and 2,833.32; the second one does not come."""
    parts = ("2833.34", "2833.34", "2833.32")
    items = [Item(n, day(3 + n, 10), usd(part), usd(part), usd("0")) for n, part in enumerate(parts, 1)]
    first = (day(4, 10), usd(parts[0]))

    def at(today: date, *more: tuple[date, Money]) -> Standing:
        return standing(items, [first, *more], today=today, grace_days=5, tolerance=usd("0"), one_breaks=True)

    assert at(day(5, 10)).keeping is Keeping.KEPT
    assert at(day(5, 15)).keeping is Keeping.GRACE
    broken = at(day(5, 16))
    assert (broken.keeping, broken.missed, broken.cure_amount) == (Keeping.BROKEN, (2,), usd("2833.34"))
    assert broken.cure_by == day(6, 14)
    made_up = at(day(6, 1), (day(6, 1), usd("2833.34")))
    assert (made_up.keeping, made_up.kept, made_up.cured) == (Keeping.KEPT, (1,), (2,))


@pytest.mark.parametrize(
    ("state", "waits", "leads_to"),
    [
        (State.ACTIVE, False, [State.GRACE]),
        (State.ACTIVE, True, [State.GRACE]),
        (State.AT_RISK, False, [State.ACTIVE, State.GRACE]),
        (State.BROKEN, False, [State.ACTIVE, State.GRACE]),
        # Money that isn't here yet makes up for nothing.
        (State.AT_RISK, True, []),
        (State.BROKEN, True, []),
    ],
)
def test_what_was_missed_is_made_up_for_while_the_next_payment_is_in_grace(
    state: State, waits: bool, leads_to: list[State]
) -> None:
    went = []
    for event in events(
        state=state,
        keeping=Keeping.GRACE,
        begun=True,
        needs_first=False,
        void=False,
        owes=True,
        stays_done=False,
        waits=waits,
    ):
        moved = after(state=state, event=event)
        if isinstance(moved, Moved):
            state = moved.to
            went.append(state)
    assert went == leads_to
