"""Refunds and disputes, cell by cell, and why money can't be placed by itself."""

from __future__ import annotations

from itertools import product

import pytest

from portal.money import Money as Amount
from portal.payments.dispute_states import CLOSED, TABLE, Money, State, is_return, state_of
from portal.payments.refund_states import OPEN, Forbidden, Late, Moved, Repeated, Word, after
from portal.payments.refund_states import State as Refund
from portal.payments.setting_aside import Why, against

R, W = Refund, Word
MOVES = {
    (R.ASKED, W.APPROVE): R.APPROVED,
    (R.ASKED, W.DECLINE): R.DECLINED,
    (R.ASKED, W.TAKE_BACK): R.TAKEN_BACK,
    (R.APPROVED, W.ACCEPTED): R.SENT,
    (R.APPROVED, W.ARRIVED): R.DONE,
    (R.APPROVED, W.REFUSED): R.REFUSED,
    (R.APPROVED, W.FAILED): R.FAILED,
    (R.SENT, W.ARRIVED): R.DONE,
    (R.SENT, W.FAILED): R.FAILED,
    (R.DONE, W.FAILED): R.FAILED,
}
REPEATED = {
    (R.APPROVED, W.APPROVE),
    (R.SENT, W.APPROVE),
    (R.SENT, W.ACCEPTED),
    (R.DONE, W.APPROVE),
    (R.DONE, W.ARRIVED),
    (R.REFUSED, W.REFUSED),
    (R.FAILED, W.FAILED),
    (R.DECLINED, W.DECLINE),
    (R.TAKEN_BACK, W.TAKE_BACK),
}
LATE = {
    (R.DONE, W.ACCEPTED),
    (R.REFUSED, W.APPROVE),
    (R.FAILED, W.APPROVE),
    (R.FAILED, W.ACCEPTED),
    (R.FAILED, W.ARRIVED),
}


@pytest.mark.parametrize(("state", "word"), list(product(R, W)))
def test_each_word_does_one_thing_to_a_refund(state: Refund, word: Word) -> None:
    found = after(state=state, word=word)
    if (state, word) in MOVES:
        assert found == Moved(MOVES[state, word])
    elif (state, word) in REPEATED:
        assert found == Repeated(state)
    elif (state, word) in LATE:
        assert found == Late(state)
    else:
        assert found == Forbidden(state)


def test_what_is_open_is_what_can_still_go() -> None:
    assert {R.ASKED, R.APPROVED, R.SENT} == OPEN


@pytest.mark.parametrize(
    ("status", "here", "gone"),
    [
        ("warning_needs_response", "asked", "open"),
        ("warning_under_review", "asked", "open"),
        ("warning_closed", "over", "lost"),
        ("needs_response", "asked", "open"),
        ("under_review", "asked", "open"),
        ("won", "won", "open"),
        ("lost", "over", "lost"),
        ("prevented", "over", "lost"),
        ("a status of tomorrow", "asked", "open"),
    ],
)
def test_a_dispute_is_what_stripe_says_and_where_the_money_is(status: str, here: str, gone: str) -> None:
    assert (state_of(status=status, gone=False).value, state_of(status=status, gone=True).value) == (here, gone)


def test_money_that_a_bank_has_is_never_won_or_over() -> None:
    assert not {words[Money.GONE] for words in TABLE.values()} & {State.WON, State.OVER}
    assert {words[Money.HERE] for words in TABLE.values()} - CLOSED == {State.ASKED}
    assert is_return("insufficient_funds") and not is_return("fraudulent")


def test_each_reason_against_placing_money_is_named() -> None:
    fits = {
        "came": Amount(50, "USD"),
        "asked": Amount(50, "USD"),
        "says": "a",
        "payment": "a",
        "live": False,
        "account_live": False,
        "recalled": False,
    }
    assert against(**fits) is None  # type: ignore[arg-type]
    for change, why in (
        ({"came": Amount(60, "USD")}, Why.AMOUNT),
        ({"came": Amount(50, "EUR")}, Why.CURRENCY),
        ({"says": "b"}, Why.REFERENCE),
        ({"says": None}, Why.REFERENCE),
        ({"live": True}, Why.MODE),
        ({"recalled": True}, Why.RECALLED),
    ):
        assert against(**(fits | change)) is why  # type: ignore[arg-type]
