"""A payment's life as Stripe tells it, in any order and any number of times."""

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from portal.payments.states import MONEY_IS_HERE, TABLE, Forbidden, Late, Moved, Repeated, Said, State, after

bounded = settings(max_examples=100, deadline=None)


def test_every_cell_of_the_table_has_a_named_outcome() -> None:
    assert set(TABLE) == set(State)
    for state, said in product(State, Said):
        assert isinstance(after(state=state, said=said), Moved | Repeated | Late | Forbidden)


def test_the_same_word_twice_moves_a_payment_once() -> None:
    for state, said in product(State, Said):
        once = after(state=state, said=said)
        if isinstance(once, Moved) and said is not Said.DISPUTE_WON:
            assert after(state=once.to, said=said) == Repeated(once.to)


def test_success_counts_whatever_was_thought_before() -> None:
    for state in (State.CREATED, State.SENT, State.PROCESSING, State.FAILED, State.CANCELLED, State.EXPIRED):
        assert after(state=state, said=Said.SUCCEEDED) == Moved(State.SUCCEEDED)


def test_an_older_word_after_a_newer_one_is_late_and_changes_nothing() -> None:
    assert after(state=State.SUCCEEDED, said=Said.PROCESSING) == Late(State.SUCCEEDED, Said.PROCESSING)
    assert after(state=State.REFUNDED, said=Said.SUCCEEDED) == Late(State.REFUNDED, Said.SUCCEEDED)
    assert after(state=State.SUCCEEDED, said=Said.FAILED) == Late(State.SUCCEEDED, Said.FAILED)


def test_a_refund_that_failed_brings_a_refunded_payment_back_and_no_other() -> None:
    assert after(state=State.REFUNDED, said=Said.REFUND_FAILED) == Moved(State.SUCCEEDED)
    assert after(state=State.PARTLY_REFUNDED, said=Said.REFUND_FAILED) == Moved(State.SUCCEEDED)
    assert after(state=State.REFUNDED, said=Said.REFUND_PARTLY_FAILED) == Moved(State.PARTLY_REFUNDED)
    for state in (State.CREATED, State.SENT, State.PROCESSING, State.FAILED, State.CANCELLED, State.EXPIRED):
        assert isinstance(after(state=state, said=Said.REFUND_FAILED), Forbidden)


def test_a_payment_that_succeeded_cannot_be_cancelled_or_expire() -> None:
    for said in (Said.CANCELLED, Said.EXPIRED):
        assert after(state=State.SUCCEEDED, said=said) == Forbidden(State.SUCCEEDED, said)


def test_a_won_dispute_goes_back_to_where_the_payment_was() -> None:
    for before in State:
        found = after(state=State.DISPUTED, said=Said.DISPUTE_WON, before_dispute=before)
        expected = Moved(before) if before in MONEY_IS_HERE else Forbidden(State.DISPUTED, Said.DISPUTE_WON)
        assert found == expected


@bounded
@given(words=st.permutations([Said.OPEN, Said.PROCESSING, Said.FAILED, Said.SUCCEEDED, Said.SUCCEEDED, Said.REFUNDED]))
def test_in_whatever_order_words_arrive_money_that_went_back_is_back(words: list[Said]) -> None:
    state = State.CREATED
    for said in words:
        outcome = after(state=state, said=said)
        state = outcome.to if isinstance(outcome, Moved) else state
    assert state is State.REFUNDED
