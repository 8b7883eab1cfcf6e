"""Letters that ask for nothing: a dispute received, a pause, new dates, and what is on record; each once a cause.

Invariant: each says what the books and requests say when it is made; nothing that somebody typed is printed, but what
a colleague has found wrong in a report to a credit bureau.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Final

from sqlalchemy import select

from portal import clock, queue
from portal.care import holds
from portal.care.advice import place_of
from portal.care.models import CareHold, CareRequest
from portal.care.states import DISPUTES
from portal.care.states import Kind as Asked
from portal.db import session
from portal.debts.statement import MONEY_CAME, Standing, by_id, debts_of, history
from portal.evidence.models import EvidenceRecord
from portal.evidence.record import Act, Actor, record
from portal.ledger import Account
from portal.lenders.models import Lender
from portal.letters import conditions
from portal.letters.caring_contents import (
    CameOrWent,
    Caring,
    CreditCorrection,
    CreditStatus,
    DatedPayment,
    Deferral,
    Deferred,
    DisputeAcknowledgement,
    Disputed,
    DuringPause,
    Fault,
    GoodwillStatement,
    GrantedPause,
    PlanKept,
    PlanOutcome,
    ReplyBy,
    Reported,
    Stop,
)
from portal.letters.caring_truth import cost_of_pause, is_wrong, takes_out
from portal.letters.conditions import Facts, NotYet
from portal.letters.contents import Adviser
from portal.letters.credit_records import table
from portal.letters.issue import issue_letter
from portal.letters.kinds import Kind
from portal.money import Money, total
from portal.people.models import Debtor
from portal.plans.models import LIVE_STATES, Plan, PlanChange
from portal.plans.progress import alive_plan, items_of
from portal.plans.redrawing import from_json
from portal.plans.states import State

# Which a debtor gets by asking, as often as once a day for each debt.
ON_DEMAND: Final = (Kind.GOODWILL, Kind.CREDIT_STATUS)
_MOST_ADVISERS: Final = 3
_NEVER_BEGAN: Final = (State.VOIDED.value, State.EXPIRED.value)
_OUTCOMES: Final[Mapping[str, PlanOutcome]] = MappingProxyType(
    {
        **dict.fromkeys(LIVE_STATES, PlanOutcome.RUNNING),
        State.BROKEN.value: PlanOutcome.BEHIND,
        State.COMPLETED.value: PlanOutcome.COMPLETED,
        State.SUPERSEDED.value: PlanOutcome.REPLACED,
    }
)


def _issue(details: Caring, *, lender_id: uuid.UUID, debt_id: uuid.UUID, cause: str) -> None:
    jurisdiction = session.get_one(Lender, lender_id).jurisdiction
    advisers = place_of(jurisdiction).of("debt")[:_MOST_ADVISERS]
    advice = tuple(Adviser(name=one.name, phone=one.phone, website=one.url) for one in advisers)
    issue_letter(lender_id=lender_id, debt_id=debt_id, details=details, cause=cause, advice=advice)


def _of_request(lender_id: uuid.UUID, request_id: uuid.UUID) -> tuple[CareRequest, tuple[Standing, ...]]:
    """Give a request and the debts that it is about; each has a letter of its own."""
    request = session.get_one(CareRequest, (lender_id, request_id))
    if request.debtor_id is None:
        return request, ()
    debts = debts_of(lender_id=lender_id, debtor_id=request.debtor_id)
    return request, tuple(debt for debt in debts if request.debt_id in (None, debt.id))


def dispute_acknowledgement(lender_id: uuid.UUID, request_id: uuid.UUID) -> None:
    """Issue what acknowledges a dispute, one for each debt that it is about; none if it was taken back since."""
    request, debts = _of_request(lender_id, request_id)
    stands = Asked(request.kind) in DISPUTES and request.withdrawn_at is None
    if conditions.asked(Kind.DISPUTE_ACKNOWLEDGEMENT, Facts(today=clock.today(request.zone), disputed=stands)):
        return
    [hold] = [one for one in holds.of_request(request) if one.kind == request.kind]
    letters = [
        (
            debt.id,
            DisputeAcknowledgement(
                request_number=request.number,
                received_at=request.opened_at,
                disputed=Disputed.WHOLE if request.kind == Asked.NOT_MINE.value else Disputed.AMOUNT,
                of_all_debts=request.debt_id is None and len(debts) > 1,
                stops=_stops(hold),
                look_by=request.look_by,
                answer_by=request.answer_by,
                reply_by=ReplyBy(request.reply_by),
                clock=request.clock,
                owed=debt.owed,
            ),
        )
        for debt in debts
    ]
    # From here on the rows are let go of, each time that a letter is drawn.
    for debt_id, details in letters:
        cause = request_cause(details.kind, request_id, debt_id)
        _issue(details, lender_id=lender_id, debt_id=debt_id, cause=cause)


def request_cause(kind: Kind, request_id: uuid.UUID, debt_id: uuid.UUID) -> str:
    """Give the cause of a letter about a request: one for each of its debts."""
    return f"{kind.value}:{request_id}:{debt_id}"


def _stops(hold: CareHold) -> tuple[Stop, ...]:
    return tuple(stop for stop in Stop if stop.value in hold.stops)


def granted_pause(lender_id: uuid.UUID, request_id: uuid.UUID) -> None:
    """Issue what confirms a pause that the lender gives, one for each debt; none if it is over before that."""
    request, debts = _of_request(lender_id, request_id)
    hold = next((one for one in holds.of_request(request) if one.until is not None), None)
    facts = Facts(
        today=clock.today(request.zone),
        held=hold is not None and hold.ended_at is None,
        held_until=_last_day(hold.until, request.zone) if hold is not None else None,
    )
    if hold is None or facts.held_until is None or conditions.asked(Kind.GRANTED_PAUSE, facts):
        return
    letters = [(debt.id, _pause(request, hold, facts.held_until, debt, many=len(debts) > 1)) for debt in debts]
    for debt_id, details in letters:
        cause = request_cause(details.kind, request_id, debt_id)
        _issue(details, lender_id=lender_id, debt_id=debt_id, cause=cause)


def _last_day(until: datetime | None, zone: str) -> date | None:
    # The instant at which it ends is outside, so an end at midnight leaves the new day alone.
    return (until - timedelta(microseconds=1)).astimezone(clock.zone(zone)).date() if until else None


def _pause(request: CareRequest, hold: CareHold, until: date, debt: Standing, *, many: bool) -> GrantedPause:
    plan = alive_plan(lender_id=debt.lender_id, debt_id=debt.id)
    if plan is not None:
        interest = DuringPause.IN_PLAN
    else:
        interest = DuringPause.CONTINUES if debt.annual_rate else DuringPause.NONE

    def with_cost(cost: Money) -> GrantedPause:
        return GrantedPause(
            request_number=request.number,
            since=hold.since.astimezone(clock.zone(request.zone)).date(),
            until=until,
            review_on=request.answer_by,
            of_all_debts=hold.debt_id is None and many,
            stops=_stops(hold),
            interest=interest,
            rate=debt.annual_rate if interest is DuringPause.CONTINUES else None,
            principal=debt.parts[Account.PRINCIPAL],
            cost=cost,
            plan_reference=plan.reference if plan is not None else None,
            owed=debt.owed,
        )

    return with_cost(cost_of_pause(with_cost(Money.zero(debt.owed.currency))))


def deferral(lender_id: uuid.UUID, change_id: uuid.UUID) -> None:
    """Issue what confirms that dates of a plan were moved; none if that was taken back since."""
    made = session.get_one(PlanChange, (lender_id, change_id))
    plan = session.get_one(Plan, (lender_id, made.plan_id))
    today = clock.today(session.get_one(Debtor, (lender_id, plan.debtor_id)).zone)
    if conditions.asked(Kind.DEFERRAL, Facts(today=today, moved=made.undone_at is None)):
        return
    details = Deferral(
        plan_reference=plan.reference,
        change=made.number,
        what=Deferred(made.kind),
        agreed_at=made.made_at,
        before=_dated(made.before, plan.currency),
        after=_dated(made.after, plan.currency),
        cost=Money(made.cost_minor, made.currency),
        take_back_until=made.undo_until,
    )
    _issue(details, lender_id=lender_id, debt_id=plan.debt_id, cause=deferral_cause(change_id))


def _dated(stored: Mapping[str, list[list[object]]], currency: str) -> tuple[DatedPayment, ...]:
    payments = from_json(stored["payments"], currency=currency)
    return tuple(DatedPayment(due=one.due_on, amount=one.amount) for one in payments if one.amount)


def deferral_cause(change_id: uuid.UUID) -> str:
    """Give the cause of what confirms a change of a plan's dates."""
    return f"{Kind.DEFERRAL.value}:{change_id}"


