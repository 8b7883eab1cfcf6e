"""RULES  What time costs: day counts, accrual, annual rates as the US and the EU state them, internal rates of return.

Invariant: rates go in and come out as percent (`Decimal("18")` is 18%), and nothing is rounded to money here.
"""

from __future__ import annotations

from calendar import isleap, monthrange
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Context, Decimal, localcontext
from enum import Enum
from fractions import Fraction
from typing import Final

from portal.money import Money

_WIDE: Final = Context(prec=50)

# Below this a rate loses nearly everything in a period; above it no contract of the world has a meaning.
_LOWEST_RATE: Final = Decimal("-0.999999")
_HIGHEST_RATE: Final = Decimal("1E9")
_CLOSE_ENOUGH: Final = Decimal("1E-20")


class NoRate(ValueError):
    """No rate makes the advances equal to the payments."""


class DayCount(Enum):
    """How a contract counts the days of a year."""

    ACT_365F = "act/365F"
    ACT_360 = "act/360"
    THIRTY_360_US = "30/360US"
    THIRTY_E_360 = "30E/360"
    ACT_ACT_ISDA = "act/act ISDA"


def year_fraction(*, start: date, end: date, day_count: DayCount) -> Fraction:
    """Return the part of a year from start (counted) to end (not counted); 2006 ISDA Definitions 4.16.

    30/360US is the bond basis of 4.16(f), without a special rule for the end of February.

    :raises ValueError: if end lies before start.
    """
    if end < start:
        raise ValueError(start, end)
    match day_count:
        case DayCount.ACT_365F:
            return Fraction((end - start).days, 365)
        case DayCount.ACT_360:
            return Fraction((end - start).days, 360)
        case DayCount.THIRTY_360_US:
            first = min(start.day, 30)
            last = 30 if end.day == 31 and first == 30 else end.day
            return _thirty_360(start, first, end, last)
        case DayCount.THIRTY_E_360:
            return _thirty_360(start, min(start.day, 30), end, min(end.day, 30))
        case DayCount.ACT_ACT_ISDA:
            if start.year == end.year:
                return Fraction((end - start).days, _days_in(start.year))
            before = Fraction((date(start.year + 1, 1, 1) - start).days, _days_in(start.year))
            after = Fraction((end - date(end.year, 1, 1)).days, _days_in(end.year))
            return before + (end.year - start.year - 1) + after


def _thirty_360(start: date, first: int, end: date, last: int) -> Fraction:
    return Fraction(360 * (end.year - start.year) + 30 * (end.month - start.month) + last - first, 360)


def _days_in(year: int) -> int:
    return 366 if isleap(year) else 365


def accrue(*, principal: Money, annual_rate: Decimal, start: date, end: date, day_count: DayCount) -> Decimal:
    """Return simple interest in unrounded minor units of the principal's currency.

    10,000.00 at 18% act/365 for 30 days is `Decimal("14794.52...")` cents; round once, at posting
    (rounding each day would give 147.90 instead of 147.95).

    :raises ValueError: if end lies before start.
    """
    part = year_fraction(start=start, end=end, day_count=day_count)
    exact = principal.minor * Fraction(annual_rate) / 100 * part
    return _WIDE.divide(Decimal(exact.numerator), Decimal(exact.denominator))


