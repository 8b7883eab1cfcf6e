"""RULES  The life of a file that somebody brought: looked at, confirmed, brought in, perhaps undone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class State(StrEnum):
    """How far a file has come."""

    LOOKING = "looking"
    READY = "ready"
    UNREADABLE = "unreadable"
    BRINGING = "bringing"
    LIVE = "live"
    # Rows were refused, and all or nothing was asked for.
    NOTHING = "nothing"
    WITHDRAWN = "withdrawn"
    UNDOING = "undoing"
    UNDONE = "undone"


class Event(StrEnum):
    """What can happen to it."""

    SEEN = "seen"
    REFUSED = "refused"
    CONFIRM = "confirm"
    LOOK_AGAIN = "look_again"
    WENT_LIVE = "went_live"
    CAME_TO_NOTHING = "came_to_nothing"
    WITHDRAW = "withdraw"
    UNDO = "undo"
    WENT_BACK = "went_back"
    COULD_NOT = "could_not"


@dataclass(frozen=True, slots=True)
class Moved:
    """It is in another state now."""

    to: State


@dataclass(frozen=True, slots=True)
class Repeated:
    """It was so already: a second click, or a colleague was quicker."""


@dataclass(frozen=True, slots=True)
class Forbidden:
    """That can't happen from where it stands."""


_S, _E = State, Event
# What a worker works on; a page about it looks again by itself.
WORKING: Final = frozenset({_S.LOOKING, _S.BRINGING, _S.UNDOING})
# Nobody has anything to do with it any more.
OVER: Final = frozenset({_S.LIVE, _S.WITHDRAWN, _S.UNDONE})
_MOVES: Final[Mapping[tuple[State, Event], State]] = MappingProxyType(
    {
        (_S.LOOKING, _E.SEEN): _S.READY,
        (_S.LOOKING, _E.REFUSED): _S.UNREADABLE,
        (_S.READY, _E.CONFIRM): _S.BRINGING,
        (_S.READY, _E.LOOK_AGAIN): _S.LOOKING,
        (_S.BRINGING, _E.LOOK_AGAIN): _S.LOOKING,
        (_S.BRINGING, _E.WENT_LIVE): _S.LIVE,
        (_S.BRINGING, _E.CAME_TO_NOTHING): _S.NOTHING,
        (_S.BRINGING, _E.REFUSED): _S.UNREADABLE,
        (_S.LIVE, _E.UNDO): _S.UNDOING,
        (_S.UNDOING, _E.WENT_BACK): _S.UNDONE,
        (_S.UNDOING, _E.COULD_NOT): _S.LIVE,
        **{(state, _E.WITHDRAW): _S.WITHDRAWN for state in (_S.LOOKING, _S.READY, _S.UNREADABLE, _S.NOTHING)},
    }
)
_DONE: Final[Mapping[Event, frozenset[State]]] = MappingProxyType(
    {
        _E.CONFIRM: frozenset({_S.BRINGING, _S.LIVE, _S.UNDOING, _S.UNDONE}),
        _E.WITHDRAW: frozenset({_S.WITHDRAWN}),
        _E.UNDO: frozenset({_S.UNDOING, _S.UNDONE}),
    }
)


def after(state: State, event: Event) -> Moved | Repeated | Forbidden:
    """Say what becomes of a file.

    >>> after(State.READY, Event.CONFIRM), after(State.LIVE, Event.CONFIRM), after(State.LIVE, Event.WITHDRAW)
    (Moved(to=<State.BRINGING: 'bringing'>), Repeated(), Forbidden())
    """
    to = _MOVES.get((state, event))
    if to is not None:
        return Moved(to)
    return Repeated() if state in _DONE.get(event, ()) else Forbidden()
