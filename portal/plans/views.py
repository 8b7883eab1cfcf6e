"""Pages of a plan: what can you afford, which day, choose, check, agree, and the plan itself."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date
from urllib.parse import urlsplit

from babel.numbers import get_currency_symbol
from flask import Blueprint, Response, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _

from portal import clock
from portal.care.states import WAITING
from portal.db import transaction
from portal.debts.pages import mine_or_404, posting_words
from portal.debts.statement import MONEY_CAME, Line, Standing, history
from portal.money import Money
from portal.offers.answers import Input, Kind, Outcome, Reason
from portal.people import sign_in
from portal.people.forms import CodeForm
from portal.people.permissions import me, needs_debtor, renew
from portal.people.views import code_problem, send_code, wait_words
from portal.plans import negotiate
from portal.plans.calendar import Date, calendar_file
from portal.plans.forms import AffordForm, DayOfMonthForm, DayOfWeekForm, EmptyForm, every, how_often, weekday
from portal.plans.models import PlanCard, Proposal, Quote
from portal.plans.negotiate import Agreed, AgreedBefore, NoLimits, PlanAlive, QuoteGone, Table
from portal.plans.progress import View, alive_plan, plan_of, view_of
from portal.schedules.dates import Frequency
from portal.schedules.schedule import Schedule
from portal.web import languages
from portal.web.formats import day as day_words
from portal.web.formats import money as money_words
from portal.web.spreadsheet import csv_answer

plans = Blueprint("plans", __name__)


def _debt_to_plan(reference: str) -> tuple[Standing, date]:
    """Give one's own debt that still needs a plan, with today in one's own calendar."""
    debt = mine_or_404(reference)
    return debt, clock.today(me().zone)


def _elsewhere(debt: Standing) -> ResponseReturnValue | None:
    """Lead away from the pages of making a plan where there is nothing to plan."""
    if not debt.owed:
        return redirect(url_for("home.debt", reference=debt.reference), 303)
    alive = alive_plan(lender_id=debt.lender_id, debt_id=debt.id)
    if alive is not None:
        return redirect(url_for("plans.plan", reference=alive.reference), 303)
    return None


def _no_limits(debt: Standing) -> ResponseReturnValue:
    """Say that plans can't be made here for this debt, and what can."""
    flash(_("We can’t offer a plan for this debt here. Please talk to us: we look for a way together."), "wait")
    return redirect(url_for("home.debt", reference=debt.reference), 303)


@plans.route("/debts/<reference:reference>/what-can-you-afford", methods=["GET", "POST"])
@needs_debtor
def what_can_you_afford(reference: str) -> ResponseReturnValue:
    """Ask how much, and how often."""
    debt, today = _debt_to_plan(reference)
    if (away := _elsewhere(debt)) is not None:
        return away
    try:
        limits = negotiate.limits_in_force(debt, today=today).limits
    except NoLimits:
        return _no_limits(debt)
    before = negotiate.newest_proposal(debt)
    form = AffordForm()
    form.amount.currency = debt.owed.currency
    form.frequency.choices = [(frequency.value, how_often(frequency)) for frequency in limits.frequencies]
    if request.method == "GET":
        usual = Frequency.MONTHLY if Frequency.MONTHLY in limits.frequencies else limits.frequencies[0]
        form.frequency.data = before.frequency if before else usual.value
        if before is not None:
            form.amount.data = str(Money(before.amount_minor, before.currency).amount)
    elif form.validate() and form.amount.money is not None:
        with transaction():
            negotiate.propose(
                debt,
                payment=form.amount.money,
                frequency=Frequency(form.frequency.data),
                by=me().actor,
                today=today,
            )
        return redirect(url_for("plans.which_day", reference=reference), 303)
    least = negotiate.least_payment(debt, limits=limits, today=today)
    return (
        render_template(
            "plans/what_can_you_afford.html",
            debt=debt,
            form=form,
            prefix=get_currency_symbol(debt.owed.currency, locale=str(get_locale())),
            least=_("%(amount)s %(every)s", amount=money_words(least), every=every(Frequency.MONTHLY))
            if least
            else None,
        ),
        422 if form.errors else 200,
    )


