"""RULES  Arrangements that give time: holiday, freeze, reduced payment, token, moratorium; each with what it costs.

Invariant: where the debt grows meanwhile, the arrangement says by how much.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from enum import Enum

from portal.money import Money
from portal.schedules import drawing
from portal.schedules.arrangements import Arrangement, Kind, Standstill
from portal.schedules.rates import Band, Period, Terms
from portal.schedules.schedule import Item, NothingOwed, Schedule, interest_of


class Accrual(Enum):
    """What interest does in a holiday: stands still, is added at its end, or bears interest itself meanwhile."""

    FROZEN = "frozen"
    SIMPLE = "simple"
    COMPOUND = "compound"


class Keeps(Enum):
    """What stays as it was after a holiday: how many instalments, or how much each of them is."""

    TERM = "term"
    INSTALMENT = "instalment"


def holiday(terms: Terms, *, count: int, periods: int, accrual: Accrual, keeps: Keeps) -> Arrangement:
    """Arrange no payment for so many periods, then the plan of `count` items that would have been, moved on.

    6,000.00 at 1% a month, 12 items (533.10), two months of holiday with interest added at the end: 6,120.00 are left,
    which is 11 of 543.76 and 543.68, and the pause costs 127.94; with the same 533.10 it takes 13 items.

    :raises NothingOwed: if the balance is not above zero.
    :raises NeverEnds: if with the same instalment the debt would never be repaid.
    :raises ValueError: if there is no period to leave out, or no item.
    """
    if periods < 1:
        raise ValueError(periods)
    usual = drawing.by_count(terms, count)
    every = terms.periods(periods + count)
    grown = _after(terms.balance, every[:periods], accrual)
    later = replace(terms, balance=grown)
    if keeps is Keeps.INSTALMENT and grown > terms.balance:
        schedule = drawing.by_payment(later, usual.payment, skip=periods)
    else:
        items: list[Item] = []
        payment = drawing.level_payment_over(balance=grown, periods=every[periods:])
        drawing.pay_each(grown, ((period, payment) for period in every[periods:]), items)
        schedule = Schedule(tuple(items), terms.frequency)
    cost = schedule.total - terms.balance
    freeze = Standstill(terms.runs_since, every[periods - 1].due_on) if accrual is Accrual.FROZEN else None
    return Arrangement(
        Kind.HOLIDAY,
        schedule,
        cost=cost,
        cost_of_pause=cost - usual.total_interest,
        standstill=freeze,
        rate_after=terms.rate_on(freeze.ends_on) if freeze is not None else None,
        grows_by=grown - terms.balance,
    )


def _after(balance: Money, periods: tuple[Period, ...], accrual: Accrual) -> Money:
    grown = balance
    for period in periods:
        if accrual is Accrual.SIMPLE:
            grown += interest_of(balance, period.rate)
        elif accrual is Accrual.COMPOUND:
            grown += interest_of(grown, period.rate)
    return grown


def interest_freeze(terms: Terms, *, count: int, freeze: Standstill) -> Arrangement:
    """Arrange at most so many level payments, without interest in a dated window and with it before and after.

    :raises NothingOwed: if the balance is not above zero.
    :raises ValueError: if the window ends before it starts, or there is no item.
    """
    if freeze.ends_on <= freeze.starts_on:
        raise ValueError(freeze)
    bands = (Band(Decimal(0), freeze.starts_on, freeze.ends_on), *terms.bands)
    schedule = drawing.by_count(replace(terms, bands=bands), count)
    return Arrangement(
        Kind.INTEREST_FREEZE,
        schedule,
        cost=schedule.total_interest,
        standstill=freeze,
        rate_after=terms.rate_on(freeze.ends_on),
    )


def reduced_payment(terms: Terms, *, payment: Money, count: int, review_on: date) -> Arrangement:
    """Arrange so many items below what is usual, then a review; interest that they don't pay is added and bears none.

    10,000.00 at 2% a month with 3 of 150.00 leaves 10,150.00 at the review: 150.00 more than today.

    :raises NothingOwed: if the balance is not above zero.
    :raises ValueError: if the payment is not above zero, there is no item, or the review comes before the last one.
    """
    return _until_review(Kind.REDUCED_PAYMENT, terms, payment, count, review_on)


def token(terms: Terms, *, payment: Money, count: int, review_on: date) -> Arrangement:
    """Arrange nominal amounts while nothing is affordable, without interest, until a review that promises nothing.

    :raises NothingOwed: if the balance is not above zero.
    :raises ValueError: if the payment is not above zero, there is no item, or the review comes before the last one.
    """
    without = replace(terms, annual_rate=Decimal(0), bands=())
    return _until_review(Kind.TOKEN, without, payment, count, review_on)


def _until_review(kind: Kind, terms: Terms, payment: Money, count: int, review_on: date) -> Arrangement:
    if terms.balance.minor <= 0:
        raise NothingOwed(terms.balance)
    if payment.minor <= 0 or count < 1:
        raise ValueError(payment, count)
    left, unpaid = terms.balance, Money.zero(terms.balance.currency)
    items: list[Item] = []
    for period in terms.periods(count):
        # Interest that was not paid bears none: only what was owed at the start does.
        unpaid += interest_of(left, period.rate)
        interest = min(payment, unpaid)
        principal = min(payment - interest, left)
        drawing.add(items, period, principal, interest)
        unpaid -= interest
        left -= principal
        if not left and not unpaid:
            break
    schedule = Schedule(tuple(items), terms.frequency)
    if review_on < schedule.ends_on:
        raise ValueError(review_on)
    at_review = left + unpaid
    return Arrangement(
        kind,
        schedule,
        cost=schedule.total + at_review - terms.balance,
        left_at_review=at_review,
        grows_by=max(at_review - terms.balance, Money.zero(terms.balance.currency)),
        review_on=review_on,
    )


def moratorium(*, balance: Money, standstill: Standstill) -> Arrangement:
    """Arrange that nothing is asked and no interest runs in a time of bereavement, illness or disaster.

    :raises ValueError: if it ends before it starts.
    """
    if standstill.ends_on <= standstill.starts_on:
        raise ValueError(standstill)
    return Arrangement(
        Kind.MORATORIUM,
        None,
        cost=Money.zero(balance.currency),
        standstill=standstill,
        left_at_review=balance,
        review_on=standstill.ends_on,
    )
