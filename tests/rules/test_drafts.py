"""The life of a draft cell by cell, and whether two accounts are two people."""

from __future__ import annotations

import uuid

import pytest

from portal.desk.states import ALIVE, TABLE, Event, Forbidden, Moved, Repeated, State, after
from portal.desk.two_people import Account, Tie, mailbox_of, tie_between

S, E = State, Event
NO = "forbidden"
SAME = "repeated"
# What comes of each event in each state, written out once more.
CELLS: dict[State, dict[Event, State | str]] = {
    S.OPEN: {
        E.CALL_OFF: NO,
        E.SAVE: S.OPEN,
        E.SEND: S.SENT,
        E.TAKE_BACK: NO,
        E.APPROVE: NO,
        E.SEND_BACK: NO,
        E.WITHDRAW: S.WITHDRAWN,
    },
    S.SENT: {
        E.CALL_OFF: NO,
        E.SAVE: NO,
        E.SEND: SAME,
        E.TAKE_BACK: S.OPEN,
        E.APPROVE: S.APPROVED,
        E.SEND_BACK: S.SENT_BACK,
        E.WITHDRAW: S.WITHDRAWN,
    },
    S.SENT_BACK: {
        E.CALL_OFF: NO,
        E.SAVE: S.OPEN,
        E.SEND: S.SENT,
        E.TAKE_BACK: NO,
        E.APPROVE: NO,
        E.SEND_BACK: SAME,
        E.WITHDRAW: S.WITHDRAWN,
    },
    S.APPROVED: {
        E.CALL_OFF: S.APPROVED,
        E.SAVE: NO,
        E.SEND: NO,
        E.TAKE_BACK: NO,
        E.APPROVE: SAME,
        E.SEND_BACK: NO,
        E.WITHDRAW: NO,
    },
    S.WITHDRAWN: {
        E.CALL_OFF: NO,
        E.SAVE: NO,
        E.SEND: NO,
        E.TAKE_BACK: NO,
        E.APPROVE: NO,
        E.SEND_BACK: NO,
        E.WITHDRAW: SAME,
    },
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Event)
def test_what_comes_of_each_event_in_each_state(state: State, event: Event) -> None:
    expected = CELLS[state][event]
    if expected == NO:
        assert after(state, event) == Forbidden(state, event)
    elif expected == SAME:
        assert after(state, event) == Repeated(state)
    else:
        assert after(state, event) == Moved(State(expected))


def test_a_draft_that_is_decided_stays_so() -> None:
    # What became of one that was approved is its version's affair.
    over = {state for state in State if set(TABLE[state].values()) <= {state}}
    assert over == set(State) - set(ALIVE)


def account(email: str, *browsers: str) -> Account:
    return Account(uuid.uuid4(), email, frozenset(browsers))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ada@linden.example", "ADA@Linden.example"),
        ("ada@linden.example", "a.d.a@linden.example"),
        ("ada@linden.example", "ada+rules@linden.example"),
        ("ada@gmail.com", "A.da+x+y@googlemail.com"),
    ],
)
def test_one_mailbox_under_two_names_is_one_person(one: str, other: str) -> None:
    assert mailbox_of(one) == mailbox_of(other)
    author, approver = account(one), account(other)
    assert tie_between(approver, [author]) == (Tie.SAME_MAILBOX, author.id)


@pytest.mark.parametrize("other", ["bo@linden.example", "ada@other.example", "adam@linden.example"])
def test_other_mailboxes_are_other_people(other: str) -> None:
    assert tie_between(account(other), [account("ada@linden.example")]) is None


def test_nobody_is_a_second_person_for_what_they_wrote_among_others() -> None:
    ada, bo = account("ada@linden.example"), account("bo@linden.example")
    assert tie_between(bo, [ada, bo]) == (Tie.ONESELF, bo.id)


def test_who_brought_the_other_in_and_who_shares_a_browser_is_no_second_person() -> None:
    ada, bo, kim = account("ada@linden.example", "a"), account("bo@linden.example"), account("kim@linden.example", "a")
    assert tie_between(bo, [ada], {(ada.id, bo.id)}) == (Tie.BROUGHT_IN, ada.id)
    assert tie_between(bo, [ada], {(bo.id, ada.id)}) == (Tie.BROUGHT_IN, ada.id)
    assert tie_between(bo, [ada], {(ada.id, kim.id)}) is None
    assert tie_between(kim, [ada]) == (Tie.SAME_BROWSER, ada.id)
