"""RULES  A running plan drawn again: what is still to come gets other dates or amounts, at the plan's own rates.

Invariant: what is past or paid stays as it is; the principal of a plan, and what it lets off, stay the same to the
unit; the total changes by nothing but interest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from functools import cache, partial
from itertools import pairwise
from typing import Any, Final, NamedTuple

from portal.interest import months_later
from portal.money import Money, total
from portal.schedules.arrangements import Vesting
from portal.schedules.dates import Frequency, due_dates
from portal.schedules.drawing import level_payment_over
from portal.schedules.pauses import Accrual, Keeps
from portal.schedules.rates import Band, Period, Terms, part_of_year
from portal.schedules.schedule import MOST_ITEMS, NeverEnds, TooManyItems, charge_of, interest_of

# A rest up to this share of the usual payment goes on the last payment; a larger one is a payment of its own.
_SMALL_REST: Final = Fraction(1, 10)
_STEP_DAYS: Final = {Frequency.WEEKLY: 7, Frequency.FORTNIGHTLY: 14, Frequency.FOUR_WEEKLY: 28}
_HALF_A_MONTH: Final = 15
_NO_RATE: Final = Fraction(0)


class Kind(Enum):
    """What is changed of a running plan. `EXTRA_BACK`: an extra payment went back, and so its effect."""

    MOVE = "move"
    PAY_DAY = "pay_day"
    SKIP = "skip"
    PAUSE = "pause"
    SHRINK = "shrink"
    EXTRA = "extra"
    EXTRA_BACK = "extra_back"


class Use(Enum):
    """What an extra payment is for: the next payments as they are, or the rest is drawn again around it."""

    NEXT = "next_payments"
    SOONER = "end_sooner"
    SMALLER = "smaller_payments"


class Payment(NamedTuple):
    """One payment of a plan. `extra`: it was paid beside the plan, and the rest was drawn again around it."""

    seq: int
    due_on: date
    principal: Money
    interest: Money
    waives: Money
    extra: bool = False

    @property
    def amount(self) -> Money:
        """What is paid."""
        return self.principal + self.interest

    @property
    def minor(self) -> int:
        """The same in minor units, for sums."""
        return self.principal.minor + self.interest.minor


def _minor(payment: Payment) -> int:
    return payment.minor


@dataclass(frozen=True, slots=True)
class Rates:
    """What a plan's interest is drawn by, as its quote pins it: percent a year, seasons, the share that bears it."""

    annual_rate: Decimal = Decimal(0)
    bands: tuple[Band, ...] = ()
    bearing: Fraction = Fraction(1)

    def between(self, start: date, end: date, *, frequency: Frequency, anchor_day: int | None) -> Fraction:
        """Return the rate from one day to another as a part of one; whole periods are equal, odd days a 365th each.

        12% a year from 15 March to 15 May is 2/100; to 20 May it is 2/100 and 5 of 365 days more.
        """
        if end <= start or not (self.annual_rate or self.bands):
            return _NO_RATE
        whole = _regular(start, end, frequency=frequency, anchor_day=anchor_day)
        if whole is None:
            whole = part_of_year(start, end, anchor_day=anchor_day)
        terms = Terms(
            balance=Money(1, "USD"),
            first=end,
            frequency=frequency,
            annual_rate=self.annual_rate,
            bands=self.bands,
            bearing=self.bearing,
        )
        return terms.rate_between(start, end, whole=whole)


def _regular(start: date, end: date, *, frequency: Frequency, anchor_day: int | None) -> Fraction | None:
    """Return the part of a year of so many whole periods; None where there are odd days, or months say it exactly."""
    if frequency.by_weekday:
        periods, odd = divmod((end - start).days, _STEP_DAYS[frequency])
        return Fraction(periods, frequency.per_year) if not odd else None
    if frequency is Frequency.TWICE_A_MONTH:
        following = due_dates(first=start, frequency=frequency, count=25, anchor_day=anchor_day)
        return Fraction(following.index(end), frequency.per_year) if end in following else None
    return None


