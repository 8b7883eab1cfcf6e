"""RULES  What people can ask for beside paying, the states of a request, and what moves it from one to another.

Invariant: `TABLE` is the only place that says what may follow what; a cell that is not in it is forbidden, by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Kind(StrEnum):
    """What a request is about."""

    CANT_PAY = "cant_pay"
    NOT_MINE = "not_mine"
    WRONG_AMOUNT = "wrong_amount"
    TALK = "talk_to_a_person"
    COMPLAIN = "complain"
    WRONG_PERSON = "wrong_person"  # A message or a link reached somebody else.
    CONTACT_CHANGE = "contact_change"  # A way to be reached that a person has to put right.
    OFFER = "offer"  # A plan that the limits don't allow without a person.

    @property
    def slug(self) -> str:
        """Give the kind as it stands in addresses: `cant-pay`."""
        return self.value.replace("_", "-")


# The five doors that stand on every page, in their order.
DOORS: Final = (Kind.CANT_PAY, Kind.NOT_MINE, Kind.WRONG_AMOUNT, Kind.TALK, Kind.COMPLAIN)
DISPUTES: Final = frozenset({Kind.NOT_MINE, Kind.WRONG_AMOUNT})
# What the portal asks a person to look at, because it may not be the debtor who reads the messages or is signed in.
ABOUT_ACCESS: Final = frozenset({Kind.WRONG_PERSON, Kind.CONTACT_CHANGE})


def door_of(slug: str) -> Kind | None:
    """Give the door with this address, or None."""
    return next((kind for kind in DOORS if kind.slug == slug), None)


class Cause(StrEnum):
    """What was out of order when people could not pay."""

    PAYMENT_SERVICE = "payment_service"
    PORTAL = "portal"


class State(StrEnum):
    """Where a request is in its life."""

    OPEN = "open"
    WITH_PERSON = "with_person"
    ANSWERED = "answered"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


class Event(StrEnum):
    """What happens to a request."""

    TAKE = "take"  # A person of the lender looks at it.
    GIVE_BACK = "give_back"  # That person leaves it to another one.
    ANSWER = "answer"  # That person says what comes of it.
    CLOSE = "close"  # Nothing is left to do. Nobody is left without an answer, so only after one.
    WITHDRAW = "withdraw"  # Whoever asked takes it back; only as long as nobody has taken it.


WAITING: Final = (State.OPEN, State.WITH_PERSON)
TABLE: Final[Mapping[State, Mapping[Event, State]]] = MappingProxyType(
    {
        State.OPEN: {
            Event.TAKE: State.WITH_PERSON,
            Event.ANSWER: State.ANSWERED,
            Event.WITHDRAW: State.WITHDRAWN,
        },
        State.WITH_PERSON: {Event.ANSWER: State.ANSWERED, Event.GIVE_BACK: State.OPEN},
        State.ANSWERED: {Event.CLOSE: State.CLOSED},
        State.CLOSED: {},
        State.WITHDRAWN: {},
    }
)


@dataclass(frozen=True, slots=True)
class Moved:
    """The request is in another state now."""

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


_REACHED_BY: Final = {
    Event.TAKE: State.WITH_PERSON,
    Event.GIVE_BACK: State.OPEN,
    Event.ANSWER: State.ANSWERED,
    Event.CLOSE: State.CLOSED,
    Event.WITHDRAW: State.WITHDRAWN,
}


def after(state: State, event: Event) -> Moved | Repeated | Forbidden:
    """Say what an event does to a request in a state."""
    if state is _REACHED_BY[event]:
        return Repeated(state)
    to = TABLE[state].get(event)
    return Moved(to) if to is not None else Forbidden(state, event)


def ends_hold(event: Event, *, has_end: bool) -> bool:
    """Say whether a hold ends with an event: one without a day of its own lasts until there is an answer.

    One that runs for a stated time goes on after the answer, and ends at the latest when the request is closed.
    """
    return event in (Event.CLOSE, Event.WITHDRAW) or (event is Event.ANSWER and not has_end)
