"""RULES  The answer to regular payments, and what else would work.

Invariant: a plan that is accepted or offered is inside the card and, where that is known, affordable; what is shown
where a person decides is the same whatever the hardship limits say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Final

from portal.money import Money
from portal.offers import drafts
from portal.offers.answers import Answer, Change, Input, Kind, Offer, Outcome, Reason
from portal.offers.asked import Asked, Regular
from portal.offers.reckoning import Reckoning, arranged
from portal.schedules.arrangements import Arrangement, Standstill
from portal.schedules.dates import Frequency
from portal.schedules.pauses import moratorium
from portal.schedules.rates import Terms
from portal.schedules.schedule import Schedule

# The plan itself is the first thing on the screen, and nobody should have to weigh more than three.
MOST_ON_A_SCREEN: Final = 3
# Whoever has nothing left over is asked for nothing for so many days at least.
LEAST_HOLD: Final = timedelta(days=30)


def regular(r: Reckoning, *, asked: Asked, wanted: Regular, hindrances: tuple[Reason, ...]) -> Answer:
    """Answer regular payments of what is left to repay; `wanted` is what is asked in a rhythm that is offered.

    3,600.00 without interest, at most 24 months, a surplus of 180.00 (so 162.00 is affordable): 160.00 is accepted as
    22 of 160.00 and one of 80.00; for 100.00 the answer is 24 of 150.00, or 3 of 100.00 and then 157.15.
    """
    can = r.affordable_a_period
    if can is not None and nothing_left(r):
        return signpost(r, asked)
    payment = min(wanted.payment, r.most_at_once)
    least = r.least
    too_little = payment < least
    reasons = _why_too_little(payment, r) if too_little else ()
    if can is None:
        if too_little:
            return _counter(Outcome.COUNTER_AND_ASK_BUDGET, r, asked, least, reasons + hindrances)
        return _yes(r, asked, r.pay(payment), hindrances)
    drawn = None if too_little else r.pay(payment)
    if not (r.can_pay(payment) or (drawn is not None and r.fits(drawn))):
        # A promise that cannot be kept is refused even though the lender would like it.
        why = (Reason.ABOVE_WHAT_IS_AFFORDABLE,)
        if can >= least:
            return _counter(Outcome.COUNTER_LOWER, r, asked, r.in_whole_steps(can), why + hindrances)
        return hardship(Outcome.COUNTER_LOWER_HARDSHIP_REVIEW, r, asked, can, why)
    if drawn is not None:
        return _yes(r, asked, drawn, hindrances)
    if can >= least:
        return _counter(Outcome.COUNTER_HIGHER, r, asked, least, reasons + hindrances)
    return hardship(Outcome.REVIEW_HARDSHIP, r, asked, payment, reasons)


def nothing_left(r: Reckoning) -> bool:
    """Tell whether it is known that nothing can be asked for, not even a small amount."""
    a = r.affordable_a_month
    return a is not None and a.minor <= 0


def signpost(r: Reckoning, asked: Asked) -> Answer:
    """Ask for nothing for a while; a person looks, and a token is there for whoever wants to give a sign."""
    until = r.today + max(LEAST_HOLD, timedelta(days=r.limits.moratorium_days))
    drawn = drafts.token(r)
    return Answer(
        outcome=Outcome.SIGNPOST_AND_HOLD,
        arrangement=None,
        reasons=(Reason.NOTHING_LEFT_OVER, Reason.A_PERSON_DECIDES),
        change=Change(Input.NONE),
        needs_person=True,
        asked=asked,
        alternatives=() if drawn is None else (Offer(Kind.TOKEN, drawn, needs_person=True),),
        hold_until=until,
        for_person=moratorium(balance=r.balance, standstill=Standstill(r.today, until))
        if r.limits.moratorium_days
        else None,
    )


def hardship(outcome: Outcome, r: Reckoning, asked: Asked, payment: Money, reasons: tuple[Reason, ...]) -> Answer:
    """Hand over to a person, with a plan without interest where the hardship limits have one, or else a token."""
    can, least = r.affordable_a_period, r.least_in_hardship
    for_person: Arrangement | None
    if can is None or can < least:
        outcome, for_person = Outcome.REFER_TOKEN, drafts.token(r)
    else:
        for_person = arranged(r.pay(max(payment, least), frozen=True), frozen=True)
    return person(outcome, r, asked, reasons, for_person)


def person(
    outcome: Outcome, r: Reckoning, asked: Asked, reasons: tuple[Reason, ...], for_person: Arrangement | None
) -> Answer:
    """Answer the same to the eye whatever the hardship limits say: only the outcome, for staff, tells them apart."""
    return Answer(
        outcome=outcome,
        arrangement=None,
        reasons=(*reasons, Reason.A_PERSON_DECIDES),
        change=Change(Input.NONE),
        needs_person=True,
        asked=asked,
        alternatives=different(_instead(r), most=MOST_ON_A_SCREEN),
        for_person=for_person,
    )


def _why_too_little(payment: Money, r: Reckoning) -> tuple[Reason, ...]:
    if payment <= r.first_interest:
        return (Reason.BELOW_LEAST_PAYMENT, Reason.INTEREST_WOULD_OUTGROW)
    return (Reason.BELOW_LEAST_PAYMENT,)


def _yes(r: Reckoning, asked: Asked, plan: Schedule, hindrances: tuple[Reason, ...]) -> Answer:
    """Accept; or, where only the rhythm or the first date stands in the way, offer the same with that changed."""
    needs_person = r.needs_person(plan.count)
    change = Change(Input.NONE)
    if hindrances:
        change = _first_change(r, hindrances)
    elif needs_person:
        change = _shorter(r)
    return Answer(
        outcome=Outcome.COUNTER_HIGHER if hindrances else Outcome.ACCEPT,
        arrangement=arranged(plan),
        reasons=hindrances + longer(needs_person),
        change=change,
        needs_person=needs_person,
        asked=asked,
        # Whoever offers enough isn't worse off for it than somebody who offered less.
        alternatives=different(_waiver(r, plan.payment), but_not=plan, most=MOST_ON_A_SCREEN - 1),
    )


def longer(needs_person: bool) -> tuple[Reason, ...]:
    """Say that a person looks at a plan of this length, if so."""
    return (Reason.LONGER_THAN_AUTOMATIC,) if needs_person else ()


def _shorter(r: Reckoning) -> Change:
    """Name the payment that needs no person, where there is one that is affordable."""
    if not r.limits.auto_accept_months:
        return Change(Input.NONE)
    plan = r.within(r.periods_in(r.limits.auto_accept_months))
    return Change(Input.PAYMENT, plan.payment) if r.fits(plan) else Change(Input.NONE)


def _first_change(r: Reckoning, hindrances: tuple[Reason, ...]) -> Change:
    if hindrances[0] is Reason.FREQUENCY_NOT_OFFERED:
        return Change(Input.FREQUENCY, r.frequency)
    return Change(Input.FIRST_PAYMENT_DATE, r.first)


def _counter(outcome: Outcome, r: Reckoning, asked: Asked, payment: Money, reasons: tuple[Reason, ...]) -> Answer:
    plan = r.pay(min(payment, r.most_at_once))
    needs_person = r.needs_person(plan.count)
    asks = outcome is Outcome.COUNTER_AND_ASK_BUDGET
    return Answer(
        outcome=outcome,
        arrangement=arranged(plan),
        reasons=reasons + longer(needs_person),
        change=Change(Input.BUDGET) if asks else Change(Input.PAYMENT, payment),
        needs_person=needs_person,
        asked=asked,
        # Without a budget nobody knows what else would work.
        alternatives=() if asks else different(_beside(r, asked), but_not=plan, most=MOST_ON_A_SCREEN - 1),
    )


def _beside(r: Reckoning, asked: Asked) -> Iterator[Offer]:
    """Draw what else would work, what is nearest to what was asked first; only what is affordable."""
    if asked.regular.frequency is r.frequency:
        drawn = drafts.step_up(r, asked.regular.payment)
        if drawn is not None and drawn.schedule is not None:
            yield Offer(Kind.STEP_UP, drawn, needs_person=r.needs_person(drawn.schedule.count))
    yield from _waiver(r)
    yield from _freeze(r)
    lowest = r.pay(r.least)
    if r.fits(lowest):
        yield Offer(Kind.LOWEST_PAYMENT, arranged(lowest), needs_person=r.needs_person(lowest.count))


def _instead(r: Reckoning) -> Iterator[Offer]:
    """Draw what is possible at once while a person looks: only what is affordable, nothing of the hardship limits."""
    yield from _waiver(r)
    yield from _freeze(r)
    can, least = r.affordable_a_period, drafts.least_lower(r)
    card = r.limits.reduced_payment
    if can is not None and card is not None and least is not None and least <= can < r.least:
        payment = max(least, can - Money(can.minor % r.limits.affordability_step.minor, can.currency))
        drawn = drafts.lowered(r, payment, card.most_months)
        if drawn is not None:
            yield Offer(Kind.LOWER_FOR_A_WHILE, drawn, needs_person=r.needs_person(r.periods_in(card.most_months)))
    yield from settlement_in_parts(r)


def _waiver(r: Reckoning, payment: Money | None = None) -> Iterator[Offer]:
    found = drafts.with_waiver(r, payment)
    if found is not None and found[0].schedule is not None:
        drawn, bps = found
        alone = bps <= r.limits.auto_accept_discount_bps and not r.needs_person(found[0].schedule.count)
        yield Offer(Kind.WITH_WAIVER, drawn, needs_person=not alone)


def _freeze(r: Reckoning) -> Iterator[Offer]:
    drawn = drafts.frozen_for_a_while(r)
    if drawn is not None:
        # How much interest is let off is in no band, so a person agrees to it.
        yield Offer(Kind.WITHOUT_INTEREST_FOR_A_WHILE, drawn, needs_person=True)


def settlement_in_parts(r: Reckoning) -> Iterator[Offer]:
    """Draw the least settlement that needs no person, in as few parts as are affordable."""
    discount = r.limits.discount
    if discount is None or r.balance != r.owed.balance or r.frequency is Frequency.SEASONAL:
        return
    amount = drafts.least_settlement(r.owed, r.limits, staged=True, alone=True, trace=r.trace)
    if not 0 < amount.minor < r.owed.balance.minor:
        return
    parts = fewest_parts(r, amount, 2)
    if parts is not None:
        terms = Terms(amount, r.first, r.frequency, anchor_day=r.anchor_day)
        drawn = drafts.settled(r.owed, r.limits, amount, terms=terms, parts=parts, today=r.today)
        yield Offer(Kind.SETTLED_IN_PARTS, drawn, needs_person=r.needs_person(parts))


def fewest_parts(r: Reckoning, amount: Money, at_least: int) -> int | None:
    """Return in how many parts a settlement is affordable, as few as possible; None where the card has not so many."""
    most = r.limits.discount.most_instalments if r.limits.discount is not None else 1
    for parts in range(at_least, most + 1):
        each = Money(-(-amount.minor // parts), amount.currency)
        a = r.affordable_a_month
        if r.can_pay(each) or (a is not None and amount <= a):
            return parts
    return None


def different(offers: Iterable[Offer], *, but_not: Schedule | None = None, most: int) -> tuple[Offer, ...]:
    """Return the first offers whose amounts differ from each other and from the plan that is shown already.

    Of two that are the same the later gives its good points to the earlier, so that nothing true is lost.
    """
    kept: dict[tuple[tuple[int, Money], ...], Offer] = {}
    for offer in offers:
        steps = offer.schedule.steps
        if but_not is not None and steps == but_not.steps:
            continue
        if steps in kept:
            twin = kept[steps]
            also = tuple(dict.fromkeys((*twin.also, offer.kind, *offer.also)))
            kept[steps] = replace(twin, also=also)
        else:
            kept[steps] = offer
        if len(kept) == most:
            break
    return tuple(kept.values())