@dataclass(frozen=True, slots=True)
class Running:
    """A plan as a change finds it: what stays, what is open and still to come, and what it is drawn by.

    `since` is the day from which the first open payment bears interest. With `rests` something is left at the end
    that a review decides on: such a plan gets other dates and never other amounts.
    """

    fixed: tuple[Payment, ...]
    open: tuple[Payment, ...]
    frequency: Frequency
    since: date
    rates: Rates
    season: tuple[int, ...] = ()
    anchor_day: int | None = None
    vesting: Vesting = Vesting.ON_LAST_PAYMENT
    rests: bool = False

    @property
    def principal(self) -> Money:
        """What is still to be repaid by open payments."""
        return total((one.principal for one in self.open), currency=self.currency)

    @property
    def currency(self) -> str:
        """The currency of all amounts."""
        return (*self.open, *self.fixed)[0].principal.currency

    @property
    def payments(self) -> tuple[Payment, ...]:
        """All payments, as they are."""
        return (*self.fixed, *self.open)

    @property
    def usual(self) -> Money:
        """The largest open payment, which is the level payment unless the plan steps up."""
        return max(self.open, key=_minor).amount

    @property
    def level(self) -> bool:
        """Tell whether all open payments but the last are the same."""
        return len({one.minor for one in self.open[:-1]}) <= 1

    def rate(self, start: date, end: date) -> Fraction:
        """Return the plan's rate from one day to another, as a part of one."""
        return self.rates.between(start, end, frequency=self.frequency, anchor_day=self.anchor_day)

    def periods(self, dates: Sequence[date]) -> tuple[Period, ...]:
        """Return due dates with the rate of the time before each."""
        return tuple(Period(day, self.rate(before, day)) for before, day in pairwise((self.since, *dates)))


def as_json(payments: Sequence[Payment]) -> list[list[Any]]:
    """Return payments as JSON: number, day, principal, interest, what is let off with it, and whether it is extra."""
    return [
        [one.seq, one.due_on.isoformat(), one.principal.minor, one.interest.minor, one.waives.minor, one.extra]
        for one in payments
    ]


def from_json(stored: Sequence[Sequence[Any]], *, currency: str) -> tuple[Payment, ...]:
    """Read payments that `as_json` wrote."""
    money = cache(partial(Money, currency=currency))
    return tuple(
        Payment(
            seq=seq,
            due_on=date.fromisoformat(due_on),
            principal=money(principal),
            interest=money(interest),
            waives=money(waives),
            extra=extra,
        )
        for seq, due_on, principal, interest, waives, extra in stored
    )


def covered(amounts: Sequence[int], cleared: int) -> int:
    """Return how many payments, from the first, cleared money pays in full, both in minor units."""
    count = 0
    for amount in amounts:
        cleared -= amount
        if cleared < 0:
            break
        count += 1
    return count


def split(payments: Sequence[Payment], *, paid: int, today: date) -> tuple[tuple[Payment, ...], tuple[Payment, ...]]:
    """Return what a change leaves alone and what it may change: all after the last that is paid or due by today.

    `paid` payments from the first are paid in full. One that is due today has its interest posted today.
    """
    at = max((place for place, one in enumerate(payments, 1) if place <= paid or one.due_on <= today), default=0)
    return tuple(payments[:at]), tuple(payments[at:])


def next_date(last: date, *, frequency: Frequency, anchor_day: int | None, season: tuple[int, ...] = ()) -> date:
    """Return the pay day after another one, back on the plan's own day of the month where that one was moved.

    After 28 February with pay day 31 comes 31 March. After 7 February, moved from 28 January, comes 28 February.
    """
    if frequency is Frequency.MONTHLY and anchor_day is not None:
        possible = (months_later(last, at, anchor_day=anchor_day) for at in range(3))
        return next(day for day in possible if (day - last).days > _HALF_A_MONTH)
    if frequency is Frequency.QUARTERLY and anchor_day is not None:
        return months_later(last, 3, anchor_day=anchor_day)
    return due_dates(first=last, frequency=frequency, count=2, anchor_day=anchor_day, season=season)[1]


def dates_after(running: Running, periods: int) -> tuple[date, ...]:
    """Return the dates of the open payments once so many are left out: as many, and so many later."""
    dates = [one.due_on for one in running.open]
    for _ in range(periods):
        dates.append(_next(running, dates[-1]))
    return tuple(dates[periods:])


def _next(running: Running, last: date) -> date:
    return next_date(last, frequency=running.frequency, anchor_day=running.anchor_day, season=running.season)


