"""RULES  On which days instalments are due.

Invariant: every date is computed from the anchor, never from the date before; dates only ever rise.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from enum import Enum
from functools import lru_cache
from itertools import count as numbers
from itertools import islice
from typing import Final

from portal.interest import months_later

# The second payment of a month comes so many days after the first: on the 1st and the 16th, the 15th and the 30th.
_HALF_A_MONTH: Final = 15


class NoSeason(ValueError):
    """A seasonal rhythm without its months of the year, or with months that there are not."""

    def __init__(self, season: tuple[int, ...]) -> None:
        super().__init__(season)
        self.season = season


class Frequency(Enum):
    """How often an instalment is due. Seasonal is once in each chosen month of the year, such as 9 and 10."""

    WEEKLY = "weekly"
    FORTNIGHTLY = "fortnightly"
    FOUR_WEEKLY = "four_weekly"
    TWICE_A_MONTH = "twice_a_month"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    SEASONAL = "seasonal"

    @property
    def by_weekday(self) -> bool:
        """Whether the pay day is a day of the week (1 is Monday) and not a day of the month (1 to 31)."""
        return self in _WEEKS

    @property
    def per_year(self) -> int:
        """How many instalments a year has: 52 weekly, 13 four-weekly, 24 twice a month, 4 quarterly.

        :raises NoSeason: if it is seasonal, where that depends on the months: `per_year` below.
        """
        if self is Frequency.SEASONAL:
            raise NoSeason(())
        return _PER_YEAR[self]


_WEEKS: Final = {Frequency.WEEKLY: 1, Frequency.FORTNIGHTLY: 2, Frequency.FOUR_WEEKLY: 4}
_MONTHS: Final = {Frequency.MONTHLY: 1, Frequency.QUARTERLY: 3}
_PER_YEAR: Final = {
    Frequency.WEEKLY: 52,
    Frequency.FORTNIGHTLY: 26,
    Frequency.FOUR_WEEKLY: 13,
    Frequency.TWICE_A_MONTH: 24,
    Frequency.MONTHLY: 12,
    Frequency.QUARTERLY: 4,
}
# Those that need no months of the year beside them.
WITHOUT_SEASON: Final = tuple(_PER_YEAR)


def per_year(*, frequency: Frequency, season: tuple[int, ...] = ()) -> int:
    """Return how many instalments a year has; of a season of September and October two.

    :raises NoSeason: if it is seasonal without months from 1 to 12.
    """
    return len(_months_of(season)) if frequency is Frequency.SEASONAL else frequency.per_year


def periods_in(*, months: int, frequency: Frequency, season: tuple[int, ...] = ()) -> int:
    """Return how many instalments fit into a term of so many months, rounded down, at least one.

    24 months are 104 weekly, 26 four-weekly, 48 twice a month, 24 monthly or 8 quarterly instalments.

    :raises NoSeason: if it is seasonal without months from 1 to 12.
    """
    return max(1, months * per_year(frequency=frequency, season=season) // 12)


# Answers draw several plans on the same days.
@lru_cache(maxsize=256)
def due_dates(
    *,
    first: date,
    frequency: Frequency,
    count: int,
    anchor_day: int | None = None,
    season: tuple[int, ...] = (),
) -> tuple[date, ...]:
    """Return the dates of so many instalments, each computed from the first and never from the one before.

    From 31 January monthly: 28 February, 31 March, 30 April. Going from date to date would stay on the 28th for ever.
    From 15 January twice a month: 30 January, 15 February, 28 February, 15 March. From 30 September in a season of
    September and February: 28 February.
    The anchor day is the day of the month (1 to 31) that was chosen, where the first date falls short of it because its
    month is too short. Any other anchor is ignored, so that two dates are always about a period apart.

    :raises NoSeason: if it is seasonal without months from 1 to 12.
    """
    if frequency.by_weekday:
        step = timedelta(weeks=_WEEKS[frequency])
        return tuple(first + step * at for at in range(count))
    if count < 1:
        return ()
    if frequency is Frequency.TWICE_A_MONTH:
        return _twice_a_month(first, count, anchor_day)
    if anchor_day is not None and months_later(first, 0, anchor_day=anchor_day) != first:
        anchor_day = None
    if frequency is Frequency.SEASONAL:
        chosen = _months_of(season)
        at_months: Iterator[int] = (at for at in numbers(1) if (first.month + at - 1) % 12 + 1 in chosen)
    else:
        at_months = numbers(_MONTHS[frequency], _MONTHS[frequency])
    return (first, *(months_later(first, at, anchor_day=anchor_day) for at in islice(at_months, count - 1)))


def first_due(
    *,
    today: date,
    frequency: Frequency,
    pay_day: int,
    earliest_days: int = 1,
    season: tuple[int, ...] = (),
) -> date:
    """Return the first pay day that is at least so many days after today.

    The pay day is a day of the month (1 to 31), and by weeks a weekday (1 is Monday, 7 Sunday). Twice a month it is
    either of the two: 5 and 20 both mean the 5th and the 20th.

    :raises ValueError: if there is no such day.
    :raises NoSeason: if it is seasonal without months from 1 to 12.
    """
    earliest = today + timedelta(days=earliest_days)
    if not 1 <= pay_day <= (7 if frequency.by_weekday else 31):
        raise ValueError(pay_day)
    if frequency.by_weekday:
        return earliest + timedelta(days=(pay_day - earliest.isoweekday()) % 7)
    days = _pair(pay_day) if frequency is Frequency.TWICE_A_MONTH else (pay_day,)
    chosen = _months_of(season) if frequency is Frequency.SEASONAL else range(1, 13)
    possible = (months_later(earliest, at, anchor_day=day) for at in range(13) for day in days)
    return next(day for day in possible if day >= earliest and day.month in chosen)


def _twice_a_month(first: date, count: int, anchor_day: int | None) -> tuple[date, ...]:
    pair = _pair(anchor_day or first.day)
    if all(months_later(first, 0, anchor_day=day) != first for day in pair):
        pair = _pair(first.day)
    skipped = 0 if months_later(first, 0, anchor_day=pair[0]) == first else 1
    return tuple(months_later(first, at // 2, anchor_day=pair[at % 2]) for at in range(skipped, count + skipped))


def _pair(day: int) -> tuple[int, int]:
    """Return the two days of a month: the 5th or the 20th give both; the 31st gives the 16th and the last day."""
    early = day if day <= _HALF_A_MONTH else day - _HALF_A_MONTH
    return early, early + _HALF_A_MONTH


def _months_of(season: tuple[int, ...]) -> frozenset[int]:
    if not season or not all(1 <= month <= 12 for month in season):
        raise NoSeason(season)
    return frozenset(season)
