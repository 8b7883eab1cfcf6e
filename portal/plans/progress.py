"""Life of a plan after "I agree": money that cleared is laid over its payments, and its state follows.

Invariant: what is kept on the items (`paid_minor`, `kept_at`) and the plan's state can be computed again at any time
from the agreed items and the money that cleared; nothing else moves a plan.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, partial
from typing import Any

from sqlalchemy import Row, Select, bindparam, case, func, select, update

from portal import clock, ledger
from portal.bulk import Among
from portal.care.holds import days_held, days_held_of
from portal.db import read, session, table_of
from portal.debts.models import Debt
from portal.evidence.record import PORTAL, Act, Actor, record
from portal.interest import months_later
from portal.ledger import Account, Book, Move, Posting, Transfer
from portal.money import Money, total
from portal.people.models import Debtor
from portal.plans.ended import ask_for_letter
from portal.plans.models import ALIVE, LIVE_STATES, Plan, PlanCard, PlanItem, Quote
from portal.plans.payoff import Coming as InterestToCome
from portal.plans.states import Event, Held, Keeping, Moved, Standing, State, after, counted, events, standing
from portal.schedules.arrangements import Kind
from portal.schedules.schedule import Item

# Of these, which let something off for being paid in full, one payment that is missed is one too many.
SETTLEMENTS = (Kind.SETTLEMENT_LUMP.value, Kind.SETTLEMENT_STAGED.value)

_LATENESS = (Keeping.GRACE, Keeping.AT_RISK, Keeping.BROKEN)

# Plain columns in one statement that is built once: a page needs no objects that could be changed.
_PLAN, _ITEM, _EACH = table_of(Plan).c, table_of(PlanItem).c, table_of(PlanItem).alias("each").c
_OPEN = _EACH.paid_minor < _EACH.amount_minor
# An extra payment was paid beside the plan: it is none of those that are counted.
_PLANNED = _EACH.kind == "payment"
_LATE = _OPEN & (_EACH.due_on < bindparam("today"))
# Every living plan of a person in numbers: how many payments, how many are done, what is late and since when.
IN_NUMBERS = (
    select(
        _EACH.plan_id,
        func.sum(case((_PLANNED, 1), else_=0)).label("all_items"),
        func.sum(case((_PLANNED & ~_OPEN, 1), else_=0)).label("done"),
        func.sum(_EACH.paid_minor).label("paid_minor"),
        func.sum(case((_LATE, _EACH.amount_minor - _EACH.paid_minor), else_=0)).label("late_minor"),
        func.min(case((_LATE, _EACH.due_on))).label("late_since"),
        func.min(case((_OPEN, _EACH.seq))).label("next_seq"),
        func.sum(case((_EACH.waiver_posting_id.is_(None), _EACH.waive_minor), else_=0)).label("to_waive_minor"),
    )
    .where(
        _EACH.lender_id == bindparam("lender_id"),
        _EACH.plan_id.in_(
            select(_PLAN.id).where(
                _PLAN.lender_id == bindparam("lender_id"),
                _PLAN.debtor_id == bindparam("debtor_id"),
                _PLAN.state.in_(ALIVE),
            )
        ),
    )
    .group_by(_EACH.plan_id)
    .subquery("in_numbers")
)
_LIVING = (
    select(
        _PLAN.id,
        _PLAN.debt_id,
        _PLAN.reference,
        _PLAN.currency,
        _PLAN.total_minor,
        IN_NUMBERS.c.all_items,
        IN_NUMBERS.c.done,
        IN_NUMBERS.c.paid_minor.label("paid_of_all"),
        _ITEM.due_on,
        _ITEM.amount_minor,
        _ITEM.paid_minor,
    )
    .join_from(table_of(Plan), IN_NUMBERS, IN_NUMBERS.c.plan_id == _PLAN.id)
    .join(
        table_of(PlanItem),
        (_ITEM.lender_id == _PLAN.lender_id) & (_ITEM.plan_id == _PLAN.id) & (_ITEM.seq == IN_NUMBERS.c.next_seq),
        isouter=True,
    )
    .where(
        _PLAN.lender_id == bindparam("lender_id"),
        _PLAN.debtor_id == bindparam("debtor_id"),
        _PLAN.state.in_(ALIVE),
    )
    .order_by(_PLAN.id)
)

_QUOTE, _DEBT = table_of(Quote).c, table_of(Debt).c
# What every living plan of a person asks for in the year from a day on, and until when.
_ASKED_FOR = (
    select(
        _PLAN.debt_id,
        func.sum(_ITEM.amount_minor - _ITEM.paid_minor).label("minor"),
        func.max(_ITEM.due_on).label("until"),
    )
    .join_from(table_of(Plan), table_of(PlanItem), (_ITEM.lender_id == _PLAN.lender_id) & (_ITEM.plan_id == _PLAN.id))
    .where(
        _PLAN.lender_id == bindparam("lender_id"),
        _PLAN.debtor_id == bindparam("debtor_id"),
        _PLAN.currency == bindparam("currency"),
        _PLAN.state.in_(ALIVE),
        _ITEM.due_on <= bindparam("year_ahead"),
    )
    .group_by(_PLAN.debt_id)
)
# In the order of the fields of a card.
CARD = (
    _PLAN.lender_id,
    _PLAN.id,
    _PLAN.debt_id,
    _PLAN.debtor_id,
    _PLAN.reference,
    _PLAN.state,
    _PLAN.total_minor,
    _PLAN.currency,
    _PLAN.frequency,
    _PLAN.agreed_at,
    _QUOTE.interest_minor,
    _PLAN.kind,
    _PLAN.waive_minor,
    _PLAN.review_on,
    _PLAN.void_on,
    _PLAN.changes,
    _DEBT.reference,
    _DEBT.product,
    _DEBT.state,
)
QUOTE_OF_PLAN = (_QUOTE.lender_id == _PLAN.lender_id) & (_QUOTE.id == _PLAN.quote_id)
_CARD = (
    select(*CARD)
    .join_from(table_of(Plan), table_of(Quote), QUOTE_OF_PLAN)
    .join(table_of(Debt), (_DEBT.lender_id == _PLAN.lender_id) & (_DEBT.id == _PLAN.debt_id))
    .where(_PLAN.lender_id == bindparam("lender_id"))
)
_BY_ID = _CARD.where(_PLAN.id == bindparam("plan_id"))
_BY_REFERENCE = _CARD.where(_PLAN.debtor_id == bindparam("debtor_id"), _PLAN.reference == bindparam("reference"))
_ALIVE_ON_DEBT = _CARD.where(_PLAN.debt_id == bindparam("debt_id"), _PLAN.state.in_(ALIVE))
_PAYMENTS = (
    select(
        _ITEM.seq,
        _ITEM.due_on,
        _ITEM.amount_minor,
        _ITEM.interest_minor,
        _ITEM.paid_minor,
        _ITEM.kept_at,
        _ITEM.waive_minor,
        _ITEM.waiver_posting_id,
        _ITEM.kind,
    )
    .where(_ITEM.lender_id == bindparam("lender_id"), _ITEM.plan_id == bindparam("plan_id"))
    .order_by(_ITEM.seq)
)
_BEARING_INTEREST = _PAYMENTS.where(_ITEM.interest_minor > 0)
_OF_PLAN = (Plan.lender_id == bindparam("lender_id"), Plan.id == bindparam("plan_id"))
# Nowhere is it earlier than at UTC-12.
_FARTHEST_WEST = timedelta(hours=12)
_LOCKED = select(Plan).where(*_OF_PLAN).with_for_update().execution_options(populate_existing=True)
_LOCKED_MANY = (
    select(Plan)
    .where(Plan.lender_id == bindparam("lender_id"), Plan.id.in_(bindparam("plan_ids", expanding=True)))
    .order_by(Plan.id)
    .with_for_update()
    .execution_options(populate_existing=True)
)
_DEBT_OF = select(_PLAN.debt_id).where(_PLAN.lender_id == bindparam("lender_id"), _PLAN.id == bindparam("plan_id"))
_ITEMS = (
    select(PlanItem)
    .where(PlanItem.lender_id == bindparam("lender_id"), PlanItem.plan_id == bindparam("plan_id"))
    .order_by(PlanItem.seq)
)
_ITEMS_OF_MANY = (
    select(PlanItem)
    .where(PlanItem.lender_id == bindparam("lender_id"), PlanItem.plan_id.in_(bindparam("plan_ids", expanding=True)))
    .order_by(PlanItem.plan_id, PlanItem.seq)
)
_DEBTOR = table_of(Debtor).c
_ZONES = select(_DEBTOR.id, _DEBTOR.zone).where(
    _DEBTOR.lender_id == bindparam("lender_id"), _DEBTOR.id.in_(bindparam("debtor_ids", expanding=True))
)
_ZONE = select(_DEBTOR.zone).where(_DEBTOR.lender_id == bindparam("lender_id"), _DEBTOR.id == bindparam("debtor_id"))
_POSTING, _TRANSFER = table_of(Posting).c, table_of(Transfer).c
_INTEREST_POSTED = (
    select(_POSTING.cause)
    .join_from(
        table_of(Transfer),
        table_of(Posting),
        (_POSTING.lender_id == _TRANSFER.lender_id) & (_POSTING.id == _TRANSFER.posting_id),
    )
    .where(
        _TRANSFER.lender_id == bindparam("lender_id"),
        _TRANSFER.book_id == bindparam("debt_id"),
        _POSTING.kind == "plan_interest",
    )
)

_INTEREST_POSTED_ON_MANY = (
    select(_POSTING.cause)
    .join_from(
        table_of(Transfer),
        table_of(Posting),
        (_POSTING.lender_id == _TRANSFER.lender_id) & (_POSTING.id == _TRANSFER.posting_id),
    )
    .where(
        _TRANSFER.lender_id == bindparam("lender_id"),
        Among(_TRANSFER.book_id, "debt_ids"),
        _POSTING.kind == "plan_interest",
    )
)


@dataclass(frozen=True, slots=True)
class Coming:
    """A living plan in short: when its next payment is due and what is missing of it; both None if all are done.

    `items` and `done` are how many there are.
    """

    plan_id: uuid.UUID
    debt_id: uuid.UUID
    reference: str
    due_on: date | None
    amount: Money | None
    items: int
    done: int
    paid: Money
    total: Money


@dataclass(frozen=True, slots=True)
class Step:
    """One payment of a plan as a page shows it: `mark` is done, next, late or left.

    `held`: its day has come, but doesn't count, because a hold covered it. `waives` is let off with it, and `waived`
    says whether that has happened. An `extra` one was paid beside the plan.
    """

    seq: int
    due_on: date
    amount: Money
    interest: Money
    paid: Money
    mark: str
    kept_at: datetime | None = None
    held: bool = False
    waives: Money | None = None
    waived: bool = False
    extra: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """A plan as a page shows it.

    With `review_on` its last payment settles nothing: somebody looks again on that day. With `void_on` it starts only
    with a first payment by that day.
    """

    id: uuid.UUID
    reference: str
    debt_id: uuid.UUID
    state: str
    total: Money
    paid: Money
    frequency: str
    steps: tuple[Step, ...]
    kind: str
    review_on: date | None = None
    void_on: date | None = None

    @property
    def waives(self) -> Money:
        """Give all that is let off when the plan is kept."""
        return total((step.waives for step in self.steps if step.waives), currency=self.total.currency)

    @property
    def waived(self) -> Money:
        """Give what has been let off so far."""
        found = (step.waives for step in self.steps if step.waives and step.waived)
        return total(found, currency=self.total.currency)

    @property
    def next(self) -> Step | None:
        """Give the payment that comes next, or None if all are done."""
        return next((step for step in self.steps if step.mark != "done"), None)

    @property
    def next_amount(self) -> Money:
        """Give what is still missing of the next payment; nothing if all are done."""
        step = self.next
        return step.amount - step.paid if step else Money.zero(self.total.currency)

    @property
    def late_amount(self) -> Money:
        """Give what is missing of all payments whose day has passed."""
        late = (step.amount - step.paid for step in self.steps if step.mark == "late")
        return total(late, currency=self.total.currency)

    @property
    def alive(self) -> bool:
        """Say whether the plan is running."""
        return self.state in LIVE_STATES


@dataclass(frozen=True, slots=True)
class Life:
    """What a plan's life is judged by beside its money, read once in an act that holds its lock.

    Its payments in order, the days that don't count because a hold covered its debt, and the zone of its calendar.
    """

    items: Sequence[PlanItem]
    held: Held
    zone: str


@dataclass(frozen=True, slots=True)
class Effect:
    """What laying money over a plan changed: items that are kept now and were not, and the other way round.

    `waits`: money on its way keeps it from going further into lateness. `cure_by` is the last day on which a plan that
    is late can be made up for.
    """

    plan_reference: str
    newly_kept: tuple[int, ...]
    no_longer_kept: tuple[int, ...]
    state: str
    waits: bool
    cure_by: date | None


def locked(*, lender_id: uuid.UUID, plan_id: uuid.UUID) -> Plan:
    """Give a plan with the book of its debt and then its own row locked, as they stand now."""
    values = {"lender_id": lender_id, "plan_id": plan_id}
    [row] = read(_DEBT_OF, values)
    ledger.locked(lender_id=lender_id, debt_id=row.debt_id)
    return session.execute(_LOCKED, values).scalar_one()


def all_locked(*, lender_id: uuid.UUID, debt_ids: Mapping[uuid.UUID, uuid.UUID]) -> list[tuple[Plan, Book]]:
    """Give many plans with their books, all locked: first every book and then every plan, each by their ids.

    `debt_ids` has the debt of each plan.
    """
    books = ledger.all_locked(lender_id=lender_id, debt_ids=debt_ids.values())
    plans = session.execute(_LOCKED_MANY, {"lender_id": lender_id, "plan_ids": list(debt_ids)}).scalars()
    return [(plan, books[plan.debt_id]) for plan in plans]


def look_again(lender_id: uuid.UUID) -> int:
    """Let the next night look at every plan of a lender that time can still change; gives how many. Part of an act."""
    today = (clock.now() - _FARTHEST_WEST).date()
    done = session.execute(
        update(Plan).where(Plan.lender_id == lender_id, Plan.look_on > today).values(look_on=today),
        execution_options={"synchronize_session": False},
    )
    return int(done.rowcount)  # type: ignore[attr-defined]


def locked_by_reference(*, lender_id: uuid.UUID, reference: str) -> Plan | None:
    """Give the same by a plan's reference; None if the lender has no such plan."""
    plan_id = session.scalars(
        select(Plan.id).where(Plan.lender_id == lender_id, Plan.reference == reference)
    ).one_or_none()
    return None if plan_id is None else locked(lender_id=lender_id, plan_id=plan_id)


