"""Plans to which nothing but time happened: a page of them is read, judged and written in a few statements.

Invariant: it does for a plan what `sweep.look_at` does, by the same rules; what it can't be sure of it leaves to that.
Money that came was laid over a plan's payments by the act that brought it, so here the payments say all of it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import reduce
from operator import add
from typing import Any, Final, Literal

from sqlalchemy import Integer, String, bindparam, literal_column, or_, select, type_coerce

from portal import clock, ledger
from portal.bulk import Among, dashed, hexed, raw, update_columns
from portal.care import outages
from portal.care.models import CareHold
from portal.db import read, session, table_of, transaction
from portal.debts.models import Debt
from portal.evidence.record import PORTAL, Act, Happened, record_many
from portal.ledger import OWED, Accrued, Book
from portal.lenders.models import Lender
from portal.money import Money
from portal.payments.follow import sent_for
from portal.plans import progress, remind
from portal.plans.for_a_person import cure_over_waits
from portal.plans.looking import Payment, Terms, look_on
from portal.plans.models import Plan, PlanItem
from portal.plans.states import Keeping, Moved, State, after, events, standing
from portal.schedules.schedule import Item

# So far ahead payments are read: first those of about a month, and only where these don't show the next look those of a
# year.
_AHEAD: Final = (timedelta(days=40), timedelta(days=400))
_A_DAY: Final = timedelta(days=1)
_LATER: Final = "later"
# In these nothing but the calendar moves a plan whose money stays as it is; a broken one may have to wait for a person.
_ORDINARY: Final = {state.value: state for state in (State.AGREED, State.ACTIVE, State.GRACE, State.AT_RISK)}

_PLAN, _ITEM, _BOOK, _HOLD = (table_of(each).c for each in (Plan, PlanItem, Book, CareHold))
_DEBT = table_of(Debt).c
_LENDER: Any = bindparam("lender_id")
_OWED = reduce(add, (_BOOK[f"{account.value}_minor"] for account in OWED))
# Each statement asks one table for rows that it names. Joined, PostgreSQL may read a whole table for a page of rows.
_BOOKS = (
    select(raw(_BOOK.id), _BOOK.currency, _OWED.label("owed"))
    .where(_BOOK.lender_id == _LENDER, Among(_BOOK.id, "debt_ids"))
    .order_by(_BOOK.id)
    .with_for_update()
)
_PLANS = (
    select(
        raw(_PLAN.id),
        raw(_PLAN.debt_id),
        raw(_PLAN.debtor_id),
        _PLAN.reference,
        _PLAN.state,
        _PLAN.kind,
        _PLAN.currency,
        _PLAN.grace_days,
        _PLAN.cure_days,
        _PLAN.tolerance_minor,
        _PLAN.look_on,
        _PLAN.changes,
    )
    .where(
        _PLAN.lender_id == _LENDER,
        Among(_PLAN.id, "plan_ids"),
        _PLAN.state.in_([literal_column(f"'{state}'", String) for state in _ORDINARY]),
        _PLAN.void_on.is_(None),
        _PLAN.review_on.is_(None),
        _PLAN.waive_minor == 0,
    )
    .order_by(_PLAN.id)
    .with_for_update()
)
_DEBTS_NOT_OPEN = select(raw(_DEBT.id)).where(
    _DEBT.lender_id == _LENDER, Among(_DEBT.id, "debt_ids"), _DEBT.state != "open"
)
_PAYMENTS = (
    select(
        raw(_ITEM.plan_id),
        _ITEM.seq,
        _ITEM.due_on,
        _ITEM.amount_minor,
        _ITEM.paid_minor,
        _ITEM.interest_minor,
        type_coerce(_ITEM.kept_at.is_not(None), Integer).label("kept"),
        _ITEM.kind,
    )
    .where(
        _ITEM.lender_id == _LENDER,
        Among(_ITEM.plan_id, "plan_ids"),
        _ITEM.due_on <= bindparam("until"),
        or_(_ITEM.paid_minor < _ITEM.amount_minor, _ITEM.interest_minor > 0),
    )
    .order_by(_ITEM.plan_id, _ITEM.seq)
)
_EVER_HELD = (
    select(raw(_HOLD.debtor_id)).where(_HOLD.lender_id == _LENDER, Among(_HOLD.debtor_id, "debtor_ids")).distinct()
)


@dataclass(frozen=True, slots=True)
class Passed:
    """What time did to a plan: its states before and after, how often interest came due, what is to be written."""

    before: str
    after: str
    interest: int
    written: list[str]


@dataclass(slots=True)
class _Found:
    """What is found out about a plan before anything is written. `due` is the interest that may have come due."""

    row: Any
    plan_id: str
    state: State
    look_on: date
    late: bool
    due: list[Payment]
    wanted: list[remind.Wanted]
    posted: list[Payment] = field(default_factory=list)


def pass_over(lender_id: uuid.UUID, debt_ids: Mapping[Any, Any], zones: Mapping[Any, str]) -> dict[Any, Passed]:
    """Look at those plans of a lender to which nothing but time happened; gives what that did, by their ids.

    `debt_ids` has the debt of each plan, `zones` that of each debtor; ids are as the driver gives them. Whatever is not
    in the answer is left as it was: to be looked at by itself, or looked at by somebody else meanwhile.
    """
    with transaction():
        found = {one.row.id: one for one in _found(lender_id, debt_ids, zones)}
        _leave_those_with_money_on_its_way(lender_id, found)
        _see_what_interest_is_new(lender_id, found)
        written = _write(lender_id, list(found.values()))
    return {
        plan_id: Passed(one.row.state, one.state.value, len(one.posted), written.get(one.plan_id, []))
        for plan_id, one in found.items()
    }


def _found(lender_id: uuid.UUID, debt_ids: Mapping[Any, Any], zones: Mapping[Any, str]) -> Iterator[_Found]:
    """Lock the books and then the plans, as every act does, and judge those plans that need no more than this reads."""
    lender = {"lender_id": lender_id}
    books = {book.id: book for book in read(_BOOKS, lender | {"debt_ids": sorted(debt_ids.values())})}
    rows: Sequence[Any] = read(_PLANS, lender | {"plan_ids": list(debt_ids)})
    if not rows:
        return
    days = {zone: clock.today(zone) for zone in {zones[row.debtor_id] for row in rows}}
    ids = [row.id for row in rows]
    remind_days = session.get_one(Lender, lender_id).remind_days_before
    not_open = {debt.id for debt in read(_DEBTS_NOT_OPEN, lender | {"debt_ids": [row.debt_id for row in rows]})}
    held = {hold.debtor_id for hold in read(_EVER_HELD, lender | {"debtor_ids": [row.debtor_id for row in rows]})}
    waits = cure_over_waits(lender_id=lender_id, plan_ids=ids)
    out, noted = _last_outage(lender_id)
    left = []
    for row in rows:
        today, book = days[zones[row.debtor_id]], books[row.debt_id]
        due = row.look_on is not None and noted < row.look_on <= today
        left_alone = row.debtor_id in held or row.debt_id in not_open or hexed(row.id) in waits
        if due and not left_alone and book.owed > 0 and book.currency == row.currency:
            left.append((row, today))
    for ahead in _AHEAD:
        if not left:
            return
        until = max(days.values()) + ahead
        payments: dict[Any, list[Any]] = {}
        for item in read(_PAYMENTS, lender | {"plan_ids": [row.id for row, _today in left], "until": until}):
            payments.setdefault(item.plan_id, []).append(item)
        until -= remind_days * _A_DAY
        later = []
        for row, today in left:
            one = _judged(row, payments.get(row.id, ()), today=today, until=until, out=out, remind_days=remind_days)
            if one is _LATER:
                later.append((row, today))
            elif isinstance(one, _Found):
                yield one
        left = later


def _last_outage(lender_id: uuid.UUID) -> tuple[date, date]:
    """Give the last day that may lie in an outage, and the last on which a plan may not know of all of them."""
    newest = outages.newest(lender_id)
    if newest is None:
        return date.min, date.min
    # Somewhere it is a day later.
    until, noted = (at.date() + _A_DAY for at in newest)
    return until, noted


def _judged(
    row: Any, items: Sequence[Any], *, today: date, until: date, out: date, remind_days: int
) -> _Found | Literal["later"] | None:
    """Judge a plan by its payments; None if it is none of those for which they say everything.

    `_LATER`: those that are read don't show when to look next.

    What is paid in full stands before everything else and is left out, on both sides of each sum.
    """
    first = next((item for item in items if item.paid_minor < item.amount_minor), None)
    if first is None:
        return _LATER
    if first.due_on <= out or today <= out:
        return None
    before = date.min
    for item in items:
        if item.kind != "payment" or item.due_on < before:
            return None
        before = item.due_on
    state = _ORDINARY[row.state]
    if state is State.AGREED and first.seq != 1:
        return None
    terms = Terms(row.grace_days, row.cure_days, row.tolerance_minor, remind_days)
    payments = _near(items, today=today, terms=terms)
    keeping = _keeping(row, payments, today=today) if first.due_on < today else Keeping.KEPT
    if keeping in (Keeping.BROKEN, Keeping.ALL_PAID):
        return None
    for event in events(
        state=state,
        keeping=keeping,
        begun=first.due_on <= today or first.paid_minor > 0,
        needs_first=False,
        void=False,
        owes=True,
        stays_done=True,
        waits=False,
    ):
        moved = after(state=state, event=event)
        if isinstance(moved, Moved):
            state = moved.to
    next_look = look_on(payments, state=state, today=today, terms=terms, held=(), again=False)
    if next_look is None or next_look > until:
        return _LATER
    plan_id = dashed(hexed(row.id))
    return _Found(
        row=row,
        plan_id=plan_id,
        state=state,
        look_on=next_look,
        late=keeping is not Keeping.KEPT,
        due=[one for one in payments if one.interest and one.due_on <= today],
        wanted=list(remind.wanted(plan_id, payments, changed=bool(row.changes), today=today, terms=terms, held=())),
    )


def _near(items: Sequence[Any], *, today: date, terms: Terms) -> list[Payment]:
    """Give the payments up to the next one; of those after it every day comes after all of its days.

    They stand in the order of their days. What is missing of the next one is more than may be missing.
    """
    last = date.max
    for item in items:
        missing = item.amount_minor - item.paid_minor
        if item.due_on > today and missing > terms.tolerance and not item.kept:
            last = item.due_on + (1 + terms.remind_days) * _A_DAY
            break
    return [
        Payment(item.seq, item.due_on, item.amount_minor, item.paid_minor, item.interest_minor, bool(item.kept))
        for item in items
        if item.due_on <= last
    ]


def _keeping(row: Any, payments: Sequence[Payment], *, today: date) -> Keeping:
    nothing = Money.zero(row.currency)
    items = []
    for one in payments:
        amount = Money(one.amount, row.currency)
        items.append(Item(seq=one.seq, due_on=one.due_on, amount=amount, principal=amount, interest=nothing))
    return standing(
        items,
        [(today, Money(sum(one.paid for one in payments), row.currency))],
        today=today,
        grace_days=row.grace_days,
        tolerance=Money(row.tolerance_minor, row.currency),
        cure_days=row.cure_days,
        one_breaks=row.kind in progress.SETTLEMENTS,
    ).keeping


def _leave_those_with_money_on_its_way(lender_id: uuid.UUID, found: dict[Any, _Found]) -> None:
    """Leave out late plans for which money was sent that isn't here yet: it decides how late they are."""
    late = {hexed(plan_id): plan_id for plan_id, one in found.items() if one.late}
    for plan_id in sent_for(lender_id=lender_id, plan_ids=list(late)) if late else ():
        del found[late[plan_id]]


