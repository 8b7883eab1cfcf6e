"""Pages of changing a plan: what is possible, one change with its effect before it is made, the way back, what was."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date

from babel.numbers import get_currency_symbol
from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import clock
from portal.autopay.agreeing import plan_changed
from portal.changes import acts, rules, words
from portal.changes.forms import FORM_OF, DayOfWeekForm
from portal.changes.rules import Asked, Drawn, Extra, Move, Pause, PayDay, Refused, Room, Shrink, Situation, Skip, Why
from portal.db import transaction
from portal.debts.statement import by_id
from portal.money import Money
from portal.payments.check_page import form_key_given
from portal.payments.payable import on_its_way
from portal.people.permissions import me, needs_debtor
from portal.plans import progress, rewriting
from portal.plans.forms import weekday
from portal.plans.models import LIVE_STATES, PlanCard
from portal.plans.progress import plan_of, view_of
from portal.plans.redrawing import Kind, Payment, Use
from portal.plans.states import counted
from portal.schedules.dates import Frequency
from portal.web.fields import Form
from portal.web.formats import clock_time, narrow_day
from portal.web.formats import day as day_words
from portal.web.formats import money as money_words
from portal.web.languages import get_locale
from portal.web.languages import gettext as _

changes = Blueprint("changes", __name__)

# The ends of their addresses.
SLUGS = {
    Kind.MOVE: "one-date",
    Kind.PAY_DAY: "pay-day",
    Kind.SKIP: "leave-one-out",
    Kind.PAUSE: "pause",
    Kind.SHRINK: "less-for-a-while",
    Kind.EXTRA: "extra",
}
_KINDS = {slug: kind for kind, slug in SLUGS.items()}


def _mine(reference: str) -> tuple[PlanCard, date]:
    person = me()
    found = plan_of(lender_id=person.lender_id, debtor_id=person.debtor_id, reference=reference)
    if found is None:
        abort(404)
    return found, clock.today(person.zone)


@changes.get("/plans/<reference>/change")
@needs_debtor
def choose(reference: str) -> ResponseReturnValue:
    """Show what can be changed of a plan now, and what can't, with why."""
    plan, today = _mine(reference)
    now = acts.situation_of(plan, today=today)
    rows = []
    for kind in rules.OFFERED:
        found = rules.room(kind, now)
        if isinstance(found, Refused) and found.why is Why.NOT_OFFERED:
            continue
        refused = isinstance(found, Refused)
        rows.append(
            {
                "title": words.title(kind),
                "lead": words.lead(kind),
                "url": None if refused else url_for("changes.change", reference=reference, what=SLUGS[kind]),
                "why": words.why_not(found) if isinstance(found, Refused) else None,
            }
        )
    # What stands in the way of every change is said once.
    reasons = {row["why"] for row in rows}
    only = next(iter(reasons)) if len(reasons) == 1 and None not in reasons else None
    return render_template(
        "changes/choose.html",
        plan=plan,
        rows=[] if only else rows,
        only=only,
        alive=plan.state in LIVE_STATES,
        another=isinstance(acts.room_for_another(plan, today=today), Room),
    )


