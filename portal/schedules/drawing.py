"""RULES  Draw items where each has a rate of its own: level payments, steps, equal principal, too little.

Invariant: principal and interest of an item are its amount, and principal never exceeds what is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_CEILING, Context, Decimal, localcontext
from typing import Final

from portal.money import CurrencyMismatch, Money, level
from portal.schedules.dates import Frequency
from portal.schedules.rates import Period, Terms
from portal.schedules.schedule import (
    MOST_ITEMS,
    Item,
    NeverEnds,
    NothingOwed,
    Schedule,
    TooManyItems,
    charge_of,
    interest_of,
    level_payment,
    pay,
)

_WIDE: Final = Context(prec=50)


def level_payment_over(*, balance: Money, periods: Sequence[Period]) -> Money:
    """Return the least level payment, rounded up, that repays a balance in these periods, each with its own rate.

    100.00 at 9.4822% a year in 6 months of 30/360 is 17.14 (exactly 17.1313). Formula: the balance divided by the sum
    of what 1 paid in each period is worth today. No payment is below what its period's interest comes to.

    :raises NothingOwed: if the balance is not above zero.
    :raises ValueError: if there is no period.
    """
    if balance.minor <= 0:
        raise NothingOwed(balance)
    if not periods:
        raise ValueError(periods)
    # Most periods share one object, which needs no comparison of fractions.
    rate = periods[0].rate
    if all(period.rate is rate or period.rate == rate for period in periods):
        return level_payment(balance=balance, rate=periods[0].rate, count=len(periods))
    with localcontext(_WIDE):
        worth, factor = Decimal(0), Decimal(1)
        for period in periods:
            factor /= 1 + Decimal(period.rate.numerator) / Decimal(period.rate.denominator)
            worth += factor
        exact = balance.minor / worth
        low = max(1, int((exact - Decimal("1E-15")).to_integral_value(rounding=ROUND_CEILING)))
    # The formula rounds no interest; where those roundings or a long period need more, search upwards from it.
    step = 1
    while not _repays(balance, low + step - 1, periods):
        low, step = low + step, step * 2
    high = low + step - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _repays(balance, middle, periods) else (middle + 1, high)
    return Money(low, balance.currency)


def _repays(balance: Money, payment: int, periods: Sequence[Period]) -> bool:
    left = balance.minor
    for period in periods:
        interest = charge_of(left, period.rate)
        if payment <= interest:
            return False
        left -= payment - interest
        if left <= 0:
            return True
    return False


def pay_each(left: Money, payments: Iterable[tuple[Period, Money]], items: list[Item]) -> Money:
    """Add an item for each payment until nothing is left, the last one being the rest; return what is left.

    :raises NeverEnds: if a payment does not exceed the interest of its period.
    """
    # Whole numbers inside: this is drawn for every plan that somebody looks at.
    owed, currency = left.minor, left.currency
    rate, above, below = None, 0, 1
    for period, payment in payments:
        if not owed:
            break
        if payment.currency != currency:
            raise CurrencyMismatch(payment.currency, currency)
        if period.rate is not rate:
            rate = period.rate
            above, below = 2 * rate.numerator, rate.denominator
        interest = (owed * above + below) // (2 * below)
        principal = payment.minor - interest
        if principal <= 0:
            raise NeverEnds(payment, Money(interest, currency))
        # One amount serves all items that are alike.
        amount = payment
        if principal > owed:
            principal = owed
            amount = Money(principal + interest, currency)
        items.append(Item(len(items) + 1, period.due_on, amount, Money(principal, currency), Money(interest, currency)))
        owed -= principal
    return Money(owed, currency)


def add(items: list[Item], period: Period, principal: Money, interest: Money) -> None:
    """Add an item."""
    items.append(Item(len(items) + 1, period.due_on, principal + interest, principal, interest))


def by_count(terms: Terms, count: int) -> Schedule:
    """Draw at most so many level payments, each item with its own rate; the last is the rest and never the largest.

    :raises NothingOwed: if the balance is not above zero.
    :raises ValueError: if the count is below 1.
    """
    rate = terms.one_rate
    if rate is not None:
        parts: list[tuple[int, int]] = []
        pay(terms.balance, rate, level_payment(balance=terms.balance, rate=rate, count=count), count, parts)
        return of_terms(terms, parts)
    periods = terms.periods(count)
    payment = level_payment_over(balance=terms.balance, periods=periods)
    items: list[Item] = []
    pay_each(terms.balance, ((period, payment) for period in periods), items)
    return Schedule(tuple(items), terms.frequency)


def of_terms(terms: Terms, parts: Sequence[tuple[int, int]]) -> Schedule:
    """Give the schedule of these parts, principal and interest in minor units, on the dates of the terms."""
    return Schedule.of_parts(
        parts, dates=terms.dates(len(parts)), currency=terms.balance.currency, frequency=terms.frequency
    )


def by_payment(terms: Terms, payment: Money, *, skip: int = 0) -> Schedule:
    """Draw the same payment each period until nothing is left, after so many periods that are left out.

    :raises NothingOwed: if the balance is not above zero.
    :raises NeverEnds: if the payment does not exceed the interest of a period.
    :raises TooManyItems: if it would take more than the most items that are drawn.
    """
    if terms.balance.minor <= 0:
        raise NothingOwed(terms.balance)
    # Few plans are long, and rates are reckoned for as many items as are drawn.
    for most in (60, 600, MOST_ITEMS):
        items: list[Item] = []
        periods = terms.periods(most + skip)[skip:]
        if not pay_each(terms.balance, ((period, payment) for period in periods), items):
            return Schedule(tuple(items), terms.frequency)
    raise TooManyItems(payment, MOST_ITEMS)


def by_principal(terms: Terms, dates: Sequence[tuple[Period, bool]], count: int, frequency: Frequency) -> Schedule:
    """Draw equal principal with interest on top where a date is marked, and the interest alone on the others.

    A date on which nothing would be due is left out.
    """
    if terms.balance.minor <= 0:
        raise NothingOwed(terms.balance)
    parts = iter(level(terms.balance, count))
    nothing = Money.zero(terms.balance.currency)
    items: list[Item] = []
    left = terms.balance
    for period, pays in dates:
        if not left:
            break
        principal = next(parts) if pays else nothing
        interest = interest_of(left, period.rate)
        if principal or interest:
            add(items, period, principal, interest)
        left -= principal
    return Schedule(tuple(items), frequency)
