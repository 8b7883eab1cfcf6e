"""Sharing one payment over several debts: what is suggested, and what a choice by hand may be."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portal.money import Money, total
from portal.payments.sharing import (
    DoesNotAddUp,
    Fits,
    Owing,
    TooLittleLeft,
    TooMany,
    TooMuch,
    check,
    may_be_shared,
    suggest,
)

TODAY = date(2026, 5, 4)
LEAST = Money(100, "USD")


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


def owing(key: str, owed: str, *, late: str = "0", coming: str = "0", **more: object) -> Owing:
    return Owing(key=key, owed=usd(owed), late=usd(late), next=usd(coming), **more)  # type: ignore[arg-type]


def shared(amount: str, *debts: Owing) -> list[str]:
    return [str(share.amount) for _key, share in suggest(amount=usd(amount), debts=debts, today=TODAY, least=LEAST)]


def test_what_is_late_comes_first_then_what_is_next_then_what_costs_most() -> None:
    debts = (
        owing("a", "300", late="30", coming="30", late_since=TODAY - timedelta(days=9), due_on=TODAY),
        owing("b", "500", coming="50", due_on=TODAY + timedelta(days=5)),
        owing("c", "900", annual_rate=Decimal(24)),
        owing("d", "900", annual_rate=Decimal(12)),
    )
    assert shared("20", *debts) == ["20.00", "0.00", "0.00", "0.00"]
    assert shared("100", *debts) == ["60.00", "40.00", "0.00", "0.00"]
    assert shared("130", *debts) == ["60.00", "50.00", "20.00", "0.00"]
    assert shared("2600", *debts) == ["300.00", "500.00", "900.00", "900.00"]


def test_without_a_choice_what_is_due_comes_before_what_is_not_as_the_law_says() -> None:
    """As V-560 (PRC Civil Code art. 560), where D3 has a plan and so isn't due, and nothing is secured."""
    debts = (
        owing("D1", "1000", due_since=date(2025, 6, 1), annual_rate=Decimal(12)),
        owing("D3", "1000", annual_rate=Decimal(30)),
        owing("D4", "500", due_since=date(2025, 6, 1), annual_rate=Decimal(24)),
        owing("D5", "100", due_since=date(2025, 3, 1), annual_rate=Decimal(12)),
    )
    assert shared("700", *debts) == ["100.00", "0.00", "500.00", "100.00"]
    assert shared("1700", *debts) == ["1000.00", "100.00", "500.00", "100.00"]


def test_a_disputed_debt_gets_nothing_unless_somebody_gives_it_something_by_hand() -> None:
    debts = (owing("a", "300", late="30", disputed=True), owing("b", "50"))
    assert shared("80", *debts) == ["0.00", "50.00"]
    assert may_be_shared(debts, currency="USD") == usd("50")
    by_hand = (("a", usd("30")), ("b", usd("50")))
    assert check(meant=usd("80"), shares=by_hand, owed={"a": usd("300"), "b": usd("50")}, least=LEAST) == Fits(by_hand)


def test_no_debt_is_left_with_next_to_nothing_where_another_share_can_give_it() -> None:
    assert shared("100", owing("a", "50.40", coming="50", due_on=TODAY), owing("b", "500")) == ["50.40", "49.60"]
    assert shared("50", owing("a", "50.40", coming="50", due_on=TODAY), owing("b", "500")) == ["50.00", "0.00"]


@pytest.mark.parametrize(
    ("shares", "found"),
    [
        (("30", "50"), Fits((("a", usd("30")), ("b", usd("50"))))),
        (("80", "0"), Fits((("a", usd("80")),))),
        (("30", "40"), DoesNotAddUp(meant=usd("80"), shared=usd("70"))),
        (("0", "80"), TooMuch(key="b", owed=usd("60"))),
        (("20.50", "59.50"), TooLittleLeft(key="b", left=usd("0.50"))),
    ],
)
def test_a_choice_by_hand_adds_up_or_says_what_does_not(shares: tuple[str, str], found: object) -> None:
    chosen = tuple(zip("ab", map(usd, shares), strict=True))
    assert check(meant=usd("80"), shares=chosen, owed={"a": usd("300"), "b": usd("60")}, least=LEAST) == found


def test_one_payment_has_as_many_debts_as_a_hosted_page_has_lines() -> None:
    shares = [(str(number), usd("1")) for number in range(91)]
    owed = {key: usd("1") for key, _share in shares}
    assert check(meant=usd("91"), shares=shares, owed=owed, least=LEAST) == TooMany(most=90)
    assert isinstance(check(meant=usd("90"), shares=shares[:90], owed=owed, least=LEAST), Fits)


MINOR = st.integers(0, 200_000)
DEBTS = st.lists(
    st.builds(
        lambda owed, late, coming, due, since, rate, disputed: Owing(
            key="",
            owed=Money(owed, "USD"),
            late=Money(min(late, owed), "USD"),
            next=Money(min(coming, owed), "USD"),
            due_on=due and TODAY + timedelta(days=due),
            late_since=since and TODAY - timedelta(days=since),
            due_since=None if due else since and TODAY - timedelta(days=since),
            annual_rate=Decimal(rate),
            disputed=disputed,
        ),
        MINOR,
        MINOR,
        MINOR,
        st.none() | st.integers(1, 40),
        st.none() | st.integers(1, 40),
        st.integers(0, 40),
        st.booleans(),
    ),
    min_size=1,
    max_size=6,
)


# A chance example found it: what was late gave way to a round sum.
_CRUMB = [
    Owing("", usd("63.66"), late=usd("0"), next=usd("0"), annual_rate=Decimal(1)),
    Owing("", usd("112.76"), late=usd("0"), next=usd("0")),
    Owing("", usd("35.73"), late=usd("34.74"), next=usd("0")),
]


@example(21_115, _CRUMB)
@given(st.integers(0, 900_000), DEBTS)
def test_a_suggestion_sums_to_the_amount_and_never_gives_a_debt_too_much(minor: int, debts: list[Owing]) -> None:
    debts = [replace(one, key=str(at)) for at, one in enumerate(debts)]
    amount = Money(minor, "USD")
    found = suggest(amount=amount, debts=debts, today=TODAY, least=LEAST)
    assert [key for key, _share in found] == [debt.key for debt in debts]
    assert total((share for _key, share in found), currency="USD") == min(amount, may_be_shared(debts, currency="USD"))
    for debt, (_key, share) in zip(debts, found, strict=True):
        assert Money.zero("USD") <= share <= debt.owed
        assert not (debt.disputed and share)
    # Whoever has more to give covers at least as much of what is late.
    if minor >= sum(debt.late.minor for debt in debts if not debt.disputed) + 100 * len(debts):
        assert all(share >= debt.late for debt, (_key, share) in zip(debts, found, strict=True) if not debt.disputed)
