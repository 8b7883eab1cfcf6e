"""Pages on plans for the lender's people: by state, what needs a person, one of them, and what is decided about it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import clock
from portal.care.requests import plain_words
from portal.changes import words as change_words
from portal.db import session, transaction
from portal.helpdesk import keeping, opening
from portal.helpdesk.forms import FoundForm, MoreTimeForm, PlansForm
from portal.helpdesk.words import plan_state, waits_words
from portal.money import Money
from portal.people.models import Debtor
from portal.plans import for_a_person, progress, rewriting
from portal.plans.for_a_person import MoreTime, NoSuchPlan, NothingWaits, Why
from portal.plans.forms import weekday
from portal.plans.models import PlanCard
from portal.plans.redrawing import Kind
from portal.plans.states import State
from portal.schedules.dates import Frequency
from portal.staff import members
from portal.staff.gates import me, needs
from portal.staff.roles import Permission
from portal.web.formats import day as day_words
from portal.web.languages import gettext as _
from portal.web.spreadsheet import csv_answer

staff_plans = Blueprint("staff_plans", __name__, url_prefix="/staff/plans")

A_PAGE = 50
WAITING, EVERY = "waiting", "every"
# The states of what was agreed to, in the order of a plan's life.
STATES = tuple(state for state in State if state not in (State.DRAFT, State.PROPOSED, State.COUNTERED, State.IN_REVIEW))


def _form() -> PlansForm:
    form = PlansForm(formdata=request.args)
    form.show.choices = [
        (WAITING, _("Plans that need a person")),
        (EVERY, _("All plans")),
        *((state.value, plan_state(state.value)[0]) for state in STATES),
    ]
    if form.show.data not in {value for value, _words in form.show.choices}:
        form.show.data = EVERY if form.find.data else WAITING
    return form


def _after() -> uuid.UUID | None:
    try:
        return uuid.UUID(request.args.get("after", ""))
    except ValueError:
        return None


def _asked(form: PlansForm) -> dict[str, Any]:
    """Give what is shown, as the reading of plans takes it."""
    show = form.show.data
    state = None if show in (WAITING, EVERY) else show
    return {"state": state, "waits": show == WAITING, "search": form.find.data or ""}


def _said(form: PlansForm) -> dict[str, str | None]:
    """Give what is shown, as the record of a look has it: not the number that was typed."""
    return {"show": form.show.data, "by": "number" if form.find.data else None}


@staff_plans.get("")
@needs(Permission.SEE_PEOPLE)
def plans() -> ResponseReturnValue:
    """List plans of the lender: those that need a person first of all, else by state, or one by a number."""
    who, form = me(), _form()
    after_id = _after()
    # One more than is shown says whether there are more.
    found = for_a_person.plans_page(who.lender_id, **_asked(form), after_id=after_id, at_once=A_PAGE + 1)
    shown = found[:A_PAGE]
    here = {"show": form.show.data, "find": form.find.data or None}
    opening.a_list(who, "plans", shown=len(shown), **_said(form), after=after_id.hex if after_id else None)
    return render_template(
        "helpdesk/plans.html",
        form=form,
        shown=[(each, plan_state(each.state), [waits_words(why) for why in each.waits_for]) for each in shown],
        waiting=for_a_person.how_many_wait(who.lender_id),
        only_waiting=form.show.data == WAITING,
        more=url_for("staff_plans.plans", **here, after=shown[-1].id) if len(found) > A_PAGE else None,
        first=url_for("staff_plans.plans", **here) if after_id is not None else None,
        csv=url_for("staff_plans.plans_csv", **here),
    )


@staff_plans.get("/plans.csv")
@needs(Permission.SEE_PEOPLE)
def plans_csv() -> ResponseReturnValue:
    """Give the same as a file, all of it."""
    who, form = me(), _form()
    found = list(for_a_person.plans_of(who.lender_id, **_asked(form)))
    opening.a_file(who, "plans", rows=len(found), **_said(form))
    return csv_answer(
        "plans",
        ("plan", "debt", "person", "kind", "state", "agreed", "total", "paid", "currency", "looked at", "waits for"),
        (
            (
                each.plan,
                each.debt,
                each.person,
                each.kind,
                each.state,
                each.agreed_at.isoformat(timespec="minutes"),
                each.total.amount,
                each.paid.amount,
                each.total.currency,
                each.look_on,
                " ".join(each.waits_for),
            )
            for each in found
        ),
    )


def _one_or_404(reference: str) -> PlanCard:
    found = for_a_person.card_of(lender_id=me().lender_id, reference=reference)
    if found is None:
        abort(404)
    return found


def _to(reference: str) -> ResponseReturnValue:
    return redirect(url_for("staff_plans.plan", reference=reference), 303)


@staff_plans.route("/<reference:reference>", methods=["GET", "POST"])
@needs(Permission.SEE_PEOPLE)
def plan(reference: str) -> ResponseReturnValue:
    """Show one plan: how it stands, what waits, its payments and changes; that somebody looked is on record."""
    who, card = me(), _one_or_404(reference)
    if (asked := opening.look(who, debtor_id=card.debtor_id, plan=card.reference)) is not None:
        return asked
    debtor = session.get_one(Debtor, (card.lender_id, card.debtor_id))
    today = clock.today(debtor.zone)
    view, standing = progress.view_of(card, today=today), progress.standing_of(card, today=today)
    checks = for_a_person.checks_of(lender_id=card.lender_id, plan_id=card.id)
    open_ = {check.kind for check in checks if check.closed_at is None}
    names = {f"staff:{member.id}": member.name for member in members.of(lender_id=who.lender_id)}
    decides = Permission.ANSWER_REQUESTS in who.may
    return render_template(
        "helpdesk/plan.html",
        card=card,
        view=view,
        person=debtor.name,
        state=plan_state(card.state),
        missing=view.late_amount if view.alive and view.late_amount else None,
        cure_by=standing.cure_by if view.alive else None,
        waits=[(waits_words(check.kind), check.day, check.kind) for check in checks if check.closed_at is None],
        cure_over=decides and Why.CURE_OVER.value in open_ and card.state == State.BROKEN.value,
        review=decides and Why.REVIEW.value in open_,
        decided=[
            (waits_words(check.kind), check.closed_at, names.get(check.closed_by or ""), check.words)
            for check in checks
            if check.closed_at is not None
        ],
        changes=_changes(card, names, zone=debtor.zone),
    )


def _changes(card: PlanCard, names: dict[str, str], *, zone: str) -> list[dict[str, object]]:
    """Give what was changed of a plan, newest first: what, when, by whom."""
    by_week, rows = Frequency(card.frequency).by_weekday, []
    for made in reversed(rewriting.changes_of(card)):
        kind = Kind(made.kind)
        named = weekday(made.asked["day"]) if by_week and kind is Kind.PAY_DAY else None
        said = change_words.asked(kind, made.asked, currency=made.currency, pay_day=named)
        by_person = made.made_by.startswith("debtor:")
        rows.append(
            {
                "title": change_words.title(kind),
                "asked": said,
                "on": made.made_at.astimezone(clock.zone(zone)).date(),
                "by": _("by the person") if by_person else names.get(made.made_by, change_words.by(made.made_by)),
                "cost": Money(made.cost_minor, made.currency),
                "taken_back": made.undone_at is not None,
            }
        )
    return rows


def _of_plan(act: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
    """Give an act of a plan; another lender's is not there."""

    @wraps(act)
    def done(reference: str) -> ResponseReturnValue:
        _one_or_404(reference)
        return act(reference)

    return done


