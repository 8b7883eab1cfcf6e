"""One person as the helpdesk sees him or her: what is owed and agreed, what was paid, written and asked."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import bindparam, exists, select

from portal import clock
from portal.care.holds import holding, is_disputed
from portal.care.requests import kinds_of_needs
from portal.db import read, session, table_of
from portal.debts.models import Debt
from portal.debts.statement import Standing, debts_of
from portal.home.overview import Owed, overview_of
from portal.payments.models import Payment
from portal.people.models import Debtor
from portal.plans.models import Plan

A_PAGE = 50


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose page it is. `needs` are what the person said that helps; `disputed`: something is not agreed on;
    `stopped`: what stands still while something is looked into."""

    lender_id: uuid.UUID
    debtor_id: uuid.UUID
    name: str
    born_on: date | None
    language: str
    zone: str
    needs: tuple[str, ...]
    disputed: bool
    stopped: frozenset[str]

    @property
    def asks_for_care(self) -> bool:
        """Say whether whoever opens the page is asked why."""
        return bool(self.needs) or self.disputed

    @property
    def key(self) -> dict[str, uuid.UUID]:
        """Give lender and debtor, as acts take them."""
        return {"lender_id": self.lender_id, "debtor_id": self.debtor_id}


_DEBT, _DEBTOR, _PLAN = table_of(Debt).c, table_of(Debtor).c, table_of(Plan).c
_DEBTOR_WITH_DEBTS = select(_DEBTOR.name, _DEBTOR.born_on, _DEBTOR.language, _DEBTOR.zone).where(
    _DEBTOR.lender_id == bindparam("lender_id"),
    _DEBTOR.id == bindparam("debtor_id"),
    exists().where(
        _DEBT.lender_id == bindparam("lender_id"), _DEBT.debtor_id == bindparam("debtor_id"), _DEBT.state != "staged"
    ),
)
_PLANS = (
    select(
        _PLAN.reference,
        _PLAN.state,
        _PLAN.total_minor,
        _PLAN.currency,
        _PLAN.agreed_at,
        _DEBT.reference.label("debt"),
    )
    .join_from(table_of(Plan), table_of(Debt), (_DEBT.lender_id == _PLAN.lender_id) & (_DEBT.id == _PLAN.debt_id))
    .where(_PLAN.lender_id == bindparam("lender_id"), _PLAN.debtor_id == bindparam("debtor_id"))
    .order_by(_PLAN.agreed_at.desc(), _PLAN.id.desc())
    .limit(A_PAGE)
)


def subject_of(*, lender_id: uuid.UUID, debtor_id: uuid.UUID) -> Subject | None:
    """Give a person of a lender, or None: also of a file that is still being read, which nobody has seen yet."""
    rows = read(_DEBTOR_WITH_DEBTS, {"lender_id": lender_id, "debtor_id": debtor_id})
    if not rows:
        return None
    [debtor] = rows
    holds = tuple(holding(lender_id=lender_id, debtor_id=debtor_id, at=clock.now()))
    return Subject(
        lender_id=lender_id,
        debtor_id=debtor_id,
        name=debtor.name,
        born_on=debtor.born_on,
        language=debtor.language,
        zone=debtor.zone,
        needs=kinds_of_needs(lender_id=lender_id, debtor_id=debtor_id),
        disputed=is_disputed(holds),
        stopped=frozenset(stop for hold in holds for stop in hold.stops),
    )


def debts_with_plans(of: Subject) -> list[tuple[Standing, Owed | None]]:
    """Give every debt with its parts, and beside it what home says of it: the plan, what comes next, what is late."""
    owed = {one.reference: one for one in overview_of(**of.key, today=clock.today(of.zone)).debts}
    return [(debt, owed.get(debt.reference)) for debt in debts_of(**of.key)]


def plans_of(of: Subject) -> Sequence[Any]:
    """Give every plan, newest first: its reference, its state and total, its instant, and the debt's reference."""
    return read(_PLANS, of.key)


def payments_of(of: Subject) -> Sequence[Payment]:
    """Give the newest payments."""
    return session.scalars(
        select(Payment)
        .where(Payment.lender_id == of.lender_id, Payment.debtor_id == of.debtor_id)
        .order_by(Payment.started_at.desc(), Payment.id.desc())
        .limit(A_PAGE)
    ).all()
