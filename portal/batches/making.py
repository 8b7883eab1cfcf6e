"""Which kinds of letters are made in a batch, and how one is: a kind is one entry."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from sqlalchemy import select

from portal import clock
from portal.batches.states import WhyNot
from portal.db import session
from portal.debts.statement import Standing
from portal.letters import caring, conditions, endings, issue
from portal.letters.conditions import Facts, NotYet
from portal.letters.contents import Kind
from portal.letters.kept import day_in, statement_cause
from portal.plans.models import ALIVE, Plan


@dataclass(frozen=True, slots=True)
class Making:
    """How a kind of letter is made.

    `cause_of` gives the letter's cause from the debt, the debtor's zone and when the batch was begun, or why there is
    none for this debt, before anything is drawn; as long as nothing else happens it is the same each time, whenever its
    turn comes. `make` issues the letter of that cause, or does nothing if it is there, and raises `issue.NotTrue` if
    there can't be one. `daily`: there is one for each day, and not one for good.
    """

    cause_of: Callable[[Standing, str, datetime], str | WhyNot]
    make: Callable[[Standing, str], None]
    daily: bool = False


def _left_out(against: NotYet) -> WhyNot:
    return WhyNot[against.why.name]


def _statement_cause(debt: Standing, zone: str, begun_at: datetime) -> str:
    return statement_cause(debt.id, day_in(zone, begun_at))


def _statement(debt: Standing, cause: str) -> None:
    issue.statement(lender_id=debt.lender_id, debt_id=debt.id, cause=cause)


def _credit_status_cause(debt: Standing, zone: str, begun_at: datetime) -> str | WhyNot:
    against = caring.may_be_asked(Kind.CREDIT_STATUS, debt, zone=zone)
    if against is not None:
        return _left_out(against)
    # As where the debtor asks: of both there is one a day.
    return f"{Kind.CREDIT_STATUS.value}:{debt.id}:{day_in(zone, begun_at).isoformat()}"


def _credit_status(debt: Standing, cause: str) -> None:
    caring.credit_status(debt.lender_id, debt.id, cause)


def _agreement_cause(debt: Standing, zone: str, _begun_at: datetime) -> str | WhyNot:
    plan_id = session.scalar(
        select(Plan.id).where(Plan.lender_id == debt.lender_id, Plan.debt_id == debt.id, Plan.state.in_(ALIVE)).limit(1)
    )
    facts = Facts(today=clock.today(zone), agreed=plan_id is not None)
    against = conditions.asked(Kind.PLAN_AGREEMENT, facts)
    return _left_out(against) if against is not None else f"{Kind.PLAN_AGREEMENT.value}:{plan_id}"


def _agreement(debt: Standing, cause: str) -> None:
    issue.plan_agreement(lender_id=debt.lender_id, plan_id=uuid.UUID(cause.partition(":")[2]))


def _ending_cause(kind: Kind) -> Callable[[Standing, str, datetime], str | WhyNot]:
    def cause_of(debt: Standing, zone: str, _begun_at: datetime) -> str | WhyNot:
        over = endings.overs_of([debt], today=clock.today(zone))[debt.id]
        against = conditions.asked(kind, over.facts)
        return _left_out(against) if against is not None else over.cause(debt.id)

    return cause_of


def _ending(debt: Standing, _cause: str) -> None:
    endings.debt_over(lender_id=debt.lender_id, debt_id=debt.id)


KINDS: Final[Mapping[str, Making]] = MappingProxyType(
    {
        Kind.STATEMENT.value: Making(_statement_cause, _statement, daily=True),
        Kind.PAID_IN_FULL.value: Making(_ending_cause(Kind.PAID_IN_FULL), _ending),
        Kind.SETTLEMENT_SATISFIED.value: Making(_ending_cause(Kind.SETTLEMENT_SATISFIED), _ending),
        Kind.PLAN_AGREEMENT.value: Making(_agreement_cause, _agreement),
        Kind.CREDIT_STATUS.value: Making(_credit_status_cause, _credit_status, daily=True),
    }
)
