"""Asking and being answered: what a debtor wants, what the limits say to it, and the way to a person.

Invariant: the answer is kept with its proposal as it was given, with every rule behind it, for whoever asks later why.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any

from sqlalchemy import select

from portal import clock
from portal.affordability.budget import Budget
from portal.care import requests
from portal.care.models import CareRequest
from portal.care.states import Kind as RequestKind
from portal.db import new_id, session
from portal.debts.statement import Standing
from portal.evidence.record import Act, Actor, record
from portal.limits.cards import Limits
from portal.money import Money
from portal.offers import asked as asking
from portal.offers import menu, trace
from portal.offers.answering import answer
from portal.offers.answers import Answer, Input, Offer, Outcome
from portal.offers.asked import Asked, DownPayment, Regular, Settlement, Way
from portal.offers.gates import Gate
from portal.offers.owed import Means
from portal.plans.allowed import InForce, limits_in_force
from portal.plans.budgets import Leftover, as_kept, budget_of, current_budget
from portal.plans.budgets import leftover as leftover_under
from portal.plans.caps import Cap, widened
from portal.plans.models import Proposal
from portal.plans.situation import Background, background_of, gate_of, history_of, owed_of
from portal.schedules.arrangements import Arrangement
from portal.schedules.dates import Frequency, first_due

MOST_CHOICES = 4
# Who asks oneself has nobody who does it for them.
NOBODY_ELSE: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Table:
    """All that a page of choices shows: what was asked, the answer, and up to three plans beside it.

    Behind a gate there is nothing to choose. `needs_budget` says that the answer would change by what there is to live
    on, and that nobody knows it yet; `means` is what of it is this debt's, once it is known.
    """

    proposal_id: uuid.UUID | None
    asked: Asked
    answer: Answer
    offers: tuple[Offer, ...]
    gate: Gate | None = None
    needs_budget: bool = False
    means: Means | None = None


def ways_for(debt: Standing, *, today: date) -> tuple[Way, ...]:
    """Give the ways to pay that a debtor may ask for here, in the order of a menu.

    :raises NoLimits: if the lender has none for this debt.
    """
    limits = limits_in_force(debt, today=today).limits
    return menu.ways(limits, owed_of(debt, today=today), history_of(debt, background_of(debt), today=today))


def regular_of(
    debt: Standing,
    *,
    payment: Money,
    frequency: Frequency,
    pay_day: int | None,
    today: date,
    in_force: InForce | None = None,
) -> Regular:
    """Give regular payments from the first pay day on; without a pay day yet, from the earliest one.

    :raises NoLimits: if the lender has none for this debt.
    :raises ValueError: if there is no such day.
    """
    season = (in_force or limits_in_force(debt, today=today)).limits.season
    return _dated(Regular(payment, frequency, today), pay_day=pay_day, today=today, season=season)


def _dated(asked: Regular, *, pay_day: int | None, today: date, season: tuple[int, ...]) -> Regular:
    """Give regular payments with their first date as seen from a day."""
    by_weekday = asked.frequency.by_weekday
    if asked.frequency is Frequency.SEASONAL and not season:
        # The card knows no season, which the answer says; the date doesn't matter then.
        return asked
    day = pay_day or (today.isoweekday() if by_weekday else today.day)
    due = first_due(today=today, frequency=asked.frequency, pay_day=day, season=season)
    return replace(asked, first_due=due, anchor_day=None if by_weekday else day)


def asked_in(proposal: Proposal, *, today: date, season: tuple[int, ...] = ()) -> Asked:
    """Give what a proposal asks for, with its dates as seen from today; days that somebody named stay as they are."""
    asked = asking.from_json(proposal.asked)
    match asked:
        case Settlement():
            return asked
        case Regular():
            return _dated(asked, pay_day=proposal.pay_day, today=today, season=season)
        case DownPayment():
            after = max(today, asked.pay_by)
            return replace(asked, then=_dated(asked.then, pay_day=proposal.pay_day, today=after, season=season))
        case _:
            return replace(asked, then=_dated(asked.then, pay_day=proposal.pay_day, today=today, season=season))


def propose(
    debt: Standing,
    *,
    payment: Money,
    frequency: Frequency,
    by: Actor,
    today: date,
    done_by: Mapping[str, object] = NOBODY_ELSE,
) -> uuid.UUID:
    """Write down what a debtor says he can pay, and how often; the pay day is asked next."""
    return ask(debt, asked=Regular(payment, frequency, today), by=by, today=today, done_by=done_by)


def ask(
    debt: Standing,
    *,
    asked: Asked,
    pay_day: int | None = None,
    by: Actor,
    today: date,
    done_by: Mapping[str, object] = NOBODY_ELSE,
) -> uuid.UUID:
    """Write down what a debtor asks for, of whatever kind.

    It is answered at once where nothing else is to be asked: with a pay day, and for a settlement, which names its day.
    `done_by` is what the record says of a colleague who does it for the debtor, here and in what follows.

    :raises NoLimits: if the lender has none for this debt.
    """
    in_force = limits_in_force(debt, today=today)
    settles = isinstance(asked, Settlement)
    amount = asked.amount if isinstance(asked, Settlement) else asked.regular.payment
    proposal = Proposal(
        lender_id=debt.lender_id,
        id=new_id(),
        debt_id=debt.id,
        debtor_id=debt.debtor_id,
        limits_version_id=in_force.version_id,
        kind=asked.way.value,
        asked=asking.as_json(asked),
        amount_minor=amount.minor,
        currency=amount.currency,
        frequency=asked.regular.frequency.value,
        pay_day=pay_day,
        reasons=[],
        state="open",
        made_at=clock.now(),
    )
    session.add(proposal)
    session.flush()
    answered: dict[str, object] = {}
    if settles or pay_day is not None:
        answered = _keep_answer(debt, proposal=proposal, today=today)
    record(
        Act.PLAN_PROPOSED,
        by=by,
        lender_id=debt.lender_id,
        debtor_id=debt.debtor_id,
        debt_id=debt.id,
        facts={
            "proposal": proposal.id,
            "kind": proposal.kind,
            "payment": amount.amount,
            "currency": amount.currency,
            "frequency": proposal.frequency,
            "limits_version": in_force.number,
            **answered,
            **done_by,
        },
    )
    return proposal.id


def newest_proposal(debt: Standing) -> Proposal | None:
    """Give what the debtor proposed last for a debt."""
    return session.scalars(
        select(Proposal)
        .where(Proposal.lender_id == debt.lender_id, Proposal.debt_id == debt.id)
        .order_by(Proposal.made_at.desc(), Proposal.id.desc())
        .limit(1)
    ).one_or_none()


def choose_pay_day(
    debt: Standing,
    *,
    proposal: Proposal,
    pay_day: int,
    today: date,
    by: Actor | None = None,
    done_by: Mapping[str, object] = NOBODY_ELSE,
) -> None:
    """Add the pay day to a proposal, and keep what the limits answered, for whoever asks later why."""
    proposal.pay_day = pay_day
    answered = _keep_answer(debt, proposal=proposal, today=today)
    record(
        Act.PLAN_PROPOSED,
        by=by or Actor("debtor", str(debt.debtor_id)),
        lender_id=debt.lender_id,
        debtor_id=debt.debtor_id,
        debt_id=debt.id,
        facts={"proposal": proposal.id, "pay_day": pay_day, **answered, **done_by},
    )


def _keep_answer(debt: Standing, *, proposal: Proposal, today: date) -> dict[str, object]:
    """Keep an answer with its proposal, with the budget, the version and the trace behind it; gives what it was."""
    in_force = limits_in_force(debt, today=today)
    table = table_for(debt, proposal=proposal, today=today)
    if proposal.budget is None and table.means is not None and (kept := budget_of(debt)) is not None:
        proposal.budget = as_kept(kept.budget, complete=True, said_at=kept.at)
    proposal.limits_version_id = in_force.version_id
    proposal.asked = asking.as_json(table.asked)
    proposal.outcome = table.answer.outcome.value
    proposal.reasons = [reason.value for reason in table.answer.reasons]
    proposal.trace = trace.as_json(table.answer.trace)
    proposal.budget_minor = None if table.means is None else table.means.amount.minor
    proposal.round = 1 + background_of(debt, proposal_id=proposal.id).rounds
    return {
        "outcome": proposal.outcome,
        "reasons": proposal.reasons,
        "round": proposal.round,
        "gate": None if table.gate is None else table.gate.value,
    }


def set_budget(
    debt: Standing,
    *,
    proposal: Proposal,
    budget: Budget,
    complete: bool,
    by: Actor,
    today: date,
    done_by: Mapping[str, object] = NOBODY_ELSE,
) -> None:
    """Keep what somebody lives on; once it is complete, the proposal is answered anew with it.

    It holds for every debt of the person with this lender in this currency.

    :raises NoLimits: if the lender has none for this debt.
    """
    proposal.budget = as_kept(budget, complete=complete)
    session.flush()
    answered: dict[str, object] = {}
    if complete and _can_be_answered(proposal):
        answered = _keep_answer(debt, proposal=proposal, today=today)
    record(
        Act.BUDGET_GIVEN,
        by=by,
        lender_id=debt.lender_id,
        debtor_id=debt.debtor_id,
        debt_id=debt.id,
        # What somebody lives on stands with the proposal alone, and not in records that are kept for years.
        facts={"proposal": proposal.id, "complete": complete, "grade": budget.evidence.value, **answered, **done_by},
    )


def _can_be_answered(proposal: Proposal) -> bool:
    return proposal.pay_day is not None or proposal.kind in (Way.SETTLE_AT_ONCE.value, Way.SETTLE_IN_PARTS.value)


def leftover(debt: Standing, *, budget: Budget, today: date) -> Leftover | None:
    """Give what a budget leaves, and each debt's part of it; None where nobody can say it.

    :raises NoLimits: if the lender has none for this debt.
    """
    limits = limits_in_force(debt, today=today).limits
    return leftover_under(debt, budget=budget, limits=limits, today=today)


def table_for(
    debt: Standing, *, proposal: Proposal, today: date, pays_from: date | None = None, widen: Cap | None = None
) -> Table:
    """Answer a proposal under the limits in force today; nothing is due before `pays_from`, if that is given.

    With `widen`, as if the terms of the card reached as far as that cap.

    :raises NoLimits: if the lender has none for this debt.
    """
    background = background_of(debt, proposal_id=proposal.id)
    in_force = limits_in_force(debt, today=today, attributes=background.attributes)
    if widen is not None:
        in_force = replace(in_force, card=replace(in_force.card, limits=widened(in_force.limits, widen)))
    asked = asked_in(proposal, today=pays_from or today, season=in_force.limits.season)
    if pays_from is not None and isinstance(asked, Settlement | DownPayment):
        asked = replace(asked, pay_by=max(asked.pay_by, pays_from))
    return _table(debt, background, in_force, asked, proposal=proposal, today=today)


def preview(debt: Standing, background: Background, *, asked: Asked, in_force: InForce, today: date) -> Table:
    """Give the answer to what nobody has asked for yet, and plans beside it if that is no yes; nothing is kept."""
    return _table(debt, background, in_force, asked, proposal=None, today=today)


def _table(
    debt: Standing,
    background: Background,
    in_force: InForce,
    asked: Asked,
    *,
    proposal: Proposal | None,
    today: date,
) -> Table:
    limits, owed = in_force.limits, owed_of(debt, today=today)
    gate = gate_of(debt, background, limits, today=today)
    means = _means(debt, limits, today=today)
    given = answer(
        asked=asked,
        owed=owed,
        limits=limits,
        means=means,
        history=history_of(debt, background, today=today),
        gate=gate,
        today=today,
    )
    regular = asked.regular
    pay_day = (proposal.pay_day if proposal is not None else None) or (
        regular.first_due.isoweekday() if regular.frequency.by_weekday else regular.first_due.day
    )
    beside: tuple[Offer, ...] = ()
    if gate is None and not (proposal is None and given.is_agreed_alone):
        beside = menu.standard(
            owed=owed, limits=limits, frequency=regular.frequency, pay_day=pay_day, today=today, means=means
        )
    return Table(
        proposal_id=None if proposal is None else proposal.id,
        asked=asked,
        answer=given,
        offers=beside,
        gate=gate,
        needs_budget=means is None
        and (given.outcome is Outcome.COUNTER_AND_ASK_BUDGET or given.change.input is Input.BUDGET),
        means=means,
    )


def _means(debt: Standing, limits: Limits, *, today: date) -> Means | None:
    kept = current_budget(debt, limits, today=today)
    if kept is None:
        return None
    found = leftover_under(debt, budget=kept.budget, limits=limits, today=today)
    return None if found is None else found.means


def choices(table: Table) -> dict[str, Arrangement]:
    """Give everything on the page that can be agreed to without a person, by the name that its form sends."""
    if table.gate is not None:
        return {}
    found: dict[str, Arrangement] = {}
    given = table.answer
    if given.arrangement is not None and given.plan is not None and not given.needs_person:
        found["own" if given.outcome is Outcome.ACCEPT else "answer"] = given.arrangement
    for offer in (*given.alternatives, *table.offers):
        if offer.needs_person or offer.arrangement.schedule is None:
            continue
        if looks(offer.arrangement) not in {looks(one) for one in found.values()}:
            found.setdefault(offer.kind.value, offer.arrangement)
    return dict(list(found.items())[:MOST_CHOICES])


def looks(arrangement: Arrangement) -> tuple[object, ...]:
    """Give what tells one plan on a page from another."""
    schedule = arrangement.schedule
    return (None if schedule is None else (schedule.steps, schedule.starts_on), arrangement.waiver)


def least_payment(debt: Standing, *, limits: Limits, today: date) -> Money | None:
    """Give the least payment a month that is agreed to on the spot; None where there is no such monthly plan."""
    owed = owed_of(debt, today=today)
    plans = menu.standard(owed=owed, limits=limits, frequency=Frequency.MONTHLY, pay_day=today.day, today=today)
    return next((offer.schedule.payment for offer in plans if not offer.needs_person), None)


def trace_of(proposal: Proposal) -> Sequence[dict[str, Any]]:
    """Give every rule behind the answer that was given to a proposal; for staff, never for a debtor."""
    return proposal.trace or ()


def send_to_person(
    debt: Standing, *, proposal: Proposal, by: Actor, done_by: Mapping[str, object] = NOBODY_ELSE
) -> requests.Opened | requests.TooMany | None:
    """Hand the debtor's own offer to a person of the lender, as a request; asking twice is asking once, and None."""
    if proposal.state == "with_a_person" or request_of(proposal) is not None:
        return None
    proposal.state = "with_a_person"
    opened = requests.open_request(
        lender_id=debt.lender_id,
        debtor_id=debt.debtor_id,
        kind=RequestKind.OFFER,
        debt_id=debt.id,
        words="",
        by=by,
        key=f"offer:{proposal.id}",
        tell=not done_by,
        done_by=done_by,
    )
    record(
        Act.OFFER_SENT_TO_PERSON,
        by=by,
        lender_id=debt.lender_id,
        debtor_id=debt.debtor_id,
        debt_id=debt.id,
        facts={
            "proposal": proposal.id,
            "kind": proposal.kind,
            "payment": Money(proposal.amount_minor, proposal.currency).amount,
            "currency": proposal.currency,
            "frequency": proposal.frequency,
            **done_by,
        },
    )
    return opened


