"""What the pages of making a plan share: whose debt, where to instead, and their blueprint."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from functools import wraps
from typing import Final

from flask import Blueprint, abort, flash
from flask.typing import ResponseReturnValue

from portal import clock
from portal.debts.pages import mine_or_404
from portal.debts.statement import Standing
from portal.people.permissions import me, needs_debtor
from portal.plans import negotiate
from portal.plans.allowed import NoLimits
from portal.plans.models import Quote
from portal.plans.sides import Side, own_side
from portal.plans.situation import Background, background_of, to_plan
from portal.plans.words import pays_words
from portal.web.languages import gettext as _

plans = Blueprint("plans", __name__)

# The pages of making a plan by the name of their view, each as whoever sits at the table sees it.
AT_THE_TABLE: Final[dict[str, Callable[..., ResponseReturnValue]]] = {}


def debt_to_plan(reference: str) -> tuple[Standing, date]:
    """Give one's own debt that still needs a plan, with today in one's own calendar."""
    debt = mine_or_404(reference)
    return debt, clock.today(me().zone)


def debt_with_background(side: Side, reference: str) -> tuple[Standing, Background, date]:
    """Give the same for whoever sits at the table, with what is known of the debt beside its figures."""
    found = to_plan(lender_id=side.lender.id, debtor_id=side.debtor_id, reference=reference)
    if found is None:
        abort(404)
    return *found, clock.today(side.zone)


def elsewhere(side: Side, debt: Standing, background: Background | None = None) -> ResponseReturnValue | None:
    """Lead away from the pages of making a plan where there is nothing to plan."""
    if not debt.owed:
        return side.nothing_to_plan(debt, plan=None)
    alive = (background or background_of(debt)).alive
    if alive is not None:
        return side.nothing_to_plan(debt, plan=alive)
    return None


def seen_from(
    side: Side, view: Callable[..., ResponseReturnValue], reference: str, **values: str
) -> ResponseReturnValue:
    """Give a page of making a plan the side, the debt and today; lead elsewhere where nothing can be planned on it."""
    debt, background, today = debt_with_background(side, reference)
    if (away := elsewhere(side, debt, background)) is not None:
        return away
    try:
        return view(side, debt, today, **values)
    except NoLimits:
        return no_limits(side, debt)


def about_a_plan(view: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
    """Open a page of making a plan to the person whose debt it is; a colleague may be let in by a door of its own."""
    AT_THE_TABLE[view.__name__] = view

    @wraps(view)
    def opened(reference: str, **values: str) -> ResponseReturnValue:
        return seen_from(own_side(), view, reference, **values)

    return needs_debtor(opened)


def waiting_words(waiting: Sequence[Quote]) -> dict[str, str | None] | None:
    """Give the words for the newest of the plans that only have to be agreed to, if there are any.

    `number` is that of the quote, where no person granted it.
    """
    if not waiting:
        return None
    helper = negotiate.prepared_by(waiting[0])
    return {
        "title": _("What a person offers you")
        if helper is None
        else _("What you went through with %(name)s", name=helper),
        "pays": pays_words(negotiate.schedule_in(waiting[0])),
        "number": None if helper is None else waiting[0].number,
    }


def no_limits(side: Side, debt: Standing) -> ResponseReturnValue:
    """Say that plans can't be made here for this debt, and what can."""
    flash(_("We can’t offer a plan for this debt here. Please talk to us: we look for a way together."), "wait")
    return side.nothing_to_plan(debt, plan=None)