def may_be_asked(kind: Kind, debt: Standing, *, zone: str) -> NotYet | None:
    """Say why a letter that is made on demand can't be made of a debt now; None: it can."""
    now = clock.now()
    disputed = [
        one
        for one in holds.holding(lender_id=debt.lender_id, debtor_id=debt.debtor_id, debt_id=debt.id, at=now)
        if one.disputed
    ]
    facts = Facts(
        today=clock.today(zone),
        owed=debt.owed.minor,
        paid=_paid(_payments(debt), debt).minor,
        disputed=bool(disputed),
        answer_by=max((one.answer_by for one in disputed), default=None),
    )
    return conditions.asked(kind, facts)


def ask_for(kind: Kind, debt: Standing, *, zone: str, by: Actor) -> bool | NotYet:
    """Ask for a letter that is made on demand: one of a kind a day for each debt; gives whether this one is new.

    The day is the debtor's own; asking again on it leads to the same letter. What can't be made gives why.
    """
    refused = may_be_asked(kind, debt, zone=zone)
    if refused is not None:
        return refused
    cause = f"{kind.value}:{debt.id}:{clock.today(zone).isoformat()}"
    new = queue.later(
        "letters.issue",
        lender_id=debt.lender_id,
        payload={"kind": kind.value, "debt_id": str(debt.id), "cause": cause},
        once=f"letter:{cause}",
    )
    if new:
        record(
            Act.LETTER_ASKED,
            by=by,
            lender_id=debt.lender_id,
            debtor_id=debt.debtor_id,
            debt_id=debt.id,
            facts={"kind": kind.value, "cause": cause},
        )
    return new


