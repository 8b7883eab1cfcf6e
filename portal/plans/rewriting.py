"""A running plan read for a change, and written again after one: payments, what changed, and the way back.

Invariant: each change is one row with every payment before and after it; the plan's payments are those after the last
change, or those that it was agreed with.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache, partial
from typing import Any

from sqlalchemy import Row, bindparam, delete, func, select

from portal import clock
from portal.db import new_id, read, session, table_of
from portal.debts.models import Debt
from portal.evidence.models import EvidenceRecord
from portal.evidence.record import Act, Actor, record
from portal.limits.cards import Card
from portal.money import Money, total
from portal.offers.reckoning import seasons
from portal.plans.allowed import version_of
from portal.plans.models import Plan, PlanCard, PlanChange, PlanItem, Quote
from portal.plans.progress import QUOTE_OF_PLAN, is_followed, items_of
from portal.plans.redrawing import Kind, Payment, Rates, Running, as_json, covered, split
from portal.plans.states import State
from portal.schedules.arrangements import Kind as Arranged
from portal.schedules.arrangements import Vesting
from portal.schedules.dates import Frequency
from portal.schedules.rates import Band, Terms

UNDO_FOR = timedelta(days=1)

_PLAN, _ITEM, _QUOTE = table_of(Plan).c, table_of(PlanItem).c, table_of(Quote).c
# Of the terms only these: most of them is what was shown before agreeing.
_QUOTED = (
    select(
        *(_QUOTE.terms[name].label(name) for name in ("card", "plan_rate", "parts", "items", "arranged")),
        _QUOTE.limits_version_id,
        _QUOTE.as_of,
        _QUOTE.interest_minor,
        _QUOTE.owed_minor,
        _QUOTE.arrangement,
    )
    .join_from(table_of(Plan), table_of(Quote), QUOTE_OF_PLAN)
    .where(_PLAN.lender_id == bindparam("lender_id"), _PLAN.id == bindparam("plan_id"))
)
_ITEMS = (
    select(
        _ITEM.seq,
        _ITEM.kind,
        _ITEM.due_on,
        _ITEM.amount_minor,
        _ITEM.principal_minor,
        _ITEM.interest_minor,
        _ITEM.waive_minor,
        _ITEM.paid_minor,
        _ITEM.kept_at,
    )
    .where(_ITEM.lender_id == bindparam("lender_id"), _ITEM.plan_id == bindparam("plan_id"))
    .order_by(_ITEM.seq)
)
# The last day that a plan without a term could have; years of a season are reckoned up to here.
_LONGEST_YEARS = 51


@dataclass(frozen=True, slots=True)
class Read:
    """A plan as a change finds it, with what its quote pins: the card of its limits, and since when it runs.

    `paid` counts the payments from the first that are paid in full, and `missing` is what is missing of those that are
    due. `ends_on` is the last day with which it was agreed.
    """

    running: Running
    card: Card | None
    arranged: Arranged
    as_of: date
    ends_on: date
    pause_months: int
    paid: int
    missing: Money


def read_plan(plan: Plan | PlanCard, *, today: date) -> Read:
    """Give a plan as a change finds it on a day."""
    mine = {"lender_id": plan.lender_id, "plan_id": plan.id}
    [quote] = read(_QUOTED, mine)
    items = read(_ITEMS, mine)
    currency = plan.currency
    # Level payments are a few amounts again and again.
    money = cache(partial(Money, currency=currency))
    payments = [
        Payment(
            seq=item.seq,
            due_on=item.due_on,
            principal=money(item.principal_minor),
            interest=money(item.interest_minor),
            waives=money(item.waive_minor),
            extra=item.kind == "extra",
        )
        for item in items
    ]
    paid = covered([item.amount_minor for item in items], sum(item.paid_minor for item in items))
    # A payment that counts as kept is done, though as much as is tolerated may be missing of it.
    paid = max([paid, *(place for place, item in enumerate(items, 1) if item.kept_at is not None)])
    fixed, open_ = split(payments, paid=paid, today=today)
    arranged = Arranged(quote.arrangement)
    version = version_of(quote.limits_version_id, lender_id=plan.lender_id, currency=currency)
    card = next((each for each in version.limits.cards if each.name == quote.card), None)
    frequency = Frequency(plan.frequency)
    season = card.limits.season if card is not None and frequency is Frequency.SEASONAL else ()
    agreed = [date.fromisoformat(item[1]) for item in quote.items]
    anchor = _anchor(plan, agreed, frequency)
    regular = [one for one in fixed if not one.extra]
    if regular:
        since = regular[-1].due_on
    elif frequency in (Frequency.QUARTERLY, Frequency.SEASONAL):
        since = quote.as_of
    else:
        since = Terms(Money(1, currency), agreed[0], frequency, anchor_day=anchor, season=season).runs_since
    arrangement = quote.arranged or {}
    waiver = arrangement.get("waiver")
    return Read(
        running=Running(
            fixed=fixed,
            open=open_,
            frequency=frequency,
            since=since,
            rates=_rates(quote, card=card, arrangement=arrangement),
            season=season,
            anchor_day=anchor,
            vesting=Vesting(waiver["vesting"]) if waiver else Vesting.ON_LAST_PAYMENT,
            rests=plan.review_on is not None,
        ),
        card=card,
        arranged=arranged,
        as_of=quote.as_of,
        ends_on=agreed[-1],
        pause_months=int(arrangement.get("pause_months") or 0),
        paid=paid,
        missing=Money(sum(item.amount_minor - item.paid_minor for item in items[: len(fixed)]), currency),
    )


def _rates(quote: Row[Any], *, card: Card | None, arrangement: Mapping[str, Any]) -> Rates:
    """Give what a quote pins of interest; a plan that was agreed without any bears none after a change either."""
    if not quote.interest_minor:
        return Rates()
    annual = Decimal(quote.plan_rate)
    bands = []
    if arrangement.get("standstill") and arrangement["kind"] == Arranged.INTEREST_FREEZE.value:
        bands.append(Band(Decimal(0), *(date.fromisoformat(day) for day in arrangement["standstill"])))
    if card is not None:
        year = quote.as_of.year
        bands += seasons(card.limits, annual_rate=annual, first_year=year - 1, last_year=year + _LONGEST_YEARS)
    principal = int(quote.parts["principal"])
    return Rates(annual, tuple(bands), Fraction(principal, quote.owed_minor) if quote.owed_minor else Fraction(1))


def _anchor(plan: Plan | PlanCard, agreed: Sequence[date], frequency: Frequency) -> int | None:
    """Give the day of the month that a plan is paid on: as agreed, or as it was changed to last."""
    if frequency.by_weekday:
        return None
    if plan.changes:
        chosen = session.scalars(
            select(PlanChange.asked)
            .where(
                PlanChange.lender_id == plan.lender_id,
                PlanChange.plan_id == plan.id,
                PlanChange.kind == Kind.PAY_DAY.value,
                PlanChange.undone_at.is_(None),
            )
            .order_by(PlanChange.number.desc())
            .limit(1)
        ).first()
        if chosen is not None:
            return int(chosen["day"])
    return max(day.day for day in agreed)


def changes_of(plan: Plan | PlanCard) -> list[PlanChange]:
    """Give the changes of a plan in their order, also those that were taken back."""
    if not plan.changes:
        return []
    return list(
        session.scalars(
            select(PlanChange)
            .where(PlanChange.lender_id == plan.lender_id, PlanChange.plan_id == plan.id)
            .order_by(PlanChange.number)
        )
    )


@dataclass(frozen=True, slots=True)
class Undoable:
    """The last change of a plan, which can still be taken back."""

    number: int
    kind: Kind
    until: datetime


def undoable(plan: PlanCard) -> Undoable | None:
    """Give the last change of a plan if it can be taken back now."""
    if not plan.changes:
        return None
    made = session.execute(
        select(PlanChange.number, PlanChange.kind, PlanChange.undo_until)
        .where(PlanChange.lender_id == plan.lender_id, PlanChange.plan_id == plan.id, PlanChange.undone_at.is_(None))
        .order_by(PlanChange.number.desc())
        .limit(1)
    ).one_or_none()
    if made is None or made.undo_until is None or made.undo_until <= clock.now():
        return None
    return Undoable(made.number, Kind(made.kind), made.undo_until)


@dataclass(frozen=True, slots=True)
class EndUndoable:
    """A plan that somebody ended and can still have back: until when, and the state that it was in."""

    until: datetime
    was: State


def end_undoable(plan: Plan | PlanCard) -> EndUndoable | None:
    """Say until when the end of a plan can be taken back; None if it can't: too late, or something took its place."""
    if plan.state != State.CANCELLED.value or is_followed(plan):
        return None
    debt = session.scalars(select(Debt.state).where(Debt.lender_id == plan.lender_id, Debt.id == plan.debt_id)).one()
    if debt != "open":
        return None
    moves = session.execute(
        select(EvidenceRecord.at, EvidenceRecord.entry)
        .where(
            EvidenceRecord.lender_id == plan.lender_id,
            EvidenceRecord.debtor_id == plan.debtor_id,
            EvidenceRecord.at > clock.now() - UNDO_FOR,
            EvidenceRecord.act == Act.PLAN_MOVED.value,
        )
        .order_by(EvidenceRecord.at.desc(), EvidenceRecord.id.desc())
    )
    for at, entry in moves:
        facts = json.loads(entry)["facts"]
        if facts["plan"] == plan.reference:
            return EndUndoable(at + UNDO_FOR, State(facts["before"])) if facts["after"] == plan.state else None
    return None


