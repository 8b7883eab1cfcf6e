"""Finding a person, and the pages of one: what he or she sees, owes, has agreed, paid, was written and asked."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import wraps
from itertools import groupby
from typing import Any

from flask import Blueprint, abort, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import clock
from portal.autopay import reading as autopay
from portal.autopay.states import Auto
from portal.care import requests
from portal.care.requests import plain_words
from portal.care.states import Kind, State
from portal.care.words import need_words, state_words, tag_kind
from portal.contact import choices
from portal.contact.views import state_words as message_words
from portal.db import transaction
from portal.debts.pages import part_words
from portal.debts.statement import debts_of
from portal.helpdesk import finding, looking, opening, screens, sending
from portal.helpdesk import notes as written
from portal.helpdesk.finding import Answer
from portal.helpdesk.forms import CallForm, CorrectForm, LinkForm, NoteForm, ReasonForm, SearchForm
from portal.helpdesk.person import Subject, debts_with_plans, payments_of, plans_of, subject_of
from portal.helpdesk.reaching import ways_to_reach
from portal.helpdesk.words import kind_words, payment_words, refused_words
from portal.letters import caring
from portal.letters.caring_contents import Fault, Reported
from portal.letters.conditions import NotYet
from portal.letters.views import listed
from portal.letters.views import state_words as letter_words
from portal.money import Money
from portal.payments import disputes
from portal.people.views import key
from portal.plans.plan_pages import plan_state_words
from portal.staff.gates import Colleague, me, needs
from portal.staff.roles import Permission
from portal.timeline import happened, words
from portal.web.languages import gettext as _
from portal.web.spreadsheet import csv_answer

helpdesk_people = Blueprint("helpdesk_people", __name__, url_prefix="/staff/people")

_FRAMING_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'; frame-src 'self'"
)


@helpdesk_people.route("", methods=["GET", "POST"], endpoint="search")
@needs(Permission.SEE_PEOPLE)
def search_page() -> ResponseReturnValue:
    """Look for people; what was typed is sent, so that no address and no log ever holds it."""
    who, form = me(), SearchForm()
    answer: Answer | None = None
    if request.method == "POST" and form.validate():
        found = finding.find(form.typed.data or "", lender=who.lender, alike=bool(form.alike.data))
        if isinstance(found, Answer):
            answer = found
            if found.people:
                with transaction():
                    looking.searched(who, found)
        else:
            form.typed.errors = [refused_words(found)]
    return render_template("helpdesk/search.html", form=form, answer=answer), 422 if form.errors else 200


def of_person(view: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
    """Give a view of one person: another lender's is not there, and the look is on record before anything is shown.

    Who told us what helps, or disputes something, is opened with a reason. What was typed on a page that was opened
    too long ago waits for that reason in the form that asks for it, and goes on with it.
    """

    @wraps(view)
    def shown(debtor_id: uuid.UUID, **more: Any) -> ResponseReturnValue:
        who = me()
        subject = subject_of(lender_id=who.lender_id, debtor_id=debtor_id)
        if subject is None:
            abort(404)
        if not opening.nobody_sees() and not looking.has_opened(who, debtor_id=debtor_id):
            said = looking.reason_given(who, debtor_id=debtor_id) if subject.asks_for_care else None
            if subject.asks_for_care and said is None:
                if request.method == "GET":
                    return redirect(url_for("helpdesk_people.reason", debtor_id=debtor_id), 303)
                why = ReasonForm(formdata=request.form if opening.WHY in request.form else None)
                if not (opening.WHY in request.form and why.validate()):
                    return opening.ask_why(why, typed=True), 422
                said = why.reason.data
            with transaction():
                looking.opened_page(who, debtor_id=debtor_id, reason=said)
        return view(who, subject, **more)

    return shown


@helpdesk_people.route("/<uuid:debtor_id>/reason", methods=["GET", "POST"])
@needs(Permission.SEE_PEOPLE)
def reason(debtor_id: uuid.UUID) -> ResponseReturnValue:
    """Ask why somebody opens the page of a person who needs care; the person reads the reason."""
    who, form = me(), ReasonForm()
    subject = subject_of(lender_id=who.lender_id, debtor_id=debtor_id)
    if subject is None:
        abort(404)
    if form.validate_on_submit():
        with transaction():
            if not looking.has_opened(who, debtor_id=debtor_id):
                looking.opened_page(who, debtor_id=debtor_id, reason=form.reason.data)
        return redirect(url_for("helpdesk_people.person", debtor_id=debtor_id), 303)
    return opening.ask_why(form, typed=False), 422 if form.errors else 200


def _tab(name: str, who: Colleague, subject: Subject, **more: object) -> str:
    """Give one of the pages of a person, with what stands on top of each."""
    sheets = [
        (words_, url_for(f"helpdesk_people.{endpoint}", debtor_id=subject.debtor_id), endpoint == name)
        for endpoint, words_ in (
            ("person", _("Overview")),
            ("screen", _("What they see")),
            ("payments", _("Payments")),
            ("letters", _("Letters and messages")),
            ("asked", _("Requests")),
            ("notes", _("Notes and calls")),
            ("timeline", _("Timeline")),
        )
    ]
    return render_template(
        f"helpdesk/person/{name}.html",
        person=subject,
        needs=[need_words(need) for need in subject.needs],
        sheets=sheets,
        helps=Permission.HELP_PEOPLE in who.may,
        takes_evidence=Permission.TAKE_EVIDENCE in who.may,
        **more,
    )


@helpdesk_people.get("/<uuid:debtor_id>", endpoint="person")
@needs(Permission.SEE_PEOPLE)
@of_person
def person_page(who: Colleague, subject: Subject) -> ResponseReturnValue:
    """Show debts with their parts, and plans with how they go and what comes next."""
    return _tab(
        "person",
        who,
        subject,
        ways=ways_to_reach(**subject.key, needs=subject.needs, stopped=subject.stopped),
        debts=[
            (debt, owed, [(part_words(account), part) for account, part in debt.parts.items() if part])
            for debt, owed in debts_with_plans(subject)
        ],
        plans=[
            (plan, plan.debt, plan_state_words(plan.state), Money(plan.total_minor, plan.currency))
            for plan in plans_of(subject)
        ],
        automatic=[one for one in autopay.of_person(**subject.key) if one.state is not Auto.ASKED],
    )


@helpdesk_people.get("/<uuid:debtor_id>/screen")
@needs(Permission.SEE_PEOPLE)
@of_person
def screen(who: Colleague, subject: Subject) -> ResponseReturnValue:
    """Show the person's own first page, in a frame that says whose it is."""
    answer = make_response(_tab("screen", who, subject))
    answer.headers["Content-Security-Policy"] = _FRAMING_POLICY
    return answer


