"""RULES  The answers to steps, a down payment, a pause, a lower payment and a settlement.

Invariant: as for regular payments. Beside it, a settlement below what is agreed without a person looks the same to the
eye however much the card would let off.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from portal.money import Money
from portal.offers import drafts
from portal.offers.answers import Answer, Change, Input, Kind, Offer, Outcome, Reason
from portal.offers.asked import Asked, Lower, Pause, Regular, Settlement, Steps
from portal.offers.owed import History
from portal.offers.reckoning import Reckoning, arranged
from portal.offers.regular import (
    MOST_ON_A_SCREEN,
    different,
    fewest_parts,
    hardship,
    longer,
    nothing_left,
    regular,
    settlement_in_parts,
    signpost,
)
from portal.offers.trace import Rule
from portal.schedules.arrangements import Arrangement
from portal.schedules.rates import Terms

_WHOLE_BPS = 10_000


def not_offered(r: Reckoning, *, asked: Asked, wanted: Regular, hindrances: tuple[Reason, ...]) -> Answer:
    """Answer with regular payments where the card has nothing of the kind that is asked for."""
    given = regular(r, asked=asked, wanted=wanted, hindrances=hindrances)
    if given.arrangement is None:
        return given
    asks = given.outcome is Outcome.COUNTER_AND_ASK_BUDGET
    return replace(
        given,
        outcome=Outcome.COUNTER_HIGHER if given.outcome is Outcome.ACCEPT else given.outcome,
        reasons=(Reason.WAY_NOT_OFFERED, *given.reasons),
        change=given.change if asks else Change(Input.WAY, wanted.way),
    )


def steps(r: Reckoning, *, asked: Steps, wanted: Regular, hindrances: tuple[Reason, ...]) -> Answer:
    """Answer steps: each at least the card's least, below the usual payment only for as long as the card allows.

    Where they aren't possible as they are, the nearest: each raised to the least, cut to the time that is allowed, and
    what comes after them as much as the usual term takes.
    """
    if wanted.frequency is not asked.then.frequency:
        return regular(r, asked=asked, wanted=wanted, hindrances=hindrances)
    if nothing_left(r):
        return signpost(r, asked)
    mended, reasons = _mended(r, asked)
    last = max(wanted.payment, mended[-1][1]) if mended else wanted.payment
    if last != wanted.payment and Reason.STEPS_FALL not in reasons:
        reasons = (*reasons, Reason.STEPS_FALL)
    drawn = _with_last(r, mended, last)
    if drawn is None and mended:
        drawn = drafts.stepped(r, mended)
        reasons = (*reasons, Reason.BELOW_LEAST_PAYMENT)
    if drawn is None or drawn.schedule is None:
        # Not even the nearest steps are possible: then the answer is that to what comes after them.
        given = regular(r, asked=asked, wanted=wanted, hindrances=hindrances)
        if given.outcome is not Outcome.ACCEPT or given.plan is None:
            return given
        above = not all(r.can_pay(amount) for _, amount in asked.steps)
        return replace(
            given,
            outcome=Outcome.COUNTER_LOWER if above else Outcome.COUNTER_HIGHER,
            reasons=((Reason.ABOVE_WHAT_IS_AFFORDABLE,) if above else tuple(dict.fromkeys(reasons))) + given.reasons,
            change=Change(Input.PAYMENT, given.plan.payment),
        )
    plan = drawn.schedule
    r.trace.add(Rule.STEPS, mended, asked=asked.steps, floor=r.floor, usual=r.least, months=r.limits.step_months)
    needs_person = r.needs_person(plan.count)
    why = (*dict.fromkeys(reasons), *hindrances)
    change = Change(Input.NONE)
    if Reason.STEPS_TOO_LONG in why:
        change = Change(Input.STEP_LENGTH, sum(count for count, _ in mended))
    elif why and not hindrances:
        change = Change(Input.PAYMENT, plan.items[min(sum(count for count, _ in mended), plan.count - 1)].amount)
    elif hindrances:
        change = Change(Input.FIRST_PAYMENT_DATE, r.first)
    return Answer(
        outcome=Outcome.COUNTER_HIGHER if why else Outcome.ACCEPT,
        arrangement=drawn,
        reasons=why + longer(needs_person),
        change=change,
        needs_person=needs_person,
        asked=asked,
    )


def _mended(r: Reckoning, asked: Steps) -> tuple[tuple[tuple[int, Money], ...], tuple[Reason, ...]]:
    """Return the steps as the card allows them, and what had to be changed."""
    one = Money(1, r.balance.currency)
    least = max(r.floor, r.first_interest + one if r.first_interest else one)
    below = r.periods_in(r.limits.step_months) if r.limits.step_months else 0
    left = r.longest - 1
    found: list[tuple[int, Money]] = []
    reasons: list[Reason] = []
    before = least
    for count, payment in asked.steps:
        amount = max(payment, before)
        if amount != payment:
            reasons.append(Reason.BELOW_LEAST_PAYMENT if payment < least else Reason.STEPS_FALL)
        amount = min(amount, r.most_at_once)
        most = min(left, below) if amount < r.least else left
        if count > most:
            reasons.append(Reason.STEPS_TOO_LONG)
        many = min(count, most)
        if many:
            found.append((many, amount))
        left -= many
        below -= many if amount < r.least else 0
        before = amount
    return tuple(found), tuple(reasons)


def _with_last(r: Reckoning, mended: tuple[tuple[int, Money], ...], last: Money) -> Arrangement | None:
    """Draw the steps and what was asked for after them; None where that doesn't repay all in the usual term."""
    if not mended:
        return arranged(r.pay(last)) if last >= r.least and r.fits(r.pay(last)) else None
    return drafts.stepped_to(r, mended, last)


