"""A plan judged by what is near of its payments is judged as by all of them, with all of its money."""

from __future__ import annotations

from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from portal import only_time
from portal.money import Money
from portal.plans import remind
from portal.plans.looking import Payment, Terms, look_on
from portal.plans.states import Keeping, Moved, State, after, events, standing
from portal.schedules.schedule import Item

TODAY = date(2026, 5, 4)
DAY = timedelta(days=1)
PLAN_ID = "0190a0a0-0000-7000-8000-000000000001"


@st.composite
def plans(draw: st.DrawFn) -> tuple[SimpleNamespace, list[Payment], int]:
    """A plan whose money was laid over its payments: those paid in full come first, then one in part, then nothing."""
    gaps = draw(st.lists(st.sampled_from([0, 1, 3, 7, 14, 30, 31, 91]), min_size=1, max_size=14))
    start = TODAY + draw(st.integers(-150, 40)) * DAY
    came = draw(
        st.one_of(st.just(0), st.integers(0, len(gaps)).map(lambda count: count * 10_000), st.integers(0, 140_000))
    )
    tolerance = draw(st.sampled_from([0, 100, 4_000]))
    interest = draw(st.sampled_from([0, 700]))
    payments, due_on, left, due = [], start, came, 0
    for seq, gap in enumerate(gaps, 1):
        due_on += gap * DAY
        paid, due = min(left, 10_000), due + 10_000
        left -= paid
        kept = paid > 0 and came >= due - tolerance
        payments.append(Payment(seq, due_on, 10_000, paid, interest if draw(st.booleans()) else 0, kept))
    state = draw(st.sampled_from([State.AGREED, State.ACTIVE, State.GRACE, State.AT_RISK]))
    row = SimpleNamespace(
        id=PLAN_ID.replace("-", ""), state=state.value, currency="USD", grace_days=draw(st.integers(0, 10)),
        cure_days=30, tolerance_minor=tolerance, changes=draw(st.integers(0, 1)),
        kind=draw(st.sampled_from(["instalments", "settlement_staged"])),
    )  # fmt: skip
    return row, payments, draw(st.integers(0, 10))


@settings(max_examples=400)
@given(plans(), st.sampled_from(only_time._AHEAD))
def test_near_payments_say_what_all_of_them_say(
    drawn: tuple[SimpleNamespace, list[Payment], int], ahead: timedelta
) -> None:
    row, payments, remind_days = drawn
    until = TODAY + ahead
    near: list[Any] = [
        SimpleNamespace(
            seq=one.seq, due_on=one.due_on, amount_minor=one.amount, paid_minor=one.paid, interest_minor=one.interest,
            kept=one.kept, kind="payment",
        )
        for one in payments
        if one.due_on <= until and (one.missing > 0 or one.interest)
    ]  # fmt: skip
    found = only_time._judged(
        row, near, today=TODAY, until=until - remind_days * DAY, out=date.min, remind_days=remind_days
    )
    state, keeping = by_all_of_it(row, payments)
    seen = [one for one in near if one.paid_minor < one.amount_minor]
    if found == "later":
        next_look = look_on_all(row, payments, state=state, remind_days=remind_days)
        assert not seen or next_look is None or next_look > until - remind_days * DAY
        return
    if found is None:
        # Left to be looked at by itself.
        assert keeping in (Keeping.BROKEN, Keeping.ALL_PAID) or (row.state == "agreed" and seen[0].seq != 1)
        return
    assert found.state is state
    assert found.late == (keeping is not Keeping.KEPT)
    assert found.look_on == look_on_all(row, payments, state=state, remind_days=remind_days)
    terms = Terms(row.grace_days, row.cure_days, row.tolerance_minor, remind_days)
    wanted = remind.wanted(PLAN_ID, payments, changed=bool(row.changes), today=TODAY, terms=terms, held=())
    assert found.wanted == list(wanted)
    assert [one.seq for one in found.due] == [one.seq for one in payments if one.interest and one.due_on <= TODAY]


def by_all_of_it(row: SimpleNamespace, payments: list[Payment]) -> tuple[State, Keeping]:
    """Judge a plan by all of its payments and all of its money, as an act does that lays money over it."""
    came = sum(one.paid for one in payments)
    amount, nothing = Money(10_000, "USD"), Money(0, "USD")
    keeping = standing(
        [Item(seq=one.seq, due_on=one.due_on, amount=amount, principal=amount, interest=nothing) for one in payments],
        [(TODAY - 200 * DAY, Money(came, "USD"))],
        today=TODAY,
        grace_days=row.grace_days,
        tolerance=Money(row.tolerance_minor, "USD"),
        cure_days=row.cure_days,
        one_breaks=row.kind == "settlement_staged",
    ).keeping
    state = State(row.state)
    begun = came > 0 or payments[0].due_on <= TODAY
    for event in events(
        state=state,
        keeping=keeping,
        begun=begun,
        needs_first=False,
        void=False,
        owes=True,
        stays_done=True,
        waits=False,
    ):
        moved = after(state=state, event=event)
        if isinstance(moved, Moved):
            state = moved.to
    return state, keeping


def look_on_all(row: SimpleNamespace, payments: list[Payment], *, state: State, remind_days: int) -> date | None:
    terms = Terms(row.grace_days, row.cure_days, row.tolerance_minor, remind_days)
    return look_on(payments, state=state, today=TODAY, terms=terms, held=(), again=False)
