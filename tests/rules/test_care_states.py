"""The states of a request, cell by cell, and what ends a hold."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.care.states import (
    DOORS,
    TABLE,
    WAITING,
    Event,
    Forbidden,
    Kind,
    Moved,
    Repeated,
    State,
    after,
    door_of,
    ends_hold,
)

MOVES = {
    (State.OPEN, Event.TAKE): State.WITH_PERSON,
    (State.OPEN, Event.ANSWER): State.ANSWERED,
    (State.OPEN, Event.WITHDRAW): State.WITHDRAWN,
    (State.WITH_PERSON, Event.ANSWER): State.ANSWERED,
    (State.WITH_PERSON, Event.GIVE_BACK): State.OPEN,
    (State.ANSWERED, Event.CLOSE): State.CLOSED,
}
REPEATS = {
    (State.WITH_PERSON, Event.TAKE),
    (State.OPEN, Event.GIVE_BACK),
    (State.ANSWERED, Event.ANSWER),
    (State.CLOSED, Event.CLOSE),
    (State.WITHDRAWN, Event.WITHDRAW),
}


@pytest.mark.parametrize(("state", "event"), list(product(State, Event)), ids=lambda each: each.value)
def test_every_cell_of_the_table_is_what_it_should_be(state: State, event: Event) -> None:
    found = after(state, event)
    if (state, event) in MOVES:
        assert found == Moved(MOVES[state, event])
    elif (state, event) in REPEATS:
        assert found == Repeated(state)
    else:
        assert found == Forbidden(state, event)


def test_the_table_has_a_row_for_each_state() -> None:
    assert set(TABLE) == set(State)


@given(st.lists(st.sampled_from(Event)))
def test_whatever_happens_nobody_is_left_without_an_answer_unless_it_was_taken_back(events: list[Event]) -> None:
    state, was_answered, held = State.OPEN, False, {True, False}
    for event in events:
        moved = after(state, event)
        if isinstance(moved, Moved):
            state = moved.to
            was_answered = was_answered or event is Event.ANSWER
            held = {has_end for has_end in held if not ends_hold(event, has_end=has_end)}
    assert state is not State.CLOSED or was_answered
    # A hold never outlives its request, and one without a day of its own ends with the answer.
    if state in (State.CLOSED, State.WITHDRAWN):
        assert held == set()
    if state is State.ANSWERED:
        assert held == {True}
    if state in WAITING:
        assert held == {True, False}


def test_only_what_nobody_has_taken_can_be_taken_back() -> None:
    assert [state for state in State if isinstance(after(state, Event.WITHDRAW), Moved)] == [State.OPEN]


def test_the_doors_have_addresses_and_nothing_else_has() -> None:
    assert [door.slug for door in DOORS] == ["cant-pay", "not-mine", "wrong-amount", "talk-to-a-person", "complain"]
    assert all(door_of(door.slug) is door for door in DOORS)
    assert door_of(Kind.OFFER.slug) is None and door_of("cant_pay") is None and door_of("") is None