@changes.route("/plans/<reference>/change/<what>", methods=["GET", "POST"])
@needs_debtor
def change(reference: str, what: str) -> ResponseReturnValue:
    """Ask what a change needs to be known, show what it does, and make it once that was seen."""
    if what not in _KINDS:
        abort(404)
    kind = _KINDS[what]
    plan, today = _mine(reference)
    now = acts.situation_of(plan, today=today)
    room = rules.room(kind, now)
    if kind is Kind.EXTRA and room == Refused(Why.NOT_OFFERED) and plan.debt_open:
        # A plan that extra money can't redraw takes it all the same, for its next payments.
        return redirect(url_for("payments.pay", debt=plan.debt_reference), 303)
    form = _form(kind, now, today=today, currency=plan.currency)
    asked: Asked | None = None
    if kind is Kind.SKIP:
        asked = Skip()
    elif request.method == "POST" and form.validate():
        asked = _asked(kind, form, today=today)
    shown = request.form.get("shown", "")
    form_key = form_key_given()
    if asked is not None and shown and form_key and kind is not Kind.EXTRA:
        with transaction():
            done = acts.make(
                lender_id=plan.lender_id, plan_id=plan.id, asked=asked, shown=shown, form_key=form_key, by=me().actor
            )
        match done:
            case acts.Made() | acts.MadeBefore():
                return redirect(url_for("plans.plan", reference=reference), 303)
            case acts.Otherwise():
                flash(_("Your plan has changed since you looked. Here is what it would be now."), "wait")
        plan, today = _mine(reference)
        now = acts.situation_of(plan, today=today)
        room = rules.room(kind, now)
    found = rules.answer(asked, now) if asked is not None and isinstance(room, Room) else None
    refused = room if isinstance(room, Refused) else found if isinstance(found, Refused) else None
    # Extra money for the next payments changes no plan, and nothing is wrong with that.
    pays_next = refused is not None and refused.why is Why.NOT_EXTRA
    wrong = bool(form.errors) or (refused is not None and not pays_next and request.method == "POST")
    return (
        render_template(
            "changes/change.html",
            plan=plan,
            kind=kind.value,
            title=words.title(kind),
            lead=words.lead(kind),
            limits=words.limits(kind, room) if isinstance(room, Room) else None,
            possible=isinstance(room, Room),
            form=form,
            look_again=wrong,
            asks=kind is not Kind.SKIP,
            prefix=get_currency_symbol(plan.currency, get_locale()),
            use_hints={key.value: words.use_hint(key) for key in Use} if kind is Kind.EXTRA else {},
            why_not=words.why_not(refused) if refused else None,
            pays_next=pays_next,
            all_of_it=refused is not None and refused.why is Why.ALL_OF_IT,
            effect=_effect(now, found, today=today) if isinstance(found, Drawn) else None,
            kept=_kept(form, asked),
            exact=asked.amount.minor if isinstance(asked, Extra) else None,
            form_key=form_key or uuid.uuid4().hex,
        ),
        422 if wrong else 200,
    )


def _form(kind: Kind, now: Situation, *, today: date, currency: str) -> Form:
    """Give the form of a change, with what it needs to know; what was typed is in it."""
    running = now.running
    if kind is Kind.PAY_DAY and running.frequency.by_weekday:
        by_week = DayOfWeekForm()
        by_week.pay_day.choices = [(number, weekday(number)) for number in range(1, 8)]
        return by_week
    form = FORM_OF[kind]()
    for field in form:
        match field.name:
            case "seq":
                field.choices = [
                    (one.seq, f"{day_words(one.due_on)} · {money_words(one.amount)}") for one in running.open
                ]
            case "to":
                field.today = today
            case "amount":
                field.currency = currency
            case "use":
                field.choices = [(use.value, words.use(use)) for use in Use]
                if request.method == "GET":
                    form.begin(use=Use.NEXT.value)
    return form


def _asked(kind: Kind, form: Form, *, today: date) -> Asked:
    data = form.data
    match kind:
        case Kind.MOVE:
            return Move(data["seq"], data["to"])
        case Kind.PAY_DAY:
            return PayDay(int(data["pay_day"]))
        case Kind.PAUSE:
            return Pause(data["months"])
        case Kind.SHRINK:
            return Shrink(form["amount"].money, data["months"])
        case Kind.EXTRA:
            return Extra(form["amount"].money, today, Use(data["use"]))
    return Skip()


def _kept(form: Form, asked: Asked | None) -> list[tuple[str, str]]:
    """Give the hidden fields that say the same again."""
    if asked is None:
        return []
    return [(field.name, request.form.get(field.name, "")) for field in form]