def days_of(plan: PlanCard) -> tuple[int, int]:
    """Give a plan's days of grace, and those in which what was missed can be made up for after them."""
    row = session.execute(
        select(Plan.grace_days, Plan.cure_days).where(Plan.lender_id == plan.lender_id, Plan.id == plan.id)
    ).one()
    return row.grace_days, row.cure_days


def change(
    plan: Plan,
    *,
    kind: Kind,
    asked: Mapping[str, Any],
    before: Sequence[Payment],
    after: Sequence[Payment],
    facts: Mapping[str, Any],
    by: Actor,
    form_key: str,
    undo_until: datetime | None,
    payment_id: uuid.UUID | None = None,
) -> PlanChange:
    """Write a plan's payments as a change leaves them, and the change itself. The plan's row must be locked.

    The plan is to be laid over its money again in the same transaction.
    """
    _write(plan, after)
    number = session.scalars(
        select(func.count()).where(PlanChange.lender_id == plan.lender_id, PlanChange.plan_id == plan.id)
    ).one()
    made = PlanChange(
        lender_id=plan.lender_id,
        id=new_id(),
        plan_id=plan.id,
        number=number + 1,
        kind=kind.value,
        asked=dict(asked),
        before={"payments": as_json(before)},
        after={"payments": as_json(after)},
        facts=dict(facts),
        cost_minor=(_sum(after) - _sum(before)).minor,
        currency=plan.currency,
        made_by=f"{by.kind}:{by.id}",
        made_at=clock.now(),
        undo_until=undo_until,
        form_key=form_key,
        payment_id=payment_id,
    )
    plan.changes += 1
    session.add(made)
    record(
        Act.PLAN_CHANGED,
        by=by,
        lender_id=plan.lender_id,
        debtor_id=plan.debtor_id,
        debt_id=plan.debt_id,
        facts={
            "plan": plan.reference,
            "change": made.number,
            "kind": made.kind,
            "asked": made.asked,
            "before": made.before["payments"],
            "after": made.after["payments"],
            "cost": Money(made.cost_minor, plan.currency).amount,
            "currency": plan.currency,
        },
    )
    session.flush()
    return made


