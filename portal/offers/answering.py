"""RULES  What the limits answer to what somebody asks for, why, and what would work: the one door to all kinds.

Invariant: the same request, debt, card, means, history and day give the same answer with the same trace, byte for byte.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from portal.limits.cards import Limits
from portal.money import Money
from portal.offers import ways
from portal.offers.answers import Answer, Change, Input, Outcome, Reason
from portal.offers.asked import Asked, DownPayment, Lower, Pause, Regular, Settlement, Steps
from portal.offers.dates import Window, possible
from portal.offers.drafts import discount_bps
from portal.offers.gates import Gate
from portal.offers.owed import MOST_ROUNDS, NO_HISTORY, History, Means, Owed
from portal.offers.reckoning import Case
from portal.offers.regular import hardship, nothing_left, regular, signpost
from portal.offers.trace import Rule, Trace
from portal.schedules.schedule import NothingOwed

# Where nothing is left over a hold is the answer, and no rule about plans has a say in it.
_BY_PERSON: Final = {Outcome.COUNTER_LOWER_HARDSHIP_REVIEW, Outcome.REVIEW_HARDSHIP, Outcome.REFER_TOKEN}


def answer(
    *,
    asked: Asked,
    owed: Owed,
    limits: Limits,
    means: Means | None = None,
    history: History = NO_HISTORY,
    gate: Gate | None = None,
    today: date,
) -> Answer:
    """Answer what somebody asks for; without means nobody knows yet what is affordable.

    3,600.00 without interest, at most 24 months, 180.00 left over in a month: 160.00 is accepted as 22 of 160.00 and
    one of 80.00. What is offered here is accepted when it is asked for. Where only the rhythm or the first date stands
    in the way the answer is COUNTER_HIGHER with the same payment a month. Behind a gate that is shut nothing is drawn.

    :raises NothingOwed: if the balance is not above zero.
    :raises portal.money.CurrencyMismatch: if the amounts are not of one currency.
    """
    if owed.balance.minor <= 0:
        raise NothingOwed(owed.balance)
    trace = Trace()
    trace.add(Rule.ASKED, asked, owed=owed, means=means, history=history, today=today)
    trace.add(Rule.GATE, gate)
    if gate is not None:
        return _finished(_held(asked, gate), trace)
    given = _answer(Case(owed, limits, means, today, trace), asked, history)
    given = _with_quota(given, limits, history, today, trace)
    return _finished(_with_rounds(given, history, trace), trace)


def _finished(given: Answer, trace: Trace) -> Answer:
    trace.add(
        Rule.OUTCOME,
        given.outcome,
        reasons=given.reasons,
        change=given.change,
        needs_person=given.needs_person,
        plan=_steps(given.plan),
        alternatives=tuple((offer.kind, _steps(offer.schedule)) for offer in given.alternatives),
        for_person=_steps(None if given.for_person is None else given.for_person.schedule),
    )
    return replace(given, trace=tuple(trace.steps))


def _steps(plan: object) -> object:
    return getattr(plan, "steps", None)


def _held(asked: Asked, gate: Gate) -> Answer:
    """Answer behind a gate: nothing is asked for and no plan is drawn until it is open."""
    return Answer(
        outcome=Outcome.SIGNPOST_AND_HOLD,
        arrangement=None,
        reasons=(Reason.BALANCE_NOT_FRESH if gate is Gate.BALANCE_NOT_FRESH else Reason.ON_HOLD,),
        change=Change(Input.NONE),
        needs_person=True,
        asked=asked,
    )


def _answer(case: Case, asked: Asked, history: History) -> Answer:
    limits = case.limits
    window = Window.of(limits, today=case.today)
    if isinstance(asked, Settlement):
        return _settlement(case, asked, window)
    if isinstance(asked, DownPayment) and limits.down_payment is not None:
        return _down_payment(case, asked, asked, window)
    wanted, hindrances = possible(asked.regular, limits, window, case.trace)
    r = case.reckon(wanted)
    if ways.down_payment_is_required(r) and not isinstance(asked, Lower) and wanted.payment < r.most_at_once:
        return _required_down_payment(case, asked, wanted, hindrances, window)
    match asked:
        case Regular():
            return regular(r, asked=asked, wanted=wanted, hindrances=hindrances)
        case Steps():
            return ways.steps(r, asked=asked, wanted=wanted, hindrances=hindrances)
        case Pause():
            return ways.pause(r, asked=asked, wanted=wanted, hindrances=hindrances, history=history)
        case Lower():
            return ways.lower(r, asked=asked, wanted=wanted, hindrances=hindrances)
        case DownPayment():
            return ways.not_offered(r, asked=asked, wanted=wanted, hindrances=hindrances)


def _settlement(case: Case, asked: Settlement, window: Window) -> Answer:
    wanted, hindrances = possible(asked.regular, case.limits, window, case.trace)
    r = case.reckon(wanted)
    if asked.amount >= case.owed.balance:
        # Nothing is let off, so it is a plan like any other.
        return regular(r, asked=asked, wanted=wanted, hindrances=hindrances)
    if not discount_bps(case.limits, days_late=case.owed.days_late, staged=asked.parts > 1):
        usual = replace(wanted, payment=r.least)
        return ways.not_offered(r, asked=asked, wanted=usual, hindrances=hindrances)
    return ways.settle(r, asked=asked, hindrances=hindrances)


def _down_payment(case: Case, asked: Asked, down: DownPayment, window: Window) -> Answer:
    """Answer a down payment that is raised to the least and moved into the days that are allowed, and what follows."""
    balance = case.owed.balance
    whole = case.reckon(down.then)
    if nothing_left(whole):
        inside, _hindrances = possible(down.then, case.limits, window, case.trace)
        return signpost(case.reckon(inside), asked)
    reasons: tuple[Reason, ...] = ()
    change = Change(Input.NONE)
    pay_by = min(max(down.pay_by, window.earliest), window.latest)
    if pay_by != down.pay_by:
        early = down.pay_by < window.earliest
        reasons += (Reason.FIRST_PAYMENT_IN_THE_PAST if early else Reason.FIRST_PAYMENT_TOO_LATE,)
        change = Change(Input.FIRST_PAYMENT_DATE, pay_by)
    amount = max(down.amount, ways.least_down_payment(whole), Money(1, balance.currency))
    if amount != down.amount:
        reasons += (Reason.DOWN_PAYMENT_TOO_LOW,)
        change = Change(Input.DOWN_PAYMENT, amount)
    if amount >= balance:
        # A down payment of all is one payment.
        once = replace(down.then, payment=amount, first_due=pay_by)
        wanted, hindrances = possible(once, case.limits, window, case.trace)
        return regular(case.reckon(wanted), asked=asked, wanted=wanted, hindrances=reasons + hindrances)
    after = window.after(pay_by, down.then, case.limits)
    wanted, hindrances = possible(down.then, case.limits, after, case.trace)
    r = case.reckon(wanted, balance=balance - amount)
    given = regular(r, asked=asked, wanted=wanted, hindrances=hindrances)
    given = ways.with_down_payment(given, amount, pay_by, balance)
    if not reasons:
        return given
    accepted = given.outcome is Outcome.ACCEPT
    return replace(
        given,
        outcome=Outcome.COUNTER_HIGHER if accepted else given.outcome,
        reasons=reasons + given.reasons,
        change=change if accepted else given.change,
    )


def _required_down_payment(
    case: Case, asked: Asked, wanted: Regular, hindrances: tuple[Reason, ...], window: Window
) -> Answer:
    """Answer that a debt so late is only arranged with a down payment; whoever can't afford that gets a person."""
    r = case.reckon(wanted)
    if nothing_left(r):
        return signpost(r, asked)
    least = ways.least_down_payment(r)
    can = r.affordable_a_month
    if can is not None and least > can:
        # What else would work would need the down payment too.
        why = (Reason.DOWN_PAYMENT_REQUIRED,)
        return replace(hardship(Outcome.REVIEW_HARDSHIP, r, asked, min(wanted.payment, can), why), alternatives=())
    second = r.terms.dates(2)[1]
    down = DownPayment(least, wanted.first_due, replace(wanted, first_due=second))
    given = _down_payment(case, asked, down, window)
    accepted = given.outcome is Outcome.ACCEPT
    return replace(
        given,
        outcome=Outcome.COUNTER_HIGHER if accepted else given.outcome,
        reasons=(Reason.DOWN_PAYMENT_REQUIRED, *hindrances, *given.reasons),
        change=Change(Input.DOWN_PAYMENT, least) if accepted else given.change,
    )


