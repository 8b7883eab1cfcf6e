"""RULES  What the limits answer to what somebody asks for, why, and what would work.

Invariant: a plan that is shown is inside the limits and, where a budget is known, affordable; and nothing that is
shown depends on the hardship limits, which the lender keeps to itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Final

from portal.affordability.surplus import affordable
from portal.limits.cards import Limits
from portal.money import Money, level
from portal.schedules.dates import Frequency, due_dates, first_due, periods_in
from portal.schedules.schedule import (
    NothingOwed,
    Schedule,
    a_month,
    by_payment,
    interest_of,
    level_payment,
    periodic_rate,
    step_up,
)

# The plan itself is the first thing on the screen, and nobody should have to weigh more than three.
_MOST_ALTERNATIVES: Final = 2
_SHORTEST_USUAL_MONTHS: Final = 3


class Outcome(Enum):
    """The eight answers."""

    ACCEPT = "accept"
    COUNTER_HIGHER = "counter_higher"
    COUNTER_LOWER = "counter_lower"
    COUNTER_LOWER_HARDSHIP_REVIEW = "counter_lower_hardship_review"
    REVIEW_HARDSHIP = "review_hardship"
    REFER_TOKEN = "refer_token"  # noqa: S105
    SIGNPOST_AND_HOLD = "signpost_and_hold"
    COUNTER_AND_ASK_BUDGET = "counter_and_ask_budget"


class Reason(Enum):
    """Why an answer is not simply yes; views turn it into words."""

    BELOW_LEAST_PAYMENT = "below_least_payment"
    ABOVE_WHAT_IS_AFFORDABLE = "above_what_is_affordable"
    NOTHING_LEFT_OVER = "nothing_left_over"
    INTEREST_WOULD_OUTGROW = "interest_would_outgrow"
    FREQUENCY_NOT_OFFERED = "frequency_not_offered"
    FIRST_PAYMENT_TOO_LATE = "first_payment_too_late"
    FIRST_PAYMENT_IN_THE_PAST = "first_payment_in_the_past"
    LONGER_THAN_AUTOMATIC = "longer_than_automatic"
    A_PERSON_DECIDES = "a_person_decides"


class Input(Enum):
    """What somebody can change to get another answer."""

    PAYMENT = "payment"
    FIRST_PAYMENT_DATE = "first_payment_date"
    FREQUENCY = "frequency"
    BUDGET = "budget"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Change:
    """The one input that would change the answer, with the value that would work where there is one."""

    input: Input
    value: Money | date | Frequency | None = None


class Kind(Enum):
    """What is good about a plan that is offered."""

    LOWEST_PAYMENT = "lowest_payment"
    IN_BETWEEN = "in_between"
    SOONEST_DONE = "soonest_done"
    LEAST_COST = "least_cost"
    STEP_UP = "step_up"


@dataclass(frozen=True, slots=True)
class Offer:
    """A plan with what is good about it; `also` has what else is true of it, such as that it costs the least."""

    kind: Kind
    schedule: Schedule
    also: tuple[Kind, ...] = ()
    needs_person: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asks for: so much, so often, from a first date on.

    The anchor day is the day of the month (1 to 31) that was chosen for a monthly plan.
    """

    payment: Money
    frequency: Frequency
    first_due: date
    anchor_day: int | None = None