def put_back(plan: Plan, made: PlanChange, *, payments: Sequence[Payment], by: Actor) -> None:
    """Write a plan's payments as they were before a change. The plan's row must be locked, and its money laid over."""
    _write(plan, payments)
    plan.changes += 1
    made.undone_at = clock.now()
    record(
        Act.PLAN_CHANGE_UNDONE,
        by=by,
        lender_id=plan.lender_id,
        debtor_id=plan.debtor_id,
        debt_id=plan.debt_id,
        facts={"plan": plan.reference, "change": made.number, "kind": made.kind, "payments": made.before["payments"]},
    )
    session.flush()


def _sum(payments: Sequence[Payment]) -> Money:
    return total((one.amount for one in payments), currency=payments[0].principal.currency)


def effect(before: Sequence[Payment], after: Sequence[Payment]) -> dict[str, Any]:
    """Give what a change does, as JSON: of each side how many payments, the last day, the total and its interest."""
    return {"before": _side(before), "after": _side(after)}


def _side(payments: Sequence[Payment]) -> dict[str, Any]:
    return {
        "payments": sum(not one.extra for one in payments),
        "ends_on": payments[-1].due_on.isoformat(),
        "total": _sum(payments).minor,
        "interest": sum(one.interest.minor for one in payments),
        "waives": sum(one.waives.minor for one in payments),
    }


def _write(plan: Plan, payments: Sequence[Payment]) -> None:
    """Write a plan's payments: rows that are the same stay, others are written over, added or taken out."""
    rows = {item.seq: item for item in items_of(plan)}
    for one in payments:
        row = rows.pop(one.seq, None)
        if row is None:
            session.add(_row(plan, one))
            continue
        new = (
            "extra" if one.extra else "payment",
            one.due_on,
            one.amount.minor,
            one.principal.minor,
            one.interest.minor,
            one.waives.minor,
        )
        same = (row.kind, row.due_on, row.amount_minor, row.principal_minor, row.interest_minor, row.waive_minor)
        if new != same:
            # The money is laid over again; an extra payment is none that was kept.
            row.paid_minor = min(row.paid_minor, one.amount.minor)
            row.kept_at = row.kept_at if row.kind == new[0] else None
            row.kind, row.due_on, row.amount_minor, row.principal_minor, row.interest_minor, row.waive_minor = new
    if rows:
        session.execute(
            delete(PlanItem).where(
                PlanItem.lender_id == plan.lender_id, PlanItem.plan_id == plan.id, PlanItem.seq.in_(sorted(rows))
            )
        )
    plan.total_minor = _sum(payments).minor
    session.flush()


def _row(plan: Plan, one: Payment) -> PlanItem:
    return PlanItem(
        lender_id=plan.lender_id,
        id=new_id(),
        plan_id=plan.id,
        seq=one.seq,
        kind="extra" if one.extra else "payment",
        due_on=one.due_on,
        amount_minor=one.amount.minor,
        principal_minor=one.principal.minor,
        interest_minor=one.interest.minor,
        waive_minor=one.waives.minor,
        currency=plan.currency,
    )
