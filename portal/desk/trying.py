"""What a debt would be offered under some limits, and why: the whole way to the answer, as sentences.

Invariant: it only reads. A real debt is answered as its owner would be, a made-up one by what was typed.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum

from portal.affordability.budget import Evidence
from portal.debts.statement import Standing
from portal.desk.card_form import choice_words
from portal.desk.given_words import name_words
from portal.desk.sentences import unfit
from portal.evidence.record import Act, record
from portal.limits.cards import Card, Component, LimitsSet
from portal.money import Money
from portal.offers import menu
from portal.offers.answering import answer
from portal.offers.answers import Answer, Offer, Outcome, Reason
from portal.offers.asked import Asked, DownPayment, Lower, Pause, Regular, Settlement, Steps, Way
from portal.offers.owed import Means, Owed
from portal.offers.trace import Rule, Step
from portal.plans import proposing
from portal.plans.allowed import InForce
from portal.plans.situation import Background
from portal.plans.words import pays_words, reason_words
from portal.schedules.dates import Frequency, first_due
from portal.schedules.pauses import Accrual, Keeps
from portal.schedules.schedule import Schedule
from portal.staff.gates import Colleague
from portal.web.formats import day as day_words
from portal.web.formats import money
from portal.web.languages import gettext as _

_PAID_WITHIN = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class MadeUp:
    """A debt that nobody has; `means` is what is left over for it in a month, if that is known."""

    owed: Owed
    product: str
    attributes: Mapping[str, str]
    means: Means | None


@dataclass(frozen=True, slots=True)
class Real:
    """A debt of somebody, with what is known of it."""

    debt: Standing
    background: Background


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody offers to pay: so much, so often; or so much once and nothing after it (no frequency).

    `way` says what comes first or instead: steps and a first payment begin with `first`, and `count` is how many
    payments or months that is for, or how many parts a settlement has.
    """

    payment: Money
    frequency: Frequency | None
    way: Way = Way.REGULAR
    count: int = 1
    first: Money | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """A step as it is said: what was looked at with what came out, and all that went into it."""

    words: str
    given: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join((self.words, *self.given))


@dataclass(frozen=True, slots=True)
class Tried:
    """What came out, as sentences: which card counts, why those above don't, the answer, the plans, each step."""

    cards: tuple[tuple[str, tuple[str, ...]], ...]
    card: str | None
    answer: str
    reasons: tuple[str, ...]
    plans: tuple[str, ...]
    steps: tuple[Said, ...]

    @property
    def lines(self) -> frozenset[str]:
        """Give everything that is said, to compare it with what another one says."""
        return frozenset({self.card or "", self.answer, *self.reasons, *self.plans, *map(str, self.steps)})


def try_out(limits: LimitsSet, subject: MadeUp | Real, wanted: Wanted, *, today: date) -> Tried:
    """Answer what somebody wants under a set of limits.

    :raises portal.schedules.schedule.NothingOwed: if nothing is owed.
    """
    balance, days_late, product, attributes = _facts(subject, today)
    tried: list[tuple[str, tuple[str, ...]]] = []
    found: Card | None = None
    for card in limits.cards:
        why = unfit(card.when, balance=balance, days_late=days_late, product=product, attributes=attributes)
        tried.append((card.name, why))
        if not why:
            found = card
            break
    if found is None:
        return Tried(tuple(tried), None, _("No card fits: a person decides."), (), (), ())
    given, offers = _answered(found, subject, wanted, today)
    return Tried(
        cards=tuple(tried),
        card=found.name,
        answer=answer_words(given),
        reasons=tuple(reason_words(reason) for reason in given.reasons),
        plans=tuple(_plans(given, offers)),
        steps=tuple(Said(step_words(step), tuple(_given_words(step))) for step in given.trace),
    )


def _facts(subject: MadeUp | Real, today: date) -> tuple[Money, int, str, Mapping[str, str]]:
    if isinstance(subject, MadeUp):
        return subject.owed.balance, subject.owed.days_late, subject.product, subject.attributes
    debt = subject.debt
    return debt.owed, debt.days_late(today), debt.product, subject.background.attributes


