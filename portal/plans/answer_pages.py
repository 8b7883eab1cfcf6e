"""Pages that answer: at most three plans beside one's own, and an offer that is with a person."""

from __future__ import annotations

from datetime import date

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.care.requests import Opened
from portal.care.states import WAITING, Kind
from portal.care.words import promise
from portal.db import transaction
from portal.debts.statement import Standing
from portal.offers.answers import Reason
from portal.offers.asked import Settlement
from portal.people import sign_in
from portal.people.permissions import me, needs_debtor
from portal.people.views import send_code
from portal.plans import granting, negotiate
from portal.plans.forms import EmptyForm
from portal.plans.offer_cards import offer_cards, years_of
from portal.plans.pages import about_a_plan, debt_to_plan, plans
from portal.plans.words import answer_words, asked_words, pays_words
from portal.web.languages import gettext as _


@plans.route("/debts/<reference:reference>/choose-a-plan", methods=["GET", "POST"])
@about_a_plan
def choose(debt: Standing, today: date) -> ResponseReturnValue:
    """Show the answer and at most three plans beside one's own."""
    proposal = negotiate.newest_proposal(debt)
    if proposal is None:
        return redirect(url_for("plans.what_can_you_afford", reference=debt.reference), 303)
    settles = isinstance(negotiate.asked_in(proposal, today=today), Settlement)
    if proposal.pay_day is None and not settles:
        return redirect(url_for("plans.which_day", reference=debt.reference), 303)
    table = negotiate.table_for(debt, proposal=proposal, today=today)
    choices = negotiate.choices(table)
    nothing_left = Reason.NOTHING_LEFT_OVER in table.answer.reasons
    if request.method == "POST":
        if "send" in request.form:
            with transaction():
                again = negotiate.newest_proposal(debt)
                if again is not None:
                    negotiate.send_to_person(debt, proposal=again, by=me().actor)
            return redirect(url_for("plans.sent_to_person", reference=debt.reference), 303)
        if "time" in request.form and nothing_left:
            return _given_time(debt)
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
                    arrangement=choices[key],
                    by=me().actor,
                    today=today,
                    zone=me().zone,
                )
            _send_code_for(debt, number)
            return redirect(url_for("plans.check", reference=debt.reference, number=number), 303)
        flash(_("Please choose one of the plans."), "problem")
    title, lines = answer_words(table.answer, choices)
    offers = offer_cards(choices, debt=debt, today=today)
    granted = granting.granted(debt)
    return render_template(
        "plans/choose.html",
        debt=debt,
        form=EmptyForm(),
        answer={"title": title, "lines": lines},
        granted=None if granted is None else pays_words(negotiate.schedule_in(granted)),
        asked=asked_words(table.asked),
        offers=offers,
        rows=years_of([offer["falling"] for offer in offers]) if offers else (),
        needs_budget=table.needs_budget,
        knows_budget=table.means is not None,
        back=url_for("plans.which_day", reference=debt.reference)
        if not settles
        else url_for("plans.ways_to_pay", reference=debt.reference),
        send_to_person="own" not in choices and granted is None,
        time=_promised(Kind.CANT_PAY) if nothing_left else None,
        other_ways=len(negotiate.ways_for(debt, today=today)) > 1,
    )


def _promised(door: Kind) -> dict[str, object]:
    return promise(door, jurisdiction=me().lender.jurisdiction, zone=me().zone, of_debt=True)


def _given_time(debt: Standing) -> ResponseReturnValue:
    """Ask for nothing for a while, by one tap, of somebody with nothing left over."""
    with transaction():
        proposal = negotiate.newest_proposal(debt)
        opened = None if proposal is None else negotiate.ask_for_time(debt, proposal=proposal, by=me().actor)
    if isinstance(opened, Opened):
        return redirect(url_for("care.request", number=opened.number), 303)
    # After too many requests in a day its own page says what was told already, and how to call.
    return redirect(url_for("care.ask", kind=Kind.CANT_PAY.slug, debt=debt.reference), 303)


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


@plans.get("/debts/<reference:reference>/sent-to-a-person")
@needs_debtor
def sent_to_person(reference: str) -> ResponseReturnValue:
    """Say that an offer is with a person, and by when there is an answer."""
    debt, today = debt_to_plan(reference)
    proposal = negotiate.newest_proposal(debt)
    asked = None if proposal is None else negotiate.request_of(proposal)
    if proposal is None or (asked is None and proposal.state != "with_a_person"):
        return redirect(url_for("plans.choose", reference=reference), 303)
    if asked is not None and asked.state not in WAITING:
        # There is an answer, or it was taken back: its own page says which.
        return redirect(url_for("care.request", number=asked.number), 303)
    return render_template(
        "plans/sent_to_person.html",
        number=negotiate.number_of(proposal),
        asked=asked_words(negotiate.asked_in(proposal, today=today)),
        answer_by=negotiate.answer_by(proposal, zone=me().zone),
        debt=debt,
    )


@plans.get("/debts/<reference:reference>/granted")
@needs_debtor
def granted(reference: str) -> ResponseReturnValue:
    """Lead to the plan that a person said yes to; where it can't be agreed to any more, to what works now."""
    debt, _today = debt_to_plan(reference)
    made = granting.granted(debt)
    if made is None:
        return redirect(url_for("plans.choose", reference=reference), 303)
    return redirect(url_for("plans.check", reference=reference, number=made.number), 303)