def zone_of(plan: Plan | PlanCard) -> str:
    """Give the zone whose calendar a plan runs by: its debtor's."""
    [row] = read(_ZONE, {"lender_id": plan.lender_id, "debtor_id": plan.debtor_id})
    return str(row.zone)


def items_of(plan: Plan) -> list[PlanItem]:
    """Give the payments of a plan in order."""
    return list(session.scalars(_ITEMS, {"lender_id": plan.lender_id, "plan_id": plan.id}))


def lives_of(plans: Sequence[Plan]) -> dict[uuid.UUID, Life]:
    """Give what the lives of plans of one lender are judged by, in as few statements for many as for one.

    The plans must be locked.
    """
    if not plans:
        return {}
    lender_id = plans[0].lender_id
    items: dict[uuid.UUID, list[PlanItem]] = {plan.id: [] for plan in plans}
    for item in session.scalars(_ITEMS_OF_MANY, {"lender_id": lender_id, "plan_ids": list(items)}):
        items[item.plan_id].append(item)
    held = days_held_of(lender_id=lender_id, debts={plan.debt_id: plan.debtor_id for plan in plans})
    debtor_ids = sorted({plan.debtor_id for plan in plans})
    zones = dict(session.execute(_ZONES, {"lender_id": lender_id, "debtor_ids": debtor_ids}).all())
    return {plan.id: Life(items=items[plan.id], held=held[plan.debt_id], zone=zones[plan.debtor_id]) for plan in plans}


