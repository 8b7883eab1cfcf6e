"""What home puts first."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.home.next_thing import Debt, Kind, NextThing, next_thing
from portal.money import Money

TODAY = date(2026, 5, 4)


def usd(minor: int) -> Money:
    return Money(minor, "USD")


PLAIN = Debt(owed=usd(90_000))
LATE_LONG = Debt(owed=usd(90_000), since=TODAY - timedelta(days=400))
NEXT = Debt(owed=usd(90_000), has_plan=True, due_on=TODAY, coming=usd(10_000))
LATER = Debt(owed=usd(90_000), has_plan=True, due_on=TODAY + timedelta(days=9), coming=usd(10_000))
LATE = Debt(
    owed=usd(90_000),
    has_plan=True,
    due_on=TODAY - timedelta(days=9),
    coming=usd(10_000),
    late=usd(10_000),
    late_since=TODAY - timedelta(days=9),
)
PAID = Debt(owed=usd(0))
ON_ITS_WAY = Debt(
    owed=usd(90_000),
    has_plan=True,
    due_on=LATE.due_on,
    coming=usd(10_000),
    late=usd(10_000),
    late_since=LATE.late_since,
    under_way=usd(10_000),
)
WITH_PERSON = Debt(owed=usd(90_000), with_person=True)


@pytest.mark.parametrize(
    ("debts", "answer", "found"),
    [
        ((), False, NextThing(Kind.NOTHING)),
        ((PAID,), False, NextThing(Kind.NOTHING)),
        ((PLAIN,), False, NextThing(Kind.CHOOSE, 0)),
        ((PLAIN,), True, NextThing(Kind.ANSWER)),
        ((PLAIN, LATE_LONG), False, NextThing(Kind.CHOOSE, 1)),
        ((PLAIN, NEXT), True, NextThing(Kind.NEXT, 1)),
        ((LATER, NEXT), False, NextThing(Kind.NEXT, 1)),
        ((NEXT, LATE), False, NextThing(Kind.LATE, 1)),
        ((ON_ITS_WAY,), False, NextThing(Kind.UNDER_WAY, 0)),
        ((ON_ITS_WAY, PLAIN), False, NextThing(Kind.UNDER_WAY, 0)),
        ((ON_ITS_WAY, NEXT), False, NextThing(Kind.NEXT, 1)),
        ((WITH_PERSON,), False, NextThing(Kind.WITH_PERSON, 0)),
        ((WITH_PERSON, PLAIN), False, NextThing(Kind.CHOOSE, 1)),
        ((PAID, WITH_PERSON), True, NextThing(Kind.ANSWER)),
    ],
)
def test_what_comes_first(debts: tuple[Debt, ...], answer: bool, found: NextThing) -> None:
    assert next_thing(debts, answer=answer) == found


@given(
    st.lists(st.sampled_from([PLAIN, LATE_LONG, NEXT, LATER, LATE, PAID, ON_ITS_WAY, WITH_PERSON]), max_size=6),
    st.booleans(),
)
def test_nobody_is_asked_for_what_is_paid_or_on_its_way(debts: list[Debt], answer: bool) -> None:
    found = next_thing(debts, answer=answer)
    if found.kind in (Kind.LATE, Kind.NEXT, Kind.CHOOSE):
        assert found.place is not None
        assert debts[found.place] not in (PAID, ON_ITS_WAY)
    assert (found.kind is Kind.NOTHING) is (not answer and all(debt == PAID for debt in debts))
