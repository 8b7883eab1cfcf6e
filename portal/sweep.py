"""The night: every plan whose day has come is looked at, and what time brings is done, in a transaction for each page.

Invariant: a look can be repeated, late or cut off at any instant; what it does is done once. It never takes money.
"""

from __future__ import annotations

import gc
import logging
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import bindparam, func, select, tuple_, update

from portal import clock, only_time
from portal.bulk import Among, hexed, raw
from portal.db import read, session, table_of, transaction
from portal.debts.models import Debt
from portal.evidence.record import PORTAL
from portal.lenders.models import Lender
from portal.payments.follow import follow, known_of
from portal.people.models import Debtor
from portal.plans import for_a_person, progress, remind
from portal.plans.for_a_person import Why
from portal.plans.looking import look_on
from portal.plans.models import Plan, Quote
from portal.plans.states import State

log = logging.getLogger(__name__)
# So many plans are locked together where nothing but time happened to them, and so many where more did: each time for
# some tenths of a second at most.
AT_ONCE = 1_000
_BY_THEMSELVES = 50
# Nowhere is it later than at UTC+14.
_FARTHEST_EAST = timedelta(hours=14)
_PLAN, _DEBTOR = table_of(Plan).c, table_of(Debtor).c
_DEBT_STATES = select(Debt.id, Debt.state).where(
    Debt.lender_id == bindparam("lender_id"), Debt.id.in_(bindparam("debt_ids", expanding=True))
)


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look at one plan did. `before` and `after` are its states."""

    before: str
    after: str
    interest: int
    came_up: Why | None
    reminders: int = 0
    missed: int = 0


@dataclass(frozen=True, slots=True)
class Stuck:
    """A plan that could not be looked at, and the kind of mistake; the log has all of it."""

    lender: str
    plan: str
    problem: str


@dataclass(slots=True)
class Night:
    """What a night did, in numbers. `moved` counts plans by the states that they came from and went to."""

    looked: int = 0
    moved: Counter[tuple[str, str]] = field(default_factory=Counter)
    interest: int = 0
    reminders: int = 0
    missed: int = 0
    came_up: Counter[Why] = field(default_factory=Counter)
    offers: int = 0
    stuck: int = 0

    def add(self, one: Looked) -> None:
        """Count one plan."""
        self.looked += 1
        if one.before != one.after:
            self.moved[one.before, one.after] += 1
        self.interest += one.interest
        self.reminders += one.reminders
        self.missed += one.missed
        if one.came_up is not None:
            self.came_up[one.came_up] += 1

    def lines(self) -> Iterator[str]:
        """Give what happened as lines of text."""
        yield f"{self.looked} plans looked at, {self.moved.total()} moved on."
        for (before, after), count in sorted(self.moved.items()):
            yield f"  {before} to {after}: {count}"
        yield f"{self.interest} times interest came due; {self.offers} offers ended."
        yield f"{self.reminders} reminders and {self.missed} words about missed payments put off to be written."
        for why, count in sorted(self.came_up.items()):
            yield f"  new for a person: {why.value}: {count}"


def run(
    *,
    stuck: Callable[[Stuck], None],
    progress_bar: Callable[[int, int], None] = lambda _done, _all: None,
) -> Night:
    """Look at every plan whose day has come, for every lender; run it every night, as often or as late as you like.

    A plan that can't be looked at is told to `stuck`, and the others go on; it is tried again in the next night. Only
    a page of plans is held in memory. `progress_bar` is told how many are done, of how many.
    """
    # What was made to start the program stays: nobody looks through it for what is needed no more.
    gc.freeze()
    try:
        return _run(stuck, progress_bar)
    finally:
        gc.unfreeze()


def _run(stuck: Callable[[Stuck], None], progress_bar: Callable[[int, int], None]) -> Night:
    night = Night()
    lenders = session.execute(select(Lender.id, Lender.slug, Lender.zone).order_by(Lender.slug)).all()
    until = (clock.now() + _FARTHEST_EAST).date()
    whole = sum(_count(lender.id, until=until) for lender in lenders)
    done = 0
    for lender in lenders:
        night.offers += end_offers(lender.id)
        for page, zones in _due(lender, until=until):
            days = {zone: clock.today(zone) for zone in set(zones.values())}
            rows = [row for row in page if row.look_on <= days[zones[row.debtor_id]]]
            for one in _looked_at(lender, rows, zones):
                if isinstance(one, Stuck):
                    night.stuck += 1
                    stuck(one)
                else:
                    night.add(one)
            done += len(page)
            progress_bar(done, whole)
    return night


def _count(lender_id: uuid.UUID, *, until: date) -> int:
    return session.scalars(
        select(func.count()).select_from(Plan).where(Plan.lender_id == lender_id, Plan.look_on <= until)
    ).one()


_DUE = (
    select(raw(_PLAN.id), raw(_PLAN.debt_id), raw(_PLAN.debtor_id), _PLAN.reference, _PLAN.look_on)
    .where(_PLAN.lender_id == bindparam("lender_id"), _PLAN.look_on <= bindparam("until"))
    .order_by(_PLAN.look_on, _PLAN.id)
    .limit(bindparam("at_once"))
)
_DUE_AFTER = _DUE.where(
    tuple_(_PLAN.look_on, _PLAN.id)
    > tuple_(bindparam("day", type_=_PLAN.look_on.type), bindparam("last", type_=_PLAN.id.type))
)
_OTHER_ZONES = select(raw(_DEBTOR.id), _DEBTOR.zone).where(
    _DEBTOR.lender_id == bindparam("lender_id"), Among(_DEBTOR.id, "debtor_ids"), _DEBTOR.zone != bindparam("zone")
)


def _due(lender: Any, *, until: date) -> Iterator[tuple[Sequence[Any], dict[Any, str]]]:
    """Give the plans whose day may have come, in the order of their days, in pages, and their debtors' zones.

    Ids are as the driver gives them.
    """
    values = {"lender_id": lender.id, "until": until, "at_once": AT_ONCE}
    page: Sequence[Any] = read(_DUE, values)
    while page:
        zones = dict.fromkeys([row.debtor_id for row in page], lender.zone)
        zones |= dict(read(_OTHER_ZONES, {"lender_id": lender.id, "debtor_ids": list(zones), "zone": lender.zone}))
        yield page, zones
        # The looks at a page had sessions of their own, whose rows are needed no more.
        session.remove()
        last = uuid.UUID(hexed(page[-1].id))
        page = read(_DUE_AFTER, values | {"day": page[-1].look_on, "last": last})


def _looked_at(lender: Any, rows: Sequence[Any], zones: Mapping[Any, str]) -> Iterator[Looked | Stuck]:
    """Look at a page of plans: in one transaction at those to which only time happened, and then at the others."""
    passed: dict[Any, only_time.Passed] = {}
    try:
        if rows:
            passed = only_time.pass_over(lender.id, {row.id: row.debt_id for row in rows}, zones)
    except Exception:
        log.warning("a page of %d plans of %s is looked at in parts", len(rows), lender.slug, exc_info=True)
    for each in passed.values():
        reminders, missed = (each.written.count(kind) for kind in ("reminder", "missed"))
        yield Looked(each.before, each.after, each.interest, None, reminders, missed)
    others = [row for row in rows if row.id not in passed]
    for first in range(0, len(others), _BY_THEMSELVES):
        yield from _looked_at_by_themselves(lender, others[first : first + _BY_THEMSELVES])


def _looked_at_by_themselves(lender: Any, rows: Sequence[Any]) -> Sequence[Looked | Stuck]:
    """Look at plans in one transaction; if anything goes wrong with it, at each of them in its own."""
    debt_ids = {uuid.UUID(hexed(row.id)): uuid.UUID(hexed(row.debt_id)) for row in rows}
    try:
        return _look(lender.id, debt_ids, only_due=True)
    except Exception as problem:
        if len(rows) == 1:
            # One plan that can't be moved on must not keep all others where they are.
            log.exception("plan %s of %s was not looked at", rows[0].reference, lender.slug)
            return [Stuck(lender.slug, rows[0].reference, type(problem).__name__)]
        log.warning("%d plans of %s are looked at one by one", len(rows), lender.slug, exc_info=True)
    return [one for row in rows for one in _looked_at_by_themselves(lender, [row])]


def look_at(*, lender_id: uuid.UUID, plan_id: uuid.UUID) -> Looked:
    """Look at one plan: interest that came due is posted, lateness is judged, and what there is to write is put off.

    Then it says when time can next change something. Twice a day is once.
    """
    debt_id = session.scalars(select(Plan.debt_id).where(Plan.lender_id == lender_id, Plan.id == plan_id)).one()
    [looked] = _look(lender_id, {plan_id: debt_id}, only_due=False)
    return looked


def _look(lender_id: uuid.UUID, debt_ids: dict[uuid.UUID, uuid.UUID], *, only_due: bool) -> list[Looked]:
    """Look at plans of a lender, each with its debt, in one transaction; what all of them need is read at once.

    With `only_due` those are left out that somebody else has looked at meanwhile.
    """
    if not debt_ids:
        return []
    with transaction() as s:
        locked = progress.all_locked(lender_id=lender_id, debt_ids=debt_ids)
        known = known_of([plan for plan, _book in locked])
        remind_days = s.get_one(Lender, lender_id).remind_days_before
        of_debts = {"lender_id": lender_id, "debt_ids": list(debt_ids.values())}
        states = dict(s.execute(_DEBT_STATES, of_debts).all())
        posted = progress.interest_posted(lender_id=lender_id, debt_ids=debt_ids.values())
        asked = for_a_person.cure_over_waits(lender_id=lender_id, plan_ids=list(debt_ids))
        found: dict[str, Looked] = {}
        wanted: list[remind.Wanted] = []
        for plan, _book in locked:
            life = known[plan.id].life
            today, before = clock.today(life.zone), plan.state
            if only_due and (plan.look_on is None or plan.look_on > today):
                continue
            interest = progress.post_interest(plan, life.items, today=today, posted=posted)
            effect = follow(plan, today=today, by=PORTAL, known=known[plan.id])
            came_up = for_a_person.come_up(
                plan, today=today, cure_by=effect.cure_by, waits=effect.waits, asked=plan.id.hex in asked
            )
            payments, terms = remind.payments_of(life.items), remind.terms_of(plan, remind_days=remind_days)
            if states[plan.debt_id] == "open" and plan.state in remind.REMINDED:
                wanted += remind.wanted(
                    str(plan.id), payments, changed=bool(plan.changes), today=today, terms=terms, held=life.held
                )
            plan.look_on = look_on(
                payments, state=State(plan.state), today=today, terms=terms, held=life.held, again=effect.waits
            )
            found[str(plan.id)] = Looked(before, plan.state, interest, came_up)
        for each in remind.put_off(lender_id, wanted):
            found[each.plan_id] = _told_of(found[each.plan_id], each.kind)
    return list(found.values())


def _told_of(looked: Looked, kind: str) -> Looked:
    if kind == "reminder":
        return replace(looked, reminders=looked.reminders + 1)
    return replace(looked, missed=looked.missed + 1)


def end_offers(lender_id: uuid.UUID) -> int:
    """Let the offers of a lender end whose time is over; gives how many. A page says so before the night does."""
    with transaction() as s:
        ended = s.execute(
            update(Quote)
            .where(Quote.lender_id == lender_id, Quote.state == "open", Quote.expires_at <= clock.now())
            .values(state="void"),
            execution_options={"synchronize_session": False},
        )
        return int(ended.rowcount)  # type: ignore[attr-defined]