def goodwill(lender_id: uuid.UUID, debt_id: uuid.UUID, cause: str) -> None:
    """Issue a statement of how somebody paid, by the books alone; none if a dispute has come since it was asked for."""
    debt = by_id(lender_id=lender_id, debt_id=debt_id)
    zone = session.get_one(Debtor, (lender_id, debt.debtor_id)).zone
    if may_be_asked(Kind.GOODWILL, debt, zone=zone) is not None:
        return
    today = clock.today(zone)
    lines = history(lender_id=lender_id, debt_id=debt_id, currency=debt.owed.currency)
    payments = _payments(debt)
    rules = table().rules_for(session.get_one(Lender, lender_id).jurisdiction, on=today)
    plans = session.scalars(
        select(Plan)
        .where(Plan.lender_id == lender_id, Plan.debt_id == debt_id, Plan.state.not_in(_NEVER_BEGAN))
        .order_by(Plan.agreed_at)
    ).all()
    details = GoodwillStatement(
        known_since=lines[0].on,
        owed_at_first=lines[0].after,
        late_since=debt.late_since,
        payments=payments,
        paid=_paid(payments, debt),
        let_off=_let_off(debt),
        owed=debt.owed,
        plans=tuple(_kept(plan, zone=zone, today=today) for plan in plans),
        record=rules.record if rules else None,
    )
    _issue(details, lender_id=lender_id, debt_id=debt_id, cause=cause)


def _payments(debt: Standing) -> tuple[CameOrWent, ...]:
    lines = history(lender_id=debt.lender_id, debt_id=debt.id, currency=debt.owed.currency)
    return tuple(
        CameOrWent(on=line.on, amount=-line.change) for line in lines if line.kind in MONEY_CAME and line.change
    )


def _paid(payments: tuple[CameOrWent, ...], debt: Standing) -> Money:
    return total((one.amount for one in payments), currency=debt.owed.currency)


def _let_off(debt: Standing) -> Money:
    lines = history(lender_id=debt.lender_id, debt_id=debt.id, currency=debt.owed.currency)
    return total((line.waived for line in lines), currency=debt.owed.currency)


def _kept(plan: Plan, *, zone: str, today: date) -> PlanKept:
    outcome = _OUTCOMES.get(plan.state, PlanOutcome.ENDED)
    items = [item for item in items_of(plan) if item.kind == "payment"]
    done = outcome is PlanOutcome.COMPLETED
    due = [item for item in items if done or item.due_on <= today]
    kept = [item for item in due if done or item.kept_at is not None or item.paid_minor >= item.amount_minor]
    return PlanKept(
        reference=plan.reference,
        agreed_on=plan.agreed_at.astimezone(clock.zone(zone)).date(),
        outcome=outcome,
        of=len(items),
        due=len(due),
        kept=len(kept),
    )