def _see_what_interest_is_new(lender_id: uuid.UUID, found: dict[Any, _Found]) -> None:
    bearing = [one for one in found.values() if one.due]
    if not bearing:
        return
    causes = progress.interest_posted(lender_id=lender_id, debt_ids=[one.row.debt_id for one in bearing])
    for one in bearing:
        one.posted = [due for due in one.due if progress.interest_cause(one.plan_id, due.seq) not in causes]


def _write(lender_id: uuid.UUID, found: Sequence[_Found]) -> dict[str, list[str]]:
    """Write what was found, all of it at once; gives the kinds of message that are put off for each plan."""
    accrued, happened = [], []
    for one in found:
        row, debtor, debt = one.row, hexed(one.row.debtor_id), hexed(one.row.debt_id)
        for due in one.posted:
            cause = progress.interest_cause(one.plan_id, due.seq)
            accrued.append(Accrued(debt, cause, due.interest, row.currency, due.due_on))
            facts = progress.interest_facts(row.reference, seq=due.seq, minor=due.interest)
            happened.append(Happened(Act.INTEREST_POSTED, debtor, debt, facts))
        if one.state.value != row.state:
            facts = progress.moved_facts(row.reference, before=row.state, after=one.state.value)
            happened.append(Happened(Act.PLAN_MOVED, debtor, debt, facts))
    if accrued:
        ledger.accrue(lender_id=lender_id, kind="plan_interest", accrued=accrued)
    if happened:
        record_many(happened, by=PORTAL, lender_id=lender_id)
    moved = [one for one in found if one.state.value != one.row.state]
    for some, states in ((moved, True), ([one for one in found if one.state.value == one.row.state], False)):
        columns: dict[str, list[Any]] = {"look_on": [one.look_on for one in some]}
        if states:
            columns["state"] = [one.state.value for one in some]
        update_columns(table_of(Plan), lender_id=lender_id, ids=[hexed(one.row.id) for one in some], columns=columns)
    put_off: dict[str, list[str]] = {}
    for each in remind.put_off(lender_id, [each for one in found for each in one.wanted]):
        put_off.setdefault(each.plan_id, []).append(each.kind)
    return put_off
