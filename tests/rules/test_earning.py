"""Points: flat, once a cause, taken back with the money."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.money import CurrencyMismatch, Money
from portal.points.earning import (
    POINTS,
    Earned,
    NoPoints,
    Reason,
    Returned,
    TakenBack,
    after_money_went_back,
    cause_of,
)
from portal.points.earning import for_instalment as points_for

TEN = Earned("kept_instalment:P-7:3", Reason.KEPT_INSTALMENT, 10)


def award(due: int = 500, cleared: int = 500, kept: bool = True) -> Earned | NoPoints:
    return points_for(plan="P-7", seq=3, due=Money(due, "USD"), cleared=Money(cleared, "USD"), kept=kept)


@settings(max_examples=80, deadline=None)
@given(due=st.integers(1, 10**9), cleared=st.integers(1, 10**9))
def test_a_kept_instalment_earns_the_same_whatever_its_amount(due: int, cleared: int) -> None:
    assert award(due, cleared) == TEN
    assert POINTS[Reason.KEPT_INSTALMENT] == TEN.points


def test_a_promise_and_a_missed_instalment_earn_nothing() -> None:
    assert award(cleared=0) == NoPoints()
    assert award(kept=False) == NoPoints()
    with pytest.raises(CurrencyMismatch):
        points_for(plan="P", seq=1, due=Money(1, "USD"), cleared=Money(1, "EUR"), kept=True)


def test_points_go_back_with_the_money_once_and_in_full() -> None:
    back = after_money_went_back(earned=TEN, still_kept=False)
    assert back == Returned("taken_back:kept_instalment:P-7:3", TakenBack.PAYMENT_WENT_BACK, -10, TEN.cause)
    assert back == after_money_went_back(earned=TEN, still_kept=False), "the same cause, so a second one is refused"


def test_points_stay_while_the_instalment_is_still_kept() -> None:
    assert after_money_went_back(earned=TEN, still_kept=True) == NoPoints()


def test_each_turn_of_an_instalment_is_a_cause_of_its_own() -> None:
    again = points_for(plan="P-7", seq=3, due=Money(5, "USD"), cleared=Money(5, "USD"), kept=True, turn=2)
    assert again == Earned("kept_instalment:P-7:3#2", Reason.KEPT_INSTALMENT, 10)
    assert cause_of(plan="P-7", seq=3) == TEN.cause
    back = after_money_went_back(earned=again, still_kept=False)
    assert isinstance(back, Returned)
    assert back.cause == "taken_back:kept_instalment:P-7:3#2"
