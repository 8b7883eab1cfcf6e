"""Pages that answer: at most three plans beside one's own, and an offer that is with a person."""

from __future__ import annotations

from datetime import date

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.care.states import WAITING, Kind
from portal.care.words import promise
from portal.debts.statement import Standing, by_id
from portal.offers.answers import Reason
from portal.offers.asked import Settlement
from portal.people import sign_in
from portal.people.permissions import me, needs_debtor
from portal.people.views import send_code
from portal.plans import granting, negotiate
from portal.plans.forms import EmptyForm
from portal.plans.offer_cards import offer_cards, years_of
from portal.plans.pages import about_a_plan, debt_to_plan, plans, waiting_words
from portal.plans.sides import Side
from portal.plans.words import answer_words, asked_words
from portal.web.languages import gettext as _


@plans.route("/debts/<reference:reference>/choose-a-plan", methods=["GET", "POST"])
@about_a_plan
def choose(side: Side, debt: Standing, today: date) -> ResponseReturnValue:
    """Show the answer and at most three plans beside one's own."""
    proposal = negotiate.newest_proposal(debt)
    if proposal is None:
        return redirect(side.at("what_can_you_afford", reference=debt.reference), 303)
    settles = isinstance(negotiate.asked_in(proposal, today=today), Settlement)
    if proposal.pay_day is None and not settles:
        return redirect(side.at("which_day", reference=debt.reference), 303)
    table = negotiate.table_for(debt, proposal=proposal, today=today)
    choices = negotiate.choices(table)
    nothing_left = Reason.NOTHING_LEFT_OVER in table.answer.reasons
    if request.method == "POST":
        if "send" in request.form:
            return _sent(side, debt)
        if "time" in request.form and nothing_left:
            return _given_time(side, debt)
        key = request.form.get("choose", "")
        if key in choices:
            with side.act() as done_by:
                again = negotiate.newest_proposal(debt)
                if again is None:
                    abort(400)
                number = negotiate.quote(
                    debt,
                    proposal=again,
                    key=key,
                    arrangement=choices[key],
                    by=side.actor,
                    today=today,
                    zone=side.zone,
                    done_by=done_by,
                )
            if side.helper is None:
                _send_code_for(debt, number)
            return redirect(side.at("check", reference=debt.reference, number=number), 303)
        flash(_("Please choose one of the plans."), "problem")
    title, lines = answer_words(table.answer, choices)
    offers = offer_cards(choices, debt=debt, today=today)
    waiting = granting.waiting(debt)
    return side.page(
        "plans/choose.html",
        debt=debt,
        form=EmptyForm(),
        answer={"title": title, "lines": lines},
        waiting=waiting_words(waiting),
        asked=asked_words(table.asked),
        offers=offers,
        rows=years_of([offer["falling"] for offer in offers]) if offers else (),
        needs_budget=table.needs_budget,
        knows_budget=table.means is not None,
        back=side.at("ways_to_pay" if settles else "which_day", reference=debt.reference),
        send_to_person="own" not in choices and not any(each.kind == granting.GRANTED for each in waiting),
        time=_promised(side, Kind.CANT_PAY) if nothing_left else None,
        other_ways=len(negotiate.ways_for(debt, today=today)) > 1,
    )


def _promised(side: Side, door: Kind) -> dict[str, object]:
    return promise(door, jurisdiction=side.lender.jurisdiction, zone=side.zone, of_debt=True)


def _sent(side: Side, debt: Standing) -> ResponseReturnValue:
    """Hand what was asked to a person."""
    with side.act() as done_by:
        proposal = negotiate.newest_proposal(debt)
        opened = (
            None
            if proposal is None
            else negotiate.send_to_person(debt, proposal=proposal, by=side.actor, done_by=done_by)
        )
        side.told(opened)
    return side.asked(debt, opened, kind=Kind.OFFER)


def _given_time(side: Side, debt: Standing) -> ResponseReturnValue:
    """Ask for nothing for a while, by one tap, of somebody with nothing left over."""
    with side.act() as done_by:
        proposal = negotiate.newest_proposal(debt)
        opened = (
            None
            if proposal is None
            else negotiate.ask_for_time(debt, proposal=proposal, by=side.actor, done_by=done_by)
        )
        side.told(opened)
    return side.asked(debt, opened, kind=Kind.CANT_PAY)


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
    made = next((each for each in granting.waiting(debt) if each.kind == granting.GRANTED), None)
    if made is None:
        return redirect(url_for("plans.choose", reference=reference), 303)
    return redirect(url_for("plans.check", reference=reference, number=made.number), 303)


@plans.get("/plan-that-waits")
@needs_debtor
def prepared() -> ResponseReturnValue:
    """Lead to the plan that a colleague went through with the person, if it still waits; else to what is owed."""
    person = me()
    made = negotiate.prepared_for(lender_id=person.lender_id, debtor_id=person.debtor_id)
    if made is None:
        flash(_("No plan waits for you any more. Here is how things stand."))
        return redirect(url_for("home.home"), 303)
    reference = by_id(lender_id=made.lender_id, debt_id=made.debt_id).reference
    return redirect(url_for("plans.check", reference=reference, number=made.number), 303)
