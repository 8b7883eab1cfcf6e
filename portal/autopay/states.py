"""RULES  The states of autopay and of one charge, and what each thing that happens does to them.

Invariant: moved, repeated and forbidden are three named outcomes; only the first changes anything. What has charged a
payment of a plan once never charges it again, and what was stopped charges nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final, Generic, TypeVar

T = TypeVar("T", bound=Enum)
E = TypeVar("E", bound=Enum)


class Auto(Enum):
    """Where autopay of a plan is."""

    ASKED = "asked"  # Agreed to; the page that saves a card is open.
    ON = "on"
    NEEDS_CARD = "needs_card"  # The card can't be charged any more; nothing is taken until there is another.
    STOPPED = "stopped"


class AutoEvent(Enum):
    """What happens to it."""

    SAVE = "save"  # A card was saved for it.
    LOSE = "lose"  # The card was lost, expired, closed or taken out.
    STOP = "stop"  # By the person, somebody of the lender, the bank, or because the plan is over.


class Charge(Enum):
    """Where the charge for one payment of a plan is."""

    NOTICED = "noticed"  # Its notice, or the word that it is tried again, is written; the day stands in it.
    CHARGING = "charging"  # Stripe is asked, or about to be.
    CHARGED = "charged"
    SECOND_STEP = "second_step"  # The bank wants its customer; only the customer can pay it.
    REFUSED = "refused"  # Declined for good, or as often as is tried.
    CALLED_OFF = "called_off"  # Nothing was taken, and nothing is without another notice.


class ChargeEvent(Enum):
    """What happens to it."""

    NOTICE = "notice"
    BEGIN = "begin"
    SUCCEED = "succeed"
    TRY_AGAIN = "try_again"  # Declined for now; the person is told on which day it is tried once more.
    ASK = "ask"  # Declined until the bank's customer takes a second step.
    REFUSE = "refuse"
    CALL_OFF = "call_off"


@dataclass(frozen=True, slots=True)
class Moved(Generic[T]):
    """It is now in this state."""

    to: T


@dataclass(frozen=True, slots=True)
class Repeated(Generic[T]):
    """It was so already."""

    state: T


@dataclass(frozen=True, slots=True)
class Forbidden(Generic[T]):
    """This can't happen to it, and nothing changed."""

    state: T


_AUTO_GRID: Final = """
              save  lose  stop
  asked       on    =     stop
  on          =     need  stop
  needs_card  on    =     stop
  stopped     no    no    =
"""
# Money that came is money that came, whatever was thought before: a charge whose answer was lost can succeed late.
# While Stripe is asked it can only be called off where Stripe says that nothing was tried.
_CHARGE_GRID: Final = """
               noti  begi  succ  try   ask   refu  call
  noticed      =     gin   succ  no    no    no    off
  charging     no    =     succ  noti  ask   refu  off
  charged      no    no    =     no    no    no    no
  second_step  no    no    succ  no    =     no    off
  refused      no    no    succ  no    no    =     =
  called_off   noti  no    succ  no    no    no    =
"""
_AUTO_WORDS: Final = {"on": Auto.ON, "need": Auto.NEEDS_CARD, "stop": Auto.STOPPED}
_CHARGE_WORDS: Final = {
    "noti": Charge.NOTICED,
    "gin": Charge.CHARGING,
    "succ": Charge.CHARGED,
    "ask": Charge.SECOND_STEP,
    "refu": Charge.REFUSED,
    "off": Charge.CALLED_OFF,
}


def _table(grid: str, states: type[T], events: type[E], words: Mapping[str, T]) -> Mapping[T, Mapping[E, T | str]]:
    rows = grid.strip().splitlines()[1:]
    return MappingProxyType(
        {
            state: MappingProxyType(dict(zip(events, (words.get(word, word) for word in row.split()[1:]), strict=True)))
            for state, row in zip(states, rows, strict=True)
        }
    )


AUTO_TABLE: Final = _table(_AUTO_GRID, Auto, AutoEvent, _AUTO_WORDS)
CHARGE_TABLE: Final = _table(_CHARGE_GRID, Charge, ChargeEvent, _CHARGE_WORDS)


def auto_after(state: Auto, event: AutoEvent) -> Moved[Auto] | Repeated[Auto] | Forbidden[Auto]:
    """Return what happens to autopay."""
    return _outcome(AUTO_TABLE[state][event], state)


def charge_after(state: Charge, event: ChargeEvent) -> Moved[Charge] | Repeated[Charge] | Forbidden[Charge]:
    """Return what happens to a charge."""
    return _outcome(CHARGE_TABLE[state][event], state)


def _outcome(cell: T | str, state: T) -> Moved[T] | Repeated[T] | Forbidden[T]:
    if cell == "=":
        return Repeated(state)
    return Forbidden(state) if isinstance(cell, str) else Moved(cell)