def plan_of(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, reference: str) -> PlanCard | None:
    """Give a person's plan, or None if it isn't his or isn't there."""
    return _card(_BY_REFERENCE, {"lender_id": lender_id, "debtor_id": debtor_id, "reference": reference})


def alive_plan(*, lender_id: uuid.UUID, debt_id: uuid.UUID) -> PlanCard | None:
    """Give the debt's plan that is alive, if it has one."""
    return _card(_ALIVE_ON_DEBT, {"lender_id": lender_id, "debt_id": debt_id})


def _card(statement: Select[Any], values: Mapping[str, object]) -> PlanCard | None:
    found: Sequence[Any] = read(statement, values)
    return PlanCard(*found[0]) if found else None


def _payments(statement: Select[Any], plan: PlanCard) -> Sequence[Row[Any]]:
    return read(statement, {"lender_id": plan.lender_id, "plan_id": plan.id})


def view_of(plan: PlanCard, *, today: date) -> View:
    """Give a plan with its payments marked as done, next, late or left."""
    return _view(plan, _payments(_PAYMENTS, plan), today=today)


def standing_of(plan: PlanCard, *, today: date) -> Standing:
    """Give how a plan stands by what its payments say came: what is missing, and until when it can be made up for.

    The same judgment moves its state at night and when money comes, so a page says no other day.
    """
    [terms] = session.execute(
        select(Plan.grace_days, Plan.cure_days, Plan.tolerance_minor, Plan.kind).where(
            Plan.lender_id == plan.lender_id, Plan.id == plan.id
        )
    )
    items = session.scalars(_ITEMS, {"lender_id": plan.lender_id, "plan_id": plan.id}).all()
    came = Money(sum(item.paid_minor for item in items), plan.currency)
    return standing(
        _judged(items, currency=plan.currency),
        [(today, came)],
        today=today,
        grace_days=terms.grace_days,
        tolerance=Money(terms.tolerance_minor, plan.currency),
        cure_days=terms.cure_days,
        held=held_of(plan),
        one_breaks=terms.kind in SETTLEMENTS,
    )