def _effect(now: Situation, found: Drawn, *, today: date) -> dict[str, object]:
    """Give what a change does, side by side, and the plan as a road."""
    before, after = now.running.payments, found.payments
    sides = [_side(payments, len(now.paid_on), today=today) for payments in (before, after)]
    names = {
        "next": _("Next payment"),
        "due_on": _("Due on"),
        "usual": _("Then each"),
        "count": _("Payments to come"),
        "ends_on": _("Last payment"),
        "left": _("Left to pay"),
        "interest": _("Of it interest"),
        "waives": _("Let off when this plan is kept"),
    }
    more = rules.cost(before, after)
    due = [one for one in after if not one.extra][len(now.paid_on) :]
    states = ["paid"] * len(now.paid_on) + ["late" if one.due_on < today else "left" for one in due]
    if "left" in states:
        states[states.index("left")] = "next"
    return {
        "rows": [
            (names[key], sides[0][key], sides[1][key], sides[0][key] != sides[1][key])
            for key in names
            if sides[0][key] or sides[1][key]
        ],
        "cost": more if more.minor > 0 else None,
        "saves": -more if more.minor < 0 else None,
        "states": states,
        "payments": [(one.due_on, one.amount) for one in due],
        "shown": acts.digest(after),
    }


def _side(payments: Sequence[Payment], paid: int, *, today: date) -> dict[str, Sequence[str]]:
    """Give how a plan stands, as lines of words; none where there is nothing to say."""
    to_come = [one for one in payments if not one.extra][paid:]
    interest = sum(one.interest.minor for one in to_come)
    waives = sum(one.waives.minor for one in payments)
    currency = payments[0].principal.currency

    def words_of(minor: int) -> str:
        return money_words(Money(minor, currency))

    return {
        "next": [money_words(to_come[0].amount)],
        "due_on": [narrow_day(to_come[0].due_on)],
        "usual": words.then_each([one.amount for one in to_come[1:-1]]),
        "count": [str(len(to_come))],
        "ends_on": [narrow_day(to_come[-1].due_on)],
        "left": [words_of(sum(one.minor for one in to_come))],
        "interest": [words_of(interest)] if interest else [],
        "waives": [words_of(waives)] if waives else [],
    }


@changes.post("/plans/<reference>/changes/<int:number>/take-back")
@needs_debtor
def take_back(reference: str, number: int) -> ResponseReturnValue:
    """Put a plan back as it was before a change."""
    plan, _today = _mine(reference)
    with transaction():
        done = acts.take_back(lender_id=plan.lender_id, plan_id=plan.id, number=number, by=me().actor)
    match done:
        case None:
            abort(404)
        case acts.TakenBack():
            flash(_("Your plan is as it was before."), "success")
        case acts.TooLate():
            flash(_("This change can’t be taken back any more. You can change the plan again."), "wait")
    return redirect(url_for("plans.plan", reference=reference), 303)


@changes.get("/plans/<reference>/changes")
@needs_debtor
def history(reference: str) -> ResponseReturnValue:
    """Show every change of a plan: when, by whom, what it did."""
    plan, _today = _mine(reference)
    place = clock.zone(me().zone)
    by_week = Frequency(plan.frequency).by_weekday
    rows = []
    for made in reversed(rewriting.changes_of(plan)):
        kind = Kind(made.kind)
        named = weekday(made.asked["day"]) if by_week and kind is Kind.PAY_DAY else None
        back = made.undone_at
        cost = Money(made.cost_minor, made.currency)
        rows.append(
            {
                "number": made.number,
                "title": words.title(kind),
                "asked": words.asked(kind, made.asked, currency=made.currency, pay_day=named),
                "by": words.by(made.made_by),
                "on": made.made_at.astimezone(place).date(),
                "at": clock_time(made.made_at, me().zone),
                "ended": date.fromisoformat(made.facts["before"]["ends_on"]),
                "ends": date.fromisoformat(made.facts["after"]["ends_on"]),
                "cost": cost if cost.minor > 0 else None,
                "saves": -cost if cost.minor < 0 else None,
                "taken_back_on": back.astimezone(place).date() if back else None,
            }
        )
    return render_template("changes/history.html", plan=plan, rows=rows)


