"""What about a plan waits for a person of the lender: how it comes up, who sees it, and what that person decides.

Invariant: the same thing about a plan comes up once for each day of its own, and is closed once.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import bindparam, func, or_, select, update

from portal import clock
from portal.bulk import Among, hexed, raw
from portal.contact import write
from portal.contact.facts import Holds
from portal.db import insert_unless_there, new_id, read, session, table_of
from portal.debts.models import Debt, keys_of
from portal.evidence.record import PORTAL, Act, Actor, record
from portal.lenders.models import Lender
from portal.money import Money
from portal.people.models import Debtor
from portal.plans.ended import ask_for_letter
from portal.plans.models import LIVE_STATES, Plan, PlanCard, PlanCheck, PlanItem
from portal.plans.progress import locked_by_reference, plan_of, zone_of
from portal.plans.states import Event, Moved, State, after
from portal.post import words as post_words
from portal.web.numbers import number_in

_AT_ONCE = 500
_BEFORE_ALL = uuid.UUID(int=0)
_CHECK = table_of(PlanCheck).c


class Why(StrEnum):
    """What a person is to look at."""

    # The days to make up for what was missed are over. Before the plan ends, a person looks whether somebody who is in
    # trouble needs something else.
    CURE_OVER = "cure_over"
    # The day has come on which it was promised to look at a lower payment again.
    REVIEW = "review"


_CURE_OVER = select(raw(_CHECK.plan_id)).where(
    _CHECK.lender_id == bindparam("lender_id"),
    Among(_CHECK.plan_id, "plan_ids"),
    _CHECK.kind == Why.CURE_OVER.value,
    _CHECK.closed_at.is_(None),
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing that waits for a person. `day` is when it came up, and `state` how the plan stands now."""

    lender: str
    plan: str
    debt: str
    person: str
    why: Why
    day: date
    state: str
    opened_at: datetime


def cure_over_waits(*, lender_id: uuid.UUID, plan_ids: Sequence[Any]) -> set[str]:
    """Give those of many plans, by hexadecimal id, of which a person is asked: the days to make up for it are over."""
    return {hexed(row.plan_id) for row in read(_CURE_OVER, {"lender_id": lender_id, "plan_ids": plan_ids})}


def come_up(plan: Plan, *, today: date, cure_by: date | None, waits: bool, asked: bool) -> Why | None:
    """Let what time brings wait for a person, and nothing that it has overtaken; gives what is new.

    Part of the act that looks at the plan, which is locked. `cure_by` and `waits` are as the plan was just judged:
    money that is on its way may still make up for what is missing. `asked`: a person is to look at it already.
    """
    broken = plan.state == State.BROKEN.value
    if asked and not broken:
        close(plan, why=Why.CURE_OVER, words=None, by=PORTAL)
    if broken and cure_by is not None and cure_by < today and not waits:
        return Why.CURE_OVER if wait(plan, why=Why.CURE_OVER, day=cure_by) else None
    running = plan.state in (*LIVE_STATES, State.COMPLETED.value)
    if running and plan.review_on is not None and plan.review_on <= today:
        return Why.REVIEW if wait(plan, why=Why.REVIEW, day=plan.review_on) else None
    return None


def wait(plan: Plan, *, why: Why, day: date) -> bool:
    """Let something about a plan wait for a person; gives whether that is new."""
    made = session.execute(
        insert_unless_there(PlanCheck)
        .values(
            lender_id=plan.lender_id,
            id=new_id(),
            plan_id=plan.id,
            kind=why.value,
            day=day,
            opened_at=clock.now(),
        )
        .on_conflict_do_nothing(index_elements=["lender_id", "plan_id", "kind", "day"])
        .returning(PlanCheck.id)
    ).scalar_one_or_none()
    if made is None:
        return False
    _note(Act.PLAN_CHECK_OPENED, plan, why=why.value, day=day, by=PORTAL)
    return True


