"""RULES  The states of a plan, what moves it from one to another, and whether it is kept.

Invariant: `TABLE` is the only place that says what may follow what; a cell that is not in it is forbidden, by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from types import MappingProxyType
from typing import Final

from portal.money import Money, total
from portal.schedules.schedule import Item


class State(Enum):
    """Where a plan is in its life."""

    DRAFT = "draft"
    PROPOSED = "proposed"
    COUNTERED = "countered"
    IN_REVIEW = "in_review"
    AGREED = "agreed"
    ACTIVE = "active"
    GRACE = "grace"
    AT_RISK = "at_risk"
    BROKEN = "broken"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    VOIDED = "voided"
    ENDED_BROKEN = "ended_broken"


class Event(Enum):
    """What happens to a plan."""

    PROPOSE = "propose"  # Either side puts an offer on the table.
    COUNTER = "counter"  # The other side answers with another offer.
    SEND_TO_REVIEW = "send_to_review"  # A person is to decide.
    APPROVE = "approve"  # That person says yes; the debtor may now agree.
    AGREE = "agree"  # The debtor agrees to a quote that holds.
    START = "start"  # The first payment cleared, or the start date came where no down payment is due.
    DOWN_PAYMENT_MISSED = "down_payment_missed"
    FALL_SHORT = "fall_short"  # A due date passed with more missing than the tolerance.
    MISS = "miss"  # The days of grace passed for one instalment.
    BREAK = "break"  # Two in a row are missed, or as much as two is missing.
    CATCH_UP = "catch_up"  # What was late is there; after a miss this cures it.
    END_CURE = "end_cure"  # The time to make up for it is over, and a person looked at it.
    PAUSE = "pause"
    RESUME = "resume"
    COMPLETE = "complete"
    REOPEN = "reopen"  # Money that completed the plan went back.
    CANCEL = "cancel"
    EXPIRE = "expire"
    SUPERSEDE = "supersede"
    VOID = "void"
    TAKE_BACK = "take_back"  # Whoever ended a plan alone thought better of it, within a day.


_OFFER_ENDS: Final = {Event.CANCEL: State.CANCELLED, Event.EXPIRE: State.EXPIRED, Event.VOID: State.VOIDED}
_RUNNING_ENDS: Final = {
    Event.PAUSE: State.PAUSED,
    Event.COMPLETE: State.COMPLETED,
    Event.CANCEL: State.CANCELLED,
    Event.SUPERSEDE: State.SUPERSEDED,
    Event.VOID: State.VOIDED,
}

# PAUSED x RESUME and CANCELLED x TAKE_BACK are not in the table, because such a plan goes back to where it came from:
# see `after`.
TABLE: Final[Mapping[State, Mapping[Event, State]]] = MappingProxyType(
    {
        State.DRAFT: {Event.PROPOSE: State.PROPOSED, Event.SEND_TO_REVIEW: State.IN_REVIEW, **_OFFER_ENDS},
        State.PROPOSED: {
            Event.COUNTER: State.COUNTERED,
            Event.SEND_TO_REVIEW: State.IN_REVIEW,
            Event.AGREE: State.AGREED,
            **_OFFER_ENDS,
        },
        State.COUNTERED: {
            Event.PROPOSE: State.PROPOSED,
            Event.SEND_TO_REVIEW: State.IN_REVIEW,
            Event.AGREE: State.AGREED,
            **_OFFER_ENDS,
        },
        State.IN_REVIEW: {Event.APPROVE: State.PROPOSED, Event.COUNTER: State.COUNTERED, **_OFFER_ENDS},
        State.AGREED: {
            Event.START: State.ACTIVE,
            Event.DOWN_PAYMENT_MISSED: State.EXPIRED,
            **_RUNNING_ENDS,
        },
        State.ACTIVE: {Event.FALL_SHORT: State.GRACE, **_RUNNING_ENDS},
        State.GRACE: {
            Event.CATCH_UP: State.ACTIVE,
            Event.MISS: State.AT_RISK,
            Event.BREAK: State.BROKEN,
            **_RUNNING_ENDS,
        },
        State.AT_RISK: {Event.CATCH_UP: State.ACTIVE, Event.BREAK: State.BROKEN, **_RUNNING_ENDS},
        State.BROKEN: {Event.CATCH_UP: State.ACTIVE, Event.END_CURE: State.ENDED_BROKEN, **_RUNNING_ENDS},
        State.PAUSED: {
            Event.COMPLETE: State.COMPLETED,
            Event.CANCEL: State.CANCELLED,
            Event.SUPERSEDE: State.SUPERSEDED,
            Event.VOID: State.VOIDED,
        },
        State.COMPLETED: {Event.REOPEN: State.ACTIVE, Event.VOID: State.VOIDED},
        State.CANCELLED: {},
        State.EXPIRED: {},
        State.SUPERSEDED: {},
        State.VOIDED: {},
        State.ENDED_BROKEN: {},
    }
)

# The states that a plan can be paused in, and so come back to.
PAUSABLE: Final = frozenset(state for state, row in TABLE.items() if Event.PAUSE in row)


@dataclass(frozen=True, slots=True)
class Moved:
    """The plan is now in this state."""

    to: State


@dataclass(frozen=True, slots=True)
class Forbidden:
    """This cannot happen to a plan in this state, and nothing changed."""

    state: State
    event: Event


def after(*, state: State, event: Event, was: State | None = None) -> Moved | Forbidden:
    """Return where an event takes a plan; `was` is the state that a paused or cancelled plan was in before."""
    if (state, event) in ((State.PAUSED, Event.RESUME), (State.CANCELLED, Event.TAKE_BACK)):
        return Moved(was) if was in PAUSABLE and was is not None else Forbidden(state, event)
    to = TABLE[state].get(event)
    return Forbidden(state, event) if to is None else Moved(to)


class Keeping(Enum):
    """How a running plan stands."""

    KEPT = "kept"
    GRACE = "grace"
    AT_RISK = "at_risk"
    BROKEN = "broken"
    ALL_PAID = "all_paid"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a plan stands on a day.

    `kept` are the items that were there in time, `cured` those that came too late but are there now, `missed` those
    that are not (each by its number); `cure_amount` is what is missing of all that is due, to be paid by `cure_by`.
    """

    keeping: Keeping
    kept: tuple[int, ...]
    cured: tuple[int, ...]
    missed: tuple[int, ...]
    cure_amount: Money
    cure_by: date | None
    next_item: Item | None


