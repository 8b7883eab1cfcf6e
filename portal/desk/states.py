"""RULES  The life of a draft of limits: what may be done with it, and what comes of it.

Invariant: `TABLE` is the only place that says what may follow what; a cell that is not in it is forbidden, by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class State(StrEnum):
    """Where a draft is in its life."""

    OPEN = "open"
    SENT = "sent"
    SENT_BACK = "sent_back"
    APPROVED = "approved"
    WITHDRAWN = "withdrawn"


class Event(StrEnum):
    """What is done with a draft."""

    SAVE = "save"  # Its text is changed.
    SEND = "send"  # An author asks a second person.
    TAKE_BACK = "take_back"  # An author takes it back to write on.
    APPROVE = "approve"  # A second person says yes; it becomes a version.
    SEND_BACK = "send_back"  # A second person says what is wrong with it.
    CALL_OFF = "call_off"  # One of the two stops the version that it became, before that begins.
    WITHDRAW = "withdraw"  # Nobody needs it any more.


TABLE: Final[Mapping[State, Mapping[Event, State]]] = MappingProxyType(
    {
        State.OPEN: {Event.SAVE: State.OPEN, Event.SEND: State.SENT, Event.WITHDRAW: State.WITHDRAWN},
        State.SENT: {
            Event.TAKE_BACK: State.OPEN,
            Event.APPROVE: State.APPROVED,
            Event.SEND_BACK: State.SENT_BACK,
            Event.WITHDRAW: State.WITHDRAWN,
        },
        State.SENT_BACK: {Event.SAVE: State.OPEN, Event.SEND: State.SENT, Event.WITHDRAW: State.WITHDRAWN},
        # It was approved, whatever becomes of its version.
        State.APPROVED: {Event.CALL_OFF: State.APPROVED},
        State.WITHDRAWN: {},
    }
)
# As long as it is one of these, somebody still works on it.
ALIVE: Final = (State.OPEN, State.SENT, State.SENT_BACK)
_REACHED_BY: Final = {
    Event.SEND: State.SENT,
    Event.APPROVE: State.APPROVED,
    Event.SEND_BACK: State.SENT_BACK,
    Event.WITHDRAW: State.WITHDRAWN,
}


@dataclass(frozen=True, slots=True)
class Moved:
    """The draft is in another state now, or has another text in the same one."""

    to: State


@dataclass(frozen=True, slots=True)
class Repeated:
    """It was in that state already: a second click, another tab."""

    state: State


@dataclass(frozen=True, slots=True)
class Forbidden:
    """This can't follow."""

    state: State
    event: Event


def after(state: State, event: Event) -> Moved | Repeated | Forbidden:
    """Say what an event does to a draft in a state."""
    if state is _REACHED_BY.get(event):
        return Repeated(state)
    to = TABLE[state].get(event)
    return Moved(to) if to is not None else Forbidden(state, event)