def _answered(card: Card, subject: MadeUp | Real, wanted: Wanted, today: date) -> tuple[Answer, tuple[Offer, ...]]:
    asked = _asked(card, wanted, today)
    if isinstance(subject, Real):
        # A draft is no version yet; nothing of the answer is kept.
        table = proposing.preview(
            subject.debt,
            subject.background,
            asked=asked,
            in_force=InForce(version_id=uuid.UUID(int=0), number=0, card=card),
            today=today,
        )
        return table.answer, table.offers
    given = answer(asked=asked, owed=subject.owed, limits=card.limits, means=subject.means, today=today)
    beside = menu.standard(
        owed=subject.owed,
        limits=card.limits,
        frequency=asked.regular.frequency,
        pay_day=asked.regular.first_due.isoweekday() if asked.regular.frequency.by_weekday else today.day,
        today=today,
        means=subject.means,
    )
    return given, beside


def _asked(card: Card, wanted: Wanted, today: date) -> Asked:
    if wanted.frequency is None:
        return Settlement(wanted.payment, pay_by=today + _PAID_WITHIN)
    by_weekday, season = wanted.frequency.by_weekday, card.limits.season
    if wanted.frequency is Frequency.SEASONAL and not season:
        return Regular(wanted.payment, wanted.frequency, today)
    day = today.isoweekday() if by_weekday else today.day
    anchor = None if by_weekday else day
    pay_by = today + _PAID_WITHIN
    if wanted.way is Way.SETTLE_IN_PARTS:
        return Settlement(wanted.payment, pay_by, wanted.count, wanted.frequency, anchor)
    after = pay_by if wanted.way is Way.DOWN_PAYMENT else today
    due = first_due(today=after, frequency=wanted.frequency, pay_day=day, season=season)
    then = Regular(wanted.payment, wanted.frequency, due, anchor)
    match wanted.way:
        case Way.STEPS if wanted.first is not None:
            return Steps(((wanted.count, wanted.first),), then)
        case Way.DOWN_PAYMENT if wanted.first is not None:
            return DownPayment(wanted.first, pay_by, then)
        case Way.PAUSE:
            return Pause(wanted.count, then)
        case Way.LOWER:
            return Lower(wanted.count, then)
    return then


def _plans(given: Answer, offers: tuple[Offer, ...]) -> list[str]:
    """Give what would be offered, each plan once, with a word where a person looks at it first."""
    schedules = [
        (given.plan, given.needs_person),
        *((offer.schedule, offer.needs_person) for offer in (*given.alternatives, *offers)),
    ]
    said = [_plan_words(schedule, looked_at=by) for schedule, by in schedules if schedule is not None]
    if given.for_person is not None and given.for_person.schedule is not None:
        words = _plan_words(given.for_person.schedule, looked_at=False)
        said.append(_("%(plan)s (only a person may offer this; it is not shown)", plan=words))
    return list(dict.fromkeys(said))


def _plan_words(schedule: Schedule, *, looked_at: bool) -> str:
    words = _("%(pays)s; the last on %(day)s", pays=pays_words(schedule), day=day_words(schedule.ends_on))
    return _("%(plan)s (a person looks at it first)", plan=words) if looked_at else words


def answer_words(given: Answer) -> str:
    """Say what kind of answer it is, for staff: on the spot only what no person has to look at."""
    return _outcome_words(given.outcome, looked_at=not given.is_agreed_alone)


def _outcome_words(outcome: Outcome, *, looked_at: bool) -> str:
    if outcome is Outcome.ACCEPT and looked_at:
        return _("Not on the spot: it is within the limits, and a person looks at it first.")
    return outcome_words(outcome)


def looked_at(who: Colleague, debt: Standing, *, reason: str | None) -> None:
    """Write down that somebody looked at what a real debt would be offered; its owner sees it in the timeline."""
    said = {"reason": reason} if reason else {}
    record(
        Act.STAFF_LOOKED,
        by=who.actor,
        lender_id=who.lender_id,
        debtor_id=debt.debtor_id,
        debt_id=debt.id,
        facts={"name": who.name, "tried": debt.reference, **said},
    )