def close(plan: Plan, *, why: Why, words: str | None, by: Actor) -> int:
    """Close what waits about a plan, with what a person says of it; gives how much that was."""
    closed = list(
        session.scalars(
            update(PlanCheck)
            .where(
                PlanCheck.lender_id == plan.lender_id,
                PlanCheck.plan_id == plan.id,
                PlanCheck.kind == why.value,
                PlanCheck.closed_at.is_(None),
            )
            .values(closed_at=clock.now(), closed_by=f"{by.kind}:{by.id}", words=words)
            .returning(PlanCheck.day),
            execution_options={"synchronize_session": False},
        )
    )
    for day in closed:
        _note(Act.PLAN_CHECK_CLOSED, plan, why=why.value, day=day, by=by)
    return len(closed)


def _note(act: Act, plan: Plan, *, why: str, day: date, by: Actor) -> None:
    record(
        act,
        by=by,
        lender_id=plan.lender_id,
        debtor_id=plan.debtor_id,
        debt_id=plan.debt_id,
        facts={"plan": plan.reference, "why": why, "day": day},
    )


def waiting(lender_id: uuid.UUID) -> Iterator[Waiting]:
    """Give what waits for a person of a lender, oldest first, a page at a time."""
    wanted = (
        select(
            Lender.slug,
            Plan.reference,
            Debt.reference,
            Debtor.name,
            PlanCheck.kind,
            PlanCheck.day,
            Plan.state,
            PlanCheck.opened_at,
            PlanCheck.id,
        )
        .join(Lender, Lender.id == PlanCheck.lender_id)
        .join(Plan, (Plan.lender_id == PlanCheck.lender_id) & (Plan.id == PlanCheck.plan_id))
        .join(Debt, (Debt.lender_id == Plan.lender_id) & (Debt.id == Plan.debt_id))
        .join(Debtor, (Debtor.lender_id == Plan.lender_id) & (Debtor.id == Plan.debtor_id))
        .where(PlanCheck.lender_id == lender_id, PlanCheck.closed_at.is_(None))
        .order_by(PlanCheck.id)
        .limit(_AT_ONCE)
    )
    page = session.execute(wanted).all()
    while page:
        for slug, plan, debt, person, kind, day, state, opened_at, _id in page:
            yield Waiting(slug, plan, debt, person, Why(kind), day, state, opened_at)
        page = session.execute(wanted.where(PlanCheck.id > page[-1].id)).all()


@dataclass(frozen=True, slots=True)
class Listed:
    """A plan in a list for people of the lender; `waits_for` are the words of what about it waits for one."""

    id: uuid.UUID
    plan: str
    debt: str
    person: str
    kind: str
    state: str
    agreed_at: datetime
    total: Money
    paid: Money
    look_on: date | None
    waits_for: tuple[str, ...]


def plans_of(lender_id: uuid.UUID, *, state: str | None, waits: bool, search: str = "") -> Iterator[Listed]:
    """Give plans of a lender, oldest first, a page at a time; `search` is a reference, or a part of a name."""
    after_id = None
    while page := plans_page(
        lender_id, state=state, waits=waits, search=search, by_name=True, after_id=after_id, at_once=_AT_ONCE
    ):
        yield from page
        after_id = page[-1].id
        session.expunge_all()