def credit_status(lender_id: uuid.UUID, debt_id: uuid.UUID, cause: str) -> None:
    """Issue the sheet on a debt and the credit record, by the rules of the lender's country on that day."""
    debt = by_id(lender_id=lender_id, debt_id=debt_id)
    today = clock.today(session.get_one(Debtor, (lender_id, debt.debtor_id)).zone)
    jurisdiction = session.get_one(Lender, lender_id).jurisdiction[:2].upper()
    rules = table().rules_for(jurisdiction, on=today)
    one_off = table().one_off_for(jurisdiction, on=today)
    details = CreditStatus(
        jurisdiction=jurisdiction,
        owed=debt.owed,
        late_since=debt.late_since,
        let_off=_let_off(debt),
        rules_since=rules.effective_from if rules else None,
        record=rules.record if rules else None,
        objection_days=rules.objection_days if rules else None,
        complaint_days=rules.complaint_days if rules else None,
        free_reports_a_year=rules.free_reports_a_year if rules else None,
        report_at=rules.report_at if rules else None,
        # A rule about another currency than this debt's can't be about this debt.
        one_off=one_off if one_off is not None and one_off.most.currency == debt.owed.currency else None,
    )
    _issue(details, lender_id=lender_id, debt_id=debt_id, cause=cause)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a colleague found wrong in what was reported of a debt, what is right, and why that is known."""

    bureau: str
    reported: Reported
    fault: Fault
    current: str
    correct: str
    discovered_on: date
    reason: str


def ask_to_correct(debt: Standing, found: Found, *, zone: str, form_key: str, by: Actor, name: str) -> bool | NotYet:
    """Ask for a notice to a credit bureau of what a colleague found wrong; the same form is one notice.

    Gives whether it is new, or why none can be made: nothing is wrong, or the record would only be taken out.
    """
    today = clock.today(zone)
    wrong = is_wrong(found.current, found.correct) and not takes_out(found.correct) and found.discovered_on <= today
    refused = conditions.asked(Kind.CREDIT_CORRECTION, Facts(today=today, wrong=wrong))
    if refused is not None:
        return refused
    cause = f"{Kind.CREDIT_CORRECTION.value}:{debt.id}:{form_key}"
    new = queue.later(
        "letters.issue",
        lender_id=debt.lender_id,
        payload={"kind": Kind.CREDIT_CORRECTION.value, "debt_id": str(debt.id), "cause": cause},
        once=f"letter:{cause}",
    )
    if new:
        record(
            Act.LETTER_ASKED,
            by=by,
            lender_id=debt.lender_id,
            debtor_id=debt.debtor_id,
            debt_id=debt.id,
            facts={"kind": Kind.CREDIT_CORRECTION.value, "cause": cause, "name": name, **asdict(found)},
        )
    return new


def credit_correction(lender_id: uuid.UUID, debt_id: uuid.UUID, cause: str) -> None:
    """Issue the notice to a credit bureau that was asked for, as the record of that says."""
    debt = by_id(lender_id=lender_id, debt_id=debt_id)
    asked_for = session.scalars(
        select(EvidenceRecord.entry).where(
            EvidenceRecord.lender_id == lender_id,
            EvidenceRecord.debtor_id == debt.debtor_id,
            EvidenceRecord.act == Act.LETTER_ASKED.value,
        )
    )
    [found] = [facts for entry in asked_for if (facts := json.loads(entry)["facts"]).get("cause") == cause]
    today = clock.today(session.get_one(Debtor, (lender_id, debt.debtor_id)).zone)
    rules = table().rules_for(session.get_one(Lender, lender_id).jurisdiction, on=today)
    days = rules.objection_days if rules else None
    details = CreditCorrection(
        bureau=found["bureau"],
        reported=Reported(found["reported"]),
        fault=Fault(found["fault"]),
        current=found["current"],
        correct=found["correct"],
        discovered_on=date.fromisoformat(found["discovered_on"]),
        owed=debt.owed,
        answer_by=today + timedelta(days=days) if days else None,
    )
    _issue(details, lender_id=lender_id, debt_id=debt_id, cause=cause)


def _about(job: queue.Job) -> uuid.UUID:
    return uuid.UUID(job.payload["about"].partition(":")[0])


def _of_debt(make: Callable[[uuid.UUID, uuid.UUID, str], None]) -> Callable[[uuid.UUID, queue.Job], None]:
    return lambda lender_id, job: make(lender_id, uuid.UUID(job.payload["debt_id"]), job.payload["cause"])


# What a job of each kind makes. `about` is the request or the change, also where a letter is tried again by its cause.
_MADE: Final[Mapping[str, Callable[[uuid.UUID, queue.Job], None]]] = MappingProxyType(
    {
        Kind.DISPUTE_ACKNOWLEDGEMENT.value: lambda lender_id, job: dispute_acknowledgement(lender_id, _about(job)),
        Kind.GRANTED_PAUSE.value: lambda lender_id, job: granted_pause(lender_id, _about(job)),
        Kind.DEFERRAL.value: lambda lender_id, job: deferral(lender_id, _about(job)),
        Kind.GOODWILL.value: _of_debt(goodwill),
        Kind.CREDIT_STATUS.value: _of_debt(credit_status),
        Kind.CREDIT_CORRECTION.value: _of_debt(credit_correction),
    }
)
KINDS: Final = frozenset(_MADE)


def run(job: queue.Job) -> None:
    """Issue the letter that a job asks for, of one of `KINDS`."""
    if job.lender_id is None:
        raise ValueError("a letter belongs to a lender")
    _MADE[job.payload["kind"]](job.lender_id, job)
