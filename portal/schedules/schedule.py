"""RULES  When each instalment of a plan is due and how much it is.

Invariant: the principal of all items is the balance, no item is zero or negative, and the last is never the largest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, Context, Decimal, localcontext
from fractions import Fraction
from typing import Final

from portal.money import CurrencyMismatch, Money, level
from portal.money import total as sum_of
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


@dataclass(frozen=True, slots=True)
class Schedule:
    """All instalments of a plan, at least one, in order of their dates."""

    items: tuple[Item, ...]
    frequency: Frequency

    @property
    def count(self) -> int:
        """How many instalments there are."""
        return len(self.items)

    @property
    def total(self) -> Money:
        """All that is to be paid."""
        return sum_of((item.amount for item in self.items), currency=self.payment.currency)

    def balances(self, *, today: date) -> tuple[tuple[date, Money], ...]:
        """Give what is left of the balance today, and after each instalment."""
        left = sum_of((item.principal for item in self.items), currency=self.payment.currency)
        found = [(today, left)]
        for item in self.items:
            left -= item.principal
            found.append((item.due_on, left))
        return tuple(found)

    @property
    def total_interest(self) -> Money:
        """The part of the total that is interest, which is what the plan costs against paying today."""
        return sum_of((item.interest for item in self.items), currency=self.payment.currency)

    @property
    def payment(self) -> Money:
        """The first instalment, which is the level payment unless the plan steps up."""
        return self.items[0].amount

    @property
    def largest(self) -> Money:
        """The largest instalment."""
        return max(self.items, key=_minor).amount

    @property
    def last(self) -> Money:
        """The last instalment, which is the rest."""
        return self.items[-1].amount

    @property
    def starts_on(self) -> date:
        """When the first instalment is due."""
        return self.items[0].due_on

    @property
    def ends_on(self) -> date:
        """When the last instalment is due."""
        return self.items[-1].due_on

    @property
    def steps(self) -> tuple[tuple[int, Money], ...]:
        """How many instalments of which amount follow each other: 22 of 160.00, then 1 of 80.00."""
        found: list[tuple[int, Money]] = []
        many, amount = 0, self.payment
        for item in self.items:
            # Most items that are alike share one amount.
            if item.amount is amount or item.amount.minor == amount.minor:
                many += 1
            else:
                found.append((many, amount))
                many, amount = 1, item.amount
        return (*found, (many, amount))


def _minor(item: Item) -> int:
    # All items of a schedule are of one currency, and whole numbers are compared faster than amounts.
    return item.amount.minor


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
    return Money((2 * balance.minor * rate.numerator + rate.denominator) // (2 * rate.denominator), balance.currency)


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
    parts: list[tuple[Money, Money]] = []
    left = _pay(balance, rate, payment, most, parts)
    if left:
        raise TooManyItems(payment, most)
    return _dated(parts, first, frequency, anchor_day)


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
    parts: list[tuple[Money, Money]] = []
    left = balance
    for rate in rates[:-1]:
        left = _pay(left, rate, payment, 1, parts) if left else left
    if left:
        parts.append((left, interest_of(left, rates[-1])))
    return _dated(parts, first, frequency, anchor_day)


def _must_be_owed(balance: Money) -> None:
    if balance.minor <= 0:
        raise NothingOwed(balance)


def _pay(balance: Money, rate: Fraction, payment: Money, most: int, parts: list[tuple[Money, Money]]) -> Money:
    """Add (principal, interest) of up to so many payments to the parts and return what is still owed."""
    if payment.currency != balance.currency:
        raise CurrencyMismatch(payment.currency, balance.currency)
    interest = interest_of(balance, rate)
    if payment <= interest:
        # A rate that is cut or a higher payment can mend this; a plan that grows the debt is never drawn.
        raise NeverEnds(payment, interest)
    currency = balance.currency
    left, each = balance.minor, payment.minor
    above, below = 2 * rate.numerator, rate.denominator
    for _ in range(most):
        charge = (left * above + below) // (2 * below)
        principal = each - charge if each - charge < left else left
        parts.append((Money(principal, currency), Money(charge, currency)))
        left -= principal
        if not left:
            break
    return Money(left, currency)


def _dated(parts: Sequence[tuple[Money, Money]], first: date, frequency: Frequency, anchor_day: int | None) -> Schedule:
    dates = due_dates(first=first, frequency=frequency, count=len(parts), anchor_day=anchor_day)
    items: list[Item] = []
    amount = parts[0][0] + parts[0][1]
    for seq, (due_on, (principal, interest)) in enumerate(zip(dates, parts, strict=True), start=1):
        # One amount serves all items that are alike.
        if principal.minor + interest.minor != amount.minor:
            amount = principal + interest
        items.append(Item(seq, due_on, amount, principal, interest))
    return Schedule(items=tuple(items), frequency=frequency)
