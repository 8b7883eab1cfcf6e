"""RULES  What earns points, how many, and what takes them back.

Invariant: points are the same for everybody and never in proportion to money; one cause counts once, for ever. An
instalment that was given back and is paid again is another turn, and each turn is a cause of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

from portal.money import Money


class Reason(Enum):
    """Why somebody gets points."""

    KEPT_INSTALMENT = "kept_instalment"


class TakenBack(Enum):
    """Why points are taken back."""

    PAYMENT_WENT_BACK = "payment_went_back"


# Flat, so that nobody is thanked less for having less; small, so that nobody pays for the points.
POINTS: Final[Mapping[Reason, int]] = MappingProxyType({Reason.KEPT_INSTALMENT: 10})


_OF_INSTALMENT: Final = re.compile(
    rf"(?:taken_back:)?{Reason.KEPT_INSTALMENT.value}:(?P<plan>[^:]+):(?P<seq>[0-9]+)(?:#[0-9]+)?"
)


@dataclass(frozen=True, slots=True)
class Earned:
    """Points for one cause; the cause is unique for a lender, so that a second award of it is refused by its key."""

    cause: str
    reason: Reason
    points: int


@dataclass(frozen=True, slots=True)
class Returned:
    """Points taken back, as a negative number, with the cause that they take back; unique like the award itself."""

    cause: str
    reason: TakenBack
    points: int
    takes_back: str


@dataclass(frozen=True, slots=True)
class NoPoints:
    """Nothing is earned or taken back, and nothing is wrong."""


def cause_of(*, plan: str, seq: int, turn: int = 1) -> str:
    """Return the cause of the points for an instalment: `kept_instalment:PL-7:3`, and from its second turn on `…#2`."""
    return f"{Reason.KEPT_INSTALMENT.value}:{plan}:{seq}" + (f"#{turn}" if turn > 1 else "")


def instalment_in(cause: str) -> tuple[str, int] | None:
    """Return plan and number of the instalment that a cause is about, given or taken back; None if it is about none."""
    found = _OF_INSTALMENT.fullmatch(cause)
    return (found["plan"], int(found["seq"])) if found else None


def for_instalment(*, plan: str, seq: int, due: Money, cleared: Money, kept: bool, turn: int = 1) -> Earned | NoPoints:
    """Return the points for an instalment that was kept and has cleared; the amount plays no part beyond being there.

    An instalment of 5.00 and one of 500.00 earn the same 10 points. One that was kept only within the tolerance of the
    plan counts as kept, so `kept` decides; `cleared` must be above zero, because a promise earns nothing. `turn` is 2
    for one that was kept, given back and kept again.

    :raises portal.money.CurrencyMismatch: if the two amounts are not of one currency.
    """
    if not kept or due.minor <= 0 or cleared <= Money.zero(due.currency):
        return NoPoints()
    return Earned(
        cause=cause_of(plan=plan, seq=seq, turn=turn),
        reason=Reason.KEPT_INSTALMENT,
        points=POINTS[Reason.KEPT_INSTALMENT],
    )


def after_money_went_back(*, earned: Earned, still_kept: bool) -> Returned | NoPoints:
    """Return the points to take back when a refund or dispute leaves the instalment no longer kept.

    All points of the cause are taken back, once. Paying the same instalment anew earns them again under the cause of
    its next turn, so whoever pays and asks for the money back in turns never has more than those of one instalment.
    """
    if still_kept:
        return NoPoints()
    return Returned(
        cause=f"taken_back:{earned.cause}",
        reason=TakenBack.PAYMENT_WENT_BACK,
        points=-earned.points,
        takes_back=earned.cause,
    )
