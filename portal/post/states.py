"""RULES  The states of a message and what each word about it does to them.

Invariant: moved, repeated, late and forbidden are four named outcomes; only the first changes anything. Words of a
provider come in any order, and before we have written down that it took the message.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from types import MappingProxyType
from typing import Final


class State(Enum):
    """Where a message is."""

    WAITING = "waiting"  # Written, or to be tried again.
    HELD = "held"  # Not before an instant, for a reason; both stand in its row.
    SENDING = "sending"  # Written down before it is handed over, so that a crash is seen afterwards.
    SENT = "sent"  # The provider took it.
    DELIVERED = "delivered"  # The provider says that it arrived; e-mail never says so.
    BOUNCED = "bounced"  # There is nobody at this address.
    FAILED = "failed"  # It did not leave, or nobody knows and it must not leave twice.
    SUPPRESSED = "suppressed"  # It must not leave.


class Word(Enum):
    """What is said of a message."""

    HOLD = "hold"  # The gate: not yet.
    SUPPRESS = "suppress"  # The gate: not at all.
    BEGIN = "begin"  # The gate lets it pass, and it is about to be handed over.
    ACCEPTED = "accepted"  # The provider took it.
    LATER = "later"  # The provider can't take it now.
    BOUNCE = "bounce"  # The provider says that there is nobody at this address.
    REFUSED = "refused"  # The provider won't take it, or it was tried often enough.
    LOST_AGAIN = "lost_again"  # Nobody knows whether it left, and twice does no harm.
    LOST = "lost"  # Nobody knows whether it left, and twice would.
    ARRIVED = "arrived"
    NOT_ARRIVED = "not_arrived"


@dataclass(frozen=True, slots=True)
class Moved:
    """The message is now in this state."""

    to: State


@dataclass(frozen=True, slots=True)
class Repeated:
    """We knew this already."""

    state: State


@dataclass(frozen=True, slots=True)
class Late:
    """This was true before what we know now."""

    state: State
    word: Word


@dataclass(frozen=True, slots=True)
class Forbidden:
    """This can't be said of a message in this state."""

    state: State
    word: Word


class _Cell(Enum):
    REPEATED = "repeated"
    LATE = "late"
    FORBIDDEN = "forbidden"


# One row a state, one column for each word, in the order of `State` and `Word`: the new state, or "=" for repeated,
# "late", "no" for forbidden. A message that waits for its second try may learn that its first one left after all.
_GRID: Final = """
              hold  supp  begi  acce  late  boun  refu  agai  lost  arri  nota
  waiting     held  supp  send  sent  no    boun  no    no    no    deli  late
  held        held  supp  send  sent  no    boun  no    no    no    deli  late
  sending     no    no    no    sent  wait  boun  fail  wait  fail  deli  fail
  sent        no    no    no    =     late  boun  late  late  late  deli  fail
  delivered   no    no    no    late  late  late  late  late  late  =     late
  bounced     no    no    no    late  late  =     late  late  late  late  late
  failed      no    no    no    sent  late  boun  =     late  =     deli  =
  suppressed  no    =     no    no    no    no    no    no    no    no    no
"""

_CELLS: Final[Mapping[str, State | _Cell]] = {
    "=": _Cell.REPEATED,
    "late": _Cell.LATE,
    "no": _Cell.FORBIDDEN,
    "wait": State.WAITING,
    "held": State.HELD,
    "send": State.SENDING,
    "sent": State.SENT,
    "deli": State.DELIVERED,
    "boun": State.BOUNCED,
    "fail": State.FAILED,
    "supp": State.SUPPRESSED,
}

TABLE: Final[Mapping[State, Mapping[Word, State | _Cell]]] = MappingProxyType(
    {
        state: MappingProxyType(dict(zip(Word, (_CELLS[cell] for cell in row.split()[1:]), strict=True)))
        for state, row in zip(State, _GRID.strip().splitlines()[1:], strict=True)
    }
)

# The worker still has something to do with these.
OPEN: Final = frozenset({State.WAITING, State.HELD, State.SENDING})

# How long to wait before each further try; after the last one a message has failed. About a day in all.
WAITS: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 3, 10, 30, 90, 240, 480, 720))
MOST_TRIES: Final = len(WAITS) + 1


def after(*, state: State, word: Word) -> Moved | Repeated | Late | Forbidden:
    """Give what a word does to a message."""
    cell = TABLE[state][word]
    if isinstance(cell, State):
        return Moved(cell)
    match cell:
        case _Cell.REPEATED:
            return Repeated(state)
        case _Cell.LATE:
            return Late(state, word)
        case _:
            return Forbidden(state, word)


def wait_after(tries: int) -> timedelta | None:
    """Give how long to wait after so many tries, or None if it was tried often enough."""
    return WAITS[tries - 1] if 1 <= tries <= len(WAITS) else None
