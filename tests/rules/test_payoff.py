"""What it costs to pay all of a debt, by the day."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from portal.money import Money
from portal.plans.payoff import Coming, Figure, figures, on

TODAY = date(2026, 5, 4)


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


def test_interest_of_a_plan_is_owed_from_its_day_on_and_not_before() -> None:
    coming = [Coming(date(2026, 6, 10), usd("4.50")), Coming(date(2026, 5, 10), usd("4.50"))]
    assert figures(owed=usd("900"), coming=coming, today=TODAY) == (
        Figure(usd("900"), TODAY, date(2026, 5, 9)),
        Figure(usd("904.50"), date(2026, 5, 10), date(2026, 6, 9)),
        Figure(usd("909"), date(2026, 6, 10), None),
    )


def test_interest_that_came_due_and_is_not_posted_yet_is_owed_today() -> None:
    assert figures(owed=usd("900"), coming=[Coming(TODAY, usd("4.50"))], today=TODAY) == (
        Figure(usd("904.50"), TODAY, None),
    )


def test_without_interest_the_figure_stays() -> None:
    coming = [Coming(TODAY + timedelta(days=30), usd("0"))]
    assert figures(owed=usd("900"), coming=coming, today=TODAY) == (Figure(usd("900"), TODAY, None),)


COMING = st.lists(
    st.builds(
        lambda days, minor: Coming(TODAY + timedelta(days=days), Money(minor, "USD")),
        st.integers(-40, 400),
        st.integers(0, 5_000),
    ),
    max_size=8,
)


@given(st.integers(0, 100_000), COMING, st.integers(0, 500))
def test_every_day_has_one_figure_that_is_what_has_come_due(minor: int, coming: list[Coming], ahead: int) -> None:
    found = figures(owed=Money(minor, "USD"), coming=coming, today=TODAY)
    day = TODAY + timedelta(days=ahead)
    due = sum(item.interest.minor for item in coming if item.due_on <= day)
    assert on(day, found) == Money(minor + due, "USD")
    assert found[0].since == TODAY and found[-1].until is None
    for one, following in zip(found, found[1:], strict=False):
        assert one.until is not None and one.until + timedelta(days=1) == following.since
        assert one.since <= one.until and one.amount < following.amount
