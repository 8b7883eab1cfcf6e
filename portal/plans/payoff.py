"""RULES  What it costs to pay all of a debt, today and on the days to come, and until when each figure holds.

Invariant: the figure of a day is what stands in the books and the agreed interest that has come due by that day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from portal.money import Money


@dataclass(frozen=True, slots=True)
class Coming:
    """Agreed interest that is not in the books yet, and the day from which it is owed."""

    due_on: date
    interest: Money


@dataclass(frozen=True, slots=True)
class Figure:
    """What pays all of a debt on every day from `since` to `until`, both included; without `until` it stays."""

    amount: Money
    since: date
    until: date | None


def figures(*, owed: Money, coming: Sequence[Coming], today: date) -> tuple[Figure, ...]:
    """Return what pays all of a debt from today on, a figure for each stretch of days in which it stays the same.

    900.00 with 4.50 of interest due on 10 May and again on 10 June is, on 4 May: 900.00 until 9 May, 904.50 until
    9 June, 909.00 from then on. Interest that came due and is not posted yet is part of the first figure.

    :raises portal.money.CurrencyMismatch: if interest is of another currency.
    """
    amount, since = owed, today
    found: list[Figure] = []
    for item in sorted(coming, key=lambda each: each.due_on):
        if not item.interest:
            continue
        if item.due_on > since:
            found.append(Figure(amount=amount, since=since, until=item.due_on - timedelta(days=1)))
            since = item.due_on
        amount += item.interest
    return (*found, Figure(amount=amount, since=since, until=None))


def on(day: date, found: Sequence[Figure]) -> Money:
    """Return the figure of one day, today or later."""
    return next(figure.amount for figure in reversed(found) if figure.since <= day or figure is found[0])
