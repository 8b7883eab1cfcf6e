"""How things stand with a debt when it is talked about: its parts, its past, and what stands in the way.

Invariant: everything here is read from the books and the holds at the moment of the answer; nothing is kept twice.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

from sqlalchemy import String, bindparam, func, literal, literal_column, select

from portal import clock
from portal.care.holds import IS_DISPUTED
from portal.db import read, session, table_of
from portal.debts.models import Debt
from portal.debts.statement import BY_REFERENCE, Standing, standing_of
from portal.interest import months_later
from portal.ledger import OWED, Account
from portal.limits.cards import Limits
from portal.offers.gates import FRESH_FOR, Flag, Gate, Situation, gates
from portal.offers.owed import History, Owed
from portal.plans.models import ALIVE, Plan, PlanItem, Proposal, Quote
from portal.plans.progress import QUOTE_OF_PLAN
from portal.plans.states import State
from portal.schedules.arrangements import Kind, Parts

# A plan that was taken back, or that never began, is no plan that somebody had.
_NEVER_RAN = (State.VOIDED.value, State.EXPIRED.value)
# What a lender's file says of a debt whose time to be asked for before a court is over.
_TIME_BARRED, _YES = "time_barred", ("yes", "true", "1")
_NO_PROPOSAL = uuid.UUID(int=0)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

_DEBT, _PLAN, _QUOTE, _PROPOSAL = table_of(Debt).c, table_of(Plan).c, table_of(Quote).c, table_of(Proposal).c
_OF_THE_DEBT = (_PLAN.lender_id == _DEBT.lender_id) & (_PLAN.debt_id == _DEBT.id)
_RAN = _PLAN.state.not_in([literal_column(f"'{state}'", String) for state in _NEVER_RAN])
_LAST_AGREED = select(func.max(_PLAN.agreed_at)).where(_OF_THE_DEBT, _RAN).correlate(table_of(Debt)).scalar_subquery()
# In the order of the fields of a background.
_BACKGROUND = (
    _DEBT.attributes,
    select(_PLAN.reference)
    .where(
        _OF_THE_DEBT,
        _PLAN.state.in_(ALIVE),
        _PLAN.replacing_until.is_(None) | (_PLAN.replacing_until <= bindparam("at")),
    )
    .correlate(table_of(Debt))
    .scalar_subquery()
    .label("alive"),
    IS_DISPUTED.label("disputed"),
    select(func.count())
    .select_from(table_of(Plan))
    .where(_OF_THE_DEBT, _RAN)
    .correlate(table_of(Debt))
    .scalar_subquery()
    .label("plans"),
    select(func.count())
    .select_from(table_of(Proposal))
    .where(
        _PROPOSAL.lender_id == _DEBT.lender_id,
        _PROPOSAL.debt_id == _DEBT.id,
        _PROPOSAL.outcome != literal_column("'accept'", String),
        _PROPOSAL.id != bindparam("proposal_id"),
        _PROPOSAL.made_at > func.coalesce(_LAST_AGREED, literal(_LONG_AGO, _PLAN.agreed_at.type)),
    )
    .correlate(table_of(Debt))
    .scalar_subquery()
    .label("rounds"),
)
_OF_DEBT = select(*_BACKGROUND).where(_DEBT.lender_id == bindparam("lender_id"), _DEBT.id == bindparam("debt_id"))
_BY_REFERENCE = BY_REFERENCE.add_columns(*_BACKGROUND)
_PLANS = (
    select(_PLAN.id, _PLAN.kind, _PLAN.state, _PLAN.agreed_at, _PLAN.grace_days, _PLAN.cure_days, _QUOTE.terms)
    .join_from(table_of(Plan), table_of(Quote), QUOTE_OF_PLAN)
    .where(_PLAN.lender_id == bindparam("lender_id"), _PLAN.debt_id == bindparam("debt_id"), _RAN)
    .order_by(_PLAN.agreed_at)
)


@dataclass(frozen=True, slots=True)
class Background:
    """What is known of a debt beside its figures, before an answer.

    `attributes` is what its lender's file says beside; `alive` the reference of its plan that is alive, unless another
    one may be put together in its place now; `plans` how many it had that began; `rounds` how often it was answered
    without a yes since the last of them.
    """

    attributes: Mapping[str, str]
    alive: str | None
    disputed: bool
    plans: int
    rounds: int


def owed_of(debt: Standing, *, today: date) -> Owed:
    """Give what a plan is reckoned from: interest runs on the principal's share of what is owed, on nothing else."""
    principal = debt.parts[Account.PRINCIPAL].minor
    bearing = Fraction(principal, debt.owed.minor) if debt.owed.minor else Fraction(0)
    parts = Parts(**{account.value: debt.parts[account] for account in OWED})
    return Owed(
        balance=debt.owed,
        annual_rate=debt.annual_rate,
        bearing=bearing,
        parts=parts,
        days_late=debt.days_late(today),
    )


