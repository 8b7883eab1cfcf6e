"""RULES  One debt under one card, paid at one frequency from one date: least payment, what is affordable, level plans.

Invariant: each plan is drawn once, however often it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from itertools import groupby

from portal.affordability.surplus import affordable
from portal.interest import months_later
from portal.limits.cards import Limits, RateBand, YearDay
from portal.money import Money, level
from portal.offers.asked import Regular
from portal.offers.owed import Means, Owed
from portal.offers.trace import Rule, Trace
from portal.schedules import drawing, schedule
from portal.schedules.arrangements import Arrangement, Kind
from portal.schedules.dates import Frequency, per_year, periods_in
from portal.schedules.rates import Band, Terms
from portal.schedules.schedule import Schedule, interest_of, level_payment, periodic_rate

# Over long periods it matters how much of the first one is gone already.
_LONG = (Frequency.QUARTERLY, Frequency.SEASONAL)


@dataclass(frozen=True)
class Reckoning:
    """What all answers reckon with. `balance` is what the payments repay, which a down payment or a waiver lessens."""

    owed: Owed
    limits: Limits
    balance: Money
    frequency: Frequency
    first: date
    anchor_day: int | None
    means: Means | None
    today: date
    trace: Trace
    bearing: Fraction
    _drawn: dict[tuple[Money, bool], Schedule] = field(default_factory=dict)

    @cached_property
    def season(self) -> tuple[int, ...]:
        """The months of the year in which is paid, if it is seasonal."""
        return self.limits.season if self.frequency is Frequency.SEASONAL else ()

    @cached_property
    def per_year(self) -> int:
        """How many payments a year has."""
        return per_year(frequency=self.frequency, season=self.season)

    @cached_property
    def annual_rate(self) -> Decimal:
        """The yearly rate in percent outside of seasons with a rate of their own."""
        return self.limits.plan_rate(contract_rate=self.owed.annual_rate)

    @cached_property
    def terms(self) -> Terms:
        """The terms that arrangements are drawn from."""
        return Terms(
            balance=self.balance,
            first=self.first,
            frequency=self.frequency,
            annual_rate=self.annual_rate,
            bands=tuple(self._bands()),
            bearing=self.bearing,
            since=self.today if self.frequency in _LONG else None,
            anchor_day=self.anchor_day,
            season=self.season,
        )

    def _bands(self) -> Iterator[Band]:
        """Give the seasons as dates for as long as a plan can last, where they lower the rate."""
        last = self.first.year + -(-self.limits.hardship_max_term_months // 12) + 1
        yield from seasons(self.limits, annual_rate=self.annual_rate, first_year=self.today.year - 1, last_year=last)

    @cached_property
    def _varies(self) -> bool:
        return bool(self.annual_rate) and (self.frequency in _LONG or bool(self.limits.rate_bands))

    @cached_property
    def first_rate(self) -> Fraction:
        """The rate of the first period as a part of one."""
        if not self.annual_rate:
            return Fraction(0)
        if self._varies:
            return self.terms.periods(1)[0].rate
        return periodic_rate(annual_rate=self.annual_rate, frequency=self.frequency) * self.bearing

    @cached_property
    def first_interest(self) -> Money:
        """What the first period's interest comes to: no payment may be less or the same."""
        return interest_of(self.balance, self.first_rate)

    @cached_property
    def longest(self) -> int:
        """The most payments of a usual plan."""
        months = self.limits.max_term_months
        if self.limits.person_up_to_months is not None:
            months = min(months, self.limits.person_up_to_months)
        return self.periods_in(months)

    def periods_in(self, months: int) -> int:
        """Return how many payments lie in so many months, one at least."""
        return periods_in(months=months, frequency=self.frequency, season=self.season)

    @cached_property
    def most_at_once(self) -> Money:
        """The balance with the interest of one period: nobody can pay more than that in one item."""
        return self.balance + self.first_interest

    @cached_property
    def floor(self) -> Money:
        """The least payment a month of the card, for a period."""
        return self._a_period(self.limits.least_payment(balance=self.balance))

    @cached_property
    def by_term(self) -> Money:
        """The least payment of a period that repays in the longest usual term."""
        return self.level(self.longest)

    @cached_property
    def least(self) -> Money:
        """The least payment of a period that the lender publishes: repaid in the standard term, not below the least
        payment a month, and not above what can be paid at once, which three months' payments may exceed."""
        by_term = self.by_term
        self.trace.add(Rule.LEAST_BY_TERM, by_term, balance=self.balance, rates=self._rates(self.longest))
        self.trace.add(
            Rule.LEAST_BY_MONTH,
            self.floor,
            amount=self.limits.min_payment,
            percent_bps=self.limits.min_percent_bps,
            balance=self.balance,
            per_year=self.per_year,
        )
        least = min(max(by_term, self.floor), self.most_at_once)
        self.trace.add(Rule.LEAST_PAYMENT, least, by_term=by_term, by_month=self.floor, most_at_once=self.most_at_once)
        return least

    @cached_property
    def least_in_hardship(self) -> Money:
        """The same in hardship, without interest; never shown."""
        months = self.limits.hardship_max_term_months
        if self.limits.person_up_to_months is not None:
            months = min(months, self.limits.person_up_to_months)
        count = self.periods_in(months)
        by_term = level(self.balance, count)[0]
        floor = self._a_period(min(self.limits.hardship_min_payment, self.balance))
        least = min(max(by_term, floor), self.least)
        self.trace.add(
            Rule.LEAST_IN_HARDSHIP,
            least,
            balance=self.balance,
            count=count,
            by_term=by_term,
            floor=floor,
            usual=self.least,
        )
        return least

    @cached_property
    def affordable_a_month(self) -> Money | None:
        """What is left over less the cushion, in whole steps; None where it is not known."""
        if self.means is None:
            return None
        found = affordable(
            surplus=self.means.amount, cushion_bps=self.limits.cushion_bps, step=self.limits.affordability_step
        )
        self.trace.add(
            Rule.AFFORDABLE_A_MONTH,
            found,
            surplus=self.means.amount,
            evidence=self.means.evidence,
            cushion_bps=self.limits.cushion_bps,
            step=self.limits.affordability_step,
        )
        return found

    @cached_property
    def affordable_a_period(self) -> Money | None:
        """The same for a period, rounded down so that all payments of a month stay inside it."""
        a = self.affordable_a_month
        if a is None:
            return None
        can = Money(a.minor * 12 // self.per_year, a.currency)
        self.trace.add(Rule.AFFORDABLE_A_PERIOD, can, a_month=a, per_year=self.per_year)
        return can

    def in_whole_steps(self, payment: Money) -> Money:
        """Round a payment down to whole steps, but not below the least payment."""
        return max(payment - Money(payment.minor % self.limits.affordability_step.minor, payment.currency), self.least)

    def can_pay(self, payment: Money) -> bool:
        """Tell whether a payment of each period is affordable."""
        a = self.affordable_a_month
        return a is None or payment.minor * self.per_year <= a.minor * 12

    def fits(self, plan: Schedule) -> bool:
        """Tell whether a month's payments are affordable; a plan that is over within a month costs only its total."""
        a = self.affordable_a_month
        return a is None or self.can_pay(plan.largest) or plan.total <= a

    def level(self, count: int) -> Money:
        """Return the least level payment that repays the balance in at most so many periods.

        The formula rounds no interest. Where that of small balances is rounded down, a unit less repays too, and
        whoever asks for that is not refused: 0.96 at 4.5% in 4 weeks is 0.24 and not the formula's 0.25.
        """
        if self._varies:
            least = drawing.level_payment_over(balance=self.balance, periods=self.terms.periods(count))
        else:
            least = level_payment(balance=self.balance, rate=self.first_rate, count=count)
        one = Money(1, least.currency)
        while self.annual_rate and self._repays(least - one, count):
            least -= one
        return least

    def _repays(self, payment: Money, count: int) -> bool:
        left = self.balance.minor
        for many, rate in self._rates(count):
            above, below = rate.numerator, rate.denominator
            for _ in range(many):
                interest = (2 * left * above + below) // (2 * below)
                if payment.minor <= interest:
                    return False
                left += interest - payment.minor
                if left <= 0:
                    return True
        return False

    def _rates(self, count: int) -> tuple[tuple[int, Fraction], ...]:
        """Return how many periods bear which rate, one run after another."""
        if not self._varies:
            return ((count, self.first_rate),)
        runs = groupby(period.rate for period in self.terms.periods(count))
        return tuple((len(list(run)), rate) for rate, run in runs)

    def pay(self, payment: Money, *, frozen: bool = False) -> Schedule:
        """Draw the plan of a payment; a hardship plan bears no interest.

        :raises portal.schedules.schedule.NeverEnds: if it doesn't exceed the interest of a period.
        """
        key = (payment, frozen)
        if key not in self._drawn:
            self._drawn[key] = self._pay(payment, frozen)
        return self._drawn[key]

    def _pay(self, payment: Money, frozen: bool) -> Schedule:
        if self.frequency is Frequency.SEASONAL or (self._varies and not frozen):
            terms = self.terms
            if frozen:
                terms = Terms(self.balance, self.first, self.frequency, anchor_day=self.anchor_day, season=self.season)
            return drawing.by_payment(terms, payment)
        return schedule.by_payment(
            balance=self.balance,
            rate=Fraction(0) if frozen else self.first_rate,
            payment=payment,
            first=self.first,
            frequency=self.frequency,
            anchor_day=self.anchor_day,
        )

    def count(self, payment: Money) -> int:
        """Return how many payments the plan of a payment has, without drawing it where that isn't needed.

        :raises portal.schedules.schedule.NeverEnds: if it doesn't exceed the interest of a period.
        """
        if self._varies or payment <= self.first_interest:
            return self.pay(payment).count
        rate, left, found = self.first_rate, self.balance.minor, 0
        while left > 0:
            left += (2 * left * rate.numerator + rate.denominator) // (2 * rate.denominator) - payment.minor
            found += 1
        return found

    def within(self, count: int) -> Schedule:
        """Draw the level plan of at most so many payments, none of them below the least."""
        return self.pay(max(self.level(count), self.least))

    def needs_person(self, count: int) -> bool:
        """Tell whether a plan of so many payments is longer than what is agreed without a person."""
        alone = self.limits.auto_accept_months
        return not alone or count > self.periods_in(alone)

    def _a_period(self, a_month: Money) -> Money:
        return Money(-(-a_month.minor * 12 // self.per_year), a_month.currency)


@dataclass(frozen=True, slots=True)
class Case:
    """What an answer is about, whatever is asked for."""

    owed: Owed
    limits: Limits
    means: Means | None
    today: date
    trace: Trace

    def reckon(self, wanted: Regular, *, balance: Money | None = None) -> Reckoning:
        """Return what regular payments are reckoned with: of all that is owed, or of what is left of it."""
        return Reckoning(
            owed=self.owed,
            limits=self.limits,
            balance=self.owed.balance if balance is None else balance,
            frequency=wanted.frequency,
            first=wanted.first_due,
            anchor_day=wanted.anchor_day,
            means=self.means,
            today=self.today,
            trace=self.trace,
            bearing=self.owed.bearing,
        )


def arranged(plan: Schedule, *, frozen: bool = False) -> Arrangement:
    """Return a plan of level payments as an arrangement."""
    seasonal = plan.frequency is Frequency.SEASONAL
    cost = Money.zero(plan.payment.currency) if frozen else plan.total_interest
    return Arrangement(Kind.SEASONAL if seasonal else Kind.INSTALMENTS, plan, cost=cost)


def seasons(limits: Limits, *, annual_rate: Decimal, first_year: int, last_year: int) -> Iterator[Band]:
    """Give the seasons of a card as dates between two years, where they lower a yearly rate."""
    for band in limits.rate_bands:
        if band.rate < annual_rate:
            for start, end in _dated(band, first_year, last_year):
                yield Band(band.rate, start, end + timedelta(days=1))


def _dated(band: RateBand, first_year: int, last_year: int) -> Iterator[tuple[date, date]]:
    if isinstance(band.first, YearDay) and isinstance(band.last, YearDay):
        for year in range(first_year, last_year + 1):
            yield _day_in(year, band.first), _day_in(year, band.last)
    elif isinstance(band.first, date) and isinstance(band.last, date):
        yield band.first, band.last


def _day_in(year: int, day: YearDay) -> date:
    return months_later(date(year, day.month, 1), 0, anchor_day=day.day)