# Days on which a hold covered a plan, first and last; without a last one it still does, and nobody knows how long.
Held = Sequence[tuple[date, date | None]]


def counted(day: date, *, more: int, held: Held) -> date | None:
    """Return the first day from `day` on that no hold covers, and of those that follow the one that is `more` later.

    None if a hold without an end comes before it: then that day has not come, whatever the calendar says. Due on 10 May
    with 5 days of grace is 15 May. If a hold covered 8 to 20 May it is 26 May, five days after the 21st; if it covered
    13 to 20 May, when two of the five were over, it is 23 May.
    """
    if not held:
        return day + timedelta(days=more)
    for since, until in sorted(held, key=lambda stretch: stretch[0]):
        if until is not None and until < day:
            continue
        if since > day + timedelta(days=more):
            break
        if until is None:
            return None
        more -= max((since - day).days, 0)
        day = until + timedelta(days=1)
    return day + timedelta(days=more)


def standing(
    items: Sequence[Item],
    cleared: Sequence[tuple[date, Money]],
    *,
    today: date,
    grace_days: int,
    tolerance: Money,
    cure_days: int = 30,
    held: Held = (),
    one_breaks: bool = False,
) -> Standing:
    """Judge whether a plan is kept, by sums: all money that has come against all that was due; early money counts on.

    Item k is kept if what came up to its due date and the days of grace, and the tolerance (once for the plan), reach
    the sum of items 1 to k. What came is dated by the debtor's own calendar and payment time; what went back is
    negative, on the day it went. Three of 150.00 due on 10 April, May and June, 5 days of grace, tolerance 1.00:
    149.50 on 14 April is kept; with nothing more by 15 May the plan is at risk on 16 May, and 150.50 cures it.

    An item may be listed as kept before its date, when early money has paid for it. Source: negotiation rules 1.6.

    Days that a hold covered don't count, neither as a due date nor as days of grace or cure: see `counted`. So a hold
    makes no plan late, and undoes nothing that was late before it began.

    A plan is broken when two in a row are missed, or as much as two is missing; with `one_breaks`, as a settlement for
    less has it, by the first. The days of cure run from the payment that broke it, so that it can be made up for.
    """
    currency = tolerance.currency
    came_by_today = total((money for day, money in cleared if day <= today), currency=currency)
    nothing = Money.zero(currency)
    due = due_now = due_past_grace = nothing
    kept: list[int] = []
    cured: list[int] = []
    missed: list[int] = []
    late: list[Item] = []
    next_item: Item | None = None
    for item in items:
        due += item.amount
        enough = due - tolerance
        due_on = counted(item.due_on, more=0, held=held)
        last_day = counted(item.due_on, more=grace_days, held=held)
        past_grace = last_day is not None and last_day < today
        if due_on is not None and due_on < today:
            due_now = due
        if past_grace:
            due_past_grace = due
        if came_by_today >= enough:
            in_time = min(last_day, today) if last_day is not None else today
            came_in_time = total((money for day, money in cleared if day <= in_time), currency=currency)
            (kept if came_in_time >= enough else cured).append(item.seq)
            continue
        next_item = next_item or item
        if past_grace:
            missed.append(item.seq)
            late.append(item)
    short = max(due_now - came_by_today, nothing)
    cured_from = None
    keeping = Keeping.KEPT
    if items and came_by_today >= due:
        # The tolerance decides what is kept, not what is owed: the last of it must come too.
        keeping = Keeping.ALL_PAID
    elif late:
        # By sums an item stays missed until all before it are paid too, so two that are missed are two in a row.
        # What is still in its days of grace does not break a plan, though it is part of what cures it.
        broken = one_breaks or len(late) >= 2 or due_past_grace - came_by_today >= late[0].amount * 2
        keeping = Keeping.BROKEN if broken else Keeping.AT_RISK
        cured_from = late[0 if one_breaks else min(len(late), 2) - 1].due_on
    elif short > tolerance:
        keeping = Keeping.GRACE
    return Standing(
        keeping=keeping,
        kept=tuple(kept),
        cured=tuple(cured),
        missed=tuple(missed),
        cure_amount=short if keeping in (Keeping.GRACE, Keeping.AT_RISK, Keeping.BROKEN) else nothing,
        cure_by=None if cured_from is None else counted(cured_from, more=grace_days + cure_days, held=held),
        next_item=next_item,
    )