def on_dates(running: Running, dates: Sequence[date]) -> tuple[Payment, ...]:
    """Return the plan with its open payments on other dates, as many as there are, with the amounts that they have.

    Interest follows the dates; what it comes to more or less falls on the last payment. 3 of 100.00 and one of 50.00
    at 12% a year, a month later: 3 of 100.00 and one of 53.50, which is a month's interest more.

    :raises ValueError: if there are not as many dates, or they don't rise.
    :raises NeverEnds: if the interest until a date is as much as the payment.
    """
    if len(dates) != len(running.open) or any(later <= sooner for sooner, later in pairwise(dates)):
        raise ValueError(dates)
    if running.rests:
        moved = (one._replace(due_on=day) for one, day in zip(running.open, dates, strict=True))
        return (*running.fixed, *moved)
    return _drawn(running, _pay(running, dates, _usual_amounts(running)))


def paused(running: Running, *, periods: int, accrual: Accrual, keeps: Keeps) -> tuple[Payment, ...]:
    """Return the plan without payments for so many periods; then it keeps its payment, or how many there are.

    V-HOL: 6,000.00 at 1% a month in 12 (533.10) after two months with interest added at their end are 11 of 543.76
    and one of 543.68, or 12 of 533.10 and one of 136.48.

    :raises ValueError: if there is no period to leave out, or the plan ends in a review.
    :raises NeverEnds: if the payments don't exceed the interest.
    """
    if periods < 1 or running.rests:
        raise ValueError(periods)
    every = running.periods([*(one.due_on for one in running.open), *dates_after(running, periods)[-periods:]])
    left_out, later = every[:periods], every[periods:]
    balance = running.principal
    grown = balance
    for period in left_out:
        if accrual is Accrual.SIMPLE:
            grown += interest_of(balance, period.rate)
        elif accrual is Accrual.COMPOUND:
            grown += interest_of(grown, period.rate)
    dates = [period.due_on for period in later]
    after = replace(running, since=left_out[-1].due_on)
    grows = (grown - balance).minor
    if keeps is Keeps.INSTALMENT or not grows:
        amounts = _usual_amounts(running)
    else:
        amounts = _in_proportion(running, after, dates, grown.minor)
    return _drawn(running, _pay(after, dates, amounts, grows=grows, carried=_carried(running)))


def shrunk(running: Running, *, payment: Money, count: int) -> tuple[Payment, ...]:
    """Return the plan with a smaller payment so many times, then the usual ones again until all is repaid.

    10 of 100.00 without interest with 4 of 50.00 are 4 of 50.00 and 8 of 100.00: it ends two payments later.

    :raises ValueError: if the payment is not above zero, or there is none, or the plan ends in a review.
    :raises NeverEnds: if the payment does not exceed the interest of a period, so that the debt would grow.
    """
    if payment.minor <= 0 or count < 1 or running.rests:
        raise ValueError(payment, count)
    amounts = _usual_amounts(running)
    long = amounts + [amounts[-1]] * count
    smaller = [min(payment.minor, amount) for amount in long[:count]]
    dates = [one.due_on for one in running.open]
    return _drawn(running, _pay(running, dates, smaller + long[count:]))


def with_extra(running: Running, *, amount: Money, on: date, use: Use) -> tuple[Payment, ...]:
    """Return the plan after an extra payment: it repays principal at once, and the rest is drawn again.

    `end_sooner` keeps the payments, `smaller_payments` keeps their dates. 10 of 100.00 without interest and 250.00
    extra are 7 of 100.00 and one of 50.00, or 10 of 75.00. Interest that ran until the day on what it repays is
    due with the next payment.

    :raises ValueError: if it isn't less than what is left to be repaid, or the plan ends in a review.
    """
    principal = running.principal
    if not 0 < amount.minor < principal.minor or running.rests:
        raise ValueError(amount)
    nothing = Money.zero(amount.currency)
    day = max((on, *(one.due_on for one in running.fixed)))
    extra = Payment(len(running.fixed) + 1, day, amount, nothing, nothing, extra=True)
    ran = interest_of(amount, running.rate(running.since, day))
    first, *others = _carried(running)
    carried = [first + ran.minor, *others]
    dates = [one.due_on for one in running.open]
    if use is Use.SMALLER:
        amounts = _in_proportion(running, running, dates, principal.minor - amount.minor + max(sum(carried), 0))
    else:
        amounts = _usual_amounts(running)
    return _drawn(
        replace(running, fixed=(*running.fixed, extra)),
        _pay(running, dates, amounts, repaid=amount.minor, carried=carried),
    )