@helpdesk_people.get("/<uuid:debtor_id>/screen/frame")
@helpdesk_people.get("/<uuid:debtor_id>/screen/frame/<path:page>")
@needs(Permission.SEE_PEOPLE)
@of_person
def frame(who: Colleague, subject: Subject, page: str = "home") -> ResponseReturnValue:
    """Give what the person sees: the same views and templates, in the person's language, with nothing to do on them."""
    return screens.screen(who, subject, page)


@helpdesk_people.get("/<uuid:debtor_id>/payments")
@needs(Permission.SEE_PEOPLE)
@of_person
def payments(who: Colleague, subject: Subject) -> ResponseReturnValue:
    """List what was paid, and what was begun."""
    return _tab(
        "payments",
        who,
        subject,
        payments=[
            (payment, Money(payment.amount_minor, payment.currency), payment_words(payment.state))
            for payment in payments_of(subject)
        ],
        disputes=disputes.of_person(lender_id=who.lender_id, debtor_id=subject.debtor_id),
        gives_back=Permission.GIVE_BACK in who.may,
        sees_money=Permission.SEE_MONEY in who.may,
    )


@helpdesk_people.get("/<uuid:debtor_id>/letters")
@needs(Permission.SEE_PEOPLE)
@of_person
def letters(who: Colleague, subject: Subject) -> ResponseReturnValue:
    """List letters and messages; not what messages say, because codes and links stand in them."""
    messages = choices.messages_to(lender_id=who.lender_id, debtor_id=subject.debtor_id)
    return _tab(
        "letters",
        who,
        subject,
        letters=[(letter, letter_words(letter.state)) for letter in listed(**subject.key, zone=subject.zone)],
        messages=[(message, message_words(message.state)) for message in messages],
    )


