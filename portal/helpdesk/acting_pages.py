"""Pages on which a colleague acts for somebody: consent first, then the other doors, as the person's own."""

from __future__ import annotations

import uuid

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.autopay import reading as autopay
from portal.autopay.states import Auto
from portal.care import words as care_words
from portal.care.requests import Opened, TooMany, plain_words
from portal.care.states import DOORS, Kind, door_of
from portal.care.views import set_up
from portal.care.words import kind_words
from portal.db import transaction
from portal.debts.statement import debts_of
from portal.helpdesk import acting
from portal.helpdesk.forms import ALL_DEBTS, AskForThemForm, CantPayForThemForm, ConsentForm
from portal.helpdesk.people_pages import helpdesk_people, of_person
from portal.helpdesk.person import Subject
from portal.staff.gates import Colleague, needs
from portal.staff.roles import Permission
from portal.web.languages import gettext as _

# The pages of a person with these among them.
__all__ = ("helpdesk_people",)


def _to_act(subject: Subject) -> ResponseReturnValue:
    return redirect(url_for("helpdesk_people.act", debtor_id=subject.debtor_id), 303)


@helpdesk_people.route("/<uuid:debtor_id>/act", methods=["GET", "POST"])
@needs(Permission.HELP_PEOPLE)
@of_person
def act(who: Colleague, subject: Subject) -> ResponseReturnValue:
    """Ask what was agreed to, and then show what can be done for the person."""
    form = ConsentForm()
    if form.validate_on_submit():
        with transaction():
            acting.give_consent(
                who,
                debtor_id=subject.debtor_id,
                how=form.how.data,
                about=plain_words(form.about.data),
                form_key=form.form_key.data or "",
            )
        return _to_act(subject)
    if request.method == "GET":
        form.begin(form_key=uuid.uuid4().hex)
    return (
        render_template(
            "helpdesk/act.html",
            form=form,
            person=subject,
            consent=acting.standing(who, debtor_id=subject.debtor_id),
            doors=[(kind_words(kind), kind.slug) for kind in DOORS],
            debts=[debt for debt in debts_of(**subject.key) if debt.owed],
            automatic=[one for one in autopay.of_person(**subject.key) if one.state is not Auto.ASKED],
        ),
        422 if form.errors else 200,
    )


@helpdesk_people.post("/<uuid:debtor_id>/act/end")
@needs(Permission.HELP_PEOPLE)
@of_person
def end_act(who: Colleague, subject: Subject) -> ResponseReturnValue:
    """End what the person agreed to, with one tap."""
    with transaction():
        ended = acting.end_consent(who, debtor_id=subject.debtor_id)
    flash(_("You don’t act for this person any more.") if ended else _("Nothing was agreed any more."))
    return redirect(url_for("helpdesk_people.person", debtor_id=subject.debtor_id), 303)


@helpdesk_people.route("/<uuid:debtor_id>/act/ask", methods=["GET", "POST"])
@needs(Permission.HELP_PEOPLE)
@of_person
def act_ask(who: Colleague, subject: Subject) -> ResponseReturnValue:
    """Ask for the person at one of the other doors, with the texts of the person's own page."""
    door = door_of(request.args.get("door", ""))
    if door is None:
        abort(404)
    form = CantPayForThemForm() if door is Kind.CANT_PAY else AskForThemForm()
    set_up(form, **subject.key)
    mine = {debt.reference: debt for debt in debts_of(**subject.key) if debt.owed}
    everything = _("All of them") if door not in (Kind.TALK, Kind.COMPLAIN) else _("No debt in particular")
    form.debt.choices = [(ref, f"{debt.product} · {ref}") for ref, debt in mine.items()] + [(ALL_DEBTS, everything)]
    if acting.standing(who, debtor_id=subject.debtor_id) is None:
        return nothing_agreed(subject)
    if request.method == "POST" and form.validate() and (key := form.key()) is not None:
        debt = mine.get(form.debt.data)
        try:
            with transaction():
                done = acting.ask_for(
                    who,
                    debtor_id=subject.debtor_id,
                    door=door,
                    debt_id=debt.id if debt else None,
                    words=form.words.data or "",
                    key=key,
                    reply_by=form.reply_by.data,
                    wish=(form.wish.data or None) if door is Kind.CANT_PAY else None,
                    needs=form.needs() if isinstance(form, CantPayForThemForm) else (),
                    needs_text=care_words.needs_agreement(),
                )
        except acting.NoConsent:
            return nothing_agreed(subject)
        return said_of_asking(subject, done)
    if request.method == "GET":
        form.begin(debt=next(iter(mine), ALL_DEBTS) if len(mine) < 2 else None)
    form.form_key.data = form.key() or uuid.uuid4().hex
    return (
        render_template(
            "helpdesk/act_ask.html",
            form=form,
            person=subject,
            kind=door,
            title=kind_words(door),
            needs=[(need, care_words.need_words(need)) for need in care_words.NEEDS],
            needs_agreement=care_words.needs_agreement(),
            **care_words.promise(door, jurisdiction=who.lender.jurisdiction, zone=subject.zone, of_debt=len(mine) == 1),
        ),
        422 if form.errors else 200,
    )


@helpdesk_people.route("/<uuid:debtor_id>/autopay/<uuid:autopay_id>/stop", methods=["GET", "POST"])
@needs(Permission.HELP_PEOPLE)
@of_person
def stop_autopay(who: Colleague, subject: Subject, autopay_id: uuid.UUID) -> ResponseReturnValue:
    """Stop automatic payments for somebody who asks for that; only the person can turn them on."""
    if request.method == "POST":
        try:
            with transaction():
                done = acting.stop_autopay(who, debtor_id=subject.debtor_id, autopay_id=autopay_id)
        except acting.NoConsent:
            return nothing_agreed(subject)
        if done is None:
            abort(404)
        if done.now:
            flash(_("Automatic payments are stopped. The person is told."), "success")
        else:
            flash(_("That was done already. Nothing has changed."))
        return redirect(url_for("helpdesk_people.person", debtor_id=subject.debtor_id), 303)
    shown = next((one for one in autopay.of_person(**subject.key) if one.id == autopay_id), None)
    if shown is None:
        abort(404)
    if acting.standing(who, debtor_id=subject.debtor_id) is None:
        return _to_act(subject)
    return render_template("helpdesk/stop_autopay.html", person=subject, auto=shown)


def said_of_asking(subject: Subject, done: Opened | TooMany | None) -> ResponseReturnValue:
    """Say what became of what was asked for somebody; None: it was asked before."""
    if isinstance(done, TooMany):
        flash(_("So much was asked for this person today that nothing more is taken here. Call them."), "problem")
    elif done is None:
        flash(_("That was asked already. Nothing has changed."))
    else:
        flash(_("It is asked for them, number %(number)s. They are told by whom.", number=done.number), "success")
    return _to_act(subject)


def nothing_agreed(subject: Subject) -> ResponseReturnValue:
    """Say that consent is over, and ask for it again."""
    flash(_("Nothing is agreed any more: half an hour is over, or it was ended. Ask the person again."), "problem")
    return _to_act(subject)