def months_later(day: date, months: int, *, anchor_day: int | None = None) -> date:
    """Return the same day so many months later (or earlier), or the last day of a month that is too short.

    The anchor day, if given, is the day of the month that is meant: 28 February with anchor 31 gives 31 March.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(anchor_day or day.day, monthrange(year, month + 1)[1]))


class EuUnit(Enum):
    """The period in which the flows of a credit come, for the EU annual rate."""

    YEAR = "y"
    MONTH = "m"
    WEEK = "w"


def eu_interval(*, start: date, end: date, unit: EuUnit) -> Fraction:
    """Return the years from the first drawdown to a flow, as the EU annual rate counts them.

    Whole periods are counted backwards from the flow; days that are left are divided by the length (365 or 366) of
    the year that ends where they begin to count. 2012-01-12 to 2012-02-15 in months is 1/12 + 3/365.
    Source: SWD(2012)128 section 4.1.1; Directive 2008/48/EC Annex I.

    :raises ValueError: if end lies before start.
    """
    if end < start:
        raise ValueError(start, end)
    if unit is EuUnit.WEEK:
        whole = (end - start).days // 7
        return Fraction(whole, 52) + _days_over_year(start, end - timedelta(weeks=whole))
    months = 12 if unit is EuUnit.YEAR else 1
    whole, anchor = _whole_months_back(start, end, months)
    return Fraction(whole * months, 12) + _days_over_year(start, anchor)


def _whole_months_back(start: date, end: date, months: int) -> tuple[int, date]:
    """Return how often so many months fit between, counted back from the end, and the date that is reached."""
    whole = ((end.year - start.year) * 12 + end.month - start.month) // months
    # From the 31st to the 28th of February is one whole month although 28 January lies before the 31st.
    if whole > 0 and months_later(start, whole * months) == end:
        return whole, start
    while whole > 0 and months_later(end, -whole * months) < start:
        whole -= 1
    return whole, months_later(end, -whole * months)


def _days_over_year(start: date, anchor: date) -> Fraction:
    return Fraction((anchor - start).days, (anchor - months_later(anchor, -12)).days)


@dataclass(frozen=True, slots=True)
class Flow:
    """An amount of a credit, at a time in years after the first drawdown; any unit of money, the same in one sum."""

    years: Fraction
    amount: Decimal


def apr_eu(*, advances: Sequence[Flow], payments: Sequence[Flow]) -> Decimal:
    """Return the EU annual percentage rate of charge, in percent, unrounded (state it to one decimal, half up).

    500 repaid as 270 and 270 after one and two months is 85.5851%.
    Source: Directive 2008/48/EC Annex I: sum of C_k (1+X)^-t_k equals sum of D_l (1+X)^-s_l.

    :raises NoRate: if no rate makes both sides equal.
    """
    signed = [(-flow.amount, flow.years) for flow in advances] + [(flow.amount, flow.years) for flow in payments]
    signed.sort(key=lambda each: each[1])
    starts = [Fraction(0)] + [years for _amount, years in signed]
    flows = [(amount, years, years - since) for (amount, years), since in zip(signed, starts, strict=False)]

    def present_value(rate: Decimal) -> tuple[Decimal, Decimal]:
        value = slope = Decimal(0)
        base = 1 + rate
        factor = Decimal(1)
        # A power with a fraction is dear, and nearly all payments come in one of a few distances.
        over: dict[Fraction, Decimal] = {Fraction(0): factor}
        for amount, years, gap in flows:
            if gap not in over:
                over[gap] = base ** (-Decimal(gap.numerator) / Decimal(gap.denominator))
            factor *= over[gap]
            discounted = amount * factor
            value += discounted
            slope -= discounted * years.numerator / years.denominator / base
        return value, slope

    return _root(present_value) * 100


@dataclass(frozen=True, slots=True)
class UnitPeriod:
    """A unit-period of Reg Z: so many months, so many weeks, or half a month."""

    months: int = 0
    weeks: int = 0

    @property
    def per_year(self) -> Fraction:
        """How many of them a year has: 12 for months, 52 for weeks, 24 for half months (neither months nor weeks)."""
        if self.months:
            return Fraction(12, self.months)
        return Fraction(52, self.weeks) if self.weeks else Fraction(24)


MONTHLY_UNITS: Final = UnitPeriod(months=1)
WEEKLY_UNITS: Final = UnitPeriod(weeks=1)
SEMIMONTHLY_UNITS: Final = UnitPeriod()


def unit_periods(*, start: date, end: date, unit: UnitPeriod) -> tuple[int, Fraction]:
    """Return the whole unit-periods and the fraction of one between two dates, counted backwards from the end.

    10 February to 1 April 1978 in months is 1 and 19/30. Source: 12 CFR 1026 App. J (b)(5).

    :raises ValueError: if end lies before start.
    """
    if end < start:
        raise ValueError(start, end)
    days = (end - start).days
    if unit.weeks:
        whole, left = divmod(days, 7 * unit.weeks)
        return whole, Fraction(left, 7 * unit.weeks)
    single, anchor = _whole_months_back(start, end, 1)
    left = (anchor - start).days
    if not unit.months:
        halves, days_left = divmod(left, 15)
        # 15 to 30 days are one half month; a month of 31 days must not count as two of them.
        return single * 2 + min(halves, 1), Fraction(days_left if halves < 2 else 15, 15)
    whole, months_left = divmod(single, unit.months)
    return whole, Fraction(30 * months_left + left, 30 * unit.months)


@dataclass(frozen=True, slots=True)
class UnitFlow:
    """An amount of a credit, at whole unit-periods and a fraction of one after the first advance."""

    whole: int
    fraction: Fraction
    amount: Decimal


def apr_regz(*, advances: Sequence[UnitFlow], payments: Sequence[UnitFlow], per_year: Fraction | int) -> Decimal:
    """Return the US annual percentage rate, in percent, unrounded, by the actuarial method.

    5,000 repaid in 24 monthly payments of 230 is 9.69%.
    Source: 12 CFR 1026 App. J (b)(8): A / [(1 + f i)(1 + i)^t] over advances equals the same sum over payments; the
    rate is i times the unit-periods in a year.

    :raises NoRate: if no rate makes both sides equal.
    """
    flows = [(-flow.amount, flow.whole, flow.fraction) for flow in advances]
    flows += [(flow.amount, flow.whole, flow.fraction) for flow in payments]

    def present_value(rate: Decimal) -> tuple[Decimal, Decimal]:
        value = slope = Decimal(0)
        base = 1 + rate
        for amount, whole, fraction in flows:
            part = Decimal(fraction.numerator) / Decimal(fraction.denominator)
            odd = 1 + part * rate
            discounted = amount / (odd * base**whole)
            value += discounted
            slope -= discounted * (whole / base + part / odd)
        return value, slope

    rate = _root(present_value)
    return rate * 100 * Fraction(per_year).numerator / Fraction(per_year).denominator


def irr_periodic(*, principal: Money, payments: Sequence[Money]) -> Decimal:
    """Return the rate of one period, in percent, at which equally spaced payments repay the principal.

    12,000.00 in 12 payments of 1,072.00 is 1.0861854% a month. The first payment comes one period after the advance.

    :raises NoRate: if no rate does.
    """
    if any(payment.currency != principal.currency for payment in payments):
        raise NoRate(principal, payments)
    advance = UnitFlow(0, Fraction(0), Decimal(principal.minor))
    flows = [UnitFlow(at, Fraction(0), Decimal(payment.minor)) for at, payment in enumerate(payments, start=1)]
    return apr_regz(advances=[advance], payments=flows, per_year=1)


def nominal_annual(*, periodic: Decimal, per_year: int) -> Decimal:
    """Return the annual rate in percent without compounding: 1% a month is 12%."""
    return periodic * per_year


def effective_annual(*, periodic: Decimal, per_year: int) -> Decimal:
    """Return the annual rate in percent with compounding: 1% a month is 12.6825%."""
    with localcontext(_WIDE):
        return ((1 + periodic / 100) ** per_year - 1) * 100


def _root(present_value: Callable[[Decimal], tuple[Decimal, Decimal]]) -> Decimal:
    """Find the rate (as a part of one) at which the present value is zero: Newton's steps, kept inside a bracket."""
    with localcontext(_WIDE):
        low, high = _bracket(present_value)
        rate = low if low == high else (Decimal(0) if low < 0 < high else low)
        for _ in range(300):
            value, slope = present_value(rate)
            if not value:
                break
            low, high = (rate, high) if value > 0 else (low, rate)
            following = rate - value / slope if slope else low
            if not low < following < high:
                following = (low + high) / 2
            if abs(following - rate) < _CLOSE_ENOUGH * max(Decimal(1), abs(rate)):
                rate = following
                break
            rate = following
        return +rate


def _bracket(present_value: Callable[[Decimal], tuple[Decimal, Decimal]]) -> tuple[Decimal, Decimal]:
    """Return rates between which the present value falls through zero, near the usual ones first."""
    at_nothing, _ = present_value(Decimal(0))
    if not at_nothing:
        return Decimal(0), Decimal(0)
    if at_nothing > 0:
        low, high = Decimal(0), Decimal("0.1")
        while high < _HIGHEST_RATE:
            if present_value(high)[0] <= 0:
                return low, high
            low, high = high, high * 4
        raise NoRate
    low, high = Decimal("-0.1"), Decimal(0)
    while low > _LOWEST_RATE:
        if present_value(low)[0] >= 0:
            return low, high
        low, high = -1 + (1 + low) / 2, low
    raise NoRate
