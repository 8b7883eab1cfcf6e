"""Long random lives of a plan on the pure rules: payments, money that goes back, holds, and days that pass."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from portal.money import Money
from portal.plans.states import Keeping, Moved, Standing, State, after, events, standing
from portal.schedules.dates import Frequency
from portal.schedules.schedule import by_payment

START = date(2026, 1, 31)
GRACE = 5
TOLERANCE = Money(100, "USD")
ITEMS = by_payment(
    balance=Money(90_000, "USD"), rate=0, payment=Money(15_000, "USD"), first=START, frequency=Frequency.MONTHLY
).items
ALL = sum(item.amount.minor for item in ITEMS)


class Life(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.today = START - timedelta(days=30)
        self.cleared: list[tuple[date, Money]] = []
        self.held: list[tuple[date, date | None]] = []
        self.state = State.ACTIVE
        self.breaks = self.cures = 0
        self.ever_missed: set[int] = set()
        self.went_back = False

    def judged(self, *, one_breaks: bool = False) -> Standing:
        return standing(
            ITEMS,
            self.cleared,
            today=self.today,
            grace_days=GRACE,
            tolerance=TOLERANCE,
            held=self.held,
            one_breaks=one_breaks,
        )

    def came(self) -> int:
        return sum(amount.minor for _day, amount in self.cleared)

    def follow(self, *, stays_done: bool = True) -> None:
        before = self.state
        found = self.judged()
        for event in events(
            state=before,
            keeping=found.keeping,
            begun=True,
            needs_first=False,
            void=False,
            owes=True,
            stays_done=stays_done,
            waits=False,
        ):
            moved = after(state=self.state, event=event)
            if isinstance(moved, Moved):
                self.state = moved.to
        self.breaks += before is not State.BROKEN and self.state is State.BROKEN
        self.cures += before is State.BROKEN and self.state is not State.BROKEN
        if not self.went_back:
            assert not self.ever_missed & set(found.kept), "what was missed is made up for, and never kept"
        self.ever_missed |= set(found.missed)

    @rule(days=st.integers(1, 40))
    def days_pass(self, days: int) -> None:
        for _ in range(days):
            self.today += timedelta(days=1)
            self.follow()

    @rule(minor=st.sampled_from([100, 14_899, 14_900, 15_000, 15_100, 30_000]) | st.integers(1, 50_000))
    def money_comes(self, minor: int) -> None:
        self.cleared.append((self.today, Money(minor, "USD")))
        self.follow()

    @precondition(lambda self: any(amount.minor > 0 for _day, amount in self.cleared))
    @rule(data=st.data())
    def money_goes_back(self, data: st.DataObject) -> None:
        most = self.came()
        if most <= 0:
            return
        back = data.draw(st.integers(1, most))
        self.cleared.append((self.today, Money(-back, "USD")))
        self.went_back = True
        self.follow(stays_done=False)

    @rule()
    def a_hold_begins(self) -> None:
        if not self.held or self.held[-1][1] is not None:
            self.held.append((self.today, None))
            self.follow()

    @precondition(lambda self: bool(self.held) and self.held[-1][1] is None)
    @rule()
    def a_hold_ends(self) -> None:
        self.held[-1] = (self.held[-1][0], self.today)
        self.follow()

    @precondition(lambda self: bool(self.judged().cure_amount))
    @rule()
    def what_is_missing_comes(self) -> None:
        self.cleared.append((self.today, self.judged().cure_amount))
        self.follow()
        assert self.judged().keeping in (Keeping.KEPT, Keeping.ALL_PAID)
        assert self.state in (State.ACTIVE, State.COMPLETED)

    @invariant()
    def no_payment_is_kept_and_missed(self) -> None:
        found = self.judged()
        named = sorted(found.kept + found.cured + found.missed)
        assert named == list(range(1, len(named) + 1))

    @invariant()
    def what_is_missing_is_what_was_due_less_what_came(self) -> None:
        found = self.judged()
        assert 0 <= found.cure_amount.minor <= max(ALL - self.came(), 0)
        if found.keeping is Keeping.ALL_PAID:
            assert self.came() >= ALL
        if found.missed:
            assert found.cure_amount > TOLERANCE

    @invariant()
    def nothing_breaks_twice_without_being_made_up_for(self) -> None:
        assert self.breaks - self.cures == (self.state is State.BROKEN)

    @invariant()
    def told_again_in_any_order_it_is_the_same(self) -> None:
        again = standing(
            ITEMS,
            sorted(self.cleared, key=lambda each: (each[1].minor, each[0])),
            today=self.today,
            grace_days=GRACE,
            tolerance=TOLERANCE,
            held=self.held[::-1],
        )
        assert again == self.judged()

    @invariant()
    def a_settlement_is_broken_as_soon_as_a_payment_is_missed(self) -> None:
        strict, usual = self.judged(one_breaks=True), self.judged()
        assert (strict.keeping is Keeping.BROKEN) == bool(usual.missed)
        assert (strict.kept, strict.cured, strict.missed) == (usual.kept, usual.cured, usual.missed)


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