def _told(found: object, reference: str, words: str) -> ResponseReturnValue:
    """Say what became of a click, and show the plan as it stands now."""
    if isinstance(found, NoSuchPlan):
        abort(404)
    if isinstance(found, NothingWaits):
        flash(_("That was done already, perhaps by a colleague, or money came. Here is how the plan stands now."))
    else:
        flash(words, "success")
    return _to(reference)


def _waits_for(reference: str, why: Why) -> bool:
    """Say whether something about a plan still waits; if not, whoever comes is told so."""
    card = _one_or_404(reference)
    checks = for_a_person.checks_of(lender_id=card.lender_id, plan_id=card.id)
    if any(check.kind == why.value and check.closed_at is None for check in checks):
        return True
    flash(_("That was done already, perhaps by a colleague, or money came. Here is how the plan stands now."))
    return False


@staff_plans.route("/<reference:reference>/more-time", methods=["GET", "POST"])
@needs(Permission.ANSWER_REQUESTS)
@_of_plan
def more_time(reference: str) -> ResponseReturnValue:
    """Ask how many days more somebody gets to make up for what is missing, and why; then give them."""
    form = MoreTimeForm()
    if form.validate_on_submit():
        with transaction():
            found = keeping.more_time(
                me(), reference=reference, days=form.days.data or 0, words=plain_words(form.found.data)
            )
        until = day_words(found.until) if isinstance(found, MoreTime) else ""
        return _told(found, reference, _("There is time until %(day)s now, and the person is told.", day=until))
    return _ask("helpdesk/more_time.html", form, reference, Why.CURE_OVER)


@staff_plans.route("/<reference:reference>/end", methods=["GET", "POST"])
@needs(Permission.ANSWER_REQUESTS)
@_of_plan
def end(reference: str) -> ResponseReturnValue:
    """Say what the end of a broken plan means, and end it with what was found."""
    form = FoundForm()
    if form.validate_on_submit():
        with transaction():
            found = keeping.end(me(), reference=reference, words=plain_words(form.found.data))
        return _told(found, reference, _("The plan has ended, and the person is told. What was paid stays paid."))
    return _ask("helpdesk/end_plan.html", form, reference, Why.CURE_OVER)


@staff_plans.route("/<reference:reference>/looked-at", methods=["GET", "POST"])
@needs(Permission.ANSWER_REQUESTS)
@_of_plan
def looked_at(reference: str) -> ResponseReturnValue:
    """Ask what came of looking at a plan whose day of review has come, and note it."""
    form = FoundForm()
    if form.validate_on_submit():
        with transaction():
            found = keeping.looked_at(me(), reference=reference, words=plain_words(form.found.data))
        return _told(found, reference, _("It is noted, and nobody has to look at it any more."))
    return _ask("helpdesk/looked_at.html", form, reference, Why.REVIEW)


def _ask(template: str, form: FoundForm, reference: str, why: Why) -> ResponseReturnValue:
    if not _waits_for(reference, why):
        return _to(reference)
    card = _one_or_404(reference)
    debtor = session.get_one(Debtor, (card.lender_id, card.debtor_id))
    view = progress.view_of(card, today=clock.today(debtor.zone))
    return (
        render_template(template, form=form, card=card, person=debtor.name, view=view),
        422 if form.errors else 200,
    )
