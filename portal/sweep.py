"""The night: every plan whose day has come is looked at, and what time brings is done, in a transaction for each page.

Invariant: a look can be repeated, late or cut off at any instant; what it does is done once. It never takes money.
"""

from __future__ import annotations

import logging
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import bindparam, func, select, tuple_, update

from portal import clock
from portal.contact.facts import Holds
from portal.db import session, transaction
from portal.debts.models import Debt
from portal.evidence.record import PORTAL
from portal.lenders.models import Lender
from portal.money import total
from portal.payments.follow import follow, known_of
from portal.people.models import Debtor
from portal.plans import for_a_person, progress, remind, waivers
from portal.plans.for_a_person import Why
from portal.plans.looking import Payment, Terms, look_on
from portal.plans.models import Plan, PlanItem, Quote
from portal.plans.states import State

log = logging.getLogger(__name__)
# As many plans are locked together, for some tenths of a second.
AT_ONCE = 50
# Nowhere is it later than at UTC+14.
_FARTHEST_EAST = timedelta(hours=14)
_DEBT_STATES = select(Debt.id, Debt.state).where(
    Debt.lender_id == bindparam("lender_id"), Debt.id.in_(bindparam("debt_ids", expanding=True))
)


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look at one plan did. `before` and `after` are its states."""

    before: str
    after: str
    interest: int
    written: remind.Written
    came_up: Why | None


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
        self.reminders += one.written.reminders
        self.missed += one.written.missed
        if one.came_up is not None:
            self.came_up[one.came_up] += 1

    def lines(self) -> Iterator[str]:
        """Give what happened as lines of text."""
        yield f"{self.looked} plans looked at, {self.moved.total()} moved on."
        for (before, after), count in sorted(self.moved.items()):
            yield f"  {before} to {after}: {count}"
        yield f"{self.interest} times interest came due; {self.offers} offers ended."
        yield f"{self.reminders} reminders and {self.missed} words about missed payments written."
        for why, count in sorted(self.came_up.items()):
            yield f"  new for a person: {why.value}: {count}"


def run(
    *,
    holding: Holds,
    stuck: Callable[[Stuck], None],
    progress_bar: Callable[[int, int], None] = lambda _done, _all: None,
) -> Night:
    """Look at every plan whose day has come, for every lender; run it every night, as often or as late as you like.

    A plan that can't be looked at is told to `stuck`, and the others go on; it is tried again in the next night. Only
    a page of plans is held in memory. `progress_bar` is told how many are done, of how many.
    """
    night = Night()
    lenders = session.execute(select(Lender.id, Lender.slug).order_by(Lender.slug)).all()
    until = (clock.now() + _FARTHEST_EAST).date()
    whole = sum(_count(lender.id, until=until) for lender in lenders)
    done = 0
    for lender in lenders:
        night.offers += end_offers(lender.id)
        for page in _due(lender.id, until=until):
            rows = [row for row in page if row.look_on <= clock.today(row.zone)]
            for one in _looked_at(lender, rows, holding=holding):
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


def _due(lender_id: uuid.UUID, *, until: date) -> Iterator[Sequence[Any]]:
    """Give the plans whose day has come, in the order of their days, in pages."""
    wanted = (
        select(Plan.id, Plan.debt_id, Plan.reference, Plan.look_on, Debtor.zone)
        .join(Debtor, (Debtor.lender_id == Plan.lender_id) & (Debtor.id == Plan.debtor_id))
        .where(Plan.lender_id == lender_id, Plan.look_on <= until)
        .order_by(Plan.look_on, Plan.id)
        .limit(AT_ONCE)
    )
    page: Sequence[Any] = session.execute(wanted).all()
    while page:
        last = page[-1].look_on, page[-1].id
        yield page
        # The looks at a page had sessions of their own, whose rows are needed no more.
        session.remove()
        page = session.execute(wanted.where(tuple_(Plan.look_on, Plan.id) > last)).all()


def _looked_at(lender: Any, rows: Sequence[Any], *, holding: Holds) -> Sequence[Looked | Stuck]:
    """Look at a page of plans in one transaction; if anything goes wrong with it, at each of them in its own."""
    try:
        return _look(lender.id, {row.id: row.debt_id for row in rows}, only_due=True, holding=holding)
    except Exception as problem:
        if len(rows) == 1:
            # One plan that can't be moved on must not keep all others where they are.
            log.exception("plan %s of %s was not looked at", rows[0].reference, lender.slug)
            return [Stuck(lender.slug, rows[0].reference, type(problem).__name__)]
        log.warning("a page of %d plans of %s is looked at plan by plan", len(rows), lender.slug, exc_info=True)
    return [one for row in rows for one in _looked_at(lender, [row], holding=holding)]


def look_at(*, lender_id: uuid.UUID, plan_id: uuid.UUID, holding: Holds) -> Looked:
    """Look at one plan: interest that came due is posted, lateness is judged, and who is to be written to is.

    Then it says when time can next change something. Twice a day is once.
    """
    debt_id = session.scalars(select(Plan.debt_id).where(Plan.lender_id == lender_id, Plan.id == plan_id)).one()
    [looked] = _look(lender_id, {plan_id: debt_id}, only_due=False, holding=holding)
    return looked


def _look(
    lender_id: uuid.UUID, debt_ids: dict[uuid.UUID, uuid.UUID], *, only_due: bool, holding: Holds
) -> list[Looked]:
    """Look at plans of a lender, each with its debt, in one transaction; what all of them need is read at once.

    With `only_due` those are left out that somebody else has looked at meanwhile.
    """
    if not debt_ids:
        return []
    with transaction() as s:
        locked = progress.all_locked(lender_id=lender_id, debt_ids=debt_ids)
        known = known_of([plan for plan, _book in locked])
        # Kept here, the lender's row is read once for all messages.
        lender = s.get_one(Lender, lender_id)
        of_debts = {"lender_id": lender_id, "debt_ids": list(debt_ids.values())}
        states = dict(s.execute(_DEBT_STATES, of_debts).all())
        posted = progress.interest_posted(lender_id=lender_id, debt_ids=debt_ids.values())
        asked = for_a_person.cure_over_waits(lender_id=lender_id, plan_ids=list(debt_ids))
        judged = []
        for plan, book in locked:
            life = known[plan.id].life
            today, before = clock.today(life.zone), plan.state
            if only_due and (plan.look_on is None or plan.look_on > today):
                continue
            interest = progress.post_interest(plan, life.items, today=today, posted=posted)
            effect = follow(plan, today=today, by=PORTAL, known=known[plan.id])
            came_up = for_a_person.come_up(
                plan, today=today, cure_by=effect.cure_by, waits=effect.waits, asked=plan.id in asked
            )
            judged.append((plan, book, today, effect.waits, before, interest, came_up))
        # Messages ask the database, which writes first what has changed: all of the page at once, and not plan by plan.
        found = []
        looks: list[tuple[Plan, date | None]] = []
        for plan, book, today, waits, before, interest, came_up in judged:
            life = known[plan.id].life
            payments = [_payment(item) for item in life.items]
            terms = _terms(plan, remind_days=lender.remind_days_before)
            written = remind.Written()
            if states[plan.debt_id] == "open":
                owed = total(waivers.asked_of(book, plan).values(), currency=plan.currency)
                written = remind.of_plan(
                    plan, payments, owed=owed, today=today, terms=terms, held=life.held, holding=holding
                )
            next_look = look_on(
                payments,
                state=State(plan.state),
                today=today,
                terms=terms,
                held=life.held,
                again=waits or written.again,
            )
            looks.append((plan, next_look))
            found.append(Looked(before, plan.state, interest, written, came_up))
        for plan, day in looks:
            plan.look_on = day
    return found


def _terms(plan: Plan, *, remind_days: int) -> Terms:
    return Terms(
        grace_days=plan.grace_days,
        cure_days=plan.cure_days,
        tolerance=plan.tolerance_minor,
        remind_days=remind_days,
        void_on=plan.void_on,
        review_on=plan.review_on,
    )


def _payment(item: PlanItem) -> Payment:
    return Payment(
        seq=item.seq,
        due_on=item.due_on,
        amount=item.amount_minor,
        paid=item.paid_minor,
        interest=item.interest_minor,
        # What was paid extra was never due.
        kept=item.kept_at is not None or item.kind == "extra",
    )


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
