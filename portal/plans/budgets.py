"""What somebody lives on, said once for all debts with a lender, and what it leaves for each of them.

Invariant: an answer keeps the budget that it was reckoned from; one that isn't complete changes no answer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import bindparam, literal_column, select

from portal import clock
from portal.affordability import stored
from portal.affordability.budget import Budget, Evidence
from portal.affordability.standards import Standards, standards_for
from portal.affordability.surplus import NeedsStandards, Surplus, affordable, model_of
from portal.db import read, table_of
from portal.debts.statement import Standing, debts_of
from portal.lenders.models import Lender
from portal.limits.cards import AffordabilityModel, Limits
from portal.money import Money, total
from portal.offers.owed import Means, means_of
from portal.plans.models import Proposal
from portal.plans.progress import asked_for_a_month

# The one model that needs no table: what comes in less what goes out.
USUAL_MODEL = AffordabilityModel.GUIDELINES

_PROPOSAL, _LENDER = table_of(Proposal).c, table_of(Lender).c
_BUDGET = (
    select(_PROPOSAL.budget)
    .where(
        _PROPOSAL.lender_id == bindparam("lender_id"),
        _PROPOSAL.debtor_id == bindparam("debtor_id"),
        _PROPOSAL.currency == bindparam("currency"),
        _PROPOSAL.budget.is_not(None),
    )
    .order_by(_PROPOSAL.made_at.desc(), _PROPOSAL.id.desc())
    .limit(literal_column("1"))
)
_JURISDICTION = select(_LENDER.jurisdiction).where(_LENDER.id == bindparam("lender_id"))


@dataclass(frozen=True, slots=True)
class KeptBudget:
    """A budget as it was said last; one that isn't complete can be gone on with."""

    budget: Budget
    complete: bool
    evidence: Evidence
    at: datetime


@dataclass(frozen=True, slots=True)
class Share:
    """What one debt gets of what is left over; `planned`: its own plan asks for so much in a month already."""

    reference: str
    owed: Money
    amount: Money
    planned: bool = False


@dataclass(frozen=True, slots=True)
class Leftover:
    """What is left over in a month and how that came about; `affordable` is what may be asked for on this debt.

    `means` is None where the figures behind it are only for comparing.
    """

    model: AffordabilityModel
    surplus: Surplus
    affordable: Money
    shares: tuple[Share, ...]
    means: Means | None


def as_kept(budget: Budget, *, complete: bool, said_at: datetime | None = None) -> dict[str, object]:
    """Give a budget as a proposal keeps it: said now, unless it was said before."""
    return {
        **stored.as_json(budget),
        "complete": complete,
        "grade": budget.evidence.value,
        "at": (said_at or clock.now()).isoformat(),
    }


def current_budget(debt: Standing, limits: Limits, *, today: date) -> KeptBudget | None:
    """Give what the person lives on, complete and not too old to be reckoned with, or None."""
    kept = budget_of(debt)
    if kept is None or not kept.complete or (today - kept.at.date()).days > limits.budget_days:
        return None
    return kept


def budget_of(debt: Standing) -> KeptBudget | None:
    """Give what the person said last about what there is to live on, on whichever debt in this currency."""
    rows = read(_BUDGET, {"lender_id": debt.lender_id, "debtor_id": debt.debtor_id, "currency": debt.credit.currency})
    if not rows:
        return None
    [[found]] = rows
    return KeptBudget(
        budget=stored.from_json(found),
        complete=found["complete"],
        evidence=Evidence(found["grade"]),
        at=datetime.fromisoformat(found["at"]),
    )


def leftover(debt: Standing, *, budget: Budget, limits: Limits, today: date) -> Leftover | None:
    """Give what a budget leaves by the model of the card, and each debt's part of it.

    None where the model needs a table of figures that isn't there: then nobody knows what is affordable.
    """
    model = limits.affordability_model or USUAL_MODEL
    try:
        surplus = model_of(model.value)(budget=budget, standards=_standards(debt, budget.currency, model, today))
    except NeedsStandards:
        return None
    mine_of_all = [
        each
        for each in debts_of(lender_id=debt.lender_id, debtor_id=debt.debtor_id)
        if each.owed.currency == budget.currency and each.owed.minor > 0
    ]
    planned = {
        debt_id: amount
        for debt_id, amount in asked_for_a_month(
            lender_id=debt.lender_id, debtor_id=debt.debtor_id, currency=budget.currency, today=today
        ).items()
        if debt_id != debt.id
    }
    # What other plans ask for has been promised: only the rest can be shared.
    free = surplus.amount - total(planned.values(), currency=budget.currency)
    sharing = [each for each in mine_of_all if each.id not in planned]
    found = means_of(replace(surplus, amount=free), balances=[each.owed for each in sharing])
    mine = next(means for each, means in zip(sharing, found, strict=True) if each.id == debt.id)
    nothing = Money.zero(budget.currency)
    return Leftover(
        model=model,
        surplus=surplus,
        affordable=nothing
        if mine is None
        else affordable(surplus=mine.amount, cushion_bps=limits.cushion_bps, step=limits.affordability_step),
        shares=tuple(
            Share(each.reference, each.owed, means.amount if means is not None else nothing)
            for each, means in zip(sharing, found, strict=True)
        )
        + tuple(
            Share(each.reference, each.owed, planned[each.id], planned=True)
            for each in mine_of_all
            if each.id in planned
        ),
        means=mine,
    )


def _standards(debt: Standing, currency: str, model: AffordabilityModel, today: date) -> Standards | None:
    """Give the table of the debt's country; one that is only for comparing is no guideline for anybody."""
    [[jurisdiction]] = read(_JURISDICTION, {"lender_id": debt.lender_id})
    table = standards_for(jurisdiction=jurisdiction, on=today)
    if table is None or table.currency != currency or (table.benchmark_only and model is USUAL_MODEL):
        return None
    return table
