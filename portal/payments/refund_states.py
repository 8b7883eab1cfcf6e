"""RULES  The states of a refund that somebody asked for, from the wish to the money on its way back, or not.

Invariant: moved, repeated, late and forbidden are four named outcomes; only the first changes anything. What Stripe has
answered is never asked of it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final


class State(Enum):
    """Where a refund is."""

    ASKED = "asked"  # Above what one person gives back alone: it waits for a second one.
    APPROVED = "approved"  # It may go; Stripe is asked, with this row's id as the key, until there is an answer.
    SENT = "sent"  # Stripe took it; the money is on its way.
    DONE = "done"  # Stripe says that it went, and the books have it.
    REFUSED = "refused"  # Stripe said no; nothing went.
    FAILED = "failed"  # It went and came back, or never left: the payment counts.
    DECLINED = "declined"  # The second person said no.
    TAKEN_BACK = "taken_back"  # Whoever asked doesn't want it any more.


class Word(Enum):
    """What is said of a refund: by people, and by Stripe."""

    APPROVE = "approve"
    DECLINE = "decline"
    TAKE_BACK = "take_back"
    ACCEPTED = "accepted"
    ARRIVED = "arrived"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Moved:
    """The refund is now in this state."""

    to: State


@dataclass(frozen=True, slots=True)
class Repeated:
    """It was there already."""

    state: State


@dataclass(frozen=True, slots=True)
class Late:
    """This was true before what we know now."""

    state: State


@dataclass(frozen=True, slots=True)
class Forbidden:
    """This can't be done with a refund in this state, or can't be true of it."""

    state: State


# One row a state, one column for each word, in the order of `State` and `Word`: the new state by its first letters, or
# "=" for repeated, "late", "no" for forbidden.
_GRID: Final = """
              appr  decl  take  acce  arri  refu  fail
  asked       appr  decl  take  no    no    no    no
  approved    =     no    no    sent  done  refu  fail
  sent        =     no    no    =     done  no    fail
  done        =     no    no    late  =     no    fail
  refused     late  no    no    no    no    =     no
  failed      late  no    no    late  late  no    =
  declined    no    =     no    no    no    no    no
  taken_back  no    no    =     no    no    no    no
"""
TABLE: Final[Mapping[State, Mapping[Word, str]]] = MappingProxyType(
    {
        state: MappingProxyType(dict(zip(Word, row.split()[1:], strict=True)))
        for state, row in zip(State, _GRID.strip().splitlines()[1:], strict=True)
    }
)
_BY_LETTERS: Final = {state.value[:4]: state for state in State}

# While one of these is there for a payment, no other refund of it can begin.
OPEN: Final = frozenset({State.ASKED, State.APPROVED, State.SENT})


def after(*, state: State, word: Word) -> Moved | Repeated | Late | Forbidden:
    """Return what a word does to a refund.

    >>> after(state=State.ASKED, word=Word.APPROVE)
    Moved(to=<State.APPROVED: 'approved'>)
    """
    match TABLE[state][word]:
        case "=":
            return Repeated(state)
        case "late":
            return Late(state)
        case "no":
            return Forbidden(state)
        case letters:
            return Moved(_BY_LETTERS[letters])
