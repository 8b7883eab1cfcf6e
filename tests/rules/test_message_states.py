"""The states of a message, cell by cell, and any order of a provider's words."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from portal.post.segments import is_gsm, plainer, segments
from portal.post.states import (
    MOST_TRIES,
    OPEN,
    TABLE,
    WAITS,
    Forbidden,
    Late,
    Moved,
    Repeated,
    State,
    Word,
    after,
    wait_after,
)

# Written out a second time, by hand and the other way round: for each word, where it leads from each state.
EXPECTED = {
    Word.HOLD: {State.WAITING: State.HELD, State.HELD: State.HELD},
    Word.SUPPRESS: {State.WAITING: State.SUPPRESSED, State.HELD: State.SUPPRESSED, State.SUPPRESSED: "repeated"},
    Word.BEGIN: {State.WAITING: State.SENDING, State.HELD: State.SENDING},
    Word.ACCEPTED: {
        State.WAITING: State.SENT,
        State.HELD: State.SENT,
        State.SENDING: State.SENT,
        State.SENT: "repeated",
        State.DELIVERED: "late",
        State.BOUNCED: "late",
        State.FAILED: State.SENT,
    },
    Word.LATER: {
        State.SENDING: State.WAITING,
        State.SENT: "late",
        State.DELIVERED: "late",
        State.BOUNCED: "late",
        State.FAILED: "late",
    },
    Word.BOUNCE: {
        State.WAITING: State.BOUNCED,
        State.HELD: State.BOUNCED,
        State.SENDING: State.BOUNCED,
        State.SENT: State.BOUNCED,
        State.DELIVERED: "late",
        State.BOUNCED: "repeated",
        State.FAILED: State.BOUNCED,
    },
    Word.REFUSED: {
        State.SENDING: State.FAILED,
        State.SENT: "late",
        State.DELIVERED: "late",
        State.BOUNCED: "late",
        State.FAILED: "repeated",
    },
    Word.LOST_AGAIN: {
        State.SENDING: State.WAITING,
        State.SENT: "late",
        State.DELIVERED: "late",
        State.BOUNCED: "late",
        State.FAILED: "late",
    },
    Word.LOST: {
        State.SENDING: State.FAILED,
        State.SENT: "late",
        State.DELIVERED: "late",
        State.BOUNCED: "late",
        State.FAILED: "repeated",
    },
    Word.ARRIVED: {
        State.WAITING: State.DELIVERED,
        State.HELD: State.DELIVERED,
        State.SENDING: State.DELIVERED,
        State.SENT: State.DELIVERED,
        State.DELIVERED: "repeated",
        State.BOUNCED: "late",
        State.FAILED: State.DELIVERED,
    },
    Word.NOT_ARRIVED: {
        State.WAITING: "late",
        State.HELD: "late",
        State.SENDING: State.FAILED,
        State.SENT: State.FAILED,
        State.DELIVERED: "late",
        State.BOUNCED: "late",
        State.FAILED: "repeated",
    },
}


@pytest.mark.parametrize("word", Word)
@pytest.mark.parametrize("state", State)
def test_each_cell(state: State, word: Word) -> None:
    said = after(state=state, word=word)
    match EXPECTED[word].get(state, "forbidden"):
        case State() as to:
            assert said == Moved(to)
        case "repeated":
            assert said == Repeated(state)
        case "late":
            assert said == Late(state, word)
        case _:
            assert said == Forbidden(state, word)


def test_the_table_has_every_cell() -> None:
    assert {(state, word) for state in TABLE for word in TABLE[state]} == {(s, w) for s in State for w in Word}


def test_nothing_that_must_not_leave_ever_leaves() -> None:
    assert not any(isinstance(after(state=State.SUPPRESSED, word=word), Moved) for word in Word)


@given(some.lists(some.sampled_from(list(Word)), max_size=12))
def test_a_message_that_arrived_stays_arrived_whatever_is_said_after(words: list[Word]) -> None:
    state = State.DELIVERED
    for word in words:
        said = after(state=state, word=word)
        assert not isinstance(said, Moved)


@pytest.mark.parametrize("order", list(permutations([Word.ACCEPTED, Word.ACCEPTED, Word.ARRIVED])))
def test_a_providers_words_lead_to_the_same_end_in_any_order(order: tuple[Word, ...]) -> None:
    for start in (State.SENDING, State.WAITING, State.FAILED):
        state = start
        for word in order:
            said = after(state=state, word=word)
            state = said.to if isinstance(said, Moved) else state
        assert state is State.DELIVERED


def test_a_message_is_tried_a_stated_number_of_times_over_about_a_day() -> None:
    assert [wait_after(tries) for tries in range(1, MOST_TRIES + 1)] == [*WAITS, None]
    assert timedelta(hours=20) < sum(WAITS, timedelta()) < timedelta(hours=30)
    assert list(WAITS) == sorted(WAITS)
    assert wait_after(0) is None


def test_open_states_are_those_that_a_worker_still_moves() -> None:
    moving = {state for state in State if isinstance(after(state=state, word=Word.BEGIN), Moved)}
    assert moving | {State.SENDING} == OPEN


# What an SMS takes.


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("好" * 70, 1),
        ("好" * 71, 2),
        ("好" * 134, 2),
        ("好" * 135, 3),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        # One typographic sign makes the whole message UCS-2.
        ("a" * 159 + "’", 3),
        # A sign of two places never stands across a border: 152 + 2 opens a second part of 153.
        ("a" * 152 + "€" + "a" * 151, 2),
        ("a" * 152 + "€" + "a" * 152, 3),
    ],
)
def test_segments_as_phones_count_them(text: str, expected: int) -> None:
    assert segments(text) == expected


def test_typographic_signs_are_made_plain_before_they_cost_a_second_message() -> None:
    assert is_gsm(plainer("We don’t — “ever” … ask"))