def least_down_payment(r: Reckoning) -> Money:
    """Return the least down payment of the card, rounded up; nothing where it has none."""
    card = r.limits.down_payment
    bps = card.least_bps if card is not None else 0
    least = Money(-(-r.owed.balance.minor * bps // _WHOLE_BPS), r.balance.currency)
    r.trace.add(Rule.LEAST_DOWN_PAYMENT, least, balance=r.owed.balance, least_bps=bps)
    return least


def down_payment_is_required(r: Reckoning) -> bool:
    """Tell whether a debt that is so late is only arranged with a down payment."""
    card = r.limits.down_payment
    if card is None or card.required_from_days_late is None or not card.least_bps:
        return False
    return r.owed.days_late >= card.required_from_days_late


def with_down_payment(given: Answer, amount: Money, pay_by: date, balance: Money) -> Answer:
    """Put a down payment before every plan of an answer about the rest; what ends in a review follows none."""

    def first(rest: Arrangement) -> Arrangement:
        return drafts.down_payment_first(amount, pay_by, rest, balance)

    return replace(
        given,
        arrangement=None if given.arrangement is None else first(given.arrangement),
        alternatives=tuple(
            replace(offer, arrangement=first(offer.arrangement))
            for offer in given.alternatives
            if offer.arrangement.left_at_review is None
        ),
        for_person=None if given.for_person is None else first(given.for_person),
    )


def pause(r: Reckoning, *, asked: Pause, wanted: Regular, hindrances: tuple[Reason, ...], history: History) -> Answer:
    """Answer a pause: as many of the months as the card and what was paused before allow, then the regular payments."""
    given = regular(r, asked=asked, wanted=wanted, hindrances=hindrances)
    if given.plan is None:
        return given
    allowed = drafts.pause_months(r.limits, history)
    r.trace.add(
        Rule.PAUSE_MONTHS,
        allowed,
        asked=asked.months,
        card=r.limits.holiday,
        paused_in_12=history.pause_months_in_12,
        payments_since=history.payments_since_pause,
    )
    found, months = None, min(asked.months, allowed)
    while months and found is None:
        found = drafts.paused(r, months, given.plan)
        if found is None:
            months -= 1
    reasons = _why_shorter(r, asked, history, allowed, months)
    if found is None or found.schedule is None:
        asks = given.outcome is Outcome.COUNTER_AND_ASK_BUDGET
        return replace(
            given,
            outcome=Outcome.COUNTER_HIGHER if given.outcome is Outcome.ACCEPT else given.outcome,
            reasons=reasons + given.reasons,
            change=given.change if asks else Change(Input.PAUSE_MONTHS, 0),
        )
    needs_person = r.needs_person(found.schedule.count + months * r.per_year // 12)
    others = tuple(reason for reason in given.reasons if reason is not Reason.LONGER_THAN_AUTOMATIC)
    changed = bool(reasons) and given.outcome is Outcome.ACCEPT
    return replace(
        given,
        outcome=Outcome.COUNTER_HIGHER if changed else given.outcome,
        arrangement=found,
        reasons=reasons + others + longer(needs_person),
        change=Change(Input.PAUSE_MONTHS, months) if changed else given.change,
        needs_person=needs_person,
        alternatives=(),
    )


def _why_shorter(r: Reckoning, asked: Pause, history: History, allowed: int, months: int) -> tuple[Reason, ...]:
    if months == asked.months:
        return ()
    holiday = r.limits.holiday
    if holiday is None:
        return (Reason.WAY_NOT_OFFERED,)
    since = history.payments_since_pause
    if since is not None and since < holiday.payments_between:
        return (Reason.TOO_SOON_AFTER_A_PAUSE,)
    return (Reason.PAUSES_USED_UP,) if not allowed else (Reason.PAUSE_TOO_LONG,)


def lower(r: Reckoning, *, asked: Lower, wanted: Regular, hindrances: tuple[Reason, ...]) -> Answer:
    """Answer a lower payment for some months: at least its share of the usual one, above the interest, not too long."""
    if nothing_left(r):
        return signpost(r, asked)
    card, least = r.limits.reduced_payment, drafts.least_lower(r)
    if card is None or least is None or wanted.payment >= r.least:
        # Nobody needs to ask for what is usual.
        return (
            not_offered(r, asked=asked, wanted=wanted, hindrances=hindrances)
            if card is None
            else regular(r, asked=asked, wanted=wanted, hindrances=hindrances)
        )
    payment, months = max(wanted.payment, least), min(asked.months, card.most_months)
    reasons: tuple[Reason, ...] = ()
    can = r.affordable_a_period
    if wanted.payment < least:
        reasons += (Reason.BELOW_LEAST_LOWER_PAYMENT,)
    if can is not None and payment > can:
        if can < least:
            return hardship(Outcome.REVIEW_HARDSHIP, r, asked, can, reasons or (Reason.ABOVE_WHAT_IS_AFFORDABLE,))
        payment = max(least, can - Money(can.minor % r.limits.affordability_step.minor, can.currency))
        reasons += (Reason.ABOVE_WHAT_IS_AFFORDABLE,)
    if asked.months > months:
        reasons += (Reason.LOWER_FOR_TOO_LONG,)
    drawn = drafts.lowered(r, payment, months)
    if drawn is None:
        return regular(r, asked=asked, wanted=wanted, hindrances=hindrances)
    needs_person = r.needs_person(r.periods_in(months))
    change = Change(Input.NONE)
    if payment != wanted.payment:
        change = Change(Input.PAYMENT, payment)
    elif months != asked.months:
        change = Change(Input.LOWER_MONTHS, months)
    elif hindrances:
        change = Change(Input.FIRST_PAYMENT_DATE, r.first)
    outcome = Outcome.ACCEPT
    if reasons or hindrances:
        above = Reason.ABOVE_WHAT_IS_AFFORDABLE in reasons
        outcome = Outcome.COUNTER_LOWER if above else Outcome.COUNTER_HIGHER
    return Answer(
        outcome=outcome,
        arrangement=drawn,
        reasons=reasons + hindrances + longer(needs_person),
        change=change,
        needs_person=needs_person,
        asked=asked,
    )


def settle(r: Reckoning, *, asked: Settlement, hindrances: tuple[Reason, ...]) -> Answer:
    """Answer a settlement: yes where it is agreed alone; below that a person decides, and the eye sees no difference.

    10,000.00 with 30% off at most, of which 10% is agreed without a person: 9,000.00 is accepted; 8,000.00 and 5,000.00
    both go to a person, with the words that 9,000.00 would be agreed at once.
    """
    if nothing_left(r):
        return signpost(r, asked)
    staged = asked.parts > 1
    owed, limits = r.owed, r.limits
    alone = drafts.least_settlement(owed, limits, staged=staged, alone=True, trace=r.trace)
    card = drafts.least_settlement(owed, limits, staged=staged, alone=False, trace=r.trace)
    most = limits.discount.most_instalments if limits.discount is not None else 1
    parts, reasons = asked.parts, hindrances
    if parts > most:
        parts, reasons = most, (*reasons, Reason.TOO_MANY_PARTS)
    amount = max(asked.amount, alone)
    affordable: int | None = parts
    if staged:
        r.trace.add(Rule.MOST_PARTS, most, asked=asked.parts)
        affordable = fewest_parts(r, amount, parts)
    if asked.amount < alone:
        return _below_alone(r, asked, card=card, alone=alone, parts=parts, affordable=affordable, why=reasons)
    if affordable is None:
        can = r.affordable_a_period or Money.zero(amount.currency)
        above = (*reasons, Reason.PARTS_ABOVE_WHAT_IS_AFFORDABLE)
        return hardship(Outcome.COUNTER_LOWER_HARDSHIP_REVIEW, r, asked, can, above)
    outcome = Outcome.COUNTER_HIGHER if reasons else Outcome.ACCEPT
    change = Change(Input.SETTLEMENT_PARTS, affordable) if affordable != asked.parts else Change(Input.NONE)
    if affordable > parts:
        outcome, reasons = Outcome.COUNTER_LOWER, (*reasons, Reason.PARTS_ABOVE_WHAT_IS_AFFORDABLE)
    elif hindrances:
        change = Change(Input.FIRST_PAYMENT_DATE, r.first)
    needs_person = staged and r.needs_person(affordable)
    return Answer(
        outcome=outcome,
        arrangement=_settled(r, asked.amount, affordable),
        reasons=reasons + longer(needs_person),
        change=change,
        needs_person=needs_person,
        asked=asked,
    )


def _settled(r: Reckoning, amount: Money, parts: int) -> Arrangement:
    terms = Terms(amount, r.first, r.frequency, anchor_day=r.anchor_day)
    return drafts.settled(r.owed, r.limits, amount, terms=terms, parts=parts, today=r.today)


def _below_alone(
    r: Reckoning,
    asked: Settlement,
    *,
    card: Money,
    alone: Money,
    parts: int,
    affordable: int | None,
    why: tuple[Reason, ...],
) -> Answer:
    """Hand a low settlement to a person; what is public depends on what is agreed alone only."""
    inside = asked.amount >= card and asked.amount.minor > 0
    nearest = max(asked.amount, card)
    fewest = parts if parts == 1 else fewest_parts(r, nearest, parts)
    for_person = None
    if fewest is not None and 0 < nearest.minor < r.owed.balance.minor:
        for_person = _settled(r, nearest, fewest)
    offers: list[Offer] = []
    if affordable is not None and alone < r.owed.balance and alone.minor > 0:
        kind = Kind.SETTLED_AT_ONCE if parts == 1 else Kind.SETTLED_IN_PARTS
        needs = parts > 1 and r.needs_person(affordable)
        offers.append(Offer(kind, _settled(r, alone, affordable), needs_person=needs))
    lowest = r.pay(r.least)
    if r.fits(lowest):
        offers.append(Offer(Kind.LOWEST_PAYMENT, arranged(lowest), needs_person=r.needs_person(lowest.count)))
    if parts == 1:
        offers += settlement_in_parts(r)
    accepted = inside and fewest == asked.parts and not why
    return Answer(
        outcome=Outcome.ACCEPT if accepted else Outcome.COUNTER_HIGHER,
        arrangement=None,
        reasons=(*why, Reason.NOT_SETTLED_ALONE, Reason.A_PERSON_DECIDES),
        change=Change(Input.SETTLEMENT_AMOUNT, alone)
        if offers and offers[0].arrangement.waiver
        else Change(Input.NONE),
        needs_person=True,
        asked=asked,
        alternatives=different(offers, most=MOST_ON_A_SCREEN),
        for_person=for_person,
    )
