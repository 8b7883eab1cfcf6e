"""RULES  Arrangements of each kind, drawn only if they are inside the card and, where that is known, affordable.

Invariant: what comes out of here may be offered; None comes out where the card has nothing of the kind.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Final

from portal.interest import months_later
from portal.limits.cards import Component, Limits
from portal.money import Money
from portal.offers.owed import History, Owed
from portal.offers.reckoning import Reckoning
from portal.offers.trace import Rule, Trace
from portal.schedules import arrangements, drawing, pauses, settlements
from portal.schedules.arrangements import Arrangement, Parts, Standstill
from portal.schedules.dates import Frequency
from portal.schedules.pauses import Keeps
from portal.schedules.rates import Terms
from portal.schedules.schedule import Item, NeverEnds, Schedule, TooManyItems
from portal.schedules.settlements import Ceilings

_WHOLE_BPS: Final = 10_000


def step_up(r: Reckoning, starts: Money) -> Arrangement | None:
    """Draw the usual term with a smaller payment for as long as the card allows; None where it can't be."""
    count = r.periods_in(r.limits.step_months) if r.limits.step_months else 0
    if not 0 < count < r.longest or not r.floor <= starts < r.least or starts <= r.first_interest:
        return None
    return stepped(r, ((count, starts),))


def stepped(r: Reckoning, steps: tuple[tuple[int, Money], ...]) -> Arrangement | None:
    """Draw steps and then a level payment over the rest of the usual term; None where it isn't affordable."""
    try:
        drawn = arrangements.step_up(r.terms, steps=steps, count=r.longest)
    except NeverEnds:
        return None
    return drawn if drawn.schedule is not None and r.fits(drawn.schedule) else None


def stepped_to(r: Reckoning, steps: tuple[tuple[int, Money], ...], last: Money) -> Arrangement | None:
    """Draw steps and then one payment until all is paid; None where that is too long, or not affordable."""
    amounts = [amount for count, amount in steps for _ in range(count)]
    amounts += [last] * (r.longest - len(amounts))
    items: list[Item] = []
    try:
        left = drawing.pay_each(r.balance, zip(r.terms.periods(r.longest), amounts, strict=False), items)
    except NeverEnds:
        return None
    plan = Schedule(tuple(items), r.frequency)
    if left or not r.fits(plan):
        return None
    return Arrangement(arrangements.Kind.STEP_UP, plan, cost=plan.total_interest)


def pause_months(limits: Limits, history: History) -> int:
    """Return how many months may be paused now: what is left of a year's, but no more than the most running."""
    holiday = limits.holiday
    if holiday is None:
        return 0
    since = history.payments_since_pause
    if since is not None and since < holiday.payments_between:
        return 0
    return max(0, min(holiday.most_months_running, holiday.most_months_in_12 - history.pause_months_in_12))


def paused(r: Reckoning, months: int, usual: Schedule) -> Arrangement | None:
    """Draw a plan that starts so many months later; None where that is no whole period, or not allowed."""
    holiday = r.limits.holiday
    periods = months * r.per_year // 12
    if holiday is None or r.frequency is Frequency.SEASONAL or periods < 1:
        return None
    try:
        drawn = pauses.holiday(
            r.terms, count=usual.count, periods=periods, accrual=holiday.interest, keeps=holiday.keeps
        )
        grows = drawn.grows_by or Money.zero(r.balance.currency)
        if holiday.keeps is Keeps.INSTALMENT or not grows:
            # What was asked for goes on, to the unit.
            later = drawing.by_payment(replace(r.terms, balance=r.balance + grows), usual.payment, skip=periods)
            cost = later.total - r.balance
            drawn = replace(drawn, schedule=later, cost=cost, cost_of_pause=cost - usual.total_interest)
    except (NeverEnds, TooManyItems):
        return None
    plan = drawn.schedule
    if plan is None or plan.count > r.longest or not r.fits(plan):
        return None
    return drawn