def plans_page(
    lender_id: uuid.UUID,
    *,
    state: str | None,
    waits: bool,
    search: str = "",
    by_name: bool = False,
    after_id: uuid.UUID | None = None,
    at_once: int,
) -> list[Listed]:
    """Give so many plans of a lender at most, oldest first, after one of them; see `plans_of`."""
    paid = (
        select(func.coalesce(func.sum(PlanItem.paid_minor), 0))
        .where(PlanItem.lender_id == Plan.lender_id, PlanItem.plan_id == Plan.id)
        .scalar_subquery()
    )
    wanted = (
        select(Plan, Debt.reference, Debtor.name, paid)
        .join(Debt, (Debt.lender_id == Plan.lender_id) & (Debt.id == Plan.debt_id))
        .join(Debtor, (Debtor.lender_id == Plan.lender_id) & (Debtor.id == Plan.debtor_id))
        .where(Plan.lender_id == lender_id, Plan.id > (after_id or _BEFORE_ALL))
        .order_by(Plan.id)
        .limit(at_once)
    )
    if state is not None:
        wanted = wanted.where(Plan.state == state)
    if waits:
        wanted = wanted.where(Plan.id.in_(_open_checks(lender_id)))
    if search:
        numbered = Plan.id.in_(_with_number(lender_id, search))
        part = func.lower(Debtor.name).contains(search.lower(), autoescape=True)
        wanted = wanted.where(or_(numbered, part) if by_name else numbered)
    page = session.execute(wanted).all()
    open_: dict[uuid.UUID, list[str]] = {}
    for plan_id, kind in session.execute(
        select(PlanCheck.plan_id, PlanCheck.kind)
        .where(
            PlanCheck.lender_id == lender_id,
            PlanCheck.plan_id.in_([row.Plan.id for row in page]),
            PlanCheck.closed_at.is_(None),
        )
        .order_by(PlanCheck.id)
    ):
        open_.setdefault(plan_id, []).append(kind)
    return [
        Listed(
            id=plan.id,
            plan=plan.reference,
            debt=debt,
            person=person,
            kind=plan.kind,
            state=plan.state,
            agreed_at=plan.agreed_at,
            total=Money(plan.total_minor, plan.currency),
            paid=Money(int(came), plan.currency),
            look_on=plan.look_on,
            waits_for=tuple(open_.get(plan.id, ())),
        )
        for plan, debt, person, came in page
    ]


def how_many_wait(lender_id: uuid.UUID) -> int:
    """Give of how many plans of a lender something waits for a person."""
    return len(_open_checks(lender_id))


def _open_checks(lender_id: uuid.UUID) -> set[uuid.UUID]:
    """Give the plans of which something waits for a person; few, whatever comes, since each of them is looked at."""
    open_ = select(PlanCheck.plan_id).where(PlanCheck.lender_id == lender_id, PlanCheck.closed_at.is_(None))
    return set(session.scalars(open_.order_by(PlanCheck.opened_at)))


def _with_number(lender_id: uuid.UUID, number: str) -> set[uuid.UUID]:
    """Give the plans with a number of their own, or of their debt."""
    of_debt = select(Plan.id).join(Debt, (Debt.lender_id == Plan.lender_id) & (Debt.id == Plan.debt_id))
    return {
        *session.scalars(select(Plan.id).where(Plan.lender_id == lender_id, Plan.reference == number_in(number))),
        *session.scalars(of_debt.where(Debt.lender_id == lender_id, Debt.reference_key.in_(keys_of(number)))),
    }


def card_of(*, lender_id: uuid.UUID, reference: str) -> PlanCard | None:
    """Give a plan of a lender to read, whoever owes; None if there is none."""
    whose = session.scalars(
        select(Plan.debtor_id).where(Plan.lender_id == lender_id, Plan.reference == reference)
    ).one_or_none()
    return None if whose is None else plan_of(lender_id=lender_id, debtor_id=whose, reference=reference)


def checks_of(*, lender_id: uuid.UUID, plan_id: uuid.UUID) -> Sequence[PlanCheck]:
    """Give all that ever waited about a plan for a person, newest first, with what came of it."""
    wanted = select(PlanCheck).where(PlanCheck.lender_id == lender_id, PlanCheck.plan_id == plan_id)
    return session.scalars(wanted.order_by(PlanCheck.opened_at.desc(), PlanCheck.id.desc())).all()


@dataclass(frozen=True, slots=True)
class Ended:
    """The plan has ended as broken."""


@dataclass(frozen=True, slots=True)
class MoreTime:
    """What is missing can be made up for until this day."""

    until: date


@dataclass(frozen=True, slots=True)
class Closed:
    """A person looked at it, and nothing else about the plan changed; so many things had waited."""

    count: int


@dataclass(frozen=True, slots=True)
class NothingWaits:
    """Nothing of this kind waits about the plan, which is in this state: it was decided before, or money came."""

    state: str


@dataclass(frozen=True, slots=True)
class NoSuchPlan:
    """The lender has no plan with this reference."""