def _asked_words(proposal: Proposal) -> str:
    return _(
        "%(amount)s %(every)s",
        amount=money_words(Money(proposal.amount_minor, proposal.currency)),
        every=every(Frequency(proposal.frequency)),
    )


@plans.route("/debts/<reference:reference>/which-day-suits-you", methods=["GET", "POST"])
@needs_debtor
def which_day(reference: str) -> ResponseReturnValue:
    """Ask for the pay day."""
    debt, today = _debt_to_plan(reference)
    if (away := _elsewhere(debt)) is not None:
        return away
    proposal = negotiate.newest_proposal(debt)
    if proposal is None:
        return redirect(url_for("plans.what_can_you_afford", reference=reference), 303)
    form: DayOfMonthForm | DayOfWeekForm
    if Frequency(proposal.frequency).by_weekday:
        form = DayOfWeekForm()
        form.pay_day.choices = [(number, weekday(number)) for number in range(1, 8)]
    else:
        form = DayOfMonthForm()
    if request.method == "GET" and proposal.pay_day:
        form.pay_day.data = proposal.pay_day
    if form.validate_on_submit():
        try:
            with transaction():
                again = negotiate.newest_proposal(debt)
                if again is not None:
                    negotiate.choose_pay_day(debt, proposal=again, pay_day=int(form.pay_day.data), today=today)
        except NoLimits:
            return _no_limits(debt)
        return redirect(url_for("plans.choose", reference=reference), 303)
    return (
        render_template("plans/which_day.html", debt=debt, form=form, asked=_asked_words(proposal)),
        422 if form.errors else 200,
    )


@plans.route("/debts/<reference:reference>/choose-a-plan", methods=["GET", "POST"])
@needs_debtor
def choose(reference: str) -> ResponseReturnValue:
    """Show the answer and at most three plans beside one's own."""
    debt, today = _debt_to_plan(reference)
    if (away := _elsewhere(debt)) is not None:
        return away
    proposal = negotiate.newest_proposal(debt)
    if proposal is None:
        return redirect(url_for("plans.what_can_you_afford", reference=reference), 303)
    if proposal.pay_day is None:
        return redirect(url_for("plans.which_day", reference=reference), 303)
    try:
        table = negotiate.table_for(debt, proposal=proposal, today=today)
    except NoLimits:
        return _no_limits(debt)
    picked = negotiate.choices(table)
    choices = negotiate.pickable(table)
    if request.method == "POST":
        if "send" in request.form:
            with transaction():
                again = negotiate.newest_proposal(debt)
                if again is not None:
                    negotiate.send_to_person(debt, proposal=again, by=me().actor)
            return redirect(url_for("plans.sent_to_person", reference=reference), 303)
        key = request.form.get("choose", "")
        if key in choices:
            with transaction():
                again = negotiate.newest_proposal(debt)
                if again is None:
                    abort(400)
                number = negotiate.quote(
                    debt,
                    proposal=again,
                    key=key,
                    arrangement=picked[key],
                    by=me().actor,
                    today=today,
                    zone=me().zone,
                )
            _send_code_for(debt, number)
            return redirect(url_for("plans.check", reference=reference, number=number), 303)
        flash(_("Please choose one of the plans."), "problem")
    title, lines = _answer_words(table, choices)
    return render_template(
        "plans/choose.html",
        debt=debt,
        form=EmptyForm(),
        answer={"title": title, "lines": lines},
        asked=_asked_words(proposal),
        offers=[_offer(key, choices, debt, today=today) for key in choices],
        send_to_person="own" not in choices,
    )


