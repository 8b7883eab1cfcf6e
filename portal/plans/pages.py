"""What the pages of making a plan share: whose debt, where to instead, and their blueprint."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal import clock
from portal.debts.pages import mine_or_404
from portal.debts.statement import Standing
from portal.people.permissions import me
from portal.plans.progress import alive_plan

plans = Blueprint("plans", __name__)


def debt_to_plan(reference: str) -> tuple[Standing, date]:
    """Give one's own debt that still needs a plan, with today in one's own calendar."""
    debt = mine_or_404(reference)
    return debt, clock.today(me().zone)


def elsewhere(debt: Standing) -> ResponseReturnValue | None:
    """Lead away from the pages of making a plan where there is nothing to plan."""
    if not debt.owed:
        return redirect(url_for("home.debt", reference=debt.reference), 303)
    alive = alive_plan(lender_id=debt.lender_id, debt_id=debt.id)
    if alive is not None:
        return redirect(url_for("plans.plan", reference=alive.reference), 303)
    return None


def no_limits(debt: Standing) -> ResponseReturnValue:
    """Say that plans can't be made here for this debt, and what can."""
    flash(_("We can’t offer a plan for this debt here. Please talk to us: we look for a way together."), "wait")
    return redirect(url_for("home.debt", reference=debt.reference), 303)