def background_of(debt: Standing, *, proposal_id: uuid.UUID | None = None) -> Background:
    """Give what is known of a debt beside its figures; a proposal that is answered now is no round of its own."""
    rows: Sequence[Any] = read(_OF_DEBT, {"lender_id": debt.lender_id, "debt_id": debt.id, **_about(proposal_id)})
    return Background(*rows[0])


def to_plan(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, reference: str) -> tuple[Standing, Background] | None:
    """Give a debt of a person with its background, in one statement; None if it is not his, not open, or not there."""
    rows = read(_BY_REFERENCE, {"lender_id": lender_id, "debtor_id": debtor_id, "reference": reference, **_about(None)})
    return (standing_of(rows[0]), Background(*rows[0][-len(_BACKGROUND) :])) if rows else None


def _about(proposal_id: uuid.UUID | None) -> dict[str, object]:
    return {"at": clock.now(), "proposal_id": proposal_id or _NO_PROPOSAL}


def gate_of(debt: Standing, background: Background, limits: Limits, *, today: date) -> Gate | None:
    """Give what stands in the way of an answer; who is signed in has said who it is.

    The portal's books are the book of the debt from the first file on, so what is owed is of this moment, unless the
    lender says that its files tell more and how old one may be.
    """
    now = clock.now()
    old = limits.file_days is not None and (today - debt.as_of).days > limits.file_days
    return gates(
        Situation(
            identity_verified=True,
            balance_as_of=now - 2 * FRESH_FOR if old else now,
            flags=frozenset({Flag.DISPUTE}) if background.disputed else frozenset(),
            time_barred=str(background.attributes.get(_TIME_BARRED, "")).lower() in _YES,
            plan_alive=background.alive is not None,
        ),
        now=now,
    )


def history_of(debt: Standing, background: Background, *, today: date) -> History:
    """Give what was agreed before on a debt, and how often it was answered without a yes since its last plan."""
    if not background.plans:
        return History(rounds=background.rounds)
    plans = read(_PLANS, {"lender_id": debt.lender_id, "debt_id": debt.id})
    year_ago = months_later(today, -12)
    paused = [
        (plan.agreed_at, plan.terms["arranged"]["pause_months"], date.fromisoformat(plan.terms["items"][0][1]))
        for plan in plans
        if plan.kind == Kind.HOLIDAY.value
    ]
    breaks = [plan for plan in plans if plan.state == State.ENDED_BROKEN.value]
    return History(
        pause_months_in_12=sum(months for _at, months, until in paused if until > year_ago),
        payments_since_pause=_kept_since(debt, [plan.id for plan in plans if plan.agreed_at >= paused[-1][0]])
        if paused
        else None,
        plans_in_12_months=sum(plan.agreed_at.date() > year_ago for plan in plans),
        plans_in_all=len(plans),
        days_since_break=min(
            (_days_since_end(debt, plan.id, plan.grace_days + plan.cure_days, today) for plan in breaks), default=None
        ),
        rounds=background.rounds,
    )


def _kept_since(debt: Standing, plan_ids: list[uuid.UUID]) -> int:
    return session.scalars(
        select(func.count()).where(
            PlanItem.lender_id == debt.lender_id, PlanItem.plan_id.in_(plan_ids), PlanItem.kept_at.is_not(None)
        )
    ).one()


def _days_since_end(debt: Standing, plan_id: uuid.UUID, days: int, today: date) -> int:
    """Give for how many days it has been over to make up for the first payment that is missing of a broken plan."""
    missed = session.scalars(
        select(func.min(PlanItem.due_on)).where(
            PlanItem.lender_id == debt.lender_id,
            PlanItem.plan_id == plan_id,
            PlanItem.paid_minor < PlanItem.amount_minor,
        )
    ).one()
    return max((today - (missed + timedelta(days=days))).days, 0) if missed is not None else 0
