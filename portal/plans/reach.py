"""RULES  How far an amount reaches in a plan: which payments it makes, and what is due next after it.

Invariant: money goes to the payments in the order of their days, as `progress.lay_over` lays it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from portal.money import Money


@dataclass(frozen=True, slots=True)
class Open:
    """What is missing of one payment of a plan."""

    number: int
    due_on: date
    missing: Money


@dataclass(frozen=True, slots=True)
class Reach:
    """What an amount does: the payments that it makes whole, and the first that is not whole afterwards.

    `began` says whether a part of `next` is paid by it; `next` is None where nothing of the plan is left.
    """

    made: tuple[int, ...]
    began: bool
    next: Open | None


def reach(*, amount: Money, open_items: Sequence[Open]) -> Reach:
    """Return how far an amount reaches over the open payments of a plan, given in the order of their days.

    150.00 over 100.00, 100.00 and 100.00 makes the first, and the second has 50.00 left.

    :raises portal.money.CurrencyMismatch: if a payment is of another currency.
    """
    left = amount
    made: list[int] = []
    for item in open_items:
        if left < item.missing:
            rest = Open(number=item.number, due_on=item.due_on, missing=item.missing - left)
            return Reach(made=tuple(made), began=bool(left), next=rest)
        left -= item.missing
        made.append(item.number)
    return Reach(made=tuple(made), began=False, next=None)
