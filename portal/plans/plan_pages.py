"""Pages of a plan that stands: done, next, left; its payments as a file, its dates for a calendar."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from flask import Response, abort, current_app, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import clock
from portal.care import outages
from portal.debts.pages import posting_words
from portal.debts.statement import MONEY_CAME, Line, history
from portal.money import Money
from portal.people.permissions import me, needs_debtor
from portal.plans.beside import beside
from portal.plans.calendar import Date, calendar_file
from portal.plans.models import LIVE_STATES, PlanCard
from portal.plans.pages import plans
from portal.plans.progress import View, plan_of, view_of
from portal.plans.rewriting import end_undoable, undoable
from portal.plans.words import changed_words
from portal.web import languages
from portal.web.formats import clock_time
from portal.web.formats import money as money_words
from portal.web.languages import gettext as _
from portal.web.spreadsheet import csv_answer


@plans.get("/plans/<reference>")
@needs_debtor
def plan(reference: str) -> ResponseReturnValue:
    """Show a plan: done, next, left."""
    zone = clock.zone(me().zone)
    view, found = _my_plan(reference)
    step = view.next if view.alive else None
    marks = {"done": "paid", "next": "next", "late": "late", "left": "left"}
    just_agreed = request.args.get("new") == "1" and view.state == "agreed"
    return render_template(
        "plans/agreed.html" if just_agreed else "plans/plan.html",
        form_key=uuid.uuid4().hex,
        plan={
            "reference": view.reference,
            "debt_reference": found.debt_reference,
            "product": found.product,
            "state": view.state,
            "state_words": plan_state_words(view.state),
            "paid": view.paid,
            "left": view.total - view.paid if view.alive else Money.zero(found.currency),
            "next": {
                "due_on": step.due_on,
                "amount": view.next_amount,
                "late": step.mark == "late",
                "held": step.held,
                "nobody_could_pay": step.held
                and outages.covers(lender_id=found.lender_id, day=step.due_on, zone=zone.key),
            }
            if step
            else None,
            "ends_on": view.steps[-1].due_on,
            "states": [marks[one.mark] for one in view.steps if not one.extra],
            "payments": [
                (
                    one.due_on,
                    one.amount,
                    marks[one.mark],
                    one.kept_at.astimezone(zone).date() if one.kept_at else None,
                    one.amount - one.paid if one.paid and one.mark != "done" else None,
                    one.extra,
                )
                for one in view.steps
                if one.amount
            ],
            "alive": view.alive,
            "completed": view.state == "completed",
            "debt_open": found.debt_open,
            "waives": view.waives if view.waives else None,
            "waived": view.waived if view.waives else None,
            "review_on": view.review_on,
            "void_on": view.void_on if view.state == "agreed" else None,
            "late": view.late_amount if view.late_amount > view.next_amount else None,
            "changed": bool(found.changes),
            "undo": _undo(found, zone=zone),
            "beside": beside(found) if view.alive and found.debt_open else None,
            "came": _came(
                history(lender_id=found.lender_id, debt_id=found.debt_id, currency=found.currency),
                since=found.agreed_at.astimezone(zone).date(),
            ),
        },
    )


def _undo(plan: PlanCard, *, zone: ZoneInfo) -> dict[str, object] | None:
    """Give what can still be taken back, the last change or the end: what it was, and until when."""
    ended = end_undoable(plan)
    if ended is not None:
        what, until = _("You ended your plan."), ended.until
        url = url_for("changes.take_back_end", reference=plan.reference)
    elif (found := undoable(plan)) is not None and plan.state in LIVE_STATES:
        what, until = changed_words(found.kind), found.until
        url = url_for("changes.take_back", reference=plan.reference, number=found.number)
    else:
        return None
    return {"what": what, "on": until.astimezone(zone).date(), "at": clock_time(until, zone.key), "url": url}


def _came(lines: Sequence[Line], *, since: date) -> list[tuple[date, str, Money, Money]]:
    """Give what came on a debt from a day on, and what went back, newest first: day, words, amount, what was left."""
    words = {kind: posting_words(kind) for kind in {line.kind for line in lines} & set(MONEY_CAME)}
    return [
        (line.on, words[line.kind], -(line.change or line.owed_change), line.after)
        for line in reversed(lines)
        if line.kind in words and line.on >= since
    ]


@plans.get("/plans/<reference>/payments.csv")
@needs_debtor
def payments_csv(reference: str) -> ResponseReturnValue:
    """Give the payments of a plan as a file: what was agreed, what is paid of it."""
    view, _found = _my_plan(reference)
    words = {"done": _("Paid"), "next": _("Next"), "late": _("Not yet paid"), "left": _("To come")}
    return csv_answer(
        f"plan-{view.reference}",
        (_("Number"), _("Date"), _("Payment"), _("Of it interest"), _("Paid of it"), _("State"), _("Currency")),
        (
            (
                step.seq,
                step.due_on,
                step.amount.amount,
                step.interest.amount,
                step.paid.amount,
                words[step.mark],
                step.amount.currency,
            )
            for step in view.steps
            if step.amount
        ),
    )


@plans.get("/plans/<reference>/dates.ics")
@needs_debtor
def dates_ics(reference: str) -> ResponseReturnValue:
    """Give the dates to come of a plan as a calendar file; amounts stand in it only if somebody asks for them."""
    view, _found = _my_plan(reference)
    with_amounts = request.args.get("amounts") == "1"
    today = clock.today(me().zone)
    base = current_app.config["BASE_URL"]
    file = calendar_file(
        plan=view.reference,
        host=urlsplit(base).hostname or "localhost",
        name=_("Payment days"),
        dates=[
            Date(
                number=step.seq,
                on=step.due_on,
                title=_("Payment day: %(amount)s", amount=money_words(step.amount - step.paid))
                if with_amounts
                else _("Payment day"),
            )
            for step in view.steps
            if view.alive and step.mark != "done" and step.due_on >= today
        ],
        words=_("Plan %(number)s", number=view.reference),
        url=base + url_for("plans.plan", reference=view.reference),
        language=languages.tag(languages.chosen()),
        made_at=clock.now(),
    )
    return Response(
        file,
        mimetype="text/calendar",
        headers={"Content-Disposition": f'attachment; filename="dates-{view.reference}.ics"'},
    )


def _my_plan(reference: str) -> tuple[View, PlanCard]:
    person = me()
    found = plan_of(lender_id=person.lender_id, debtor_id=person.debtor_id, reference=reference)
    if found is None:
        abort(404)
    return view_of(found, today=clock.today(person.zone)), found


def plan_state_words(state: str) -> str:
    """Say how a plan goes, as its person reads it."""
    match state:
        case "agreed":
            return _("Agreed. It starts with the first payment.")
        case "active":
            return _("Going well.")
        case "grace":
            return _("A payment is a little late. You can still pay it, and the plan counts as kept.")
        case "at_risk":
            return _("A payment is missing. Pay it and the plan goes on as before.")
        case "broken":
            return _("Payments are missing. You can still make up for them, or talk to us about another plan.")
        case "paused":
            return _("Paused. Nothing is due now.")
        case "completed":
            return _("Done. All payments of this plan are made.")
        case "cancelled":
            return _("Ended by you.")
        case "superseded":
            return _("Replaced by another plan.")
        case "voided":
            return _("Taken back.")
        case "expired":
            return _("Not started.")
        case "ended_broken":
            return _("Ended. What you paid was taken off what you owe.")
    raise LookupError(state)