def outcome_words(outcome: Outcome) -> str:
    """Say what kind of answer it is, for staff."""
    return {
        Outcome.ACCEPT: _("Yes, on the spot."),
        Outcome.COUNTER_HIGHER: _("Not so; a plan with more in a month, or otherwise, would do."),
        Outcome.COUNTER_LOWER: _(
            "Not so; this is more than is affordable, and a plan with less in a month is offered."
        ),
        Outcome.COUNTER_LOWER_HARDSHIP_REVIEW: _("A person looks, with a lower plan that hardship allows."),
        Outcome.REVIEW_HARDSHIP: _("A person looks."),
        Outcome.REFER_TOKEN: _("A sign of good will, and a person looks again later."),
        Outcome.SIGNPOST_AND_HOLD: _("Nothing is asked for now; free advice is named, and a person looks."),
        Outcome.COUNTER_AND_ASK_BUDGET: _("The least that is usual is offered, and a budget is asked for."),
    }[outcome]


def rule_words(rule: Rule) -> str:
    """Name what a step of the way to an answer looked at."""
    return {
        Rule.GATE: _("What stands in the way"),
        Rule.ASKED: _("What is asked for"),
        Rule.AFFORDABLE_A_MONTH: _("Affordable in a month"),
        Rule.AFFORDABLE_A_PERIOD: _("Affordable in one period"),
        Rule.LEAST_DOWN_PAYMENT: _("Least first, larger payment"),
        Rule.FREQUENCY: _("How often may be paid"),
        Rule.FIRST_PAYMENT: _("First payment"),
        Rule.LEAST_BY_TERM: _("Least payment, so that the longest plan is enough"),
        Rule.LEAST_BY_MONTH: _("Least payment by the amount for a month"),
        Rule.LEAST_PAYMENT: _("Least payment"),
        Rule.LEAST_IN_HARDSHIP: _("Least payment in hardship"),
        Rule.STEPS: _("Starting with less"),
        Rule.PAUSE_MONTHS: _("Months of pause"),
        Rule.LOWER_PAYMENT: _("Less for a while"),
        Rule.MOST_LET_OFF: _("Most that may be let off"),
        Rule.MOST_LET_OFF_ALONE: _("Most that may be let off on the spot"),
        Rule.MOST_PARTS: _("Most parts of a settlement"),
        Rule.NEW_PLANS: _("Plans before"),
        Rule.ROUNDS: _("Answers before"),
        Rule.PERSON: _("Whether a person looks"),
        Rule.ALTERNATIVE: _("What else would work"),
        Rule.OUTCOME: _("The answer"),
    }[rule]


def step_words(step: Step) -> str:
    """Say one step: what was looked at, and what came out."""
    looked_at = bool(dict(step.given).get("needs_person"))
    result = (
        _outcome_words(step.result, looked_at=looked_at)
        if isinstance(step.result, Outcome)
        else _value_words(step.result)
    )
    return _("%(rule)s: %(result)s", rule=rule_words(step.rule), result=result)


def _given_words(step: Step) -> Iterator[str]:
    for name, value in step.given:
        yield _("%(rule)s: %(result)s", rule=name_words(name), result=_value_words(value))


def _value_words(value: object) -> str:
    match value:
        case None:
            return _("nothing")
        case bool():
            return _("yes") if value else _("no")
        case Money():
            return money(value)
        case Reason():
            return reason_words(value)
        case Outcome():
            return outcome_words(value)
        case date():
            return day_words(value)
        case int() | str() | Decimal():
            return str(value)
        case Regular():
            return f"{money(value.payment)} · {_value_words(value.frequency)} · {day_words(value.first_due)}"
        case Frequency() | Component() | Accrual() | Keeps():
            return choice_words(value)
        case Evidence():
            return _("what somebody said") if value is Evidence.DECLARED else _("what was shown")
        case Enum():
            return str(value.value).replace("_", " ")
        case tuple() | list() | frozenset():
            return _(", ").join(_value_words(each) for each in value) or _("nothing")
        case _ if is_dataclass(value):
            parts = ((name_words(each.name), _value_words(getattr(value, each.name))) for each in fields(value))
            return _(", ").join(f"{name} {words}" for name, words in parts)
    return str(value)
