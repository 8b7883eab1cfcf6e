"""RULES  The life of a batch of letters: asked for, begun, made, perhaps paused, done or called off."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class State(StrEnum):
    """How far a batch has come."""

    # Nothing is made before somebody has seen how many letters it is.
    ASKED = "asked"
    PREPARING = "preparing"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    CALLED_OFF = "called_off"


class Event(StrEnum):
    """What can happen to it."""

    BEGIN = "begin"
    PREPARED = "prepared"
    PAUSE = "pause"
    GO_ON = "go_on"
    CALL_OFF = "call_off"
    FINISH = "finish"


class Item(StrEnum):
    """What became of one letter of a batch."""

    WAITING = "waiting"
    MADE = "made"
    # There was one already, of the same cause: it stands for this batch too.
    THERE = "there"
    BY_HAND = "by_hand"
    NOT_MADE = "not_made"


class WhyNot(StrEnum):
    """Why a letter could not be made."""

    GONE = "gone"
    RECALLED = "recalled"
    NOT_TRUE = "not_true"
    FAULT = "fault"
    # What a kind of letter asks for and this debt doesn't have (`letters/conditions.py`, by the same names).
    STILL_OWED = "still_owed"
    NOTHING_PAID = "nothing_paid"
    ON_ITS_WAY = "on_its_way"
    MAY_GO_BACK = "may_go_back"
    BANK_CAN_TAKE_BACK = "bank_can_take_back"
    LET_OFF = "let_off"
    NOTHING_LET_OFF = "nothing_let_off"
    NOT_AGREED = "not_agreed"


# With these a debt is left out, as it should be; with any other, something is in the way.
LEFT_OUT: Final = frozenset(set(WhyNot) - {WhyNot.GONE, WhyNot.RECALLED, WhyNot.NOT_TRUE, WhyNot.FAULT})


_S, _E = State, Event
# What a worker works on; a page about it looks again by itself.
WORKING: Final = frozenset({_S.PREPARING, _S.RUNNING})
OVER: Final = frozenset({_S.DONE, _S.CALLED_OFF})
_MOVES: Final[Mapping[tuple[State, Event], State]] = MappingProxyType(
    {
        (_S.ASKED, _E.BEGIN): _S.PREPARING,
        (_S.PREPARING, _E.PREPARED): _S.RUNNING,
        (_S.RUNNING, _E.PAUSE): _S.PAUSED,
        (_S.PAUSED, _E.GO_ON): _S.RUNNING,
        (_S.RUNNING, _E.FINISH): _S.DONE,
        **{(state, _E.CALL_OFF): _S.CALLED_OFF for state in (_S.ASKED, _S.RUNNING, _S.PAUSED)},
    }
)
# Where a second click finds done what the first one did.
_DONE: Final[Mapping[Event, frozenset[State]]] = MappingProxyType(
    {
        _E.BEGIN: frozenset({_S.PREPARING, _S.RUNNING, _S.PAUSED, _S.DONE}),
        _E.PAUSE: frozenset({_S.PAUSED}),
        _E.GO_ON: frozenset({_S.RUNNING}),
        _E.CALL_OFF: frozenset({_S.CALLED_OFF}),
    }
)


def after(state: State, event: Event) -> State | None:
    """Give the state after an event: the same one if it was so already, None if that can't happen any more.

    >>> after(State.ASKED, Event.BEGIN), after(State.RUNNING, Event.BEGIN), after(State.DONE, Event.CALL_OFF)
    (<State.PREPARING: 'preparing'>, <State.RUNNING: 'running'>, None)
    """
    return _MOVES.get((state, event)) or (state if state in _DONE.get(event, ()) else None)
