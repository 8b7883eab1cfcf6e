"""RULES  Every kind of arrangement that repays in full: instalments, steps, seasons, a down payment first.

Invariant: an arrangement says all that must be said before it is agreed, in amounts and dates; words are the views'.
Kinds as in the catalogue of negotiation.md 1.1. Holidays, freezes and tokens stand in pauses.py, settlements and
waivers in settlements.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import Enum
from fractions import Fraction

from portal.interest import months_later
from portal.money import Money
from portal.schedules import drawing
from portal.schedules.dates import Frequency, due_dates
from portal.schedules.rates import Period, Terms
from portal.schedules.schedule import Item, NothingOwed, Schedule, interest_of, level_payment, pay


class Kind(Enum):
    """What has been arranged."""

    INSTALMENTS = "instalments"
    REDUCED_PAYMENT = "reduced_payment"
    HOLIDAY = "holiday"
    INTEREST_FREEZE = "interest_freeze"
    SETTLEMENT_LUMP = "settlement_lump"
    SETTLEMENT_STAGED = "settlement_staged"
    INSTALMENTS_WITH_WAIVER = "instalments_with_waiver"
    STEP_UP = "step_up"
    SEASONAL = "seasonal"
    DOWN_PAYMENT_FIRST = "down_payment_first"
    TOKEN = "token"  # noqa: S105
    MORATORIUM = "moratorium"


class Vesting(Enum):
    """When a waiver becomes final."""

    ON_LAST_PAYMENT = "on_last_payment"
    WITH_EACH_PAYMENT = "with_each_payment"


@dataclass(frozen=True, slots=True)
class Parts:
    """What a debt, or a waiver of it, is made of."""

    principal: Money
    interest: Money
    penalty: Money
    fees: Money
    costs: Money

    @property
    def total(self) -> Money:
        """All of it."""
        return self.principal + self.interest + self.penalty + self.fees + self.costs


@dataclass(frozen=True, slots=True)
class Waiver:
    """What is no longer asked for, of which part, and when that becomes final.

    `with_item` is what vests when the item of that place is paid: (0, 0, 1,500.00) for three items on the last payment.
    """

    parts: Parts
    vesting: Vesting
    with_item: tuple[Money, ...]


@dataclass(frozen=True, slots=True)
class Standstill:
    """A time without interest, from a day (counted) until another (not counted)."""

    starts_on: date
    ends_on: date


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What is agreed, and all that has to be shown before.

    `cost` is what is paid beyond today's balance, or, where a part is waived or left for a review, the interest that
    the arrangement adds. `rate_after` is the yearly rate in percent on the day that a standstill ends.
    `cost_of_pause` is how much of the cost a holiday causes. `grows_by` is by how much the debt is
    larger at the review than today; only a reduced payment, a token and a holiday may do that, and show it.
    """

    kind: Kind
    schedule: Schedule | None
    cost: Money
    waiver: Waiver | None = None
    standstill: Standstill | None = None
    rate_after: Decimal | None = None
    cost_of_pause: Money | None = None
    left_at_review: Money | None = None
    grows_by: Money | None = None
    review_on: date | None = None
    void_unless_paid_by: date | None = None


def instalments(terms: Terms, *, count: int | None = None, payment: Money | None = None) -> Arrangement:
    """Arrange level payments until all is repaid: at most so many, or of this amount; any frequency, any rate bands.

    10,000.00 at 12% in 8 quarters from 1 January is 7 of 1,424.57 and one of 1,424.50.

    :raises NothingOwed: if the balance is not above zero.
    :raises NeverEnds: if the payment does not exceed the interest of a period.
    :raises TooManyItems: if the payment is too small to end.
    :raises ValueError: unless exactly one of count and payment is given.
    """
    if (count is None) == (payment is None):
        raise ValueError(count, payment)
    if count is not None:
        schedule = drawing.by_count(terms, count)
    elif payment is not None:
        schedule = drawing.by_payment(terms, payment)
    return Arrangement(Kind.INSTALMENTS, schedule, cost=schedule.total_interest)


def step_up(terms: Terms, *, steps: Sequence[tuple[int, Money]], count: int) -> Arrangement:
    """Arrange so many items of one amount, then of the next, and level payments over the rest of at most `count`.

    3,600.00 without interest, 6 of 100.00 and 24 in all: then 17 of 166.67 and one of 166.61.

    :raises NothingOwed: if the balance is not above zero.
    :raises NeverEnds: if the amount of a step does not exceed the interest of a period.
    :raises ValueError: if an amount is below the one before, or the steps leave no period for the rest.
    """
    if terms.balance.minor <= 0:
        raise NothingOwed(terms.balance)
    amounts = [amount for many, amount in steps for _ in range(many)]
    falls = any(second < first for first, second in zip(amounts, amounts[1:], strict=False))
    if falls or not 0 < len(amounts) < count or any(many < 1 for many, _ in steps):
        raise ValueError(steps, count)
    rate = terms.one_rate
    schedule = _steps_by_periods(terms, amounts, count) if rate is None else _steps_at(rate, terms, steps, count)
    return Arrangement(Kind.STEP_UP, schedule, cost=schedule.total_interest)


