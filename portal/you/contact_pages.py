"""Pages for phone numbers and e-mail addresses: list, add, change with two codes, remove, undo."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask import session as cookie
from flask.typing import ResponseReturnValue

from portal import clock
from portal.db import transaction
from portal.people import codes, contacts, sign_in
from portal.people.contacts import (
    AlreadyThere,
    Begun,
    Changed,
    ChangeOver,
    CodeTaken,
    LastOne,
    NotTheirs,
    TooManyChanges,
)
from portal.people.models import ContactChange, ContactPoint
from portal.people.permissions import me, needs_code, needs_debtor, renew
from portal.people.reach import Address, Problem, likely_regions, read, shown
from portal.people.sign_in import masked
from portal.people.views import code_problem, key, wait_words, zone_before_sign_in
from portal.web.formats import instant
from portal.web.languages import gettext as _
from portal.web.security import open_page
from portal.you.forms import AddressForm, NewCodeForm, OldCodeForm, SureForm
from portal.you.views import mine

contact_pages = Blueprint("contacts", __name__)


def _fresh_key() -> str:
    return uuid.uuid4().hex


def _problem_words(problem: Problem) -> str:
    """Say what is wrong with an address, and what would be right."""
    return {
        Problem.NOTHING: _("Enter a phone number or an e-mail address."),
        Problem.TOO_MUCH: _("This is too long for a phone number or an e-mail address."),
        Problem.NO_EMAIL: _("This e-mail address is not complete. It looks like name@example.com."),
        Problem.WORDS: _("Enter a phone number in digits, or an e-mail address with an @ in it."),
        Problem.COUNTRY: _("Begin the number with + and the code of the country, for example +1 or +86."),
        Problem.TOO_SHORT: _("This number is too short. Enter all of its digits, with the area code."),
        Problem.TOO_LONG: _("This number is too long. Check that it is one number only."),
        Problem.NO_NUMBER: _("We don’t know such a number. Check the digits, or begin with + and the country’s code."),
        Problem.LANDLINE: _("This is a landline number. We send codes by SMS, so please enter a mobile number."),
        Problem.COSTLY: _("We can’t send to this kind of number. Please enter a usual mobile number."),
        Problem.EXTENSION: _("We can’t send to a number with an extension. Please enter a mobile number."),
    }[problem]


def _regions() -> tuple[str, ...]:
    person = me()
    return likely_regions(jurisdiction=person.lender.jurisdiction, zones=(person.lender.zone, person.zone))


@contact_pages.get("/you/contacts", endpoint="contacts")
@needs_debtor
def contacts_page() -> ResponseReturnValue:
    """Show what is on file and what waits; addresses are whole only after a code."""
    whole = me().strength == 2
    there = contacts.of(**mine())
    return render_template(
        "you/contacts.html",
        contacts=[
            {
                "id": contact.id,
                "channel": contact.channel,
                "address": shown(contact.address) if whole else masked(contact.address),
                "confirmed": contact.confirmed_at is not None,
                "waits": contact.wrong_at is not None,
            }
            for contact in there
        ],
        several=sum(contact.wrong_at is None for contact in there) > 1,
        changes=[_shown_change(change) for change in contacts.changes_of(**mine())],
        masked=not whole,
    )


def _address(change: ContactChange) -> str:
    whole = me().strength == 2 or cookie.get("my_change") == change.number
    return shown(str(change.address)) if whole else masked(str(change.address))


def _shown_change(change: ContactChange) -> Mapping[str, object]:
    return {
        "number": change.number,
        "kind": change.kind,
        "channel": change.channel,
        "address": _address(change) if change.address else None,
        "state": contacts.state_of(change),
        "request": change.request_number,
        "expires_at": change.expires_at,
        "undo_until": change.undo_until,
        "old_given": change.old_given_at is not None,
        "new_given": change.new_given_at is not None,
    }


@contact_pages.route("/you/contacts/add", methods=["GET", "POST"])
@needs_debtor
def add() -> ResponseReturnValue:
    """Ask for a further phone number or e-mail address."""
    return _ask(replaces=None)


@contact_pages.route("/you/contacts/<uuid:contact_id>/change", methods=["GET", "POST"])
@needs_debtor
def change(contact_id: uuid.UUID) -> ResponseReturnValue:
    """Ask for what comes in the place of a contact."""
    return _ask(replaces=_mine_or_404(contact_id))


def _mine_or_404(contact_id: uuid.UUID) -> ContactPoint:
    found = contacts.one(**mine(), contact_id=contact_id)
    if found is None:
        abort(404)
    return found


def _ask(*, replaces: ContactPoint | None) -> ResponseReturnValue:
    form = AddressForm()
    old = (replaces.id, replaces.channel, masked(replaces.address)) if replaces else None
    if request.method == "POST":
        found = read(form.address.data or "", regions=_regions())
        if isinstance(found, Address) and form.validate():
            with transaction():
                begun = contacts.begin(
                    **mine(),
                    address=found,
                    form_key=form.form_key.data or "",
                    by=me().actor,
                    replaces=old[0] if old else None,
                )
            match begun:
                case Begun(number=number):
                    # Whoever typed the address sees it whole; somebody else who is signed in needs a code for that.
                    cookie["my_change"] = number
                    return redirect(url_for("contacts.request_page", number=number), 303)
                case AlreadyThere():
                    form.address.errors = [_("This is on file already, so nothing needs to change.")]
                case TooManyChanges(until=until):
                    form.address.errors = [
                        _(
                            "You asked for several changes today. You can ask again from %(time)s.",
                            time=instant(until),
                        )
                    ]
                case NotTheirs():
                    abort(404)
        else:
            form.address.errors = [
                _problem_words(found) if isinstance(found, Problem) else _("Please send this form again.")
            ]
    status = 422 if form.address.errors else 200
    # Whatever came in its place, the key of a form is one of ours.
    if not form.form_key.data or len(form.form_key.data) != 32:
        form.form_key.data = _fresh_key()
    # A page that is shown again holds no more of what was typed than an address can be.
    form.address.data = (form.address.data or "")[:320]
    return render_template(
        "you/contact_ask.html",
        form=form,
        old={"channel": old[1], "address": old[2]} if old else None,
        anything_on_file=bool(contacts.how_many(**mine())),
        hours=int(contacts.LIFE.total_seconds() // 3600),
    ), status


@contact_pages.route("/you/contacts/requests/<number>", methods=["GET", "POST"])
@needs_debtor
def request_page(number: str) -> ResponseReturnValue:
    """Take the two codes of a change, in either order; or give it to a person, or take it back."""
    found = contacts.change_of(**mine(), number=number)
    if found is None:
        abort(404)
    old_form, new_form = OldCodeForm(), NewCodeForm()
    if request.method == "POST":
        answer = _do(found, old_form, new_form)
        if answer is not None:
            return answer
    found = contacts.change_of(**mine(), number=number)
    if found is None:
        abort(404)
    person = me()
    waiting = {
        step: sign_in.new_code_waiting(contacts.good_for(found, session_id=person.session_id, step=step))
        for step in ("old", "new")
    }
    sent_to = sign_in.code_waiting(contacts.good_for(found, session_id=person.session_id, step="old"))
    return render_template(
        "you/contact_request.html",
        change=_shown_change(found),
        form=old_form if old_form.errors else new_form,
        old_form=old_form,
        new_form=new_form,
        waiting=waiting,
        sent_to=sent_to,
        old_contacts=[
            {"id": contact.id, "channel": contact.channel, "address": masked(contact.address)}
            for contact in contacts.live(**mine())
        ],
        wait=wait_words(),
    ), 422 if old_form.errors or new_form.errors else 200


def _do(change: ContactChange, old_form: OldCodeForm, new_form: NewCodeForm) -> ResponseReturnValue | None:
    """Do what one of the page's buttons says; None shows the page again with what was wrong."""
    number, here = change.number, redirect(url_for("contacts.request_page", number=change.number), 303)
    person = me()
    if "send_new" in request.form or "send_old" in request.form:
        _send(change)
        return here
    if "staff" in request.form:
        with transaction():
            contacts.to_staff(**mine(), number=number, by=person.actor)
        return here
    if "cancel" in request.form:
        with transaction():
            contacts.cancel(**mine(), number=number, by=person.actor)
        flash(_("The change was taken back. Nothing has changed."), "success")
        return redirect(url_for("contacts.contacts"), 303)
    if "old_code" not in request.form and "new_code" not in request.form:
        return here
    step: contacts.Step = "old" if "old_code" in request.form else "new"
    field = old_form.old_code if step == "old" else new_form.new_code
    if not (field.data or "").isdecimal() or len(field.data or "") != 6:
        field.errors = [
            _("The code has 6 digits. Check it and try again.") if field.data else _("Enter the code that we sent you.")
        ]
        return None
    with transaction():
        given = contacts.give(
            **mine(),
            session_id=person.session_id,
            number=number,
            step=step,
            code=field.data or "",
            key=key(),
            by=person.actor,
        )
    match given:
        case Changed():
            renew(contacts.good_for(change, session_id=person.session_id, step=step), code=field.data or "", key=key())
            flash(_("Done. From now on we use the new contact."), "success")
            return here
        case CodeTaken():
            renew(contacts.good_for(change, session_id=person.session_id, step=step), code=field.data or "", key=key())
            return here
        case ChangeOver():
            return here
        case NotTheirs():
            abort(404)
        case _:
            field.errors = [code_problem(given)]
    return None