def _send_code_for(debt: Standing, number: str) -> None:
    """Send the code that agrees to a quote, unless one is on its way or this session has given a code already."""
    person = me()
    made = negotiate.quote_of(debt, number=number)
    if made is None or person.strength == 2:
        return
    good_for = sign_in.For(person.lender_id, person.debtor_id, person.session_id, made.id)
    reachable = sign_in.can_get_codes(lender_id=person.lender_id, debtor_id=person.debtor_id)
    if reachable and sign_in.code_waiting(good_for) is None:
        send_code(about=made.id, offer=number, most=sign_in.CODES_UNASKED)


def _offer(key: str, choices: dict[str, Schedule], debt: Standing, *, today: date) -> dict[str, object]:
    schedule = choices[key]
    # Between two of which one needs a person and isn't here, it is the lowest that can be picked.
    lowest = key == Kind.IN_BETWEEN.value and schedule.payment == min(one.payment for one in choices.values())
    return {
        "key": key,
        "title": _title_of(Kind.LOWEST_PAYMENT.value if lowest else key),
        "payment": schedule.payment,
        "every": every(schedule.frequency),
        "count": schedule.count,
        "last": schedule.last,
        "first_due": schedule.starts_on,
        "ends_on": schedule.ends_on,
        "total": schedule.total,
        "interest": schedule.total_interest,
        "cost_more_than_today": schedule.total - debt.owed,
        "mine": key == "own",
        "falling": schedule.balances(today=today),
    }


def _title_of(key: str) -> str:
    return {
        "own": _("What you asked for"),
        "answer": _("Closest to what you asked for"),
        Kind.LOWEST_PAYMENT.value: _("Lowest payment"),
        Kind.IN_BETWEEN.value: _("In between"),
        Kind.SOONEST_DONE.value: _("Done soonest"),
        Kind.LEAST_COST.value: _("Costs least"),
        Kind.STEP_UP.value: _("Starts with what you said, then more"),
    }[key]


def _answer_words(table: Table, choices: dict[str, Schedule]) -> tuple[str, tuple[str, ...]]:
    """Say yes; or why not, and what would work."""
    answer = table.answer
    if answer.outcome is Outcome.ACCEPT and not answer.needs_person:
        return _("Yes, what you asked for works."), ()
    why = {
        Reason.BELOW_LEAST_PAYMENT: _("It would take longer than your lender allows in a usual plan."),
        Reason.INTEREST_WOULD_OUTGROW: _("With this amount the interest would grow faster than you pay it off."),
        Reason.FREQUENCY_NOT_OFFERED: _("Your lender doesn’t offer paying this often."),
        Reason.FIRST_PAYMENT_TOO_LATE: _("The first payment would come later than your lender allows."),
        Reason.FIRST_PAYMENT_IN_THE_PAST: _("The first day would already be over."),
        Reason.LONGER_THAN_AUTOMATIC: _("A plan this long is looked at by a person first."),
        Reason.ABOVE_WHAT_IS_AFFORDABLE: _("It is more than you have left in a month. We don’t want you to go short."),
        Reason.NOTHING_LEFT_OVER: _("You have nothing left over in a month. Then you don’t have to pay now."),
        Reason.A_PERSON_DECIDES: _("A person will look at this and answer you."),
        Reason.DOWN_PAYMENT_REQUIRED: _("Your lender asks for a larger first payment."),
    }
    lines = [why[reason] for reason in answer.reasons if reason in why]
    change = answer.change
    if choices and change.input in (Input.PAYMENT, Input.BUDGET):
        # Only what can be agreed to here and now is called a way that works.
        lowest = min(choices.values(), key=lambda schedule: schedule.payment)
        lines.append(
            _(
                "What would work: %(amount)s %(every)s.",
                amount=money_words(lowest.payment),
                every=every(lowest.frequency),
            )
        )
    elif change.input is Input.FIRST_PAYMENT_DATE and isinstance(change.value, date):
        lines.append(_("What would work: a first payment on %(day)s.", day=day_words(change.value)))
    elif change.input is Input.FREQUENCY and isinstance(change.value, Frequency):
        lines.append(_("What would work: paying %(every)s.", every=how_often(change.value).lower()))
    return _("Not quite, but there are ways that work."), tuple(lines)