@helpdesk_people.get("/<uuid:debtor_id>/requests", endpoint="asked")
@needs(Permission.SEE_PEOPLE)
@of_person
def requests_page(who: Colleague, subject: Subject) -> ResponseReturnValue:
    """List what the person asked for."""
    return _tab(
        "asked",
        who,
        subject,
        requests=[
            (each, kind_words(Kind(each.kind)), state_words(State(each.state)), tag_kind(State(each.state)))
            for each in requests.requests_of(lender_id=who.lender_id, debtor_id=subject.debtor_id)
        ],
        reads_requests=Permission.SEE_REQUESTS in who.may,
    )


@helpdesk_people.get("/<uuid:debtor_id>/timeline")
@needs(Permission.SEE_PEOPLE)
@of_person
def timeline(who: Colleague, subject: Subject) -> ResponseReturnValue:
    """Show everything that happened, as the person reads it."""
    place = clock.zone(subject.zone)
    try:
        before = uuid.UUID(request.args.get("before", ""))
    except ValueError:
        before = None
    found, older = happened.page(**subject.key, before=before)
    lines = [
        (each.at.astimezone(place), words.what(each.act, each.facts), words.who(each.by), each.debt) for each in found
    ]
    return _tab(
        "timeline",
        who,
        subject,
        days=[(day, list(of_day)) for day, of_day in groupby(lines, key=lambda line: line[0].date())],
        older=older.hex if older else None,
        first=before is None,
    )


def _to_notes(subject: Subject) -> ResponseReturnValue:
    return redirect(url_for("helpdesk_people.notes", debtor_id=subject.debtor_id), 303)


@helpdesk_people.get("/<uuid:debtor_id>/notes")
@needs(Permission.SEE_PEOPLE)
@of_person
def notes(who: Colleague, subject: Subject) -> ResponseReturnValue:
    """List notes and calls, newest first."""
    return _tab(
        "notes",
        who,
        subject,
        notes=written.notes_of(who, debtor_id=subject.debtor_id),
        calls=written.calls_of(who, debtor_id=subject.debtor_id),
    )


@helpdesk_people.get("/<uuid:debtor_id>/notes.csv")
@needs(Permission.SEE_PEOPLE)
@of_person
def notes_csv(who: Colleague, subject: Subject) -> ResponseReturnValue:
    """Give the notes as a file."""
    return csv_answer(
        "notes",
        ("written", "by", "corrected since", "note"),
        (
            (note.at.isoformat(timespec="minutes"), note.who, "corrected" if note.struck else None, note.text)
            for note in written.notes_of(who, debtor_id=subject.debtor_id)
        ),
    )


@helpdesk_people.get("/<uuid:debtor_id>/calls.csv")
@needs(Permission.SEE_PEOPLE)
@of_person
def calls_csv(who: Colleague, subject: Subject) -> ResponseReturnValue:
    """Give the calls as a file."""
    return csv_answer(
        "calls",
        ("noted", "by", "direction", "reached", "agreed to speak", "about"),
        (
            (
                call.noted_at.isoformat(timespec="minutes"),
                name,
                call.direction,
                "yes" if call.reached else "no",
                call.agreed,
                call.about,
            )
            for call, name in written.calls_of(who, debtor_id=subject.debtor_id)
        ),
    )


@helpdesk_people.route("/<uuid:debtor_id>/notes/new", methods=["GET", "POST"])
@needs(Permission.HELP_PEOPLE)
@of_person
def new_note(who: Colleague, subject: Subject) -> ResponseReturnValue:
    """Take a note, perhaps in place of another one."""
    form = NoteForm()
    try:
        strikes = uuid.UUID(request.args["instead"]) if "instead" in request.args else None
    except ValueError:
        abort(404)
    before = next((note for note in written.notes_of(who, debtor_id=subject.debtor_id) if note.id == strikes), None)
    if strikes is not None and before is None:
        abort(404)
    if form.validate_on_submit():
        with transaction():
            done = written.write_note(
                who,
                debtor_id=subject.debtor_id,
                text=plain_words(form.text.data),
                form_key=form.form_key.data or "",
                strikes=strikes,
            )
        if done:
            flash(_("The note is there. For ten minutes you can take it back."), "success")
        else:
            flash(_("That note was corrected or taken back just now. Here is how it stands."), "problem")
        return _to_notes(subject)
    if request.method == "GET":
        form.begin(form_key=uuid.uuid4().hex, text=before.text if before else None)
    return render_template("helpdesk/note.html", form=form, person=subject, before=before), 422 if form.errors else 200


