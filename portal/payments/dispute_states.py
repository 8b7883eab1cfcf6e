"""RULES  What a dispute is by Stripe's words and by where the money is, and how far it goes in our books.

Invariant: a dispute is open as long as the bank's answer is open or the money that was won isn't back yet; a state that
was reached is left only for one that Stripe can still say after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final


class State(Enum):
    """Where a dispute is."""

    ASKED = "asked"  # The bank only asks; no money has gone.
    OPEN = "open"  # The bank has taken the money, and the question is open.
    WON = "won"  # The money is with the lender again.
    LOST = "lost"  # The bank keeps it: it counts as given back.
    OVER = "over"  # It ended without money having gone.


class Money(Enum):
    """Where the money of a dispute is."""

    HERE = "here"
    GONE = "gone"


# By Stripe's status, where the money is here and where it is gone.
_GRID: Final = """
                          here  gone
  warning_needs_response  asked open
  warning_under_review    asked open
  warning_closed          over  lost
  needs_response          asked open
  under_review            asked open
  won                     won   open
  lost                    over  lost
  prevented               over  lost
"""
TABLE: Final[Mapping[str, Mapping[Money, State]]] = MappingProxyType(
    {
        row.split()[0]: MappingProxyType(dict(zip(Money, map(State, row.split()[1:]), strict=True)))
        for row in _GRID.strip().splitlines()[1:]
    }
)
WAITS_FOR_EVIDENCE: Final = frozenset({"warning_needs_response", "needs_response"})
CLOSED: Final = frozenset({State.WON, State.LOST, State.OVER})
# With these a bank says that a debit did not go through after all: nobody asks anything, and nothing can be answered.
RETURNS: Final = frozenset({"insufficient_funds", "incorrect_account_details", "bank_cannot_process"})


def state_of(*, status: str, gone: bool) -> State:
    """Return where a dispute is; a status that isn't known yet is one that is open.

    >>> state_of(status="won", gone=True)
    <State.OPEN: 'open'>
    """
    words = TABLE.get(status, TABLE["needs_response"])
    return words[Money.GONE if gone else Money.HERE]


def is_return(reason: str) -> bool:
    """Say whether it is a debit that came back, and no question that can be answered."""
    return reason in RETURNS
