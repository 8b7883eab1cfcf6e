"""One plan to choose, as the values that its card, its picture and the picture's table show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from portal.debts.statement import Standing
from portal.money import Money
from portal.plans.words import choice_title, effects, pays_words, total_words
from portal.schedules.arrangements import Arrangement
from portal.schedules.schedule import Schedule

# So many rows of the picture's table tell how what is left falls, and stay on one screen.
_ROWS = 6
Points = tuple[tuple[date, Money], ...]


def in_short(key: str, arrangement: Arrangement) -> dict[str, Any]:
    """Give what a page says of one plan where nothing is chosen yet: no picture, and nothing that it brings."""
    schedule = scheduled(arrangement)
    return {
        "title": choice_title(key),
        "pays": pays_words(schedule),
        "count": schedule.count,
        "ends_on": schedule.ends_on,
        "total": schedule.total,
        "total_words": total_words(arrangement.left_at_review),
    }


def offer_card(key: str, arrangement: Arrangement, *, debt: Standing, today: date) -> dict[str, Any]:
    """Give what the card of one plan shows."""
    schedule = scheduled(arrangement)
    left = arrangement.left_at_review
    against_today = schedule.total - debt.owed + (left if left is not None else Money.zero(debt.owed.currency))
    return {
        "key": key,
        "title": choice_title(key),
        "pays": pays_words(schedule),
        "count": schedule.count,
        "first_due": schedule.starts_on,
        "ends_on": schedule.ends_on,
        "total": schedule.total,
        "total_words": total_words(arrangement.left_at_review),
        "effects": effects(arrangement),
        "more": against_today if against_today.minor > 0 else None,
        "less": -against_today if against_today.minor < 0 else None,
        "mine": key == "own",
        "falling": falling(arrangement, owed=debt.owed, today=today),
    }


def offer_cards(choices: Mapping[str, Arrangement], *, debt: Standing, today: date) -> list[dict[str, Any]]:
    """Give the cards of all plans that can be chosen, in their order."""
    return [offer_card(key, each, debt=debt, today=today) for key, each in choices.items()]


def scheduled(arrangement: Arrangement) -> Schedule:
    """Give the payments of a plan that can be chosen.

    :raises LookupError: if there are none, which is never offered.
    """
    if arrangement.schedule is None:
        raise LookupError(arrangement.kind)
    return arrangement.schedule


def falling(arrangement: Arrangement, *, owed: Money, today: date) -> Points:
    """Give what is left today, and after each payment; what is let off with a payment falls with it."""
    schedule = scheduled(arrangement)
    nothing = Money.zero(owed.currency)
    waived: Sequence[Money] = (nothing,) * schedule.count
    if arrangement.waiver is not None:
        waived = arrangement.waiver.with_item
    left = arrangement.left_at_review or nothing
    found = []
    for item, off in reversed(list(zip(schedule.items, waived, strict=True))):
        found.append((item.due_on, left))
        left += item.principal + off
    return ((today, owed), *reversed(found))


def years_of(pictures: Sequence[Points]) -> list[tuple[date, list[Money]]]:
    """Give the rows of the table beside a picture of falling balances: some days, and what is left then in each."""
    first = pictures[0][0][0]
    last = max(points[-1][0] for points in pictures)
    span = (last - first).days
    days = sorted({first + timedelta(days=span * row // _ROWS) for row in range(_ROWS + 1)})
    return [(day, [_left_on(day, points) for points in pictures]) for day in days]


def _left_on(day: date, points: Points) -> Money:
    return next(left for on, left in reversed(points) if on <= day)
