"""RULES  When each instalment of a plan is due and how much it is.

Invariant: the principal of all items is the balance, no item is zero or negative, and the last is never the largest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, Context, Decimal, localcontext
from fractions import Fraction
from itertools import groupby
from typing import Final

from portal.money import CurrencyMismatch, Money, level
from portal.schedules.dates import Frequency, due_dates

_WIDE: Final = Context(prec=50)

# A plan of more items than one a week for a century is a mistake in the input, not a plan.
MOST_ITEMS: Final = 5200


class NothingOwed(ValueError):
    """There is no balance above zero to make a plan for."""


class NeverEnds(ValueError):
    """The payment does not exceed the interest of a period, so the debt would grow (negative amortisation)."""

    def __init__(self, payment: Money, interest: Money) -> None:
        super().__init__(payment, interest)
        self.payment = payment
        self.interest = interest


class TooManyItems(ValueError):
    """The payment is so small that the plan would have more items than the most that is drawn."""

    def __init__(self, payment: Money, most: int) -> None:
        super().__init__(payment, most)
        self.payment = payment
        self.most = most


@dataclass(frozen=True, slots=True)
class Item:
    """One instalment: its place (from 1), due date, and amount with what of it is principal and what interest."""

    seq: int
    due_on: date
    amount: Money
    principal: Money
    interest: Money


class Schedule:
    """All instalments of a plan, at least one, in order of their dates and of one currency; it is never changed.

    The items are made when somebody first reads them: most plans that an answer weighs are told by their sums alone.
    """

    __slots__ = ("_currency", "_dates", "_items", "_parts", "frequency")

    def __init__(self, items: tuple[Item, ...], frequency: Frequency) -> None:
        self.frequency = frequency
        self._items: tuple[Item, ...] | None = items
        self._currency = items[0].amount.currency
        self._dates: Sequence[date] = [item.due_on for item in items]
        self._parts: Sequence[tuple[int, int]] = [(item.principal.minor, item.interest.minor) for item in items]

    @classmethod
    def of_parts(
        cls, parts: Sequence[tuple[int, int]], *, dates: Sequence[date], currency: str, frequency: Frequency
    ) -> Schedule:
        """Give the schedule whose items have these parts, principal and interest in minor units, one for each date."""
        made = cls.__new__(cls)
        made.frequency = frequency
        made._items, made._currency, made._dates, made._parts = None, currency, dates, parts
        return made

    @property
    def items(self) -> tuple[Item, ...]:
        """Each instalment, with its date, its amount and the parts of that."""
        if self._items is None:
            self._items = tuple(self._made())
        return self._items

    def _made(self) -> Iterator[Item]:
        currency, amount = self._currency, self.payment
        for seq, (due_on, (principal, interest)) in enumerate(zip(self._dates, self._parts, strict=True), start=1):
            # One amount serves all items that are alike.
            if principal + interest != amount.minor:
                amount = Money(principal + interest, currency)
            yield Item(seq, due_on, amount, Money(principal, currency), Money(interest, currency))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Schedule):
            return NotImplemented
        return self.frequency is other.frequency and self.items == other.items

    def __hash__(self) -> int:
        return hash((self.frequency, self.items))

    def __repr__(self) -> str:
        return f"Schedule(items={self.items!r}, frequency={self.frequency!r})"

    @property
    def count(self) -> int:
        """How many instalments there are."""
        return len(self._parts)

    @property
    def total(self) -> Money:
        """All that is to be paid."""
        return Money(sum([principal + interest for principal, interest in self._parts]), self._currency)

    def balances(self, *, today: date) -> tuple[tuple[date, Money], ...]:
        """Give what is left of the balance today, and after each instalment."""
        left = sum([principal for principal, _interest in self._parts])
        found = [(today, Money(left, self._currency))]
        for due_on, (principal, _interest) in zip(self._dates, self._parts, strict=True):
            left -= principal
            found.append((due_on, Money(left, self._currency)))
        return tuple(found)

    @property
    def total_interest(self) -> Money:
        """The part of the total that is interest, which is what the plan costs against paying today."""
        return Money(sum([interest for _principal, interest in self._parts]), self._currency)

    @property
    def payment(self) -> Money:
        """The first instalment, which is the level payment unless the plan steps up."""
        return Money(sum(self._parts[0]), self._currency)

    @property
    def largest(self) -> Money:
        """The largest instalment."""
        return Money(max([principal + interest for principal, interest in self._parts]), self._currency)

    @property
    def last(self) -> Money:
        """The last instalment, which is the rest."""
        return Money(sum(self._parts[-1]), self._currency)

    @property
    def starts_on(self) -> date:
        """When the first instalment is due."""
        return self._dates[0]

    @property
    def ends_on(self) -> date:
        """When the last instalment is due."""
        return self._dates[-1]

    @property
    def steps(self) -> tuple[tuple[int, Money], ...]:
        """How many instalments of which amount follow each other: 22 of 160.00, then 1 of 80.00."""
        runs = groupby([principal + interest for principal, interest in self._parts])
        return tuple((len(list(run)), Money(amount, self._currency)) for amount, run in runs)


def a_month(payment: Money, *, frequency: Frequency) -> Fraction:
    """Return what a payment comes to in a month, in exact minor units: 120.00 a week is 52000."""
    return Fraction(payment.minor * frequency.per_year, 12)


def periodic_rate(*, annual_rate: Decimal, frequency: Frequency) -> Fraction:
    """Return the rate of one period as a part of one: 12% a year is 1/100 a month.

    :raises ValueError: if the rate is negative or not finite.
    """
    if not annual_rate.is_finite() or annual_rate < 0:
        raise ValueError(annual_rate)
    return Fraction(annual_rate) / (100 * frequency.per_year)


def interest_of(balance: Money, rate: Fraction) -> Money:
    """Return the interest of one period, rounded half up to the minor unit."""
    return Money(charge_of(balance.minor, rate), balance.currency)


def charge_of(owed: int, rate: Fraction) -> int:
    """Return the same in minor units, of minor units."""
    return (2 * owed * rate.numerator + rate.denominator) // (2 * rate.denominator)


def level_payment(*, balance: Money, rate: Fraction, count: int) -> Money:
    """Return the least level payment, rounded up, that repays a balance in at most so many periods.

    12,000.00 at 1% a period in 12 is 1,066.19 (exactly 1,066.1855). Formula: B i / (1 - (1+i)^-n). Interest is rounded
    in each period, so where those roundings add up the payment is raised until the last item is not the largest.

    :raises NothingOwed: if the balance is not above zero.
    :raises ValueError: if the count is below 1.
    """
    _must_be_owed(balance)
    if count < 1:
        raise ValueError(count)
    if not rate:
        return level(balance, count)[0]
    with localcontext(_WIDE):
        part = Decimal(rate.numerator) / Decimal(rate.denominator)
        exact = balance.minor * part / (1 - (1 + part) ** -count)
        # An exact whole number must not be raised by the last digit of the division.
        minor = int((exact - Decimal("1E-15")).to_integral_value(rounding=ROUND_CEILING))
    while not _repays(balance.minor, minor, rate, count):
        minor += 1
    # Interest below half a unit rounds to nothing, so the whole balance at once can be less than the formula's payment.
    return min(Money(minor, balance.currency), balance + interest_of(balance, rate))


def _repays(balance: int, payment: int, rate: Fraction, count: int) -> bool:
    above, below = 2 * rate.numerator, rate.denominator
    for _ in range(count):
        balance += (balance * above + below) // (2 * below) - payment
        if balance <= 0:
            return True
    return False


def by_payment(
    *,
    balance: Money,
    rate: Fraction,
    payment: Money,
    first: date,
    frequency: Frequency,
    anchor_day: int | None = None,
    most: int = MOST_ITEMS,
) -> Schedule:
    """Draw the plan that pays the same amount each period until the balance is repaid; the last item is the rest.

    3,600.00 without interest at 160.00 is 22 items of 160.00 and one of 80.00.

    :raises NothingOwed: if the balance is not above zero.
    :raises NeverEnds: if the payment does not exceed the interest of the first period.
    :raises TooManyItems: if it would take more than `most` items.
    """
    _must_be_owed(balance)
    parts: list[tuple[int, int]] = []
    if pay(balance, rate, payment, most, parts):
        raise TooManyItems(payment, most)
    return dated(parts, balance.currency, first, frequency, anchor_day)


def by_count(
    *,
    balance: Money,
    rate: Fraction,
    count: int,
    first: date,
    frequency: Frequency,
    anchor_day: int | None = None,
) -> Schedule:
    """Draw the plan of at most so many level payments, rounded up; the last item is the rest and never larger.

    1,000.00 without interest in 3 is 333.34, 333.34, 333.32.

    :raises NothingOwed: if the balance is not above zero.
    :raises ValueError: if the count is below 1.
    """
    payment = level_payment(balance=balance, rate=rate, count=count)
    return by_payment(
        balance=balance, rate=rate, payment=payment, first=first, frequency=frequency, anchor_day=anchor_day, most=count
    )


def with_given_level(
    *,
    balance: Money,
    rates: Sequence[Fraction],
    payment: Money,
    first: date,
    frequency: Frequency,
    anchor_day: int | None = None,
) -> Schedule:
    """Draw the plan of another system's level payment and rates, one rate a period; the last item is all that is left.

    Here alone the last item may be the largest, as in systems that round the level payment half up (Apache Fineract:
    five of 17.43 and one of 17.47). Our own plans never use this.

    :raises NothingOwed: if the balance is not above zero.
    :raises NeverEnds: if the payment does not exceed the interest of a period.
    """
    _must_be_owed(balance)
    parts: list[tuple[int, int]] = []
    left = balance
    for rate in rates[:-1]:
        left = pay(left, rate, payment, 1, parts) if left else left
    if left:
        parts.append((left.minor, interest_of(left, rates[-1]).minor))
    return dated(parts, balance.currency, first, frequency, anchor_day)


def _must_be_owed(balance: Money) -> None:
    if balance.minor <= 0:
        raise NothingOwed(balance)


def pay(balance: Money, rate: Fraction, payment: Money, most: int, parts: list[tuple[int, int]]) -> Money:
    """Add principal and interest, in minor units, of up to so many payments to the parts; return what is still owed.

    :raises NeverEnds: if the payment does not exceed the interest of the first period.
    """
    if payment.currency != balance.currency:
        raise CurrencyMismatch(payment.currency, balance.currency)
    interest = interest_of(balance, rate)
    if payment <= interest:
        # A rate that is cut or a higher payment can mend this; a plan that grows the debt is never drawn.
        raise NeverEnds(payment, interest)
    left, each = balance.minor, payment.minor
    above, below = 2 * rate.numerator, rate.denominator
    twice = 2 * below
    for _ in range(most):
        charge = (left * above + below) // twice
        principal = each - charge if each - charge < left else left
        parts.append((principal, charge))
        left -= principal
        if not left:
            break
    return Money(left, balance.currency)


def dated(
    parts: Sequence[tuple[int, int]], currency: str, first: date, frequency: Frequency, anchor_day: int | None
) -> Schedule:
    """Give the schedule of these parts, from a first date on."""
    dates = due_dates(first=first, frequency=frequency, count=len(parts), anchor_day=anchor_day)
    return Schedule.of_parts(parts, dates=dates, currency=currency, frequency=frequency)
