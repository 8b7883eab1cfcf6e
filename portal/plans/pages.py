"""What the pages of making a plan share: whose debt, where to instead, and their blueprint."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import wraps

from flask import Blueprint, abort, flash, redirect, url_for
from flask.typing import ResponseReturnValue

from portal import clock
from portal.debts.pages import mine_or_404
from portal.debts.statement import Standing
from portal.people.permissions import me, needs_debtor
from portal.plans.allowed import NoLimits
from portal.plans.situation import Background, background_of, to_plan
from portal.web.languages import gettext as _

plans = Blueprint("plans", __name__)


def debt_to_plan(reference: str) -> tuple[Standing, date]:
    """Give one's own debt that still needs a plan, with today in one's own calendar."""
    debt = mine_or_404(reference)
    return debt, clock.today(me().zone)


def debt_with_background(reference: str) -> tuple[Standing, Background, date]:
    """Give the same with what is known of the debt beside its figures."""
    person = me()
    found = to_plan(lender_id=person.lender_id, debtor_id=person.debtor_id, reference=reference)
    if found is None:
        abort(404)
    return *found, clock.today(person.zone)


def elsewhere(debt: Standing, background: Background | None = None) -> ResponseReturnValue | None:
    """Lead away from the pages of making a plan where there is nothing to plan."""
    if not debt.owed:
        return redirect(url_for("home.debt", reference=debt.reference), 303)
    alive = (background or background_of(debt)).alive
    if alive is not None:
        return redirect(url_for("plans.plan", reference=alive), 303)
    return None


def about_a_plan(view: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
    """Give a page of making a plan one's own debt and today; lead elsewhere where nothing can be planned on it."""

    @wraps(view)
    def opened(reference: str, **values: str) -> ResponseReturnValue:
        debt, background, today = debt_with_background(reference)
        if (away := elsewhere(debt, background)) is not None:
            return away
        try:
            return view(debt, today, **values)
        except NoLimits:
            return no_limits(debt)

    return needs_debtor(opened)


def no_limits(debt: Standing) -> ResponseReturnValue:
    """Say that plans can't be made here for this debt, and what can."""
    flash(_("We can’t offer a plan for this debt here. Please talk to us: we look for a way together."), "wait")
    return redirect(url_for("home.debt", reference=debt.reference), 303)
