"""RULES  The states of a payment and what Stripe's word does to them.

Invariant: moved, repeated, late and forbidden are four named outcomes; only the first changes anything. Money that
really came or went always moves the payment, whatever we thought of it before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final


class State(Enum):
    """Where a payment is."""

    CREATED = "created"  # Written down by us; Stripe does not know of it yet.
    SENT = "sent"  # Stripe has it, and the payer can pay.
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"  # An attempt was declined; the payer may try again.
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDED = "refunded"  # All of it went back, by us or after a dispute that was lost.
    DISPUTED = "disputed"  # The payer's bank took it back and the question is open.


class Said(Enum):
    """What Stripe says of a payment, as it is now."""

    OPEN = "open"  # The page is open and nothing was paid.
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDED = "refunded"
    DISPUTE_OPENED = "dispute_opened"
    DISPUTE_WON = "dispute_won"
    DISPUTE_LOST = "dispute_lost"
    DISPUTE_PARTLY_LOST = "dispute_partly_lost"  # The bank keeps a part, and another part is still here.
    REFUND_FAILED = "refund_failed"  # What was given back came back to the lender: nothing is refunded any more.
    REFUND_PARTLY_FAILED = "refund_partly_failed"  # The same, and another part is still refunded.


@dataclass(frozen=True, slots=True)
class Moved:
    """The payment is now in this state."""

    to: State


@dataclass(frozen=True, slots=True)
class Repeated:
    """We knew this already."""

    state: State


@dataclass(frozen=True, slots=True)
class Late:
    """This was true before what we know now: an older word that came after a newer one."""

    state: State
    said: Said


@dataclass(frozen=True, slots=True)
class Forbidden:
    """This cannot be true of a payment in this state; a person should look."""

    state: State
    said: Said


class _Cell(Enum):
    """What a cell of the table may hold beside a new state."""

    REPEATED = "repeated"
    LATE = "late"
    FORBIDDEN = "forbidden"
    BACK = "back"  # To the state before the dispute.


# One row a state, one column for each word of Stripe's, in the order of `State` and `Said`: the new state, or
# "=" for repeated, "late", "no" for forbidden, "back" to the state before the dispute.
# An ended page (cancelled, expired) can still bring money, when somebody pays in another tab a moment before; and a
# refund or a dispute can be the first that we hear of a payment that succeeded. That a refund failed is said only where
# we had posted it.
_GRID: Final = """
             open  proc  succ  fail  canc  expi  part  refu  disp  won   lost  some  back  again
  created    sent  proc  succ  fail  canc  expi  part  refu  disp  succ  refu  part  no    no
  sent       =     proc  succ  fail  canc  expi  part  refu  disp  succ  refu  part  no    no
  processing late  =     succ  fail  canc  expi  part  refu  disp  succ  refu  part  no    no
  succeeded  late  late  =     late  no    no    part  refu  disp  =     refu  part  =     no
  failed     sent  proc  succ  =     canc  expi  part  refu  disp  succ  refu  part  no    no
  cancelled  late  late  succ  late  =     late  part  refu  disp  succ  refu  part  no    no
  expired    late  late  succ  late  late  =     part  refu  disp  succ  refu  part  no    no
  partly_ref late  late  late  late  no    no    =     refu  disp  =     refu  =     succ  =
  refunded   late  late  late  late  no    no    late  =     late  no    =     late  succ  part
  disputed   late  late  late  late  no    no    late  refu  =     back  refu  part  late  late
"""

_WORDS: Final[Mapping[str, State | _Cell]] = {
    "=": _Cell.REPEATED,
    "late": _Cell.LATE,
    "no": _Cell.FORBIDDEN,
    "back": _Cell.BACK,
    **{state.value[:4]: state for state in State},
}

TABLE: Final[Mapping[State, Mapping[Said, State | _Cell]]] = MappingProxyType(
    {
        state: MappingProxyType(dict(zip(Said, (_WORDS[word] for word in row.split()[1:]), strict=True)))
        for state, row in zip(State, _GRID.strip().splitlines()[1:], strict=True)
    }
)

# The states in which the payer's money is with the lender.
MONEY_IS_HERE: Final = frozenset({State.SUCCEEDED, State.PARTLY_REFUNDED})


def after(*, state: State, said: Said, before_dispute: State = State.SUCCEEDED) -> Moved | Repeated | Late | Forbidden:
    """Return what Stripe's word does to a payment; `before_dispute` is the state that a won dispute goes back to.

    A second part refund is Repeated here although its amount is new: amounts have their own key, the money effect.
    """
    cell = TABLE[state][said]
    if isinstance(cell, State):
        return Moved(cell)
    match cell:
        case _Cell.REPEATED:
            return Repeated(state)
        case _Cell.LATE:
            return Late(state, said)
        case _Cell.BACK:
            return Moved(before_dispute) if before_dispute in MONEY_IS_HERE else Forbidden(state, said)
        case _:
            return Forbidden(state, said)