def ask_for_time(
    debt: Standing, *, proposal: Proposal, by: Actor, done_by: Mapping[str, object] = NOBODY_ELSE
) -> requests.Opened | requests.TooMany:
    """Ask that nothing is asked for a while, because nothing is left over: a hold with a clock, and not a plan.

    Asking twice for the same proposal is asking once.
    """
    return requests.open_request(
        lender_id=debt.lender_id,
        debtor_id=debt.debtor_id,
        kind=RequestKind.CANT_PAY,
        debt_id=debt.id,
        words="",
        by=by,
        key=f"time:{proposal.id}",
        tell=not done_by,
        done_by=done_by,
    )


def number_of(proposal: Proposal) -> str:
    """Give the number that a debtor can quote for an offer that is with a person: that of its request."""
    request = request_of(proposal)
    return request.number if request else f"O-{proposal.id.hex[-8:].upper()}"


def request_of(proposal: Proposal) -> CareRequest | None:
    """Give the request that an offer became; None for one that was sent before there were requests."""
    return requests.of_cause(lender_id=proposal.lender_id, debtor_id=proposal.debtor_id, key=f"offer:{proposal.id}")


def answer_by(proposal: Proposal, *, zone: str) -> date:
    """Give the day by which a person answers: that of its request, else the next working day but one."""
    if (request := request_of(proposal)) is not None:
        return request.answer_by
    day = proposal.made_at.astimezone(clock.zone(zone)).date()
    left = 2
    while left:
        day += timedelta(days=1)
        left -= day.isoweekday() < 6
    return day