def _with_quota(given: Answer, limits: Limits, history: History, today: date, trace: Trace) -> Answer:
    """Leave a new plan to a person where there were too many, or one broke only just now; paying all is a yes."""
    card = limits.new_plans
    if card is None or given.outcome is Outcome.SIGNPOST_AND_HOLD:
        return given
    if given.outcome is Outcome.ACCEPT and given.plan is not None and given.plan.count == 1:
        return given
    reason, change = None, Change(Input.NONE)
    since = history.days_since_break
    if history.plans_in_12_months >= card.most_in_12_months or history.plans_in_all >= card.most_in_all:
        reason = Reason.NEW_PLANS_USED_UP
    elif since is not None and since < card.days_after_a_break:
        reason = Reason.TOO_SOON_AFTER_A_BREAK
        change = Change(Input.ASK_AGAIN_ON, today + timedelta(days=card.days_after_a_break - since))
    trace.add(Rule.NEW_PLANS, reason, card=card, history=history)
    if reason is None:
        return given
    return Answer(
        outcome=given.outcome if given.outcome in _BY_PERSON else Outcome.REVIEW_HARDSHIP,
        arrangement=None,
        reasons=(reason, Reason.A_PERSON_DECIDES),
        change=change,
        needs_person=True,
        asked=given.asked,
        for_person=given.arrangement or given.for_person,
    )


def _with_rounds(given: Answer, history: History, trace: Trace) -> Answer:
    """Name a person after so many answers without a yes; what would work still does, and a yes needs nobody."""
    held = {Reason.ON_HOLD, Reason.BALANCE_NOT_FRESH}.intersection(given.reasons)
    if history.rounds < MOST_ROUNDS or given.is_agreed_alone or held:
        return given
    trace.add(Rule.ROUNDS, MOST_ROUNDS, rounds=history.rounds)
    return replace(given, reasons=(*given.reasons, Reason.ROUNDS_USED_UP))