def events(
    *,
    state: State,
    keeping: Keeping | None,
    begun: bool,
    needs_first: bool,
    void: bool,
    owes: bool,
    stays_done: bool,
    waits: bool,
    reversible: bool = False,
) -> Sequence[Event]:
    """Return the events that lead from a plan's state to how it is kept, in their order.

    `keeping` is None where money on its way would be enough, so the plan waits where it is; with `waits` it counts
    money on its way, which makes up for nothing yet. A plan that `needs_first` starts with its first payment alone, and
    is `void` when that did not come in time. `owes`: something of the debt is left. A plan that is done `stays_done`
    where no money went back, whatever a file brings afterwards, and where another plan lives on its debt. `reversible`:
    it lets something off, and a bank can still take back by itself what it is let off for, so it isn't done yet.

    What was missed is made up for when it is there, though the next payment may be in its days of grace by then.
    """
    if state is State.COMPLETED and stays_done:
        return []
    if state is State.AGREED and needs_first and not begun and owes:
        return [Event.DOWN_PAYMENT_MISSED] if void else []
    found: list[Event] = []
    over = (keeping is Keeping.ALL_PAID or not owes) and not reversible
    if state is State.COMPLETED and not over:
        found.append(Event.REOPEN)
    if state is State.AGREED and begun:
        found.append(Event.START)
    if over:
        return [*found, Event.COMPLETE]
    match keeping:
        case Keeping.KEPT | Keeping.ALL_PAID:
            found.append(Event.CATCH_UP)
        case Keeping.GRACE:
            if state in (State.AT_RISK, State.BROKEN) and not waits:
                found.append(Event.CATCH_UP)
            found.append(Event.FALL_SHORT)
        case Keeping.AT_RISK:
            found += [Event.FALL_SHORT, Event.MISS]
        case Keeping.BROKEN:
            found += [Event.FALL_SHORT, Event.BREAK]
    return found