def _send(change: ContactChange) -> None:
    """Send a code to the new address, or to the contact on file whose button was pressed."""
    person = me()
    if contacts.state_of(change) not in {"open", "with_staff"}:
        return
    step: contacts.Step = "new" if "send_new" in request.form else "old"
    if step == "new":
        to = sign_in.Reach(str(change.channel), str(change.address))
    else:
        try:
            contact = contacts.one(**mine(), contact_id=uuid.UUID(request.form["send_old"]))
        except ValueError:
            contact = None
        if contact is None:
            abort(404)
        to = sign_in.Reach(contact.channel, contact.address, contact.id)
    good_for = contacts.good_for(change, session_id=person.session_id, step=step)
    number, lender_name = change.number, person.lender.name
    with transaction():
        sent = codes.send_for_change(good_for, to=to, number=number, lender_name=lender_name, key=key())
    match sent:
        case sign_in.CodeUnderway():
            flash(_("We sent you a code a moment ago. It can take a minute to arrive."), "wait")
        case sign_in.TooManyCodes(until=until):
            flash(
                _(
                    "We sent you several codes just now. You can ask for the next one from %(time)s.",
                    time=instant(until),
                ),
                "wait",
            )


@contact_pages.route("/you/contacts/<uuid:contact_id>/remove", methods=["GET", "POST"])
@needs_code
def remove(contact_id: uuid.UUID) -> ResponseReturnValue:
    """Show what removing a contact means, and remove it."""
    form = SureForm()
    person = me()
    if request.method == "POST" and form.validate():
        with transaction():
            done = contacts.remove(
                **mine(),
                session_id=person.session_id,
                contact_id=contact_id,
                form_key=form.form_key.data or "",
                key=key(),
                by=person.actor,
            )
        match done:
            case Changed():
                flash(_("It is removed. We told the old contact, and for 72 hours it can be undone there."), "success")
                return redirect(url_for("contacts.contacts"), 303)
            case NotTheirs():
                abort(404)
            case LastOne():
                # The page below says why.
                pass
    found = _mine_or_404(contact_id)
    if not form.form_key.data or len(form.form_key.data) != 32:
        form.form_key.data = _fresh_key()
    return render_template(
        "you/contact_remove.html",
        form=form,
        contact={"id": found.id, "channel": found.channel, "address": shown(found.address)},
        last=contacts.how_many(**mine()) == 1,
    )


@contact_pages.route("/undo/<token>", methods=["GET", "POST"])
@open_page
def undo(token: str) -> ResponseReturnValue:
    """Undo a change of contact from the old one; looking at the page changes nothing, and it names nobody."""
    if request.method == "POST":
        with transaction():
            done = contacts.undo(token, key=key())
        if not done:
            return render_template("you/undo_gone.html"), 404
        return redirect(url_for("contacts.undo", token=token), 303)
    found = contacts.look_at_undo(token, key=key())
    if found is None:
        return render_template("you/undo_gone.html"), 404
    return render_template(
        "you/undo.html",
        done=found.state == "undone",
        until=found.undo_until,
        at=found.done_at or clock.now(),
        zone=zone_before_sign_in(),
    )
