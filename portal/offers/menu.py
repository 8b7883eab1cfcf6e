"""RULES  What somebody may ask for at all, and up to three plans to choose from before they ask for anything.

Invariant: every plan to choose from is accepted when it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from portal.limits.cards import Limits
from portal.money import Money
from portal.offers import drafts
from portal.offers.answers import Kind, Offer
from portal.offers.asked import Regular, Way
from portal.offers.owed import NO_HISTORY, History, Means, Owed
from portal.offers.reckoning import Case, Reckoning, arranged
from portal.offers.regular import MOST_ON_A_SCREEN, different
from portal.offers.trace import Trace
from portal.offers.ways import down_payment_is_required
from portal.schedules.dates import Frequency, first_due
from portal.schedules.schedule import NothingOwed, Schedule

_SHORTEST_USUAL_MONTHS: Final = 3


def ways(limits: Limits, owed: Owed, history: History = NO_HISTORY) -> tuple[Way, ...]:
    """Return what this card lets somebody ask for on this debt now, in the order of a menu.

    A way that is missing can still be asked for; the answer says that it isn't offered.
    """
    return tuple(_ways(limits, owed, history))


def _ways(limits: Limits, owed: Owed, history: History) -> Iterator[Way]:
    if any(frequency is not Frequency.SEASONAL for frequency in limits.frequencies):
        yield Way.REGULAR
        if limits.step_months:
            yield Way.STEPS
        if limits.down_payment is not None:
            yield Way.DOWN_PAYMENT
        if drafts.pause_months(limits, history):
            yield Way.PAUSE
        if limits.reduced_payment is not None:
            yield Way.LOWER
    if drafts.discount_bps(limits, days_late=owed.days_late, staged=False):
        yield Way.SETTLE_AT_ONCE
    if drafts.discount_bps(limits, days_late=owed.days_late, staged=True):
        yield Way.SETTLE_IN_PARTS
    if Frequency.SEASONAL in limits.frequencies and limits.season:
        yield Way.SEASON


def least_payment(asked: Regular, *, owed: Owed, limits: Limits, today: date) -> Money:
    """Return the least payment of a period that is agreed to, by a person or without one; `asked` says how often."""
    return Case(owed, limits, None, today, Trace()).reckon(asked).least


def standard(
    *,
    owed: Owed,
    limits: Limits,
    frequency: Frequency,
    pay_day: int,
    today: date,
    means: Means | None = None,
) -> tuple[Offer, ...]:
    """Return at most three plans to choose from, lowest payment first; every one is accepted when it is asked for.

    The lowest payment runs over the longest standard term, or over the longest that is agreed to without a person where
    that is shorter and affordable: 3,600.00 over 36 months of which 24 need nobody is 150.00 and not 100.00. The
    soonest done is what is affordable or, where nobody knows that, a quarter of the standard term (3 months at least);
    one lies in between. Sooner is cheaper where interest runs, so the soonest plan is also the one of least cost, and
    says so, instead of standing on the page twice. None are returned where the frequency is not offered, where a down
    payment comes first, or where nothing standard is affordable and a person decides.

    :raises NothingOwed: if the balance is not above zero.
    :raises ValueError: if there is no such pay day.
    """
    if owed.balance.minor <= 0:
        raise NothingOwed(owed.balance)
    if frequency not in limits.frequencies or (frequency is Frequency.SEASONAL and not limits.season):
        return ()
    asked = _first_asked(owed, limits, frequency, pay_day, today)
    r = Case(owed, limits, means, today, Trace()).reckon(asked)
    if down_payment_is_required(r):
        return ()
    lowest = _lowest(r)
    if not r.fits(lowest):
        return ()
    can = r.affordable_a_period
    if can is None:
        months = max(_SHORTEST_USUAL_MONTHS, -(-limits.max_term_months // 4))
        soonest = r.within(min(r.periods_in(min(months, limits.max_term_months)), lowest.count))
    else:
        # What is affordable in a month may be less than one least payment where the plan is over within the month.
        soonest = r.pay(min(r.in_whole_steps(can), r.most_at_once)) if can >= lowest.payment else lowest
    drawn = [(Kind.LOWEST_PAYMENT, lowest), (Kind.SOONEST_DONE, soonest)]
    # With a few cents owed, rounding can put it outside of the two.
    between = r.within(max(1, (lowest.count + soonest.count) // 2))
    if soonest.count < between.count < lowest.count:
        drawn.insert(1, (Kind.IN_BETWEEN, between))
    interest = {kind: plan.total_interest for kind, plan in drawn}
    cheapest, dearest = min(interest.values()), max(interest.values())
    offers = (
        Offer(
            kind=kind,
            arrangement=arranged(plan),
            also=(Kind.LEAST_COST,) if interest[kind] == cheapest < dearest else (),
            needs_person=r.needs_person(plan.count),
        )
        for kind, plan in drawn
        if r.fits(plan)
    )
    return different(offers, most=MOST_ON_A_SCREEN)


def _lowest(r: Reckoning) -> Schedule:
    """Draw the plan of the lowest payment, without a person if that can be."""
    lowest = r.pay(r.least)
    if r.needs_person(lowest.count) and r.limits.auto_accept_months:
        alone = r.within(r.periods_in(r.limits.auto_accept_months))
        if r.fits(alone):
            return alone
    return lowest


def _first_asked(owed: Owed, limits: Limits, frequency: Frequency, pay_day: int, today: date) -> Regular:
    latest = today + timedelta(days=limits.first_payment_within_days)
    chosen = first_due(today=today, frequency=frequency, pay_day=pay_day, season=limits.season)
    if chosen > latest and frequency is not Frequency.SEASONAL:
        # A pay day that comes too late gives way: the last day that is allowed becomes the pay day.
        return Regular(owed.balance, frequency, latest)
    return Regular(owed.balance, frequency, chosen, None if frequency.by_weekday else pay_day)