def least_lower(r: Reckoning) -> Money | None:
    """Return the least of a lower payment: its share of the usual one, and more than the interest unless that rests."""
    card = r.limits.reduced_payment
    if card is None:
        return None
    share = Money(-(-r.least.minor * card.least_bps // _WHOLE_BPS), r.balance.currency)
    one = Money(1, r.balance.currency)
    least = max(share, r.first_interest + one if r.first_interest else one)
    return min(r.trace.add(Rule.LOWER_PAYMENT, least, usual=r.least, least_bps=card.least_bps), r.least)


def lowered(r: Reckoning, payment: Money, months: int) -> Arrangement | None:
    """Draw a lower payment for so many months; None where it would let the debt grow or isn't affordable."""
    drawn = pauses.reduced_payment(
        r.terms, payment=payment, count=max(1, months * r.per_year // 12), review_on=_review(r, months)
    )
    nothing = Money.zero(r.balance.currency)
    if drawn.schedule is None or (drawn.grows_by or nothing) > nothing or not r.fits(drawn.schedule):
        return None
    return drawn


def _review(r: Reckoning, months: int) -> date:
    return months_later(r.first, months, anchor_day=_day_of_month(r))


def _day_of_month(r: Reckoning) -> int | None:
    """Return the day of the month that the first payment stands for, as the 31st in April; None where it is its own.

    The other day of those who pay twice a month is its own: a month after it the same payment comes again.
    """
    day = r.anchor_day
    if day is None or r.frequency.by_weekday or months_later(r.first, 0, anchor_day=day) != r.first:
        return None
    return day


def token(r: Reckoning) -> Arrangement | None:
    """Draw a sign of good will, once a month until it is looked at again."""
    card = r.limits.token
    if card is None:
        return None
    months = card.review_after_months
    terms = Terms(r.balance, r.first, Frequency.MONTHLY, anchor_day=_day_of_month(r))
    return pauses.token(terms, payment=min(card.amount, r.balance), count=months, review_on=_review(r, months))


def frozen_for_a_while(r: Reckoning) -> Arrangement | None:
    """Draw the usual term without interest for as long as the card allows; None where it changes nothing."""
    months = r.limits.interest_freeze_months
    if not months or not r.annual_rate:
        return None
    freeze = Standstill(r.terms.runs_since, months_later(r.terms.runs_since, months))
    drawn = pauses.interest_freeze(r.terms, count=r.longest, freeze=freeze)
    plan = drawn.schedule
    return drawn if plan is not None and plan.payment >= r.floor and r.fits(plan) else None


def with_waiver(r: Reckoning, payment: Money | None = None) -> tuple[Arrangement, int] | None:
    """Draw level payments of what is left after the card's waiver, with its share of the debt in basis points.

    They are of the amount that is given or, without one, the least that the card allows. None where nothing is let off.
    """
    card, owed = r.limits.waiver, r.owed
    if card is None or owed.parts is None or r.balance != owed.balance:
        return None
    everything = dict.fromkeys(card.components, _WHOLE_BPS)
    waived = _ceilings(everything).most(owed.in_parts)
    agreed = owed.balance - waived.total
    bps = -(-waived.total.minor * _WHOLE_BPS // owed.balance.minor)
    most = r.limits.person_up_to_discount_bps
    if not waived.total or agreed.minor <= 0 or (most is not None and bps > most):
        return None
    bearing = r.bearing * owed.balance.minor / agreed.minor
    if owed.parts.principal:
        bearing = bearing * (owed.parts.principal - waived.principal).minor / owed.parts.principal.minor
    rest = replace(r, balance=agreed, bearing=min(bearing, Fraction(1)), _drawn={})
    wanted = rest.least if payment is None else min(max(payment, rest.least), rest.most_at_once)
    count = rest.longest if wanted == rest.by_term else rest.count(wanted)
    # Fewer payments are larger, so it only matters where not even the longest term comes to the least a month.
    while rest.by_term < rest.floor and count > 1 and rest.level(count) < rest.floor:
        count -= 1
    drawn = settlements.instalments_with_waiver(
        owed=owed.in_parts,
        waived=waived,
        terms=replace(rest.terms, balance=owed.balance),
        count=count,
        vesting=card.vesting,
    )
    return (drawn, bps) if drawn.schedule is not None and r.fits(drawn.schedule) else None


def _ceilings(bps: dict[Component, int]) -> Ceilings:
    return Ceilings(
        principal=bps.get(Component.PRINCIPAL, 0),
        interest=bps.get(Component.INTEREST, 0),
        penalty=bps.get(Component.PENALTY, 0),
        fees=bps.get(Component.FEES, 0),
        costs=bps.get(Component.COSTS, 0),
    )


def discount_bps(limits: Limits, *, days_late: int, staged: bool) -> int:
    """Return the most that the card lets off of a debt that is so late, before any ceiling; 0 where nothing is."""
    discount = limits.discount
    band = None if discount is None else discount.band_for(days_late=days_late)
    if discount is None or band is None or (staged and discount.most_instalments < 2):
        return 0
    most = band.staged_bps if staged else band.lump_bps
    return most if limits.person_up_to_discount_bps is None else min(most, limits.person_up_to_discount_bps)


def least_settlement(owed: Owed, limits: Limits, *, staged: bool, alone: bool, trace: Trace) -> Money:
    """Return the least that settles a debt: by the card, or (alone) without a person; the balance if nothing does.

    10,000.00 with 30% off at most, of which 10% is agreed without a person, is 7,000.00, or alone 9,000.00.
    """
    bps = discount_bps(limits, days_late=owed.days_late, staged=staged)
    if alone:
        bps = min(bps, limits.auto_accept_discount_bps)
    if not bps or limits.discount is None:
        return owed.balance
    ceilings = dict(limits.discount.ceilings_bps)
    waived = settlements.most_waived(owed=owed.in_parts, ceilings=_ceilings(ceilings), discount_bps=bps)
    trace.add(
        Rule.MOST_LET_OFF_ALONE if alone else Rule.MOST_LET_OFF,
        waived.total,
        owed=owed.in_parts,
        ceilings_bps=limits.discount.ceilings_bps,
        discount_bps=bps,
        staged=staged,
    )
    return owed.balance - waived.total


def settled(owed: Owed, limits: Limits, amount: Money, *, terms: Terms, parts: int, today: date) -> Arrangement:
    """Draw a settlement of an amount that the card allows, in one payment or in parts.

    :raises ValueError: if more would be let off than the card's ceilings allow.
    """
    bps = dict(limits.discount.ceilings_bps) if limits.discount is not None else {}
    waived = _let_off(owed.in_parts, _ceilings(bps).most(owed.in_parts), owed.balance - amount)
    if parts == 1:
        return settlements.settlement_lump(owed=owed.in_parts, waived=waived, today=today, pay_by=terms.first)
    return settlements.settlement_staged(owed=owed.in_parts, waived=waived, terms=terms, count=parts, today=today)


def _let_off(owed: Parts, most: Parts, wanted: Money) -> Parts:
    """Let off so much, in the order of settlements: penalty first, then fees, interest, costs, and principal last."""
    left = wanted
    waived: dict[str, Money] = {}
    for name in ("penalty", "fees", "interest", "costs", "principal"):
        waived[name] = min(getattr(most, name), left)
        left -= waived[name]
    if left:
        raise ValueError(wanted)
    return Parts(**waived)


def down_payment_first(amount: Money, pay_by: date, rest: Arrangement, balance: Money) -> Arrangement:
    """Put a down payment before another arrangement of what is left."""
    plan = rest.schedule
    if plan is None:
        return rest
    terms = Terms(balance, plan.starts_on, plan.frequency)
    return arrangements.down_payment_first(terms, down=amount, pay_by=pay_by, then=lambda _terms: rest)