def held_of(plan: Plan | PlanCard) -> Held:
    """Give the days that don't count for a plan, because a hold covered its debt."""
    return days_held(lender_id=plan.lender_id, debtor_id=plan.debtor_id, debt_id=plan.debt_id)


def late_of(*, lender_id: uuid.UUID, plan_id: uuid.UUID, today: date) -> tuple[Money, date | None]:
    """Give what is late of a plan once the days of holds are left out, and since when.

    `IN_NUMBERS` counts by the calendar alone: whoever finds something late there asks here before saying so.
    """
    plan = _card(_BY_ID, {"lender_id": lender_id, "plan_id": plan_id})
    if plan is None:
        raise LookupError(plan_id)
    view = view_of(plan, today=today)
    return view.late_amount, next((step.due_on for step in view.steps if step.mark == "late"), None)


def coming_of(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, today: date) -> tuple[Coming, ...]:
    """Give what comes next of each living plan of a person."""
    return tuple(
        Coming(
            plan_id=row.id,
            debt_id=row.debt_id,
            reference=row.reference,
            due_on=row.due_on,
            amount=None if row.due_on is None else Money(row.amount_minor - row.paid_minor, row.currency),
            items=int(row.all_items),
            done=int(row.done),
            paid=Money(int(row.paid_of_all), row.currency),
            total=Money(row.total_minor, row.currency),
        )
        for row in read(_LIVING, {"lender_id": lender_id, "debtor_id": debtor_id, "today": today})
    )