@plans.get("/debts/<reference:reference>/sent-to-a-person")
@needs_debtor
def sent_to_person(reference: str) -> ResponseReturnValue:
    """Say that an offer is with a person, and by when there is an answer."""
    debt, _today = _debt_to_plan(reference)
    proposal = negotiate.newest_proposal(debt)
    if proposal is None or proposal.state != "with_a_person":
        return redirect(url_for("plans.choose", reference=reference), 303)
    asked = negotiate.request_of(proposal)
    if asked is not None and asked.state not in WAITING:
        # There is an answer, or it was taken back: its own page says which.
        return redirect(url_for("care.request", number=asked.number), 303)
    return render_template(
        "plans/sent_to_person.html",
        number=negotiate.number_of(proposal),
        asked=_asked_words(proposal),
        answer_by=negotiate.answer_by(proposal, zone=me().zone),
        debt=debt,
    )


def _my_quote(reference: str, number: str) -> tuple[Standing, Quote] | ResponseReturnValue:
    debt, _today = _debt_to_plan(reference)
    made = negotiate.quote_of(debt, number=number)
    if made is None:
        abort(404)
    if made.state == "accepted":
        return redirect(url_for("plans.plan", reference=negotiate.reference_of_quote(made)), 303)
    if (away := _elsewhere(debt)) is not None:
        return away
    if not negotiate.holds(made, parts=debt.parts):
        flash(_("This offer no longer holds, because its time is over or what you owe has changed. Here are today’s."))
        return redirect(url_for("plans.choose", reference=reference), 303)
    return debt, made


@plans.route("/debts/<reference:reference>/check-your-plan/<number>", methods=["GET", "POST"])
@needs_debtor
def check(reference: str, number: str) -> ResponseReturnValue:
    """Show everything of a quote, and take the one-time code, which is the signature under the plan."""
    found = _my_quote(reference, number)
    if not isinstance(found, tuple) or not isinstance(found[0], Standing):
        return found
    debt, made = found
    person = me()
    form = CodeForm()
    good_for = sign_in.For(person.lender_id, person.debtor_id, person.session_id, made.id)
    if request.method == "POST" and "again" in request.form:
        send_code(about=made.id, offer=made.number)
        return redirect(url_for("plans.check", reference=reference, number=number, _anchor="agree"), 303)
    if request.method == "POST" and (person.strength == 2 or form.validate()):
        text, quote_number = _agreement_text(debt, made), made.number
        # The code and what it signs are one act: neither is there without the other.
        with transaction():
            given = (
                sign_in.CodeGood()
                if person.strength == 2
                else sign_in.give_code(good_for, code=form.code.data or "", key=str(current_app.config["SECRET_KEY"]))
            )
            done = (
                negotiate.agree(debt, number=quote_number, agreed_text=text, by=person.actor)
                if isinstance(given, sign_in.CodeGood)
                else None
            )
        if done is not None:
            renew(good_for, code=form.code.data or "", key=str(current_app.config["SECRET_KEY"]))
            return _agreed(debt, done)
        # A second click finds its code used, and the plan agreed to.
        found = _my_quote(reference, number)
        if not isinstance(found, tuple) or not isinstance(found[0], Standing):
            return found
        debt, made = found
        if not isinstance(given, sign_in.CodeGood):
            form.code.errors = [code_problem(given)]
    return render_template(
        "plans/check.html",
        **_check_context(debt, made),
        form=form,
        code={
            "needed": person.strength < 2,
            "sent_to": sign_in.code_waiting(good_for),
            "possible": sign_in.can_get_codes(lender_id=person.lender_id, debtor_id=person.debtor_id),
            "wait": wait_words(),
        },
    ), 422 if form.errors else 200