def without_extra(running: Running, *, amount: Money) -> tuple[Payment, ...]:
    """Return the plan once an extra payment went back: what it had repaid is repaid at the end, with the usual payment.

    `running` is the plan without the extra payment's own line.
    """
    dates = [one.due_on for one in running.open]
    return _drawn(running, _pay(running, dates, _usual_amounts(running), repaid=-amount.minor))


def _usual_amounts(running: Running) -> list[int]:
    """Return what is paid each time; the last payment was the rest, and may be as much as the one before it."""
    amounts = [one.minor for one in running.open]
    return [*amounts[:-1], max(amounts[-2:])]


def _in_proportion(running: Running, after: Running, dates: Sequence[date], balance: int) -> list[int]:
    """Return amounts for another balance on the same count of dates: level ones stay level, steps keep their shape."""
    if running.level:
        level = level_payment_over(balance=Money(balance, running.currency), periods=after.periods(dates))
        return [level.minor] * len(dates)
    owed = running.principal.minor
    return [-(-one.minor * balance // owed) for one in running.open]


def _carried(running: Running) -> list[int]:
    """Return what each open payment holds of interest beyond what its date comes to: that of an earlier pause.

    It is below zero where less was agreed, as in a pause without interest; either is kept to the unit.
    """
    left, before, carried = running.principal.minor, running.since, []
    for one in running.open:
        carried.append(one.interest.minor - charge_of(left, running.rate(before, one.due_on)))
        left, before = left - one.principal.minor, one.due_on
    return carried


def _pay(
    running: Running,
    dates: Sequence[date],
    amounts: Sequence[int],
    *,
    grows: int = 0,
    repaid: int = 0,
    carried: Sequence[int] | None = None,
) -> list[tuple[date, int, int]]:
    """Return (day, principal, interest) of payments until all is repaid; after the last date come more like it.

    `grows` is interest that bears interest itself from now on and is paid first; `carried`, of each payment, bears
    none. `repaid` is taken off what is left to be repaid.
    """
    usual, currency = amounts[-1], running.currency
    left = running.principal.minor + grows - repaid
    holds = list(_carried(running) if carried is None else carried)
    rest, unpaid_growth = 0, grows
    found: list[tuple[date, int, int]] = []
    before = running.since
    last = len(dates) - 1
    while left or rest > 0:
        at = len(found)
        if at >= MOST_ITEMS:
            raise TooManyItems(Money(usual, currency), MOST_ITEMS)
        day = dates[at] if at <= last else _next(running, before)
        amount = amounts[at] if at < len(amounts) else usual
        charge = charge_of(left, running.rate(before, day))
        due = charge + rest + (holds[at] if at < len(holds) else 0)
        if left + due <= amount or at >= last:
            # It may be the last one: then all that is left goes on it.
            due, holds = due + sum(holds[at + 1 :]), holds[: at + 1]
        if at >= last and left + due <= amount * (1 + _SMALL_REST):
            amount = max(left + due, 1)
        elif amount <= charge:
            raise NeverEnds(Money(amount, currency), Money(charge, currency))
        interest = min(max(due, 0), amount)
        rest = due - interest
        principal = min(amount - interest, left)
        left -= principal
        as_interest = min(principal, unpaid_growth)
        unpaid_growth -= as_interest
        found.append((day, principal - as_interest, interest + as_interest))
        before = day
    return found


def _drawn(running: Running, paid: Sequence[tuple[date, int, int]]) -> tuple[Payment, ...]:
    start, money = len(running.fixed), cache(partial(Money, currency=running.currency))
    lets_off = _let_off(running, [principal for _day, principal, _interest in paid])
    return (
        *running.fixed,
        *(
            Payment(start + at, day, money(principal), money(interest), money(waives))
            for at, ((day, principal, interest), waives) in enumerate(zip(paid, lets_off, strict=True), 1)
        ),
    )


def _let_off(running: Running, principal: Sequence[int]) -> list[int]:
    """Return what is let off with each payment: what was agreed, with the same payments or by what each repays."""
    agreed = [one.waives.minor for one in running.open]
    promised = sum(agreed)
    if not promised:
        return [0] * len(principal)
    if running.vesting is Vesting.ON_LAST_PAYMENT:
        return [0] * (len(principal) - 1) + [promised]
    if len(principal) == len(agreed):
        return agreed
    found, paid, given = [], 0, 0
    for one in principal:
        paid += one
        now = promised * paid // sum(principal)
        found.append(now - given)
        given = now
    return found
