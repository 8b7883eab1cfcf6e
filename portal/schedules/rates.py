"""RULES  Which rate each instalment bears, where the rate changes with the seasons or stands still for a while.

Invariant: one exact rate an item, as a part of one, for the whole of its period; nothing is rounded here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

from portal.interest import DayCount, months_later, year_fraction
from portal.money import Money
from portal.schedules.dates import Frequency, due_dates


@dataclass(frozen=True, slots=True)
class Band:
    """A yearly rate in percent that holds from a day (counted) until another (not counted)."""

    annual_rate: Decimal
    starts_on: date
    ends_on: date


class Period(NamedTuple):
    """What an item is drawn from: its due date, and the rate of the time since the item before, as a part of one."""

    due_on: date
    rate: Fraction


@dataclass(frozen=True, slots=True)
class Terms:
    """What is owed, how often and from when it is paid, and what interest it bears meanwhile.

    `annual_rate` is percent a year; a band that covers a day counts instead of it, the first one where there are two.
    `bearing` is the share of the balance that bears interest. Interest runs since a day; if none is named, the first
    item bears one whole period. The day count is the contract's; without one, periods are equal (a month is 1/12 of a
    year, a week 1/52) and odd days before the first item are a 365th each.
    """

    balance: Money
    first: date
    frequency: Frequency
    annual_rate: Decimal = Decimal(0)
    bands: tuple[Band, ...] = ()
    bearing: Fraction = Fraction(1)
    since: date | None = None
    day_count: DayCount | None = None
    anchor_day: int | None = None
    season: tuple[int, ...] = ()

    def dates(self, count: int) -> tuple[date, ...]:
        """Return the due dates of so many items."""
        return due_dates(
            first=self.first,
            frequency=self.frequency,
            count=count,
            anchor_day=self.anchor_day,
            season=self.season,
        )

    @property
    def runs_since(self) -> date:
        """The day from which the first item bears interest: one period before it unless another is named."""
        if self.since is not None:
            return self.since
        match self.frequency:
            case Frequency.WEEKLY | Frequency.FORTNIGHTLY | Frequency.FOUR_WEEKLY:
                return self.first - timedelta(days=364 // self.frequency.per_year)
            case Frequency.TWICE_A_MONTH:
                return self.first - timedelta(days=15)
            case Frequency.MONTHLY | Frequency.QUARTERLY:
                return months_later(self.first, -(12 // self.frequency.per_year), anchor_day=self._anchor)
            case Frequency.SEASONAL:
                back = next(at for at in range(1, 13) if (self.first.month - at - 1) % 12 + 1 in self.season)
                return months_later(self.first, -back, anchor_day=self._anchor)

    @property
    def one_rate(self) -> Fraction | None:
        """The rate of every period, where all have the same; None where each has its own."""
        if not self.annual_rate and not self.bands:
            return Fraction(0)
        part = self._usual_part if self.day_count is None else None
        if part is None or self.since is not None or self.bands:
            return None
        return Fraction(self.annual_rate) / 100 * part * self.bearing

    def periods(self, count: int) -> tuple[Period, ...]:
        """Return the due date and rate of so many items.

        12% a year is 1/100 a month. At 10%, with 8% from 16 August, a month until 1 September is 10% for 15 of its 31
        days and 8% for 16.
        """
        return self.periods_on(self.dates(count))

    def periods_on(self, dates: Sequence[date]) -> tuple[Period, ...]:
        """Return the same for due dates of one's own choice."""
        only = self.one_rate
        if only is not None:
            return tuple([Period(day, only) for day in dates])
        part = self._usual_part if self.day_count is None else None
        # Nearly all periods of a plan bear one and the same rate, which is reckoned once.
        known: dict[Decimal, Fraction] = {}
        found, before = [], self.runs_since
        for at, day in enumerate(dates):
            whole = part if self.since is None or at else None
            if whole is None or (self.bands and self._changes_between(before, day)):
                rate = self.rate_between(before, day, whole=whole)
            else:
                annual = self.rate_on(before)
                if annual not in known:
                    known[annual] = Fraction(annual) / 100 * whole * self.bearing
                rate = known[annual]
            found.append(Period(day, rate))
            before = day
        return tuple(found)

    def rate_between(self, start: date, end: date, *, whole: Fraction | None = None) -> Fraction:
        """Return the rate from one day to another as a part of one; `whole` is the part of a year if it is known."""
        if end < start:
            raise ValueError(start, end)
        if self.day_count is not None:
            return self._by_day_count(start, end, self.day_count)
        part = part_of_year(start, end, anchor_day=self._anchor) if whole is None else whole
        days = (end - start).days
        if not days:
            return Fraction(0)
        average = sum((rate * ((to - since).days) for since, to, rate in self._pieces(start, end)), Fraction(0)) / days
        return average / 100 * part * self.bearing

    @property
    def _anchor(self) -> int:
        """The day of the month that is meant, as `due_dates` takes it."""
        anchor = self.anchor_day or self.first.day
        return anchor if months_later(self.first, 0, anchor_day=anchor) == self.first else self.first.day

    @property
    def _usual_part(self) -> Fraction | None:
        return None if self.frequency is Frequency.SEASONAL else Fraction(1, self.frequency.per_year)

    def _by_day_count(self, start: date, end: date, day_count: DayCount) -> Fraction:
        rates = (
            rate * year_fraction(start=since, end=to, day_count=day_count)
            for since, to, rate in self._pieces(start, end)
        )
        return sum(rates, Fraction(0)) / 100 * self.bearing

    def _changes_between(self, start: date, end: date) -> bool:
        return any(start < band.starts_on < end or start < band.ends_on < end for band in self.bands)

    def _pieces(self, start: date, end: date) -> list[tuple[date, date, Fraction]]:
        """Cut a time where the rate changes."""
        edges = {day for band in self.bands for day in (band.starts_on, band.ends_on) if start < day < end}
        cuts = [start, *sorted(edges), end]
        return [(since, to, Fraction(self.rate_on(since))) for since, to in zip(cuts, cuts[1:], strict=False)]

    def rate_on(self, day: date) -> Decimal:
        """Return the yearly rate in percent that counts on a day."""
        for band in self.bands:
            if band.starts_on <= day < band.ends_on:
                return band.annual_rate
        return self.annual_rate


_DAYS: Final = 365


def part_of_year(start: date, end: date, *, anchor_day: int | None = None) -> Fraction:
    """Return whole months as twelfths, and the days that are left before them as 365ths.

    15 March to 1 May is 1/12 (April) and 17/365 (15 March to 1 April): months are counted back from the end.
    From 31 January to 28 February is a whole month where the anchor day is the 31st.
    """
    if anchor_day is not None and months_later(end, 0, anchor_day=anchor_day) != end:
        anchor_day = None
    months = (end.year - start.year) * 12 + end.month - start.month
    if months_later(end, -months, anchor_day=anchor_day) < start:
        months -= 1
    months = max(months, 0)
    return Fraction(months, 12) + Fraction((months_later(end, -months, anchor_day=anchor_day) - start).days, _DAYS)