def asked_for_a_month(
    *, lender_id: uuid.UUID, debtor_id: uuid.UUID, currency: str, today: date
) -> dict[uuid.UUID, Money]:
    """Give what the living plans of a person ask for in a month, by debt: the mean of the year ahead, rounded up.

    Six payments of 100.00 in the next six months are 100.00; four of 300.00, one a quarter, are 100.00 too.
    """
    values = {
        "lender_id": lender_id,
        "debtor_id": debtor_id,
        "currency": currency,
        "year_ahead": months_later(today, 12),
    }
    found: dict[uuid.UUID, Money] = {}
    for row in read(_ASKED_FOR, values):
        months = min(max(-(-(row.until - today).days * 12 // 365), 1), 12)
        if row.minor:
            found[row.debt_id] = Money(-(-int(row.minor) // months), currency)
    return found


def _view(plan: PlanCard, items: Sequence[Any], *, today: date) -> View:
    # Most payments of a plan are of one amount.
    money = cache(partial(Money, currency=plan.currency))
    steps: list[Step] = []
    next_seen = False
    over = plan.state == State.COMPLETED.value
    # Only where a day has passed does it matter whether it counts.
    passed = any(due_on < today and paid < amount for _seq, due_on, amount, _interest, paid, *_others in items)
    held = held_of(plan) if passed and not over else ()
    # A payment's row is as `_PAYMENTS` names its columns.
    for seq, due_on, amount, interest, paid, kept_at, waives, waiver_id, kind in items:
        counted_on = counted(due_on, more=0, held=held) if held else due_on
        if over or paid >= amount:
            mark = "done"
        elif counted_on is not None and counted_on < today:
            mark, next_seen = "late", True
        elif not next_seen:
            mark, next_seen = "next", True
        else:
            mark = "left"
        steps.append(
            Step(
                seq=seq,
                due_on=due_on,
                amount=money(amount),
                interest=money(interest),
                paid=money(paid),
                mark=mark,
                kept_at=kept_at,
                held=mark != "done" and due_on < today and mark != "late",
                waives=money(waives) if waives else None,
                waived=waiver_id is not None,
                extra=kind == "extra",
            )
        )
    return View(
        id=plan.id,
        reference=plan.reference,
        debt_id=plan.debt_id,
        state=plan.state,
        total=money(plan.total_minor),
        paid=money(sum(item.paid_minor for item in items)),
        frequency=plan.frequency,
        steps=tuple(steps),
        kind=plan.kind,
        review_on=plan.review_on,
        void_on=plan.void_on,
    )


def post_interest(plan: Plan, items: Sequence[PlanItem], *, today: date, posted: Collection[str] | None = None) -> int:
    """Post the agreed interest of every item that is due by now; gives of how many it was posted now.

    `posted` are the causes of what stands in the debt's book already (`interest_posted`); left out they are read.

    A plan's interest was disclosed item by item; it is charged on its item's due date and never before. So whoever
    pays early is not charged what has not come due, and the total is never more than was disclosed. A plan that has
    ended charges nothing any more, also when money that was on its way for it clears afterwards.
    """
    due = [item for item in items if item.interest_minor and item.due_on <= today]
    if plan.state not in LIVE_STATES or not due:
        return 0
    causes = _interest_causes(plan) if posted is None else posted
    new = [item for item in due if interest_cause(plan.id, item.seq) not in causes]
    for item in new:
        done = ledger.post(
            lender_id=plan.lender_id,
            kind="plan_interest",
            cause=interest_cause(plan.id, item.seq),
            moves=[
                Move(
                    book_id=plan.debt_id,
                    source=Account.ACCRUAL,
                    target=Account.INTEREST,
                    amount=Money(item.interest_minor, plan.currency),
                )
            ],
            on=item.due_on,
        )
        if isinstance(done, ledger.Posted):
            record(
                Act.INTEREST_POSTED,
                by=PORTAL,
                lender_id=plan.lender_id,
                debtor_id=plan.debtor_id,
                debt_id=plan.debt_id,
                facts=interest_facts(plan.reference, seq=item.seq, minor=item.interest_minor),
            )
    return len(new)


def interest_posted(*, lender_id: uuid.UUID, debt_ids: Collection[Any]) -> set[str]:
    """Give the causes of all agreed interest that stands in the books of many debts."""
    return {row.cause for row in read(_INTEREST_POSTED_ON_MANY, {"lender_id": lender_id, "debt_ids": debt_ids})}


def _interest_causes(plan: Plan | PlanCard) -> set[str]:
    return {row.cause for row in read(_INTEREST_POSTED, {"lender_id": plan.lender_id, "debt_id": plan.debt_id})}


def interest_due(plan: PlanCard, *, today: date) -> Money:
    """Give the agreed interest of items that are due by now and not in the books yet, because the night has not run."""
    due = (item.interest for item in interest_not_posted(plan) if item.due_on <= today)
    return total(due, currency=plan.currency)


def interest_not_posted(plan: PlanCard) -> tuple[InterestToCome, ...]:
    """Give the agreed interest of a plan that is not in the books yet, in the order of its days."""
    if not plan.interest_minor:
        return ()
    posted = _interest_causes(plan)
    return tuple(
        InterestToCome(due_on=item.due_on, interest=Money(item.interest_minor, plan.currency))
        for item in _payments(_BEARING_INTEREST, plan)
        if interest_cause(plan.id, item.seq) not in posted
    )


def still_to_waive(plan: PlanCard) -> Money:
    """Give what a plan will let off and hasn't yet: it stands in the books, and nobody is asked to pay it."""
    if not plan.waive_minor or plan.state not in LIVE_STATES:
        return Money.zero(plan.currency)
    open_ = (item.waive_minor for item in _payments(_PAYMENTS, plan) if item.waiver_posting_id is None)
    return Money(sum(open_), plan.currency)


def interest_facts(reference: str, *, seq: int, minor: int) -> dict[str, object]:
    """Give what is on record of interest that came due with a payment of a plan."""
    return {"plan": reference, "item": seq, "amount_minor": minor}


def moved_facts(reference: str, *, before: str, after: str) -> dict[str, object]:
    """Give what is on record of a plan that moved from one state to another."""
    return {"plan": reference, "before": before, "after": after}


def interest_cause(plan_id: uuid.UUID | str, seq: int) -> str:
    """Give the cause under which the agreed interest of a payment is posted; the id is written with its dashes."""
    return f"plan-interest:{plan_id}:{seq}"


def lay_over(
    plan: Plan,
    life: Life,
    *,
    cleared: Sequence[tuple[date, Money]],
    owed: Money,
    today: date,
    by: Actor,
    on_its_way: Money,
    for_good: int | None = None,
) -> Effect:
    """Lay all money that cleared over a plan's payments, and move its state to where that leaves it.

    `cleared` has what came, and as negative what went back, each with the debtor's own day; `owed` is what the debt's
    book says now, less what the plan will still let off; `on_its_way` is money that was sent for the plan and isn't
    here: it moves a plan no further into lateness, and makes up for nothing before it clears. `for_good` is how much of
    what came no bank can take back by itself, in minor units; None for all of it. A plan that lets something off isn't
    done before that is all that it asks for. The plan's row must be locked by way of its debt's book.
    """
    items, held = life.items, life.held
    currency = plan.currency
    sums = sum(amount.minor for _day, amount in cleared)
    judge = partial(
        standing,
        _judged(items, currency=currency),
        today=today,
        grace_days=plan.grace_days,
        tolerance=Money(plan.tolerance_minor, currency),
        cure_days=plan.cure_days,
        held=held,
        one_breaks=plan.kind in SETTLEMENTS,
    )
    judged = judge(cleared)
    keeping: Keeping | None = judged.keeping
    waits = False
    if keeping in _LATENESS and on_its_way:
        waits = True
        with_it = judge([*cleared, (today, on_its_way)]).keeping
        keeping = with_it if with_it in _LATENESS else None
    left = max(sums, 0)
    went_back = left < sum(item.paid_minor for item in items)
    newly, no_longer = [], []
    for item in items:
        item.paid_minor = min(left, item.amount_minor)
        left -= item.paid_minor
        # An extra payment was never due, so it is none that was kept.
        kept = item.seq in judged.kept and item.paid_minor > 0 and item.kind == "payment"
        if kept and item.kept_at is None:
            item.kept_at = clock.now()
            newly.append(item.seq)
        elif not kept and item.kept_at is not None:
            item.kept_at = None
            no_longer.append(item.seq)
    enough = min(max(sums, 0), sum(item.amount_minor for item in items))
    reversible = bool(plan.waive_minor) and for_good is not None and for_good < enough
    before = plan.state
    # Whatever happened here, the night looks again and says when the next look is due.
    plan.look_on = today
    begun = sums > 0
    over = False
    if plan.void_on is not None:
        # Without its first payment such a plan never starts, whatever the calendar says.
        begun = items[0].paid_minor + plan.tolerance_minor >= items[0].amount_minor
        last_day = counted(plan.void_on, more=0, held=held)
        over = not begun and last_day is not None and last_day < today
        if over and on_its_way:
            waits, over = True, False
    started = plan.void_on is None and items[0].due_on <= today
    for event in events(
        state=State(plan.state),
        keeping=keeping,
        begun=begun or started,
        needs_first=plan.void_on is not None,
        void=over,
        owes=bool(owed),
        stays_done=before == State.COMPLETED.value and (not went_back or is_followed(plan)),
        waits=waits,
        reversible=reversible,
    ):
        moved = after(state=State(plan.state), event=event)
        if isinstance(moved, Moved):
            plan.state = moved.to.value
    if plan.state != before:
        record(
            Act.PLAN_MOVED,
            by=by,
            lender_id=plan.lender_id,
            debtor_id=plan.debtor_id,
            debt_id=plan.debt_id,
            facts=moved_facts(plan.reference, before=before, after=plan.state) | _looked_at_again(plan),
        )
        ask_for_letter(lender_id=plan.lender_id, plan_id=plan.id, state=plan.state)
    return Effect(
        plan_reference=plan.reference,
        newly_kept=tuple(newly),
        no_longer_kept=tuple(no_longer),
        state=plan.state,
        waits=waits or reversible,
        cure_by=judged.cure_by,
    )


def is_followed(plan: Plan | PlanCard) -> bool:
    """Say whether another plan lives on the debt of this one."""
    other = select(Plan.id).where(Plan.lender_id == plan.lender_id, Plan.debt_id == plan.debt_id, Plan.id != plan.id)
    return session.scalar(other.where(Plan.state.in_(LIVE_STATES)).limit(1)) is not None


def _judged(items: Sequence[PlanItem], *, currency: str) -> list[Item]:
    """Give the payments that a plan is judged by; money paid extra counts with the planned one that comes after it.

    It was never due: should it go back, or be used up by an earlier payment that went back, it is no payment missed.
    """
    found: list[Item] = []
    extra = 0
    for item in items:
        if item.kind == "extra" and item is not items[-1]:
            extra += item.amount_minor
            continue
        found.append(
            Item(
                seq=item.seq,
                due_on=item.due_on,
                amount=Money(item.amount_minor + extra, currency),
                principal=Money(item.principal_minor + extra, currency),
                interest=Money(item.interest_minor, currency),
            )
        )
        extra = 0
    return found


def _looked_at_again(plan: Plan) -> dict[str, object]:
    """Give the day on which somebody looks again, where the plan is done and the debt is not."""
    done = plan.state == State.COMPLETED.value and plan.review_on is not None
    return {"review_on": plan.review_on} if done else {}


def end(*, lender_id: uuid.UUID, reference: str, by: Actor) -> State | None:
    """End a plan because the debtor asks for it; what was paid stays paid. Gives the state then, or None if unknown.

    A plan that has ended before stays as it is.
    """
    plan = locked_by_reference(lender_id=lender_id, reference=reference)
    if plan is None:
        return None
    before = plan.state
    moved = after(state=State(before), event=Event.CANCEL)
    if isinstance(moved, Moved):
        plan.state = moved.to.value
        record(
            Act.PLAN_MOVED,
            by=by,
            lender_id=lender_id,
            debtor_id=plan.debtor_id,
            debt_id=plan.debt_id,
            facts={"plan": reference, "before": before, "after": plan.state, "why": "the debtor asked"},
        )
        ask_for_letter(lender_id=lender_id, plan_id=plan.id, state=plan.state)
    return State(plan.state)
