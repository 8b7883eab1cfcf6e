"""Whoever looks at a plan only on the days that it names finds what somebody finds who looks every day."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.money import Money
from portal.plans.looking import MISSED_FOR_AT_MOST, Payment, Terms, coming, look_on, missed
from portal.plans.states import Held, Keeping, Moved, State, after, counted, events, standing
from portal.schedules.schedule import Item

START = date(2026, 5, 4)
ALIVE = {State.AGREED, State.ACTIVE, State.GRACE, State.AT_RISK, State.BROKEN}
TERMS = Terms(grace_days=5, cure_days=30, tolerance=100, remind_days=3)


def day(number: int) -> date:
    return START + timedelta(days=number)


def payments(*days: int, amount: int = 10_000, interest: int = 0) -> list[Payment]:
    return [Payment(seq, day(at), amount, 0, interest, kept=False) for seq, at in enumerate(days, 1)]


def look(found: list[Payment], today: int, *, state: State = State.ACTIVE, **values: object) -> int | None:
    given: dict = {"terms": TERMS, "held": (), "again": False, **values}
    at = look_on(found, state=state, today=day(today), **given)
    return None if at is None else (at - START).days


def test_each_day_on_which_something_can_happen_comes_in_its_turn() -> None:
    plan = payments(10, 40)
    seen, at = [], 0
    while (found := look(plan, at)) is not None:
        seen.append(found)
        at = found
    # Reminded, past the day, past the days of grace; the second one too; and past the days of cure of each.
    assert seen == [7, 11, 16, 37, 41, 46, 76]


def test_interest_is_looked_for_on_its_day_also_where_it_is_paid_before() -> None:
    paid = [replace(one, paid=one.amount, kept=True) for one in payments(10, 40, interest=500)]
    assert (look(paid, 0), look(paid, 10), look(paid, 40)) == (10, 40, None)
    assert look([replace(one, interest=0) for one in paid], 0) is None


def test_a_plan_that_is_over_is_not_looked_at_but_for_its_review() -> None:
    terms = replace(TERMS, review_on=day(60))
    plan = payments(10)
    for state in State:
        found = look(plan, 0, state=state, terms=terms)
        if state is State.COMPLETED:
            assert (found, look(plan, 60, state=state, terms=terms)) == (60, None)
        elif state in ALIVE | {State.PAUSED}:
            assert found == 7
        else:
            assert found is None


def test_a_plan_begins_on_its_first_day_or_is_void_after_the_day_of_its_first_payment() -> None:
    plan = [replace(one, paid=one.amount, kept=True) for one in payments(10)]
    assert look(plan, 0, state=State.AGREED) == 10
    assert look(payments(10), 7, state=State.AGREED, terms=replace(TERMS, void_on=day(8))) == 9


@pytest.mark.parametrize("held", [[(day(3), None)], [(day(3), day(20))]])
def test_while_a_hold_covers_a_plan_or_something_is_to_be_tried_again_somebody_looks_every_day(held: Held) -> None:
    assert look(payments(10), 5, held=held) == 6
    assert look(payments(10), 5, again=True) == 6
    assert look(payments(10), 25, held=[(day(3), day(20))]) == 27


@dataclass
class Plan:
    """A plan that lives by the rules alone, and what was done about it."""

    items: list[Payment]
    terms: Terms
    # By day: money that came or went back, holds with their ends, days on which no message leaves.
    money: dict[int, int]
    holds: list[tuple[int, int | None, int]]
    silent: set[int]
    settlement: bool
    state: State = State.AGREED
    written: set[str] = field(default_factory=set)
    charged: set[int] = field(default_factory=set)
    did: list[tuple[int, str]] = field(default_factory=list)
    looks: int = 0

    def held(self, today: int) -> Held:
        """The holds as they are known on a day: one that ends early is known to until then only by its own end."""
        return [
            (day(since), day(ends) if ends <= today else None if until is None else day(until))
            for since, until, ends in self.holds
            if since <= today
        ]

    def look(self, today: int) -> date | None:
        """Do what a night does; gives the day of the next look."""
        self.looks += 1
        now, held = day(today), self.held(today)
        if self.state in ALIVE:
            for one in self.items:
                if one.interest and one.due_on <= now and one.seq not in self.charged:
                    self.charged.add(one.seq)
                    self.did.append((today, f"interest {one.seq}"))
        # The night comes before the money of its day.
        cure_by = self.follow(today, came_before=today)
        if self.state is State.BROKEN and cure_by is not None and cure_by < now:
            self.once(today, f"cure over {cure_by}")
        again = False
        if self.state in ALIVE:
            due = {
                "reminder": coming(self.items, today=now, terms=self.terms),
                "missed": missed(self.items, today=now, terms=self.terms, held=held),
            }
            for kind, payment in due.items():
                if payment is None or f"{kind} {payment.seq}" in self.written:
                    continue
                if today in self.silent:
                    self.did.append((today, f"no {kind} {payment.seq}"))
                    again = True
                else:
                    self.once(today, f"{kind} {payment.seq}")
        if self.terms.review_on is not None and self.terms.review_on <= now and self.state is not State.EXPIRED:
            self.once(today, "review")
        return look_on(self.items, state=self.state, today=now, terms=self.terms, held=held, again=again)

    def follow(self, today: int, *, came_before: int) -> date | None:
        """Let the plan follow its money; gives until when it can be made up for."""
        now, held = day(today), self.held(today)
        cleared = [(day(at), Money(minor, "USD")) for at, minor in self.money.items() if at < came_before]
        left = max(sum(money.minor for _day, money in cleared), 0)
        nothing = Money.zero("USD")
        judged = standing(
            [
                Item(one.seq, one.due_on, Money(one.amount, "USD"), Money(one.amount, "USD"), nothing)
                for one in self.items
            ],
            cleared,
            today=now,
            grace_days=self.terms.grace_days,
            tolerance=Money(self.terms.tolerance, "USD"),
            cure_days=self.terms.cure_days,
            held=held,
            one_breaks=self.settlement,
        )
        began, over = left > 0 or self.items[0].due_on <= now, False
        if self.terms.void_on is not None:
            began = left + self.terms.tolerance >= self.items[0].amount
            last_day = counted(self.terms.void_on, more=0, held=held)
            over = not began and last_day is not None and last_day < now
        for number, one in enumerate(self.items):
            paid = min(left, one.amount)
            left -= paid
            self.items[number] = replace(one, paid=paid, kept=one.seq in judged.kept and paid > 0)
        before = self.state
        for event in events(
            state=self.state,
            keeping=judged.keeping,
            begun=began,
            needs_first=self.terms.void_on is not None,
            stays_done=True,
            waits=False,
            void=over,
            owes=True,
        ):
            moved = after(state=self.state, event=event)
            if isinstance(moved, Moved):
                self.state = moved.to
        if self.state is not before:
            self.did.append((today, f"{before.value} to {self.state.value}"))
        return judged.cure_by

    def once(self, today: int, what: str) -> None:
        if what not in self.written:
            self.written.add(what)
            self.did.append((today, what))


def possible(money: dict[int, int]) -> dict[int, int]:
    """Money by day, of which never more goes back than came."""
    there, found = 0, {}
    for at in sorted(money):
        minor = max(money[at], -there)
        there += minor
        if minor:
            found[at] = minor
    return found


def lived(plan: Plan, *, until: int, every_day: bool) -> list[tuple[int, str]]:
    """Live a plan: a night where its day has come, then the money of the day, after which the next night looks."""
    next_look: int | None = 0
    for today in range(until):
        if every_day or (next_look is not None and next_look <= today):
            found = plan.look(today)
            next_look = None if found is None else (found - START).days
        if today in plan.money:
            plan.follow(today, came_before=today + 1)
            next_look = today
    return plan.did


@given(
    gaps=st.lists(st.integers(3, 35), min_size=1, max_size=5),
    first=st.integers(0, 20),
    amount=st.integers(50, 20_000),
    money=st.dictionaries(st.integers(0, 150), st.integers(-15_000, 25_000).filter(bool), max_size=6),
    holds=st.lists(
        st.tuples(st.integers(0, 120), st.one_of(st.none(), st.integers(0, 60)), st.integers(0, 60)), max_size=3
    ),
    silent=st.sets(st.integers(0, 150), max_size=30),
    interest=st.booleans(),
    settlement=st.booleans(),
    void=st.booleans(),
    grace=st.integers(0, 10),
    cure=st.integers(0, 40),
    tolerance=st.integers(0, 500),
    remind=st.integers(1, 14),
    review=st.one_of(st.none(), st.integers(10, 170)),
)
def test_looking_only_on_its_days_is_the_same_as_looking_every_day(  # noqa: PLR0913
    gaps: list[int],
    first: int,
    amount: int,
    money: dict[int, int],
    holds: list[tuple[int, int | None, int]],
    silent: set[int],
    interest: bool,
    settlement: bool,
    void: bool,
    grace: int,
    cure: int,
    tolerance: int,
    remind: int,
    review: int | None,
) -> None:
    days = [first + sum(gaps[:number]) for number in range(len(gaps) + 1)]

    def a_plan() -> Plan:
        return Plan(
            items=payments(*days, amount=amount, interest=10 if interest else 0),
            terms=Terms(
                grace_days=grace,
                cure_days=cure,
                tolerance=tolerance,
                remind_days=remind,
                void_on=day(days[0]) if void else None,
                review_on=None if review is None else day(review),
            ),
            money=possible(money),
            # A hold may end before the day that it was to end on, by an answer.
            holds=[
                (
                    since,
                    None if length is None else since + length,
                    since + (ends if length is None else min(ends, length)),
                )
                for since, length, ends in holds
            ],
            silent=silent,
            settlement=settlement,
        )

    daily, sparse = a_plan(), a_plan()
    assert lived(sparse, until=260, every_day=False) == lived(daily, until=260, every_day=True)
    assert (sparse.state, sparse.items) == (daily.state, daily.items)
    assert sparse.looks <= daily.looks


def test_a_plan_that_goes_well_is_looked_at_a_few_times_a_month_and_not_every_day() -> None:
    days = [10 + 30 * month for month in range(12)]
    plan = Plan(payments(*days), TERMS, {at - 1: 10_000 for at in days}, [], set(), settlement=False)
    lived(plan, until=365, every_day=False)
    assert plan.looks <= 4 * len(days)
    assert plan.state is State.COMPLETED


def test_a_week_without_nights_leaves_out_what_no_longer_makes_sense_and_does_the_rest() -> None:
    for kind, at, expected in (("reminder", 11, []), ("missed", 16 + MISSED_FOR_AT_MOST.days, [])):
        plan = Plan(payments(10), TERMS, {}, [], set(), settlement=False)
        plan.look(at)
        assert [what for _day, what in plan.did if what.startswith(kind)] == expected
    plan = Plan(payments(10), TERMS, {}, [], set(), settlement=False)
    plan.look(20)
    assert plan.did == [(20, "agreed to at_risk"), (20, "missed 1")]
    assert Keeping.AT_RISK.value == plan.state.value