def _agreed(debt: Standing, done: Agreed | AgreedBefore | QuoteGone | PlanAlive) -> ResponseReturnValue:
    match done:
        case Agreed(reference=plan) | AgreedBefore(reference=plan):
            return redirect(url_for("plans.plan", reference=plan, new=1), 303)
        case PlanAlive(reference=plan):
            flash(_("This debt has a plan already. Here it is."))
            return redirect(url_for("plans.plan", reference=plan), 303)
        case QuoteGone():
            flash(
                _("This offer no longer holds, because its time is over or what you owe has changed. Here are today’s.")
            )
            return redirect(url_for("plans.choose", reference=debt.reference), 303)


def _check_context(debt: Standing, made: Quote) -> dict[str, object]:
    schedule = negotiate.schedule_in(made)
    left = schedule.total
    items = []
    for item in schedule.items:
        left = left - item.amount
        items.append({"number": item.seq, "due_on": item.due_on, "amount": item.amount, "left": left})
    grace = int(made.terms["grace_days"])
    return {
        "debt": debt,
        "quote": {
            "number": made.number,
            "expires_on": made.expires_at.astimezone(clock.zone(me().zone)).date(),
            "payment": schedule.payment,
            "every": every(schedule.frequency),
            "first_due": schedule.starts_on,
            "ends_on": schedule.ends_on,
            "total": schedule.total,
            "interest": schedule.total_interest,
            "items": items,
            "falling": schedule.balances(today=min(clock.today(me().zone), schedule.starts_on)),
        },
        "if_missed": (
            ngettext(
                "You have %(num)s more day after each date. A payment in that time counts as kept.",
                "You have %(num)s more days after each date. A payment in that time counts as kept.",
                grace,
            ),
            _("If a payment stays missing, the plan may end. Pay what is missing, and it goes on as before."),
            _("What you paid stays yours in any case: it is always taken off what you owe."),
        ),
        "how_to_change": (
            _("You can pay more or pay all of it at any time. It costs nothing extra."),
            _("To change a day or an amount, or to end the plan, call us, if you can before the payment day."),
        ),
        "credit_words": (
            _("This plan does not change what your lender reports about this debt, and it promises no change."),
        ),
        "consent": consent_words(schedule, debt),
    }


def consent_words(schedule: Schedule, debt: Standing) -> str:
    """Give the exact sentence that is agreed to."""
    return _(
        "I agree to pay %(total)s in %(count)d payments from %(first)s to %(last)s for the debt %(reference)s.",
        total=money_words(schedule.total),
        count=schedule.count,
        first=day_words(schedule.starts_on),
        last=day_words(schedule.ends_on),
        reference=debt.reference,
    )


def _agreement_text(debt: Standing, made: Quote) -> str:
    """Give, word for word, what the page of a quote says and is agreed to; it is kept with the plan."""
    context = _check_context(debt, made)
    schedule = negotiate.schedule_in(made)
    lines = [str(context["consent"])]
    lines += [f"{item.seq}. {day_words(item.due_on)}: {money_words(item.amount)}" for item in schedule.items]
    for part in ("if_missed", "how_to_change", "credit_words"):
        lines += [str(line) for line in context[part]]  # type: ignore[attr-defined]
    return "\n".join(lines)


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
            "state_words": _state_words(view.state),
            "paid": view.paid,
            "left": view.total - view.paid if view.alive else Money.zero(found.currency),
            "next": {
                "due_on": step.due_on,
                "amount": view.next_amount,
                "late": step.mark == "late",
                "held": step.held,
            }
            if step
            else None,
            "ends_on": view.steps[-1].due_on,
            "states": [marks[one.mark] for one in view.steps],
            "payments": [
                (
                    one.due_on,
                    one.amount,
                    marks[one.mark],
                    one.kept_at.astimezone(zone).date() if one.kept_at else None,
                    one.amount - one.paid if one.paid and one.mark != "done" else None,
                )
                for one in view.steps
            ],
            "alive": view.alive,
            "debt_open": found.debt_open,
            "late": view.late_amount if view.late_amount > view.next_amount else None,
            "came": _came(
                history(lender_id=found.lender_id, debt_id=found.debt_id, currency=found.currency),
                since=found.agreed_at.astimezone(zone).date(),
            ),
        },
    )


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


def _state_words(state: str) -> str:
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