@helpdesk_people.post("/<uuid:debtor_id>/notes/<uuid:note_id>/take-back")
@needs(Permission.HELP_PEOPLE)
@of_person
def take_back_note(who: Colleague, subject: Subject, note_id: uuid.UUID) -> ResponseReturnValue:
    """Take one's own note of a moment ago back."""
    with transaction():
        done = written.take_back_note(who, debtor_id=subject.debtor_id, note_id=note_id)
    if done is None:
        abort(404)
    if done:
        flash(_("The note is taken back."), "success")
    else:
        flash(_("It can’t be taken back any more. You can correct it with a new note."), "problem")
    return _to_notes(subject)


@helpdesk_people.route("/<uuid:debtor_id>/calls/new", methods=["GET", "POST"])
@needs(Permission.HELP_PEOPLE)
@of_person
def new_call(who: Colleague, subject: Subject) -> ResponseReturnValue:
    """Take down a call."""
    form = CallForm()
    if form.validate_on_submit():
        with transaction():
            written.note_call(
                who,
                debtor_id=subject.debtor_id,
                direction=form.direction.data,
                reached=form.reached.data == "yes",
                agreed=form.agreed.data,
                about=plain_words(form.about.data),
                form_key=form.form_key.data or "",
            )
        flash(_("The call is written down."), "success")
        return _to_notes(subject)
    if request.method == "GET":
        form.begin(form_key=uuid.uuid4().hex)
    return render_template("helpdesk/call.html", form=form, person=subject), 422 if form.errors else 200


@helpdesk_people.route("/<uuid:debtor_id>/link", methods=["GET", "POST"])
@needs(Permission.HELP_PEOPLE)
@of_person
def link(who: Colleague, subject: Subject) -> ResponseReturnValue:
    """Send a link to a contact on file; nobody of the staff sees it."""
    form = LinkForm()
    if form.validate_on_submit():
        with transaction():
            sent = sending.send_link(
                who, debtor_id=subject.debtor_id, to=form.to.data, once=form.form_key.data or "", key=key()
            )
        if sent:
            flash(_("The link is on its way to a contact on file. It asks for the date of birth."), "success")
        else:
            flash(_("No link was sent: nothing on file may be written to, or no date of birth is on file."), "problem")
        return redirect(url_for("helpdesk_people.person", debtor_id=subject.debtor_id), 303)
    if request.method == "GET":
        form.begin(form_key=uuid.uuid4().hex)
    return render_template("helpdesk/link.html", form=form, person=subject), 422 if form.errors else 200


@helpdesk_people.route("/<uuid:debtor_id>/correct", methods=["GET", "POST"])
@needs(Permission.HELP_PEOPLE)
@of_person
def correct(who: Colleague, subject: Subject) -> ResponseReturnValue:
    """Write to a credit bureau that something which was reported is not right."""
    form = CorrectForm()
    debts = debts_of(**subject.key)
    form.debt.choices = [(debt.reference, f"{debt.product} ({debt.reference})") for debt in debts]
    if form.validate_on_submit():
        found = caring.Found(
            bureau=form.bureau.data,
            reported=Reported(form.reported.data),
            fault=Fault(form.fault.data),
            current=form.current.data,
            correct=form.correct.data,
            discovered_on=form.discovered_on.data,
            reason=form.reason.data,
        )
        debt = next(debt for debt in debts if debt.reference == form.debt.data)
        with transaction():
            new = caring.ask_to_correct(
                debt, found, zone=subject.zone, form_key=form.form_key.data or "", by=who.actor, name=who.name
            )
        if not isinstance(new, NotYet):
            flash(_("The notice is being made. It will be among the letters in a minute."), "success")
            return redirect(url_for("helpdesk_people.letters", debtor_id=subject.debtor_id), 303)
        form.correct.errors = [
            _("A notice says what is right instead of what is wrong, found by today. What is true stays in the record.")
        ]
    if request.method == "GET":
        form.begin(form_key=uuid.uuid4().hex)
    return render_template("helpdesk/correct.html", form=form, person=subject), 422 if form.errors else 200