def _steps_at(rate: Fraction, terms: Terms, steps: Sequence[tuple[int, Money]], count: int) -> Schedule:
    parts: list[tuple[int, int]] = []
    left = terms.balance
    for many, amount in steps:
        left = pay(left, rate, amount, many, parts) if left else left
    rest = count - sum(many for many, _ in steps)
    if left:
        # Where the steps were enough, what is left goes on at the last of them and ends sooner.
        level = max(level_payment(balance=left, rate=rate, count=rest), steps[-1][1])
        pay(left, rate, level, rest, parts)
    return drawing.of_terms(terms, parts)


def _steps_by_periods(terms: Terms, amounts: Sequence[Money], count: int) -> Schedule:
    periods = terms.periods(count)
    items: list[Item] = []
    left = drawing.pay_each(terms.balance, zip(periods, amounts, strict=False), items)
    if left:
        rest = periods[len(amounts) :]
        level = drawing.level_payment_over(balance=left, periods=rest)
        if level < amounts[-1]:
            # The steps were enough: what is left goes on at the last of them and ends sooner.
            level = amounts[-1]
        drawing.pay_each(left, ((period, level) for period in rest), items)
    return Schedule(tuple(items), terms.frequency)


def seasonal(terms: Terms, *, count: int, interest_every_month: bool) -> Arrangement:
    """Arrange equal principal in the months of a season, with interest monthly in between or with each payment.

    12,000.00 at 10%, 8% in the harvest window, principal on 1 September and 1 October, interest since 1 January: 7 of
    100.00, then 6,080.00 and 6,040.00. The terms' first date is the first payment of principal.

    :raises NothingOwed: if the balance is not above zero.
    :raises NoSeason: if there are no months of the year.
    :raises ValueError: if the count is below 1.
    """
    if count < 1:
        raise ValueError(count)
    terms = replace(terms, frequency=Frequency.SEASONAL)
    paying = terms.dates(count)
    dates: tuple[date, ...] = paying
    if interest_every_month:
        dates = _every_month(terms, until=paying[-1])
    periods = terms.periods_on(dates)
    marked = [(period, period.due_on in paying) for period in periods]
    schedule = drawing.by_principal(terms, marked, count, Frequency.SEASONAL)
    return Arrangement(Kind.SEASONAL, schedule, cost=schedule.total_interest)


def _every_month(terms: Terms, *, until: date) -> tuple[date, ...]:
    """Return the anchor day of every month after the day since which interest runs, until the last payment."""
    since = terms.runs_since
    ahead = (terms.first.year - since.year) * 12 + terms.first.month - since.month
    before = (months_later(terms.first, -back, anchor_day=terms.anchor_day) for back in range(ahead, 0, -1))
    months = (until.year - terms.first.year) * 12 + until.month - terms.first.month
    after = due_dates(first=terms.first, frequency=Frequency.MONTHLY, count=months + 1, anchor_day=terms.anchor_day)
    return (*(day for day in before if day > since), *after)


def down_payment_first(terms: Terms, *, down: Money, pay_by: date, then: Callable[[Terms], Arrangement]) -> Arrangement:
    """Arrange a first payment by a day, without which all is void, and another arrangement for what is left.

    8,500.00 with 1,700.00 down and 4 instalments is 1,700.00 and 4 of 1,700.00. Where a day is named since which
    interest runs, the first payment pays the interest until its own day too; otherwise that is principal alone.

    :raises NothingOwed: if the balance is not above zero.
    :raises NeverEnds: if the first payment does not exceed the interest until its day.
    :raises ValueError: if the first payment is all or more, or doesn't come before the rest.
    """
    if terms.balance.minor <= 0:
        raise NothingOwed(terms.balance)
    rate = terms.rate_between(pay_by if terms.since is None else terms.since, pay_by)
    if pay_by >= terms.first or down >= terms.balance + interest_of(terms.balance, rate):
        raise ValueError(down, pay_by)
    items: list[Item] = []
    left = drawing.pay_each(terms.balance, ((Period(pay_by, rate), down),), items)
    rest = then(replace(terms, balance=left, since=None if terms.since is None else pay_by))
    later = rest.schedule.items if rest.schedule is not None else ()
    items.extend(replace(item, seq=item.seq + 1) for item in later)
    waiver = rest.waiver
    if waiver is not None:
        waiver = replace(waiver, with_item=(Money.zero(down.currency), *waiver.with_item))
    return replace(
        rest,
        kind=Kind.DOWN_PAYMENT_FIRST,
        schedule=Schedule(tuple(items), terms.frequency),
        cost=rest.cost + items[0].interest,
        waiver=waiver,
        void_unless_paid_by=pay_by,
    )
