"""RULES  Whether a lender offers this rhythm and this first date, and if not, the nearest that it does.

Invariant: what comes out lies between today and the last first date that the card allows, in the card's rhythms.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from portal.limits.cards import Limits
from portal.money import Money
from portal.offers.answers import Reason
from portal.offers.asked import Regular
from portal.offers.trace import Rule, Trace
from portal.schedules.dates import Frequency, due_dates, first_due, per_year

# So many days never hold two dates of a rhythm.
_AT_LEAST: Final = {
    Frequency.WEEKLY: 7,
    Frequency.FORTNIGHTLY: 14,
    Frequency.FOUR_WEEKLY: 28,
    Frequency.TWICE_A_MONTH: 13,
    Frequency.MONTHLY: 28,
    Frequency.QUARTERLY: 89,
    Frequency.SEASONAL: 28,
}


@dataclass(frozen=True, slots=True)
class Window:
    """The days on which the first payment may be due, both counted, and today."""

    earliest: date
    latest: date
    today: date

    @classmethod
    def of(cls, limits: Limits, *, today: date) -> Window:
        """Return the days that a card allows."""
        return cls(today, today + timedelta(days=limits.first_payment_within_days), today)

    def after(self, pay_by: date, then: Regular, limits: Limits) -> Window:
        """Return the days for the payment after a down payment: as many again, or one period if that is longer."""
        within = pay_by + timedelta(days=limits.first_payment_within_days)
        if then.frequency is not Frequency.SEASONAL:
            within = max(within, next_due(then, pay_by))
        return Window(pay_by + timedelta(days=1), within, self.today)


def next_due(asked: Regular, day: date) -> date:
    """Return the date of the same rhythm that follows a day of it."""
    return due_dates(first=day, frequency=asked.frequency, count=2, anchor_day=asked.anchor_day)[1]


def possible(asked: Regular, limits: Limits, window: Window, trace: Trace) -> tuple[Regular, tuple[Reason, ...]]:
    """Return what is asked with a rhythm and a first date that the lender offers, and what had to be changed."""
    hindrances: list[Reason] = []
    wanted = asked
    if asked.frequency is Frequency.SEASONAL and asked.frequency in limits.frequencies and limits.season:
        wanted, why = _in_season(asked, limits, window)
        hindrances += why
    if wanted.frequency not in limits.frequencies or (wanted.frequency is Frequency.SEASONAL and not limits.season):
        hindrances.append(Reason.FREQUENCY_NOT_OFFERED)
        wanted = _another_rhythm(wanted, limits)
    if wanted.frequency is not asked.frequency or hindrances:
        trace.add(Rule.FREQUENCY, wanted.frequency, asked=asked.frequency, offered=limits.frequencies)
    first, anchor = wanted.first_due, wanted.anchor_day
    if first < window.earliest:
        past = first < window.today
        hindrances.append(Reason.FIRST_PAYMENT_IN_THE_PAST if past else Reason.FIRST_PAYMENT_TOO_EARLY)
        first = _next_from(wanted, limits, window.earliest)
    if first > window.latest:
        hindrances.append(Reason.FIRST_PAYMENT_TOO_LATE)
        first, anchor = window.latest, None
    trace.add(Rule.FIRST_PAYMENT, first, asked=asked.first_due, earliest=window.earliest, latest=window.latest)
    return Regular(wanted.payment, wanted.frequency, first, anchor), tuple(hindrances)


def _in_season(asked: Regular, limits: Limits, window: Window) -> tuple[Regular, tuple[Reason, ...]]:
    """Move a first date into the season; where none lies in the window the rhythm itself is not possible."""
    if window.earliest <= asked.first_due <= window.latest and asked.first_due.month in limits.season:
        return asked, ()
    day = asked.anchor_day or asked.first_due.day
    first = first_due(
        today=window.earliest, frequency=Frequency.SEASONAL, pay_day=day, earliest_days=0, season=limits.season
    )
    if first > window.latest:
        return _another_rhythm(asked, limits), (Reason.FREQUENCY_NOT_OFFERED,)
    return Regular(asked.payment, asked.frequency, first, day), (Reason.FIRST_PAYMENT_OUT_OF_SEASON,)


def _another_rhythm(asked: Regular, limits: Limits) -> Regular:
    """Return the same money a month in a rhythm that is offered; monthly if it is."""
    offered: list[Frequency] = [each for each in limits.frequencies if each is not Frequency.SEASONAL] or list(
        limits.frequencies
    )
    frequency = Frequency.MONTHLY if Frequency.MONTHLY in offered else offered[0]
    # A season that the card doesn't know is taken for one payment a year.
    known = asked.frequency is not Frequency.SEASONAL or bool(limits.season)
    before = per_year(frequency=asked.frequency, season=limits.season) if known else 1
    after = per_year(frequency=frequency, season=limits.season)
    return Regular(Money(asked.payment.minor * before // after, asked.payment.currency), frequency, asked.first_due)


def _next_from(asked: Regular, limits: Limits, earliest: date) -> date:
    """Return the first date of the same rhythm that isn't before a day."""
    periods = (earliest - asked.first_due).days // _AT_LEAST[asked.frequency] + 2
    days = due_dates(
        first=asked.first_due,
        frequency=asked.frequency,
        count=periods,
        anchor_day=asked.anchor_day,
        season=limits.season,
    )
    return next(day for day in days if day >= earliest)