@dataclass(frozen=True, slots=True)
class Owed:
    """What is owed, with the contract's yearly rate in percent, and the share of the balance that bears it.

    Interest runs on principal alone: of 2,000.00 that are half principal and half fees, half bears interest.
    """

    balance: Money
    annual_rate: Decimal = Decimal(0)
    bearing: Fraction = Fraction(1)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the limits answer.

    `plan` is what is accepted or offered; None where a person decides. `for_person` is what staff see then, and is
    never shown to the debtor: its existence and amount would give away the hardship limits. `asked` is the debtor's
    own offer, which stays on the screen and can always be sent to a person.
    """

    outcome: Outcome
    plan: Schedule | None
    reasons: tuple[Reason, ...]
    change: Change
    needs_person: bool
    asked: Asked
    alternatives: tuple[Offer, ...] = ()
    for_person: Schedule | None = None


@dataclass(frozen=True, slots=True)
class _Terms:
    """One debt under one set of limits, paid at one frequency from one date: what both doors reckon with."""

    owed: Owed
    limits: Limits
    frequency: Frequency
    first: date
    anchor_day: int | None
    budget: Money | None

    @property
    def rate(self) -> Fraction:
        annual = self.limits.plan_rate(contract_rate=self.owed.annual_rate)
        return periodic_rate(annual_rate=annual, frequency=self.frequency) * self.owed.bearing

    @property
    def longest(self) -> int:
        return periods_in(months=self.limits.max_term_months, frequency=self.frequency)

    @property
    def most_at_once(self) -> Money:
        """The balance with the interest of one period: nobody can pay more than that in one item."""
        return self.owed.balance + interest_of(self.owed.balance, self.rate)

    @property
    def least(self) -> Money:
        """The least payment of a period that the lender publishes: repaid in the standard term, not below the least
        payment a month, and not above what can be paid at once, which three months' payments may exceed."""
        by_term = level_payment(balance=self.owed.balance, rate=self.rate, count=self.longest)
        by_month = self.a_period(self.limits.least_payment(balance=self.owed.balance))
        return min(max(by_term, by_month), self.most_at_once)

    @property
    def least_in_hardship(self) -> Money:
        count = periods_in(months=self.limits.hardship_max_term_months, frequency=self.frequency)
        by_term = level(self.owed.balance, count)[0]
        floor = self.a_period(min(self.limits.hardship_min_payment, self.owed.balance))
        return min(max(by_term, floor), self.least)

    @property
    def affordable_a_month(self) -> Money | None:
        """The budget's surplus less the cushion, in whole steps; None where no budget is known."""
        if self.budget is None:
            return None
        return affordable(surplus=self.budget, cushion_bps=self.limits.cushion_bps, step=self.limits.affordability_step)

    def affordable_a_period(self, a_month: Money) -> Money:
        """The same for a period, rounded down so that all payments of a month stay inside it."""
        return Money(a_month.minor * 12 // self.frequency.per_year, a_month.currency)

    def in_whole_steps(self, payment: Money) -> Money:
        """Round a payment down to whole steps, but not below the least payment."""
        return max(payment - Money(payment.minor % self.limits.affordability_step.minor, payment.currency), self.least)

    def fits_the_budget(self, schedule: Schedule) -> bool:
        """Tell whether a month's payments are affordable; a plan that is over within a month costs only its total."""
        a = self.affordable_a_month
        if a is None:
            return True
        return a_month(schedule.largest, frequency=self.frequency) <= a.minor or schedule.total <= a

    def pay(self, payment: Money, *, frozen: bool = False) -> Schedule:
        """Draw the plan of a payment; a hardship plan bears no interest."""
        return by_payment(
            balance=self.owed.balance,
            rate=Fraction(0) if frozen else self.rate,
            payment=payment,
            first=self.first,
            frequency=self.frequency,
            anchor_day=self.anchor_day,
        )

    def needs_person(self, schedule: Schedule) -> bool:
        """Tell whether the plan is longer than what is agreed without a person."""
        alone = periods_in(months=self.limits.auto_accept_months, frequency=self.frequency)
        return not self.limits.auto_accept_months or schedule.count > alone

    def a_period(self, a_month: Money) -> Money:
        return Money(-(-a_month.minor * 12 // self.frequency.per_year), a_month.currency)


def answer(*, asked: Asked, owed: Owed, limits: Limits, budget: Money | None, today: date) -> Answer:
    """Answer what somebody asks for; the budget is the surplus of a month for this debt, None if it is not known.

    3,600.00 without interest, at most 24 months, a surplus of 180.00 (so 162.00 is affordable): 160.00 is accepted as
    22 of 160.00 and one of 80.00; for 100.00 the answer is 24 of 150.00, or 3 of 100.00 and then 157.15.
    A level plan that is offered here is accepted when it is asked for. Where only the rhythm or the first date stands
    in the way the answer is COUNTER_HIGHER with the same payment a month.

    :raises NothingOwed: if the balance is not above zero.
    :raises portal.money.CurrencyMismatch: if payment, budget and balance are not of one currency.
    """
    if owed.balance.minor <= 0:
        raise NothingOwed(owed.balance)
    wanted, hindrances = _possible(asked, limits, today)
    terms = _Terms(owed, limits, wanted.frequency, wanted.first_due, wanted.anchor_day, budget)
    payment = min(wanted.payment, terms.most_at_once)
    least = terms.least
    a = terms.affordable_a_month
    too_little = payment < least
    reasons = _why_too_little(payment, terms) if too_little else ()

    if a is None:
        if too_little:
            return _counter(Outcome.COUNTER_AND_ASK_BUDGET, asked, terms, least, reasons + hindrances)
        return _yes(asked, wanted, terms, terms.pay(payment), hindrances)

    # Nothing is left over: no amount is asked for, not even a small one.
    if a.minor <= 0:
        return _person(Outcome.SIGNPOST_AND_HOLD, asked, (Reason.NOTHING_LEFT_OVER,), None)

    can = terms.affordable_a_period(a)
    drawn = None if too_little else terms.pay(payment)
    fits = a_month(payment, frequency=terms.frequency) <= a.minor or (drawn is not None and drawn.total <= a)
    if not fits:
        # A promise that cannot be kept is refused even though the lender would like it.
        why = (Reason.ABOVE_WHAT_IS_AFFORDABLE,)
        if can >= least:
            better = terms.in_whole_steps(can)
            return _counter(Outcome.COUNTER_LOWER, asked, terms, better, why + hindrances)
        return _hardship(Outcome.COUNTER_LOWER_HARDSHIP_REVIEW, asked, terms, can, can, why)
    if drawn is not None:
        return _yes(asked, wanted, terms, drawn, hindrances)
    if can >= least:
        return _counter(Outcome.COUNTER_HIGHER, asked, terms, least, reasons + hindrances)
    return _hardship(Outcome.REVIEW_HARDSHIP, asked, terms, payment, can, reasons)


def standard(
    *,
    owed: Owed,
    limits: Limits,
    frequency: Frequency,
    pay_day: int,
    today: date,
    budget: Money | None = None,
) -> tuple[Offer, ...]:
    """Return at most three plans to choose from, lowest payment first; every one is accepted when it is asked for.

    The lowest payment runs over the longest standard term. The soonest done is what the budget allows or, without a
    budget, a quarter of that term (3 months at least); one lies in between. Sooner is cheaper where interest runs, so
    the soonest plan is also the one of least cost, and says so, instead of standing on the page twice. None are
    returned where the frequency is not offered, or where nothing standard is affordable and a person decides.

    :raises NothingOwed: if the balance is not above zero.
    :raises ValueError: if there is no such pay day.
    """
    if owed.balance.minor <= 0:
        raise NothingOwed(owed.balance)
    if frequency not in limits.frequencies:
        return ()
    latest = today + timedelta(days=limits.first_payment_within_days)
    chosen = first_due(today=today, frequency=frequency, pay_day=pay_day)
    first, anchor = chosen, None if frequency.by_weekday else pay_day
    if chosen > latest:
        # A pay day that comes too late gives way: the last day that is allowed becomes the pay day.
        first, anchor = latest, None
    terms = _Terms(owed, limits, frequency, first, anchor, budget)
    least = terms.least
    lowest = terms.pay(least)
    if not terms.fits_the_budget(lowest):
        return ()
    a = terms.affordable_a_month
    if a is None:
        months = max(_SHORTEST_USUAL_MONTHS, -(-limits.max_term_months // 4))
        soonest = _within(terms, periods_in(months=min(months, limits.max_term_months), frequency=frequency))
    else:
        # What is affordable in a month may be less than one least payment where the plan is over within the month.
        can = terms.affordable_a_period(a)
        soonest = terms.pay(min(terms.in_whole_steps(can), terms.most_at_once)) if can >= least else lowest
    between = _within(terms, max(1, (lowest.count + soonest.count) // 2))
    drawn = [(Kind.LOWEST_PAYMENT, lowest), (Kind.SOONEST_DONE, soonest)]
    # With a few cents owed, rounding can put it outside of the two.
    if soonest.count < between.count < lowest.count:
        drawn.insert(1, (Kind.IN_BETWEEN, between))
    cheapest = min(schedule.total_interest for _, schedule in drawn)
    dearest = max(schedule.total_interest for _, schedule in drawn)
    offers = (
        Offer(
            kind=kind,
            schedule=schedule,
            also=(Kind.LEAST_COST,) if schedule.total_interest == cheapest < dearest else (),
            needs_person=terms.needs_person(schedule),
        )
        for kind, schedule in drawn
        if terms.fits_the_budget(schedule)
    )
    return _different(offers, but_not=None)


def _within(terms: _Terms, count: int) -> Schedule:
    payment = level_payment(balance=terms.owed.balance, rate=terms.rate, count=count)
    return terms.pay(max(payment, terms.least))


def _possible(asked: Asked, limits: Limits, today: date) -> tuple[Asked, tuple[Reason, ...]]:
    """Return what is asked with a frequency and a first date that the lender offers, and what had to be changed."""
    hindrances: list[Reason] = []
    payment, frequency, first, anchor = asked.payment, asked.frequency, asked.first_due, asked.anchor_day
    if frequency not in limits.frequencies:
        hindrances.append(Reason.FREQUENCY_NOT_OFFERED)
        monthly = a_month(payment, frequency=frequency)
        frequency = Frequency.MONTHLY if Frequency.MONTHLY in limits.frequencies else limits.frequencies[0]
        payment = Money(int(monthly * 12 / frequency.per_year), payment.currency)
        anchor = None
    latest = today + timedelta(days=limits.first_payment_within_days)
    if first < today:
        hindrances.append(Reason.FIRST_PAYMENT_IN_THE_PAST)
        first = _next_from(first, frequency, anchor, today)
    if first > latest:
        hindrances.append(Reason.FIRST_PAYMENT_TOO_LATE)
        first, anchor = latest, None
    return Asked(payment, frequency, first, anchor), tuple(hindrances)


def _next_from(first: date, frequency: Frequency, anchor: int | None, today: date) -> date:
    """Return the first date of the same rhythm that is not over."""
    periods = (today - first).days // (28 if frequency is Frequency.MONTHLY else 7) + 2
    days = due_dates(first=first, frequency=frequency, count=periods, anchor_day=anchor)
    return next(day for day in days if day >= today)


def _why_too_little(payment: Money, terms: _Terms) -> tuple[Reason, ...]:
    if payment <= interest_of(terms.owed.balance, terms.rate):
        return (Reason.BELOW_LEAST_PAYMENT, Reason.INTEREST_WOULD_OUTGROW)
    return (Reason.BELOW_LEAST_PAYMENT,)


def _yes(asked: Asked, wanted: Asked, terms: _Terms, schedule: Schedule, hindrances: tuple[Reason, ...]) -> Answer:
    """Accept; or, where only the rhythm or the first date stands in the way, offer the same with that changed."""
    needs_person = terms.needs_person(schedule)
    longer = (Reason.LONGER_THAN_AUTOMATIC,) if needs_person else ()
    change = Change(Input.NONE)
    if hindrances:
        change = _first_change(hindrances, terms)
    elif needs_person:
        change = _shorter(terms)
    return Answer(
        outcome=Outcome.COUNTER_HIGHER if hindrances else Outcome.ACCEPT,
        plan=schedule,
        reasons=hindrances + longer,
        change=change,
        needs_person=needs_person,
        asked=asked,
    )


def _shorter(terms: _Terms) -> Change:
    """Name the payment that needs no person, where there is one that is affordable."""
    if not terms.limits.auto_accept_months:
        return Change(Input.NONE)
    schedule = _within(terms, periods_in(months=terms.limits.auto_accept_months, frequency=terms.frequency))
    return Change(Input.PAYMENT, schedule.payment) if terms.fits_the_budget(schedule) else Change(Input.NONE)


def _first_change(hindrances: tuple[Reason, ...], terms: _Terms) -> Change:
    if hindrances[0] is Reason.FREQUENCY_NOT_OFFERED:
        return Change(Input.FREQUENCY, terms.frequency)
    return Change(Input.FIRST_PAYMENT_DATE, terms.first)


def _counter(outcome: Outcome, asked: Asked, terms: _Terms, payment: Money, reasons: tuple[Reason, ...]) -> Answer:
    plan = terms.pay(min(payment, terms.most_at_once))
    needs_person = terms.needs_person(plan)
    asks = outcome is Outcome.COUNTER_AND_ASK_BUDGET
    return Answer(
        outcome=outcome,
        plan=plan,
        reasons=reasons + ((Reason.LONGER_THAN_AUTOMATIC,) if needs_person else ()),
        change=Change(Input.BUDGET) if asks else Change(Input.PAYMENT, payment),
        needs_person=needs_person,
        asked=asked,
        alternatives=() if asks else _different(_alternatives(asked, terms), but_not=plan)[:_MOST_ALTERNATIVES],
    )


def _alternatives(asked: Asked, terms: _Terms) -> Iterable[Offer]:
    """Draw what else would work: starting with what was asked, and the lowest payment; only what is affordable."""
    step_count = periods_in(months=terms.limits.step_months, frequency=terms.frequency)
    floor = terms.a_period(terms.limits.least_payment(balance=terms.owed.balance))
    interest = interest_of(terms.owed.balance, terms.rate)
    starts = asked.payment if asked.frequency is terms.frequency else None
    if (
        starts is not None
        and terms.limits.step_months
        and step_count < terms.longest
        and floor <= starts < terms.least
        and interest < starts
    ):
        schedule = step_up(
            balance=terms.owed.balance,
            rate=terms.rate,
            payment=starts,
            step_count=step_count,
            count=terms.longest,
            first=terms.first,
            frequency=terms.frequency,
            anchor_day=terms.anchor_day,
        )
        if terms.fits_the_budget(schedule):
            yield Offer(kind=Kind.STEP_UP, schedule=schedule, needs_person=terms.needs_person(schedule))
    lowest = terms.pay(terms.least)
    if terms.fits_the_budget(lowest):
        yield Offer(kind=Kind.LOWEST_PAYMENT, schedule=lowest, needs_person=terms.needs_person(lowest))


def _hardship(
    outcome: Outcome, asked: Asked, terms: _Terms, payment: Money, can: Money, reasons: tuple[Reason, ...]
) -> Answer:
    """Hand over to a person, with a plan without interest where the hardship limits have one."""
    least = terms.least_in_hardship
    if can < least:
        return _person(Outcome.REFER_TOKEN, asked, reasons, None)
    return _person(outcome, asked, reasons, terms.pay(max(payment, least), frozen=True))


def _person(outcome: Outcome, asked: Asked, reasons: tuple[Reason, ...], for_person: Schedule | None) -> Answer:
    """Answer the same to the eye whatever the hardship limits say: only the outcome, for staff, tells them apart."""
    return Answer(
        outcome=outcome,
        plan=None,
        reasons=(*reasons, Reason.A_PERSON_DECIDES),
        change=Change(Input.NONE),
        needs_person=True,
        asked=asked,
        for_person=for_person,
    )


def _different(offers: Iterable[Offer], *, but_not: Schedule | None) -> tuple[Offer, ...]:
    """Return the offers whose amounts differ from each other and from the plan that is shown already.

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
            kept[steps] = Offer(twin.kind, twin.schedule, also, twin.needs_person)
        else:
            kept[steps] = offer
    return tuple(kept.values())