def end_broken(
    *, lender_id: uuid.UUID, reference: str, words: str, by: Actor, holding: Holds
) -> Ended | NothingWaits | NoSuchPlan:
    """End a broken plan whose days to make up for it are over, after a person looked at it; that person is told.

    What was paid stays paid, and what was let off with it stays let off, as was said before agreeing; nothing more is.
    Interest of the plan that has not come due is never charged. `words` are what the person of the lender found.
    """
    found = _broken_plan(lender_id, reference)
    if not isinstance(found, tuple):
        return found
    plan, _day = found
    moved = after(state=State(plan.state), event=Event.END_CURE)
    if not isinstance(moved, Moved):
        return NothingWaits(plan.state)
    before, plan.state, plan.look_on = plan.state, moved.to.value, None
    close(plan, why=Why.CURE_OVER, words=words, by=by)
    close(plan, why=Why.REVIEW, words=words, by=by)
    record(
        Act.PLAN_MOVED,
        by=by,
        lender_id=lender_id,
        debtor_id=plan.debtor_id,
        debt_id=plan.debt_id,
        facts={"plan": plan.reference, "before": before, "after": plan.state},
    )
    ask_for_letter(lender_id=lender_id, plan_id=plan.id, state=plan.state)
    url = write.address_of("plans.plan", reference=plan.reference)
    write.to(
        lender_id=lender_id,
        debtor_id=plan.debtor_id,
        debt_id=plan.debt_id,
        kind="plan_ended",
        words=lambda name: post_words.plan_ended(name=name, plan=plan.reference, url=url),
        once=f"plan_ended:{plan.id}",
        holding=holding,
    )
    return Ended()


def more_time(
    *, lender_id: uuid.UUID, reference: str, days: int, words: str, by: Actor, holding: Holds
) -> MoreTime | NothingWaits | NoSuchPlan:
    """Give so many days from today on to make up for what is missing of a broken plan; its debtor is told of them."""
    found = _broken_plan(lender_id, reference)
    if not isinstance(found, tuple):
        return found
    plan, over = found
    today = clock.today(zone_of(plan))
    until = today + timedelta(days=days)
    plan.cure_days += (until - over).days
    plan.look_on = today
    close(plan, why=Why.CURE_OVER, words=words, by=by)
    record(
        Act.PLAN_MORE_TIME,
        by=by,
        lender_id=lender_id,
        debtor_id=plan.debtor_id,
        debt_id=plan.debt_id,
        facts={"plan": plan.reference, "days": days, "until": until},
    )
    url = write.address_of("plans.plan", reference=plan.reference)
    write.to(
        lender_id=lender_id,
        debtor_id=plan.debtor_id,
        debt_id=plan.debt_id,
        kind="plan_more_time",
        words=lambda name: post_words.plan_more_time(name=name, until=until, url=url),
        once=f"plan_more_time:{plan.id}:{until}",
        holding=holding,
    )
    return MoreTime(until)


def looked_at(*, lender_id: uuid.UUID, reference: str, words: str, by: Actor) -> Closed | NothingWaits | NoSuchPlan:
    """Note that a person looked at a plan whose day of review has come, and what came of it."""
    plan = locked_by_reference(lender_id=lender_id, reference=reference)
    if plan is None:
        return NoSuchPlan()
    closed = close(plan, why=Why.REVIEW, words=words, by=by)
    return Closed(closed) if closed else NothingWaits(plan.state)


def _broken_plan(lender_id: uuid.UUID, reference: str) -> tuple[Plan, date] | NothingWaits | NoSuchPlan:
    """Give a broken plan, locked, that waits for a person, and the last day on which it could be made up for."""
    plan = locked_by_reference(lender_id=lender_id, reference=reference)
    if plan is None:
        return NoSuchPlan()
    day = session.scalars(
        select(PlanCheck.day)
        .where(
            PlanCheck.lender_id == lender_id,
            PlanCheck.plan_id == plan.id,
            PlanCheck.kind == Why.CURE_OVER.value,
            PlanCheck.closed_at.is_(None),
        )
        .order_by(PlanCheck.day.desc())
        .limit(1)
    ).one_or_none()
    if day is None or plan.state != State.BROKEN.value:
        return NothingWaits(plan.state)
    return plan, day
