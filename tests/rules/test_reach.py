"""How far an amount reaches in a plan."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from portal.money import Money
from portal.plans.reach import Open, Reach, reach

FIRST = date(2026, 5, 10)


def items(*missing: int) -> list[Open]:
    return [Open(at + 1, FIRST + timedelta(days=30 * at), Money(minor, "USD")) for at, minor in enumerate(missing)]


def test_more_than_the_next_payment_goes_on_to_the_one_after_it() -> None:
    found = reach(amount=Money(15_000, "USD"), open_items=items(10_000, 10_000, 10_000))
    assert found == Reach(made=(1,), began=True, next=Open(2, date(2026, 6, 9), Money(5_000, "USD")))


def test_less_than_the_next_payment_is_a_part_of_it() -> None:
    found = reach(amount=Money(4_000, "USD"), open_items=items(10_000))
    assert found == Reach(made=(), began=True, next=Open(1, FIRST, Money(6_000, "USD")))


def test_all_of_it_leaves_nothing() -> None:
    assert reach(amount=Money(99_999, "USD"), open_items=items(10_000, 5_000)) == Reach((1, 2), False, None)


@given(st.integers(0, 100_000), st.lists(st.integers(1, 20_000), max_size=12))
def test_what_is_made_and_what_is_left_are_the_amount(minor: int, missing: list[int]) -> None:
    found = reach(amount=Money(minor, "USD"), open_items=items(*missing))
    assert found.made == tuple(range(1, len(found.made) + 1))
    made = sum(missing[: len(found.made)])
    assert made <= minor
    if found.next is None:
        assert len(found.made) == len(missing)
    else:
        began = missing[len(found.made)] - found.next.missing.minor
        assert made + began == minor
        assert found.began is (began > 0)
