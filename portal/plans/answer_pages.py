"""Pages that answer: at most three plans beside one's own, and an offer that is with a person."""

from __future__ import annotations

from datetime import date

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.care.states import WAITING
from portal.db import transaction
from portal.debts.statement import Standing
from portal.offers.answers import Input, Kind, Outcome, Reason
from portal.people import sign_in
from portal.people.permissions import me, needs_debtor
from portal.people.views import send_code
from portal.plans import negotiate
from portal.plans.forms import EmptyForm, every, how_often
from portal.plans.negotiate import NoLimits, Table
from portal.plans.pages import asked_words, debt_to_plan, elsewhere, no_limits, plans
from portal.schedules.dates import Frequency
from portal.schedules.schedule import Schedule
from portal.web.formats import day as day_words
from portal.web.formats import money as money_words


@plans.route("/debts/<reference:reference>/choose-a-plan", methods=["GET", "POST"])
@needs_debtor
def choose(reference: str) -> ResponseReturnValue:
    """Show the answer and at most three plans beside one's own."""
    debt, today = debt_to_plan(reference)
    if (away := elsewhere(debt)) is not None:
        return away
    proposal = negotiate.newest_proposal(debt)
    if proposal is None:
        return redirect(url_for("plans.what_can_you_afford", reference=reference), 303)
    if proposal.pay_day is None:
        return redirect(url_for("plans.which_day", reference=reference), 303)
    try:
        table = negotiate.table_for(debt, proposal=proposal, today=today)
    except NoLimits:
        return no_limits(debt)
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
                    schedule=choices[key],
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
        asked=asked_words(proposal),
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
    lines = [why[reason] for reason in answer.reasons]
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
    debt, _today = debt_to_plan(reference)
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
        asked=asked_words(proposal),
        answer_by=negotiate.answer_by(proposal, zone=me().zone),
        debt=debt,
    )