@changes.get("/plans/<reference>/missed")
@needs_debtor
def missed(reference: str) -> ResponseReturnValue:
    """Say what is missing, until when it can be made up for, and every way out."""
    plan, today = _mine(reference)
    view = view_of(plan, today=today)
    late = [step for step in view.steps if step.mark == "late"]
    if not view.alive or not late:
        return redirect(url_for("plans.plan", reference=reference), 303)
    now = acts.situation_of(plan, today=today)
    grace_days, cure_days = rewriting.days_of(plan)
    held = progress.held_of(plan)
    kept_until = counted(late[-1].due_on, more=grace_days, held=held)
    # Nothing is missed yet while the first is in its days of grace, and the days to make up for it begin after them.
    cure_by = progress.standing_of(plan, today=today).cure_by or counted(
        late[0].due_on, more=grace_days + cure_days, held=held
    )
    ways = [
        (words.title(kind), words.lead(kind), url_for("changes.change", reference=reference, what=SLUGS[kind]))
        for kind in (Kind.MOVE, Kind.SHRINK, Kind.PAUSE)
        if isinstance(rules.room(kind, now), Room)
    ]
    return render_template(
        "changes/missed.html",
        plan=plan,
        another=isinstance(acts.room_for_another(plan, today=today), Room),
        missing=view.late_amount,
        since=late[0].due_on,
        count=len(late),
        kept_until=kept_until if kept_until and kept_until >= today and len(late) == 1 else None,
        cure_by=cure_by if cure_by and cure_by >= today else None,
        broken=plan.state == "broken",
        ways=ways,
    )


@changes.route("/plans/<reference>/another", methods=["GET", "POST"])
@needs_debtor
def another(reference: str) -> ResponseReturnValue:
    """Say what another plan in place of this one means, and open the way to it."""
    plan, today = _mine(reference)
    view = view_of(plan, today=today)
    found: Room | Refused = acts.room_for_another(plan, today=today)
    if request.method == "POST" and isinstance(found, Room):
        with transaction():
            done = acts.want_another(lender_id=plan.lender_id, plan_id=plan.id, by=me().actor)
        if not isinstance(done, Refused):
            flash(_("Your plan %(number)s goes on until you agree to another one.", number=plan.reference))
            return redirect(url_for("plans.what_can_you_afford", reference=plan.debt_reference), 303)
        found = done
    waits = view.waives - view.waived
    return (
        render_template(
            "changes/another.html",
            plan=plan,
            limits=words.plans_made(found) if isinstance(found, Room) else None,
            why_not=words.why_not(found) if isinstance(found, Refused) else None,
            lost=waits if waits else None,
            on_its_way=on_its_way(by_id(lender_id=plan.lender_id, debt_id=plan.debt_id)),
        ),
        422 if request.method == "POST" else 200,
    )


@changes.route("/plans/<reference>/end", methods=["GET", "POST"])
@needs_debtor
def end(reference: str) -> ResponseReturnValue:
    """Show what ending a plan does, and end it."""
    plan, today = _mine(reference)
    view = view_of(plan, today=today)
    if not view.alive:
        return redirect(url_for("plans.plan", reference=reference), 303)
    if request.method == "POST":
        with transaction():
            progress.end(lender_id=plan.lender_id, reference=plan.reference, by=me().actor)
            plan_changed(lender_id=plan.lender_id, plan_id=plan.id)
        flash(_("Your plan has ended. What you paid stays paid."), "success")
        return redirect(url_for("plans.plan", reference=reference), 303)
    waits = view.waives - view.waived
    return render_template(
        "changes/end.html",
        plan=plan,
        paid=view.paid,
        owed=by_id(lender_id=plan.lender_id, debt_id=plan.debt_id).owed,
        lost=waits if waits else None,
        interest=any(step.interest for step in view.steps if step.mark != "done"),
    )


@changes.post("/plans/<reference>/end/take-back")
@needs_debtor
def take_back_end(reference: str) -> ResponseReturnValue:
    """Let a plan go on that was ended less than a day ago."""
    plan, _today = _mine(reference)
    with transaction():
        done = acts.take_back_end(lender_id=plan.lender_id, plan_id=plan.id, by=me().actor)
    if isinstance(done, acts.TakenBack):
        flash(_("Your plan goes on as it was before."), "success")
    else:
        flash(_("The end of this plan can’t be taken back any more. You can ask for another plan."), "wait")
    return redirect(url_for("plans.plan", reference=reference), 303)
